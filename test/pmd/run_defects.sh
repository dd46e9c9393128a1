#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC1007,SC1091,SC2015,SC2046,SC2086,SC2154  # words split on purpose
# Run cases of xsk_dut, each in a network and mount namespace of its own with a fresh veth pair, and
# print what each driver makes of each. Nothing outlives a case: netns, hugepage mount, bpffs, /run.
#
# Exit 0: net_xsk passes all (and, with --expect, net_af_xdp shows what the list says it shows);
# 1: not so; 77: nothing could be run.
set -u

here=$(cd "$(dirname "$0")" && pwd)
dut= plugin= prog= cases= pmds=net_xsk expect=0 limit=110 verbose=0 eal= inner=0 args=

usage() {
	echo "usage: $0 --dut PROGRAM [--pmd 'NAME ...'] [--plugin SO] [--prog OBJECT]" >&2
	echo "       [--case NAME]..." >&2
	echo "       [--expect] [--timeout SECONDS] [--eal ARGS] [--args DEVARGS] [--verbose]" >&2
	exit 2
}

. "$here/ns_pair.sh"

while [ $# -gt 0 ]; do
	case $1 in
	--dut) dut=$2; shift ;;
	--pmd) pmds=$2; shift ;;
	--plugin) plugin=$2; shift ;;
	--prog) prog=$2; shift ;;
	--case) cases="$cases $2"; shift ;;
	--eal) eal=$2; shift ;;
	--args) args=$2; shift ;;
	--timeout) limit=$2; shift ;;
	--expect) expect=1 ;;
	--verbose) verbose=1 ;;
	--inner) inner=1 ;;
	*) usage ;;
	esac
	shift
done
[ -n "$dut" ] || usage

# The only thing run inside the namespaces: one case on one driver.
inner_run() {
	queues=$1
	ns_pair $queues
	set -- "$dut" --case $cases --pmd $pmds --iface dut0 --peer peer0 --queues $queues \
		--tmp $tmp
	[ -z "$plugin" ] || [ $pmds = net_af_xdp ] || set -- "$@" --plugin "$plugin"
	[ -z "$prog" ] || set -- "$@" --prog "$prog"
	[ -z "$args" ] || set -- "$@" --args "$args"
	case $eal in
	*--no-huge* | *--in-memory*) ;;
	*) eal="--huge-dir $tmp/huge --file-prefix dut$$ $eal" ;;
	esac
	DUT_TOOLS=$here/../tools timeout -k 5 $limit "$@" --eal "-l 0,1 $eal"
}

need_machine
if [ $inner = 1 ]; then
	cases=${cases# }
	inner_run "$("$dut" --list | awk -v c="$cases" '$1 == c { print $3 }' | grep . || echo 2)"
	exit
fi
case $eal in
*--no-huge*) ;;
*) need_hugepages ;;
esac

run_case() {
	unshare --mount --net -- "$here/run_defects.sh" --inner --dut "$dut" --case "$1" \
		--pmd "$2" \
		--plugin "$plugin" --prog "$prog" --timeout "$limit" --eal "$eal" --args "$args"
}

# One case of one driver: hand its output and status through, for a test runner.
if [ "$(echo $cases | wc -w)" = 1 ] && [ "$(echo $pmds | wc -w)" = 1 ] && [ $expect = 0 ]; then
	run_case $cases $pmds
	exit
fi

# What the list expects is what one version does.
case $("$dut" --dpdk) in
*22.11.*) ;;
*)	[ $expect = 0 ] || echo "not DPDK 22.11: results of net_af_xdp are shown, not judged"
	expect=0 ;;
esac
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM
all=$("$dut" --list)
[ -n "$cases" ] || cases=$(echo "$all" | awk '{ print $1 }')
ran=0 bad=0
printf '%-8s %-14s' defect case
for pmd in $pmds; do printf ' %-12s' $pmd; done
echo
for c in $cases; do
	set -- $(echo "$all" | awk -v c="$c" '$1 == c { print $2, $4 }')
	[ $# = 2 ] || usage
	defect=$1 wanted=$2
	printf '%-8s %-14s' $defect $c
	notes=
	for pmd in $pmds; do
		run_case $c $pmd > "$log" 2>&1
		status=$?
		case $status in
		0) word=pass ;;
		1) word=shown; [ $defect != - ] || word=broken ;;
		77) word=skip ;;
		124 | 137) word=hang ;;
		*) word=crash-$status ;;
		esac
		printf ' %-12s' $word
		[ $word = skip ] || ran=$((ran + 1))
		if [ $pmd = net_af_xdp ]; then
			case $wanted/$word in
			"$word/$wanted" | shown/hang | shown/crash-* | broken/hang) ;;
			broken/crash-*) ;;
			*) if [ $expect = 1 ]; then
				bad=$((bad + 1))
				notes="$notes (expected $wanted)"
			fi ;;
			esac
		elif [ $word != pass ] && [ $word != skip ]; then
			bad=$((bad + 1))
		fi
		[ $verbose = 0 ] || notes="$notes
$(grep -a "^$c: " "$log" | head -n 12 | sed "s/^/    $pmd: /")"
	done
	echo "$notes"
done
[ $ran -gt 0 ] || skip "no case could be run"
echo "$ran runs, $bad not as they should be"
[ $bad = 0 ]

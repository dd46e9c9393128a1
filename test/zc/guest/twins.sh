#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# twins KIND QUEUES [CASE...]: the twins of the kernel's own AF_XDP tests on a pair of cards, both
# of them ports of one process: all cases of test/pmd, or those named (without "twin-"). MODE=copy
# or MODE=skb in the environment: in that mode instead of zero-copy.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
kind=$1 queues=$2
shift 2
DUT=$BUILD/test/pmd/xsk_dut
[ -x "$DUT" ] || skip "not built: $DUT"

zc_pair "$kind" "$queues"
# One process has both ends, so both cards are in one namespace.
ip -n gen link set gen0 netns dut || exit 1
at_exit "ip -n dut link set gen0 netns gen"
ip -n dut link set gen0 up
in_ns dut ethtool -X gen0 equal "$queues" >/dev/null 2>&1
must "the cards have a carrier" wait_for 30 eval "carrier dut dut0 && carrier dut gen0"
eal_args

# one CASE: its exit status; what it says ends in $T/twin.
one() {
	in_ns dut timeout -k 5 "${LIMIT:-200}" "$DUT" --case "twin-$1" --iface dut0 --peer gen0 \
		--queues "$queues" --tmp "$T" --args "mode=${MODE:-zc}" --patience 10 --count 1000 \
		--prog "$BUILD/test/pmd/dut_redirect.bpf.o" --eal "-l 0,1 ${eal_args[*]}" \
		>"$T/twin" 2>&1
}

[ $# != 0 ] || mapfile -t all < <("$DUT" --twins | sed 's/^twin-//; s/ .*//')
[ $# != 0 ] || set -- "${all[@]}"
for name; do
	status=0
	one "$name" || status=$?
	reason=$(sed -n 's/^SKIP: *//p' "$T/twin" | tail -n 1)
	if [ $status = 77 ] && [ $# = 1 ]; then
		skip "$reason"
	elif [ $status = 77 ]; then
		echo "skipped: $name: $reason"
	else
		check "$name" eval "cat $T/twin; [ $status = 0 ]"
	fi
done

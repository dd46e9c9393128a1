#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# dut CASE KIND [QUEUES [OPTIONS...]]: a case of xsk_dut (test/pmd) on real cards: the port on one
# of a pair, its peer on the other. KIND "a+b+c" is several pairs, for cases that want them.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
what=$1 kinds=$2 queues=${3:-1} number=0 iface='' peer=''
shift $(($# < 3 ? $# : 3))

make_ns dut
for kind in ${kinds//+/ }; do
	if [ "$kind" = veth ]; then
		make_veth dut "dut$number" dut "gen$number" "$queues"
	else
		take_card "$kind" 1 dut "dut$number" "$queues"
		take_card "$kind" 2 dut "gen$number" "$queues"
	fi
	# The frames of the cases are addressed to nobody.
	ip -n dut link set "dut$number" promisc on
	ip -n dut link set "gen$number" promisc on
	iface+=${iface:++}dut$number
	peer+=${peer:++}gen$number
	must "the pair $kind has a carrier" wait_for 30 \
		eval "carrier dut dut$number && carrier dut gen$number"
	number=$((number + 1))
done
eal_args
# What it says is the log; check shows it only after a failure.
run_case() {
	in_ns dut timeout -k 5 200 "$BUILD/test/pmd/xsk_dut" --case "$what" --iface "$iface" \
		--peer "$peer" --queues "$queues" --wait 20000 --tmp "$T" "$@" \
		--eal "-l 1 ${eal_args[*]}"
}
run_case "$@"
status=$?
[ $status != 77 ] || skip "the case skips"
check "case $what ends with 0" [ $status = 0 ]

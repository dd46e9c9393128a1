#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# forward KIND QUEUES [MODE [REASON]]: with iface= and nothing else, on testpmd's own mbuf pool, the
# port gets zero-copy (or MODE, blanks written _; then it names a reason with the word REASON), and
# every frame of 60 to 1514 bytes comes back whole: at first, after stop and start, after the link
# was down. QUEUES may be several counts, the largest first, "8+4": one after the other.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
kind=$1 counts=$2 mode=${3:-zero-copy} reason=${4-}
mode=${mode//_/ }
zc=1
[ "$mode" = zero-copy ] || zc=0

# with_queues N: the stopped port and both cards to N queues.
with_queues() {
	must "dut0 has $1 queues" set_queues dut dut0 "$1"
	must "gen0 has $1 queues" set_queues gen gen0 "$1"
	spread gen gen0 "$1"
	tp_cmd "port config all rxq $1" >/dev/null
	tp_cmd "port config all txq $1" >/dev/null
	check "the port starts with $1 queues" tp_cmd "port start 0" 30
}

zc_pair "$kind" "${counts%%+*}"
TP_MBUFS=${TP_MBUFS:-32768} zc_testpmd --vdev "net_xsk0,iface=dut0" -- \
	--rxq="${counts%%+*}" --txq="${counts%%+*}" --forward-mode=macswap
for queues in ${counts//+/ }; do
	[ "$queues" = "${counts%%+*}" ] || with_queues "$queues"
	spread dut dut0 "$queues"
	check "mode is $mode" port_says "d['mode'] == '$mode'"
	[ "$mode" = zero-copy ] || check "it says why not more: $reason" \
		port_says "'$reason' in d['why_not_more'] and d['why_not_more']"
	check "$queues sockets, zc:$zc" sockets dut $zc "$queues"
	tp_cmd start >/dev/null
	echoes "frames come back on $queues queues"
	tp_cmd stop >/dev/null
	take_stats >/dev/null
	check "no invalid tx descriptor" all_saved tx_q%d_kernel_invalid "$queues" -eq 0
	check "every queue received" all_saved rx_q%d_packets "$queues" -gt 0
	check "port stops" tp_cmd "port stop 0" 30
	check "all mbufs are back after stop" pool_full
done
check "port starts" tp_cmd "port start 0" 30
spread dut dut0 "$queues"
tp_cmd start >/dev/null
echoes "frames come back after stop and start"
ip -n gen link set gen0 down
ip -n dut link set dut0 down
ip -n dut link set dut0 up
ip -n gen link set gen0 up
spread dut dut0 "$queues"
spread gen gen0 "$queues"
echoes "frames come back after the link was down"
tp_cmd stop >/dev/null
take_stats
check "no invalid tx descriptor" saved tx_q0_kernel_invalid -eq 0
check "nothing in quarantine" saved quarantined_mbufs -eq 0
check "testpmd ends by itself" tp_quit 40

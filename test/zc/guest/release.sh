#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# release KIND QUEUES: stop under receive load comes back only when the NIC no longer writes: the
# memory of the pool does not change any more, though packets keep coming; and every mbuf is back.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
queues=$2 CALM=no

zc_pair "$1" "$queues"
# A small pool, to be read at once.
TP_MBUFS=4096 zc_testpmd --vdev "net_xsk0,iface=dut0" -- --rxq="$queues" --txq="$queues" \
	--forward-mode=rxonly --mbcache=32 --rxd=1024
check "mode is zero-copy" port_says "d['mode'] == 'zero-copy'"
tp_cmd "dump_memzone" |
	sed -nE 's/.*name:<MP_mb_pool_0_[0-9]*>, len:0x([0-9a-f]*), virt:0x([0-9a-f]*).*/\2 \1/p' \
	>"$T/zones"
mac=$(in_ns dut cat /sys/class/net/dut0/address)
for round in 1 2 3; do
	tp_cmd start >/dev/null
	must "carrier" wait_for 30 carriers
	in_ns gen "$PKTGEN" tx -i gen0 -d 90 -s 60-1514 --dst-mac "$mac" >"$T/flood" 2>&1 &
	flood=$!
	must "packets arrive" wait_for 20 stat_above rx_good_packets 1000
	check "round $round: nothing is written after stop" python3 "$GUEST/still.py" \
		"$(tp_pid)" "$T/zones" "$T/tp.in" "$T/tp.out"
	check "round $round: all mbufs are back" pool_full
	tp_cmd "port start 0" 30 >/dev/null
	kill $flood 2>/dev/null
	wait $flood
	check "statistics are cleared" tp_cmd "clear port stats 0"
done
check "nothing in quarantine" stat_is quarantined_mbufs 0
check "testpmd ends by itself" tp_quit 40

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# forward KIND QUEUES [MODE]: with iface= and nothing else, on testpmd's own mbuf pool, the port gets
# zero-copy (or MODE), and every frame of 60 to 1514 bytes comes back whole: at first, after stop
# and start, after the link was down.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
kind=$1 queues=$2 mode=${3:-zero-copy}
zc=1
[ "$mode" = zero-copy ] || zc=0

zc_pair "$kind" "$queues"
mac=$(in_ns dut cat /sys/class/net/dut0/address)
start_testpmd --vdev "net_xsk0,iface=dut0" -- --rxq="$queues" --txq="$queues" \
	--forward-mode=macswap
grep -a 'net_xsk0' "$T/tp.out"
check "mode is $mode" port_says "d['mode'] == '$mode'"
check "$queues sockets, zc:$zc" sockets dut $zc "$queues"
tp_cmd start >/dev/null

echoes() {
	check "$1" gen echo -n "${COUNT:-5000}" -s 60-1514 -t 30 --dst-mac "$mac"
	cat "$T/gen.json"
}
must "carrier after start" wait_for 10 carriers
echoes "frames come back"
tp_cmd stop >/dev/null
check "port stops" tp_cmd "port stop 0"
check "port starts" tp_cmd "port start 0"
tp_cmd start >/dev/null
must "carrier after the second start" wait_for 10 carriers
echoes "frames come back after stop and start"
ip -n gen link set gen0 down
ip -n dut link set dut0 down
ip -n dut link set dut0 up
ip -n gen link set gen0 up
must "carrier after the link was down" wait_for 10 carriers
echoes "frames come back after the link was down"
tp_cmd "show port xstats 0" | grep -v ': 0$'
tp_cmd stop >/dev/null
check "no invalid tx descriptor" stat_is tx_invalid_descs 0
check "testpmd ends by itself" tp_quit

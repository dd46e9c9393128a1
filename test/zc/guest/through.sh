#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# through NEAR FAR QUEUES: net_xsk at both ends of a wire, and from one port to another. pktgen -
# NEAR - first testpmd (io) - FAR - second testpmd (macswap), and back, whole and in order.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
near=$1 far=$2 queues=$3
opts=(--rxq="$queues" --txq="$queues")

zc_pair "$near" "$queues"
make_ns far
take_card "$far" 1 dut dut1 "$queues"
take_card "$far" 2 far far0 "$queues"
zc_testpmd --vdev "net_xsk0,iface=dut0" --vdev "net_xsk1,iface=dut1" -- "${opts[@]}" \
	--forward-mode=io
for port in 0 1; do
	check "port $port of the first is zero-copy" port_says "d['mode'] == 'zero-copy'" $port
done
export TP_NS=far
TP=far zc_testpmd --vdev "net_xsk0,iface=far0" -- "${opts[@]}" --forward-mode=macswap
tp_cmd start >/dev/null
TP=far tp_cmd start >/dev/null
must "carriers of the second pair" wait_for 30 eval "carrier dut dut1 && carrier far far0"
echoes "frames come back through three ports"
take_stats
for ((q = 0; q < queues; q++)); do
	check "no invalid tx descriptor in queue $q" saved "tx_q${q}_kernel_invalid" -eq 0
	check "transmitted without a copy in queue $q" saved "tx_q${q}_zero_copy" -gt 0
done
tp_cmd stop >/dev/null
check "first testpmd ends by itself" tp_quit 40
TP=far check "second testpmd ends by itself" tp_quit 40

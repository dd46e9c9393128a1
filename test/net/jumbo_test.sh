#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Frames of up to 9014 bytes are forwarded exactly on 1, 2 and 4 queues with scattered receive and
# multi-segment transmit: every one comes back whole and in order of its flow, as chains without a
# copy by the driver; also in generic mode, after stop and start, and with other mbufs on each side.
# PACKETS sets how many a queue count is tried with (default 100000).
# limit: 300
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"

packets=${PACKETS:-100000}
counts="1 2 4"
[ "$PMD" != af_xdp ] || counts=1

# jumbo QUEUES [DEVARGS [TESTPMD...]]: RTE_ETH_TX_OFFLOAD_MULTI_SEGS is bit 15.
jumbo() {
	local q=$1 args=${2-}
	shift $(($# < 2 ? $# : 2))
	TP_MBUFS=$((q * 4096 + 8192))
	start_testpmd --vdev "$(vdev 0 dut0 "$q" "$args")" -- --rxq="$q" --txq="$q" \
		--forward-mode=macswap --enable-scatter --max-pkt-len=9014 --tx-offloads=0x8000 "$@"
	tp_cmd start >/dev/null
}

# echoes TEXT PACKETS: a window that no queue's 2048 frames are too few for.
echoes() {
	check "$1: $2 frames come back whole and in order" \
		gen echo -n "$2" -s 60-9014 -f 256 -w 192 -t 120
}

# agree TEXT PACKETS: driver and generator count the same, and nothing was lost.
agree() {
	local stats chains
	stats=$(telemetry /ethdev/stats,0)
	check "$1: received, sent and generated agree" \
		is "$(jget "[d['ipackets'], d['opackets'], d['ibytes'] == d['obytes']]" \
			<<<"$stats")" "[$2, $2, True]"
	check "$1: none missed, wrong or without a buffer" \
		is "$(jget "[d[k] for k in ('imissed', 'ierrors', 'oerrors', 'rx_nombuf')]" \
			<<<"$stats")" "[0, 0, 0, 0]"
	[ "$PMD" = xsk ] || return 0
	check "$1: no copy in the driver" xstats_is 0 'tx_q\d+_bounce_.*'
	chains=$(xstats 'rx_q\d+_chains')
	check "$1: most were chains" test "$chains" -gt $(($2 / 2))
	check "$1: and left as such" xstats_is "$chains" 'tx_q\d+_chains'
}

make_ns gen
make_ns dut
for q in $counts; do
	make_veth gen gen0 dut dut0 "$q" 9000
	must "veth pair is up" wait_for 5 carrier dut dut0
	TP=q$q
	jumbo "$q"
	echoes "$q queues" "$packets"
	agree "$q queues" "$packets"
	check "$q queues: each has its share" \
		is "$(telemetry /ethdev/stats,0 | jget "sum(n > 0 for n in d['q_ipackets'])")" "$q"
	if [ "$PMD" = xsk ]; then
		check "$q queues: burst mode says so" shows 'Burst mode: Scalar multi-buffer, ' \
			"show rxq info 0 0"
		check "$q queues: scattered" shows 'RX scattered packets: on' "show rxq info 0 0"
		check "$q queues: telemetry says so" \
			is "$(of_port "[d['mode'], d['multi_buffer']]")" "['native copy', 1]"
	fi
	tp_cmd stop >/dev/null
	tp_cmd "port stop 0" >/dev/null
	tp_cmd "port start 0" >/dev/null
	tp_cmd start >/dev/null
	echoes "$q queues after stop and start" 5000
	check "$q queues: MTU is left as it was" is "$(ip -n dut -j link show dut0 |
		jget "d[0]['mtu']")" 9000
	must "$q queues: testpmd ends by itself" tp_quit
	check "$q queues: no XDP program left" no_xdp dut
	ip -n dut link del dut0
done

make_veth gen gen0 dut dut0 2 9000
must "veth pair is up" wait_for 5 carrier dut dut0
only_xsk
TP=skb
jumbo 2 mode=skb
echoes "generic mode" 10000
agree "generic mode" 10000
must "generic mode: testpmd ends by itself" tp_quit
# Rooms of 1792 without overlap, and of the most a chunk has.
for size in 2048 4096; do
	TP=s$size
	jumbo 2 "" --mbuf-size=$size
	echoes "mbufs of $size" 10000
	agree "mbufs of $size" 10000
	check "mbufs of $size: the room" is "$(of_port "d['rx_room']")" \
		$((size == 2048 ? 1920 : 3840))
	must "mbufs of $size: testpmd ends by itself" tp_quit
done
TP=same
jumbo 2 same_lcore=1
echoes "same_lcore" 10000
agree "same_lcore" 10000
must "same_lcore: testpmd ends by itself" tp_quit
# Rings that hold little more than one packet.
TP=small
jumbo 2 "" --rxd=64 --txd=64
check "small rings: frames come back" gen echo -n 5000 -s 60-9014 -w 4 -t 60
must "small rings: testpmd ends by itself" tp_quit

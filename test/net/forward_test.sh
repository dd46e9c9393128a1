#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Forwarding is exact on 1, 2, 4 and 8 queues: every packet comes back whole and in order of its
# flow, the counters of driver and generator agree to the packet, nothing is copied by the driver.
# PACKETS sets how many a queue count is tried with (default 1000000), QUEUES which counts.
# limit: 600
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"

packets=${PACKETS:-1000000}
TP_LIMIT=$((packets / 10000 + 300))
counts=${QUEUES:-1 2 4 8}
# net_af_xdp sees one queue on veth.
[ "$PMD" != af_xdp ] || counts=1
make_ns gen
make_ns dut
for q in $counts; do
	make_veth gen gen0 dut dut0 "$q"
	must "veth pair is up" wait_for 5 carrier dut dut0
	# A queue holds up to 2048 in each direction.
	TP_MBUFS=$((q * 4096 + 8192))
	start_testpmd --vdev "$(vdev 0 dut0 "$q")" -- --rxq="$q" --txq="$q" --forward-mode=macswap
	tp_cmd start >/dev/null
	check "$q queues: $packets frames come back whole and in order" \
		gen echo -n "$packets" -s 60-1514 -f 256 -w 192 -t $((packets / 10000 + 60))
	check "$q queues: with swapped addresses" \
		is "$(jget "d['swapped']" <"$T/gen.json")" "$packets"
	stats=$(telemetry /ethdev/stats,0)
	check "$q queues: received, sent and generated agree" \
		is "$(jget "[d['ipackets'], d['opackets'], d['ibytes'] == d['obytes']]" \
			<<<"$stats")" "[$packets, $packets, True]"
	check "$q queues: none missed, wrong or without a buffer" \
		is "$(jget "[d[k] for k in ('imissed', 'ierrors', 'oerrors', 'rx_nombuf')]" \
			<<<"$stats")" "[0, 0, 0, 0]"
	check "$q queues: each has its share" \
		is "$(jget "sum(n > 0 for n in d['q_ipackets'])" <<<"$stats")" "$q"
	if [ "$PMD" = xsk ]; then
		# Not by telemetry, which cuts its answer after 256 statistics.
		tp_cmd "show port xstats 0" >"$T/xstats"
		check "$q queues: no copy in the driver" \
			not grep -E '^tx_q[0-9]+_bounce_.*: [1-9]' "$T/xstats"
		check "$q queues: all sent from where they lay" is "$packets" "$(awk \
			'/^tx_q[0-9]+_zero_copy: / { n += $2 } END { print n }' "$T/xstats")"
	fi
	must "$q queues: testpmd ends by itself" tp_quit
	check "$q queues: no XDP program left" no_xdp dut
	ip -n dut link del dut0
done

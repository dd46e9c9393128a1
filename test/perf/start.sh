#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a port costs to have, net_xsk beside net_af_xdp in alternation in one run, on veth:
#
#   PAIRS=7 QUEUES=8 MBUFS=65535 test/perf/start.sh
#
# Medians of time up and down (see start.c), of registered memory (what RLIMIT_MEMLOCK is charged
# with) and of the kernel's memory for it. The memory figures are of the whole machine: nothing else
# may use AF_XDP meanwhile. A benchmark, not a test: it judges nothing.
# limit: 900
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"

PAIRS=${PAIRS:-7}
QUEUES=${QUEUES:-8}
MBUFS=${MBUFS:-65535}

default_pair "$QUEUES" >/dev/null
for ((i = 0; i < PAIRS; i++)); do
	for pmd in xsk af_xdp; do
		TP=$pmd TP_MEM=512 eal_args
		in_ns dut timeout 60 "$BUILD/test/perf/xsk_start" -l 1 "${eal_args[@]}" \
			-d "$T/librte_net_xsk.so" --no-telemetry -- \
			net_$pmd dut0 "$QUEUES" "$MBUFS" >"$T/out" 2>&1 || cat "$T/out"
		grep -a '^up=' "$T/out" | tee -a "$T/$pmd" | sed "s/^/round $((i + 1)): $pmd /"
	done
done
python3 - "$T" <<'END'
import statistics, sys
t = sys.argv[1]
runs = {p: [dict((k, int(v)) for k, v in (x.split("=") for x in line.split()))
	for line in open(f"{t}/{p}")] for p in ("xsk", "af_xdp")}
for what in ("up", "down", "umem", "heads", "slab"):
	mid = {p: statistics.median(r[what] for r in runs[p]) for p in runs}
	pairs = [a[what] / b[what] for a, b in zip(runs["xsk"], runs["af_xdp"]) if b[what] > 0]
	ratio = f"{statistics.median(pairs):.3f}" if pairs else "-"
	unit = "us" if what in ("up", "down") else "KiB"
	div = 1 if unit == "us" else 1024
	print(f"{what:6} net_xsk {mid['xsk'] / div:10.0f} {unit:3}",
		f"net_af_xdp {mid['af_xdp'] / div:10.0f} {unit:3} ratio {ratio}")
END
check "costs were taken" [ "$(wc -l <"$T/af_xdp")" = "$PAIRS" ]

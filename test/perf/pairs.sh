#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Receive or forward rate of net_xsk beside other drivers, in alternation in one run, on veth:
#
#   PAIRS=7 GEN=packet|live|xsk FWD=rxonly|macswap SIZE=60 test/perf/pairs.sh
#
# Prints each round, then medians and ratios to net_xsk. Rates are testpmd's own count over a fixed
# time by the clock. The generator runs on CPU 0, the driver on CPU 1. A benchmark, not a test: it
# judges nothing.
# limit: 900
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"

PAIRS=${PAIRS:-7}
GEN=${GEN:-packet}
FWD=${FWD:-rxonly}
SIZE=${SIZE:-60}
SECS=${SECS:-3}
WITH=${WITH:-"xsk, af_xdp, af_xdp,busy_budget=0"}
IFS=';' read -r -a candidates <<<"${WITH//, /;}"

# flood: start the generator in the background; its pid in flood_pid.
flood() {
	case $GEN in
	packet)
		in_ns gen taskset -c 0 "$BUILD/test/tools/pktgen" tx -i gen0 -d $((SECS + 8)) \
			-s "$SIZE" --cpu 0 >/dev/null & ;;
	live)
		in_ns gen taskset -c 0 "$BUILD/test/tools/xdpgen" -i gen0 -d $((SECS + 8)) \
			-s "$SIZE" --cpu 0 --no-count >/dev/null & ;;
	xsk)
		TP=gen TP_NS=gen TP_LCORES=0@0,1@0 TP_MBUFS=4096 TP_MEM=128 PMD=xsk start_testpmd \
			--lcores 0@0,1@0 --vdev net_xsk9,iface=gen0,queue_count=1 -- \
			--forward-mode=txonly --txpkts="$SIZE" --txd=512 --rxd=512
		TP=gen tp_cmd start >/dev/null ;;
	esac
	flood_pid=$!
}

unflood() {
	if [ "$GEN" = xsk ]; then
		TP=gen tp_quit >/dev/null
	else
		kill "$flood_pid" 2>/dev/null
		wait "$flood_pid" 2>/dev/null
	fi
}

# rx_packets: what testpmd has received so far, with the time of the answer in ns.
rx_packets() {
	local n
	n=$(tp_cmd "show port stats 0" | awk '/RX-packets/ { print $2 }')
	echo "$n $(date +%s%N)"
}

# one CANDIDATE: its rate in packets a second.
one() {
	local pmd=${1%%,*} more=${1#*,} n0 t0 n1 t1
	[ "$more" != "$1" ] || more=
	PMD=$pmd
	start_testpmd --vdev "$(vdev 0 dut0 1 "$more")" -- --rxq=1 --txq=1 \
		--forward-mode="$FWD" >/dev/null
	tp_cmd start >/dev/null
	flood
	wait_for 10 shows 'RX-packets: [1-9]' "show port stats 0" >/dev/null
	read -r n0 t0 <<<"$(rx_packets)"
	read -r -t "$SECS" _ <>"$T/clock"
	read -r n1 t1 <<<"$(rx_packets)"
	unflood
	tp_quit >/dev/null
	echo $(((n1 - n0) * 1000000000 / (t1 - t0)))
}

default_pair 1 >/dev/null
mkfifo "$T/clock"
for ((i = 0; i < PAIRS; i++)); do
	line=
	for c in "${!candidates[@]}"; do
		pps=$(one "${candidates[c]}")
		echo "$pps" >>"$T/rates.$c"
		line+=" ${candidates[c]} $pps"
	done
	echo "round $((i + 1)):$line"
done
python3 - "$T" "${candidates[@]}" <<'END'
import statistics, sys
t, names = sys.argv[1], sys.argv[2:]
rates = [[int(x) for x in open(f"{t}/rates.{i}")] for i in range(len(names))]
for name, r in zip(names, rates):
	ratio = statistics.median(a / b for a, b in zip(rates[0], r) if b)
	mid, low, high = (x / 1e6 for x in (statistics.median(r), min(r), max(r)))
	print(f"{name:24} median {mid:.3f} Mpps  {low:.3f} to {high:.3f}  {names[0]} {ratio:.2f} x")
END
check "rates were taken" [ "$(wc -l <"$T/rates.0")" = "$PAIRS" ]

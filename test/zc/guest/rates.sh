#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# rates KIND [QUEUES [SIZE [ROUNDS]]]: packets a second and direction that testpmd forwards between
# the two cards of a pair, in alternation in one guest: net_xsk with its defaults, net_af_xdp as
# shipped and with busy polling off (its best on these drivers), then DPDK's own driver of the card
# as the limit. Prints each round, then medians and ratios. Measures, judges nothing.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
kind=$1 queues=${2:-1} size=${3:-60} rounds=${4:-3}
seconds=${SECONDS_EACH:-4}

make_ns dut
if [ "$kind" = veth ]; then
	make_veth dut dut0 dut dut1 "$queues"
else
	take_card "$kind" 1 dut dut0 "$queues"
	take_card "$kind" 2 dut dut1 "$queues"
fi
must "the cards have a carrier" wait_for 30 eval "carrier dut dut0 && carrier dut dut1"
mkfifo "$T/clock"

# counted PORT: packets received there, and the time in ns.
counted() {
	local n
	n=$(tp_cmd "show port stats $1" | awk '/RX-packets/ { print $2 }')
	echo "${n:-0} $(date +%s%N)"
}

# both_up: testpmd's ports, wherever the cards are now.
both_up() {
	[ "$(tp_cmd "show port summary all" | grep -c ' up ')" = 2 ]
}

# rate NAME EAL...: one line in $T/rate.NAME.
rate() {
	local name=$1 n0 t0 n1 t1 pps
	shift
	export TP=$name
	zc_testpmd "$@" -- --rxq="$queues" --txq="$queues" --forward-mode=io --nb-cores=1 \
		--txpkts="$size"
	wait_for 20 both_up >/dev/null
	[ "$name" = native ] || wait_for 20 eval "carrier dut dut0 && carrier dut dut1"
	tp_cmd "start tx_first 4" 40 >/dev/null
	read -r -t 1 _ <>"$T/clock"
	read -r n0 t0 <<<"$(counted 0)"
	read -r -t "$seconds" _ <>"$T/clock"
	read -r n1 t1 <<<"$(counted 0)"
	pps=$(((n1 - n0) * 1000000000 / (t1 - t0)))
	echo "$pps" >>"$T/rate.$name"
	echo "$name $pps"
	tp_cmd stop 40 >/dev/null
	tp_quit 40 >/dev/null
	unset TP
}

# to_dpdk IFACE: give the card to uio_pci_generic; prints its PCI address.
to_dpdk() {
	local path bdf
	path=$(in_ns dut readlink -f "/sys/class/net/$1/device")
	bdf=$(grep -oE '[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9]' <<<"$path" | tail -n 1)
	ip -n dut link set "$1" down
	echo "$bdf" >"/sys/bus/pci/devices/$bdf/driver/unbind"
	echo uio_pci_generic >"/sys/bus/pci/devices/$bdf/driver_override"
	echo "$bdf" >/sys/bus/pci/drivers_probe
	[ -e "/sys/bus/pci/drivers/uio_pci_generic/$bdf" ] && echo "$bdf"
}

for ((round = 1; round <= rounds; round++)); do
	rate xsk --vdev net_xsk0,iface=dut0 --vdev net_xsk1,iface=dut1
	rate af_xdp-tuned --vdev net_af_xdp0,iface=dut0,queue_count="$queues",busy_budget=0 \
		--vdev net_af_xdp1,iface=dut1,queue_count="$queues",busy_budget=0
	rate af_xdp-shipped --vdev net_af_xdp0,iface=dut0,queue_count="$queues" \
		--vdev net_af_xdp1,iface=dut1,queue_count="$queues"
done
if [ "$kind" != veth ] && one=$(to_dpdk dut0) && two=$(to_dpdk dut1); then
	# As in testpmd.sh, but with PCI.
	eal_args() {
		eal_args=(--file-prefix "${TP:-tp}" --huge-dir "$T/huge" -m "$TP_MEM")
	}
	rate native -a "$one" -a "$two"
fi
python3 - "$T" "$kind, $queues queues, $size bytes" <<'END'
import os, statistics, sys
folder, what = sys.argv[1:]
base = None
for name in ("xsk", "af_xdp-tuned", "af_xdp-shipped", "native"):
	path = f"{folder}/rate.{name}"
	if not os.path.exists(path):
		continue
	rates = [int(line) for line in open(path)]
	middle = statistics.median(rates)
	base = base or middle
	ratio = f"xsk {base / middle:.2f} x" if middle else "nothing forwarded"
	print(f"rates: {what}: {name:14} median {middle / 1000:.0f} kpps, "
	      f"{min(rates) / 1000:.0f} to {max(rates) / 1000:.0f}; {ratio}")
END
check "rates were taken" [ "$(grep -vc '^0$' "$T/rate.xsk")" = "$rounds" ]

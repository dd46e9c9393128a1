#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# rates KIND [QUEUES[/CHANNELS] [SIZE [ROUNDS]]]: packets a second and direction that testpmd
# forwards between the two cards of a pair, in alternation in one guest: net_xsk with its defaults,
# net_af_xdp with busy polling off (its best on these drivers), and DPDK's own driver of the card as
# the limit; in the first round also net_af_xdp as shipped. CHANNELS are the card's queues when it
# has more than are used: igb with more than four serves both directions of one by one interrupt, as
# it does on most servers. Prints each round, then medians and ratios. Measures, judges nothing.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
kind=$1 queues=${2:-1} size=${3:-60} rounds=${4:-3}
channels=${queues#*/} queues=${queues%/*}
seconds=${SECONDS_EACH:-4}
CALM=no
# Bursts that circulate in each direction: more than the rings of a card hold are lost again.
bursts=12

make_ns dut
# take: the two cards, from DPDK's driver or the first time.
take() {
	if [ "$kind" = veth ]; then
		make_veth dut dut0 dut dut1 "$queues"
		return
	fi
	take_card "$kind" 1 dut dut0 "$channels"
	take_card "$kind" 2 dut dut1 "$channels"
	spread dut dut0 "$queues"
	spread dut dut1 "$queues"
}
take
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
	tp_cmd "start tx_first $bursts" 40 >/dev/null
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

# address IFACE: of the PCI device behind it.
address() {
	in_ns dut readlink -f "/sys/class/net/$1/device" |
		grep -oE '[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9]' | tail -n 1
}

# rebind BDF DRIVER: give the card to DRIVER, to the kernel's own when that is empty.
rebind() {
	echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
	echo "$2" >"/sys/bus/pci/devices/$1/driver_override"
	echo "$1" >/sys/bus/pci/drivers_probe
	[ -z "$2" ] || [ -e "/sys/bus/pci/drivers/$2/$1" ]
}

both_back() {
	[ -n "$(card "$kind" 1)" ] && [ -n "$(card "$kind" 2)" ]
}

# native: a round with the cards in the hands of DPDK's driver.
native() {
	local one two eal_args_kept
	one=$(address dut0) two=$(address dut1)
	ip -n dut link set dut0 down
	ip -n dut link set dut1 down
	if rebind "$one" uio_pci_generic && rebind "$two" uio_pci_generic; then
		eal_args_kept=$(declare -f eal_args)
		# As in testpmd.sh, but with PCI.
		eal_args() {
			eal_args=(--file-prefix "${TP:-tp}" --huge-dir "$T/huge" -m "$TP_MEM")
		}
		rate native -a "$one" -a "$two"
		eval "$eal_args_kept"
	fi
	rebind "$one" ''
	rebind "$two" ''
	must "the cards are the kernel's again" wait_for 10 both_back
	take
}

xsk() {
	rate xsk --vdev net_xsk0,iface=dut0 --vdev net_xsk1,iface=dut1
}

tuned() {
	rate af_xdp-tuned --vdev net_af_xdp0,iface=dut0,queue_count="$queues",busy_budget=0 \
		--vdev net_af_xdp1,iface=dut1,queue_count="$queues",busy_budget=0
}

for ((round = 1; round <= rounds; round++)); do
	# Each of them is the first every other time.
	[ $((round % 2)) = 0 ] || xsk
	tuned
	[ $((round % 2)) = 1 ] || xsk
	[ $round != 1 ] ||
		rate af_xdp-shipped --vdev net_af_xdp0,iface=dut0,queue_count="$queues" \
			--vdev net_af_xdp1,iface=dut1,queue_count="$queues"
	[ "$kind" = veth ] || native
done
python3 -IS - "$T" "$kind, $queues of $channels queues, $size bytes" <<'END'
import os, statistics, sys
folder, what = sys.argv[1:]
base = None
for name in ("xsk", "af_xdp-tuned", "af_xdp-shipped", "native"):
	path = f"{folder}/rate.{name}"
	if not os.path.exists(path):
		continue
	rates = [int(line) for line in open(path)]
	base = base or rates
	text = f"median {statistics.median(rates) / 1000:.0f} kpps"
	if 0 in rates:
		text += "; nothing forwarded"
	else:
		ratios = sorted(b / r for b, r in zip(base, rates))
		text += f"; xsk {statistics.median(ratios):.2f} x, " \
			f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
	print(f"rates: {what}: {name:14} {text}")
END
check "rates were taken" [ "$(grep -vc '^0$' "$T/rate.xsk")" = "$rounds" ]

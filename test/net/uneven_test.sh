#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A port with one Rx and four Tx queues: the kernel keeps receiving on the netdev queues without an
# Rx queue, and the log names them; a port without Rx queues has no room, and a netdev with one Rx
# queue has no others.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk
command -v ping >/dev/null || skip "needs ping"

pings() {
	in_ns gen ping -n -q -c 5 -i 0.1 -W 2 198.18.0.2 && ! grep -q '[1-9][0-9]*% packet loss' \
		"$T/check.out"
}

default_pair 4
ip -n gen addr add 198.18.0.1/24 dev gen0
ip -n dut addr add 198.18.0.2/24 dev dut0
start_testpmd --vdev "$(vdev 0 dut0 4)" -- --rxq=1 --txq=4 --forward-mode=macswap
tp_cmd start >/dev/null
check "the log names the queues of the kernel" says 'netdev queues 1-3 of dut0 stay with the kernel'
check "and those it no longer has" \
	says 'dut0 has an address: the kernel no longer receives what arrives on queues 0;'
check "four sockets are bound" \
	is "$(of_port "[d['rx_queues'], d['tx_queues']]")" "[1, 4]"
for q in 1 2 3; do
	masks=(0 0 0 0)
	masks[q]=3
	aim gen gen0 "${masks[@]}"
	ip -n gen neigh flush all
	check "the kernel answers on queue $q" pings
done
check "nothing of it came to the port" xstats_is 0 rx_good_packets
aim gen gen0 3 0 0 0
check "queue 0 is the port's" gen echo -n 20000 -s 60-1514
check "not the kernel's" not pings
check "testpmd ends by itself" tp_quit
check "queue 0 is the kernel's again" pings

TP=none
start_testpmd --vdev "$(vdev 0 dut0)" -- --rxq=0 --txq=1 --forward-mode=txonly
check "no Rx queue: the log has no room" not says 'net_xsk0 .dut0.: native copy, .* room '
check "no Rx queue: nor has telemetry" is "$(of_port "d['rx_room']")" 0
check "testpmd ends by itself" tp_quit

TP=one
must "one Tx queue on the peer" in_ns gen ethtool -L gen0 tx 1
must "one Rx queue on the netdev" in_ns dut ethtool -L dut0 rx 1
start_testpmd --vdev "$(vdev 0 dut0 4)" -- --rxq=1 --txq=4 --forward-mode=macswap
check "one Rx queue and four Tx queues on the netdev: it starts" says 'rx queues 1, tx queues 4'
check "no queue is left to the kernel" not says 'stay with the kernel'
check "testpmd ends by itself" tp_quit

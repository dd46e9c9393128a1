#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Several ports in one process: two on one netdev with queues of their own, and two netdevs between
# which packets are forwarded without a copy.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

default_pair 4
start_testpmd --vdev "$(vdev 0 dut0 2)" --vdev "$(vdev 1 dut0 2 start_queue=2)" -- \
	--rxq=2 --txq=2 --forward-mode=macswap --port-topology=loop
tp_cmd start >/dev/null
check "two ports on one netdev: every packet comes back" gen echo -n 40000 -w 128 -s 60-1514
for p in 0 1; do
	check "port $p had its part" test "$(xstats rx_good_packets $p)" -gt 1000
done
check "together all" is "$(($(xstats rx_good_packets 0) + $(xstats rx_good_packets 1)))" 40000
check "testpmd ends by itself" tp_quit

TP=fail
launched --vdev "$(vdev 0 dut0 2)" --vdev "$(vdev 1 dut0 2 start_queue=1)" -- --rxq=2 --txq=2
check "overlapping ports of one process: the second is refused" ports_are "[0]"
check "and the error names both ranges and the other port" \
	says 'queues 1-2 of dut0 overlap queues 0-1 of port net_xsk0'
check "testpmd ends by itself" tp_quit

TP=names
launched --vdev "$(vdev 0 dut0 2)" --vdev "$(vdev 1 dut0 2 netns=dut)" \
	--vdev "$(vdev 2 dut0 2 netns=/run/netns/dut,start_queue=1)" -- --rxq=2 --txq=2
check "by whatever name the namespace goes" ports_are "[0]"
check "the one in netns=dut is refused" \
	says 'queues 0-1 of dut0 overlap queues 0-1 of port net_xsk0'
check "and the one in its path" says 'queues 1-2 of dut0 overlap queues 0-1 of port net_xsk0'
check "testpmd ends by itself" tp_quit

# The window is below the 256 packets that a veth queue holds.
# dut1 and dut2 are a pair, so that the way is gen0, port 0, port 1, port 2, port 0, gen0.
make_veth dut dut1 dut dut2 2
must "second pair is up" wait_for 5 carrier dut dut2
TP=chain
# Six queues of up to 2048 in each direction.
TP_MBUFS=32768
aim gen gen0 3 3 0 0
start_testpmd --vdev "$(vdev 0 dut0 2)" --vdev "$(vdev 1 dut1 2)" --vdev "$(vdev 2 dut2 2)" -- \
	--rxq=2 --txq=2 --forward-mode=io --port-topology=chained
tp_cmd start >/dev/null
check "through three ports: every packet comes back" gen echo -n 100000 -w 128 -s 60-1514 -t 60
for p in 0 1; do
	check "port $p sent all from where they lay" xstats_is 100000 'tx_q\d+_zero_copy' $p
	check "port $p copied none" xstats_is 0 'tx_q\d+_bounce_.*' $p
done
check "port 2 received all" xstats_is 100000 rx_good_packets 2
check "testpmd ends by itself" tp_quit

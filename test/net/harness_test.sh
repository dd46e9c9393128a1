#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The ground of the other tests: every packet sent through testpmd's macswap comes back right, on
# two queues, and testpmd can be asked and ended.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"

# net_af_xdp sees one queue on veth.
queues=2
[ "$PMD" != af_xdp ] || queues=1
default_pair $queues
start_testpmd --vdev "$(vdev 0 dut0 $queues)" -- --rxq=$queues --txq=$queues \
	--forward-mode=macswap
tp_cmd start >/dev/null
check "20000 frames of 60 to 1514 bytes come back whole and in order" \
	gen echo -n 20000 -s 60-1514
check "all of them with swapped addresses" \
	test "$(jget 'd["swapped"] == d["rx"] == 20000' <"$T/gen.json")" = True
for ((q = 0; q < queues; q++)); do
	got=$(telemetry /ethdev/stats,0 | jget "d['q_ipackets'][$q]")
	check "queue $q got some" test "$got" -gt 0
done
check "statistics are shown" shows RX-packets "show port stats 0"
check "testpmd ends by itself" tp_quit

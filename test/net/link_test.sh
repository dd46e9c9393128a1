#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The interface under a forwarding port goes down and up, loses its carrier, is renamed, moved to
# another namespace, removed: the port says so, survives, and works wherever the interface does.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

link_is() {
	is "$(telemetry /ethdev/link_status,0 | jget "d['status']")" "$1"
}

start_on() {
	TP=$1
	start_testpmd --vdev "$(vdev 0 "${2:-dut0}" 2)" -- --rxq=2 --txq=2 --forward-mode=macswap
	tp_cmd start >/dev/null
}

flood() {
	in_ns gen "$PKTGEN" tx -i gen0 --cpu 0 --magic 77 -d 60 -r 20000 >/dev/null 2>&1 &
	flood=$!
	at_exit "kill $flood 2>/dev/null"
	wait_for 10 eval '[ "$(xstats rx_good_packets)" -gt 1000 ]' >/dev/null
}

flood_over() {
	kill "$(pgrep -P "$flood" || echo "$flood")" 2>/dev/null
	wait "$flood" 2>/dev/null
}

default_pair 2
start_on events
check "link up" wait_for 5 link_is UP
flood
ip -n gen link set gen0 down
check "carrier lost: link down" wait_for 5 link_is DOWN
ip -n gen link set gen0 up
check "carrier back: link up" wait_for 5 link_is UP
ip -n dut link set dut0 down
check "interface down: link down" wait_for 5 link_is DOWN
ip -n dut link set dut0 up
check "interface up: link up" wait_for 5 link_is UP
check "testpmd was told each time" test "$(grep -c 'link state change event' "$T/$TP.out")" -ge 4
check "xstats counted them" test "$(xstats link_events)" -ge 4
tp_cmd "set link-down port 0" >/dev/null
check "testpmd takes the link down" wait_for 5 link_is DOWN
tp_cmd "set link-up port 0" >/dev/null
check "and up" wait_for 5 link_is UP
ip -n dut link set dut0 name renamed0
check "renamed under traffic: the log says so" says_soon "interface dut0 is now called renamed0"
check "telemetry too" is "$(of_port "d['interface']")" renamed0
flood_over
check "it still forwards" gen echo -n 5000
tp_cmd "stop" >/dev/null
tp_cmd "port stop 0" >/dev/null
tp_cmd "port start 0" >/dev/null
tp_cmd "start" >/dev/null
check "also after stop and start" gen echo -n 5000
check "testpmd ends by itself" tp_quit

start_on moved renamed0
flood
make_ns away
ip -n dut link set renamed0 netns away
check "moved away under traffic: the port says so" says_soon "was removed or moved"
check "testpmd heard of it and took the port away" wait_for 10 ports_are "[]"
flood_over
check "it lives and ends by itself" tp_quit
check "the interface has no program in its new place" wait_for 5 no_xdp away
ip -n away link set renamed0 netns dut name dut0
ip -n dut link set dut0 up
must "the pair is up again" wait_for 5 carrier dut dut0

start_on removed
flood
ip -n dut link del dut0
check "removed under traffic: the port says so" says_soon "was removed or moved"
check "once" is "$(grep -c 'was removed or moved' "$T/$TP.out")" 1
check "testpmd heard of it and took the port away" wait_for 10 ports_are "[]"
flood_over
check "it lives and ends by itself" tp_quit

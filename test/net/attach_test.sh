#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports come and go at run time, again and again, while another port forwards: it loses nothing and
# what came is gone afterwards.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

seconds=${SECONDS_OF_TRAFFIC:-20}
default_pair 2
make_ns gen2
make_veth gen2 gen1 dut dut1 2
must "second pair is up" wait_for 5 carrier dut dut1
start_testpmd --vdev "$(vdev 0 dut0 2)" -- --rxq=2 --txq=2 --forward-mode=macswap \
	--no-flush-rx
tp_cmd start >/dev/null
fds=$(ls "/proc/$(tp_pid)/fd" | wc -l)

in_ns gen "$PKTGEN" echo -i gen0 --cpu 0 -d "$seconds" -r 5000 -w 128 \
	-t $((seconds + 30)) >"$T/echo.json" &
traffic=$!
at_exit "kill $traffic 2>/dev/null"
for ((i = 1; ; i++)); do
	[ -d "/proc/$traffic" ] || break
	check "round $i: attached while port 0 forwards" \
		shows "Port 1 is attached" "port attach $(vdev 1 dut1 2)"
	check "round $i: detached without a start" shows "Now total ports is 1" "port detach 1"
	# testpmd forwards with what it attaches and all must be started, unless told otherwise.
	tp_cmd stop >/dev/null
	tp_cmd "port attach $(vdev 1 dut1 2)" >/dev/null
	check "round $i: started" shows "net_xsk1 .dut1.: native" "port start 1"
	tp_cmd "set portlist 0" >/dev/null
	tp_cmd start >/dev/null
	check "round $i: its interface has an XDP program" not no_xdp_on dut1
	tp_cmd "port stop 1" >/dev/null
	check "round $i: no program after stop" wait_for 5 no_xdp_on dut1
	tp_cmd "port start 1" >/dev/null
	tp_cmd "port stop 1" >/dev/null
	check "round $i: detached" shows "Now total ports is 1" "port detach 1"
	check "round $i: gone" ports_are "[0]"
done
wait "$traffic"
check "there were several rounds" test "$i" -gt 2
sent=$(jget "d['tx']" <"$T/echo.json")
came_back() {
	is "$(in_ns gen cat /sys/class/net/gen0/statistics/rx_packets)" "$sent"
}
# By the counters: pktgen gives packets up that took longer than a stop of the forwarding may take.
check "port 0 received all that was sent meanwhile" xstats_is "$sent" rx_good_packets
check "and sent it back" wait_for 5 xstats_is "$sent" tx_good_packets
check "to the generator" wait_for 5 came_back
check "unharmed" is "$(jget "[d['bad'], d['dup'], d['reordered'], d['tx'] > 5000]" \
	<"$T/echo.json")" "[0, 0, 0, True]"
check "no descriptor is left" test "$(ls "/proc/$(tp_pid)/fd" | wc -l)" -le "$fds"
check "a wrong argument is refused" not shows "Port 1 is attached" \
	"port attach net_xsk1,iface=dut1,mode=fast"
check "an interface that is taken too" not shows "Port 1 is attached" \
	"port attach $(vdev 1 dut0 1)"
check "testpmd ends by itself" tp_quit

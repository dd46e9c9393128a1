#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two processes on one netdev with queues of their own: either may start first and either may be
# killed, the other loses nothing; queues that overlap are refused by name.
# limit: 300
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

TP_MEM=128
# start_on NAME FIRST_QUEUE
start_on() {
	TP=$1 start_testpmd --vdev "$(vdev 0 dut0 2 "start_queue=$2")" -- --rxq=2 --txq=2 \
		--forward-mode=macswap
	TP=$1 tp_cmd start >/dev/null
}

# CPU 0 sends to queues 0 and 1, CPU 1 to 2 and 3.
echo_on() {
	in_ns gen "$PKTGEN" echo -i gen0 --cpu "$1" --magic $((1000 + $1)) "${@:2}"
}

# under_traffic CPU COMMAND...: COMMAND while packets run on the queues of CPU; none may be lost.
under_traffic() {
	local cpu=$1 pid
	shift
	echo_on "$cpu" -d 2 -r 40000 >"$T/echo.json" 2>&1 &
	pid=$!
	wait_for 5 moving "$cpu"
	"$@"
	wait "$pid" || { cat "$T/echo.json"; return 1; }
}

# moving CPU: the packets of that generator reach the interface.
moving() {
	local now
	now=$(in_ns gen cat /sys/class/net/gen0/statistics/tx_packets)
	[ "$now" -gt $((${sent:=$now} + 2000)) ]
}

kill_tp() {
	sent=
	TP=$1
	kill -KILL "$(tp_pid)"
	tp_ends_with 137 10
}

default_pair 4
aim gen gen0 1 1 2 2
# The process on queues 0 and 1 is hit by CPU 0, that on 2 and 3 by CPU 1.
for first in 0 1; do
	second=$((1 - first))
	start_on "x$first" $((2 * first))
	start_on "y$first" $((2 * second))
	check "started with queue $((2 * first)) first: its queues work" echo_on $first -n 20000
	check "those of the second process as well" echo_on $second -n 20000
	check "killing the first costs the second nothing" \
		under_traffic $second kill_tp "x$first"
	start_on "z$first" $((2 * first))
	check "another starts in its place at once" echo_on $first -n 20000
	check "killing the second costs this one nothing" under_traffic $first kill_tp "y$first"
	check "which still works" echo_on $first -n 20000
	check "it is killed too" kill_tp "z$first"
	check "no XDP program is left" wait_for 5 no_xdp dut
done

start_on a 0
TP=c launched --vdev "$(vdev 0 dut0 2 "start_queue=1")" -- --rxq=2 --txq=2
TP=c
check "queues that overlap are refused by name" says "dut0 queue 1\b.*busy"
check "the port is not started" is "$(telemetry /ethdev/link_status,0 | jget "d['status']")" DOWN
check "the other process is unharmed" echo_on 0 -n 20000
check "the refused one ends by itself" tp_quit
check "which harms it neither" echo_on 0 -n 20000
TP=a
check "testpmd ends by itself" tp_quit

object=xdp_prog=$BUILD/test/bpf/custom_good.bpf.o
for first in 0 2; do
	TP=o$first start_testpmd --vdev "$(vdev 0 dut0 2 "start_queue=$first,$object")" -- \
		--rxq=2 --txq=2 --mbuf-size=2304 --forward-mode=macswap
	TP=o$first tp_cmd start >/dev/null
done
check "with the same xdp_prog: the queues of the first process work" echo_on 0 -n 20000
check "and those of the second" echo_on 1 -n 20000
TP=d
launched --vdev "$(vdev 0 dut0 2)" -- --forward-mode=macswap
check "with the built-in program the other one is foreign" says "has a foreign XDP program"
check "testpmd ends by itself" tp_quit
TP=o0 check "the first ends by itself" tp_quit
check "the second goes on" echo_on 1 -n 20000
TP=o2 check "the second ends by itself" tp_quit

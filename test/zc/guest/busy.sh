#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# busy KIND QUEUES: every frame comes back under busy polling, asked for by number and by auto (the
# lcores have all CPUs), also where Tx has a NAPI of its own; the NAPI's parameters are set
# meanwhile and put back, by the next start after a kill too. With a CPU free of lcores tune=apply
# moves the interrupts of queues that do not busy-poll there until the port stops.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
kind=$1 queues=$2

params() { in_ns dut "$AFX_ROOT/test/tools/napi.py" dut0 | cut -d' ' -f2- | sort -u; }
deferred() { params | tee /dev/stderr | grep -qx "2 200000 0"; }
# affinities: where the interrupts of the card may run.
affinities() {
	local f
	for f in /proc/irq/*/smp_affinity_list; do
		echo "$f $(cat "$f")"
	done
}

# of_busy: True where the port busy-polls.
of_busy() { port_says "d['busy_poll'] == 1" >/dev/null && echo True || echo False; }

zc_pair "$kind" "$queues"
before=$(params)
cpus=$(affinities)
for args in busy_poll=64 busy_poll=auto; do
	TP=${args//[=_]/}
	zc_testpmd --vdev "net_xsk0,iface=dut0,$args" -- --rxq="$queues" --txq="$queues" \
		--forward-mode=macswap
	tp_cmd start >/dev/null
	check "$args: zero-copy" port_says "d['mode'] == 'zero-copy'"
	check "$args: busy polling is on" port_says "d['busy_poll'] == 1"
	check "$args: interrupts are deferred" deferred
	echoes "$args: frames come back"
	tp_cmd "show port xstats 0" | grep -E 'busy_off|wakeups|tx_q0_packets'
	for ((q = 0; q < queues; q++)); do
		check "$args: Tx of queue $q was never stuck" stat_is "tx_q${q}_busy_off" 0
	done
	tp_cmd stop >/dev/null
	tp_cmd "port stop 0" 30 >/dev/null
	check "$args: a stopped port does not poll" port_says "d['busy_poll'] == 0"
	check "testpmd ends by itself" tp_quit 40
	check "$args: NAPI parameters are put back" [ "$(params)" = "$before" ]
done

TP=killed
zc_testpmd --vdev "net_xsk0,iface=dut0,busy_poll=64" -- --rxq="$queues" --txq="$queues"
check "killed: interrupts are deferred" deferred
pid=$(tp_pid)
kill -KILL "$pid"
wait_for 30 not kill -0 "$pid"
TP=next
zc_testpmd --vdev "net_xsk0,iface=dut0" -- --rxq="$queues" --txq="$queues"
check "the next start says that it put them back" \
	grep -a 'put back what a killed process had changed' "$T/next.out"
check "after a kill: NAPI parameters are put back" [ "$(params)" = "$before" ]
check "testpmd ends by itself" tp_quit 40
TP=apply TP_LCORES=0@0,1@0
zc_testpmd --vdev "net_xsk0,iface=dut0,busy_poll=auto,tune=apply" -- \
	--rxq="$queues" --txq="$queues" --forward-mode=macswap
# What interrupts CPU 0 had went to CPU 1, or busy polling is on where the interrupt shares the CPU.
check "tune=apply: no interrupt on a CPU of the lcores" tells /net_xsk/tune,0 "all(
	q['irq'] == 0 or q['irq_cpus'] != '0' for q in d.values() if type(q) is dict) or $(
		of_busy)"
tp_cmd start >/dev/null
echoes "tune=apply: frames come back"
tp_cmd stop >/dev/null
check "testpmd ends by itself" tp_quit 40
check "interrupts may run where they could before" [ "$(affinities)" = "$cpus" ]

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The plugin in the testpmd of this system: bursts on two queues, statistics of both kinds, stop and
# start, a secondary process, an orderly end. Run by build.sh in each system it builds for.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"

command -v "$TESTPMD" >/dev/null || skip "no $TESTPMD (package dpdk-dev or dpdk)"

# A veth frame of a packet socket arrives on the queue of the CPU that sent it.
cpus="0 1"
[ -d /sys/devices/system/cpu/cpu1 ] || cpus=0

# echoed N PKTGEN_OPTIONS...: N frames come back as they must from macswap, else the counters are
# shown. Counted in sent.
sent=0
echoed() {
	local n=$1
	shift
	sent=$((sent + n))
	gen echo -n "$n" "$@" &&
		[ "$(jget "d['swapped'] == d['rx'] == $n" <"$T/gen.json")" = True ] && return 0
	tp_cmd "show port xstats 0" | grep -v ': 0'
	return 1
}

# both_queues: rx and tx of queue 0 and 1 have packets in the extended statistics.
both_queues() {
	local out name
	out=$(tp_cmd "show port xstats 0")
	for name in rx_q0_packets rx_q1_packets tx_q0_packets tx_q1_packets; do
		printf '%s\n' "$out" | grep -E "^$name: [1-9]" || return 1
	done
}

# own_xstats: the driver's own are there too, each once.
own_xstats() {
	local out name
	out=$(tp_cmd "show port xstats 0" | grep -oE '^[a-z0-9_]+:')
	for name in rx_q0_nombuf rx_q1_kernel_ring_full tx_q0_zero_copy tx_q1_drop_long mode; do
		printf '%s\n' "$out" | grep -x "$name:" || return 1
	done
	[ -z "$(printf '%s\n' "$out" | sort | uniq -d | tee /dev/stderr)" ]
}

# proc_info OPTION...: what a secondary says, and that it ends well.
proc_info() {
	command -v dpdk-proc-info >/dev/null || return 0
	in_ns dut timeout -k 5 60 dpdk-proc-info --no-pci --file-prefix "${TP:-tp}" \
		"${plugin_args[@]}" -- "$@" >"$T/info.out" 2>&1
	local status=$?
	cat "$T/info.out"
	return $status
}

info_counts() {
	proc_info --stats && grep -E 'RX-packets: *[1-9]' "$T/info.out"
}

echo "# $(basename "$(readlink -f "$(command -v "$TESTPMD")")"): $(pkg-config --modversion libdpdk)"
default_pair 2
start_testpmd --vdev "$(vdev 0 dut0 2)" -- --rxq=2 --txq=2 --forward-mode=macswap
tp_cmd start >/dev/null
for cpu in $cpus; do
	check "20000 frames of 60 to 1514 bytes from CPU $cpu come back whole and in order" \
		echoed 20000 -s 60-1514 --cpu "$cpu"
done
check "port statistics count them" shows "RX-packets: $sent " "show port stats 0"
[ "$cpus" = 0 ] || check "both queues are in the extended statistics" both_queues
check "so are the counters of the driver, each name once" own_xstats
check "telemetry answers" test "$(telemetry /net_xsk/port,0 | jget 'd["rx_queues"]')" = 2
check "testpmd shows the port" shows 'Link status: up' "show port info 0"
check "the state of a descriptor can be asked for" \
	shows '^Desc status = (AVAILABLE|DONE|UNAVAILABLE)' "show port 0 rxq 0 desc 0 status"
check "and of one to send" shows '^Desc status = (DONE|FULL)' "show port 0 txq 0 desc 0 status"
check "the used ones are counted" shows 'desc count = [0-9]' "show port 0 rxq 0 desc used count"
# Before 24.11 nobody can be asked.
check "what came back is no more on its way" \
	not shows 'desc count = [1-9]' "show port 0 txq 0 desc used count"
check "a secondary reads the statistics" info_counts
check "a secondary reads the extended ones" proc_info --xstats
check "a secondary shows the port" proc_info --show-port
check "and no count that it cannot know" not grep -E 'descriptors [0-9-]+/' "$T/info.out"
check "the traffic of the primary goes on" echoed 5000

tp_cmd stop >/dev/null
tp_cmd "port stop 0" >/dev/null
for queue in rxq txq; do
	tp_cmd "show port 0 $queue 0 desc used count" >/dev/null
	tp_cmd "show port 0 $queue 0 desc 0 status" >/dev/null
done
check "queues of a stopped port are asked without harm" tp_running
tp_cmd "port start 0" >/dev/null
tp_cmd start >/dev/null
check "frames come back after stop and start" echoed 20000 -s 60-1514
check "counters go on" shows "RX-packets: $sent " "show port stats 0"
tp_cmd stop >/dev/null
tp_cmd "clear port stats 0" >/dev/null
check "and start anew when cleared" shows 'RX-packets: 0 ' "show port stats 0"
check "testpmd ends by itself" tp_quit
check "nothing was complained of" not grep -E \
	'^(EAL|ETHDEV|TELEMETRY|MEMPOOL|.*net_xsk: ).*([Ff]ail|[Ee]rror|[Cc]annot|[Ii]nvalid)' \
	"$T/tp.out"

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The benchmark counts what arrives and nothing else, in every mode and with every generator; it
# says so in its table, JSON and HTML; it refuses what it should and leaves nothing behind. Speed is
# not looked at.
# limit: 600
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"

BENCH=$BUILD/app/bench/dpdk-xsk-bench
J=$T/bench.json
few=(--duration 0.3 --warmup 0.1 --quiet --json "$J")
[ -z "${AFX_NO_HUGE-}" ] || few+=(--eal "--no-huge -m 256")

bench() {
	timeout 100 "$BENCH" "$@"
}

# status N COMMAND...: ends with N.
status() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" = "$want" ] || {
		echo "status $got, not $want"
		return 1
	}
}

# says STATUS TEXT COMMAND...: ends with STATUS and prints TEXT.
says() {
	local want=$1 text=$2
	shift 2
	status "$want" "$@" >"$T/says" 2>&1 && grep -F -- "$text" "$T/says" >/dev/null && return
	cat "$T/says"
	return 1
}

# judge EXPRESSION: a Python expression of d (the JSON) and rounds (of all candidates) is true.
judge() {
	python3 - "$J" "$1" <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
cands = [c for p in d["points"] for c in p["candidates"]]
rounds = [r for c in cands for r in c["rounds"]]
if not eval(sys.argv[2]):
	print(json.dumps(d["points"], indent=1)[:6000])
	sys.exit(1)
END
}

running() {
	pgrep -x dpdk-xsk-bench >/dev/null
}

if [ "$(nproc)" -lt 2 ]; then
	skip "generator and candidate need a CPU each"
fi
all="net_xsk net_af_packet bare_xsk"

# Slow enough for every receiver: what was sent arrives, but for what is on its way.
for gen in live xsk packet; do
	check "rx, generator $gen" \
		bench rx --vs "$all" --pairs 2 --gen $gen --rate 5000 "${few[@]}"
	check "rx, generator $gen: what was sent is received, and nothing else" judge \
		"len(rounds) == 6 and all(0 < r['received'] <= r['all_received'] and \
		0.98 * r['all_sent'] <= r['all_received'] <= r['all_sent'] for r in rounds)"
done
check "forward, all lengths, two bursts" bench forward --vs "$all bare_xdp" --pairs 1 \
	--rate 20000 --sizes 64,imix,1514 --bursts 1,32 "${few[@]}" --html "$T/bench.html"
check "forward: what comes back was sent, and its length is right" judge \
	"len(d['points']) == 6 and all(0 < r['all_received'] <= r['all_sent'] for r in rounds) and \
	all(abs(r['bps'] / 8 / r['pps'] / {'64': 64, 'imix': 361.2, '1514': 1514}[p['size']] - 1) \
	< 0.05 for p in d['points'] for c in p['candidates'] for r in c['rounds'])"
check "HTML: a page with plots, of every candidate, that needs nothing else" \
	python3 -c 'import sys, re; t = open(sys.argv[1]).read()
more = re.search("(src|href)=|https?://", t)
sys.exit(not (t.count("<svg") >= 2 and all(c in t for c in sys.argv[2:]) and not more))' \
	"$T/bench.html" net_xsk net_af_packet bare_xsk bare_xdp
check "tx" bench tx --vs "net_xsk net_af_packet bare_xsk" --pairs 1 "${few[@]}"
check "tx: no more than the driver accepted" judge \
	"all(0 < r['pps'] <= 1.2 * r['accepted_pps'] and r['foreign'] == 0 for r in rounds)"
for cpus in 0,1 1,0; do
	check "two queues on CPUs $cpus" bench rx --vs "net_xsk bare_xsk" --pairs 1 --queues 2 \
		--gen-cpu 0 --dut-cpus $cpus --rate 5000 "${few[@]}"
	check "two queues on CPUs $cpus: what was sent is received, in the time that passed" judge \
		"all(0.98 * r['all_sent'] <= r['all_received'] <= r['all_sent'] and \
		0.25 < r['seconds'] < 60 for r in rounds)"
done
check "latency" bench latency --vs "net_xsk bare_xsk bare_xdp" --pairs 1 "${few[@]}"
check "latency: every round trip is in the histogram, figures are in order" judge \
	"all(sum(n for _, n in c['histogram_ns']) == r['probes'] > 0 and 0 < r['ns_min'] \
	<= r['ns_p50'] <= r['ns_p99'] <= r['ns_max'] for c in cands for r in c['rounds'])"

# A driver that makes packets up, and takes them without sending: no rate comes of it.
check "received and never sent is no rate" says 1 "not all of them are the generator's" \
	bench rx --vs net_null --rate 1000 "${few[@]}"
check "... in JSON either" judge "rounds[0]['pps'] == 0 and cands[0]['pps']['n'] == 0"
check "accepted and never arrived is no rate" says 1 "no packet reached the receiver" \
	bench tx --vs net_null "${few[@]}"
check "one that fails does not keep others from being measured" says 1 "has no AF_XDP zero-copy" \
	bench rx --vs "net_xsk net_xsk,mode=zc" --pairs 1 --rate 20000 "${few[@]}"
check "... nor from the report" judge "rounds[0]['pps'] > 0 and rounds[1]['pps'] == 0"

# Existing interfaces.
default_pair 1
ends=(--iface dut0 --netns dut --far-iface gen0 --far-netns gen)
check "existing interfaces" bench forward --vs "net_xsk bare_xsk" --pairs 1 "${ends[@]}" \
	--rate 20000 "${few[@]}"
check "... are named in the report" judge \
	"d['setup']['near']['name'] == 'dut0' and d['setup']['far']['name'] == 'gen0'"
ip -n gen addr add 198.18.0.9/24 dev gen0
check "one with an address is refused" says 2 "gen0 has an address" bench rx "${ends[@]}"
ip -n gen addr flush dev gen0
ip -n dut link set dut0 down
check "one that is down is refused" says 2 "ip link set dut0 up" bench rx "${ends[@]}"
check "transmitting without a far end is refused" says 2 "--far-iface" \
	bench tx --iface dut0 --netns dut
check "a CPU that is not there is refused" says 2 "CPU 1000 is not among" bench rx --gen-cpu 1000
check "a file that cannot be written is refused before" says 2 "cannot be written" \
	bench rx --json "$T/none/x"

# However it ends.
for sig in INT KILL; do
	"$BENCH" rx --duration 60 --nice 0 >"$T/out" 2>&1 &
	pid=$!
	wait_for 20 grep -q Mpps "$T/out" >/dev/null
	kill -$sig $pid
	wait $pid 2>/dev/null
	got=$?
	[ $sig = KILL ] || check "SIGINT: status 130" [ $got = 130 ]
	check "SIG$sig: no process is left" wait_for 10 not running
done
check "no runtime folder is left" not grep -r xskbench <(ls "$T/run/dpdk" 2>/dev/null)

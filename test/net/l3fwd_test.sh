#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# DPDK's l3fwd, an application that knows nothing of the driver and brings its own pool, forwards on
# 1 and 8 queues without losing a packet or running out of buffers.
# limit: 400
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk
command -v make >/dev/null || skip "needs make"

# The source tree that the build has its headers from, or that of the distribution.
src=$(meson introspect --buildoptions "$BUILD" |
	jget "[o['value'] for o in d if o['name'] == 'dpdk_src'][0]")
if [ ! -e "$src/examples/l3fwd" ]; then
	# shellcheck source=app/setup.sh
	. "$AFX_ROOT/app/setup.sh"
	setup_headers
	src=$SETUP_DPDK_SRC
fi
[ -e "$src/examples/l3fwd" ] || skip "no source of DPDK: the driver headers are installed"
[ "$(cat "$src/VERSION")" = "$(pkg-config --modversion libdpdk)" ] ||
	skip "the DPDK source is of another version than the installed DPDK"

# As it is, it insists on checksum offload in Rx; 22.11 has no option to do without.
dir=$AFX_ROOT/.cache/l3fwd-$(cat "$src/VERSION")
l3fwd=$dir/l3fwd/build/l3fwd-shared
mkdir -p "$dir"
(
	flock 9
	[ -x "$l3fwd" ] && exit 0
	rm -rf "$dir/l3fwd" "$dir/common"
	cp -r "$src/examples/l3fwd" "$src/examples/common" "$dir" &&
		sed -i 's/= RTE_ETH_RX_OFFLOAD_CHECKSUM,/= 0,/' "$dir/l3fwd/main.c" &&
		make -C "$dir/l3fwd" shared >"$dir/log" 2>&1
) 9>"$dir/lock"
must "l3fwd is built" test -x "$l3fwd"

# run QUEUES: start it with that many Rx queues on CPU 1.
run() {
	local config='' q
	for ((q = 0; q < $1; q++)); do
		config+=${config:+,}"(0,$q,1)"
	done
	TP=l3fwd$1
	eal_args
	in_ns dut timeout -k 5 120 stdbuf -oL "$l3fwd" -l 0,1 "${eal_args[@]}" \
		--vdev "$(vdev 0 dut0 "$1")" -- -p 1 -P --parse-ptype --config="$config" \
		--eth-dest="0,$(in_ns gen cat /sys/class/net/gen0/address)" \
		>"$T/$TP.out" 2>&1 &
	l3fwd_pid=$!
	at_exit "kill -KILL $l3fwd_pid 2>/dev/null"
	wait_for 30 grep -q "entering main loop" "$T/$TP.out"
}

make_ns gen
make_ns dut
for q in 1 8; do
	make_veth gen gen0 dut dut0 $q
	must "veth pair is up" wait_for 5 carrier dut dut0
	check "$q queues: l3fwd runs" run $q || tail -n 20 "$T/$TP.out"
	# Its default routes lead 198.18.0.0/24 to port 0.
	check "$q queues: all packets come back whole and in order" \
		gen echo -n 200000 -r 40000 -w 192 -s 60-1514 --dst-ip 198.18.0.1 -t 60
	stats=$(telemetry /ethdev/stats,0)
	check "$q queues: the counters agree" \
		is "$(jget "[d['ipackets'], d['opackets']]" <<<"$stats")" "[200000, 200000]"
	check "$q queues: none missed, no lack of buffers" \
		is "$(jget "[d['imissed'], d['rx_nombuf'], d['oerrors']]" <<<"$stats")" "[0, 0, 0]"
	check "$q queues: every queue has its share" \
		is "$(jget "sum(n > 0 for n in d['q_ipackets'])" <<<"$stats")" $q
	check "$q queues: no copy" xstats_is 0 'tx_q\d+_bounce_.*'
	kill -INT "$(pgrep -P $l3fwd_pid)"
	check "$q queues: it ends in order" wait $l3fwd_pid
	check "$q queues: nothing left" wait_for 5 no_xdp dut
	ip -n dut link del dut0
done

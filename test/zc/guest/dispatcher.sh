#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# dispatcher KIND [QUEUES]: attach=dispatcher beside somebody else's program: traffic passes, a
# clean end takes away only ours; after SIGKILL everything passes to the kernel, and the next start
# works. Of two ports on two queues the last one takes the program away.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
command -v xdp-loader >/dev/null || skip "package xdp-tools (xdp-loader) is missing"
LEAVES_XDP=1
other=custom

# programs COUNT: the dispatcher holds so many, the other one always.
programs() {
	local list
	list=$(in_ns dut xdp-loader status dut0)
	echo "$list"
	[ "$(grep -c '=>' <<<"$list")" = "$1" ] && grep -q "=>.* $other " <<<"$list"
}

start_beside() {
	TP=$1 zc_testpmd --vdev "net_xsk0,iface=dut0,attach=dispatcher" -- --forward-mode=macswap
	TP=$1 tp_cmd start >/dev/null
	TP=$1 check "$1: two programs" programs 2
	TP=$1 echoes "$1: frames come back"
	grep -a net_xsk: "$T/$1.out"
}

# passes: what gen sends reaches dut's own stack.
passes() {
	in_ns dut "$PKTGEN" rx -i dut0 -n 500 -t 30 --ready "$T/ready" >"$T/rx.json" &
	wait_for 10 test -e "$T/ready"
	in_ns gen "$PKTGEN" tx -i gen0 -n 500 -r 2000 \
		--dst-mac "$(in_ns dut cat /sys/class/net/dut0/address)"
	wait $!
	local status=$?
	cat "$T/rx.json"
	rm -f "$T/ready"
	return $status
}

zc_pair "$1" "${2:-1}"
spread dut dut0 1
must "the other program is attached" in_ns dut xdp-loader load -m native dut0 \
	"$BUILD/test/bpf/custom_good.bpf.o"
check "one program at first" programs 1
start_beside first
TP=first check "testpmd ends by itself" tp_quit 40
check "the other program alone is left" programs 1
check "the kernel gets everything" passes

start_beside killed
kill -KILL "$(TP=killed tp_pid)"
TP=killed check "killed" tp_ends_with 137 20
in_ns dut xdp-loader status dut0
must "carrier after SIGKILL" wait_for 30 carriers
check "after SIGKILL the kernel gets everything" passes
start_beside next
TP=next check "testpmd ends by itself" tp_quit 40
check "the other program alone is left again" programs 1
if [ "${2:-1}" = 2 ]; then
	# It stops both and then closes both.
	TP=two zc_testpmd --vdev "net_xsk0,iface=dut0,queue_count=1,attach=dispatcher" --vdev \
		"net_xsk1,iface=dut0,start_queue=1,queue_count=1,attach=dispatcher" --
	TP=two check "two ports: one program for both" programs 2
	TP=two tp_cmd "port stop 0" 30 >/dev/null
	TP=two check "two ports: one starts again" shows 'net_xsk0.*rx queues 1' "port start 0"
	TP=two check "testpmd ends by itself" tp_quit 40
	check "two ports: the other program alone is left" programs 1
fi
check "the other program can be taken away" in_ns dut xdp-loader unload dut0 --all

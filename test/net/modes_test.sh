#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Each mode= gives what it says or fails with reason and remedy; log, testpmd, telemetry and xstats
# agree on what was got.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

# gives ARGS MODE NUMBER ATTACHED: devargs, its text, its xstat, how the kernel shows the program.
gives() {
	n=$((n + 1))
	TP=m$n
	start_testpmd --vdev "$(vdev 0 dut0 2 "$1")" -- --rxq=2 --txq=2 --forward-mode=macswap
	tp_cmd start >/dev/null
	check "$1: forwards" gen echo -n 5000 -s 60-1514
	check "$1: the log says $2" says "net_xsk0 \(dut0\): $2, rx queues 2"
	check "$1: so does telemetry" grep -qx "$2" <<<"$(of_port "d['mode']")"
	check "$1: testpmd for Rx" shows "Burst mode: .*$2" "show rxq info 0 0"
	check "$1: testpmd for Tx" shows "Burst mode: .*$2" "show txq info 0 1"
	check "$1: xstats" xstats_is "$3" mode
	check "$1: the kernel" eval "ip -n dut link show dut0 | grep -qw '$4'"
	if [ -n "$5" ]; then
		check "$1: why not zero-copy" says "not more because: .*$5"
		check "$1: in telemetry" is "$(of_port "'$5' in ''.join(d['why_not_more'])")" True
	else
		check "$1: nothing better was asked for" \
			is "$(of_port "''.join(d['why_not_more'])")" ""
	fi
	check "$1: testpmd ends by itself" tp_quit
	check "$1: no program left" no_xdp dut
}

default_pair 2
native="native copy"
skb="generic .skb. copy"
no_zc="driver veth of dut0 has no AF_XDP zero-copy"
n=0
gives mode=auto "$native" 2 xdp "$no_zc"
gives mode=drv "$native" 2 xdp "$no_zc"
gives mode=copy "$native" 2 xdp ""
gives force_copy=1 "$native" 2 xdp ""
gives mode=skb "$skb" 3 xdpgeneric ""
for mode in zc hw; do
	TP=$mode
	launched --vdev "$(vdev 0 dut0 2 mode=$mode)" -- --rxq=2 --txq=2
	check "mode=$mode: the start fails" grep -q "Fail to start port 0" "$T/$mode.out"
	check "mode=$mode: by one error" errors 1
	check "mode=$mode: no program left" no_xdp dut
	check "mode=$mode: telemetry says so" is "$(of_port "d['mode']")" stopped
	check "mode=$mode: testpmd ends by itself" tp_quit
done
TP=zc check "mode=zc: the reason" says "cannot start: $no_zc"
TP=zc check "mode=zc: and a remedy" says "mode=(auto|copy)"
TP=hw check "mode=hw: the reason" says \
	"cannot start: driver veth of dut0 cannot run XDP programs on the NIC itself"
TP=hw check "mode=hw: and a remedy" says "mode=auto, drv do without"

# veth takes no native program where the peer's Tx queues outnumber the Rx queues of this end.
must "one Rx queue on the netdev" in_ns dut ethtool -L dut0 rx 1
TP=few
start_testpmd --vdev "$(vdev 0 dut0 1)" -- --forward-mode=macswap
tp_cmd start >/dev/null
check "mode=auto, too few Rx queues: generic" says "net_xsk0 .dut0.: $skb, rx queues 1"
check "mode=auto, too few Rx queues: why not native" says \
	"not more because: .*native copy: attaching the XDP program to dut0 in native mode"
check "mode=auto, too few Rx queues: forwards" gen echo -n 5000 -s 60-1514
check "testpmd ends by itself" tp_quit
TP=fewcopy
launched --vdev "$(vdev 0 dut0 1 mode=copy)" -- --forward-mode=macswap
check "mode=copy, too few Rx queues: the start fails" \
	grep -q "Fail to start port 0" "$T/fewcopy.out"
check "mode=copy, too few Rx queues: by one error" errors 1
check "mode=copy, too few Rx queues: with a remedy" says "ethtool -L"
check "testpmd ends by itself" tp_quit

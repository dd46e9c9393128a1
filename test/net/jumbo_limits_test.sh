#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Multi-buffer where it cannot be, or only in part: each is refused with reason and remedy, or works
# as the guide says; and an MTU changes under a running port.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

objects=$BUILD/test/bpf
multi_segs=0x8000

# refused NAME REGEX DEVARGS TESTPMD...: the port does not start, and says why once.
refused() {
	local what=$1 reason=$2 args=$3
	shift 3
	n=$((n + 1))
	TP=r$n
	launched --vdev "$(vdev 0 dut0 2 "$args")" -- --rxq=2 --txq=2 "$@"
	check "$what: the start fails" grep -q "Fail to start port 0" "$T/$TP.out"
	check "$what: the reason" says "$reason"
	check "$what: no program left" no_xdp dut
	check "$what: testpmd ends by itself" tp_quit
}

mtu_is() {
	is "$(ip -n dut -j link show dut0 | jget "d[0]['mtu']")" "$1"
}

n=0
default_pair 2 9000
refused "no offload" \
	"cannot start: rx queue 0: frames of dut0's MTU 9000 need 9014 bytes.*SCATTER" mode=copy
refused "a program that knows one buffer" \
	"does not take packets of several buffers: SEC\(\"xdp.frags\"\)" \
	"mode=copy,xdp_prog=$objects/custom_good.bpf.o" --enable-scatter
TP=frags
start_testpmd --vdev "$(vdev 0 dut0 2 "xdp_prog=$objects/custom_frags.bpf.o")" -- --rxq=2 --txq=2 \
	--forward-mode=macswap --enable-scatter --tx-offloads=$multi_segs
tp_cmd start >/dev/null
check "a program that knows several: frames come back" gen echo -n 5000 -s 60-9014 -w 128
check "testpmd ends by itself" tp_quit

ip -n dut link set dut0 mtu 65535
refused "a ring too small" "a frame of 65549 bytes takes 33 mbufs .* the queue has 32 descriptors" \
	mode=copy --enable-scatter --rxd=32
ip -n gen link set gen0 mtu 1500
ip -n dut link set dut0 mtu 1500

# The same program does where the MTU fits.
TP=fits
start_testpmd --vdev "$(vdev 0 dut0 2 "xdp_prog=$objects/custom_good.bpf.o")" -- --rxq=2 --txq=2 \
	--forward-mode=macswap --enable-scatter
tp_cmd start >/dev/null
check "a program that knows one buffer, small MTU" gen echo -n 5000 -s 60-1514
check "testpmd ends by itself" tp_quit

# Transmit alone: receive stays one mbuf a packet, and is not disturbed by it.
TP=txonly
start_testpmd --vdev "$(vdev 0 dut0 2)" -- --rxq=2 --txq=2 --forward-mode=macswap \
	--tx-offloads=$multi_segs
tp_cmd start >/dev/null
check "MULTI_SEGS alone: frames come back" gen echo -n 5000 -s 60-1514
check "MULTI_SEGS alone: not scattered" shows 'RX scattered packets: off' "show rxq info 0 0"
check "MULTI_SEGS alone: no larger MTU" shows "device max MTU \(2034\)" "port config mtu 0 9000"
check "testpmd ends by itself" tp_quit

# Up and down under a running port.
TP=mtu
start_testpmd --vdev "$(vdev 0 dut0 2)" -- --rxq=2 --txq=2 --forward-mode=macswap \
	--enable-scatter --tx-offloads=$multi_segs
tp_cmd start >/dev/null
check "MTU 1500: frames come back" gen echo -n 5000 -s 60-1514
check "MTU 1500: none was a chain" xstats_is 0 'rx_q\d+_chains'
tp_cmd "port config mtu 0 9000" >/dev/null
check "MTU 9000 is set" mtu_is 9000
ip -n gen link set gen0 mtu 9000
check "MTU 9000: frames come back" gen echo -n 5000 -s 60-9014 -w 128
check "MTU 9000: chains" test "$(xstats 'rx_q\d+_chains')" -gt 1000
tp_cmd "port config mtu 0 65534" >/dev/null
check "the largest MTU is set" mtu_is 65534
check "one more is refused" shows "device max MTU \(65534\)" "port config mtu 0 65535"
tp_cmd "port config mtu 0 1500" >/dev/null
check "MTU 1500 is set again" mtu_is 1500
ip -n gen link set gen0 mtu 1500
check "MTU 1500 again: frames come back" gen echo -n 5000 -s 60-1514
check "nothing was lost or wrong" is "$(telemetry /ethdev/stats,0 |
	jget "[d[k] for k in ('imissed', 'ierrors', 'oerrors', 'rx_nombuf')]")" "[0, 0, 0, 0]"
check "testpmd ends by itself" tp_quit

# An interface with a limit below ethdev's: what lies between max_rx_pktlen and max_mtu, which
# testpmd subtracts from --max-pkt-len, is the header there too.
if ip -n dut tuntap add dev tap0 mode tap; then
	TP=tap
	start_testpmd --vdev "$(vdev 0 tap0)" -- --enable-scatter --max-pkt-len=1518
	check "a lower limit: --max-pkt-len is MTU and header" \
		is "$(ip -n dut -j link show tap0 | jget "d[0]['mtu']")" 1504
	check "testpmd ends by itself" tp_quit
else
	echo "note: no tap interface here"
fi

# Two ports of one process over the same pool, one with and one without.
make_ns gen2
make_veth gen2 gen1 dut dut1 2 1500
must "second pair is up" wait_for 5 carrier dut dut1
ip -n gen link set gen0 mtu 9000
ip -n dut link set dut0 mtu 9000
TP=two
start_testpmd --vdev "$(vdev 0 dut0 2)" --vdev "$(vdev 1 dut1 2)" -- --rxq=2 --txq=2 \
	--forward-mode=macswap --port-topology=loop --enable-scatter --tx-offloads=$multi_segs
tp_cmd start >/dev/null
check "two ports: large frames on one" gen echo -n 5000 -s 60-9014 -w 128
check "two ports: small ones on the other" \
	in_ns gen2 "$PKTGEN" echo -i gen1 --cpu 0 -n 5000 -s 60-1514
check "testpmd ends by itself" tp_quit

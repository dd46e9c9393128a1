#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# jumbo KIND QUEUES [plain]: at MTU 9000 a port that scatters is not put into copy mode silently
# where zero-copy has no multi-buffer: the start fails and offers mode=copy, which then forwards
# frames of 60 to 9014 bytes whole. At MTU 1500 the same offloads leave it in zero-copy. plain: the
# card has none to lose (virtio-plain).
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
kind=$1 queues=$2
offloads=(--enable-scatter --tx-offloads=0x8000)

# large TEXT: frames of all lengths come back.
large() {
	must "carrier before: $1" wait_for 30 carriers
	check "$1" gen echo -n "${COUNT:-3000}" -s 60-9014 -w 64 -t 60 \
		--dst-mac "$(in_ns dut cat /sys/class/net/dut0/address)"
	cat "$T/gen.json"
}

# some NAME: one of the queues counts more than 1000 of it, by the xstats in $T/xstats.
some() {
	grep -E "^$1: [0-9]{4,}" "$T/xstats"
}

none() {
	! grep -E "^($1): [1-9]" "$T/xstats"
}

MTU=9000 zc_pair "$kind" "$queues"
TP=auto
tp_launch --vdev net_xsk0,iface=dut0 -- --rxq="$queues" --txq="$queues" "${offloads[@]}"
wait_for 100 tp_prompts_or_gone 1
check "mode=auto: the start fails" grep -q "Fail to start port 0" "$T/auto.out"
check "mode=auto: it says what zero-copy lacks" \
	grep -q 'takes one frame a packet in zero-copy' "$T/auto.out"
check "mode=auto: and offers the choice" \
	grep -q 'mode=copy receives them by a copy' "$T/auto.out"
check "mode=auto: no program is left" no_xdp dut
check "mode=auto: testpmd ends by itself" tp_quit 40

TP=copy
zc_testpmd --vdev net_xsk0,iface=dut0,mode=copy -- --rxq="$queues" --txq="$queues" \
	--forward-mode=macswap "${offloads[@]}"
check "mode=copy: native, with multi-buffer" \
	port_says "d['mode'] == 'native copy' and d['multi_buffer'] == 1"
check "mode=copy: $queues sockets, zc:0" sockets dut 0 "$queues"
tp_cmd start >/dev/null
large "frames of 60 to 9014 bytes come back"
tp_cmd "show port xstats 0" >"$T/xstats"
check "received as chains" some 'rx_q[0-9]+_chains'
check "and sent as such" some 'tx_q[0-9]+_chains'
check "no invalid descriptor, no copy, no drop" none \
	'tx_q[0-9]+_(kernel_invalid|bounce_.*|drop_.*)|rx_q[0-9]+_(bad_.*|drop_.*)'
tp_cmd stop >/dev/null
check "port stops" tp_cmd "port stop 0" 30
check "all mbufs are back after stop" pool_full
check "port starts" tp_cmd "port start 0" 30
tp_cmd start >/dev/null
large "frames come back after stop and start"
tp_cmd stop >/dev/null
check "mode=copy: testpmd ends by itself" tp_quit 40

ip -n dut link set dut0 mtu 1500
ip -n gen link set gen0 mtu 1500
must "carrier at MTU 1500" wait_for 30 carriers
TP=small
zc_testpmd --vdev net_xsk0,iface=dut0 -- --rxq="$queues" --txq="$queues" \
	--forward-mode=macswap "${offloads[@]}"
if [ "${3-}" = plain ]; then
	check "MTU 1500: native copy" port_says "d['mode'] == 'native copy'"
else
	check "MTU 1500: zero-copy, without multi-buffer" \
		port_says "d['mode'] == 'zero-copy' and d['multi_buffer'] == 0"
	check "MTU 1500: it says that chains are gathered" \
		port_says "'chains are gathered by a copy' in ''.join(d['why_not_more'])"
fi
tp_cmd start >/dev/null
echoes "MTU 1500: frames come back"
tp_cmd stop >/dev/null
# Chains to send where there is no multi-buffer.
tp_cmd "set fwd txonly" >/dev/null
tp_cmd "set txpkts 64,200,300" >/dev/null
tp_cmd start >/dev/null
sent_chains() {
	stat_above tx_q0_bounce_chain 100 || stat_above tx_q0_chains 100
}
check "MTU 1500: chains leave" wait_for 30 sent_chains
check "MTU 1500: in descriptors the kernel takes" stat_is tx_q0_kernel_invalid 0
tp_cmd stop >/dev/null
check "MTU 1500: testpmd ends by itself" tp_quit 40

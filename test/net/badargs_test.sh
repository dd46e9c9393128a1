#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every wrong device argument is refused by one line that names it and its remedy; nothing of it is
# left behind and the next attempt works.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

# refused DEVARGS REGEX: one line of the driver, and it matches.
refused() {
	local lines
	check "${1:0:60}: refused" not shows "is attached" "port attach net_xsk1${1:+,$1}"
	lines=$(grep -E '^net_xsk: ' "$T/tp.out" | tail -n +$((said + 1)))
	check "${1:0:60}: one line says why" is "$(grep -c . <<<"$lines")" 1
	check "${1:0:60}: $2" grep -qE -e "$2" <<<"$lines"
	said=$(grep -cE '^net_xsk: ' "$T/tp.out")
}

default_pair 4
long=$(printf 'x%.0s' {1..400})
in_ns dut ip tuntap add dev tun0 mode tun
start_testpmd --log-level=pmd.net.xsk:notice -- --forward-mode=macswap
said=0
fds=$(fd_count)

refused "" "'iface' is missing"
refused "queue_count=1" "'iface' is missing"
refused "iface=" "'iface' has no value"
refused "iface=nosuch0" "nosuch0"
refused "iface=$long" "iface=x+\.\.\.: 400 characters, at most 127"
refused "iface=dut0,iface=dut0" "'iface' is given twice"
refused "iface=lo" "iface=lo is not an Ethernet interface"
refused "iface=tun0" "iface=tun0 is not an Ethernet interface"
refused "iface=dut0,unheard=1" "unknown device argument 'unheard'.*queue_count"
refused "iface=dut0,netns=nowhere" "netns/nowhere.*ip netns list"
refused "iface=dut0,netns=/dev/null" "/dev/null.*not a network namespace"
for key in netns start_queue queue_count shared_umem xdp_prog busy_budget force_copy use_cni \
		use_pinned_map dp_path mode attach umem umem_cap busy_poll tune napi_defer \
		napi_flush same_lcore; do
	refused "iface=dut0,$key=" "'$key' has no value"
	refused "iface=dut0,$key" "'$key' has no value"
	refused "iface=dut0,$key=1,$key=0" "'$key' is given twice"
done
for key in start_queue queue_count shared_umem busy_budget force_copy use_cni use_pinned_map \
		umem_cap same_lcore; do
	for value in -1 1x 0x1 1.5 99999999999999999999 $((1 << 32)); do
		refused "iface=dut0,$key=$value" "$key=$value: not a number from [0-9]+ to [0-9]+"
	done
done
for value in 0 -1 1x 99999999999999999999 $((1 << 32)); do
	refused "iface=dut0,busy_poll=$value" "busy_poll=$value: not .*a number from 1 to 65535"
	refused "iface=dut0,napi_defer=$value,napi_flush=1" "napi_defer=$value: not a number from 1"
	refused "iface=dut0,napi_defer=1,napi_flush=$value" "napi_flush=$value: not a number from 1"
done
refused "iface=dut0,napi_defer=1" "napi_defer and napi_flush.*give both"
refused "iface=dut0,busy_poll=1,busy_budget=1" "busy_poll=1 and busy_budget=1"
for key in mode attach umem tune; do
	refused "iface=dut0,$key=fast" "$key=fast: not one of .*, "
	refused "iface=dut0,$key=$long" "$key=x+: not one of"
done
refused "iface=dut0,queue_count=0" "queue_count=0: not a number from 1"
refused "iface=dut0,start_queue=4" "start_queue=4: dut0 has queues 0-3"
refused "iface=dut0,queue_count=5" "queue_count=5: dut0 has queues 0-3"
refused "iface=dut0,start_queue=3,queue_count=2" "start_queue=3,queue_count=2: dut0 has queues 0-3"
refused "iface=dut0,use_cni=1,use_pinned_map=1" "use_cni=1 and use_pinned_map=1"
refused "iface=dut0,attach=none" "attach=none needs"
refused "iface=dut0,dp_path=/x" "dp_path=/x has no meaning without"
refused "iface=dut0,force_copy=1,mode=zc" "force_copy=1 contradicts mode=zc"
refused "iface=dut0,use_cni=1,dp_path=/nosuch.sock" "/nosuch.sock"
refused "iface=dut0,use_pinned_map=1,xdp_prog=/x" "xdp_prog=/x"
check "no descriptor is left" is "$(fd_count)" "$fds"
check "no port is left" ports_are "[]"
check "a right one is taken" shows "is attached" "port attach net_xsk1,iface=dut0"
for bad in "iface=dut0,xdp_prog=/nosuch.o,queue_count=1" \
		"iface=dut0,use_pinned_map=1,dp_path=/nosuch,queue_count=1"; do
	tp_cmd "port detach 0" >/dev/null
	said=$(grep -cE '^net_xsk: ' "$T/tp.out")
	if shows "is attached" "port attach net_xsk1,$bad" >/dev/null; then
		tp_cmd "port start 0" >/dev/null
	fi
	lines=$(grep -E '^net_xsk: ' "$T/tp.out" | tail -n +$((said + 1)))
	check "$bad: one line names the path" is "$(grep -c '/nosuch' <<<"$lines")" 1
done
check "testpmd ends by itself" tp_quit

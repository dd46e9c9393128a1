#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ping KIND: while a port only transmits on a queue in zero-copy, what arrives there is the
# kernel's: the interface's address answers.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
command -v busybox >/dev/null || skip "package busybox-static is missing"

zc_pair "$1" 1
ip -n dut addr add 198.18.0.1/24 dev dut0
ip -n gen addr add 198.18.0.2/24 dev gen0
pings() {
	in_ns gen busybox ping -c 20 -i 0.1 -W 5 198.18.0.1 >"$T/ping"
	local status=$?
	tail -n 3 "$T/ping"
	[ $status = 0 ] && grep -q ' 0% packet loss' "$T/ping"
}
must "answers without a port" pings
zc_testpmd --vdev "net_xsk0,iface=dut0,mode=zc" -- --rxq=0 --txq=1 --forward-mode=txonly \
	--txpkts=64 --burst=1
check "one socket, zero-copy" sockets dut 1 1
must "carrier" wait_for 30 carriers
check "the kernel answers beside an idle port" pings
tp_cmd start >/dev/null
check "the port sends" wait_for 20 stat_above tx_q0_zero_copy 1000
tp_cmd stop >/dev/null
check "the kernel answers after the port has sent" pings
check "no invalid tx descriptor" stat_is tx_q0_kernel_invalid 0
check "testpmd ends by itself" tp_quit 40
check "the kernel answers afterwards" wait_for 30 pings

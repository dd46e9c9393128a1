#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# refused KIND: what the card cannot do is refused at start with the reason, and leaves nothing: a
# program offloaded to the NIC, frames that igb would split.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
kind=$1
zc_pair "$kind" 1

# refuses NAME DEVARGS REGEX [TESTPMD OPTIONS]: testpmd's port does not start, and says so.
refuses() {
	local name=$1 args=$2 regex=$3
	shift 3
	TP=$name tp_launch --vdev "net_xsk0,iface=dut0,$args" -- "$@"
	check "$args is refused with the reason" wait_for 100 grep -aE "$regex" "$T/$name.out"
	TP=$name tp_end
	grep -a net_xsk: "$T/$name.out"
	check "$args leaves no socket" sockets dut 1 0
	check "$args leaves no program" no_xdp dut
}

refuses hw mode=hw 'cannot start: driver .* cannot run XDP programs on the NIC itself'
# A room of 1920 is 1024 to igb: a full frame would arrive in two pieces.
[ "$kind" != igb ] || refuses small mode=zc 'cannot start: igb rounds a room of 1920 bytes' \
	--mbuf-size=2048

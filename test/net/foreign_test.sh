#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A foreign XDP program on the interface: the port is refused by its id and name, and the program is
# still there afterwards. Without it the port works.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

object=$BUILD/test/bpf/custom_no_map.bpf.o
[ -e "$object" ] || skip "not built: $object"

prog_id() {
	ip -n dut -d link show dut0 | grep -oE 'prog/xdp id [0-9]+' | grep -oE '[0-9]+'
}

default_pair 1
for kind in xdpdrv xdpgeneric; do
	ip -n dut link set dev dut0 $kind obj "$object" sec xdp || skip "ip link cannot attach XDP"
	id=$(prog_id)
	name=$(bpftool -j prog show id "$id" | jget "d['name']")
	TP=$kind
	launched --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
	check "$kind: refused by id and name" \
		says "dut0 has a foreign XDP program .id $id, name $name,"
	check "$kind: by one line" errors 1
	check "$kind: with the remedy" says "ip link set dev dut0 xdp[a-z]* off"
	check "$kind: no port" ports_are "[]"
	check "$kind: it is still attached" is "$(prog_id)" "$id"
	check "$kind: testpmd ends by itself" tp_quit
	check "$kind: also after the end" is "$(prog_id)" "$id"
	ip -n dut link set dev dut0 $kind off
done
TP=late
start_testpmd --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
tp_cmd "port stop 0" >/dev/null
ip -n dut link set dev dut0 xdpdrv obj "$object" sec xdp
id=$(prog_id)
check "one that came while the port was stopped: the start fails" \
	shows "Fail to start port 0" "port start 0"
check "by id" says "foreign XDP program .id $id,"
check "it is still attached" is "$(prog_id)" "$id"
ip -n dut link set dev dut0 xdpdrv off
check "without it the port starts" shows "native copy, rx queues" "port start 0"
tp_cmd start >/dev/null
check "and forwards" gen echo -n 5000
check "ours is not replaced by ip link" not ip -n dut link set dev dut0 xdpdrv obj "$object" sec xdp
check "testpmd ends by itself" tp_quit

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# reconfig KIND: the number of queues and the MTU change under a started and under a stopped port:
# every frame comes back after each, in zero-copy, and every mbuf is back at the end.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"
kind=$1
export COUNT=2000

channels() {
	set_queues dut dut0 "$1" && spread dut dut0 2
}

mtu_is() {
	ip -n dut link show dut0 | grep -q "mtu $1 "
}

zc_pair "$kind" 2
zc_testpmd --vdev "net_xsk0,iface=dut0" -- --rxq=2 --txq=2 --forward-mode=macswap
# With an XDP program virtio-net has more queues.
[ "$kind" != virtio-mq4 ] || check "queues that the program brought are named" \
	grep -a 'netdev queues 2-3 of dut0 stay with the kernel' "$T/tp.out"
spread dut dut0 2
tp_cmd start >/dev/null
echoes "frames come back"
check "two more queues under the started port" channels 4
echoes "frames come back after two more queues"
check "sockets are zero-copy still" sockets dut 1 2
check "the kernel keeps the queues of the port" not set_queues dut dut0 1
spread dut dut0 2
echoes "frames come back after the attempt"
check "a smaller MTU under the started port" ip -n dut link set dut0 mtu 1300
echoes "frames come back at MTU 1300" -s 60-1314
ip -n dut link set dut0 mtu 1500
echoes "frames come back at MTU 1500 again"

tp_cmd stop >/dev/null
tp_cmd "port stop 0" 30 >/dev/null
check "all mbufs are back" pool_full
check "one queue under the stopped port" set_queues dut dut0 1
check "a port of two queues does not start on one" shows 'cannot start.*queue' "port start 0"
check "all mbufs are back after the failure" pool_full
check "two queues again" channels 2
check "the MTU is set" tp_cmd "port config mtu 0 1400"
check "it starts" shows 'zero-copy, rx queues 2' "port start 0"
check "the interface has the MTU" mtu_is 1400
spread dut dut0 2
tp_cmd start >/dev/null
echoes "frames come back at MTU 1400" -s 60-1414
tp_cmd stop >/dev/null
take_stats
check "no invalid tx descriptor" all_saved tx_q%d_kernel_invalid 2 -eq 0
check "nothing in quarantine" saved quarantined_mbufs -eq 0
check "testpmd ends by itself" tp_quit 40
check "the MTU is as it was" mtu_is 1500

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What is missing (capabilities, locked memory, AF_XDP in the kernel) is said in one line with its
# remedy; the program goes on and ends in order, and nothing is left.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk
command -v setpriv >/dev/null || skip "needs setpriv"

# without NAME COMMAND REGEX: run below COMMAND there is no started port and one line that matches.
without() {
	TP=$1
	TP_WRAP=$2
	check "without $1: testpmd does not crash" launched --vdev "$(vdev 0 dut0)" -- \
		--forward-mode=macswap
	check "without $1: one line of the driver" errors 1
	check "without $1: $3" says "$3"
	check "without $1: it is not started" not grep -q 'native copy, rx queues' "$T/$1.out"
	check "without $1: testpmd ends by itself" tp_quit
	check "without $1: nothing left" no_xdp dut
	TP_WRAP=
}

default_pair 1
chmod 0755 "$T"
TP_MEM=128
TP_MBUFS=8192
AFX_NO_HUGE=1
TP=all
start_testpmd --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
tp_cmd start >/dev/null
check "with everything it works" gen echo -n 2000
check "testpmd ends by itself" tp_quit

drop="setpriv --inh-caps -all --bounding-set"
without net_raw "$drop -net_raw" "CAP_NET_RAW"
without bpf "$drop -bpf,-sys_admin" "CAP_BPF"
without net_admin "$drop -net_admin,-sys_admin" "CAP_NET_ADMIN"
without memlock "prlimit --memlock=1048576 $drop -ipc_lock" "RLIMIT_MEMLOCK.*CAP_IPC_LOCK"
without af_xdp "$(dirname "$0")/no_af_xdp.py" "CONFIG_XDP_SOCKETS"

TP=few
TP_WRAP="$drop -all,+net_raw,+net_admin,+bpf,+ipc_lock"
start_testpmd --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
tp_cmd start >/dev/null
check "CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF and CAP_IPC_LOCK are enough" gen echo -n 2000
check "testpmd ends by itself" tp_quit

# A second process on the netdev has to open the program of the first, which these do not allow.
TP=first
TP_WRAP=
start_testpmd --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
tp_cmd start >/dev/null
TP=second
TP_WRAP="$drop -all,+net_raw,+net_admin,+bpf,+ipc_lock"
check "a second process without CAP_SYS_ADMIN does not crash" \
	launched --vdev "$(vdev 0 dut0)" -- --forward-mode=macswap
check "by one line of the driver" errors 1
check "which says what is missing" says 'dut0 has an XDP program .id [0-9]+.: .*needs CAP_SYS_ADMIN'
check "and does not call the program foreign" not says 'foreign|xdp off'
check "testpmd ends by itself" tp_quit
TP=first
check "the first goes on" gen echo -n 2000
check "testpmd ends by itself" tp_quit

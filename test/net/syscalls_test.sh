#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# System calls of a lcore in copy mode, counted one by one: none for a poll, with or without
# packets, at most one for a burst of 64 packets sent, and nothing is left when it goes quiet.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"

bursts=200 packets=1000
counter=$BUILD/test/pmd/xsk_syscalls
[ -x "$counter" ] || skip "not built: $counter"
default_pair 1
must "a pipe" mkfifo "$T/in"
exec {in}<>"$T/in"
TP=sys eal_args
in_ns dut timeout 90 "$counter" -l 0 "${eal_args[@]}" --no-telemetry --vdev "$(vdev 0 dut0 1)" -- \
	$bursts $packets <"$T/in" >"$T/out" 2>&1 &
pid=$!

# said REGEX: the program printed it, or ended.
said() { grep -qE "$1" "$T/out" || ! kill -0 $pid 2>/dev/null; }
# of WORD: the system calls it counted there.
of() { sed -nE "s/^$1 .*syscalls ([0-9]+)$/\1/p" "$T/out"; }
# peer_has N: the peer has received N packets.
peer_has() { [ "$(in_ns gen cat /sys/class/net/gen0/statistics/rx_packets)" -ge "$1" ]; }

wait_for 60 said '^bursts|^SKIP'
if grep -q '^SKIP' "$T/out"; then
	skip "$(sed -n 's/^SKIP: //p' "$T/out")"
fi
cat "$T/out"
check "no system call for an empty poll" [ "$(of 'empty polls')" = 0 ]
if grep -q '^budget 1' "$T/out"; then
	check "at most one system call for a burst of 64" [ "$(of bursts)" -le $bursts ]
else
	echo "# the kernel has no XDP_MAX_TX_SKB_BUDGET: 32 packets a call"
	check "at most two system calls for a burst of 64" [ "$(of bursts)" -le $((2 * bursts)) ]
fi
check "nothing is left when the lcore does nothing more" wait_for 10 peer_has $((64 * bursts))
echo >&$in
check "packets are sent to it" gen tx -n $((20 * packets)) -s 60
wait_for 40 said '^received'
check "they are received" grep -qE "^received [0-9]{4,} " "$T/out"
check "without a system call" [ "$(of received)" = 0 ]
wait $pid
check "the program ends by itself" [ $? = 0 ]

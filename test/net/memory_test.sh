#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# umem=pool, auto and heap register what they say: the Rx pool, further pools up to umem_cap, all of
# the memory; the figures of telemetry agree with the kernel's and the packets are right in each.
# shellcheck source=test/lib/net.sh
. "$(dirname "$0")/../lib/net.sh"
# shellcheck source=test/net/more.sh
. "$(dirname "$0")/more.sh"
only_xsk

queues=2
# kernel_umem: bytes of the UMEM as the kernel tells; nothing where ss or xsk_diag are missing.
kernel_umem() {
	in_ns dut ss --xdp -a -e -n 2>/dev/null |
		grep -oE 'size:[0-9]+' | grep -oE '[0-9]+' | sort -u
}

# pinned NAME DEVARGS: set pinned, heads and room for a testpmd with a second pool beside the one
# it receives into.
pinned() {
	local seen
	TP=$1
	start_testpmd --vdev "$(vdev 0 dut0 $queues "$2")" -- --rxq=$queues --txq=$queues \
		--mbuf-size=2176,2304 --forward-mode=macswap
	tp_cmd start >/dev/null
	check "$2: forwards" gen echo -n 20000 -w 192 -s 60-1514
	check "$2: none is copied" xstats_is 0 'tx_q\d+_bounce_.*'
	check "$2: one registration" is "$(of_port "d['umem_registrations']")" 1
	pinned=$(of_port "d['umem_pinned_bytes']")
	check "$2: kernel heads are 136 bytes a chunk of a page and queue" is \
		"$(of_port "d['umem_heads_bytes']")" \
		"$(of_port "d['umem_pinned_bytes'] // 4096 * 136 * $queues")"
	seen=$(kernel_umem)
	[ -z "$seen" ] || check "$2: the kernel sees as many bytes" is "$seen" "$pinned"
	check "testpmd ends by itself" tp_quit
}

default_pair $queues
pinned pool umem=pool
pool=$pinned
# 16384 objects: mbuf, headroom, room.
check "pool: no less than the Rx pool" test "$pool" -ge $((16384 * (128 + 2176)))
check "pool: little more" test "$pool" -le $((16384 * (128 + 2176 + 192)))
pinned auto umem=auto
check "auto: both pools" test "$pinned" -ge $((16384 * (2 * 128 + 2176 + 2304)))
auto=$pinned
pinned cap0 umem=auto,umem_cap=0
check "auto with umem_cap=0: the Rx pool alone" is "$pinned" "$pool"
pinned default umem_cap=64
check "auto is the default" is "$pinned" "$auto"
pinned heap umem=heap
check "heap: all of it" test "$pinned" -gt "$auto"
check "heap: whole pages of the memory" is $((pinned % (1 << 16))) 0

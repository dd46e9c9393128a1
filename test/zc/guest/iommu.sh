#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# iommu KIND: behind an IOMMU that translates, most frames of testpmd's own pool cross a page that
# the NIC cannot follow. The port then works in copy mode and says why and what would help; asked
# for zero-copy it does not start. With one object per page it is zero-copy.
# shellcheck source=test/zc/guest/lib.sh
. "$(dirname "$0")/lib.sh"

zc_pair "$1" 1
zc_testpmd --vdev "net_xsk0,iface=dut0" -- --forward-mode=macswap
telemetry /net_xsk/port,0
check "the IOMMU is seen" port_says "d['iommu'].startswith('DMA')"
check "copy mode" port_says "d['mode'] == 'native copy'"
check "it says why" port_says "'IOMMU' in d['why_not_more']"
check "it says what would help" grep -E 'not more because.*iommu.passthrough' "$T/tp.out"
tp_cmd start >/dev/null
echoes "frames come back"
tp_cmd stop >/dev/null
check "testpmd ends by itself" tp_quit 40

TP=strict tp_launch --vdev "net_xsk0,iface=dut0,mode=zc" -- --forward-mode=macswap
check "mode=zc does not start, the error names IOMMU and remedy" wait_for 100 \
	grep -E 'cannot start.*IOMMU.*iommu.passthrough' "$T/strict.out"
check "no socket is left" sockets dut 1 0
TP=strict tp_end
grep -a net_xsk: "$T/strict.out"

# One object per page: 64 bytes of mempool header, 128 of mbuf, and no spreading over channels.
TP=paged zc_testpmd -n 1 --vdev "net_xsk0,iface=dut0,mode=zc" -- --mbuf-size=3904 \
	--forward-mode=macswap
TP=paged check "zero-copy with one object per page" port_says "d['mode'] == 'zero-copy'"
TP=paged tp_cmd start >/dev/null
TP=paged echoes "frames come back in zero-copy"
TP=paged check "no invalid tx descriptor" stat_is tx_q0_kernel_invalid 0
TP=paged tp_cmd "show port xstats 0" | grep -v ': 0$'
TP=paged check "testpmd ends by itself" tp_quit 40

/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* What xdpgen's two halves share: settings, and the layout of its packets and counters. */
#ifndef XDPGEN_H
#define XDPGEN_H

#define XDPGEN_SPORT_OFF 34  /* behind the Ethernet and the IPv4 header */
#define XDPGEN_HEAD_OFF 42
#define XDPGEN_SPORT 10000
#define XDPGEN_INTERVAL_SHIFT 10
#define XDPGEN_MAGIC 0x6e656778

struct xdpgen_cfg {
	__u32 out_ifindex;
	__u32 flow_mask;     /* flows - 1, flows a power of two */
	__u64 interval;      /* between packets, in ns << XDPGEN_INTERVAL_SHIFT; 0: no limit */
};

struct xdpgen_head {
	__u32 magic;
	__u64 seq;
} __attribute__((packed));

struct xdpgen_count {
	__u64 packets;
	__u64 bytes;
	__u64 foreign;       /* not made by xdpgen; dropped too */
};

#endif

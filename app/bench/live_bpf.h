/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* What the XDP programs of live.bpf.c and user space share: settings, packets, counters. */
#ifndef BENCH_LIVE_BPF_H
#define BENCH_LIVE_BPF_H

#include <linux/types.h>

#define LIVE_IP_LEN_OFF 16   /* of the total length field; Ethernet without tags, IPv4, UDP */
#define LIVE_IP_CSUM_OFF 24
#define LIVE_SPORT_OFF 34
#define LIVE_UDP_LEN_OFF 38
#define LIVE_HEAD_OFF 42     /* behind Ethernet, IPv4 and UDP */
#define LIVE_SPORT 10000
#define LIVE_INTERVAL_SHIFT 10
#define LIVE_MAGIC 0x6e656778
#define LIVE_MIX_MAX 12

/* One frame length of a mix, with the header fields that depend on it in network order. */
struct live_len {
	__u32 bytes;
	__u16 ip_len;
	__u16 ip_csum;
	__u16 udp_len;
	__u16 pad;
};

struct live_cfg {
	__u32 out_ifindex;
	__u32 flow_mask;     /* flows - 1, flows a power of two */
	__u64 interval;      /* between packets, in ns << LIVE_INTERVAL_SHIFT; 0: no limit */
	__u32 mix_cnt;       /* lengths that take turns; 0: every frame as it was given */
	__u32 pad;
	struct live_len mix[LIVE_MIX_MAX];
};

struct live_head {
	__u32 magic;
	__u64 seq;
} __attribute__((packed));

struct live_count {
	__u64 packets;
	__u64 bytes;
	__u64 foreign;       /* without the magic; dropped too */
};

#endif

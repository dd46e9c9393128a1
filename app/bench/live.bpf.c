/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * XDP programs of the generator and of the receivers that need no socket: one makes packets out of
 * live frames, one counts and drops them, one sends them back where they came from.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "live_bpf.h"

char licence[] SEC("license") = "Dual BSD/GPL";

const volatile struct live_cfg cfg;

/* The generator runs on one CPU, so plain counters do. */
__u64 made;
__u64 started_ns;
__u32 mix_at;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct live_count);
} counts SEC(".maps");

/* Cut the frame to the length whose turn it is and make its headers say so. */
static __always_inline int
cut(struct xdp_md *ctx)
{
	const volatile struct live_len *l;
	__u32 at = mix_at, have = ctx->data_end - ctx->data;
	unsigned char *data;

	if (at >= LIVE_MIX_MAX)
		return -1;
	mix_at = at + 1 < cfg.mix_cnt ? at + 1 : 0;
	l = &cfg.mix[at];
	if (l->bytes != have && bpf_xdp_adjust_tail(ctx, (int)l->bytes - (int)have) < 0)
		return -1;
	data = (void *)(long)ctx->data;
	if (data + LIVE_HEAD_OFF > (unsigned char *)(long)ctx->data_end)
		return -1;
	*(__u16 *)(data + LIVE_IP_LEN_OFF) = l->ip_len;
	*(__u16 *)(data + LIVE_IP_CSUM_OFF) = l->ip_csum;
	*(__u16 *)(data + LIVE_UDP_LEN_OFF) = l->udp_len;
	return 0;
}

/*
 * A frame keeps what was written into it and comes round again, so only what differs is written:
 * the source port, which spreads the flows, and the number of the packet.
 */
SEC("xdp")
int live_make(struct xdp_md *ctx)
{
	__u16 flow = made & cfg.flow_mask;
	struct live_head *head;
	unsigned char *data;

	if (cfg.interval != 0) {
		__u64 now = bpf_ktime_get_ns();

		if (started_ns == 0)
			started_ns = now;
		if (((made * cfg.interval) >> LIVE_INTERVAL_SHIFT) > now - started_ns)
			return XDP_DROP;  /* ahead of the rate: this frame just passes time */
	}
	if (cfg.mix_cnt != 0 && cut(ctx) < 0)
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	head = (void *)(data + LIVE_HEAD_OFF);
	if ((void *)(head + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*(__u16 *)(data + LIVE_SPORT_OFF) = __builtin_bswap16(LIVE_SPORT + flow);
	head->seq = made++;
	return bpf_redirect(cfg.out_ifindex, 0);
}

/* Count a packet in; 0 when it is of a generator. */
static __always_inline int
count(struct xdp_md *ctx)
{
	struct live_head *head = (void *)((long)ctx->data + LIVE_HEAD_OFF);
	__u32 zero = 0;
	struct live_count *c = bpf_map_lookup_elem(&counts, &zero);

	if (!c)
		return -1;
	if ((void *)(head + 1) > (void *)(long)ctx->data_end || head->magic != LIVE_MAGIC) {
		c->foreign++;
		return -1;
	}
	c->packets++;
	c->bytes += ctx->data_end - ctx->data;
	return 0;
}

SEC("xdp")
int live_drop(struct xdp_md *ctx)
{
	count(ctx);
	return XDP_DROP;
}

SEC("xdp")
int live_reflect(struct xdp_md *ctx)
{
	__u16 *mac, word;
	int i;

	if (count(ctx) < 0)
		return XDP_DROP;
	mac = (void *)(long)ctx->data;
	if ((void *)(mac + 6) > (void *)(long)ctx->data_end)
		return XDP_DROP;
#pragma unroll
	for (i = 0; i < 3; i++) {
		word = mac[i];
		mac[i] = mac[i + 3];
		mac[i + 3] = word;
	}
	return XDP_TX;
}

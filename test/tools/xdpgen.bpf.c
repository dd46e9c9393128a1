/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* Programs of xdpgen: one makes packets out of live frames, the other counts and drops them. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "xdpgen.h"

char licence[] SEC("license") = "Dual BSD/GPL";

const volatile struct xdpgen_cfg cfg;

/* The generator runs on one CPU, so plain counters do. */
__u64 made;
__u64 started_ns;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdpgen_count);
} counts SEC(".maps");

/*
 * A frame keeps what was written into it and comes round again, so only what differs is written:
 * the source port, which spreads the flows, and the number of the packet.
 */
SEC("xdp")
int xdpgen_make(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;
	struct xdpgen_head *head = (void *)(data + XDPGEN_HEAD_OFF);
	__u16 flow = made & cfg.flow_mask;

	if ((void *)(head + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (cfg.interval != 0) {
		__u64 now = bpf_ktime_get_ns();

		if (started_ns == 0)
			started_ns = now;
		if (((made * cfg.interval) >> XDPGEN_INTERVAL_SHIFT) > now - started_ns)
			return XDP_DROP;  /* ahead of the rate: this frame just passes time */
	}
	*(__u16 *)(data + XDPGEN_SPORT_OFF) = __builtin_bswap16(XDPGEN_SPORT + flow);
	head->seq = made++;
	return bpf_redirect(cfg.out_ifindex, 0);
}

SEC("xdp")
int xdpgen_count(struct xdp_md *ctx)
{
	struct xdpgen_head *head = (void *)((long)ctx->data + XDPGEN_HEAD_OFF);
	__u32 zero = 0;
	struct xdpgen_count *c = bpf_map_lookup_elem(&counts, &zero);

	if (!c)
		return XDP_DROP;
	if ((void *)(head + 1) > (void *)(long)ctx->data_end || head->magic != XDPGEN_MAGIC) {
		c->foreign++;
		return XDP_DROP;
	}
	c->packets++;
	c->bytes += ctx->data_end - ctx->data;
	return XDP_DROP;
}

/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * The XDP program of a port: hands each packet to the AF_XDP socket of the queue it came in on.
 *
 * Specialised before load by afx_cfg, which the loader freezes, so the verifier knows the values
 * and removes what they rule out. Written to load without CAP_PERFMON, which forbids taking the
 * difference of two packet pointers.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "afx_rule.h"

const volatile struct afx_xdp_cfg afx_cfg = {
	.magic = AFX_XDP_MAGIC,
	.layout = AFX_XDP_LAYOUT,
};

/* max_entries is set at load, to the Rx queues of the netdev. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

/*
 * The context is read as volatile: a value the compiler keeps over a branch it keeps as 32 bits,
 * and the verifier takes the widening for a cut pointer.
 */
static __always_inline void *
packet_meta(const volatile struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_meta;
}

static __always_inline void *
packet_data(const volatile struct xdp_md *ctx)
{
	return (void *)(long)ctx->data;
}

/* A driver without metadata support sets data_meta just behind data, which fits as well. */
static __always_inline int
meta_fits(const struct xdp_md *ctx)
{
	return packet_meta(ctx) + afx_cfg.max_meta >= packet_data(ctx);
}

/*
 * Cut the metadata of an earlier program to nothing: AF_XDP would carry it in front of the packet,
 * where it may overwrite what user space keeps there. The length is taken down one binary digit
 * at a time since it cannot be computed (see above); every rest is a multiple of 4, hence valid.
 */
static __always_inline void
meta_clear(struct xdp_md *ctx)
{
	__u32 step;

#pragma unroll
	for (step = 128; step >= 4; step /= 2)
		if (packet_meta(ctx) + step <= packet_data(ctx))
			bpf_xdp_adjust_meta(ctx, (int)step);
}

/* The last step of steering: the socket of the queue. A queue without one belongs to the kernel. */
static __always_inline int
to_queue_socket(struct xdp_md *ctx)
{
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

SEC("xdp")
int
afx_xdp(struct xdp_md *ctx)
{
	if (!meta_fits(ctx)) {
		meta_clear(ctx);
		if (!meta_fits(ctx))
			return XDP_PASS;
	}
	return to_queue_socket(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

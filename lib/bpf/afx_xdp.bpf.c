/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * The XDP program of a port: hands each packet to the AF_XDP socket of the queue it came in on.
 *
 * Specialised before load by afx_cfg, which the loader freezes, so the verifier knows the values
 * and removes what they rule out. Written to load without CAP_PERFMON, which is needed to take the
 * difference of two packet pointers or to add a register to one.
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
 * Bytes of metadata in front of the packet, found one binary digit at a time (see above); the
 * kernel keeps the length a multiple of 4. 0 on a driver without metadata support, which sets
 * data_meta just behind data.
 */
static __always_inline __u32
meta_len(const struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *pos = (void *)(long)ctx->data_meta;
	__u32 len = 0, step;

	if (pos >= data)
		return 0;
#pragma unroll
	for (step = 128; step >= 4; step /= 2) {
		if (pos + step > data)
			continue;
		pos += step;
		len += step;
		/* Or the compiler derives pos from len, by a register. */
		barrier_var(len);
	}
	return len;
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
	__u32 meta = meta_len(ctx);

	/*
	 * AF_XDP would carry the metadata of an earlier program in front of the packet, over what
	 * user space keeps there.
	 */
	if (meta > afx_cfg.max_meta && bpf_xdp_adjust_meta(ctx, (int)meta) < 0)
		return XDP_PASS;
	return to_queue_socket(ctx);
}

/*
 * The same as a component of a dispatcher. Since Linux 6.12 one may call no helper that changes the
 * packet unless the dispatcher could, and adjust_meta counts as one. Who attaches so keeps no
 * bytes where metadata goes.
 */
SEC("xdp")
int
afx_xdp_any(struct xdp_md *ctx)
{
	/* Never true; it makes the configuration part of the program, for the signature. */
	if (afx_cfg.magic != AFX_XDP_MAGIC)
		return XDP_ABORTED;
	return to_queue_socket(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

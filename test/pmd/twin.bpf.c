// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
/*
 * The programs of the twins, compiled once per TWIN_ define: each does something to packets of the
 * tests (mark and sequence number: frame_fill() in dut_peer.c) before they go to their socket.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MARK_AT 42
#define MARK 0xd0
#define SEQ_AT 44

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

/* The sequence number's low byte, or -1 for packets that are none of ours or short. */
static __always_inline int
seq_of(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	if (data + SEQ_AT + 1 > (unsigned char *)(long)ctx->data_end || data[MARK_AT] != MARK)
		return -1;
	return data[SEQ_AT];
}

#ifdef TWIN_METADATA
/* 0, 4, ... 252 bytes by the number; every word holds the length, plus a bit where it failed. */
static __always_inline void
add_metadata(struct xdp_md *ctx, int seq)
{
	__u32 len = (seq & 63) * 4, word = len;
	__u32 *meta;
	void *data;
	int i;

	if (bpf_xdp_adjust_meta(ctx, -(int)len) < 0) {
		word |= 1 << 16;
		if (bpf_xdp_adjust_meta(ctx, -4) < 0)
			return;
	}
	meta = (void *)(long)ctx->data_meta;
	data = (void *)(long)ctx->data;
#pragma unroll
	for (i = 0; i < 63; i++) {
		if ((void *)(meta + i + 1) > data)
			break;
		meta[i] = word;
	}
}
#endif

SEC("xdp")
int
twin(struct xdp_md *ctx)
{
	int seq = seq_of(ctx);

	if (seq < 0)
		return XDP_PASS;
#ifdef TWIN_DROP_HALF
	if (seq & 1)
		return XDP_DROP;
#endif
#ifdef TWIN_METADATA
	add_metadata(ctx, seq);
#endif
#ifdef TWIN_SHRINK
	if (ctx->data_end - ctx->data >= 128)
		bpf_xdp_adjust_tail(ctx, -TWIN_SHRINK);
#endif
#ifdef TWIN_GROW
	if (ctx->data_end - ctx->data >= 128)
		bpf_xdp_adjust_tail(ctx, TWIN_GROW);
#endif
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";

/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Objects for xdp_prog=, good and bad: compiled once per CASE_ define, see meson.build. Without any
 * it is a plain good one.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef CASE_WRONG_MAP
#define MAP_TYPE BPF_MAP_TYPE_ARRAY
#else
#define MAP_TYPE BPF_MAP_TYPE_XSKMAP
#endif

#ifdef CASE_TC
#define SECTION "tc"
#define CONTEXT struct __sk_buff
#elif defined(CASE_FRAGS)
#define SECTION "xdp.frags"
#define CONTEXT struct xdp_md
#else
#define SECTION "xdp"
#define CONTEXT struct xdp_md
#endif

#ifdef CASE_MIMIC
#define NAME afx_xdp
#else
#define NAME custom
#endif

#ifndef CASE_NO_MAP
struct {
	__uint(type, MAP_TYPE);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");
#endif

SEC(SECTION)
int
NAME(CONTEXT *ctx)
{
#if defined(CASE_NO_MAP) || defined(CASE_WRONG_MAP) || defined(CASE_TC)
	return (int)ctx->ingress_ifindex;
#elif defined(CASE_BROKEN)
	return *(char *)(long)ctx->data;
#elif defined(CASE_OTHER)
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_DROP);
#else
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
#endif
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

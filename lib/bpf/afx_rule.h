/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * What the XDP program and its user side share: names, the frozen configuration, and with it the
 * signature by which a running program is known as ours. Included by C and by BPF.
 */
#ifndef AFX_RULE_H
#define AFX_RULE_H

#include <linux/types.h>

/* Names as the kernel shows them. A custom object must use the same map name. */
#define AFX_XDP_PROG_NAME "afx_xdp"
#define AFX_XDP_COMPONENT_NAME "afx_xdp_any"
#define AFX_XDP_MAP_NAME "xsks_map"

/*
 * A program is ours when its name fits, it uses an XSKMAP of that name, and its read-only data
 * starts with this magic. Layout changes whenever a program of one version could not be shared by
 * processes of another: two versions then refuse each other instead of misreading a map.
 */
#define AFX_XDP_MAGIC 0x6b73782d78666121ULL
#define AFX_XDP_LAYOUT 1

/* Loaded with BPF_F_XDP_HAS_FRAGS; recorded because the kernel does not report it. */
#define AFX_XDP_F_FRAGS (1u << 0)

/*
 * XDP metadata is a multiple of 4 bytes and its length is one byte in the kernel, so a larger
 * max_meta means no limit.
 */
#define AFX_XDP_META_MAX 252

/* The whole .rodata of the program, written before load and frozen by it. */
struct afx_xdp_cfg {
	__u64 magic;
	__u32 layout;
	__u32 flags;             /* AFX_XDP_F_ */
	__u32 max_meta;          /* longest metadata left in front of a redirected packet, bytes */
	__u32 reserved;          /* 0 */
};

#endif

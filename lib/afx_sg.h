/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel has of multi-buffer AF_XDP (XDP_USE_SG, kernel 6.6). Any thread. */
#ifndef AFX_SG_H
#define AFX_SG_H

#include "afx_err.h"

/*
 * The fewest fragments an skb takes (CONFIG_MAX_SKB_FRAGS of net/Kconfig, 17 to 45). In copy mode a
 * packet to send has at most one descriptor more (xsk_build_skb of net/xdp/xsk.c, Linux 6.18).
 */
#define AFX_SKB_FRAGS_MIN 17u

/*
 * Whether the kernel knows XDP_USE_SG, by a bind that names no interface: 0, or -errno with err
 * filled: -EOPNOTSUPP it does not, anything else is no answer. CAP_NET_RAW. Syscalls: socket, bind,
 * close.
 */
int afx_sg_probe(struct afx_err *err);

/*
 * Fragments an skb takes here: what net.core.max_skb_frags says where this namespace shows it (the
 * first one does), else AFX_SKB_FRAGS_MIN, never less. Syscalls: open, read, close.
 */
unsigned int afx_sg_skb_frags(void);

#endif

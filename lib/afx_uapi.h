/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel constants newer than the headers a build host may have. Everything here is looked for at
 * run time, by probe, whatever the headers say.
 */
#ifndef AFX_UAPI_H
#define AFX_UAPI_H

#include <linux/if_xdp.h>
#include <sys/socket.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#ifndef SO_PREFER_BUSY_POLL      /* kernel 5.11 */
#define SO_PREFER_BUSY_POLL 69
#define SO_BUSY_POLL_BUDGET 70
#endif
#ifndef XDP_USE_SG               /* kernel 6.6 */
#define XDP_USE_SG (1 << 4)
#define XDP_PKT_CONTD (1 << 0)
#endif
#ifndef XDP_MAX_TX_SKB_BUDGET    /* kernel 6.17 */
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

#endif

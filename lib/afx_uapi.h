/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Constants of the kernel's user interface that are newer than the headers of the oldest build host
 * (Debian 12: Linux 6.1), under names of our own so that newer headers do not collide. Whether the
 * running kernel knows them is found out by asking it.
 */
#ifndef AFX_UAPI_H
#define AFX_UAPI_H

#include <linux/if_xdp.h>
#include <sys/socket.h>

/* AF_XDP, where the C library or the kernel headers are older. */

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif
/* Multi-buffer: 6.6. */
#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)
#define XDP_PKT_CONTD (1 << 0)
#endif
/* Packets one kick may send in copy mode: 6.17. */
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

/* Socket options missing in the C library's headers. */

/* Preferred busy polling: 5.11. */
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#define SO_BUSY_POLL_BUDGET 70
#endif

/* Cookie of a socket's network namespace, never reused within a boot: 5.14. */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Generic netlink family "netdev" (linux/netdev.h): 6.3. */

#define AFX_NETDEV_FAMILY "netdev"

enum afx_netdev_cmd {
	AFX_NETDEV_CMD_DEV_GET = 1,            /* 6.3 */
	AFX_NETDEV_CMD_QUEUE_GET = 10,         /* 6.8 */
	AFX_NETDEV_CMD_NAPI_GET = 11,          /* 6.8 */
	AFX_NETDEV_CMD_NAPI_SET = 14,          /* 6.13 */
};

enum afx_netdev_dev_attr {
	AFX_NETDEV_A_DEV_IFINDEX = 1,          /* 6.3, u32 */
	AFX_NETDEV_A_DEV_XDP_FEATURES = 3,     /* 6.3, u64 */
	AFX_NETDEV_A_DEV_XDP_ZC_MAX_SEGS = 4,  /* 6.6, u32 */
	AFX_NETDEV_A_DEV_XDP_RX_METADATA = 5,  /* 6.8, u64 */
	AFX_NETDEV_A_DEV_XSK_FEATURES = 6,     /* 6.8, u64 */
	AFX_NETDEV_A_DEV_MAX = AFX_NETDEV_A_DEV_XSK_FEATURES,
};

enum afx_netdev_queue_attr {
	AFX_NETDEV_A_QUEUE_ID = 1,             /* 6.8, u32 */
	AFX_NETDEV_A_QUEUE_IFINDEX = 2,        /* 6.8, u32 */
	AFX_NETDEV_A_QUEUE_TYPE = 3,           /* 6.8, u32, enum afx_netdev_queue_type */
	AFX_NETDEV_A_QUEUE_NAPI_ID = 4,        /* 6.8, u32 */
	AFX_NETDEV_A_QUEUE_XSK = 7,            /* 6.15, empty nest: a pool is bound */
	AFX_NETDEV_A_QUEUE_MAX = AFX_NETDEV_A_QUEUE_XSK,
};

enum afx_netdev_queue_type {
	AFX_NETDEV_QUEUE_RX = 0,               /* 6.8 */
	AFX_NETDEV_QUEUE_TX = 1,               /* 6.8 */
};

/* Attributes of type uint are 4 bytes long where the value fits, else 8. */
enum afx_netdev_napi_attr {
	AFX_NETDEV_A_NAPI_IFINDEX = 1,         /* 6.8, u32 */
	AFX_NETDEV_A_NAPI_ID = 2,              /* 6.8, u32 */
	AFX_NETDEV_A_NAPI_IRQ = 3,             /* 6.8, u32 */
	AFX_NETDEV_A_NAPI_PID = 4,             /* 6.8, u32 */
	AFX_NETDEV_A_NAPI_DEFER_HARD_IRQS = 5, /* 6.13, u32 */
	AFX_NETDEV_A_NAPI_GRO_FLUSH_TIMEOUT = 6, /* 6.13, uint, ns */
	AFX_NETDEV_A_NAPI_IRQ_SUSPEND_TIMEOUT = 7, /* 6.13, uint, ns */
	AFX_NETDEV_A_NAPI_MAX = AFX_NETDEV_A_NAPI_IRQ_SUSPEND_TIMEOUT,
};

/* Bits of struct afx_xdp_features: features. */
enum afx_netdev_xdp_act {
	AFX_XDP_ACT_BASIC = 1 << 0,            /* 6.3 */
	AFX_XDP_ACT_REDIRECT = 1 << 1,         /* 6.3 */
	AFX_XDP_ACT_NDO_XMIT = 1 << 2,         /* 6.3 */
	AFX_XDP_ACT_XSK_ZEROCOPY = 1 << 3,     /* 6.3; of the driver, not a promise */
	AFX_XDP_ACT_HW_OFFLOAD = 1 << 4,       /* 6.3 */
	AFX_XDP_ACT_RX_SG = 1 << 5,            /* 6.3 */
	AFX_XDP_ACT_NDO_XMIT_SG = 1 << 6,      /* 6.3 */
};

/* Bits of struct afx_xdp_features: rx_metadata. */
enum afx_netdev_rx_metadata {
	AFX_RX_METADATA_TIMESTAMP = 1 << 0,    /* 6.8 */
	AFX_RX_METADATA_HASH = 1 << 1,         /* 6.8 */
	AFX_RX_METADATA_VLAN_TAG = 1 << 2,     /* 6.8 */
};

/* Bits of struct afx_xdp_features: xsk_features. */
enum afx_netdev_xsk_flags {
	AFX_XSK_TX_TIMESTAMP = 1 << 0,         /* 6.8 */
	AFX_XSK_TX_CHECKSUM = 1 << 1,          /* 6.8 */
	AFX_XSK_TX_LAUNCH_TIME_FIFO = 1 << 2,  /* 6.15 */
};

#endif

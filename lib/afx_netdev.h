/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel network device: what can be asked of it and what can be changed, free of how
 * (afx_netlink). Interfaces are found by name or altname once and then used by ifindex, so that a
 * rename does not lose them.
 *
 * All functions return 0 or -errno with err filled, naming the interface and the remedy; they act
 * in the namespace of ctl, from any thread. -ENODEV: the interface is gone from that namespace;
 * -ETIMEDOUT: the kernel did not answer. What they fill in is the caller's and holds no pointers.
 * No capability where none is named. Syscalls: those of afx_nl_request, and ioctl for names and
 * drivers, where none are named.
 */
#ifndef AFX_NETDEV_H
#define AFX_NETDEV_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "afx_ctl.h"

#define AFX_MAC_LEN 6

/* A snapshot of the device. */
struct afx_netdev {
	int ifindex;
	char name[IF_NAMESIZE];
	uint16_t type;           /* ARPHRD_ of IFLA's ifi_type; net_xsk wants ARPHRD_ETHER */
	uint32_t flags;          /* IFF_ flags */
	bool carrier;            /* IFLA_CARRIER */
	uint8_t operstate;       /* IF_OPER_ */
	uint32_t mtu;            /* bytes, without the Ethernet header */
	uint32_t min_mtu;        /* bytes, 0 where the kernel does not say */
	uint32_t max_mtu;        /* bytes, 0 where the kernel does not say */
	uint8_t mac[AFX_MAC_LEN];
	uint32_t num_rx_queues;  /* allocated, an upper bound of the queues in use (afx_channels) */
	uint32_t num_tx_queues;
	int numa_node;           /* -1 where unknown */
	uint32_t xdp_prog_drv;   /* ids of attached XDP programs, 0 where none */
	uint32_t xdp_prog_skb;
	uint32_t xdp_prog_hw;
	char driver[32];         /* ETHTOOL_GDRVINFO, "" where the driver does not say */
	char bus_info[32];
};

/*
 * Look up by name or altname (1 to 127 characters), or by index. Syscalls also: open, read, close
 * (sysfs).
 */
int afx_netdev_by_name(struct afx_ctl *ctl, const char *name, struct afx_netdev *nd,
	struct afx_err *err);
int afx_netdev_by_index(struct afx_ctl *ctl, int ifindex, struct afx_netdev *nd,
	struct afx_err *err);

/*
 * Changes; CAP_NET_ADMIN (-EPERM). mtu in bytes, -EINVAL or -ERANGE where the driver does not take
 * it. mac: -EBUSY where it changes only while the link is down, -EADDRNOTAVAIL for one that is not
 * unicast. up sets or clears IFF_UP.
 */
int afx_netdev_set_mtu(struct afx_ctl *ctl, int ifindex, uint32_t mtu, struct afx_err *err);
int afx_netdev_set_mac(struct afx_ctl *ctl, int ifindex, const uint8_t mac[AFX_MAC_LEN],
	struct afx_err *err);
int afx_netdev_set_up(struct afx_ctl *ctl, int ifindex, bool up, struct afx_err *err);

/*
 * Promiscuity and all-multicast by membership of a packet socket: the kernel counts them and drops
 * them with the descriptor, also when the process is killed (packet(7), PACKET_MR_PROMISC).
 */
enum afx_membership {
	AFX_PROMISC,
	AFX_ALLMULTI,
};

/*
 * Return a descriptor, close-on-exec, that holds the membership until the caller closes it, or
 * -errno. CAP_NET_RAW. IFF_ flags of struct afx_netdev do not show memberships.
 * Syscalls: those of afx_ctl_enter, socket, setsockopt, close.
 */
int afx_netdev_join(struct afx_ctl *ctl, int ifindex, enum afx_membership what,
	struct afx_err *err);

/* XDP features of netdev-genl (kernel 6.3), a bit mask of NETDEV_XDP_ACT_ of linux/netdev.h. */
struct afx_xdp_features {
	bool known;              /* false: kernel without netdev-genl; the rest is 0 */
	uint64_t features;
	uint32_t zc_max_segs;    /* 0 where not told (kernel 6.6) */
	uint64_t rx_metadata;
	uint64_t xsk_features;
};
int afx_netdev_xdp_features(struct afx_ctl *ctl, int ifindex, struct afx_xdp_features *f,
	struct afx_err *err);

/*
 * Whether an AF_XDP pool is bound to a queue, by netdev-genl queue-get (NETDEV_A_QUEUE_XSK, kernel
 * 6.15). Returns 1 bound, 0 not bound or not reported by this kernel (an older kernel shows no
 * difference: ask once while a socket of yours is bound), -EOPNOTSUPP without queue-get, -ENODEV
 * when device or queue are gone, -ENETDOWN while the interface is down (the kernel does not tell).
 */
int afx_netdev_queue_xsk(struct afx_ctl *ctl, int ifindex, uint32_t queue, struct afx_err *err);

/* NAPI id of a queue by queue-get (kernel 6.8), 0 where not told; rx selects the direction. */
int afx_netdev_queue_napi(struct afx_ctl *ctl, int ifindex, uint32_t queue, bool rx,
	uint32_t *napi_id, struct afx_err *err);

/* What the kernel uses the interface for. */
struct afx_netdev_use {
	bool address;            /* an IPv4 address or a non-link-local IPv6 one */
	bool default_route;      /* a default route of table main or default leaves here */
	int master;              /* ifindex of bond, bridge or VRF above, 0 where none */
};
int afx_netdev_use(struct afx_ctl *ctl, int ifindex, struct afx_netdev_use *use,
	struct afx_err *err);

/* Change notifications (RTNLGRP_LINK). */
enum afx_event_type {
	AFX_EV_LINK,             /* something of the link changed: flags, carrier, mtu, mac, name */
	AFX_EV_GONE,             /* removed or moved to another namespace */
	AFX_EV_OVERRUN,          /* notifications were lost: ask the device afresh */
};
struct afx_event {
	enum afx_event_type type;
	int ifindex;
	struct afx_netdev nd;    /* AFX_EV_LINK: without driver, bus_info, numa_node */
};

/*
 * Open a non-blocking close-on-exec descriptor that delivers link events of ctl's namespace, for
 * the caller to close. Syscalls: those of afx_ctl_enter, socket, bind, close.
 */
int afx_netdev_monitor(struct afx_ctl *ctl, struct afx_err *err);

/*
 * Read one datagram and call cb, on this thread, for each event in it that concerns ifindex; the
 * event is valid during the call. Returns the number of events delivered, 0 when nothing was
 * waiting (-EAGAIN is not an error here), or -errno. One thread at a time per fd. Syscalls:
 * recvmsg.
 */
int afx_netdev_monitor_read(int fd, int ifindex,
	void (*cb)(const struct afx_event *ev, void *arg), void *arg);

#endif

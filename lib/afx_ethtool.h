/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queue counts, link settings, coalescing and the RSS table of a netdev, by the ethtool ioctl of
 * ctl's namespace (linux/ethtool.h). Conventions as in afx_netdev.h; structures are the caller's.
 * No capability. Syscalls: ioctl; afx_ethtool_channels also those of afx_netdev.h.
 */
#ifndef AFX_ETHTOOL_H
#define AFX_ETHTOOL_H

#include "afx_netdev.h"

/*
 * Queues in use (ETHTOOL_GCHANNELS). A driver that does not tell is no error: counts then come from
 * netdev-genl (kernel 6.8), else the allocated ones from rtnetlink.
 */
struct afx_channels {
	uint32_t rx;             /* queues that receive: rx + combined */
	uint32_t tx;             /* queues that transmit: tx + combined */
	uint32_t max_rx;
	uint32_t max_tx;
	bool from_driver;        /* false: the driver does not say, or says none */
};
int afx_ethtool_channels(struct afx_ctl *ctl, int ifindex, struct afx_channels *ch,
	struct afx_err *err);

/* Link settings (ETHTOOL_GLINKSETTINGS). -EOPNOTSUPP: not told, link then says unknown. */
struct afx_link {
	uint32_t speed_mbps;     /* UINT32_MAX where unknown */
	bool full_duplex;
	bool autoneg;
};
int afx_ethtool_link(struct afx_ctl *ctl, int ifindex, struct afx_link *link,
	struct afx_err *err);

/* Interrupt coalescing (ETHTOOL_GCOALESCE): 0 or -errno, -EOPNOTSUPP where the driver has none. */
struct afx_coalesce {
	uint32_t rx_usecs;       /* microseconds a packet may wait for its interrupt */
	bool adaptive_rx;
};
int afx_ethtool_coalesce(struct afx_ctl *ctl, int ifindex, struct afx_coalesce *c,
	struct afx_err *err);

/*
 * The queues that the device's RSS table (ETHTOOL_GRSSH) sends packets to, as a bit per queue in
 * mask (len_words 64-bit words). Returns 0, or -EOPNOTSUPP where there is no table (then any queue
 * may receive), -ERANGE where the table names a queue that mask has no bit for, -E2BIG a table of
 * more than 16384 entries, -EAGAIN one that keeps changing.
 */
int afx_ethtool_rss_queues(struct afx_ctl *ctl, int ifindex, uint64_t *mask,
	unsigned int len_words, struct afx_err *err);

/*
 * Type of the IOMMU domain of the device behind the netdev, from iommu_group/type ("DMA",
 * "DMA-FQ", "identity", ...); "" where there is no IOMMU or no device (veth). bus_info as in
 * struct afx_netdev (sysfs class/net is per namespace, the bus is not); type has len bytes. Returns
 * 0 or -errno as afx_bus_attr. Any thread. Syscalls: open, read, close.
 */
int afx_iommu_type(const char *bus_info, char *type, unsigned int len);

#endif

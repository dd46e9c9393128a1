/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queue counts, link settings and the RSS table of a netdev, by the ethtool ioctl of ctl's
 * namespace. Conventions as in afx_netdev.h.
 */
#ifndef AFX_ETHTOOL_H
#define AFX_ETHTOOL_H

#include "afx_netdev.h"

/* Queues in use; -EOPNOTSUPP of the driver is not an error: counts then come from the netdev. */
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
	uint32_t rx_usecs;       /* a packet may wait so long for its interrupt */
	bool adaptive_rx;
};
int afx_ethtool_coalesce(struct afx_ctl *ctl, int ifindex, struct afx_coalesce *c,
	struct afx_err *err);

/*
 * The queues that the device's RSS table sends packets to, as a bit per queue in mask (len_words
 * 64-bit words). Returns 0, or -EOPNOTSUPP where there is no table (then any queue may receive),
 * -ERANGE where the table names a queue that mask has no bit for.
 */
int afx_ethtool_rss_queues(struct afx_ctl *ctl, int ifindex, uint64_t *mask,
	unsigned int len_words, struct afx_err *err);

/*
 * Type of the IOMMU domain of the device behind the netdev, from iommu_group/type ("DMA",
 * "DMA-FQ", "identity", ...); "" where there is no IOMMU or no device (veth). bus_info as in
 * struct afx_netdev (sysfs class/net is per namespace, the bus is not).
 */
int afx_iommu_type(const char *bus_info, char *type, unsigned int len);

#endif

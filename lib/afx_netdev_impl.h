/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of afx_netdev share: an interface as rtnetlink describes it, with the parts that
 * only the library itself wants.
 */
#ifndef AFX_NETDEV_IMPL_H
#define AFX_NETDEV_IMPL_H

#include "afx_ctl_impl.h"
#include "afx_netdev.h"

struct afx_netdev_raw {
	struct afx_netdev nd;    /* without driver, bus_info, numa_node */
	bool complete;           /* false: a message about a part only (wireless events) */
	int master;              /* ifindex, 0 where none */
	uint32_t perm_len;       /* bytes of the permanent address, 0 where the device has none */
	uint8_t perm[32];
	char parent[32];         /* name of the parent device on its bus, "" where none */
};

/* Parse a link message: 0, -EBADMSG, or -ENOMSG where it is about a bridge port or the like. */
int afx_netdev_parse(const struct nlmsghdr *nh, struct afx_netdev_raw *raw);

/* Ask rtnetlink for an interface by name (then ifindex 0) or by index (then name NULL). */
int afx_netdev_get(struct afx_ctl *ctl, const char *name, int ifindex, struct afx_netdev_raw *raw,
	struct afx_err *err);

/* Queues in use by netdev-genl; -EOPNOTSUPP where the kernel does not say (err is not filled). */
int afx_netdev_queue_counts(struct afx_ctl *ctl, int ifindex, uint32_t *rx, uint32_t *tx);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of a control handle, for the control side of the library only (netdev, ethtool, state).
 */
#ifndef AFX_CTL_IMPL_H
#define AFX_CTL_IMPL_H

#include <net/if.h>
#include <sys/types.h>

#include "afx_ctl.h"
#include "afx_netlink.h"

struct afx_ctl {
	int netns_fd;            /* of the namespace; -1 without /proc, then it is the caller's */
	int ioctl_fd;            /* a datagram socket in the namespace */
	dev_t netns_dev;         /* identity of the namespace file */
	ino_t netns_ino;
	uint64_t netns_cookie;   /* never reused within a boot; 0 where the kernel has none */
	int netdev_family;       /* generic netlink id of "netdev"; 0 not asked yet, or -errno */
	char where[96];          /* the namespace in words, for error texts */
	struct afx_nl rt;
	struct afx_nl genl;
};

/* Id of the generic netlink family "netdev", or -ENOENT without filling err, or -errno with. */
int afx_ctl_netdev_family(struct afx_ctl *ctl, struct afx_err *err);

/*
 * Current name of an interface in ctl's namespace: 0, or -errno and "ifindex <n>" as name so that
 * it can stand in an error text. Syscalls: ioctl.
 */
int afx_ctl_ifname(struct afx_ctl *ctl, int ifindex, char name[IF_NAMESIZE + 16]);

/*
 * A reading ethtool command (one that changes nothing, for it may be repeated) on an interface by
 * index: it is addressed by its name of the moment and repeated should that have changed
 * meanwhile. cmd is in and out, of cmd_len bytes. Returns 0 or -errno. Syscalls: ioctl.
 */
int afx_ctl_ethtool(struct afx_ctl *ctl, int ifindex, void *cmd, size_t cmd_len);

#endif

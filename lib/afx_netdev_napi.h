/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NAPI instances of a netdev by netdev-genl: which there are, their interrupt, and when they give
 * up polling (kernel 6.8, parameters 6.13). Conventions as in afx_netdev.h.
 *
 * An id names one instance of the machine, whatever its netdev, and may be another one's after the
 * interface went down: look at ifindex before a change.
 */
#ifndef AFX_NETDEV_NAPI_H
#define AFX_NETDEV_NAPI_H

#include "afx_netdev.h"

/* How long a NAPI without work keeps its interrupt masked. */
struct afx_napi_params {
	uint32_t defer_hard_irqs;     /* empty polls before the interrupt is unmasked */
	uint64_t gro_flush_timeout;   /* ns from one of these polls to the next */
	uint64_t irq_suspend_timeout; /* ns, for epoll with preferred busy polling */
};

struct afx_napi {
	uint32_t id;
	int ifindex;
	uint32_t irq;                 /* 0 where the driver does not say */
	uint32_t pid;                 /* of its thread, 0 where it runs in softirq */
	bool has_params;              /* kernel 6.13 */
	struct afx_napi_params params;
};

/*
 * The NAPIs of an interface into list, at most max of them: their number or -errno; -EOPNOTSUPP
 * before kernel 6.8. While the interface is down there are none.
 */
int afx_netdev_napis(struct afx_ctl *ctl, int ifindex, struct afx_napi *list, unsigned int max,
	struct afx_err *err);

/* One of them by id; -ENOENT where it is gone. */
int afx_netdev_napi_get(struct afx_ctl *ctl, uint32_t id, struct afx_napi *napi,
	struct afx_err *err);

/* Change the parameters; CAP_NET_ADMIN. -EOPNOTSUPP before kernel 6.13. */
int afx_netdev_napi_set(struct afx_ctl *ctl, uint32_t id, const struct afx_napi_params *params,
	struct afx_err *err);

#endif

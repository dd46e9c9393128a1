/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two interfaces of a measurement: that of the candidate, and the far one behind the cable,
 * where traffic is made and counted. By default a veth pair between two network namespaces that
 * have no name and are held by descriptors alone: they and the pair are gone when the last process
 * of the tool is, however that ends.
 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include "afx_netdev.h"
#include "opts.h"

struct net_end {
	struct afx_ctl *ctl;
	int netns_fd;            /* -1: the tool's own */
	char name[128];          /* "" where there is none */
	struct afx_netdev nd;
};

struct net {
	bool own;
	struct net_end dut;
	struct net_end far;
};

/* Make the pair with so many queues and an MTU that takes frames of longest bytes; bring it up. */
int net_make(struct net *net, uint32_t queues, uint32_t longest, struct afx_err *err);

/* Take existing interfaces, or refuse: in use (address, default route, master), down, missing. */
int net_take(struct net *net, const struct opts *o, struct afx_err *err);

void net_end(struct net *net);

/* Wait until both ends have carrier. 0 or -ETIMEDOUT with err filled. */
int net_wait_carrier(struct net *net, unsigned int timeout_ms, struct afx_err *err);

/*
 * An interface that a driver makes itself (net_tap): wait for it to exist in the end's namespace.
 */
int net_find(struct net_end *end, const char *name, unsigned int timeout_ms, struct afx_err *err);

#endif

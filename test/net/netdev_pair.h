/* SPDX-License-Identifier: BSD-3-Clause */
/* The pair of the netdev tests: v0 with 4 queues, v1 with 2, and a control handle of theirs. */
#ifndef AFX_TEST_NETDEV_PAIR_H
#define AFX_TEST_NETDEV_PAIR_H

#include "afx_netdev.h"
#include "netdev_net.h"

static struct afx_ctl *ctl;
static struct afx_err err;
static int v0, v1;

static inline struct afx_netdev
get(int ifindex)
{
	struct afx_netdev nd;

	memset(&nd, 0, sizeof(nd));
	CHECK_AT(afx_netdev_by_index(ctl, ifindex, &nd, &err) == 0, "%s", err.text);
	return nd;
}

static inline void
make_pair(void)
{
	struct afx_netdev nd;

	own_namespaces();
	run("ip link add v0 numtxqueues 4 numrxqueues 4 type veth"
		" peer name v1 numtxqueues 2 numrxqueues 2");
	NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
	NEED(afx_netdev_by_name(ctl, "v0", &nd, &err) == 0, "%s", err.text);
	v0 = nd.ifindex;
	NEED(afx_netdev_by_name(ctl, "v1", &nd, &err) == 0, "%s", err.text);
	v1 = nd.ifindex;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a veth pair between two namespaces, and its settings. */
#ifndef BENCH_VETH_H
#define BENCH_VETH_H

#include "net.h"

/* Create the pair; names and namespaces are those of the ends. 0 or -errno with err filled. */
int veth_make(const struct net_end *a, const struct net_end *b, uint32_t queues, uint32_t mtu,
	struct afx_err *err);

/*
 * No offloads, so that frames are what was sent; GRO on, so that NAPI runs without a program too.
 */
int veth_settings(const struct net_end *end, uint32_t queues, struct afx_err *err);

/* In the calling thread's namespace: no IPv6, so that the kernel sends nothing by itself. */
void veth_quiet_ipv6(void);

/* Attributes below class/net/<interface> in sysfs, whichever namespace it is in. */
int veth_sysfs_get(const struct net_end *end, const char *attr, char *value, unsigned int len);
int veth_sysfs_set(const struct net_end *end, const char *attr, const char *value,
	struct afx_err *err);

/* Receive packet steering of all queues to a CPU. 0 or -errno with err filled. */
int veth_rps(const struct net_end *end, uint32_t queues, uint32_t cpu, struct afx_err *err);

/*
 * Threaded NAPI on a CPU; was: the setting before, for who has to put it back. 0 or -errno with err
 * filled.
 */
int veth_napi_thread(const struct net_end *end, uint32_t cpu, char *was, unsigned int len,
	struct afx_err *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A candidate: what is measured. An ethdev by the text of its --vdev without the interface, or one
 * of the limits without DPDK.
 */
#ifndef BENCH_CAND_H
#define BENCH_CAND_H

#include <stdint.h>

#include "afx_err.h"

enum cand_kind {
	CAND_ETHDEV,
	CAND_BARE_XSK,           /* a loop on AF_XDP rings, no mbufs */
	CAND_BARE_XDP,           /* XDP_DROP or XDP_TX, no user space at all */
};

struct cand {
	enum cand_kind kind;
	char text[256];          /* as it was given */
	char driver[32];
	char args[224];          /* behind the driver's name, "" or from the comma on */
};

/* 0, or -EINVAL with err naming what is wrong. */
int cand_parse(const char *text, struct cand *c, struct afx_err *err);

/* Whether the driver makes its own interface (net_tap). */
int cand_makes_iface(const struct cand *c);

/*
 * The whole --vdev argument. count says whether the driver is told how many queues to take; drivers
 * that take one by default are told in any case.
 */
int cand_vdev(const struct cand *c, const char *iface, uint32_t queues, int count, char *out,
	unsigned int len, struct afx_err *err);

/* Whether a bare candidate asks for generic XDP (mode=skb). */
int cand_wants_skb(const struct cand *c);

#endif

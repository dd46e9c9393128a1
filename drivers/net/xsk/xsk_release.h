/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proof that kernel and NIC have let go of the queues of a port that is being stopped. Begin while
 * the sockets are open, close them, wait for each queue, end.
 */
#ifndef XSK_RELEASE_H
#define XSK_RELEASE_H

#include "xsk.h"

struct afx_nl;
struct xsk_release_mark;

struct xsk_release {
	uint64_t deadline;       /* TSC: what is held then stays so */
	uint64_t no_dev;         /* TSC: since when there is no such interface, 0 there is */
	uint64_t normal;         /* TSC: until then a queue is free soon by itself */
	struct afx_nl *diag;     /* NULL where sockets cannot be listed, or need not be */
	bool asked;              /* diag was opened, or could not be */
	struct xsk_release_mark *mark; /* of each pair; NULL without memory */
};

/* Note what tells each socket from others; never fails, but may then prove less. */
void xsk_release_begin(struct rte_eth_dev *dev, struct xsk_release *rel);
/* True: nobody touches the frames of this pair any more. False: not so at the deadline. */
bool xsk_release_wait(struct rte_eth_dev *dev, struct xsk_release *rel, uint16_t qid);
void xsk_release_end(struct rte_eth_dev *dev, struct xsk_release *rel);

#endif

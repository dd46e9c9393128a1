/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_eth_recycle_mbufs (DPDK 23.11): mbufs that were sent become receive buffers, of this port or
 * of another driver's, without a way through the mempool.
 *
 * ethdev's picture is an array of mbufs beside the descriptors. A queue here has none, so it keeps
 * one for the exchange: the sender puts mbufs at refill_head, the receiver posts them from there.
 *
 * Threads: receive and transmit burst and the exchange run on one lcore, by ethdev's contract.
 */
#include <errno.h>

#include <rte_malloc.h>

#include "xsk.h"

#ifdef XSK_HAVE_RECYCLE

void
xsk_recycle_rxq_info_get(struct rte_eth_dev *dev, uint16_t qid,
	struct rte_eth_recycle_rxq_info *info)
{
	struct xsk_rxq *q = dev->data->rx_queues[qid];
	/* One entry more than descriptors, so that full and empty differ; 16 bits hold the size. */
	uint32_t size = RTE_MIN(rte_align32pow2(q->nb_desc + 1), 1u << 15);

	memset(info, 0, sizeof(*info));
	/* Senders of other drivers look at these first: one entry has never room. */
	info->refill_head = &q->refill_head;
	info->receive_tail = &q->receive_tail;
	info->mbuf_ring_size = 1;
	/* Buffers elsewhere and frames that cross a page are posted one by one: not by this way. */
	if (q->layout.pinned || q->cross_shift != 63)
		return;
	if (q->recycle == NULL) {
		struct rte_mbuf **ring = rte_zmalloc_socket("xsk_recycle", size * sizeof(*ring),
			RTE_CACHE_LINE_SIZE, q->socket_id);

		if (ring == NULL) {
			XSK_LOG(ERR, "rx queue %u: no memory to recycle %u mbufs", qid, size);
			return;
		}
		/* From here on the bursts keep the indexes. */
		q->recycle_mask = size - 1;
		q->recycle = ring;
		xsk_recycle_update(q);
	}
	info->mbuf_ring = q->recycle;
	info->mp = q->mp;
	info->mbuf_ring_size = size;
}

void
xsk_recycle_rx_refill(void *queue, uint16_t nb)
{
	struct xsk_rxq *q = queue;
	struct rte_mbuf **from = q->recycle + q->refill_head;
	uint32_t fed = xsk_rx_feed(q, (void **)from, nb);

	/* More than is missing, or not of the pool: back to where they came from. */
	if (unlikely(fed < nb))
		rte_pktmbuf_free_bulk(from + fed, nb - fed);
	xsk_recycle_update(q);
}

uint16_t
xsk_recycle_tx_reuse(void *queue, struct rte_eth_recycle_rxq_info *info)
{
	struct xsk_txq *q = queue;
	uint16_t mask, head;
	uint32_t n;

	/* Without an exchange array the rest need not be filled in. */
	if (unlikely(info->mbuf_ring == NULL || info->mp != q->mp))
		return 0;
	mask = info->mbuf_ring_size - 1;
	head = *info->refill_head;
	n = (mask - (head - *info->receive_tail)) & mask;
	/* The exchange does not wrap. A receiver that takes whole batches only says so. */
	n = RTE_MIN(n, (uint32_t)info->mbuf_ring_size - head);
	if (info->refill_requirement != 0) {
		if (n < info->refill_requirement)
			return 0;
		n = info->refill_requirement;
	}
	return xsk_tx_take_done(q, (void **)(info->mbuf_ring + head), n,
		info->refill_requirement != 0);
}

#endif

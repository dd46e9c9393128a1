/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State of the descriptors of a running queue, and what tells a sleeping lcore of the next packet.
 * Called by the thread that owns the queue's bursts; no system calls.
 */
#include <errno.h>

#include "xsk.h"
#include "xsk_desc.h"

xsk_queue_count_t
xsk_rx_queue_count(void *queue)
{
	const struct xsk_rxq *q = queue;

	return q->rx.kprod != NULL ? afx_cons_pending(&q->rx) : 0;
}

int
xsk_rx_descriptor_status(void *queue, uint16_t offset)
{
	const struct xsk_rxq *q = queue;

	if (offset >= q->nb_desc)
		return -EINVAL;
	if (q->rx.kprod != NULL && offset < afx_cons_pending(&q->rx))
		return RTE_ETH_RX_DESC_DONE;
	return offset < q->held ? RTE_ETH_RX_DESC_AVAIL : RTE_ETH_RX_DESC_UNAVAIL;
}

/* Packets handed over whose completion the kernel has not given. */
static uint32_t
tx_in_flight(const struct xsk_txq *q)
{
	uint32_t used = q->used;

	/* A kernel may complete one twice: not below 0. */
	return q->region == NULL ? 0 : used - RTE_MIN(used, afx_cons_pending(&q->comp));
}

int
xsk_tx_descriptor_status(void *queue, uint16_t offset)
{
	const struct xsk_txq *q = queue;

	if (offset >= q->nb_desc)
		return -EINVAL;
	if (q->region == NULL)
		return RTE_ETH_TX_DESC_UNAVAIL;
	/* The next to use is offset 0: behind what is free come those in flight, oldest first. */
	return offset < q->nb_desc - tx_in_flight(q) ? RTE_ETH_TX_DESC_DONE : RTE_ETH_TX_DESC_FULL;
}

#ifdef XSK_HAVE_TX_QUEUE_COUNT
int
xsk_tx_queue_count(void *queue)
{
	return tx_in_flight(queue);
}
#endif

/* -1: something came meanwhile, do not sleep. */
static int
has_moved(const uint64_t producer, const uint64_t seen[RTE_POWER_MONITOR_OPAQUE_SZ])
{
	return (uint32_t)producer == (uint32_t)seen[0] ? 0 : -1;
}

int
xsk_get_monitor_addr(void *queue, struct rte_power_monitor_cond *pmc)
{
	const struct xsk_rxq *q = queue;

	if (q == NULL || q->rx.kprod == NULL)
		return -EINVAL;
	/* The kernel writes the producer index of the rx ring when a packet is there. */
	pmc->addr = q->rx.kprod;
	pmc->size = sizeof(*q->rx.kprod);
	pmc->fn = has_moved;
	pmc->opaque[0] = q->rx.cached_cons;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive burst and the refill of the fill ring.
 *
 * A frame is handed to the kernel by its address and noted in own[]; a descriptor that comes back
 * is believed only if it names a frame noted there. The sum of fill ring, kernel and rx ring (held)
 * never exceeds nb_desc, whatever the sizes of the rings.
 */
#include "xsk_rx_impl.h"

uint32_t
xsk_rx_refill(struct xsk_rxq *q)
{
	return refill(q, false);
}

uint32_t
xsk_rx_refill_pinned(struct xsk_rxq *q)
{
	return refill(q, true);
}

static __rte_always_inline uint16_t
rx_burst(struct xsk_rxq *q, struct rte_mbuf **pkts, uint16_t nb, const bool pinned)
{
	uint64_t bytes = 0;
	uint16_t got = 0;
	uint32_t idx, n;

	n = afx_cons_peek(&q->rx, nb, &idx);
	if (n == 0 && q->busy)
		n = poll_driver(q, nb, &idx);
	if (n == 0)
		idle(q);
	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *m;

		if (!pinned && i + PREFETCH_AHEAD < n)
			rte_prefetch0(frame_mbuf(q, afx_frame_base(
				afx_cons_desc(&q->rx, idx + i + PREFETCH_AHEAD)->addr)));
		m = receive(q, afx_cons_desc(&q->rx, idx + i), pinned);
		if (unlikely(m == NULL))
			continue;
		bytes += m->pkt_len;
		pkts[got++] = m;
	}
	if (n > 0)
		afx_cons_release(&q->rx);
	if (q->nb_desc - q->held >= q->free_thresh)
		refill(q, pinned);
	wake(q);
	if (got > 0) {
		q->stats.pkts += got;
		q->stats.bytes += bytes;
	}
	return got;
}

uint16_t
xsk_rx_burst(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	return rx_burst(queue, pkts, nb, false);
}

/* For ports where some queue has a pool of pinned external buffers; chosen per burst. */
uint16_t
xsk_rx_burst_any(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	const struct xsk_rxq *q = queue;

	return q->layout.pinned ? rx_burst(queue, pkts, nb, true)
				: rx_burst(queue, pkts, nb, false);
}

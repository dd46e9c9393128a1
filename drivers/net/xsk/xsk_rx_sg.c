/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive burst of ports with multi-buffer: frames become chains of mbufs.
 *
 * The kernel marks every frame of a packet but the last (XDP_PKT_CONTD). A burst may end in mid
 * packet: what has come of it waits in the queue and counts as held, so that the population stays
 * below nb_desc. A packet that cannot be handed on (a descriptor nobody can believe, more frames
 * than the queue takes, no end in sight) is counted once; its frames go back one by one as they
 * come, up to and with the last.
 */
#include "afx_uapi.h"
#include "xsk_rx_impl.h"

/* How far ahead mbuf headers are fetched: four packets of work cover two cache misses. */
#define PREFETCH_AHEAD 4

void
xsk_rx_sg_drop(struct xsk_rxq *q)
{
	struct xsk_rx_sg *sg = &q->sg;

	if (sg->head == NULL)
		return;
	sg->head->nb_segs = sg->cnt;
	rte_pktmbuf_free(sg->head);
	sg->head = NULL;
	sg->tail = NULL;
	sg->cnt = 0;
}

/* Give the packet in hand up: m is its last frame so far, if that could be believed. */
static __rte_noinline void
give_up(struct xsk_rxq *q, struct rte_mbuf *m, uint64_t *cause)
{
	if (!q->sg.skip)
		(*cause)++;
	xsk_rx_sg_drop(q);
	rte_pktmbuf_free(m);
}

/* A frame of a packet that has others: the whole packet once its last is there, else NULL. */
static __rte_always_inline struct rte_mbuf *
join(struct xsk_rxq *q, struct rte_mbuf *m, bool more)
{
	struct xsk_rx_sg *sg = &q->sg;
	struct rte_mbuf *head = sg->head;

	if (unlikely(m == NULL || sg->skip || sg->cnt == sg->segs_max)) {
		give_up(q, m, m == NULL ? &q->stats.bad_chain : &q->stats.drop_segs);
		sg->skip = more;
		return NULL;
	}
	sg->cnt++;
	if (head == NULL) {
		sg->head = m;
		sg->tail = m;
		return NULL;
	}
	sg->tail->next = m;
	head->pkt_len += m->data_len;
	if (more) {
		sg->tail = m;
		return NULL;
	}
	head->nb_segs = sg->cnt;
	sg->head = NULL;
	sg->cnt = 0;
	q->stats.chains++;
	return head;
}

static __rte_always_inline uint16_t
rx_burst(struct xsk_rxq *q, struct rte_mbuf **pkts, uint16_t nb, const bool pinned)
{
	uint64_t bytes = 0;
	uint32_t idx, n, left = q->rx.entries;
	uint16_t got = 0;

#ifdef RTE_ENABLE_ASSERT
	q->lcore = rte_lcore_id();
#endif
	q->held -= q->sg.cnt;
	n = afx_cons_peek(&q->rx, nb, &idx);
	if (n == 0 && q->busy)
		n = poll_driver(q, nb, &idx);
	if (n == 0)
		idle(q);
	/* A frame ends one packet at most: never more are looked at than packets are wanted. */
	while (n > 0) {
		for (uint32_t i = 0; i < n; i++) {
			const struct xdp_desc *d = afx_cons_desc(&q->rx, idx + i);
			bool more = d->options & XDP_PKT_CONTD;
			struct rte_mbuf *m;

			if (!pinned && i + PREFETCH_AHEAD < n)
				rte_prefetch0(frame_mbuf(q, afx_frame_base(
					afx_cons_desc(&q->rx, idx + i + PREFETCH_AHEAD)->addr)));
			m = receive(q, d, pinned);
			if (more || q->sg.head != NULL || q->sg.skip)
				m = join(q, m, more);
			if (m == NULL)
				continue;
			bytes += m->pkt_len;
			pkts[got++] = m;
		}
		afx_cons_release(&q->rx);
		/* One ring full at most, or a kernel that lies could keep the caller here. */
		left -= RTE_MIN(left, n);
		n = afx_cons_peek(&q->rx, RTE_MIN((uint32_t)nb - got, left), &idx);
	}
	q->held += q->sg.cnt;
	if (q->held + q->free_thresh <= q->pool_desc)
		refill_any(q, pinned);
	if (unlikely(q->recycle != NULL))
		xsk_recycle_update(q);
	wake(q);
	if (got > 0) {
		q->stats.pkts += got;
		q->stats.bytes += bytes;
	}
	return got;
}

uint16_t
xsk_rx_burst_sg(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	const struct xsk_rxq *q = queue;

	return q->layout.pinned ? rx_burst(queue, pkts, nb, true)
				: rx_burst(queue, pkts, nb, false);
}

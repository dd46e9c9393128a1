/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transmit burst and the reclaim of completions.
 *
 * Every descriptor carries a tag in the offset part of its address; slot[tag] is the mbuf that must
 * live until the kernel returns the tag. What completes is known by name, never by count: kernels
 * differ in whether a refused descriptor completes.
 *
 * A packet leaves from where it lies when its bytes are in live pages of the registration. Anything
 * else is copied once into a frame of the receive pool; what cannot be sent at all is freed and
 * counted with its cause. Either way the burst consumes a prefix.
 */
#include "xsk_tx_impl.h"

/* Completions handled at once. */
#define RECLAIM_BATCH 64

static uint32_t
reclaim(struct xsk_txq *q, uint32_t most)
{
	struct rte_mbuf *done[RECLAIM_BATCH];
	uint32_t total = 0;

	for (;;) {
		uint32_t n = afx_cons_avail_fresh(&q->comp,
			RTE_MIN(most - total, (uint32_t)RECLAIM_BATCH));
		uint32_t cnt = 0;

		if (n == 0)
			break;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t tag =
				afx_frame_offset(afx_cons_addr(&q->comp, q->comp.cached_cons + i));

			if (unlikely(tag >= q->nb_desc || q->slot[tag] == NULL)) {
				q->stats.bad_comp++;
				continue;
			}
			done[cnt++] = q->slot[tag];
			q->slot[tag] = NULL;
			q->free_slot[q->free_cnt++] = tag;
		}
		q->comp.cached_cons += n;
		afx_cons_release(&q->comp);
		rte_pktmbuf_free_bulk(done, cnt);
		total += cnt;
	}
	return total;
}

uint32_t
xsk_tx_reclaim(struct xsk_txq *q)
{
	return reclaim(q, UINT32_MAX);
}

uint16_t
xsk_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	struct xsk_txq *q = queue;
	bool gone = atomic_load_explicit(&q->region->any_gone, memory_order_acquire);
	uint64_t bytes = 0, bounced = 0;
	uint32_t idx = q->tx.cached_prod, room, sent = 0;
	uint16_t i;

	/* An empty burst is how an application that went quiet asks for its mbufs. */
	if (q->free_cnt < RTE_MAX((uint32_t)nb, q->free_thresh) || nb == 0)
		xsk_tx_reclaim(q);
	room = RTE_MIN(q->free_cnt, afx_prod_free(&q->tx, nb));
	for (i = 0; i < nb && sent < room; i++) {
		struct rte_mbuf *m = pkts[i];
		uintptr_t data = rte_pktmbuf_mtod(m, uintptr_t);
		uint64_t *counter = NULL;
		struct xdp_desc *d;
		enum verdict v;
		uint16_t tag;

		v = judge(q, m, data, gone, &counter);
		if (unlikely(v != SEND_IN_PLACE)) {
			if (!replace(q, m, v, counter, &m))
				break;
			if (m == NULL)
				continue;
			data = rte_pktmbuf_mtod(m, uintptr_t);
			bounced++;
		}
		tag = q->free_slot[--q->free_cnt];
		q->slot[tag] = m;
		d = afx_prod_desc(&q->tx, idx + sent++);
		d->addr = afx_frame_tagged(data - q->base, tag);
		d->len = m->data_len;
		d->options = 0;
		bytes += m->data_len;
	}
	if (sent > 0) {
		q->tx.cached_prod += sent;
		afx_prod_submit(&q->tx);
	}
	q->stats.pkts += sent;
	q->stats.bytes += bytes;
	q->stats.zero_copy += sent - bounced;
	kick(q);
	return i;
}

void
xsk_tx_drain(struct xsk_txq *q)
{
	q->backoff = 0;
	kick(q);
	xsk_tx_reclaim(q);
}

int
xsk_tx_done_cleanup(void *queue, uint32_t free_cnt)
{
	struct xsk_txq *q = queue;

	/* Called through ethdev also while the port is stopped. */
	if (q->region == NULL)
		return 0;
	kick(q);
	return reclaim(q, free_cnt != 0 ? free_cnt : UINT32_MAX);
}

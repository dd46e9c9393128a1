/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the receive bursts are made of: frames and their owners, refill, wake-ups, one descriptor.
 * Included by the files of the burst variants only.
 */
#ifndef XSK_RX_IMPL_H
#define XSK_RX_IMPL_H

#include <errno.h>

#include <rte_prefetch.h>

#include "afx_kick.h"
#include "xsk.h"

/* Frames taken from the pool at once: a refill is several of these. */
#define REFILL_BATCH 64

/* How far ahead mbuf headers are fetched: a header is written two cache misses after its descriptor
 * is read, and four packets of work cover them.
 */
#define PREFETCH_AHEAD 4

/* Polls from one wake-up to the next while the driver keeps asking. */
#define WAKE_EVERY 64

/* Empty polls from one look at the tx ring to the next: tens of microseconds. */
#define FLUSH_EVERY 256

#define OWN_MARK 0x8000u
#define SLOT_MASK ((1u << XSK_SLOT_SHIFT) - 1)

static __rte_always_inline struct rte_mbuf *
frame_mbuf(const struct xsk_rxq *q, uint64_t addr)
{
	return (struct rte_mbuf *)(q->base + addr - q->fill_off);
}

/* Take a frame out of own[]: its mbuf, or NULL when the kernel does not hold such a frame. */
static __rte_always_inline struct rte_mbuf *
disown(struct xsk_rxq *q, uint64_t addr, const bool pinned)
{
	uint64_t rel = addr - q->map_base;
	uint64_t slot = rel >> XSK_SLOT_SHIFT;
	struct rte_mbuf *m;

	if (unlikely(slot >= q->map_len))
		return NULL;
	if (pinned) {
		m = q->own_mbuf[slot];
		if (unlikely(m == NULL || (uintptr_t)m->buf_addr + q->fill_off != q->base + addr))
			return NULL;
		q->own_mbuf[slot] = NULL;
		return m;
	}
	if (unlikely(q->own[slot] != (OWN_MARK | (rel & SLOT_MASK))))
		return NULL;
	q->own[slot] = 0;
	return frame_mbuf(q, addr);
}

/* Note a frame in own[]; false when it cannot be posted and was set aside or given back. */
static __rte_always_inline bool
own(struct xsk_rxq *q, struct rte_mbuf *m, const bool pinned, uint64_t *addr)
{
	uintptr_t fill = (pinned ? (uintptr_t)m->buf_addr : (uintptr_t)m) + q->fill_off;
	uint64_t rel = fill - q->base - q->map_base;
	uint64_t slot = rel >> XSK_SLOT_SHIFT;

	/*
	 * Outside the registration the kernel would swallow it without a word, across a page too.
	 */
	if (unlikely(slot >= q->map_len || afx_frame_crosses(fill, q->chunk, q->cross_shift))) {
		if (q->aside_cnt < q->aside_room)
			q->aside[q->aside_cnt++] = m;
		else
			rte_mempool_generic_put(q->mp, (void **)&m, 1, NULL);
		return false;
	}
	if (pinned)
		q->own_mbuf[slot] = m;
	else
		q->own[slot] = OWN_MARK | (rel & SLOT_MASK);
	*addr = fill - q->base;
	return true;
}

/* Take up to want objects from the pool: all, or as many of a halving series as it still has. */
static __rte_always_inline uint32_t
take(struct xsk_rxq *q, void **objs, uint32_t want)
{
	for (uint32_t n = want; n > 0; n >>= 1) {
		if (likely(rte_mempool_get_bulk(q->mp, objs, n) == 0))
			return n;
		/* Counted once, however small the rest gets. */
		if (n == want)
			q->stats.nombuf++;
	}
	return 0;
}

static __rte_always_inline uint32_t
refill(struct xsk_rxq *q, const bool pinned)
{
	void *objs[REFILL_BATCH];
	uint32_t posted = 0;

	while (q->held < q->nb_desc) {
		uint32_t want = RTE_MIN(q->nb_desc - q->held, (uint32_t)REFILL_BATCH);
		uint32_t n = take(q, objs, want);
		uint32_t idx, done = 0;

		if (unlikely(n == 0))
			break;
		if (unlikely(afx_prod_reserve(&q->fill, n, &idx) == 0)) {
			rte_mempool_put_bulk(q->mp, objs, n);
			break;
		}
		for (uint32_t i = 0; i < n; i++) {
			uint64_t addr;

			if (own(q, objs[i], pinned, &addr))
				*afx_prod_addr(&q->fill, idx + done++) = addr;
		}
		afx_prod_cancel(&q->fill, n - done);
		q->held += done;
		posted += done;
		if (unlikely(n < want || done == 0))
			break;
	}
	if (posted > 0)
		afx_prod_submit(&q->fill);
	return posted;
}

/*
 * An empty poll under busy polling runs the driver once and looks again, so that what this call
 * delivered is not left for the next.
 */
static __rte_noinline uint32_t
poll_driver(struct xsk_rxq *q, uint16_t nb, uint32_t *idx)
{
	q->stats.wakeups++;
	if (afx_kick_rx(q->fd) < 0)
		q->stats.wakeup_errors++;
	return afx_cons_peek(&q->rx, nb, idx);
}

/*
 * Copy mode sends only in a syscall. What a transmit burst had to leave in its ring (no memory, or
 * the device refused) would stay there when the application has nothing more to send: a quiet
 * receive queue sees to it. Reads the other side's indexes only, so the transmit thread may run.
 */
static __rte_noinline void
flush_tx(struct xsk_rxq *q)
{
	uint32_t cons = __atomic_load_n(q->tx_kcons, __ATOMIC_RELAXED);

	if (cons == __atomic_load_n(q->tx_kprod, __ATOMIC_RELAXED))
		return;
	q->stats.tx_flushes++;
	if (afx_kick_tx(q->fd) == -EBUSY)
		q->stats.tx_flush_drops++;
}

static __rte_always_inline void
idle(struct xsk_rxq *q)
{
	if (++q->idle % FLUSH_EVERY == 0 && q->tx_kprod != NULL)
		flush_tx(q);
}

/*
 * Copy mode never asks; in zero-copy an idle driver must be told of new buffers. One that goes on
 * asking (igb does while its ring is full and no packet comes) is told again now and then only.
 */
static __rte_always_inline void
wake(struct xsk_rxq *q)
{
	if (!q->zc)
		return;
	if (likely(!afx_prod_needs_wakeup(&q->fill))) {
		q->wake_skip = 0;
		return;
	}
	if (q->wake_skip > 0) {
		q->wake_skip--;
		return;
	}
	q->wake_skip = WAKE_EVERY - 1;
	q->stats.wakeups++;
	if (afx_kick_rx(q->fd) < 0)
		q->stats.wakeup_errors++;
}

/* Fill in the mbuf of one descriptor: NULL when the descriptor cannot be believed. */
static __rte_always_inline struct rte_mbuf *
receive(struct xsk_rxq *q, const struct xdp_desc *d, const bool pinned)
{
	uint64_t addr = d->addr;
	uint32_t len = d->len;
	uint32_t off = afx_frame_offset(addr);
	uint32_t data_off = off - q->off_adj;
	struct rte_mbuf *m = disown(q, afx_frame_base(addr), pinned);

	if (unlikely(m == NULL)) {
		q->stats.bad_desc++;
		return NULL;
	}
	q->held--;
	if (unlikely(off > q->chunk || len > q->chunk - off || data_off > UINT16_MAX)) {
		q->stats.bad_desc++;
		rte_mempool_put(q->mp, m);
		return NULL;
	}
	/* data_off, refcnt, nb_segs and port are one aligned word of every supported DPDK. */
	*(uint64_t *)RTE_PTR_ADD(m, offsetof(struct rte_mbuf, data_off)) = q->rearm;
	m->data_off = data_off;
	m->ol_flags = pinned ? RTE_MBUF_F_EXTERNAL : 0;
	m->packet_type = 0;
	m->pkt_len = len;
	m->data_len = len;
	m->vlan_tci = 0;
	return m;
}

#endif

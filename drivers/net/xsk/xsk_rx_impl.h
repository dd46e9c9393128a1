/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the receive bursts are made of: frames and their owners, refill, wake-ups, one descriptor.
 * Included by the files of the burst variants only.
 */
#ifndef XSK_RX_IMPL_H
#define XSK_RX_IMPL_H

#include <errno.h>

#include <rte_prefetch.h>
#include <rte_vect.h>

#include "afx_kick.h"
#include "xsk_fast.h"

/* Frames taken from the pool at once: a refill is several of these. */
#define REFILL_BATCH 64

/* Polls from one wake-up to the next while the driver keeps asking. */
#define WAKE_EVERY 64

/* Empty polls from one look at the tx ring to the next: tens of microseconds. */
#define FLUSH_EVERY 256

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
	if (unlikely(q->own[slot] != (uint16_t)addr || (addr & 7) != 0))
		return NULL;
	q->own[slot] = XSK_OWN_NONE;
	return frame_mbuf(q, addr);
}

/* Note a frame in own[]; false when it cannot be posted and was set aside or given back. */
static __rte_always_inline bool
take_over(struct xsk_rxq *q, struct rte_mbuf *m, const bool pinned, uint64_t *addr)
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
		q->own[slot] = (uint16_t)(fill - q->base);
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

/* Frames of any kind, one by one. */
static __rte_always_inline uint32_t
refill_any(struct xsk_rxq *q, const bool pinned)
{
	void *objs[REFILL_BATCH];
	uint32_t posted = 0;

	while (q->held < q->pool_desc) {
		uint32_t want = RTE_MIN(q->pool_desc - q->held, (uint32_t)REFILL_BATCH);
		uint32_t idx, n, done = 0;

		/* The ring holds nb_desc: only a kernel that lies leaves no space. */
		want = RTE_MIN(want, afx_prod_free(&q->fill, want));
		n = want > 0 ? take(q, objs, want) : 0;
		if (unlikely(n == 0 || afx_prod_reserve(&q->fill, n, &idx) == 0))
			break;
		for (uint32_t i = 0; i < n; i++) {
			uint64_t addr;

			if (take_over(q, objs[i], pinned, &addr))
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

/*
 * Write what a received mbuf must say: data_off, refcnt, nb_segs, port and ol_flags in one store,
 * packet type, lengths, VLAN and hash in a second one.
 */
static __rte_always_inline void
write_header(struct rte_mbuf *m, const struct xdp_desc *d, uint64_t rearm, uint32_t data_off,
	uint64_t ol_flags)
{
#if defined(RTE_ARCH_X86_64)
	/* Bytes 8 to 11 of a descriptor are its length; those with the top bit set become 0. */
	const __m128i pick = _mm_set_epi8(-1, -1, -1, -1, -1, -1, 9, 8, 11, 10, 9, 8, -1, -1, -1,
		-1);
	__m128i desc = _mm_load_si128((const __m128i *)d);

	_mm_store_si128((__m128i *)RTE_PTR_ADD(m, 16),
		_mm_set_epi64x((long long)ol_flags, (long long)(rearm | data_off)));
	_mm_store_si128((__m128i *)RTE_PTR_ADD(m, 32), _mm_shuffle_epi8(desc, pick));
#else
	*(uint64_t *)RTE_PTR_ADD(m, 16) = rearm;
	m->data_off = data_off;
	m->ol_flags = ol_flags;
	m->packet_type = 0;
	m->pkt_len = d->len;
	m->data_len = d->len;
	m->vlan_tci = 0;
	m->hash.rss = 0;
#endif
}

/* Fill in the mbuf of one descriptor: NULL when the descriptor cannot be believed. */
static __rte_always_inline struct rte_mbuf *
receive(struct xsk_rxq *q, const struct xdp_desc *d, const bool pinned)
{
	uint64_t addr = d->addr;
	uint32_t data_off = afx_frame_offset(addr) - q->off_adj;
	struct rte_mbuf *m = disown(q, afx_frame_base(addr), pinned);

	if (unlikely(m == NULL)) {
		q->stats.bad_desc++;
		return NULL;
	}
	q->held--;
	/* An offset below off_adj wraps to more than any frame has. */
	if (unlikely((uint64_t)data_off + d->len > q->chunk - q->off_adj)) {
		q->stats.bad_desc++;
		rte_mempool_put(q->mp, m);
		return NULL;
	}
	write_header(m, d, q->rearm, data_off, pinned ? RTE_MBUF_F_EXTERNAL : 0);
	return m;
}

#endif

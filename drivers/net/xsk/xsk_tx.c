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

/* Packets whose mbuf headers are fetched at once: more would wait for a fill buffer. */
#define FETCH 8

/* Bytes of struct xsk_txq that every burst touches. */
#define HOT (offsetof(struct xsk_txq, stats) + RTE_CACHE_LINE_SIZE)

/* Bursts from one change of the pool whose mbufs are freed in bulk to the next. */
#define POOL_AGE 256

/* Completions one by one, of mbufs that are freed by the book or of nothing that we sent. */
static __rte_noinline uint32_t
reclaim_slowly(struct xsk_txq *q, const uint64_t *ring, uint32_t n)
{
	struct rte_mbuf *done[RECLAIM_BATCH];
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t tag = afx_frame_offset(ring[i]);

		if (unlikely(tag > q->slot_mask || q->slot[tag] == 0)) {
			q->stats.bad_comp++;
			continue;
		}
		done[cnt++] = (struct rte_mbuf *)(q->slot[tag] & ~(uintptr_t)XSK_SLOT_CARE);
		q->slot[tag] = 0;
	}
	for (uint32_t i = 0; i < cnt; i++)
		rte_pktmbuf_free_seg(done[i]);
	return cnt;
}

/* Objects of q->mp that completed: to the receive queue on the same lcore, or to the pool. */
static __rte_noinline void
give_back(struct xsk_txq *q, void **objs, uint32_t n)
{
	uint32_t fed = 0;

	if (q->feed != NULL && q->feed->mp == q->mp)
		fed = xsk_rx_feed(q->feed, objs, n);
	if (fed < n)
		rte_mempool_put_bulk(q->mp, objs + fed, n - fed);
}

/* Take n completions, in one piece of the ring: how many named an mbuf in flight. */
static __rte_always_inline uint32_t
reclaim_piece(struct xsk_txq *q, const uint64_t *ring, uint32_t n)
{
	const uint32_t slot_mask = q->slot_mask, first = afx_frame_offset(ring[0]);
	struct rte_mempool_cache *cache;
	uintptr_t * const slot = q->slot;
	void *room[RECLAIM_BATCH], **out = room;
	uint32_t cnt = 0;

	/* The pool lives for sure only while an mbuf of it is out. */
	if (unlikely(first > slot_mask || slot[first] == 0 || (slot[first] & XSK_SLOT_CARE) != 0))
		return reclaim_slowly(q, ring, n);
	cache = xsk_pool_cache(q->mp);

	if (likely(cache != NULL && q->feed == NULL && cache->len + n <= cache->size))
		out = &cache->objs[cache->len];
	else
		cache = NULL;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t tag = afx_frame_offset(ring[i]);
		uintptr_t s = likely(tag <= slot_mask) ? slot[tag] : 0;

		if (unlikely(s == 0 || (s & XSK_SLOT_CARE) != 0)) {
			if (cache != NULL)
				cache->len += cnt;
			else
				give_back(q, out, cnt);
			return cnt + reclaim_slowly(q, ring + i, n - i);
		}
		slot[tag] = 0;
		out[cnt++] = (void *)s;
	}
	if (likely(cache != NULL))
		cache->len += cnt;
	else
		give_back(q, out, cnt);
	return cnt;
}

static __rte_always_inline uint32_t
reclaim(struct xsk_txq *q, uint32_t most)
{
	uint32_t total = 0, n;

	while ((n = afx_cons_avail_fresh(&q->comp,
			RTE_MIN(most - total, (uint32_t)RECLAIM_BATCH))) > 0) {
		uint32_t pos = q->comp.cached_cons & q->comp.mask;

		n = RTE_MIN(n, q->comp.entries - pos);
		total += reclaim_piece(q, (const uint64_t *)q->comp.kring + pos, n);
		q->comp.cached_cons += n;
	}
	if (total == 0 && *q->comp.kcons == q->comp.cached_cons)
		return 0;
	afx_cons_release(&q->comp);
	q->used -= total;
	/* The same few slots again stay in the cache. */
	if (q->used == 0)
		q->next_tag = 0;
	return total;
}

uint32_t
xsk_tx_reclaim(struct xsk_txq *q)
{
	return reclaim(q, UINT32_MAX);
}

uint32_t
xsk_tx_take_done(struct xsk_txq *q, void **objs, uint32_t n, bool all)
{
	uint32_t cnt = 0, freed = 0, avail = afx_cons_avail_fresh(&q->comp, n);

	if (all && avail < n)
		return 0;
	for (uint32_t i = 0; i < avail; i++) {
		uint64_t addr = afx_cons_addr(&q->comp, q->comp.cached_cons + i);
		uint32_t tag = afx_frame_offset(addr);
		uintptr_t s = likely(tag <= q->slot_mask) ? q->slot[tag] : 0;

		if (unlikely(s == 0 || (s & XSK_SLOT_CARE) != 0)) {
			freed += reclaim_slowly(q, &addr, 1);
			continue;
		}
		q->slot[tag] = 0;
		objs[cnt++] = (void *)s;
	}
	if (avail > 0) {
		q->comp.cached_cons += avail;
		afx_cons_release(&q->comp);
		q->used -= cnt + freed;
	}
	if (all && cnt < n && cnt > 0) {
		rte_mempool_put_bulk(q->mp, objs, cnt);
		return 0;
	}
	return cnt;
}

/*
 * Mbufs of one pool, unshared and direct, go back in bulk without a look at them: nobody else may
 * have changed them meanwhile. That pool follows what the application sends, now and then.
 */
static __rte_noinline __rte_cold void
change_pool(struct xsk_txq *q, struct rte_mempool *mp)
{
	if (q->pool_age++ % POOL_AGE != 0)
		return;
	for (uint32_t tag = 0; tag <= q->slot_mask; tag++)
		if (q->slot[tag] != 0)
			q->slot[tag] |= XSK_SLOT_CARE;
	q->mp = mp;
}

/*
 * Of refcnt and nb_segs together, and of the upper half of ol_flags: what a plain mbuf has. Their
 * places are asserted in xsk_fast.h.
 */
#define ONE_OF_ONE 0x00010001u
#define ELSEWHERE ((uint32_t)((RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL) >> 32))

/* Four bytes of a structure, whatever their fields and alignment: one access. */
static __rte_always_inline uint32_t
word_at(const void *base, size_t off)
{
	uint32_t v;

	memcpy(&v, (const char *)base + off, sizeof(v));
	return v;
}

/* Descriptors and slots in one piece from where the next packet goes. */
struct run {
	struct xdp_desc *desc;
	uintptr_t *slot;
	uint32_t tag;
	uint32_t len;
};

/*
 * Send plain packets: one unshared, direct mbuf of the pool that is freed in bulk, wholly in the
 * registration. Ends at the first that is not, or where the run does: how many.
 */
static __rte_always_inline uint32_t
plain_run(const struct xsk_txq *q, const struct run *r, struct rte_mbuf * const *pkts,
	const bool cross, uint64_t *bytes)
{
	const uintptr_t first = q->base + q->lo;
	const uint64_t span = q->span;
	const struct rte_mempool * const mp = q->mp;
	const uint32_t longest = q->chunk - RTE_ETHER_HDR_LEN;
	/* The address of byte lo with the tag; that of the next tag is a constant away. */
	uint64_t with_tag = afx_frame_tagged(q->lo, r->tag);
	const uint64_t next_tag = (1ull << AFX_OFFSET_SHIFT) - 1;
	struct xdp_desc * const desc = r->desc;
	uintptr_t * const slot = r->slot;
	const uint32_t n = r->len;
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		const struct rte_mbuf *m = pkts[i];
		uint64_t at = (uintptr_t)m->buf_addr + m->data_off - first;
		uint32_t len = m->data_len;

		if (unlikely(word_at(m, 18) != ONE_OF_ONE ||
				(word_at(m, 28) & ELSEWHERE) != 0 ||
				m->pool != mp || at >= span || len != m->pkt_len ||
				len - RTE_ETHER_HDR_LEN > longest ||
				(cross && afx_frame_crosses(first + at, len, q->cross_shift)) ||
				slot[i] != 0))
			break;
		slot[i] = (uintptr_t)m;
		desc[i].addr = with_tag + at;
		desc[i].len = len;
		desc[i].options = 0;
		with_tag += next_tag;
		sum += len;
	}
	*bytes += sum;
	return i;
}

/* Functions of their own: everything the loop needs fits the registers. */
static __rte_noinline uint32_t
send_plain(const struct xsk_txq *q, const struct run *r, struct rte_mbuf * const *pkts,
	uint64_t *bytes)
{
	return plain_run(q, r, pkts, false, bytes);
}

static __rte_noinline uint32_t
send_plain_within(const struct xsk_txq *q, const struct run *r, struct rte_mbuf * const *pkts,
	uint64_t *bytes)
{
	return plain_run(q, r, pkts, true, bytes);
}

/* A packet that is not plain, or one whose slot is taken: false when it must wait. */
static __rte_noinline bool
send_other(struct xsk_txq *q, struct rte_mbuf *m, uint32_t *sent, uint64_t *bytes)
{
	enum verdict v = look_twice(q, &m);
	struct xdp_desc *d;

	if (v == DROP)
		return true;
	if (v == KEEP)
		return false;
	/* Fewer are in flight than there are slots. */
	while (q->slot[q->next_tag & q->slot_mask] != 0)
		q->next_tag++;
	q->next_tag &= q->slot_mask;
	q->slot[q->next_tag] = (uintptr_t)m | XSK_SLOT_CARE;
	d = afx_prod_desc(&q->tx, q->tx.cached_prod + (*sent)++);
	d->addr = afx_frame_tagged(rte_pktmbuf_mtod(m, uintptr_t) - q->base, q->next_tag++);
	d->len = m->data_len;
	d->options = 0;
	*bytes += m->data_len;
	q->stats.zero_copy += v == SEND_IN_PLACE;
	return true;
}

static __rte_always_inline uint16_t
tx_burst(struct xsk_txq *q, struct rte_mbuf **pkts, uint16_t nb, const bool cross)
{
	const bool gone = atomic_load_explicit(&q->region->any_gone, memory_order_acquire);
	uint32_t room = RTE_MIN(q->nb_desc - q->used, afx_prod_free(&q->tx, nb));
	uint32_t i = 0, sent = 0, plain = 0;
	uint64_t bytes = 0;

	while (i < nb && sent < room) {
		uint32_t tag = q->next_tag & q->slot_mask;
		uint32_t pos = (q->tx.cached_prod + sent) & q->tx.mask, n;
		struct run r = {
			.desc = (struct xdp_desc *)q->tx.kring + pos,
			.slot = &q->slot[tag],
			.tag = tag,
			.len = RTE_MIN(nb - i, room - sent),
		};

		r.len = RTE_MIN(r.len, RTE_MIN(q->tx.entries - pos, q->slot_mask + 1 - tag));
		n = gone ? 0 : cross ? send_plain_within(q, &r, pkts + i, &bytes) :
			send_plain(q, &r, pkts + i, &bytes);
		q->next_tag = tag + n;
		plain += n;
		sent += n;
		i += n;
		if (likely(n == r.len))
			continue;
		if (!send_other(q, pkts[i], &sent, &bytes))
			break;
		i++;
	}
	if (sent > 0) {
		q->used += sent;
		q->tx.cached_prod += sent;
		afx_prod_submit(&q->tx);
		q->stats.pkts += sent;
		q->stats.bytes += bytes;
		q->stats.zero_copy += plain;
	}
	return i;
}

/* Zero-copy with frames that may cross a page: apart, so that the common way is short. */
static __rte_noinline uint16_t
tx_burst_within(struct xsk_txq *q, struct rte_mbuf **pkts, uint16_t nb)
{
	return tx_burst(q, pkts, nb, true);
}

uint16_t
xsk_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	struct xsk_txq *q = queue;
	uint16_t taken;

	/* The queue's own lines at once, not one after the other where the code comes to them. */
	for (unsigned int i = RTE_CACHE_LINE_SIZE; i < HOT; i += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(RTE_PTR_ADD(q, i));
	/* A core looks some packets ahead by itself: help it with the first ones. */
	for (uint16_t i = 0; i < RTE_MIN(nb, FETCH); i++)
		rte_prefetch0(pkts[i]);
	/* An empty burst is how an application that went quiet asks for its mbufs. */
	if (q->nb_desc - q->used < RTE_MAX((uint32_t)nb, q->free_thresh) || nb == 0)
		xsk_tx_reclaim(q);
	if (nb > 0 && unlikely(pkts[0]->pool != q->mp))
		change_pool(q, pkts[0]->pool);
	taken = likely(q->cross_shift == 63) ? tx_burst(q, pkts, nb, false) :
		tx_burst_within(q, pkts, nb);
	kick(q);
	return taken;
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

	/* Called through ethdev also while the port is stopped, and of queues not set up. */
	if (q == NULL || q->region == NULL)
		return 0;
	kick(q);
	return reclaim(q, free_cnt != 0 ? free_cnt : UINT32_MAX);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive burst and the refill of the fill ring.
 *
 * A frame is handed to the kernel by its address and noted in own[]; a descriptor that comes back
 * is believed only if it names a frame noted there. The sum of fill ring, kernel and rx ring (held)
 * never exceeds nb_desc, whatever the sizes of the rings.
 */
#include <string.h>

#include <rte_cpuflags.h>

#include "xsk_rx_impl.h"

uint32_t
xsk_rx_refill(struct xsk_rxq *q)
{
	return refill_any(q, false);
}

uint32_t
xsk_rx_refill_pinned(struct xsk_rxq *q)
{
	return refill_any(q, true);
}

/*
 * Own and post the common kind of frame, in the mbuf's place and none crossing a page, into one
 * piece of the ring. Returns how many; one outside the registration ends the run before it. This
 * and the passes below are functions of their own so that all a loop needs fits the registers.
 */
static __rte_noinline uint32_t
post(const struct xsk_rxq *q, void * const *objs, uint32_t n, uint64_t *ring)
{
	const uint64_t bias = q->fill_off - q->base, slots = q->map_len;
	const uint64_t first = q->map_base >> XSK_SLOT_SHIFT;
	uint16_t * const own = q->own;
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint64_t addr = (uintptr_t)objs[i] + bias;
		uint64_t slot = (addr >> XSK_SLOT_SHIFT) - first;

		if (unlikely(slot >= slots))
			break;
		own[slot] = (uint16_t)addr;
		ring[i] = addr;
	}
	return i;
}

/*
 * Refill from where the pool's cache of this lcore has its objects. Whatever that cannot do, an
 * empty cache or a frame out of the ordinary, the general refill does.
 */
static __rte_always_inline void
refill(struct xsk_rxq *q)
{
	struct rte_mempool_cache *cache = xsk_pool_cache(q->mp);

	while (q->held < q->pool_desc) {
		uint32_t want = RTE_MIN(q->pool_desc - q->held, (uint32_t)REFILL_BATCH);
		uint32_t pos = q->fill.cached_prod & q->fill.mask, n;
		void **objs;

		want = RTE_MIN(want, q->fill.entries - pos);
		if (unlikely(cache == NULL || cache->len < want || q->cross_shift != 63 ||
				afx_prod_free(&q->fill, want) < want)) {
			xsk_rx_refill(q);
			return;
		}
		objs = &cache->objs[cache->len - want];
		n = post(q, objs, want, (uint64_t *)q->fill.kring + pos);
		if (unlikely(n < want))
			memmove(objs, objs + n, (want - n) * sizeof(*objs));
		cache->len -= n;
		q->held += n;
		q->fill.cached_prod += n;
		afx_prod_submit(&q->fill);
		if (unlikely(n < want)) {
			xsk_rx_refill(q);
			return;
		}
	}
}

uint32_t
xsk_rx_feed(struct xsk_rxq *q, void * const *objs, uint32_t n)
{
	uint32_t pos = q->fill.cached_prod & q->fill.mask, piece, done;

#ifdef RTE_ENABLE_ASSERT
	RTE_ASSERT(q->lcore == LCORE_ID_ANY || q->lcore == rte_lcore_id());
#endif
	n = RTE_MIN(n, q->nb_desc - q->held);
	n = RTE_MIN(n, afx_prod_free(&q->fill, n));
	piece = RTE_MIN(n, q->fill.entries - pos);
	done = post(q, objs, piece, (uint64_t *)q->fill.kring + pos);
	if (piece < n && done == piece)
		done += post(q, objs + piece, n - piece, q->fill.kring);
	q->held += done;
	q->fill.cached_prod += done;
	afx_prod_submit(&q->fill);
	return done;
}

/* A descriptor that names no frame of ours, or one that the frame cannot hold. */
static __rte_noinline __rte_cold void
disbelieve(struct xsk_rxq *q, struct rte_mbuf *m)
{
	q->stats.bad_desc++;
	if (m == NULL)
		return;
	q->held--;
	/* The passes with vectors write before they look: refcnt may be anything. */
	memcpy(RTE_PTR_ADD(m, offsetof(struct rte_mbuf, data_off)), &q->rearm, sizeof(q->rearm));
	rte_mempool_put(q->mp, m);
}

/*
 * First pass over n descriptors, in one piece of the ring: their mbufs to pkts, no longer owned,
 * headers on their way to the cache. Ends early before a descriptor that is not believed.
 */
static __rte_noinline uint32_t
claim(const struct xsk_rxq *q, const struct xdp_desc *desc, struct rte_mbuf **pkts, uint32_t n)
{
	const uint64_t bias = q->base - q->fill_off, slots = q->map_len;
	const uint64_t first = q->map_base >> XSK_SLOT_SHIFT;
	uint16_t * const own = q->own;
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint64_t addr = afx_frame_base(desc[i].addr);
		uint64_t slot = (addr >> XSK_SLOT_SHIFT) - first;

		if (unlikely(slot >= slots || own[slot] != (uint16_t)addr || (addr & 7) != 0))
			break;
		own[slot] = XSK_OWN_NONE;
		pkts[i] = (struct rte_mbuf *)(bias + addr);
		rte_prefetch0(pkts[i]);
	}
	return i;
}

/*
 * Second pass: fill in the mbufs of n claimed descriptors. Returns how many are left in pkts, with
 * their bytes added.
 */
static __rte_noinline uint32_t
describe(struct xsk_rxq *q, const struct xdp_desc *desc, struct rte_mbuf **pkts, uint32_t n,
	uint64_t *bytes)
{
	const uint32_t adj = q->off_adj, room = q->chunk - adj;
	uint32_t got = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t data_off = afx_frame_offset(desc[i].addr) - adj;

		/* An offset below adj wraps to more than any frame has. */
		if (unlikely((uint64_t)data_off + desc[i].len > room)) {
			disbelieve(q, pkts[i]);
			continue;
		}
		write_header(pkts[i], &desc[i], q->rearm, data_off, 0);
		*bytes += desc[i].len;
		pkts[got++] = pkts[i];
	}
	q->held -= got;
	return got;
}

#include "xsk_rx_vec.h"

enum variant { SCALAR, SSE, AVX2, PINNED };

static __rte_always_inline uint16_t
receive_plain(struct xsk_rxq *q, uint32_t idx, struct rte_mbuf **pkts, uint32_t n,
	uint64_t *bytes, const enum variant v)
{
	uint32_t got = 0;

	while (n > 0) {
		uint32_t pos = idx & q->rx.mask;
		uint32_t run = RTE_MIN(n, q->rx.entries - pos), sure;
		const struct xdp_desc *desc = (const struct xdp_desc *)q->rx.kring + pos;

		sure = claim(q, desc, pkts + got, run);
		got += v == AVX2 ? describe_avx2(q, desc, pkts + got, sure, bytes) :
			v == SSE ? describe_sse(q, desc, pkts + got, sure, bytes) :
			describe(q, desc, pkts + got, sure, bytes);
		if (unlikely(sure < run)) {
			disbelieve(q, NULL);
			sure++;
		}
		idx += sure;
		n -= sure;
	}
	return got;
}

static uint16_t
receive_pinned(struct xsk_rxq *q, uint32_t idx, struct rte_mbuf **pkts, uint32_t n,
	uint64_t *bytes)
{
	uint16_t got = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *m = receive(q, afx_cons_desc(&q->rx, idx + i), true);

		if (unlikely(m == NULL))
			continue;
		*bytes += m->pkt_len;
		pkts[got++] = m;
	}
	return got;
}

static __rte_always_inline uint16_t
rx_burst(struct xsk_rxq *q, struct rte_mbuf **pkts, uint16_t nb, const enum variant v)
{
	uint64_t bytes = 0;
	uint16_t got = 0;
	uint32_t idx, n;

#ifdef RTE_ENABLE_ASSERT
	q->lcore = rte_lcore_id();
#endif
	n = afx_cons_peek(&q->rx, nb, &idx);
	if (n == 0 && q->busy)
		n = poll_driver(q, nb, &idx);
	if (n == 0) {
		idle(q);
	} else {
		got = v == PINNED ? receive_pinned(q, idx, pkts, n, &bytes) :
			receive_plain(q, idx, pkts, n, &bytes, v);
		afx_cons_release(&q->rx);
		q->stats.pkts += got;
		q->stats.bytes += bytes;
	}
	if (q->held + q->free_thresh <= q->pool_desc) {
		if (v == PINNED)
			xsk_rx_refill_pinned(q);
		else
			refill(q);
	}
	if (unlikely(q->recycle != NULL))
		xsk_recycle_update(q);
	wake(q);
	return got;
}

uint16_t
xsk_rx_burst_sse(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	return rx_burst(queue, pkts, nb, SSE);
}

uint16_t
xsk_rx_burst_avx2(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	return rx_burst(queue, pkts, nb, AVX2);
}

uint16_t
xsk_rx_burst_scalar(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	return rx_burst(queue, pkts, nb, SCALAR);
}

/* For ports where some queue has a pool of pinned external buffers; chosen per burst. */
uint16_t
xsk_rx_burst_any(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	const struct xsk_rxq *q = queue;

	return q->layout.pinned ? rx_burst(queue, pkts, nb, PINNED) :
		rx_burst(queue, pkts, nb, SCALAR);
}

eth_rx_burst_t
xsk_rx_burst_choose(bool pinned)
{
	if (pinned)
		return xsk_rx_burst_any;
#ifdef RTE_ARCH_X86_64
	if (rte_vect_get_max_simd_bitwidth() >= RTE_VECT_SIMD_256 &&
			rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0)
		return xsk_rx_burst_avx2;
	if (rte_vect_get_max_simd_bitwidth() >= RTE_VECT_SIMD_128)
		return xsk_rx_burst_sse;
#endif
	return xsk_rx_burst_scalar;
}

const char *
xsk_rx_burst_name(eth_rx_burst_t burst)
{
	return burst == xsk_rx_burst_avx2 ? "Vector AVX2" :
		burst == xsk_rx_burst_sse ? "Vector SSE" : "Scalar";
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The four AF_XDP rings as user space sees them.
 *
 *   ring        producer   consumer   entry
 *   fill        user       kernel     __u64 frame address
 *   rx          kernel     user       struct xdp_desc
 *   tx          user       kernel     struct xdp_desc
 *   completion  kernel     user       __u64 frame address, as it stood in the Tx descriptor
 *
 * A ring is single producer, single consumer. Its indexes are free-running 32-bit counters in
 * memory shared with the kernel (pointers to it start with k); the difference of two indexes is a
 * count however often they wrapped. Entries [consumer, producer) belong to the consumer, the others
 * to the producer; ownership moves only when an index is published:
 *
 *   producer                            consumer
 *   if (LOAD.acq consumer)  A           if (LOAD.acq producer)  C
 *           STORE entries                       LOAD entries
 *           STORE.rel producer  B               STORE.rel consumer  D
 *
 * A pairs with D: without them the producer could overwrite an entry the consumer still reads.
 * B pairs with C: without them the consumer could read an entry before it is written. The kernel's
 * half is net/xdp/xsk_queue.h (here: Linux 6.18), which uses the same letters.
 *
 * Producer verbs: reserve, write, submit. Consumer verbs: peek, read, release. Reserving and
 * peeking move only private indexes; submit and release publish. Each side caches the other's index
 * and loads the shared one only when the cache says there is not enough.
 *
 * Threads: one thread at a time per ring. No syscalls. Nothing here can fail other than by
 * returning fewer entries than asked for. A count from the kernel is never believed beyond the
 * ring's size.
 */
#ifndef AFX_RING_H
#define AFX_RING_H

#include <linux/if_xdp.h>
#include <stdbool.h>
#include <stdint.h>

/* A ring this process produces: fill and tx. */
struct afx_prod {
	uint32_t cached_prod;    /* next entry to reserve; ahead of *kprod until submit */
	uint32_t cached_cons;    /* last seen *kcons */
	uint32_t mask;           /* entries - 1 */
	uint32_t entries;        /* a power of two */
	uint32_t *kprod;
	uint32_t *kcons;
	uint32_t *kflags;
	void *kring;
};

/* A ring this process consumes: rx and completion. */
struct afx_cons {
	uint32_t cached_prod;    /* last seen *kprod */
	uint32_t cached_cons;    /* next entry to peek; ahead of *kcons until release */
	uint32_t mask;
	uint32_t entries;
	uint32_t *kprod;
	uint32_t *kcons;
	uint32_t *kflags;
	void *kring;
};

/* Entries free to reserve; the shared index is loaded only when fewer than want are known. */
static inline uint32_t
afx_prod_free(struct afx_prod *r, uint32_t want)
{
	uint32_t used = r->cached_prod - r->cached_cons;

	if (r->entries - used < want) {
		uint32_t cons = __atomic_load_n(r->kcons, __ATOMIC_ACQUIRE); /* A, matches D */

		/* Ahead of us, or a ring behind: nonsense from the other side, not believed. */
		if (r->cached_prod - cons > r->entries)
			return 0;
		r->cached_cons = cons;
		used = r->cached_prod - cons;
	}
	return r->entries - used;
}

/*
 * Reserve n entries, all or nothing. Returns n with *idx the first one's index, or 0. Entries are
 * addressed as idx, idx + 1, ... through afx_prod_addr or afx_prod_desc.
 */
static inline uint32_t
afx_prod_reserve(struct afx_prod *r, uint32_t n, uint32_t *idx)
{
	if (afx_prod_free(r, n) < n)
		return 0;
	*idx = r->cached_prod;
	r->cached_prod += n;
	return n;
}

/* Give back the last n reserved entries that were not submitted. */
static inline void
afx_prod_cancel(struct afx_prod *r, uint32_t n)
{
	r->cached_prod -= n;
}

/* Publish everything reserved. */
static inline void
afx_prod_submit(struct afx_prod *r)
{
	__atomic_store_n(r->kprod, r->cached_prod, __ATOMIC_RELEASE);    /* B, matches C */
}

static inline uint64_t *
afx_prod_addr(struct afx_prod *r, uint32_t idx)
{
	return (uint64_t *)r->kring + (idx & r->mask);
}

static inline struct xdp_desc *
afx_prod_desc(struct afx_prod *r, uint32_t idx)
{
	return (struct xdp_desc *)r->kring + (idx & r->mask);
}

/*
 * Entries submitted that the other side has not consumed, by the shared index. The kernel publishes
 * its consumer index of the fill ring lazily: what it shows as waiting may already lie in the NIC.
 */
static inline uint32_t
afx_prod_pending(const struct afx_prod *r)
{
	uint32_t n = *r->kprod - __atomic_load_n(r->kcons, __ATOMIC_ACQUIRE);

	return n <= r->entries ? n : r->entries;
}

/* Entries ready to peek, at most max; the shared index is loaded only when none is known. */
static inline uint32_t
afx_cons_avail(struct afx_cons *r, uint32_t max)
{
	uint32_t n = r->cached_prod - r->cached_cons;

	if (n == 0) {
		uint32_t prod = __atomic_load_n(r->kprod, __ATOMIC_ACQUIRE); /* C, matches B */

		/* More than the ring holds: take nothing rather than read garbage. */
		if (prod - r->cached_cons > r->entries)
			return 0;
		r->cached_prod = prod;
		n = prod - r->cached_cons;
	}
	return n < max ? n : max;
}

/* As afx_cons_avail, loading the shared index whenever fewer than max are known. */
static inline uint32_t
afx_cons_avail_fresh(struct afx_cons *r, uint32_t max)
{
	uint32_t n;

	if (r->cached_prod - r->cached_cons < max) {
		uint32_t prod = __atomic_load_n(r->kprod, __ATOMIC_ACQUIRE);     /* C, matches B */

		if (prod - r->cached_cons <= r->entries)
			r->cached_prod = prod;
	}
	n = r->cached_prod - r->cached_cons;
	return n < max ? n : max;
}

/* Peek up to n entries: returns how many, *idx the first one's index. */
static inline uint32_t
afx_cons_peek(struct afx_cons *r, uint32_t n, uint32_t *idx)
{
	n = afx_cons_avail(r, n);
	*idx = r->cached_cons;
	r->cached_cons += n;
	return n;
}

/* Give everything peeked back to the producer; entries must not be read afterwards. */
static inline void
afx_cons_release(struct afx_cons *r)
{
	__atomic_store_n(r->kcons, r->cached_cons, __ATOMIC_RELEASE);    /* D, matches A */
}

static inline uint64_t
afx_cons_addr(const struct afx_cons *r, uint32_t idx)
{
	return ((const uint64_t *)r->kring)[idx & r->mask];
}

static inline const struct xdp_desc *
afx_cons_desc(const struct afx_cons *r, uint32_t idx)
{
	return (const struct xdp_desc *)r->kring + (idx & r->mask);
}

/* Entries waiting, by the shared index; for queue counts, not for reading entries. */
static inline uint32_t
afx_cons_pending(const struct afx_cons *r)
{
	uint32_t n = __atomic_load_n(r->kprod, __ATOMIC_RELAXED) - r->cached_cons;

	return n <= r->entries ? n : 0;
}

/* Whether the kernel asks to be woken (XDP_USE_NEED_WAKEUP, kernel 5.4). */
static inline bool
afx_prod_needs_wakeup(const struct afx_prod *r)
{
	return __atomic_load_n(r->kflags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verbs of afx_ring.h, on rings in plain memory: empty, full, stale caches, wrap at 2^32, and a
 * hostile other side. The entries lie between guard words, and the program also runs under the
 * address sanitizer.
 */
#include <string.h>

#include "afx_ring.h"
#include "afx_test.h"

#define ENTRIES 8u
#define GUARD 0xfeedfacecafebeefull

static uint32_t kprod, kcons, kflags;
static struct {
	uint64_t before;
	uint64_t addr[ENTRIES];
	uint64_t after;
} mem;

static struct afx_prod
make_prod(uint32_t start)
{
	kprod = kcons = start;
	kflags = 0;
	mem.before = mem.after = GUARD;
	memset(mem.addr, 0, sizeof(mem.addr));
	return (struct afx_prod){
		.cached_prod = start, .cached_cons = start, .mask = ENTRIES - 1, .entries = ENTRIES,
		.kprod = &kprod, .kcons = &kcons, .kflags = &kflags, .kring = mem.addr,
	};
}

static struct afx_cons
make_cons(uint32_t start)
{
	struct afx_prod p = make_prod(start);

	return (struct afx_cons){
		.cached_prod = start, .cached_cons = start, .mask = p.mask, .entries = p.entries,
		.kprod = p.kprod, .kcons = p.kcons, .kflags = p.kflags, .kring = p.kring,
	};
}

static void
prod_basic(uint32_t start)
{
	struct afx_prod r = make_prod(start);
	uint32_t idx = 99;

	CHECK_EQ(afx_prod_free(&r, 1), ENTRIES);
	CHECK_EQ(afx_prod_reserve(&r, ENTRIES + 1, &idx), 0);
	CHECK_EQ(idx, 99);
	CHECK_EQ(afx_prod_reserve(&r, 3, &idx), 3);
	CHECK_EQ(idx, start);
	for (uint32_t i = 0; i < 3; i++)
		*afx_prod_addr(&r, idx + i) = 100 + i;
	CHECK_EQ(kprod, start);
	CHECK_EQ(afx_prod_pending(&r), 0);
	afx_prod_submit(&r);
	CHECK_EQ(kprod, start + 3);
	CHECK_EQ(afx_prod_pending(&r), 3);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_EQ(mem.addr[(start + i) % ENTRIES], 100 + i);

	/* All or nothing; a full ring gives nothing and does not move. */
	CHECK_EQ(afx_prod_reserve(&r, 6, &idx), 0);
	CHECK_EQ(afx_prod_reserve(&r, 5, &idx), 5);
	CHECK_EQ(afx_prod_reserve(&r, 1, &idx), 0);
	CHECK_EQ(r.cached_prod, start + ENTRIES);
	afx_prod_submit(&r);
	CHECK_EQ(afx_prod_pending(&r), ENTRIES);

	/* Wrapping into slots that were given back. */
	kcons += 2;
	CHECK_EQ(afx_prod_reserve(&r, 2, &idx), 2);
	CHECK_EQ(idx, start + ENTRIES);
	*afx_prod_addr(&r, idx) = 7;
	CHECK_EQ(mem.addr[start % ENTRIES], 7);
	CHECK_EQ(mem.before, GUARD);
	CHECK_EQ(mem.after, GUARD);
}

/* The shared index is loaded only when the cache does not suffice. */
static void
prod_cache(uint32_t start)
{
	struct afx_prod r = make_prod(start);
	uint32_t idx;

	CHECK_EQ(afx_prod_reserve(&r, 4, &idx), 4);
	afx_prod_submit(&r);
	kcons = start + 4;
	CHECK_EQ(afx_prod_reserve(&r, 4, &idx), 4);
	CHECK_EQ(r.cached_cons, start);
	CHECK_EQ(afx_prod_reserve(&r, 4, &idx), 4);
	CHECK_EQ(r.cached_cons, start + 4);
	/* Where it suffices the shared index need not even be readable. */
	r.kcons = NULL;
	CHECK_EQ(afx_prod_free(&r, 0), 0);
	r.cached_cons += 3;
	CHECK_EQ(afx_prod_free(&r, 3), 3);
	r.kcons = &kcons;
	kcons = start + 8;
	CHECK_EQ(afx_prod_free(&r, 4), 4);
}

static void
prod_cancel(uint32_t start)
{
	struct afx_prod r = make_prod(start);
	uint32_t a, b;

	CHECK_EQ(afx_prod_reserve(&r, 5, &a), 5);
	afx_prod_cancel(&r, 2);
	afx_prod_submit(&r);
	CHECK_EQ(kprod, start + 3);
	CHECK_EQ(afx_prod_reserve(&r, 5, &b), 5);
	CHECK_EQ(b, start + 3);
	afx_prod_cancel(&r, 5);
	afx_prod_cancel(&r, 0);
	afx_prod_submit(&r);
	CHECK_EQ(kprod, start + 3);
	CHECK_EQ(afx_prod_free(&r, 1), 5);
}

/* Whatever index the other side shows, and however often it is asked. */
static void
prod_hostile(uint32_t start)
{
	static const uint32_t lie[] = { 1, 2, ENTRIES, 100, 1u << 31, UINT32_MAX - ENTRIES,
		-ENTRIES - 1, -100u };

	for (unsigned int i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
		struct afx_prod r = make_prod(start);
		uint32_t idx = 0;

		CHECK_EQ(afx_prod_reserve(&r, ENTRIES, &idx), ENTRIES);
		afx_prod_submit(&r);
		kcons = kprod + lie[i];
		for (unsigned int again = 0; again < 3; again++) {
			CHECK(afx_prod_free(&r, 1) <= ENTRIES);
			CHECK(afx_prod_free(&r, ENTRIES) <= ENTRIES);
			CHECK_EQ(afx_prod_reserve(&r, ENTRIES + 1, &idx), 0);
			CHECK(r.cached_prod == start + ENTRIES);
		}
		CHECK(afx_prod_pending(&r) <= ENTRIES);
		/* It recovers when the index makes sense again. */
		kcons = kprod;
		CHECK_EQ(afx_prod_free(&r, ENTRIES), ENTRIES);
		for (uint32_t n = 0; n < 3 * ENTRIES; n++) {
			*afx_prod_addr(&r, lie[i] + n) = n;
			CHECK_EQ(afx_prod_addr(&r, lie[i] + n) - mem.addr, (lie[i] + n) % ENTRIES);
		}
		CHECK_EQ(mem.before, GUARD);
		CHECK_EQ(mem.after, GUARD);
	}
}

static void
cons_basic(uint32_t start)
{
	struct afx_cons r = make_cons(start);
	uint32_t idx = 99;

	CHECK_EQ(afx_cons_avail(&r, 8), 0);
	CHECK_EQ(afx_cons_peek(&r, 8, &idx), 0);
	CHECK_EQ(idx, start);
	CHECK_EQ(afx_cons_pending(&r), 0);
	for (uint32_t i = 0; i < ENTRIES; i++)
		mem.addr[(start + i) % ENTRIES] = 50 + i;
	kprod = start + 5;
	CHECK_EQ(afx_cons_pending(&r), 5);
	CHECK_EQ(afx_cons_avail(&r, 3), 3);
	CHECK_EQ(afx_cons_peek(&r, 3, &idx), 3);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_EQ(afx_cons_addr(&r, idx + i), 50 + i);
	CHECK_EQ(kcons, start);
	afx_cons_release(&r);
	CHECK_EQ(kcons, start + 3);
	CHECK_EQ(afx_cons_pending(&r), 2);
	CHECK_EQ(afx_cons_peek(&r, 8, &idx), 2);
	CHECK_EQ(idx, start + 3);
	CHECK_EQ(afx_cons_peek(&r, 8, &idx), 0);
	afx_cons_release(&r);
	CHECK_EQ(kcons, start + 5);
	/* A whole ring at once, over its end. */
	kprod = kcons + ENTRIES;
	CHECK_EQ(afx_cons_peek(&r, 100, &idx), ENTRIES);
	CHECK_EQ(afx_cons_peek(&r, 100, &idx), 0);
	afx_cons_release(&r);
	CHECK_EQ(kcons, kprod);
}

static void
cons_cache(uint32_t start)
{
	struct afx_cons r = make_cons(start);
	uint32_t idx;

	kprod = start + 2;
	CHECK_EQ(afx_cons_avail(&r, 8), 2);
	kprod = start + 6;
	/* Some are known: the shared index is left alone. */
	CHECK_EQ(afx_cons_avail(&r, 8), 2);
	CHECK_EQ(r.cached_prod, start + 2);
	CHECK_EQ(afx_cons_avail_fresh(&r, 2), 2);
	CHECK_EQ(r.cached_prod, start + 2);
	/* The fresh form loads it as soon as fewer than asked for are known. */
	CHECK_EQ(afx_cons_avail_fresh(&r, 3), 3);
	CHECK_EQ(r.cached_prod, start + 6);
	CHECK_EQ(afx_cons_avail_fresh(&r, 100), 6);
	/* None known: loaded. */
	CHECK_EQ(afx_cons_peek(&r, 6, &idx), 6);
	kprod = start + 7;
	CHECK_EQ(afx_cons_avail(&r, 8), 1);
	r.kprod = NULL;
	CHECK_EQ(afx_cons_avail(&r, 8), 1);
	CHECK_EQ(afx_cons_avail_fresh(&r, 1), 1);
}

static void
cons_hostile(uint32_t start)
{
	static const uint32_t lie[] = { ENTRIES + 1, 100, 1u << 31, -1u, -2u, -ENTRIES, -100u };

	for (unsigned int i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
		struct afx_cons r = make_cons(start);
		uint32_t idx;

		kprod = start + lie[i];
		for (unsigned int again = 0; again < 3; again++) {
			CHECK_EQ(afx_cons_avail(&r, 1000), 0);
			CHECK_EQ(afx_cons_avail_fresh(&r, 1000), 0);
			CHECK_EQ(afx_cons_peek(&r, 1000, &idx), 0);
			CHECK_EQ(afx_cons_pending(&r), 0);
		}
		afx_cons_release(&r);
		CHECK_EQ(kcons, start);

		/*
		 * The same with entries already known: never more than the ring, never beyond it.
		 */
		kprod = start + 3;
		CHECK_EQ(afx_cons_avail(&r, 1000), 3);
		kprod = start + lie[i];
		CHECK(afx_cons_avail_fresh(&r, 1000) <= ENTRIES);
		CHECK(afx_cons_peek(&r, 1000, &idx) <= ENTRIES);
		CHECK(afx_cons_peek(&r, 1000, &idx) <= ENTRIES);
		for (uint32_t n = 0; n < 3 * ENTRIES; n++)
			(void)afx_cons_addr(&r, lie[i] + n);
	}
}

/* Descriptors are 16 bytes: their ring is indexed in its own unit. */
static void
descriptors(uint32_t start)
{
	struct xdp_desc *ring = calloc(ENTRIES, sizeof(*ring));
	struct afx_prod p = make_prod(start);
	struct afx_cons c = make_cons(start);
	uint32_t idx;

	p.kring = c.kring = ring;
	CHECK_EQ(afx_prod_reserve(&p, ENTRIES, &idx), ENTRIES);
	for (uint32_t i = 0; i < ENTRIES; i++)
		*afx_prod_desc(&p, idx + i) = (struct xdp_desc){ .addr = i, .len = i + 1 };
	afx_prod_submit(&p);
	CHECK_EQ(afx_cons_peek(&c, ENTRIES, &idx), ENTRIES);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		CHECK_EQ(afx_cons_desc(&c, idx + i)->addr, i);
		CHECK_EQ(afx_cons_desc(&c, idx + i)->len, i + 1);
		CHECK_EQ(ring[(start + i) % ENTRIES].addr, i);
	}
	free(ring);
}

static void
wakeup(void)
{
	struct afx_prod r = make_prod(0);

	CHECK(!afx_prod_needs_wakeup(&r));
	kflags = XDP_RING_NEED_WAKEUP;
	CHECK(afx_prod_needs_wakeup(&r));
	kflags = ~XDP_RING_NEED_WAKEUP;
	CHECK(!afx_prod_needs_wakeup(&r));
}

int
main(void)
{
	static const uint32_t starts[] = { 0, 1, 5, 1u << 31, UINT32_MAX - 9, UINT32_MAX - 4,
		UINT32_MAX };

	for (unsigned int i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		prod_basic(starts[i]);
		prod_cache(starts[i]);
		prod_cancel(starts[i]);
		prod_hostile(starts[i]);
		cons_basic(starts[i]);
		cons_cache(starts[i]);
		cons_hostile(starts[i]);
		descriptors(starts[i]);
	}
	wakeup();
	return afx_test_end();
}

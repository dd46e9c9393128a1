/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every kind of mbuf an application may hand over: what leaves carries its bytes, the way it took
 * is counted under its name, and each mbuf comes back exactly once.
 */
#include "tx_world.h"
#include "tx_ext.h"

static struct rte_mempool *pool, *other, *clones;

static struct rte_mbuf *
plain(void)
{
	return tx_packet(pool, 60);
}

static struct rte_mbuf *
outside(void)
{
	return tx_packet(other, 1000);
}

static struct rte_mbuf *
no_headroom(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	m->data_off = 0;
	m->data_len = m->pkt_len = m->buf_len;
	return tx_paint(m);
}

static struct rte_mbuf *
shortest(void)
{
	return tx_packet(pool, RTE_ETHER_HDR_LEN);
}

static struct rte_mbuf *
too_short(void)
{
	return tx_packet(pool, RTE_ETHER_HDR_LEN - 1);
}

static struct rte_mbuf *
empty(void)
{
	return tx_packet(other, 0);
}

static struct rte_mbuf *
indirect(void)
{
	struct rte_mbuf *m = tx_packet(pool, 300), *c = rte_pktmbuf_clone(m, clones);

	rte_pktmbuf_free(m);
	return c;
}

static struct rte_mbuf *
indirect_outside(void)
{
	struct rte_mbuf *m = tx_packet(other, 300), *c = rte_pktmbuf_clone(m, clones);

	rte_pktmbuf_free(m);
	return c;
}

static struct rte_mbuf *
chain_of(struct rte_mempool *a, uint16_t len_a, struct rte_mempool *b, uint16_t len_b)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(a), *n = rte_pktmbuf_alloc(b);

	m->data_len = m->pkt_len = len_a;
	n->data_len = n->pkt_len = len_b;
	CHECK_EQ(rte_pktmbuf_chain(m, n), 0);
	return tx_paint(m);
}

static struct rte_mbuf *
chain(void)
{
	return chain_of(pool, 10, other, 1500);
}

/* As much as a bounce frame holds, and one more. */
static struct rte_mbuf *
chain_full(void)
{
	return chain_of(pool, 1000, pool, 1048);
}

static struct rte_mbuf *
chain_long(void)
{
	return chain_of(pool, 1000, pool, 1049);
}

static struct rte_mbuf *
chain_short(void)
{
	return chain_of(pool, 7, pool, 6);
}

static struct rte_mbuf *
bad_sum(void)
{
	struct rte_mbuf *m = chain();

	m->pkt_len++;
	return m;
}

static struct rte_mbuf *
bad_segs(void)
{
	struct rte_mbuf *m = chain();

	m->nb_segs = 3;
	return m;
}

static struct rte_mbuf *
bad_single(void)
{
	struct rte_mbuf *m = plain();

	m->pkt_len = 61;
	return m;
}

static char ext_mem[4096];

static struct rte_mbuf *
external(void *mem, uint16_t len)
{
	return tx_paint(ext_mbuf(other, mem, len));
}

static struct rte_mbuf *
external_outside(void)
{
	return external(ext_mem, 1024);
}

static struct rte_mbuf *
external_long(void)
{
	return external(ext_mem, sizeof(ext_mem));
}

static struct rte_mbuf *
external_inside(void)
{
	return external(lender->buf_addr, 1024);
}

struct kind {
	const char *name;
	struct rte_mbuf *(*make)(void);
	size_t counter;
	bool leaves;
	bool ext;
};

#define COUNTER(field) offsetof(struct xsk_tx_stats, field)
static const struct kind kinds[] = {
	{ "plain", plain, COUNTER(zero_copy), true, false },
	{ "shortest", shortest, COUNTER(zero_copy), true, false },
	{ "no headroom", no_headroom, COUNTER(zero_copy), true, false },
	{ "indirect", indirect, COUNTER(zero_copy), true, false },
	{ "external inside", external_inside, COUNTER(zero_copy), true, true },
	{ "outside", outside, COUNTER(bounce_outside), true, false },
	{ "indirect outside", indirect_outside, COUNTER(bounce_outside), true, false },
	{ "external outside", external_outside, COUNTER(bounce_external), true, true },
	{ "chain", chain, COUNTER(bounce_chain), true, false },
	{ "chain as long as a frame", chain_full, COUNTER(bounce_chain), true, false },
	{ "chain too long", chain_long, COUNTER(drop_long), false, false },
	{ "external too long", external_long, COUNTER(drop_long), false, true },
	{ "short", too_short, COUNTER(drop_short), false, false },
	{ "empty", empty, COUNTER(drop_short), false, false },
	{ "short chain", chain_short, COUNTER(drop_short), false, false },
	{ "chain of wrong length", bad_sum, COUNTER(drop_malformed), false, false },
	{ "chain of wrong count", bad_segs, COUNTER(drop_malformed), false, false },
	{ "single of wrong length", bad_single, COUNTER(drop_malformed), false, false },
};

static uint64_t
sum_of_causes(void)
{
	const struct xsk_tx_stats *s = &q->stats;

	return s->zero_copy + s->bounce_outside + s->bounce_gone + s->bounce_straddle +
		s->bounce_external + s->bounce_chain + s->drop_long + s->drop_short +
		s->drop_malformed;
}

static void
each_kind(void)
{
	for (unsigned int i = 0; i < RTE_DIM(kinds); i++) {
		const struct kind *k = &kinds[i];
		uint64_t causes = sum_of_causes(), pkts = q->stats.pkts, bytes = q->stats.bytes;
		const uint64_t *counter = (const void *)((const char *)&q->stats + k->counter);
		uint64_t before = *counter;
		unsigned int failed = afx_test_failed;
		struct rte_mbuf *m = k->make();
		uint32_t len = m->pkt_len;

		wire_cnt = 0;
		ext_freed = 0;
		CHECK_EQ(xsk_tx_burst(q, &m, 1), 1);
		CHECK_EQ(*counter, before + 1);
		CHECK_EQ(sum_of_causes(), causes + 1);
		CHECK_EQ(wire_cnt, k->leaves);
		CHECK_EQ(q->stats.pkts, pkts + k->leaves);
		CHECK_EQ(q->stats.bytes, bytes + k->leaves * len);
		xsk_tx_reclaim(q);
		CHECK_EQ(q->used, 0);
		CHECK_EQ(ext_freed, k->ext);
		tx_all_home(other);
		tx_all_home(clones);
		CHECK_EQ(rte_mempool_avail_count(pool), pool->size - 32 - 1);
		if (afx_test_failed != failed)
			fprintf(stderr, "  with a packet of kind: %s\n", k->name);
	}
}

/* Held by the application too: sent in place, and still the application's afterwards. */
static void
shared(void)
{
	struct rte_mbuf *m = tx_packet(pool, 100), *twice[2] = { m, m };

	rte_mbuf_refcnt_update(m, 1);
	CHECK_EQ(xsk_tx_burst(q, &m, 1), 1);
	CHECK_EQ(wire_cnt, 1);
	xsk_tx_reclaim(q);
	CHECK_EQ(rte_mbuf_refcnt_read(m), 1);
	/* Twice in one burst: one frame in flight under two tags. */
	rte_mbuf_refcnt_update(m, 1);
	f->on_kick_tx = NULL;
	CHECK_EQ(xsk_tx_burst(q, twice, 2), 2);
	CHECK_EQ(q->used, 2);
	CHECK_EQ(fake_waiting(&f->tx), 2);
	wire_seq--;
	CHECK(tx_wire());
	wire_seq--;
	CHECK(tx_wire());
	CHECK(sent[0] != sent[1]);
	CHECK_EQ(afx_frame_byte(sent[0]), afx_frame_byte(sent[1]));
	CHECK(fake_complete(f, sent[1]));
	CHECK_EQ(xsk_tx_reclaim(q), 1);
	CHECK_EQ(rte_mbuf_refcnt_read(m), 1);
	CHECK(fake_complete(f, sent[0]));
	CHECK_EQ(xsk_tx_reclaim(q), 1);
	sent_cnt = 0;
	f->on_kick_tx = tx_honest;
}

static uint64_t
granule(const struct rte_mbuf *m)
{
	return (rte_pktmbuf_mtod(m, uintptr_t) - q->base) >> XSK_PAGE_SHIFT;
}

/* Pages struck off since registration: nothing is sent from there, neighbours still are. */
static void
gone(void)
{
	struct rte_mbuf *a = tx_packet(pool, 64), *hold[1024], *b;
	unsigned int n = 0;

	q->region->gone[granule(a)] = 1;
	q->region->any_gone = true;
	do {
		hold[n] = rte_pktmbuf_alloc(pool);
		CHECK(hold[n] != NULL);
	} while (granule(hold[n++]) == granule(a));
	CHECK_EQ(xsk_tx_burst(q, &a, 1), 1);
	CHECK_EQ(q->stats.bounce_gone, 1);
	CHECK_EQ(q->stats.zero_copy, 0);
	b = hold[--n];
	b->data_len = b->pkt_len = 64;
	tx_paint(b);
	CHECK_EQ(xsk_tx_burst(q, &b, 1), 1);
	CHECK_EQ(q->stats.bounce_gone, 1);
	CHECK_EQ(q->stats.zero_copy, 1);
	while (n > 0)
		rte_pktmbuf_free(hold[--n]);
	memset(q->region->gone, 0, q->region->granules);
	q->region->any_gone = false;
	xsk_tx_reclaim(q);
}

/* No frame to copy into: the packet stays with the application, those before it are gone. */
static void
dry(void)
{
	struct rte_mbuf *hold[1024], *pkts[3];
	unsigned int n = 0;

	pkts[0] = tx_packet(pool, 60);
	pkts[1] = tx_packet(other, 60);
	pkts[2] = tx_packet(pool, 60);
	while ((hold[n] = rte_mbuf_raw_alloc(pool)) != NULL)
		n++;
	wire_cnt = 0;
	CHECK_EQ(xsk_tx_burst(q, pkts, 3), 1);
	CHECK_EQ(wire_cnt, 1);
	CHECK_EQ(q->stats.nombuf, 1);
	CHECK_EQ(rte_mbuf_refcnt_read(pkts[1]), 1);
	rte_pktmbuf_free(hold[--n]);
	CHECK_EQ(xsk_tx_burst(q, pkts + 1, 2), 2);
	CHECK_EQ(wire_cnt, 3);
	CHECK_EQ(q->stats.nombuf, 1);
	while (n > 0)
		rte_pktmbuf_free(hold[--n]);
	xsk_tx_reclaim(q);
}

/*
 * Frames the NIC cannot follow behind an IOMMU: copied into one that it can. The pool must not hand
 * back the one that was just refused while it has others.
 */
static void
straddle(void)
{
	const struct fake_pool_cfg packed = { .n = 512, .cache = 64, .packed = true };
	struct rte_mempool *mp = fake_pool("straddle", &packed);
	const struct fake_cfg cfg = { .mp = mp, .zc = true, .iommu = "DMA", .umem = XSK_UMEM_POOL };

	tx_open(&cfg);
	f->tx.flags = XDP_RING_NEED_WAKEUP;
	for (unsigned int i = 0; i < 500; i++) {
		struct rte_mbuf *m = tx_packet(mp, 1500);
		bool crosses = afx_frame_crosses(rte_pktmbuf_mtod(m, uintptr_t), 1500, 12);
		uint64_t before = q->stats.bounce_straddle;

		wire_cnt = 0;
		/* A draw may be unlucky eight times in a row, but not again and again. */
		for (unsigned int tries = 0; tries < 10 && xsk_tx_burst(q, &m, 1) == 0; tries++)
			;
		CHECK_EQ(q->stats.bounce_straddle, before + crosses);
		CHECK_EQ(wire_cnt, 1);
		if (wire_cnt == 0)
			break;
	}
	CHECK(q->stats.bounce_straddle > 50);
	CHECK(q->stats.nombuf < 10);
	tx_close();
	tx_all_home(mp);
	fake_pool_free(mp);
}

/* In place as long as a chunk is, and one byte more. */
static void
longest(void)
{
	char *mem = rte_malloc(NULL, 2 * AFX_CHUNK_MAX, 0);
	struct rte_mbuf *m = external(mem, q->chunk);
	uint64_t before = q->stats.zero_copy;

	CHECK_EQ(xsk_tx_burst(q, &m, 1), 1);
	CHECK_EQ(q->stats.zero_copy, before + 1);
	xsk_tx_reclaim(q);
	m = external(mem, q->chunk + 1);
	CHECK_EQ(xsk_tx_burst(q, &m, 1), 1);
	CHECK_EQ(q->stats.zero_copy, before + 1);
	CHECK_EQ(q->stats.drop_long, 1);
	rte_free(mem);
}

int
main(void)
{
	const struct fake_pool_cfg small = { .n = 256, .cache = 32 };
	struct fake_cfg cfg = { .overlap = true, .umem = XSK_UMEM_POOL };

	fake_eal("test_tx_mbuf");
	pool = fake_pool("pool", &small);
	other = fake_pool("other", &small);
	clones = fake_pool("clones", &(struct fake_pool_cfg){ .n = 64, .room = 128 });
	cfg.mp = pool;
	tx_open(&cfg);
	lender = rte_pktmbuf_alloc(pool);
	each_kind();
	shared();
	rte_pktmbuf_free(lender);
	tx_close();
	tx_open(&cfg);
	gone();
	dry();
	tx_close();
	/* With the whole heap registered no pool is outside. */
	cfg.umem = XSK_UMEM_HEAP;
	tx_open(&cfg);
	for (unsigned int i = 0; i < 32; i++) {
		struct rte_mbuf *m = tx_packet(other, 60);

		CHECK_EQ(xsk_tx_burst(q, &m, 1), 1);
	}
	CHECK_EQ(q->stats.zero_copy, 32);
	longest();
	tx_close();
	straddle();
	tx_all_home(pool);
	tx_all_home(other);
	tx_all_home(clones);
	rte_eal_cleanup();
	return afx_test_end();
}

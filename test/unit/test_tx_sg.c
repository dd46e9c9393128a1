/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transmit burst of ports with multi-buffer over fake rings, by what it is given: what leaves
 * carries the bytes of the chain in descriptors the kernel takes; the way it took is counted under
 * its name; each mbuf comes back exactly once. What rings and kernel do is test_tx_sg_ring.c.
 */
#include "tx_sg_world.h"
#include "tx_ext.h"

static struct rte_mbuf *two(void) { return CHAIN("pp", 1000, 1000); }
static struct rte_mbuf *five(void) { return CHAIN("ppppp", 2000, 2000, 2000, 2000, 1000); }
static struct rte_mbuf *most(void) { return even(18, 500); }
static struct rte_mbuf *one_more(void) { return even(19, 100); }
static struct rte_mbuf *one_more_long(void) { return even(19, 500); }
static struct rte_mbuf *far_too_long(void) { return even(37, 2048); }
static struct rte_mbuf *gaps(void) { return CHAIN("ppppppp", 0, 0, 100, 0, 200, 0, 0); }
static struct rte_mbuf *tiny(void) { return even(20, 3); }
static struct rte_mbuf *tiny_tail(void) { return CHAIN("ppppp", 60, 1, 1, 1, 1); }
static struct rte_mbuf *short_head(void) { return CHAIN("ppp", 13, 2000, 500); }
static struct rte_mbuf *short_head_full(void) { return CHAIN("ppp", 13, 2048, 500); }
static struct rte_mbuf *short_head_gap(void) { return CHAIN("pppp", 0, 5, 0, 600); }
static struct rte_mbuf *just_head(void) { return CHAIN("pp", 14, 60); }
static struct rte_mbuf *outside(void) { return CHAIN("pop", 100, 1000, 100); }
static struct rte_mbuf *all_outside(void) { return CHAIN("ooooo", 2048, 2048, 2048, 2048, 800); }
static struct rte_mbuf *too_short(void) { return CHAIN("ppp", 6, 0, 7); }
static struct rte_mbuf *nothing(void) { return CHAIN("pp", 0, 0); }
static struct rte_mbuf *single(void) { return tx_packet(pool, 60); }

static struct rte_mbuf *
bad_sum(void)
{
	struct rte_mbuf *m = two();

	m->pkt_len--;
	return m;
}

static struct rte_mbuf *
bad_count(void)
{
	struct rte_mbuf *m = two();

	m->nb_segs = 3;
	return m;
}

static char ext_mem[10000];

static struct rte_mbuf *
external(void *mem, uint16_t len)
{
	return ext_mbuf(other, mem, len);
}

static struct rte_mbuf *
ext_tail(void)
{
	struct rte_mbuf *m = CHAIN("p", 100);

	CHECK_EQ(rte_pktmbuf_chain(m, external(ext_mem, 1000)), 0);
	return tx_paint(m);
}

/* One buffer longer than any frame: sent in pieces. */
static struct rte_mbuf *
ext_long(void)
{
	return tx_paint(external(ext_mem, 9000));
}

/* Payload by reference, headers of one's own: as fragmentation makes it. */
static struct rte_mbuf *
indirect_tail(void)
{
	struct rte_mbuf *m = CHAIN("p", 42), *body = CHAIN("p", 1400);

	CHECK_EQ(rte_pktmbuf_chain(m, rte_pktmbuf_clone(body, clones)), 0);
	rte_pktmbuf_free(body);
	return tx_paint(m);
}

struct kind {
	const char *name;
	struct rte_mbuf *(*make)(void);
	size_t counter;
	unsigned int descs;      /* 0: does not leave */
	bool ext;
};

#define COUNTER(field) offsetof(struct xsk_tx_stats, field)
static const struct kind kinds[] = {
	{ "single", single, COUNTER(zero_copy), 1, false },
	{ "two", two, COUNTER(zero_copy), 2, false },
	{ "five", five, COUNTER(zero_copy), 5, false },
	{ "as many as fit", most, COUNTER(zero_copy), 18, false },
	{ "one more, fits a frame", one_more, COUNTER(bounce_chain), 1, false },
	{ "one more, fits no frame", one_more_long, COUNTER(drop_segs), 0, false },
	{ "longer than all frames", far_too_long, COUNTER(drop_long), 0, false },
	{ "segments of length 0", gaps, COUNTER(zero_copy), 2, false },
	{ "segments of 3 bytes", tiny, COUNTER(bounce_chain), 16, false },
	{ "segments of 1 byte behind", tiny_tail, COUNTER(zero_copy), 5, false },
	{ "short first segment", short_head, COUNTER(bounce_chain), 2, false },
	{ "short first segment, full second", short_head_full, COUNTER(bounce_chain), 3, false },
	{ "short first segment after none", short_head_gap, COUNTER(bounce_chain), 1, false },
	{ "first segment just a header", just_head, COUNTER(zero_copy), 2, false },
	{ "one outside", outside, COUNTER(bounce_outside), 3, false },
	{ "all outside", all_outside, COUNTER(bounce_outside), 5, false },
	{ "external behind", ext_tail, COUNTER(bounce_external), 2, true },
	{ "external, longer than a frame", ext_long, COUNTER(bounce_external), 5, true },
	{ "indirect behind", indirect_tail, COUNTER(zero_copy), 2, false },
	{ "too short", too_short, COUNTER(drop_short), 0, false },
	{ "nothing", nothing, COUNTER(drop_short), 0, false },
	{ "wrong length", bad_sum, COUNTER(drop_malformed), 0, false },
	{ "wrong count", bad_count, COUNTER(drop_malformed), 0, false },
};

static uint64_t
sum_of_causes(void)
{
	const struct xsk_tx_stats *s = &q->stats;

	return s->zero_copy + s->bounce_outside + s->bounce_gone + s->bounce_straddle +
		s->bounce_external + s->bounce_chain + s->drop_long + s->drop_segs + s->drop_short +
		s->drop_malformed;
}

/*
 * Every object but those that are out is there once, as mbufs in a pool are: one that came back
 * twice does not show in the pool's count.
 */
static void
whole(struct rte_mempool *mp, unsigned int out)
{
	static void *objs[POOL + 64];
	unsigned int n = 0;

	while (n < RTE_DIM(objs) && rte_mempool_get(mp, &objs[n]) == 0) {
		const struct rte_mbuf *m = objs[n++];

		CHECK(m->next == NULL && m->nb_segs == 1 && rte_mbuf_refcnt_read(m) == 1);
	}
	CHECK_EQ(n, mp->size - out);
	rte_mempool_put_bulk(mp, objs, n);
}

static void
each_kind(void)
{
	for (unsigned int i = 0; i < RTE_DIM(kinds); i++) {
		const struct kind *k = &kinds[i];
		uint64_t causes = sum_of_causes(), pkts = q->stats.pkts, bytes = q->stats.bytes;
		const uint64_t *counter = (const void *)((const char *)&q->stats + k->counter);
		uint64_t before = *counter, chains = q->stats.chains;
		unsigned int failed = afx_test_failed;
		struct rte_mbuf *m = k->make();
		uint32_t len = m->pkt_len;

		wire_cnt = 0;
		wire_descs = 0;
		ext_freed = 0;
		CHECK_EQ(burst(&m, 1), 1);
		CHECK_EQ(*counter, before + 1);
		CHECK_EQ(sum_of_causes(), causes + 1);
		CHECK_EQ(wire_cnt, k->descs > 0);
		CHECK_EQ(wire_descs, k->descs);
		CHECK_EQ(q->stats.pkts, pkts + (k->descs > 0));
		CHECK_EQ(q->stats.bytes, bytes + (k->descs > 0) * len);
		CHECK_EQ(q->stats.chains, chains + (k->descs > 1));
		xsk_tx_reclaim(q);
		CHECK_EQ(q->used, 0);
		CHECK_EQ(ext_freed, k->ext);
		all_home(1);
		whole(other, 0);
		whole(pool, 32 + 1);
		if (afx_test_failed != failed)
			fprintf(stderr, "  with a packet of kind: %s\n", k->name);
	}
}

/* Chains the application holds too: as they were afterwards, sent twice or alone. */
static void
shared(void)
{
	uint64_t copies = q->stats.bounce_outside + q->stats.bounce_chain;
	struct rte_mbuf *m, *seg[3], *twice[2];

	m = CHAIN("ppp", 100, 200, 300);
	rte_pktmbuf_refcnt_update(m, 1);
	for (unsigned int i = 0; i < 3; i++)
		seg[i] = i == 0 ? m : seg[i - 1]->next;
	twice[0] = twice[1] = m;
	wire_cnt = 0;
	CHECK_EQ(burst(twice, 1), 1);
	CHECK_EQ(wire_descs, 3);
	CHECK_EQ(q->stats.bounce_outside + q->stats.bounce_chain, copies);
	xsk_tx_reclaim(q);
	CHECK_EQ(m->nb_segs, 3);
	CHECK_EQ(m->pkt_len, 600);
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(rte_mbuf_refcnt_read(seg[i]), 1);
		CHECK(seg[i]->next == (i < 2 ? seg[i + 1] : NULL));
	}
	rte_pktmbuf_refcnt_update(m, 1);
	wire_seq--;
	f->on_kick_tx = NULL;
	CHECK_EQ(burst(twice, 2), 2);
	CHECK(tx_wire());
	wire_seq--;
	CHECK(tx_wire());
	tx_complete_all();
	f->on_kick_tx = tx_honest;
	CHECK_EQ(xsk_tx_reclaim(q), 6);
	all_home(0);

	/* One segment held: only that one stays. */
	m = CHAIN("ppp", 100, 200, 300);
	seg[1] = m->next;
	rte_mbuf_refcnt_update(seg[1], 1);
	CHECK_EQ(burst(&m, 1), 1);
	xsk_tx_reclaim(q);
	CHECK_EQ(rte_mbuf_refcnt_read(seg[1]), 1);
	CHECK_EQ(rte_mempool_avail_count(pool), pool->size - 32 - 1);
	rte_pktmbuf_free_seg(seg[1]);
	all_home(0);
}

/* Devices that send from the pages themselves take a limited number of those. */
static void
pages(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;
	unsigned int whole = 0, gathered = 0;

	cfg.driver = "virtio_net";
	tx_open(&cfg);
	CHECK_EQ(q->sg.pages_max, 17);
	for (unsigned int i = 0; i < 200; i++) {
		struct rte_mbuf *m = even(8 + i % 12, 100);
		unsigned int touched = 0, segs = m->nb_segs;

		for (const struct rte_mbuf *s = m; s != NULL; s = s->next)
			touched += 1 + (afx_frame_crosses(rte_pktmbuf_mtod(s, uintptr_t),
				s->data_len, 12) != 0);
		CHECK_EQ(burst(&m, 1), 1);
		CHECK_EQ(wire_descs, touched <= 17 && segs <= 18 ? segs : 1);
		whole += wire_descs > 1;
		gathered += wire_descs == 1;
	}
	CHECK(whole > 20 && gathered > 5);
	CHECK_EQ(q->stats.bounce_chain, gathered);
	xsk_tx_reclaim(q);
	all_home(0);
	tx_close();
}

/* Zero-copy with frames the NIC cannot follow: each segment judged by itself. */
static void
straddle(void)
{
	const struct fake_pool_cfg packed = { .n = 512, .cache = 64, .packed = true };
	struct rte_mempool *own = pool;
	const struct fake_cfg cfg = { .mp = fake_pool("straddle", &packed), .zc = true, .sg = true,
		.zc_segs = 5, .iommu = "DMA", .umem = XSK_UMEM_POOL };
	unsigned int copied = 0;

	pool = cfg.mp;
	tx_open(&cfg);
	CHECK_EQ(q->sg.descs_max, 5);
	f->tx.flags = XDP_RING_NEED_WAKEUP;
	for (unsigned int i = 0; i < 300; i++) {
		struct rte_mbuf *m = even(2 + i % 4, 1500);
		unsigned int segs = m->nb_segs;
		bool crosses = false;

		for (const struct rte_mbuf *s = m; s != NULL; s = s->next)
			crosses |= afx_frame_crosses(rte_pktmbuf_mtod(s, uintptr_t), 1500, 12);
		wire_cnt = 0;
		for (unsigned int tries = 0; tries < 10 && burst(&m, 1) == 0; tries++)
			;
		CHECK_EQ(wire_cnt, 1);
		CHECK_EQ(wire_descs, segs);
		copied += crosses;
	}
	CHECK(copied > 50);
	CHECK_EQ(q->stats.bounce_straddle, copied);
	tx_close();
	tx_all_home(pool);
	fake_pool_free(pool);
	pool = own;
}

/* A queue without the offload in a port with it: gathered or dropped, as ever. */
static void
not_asked(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;
	struct rte_mbuf *m;

	cfg.no_multi = true;
	tx_open(&cfg);
	m = two();
	CHECK_EQ(burst(&m, 1), 1);
	CHECK_EQ(wire_descs, 1);
	CHECK_EQ(q->stats.bounce_chain, 1);
	m = five();
	CHECK_EQ(burst(&m, 1), 1);
	CHECK_EQ(q->stats.drop_long, 1);
	CHECK_EQ(wire_cnt, 1);
	xsk_tx_reclaim(q);
	all_home(0);
	tx_close();
}

/* Pages that went away since registration: the segments on them are copied, the others are not. */
static void
gone(const struct fake_cfg *cfg)
{
	struct rte_mbuf *m;
	uint64_t g;

	tx_open(cfg);
	m = two();
	g = (rte_pktmbuf_mtod(m->next, uintptr_t) - q->base) >> XSK_PAGE_SHIFT;
	q->region->gone[g] = 1;
	q->region->any_gone = true;
	CHECK_EQ(burst(&m, 1), 1);
	CHECK_EQ(wire_descs, 2);
	CHECK_EQ(q->stats.bounce_gone, 1);
	q->region->gone[g] = 0;
	q->region->any_gone = false;
	xsk_tx_reclaim(q);
	all_home(0);
	tx_close();
}

/* A buffer longer than any frame, in place: two pieces of one mbuf. */
static void
pieces(struct fake_cfg cfg)
{
	char *mem = rte_malloc(NULL, 2 * AFX_CHUNK_MAX, 0);
	struct rte_mbuf *m;

	cfg.umem = XSK_UMEM_HEAP;
	tx_open(&cfg);
	m = tx_paint(external(mem, q->chunk + 500));
	ext_freed = 0;
	CHECK_EQ(burst(&m, 1), 1);
	CHECK_EQ(wire_descs, 2);
	CHECK_EQ(q->stats.zero_copy, 1);
	CHECK_EQ(q->stats.chains, 1);
	xsk_tx_reclaim(q);
	CHECK_EQ(ext_freed, 1);
	all_home(0);
	tx_close();
	rte_free(mem);
}

int
main(void)
{
	struct fake_cfg cfg;

	fake_eal("test_tx_sg");
	make_pools(&cfg);
	tx_open(&cfg);
	CHECK_EQ(q->sg.descs_max, 18);
	lender = rte_pktmbuf_alloc(pool);
	each_kind();
	rte_pktmbuf_free(lender);
	shared();
	tx_close();
	pieces(cfg);
	pages(&cfg);
	straddle();
	not_asked(&cfg);
	gone(&cfg);
	tx_all_home(clones);
	rte_eal_cleanup();
	return afx_test_end();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transmit burst of ports with multi-buffer over fake rings: what leaves carries the bytes of
 * the chain in descriptors the kernel takes, never part of a packet; the way it took is counted
 * under its name; each mbuf comes back exactly once, whatever completes in which order.
 */
#include <errno.h>

#include "tx_world.h"

#define POOL 2048
#define ROUNDS 60000

static struct rte_mempool *pool, *other, *clones;
static uint32_t seed = 4711;

static uint32_t
rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

/* A chain of segments of these lengths, each from the pool its letter names: p own, o other. */
static struct rte_mbuf *
chain(const char *from, const uint16_t *len)
{
	struct rte_mbuf *head = NULL;

	for (unsigned int i = 0; from[i] != '\0'; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(from[i] == 'o' ? other : pool);

		if (m == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		m->data_len = m->pkt_len = len[i];
		if (head == NULL)
			head = m;
		else
			CHECK_EQ(rte_pktmbuf_chain(head, m), 0);
	}
	return tx_paint(head);
}

#define CHAIN(from, ...) chain(from, (const uint16_t[]){ __VA_ARGS__ })

/* n segments of len bytes of the own pool. */
static struct rte_mbuf *
even(unsigned int n, uint16_t len)
{
	uint16_t lens[64];
	char from[65] = "";

	for (unsigned int i = 0; i < n; i++) {
		lens[i] = len;
		from[i] = 'p';
		from[i + 1] = '\0';
	}
	return chain(from, lens);
}

static struct rte_mbuf *two(void) { return CHAIN("pp", 1000, 1000); }
static struct rte_mbuf *five(void) { return CHAIN("ppppp", 2000, 2000, 2000, 2000, 1000); }
static struct rte_mbuf *most(void) { return even(18, 500); }
static struct rte_mbuf *one_more(void) { return even(19, 100); }
static struct rte_mbuf *one_more_long(void) { return even(19, 500); }
static struct rte_mbuf *far_too_long(void) { return even(30, 2048); }
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

static struct rte_mbuf_ext_shared_info ext_info;
static unsigned int ext_freed;
static char ext_mem[10000];
static struct rte_mbuf *lender; /* owns what external_inside points into */

static void
ext_free(void *addr, void *arg)
{
	(void)addr;
	(void)arg;
	ext_freed++;
}

static struct rte_mbuf *
external(void *mem, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(other);

	ext_info.free_cb = ext_free;
	rte_mbuf_ext_refcnt_set(&ext_info, 1);
	rte_pktmbuf_attach_extbuf(m, mem, 0, len, &ext_info);
	m->data_off = 0;
	m->data_len = m->pkt_len = len;
	return m;
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

/* The same in place: two pieces of one mbuf. */
static struct rte_mbuf *
long_inside(void)
{
	return tx_paint(external(lender->buf_addr, 2304 + 500));
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
	{ "in place, longer than a frame", long_inside, COUNTER(zero_copy), 2, true },
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
		s->bounce_external + s->bounce_chain + s->bounce_shared + s->drop_long +
		s->drop_segs + s->drop_short + s->drop_malformed;
}

static uint16_t
burst(struct rte_mbuf **pkts, uint16_t nb)
{
	uint16_t n = xsk_tx_burst_sg(q, pkts, nb);

	CHECK(n <= nb);
	tx_tags_whole();
	/* What the kernel may see ends with the end of a packet. */
	CHECK_EQ(q->tx.cached_prod, f->tx.prod);
	if (f->tx.prod != 0)
		CHECK_EQ(((struct xdp_desc *)f->tx.entry)[(f->tx.prod - 1) % f->tx.entries].options,
			0);
	return n;
}

/* Everything is home but what the port's fill ring and the lender hold. */
static void
all_home(unsigned int out)
{
	tx_all_home(other);
	tx_all_home(clones);
	CHECK_EQ(rte_mempool_avail_count(pool), pool->size - 32 - out);
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
		CHECK_EQ(q->free_cnt, q->nb_desc);
		CHECK_EQ(ext_freed, k->ext);
		all_home(1);
		if (afx_test_failed != failed)
			fprintf(stderr, "  with a packet of kind: %s\n", k->name);
	}
}

/* Chains the application holds too: as they were afterwards, sent twice or alone. */
static void
shared(void)
{
	struct rte_mbuf *m, *seg[3], *twice[2];

	m = CHAIN("ppp", 100, 200, 300);
	rte_pktmbuf_refcnt_update(m, 1);
	for (unsigned int i = 0; i < 3; i++)
		seg[i] = i == 0 ? m : seg[i - 1]->next;
	twice[0] = twice[1] = m;
	wire_cnt = 0;
	CHECK_EQ(burst(twice, 1), 1);
	CHECK_EQ(wire_descs, 3);
	CHECK_EQ(q->stats.bounce_shared, 1);
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

	/* One segment held: only that one is copied, and only that one stays. */
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

/* Too few tags or too short a ring: all of a packet or nothing of it, and the rest later. */
static void
all_or_nothing(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;
	struct rte_mbuf *pkts[16];

	cfg.tx_desc = 40;
	tx_open(&cfg);
	f->on_kick_tx = NULL;
	for (unsigned int i = 0; i < 16; i++)
		pkts[i] = even(7, 100);
	CHECK_EQ(burst(pkts, 16), 5);
	CHECK_EQ(fake_waiting(&f->tx), 35);
	CHECK_EQ(burst(pkts + 5, 11), 0);
	for (unsigned int i = 5; i < 16; i++)
		CHECK_EQ(pkts[i]->nb_segs, 7);
	/* A packet of 7 with 5, 6 and 7 tags free. */
	CHECK(tx_wire());
	CHECK(fake_complete(f, sent[6]));
	CHECK_EQ(burst(pkts + 5, 11), 0);
	CHECK(fake_complete(f, sent[1]));
	CHECK_EQ(burst(pkts + 5, 1), 1);
	CHECK_EQ(q->free_cnt, 0);
	/* Nothing more goes, not even a packet of one. */
	CHECK_EQ(burst(pkts + 6, 10), 0);
	for (unsigned int i = 0; i < 7; i++)
		CHECK(i == 1 || i == 6 || fake_complete(f, sent[i]));
	sent_cnt = 0;
	f->on_kick_tx = tx_honest;
	for (unsigned int i = 6, tries = 0; i < 16 && tries < 20; tries++)
		i += burst(pkts + i, 16 - i);
	CHECK_EQ(wire_cnt, 16);
	CHECK_EQ(q->stats.pkts, 16);
	CHECK_EQ(q->stats.zero_copy, 16);
	xsk_tx_reclaim(q);
	all_home(0);
	/* More pieces than the queue has tags can never go: not waited for. */
	tx_close();
	cfg.tx_desc = 32;
	tx_open(&cfg);
	CHECK(q->sg.descs_max <= 32);
	tx_close();
}

/* No frame to copy a segment into: nothing was written, everything is as before. */
static void
dry(const struct fake_cfg *cfg)
{
	struct rte_mbuf *hold[POOL], *pkts[3];
	unsigned int n = 0;

	tx_open(cfg);
	pkts[0] = two();
	pkts[1] = CHAIN("pooo", 100, 1000, 1000, 1000);
	pkts[2] = two();
	while ((hold[n] = rte_mbuf_raw_alloc(pool)) != NULL)
		n++;
	CHECK_EQ(burst(pkts, 3), 1);
	CHECK_EQ(wire_cnt, 1);
	CHECK_EQ(xsk_tx_reclaim(q), 2);
	for (unsigned int left = 3; left-- > 0; ) {
		while (rte_mempool_avail_count(pool) > left)
			hold[n++] = rte_mbuf_raw_alloc(pool);
		CHECK_EQ(burst(pkts + 1, 2), 0);
		CHECK_EQ(wire_cnt, 1);
		CHECK_EQ(q->stats.nombuf, 4 - left);
		CHECK_EQ(pkts[1]->nb_segs, 4);
		CHECK_EQ(pkts[1]->pkt_len, 3100);
		CHECK_EQ(rte_mempool_avail_count(pool), left);
	}
	wire_cnt = 0;
	while (rte_mempool_avail_count(pool) < 3)
		rte_pktmbuf_free(hold[--n]);
	CHECK_EQ(burst(pkts + 1, 2), 2);
	CHECK_EQ(wire_cnt, 2);
	while (n > 0)
		rte_pktmbuf_free(hold[--n]);
	xsk_tx_reclaim(q);
	all_home(0);
	tx_close();
}

/* A device that refuses: the whole packet is taken back from the counts. */
static int
refuse_one(struct fake_xsk *k, void *arg)
{
	int *refusals = arg;

	if (!tx_wire())
		return 0;
	tx_complete_all();
	(void)k;
	return (*refusals)-- > 0 ? -EBUSY : -EAGAIN;
}

static void
refused(const struct fake_cfg *cfg)
{
	struct rte_mbuf *pkts[4];
	int refusals = 2;

	tx_open(cfg);
	f->on_kick_tx = refuse_one;
	f->arg = &refusals;
	pkts[0] = five();
	pkts[1] = two();
	pkts[2] = even(3, 50);
	pkts[3] = single();
	CHECK_EQ(burst(pkts, 4), 4);
	CHECK_EQ(wire_cnt, 4);
	CHECK_EQ(q->stats.drop_device, 2);
	CHECK_EQ(q->stats.pkts, 2);
	CHECK_EQ(q->stats.bytes, 150 + 60);
	f->on_kick_tx = NULL;
	f->arg = NULL;
	tx_close();
	tx_all_home(pool);
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

static struct rte_mbuf *
any_packet(void)
{
	uint16_t lens[24];
	char from[25] = "";
	unsigned int n = rnd(3) ? 1 + rnd(6) : 1 + rnd(20);

	for (unsigned int i = 0; i < n; i++) {
		lens[i] = rnd(8) ? rnd(rnd(3) ? 300 : 2048) : rnd(15);
		from[i] = rnd(6) ? 'p' : 'o';
		from[i + 1] = '\0';
	}
	/* Long enough to carry its number, and not too short to leave. */
	lens[0] += 20;
	return chain(from, lens);
}

/* Everything at random: a kernel that stops in mid packet, reorders and delays completions. */
static void
random_walk(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;
	struct rte_mbuf *pkts[16];
	uint64_t gathered = 0;
	uint32_t waiting = 0;

	cfg.tx_desc = 100;
	tx_open(&cfg);
	f->on_kick_tx = NULL;
	for (uint32_t round = 0; round < ROUNDS && afx_test_failed == 0; round++) {
		uint16_t n;

		while (waiting < 1 + rnd(16)) {
			pkts[waiting] = any_packet();
			if (pkts[waiting] == NULL)
				break;
			waiting++;
		}
		n = burst(pkts, waiting);
		waiting -= n;
		memmove(pkts, pkts + n, waiting * sizeof(*pkts));
		for (uint32_t k = rnd(8); k > 0 && tx_wire(); k--)
			;
		for (uint32_t k = rnd(100); k > 0 && sent_cnt > 0; k--) {
			uint32_t pick = rnd(sent_cnt);

			if (!fake_complete(f, sent[pick]))
				break;
			sent[pick] = sent[--sent_cnt];
		}
		if (rnd(4) == 0)
			xsk_tx_reclaim(q);
	}
	gathered = q->stats.bounce_chain;
	CHECK_EQ(q->stats.bad_comp, 0);
	CHECK_EQ(q->stats.drop_malformed + q->stats.drop_short, 0);
	CHECK(q->stats.chains > ROUNDS / 4);
	CHECK(q->stats.bounce_outside > ROUNDS / 20);
	CHECK(q->stats.drop_segs + gathered > 100);
	CHECK(q->stats.pkts > ROUNDS / 2);
	rte_pktmbuf_free_bulk(pkts, waiting);
	/* Stop with packets in the ring and in the kernel. */
	tx_close();
	tx_all_home(pool);
	tx_all_home(other);
}

int
main(void)
{
	const struct fake_pool_cfg big = { .n = POOL, .cache = 64 };
	struct fake_cfg cfg = { .overlap = true, .sg = true, .umem = XSK_UMEM_POOL };

	fake_eal("test_tx_sg");
	pool = fake_pool("pool", &big);
	other = fake_pool("other", &big);
	clones = fake_pool("clones", &(struct fake_pool_cfg){ .n = 64, .room = 128 });
	cfg.mp = pool;
	tx_open(&cfg);
	CHECK_EQ(q->sg.descs_max, 18);
	lender = rte_pktmbuf_alloc(pool);
	each_kind();
	rte_pktmbuf_free(lender);
	shared();
	tx_close();
	all_or_nothing(&cfg);
	dry(&cfg);
	refused(&cfg);
	pages(&cfg);
	straddle();
	not_asked(&cfg);
	gone(&cfg);
	random_walk(&cfg);
	tx_all_home(clones);
	rte_eal_cleanup();
	return afx_test_end();
}

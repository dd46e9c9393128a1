/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive burst against a kernel that lies: descriptors that name no frame, the same frame
 * twice, overlong or misplaced packets, impossible indexes. Nothing is delivered that does not lie
 * in a frame handed out, everything odd is counted, and after stop every mbuf is back.
 */
#include <string.h>

#include "afx_test.h"
#include "fake_port.h"

#define POOL 512
#define DESC 64

/* The burst of common pools under test, by name on the command line (fake_rx_burst). */
static uint16_t (*plain_burst)(void *q, struct rte_mbuf **pkts, uint16_t nb) = xsk_rx_burst_sse;

static struct fake_port port;
static struct fake_xsk *f;
static struct xsk_rxq *q;
static struct rte_mempool *mp;

static void
begin(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;
	struct afx_err err = { 0 };

	cfg.mp = mp;
	cfg.rx_queues = 1;
	cfg.rx_desc = DESC;
	CHECK_EQ(fake_port_open(&port, &cfg, &err), 0);
	q = port.rxq[0];
	f = fake_sock(&port, 0);
}

/* Every mbuf is as one in a pool has to be, whatever was said of its packet. */
static void
as_new(struct rte_mempool *pool, void *arg, void *obj, unsigned int idx)
{
	const struct rte_mbuf *m = obj;

	(void)pool;
	(void)arg;
	(void)idx;
	CHECK(rte_mbuf_refcnt_read(m) == 1 && m->nb_segs == 1 && m->next == NULL);
}

static void
end(void)
{
	fake_port_close(&port);
	CHECK_EQ(rte_mempool_avail_count(mp), POOL);
	rte_mempool_obj_iter(mp, as_new, NULL);
	CHECK_EQ(fake_xsk_alive, 0);
}

static uint16_t
burst(struct rte_mbuf **pkts)
{
	return q->layout.pinned ? xsk_rx_burst_any(q, pkts, 32) : plain_burst(q, pkts, 32);
}

/* One descriptor: whether it is delivered. The books balance either way. */
static bool
one(uint64_t addr, uint32_t len, uint32_t off)
{
	struct rte_mbuf *pkts[32];
	uint64_t bad = q->stats.bad_desc;
	uint16_t n;

	CHECK(fake_deliver(f, addr, len, off));
	n = burst(pkts);
	CHECK(n <= 1);
	CHECK_EQ(q->stats.bad_desc, bad + (n == 0));
	CHECK_EQ(rte_mempool_avail_count(mp) + q->held + q->aside_cnt + n, POOL);
	CHECK(q->held <= DESC);
	CHECK_EQ(fake_waiting(&f->rx), 0);
	if (n == 1) {
		const struct rte_mbuf *m = pkts[0];

		CHECK_EQ(m->data_len, len);
		CHECK_EQ(m->pkt_len, len);
		CHECK((uint32_t)m->data_off + len <= m->buf_len);
		CHECK_EQ(rte_pktmbuf_mtod(m, uintptr_t), q->base + addr + q->frames.pad + off);
		rte_pktmbuf_free_bulk(pkts, 1);
	}
	return n == 1;
}

static uint64_t
taken(void)
{
	uint64_t addr = UINT64_MAX;

	while (!fake_take(f, &addr)) {
		struct rte_mbuf *pkts[32];

		/* A refill comes with a burst once enough is missing. */
		CHECK_EQ(burst(pkts), 0);
		if (!fake_take(f, &addr)) {
			fprintf(stderr, "nothing in the fill ring\n");
			exit(1);
		}
		break;
	}
	return addr;
}

static void
addresses(void)
{
	uint64_t a = taken(), span = port.proc.pairs[0].region->len;

	CHECK(!one(a + 1, 60, 256));
	CHECK(!one(a - 1, 60, 256));
	CHECK(!one(a + 64, 60, 256));
	CHECK(!one(a + 2048, 60, 256));
	CHECK(!one(a - 2048, 60, 256));
	CHECK(!one(span, 60, 256));
	CHECK(!one(span - 1, 60, 256));
	CHECK(!one(q->map_base + (q->map_len << XSK_SLOT_SHIFT), 60, 256));
	CHECK(!one(q->map_base - 1, 60, 256));
	CHECK(!one((1ull << 48) - 1, 60, 256));
	/* Honest at last, then again although it is the application's by now. */
	CHECK(one(a, 60, 256));
	CHECK(!one(a, 60, 256));
	CHECK(!one(a, 60, 256));
}

/* Of frames that the kernel holds, alone and beside honest ones: two are looked at at a time. */
static bool
edge(uint32_t len, uint32_t off)
{
	bool good = one(taken(), len, off);

	for (unsigned int at = 0; at < 4; at++) {
		uint64_t addr[4], bad;
		struct rte_mbuf *pkts[32];
		struct xdp_desc *d;
		uint16_t n;

		for (unsigned int i = 0; i < 4; i++)
			addr[i] = taken();
		bad = q->stats.bad_desc;
		for (unsigned int i = 0; i < 4; i++) {
			CHECK(fake_deliver(f, addr[i], i == at ? len : 60, i == at ? off : 256));
			d = (struct xdp_desc *)f->rx.entry + (f->rx.prod - 1) % f->rx.entries;
			d->options = i & 1 ? UINT32_MAX : 0;
		}
		n = burst(pkts);
		CHECK_EQ(n, 3 + good);
		CHECK_EQ(q->stats.bad_desc, bad + !good);
		for (unsigned int i = 0; i < n; i++)
			CHECK_EQ(pkts[i]->data_len, good && i == at ? len : 60);
		rte_pktmbuf_free_bulk(pkts, n);
	}
	return good;
}

/* Every byte the kernel might claim as a packet's, tried at the edges. */
static void
lengths(void)
{
	uint32_t room = q->frames.room, low = 256 - q->frames.data_off;
	uint32_t end = 256 + room;

	CHECK(edge(room, 256));
	CHECK(edge(0, 256));
	CHECK(!edge(room + 1, 256));
	CHECK(!edge(65536, 256));
	CHECK(!edge(1u << 31, 256));
	CHECK(!edge(UINT32_MAX, 256));
	CHECK(!edge(UINT32_MAX - 255, 256));
	CHECK(!edge(UINT32_MAX - 254, 256));
	CHECK(!edge(UINT32_MAX - 65534, 65535));
	CHECK(edge(room - 1, 257));
	CHECK(!edge(room, 257));
	CHECK(edge(0, end));
	CHECK(!edge(0, end + 1));
	CHECK(!edge(60, 65535));
	/* A program that pushed a header moved the data forward: as far as the buffer goes. */
	CHECK(edge(60, low));
	CHECK(edge(60, low + 1));
	if (low > 0) {
		CHECK(!edge(60, low - 1));
		CHECK(!edge(60, 0));
	}
}

static void
indexes(void)
{
	static const uint32_t lie[] = { 1, 100, 1u << 31, -1u, -60u };
	struct rte_mbuf *pkts[32];

	for (unsigned int i = 0; i < RTE_DIM(lie); i++) {
		uint32_t prod = f->rx.prod, cons = f->fill.cons;

		f->rx.prod = f->rx.cons + f->rx.entries + lie[i];
		CHECK_EQ(burst(pkts), 0);
		CHECK_EQ(burst(pkts), 0);
		f->rx.prod = prod;
		/* The fill ring's consumer before its time, and behind. */
		f->fill.cons = f->fill.prod + lie[i];
		for (unsigned int again = 0; again < 3; again++) {
			CHECK_EQ(burst(pkts), 0);
			CHECK(q->held <= DESC);
		}
		f->fill.cons = cons;
		CHECK_EQ(rte_mempool_avail_count(mp) + q->held + q->aside_cnt, POOL);
	}
}

/* A whole ring of rubbish at once, again and again. */
static void
rubbish(void)
{
	struct rte_mbuf *pkts[32];
	uint32_t x = 2463534242u;

	for (unsigned int i = 0; i < 20000; i++) {
		uint16_t n;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		if (x % 7 == 0)
			fake_deliver(f, taken(), x % 3000, 100 + x % 400);
		else if (x % 7 == 1)
			fake_deliver(f, (uint64_t)x * 2654435761u, x, x % 65536);
		else
			fake_deliver(
				f, q->map_base + x % (q->map_len << XSK_SLOT_SHIFT), x % 4096, 256);
		if (x % 5 != 0)
			continue;
		n = burst(pkts);
		for (uint16_t k = 0; k < n; k++)
			CHECK((uint32_t)pkts[k]->data_off + pkts[k]->data_len <= pkts[k]->buf_len);
		CHECK_EQ(rte_mempool_avail_count(mp) + q->held + q->aside_cnt + n, POOL);
		rte_pktmbuf_free_bulk(pkts, n);
	}
	CHECK(q->stats.bad_desc > 5000);
	CHECK(q->stats.pkts > 100);
}

static void
suite(const struct fake_pool_cfg *pool, const struct fake_cfg *cfg)
{
	mp = fake_pool("hostile", pool);
	begin(cfg);
	addresses();
	end();
	begin(cfg);
	lengths();
	end();
	begin(cfg);
	indexes();
	end();
	begin(cfg);
	rubbish();
	end();
	fake_pool_free(mp);
}

/* What was set aside the kernel never had: it goes back whether or not the queue is released. */
static void
aside(void)
{
	const struct fake_pool_cfg pool = { .n = POOL, .cache = 32, .packed = true };
	const struct fake_cfg cfg = { .zc = true, .iommu = "DMA-FQ" };

	mp = fake_pool("aside", &pool);
	begin(&cfg);
	CHECK(q->aside_cnt > 0);
	CHECK_EQ(q->held, DESC);
	fake_released = false;
	fake_port_close(&port);
	fake_released = true;
	CHECK_EQ(port.port.quarantined, DESC);
	CHECK_EQ(rte_mempool_avail_count(mp), POOL - DESC);
	fake_pool_free(mp);
}

/* Fill entries the kernel swallows for ever, and a queue that is never proven released. */
static void
stop(void)
{
	const struct fake_pool_cfg pool = { .n = POOL, .cache = 32 };
	const struct fake_cfg cfg = { .overlap = true };
	struct rte_mbuf *pkts[32];

	mp = fake_pool("stop", &pool);
	for (unsigned int i = 0; i < 5; i++) {
		begin(&cfg);
		for (unsigned int n = 0; n < 10 * i; n++)
			(void)taken();
		end();
	}
	/* Bind fails: what was posted comes back at once. */
	fake_bind_ret = -16;
	CHECK_EQ(fake_port_open(&port, &(struct fake_cfg){ .mp = mp, .rx_queues = 1,
		.tx_queues = 1 }, NULL), -16);
	fake_bind_ret = 0;
	fake_released = false;
	fake_port_close(&port);
	CHECK_EQ(rte_mempool_avail_count(mp), POOL);
	CHECK_EQ(port.port.quarantined, 0);

	/* Held by the kernel beyond the deadline: kept and counted, never reused. */
	begin(&cfg);
	fake_deliver(f, taken(), 60, 256);
	CHECK_EQ(burst(pkts), 1);
	rte_pktmbuf_free_bulk(pkts, 1);
	CHECK_EQ(q->held, DESC - 1);
	fake_port_close(&port);
	CHECK_EQ(port.port.quarantined, DESC - 1);
	CHECK_EQ(rte_mempool_avail_count(mp), POOL - (DESC - 1));
	CHECK_EQ(fake_xsk_alive, 0);
	fake_released = true;
	fake_pool_free(mp);
	aside();
}

int
main(int argc, char **argv)
{
	struct fake_pool_cfg pool = { .n = POOL, .cache = 32 };
	struct fake_cfg cfg = { .overlap = true };

	if (argc > 1)
		plain_burst = fake_rx_burst(argv[1]);
	fake_eal("test_rx_hostile");
	suite(&pool, &cfg);
	cfg.overlap = false;
	suite(&pool, &cfg);
	pool.priv = 1024;
	pool.packed = true;
	cfg.zc = true;
	suite(&pool, &cfg);
	pool = (struct fake_pool_cfg){ .n = POOL, .pinned = true, .room = 2304 };
	suite(&pool, &cfg);
	/* Twice a deadline long, and the same for all bursts. */
	if (argc == 1)
		stop();
	rte_eal_cleanup();
	return afx_test_end();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive burst over fake rings: what an honest kernel delivers arrives whole in well-formed
 * mbufs, the population stays below nb_desc, no frame is ever lost or doubled, whatever the layout
 * of the pool and whoever calls. The dishonest kernel is test_rx_hostile.c.
 */
#include <pthread.h>
#include <string.h>

#define RND_SEED 12345
#include "afx_test.h"
#include "fake_port.h"
#include "rnd.h"

#define POOL 1024
#define DESC 100
#define ROUNDS_MAX 1000000

/* The burst of common pools under test, by name on the command line (fake_rx_burst). */
static uint16_t (*plain_burst)(void *q, struct rte_mbuf **pkts, uint16_t nb) = xsk_rx_burst_sse;

/* The test's model: frames the kernel took, packets the application holds. */
struct world {
	struct fake_port port;
	struct fake_xsk *f;
	struct xsk_rxq *q;
	struct rte_mempool *mp;
	uint64_t taken[POOL];
	uint32_t taken_cnt;
	uint32_t expect[POOL];   /* lengths in the rx ring, in order */
	uint32_t expect_at;
	uint32_t expect_cnt;
	struct rte_mbuf *app[POOL + 1];
	uint32_t app_cnt;
	bool any;                /* the burst that looks at the pool first */
};

static void
begin(struct world *w, struct rte_mempool *mp, const struct fake_cfg *cfg)
{
	struct afx_err err = { 0 };

	memset(w, 0, sizeof(*w));
	w->mp = mp;
	w->any = rte_pktmbuf_priv_flags(mp) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF;
	CHECK_EQ(fake_port_open(&w->port, cfg, &err), 0);
	CHECK_EQ(err.text[0], 0);
	w->q = w->port.rxq[0];
	w->f = fake_sock(&w->port, 0);
}

/* Pool, queue and application together own every frame; the queue never too many. */
static void
conserved(struct world *w)
{
	CHECK(w->q->held <= w->q->nb_desc);
	CHECK_EQ(rte_mempool_avail_count(w->mp) + w->q->held + w->q->aside_cnt + w->app_cnt,
		w->mp->size);
	CHECK_EQ(fake_waiting(&w->f->fill) + w->taken_cnt + fake_waiting(&w->f->rx), w->q->held);
}

/* Where the kernel puts the packet of a frame. */
static uint8_t *
umem(struct world *w, uint64_t addr)
{
	return (uint8_t *)w->q->base + addr + w->q->frames.pad + AFX_XDP_HEADROOM;
}

static uint8_t
pattern(uint32_t len, uint32_t i)
{
	return (uint8_t)(len * 7 + i);
}

static void
kernel_takes(struct world *w, uint32_t n)
{
	while (n-- > 0 && fake_take(w->f, &w->taken[w->taken_cnt]))
		w->taken_cnt++;
}

/* Deliver one of the frames taken, written to the very end of its chunk. */
static bool
kernel_delivers(struct world *w, uint32_t len)
{
	uint32_t pick;
	uint64_t addr;

	if (w->taken_cnt == 0)
		return false;
	pick = rnd(w->taken_cnt);
	addr = w->taken[pick];
	CHECK(addr + w->q->chunk <= w->port.proc.pairs[0].region->len);
	if (!fake_deliver(w->f, addr, len, AFX_XDP_HEADROOM))
		return false;
	w->taken[pick] = w->taken[--w->taken_cnt];
	for (uint32_t i = 0; i < len; i++)
		umem(w, addr)[i] = pattern(len, i);
	memset(umem(w, addr) + len, 0xee, w->q->frames.room - len);
	w->expect[(w->expect_at + w->expect_cnt++) % POOL] = len;
	return true;
}

static void
check_mbuf(struct world *w, struct rte_mbuf *m, uint32_t len)
{
	const char *why = "";

	CHECK_EQ(rte_mbuf_check(m, 1, &why), 0);
	CHECK_EQ(m->pkt_len, len);
	CHECK_EQ(m->data_len, len);
	CHECK_EQ(m->nb_segs, 1);
	CHECK(m->next == NULL);
	CHECK_EQ(rte_mbuf_refcnt_read(m), 1);
	CHECK_EQ(m->port, 7);
	CHECK_EQ(m->ol_flags, w->any ? RTE_MBUF_F_EXTERNAL : 0);
	CHECK_EQ(m->packet_type, 0);
	CHECK_EQ(m->vlan_tci, 0);
	CHECK(m->pool == w->mp);
	CHECK_EQ(m->data_off, w->q->frames.data_off);
	CHECK(m->data_off + len <= m->buf_len);
	for (uint32_t i = 0; i < len; i += len > 64 ? len - 1 : 1)
		CHECK_EQ(rte_pktmbuf_mtod(m, uint8_t *)[i], pattern(len, i));
}

static uint32_t
app_receives(struct world *w, uint16_t nb)
{
	struct rte_mbuf *pkts[256];
	uint16_t n = w->any ? xsk_rx_burst_any(w->q, pkts, nb) : plain_burst(w->q, pkts, nb);

	CHECK(n <= nb);
	for (uint16_t i = 0; i < n; i++) {
		check_mbuf(w, pkts[i], w->expect[w->expect_at]);
		w->expect_at = (w->expect_at + 1) % POOL;
		w->expect_cnt--;
		w->app[w->app_cnt++] = pkts[i];
	}
	return n;
}

/* Back to the pool, in a state an application may leave. */
static void
app_frees(struct world *w, uint32_t n)
{
	while (n-- > 0 && w->app_cnt > 0) {
		uint32_t pick = rnd(w->app_cnt);
		struct rte_mbuf *m = w->app[pick];

		w->app[pick] = w->app[--w->app_cnt];
		m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_TX_IP_CKSUM;
		m->vlan_tci = 77;
		m->packet_type = RTE_PTYPE_L2_ETHER;
		m->port = 99;
		m->data_off = rnd(200);
		m->data_len = m->pkt_len = rnd(1000);
		rte_pktmbuf_free(m);
	}
}

static void
app_takes(struct world *w, uint32_t n)
{
	while (n-- > 0 && (w->app[w->app_cnt] = rte_mbuf_raw_alloc(w->mp)) != NULL)
		w->app_cnt++;
}

static void
well_formed(struct rte_mempool *mp, void *arg, void *obj, unsigned int idx)
{
	const struct rte_mbuf *m = obj;
	const char *why;

	(void)idx;
	(void)arg;
	CHECK_EQ(rte_mbuf_check(m, 1, &why), 0);
	CHECK(m->pool == mp);
	CHECK(m->next == NULL);
	CHECK_EQ(m->nb_segs, 1);
}

static void
end(struct world *w)
{
	conserved(w);
	app_frees(w, w->app_cnt);
	fake_port_close(&w->port);
	CHECK_EQ(rte_mempool_avail_count(w->mp), w->mp->size);
	CHECK_EQ(fake_xsk_alive, 0);
	CHECK_EQ(w->port.port.quarantined, 0);
	rte_mempool_obj_iter(w->mp, well_formed, NULL);
}

static void
random_walk(struct world *w, uint32_t rounds)
{
	for (uint32_t i = 0; i < rounds; i++) {
		switch (rnd(6)) {
		case 0:
			kernel_takes(w, rnd(64));
			break;
		case 1:
			for (uint32_t n = rnd(40); n > 0; n--)
				kernel_delivers(w, rnd(20) ? rnd(100) : 1 + rnd(w->q->frames.room));
			break;
		case 2:
		case 3:
			app_receives(w, rnd(80));
			break;
		case 4:
			app_frees(w, rnd(100));
			break;
		case 5:
			app_takes(w, rnd(20) ? rnd(30) : POOL);
			break;
		}
		conserved(w);
		if (afx_test_failed > 0)
			break;
	}
}

static void
walk(const struct fake_pool_cfg *pool, const struct fake_cfg *like, uint32_t rounds)
{
	struct rte_mempool *mp = fake_pool("walk", pool);
	struct fake_cfg cfg = *like;
	static struct world w;

	cfg.mp = mp;
	cfg.rx_queues = 1;
	cfg.rx_desc = DESC;
	cfg.umem = XSK_UMEM_POOL;
	begin(&w, mp, &cfg);
	random_walk(&w, rounds);
	CHECK(w.q->stats.pkts > rounds / 10);
	CHECK_EQ(w.q->stats.bad_desc, 0);
	end(&w);
	fake_pool_free(mp);
}

/* Population, threshold, and a pool that runs dry. */
static void
population(void)
{
	const struct fake_pool_cfg pool = { .n = 512, .cache = 32 };
	struct rte_mempool *mp = fake_pool("population", &pool);
	const struct fake_cfg cfg = { .mp = mp, .rx_queues = 1, .rx_desc = DESC, .free_thresh = 20,
		.overlap = true };
	static struct world w;

	begin(&w, mp, &cfg);
	CHECK_EQ(w.q->fill.entries, 128);
	CHECK_EQ(w.q->held, DESC);
	CHECK_EQ(fake_waiting(&w.f->fill), DESC);

	/* Below the threshold nothing is refilled, at it all is. */
	kernel_takes(&w, DESC);
	for (unsigned int i = 0; i < 19; i++)
		kernel_delivers(&w, 60);
	CHECK_EQ(app_receives(&w, 32), 19);
	CHECK_EQ(w.q->held, DESC - 19);
	kernel_delivers(&w, 60);
	CHECK_EQ(app_receives(&w, 32), 1);
	CHECK_EQ(w.q->held, DESC);
	CHECK_EQ(fake_waiting(&w.f->fill), 20);
	CHECK_EQ(w.q->stats.pkts, 20);
	CHECK_EQ(w.q->stats.bytes, 20 * 60);
	CHECK_EQ(w.q->stats.nombuf, 0);

	/*
	 * Dry: what the kernel has still arrives, to the last frame; each short refill counts once.
	 */
	app_takes(&w, 512);
	CHECK_EQ(rte_mempool_avail_count(mp), 0);
	while (w.q->held > 0) {
		kernel_takes(&w, 128);
		while (kernel_delivers(&w, 60))
			;
		CHECK(app_receives(&w, 50) > 0);
		conserved(&w);
	}
	CHECK_EQ(w.q->stats.nombuf, 2);
	CHECK_EQ(app_receives(&w, 50), 0);
	/* A few come back, fewer than wanted: they are posted. */
	app_frees(&w, 5);
	CHECK_EQ(app_receives(&w, 50), 0);
	CHECK(w.q->held > 0 && w.q->held <= 5);
	app_frees(&w, 500);
	app_receives(&w, 50);
	CHECK_EQ(w.q->held, DESC);
	end(&w);
	fake_pool_free(mp);
}

/* The wake-up of an idle driver: only when asked for, in zero-copy, not at every poll. */
static void
wake(void)
{
	const struct fake_pool_cfg pool = { .n = 512 };
	struct rte_mempool *mp = fake_pool("wake", &pool);
	struct fake_cfg cfg = { .mp = mp, .rx_queues = 1, .zc = true };
	static struct world w;

	begin(&w, mp, &cfg);
	app_receives(&w, 8);
	CHECK_EQ(w.f->kicks_rx, 0);
	w.f->fill.flags = XDP_RING_NEED_WAKEUP;
	app_receives(&w, 8);
	CHECK_EQ(w.f->kicks_rx, 1);
	w.f->kick_rx_ret = -100;
	/* A driver that goes on asking is told again at every 64th poll. */
	for (unsigned int i = 0; i < 63; i++)
		app_receives(&w, 8);
	CHECK_EQ(w.f->kicks_rx, 1);
	app_receives(&w, 8);
	CHECK_EQ(w.f->kicks_rx, 2);
	CHECK_EQ(w.q->stats.wakeups, 2);
	CHECK_EQ(w.q->stats.wakeup_errors, 1);
	end(&w);
	cfg.zc = false;
	begin(&w, mp, &cfg);
	w.f->fill.flags = XDP_RING_NEED_WAKEUP;
	app_receives(&w, 8);
	CHECK_EQ(w.f->kicks_rx, 0);
	end(&w);
	fake_pool_free(mp);
}

/* Behind a translating IOMMU only frames inside one page are posted; the others wait aside. */
static void
aside(void)
{
	const struct fake_pool_cfg pool = { .n = 512, .cache = 32, .packed = true };
	struct rte_mempool *mp = fake_pool("aside", &pool);
	const struct fake_cfg cfg = { .mp = mp, .rx_queues = 1, .rx_desc = DESC, .zc = true,
		.iommu = "DMA-FQ" };
	static struct world w;
	uint32_t crossing;

	begin(&w, mp, &cfg);
	crossing = xsk_layout_unusable(&w.q->layout, &w.q->frames, 12);
	CHECK(crossing > 100 && crossing < 400);
	CHECK_EQ(w.q->aside_room, RTE_MIN(crossing, w.q->mp->size / XSK_ASIDE_SHARE));
	for (unsigned int i = 0; i < 2000; i++) {
		kernel_takes(&w, 128);
		for (uint32_t n = 0; n < w.taken_cnt; n++)
			CHECK(!afx_frame_crosses(w.q->base + w.taken[n], w.q->chunk, 12));
		while (kernel_delivers(&w, 60))
			;
		app_receives(&w, 64);
		app_frees(&w, 64);
		conserved(&w);
	}
	CHECK(w.q->aside_cnt > 0 && w.q->aside_cnt <= crossing);
	CHECK(w.q->stats.pkts > 10000);
	end(&w);
	fake_pool_free(mp);
}

static void *
elsewhere(void *arg)
{
	const struct fake_pool_cfg pool = { .n = POOL, .cache = 256 };
	const struct fake_cfg cfg = { .overlap = true };

	(void)arg;
	CHECK(rte_lcore_id() == LCORE_ID_ANY);
	walk(&pool, &cfg, ROUNDS_MAX / 20);
	return NULL;
}

int
main(int argc, char **argv)
{
	static const uint16_t privs[] = { 0, 64, 1024 };
	struct fake_pool_cfg pool = { .n = POOL, .cache = 64 };
	struct fake_cfg cfg = { .overlap = true };
	pthread_t tid;

	if (argc > 1)
		plain_burst = fake_rx_burst(argv[1]);
	fake_eal("test_rx");
	population();
	wake();
	aside();
	walk(&pool, &cfg, ROUNDS_MAX);
	for (unsigned int i = 0; i < RTE_DIM(privs); i++) {
		for (unsigned int how = 0; how < 4; how++) {
			pool = (struct fake_pool_cfg){ .n = POOL, .priv = privs[i],
				.cache = how < 2 ? 64 : 0, .packed = how == 3 };
			cfg = (struct fake_cfg){ .overlap = how & 1, .zc = how == 2 };
			walk(&pool, &cfg, ROUNDS_MAX / 20);
		}
	}
	pool = (struct fake_pool_cfg){ .n = POOL, .cache = 64, .pinned = true, .room = 2304 };
	walk(&pool, &cfg, ROUNDS_MAX / 20);
	CHECK_EQ(pthread_create(&tid, NULL, elsewhere, NULL), 0);
	pthread_join(tid, NULL);
	rte_eal_cleanup();
	return afx_test_end();
}

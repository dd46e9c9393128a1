/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transmit burst over fake rings: the prefix law, completions in any order, doubled, invented
 * or never sent, and what stop returns. What kinds of mbuf there are is test_tx_mbuf.c; what a kick
 * may answer is test_tx_kick.c.
 */
#include <sys/wait.h>
#include <unistd.h>

#define RND_SEED 99
#include "tx_world.h"
#include "rnd.h"

#define POOL 1024
#define ROUNDS 200000

static struct rte_mempool *pool, *other;

static void
make(struct rte_mbuf **pkts, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		pkts[i] = tx_packet(pool, 60 + i);
		CHECK(pkts[i] != NULL);
	}
}

/* A ring or tags that are used up take a prefix; what is left is untouched and goes later. */
static void
prefix(void)
{
	const struct fake_cfg cfg = { .mp = pool, .tx_desc = 100, .umem = XSK_UMEM_POOL };
	struct rte_mbuf *pkts[256];

	tx_open(&cfg);
	f->on_kick_tx = NULL;
	make(pkts, 256);
	CHECK_EQ(xsk_tx_burst(q, pkts, 0), 0);
	CHECK_EQ(xsk_tx_burst(q, pkts, 30), 30);
	/* All 100 tags, although the ring has 128 entries. */
	CHECK_EQ(xsk_tx_burst(q, pkts + 30, 226), 70);
	CHECK_EQ(xsk_tx_burst(q, pkts + 100, 156), 0);
	tx_tags_whole();
	CHECK_EQ(fake_waiting(&f->tx), 100);
	for (unsigned int i = 100; i < 256; i++)
		CHECK_EQ(rte_mbuf_refcnt_read(pkts[i]), 1);
	/* Sent but not completed: tags are what is short. */
	for (unsigned int i = 0; i < 60; i++)
		CHECK(tx_wire());
	CHECK_EQ(xsk_tx_burst(q, pkts + 100, 156), 0);
	/* Completed: as many go. */
	for (unsigned int i = 0; i < 40; i++)
		fake_complete(f, sent[i]);
	memmove(sent, sent + 40, 20 * sizeof(*sent));
	sent_cnt = 20;
	CHECK_EQ(xsk_tx_burst(q, pkts + 100, 156), 40);
	f->on_kick_tx = tx_honest;
	/*
	 * Without a tag nothing is taken, but the kernel is kicked and the next burst finds some.
	 */
	for (unsigned int i = 140, tries = 0; i < 256 && tries < 10; tries++)
		i += xsk_tx_burst(q, pkts + i, RTE_MIN(256u - i, 50u));
	CHECK_EQ(wire_cnt, 256);
	CHECK_EQ(q->stats.pkts, 256);
	CHECK_EQ(q->stats.zero_copy, 256);
	tx_close();
	tx_all_home(pool);

	/* The ring is what is short where the kernel shows nonsense: nothing is overwritten. */
	tx_open(&cfg);
	f->on_kick_tx = NULL;
	make(pkts, 64);
	CHECK_EQ(xsk_tx_burst(q, pkts, 32), 32);
	f->tx.cons = f->tx.prod + 5;
	CHECK(xsk_tx_burst(q, pkts + 32, 32) <= 32);
	CHECK(q->tx.cached_prod - f->tx.prod == 0);
	f->tx.cons = 0;
	for (unsigned int i = q->used; i < 64; i++)
		rte_pktmbuf_free(pkts[i]);
	f->on_kick_tx = tx_honest;
	tx_close();
	tx_all_home(pool);
}

/* Tags that name nothing in flight, in every form, change nothing but their counter. */
static void
bad_completions(void)
{
	const struct fake_cfg cfg = { .mp = pool, .umem = XSK_UMEM_POOL };
	struct rte_mbuf *pkts[32];

	tx_open(&cfg);
	f->on_kick_tx = NULL;
	make(pkts, 32);
	CHECK_EQ(xsk_tx_burst(q, pkts, 32), 32);
	while (tx_wire())
		;
	CHECK(fake_complete(f, sent[3]));
	CHECK(fake_complete(f, sent[3]));
	CHECK(fake_complete(f, sent[7] & AFX_BASE_MASK));
	CHECK(fake_complete(f, (uint64_t)q->nb_desc << 48));
	CHECK(fake_complete(f, UINT64_MAX));
	CHECK(fake_complete(f, (uint64_t)(q->nb_desc - 1) << 48));
	/* Tag 0 is in flight: the base does not matter, only the tag does. */
	CHECK_EQ(xsk_tx_reclaim(q), 2);
	CHECK_EQ(q->stats.bad_comp, 4);
	tx_tags_whole();
	/* Impossible indexes: nothing is read. */
	f->comp.prod += f->comp.entries + 1;
	CHECK_EQ(xsk_tx_reclaim(q), 0);
	f->comp.prod -= f->comp.entries + 1;
	f->comp.prod -= 2;
	CHECK_EQ(xsk_tx_reclaim(q), 0);
	f->comp.prod += 2;
	CHECK_EQ(q->stats.bad_comp, 4);
	tx_close();
	tx_all_home(pool);
}

/*
 * Descriptors the kernel refuses are consumed, and complete on some kernels and never on others:
 * either way each mbuf comes back once, at the latest at stop.
 */
static void
refused_descriptors(void)
{
	const struct fake_cfg cfg = { .mp = pool, .umem = XSK_UMEM_POOL };
	struct rte_mbuf *pkts[100];

	for (unsigned int completes = 0; completes < 3; completes++) {
		tx_open(&cfg);
		f->on_kick_tx = NULL;
		make(pkts, 100);
		CHECK_EQ(xsk_tx_burst(q, pkts, 100), 100);
		while (tx_wire())
			;
		for (unsigned int i = 0; i < 100; i++) {
			if (completes == 1 || (completes == 2 && i % 3 == 0))
				fake_complete(f, sent[i]);
		}
		CHECK_EQ(xsk_tx_reclaim(q), completes == 0 ? 0 : completes == 1 ? 100 : 34);
		/* Not believed to be done because others are. */
		CHECK_EQ(rte_mempool_avail_count(pool),
			POOL - 32 - 100 + (completes == 0 ? 0 : completes == 1 ? 100 : 34));
		tx_close();
		tx_all_home(pool);
	}
}

/* Bounce frames and packets held by others among what never completed. */
static void
stop_mixed(void)
{
	const struct fake_cfg cfg = { .mp = pool, .umem = XSK_UMEM_POOL };
	struct rte_mbuf *pkts[3];

	tx_open(&cfg);
	f->on_kick_tx = NULL;
	pkts[0] = tx_packet(other, 60);
	pkts[1] = tx_packet(pool, 60);
	rte_mbuf_refcnt_update(pkts[1], 1);
	pkts[2] = rte_pktmbuf_alloc(pool);
	CHECK_EQ(xsk_tx_burst(q, pkts, 2), 2);
	tx_all_home(other);
	tx_close();
	CHECK_EQ(rte_mbuf_refcnt_read(pkts[1]), 1);
	CHECK_EQ(rte_mempool_avail_count(pool), POOL - 2);
	rte_pktmbuf_free(pkts[1]);
	rte_pktmbuf_free(pkts[2]);
	tx_all_home(pool);

	/* Never proven released: counted, and not reused. */
	tx_open(&cfg);
	f->on_kick_tx = NULL;
	make(pkts, 3);
	CHECK_EQ(xsk_tx_burst(q, pkts, 3), 3);
	fake_released = false;
	fake_port_close(&port);
	fake_released = true;
	CHECK_EQ(port.port.quarantined, 32 + 3);
	CHECK_EQ(rte_mempool_avail_count(pool), POOL - 35);
}

/* Clean-up by the application on a queue that is not started has nothing to do. */
static void
cleanup_stopped(void)
{
	const struct fake_cfg cfg = { .mp = pool, .umem = XSK_UMEM_POOL };
	int status = -1;
	pid_t pid;

	tx_open(&cfg);
	xsk_stop(&port.dev);
	/* In a child: this was seen to crash. */
	pid = fork();
	if (pid == 0)
		_exit(xsk_tx_done_cleanup(q, 0) == 0 ? 0 : 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	fake_port_close(&port);
	tx_all_home(pool);
}

/* Everything at random, a kernel that reorders, delays and sometimes lies. */
static void
random_walk(void)
{
	const struct fake_cfg cfg = { .mp = pool, .tx_desc = 200, .umem = XSK_UMEM_POOL };
	struct rte_mbuf *pkts[64];
	uint32_t waiting = 0, lies = 0, taken = 0;

	tx_open(&cfg);
	f->on_kick_tx = NULL;
	for (uint32_t round = 0; round < ROUNDS && afx_test_failed == 0; round++) {
		uint16_t n;

		/* Numbers must reach the wire in order: those not taken are offered again first. */
		while (waiting < 1 + rnd(64)) {
			pkts[waiting] =
				tx_packet(rnd(8) ? pool : other, 14 + rnd(rnd(10) ? 100 : 1500));
			if (pkts[waiting] == NULL)
				break;
			waiting++;
		}
		n = xsk_tx_burst(q, pkts, waiting);
		CHECK(n <= waiting);
		waiting -= n;
		taken += n;
		memmove(pkts, pkts + n, waiting * sizeof(*pkts));
		for (uint32_t k = rnd(100); k > 0 && tx_wire(); k--)
			;
		for (uint32_t k = rnd(100); k > 0 && sent_cnt > 0; k--) {
			uint32_t pick = rnd(sent_cnt);
			uint64_t addr = sent[pick];

			if (!fake_complete(f, addr))
				break;
			sent[pick] = sent[--sent_cnt];
			/*
			 * A double is unknown by then, as long as the tag was not given out again.
			 */
			if (rnd(50) == 0 && fake_complete(f, addr))
				lies++;
		}
		if (rnd(4) == 0)
			xsk_tx_reclaim(q);
		tx_tags_whole();
	}
	xsk_tx_reclaim(q);
	CHECK_EQ(q->stats.bad_comp, lies);
	CHECK_EQ(q->stats.pkts, taken);
	CHECK_EQ(q->stats.nombuf, 0);
	CHECK(taken > ROUNDS);
	CHECK(q->stats.bounce_outside > ROUNDS / 20);
	rte_pktmbuf_free_bulk(pkts, waiting);
	tx_close();
	tx_all_home(pool);
	tx_all_home(other);
}

/*
 * Copies in flight have used up the pool of frames: what has completed serves the next packet,
 * though few descriptors are in use.
 */
static void
bounce_stall(void)
{
	const struct fake_cfg cfg = { .mp = pool, .umem = XSK_UMEM_POOL };
	struct rte_mbuf *taken[POOL], *m;
	struct rte_mempool *mp;
	unsigned int cnt = 0;

	tx_open(&cfg);
	q->free_thresh = 32;
	f->on_kick_tx = NULL;
	while ((m = rte_pktmbuf_alloc(pool)) != NULL)
		taken[cnt++] = m;
	rte_pktmbuf_free_bulk(taken, 8);
	for (unsigned int i = 0; i < 8; i++) {
		m = tx_packet(other, 100);
		CHECK_EQ(xsk_tx_burst(q, &m, 1), 1);
	}
	CHECK_EQ(q->stats.bounce_outside, 8);
	m = tx_packet(other, 100);
	CHECK_EQ(xsk_tx_burst(q, &m, 1), 0);
	CHECK_EQ(q->stats.nombuf, 1);
	while (tx_wire())
		;
	tx_complete_all();
	CHECK_EQ(xsk_tx_burst(q, &m, 1), 1);
	CHECK_EQ(q->stats.bounce_outside, 9);
	/* A pool of which nothing is in flight may be gone: it is not looked at. */
	while (tx_wire())
		;
	tx_complete_all();
	mp = q->mp;
	q->mp = (struct rte_mempool *)64;
	CHECK_EQ(xsk_tx_reclaim(q), 1);
	q->mp = mp;
	rte_pktmbuf_free_bulk(taken + 8, cnt - 8);
	f->on_kick_tx = tx_honest;
	tx_close();
	tx_all_home(pool);
	tx_all_home(other);
}

int
main(void)
{
	const struct fake_pool_cfg cfg = { .n = POOL, .cache = 64 };

	fake_eal("test_tx");
	pool = fake_pool("pool", &cfg);
	other = fake_pool("other", &cfg);
	prefix();
	bad_completions();
	refused_descriptors();
	random_walk();
	cleanup_stopped();
	bounce_stall();
	stop_mixed();
	rte_eal_cleanup();
	return afx_test_end();
}

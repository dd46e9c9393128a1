/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transmit burst of ports with multi-buffer over fake rings, by what rings, pools and kernel
 * do: all of a packet is posted or nothing, refusals are taken back whole, completions come in any
 * order, and stop finds packets everywhere.
 */
#include <errno.h>

#define RND_SEED 4711
#include "tx_sg_world.h"
#include "rnd.h"

#define ROUNDS 60000

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
	CHECK_EQ(q->used, q->nb_desc);
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
	pkts[0] = even(2, 1000);
	pkts[1] = CHAIN("pooo", 100, 1000, 1000, 1000);
	pkts[2] = even(2, 1000);
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
	pkts[0] = even(5, 1800);
	pkts[1] = even(2, 1000);
	pkts[2] = even(3, 50);
	pkts[3] = even(1, 60);
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
	struct fake_cfg cfg;

	fake_eal("test_tx_sg_ring");
	make_pools(&cfg);
	all_or_nothing(&cfg);
	dry(&cfg);
	refused(&cfg);
	random_walk(&cfg);
	tx_all_home(clones);
	rte_eal_cleanup();
	return afx_test_end();
}

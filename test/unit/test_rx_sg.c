/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive burst of ports with multi-buffer over fake rings, with an honest kernel: packets of
 * several frames arrive as whole chains however bursts cut them, and no frame is lost, doubled or
 * held beyond nb_desc. The dishonest kernel is test_rx_sg_hostile.c.
 */
#include "rx_sg_world.h"

#define ROUNDS 60000

/* Packets that bursts cut at every place. */
static void
spanning(void)
{
	uint32_t room = q->frames.room, total = room * 4 + 100, held;

	deliver_packet(total);
	expect_one(total);
	CHECK_EQ(q->stats.chains, 1);
	for (uint32_t cut = 1; cut < 5; cut++) {
		held = q->held;
		for (uint32_t i = 0; i < 5; i++) {
			if (i == cut) {
				expect_none();
				expect_none();
				/* Not handed on: still the queue's. */
				CHECK(q->held >= held);
			}
			deliver(total, i * room, i < 4 ? room : 100, i < 4);
		}
		expect_one(total);
	}
	/* Frame by frame, and a single one right behind. */
	for (uint32_t i = 0; i < 5; i++) {
		expect_none();
		deliver(total, i * room, i < 4 ? room : 100, i < 4);
	}
	deliver(60, 0, 60, false);
	CHECK_EQ(q->stats.chains, 5);
	{
		struct rte_mbuf *pkts[2];

		/* A burst of one takes one, and leaves the next. */
		CHECK_EQ(burst(pkts, 1), 1);
		check_chain(pkts[0], total);
		done_with(pkts[0]);
		CHECK_EQ(burst(pkts, 1), 1);
		check_chain(pkts[0], 60);
		done_with(pkts[0]);
	}
	CHECK_EQ(q->stats.chains, 6);
	CHECK_EQ(q->stats.pkts, 7);
	/* Not cut as full frames: also right. */
	deliver(300, 0, 1, true);
	deliver(300, 1, 0, true);
	deliver(300, 1, 298, true);
	deliver(300, 299, 1, false);
	expect_one(300);
	CHECK_EQ(q->stats.bad_desc + q->stats.bad_chain + q->stats.drop_segs, 0);
}

static void
random_walk(void)
{
	static uint32_t expect[POOL];
	struct rte_mbuf *hold[64], *pkts[64];
	uint32_t at = 0, cnt = 0, held = 0, total = 0, off = 0, chains = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint16_t n;

		take_all();
		/* Frames of one packet after the other, as many as it happens. */
		for (uint32_t k = rnd(12); k > 0 && taken_cnt > 0; k--) {
			uint32_t len;

			if (total == 0) {
				total = 1 + rnd(rnd(3) ? q->frames.room * 6 : 1500);
				off = 0;
			}
			len = RTE_MIN(total - off, q->frames.room);
			deliver(total, off, len, off + len < total);
			off += len;
			if (off < total)
				continue;
			expect[(at + cnt++) % POOL] = total;
			chains += total > q->frames.room;
			total = 0;
		}
		n = burst(pkts, 1 + rnd(32));
		for (uint16_t i = 0; i < n; i++) {
			CHECK(cnt > 0);
			check_chain(pkts[i], expect[at]);
			at = (at + 1) % POOL;
			cnt--;
			if (held < RTE_DIM(hold) && rnd(4) == 0)
				hold[held++] = pkts[i];
			else
				done_with(pkts[i]);
		}
		while (held > 0 && rnd(3) == 0)
			done_with(hold[--held]);
	}
	while (held > 0)
		done_with(hold[--held]);
	CHECK(chains > ROUNDS / 4);
	CHECK(q->stats.chains > chains - 50 && q->stats.chains <= chains);
	CHECK_EQ(q->stats.bad_desc + q->stats.bad_chain + q->stats.drop_segs, 0);
}

/* The smallest ring and the laziest refill: there are always frames for the longest packet. */
static void
lazy(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;

	cfg.rx_desc = 40;
	cfg.free_thresh = 39;
	begin(&cfg);
	CHECK(q->sg.segs_max <= 40);
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t segs = 1 + rnd(q->sg.segs_max);

		take_all();
		CHECK(taken_cnt >= q->sg.segs_max);
		for (uint32_t k = 0; k < segs; k++)
			deliver(segs * 20, k * 20, 20, k + 1 < segs);
		expect_one(segs * 20);
	}
	/* Asked for as before once the port is no more of that kind. */
	CHECK_EQ(q->conf.rx_free_thresh, 39);
	end();
}

/* A queue without the offload in a port with it: a packet of two frames is one too long. */
static void
one_frame(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;

	cfg.no_scatter = true;
	begin(&cfg);
	CHECK_EQ(q->sg.segs_max, 1);
	for (uint32_t i = 1; i < 5; i++) {
		for (uint32_t k = 0; k <= i; k++)
			deliver(100, 0, 10, k < i);
		expect_none();
		CHECK_EQ(q->stats.drop_segs, i);
		deliver(100, 0, 100, false);
		expect_one(100);
	}
	CHECK_EQ(q->stats.bad_desc, 0);
	end();
}

static void
suite(const struct fake_cfg *cfg)
{
	static void (*const part[])(void) = { spanning, random_walk };

	for (unsigned int i = 0; i < RTE_DIM(part); i++) {
		begin(cfg);
		part[i]();
		end();
	}
	lazy(cfg);
	one_frame(cfg);
}

int
main(void)
{
	return on_all_ports("test_rx_sg", suite);
}

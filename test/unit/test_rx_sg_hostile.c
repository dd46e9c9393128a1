/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive burst of ports with multi-buffer against a kernel that lies: packets that are too
 * long or never end, bad descriptors at every place of a packet, rubbish. Each packet that cannot
 * be handed on is counted once, the next one is right again, and after stop every mbuf is back.
 */
#include "rx_sg_world.h"

#define ROUNDS 60000

/* As long as the queue takes, one more, and never an end. */
static void
too_long(void)
{
	uint32_t most = q->sg.segs_max, dropped = 0;

	CHECK(most > 1 && most < q->nb_desc);
	for (uint32_t cnt = most; cnt <= most + 2; cnt++) {
		for (uint32_t i = 0; i < cnt; i++)
			deliver(cnt * 10, i * 10, 10, i + 1 < cnt);
		if (cnt == most) {
			expect_one(cnt * 10);
		} else {
			expect_none();
			dropped++;
		}
		CHECK_EQ(q->stats.drop_segs, dropped);
		CHECK_EQ(q->sg.cnt, 0);
		deliver(64, 0, 64, false);
		expect_one(64);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		deliver(64, 0, 64, true);
		if (i % 7 == 0)
			expect_none();
	}
	CHECK_EQ(q->stats.drop_segs, dropped + 1);
	expect_none();
	CHECK_EQ(q->sg.cnt, 0);
	deliver(64, 0, 64, false);
	expect_none();
	/* The end of what was given up; from here on packets count again. */
	deliver(65, 0, 65, false);
	expect_one(65);
	CHECK_EQ(q->stats.drop_segs, dropped + 1);
	CHECK_EQ(q->stats.bad_desc, 0);
}

/* A descriptor that cannot be believed, at each place of a packet and of each kind. */
static void
broken(void)
{
	uint32_t room = q->frames.room;

	for (uint32_t at = 0; at < 4; at++) {
		for (uint32_t kind = 0; kind < 5; kind++) {
			uint64_t bad = q->stats.bad_desc, lost = q->stats.bad_chain, addr, last = 0;

			for (uint32_t i = 0; i < 4; i++) {
				if (i != at) {
					last = frame();
					CHECK(fake_deliver_part(f, last, 50, 256, i < 3));
					continue;
				}
				addr = kind == 0 ? UINT64_MAX >> 16 : frame() + (kind == 1 ? 0 : 8);
				/* Given already: by this packet, or long ago. */
				if (kind == 3 && last != 0)
					addr = last;
				CHECK(fake_deliver_part(f, addr, kind == 1 ? room + 1 : 50, 256,
					i < 3));
			}
			/* In one burst, or one for each frame. */
			if (kind == 4) {
				struct rte_mbuf *pkts[1];

				for (uint32_t i = 0; i < 4; i++)
					CHECK_EQ(burst(pkts, 1), 0);
			}
			expect_none();
			CHECK_EQ(q->stats.bad_desc, bad + 1);
			CHECK_EQ(q->stats.bad_chain, lost + 1);
			CHECK_EQ(q->sg.cnt, 0);
			deliver(64, 0, 64, false);
			expect_one(64);
		}
	}
	CHECK_EQ(q->stats.drop_segs, 0);
	/* Alone it is no chain. */
	CHECK(fake_deliver(f, UINT64_MAX >> 16, 50, 256));
	expect_none();
	CHECK_EQ(q->stats.bad_chain, 20);
	CHECK_EQ(q->stats.bad_desc, 21);
}

/* Anything at all, with and without the mark. */
static void
rubbish(void)
{
	struct rte_mbuf *pkts[32];

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t x = rnd(1 << 30);
		bool more = rnd(3) != 0;
		uint16_t n;

		/* What does not fit into the ring stays with the kernel. */
		if (x % 7 < 4 && fake_waiting(&f->rx) < f->rx.entries)
			fake_deliver_part(f, frame(), x % 2000, 200 + x % 100, more);
		else if (x % 7 == 4)
			fake_deliver_part(f, (uint64_t)x * 2654435761u, x, x % 65536, more);
		else
			fake_deliver_part(f, q->map_base + x % (q->map_len << XSK_SLOT_SHIFT),
				x % 4096, 256, more);
		if (x % 5 != 0)
			continue;
		n = burst(pkts, 1 + x % 32);
		for (uint16_t k = 0; k < n; k++) {
			const char *why = "";

			CHECK_EQ(rte_mbuf_check(pkts[k], 1, &why), 0);
			CHECK(pkts[k]->nb_segs <= q->sg.segs_max);
			done_with(pkts[k]);
		}
	}
	CHECK(q->stats.bad_desc > 1000);
	CHECK(q->stats.bad_chain > 1000);
	CHECK(q->stats.chains > 1000);
}

/* Stop in mid packet, in mid rubbish, and with packets nobody fetched. */
static void
stops(const struct fake_cfg *cfg)
{
	for (uint32_t n = 1; n < 5; n++) {
		begin(cfg);
		for (uint32_t i = 0; i < n; i++)
			deliver(9000, i * 10, 10, true);
		expect_none();
		CHECK_EQ(q->sg.cnt, n);
		deliver_packet(9000);
		end();
		/* Nothing of it is left for the next start. */
		begin(cfg);
		CHECK_EQ(q->sg.cnt, 0);
		deliver(100, 0, 100, false);
		expect_one(100);
		for (uint32_t i = 0; i <= q->sg.segs_max; i++)
			deliver(64, 0, 64, true);
		expect_none();
		CHECK(q->sg.skip);
		end();
		begin(cfg);
		deliver(100, 0, 100, false);
		expect_one(100);
		end();
	}
}

static void
suite(const struct fake_cfg *cfg)
{
	static void (*const part[])(void) = { too_long, broken, rubbish };

	for (unsigned int i = 0; i < RTE_DIM(part); i++) {
		begin(cfg);
		part[i]();
		end();
	}
	stops(cfg);
}

int
main(void)
{
	return on_all_ports("test_rx_sg_hostile", suite);
}

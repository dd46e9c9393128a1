/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive burst of ports with multi-buffer over fake rings: packets of several frames arrive
 * as whole chains however bursts cut them, what is too long or broken is dropped and counted once,
 * and whatever the kernel's side says no frame is lost, doubled or held beyond nb_desc.
 */
#include <string.h>

#include "afx_test.h"
#include "fake_port.h"

#define POOL 1024
#define DESC 100
#define ROUNDS 60000

static struct fake_port port;
static struct fake_xsk *f;
static struct xsk_rxq *q;
static struct rte_mempool *mp;
static uint32_t seed = 77;
static uint64_t taken[POOL];     /* frames the kernel holds */
static uint32_t taken_cnt;
static uint32_t app_cnt;         /* mbufs the application holds */

static uint32_t
rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

static void
begin(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;
	struct afx_err err = { 0 };

	cfg.mp = mp;
	cfg.rx_queues = 1;
	cfg.rx_desc = cfg.rx_desc ? cfg.rx_desc : DESC;
	cfg.sg = true;
	CHECK_EQ(fake_port_open(&port, &cfg, &err), 0);
	CHECK_EQ(err.text[0], 0);
	q = port.rxq[0];
	f = fake_sock(&port, 0);
	taken_cnt = 0;
	app_cnt = 0;
}

static void
end(void)
{
	fake_port_close(&port);
	CHECK_EQ(rte_mempool_avail_count(mp), POOL);
	CHECK_EQ(fake_xsk_alive, 0);
	CHECK_EQ(port.port.quarantined, 0);
}

static void
conserved(void)
{
	CHECK(q->held <= q->nb_desc);
	CHECK_EQ(rte_mempool_avail_count(mp) + q->held + q->aside_cnt + app_cnt, POOL);
}

static void
take_all(void)
{
	while (fake_take(f, &taken[taken_cnt]))
		taken_cnt++;
}

/* Any frame of the kernel's; the test ends where there is none. */
static uint64_t
frame(void)
{
	uint32_t pick;
	uint64_t addr;

	if (taken_cnt == 0)
		take_all();
	if (taken_cnt == 0) {
		fprintf(stderr, "nothing in the fill ring\n");
		exit(1);
	}
	pick = rnd(taken_cnt);
	addr = taken[pick];
	taken[pick] = taken[--taken_cnt];
	return addr;
}

static uint8_t
pattern(uint32_t total, uint32_t at)
{
	return (uint8_t)(total * 13 + at + (at >> 8));
}

/* One frame of a packet of total bytes: bytes [at, at + len) of it. */
static void
deliver(uint32_t total, uint32_t at, uint32_t len, bool more)
{
	uint64_t addr = frame();
	uint8_t *to = (uint8_t *)q->base + addr + AFX_XDP_HEADROOM;

	for (uint32_t i = 0; i < len; i++)
		to[i] = pattern(total, at + i);
	memset(to + len, 0xee, q->chunk - AFX_XDP_HEADROOM - len);
	CHECK(fake_deliver_part(f, addr, len, AFX_XDP_HEADROOM, more));
}

/* As the kernel cuts it: full frames and a rest. */
static void
deliver_packet(uint32_t total)
{
	uint32_t room = q->frames.room, at = 0;

	do {
		uint32_t len = RTE_MIN(total - at, room);

		deliver(total, at, len, at + len < total);
		at += len;
	} while (at < total);
}

static void
check_chain(const struct rte_mbuf *head, uint32_t total)
{
	const char *why = "";
	uint32_t at = 0, segs = 0;

	CHECK_EQ(rte_mbuf_check(head, 1, &why), 0);
	CHECK_EQ(head->pkt_len, total);
	CHECK_EQ(head->port, 7);
	for (const struct rte_mbuf *m = head; m != NULL; m = m->next, segs++) {
		CHECK_EQ(rte_mbuf_refcnt_read(m), 1);
		CHECK_EQ(m->data_off, q->frames.data_off);
		CHECK(m->pool == mp);
		for (uint32_t i = 0; i < m->data_len; i += i % 64 == 63 ? 97 : 1)
			CHECK_EQ(rte_pktmbuf_mtod(m, uint8_t *)[i], pattern(total, at + i));
		at += m->data_len;
	}
	CHECK_EQ(at, total);
	CHECK_EQ(segs, head->nb_segs);
}

static uint16_t
burst(struct rte_mbuf **pkts, uint16_t nb)
{
	uint16_t n = xsk_rx_burst_sg(q, pkts, nb);

	CHECK(n <= nb);
	for (uint16_t i = 0; i < n; i++)
		app_cnt += pkts[i]->nb_segs;
	conserved();
	return n;
}

static void
done_with(struct rte_mbuf *m)
{
	app_cnt -= m->nb_segs;
	rte_pktmbuf_free(m);
	conserved();
}

/* Exactly one packet is waiting, of this size. */
static void
expect_one(uint32_t total)
{
	struct rte_mbuf *pkts[32];

	CHECK_EQ(burst(pkts, 32), 1);
	check_chain(pkts[0], total);
	done_with(pkts[0]);
}

static void
expect_none(void)
{
	struct rte_mbuf *pkts[32];

	CHECK_EQ(burst(pkts, 32), 0);
}

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
				addr = kind == 0 ? UINT64_MAX >> 16 : kind == 1 ? frame() : frame() + 8;
				/* Given already: by this packet, or long ago. */
				if (kind == 3 && last != 0)
					addr = last;
				CHECK(fake_deliver_part(f, addr, kind == 1 ? room + 1 : 50, 256, i < 3));
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
suite(const struct fake_pool_cfg *pool, const struct fake_cfg *cfg)
{
	static void (*const part[])(void) = { spanning, too_long, broken, random_walk, rubbish };

	mp = fake_pool("sg", pool);
	for (unsigned int i = 0; i < RTE_DIM(part); i++) {
		begin(cfg);
		part[i]();
		end();
	}
	stops(cfg);
	lazy(cfg);
	one_frame(cfg);
	fake_pool_free(mp);
}

int
main(void)
{
	struct fake_pool_cfg pool = { .n = POOL, .cache = 32 };
	struct fake_cfg cfg = { .overlap = true };

	fake_eal("test_rx_sg");
	suite(&pool, &cfg);
	cfg.overlap = false;
	pool.cache = 0;
	suite(&pool, &cfg);
	cfg.zc = true;
	cfg.zc_segs = 8;
	pool.priv = 1024;
	suite(&pool, &cfg);
	cfg.zc = false;
	pool = (struct fake_pool_cfg){ .n = POOL, .pinned = true, .room = 2304 };
	suite(&pool, &cfg);
	rte_eal_cleanup();
	return afx_test_end();
}

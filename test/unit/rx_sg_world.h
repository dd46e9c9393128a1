/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of multi-buffer receive share: a kernel that hands out packets of known content in
 * one frame or several, and the books of every frame. Included once per program.
 */
#ifndef RX_SG_WORLD_H
#define RX_SG_WORLD_H

#include <string.h>

#define RND_SEED 77
#include "afx_test.h"
#include "fake_port.h"
#include "rnd.h"

#define POOL 1024
#define DESC 100

static struct fake_port port;
static struct fake_xsk *f;
static struct xsk_rxq *q;
static struct rte_mempool *mp;
static uint64_t taken[POOL];     /* frames the kernel holds */
static uint32_t taken_cnt;
static uint32_t app_cnt;         /* mbufs the application holds */

static inline void
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

static inline void
end(void)
{
	fake_port_close(&port);
	CHECK_EQ(rte_mempool_avail_count(mp), POOL);
	CHECK_EQ(fake_xsk_alive, 0);
	CHECK_EQ(port.port.quarantined, 0);
}

static inline void
conserved(void)
{
	CHECK(q->held <= q->nb_desc);
	CHECK_EQ(rte_mempool_avail_count(mp) + q->held + q->aside_cnt + app_cnt, POOL);
}

static inline void
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
static inline void
deliver(uint32_t total, uint32_t at, uint32_t len, bool more)
{
	uint64_t addr = frame();
	uint8_t *to = (uint8_t *)q->base + addr + q->frames.pad + AFX_XDP_HEADROOM;

	for (uint32_t i = 0; i < len; i++)
		to[i] = pattern(total, at + i);
	memset(to + len, 0xee, q->frames.room - len);
	CHECK(fake_deliver_part(f, addr, len, AFX_XDP_HEADROOM, more));
}

/* As the kernel cuts it: full frames and a rest. */
static inline void
deliver_packet(uint32_t total)
{
	uint32_t room = q->frames.room, at = 0;

	do {
		uint32_t len = RTE_MIN(total - at, room);

		deliver(total, at, len, at + len < total);
		at += len;
	} while (at < total);
}

static inline void
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

static inline void
done_with(struct rte_mbuf *m)
{
	app_cnt -= m->nb_segs;
	rte_pktmbuf_free(m);
	conserved();
}

/* Exactly one packet is waiting, of this size. */
static inline void
expect_one(uint32_t total)
{
	struct rte_mbuf *pkts[32];

	CHECK_EQ(burst(pkts, 32), 1);
	check_chain(pkts[0], total);
	done_with(pkts[0]);
}

static inline void
expect_none(void)
{
	struct rte_mbuf *pkts[32];

	CHECK_EQ(burst(pkts, 32), 0);
}

/* A test's main: the suite on every kind of pool and port that receives in its own way. */
static inline int
on_all_ports(const char *name, void (*suite)(const struct fake_cfg *cfg))
{
	static const struct {
		struct fake_pool_cfg pool;
		struct fake_cfg cfg;
	} kind[] = {
		{ { .n = POOL, .cache = 32 }, { .overlap = true } },
		{ { .n = POOL }, { .overlap = false } },
		{ { .n = POOL, .priv = 1024 }, { .zc = true, .zc_segs = 8 } },
		{ { .n = POOL, .pinned = true, .room = 2304 }, { .zc_segs = 8 } },
	};

	fake_eal(name);
	for (unsigned int i = 0; i < RTE_DIM(kind); i++) {
		mp = fake_pool("sg", &kind[i].pool);
		suite(&kind[i].cfg);
		fake_pool_free(mp);
	}
	rte_eal_cleanup();
	return afx_test_end();
}

#endif

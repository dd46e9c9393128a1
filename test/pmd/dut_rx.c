/* SPDX-License-Identifier: BSD-3-Clause */
/* Reception: contents, queues, population, two lcores, uneven queue numbers. */
#include <stdio.h>
#include <string.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "dut.h"

#define RX_LEN_MIN 64
#define RX_LEN_MAX 1514

/* Every frame length, on all queues of the netdev; each queue must get some. */
static void
case_rx_content(struct dut *d)
{
	struct port_cfg cfg = { .rx_desc = 512, .tx_desc = 512 };
	const unsigned int all = RX_LEN_MAX - RX_LEN_MIN + 1;
	uint64_t end = now_ms() + DUT_WAIT_MS;
	struct tally t = { 0 };
	uint8_t frame[RX_LEN_MAX];
	unsigned int sent = 0;
	struct peer p;
	uint16_t port, q;

	cfg.nb_rxq = cfg.nb_txq = d->netdev_queues;
	if (!port_begin(d, &port, &cfg, 2048 * 8 + 8191, 250, &p, ""))
		return;
	while (t.right + t.wrong < all && now_ms() < end) {
		while (sent < all && sent - t.right - t.wrong < 128) {
			frame_fill(frame, RX_LEN_MIN + sent, 9, sent, sent);
			if (!EXPECT(d, peer_send(&p, frame, RX_LEN_MIN + sent) == 0, "peer"))
				break;
			sent++;
			end = now_ms() + DUT_WAIT_MS;
		}
		rx_poll(port, cfg.nb_rxq, 9, &t);
	}
	EXPECT(d, t.right == all && t.wrong == 0 && t.seq_sum == (uint64_t)all * (all - 1) / 2,
	       "of %u frames %u right %u wrong", all, t.right, t.wrong);
	for (q = 0; q < cfg.nb_rxq; q++)
		EXPECT(d, t.per_queue[q] > 0, "queue %u got nothing", q);
	port_close(port);
	peer_close(&p);
}

/* The pool has what the rings may hold and a burst or two more. */
static void
case_population(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512 };
	const unsigned int rings = 2 * 512;
	struct rte_eth_stats s = { 0 };
	struct tally t = { 0 };
	struct peer p;
	uint16_t port;

	cfg.mp = pool_new("tight", rings + 4 * DUT_BURST, 0, DUT_ROOM);
	if (!EXPECT(d, cfg.mp != NULL && peer_open(&p, d->peer) == 0, "pool or peer"))
		return;
	if (!port_up(d, &port, &cfg, ""))
		return;
	EXPECT(d, rte_mempool_in_use_count(cfg.mp) <= rings,
		"started, the port holds %u mbufs of %u", rte_mempool_in_use_count(cfg.mp), rings);
	traffic_in(d, &p, port, 2, 5000, 10, &t);
	EXPECT(d, t.right == 5000 && t.wrong == 0, "of 5000 packets %u right %u wrong", t.right,
	       t.wrong);
	EXPECT(d, rte_mempool_in_use_count(cfg.mp) <= rings, "run, the port holds %u mbufs of %u",
	       rte_mempool_in_use_count(cfg.mp), rings);
	EXPECT(d, rte_eth_stats_get(port, &s) == 0 && s.rx_nombuf == 0 && s.imissed == 0,
	       "rx_nombuf %lu imissed %lu", (unsigned long)s.rx_nombuf, (unsigned long)s.imissed);
	EXPECT(d, s.ipackets == 5000, "ipackets %lu", (unsigned long)s.ipackets);
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
	peer_close(&p);
}

struct sender {
	struct rte_mempool *mp;
	uint16_t port;
	unsigned int n;
	unsigned int taken;
};

static int
tx_lcore(void *arg)
{
	struct sender *s = arg;
	struct rte_mbuf *m = NULL;
	uint64_t end = now_ms() + 20000;

	while (s->taken < s->n && now_ms() < end) {
		if (m == NULL)
			m = mbuf_frame(s->mp, 64 + s->taken % 1400, 12, s->taken, s->taken);
		if (m != NULL && rte_eth_tx_burst(s->port, 0, &m, 1) == 1) {
			s->taken++;
			m = NULL;
		}
	}
	rte_pktmbuf_free(m);
	return 0;
}

/* Rx on this lcore, Tx on another, of one queue pair on one pool, at once. */
static void
case_two_lcores(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 1, .nb_txq = 1, .rx_desc = 512, .tx_desc = 512 };
	unsigned int lcore = rte_get_next_lcore(-1, 1, 0), len, in = 0;
	struct tally rx = { 0 }, tx = { 0 };
	uint8_t frame[DUT_MAX_FRAME];
	struct sender s = { .n = 20000 };
	uint64_t end = now_ms() + 20000;
	struct peer p;

	if (lcore >= RTE_MAX_LCORE) {
		dut_skip(d, "needs two lcores");
		return;
	}
	cfg.mp = s.mp = pool_new("rx", 8191, 128, DUT_ROOM);
	if (!EXPECT(d, cfg.mp != NULL && peer_open(&p, d->peer) == 0, "pool or peer"))
		return;
	if (!port_up(d, &s.port, &cfg, ""))
		return;
	rte_eal_remote_launch(tx_lcore, &s, lcore);
	while ((rx.right + rx.wrong < s.n || tx.right + tx.wrong < s.n) && now_ms() < end) {
		while (in < s.n && in - rx.right - rx.wrong < 64) {
			frame_fill(frame, 64 + in % 1400, 11, in, in);
			peer_send(&p, frame, 64 + in % 1400);
			in++;
		}
		rx_poll(s.port, 1, 11, &rx);
		while ((len = peer_recv(&p, frame, sizeof(frame), 0)) > 0)
			tally_frame(frame, len, 12, &tx);
	}
	rte_eal_wait_lcore(lcore);
	EXPECT(d, rx.right == s.n && rx.wrong == 0, "of %u in, %u right %u wrong", s.n, rx.right,
	       rx.wrong);
	EXPECT(d, tx.right == s.n && tx.wrong == 0, "of %u out (%u taken), %u right %u wrong", s.n,
	       s.taken, tx.right, tx.wrong);
	port_close(s.port);
	pool_whole(d, cfg.mp, "after close");
	peer_close(&p);
}

/* One Rx and four Tx queues: the Rx-less queues' traffic stays with the kernel. */
static void
case_uneven(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 1, .nb_txq = 4, .rx_desc = 512, .tx_desc = 512 };
	struct tally out = { 0 }, in = { 0 };
	struct peer p, kernel;
	uint8_t frame[2048];
	unsigned int i, passed = 0;
	uint64_t end;
	uint16_t port;

	cfg.mp = pool_new("rx", 16383, 250, DUT_ROOM);
	if (!EXPECT(d, cfg.mp && !peer_open(&p, d->peer) && !peer_open(&kernel, d->iface), "pool"))
		return;
	if (!port_up(d, &port, &cfg, ""))
		return;
	traffic_out(d, &p, port, 4, cfg.mp, 2000, 13, &out);
	EXPECT(d, out.right == 2000 && out.wrong == 0, "of 2000 out, %u right %u wrong", out.right,
	       out.wrong);
	peer_drain(&kernel);
	for (i = 0; i < 400; i++) {
		frame_fill(frame, 100, 14, i, i);
		peer_send(&p, frame, 100);
	}
	end = now_ms() + DUT_WAIT_MS;
	while (in.right + passed < 400 && now_ms() < end) {
		rx_poll(port, 1, 14, &in);
		while (peer_recv(&kernel, frame, sizeof(frame), 0) > 0)
			passed++;
	}
	EXPECT(d, in.right > 0 && passed > 0 && in.right + passed == 400 && in.wrong == 0,
	       "of 400 in, %u to the port, %u to the kernel", in.right, passed);
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
	peer_close(&p);
	peer_close(&kernel);
}

static void
case_no_cache(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512 };
	struct peer p;
	uint16_t port;

	if (!port_begin(d, &port, &cfg, 8191, 0, &p, ""))
		return;
	traffic_both(d, &p, port, &cfg, 3000, "pool without cache");
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
	peer_close(&p);
}

const struct dut_case dut_rx_cases[] = {
	{ "rx-content-1", "-", 1, 0, "pass", "lengths 64 to 1514, 1 queue", case_rx_content },
	{ "rx-content-2", "-", 2, 0, "pass", "lengths 64 to 1514, 2 queues", case_rx_content },
	{ "rx-content-4", "-", 4, 0, "pass", "lengths 64 to 1514, 4 queues", case_rx_content },
	{ "rx-content-8", "-", 8, 0, "pass", "lengths 64 to 1514, 8 queues", case_rx_content },
	{ "population", "-", 2, 0, "broken", "no more mbufs than descriptors", case_population },
	{ "two-lcores", "-", 1, 0, "broken", "Rx and Tx of a pair on two lcores", case_two_lcores },
	{ "uneven", "-", 4, 0, "broken", "1 Rx queue, 4 Tx queues", case_uneven },
	{ "no-cache", "-", 2, 0, "broken", "mempool without cache", case_no_cache },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * same_lcore=1: what completes goes to the fill ring of the same queue. Forwarding then leaves the
 * mempool alone, whatever the order of completions; frames that do not belong there take the usual
 * way, and none is lost or held twice.
 */
#include <string.h>

#include "afx_test.h"
#include "fake_port.h"

#define POOL 1024
#define DESC 256
#define BURST 32

static struct fake_port port;
static struct fake_xsk *f;
static struct rte_mempool *mp, *other;
static struct xsk_rxq *rxq;
static struct xsk_txq *txq;
static uint64_t on_wire[DESC * 2];
static uint32_t on_wire_cnt;
static uint32_t seed = 1;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
open_port(bool same_lcore)
{
	const struct fake_cfg cfg = { .mp = mp, .rx_queues = 1, .tx_queues = 1, .rx_desc = DESC,
		.tx_desc = DESC, .zc = true, .overlap = true, .umem = XSK_UMEM_HEAP,
		.same_lcore = same_lcore };
	struct afx_err err;

	CHECK_EQ(fake_port_open(&port, &cfg, &err), 0);
	f = fake_sock(&port, 0);
	rxq = port.rxq[0];
	txq = port.txq[0];
}

static void
close_port(void)
{
	fake_port_close(&port);
	on_wire_cnt = 0;
	CHECK_EQ(fake_xsk_alive, 0);
	CHECK_EQ(port.port.quarantined, 0);
	CHECK_EQ(rte_mempool_avail_count(mp), POOL);
}

/* The kernel: frames arrive, packets leave, and complete in any order. */
static void
kernel(uint32_t arrive, uint32_t complete)
{
	struct xdp_desc d;
	uint64_t addr;

	while (arrive-- > 0 && fake_take(f, &addr))
		CHECK(fake_deliver(f, addr, 60, AFX_XDP_HEADROOM));
	while (on_wire_cnt < RTE_DIM(on_wire) && fake_consume(f, &d))
		on_wire[on_wire_cnt++] = d.addr;
	while (complete-- > 0 && on_wire_cnt > 0) {
		uint32_t pick = rnd(on_wire_cnt);

		CHECK(fake_complete(f, on_wire[pick]));
		on_wire[pick] = on_wire[--on_wire_cnt];
	}
}

static void
conserved(void)
{
	CHECK_EQ(rte_mempool_avail_count(mp) + rxq->held + txq->used, POOL);
	CHECK(rxq->held <= DESC);
}

static uint32_t
forward(void)
{
	struct rte_mbuf *pkts[BURST];
	uint16_t n = xsk_rx_burst_sse(rxq, pkts, BURST), sent = xsk_tx_burst(txq, pkts, n);

	rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	return n;
}

/* Lowest count of the pool over rounds of forwarding, after it has settled. */
static uint32_t
moves_in_pool(void)
{
	uint32_t low = POOL, high = 0, got = 0;

	for (unsigned int i = 0; i < 2000; i++) {
		kernel(BURST, DESC);
		got += forward();
		conserved();
		if (i < 200)
			continue;
		low = RTE_MIN(low, rte_mempool_avail_count(mp));
		high = RTE_MAX(high, rte_mempool_avail_count(mp));
	}
	CHECK_EQ(got, 2000 * BURST);
	return high - low;
}

static void
leaves_pool_alone(void)
{
	open_port(true);
	CHECK(txq->feed == rxq);
	CHECK_EQ(moves_in_pool(), 0);
	close_port();
	/* Without the promise the pool is what connects the two. */
	open_port(false);
	CHECK(txq->feed == NULL);
	CHECK(moves_in_pool() > 0);
	close_port();
}

/* Packets of another pool, shared ones and drops in between; the kernel stalls now and then. */
static void
mixed(void)
{
	struct rte_mbuf *kept = NULL;

	open_port(true);
	for (unsigned int i = 0; i < 20000 && afx_test_failed == 0; i++) {
		struct rte_mbuf *pkts[BURST], *m;
		uint16_t n, sent;

		kernel(rnd(BURST * 2), rnd(8) ? rnd(BURST * 2) : 0);
		n = xsk_rx_burst_sse(rxq, pkts, 1 + rnd(BURST));
		if (n > 0 && kept == NULL && rnd(4) == 0) {
			kept = pkts[rnd(n)];
			rte_mbuf_refcnt_update(kept, 1);
		}
		if (n > 0 && rnd(3) == 0 && (m = rte_pktmbuf_alloc(other)) != NULL) {
			m->data_len = m->pkt_len = 60;
			rte_pktmbuf_free(pkts[n - 1] == kept ? m : pkts[n - 1]);
			if (pkts[n - 1] != kept)
				pkts[n - 1] = m;
		}
		sent = xsk_tx_burst(txq, pkts, n);
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
		if (kept != NULL && rnd(3) == 0) {
			rte_pktmbuf_free(kept);
			kept = NULL;
		}
		CHECK(rxq->held <= DESC);
	}
	rte_pktmbuf_free(kept);
	close_port();
	CHECK_EQ(rte_mempool_avail_count(other), POOL);
}

/* Bursts ran on another lcore than that of the stop: what completes then may be fed from there. */
static void
stopped_elsewhere(void)
{
	unsigned int here = rte_lcore_id();

	open_port(true);
	kernel(BURST, 0);
	RTE_PER_LCORE(_lcore_id) = here + 1;
	CHECK_EQ(forward(), BURST);
	RTE_PER_LCORE(_lcore_id) = here;
	kernel(0, DESC);
	close_port();
}

/* Nothing comes back: the pool alone keeps the queue supplied. */
static void
starved(void)
{
	struct rte_mbuf *pkts[BURST];
	uint32_t got = 0;

	open_port(true);
	for (unsigned int i = 0; i < 100; i++) {
		uint16_t n;

		kernel(BURST, 0);
		n = xsk_rx_burst_sse(rxq, pkts, BURST);
		got += n;
		rte_pktmbuf_free_bulk(pkts, n);
	}
	CHECK_EQ(got, 100 * BURST);
	close_port();
}

#ifdef XSK_HAVE_RECYCLE
/* What a receiver never filled in, and a queue that cannot recycle: nothing moves. */
static void
not_recycled(void)
{
	struct rte_eth_recycle_rxq_info info = { 0 };

	open_port(false);
	kernel(BURST, 0);
	CHECK_EQ(forward(), BURST);
	kernel(0, DESC);
	CHECK_EQ(xsk_recycle_tx_reuse(txq, &info), 0);
	rxq->cross_shift = 12;
	xsk_recycle_rxq_info_get(&port.dev, 0, &info);
	CHECK(info.mbuf_ring == NULL);
	CHECK_EQ(xsk_recycle_tx_reuse(txq, &info), 0);
	/* Senders of other drivers look at these first. */
	CHECK(info.refill_head != NULL && info.receive_tail != NULL);
	CHECK_EQ(info.mbuf_ring_size, 1);
	conserved();
	close_port();
}

/* What rte_eth_recycle_mbufs does: sent mbufs are posted again, the pool stands still. */
static void
recycled(void)
{
	struct rte_eth_recycle_rxq_info info;
	uint32_t low = POOL, high = 0, got = 0, moved = 0;

	open_port(false);
	xsk_recycle_rxq_info_get(&port.dev, 0, &info);
	CHECK(info.mbuf_ring != NULL && info.mp == mp);
	for (unsigned int i = 0; i < 2000; i++) {
		uint16_t n;

		kernel(BURST, DESC);
		n = xsk_recycle_tx_reuse(txq, &info);
		if (n > 0)
			xsk_recycle_rx_refill(rxq, n);
		moved += n;
		got += forward();
		conserved();
		if (i < 200)
			continue;
		low = RTE_MIN(low, rte_mempool_avail_count(mp));
		high = RTE_MAX(high, rte_mempool_avail_count(mp));
	}
	CHECK_EQ(got, 2000 * BURST);
	CHECK(moved > 1900 * BURST);
	CHECK_EQ(high - low, 0);
	close_port();
}
#endif

int
main(void)
{
	struct fake_pool_cfg cfg = { .n = POOL, .cache = 64 };

	fake_eal("test_feed");
	mp = fake_pool("feed", &cfg);
	other = fake_pool("other", &cfg);
	leaves_pool_alone();
	mixed();
	stopped_elsewhere();
	starved();
#ifdef XSK_HAVE_RECYCLE
	not_recycled();
	recycled();
#endif
	fake_pool_free(other);
	fake_pool_free(mp);
	rte_eal_cleanup();
	return afx_test_end();
}

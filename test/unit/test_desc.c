/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a queue tells of its descriptors over fake rings: counts and states that are exact at every
 * moment, a free count that is honoured, and a monitor condition that never sleeps over a packet.
 */
#include <errno.h>
#include <string.h>

#include "afx_test.h"
#include "drivers/net/xsk/xsk_desc.h"
#include "fake_port.h"
#include "tx_world.h"

#define POOL 256
#define DESC 64

static struct rte_mempool *pool;

static void
check_rx(struct xsk_rxq *rx, uint32_t done, uint32_t held)
{
	CHECK_EQ(xsk_rx_queue_count(rx), done);
	CHECK_EQ(rx->held, held);
	for (uint16_t off = 0; off < rx->nb_desc; off++)
		CHECK_EQ(xsk_rx_descriptor_status(rx, off), off < done ? RTE_ETH_RX_DESC_DONE :
			off < held ? RTE_ETH_RX_DESC_AVAIL : RTE_ETH_RX_DESC_UNAVAIL);
	CHECK_EQ(xsk_rx_descriptor_status(rx, rx->nb_desc), -EINVAL);
}

static void
deliver(uint32_t cnt)
{
	while (cnt-- > 0) {
		uint64_t addr;

		CHECK(fake_take(f, &addr));
		CHECK(fake_deliver(f, addr, 60, AFX_XDP_HEADROOM));
	}
}

static void
rx_states(void)
{
	struct fake_cfg cfg = { .mp = pool, .rx_queues = 1, .rx_desc = DESC,
		.umem = XSK_UMEM_POOL };
	struct rte_mbuf *pkts[DESC], *taken[POOL];
	struct afx_err err = { 0 };
	struct xsk_rxq *rx;
	uint16_t n;

	CHECK_EQ(fake_port_open(&port, &cfg, &err), 0);
	rx = port.rxq[0];
	f = fake_sock(&port, 0);
	check_rx(rx, 0, DESC);
	deliver(10);
	check_rx(rx, 10, DESC);
	/* An empty pool: what is received is not replaced. */
	CHECK_EQ(rte_mempool_get_bulk(pool, (void **)taken, POOL - DESC), 0);
	n = xsk_rx_burst_sse(rx, pkts, 4);
	CHECK_EQ(n, 4);
	check_rx(rx, 6, DESC - 4);
	n += xsk_rx_burst_sse(rx, pkts + n, DESC);
	CHECK_EQ(n, 10);
	check_rx(rx, 0, DESC - 10);
	rte_mempool_put_bulk(pool, (void **)taken, POOL - DESC);
	rte_pktmbuf_free_bulk(pkts, n);
	fake_port_close(&port);
}

static int
may_sleep(const struct rte_power_monitor_cond *pmc)
{
	return pmc->fn(*(const volatile uint32_t *)pmc->addr, pmc->opaque);
}

static void
monitor(void)
{
	struct fake_cfg cfg = { .mp = pool, .rx_queues = 1, .rx_desc = DESC,
		.umem = XSK_UMEM_POOL };
	struct rte_power_monitor_cond pmc;
	struct rte_mbuf *pkts[DESC];
	struct afx_err err = { 0 };
	struct xsk_rxq *rx;

	CHECK_EQ(fake_port_open(&port, &cfg, &err), 0);
	rx = port.rxq[0];
	f = fake_sock(&port, 0);
	memset(&pmc, 0xff, sizeof(pmc));
	CHECK_EQ(xsk_get_monitor_addr(rx, &pmc), 0);
	CHECK(pmc.addr == &f->rx.prod);
	CHECK_EQ(pmc.size, 4);
	CHECK_EQ(may_sleep(&pmc), 0);
	/* Between the last poll and the sleep. */
	deliver(1);
	CHECK_EQ(may_sleep(&pmc), -1);
	CHECK_EQ(xsk_get_monitor_addr(rx, &pmc), 0);
	CHECK_EQ(may_sleep(&pmc), -1);
	deliver(2);
	CHECK_EQ(xsk_rx_burst_sse(rx, pkts, 1), 1);
	rte_pktmbuf_free(pkts[0]);
	/* Known to the queue, not yet fetched by the application. */
	CHECK_EQ(xsk_get_monitor_addr(rx, &pmc), 0);
	CHECK_EQ(may_sleep(&pmc), -1);
	CHECK_EQ(xsk_rx_burst_sse(rx, pkts, DESC), 2);
	rte_pktmbuf_free_bulk(pkts, 2);
	CHECK_EQ(xsk_get_monitor_addr(rx, &pmc), 0);
	CHECK_EQ(may_sleep(&pmc), 0);
	xsk_stop(&port.dev);
	CHECK_EQ(xsk_get_monitor_addr(rx, &pmc), -EINVAL);
	/* ethdev asks for queues that were never set up, too. */
	CHECK_EQ(xsk_get_monitor_addr(NULL, &pmc), -EINVAL);
	CHECK_EQ(xsk_tx_done_cleanup(NULL, 0), 0);
	CHECK_EQ(xsk_rx_queue_count(rx), 0);
	fake_port_close(&port);
}

static void
check_tx(uint32_t flying)
{
#ifdef XSK_HAVE_TX_QUEUE_COUNT
	CHECK_EQ(xsk_tx_queue_count(q), flying);
#endif
	for (uint16_t off = 0; off < q->nb_desc; off++)
		CHECK_EQ(xsk_tx_descriptor_status(q, off), off < q->nb_desc - flying ?
			RTE_ETH_TX_DESC_DONE : RTE_ETH_TX_DESC_FULL);
	CHECK_EQ(xsk_tx_descriptor_status(q, q->nb_desc), -EINVAL);
}

static int
silent(struct fake_xsk *k, void *arg)
{
	(void)k;
	(void)arg;
	return 0;
}

static void
tx_states(void)
{
	struct fake_cfg cfg = { .mp = pool, .tx_desc = DESC, .zc = true, .umem = XSK_UMEM_POOL };
	struct rte_mbuf *pkts[10];

	tx_open(&cfg);
	f->on_kick_tx = silent;
	check_tx(0);
	for (unsigned int i = 0; i < RTE_DIM(pkts); i++)
		pkts[i] = tx_packet(pool, 60);
	CHECK_EQ(xsk_tx_burst(q, pkts, RTE_DIM(pkts)), 10);
	check_tx(10);
	/* Sent is not done, completed is, whether reclaimed or not. */
	while (tx_wire())
		;
	check_tx(10);
	for (unsigned int i = 0; i < 7; i++)
		CHECK(fake_complete(f, sent[i]));
	check_tx(3);
	CHECK_EQ(xsk_tx_done_cleanup(q, 2), 2);
	check_tx(3);
	CHECK_EQ(xsk_tx_done_cleanup(q, 1), 1);
	CHECK_EQ(xsk_tx_done_cleanup(q, 100), 4);
	CHECK_EQ(xsk_tx_done_cleanup(q, 0), 0);
	check_tx(3);
	for (unsigned int i = 7; i < 10; i++)
		CHECK(fake_complete(f, sent[i]));
	CHECK_EQ(xsk_tx_done_cleanup(q, 0), 3);
	check_tx(0);
	/* A completion too many makes nothing negative. */
	CHECK(fake_complete(f, sent[0]));
	check_tx(0);
	xsk_tx_done_cleanup(q, 0);
	xsk_stop(&port.dev);
	CHECK_EQ(xsk_tx_descriptor_status(q, 0), RTE_ETH_TX_DESC_UNAVAIL);
	tx_close();
}

int
main(void)
{
	const struct fake_pool_cfg cfg = { .n = POOL };

	fake_eal("test_desc");
	pool = fake_pool("desc", &cfg);
	rx_states();
	monitor();
	tx_states();
	CHECK_EQ(rte_mempool_avail_count(pool), POOL);
	fake_pool_free(pool);
	return afx_test_end();
}

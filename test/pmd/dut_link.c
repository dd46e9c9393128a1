/* SPDX-License-Identifier: BSD-3-Clause */
/* The link goes down, comes up, or the netdev goes away. */
#include <stdio.h>
#include <string.h>

#include "dut.h"
#include "dut_shim.h"

static const struct port_cfg two_queues = {
	.nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512,
};

static int
link_status(uint16_t port)
{
	struct rte_eth_link link = { 0 };

	return rte_eth_link_get_nowait(port, &link) == 0 ? (int)link.link_status : -1;
}

static void
expect_link(struct dut *d, uint16_t port, int want, const char *when)
{
	EXPECT(d, WAIT_UNTIL(link_status(port) == want, DUT_WAIT_MS), "link told %s, %s",
	       link_status(port) ? "up" : "down", when);
}

static void
case_link(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	struct peer p;
	uint16_t port;

	if (!port_begin(d, &port, &cfg, 16383, 250, &p, ""))
		return;
	expect_link(d, port, RTE_ETH_LINK_UP, "both ends up");
	netdev_up(d->peer, false);
	expect_link(d, port, RTE_ETH_LINK_DOWN, "peer down");
	netdev_up(d->peer, true);
	expect_link(d, port, RTE_ETH_LINK_UP, "peer up again");
	netdev_up(d->iface, false);
	expect_link(d, port, RTE_ETH_LINK_DOWN, "interface administratively down");
	netdev_up(d->iface, true);
	expect_link(d, port, RTE_ETH_LINK_UP, "interface up again");
	EXPECT(d, path_ready(&p, port, &cfg), "nothing comes through after down and up");
	traffic_both(d, &p, port, &cfg, 300, "after down and up");
	port_close(port);
	peer_close(&p);
}

static void
case_removed(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	struct shim_count calls = { 0 };
	struct rte_mbuf *m;
	struct tally t = { 0 };
	struct peer p;
	uint16_t port;
	unsigned int i;

	if (!port_begin(d, &port, &cfg, 16383, 250, &p, ""))
		return;
	removal_watch(port);
	traffic_both(d, &p, port, &cfg, 100, "before removal");
	EXPECT(d, sys_run("ip link del dev %s", d->peer) == 0, "ip link del");

	/* Some calls may go into finding out. */
	for (i = 0; i < 1000; i++)
		rx_poll(port, cfg.nb_rxq, 1, &t);
	EXPECT(d, WAIT_UNTIL(removal_told || rte_eth_dev_is_removed(port) == 1 ||
			     link_status(port) != RTE_ETH_LINK_UP, DUT_WAIT_MS),
	       "nothing tells of the removal: no event, not removed, link up");
	shim_count_take();
	for (i = 0; i < 10000; i++)
		rx_poll(port, cfg.nb_rxq, 1, &t);
	calls = shim_count_take();
	EXPECT(d, calls.recv + calls.poll + calls.send < 1000,
	       "20000 empty Rx bursts made %lu recv, %lu poll, %lu send", calls.recv, calls.poll,
	       calls.send);
	for (i = 0; i < 1000; i++) {
		m = mbuf_frame(cfg.mp, 100, 1, i, i);
		if (m != NULL && rte_eth_tx_burst(port, i & 1, &m, 1) == 0)
			rte_pktmbuf_free(m);
	}
	calls = shim_count_take();
	EXPECT(d, calls.recv + calls.poll + calls.send < 500,
	       "1000 Tx bursts made %lu send", calls.send);
	port_close(port);
	pool_whole(d, cfg.mp, "after close of a removed netdev");
	peer_close(&p);
}

/* Packets that a driver has told as sent, less those it has told as lost. */
static int64_t
told_sent(uint16_t port)
{
	struct rte_eth_stats s = { 0 };
	uint64_t lost;

	rte_eth_stats_get(port, &s);
	lost = xstats_sum(port, "tx_", "drop|lost|carrier|fail");
	return (int64_t)s.opackets - (int64_t)RTE_MAX(s.oerrors, lost);
}

static void
case_carrier_down(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	struct rte_mbuf *m[DUT_BURST];
	unsigned int burst, i, taken = 0, n;
	struct shim_count calls;
	struct peer p;
	uint16_t port;
	int64_t before, sent;

	if (!port_begin(d, &port, &cfg, 16383, 250, &p, ""))
		return;
	traffic_both(d, &p, port, &cfg, 100, "carrier up");
	before = told_sent(port);
	netdev_up(d->peer, false);
	WAIT_UNTIL(link_status(port) == RTE_ETH_LINK_DOWN, 500);

	shim_count_take();
	for (burst = 0; burst < 200; burst++) {
		for (i = 0; i < DUT_BURST; i++)
			m[i] = mbuf_frame(cfg.mp, 100, 6, i, i);
		if (!EXPECT(d, m[DUT_BURST - 1] != NULL, "pool dry at burst %u", burst))
			break;
		n = rte_eth_tx_burst(port, 0, m, DUT_BURST);
		taken += n;
		rte_pktmbuf_free_bulk(m + n, DUT_BURST - n);
	}
	calls = shim_count_take();
	EXPECT(d, calls.send <= 8 * 200, "200 bursts of %u made %lu send calls", DUT_BURST,
	       calls.send);
	/* What still lies in the ring is neither sent nor lost. */
	sent = told_sent(port) - before;
	EXPECT(d, sent <= cfg.tx_desc, "%u packets taken, none can have left, %ld told as sent",
	       taken, (long)sent);

	netdev_up(d->peer, true);
	WAIT_UNTIL(link_status(port) == RTE_ETH_LINK_UP, DUT_WAIT_MS);
	EXPECT(d, path_ready(&p, port, &cfg), "nothing comes through since the carrier is back");
	traffic_both(d, &p, port, &cfg, 300, "carrier back");
	port_close(port);
	if (d->failed == 0)
		pool_whole(d, cfg.mp, "after close");
	peer_close(&p);
}

const struct dut_case dut_link_cases[] = {
	{ "link", "9", 2, 0, "shown", "link state follows the netdev", case_link },
	{ "removed", "10", 2, 0, "shown", "netdev removed while polled", case_removed },
	{ "carrier-down", "11", 2, 0, "shown", "Tx with the peer down", case_carrier_down },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

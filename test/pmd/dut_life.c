/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a port: set up again, stop, start, close, open again; where every mbuf goes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dut.h"
#include "dut_shim.h"

#define CYCLES 300

static const struct port_cfg two_queues = {
	.nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512,
};

/* Packets left unread in the Rx rings and unreaped in the Tx and completion rings. */
static void
leave_traffic(struct peer *p, uint16_t port, const struct port_cfg *cfg)
{
	uint8_t frame[128];
	struct rte_mbuf *m;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		frame_fill(frame, 100, 1, i, i);
		peer_send(p, frame, 100);
		m = mbuf_frame(cfg->mp, 100, 2, i, i);
		if (m != NULL && rte_eth_tx_burst(port, i % cfg->nb_txq, &m, 1) == 0)
			rte_pktmbuf_free(m);
	}
	peer_drain(p);
}

static void
case_requeue(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	struct peer p;
	uint16_t port;
	unsigned int held;
	int ret;

	if (!port_begin(d, &port, &cfg, 16383, 250, &p, ""))
		return;
	traffic_both(d, &p, port, &cfg, 500, "first set-up");
	held = rte_mempool_in_use_count(cfg.mp);
	leave_traffic(&p, port, &cfg);

	EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
	ret = port_setup(port, &cfg);
	EXPECT(d, ret == 0, "second set-up of the queues: %d", ret);
	if (ret == 0 && EXPECT(d, port_start(port) == 0, "second start")) {
		EXPECT(d, rte_mempool_in_use_count(cfg.mp) <= held + 64,
		       "the port holds %u mbufs, %u after the first set-up",
		       rte_mempool_in_use_count(cfg.mp), held);
		traffic_both(d, &p, port, &cfg, 500, "second set-up");
	}
	/* With one queue only, the other's mbufs come home. */
	if (ret == 0) {
		EXPECT(d, rte_eth_dev_stop(port) == 0, "second stop");
		cfg.nb_rxq = cfg.nb_txq = 1;
		ret = port_setup(port, &cfg);
		EXPECT(d, ret == 0, "set-up with one queue less: %d", ret);
	}
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
	peer_close(&p);
}

static void
case_leak_close(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	unsigned int i, fds = 0;
	struct peer p;
	uint16_t port;

	if (!pool_begin(d, &cfg, 16383, 250, &p))
		return;
	for (i = 0; i < CYCLES && d->failed == 0; i++) {
		if (!port_up(d, &port, &cfg, ""))
			break;
		leave_traffic(&p, port, &cfg);
		port_close(port);
		if (!pool_whole(d, cfg.mp, "after close"))
			printf("%s: cycle %u\n", d->case_name, i + 1);
		/* The first cycle may load what stays for good. */
		if (i == 1)
			fds = fd_count("");
	}
	if (d->failed == 0)
		EXPECT(d, fd_count("") <= fds, "%u descriptors, %u after the second cycle",
		       fd_count(""), fds);
	peer_close(&p);
}

static void
case_leak_stop(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	unsigned int i, held = 0, now;
	struct peer p;
	uint16_t port;

	if (!port_begin(d, &port, &cfg, 16383, 250, &p, ""))
		return;
	for (i = 0; i < CYCLES && d->failed == 0; i++) {
		leave_traffic(&p, port, &cfg);
		EXPECT(d, rte_eth_dev_stop(port) == 0, "stop %u", i);
		/* What stays with a stopped port may not grow. */
		if (i == 0) {
			WAIT_UNTIL(rte_mempool_in_use_count(cfg.mp) == 0, 200);
			held = rte_mempool_in_use_count(cfg.mp);
		}
		now = held;
		WAIT_UNTIL((now = rte_mempool_in_use_count(cfg.mp)) <= held, DUT_WAIT_MS);
		EXPECT(d, now <= held, "stop %u leaves %u mbufs out, the first %u", i, now, held);
		EXPECT(d, port_start(port) == 0, "start %u", i);
	}
	traffic_both(d, &p, port, &cfg, 500, "after all cycles");
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
	peer_close(&p);
}

static void
case_reopen(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	struct peer p;
	uint16_t port;
	unsigned int i;

	if (!pool_begin(d, &cfg, 32767, 250, &p))
		return;
	for (i = 0; i < 3 && d->failed == 0; i++) {
		if (!port_up(d, &port, &cfg, ""))
			break;
		traffic_both(d, &p, port, &cfg, 300, "opened");
		port_close(port);
	}
	peer_close(&p);
}

static void
case_stop_stops(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	struct tally stale = { 0 }, fresh = { 0 };
	uint8_t frame[128];
	uint64_t before;
	struct peer p;
	uint16_t port;
	unsigned int i;

	if (!port_begin(d, &port, &cfg, 16383, 250, &p, ""))
		return;
	traffic_both(d, &p, port, &cfg, 100, "before stop");
	EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");

	before = netdev_rx_packets(d->iface);
	for (i = 0; i < 256; i++) {
		frame_fill(frame, 100, 3, i, i);
		peer_send(&p, frame, 100);
	}
	/* Until the netdev has seen them, or has had every chance to. */
	WAIT_UNTIL(netdev_rx_packets(d->iface) >= before + 256, 500);

	EXPECT(d, port_start(port) == 0, "start again");
	rx_poll(port, cfg.nb_rxq, 3, &stale);
	traffic_in(d, &p, port, cfg.nb_rxq, 256, 4, &fresh);
	EXPECT(d, stale.right + fresh.other == 0,
		"%u packets sent while stopped came after restart", stale.right + fresh.other);
	EXPECT(d, fresh.right == 256, "%u of 256 packets after restart", fresh.right);
	port_close(port);
	peer_close(&p);
}

static void
case_odd_desc(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	struct rte_eth_dev_info info;
	struct peer p;
	uint16_t port;
	int ret;

	if (!pool_begin(d, &cfg, 16383, 250, &p))
		return;
	ret = port_open(d, &port, "queue_count=2");
	if (!EXPECT(d, ret == 0, "probe: %d", ret))
		return;
	cfg.rx_desc = cfg.tx_desc = 1000;
	ret = rte_eth_dev_info_get(port, &info);
	EXPECT(d, ret == 0, "dev_info: %d", ret);
	/* Either the limits say that 1000 is no good and adjusting mends it, or it is good. */
	rte_eth_dev_configure(port, 2, 2, &(struct rte_eth_conf){ 0 });
	if (info.rx_desc_lim.nb_align > 1 && 1000 % info.rx_desc_lim.nb_align != 0) {
		ret = rte_eth_dev_adjust_nb_rx_tx_desc(port, &cfg.rx_desc, &cfg.tx_desc);
		EXPECT(d, ret == 0, "adjust: %d", ret);
	}
	ret = port_setup(port, &cfg);
	if (EXPECT(d, ret == 0, "%u descriptors, allowed by dev_info: %d", cfg.rx_desc, ret) &&
	    EXPECT(d, port_start(port) == 0, "start"))
		traffic_both(d, &p, port, &cfg, 3000, "odd ring size");
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
	peer_close(&p);
}

static void
case_promisc(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	uint16_t port;
	int before, ret;

	cfg.mp = pool_new("rx", 16383, 250, DUT_ROOM);
	before = netdev_promiscuity(d->iface);
	if (!EXPECT(d, cfg.mp != NULL && before == 0, "pool, or promiscuity %d at start", before))
		return;
	if (!port_up(d, &port, &cfg, ""))
		return;
	ret = rte_eth_promiscuous_enable(port);
	EXPECT(d, ret == 0, "promiscuous_enable: %d", ret);
	EXPECT(d, WAIT_UNTIL(netdev_promiscuity(d->iface) == 1, DUT_WAIT_MS),
	       "promiscuity %d when enabled", netdev_promiscuity(d->iface));
	port_close(port);
	EXPECT(d, WAIT_UNTIL(netdev_promiscuity(d->iface) == 0, DUT_WAIT_MS),
	       "promiscuity %d after close", netdev_promiscuity(d->iface));
}

/* The kernel frees a closed queue later: the first binds of the next user say EBUSY. */
static void
case_bind_busy(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	struct peer p;
	uint16_t port;

	if (!pool_begin(d, &cfg, 16383, 250, &p))
		return;
	shim_arm(SHIM_BIND, 0, 3, EBUSY);
	if (port_up(d, &port, &cfg, "")) {
		EXPECT(d, shim_hits(SHIM_BIND) == 3, "%u of 3 refused binds met",
		       shim_hits(SHIM_BIND));
		traffic_both(d, &p, port, &cfg, 300, "after refused binds");
		port_close(port);
	}
	shim_disarm();
	peer_close(&p);
}

const struct dut_case dut_life_cases[] = {
	{ "requeue", "1", 2, 0, "shown", "stop, configure, rx_queue_setup again", case_requeue },
	{ "leak-close", "2,3", 2, 0, "shown", "300 times open and close", case_leak_close },
	{ "leak-stop", "2", 2, 0, "shown", "300 times stop and start, then close", case_leak_stop },
	{ "reopen", "3", 2, 0, "shown", "close, open again in the same process", case_reopen },
	{ "stop-stops", "8", 2, 0, "shown", "packets sent while stopped", case_stop_stops },
	{ "odd-desc", "14", 2, 0, "shown", "1000 descriptors", case_odd_desc },
	{ "promisc", "22", 2, 0, "shown", "promiscuity after close", case_promisc },
	{ "bind-busy", "24", 2, 0, "shown", "EBUSY from a queue just closed", case_bind_busy },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

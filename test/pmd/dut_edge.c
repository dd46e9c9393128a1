/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The edges of a port's life: closed by a handler of its own events, started with queues left out,
 * stopped while somebody holds its socket, changes that the kernel refuses, nothing but Tx queues.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_log.h>

#include "dut.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

static const struct port_cfg one_queue = {
	.nb_rxq = 1, .nb_txq = 1, .rx_desc = 512, .tx_desc = 512,
};

static volatile int closed_in_event;
static volatile int events_after_close;

static int
close_port(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret)
{
	RTE_SET_USED(type);
	RTE_SET_USED(arg);
	RTE_SET_USED(ret);
	if (rte_eth_dev_is_removed(port) != 1)
		return 0;
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	closed_in_event++;
	return 0;
}

static int
count_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret)
{
	RTE_SET_USED(port);
	RTE_SET_USED(type);
	RTE_SET_USED(arg);
	RTE_SET_USED(ret);
	events_after_close += closed_in_event;
	return 0;
}

/* The first event of a removal closes the port: there is no second one to handle. */
static void
case_closed_in_event(struct dut *d)
{
	struct port_cfg cfg = one_queue;
	struct peer p;
	uint16_t port;

	cfg.mp = pool_new("rx", 8191, 250, DUT_ROOM);
	if (!EXPECT(d, cfg.mp != NULL && peer_open(&p, d->peer) == 0, "pool or peer"))
		return;
	if (!port_up(d, &port, &cfg, ""))
		return;
	traffic_both(d, &p, port, &cfg, 100, "before removal");
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_LSC, close_port, NULL);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_RMV, count_event, NULL);
	EXPECT(d, sys_run("ip link del dev %s", d->peer) == 0, "ip link del");
	EXPECT(d, WAIT_UNTIL(closed_in_event == 1, 15000), "no event that closes the port");
	/* The thread that had the first event would have the second at once. */
	WAIT_UNTIL(events_after_close > 0, 300);
	EXPECT(d, events_after_close == 0, "%d events of a closed port", events_after_close);
	pool_whole(d, cfg.mp, "after close by the handler");
	peer_close(&p);
}

/* Each queue left out in turn: an error, not a crash; set up, it starts. */
static void
case_not_set_up(struct dut *d)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_mempool *mp = pool_new("rx", 8191, 250, DUT_ROOM);
	unsigned int left_out, q;
	uint16_t port;
	int ret;

	if (!EXPECT(d, mp != NULL && port_open(d, &port, "queue_count=2") == 0, "pool or probe"))
		return;
	for (left_out = 0; left_out <= 4; left_out++) {
		ret = rte_eth_dev_configure(port, 2, 2, &conf);
		for (q = 0; ret == 0 && q < 4; q++) {
			if (q == left_out)
				continue;
			if (q < 2)
				ret = rte_eth_rx_queue_setup(port, q, 256, SOCKET_ID_ANY, NULL, mp);
			else
				ret = rte_eth_tx_queue_setup(port, q - 2, 256, SOCKET_ID_ANY, NULL);
		}
		EXPECT(d, ret == 0, "set-up without queue %u: %d", left_out, ret);
		ret = rte_eth_dev_start(port);
		EXPECT(d, (ret == 0) == (left_out == 4), "start without queue %u of 4: %d",
		       left_out, ret);
		if (ret == 0)
			rte_eth_dev_stop(port);
		/* Without queues of an earlier round. */
		port_close(port);
		if (left_out < 4 &&
		    !EXPECT(d, port_open(d, &port, "queue_count=2") == 0, "probe again"))
			return;
	}
	pool_whole(d, mp, "after close");
}

/* A copy of the descriptor of the first AF_XDP socket of this process. */
static int
hold_socket(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	int held = -1;

	while (dir != NULL && held < 0 && (e = readdir(dir)) != NULL) {
		int fd = atoi(e->d_name), domain = 0;
		socklen_t len = sizeof(domain);

		if (e->d_name[0] != '.' && fd != dirfd(dir) &&
		    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_XDP)
			held = dup(fd);
	}
	if (dir != NULL)
		closedir(dir);
	return held;
}

/*
 * Somebody holds the socket of a port that only sends, with packets in its ring: stop waits, keeps
 * those mbufs and says so; once the socket is free the port starts as ever.
 */
static void
case_held_socket(struct dut *d)
{
	struct port_cfg cfg = { .nb_txq = 1, .tx_desc = 512 };
	const unsigned int left = 10;
	struct rte_mbuf *m;
	struct peer p;
	unsigned int i;
	uint16_t port;
	int held;

	cfg.mp = pool_new("tx", 8191, 0, DUT_ROOM);
	if (!EXPECT(d, cfg.mp != NULL && peer_open(&p, d->peer) == 0, "pool or peer"))
		return;
	if (!port_up(d, &port, &cfg, ""))
		return;
	traffic_both(d, &p, port, &cfg, 100, "before");
	EXPECT(d, WAIT_UNTIL((tx_reap(port, 1), rte_mempool_full(cfg.mp)), DUT_WAIT_MS), "reap");
	held = hold_socket();
	EXPECT(d, held >= 0 && netdev_up(d->iface, false) == 0, "socket or link");
	for (i = 0; i < left; i++) {
		m = mbuf_frame(cfg.mp, 100, 3, i, i);
		if (m != NULL && rte_eth_tx_burst(port, 0, &m, 1) == 0)
			rte_pktmbuf_free(m);
	}
	EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
	EXPECT(d, xstats_sum(port, "quarantined_mbufs", "quarantined") == left,
	       "%lu mbufs in quarantine",
	       (unsigned long)xstats_sum(port, "quarantined_mbufs", "quarantined"));
	EXPECT(d, rte_mempool_in_use_count(cfg.mp) == left, "%u mbufs out",
	       rte_mempool_in_use_count(cfg.mp));
	close(held);
	netdev_up(d->iface, true);
	for (i = 0; i < 2; i++) {
		EXPECT(d, port_start(port) == 0, "start %u", i);
		traffic_both(d, &p, port, &cfg, 100, "after");
		EXPECT(d, rte_eth_dev_stop(port) == 0, "stop %u", i);
	}
	EXPECT(d, rte_mempool_in_use_count(cfg.mp) == left, "%u mbufs out at the end",
	       rte_mempool_in_use_count(cfg.mp));
	port_close(port);
	peer_close(&p);
}

static unsigned int
netdev_mtu(const char *ifname)
{
	unsigned int mtu = 0;
	char line[512];

	if (sys_grep(line, sizeof(line), " mtu ", "ip -o link show dev %s", ifname))
		sscanf(strstr(line, " mtu "), " mtu %u", &mtu);
	return mtu;
}

/* An MTU that the kernel refused is nothing to put back when somebody else sets it later. */
static void
case_mtu_refused(struct dut *d)
{
	const unsigned int mtu = 3700;
	struct port_cfg cfg = one_queue;
	struct dut other = *d;
	uint16_t port, peer;

	cfg.mp = pool_new("rx", 4095, 250, 4096);
	other.iface = d->peer;
	if (!EXPECT(d, cfg.mp != NULL, "pool") || !port_up(d, &port, &cfg, ""))
		return;
	/* An XDP program at the other end bounds what veth takes at this one. */
	other.opened = d->opened;
	if (!EXPECT(d, port_up(&other, &peer, &cfg, ""), "port on the peer"))
		return;
	d->opened = other.opened;
	EXPECT(d, rte_eth_dev_set_mtu(port, 2000) == 0, "MTU 2000");
	EXPECT(d, rte_eth_dev_set_mtu(port, mtu) != 0, "MTU %u is taken", mtu);
	EXPECT(d, netdev_mtu(d->iface) == 2000, "MTU %u", netdev_mtu(d->iface));
	port_close(peer);
	EXPECT(d, sys_run("ip link set dev %s mtu %u", d->iface, mtu) == 0, "ip link");
	port_close(port);
	EXPECT(d, netdev_mtu(d->iface) == mtu, "somebody else's MTU %u has become %u", mtu,
	       netdev_mtu(d->iface));
}

/* The kernel receives on a port that only sends, so there is nothing to warn of. */
static void
case_tx_only_in_use(struct dut *d)
{
	static const char warning[] = "the kernel no longer receives";
	struct port_cfg cfg = one_queue;
	unsigned int i;
	uint16_t port;

	cfg.mp = pool_new("rx", 4095, 250, DUT_ROOM);
	if (!EXPECT(d, sys_run("ip addr add 198.51.100.1/24 dev %s", d->iface) == 0, "address"))
		return;
	for (i = 0; i < 2; i++) {
		char *log = NULL;
		size_t size = 0;
		FILE *f = open_memstream(&log, &size);

		cfg.nb_rxq = i;
		rte_openlog_stream(f);
		if (port_up(d, &port, &cfg, ""))
			port_close(port);
		rte_openlog_stream(NULL);
		fclose(f);
		printf("%s", log);
		EXPECT(d, (strstr(log, warning) != NULL) == (i > 0), "%u Rx queues: %s warning", i,
		       strstr(log, warning) != NULL ? "a" : "no");
		free(log);
	}
}

const struct dut_case dut_edge_cases[] = {
	{ "closed-in-event", "-", 1, 0, "broken", "an event handler closes the port",
		case_closed_in_event },
	{ "not-set-up", "-", 2, 0, "broken", "queues left out", case_not_set_up },
	{ "held-socket", "-", 2, 0, "broken", "stop while somebody holds the socket",
		case_held_socket },
	{ "mtu-refused", "-", 2, 0, "broken", "an MTU the kernel refuses", case_mtu_refused },
	{ "tx-only-in-use", "-", 2, 0, "broken", "only Tx queues, interface in use",
		case_tx_only_in_use },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

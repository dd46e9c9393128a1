/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The edges of a port's life: closed by a handler of its own events, started with queues left out,
 * stopped while somebody holds its socket or waits for its queue, changes that the kernel refuses,
 * nothing but Tx queues.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <rte_log.h>

#include "dut.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
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

	if (!port_begin(d, &port, &cfg, 8191, 250, &p, ""))
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

/* The same of a port that only receives: every frame that may still be written into is kept. */
static void
case_held_rx(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 1, .rx_desc = 512 };
	unsigned int kept;
	struct peer p;
	uint16_t port;
	int held;

	if (!port_begin(d, &port, &cfg, 4095, 0, &p, ""))
		return;
	traffic_both(d, &p, port, &cfg, 100, "before");
	held = hold_socket();
	kept = rte_mempool_in_use_count(cfg.mp);
	EXPECT(d, held >= 0 && kept > 0, "no socket, or no frames");
	EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
	EXPECT(d, xstats_sum(port, "quarantined_mbufs", "quarantined") == kept,
	       "%lu mbufs in quarantine, not %u",
	       (unsigned long)xstats_sum(port, "quarantined_mbufs", "quarantined"), kept);
	EXPECT(d, rte_mempool_in_use_count(cfg.mp) == kept, "%u mbufs out, not %u",
	       rte_mempool_in_use_count(cfg.mp), kept);
	close(held);
	EXPECT(d, port_start(port) == 0, "start");
	traffic_both(d, &p, port, &cfg, 100, "after");
	port_close(port);
	peer_close(&p);
}

/* What the process that waits for a queue tells. */
struct rival {
	volatile int ready;
	volatile int bound;
	volatile int error;
};

/* With memory of its own: bind the moment the queue is free, keep it until killed. */
static void
rival_run(struct rival *r, unsigned int ifindex)
{
	struct sockaddr_xdp sxdp = {
		.sxdp_family = AF_XDP, .sxdp_ifindex = ifindex, .sxdp_flags = XDP_COPY,
	};
	struct xdp_umem_reg reg = { .len = 1 << 16, .chunk_size = 2048 };
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), n = 64;
	void *mem = mmap(NULL, reg.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t end = now_ms() + 60000;

	reg.addr = (uintptr_t)mem;
	if (fd < 0 || mem == MAP_FAILED ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) != 0 ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &n, sizeof(n)) != 0 ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &n, sizeof(n)) != 0 ||
	    setsockopt(fd, SOL_XDP, XDP_RX_RING, &n, sizeof(n)) != 0)
		r->error = errno;
	r->ready = 1;
	while (r->error == 0 && !r->bound && now_ms() < end) {
		if (bind(fd, (struct sockaddr *)&sxdp, sizeof(sxdp)) == 0)
			r->bound = 1;
		else if (errno != EBUSY)
			r->error = errno;
	}
	while (now_ms() < end)
		usleep(1000);
}

/* In a process of its own, on the processors that the caller does not run on. */
static pid_t
rival_start(struct rival *r, const char *ifname)
{
	cpu_set_t others;
	pid_t pid;
	long cpu;

	memset(r, 0, sizeof(*r));
	pid = fork();
	if (pid != 0)
		return pid;
	CPU_ZERO(&others);
	for (cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		if (cpu != sched_getcpu())
			CPU_SET(cpu, &others);
	}
	sched_setaffinity(0, sizeof(others), &others);
	rival_run(r, if_nametoindex(ifname));
	_exit(0);
}

/*
 * Another process takes the queue the moment the port gives it up: stop does not take that socket
 * for its own, every mbuf comes back, and the port starts again when the other is gone. More than
 * once, for stop may happen to look while nobody has the queue.
 */
static void
case_taken_queue(struct dut *d)
{
	struct port_cfg cfg = one_queue;
	struct rival *r;
	unsigned int i;
	struct peer p;
	uint16_t port;
	pid_t pid;

	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cfg.mp = pool_new("rx", 4095, 0, DUT_ROOM);
	if (!EXPECT(d, r != MAP_FAILED && cfg.mp != NULL && peer_open(&p, d->peer) == 0,
		    "pool or peer") || !port_up(d, &port, &cfg, ""))
		return;
	for (i = 0; i < 5 && d->failed == 0; i++) {
		EXPECT(d, path_ready(&p, port, &cfg), "nothing comes through");
		traffic_both(d, &p, port, &cfg, 100, "before");
		pid = rival_start(r, d->iface);
		EXPECT(d, pid > 0 && WAIT_UNTIL(r->ready, DUT_WAIT_MS) && r->error == 0,
		       "the rival is not ready: %s", strerror(r->error));
		tx_reap(port, 1);
		EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
		EXPECT(d, WAIT_UNTIL(r->bound, DUT_WAIT_MS), "the rival does not get the queue: %s",
		       strerror(r->error));
		EXPECT(d, xstats_sum(port, "quarantined_mbufs", "quarantined") == 0,
		       "round %u: %lu mbufs in quarantine", i,
		       (unsigned long)xstats_sum(port, "quarantined_mbufs", "quarantined"));
		pool_whole(d, cfg.mp, "after stop");
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		EXPECT(d, port_start(port) == 0, "start when the rival is gone");
	}
	EXPECT(d, path_ready(&p, port, &cfg), "nothing comes through at the end");
	traffic_both(d, &p, port, &cfg, 100, "after");
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
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
	{ "held-rx", "-", 1, 0, "broken", "stop while somebody holds a receiving socket",
		case_held_rx },
	{ "taken-queue", "-", 1, 0, "broken", "stop while another process waits for the queue",
		case_taken_queue },
	{ "mtu-refused", "-", 2, 0, "broken", "an MTU the kernel refuses", case_mtu_refused },
	{ "tx-only-in-use", "-", 2, 0, "broken", "only Tx queues, interface in use",
		case_tx_only_in_use },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

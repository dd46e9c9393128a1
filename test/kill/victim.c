/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process that is killed: opens a port, echoes packets, stops and closes it, by the public API.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "kill.h"

#define VDEV_LEN 64
#define BURST 32
#define TRAFFIC_WAIT_MS 5000

static char vdev_name[VDEV_LEN];
static const char *vdev_args;
static struct rte_mempool *pool;
static struct report rep;
static pid_t self;               /* process and main thread */

/* Straight into the kernel: a library function would add calls that belong to no phase. */
static void
mark(enum kill_phase phase)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	si.si_code = SI_QUEUE;
	si.si_signo = SIGUSR1;
	si.si_value.sival_int = phase;
	syscall(SYS_rt_tgsigqueueinfo, self, self, SIGUSR1, &si);
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static bool
op(const char *name, int ret)
{
	if (ret >= 0)
		return true;
	if (rep.failures++ == 0) {
		rep.first_errno = ret;
		snprintf(rep.first_op, sizeof(rep.first_op), "%s", name);
	}
	return false;
}

/*
 * Open descriptors; unless was is given, they are noted there, else the first one not in it is
 * told.
 */
static int
count_fds(bool *was, bool note)
{
	struct dirent *de;
	int n = 0;
	DIR *d;

	if (note)
		memset(was, 0, 1024 * sizeof(*was));
	d = opendir("/proc/self/fd");
	while (d != NULL && (de = readdir(d)) != NULL) {
		int fd = atoi(de->d_name);
		char path[64];
		ssize_t len;

		if (de->d_name[0] == '.' || fd == dirfd(d) || fd >= 1024)
			continue;
		n++;
		if (note) {
			was[fd] = true;
		} else if (!was[fd] && rep.fd_extra[0] == '\0') {
			snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
			len = readlink(path, rep.fd_extra, sizeof(rep.fd_extra) - 1);
			rep.fd_extra[len < 0 ? 0 : len] = '\0';
		}
	}
	if (d != NULL)
		closedir(d);
	return n;
}

/* Mappings that hold a socket or a BPF object; all of them in *total. */
static int
count_maps(int32_t *total)
{
	char line[512];
	int n = 0;
	FILE *f = fopen("/proc/self/maps", "re");

	*total = 0;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		(*total)++;
		n += strstr(line, "socket:") != NULL || strstr(line, "bpf") != NULL;
	}
	if (f != NULL)
		fclose(f);
	return n;
}

static bool
open_port(uint16_t *port)
{
	bool ok;

	mark(PHASE_OPEN);
	ok = op("hotplug_add", rte_eal_hotplug_add("vdev", vdev_name, vdev_args));
	mark(PHASE_NONE);
	return ok && op("get_port_by_name", rte_eth_dev_get_port_by_name(vdev_name, port));
}

static bool
start_port(uint16_t port, bool change)
{
	struct rte_ether_addr mac = { KILL_MAC };
	struct rte_eth_conf conf;
	bool ok;

	memset(&conf, 0, sizeof(conf));
	conf.intr_conf.lsc = 1;
	mark(PHASE_START);
	ok = op("configure", rte_eth_dev_configure(port, KILL_QUEUES, KILL_QUEUES, &conf));
	for (uint16_t q = 0; q < KILL_QUEUES && ok; q++)
		ok = op("rx_queue_setup",
			     rte_eth_rx_queue_setup(port, q, 256, SOCKET_ID_ANY, NULL, pool)) &&
			op("tx_queue_setup",
				rte_eth_tx_queue_setup(port, q, 256, SOCKET_ID_ANY, NULL));
	if (ok && change)
		ok = op("set_mtu", rte_eth_dev_set_mtu(port, KILL_MTU)) &&
			op("mac_addr_set", rte_eth_dev_default_mac_addr_set(port, &mac));
	ok = ok && op("promiscuous_enable", rte_eth_promiscuous_enable(port)) &&
		op("allmulticast_enable", rte_eth_allmulticast_enable(port)) &&
		op("start", rte_eth_dev_start(port));
	mark(PHASE_NONE);
	return ok;
}

static void
echo(uint16_t port, uint16_t q)
{
	const uint32_t back = rte_cpu_to_be_32(KILL_MARK_BACK);
	const uint32_t out = rte_cpu_to_be_32(KILL_MARK_OUT);
	struct rte_mbuf *m[BURST];
	uint16_t n = rte_eth_rx_burst(port, q, m, BURST);
	uint16_t ours = 0, sent;

	for (uint16_t i = 0; i < n; i++) {
		uint8_t *p = rte_pktmbuf_mtod_offset(m[i], uint8_t *, KILL_MARK_OFF);

		if (m[i]->pkt_len < KILL_FRAME_LEN || memcmp(p, &out, sizeof(out)) != 0) {
			rte_pktmbuf_free(m[i]);
			continue;
		}
		memcpy(p, &back, sizeof(back));
		p[sizeof(back)] = q;
		m[ours++] = m[i];
	}
	rep.rx[q] += ours;
	sent = rte_eth_tx_burst(port, q, m, ours);
	rep.tx[q] += sent;
	rte_pktmbuf_free_bulk(m + sent, ours - sent);
}

static bool
traffic(uint16_t port)
{
	uint64_t end = now_ms() + TRAFFIC_WAIT_MS;
	bool ok = false;

	while (!ok && now_ms() < end) {
		ok = true;
		for (uint16_t q = 0; q < KILL_QUEUES; q++) {
			echo(port, q);
			ok = ok && rep.rx[q] >= KILL_PKTS && rep.tx[q] >= KILL_PKTS;
		}
	}
	rep.traffic_ok = ok;
	return ok;
}

/* Closed whatever the calls before said; taking the device off the bus may be tried twice. */
static void
stop_close(uint16_t port, bool started)
{
	int ret;

	mark(PHASE_STOP);
	if (started)
		op("stop", rte_eth_dev_stop(port));
	mark(PHASE_CLOSE);
	op("close", rte_eth_dev_close(port));
	do {
		ret = rte_eal_hotplug_remove("vdev", vdev_name);
		op("hotplug_remove", ret);
	} while (ret < 0 && ++rep.close_tries < 2);
	mark(PHASE_NONE);
}

static void
cycle(bool change)
{
	static bool was[1024];
	bool started;
	uint16_t port;

	rep.maps_before = count_maps(&rep.vmas_before);
	rep.fds_before = count_fds(was, true);
	if (open_port(&port)) {
		started = start_port(port, change);
		if (started)
			traffic(port);
		stop_close(port, started);
	}
	rep.fds_after = count_fds(was, false);
	rep.maps_after = count_maps(&rep.vmas_after);
	rep.pool_avail = rte_mempool_avail_count(pool);
	rep.pool_size = pool->size;
}

static bool
report(void)
{
	bool ok = write(KILL_REPORT_FD, &rep, sizeof(rep)) == sizeof(rep);

	memset(&rep, 0, sizeof(rep));
	return ok;
}

/* The supervisor ends this by a signal. */
static void
traffic_until_killed(bool with_child)
{
	uint16_t port;

	if (!open_port(&port) || !start_port(port, true) || !traffic(port)) {
		report();
		return;
	}
	if (with_child) {
		rep.child = fork();
		if (rep.child == 0)
			for (;;)
				pause();
	}
	report();
	for (;;)
		for (uint16_t q = 0; q < KILL_QUEUES; q++)
			echo(port, q);
}

int
main(int argc, char **argv)
{
	int n = rte_eal_init(argc, argv);
	char cmd;

	if (n < 0 || argc - n != 3) {
		fprintf(stderr, "usage: xsk_victim EAL-ARGS -- DRIVER DEVARGS\n");
		return 2;
	}
	snprintf(vdev_name, sizeof(vdev_name), "%s0", argv[n + 1]);
	vdev_args = argv[n + 2];
	self = getpid();
	signal(SIGUSR1, SIG_IGN);
	pool = rte_pktmbuf_pool_create(
		"pool", 4095, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL || !report())
		return 2;
	while (read(STDIN_FILENO, &cmd, 1) == 1 && cmd != KILL_QUIT) {
		if (cmd == KILL_TRAFFIC || cmd == KILL_FORK)
			traffic_until_killed(cmd == KILL_FORK);
		else
			cycle(cmd == KILL_CYCLE);
		if (!report())
			break;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dpdk-xsk-bench-cost: cycles a packet that poll-mode drivers on AF_XDP spend in user space. Each
 * driver runs unmodified on a veth of its own, its rings on a kernel that costs nothing
 * (fake_kernel.h). Drivers take turns, round by round, so that a change of the machine's speed
 * meets all of them alike.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "cost.h"
#include "fake_kernel.h"

#define FRAME_LEN 60
#define BURST_MAX 256
#define GROUP_PKTS 2048u
#define GROUPS_MAX 64

struct driver {
	const char *args;        /* of --vdev, without the interface */
	char name[64];
	uint16_t port;
	struct rte_mempool *mp;
	struct fk_sock *sock;
	bool fast_free;
};

static struct driver drivers[COST_DRIVERS_MAX];
static unsigned int drivers_cnt;
static char *evict;
static uint64_t clock_cost;

/* Push everything out of the caches that are a core's own, by reading something else. */
static void
make_cold(size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 64)
		(void)*(volatile const char *)&evict[i];
}

static void
calibrate(void)
{
	clock_cost = UINT64_MAX;
	for (unsigned int i = 0; i < 10000; i++) {
		uint64_t t = rte_rdtsc_precise();

		t = rte_rdtsc_precise() - t;
		clock_cost = RTE_MIN(clock_cost, t);
	}
}

/* One burst of the kind asked for: packets moved, cycles in *cycles. */
static uint32_t
one_burst(struct driver *d, const struct cost_case *c, uint64_t *cycles)
{
	struct rte_mbuf *pkts[BURST_MAX];
	uint16_t n = c->burst, sent = 0;
	uint64_t t;

	if (c->kind == COST_TX) {
		if (rte_pktmbuf_alloc_bulk(d->mp, pkts, n) < 0)
			cost_die("%s: the pool is empty", d->name);
		for (uint16_t i = 0; i < n; i++)
			pkts[i]->data_len = pkts[i]->pkt_len = FRAME_LEN;
	} else {
		fk_receive(d->sock, n, FRAME_LEN);
	}
	if (c->cold_bytes != 0)
		make_cold(c->cold_bytes);
	t = rte_rdtsc_precise();
	if (c->kind != COST_TX)
		n = rte_eth_rx_burst(d->port, 0, pkts, n);
	if (c->kind != COST_RX)
		sent = rte_eth_tx_burst(d->port, 0, pkts, n);
	t = rte_rdtsc_precise() - t;
	*cycles = t > clock_cost ? t - clock_cost : 0;
	if (c->kind != COST_RX)
		fk_complete(d->sock);
	if (sent < n)
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	return c->kind == COST_RX ? n : sent;
}

/*
 * One round: the median over groups of bursts, each long enough to hold a whole turn of refill and
 * reclaim. An interrupt spoils one group of many.
 */
static double
one_round(struct driver *d, const struct cost_case *c)
{
	unsigned int per_group = RTE_MAX(GROUP_PKTS / c->burst, 1u);
	double group[GROUPS_MAX], ignored;

	for (unsigned int g = 0; g < c->groups; g++) {
		uint64_t pkts = 0, cycles = 0;

		for (unsigned int i = 0; i < per_group; i++) {
			uint64_t t;

			pkts += one_burst(d, c, &t);
			cycles += t;
		}
		if (pkts != (uint64_t)per_group * c->burst)
			cost_die("%s moved %" PRIu64 " packets of %u", d->name, pkts,
				per_group * c->burst);
		group[g] = (double)cycles / pkts;
	}
	return cost_median(group, c->groups, &ignored, &ignored);
}

static void
run_case(const struct cost_case *c, unsigned int rounds)
{
	double r[COST_DRIVERS_MAX][COST_ROUNDS_MAX];

	for (unsigned int d = 0; d < drivers_cnt; d++)
		one_round(&drivers[d], c);
	for (unsigned int i = 0; i < rounds; i++)
		for (unsigned int d = 0; d < drivers_cnt; d++)
			r[d][i] = one_round(&drivers[d], c);
	for (unsigned int d = 0; d < drivers_cnt; d++)
		cost_report(c, drivers[d].name, r[d], r[0], rounds);
}

static void
start_port(struct driver *d, unsigned int nb_desc, bool fast_free)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	char pool[32];

	snprintf(pool, sizeof(pool), "cost%u", d->port);
	d->mp = rte_pktmbuf_pool_create(pool, 16384, 250, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (d->mp == NULL)
		cost_die("no memory for a pool of 16384 mbufs");
	if (rte_eth_dev_info_get(d->port, &info) < 0)
		cost_die("%s tells nothing of itself", d->name);
	d->fast_free = fast_free && (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE);
	if (d->fast_free)
		conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	info.default_txconf.offloads = conf.txmode.offloads;
	if (rte_eth_dev_configure(d->port, 1, 1, &conf) < 0 ||
			rte_eth_rx_queue_setup(d->port, 0, nb_desc, 0, NULL, d->mp) < 0 ||
			rte_eth_tx_queue_setup(d->port, 0, nb_desc, 0, &info.default_txconf) < 0 ||
			rte_eth_dev_start(d->port) < 0)
		cost_die("%s does not start", d->name);
	if (fk_count() != d->port + 1u)
		cost_die("%s has %u AF_XDP sockets with four rings, one is needed", d->name,
			fk_count() - d->port);
	d->sock = fk_get(d->port);
}

static void
start_all(const struct cost_opts *o, const char *argv0)
{
	char *argv[16 + 4 * COST_DRIVERS_MAX];
	int argc = 0;

	if (unshare(CLONE_NEWNET) < 0)
		cost_die("unshare(CLONE_NEWNET): %s: root is needed", strerror(errno));
	argv[argc++] = strdup(argv0);
	for (unsigned int i = 0; i < RTE_DIM(o->eal); i++)
		if (o->eal[i] != NULL)
			argv[argc++] = strdup(o->eal[i]);
	for (unsigned int i = 0; i < o->drivers_cnt; i++) {
		struct driver *d = &drivers[i];
		char text[512];

		cost_make_veth(i);
		d->args = o->drivers[i];
		cost_vdev(d->args, i, text, sizeof(text));
		snprintf(d->name, sizeof(d->name), "%s", d->args);
		argv[argc++] = strdup("--vdev");
		argv[argc++] = strdup(text);
	}
	argv[argc] = NULL;
	drivers_cnt = o->drivers_cnt;
	if (rte_eal_init(argc, argv) < 0)
		cost_die("EAL does not start");
	if (rte_eth_dev_count_avail() != drivers_cnt)
		cost_die("%u of %u drivers came up", rte_eth_dev_count_avail(), drivers_cnt);
	for (unsigned int i = 0; i < drivers_cnt; i++) {
		drivers[i].port = i;
		start_port(&drivers[i], o->nb_desc, o->fast_free);
	}
}

int
main(int argc, char **argv)
{
	static const char * const kinds[] = { "rx", "tx", "forward" };
	struct cost_opts o;

	cost_parse(argc, argv, &o);
	start_all(&o, argv[0]);
	evict = rte_malloc("evict", o.cold_bytes + 64, 64);
	if (evict == NULL)
		cost_die("no memory for %zu bytes to read", o.cold_bytes);
	memset(evict, 1, o.cold_bytes);
	calibrate();
	for (unsigned int k = 0; k < RTE_DIM(kinds); k++) {
		if (!(o.kinds & (1u << k)))
			continue;
		for (unsigned int b = 0; b < o.bursts_cnt; b++) {
			struct cost_case c = { .kind = k, .name = kinds[k], .burst = o.bursts[b] };

			for (unsigned int cold = 0; cold < 2; cold++) {
				if (!(o.caches & (1u << cold)))
					continue;
				c.cold_bytes = cold ? o.cold_bytes : 0;
				c.groups = cold ? 5 : 33;
				run_case(&c, o.rounds);
			}
		}
	}
	for (unsigned int i = 0; i < drivers_cnt; i++) {
		rte_eth_dev_stop(drivers[i].port);
		rte_eth_dev_close(drivers[i].port);
	}
	rte_eal_cleanup();
	return 0;
}

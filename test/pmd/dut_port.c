/* SPDX-License-Identifier: BSD-3-Clause */
/* A port of the driver under test, from probe to unplug, and the pools it is given. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>

#include "dut.h"

int
port_open(struct dut *d, uint16_t *port, const char *fmt, ...)
{
	char name[64], args[512];
	int n, ret;
	va_list ap;

	snprintf(name, sizeof(name), "%s%u", d->pmd, d->opened++);
	n = snprintf(args, sizeof(args), "iface=%s%s%s", d->iface, d->args[0] ? "," : "", d->args);
	va_start(ap, fmt);
	if (fmt[0] != '\0') {
		args[n++] = ',';
		vsnprintf(args + n, sizeof(args) - n, fmt, ap);
	}
	va_end(ap);

	ret = rte_eal_hotplug_add("vdev", name, args);
	if (ret != 0)
		return ret;
	ret = rte_eth_dev_get_port_by_name(name, port);
	if (ret != 0)
		rte_eal_hotplug_remove("vdev", name);
	return ret;
}

int
port_setup(uint16_t port, const struct port_cfg *cfg)
{
	struct rte_eth_conf conf = {
		.rxmode.offloads = cfg->rx_offloads, .txmode.offloads = cfg->tx_offloads,
	};
	uint16_t q;
	int ret;

	ret = rte_eth_dev_configure(port, cfg->nb_rxq, cfg->nb_txq, &conf);
	for (q = 0; ret == 0 && q < cfg->nb_rxq; q++)
		ret = rte_eth_rx_queue_setup(port, q, cfg->rx_desc, SOCKET_ID_ANY, NULL, cfg->mp);
	for (q = 0; ret == 0 && q < cfg->nb_txq; q++)
		ret = rte_eth_tx_queue_setup(port, q, cfg->tx_desc, SOCKET_ID_ANY, NULL);
	return ret;
}

int
port_start(uint16_t port)
{
	return rte_eth_dev_start(port);
}

bool
port_up(struct dut *d, uint16_t *port, const struct port_cfg *cfg, const char *args)
{
	uint16_t nb = RTE_MAX(cfg->nb_rxq, cfg->nb_txq);
	bool counted = strstr(args, "queue_count=") != NULL;
	int ret;

	ret = counted ? port_open(d, port, "%s", args) :
	      port_open(d, port, "queue_count=%u%s%s", nb, args[0] ? "," : "", args);
	if (!EXPECT(d, ret == 0, "probe with %s: %d", args, ret))
		return false;
	ret = port_setup(*port, cfg);
	if (EXPECT(d, ret == 0, "configure %u Rx %u Tx queues: %d", cfg->nb_rxq, cfg->nb_txq,
		    ret)) {
		ret = port_start(*port);
		if (EXPECT(d, ret == 0, "start: %d", ret))
			return true;
	}
	port_close(*port);
	return false;
}

void
port_close(uint16_t port)
{
	char name[RTE_ETH_NAME_MAX_LEN];

	if (rte_eth_dev_get_name_by_port(port, name) != 0)
		return;
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	rte_eal_hotplug_remove("vdev", name);
}

volatile bool removal_told;

static int
told_removal(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret)
{
	RTE_SET_USED(port);
	RTE_SET_USED(type);
	RTE_SET_USED(arg);
	RTE_SET_USED(ret);
	removal_told = true;
	return 0;
}

void
removal_watch(uint16_t port)
{
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_RMV, told_removal, NULL);
}

struct rte_mempool *
pool_new(const char *name, unsigned int n, unsigned int cache, uint16_t room)
{
	return rte_pktmbuf_pool_create(name, n, cache, 0, room, SOCKET_ID_ANY);
}

bool
pool_begin(struct dut *d, struct port_cfg *cfg, unsigned int n, unsigned int cache, struct peer *p)
{
	cfg->mp = pool_new("rx", n, cache, DUT_ROOM);
	return EXPECT(d, cfg->mp != NULL && peer_open(p, d->peer) == 0, "pool or peer");
}

bool
port_begin(struct dut *d, uint16_t *port, struct port_cfg *cfg, unsigned int n,
	   unsigned int cache, struct peer *p, const char *args)
{
	return pool_begin(d, cfg, n, cache, p) && port_up(d, port, cfg, args);
}

bool
pool_settled(struct rte_mempool *mp, unsigned int avail, unsigned int ms)
{
	return WAIT_UNTIL(rte_mempool_avail_count(mp) == avail, ms);
}

bool
pool_whole(struct dut *d, struct rte_mempool *mp, const char *when)
{
	pool_settled(mp, mp->size, DUT_WAIT_MS);
	return EXPECT(d, rte_mempool_avail_count(mp) == mp->size, "%s: %u of %u mbufs in pool %s",
		      when, rte_mempool_avail_count(mp), mp->size, mp->name);
}

static bool
has_word(const char *name, const char *words)
{
	char list[128], *word, *save = NULL;

	snprintf(list, sizeof(list), "%s", words);
	for (word = strtok_r(list, "|", &save); word != NULL; word = strtok_r(NULL, "|", &save))
		if (strstr(name, word) != NULL)
			return true;
	return false;
}

uint64_t
xstats_sum(uint16_t port, const char *prefix, const char *words)
{
	struct rte_eth_xstat_name names[256];
	struct rte_eth_xstat values[256];
	uint64_t sum = 0;
	int i, n;

	n = rte_eth_xstats_get_names(port, names, RTE_DIM(names));
	if (n <= 0 || n > (int)RTE_DIM(names) || rte_eth_xstats_get(port, values, n) != n)
		return 0;
	for (i = 0; i < n; i++)
		if (strncmp(names[i].name, prefix, strlen(prefix)) == 0 &&
		    has_word(names[i].name, words))
			sum += values[i].value;
	return sum;
}

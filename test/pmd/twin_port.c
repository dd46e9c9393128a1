/* SPDX-License-Identifier: BSD-3-Clause */
/* Both ends of a twin: modes, pools, ports, readiness. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "twin.h"

static bool
is_veth(const char *ifname)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/device", ifname);
	return access(path, F_OK) != 0;
}

static bool
is_igb(const char *ifname)
{
	char path[128], driver[256];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver", ifname);
	len = readlink(path, driver, sizeof(driver) - 1);
	driver[len < 0 ? 0 : len] = '\0';
	return strstr(driver, "/igb") != NULL;
}

void
twin_each_mode(struct dut *d, void (*fn)(struct twin *t))
{
	static const char *const modes[] = { "mode=copy", "mode=skb" };
	const char *args = d->args;
	unsigned int i, n = strstr(args, "mode=") != NULL ? 1 : RTE_DIM(modes);
	char with[256];

	for (i = 0; i < n && d->failed == 0; i++) {
		struct twin t = {
			.d = d,
			.mode = n == 1 ? args : modes[i],
			.a.iface = d->iface,
			.b.iface = d->peer,
			.tag = 1,
			.veth = is_veth(d->iface),
			.igb = is_igb(d->iface),
			.pkts = d->count != 0 ? d->count : TWIN_PKTS,
		};

		if (n > 1) {
			snprintf(with, sizeof(with), "%s%s%s", args, args[0] != '\0' ? "," : "",
				 modes[i]);
			d->args = with;
		}
		printf("%s: %s\n", d->case_name, t.mode);
		fn(&t);
	}
	d->args = args;
}

uint64_t
twin_wait_ms(const struct twin *t)
{
	return (uint64_t)DUT_WAIT_MS * t->d->patience;
}

struct rte_mempool *
twin_pool(struct twin *t, const char *name, const struct twin_cfg *cfg)
{
	struct rte_mempool *mp;

	mp = rte_pktmbuf_pool_create(name, cfg->mbufs != 0 ? cfg->mbufs : TWIN_MBUFS, 0, cfg->priv,
				     cfg->room != 0 ? cfg->room : DUT_ROOM, SOCKET_ID_ANY);
	EXPECT(t->d, mp != NULL, "%s: no memory for pool %s", t->mode, name);
	return mp;
}

static int
set_up(struct twin_end *e, const struct twin_cfg *cfg)
{
	uint16_t rx_desc = cfg->rx_desc != 0 ? cfg->rx_desc : TWIN_DESC;
	uint16_t tx_desc = cfg->tx_desc != 0 ? cfg->tx_desc : TWIN_DESC;
	struct rte_eth_conf conf = {
		.rxmode.offloads = cfg->rx_offloads,
		.rxmode.mtu = cfg->mtu,
		.txmode.offloads = cfg->tx_offloads,
	};
	struct rte_eth_dev_info info;
	uint16_t q;
	int ret;

	ret = rte_eth_dev_info_get(e->port, &info);
	if (ret != 0)
		return ret;
	info.default_rxconf.rx_free_thresh = cfg->free_thresh;
	info.default_rxconf.offloads = cfg->rx_offloads;
	ret = rte_eth_dev_configure(e->port, e->queues, e->queues, &conf);
	for (q = 0; ret == 0 && q < e->queues; q++)
		ret = rte_eth_rx_queue_setup(e->port, q, rx_desc, SOCKET_ID_ANY,
					     &info.default_rxconf, e->mp);
	for (q = 0; ret == 0 && q < e->queues; q++)
		ret = rte_eth_tx_queue_setup(e->port, q, tx_desc, SOCKET_ID_ANY, NULL);
	if (ret == 0)
		ret = rte_eth_dev_start(e->port);
	/* Frames of the tests are for nobody's address. */
	if (ret == 0)
		ret = rte_eth_promiscuous_enable(e->port);
	return ret;
}

bool
twin_open(struct twin *t, struct twin_end *e, const struct twin_cfg *cfg)
{
	struct dut on = *t->d;
	int ret;

	e->queues = cfg->queues != 0 ? cfg->queues : 1;
	e->own_mp = cfg->mp == NULL;
	e->mp = cfg->mp != NULL ? cfg->mp : twin_pool(t, e == &t->a ? "twin_a" : "twin_b", cfg);
	if (e->mp == NULL)
		return false;
	on.iface = e->iface;
	ret = port_open(&on, &e->port, "queue_count=%u%s%s", e->queues,
			cfg->args != NULL ? "," : "", cfg->args != NULL ? cfg->args : "");
	t->d->opened = on.opened;
	if (!EXPECT(t->d, ret == 0, "%s: probe on %s: %d", t->mode, e->iface, ret))
		return false;
	e->open = true;
	ret = set_up(e, cfg);
	return EXPECT(t->d, ret == 0, "%s: set-up of %s: %d", t->mode, e->iface, ret);
}

bool
twin_up(struct twin *t, const struct twin_cfg *a, const struct twin_cfg *b)
{
	static const struct twin_cfg plain;

	if (twin_open(t, &t->a, a != NULL ? a : &plain) &&
	    twin_open(t, &t->b, b != NULL ? b : &plain) && twin_ready(t))
		return true;
	twin_down(t, "after a start that failed");
	return false;
}

bool
twin_ready(struct twin *t)
{
	bool ready = twin_flush(t, &t->a, &t->b, NULL) && twin_flush(t, &t->b, &t->a, NULL);

	return EXPECT(t->d, ready, "%s: nothing comes through", t->mode);
}

static void
end_down(struct twin *t, struct twin_end *e, const char *when)
{
	if (e->mp == NULL)
		return;
	if (e->own_mp && pool_whole(t->d, e->mp, when))
		rte_mempool_free(e->mp);
	e->mp = NULL;
}

void
twin_down(struct twin *t, const char *when)
{
	/* Mbufs of either pool may lie in either port. */
	if (t->a.open)
		port_close(t->a.port);
	if (t->b.open)
		port_close(t->b.port);
	t->a.open = t->b.open = false;
	end_down(t, &t->a, when);
	end_down(t, &t->b, when);
}

uint64_t
twin_xstat(struct twin *t, const struct twin_end *e, const char *name)
{
	uint64_t id, value = 0;

	if (EXPECT(t->d, rte_eth_xstats_get_id_by_name(e->port, name, &id) == 0,
		   "no statistic %s", name))
		rte_eth_xstats_get_by_id(e->port, &id, &value, 1);
	return value;
}

void
twin_kernel_refused_none(struct twin *t)
{
	uint64_t a = xstats_sum(t->a.port, "tx_q", "kernel_invalid");
	uint64_t b = xstats_sum(t->b.port, "tx_q", "kernel_invalid");

	EXPECT(t->d, a == 0 && b == 0, "%s: the kernel refused %lu and %lu descriptors", t->mode,
	       (unsigned long)a, (unsigned long)b);
}

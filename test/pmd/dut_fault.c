/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel calls that fail or lie while a port is set up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut.h"
#include "dut_shim.h"

static const struct port_cfg two_queues = {
	.nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512,
};

/* Set up with XSKMAP inserts failing from the skip-th on: somebody must say so. */
static void
map_insert_fails(struct dut *d, struct port_cfg *cfg, unsigned int skip, const char *args)
{
	uint16_t port;
	int ret;

	ret = port_open(d, &port, "queue_count=2%s%s", args[0] ? "," : "", args);
	if (!EXPECT(d, ret == 0, "probe: %d", ret))
		return;
	shim_arm(SHIM_MAP_UPDATE, skip, 1000, ENOSPC);
	ret = port_setup(port, cfg);
	if (ret == 0)
		ret = port_start(port);
	EXPECT(d, shim_hits(SHIM_MAP_UPDATE) > 0, "no XSKMAP insert was made");
	EXPECT(d, ret != 0, "set-up and start succeed with %s, XSKMAP insert %u failing",
	       args[0] ? "xdp_prog" : "the driver's program", skip);
	shim_disarm();
	port_close(port);
}

static void
case_map_insert(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	char args[300] = "";
	struct peer p;
	uint16_t port;
	int i;

	if (!pool_begin(d, &cfg, 16383, 250, &p))
		return;
	if (d->prog == NULL)
		dut_skip(d, "no --prog object: half of the case left out");
	for (i = d->prog ? 0 : 2; i < 4 && d->failed == 0; i++) {
		if (i < 2)
			snprintf(args, sizeof(args), "xdp_prog=%s", d->prog);
		else
			args[0] = '\0';
		map_insert_fails(d, &cfg, i & 1, args);
		pool_whole(d, cfg.mp, "after a failed start");
	}
	if (d->failed == 0 && port_up(d, &port, &cfg, args)) {
		traffic_both(d, &p, port, &cfg, 300, "after failed starts");
		port_close(port);
	}
	peer_close(&p);
}

/* One run with the skip-th call of a kind failing; false when there was no such call. */
static bool
one_fault(struct dut *d, struct peer *p, struct port_cfg *cfg, enum shim_call call,
	  unsigned int skip)
{
	char when[64];
	bool met = false;
	uint16_t port;
	int ret;

	snprintf(when, sizeof(when), "%s call %u failed", shim_name(call), skip);
	shim_arm(call, skip, 1, ENOMEM);
	ret = port_open(d, &port, "queue_count=%u", cfg->nb_rxq);
	if (ret == 0) {
		ret = port_setup(port, cfg);
		if (ret == 0)
			ret = port_start(port);
		met = shim_hits(call) > 0;
		/* A driver may make do without the call; then it must work. */
		if (ret == 0 && met)
			traffic_both(d, p, port, cfg, 100, when);
		shim_disarm();
		port_close(port);
	}
	met |= shim_hits(call) > 0;
	shim_disarm();
	if (met)
		pool_whole(d, cfg->mp, when);
	return met;
}

/* Every call of one kind in turn; returns how many there were. */
static unsigned int
all_faults(struct dut *d, struct peer *p, struct port_cfg *cfg, enum shim_call call)
{
	unsigned int skip, fds = 0;

	for (skip = 0; skip < 24 && d->failed == 0; skip++) {
		if (!one_fault(d, p, cfg, call, skip))
			break;
		/* The first opening may leave open what stays for good. */
		if (skip == 0)
			fds = fd_count("");
		EXPECT(d, fd_count("") <= fds, "%s call %u failed: %u descriptors, %u before",
		       shim_name(call), skip, fd_count(""), fds);
	}
	return skip;
}

static void
case_setup_faults(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	enum shim_call call;
	unsigned int hits;
	struct peer p;
	uint16_t port;

	if (!pool_begin(d, &cfg, 16383, 250, &p))
		return;
	/* One queue and one failing bind first: nothing else can then be to blame. */
	cfg.nb_rxq = cfg.nb_txq = 1;
	one_fault(d, &p, &cfg, SHIM_BIND, 0);
	cfg.nb_rxq = cfg.nb_txq = 2;
	for (call = SHIM_SOCKET; call < SHIM_CALLS; call++) {
		hits = all_faults(d, &p, &cfg, call);
		printf("%s: %u calls of %s failed in turn\n", d->case_name, hits, shim_name(call));
		/* getsockopt may only be asked for statistics, later. */
		EXPECT(d, hits > 0 || d->failed > 0 || call == SHIM_GETSOCKOPT,
		       "%s was never called", shim_name(call));
	}
	if (d->failed == 0 && port_up(d, &port, &cfg, "")) {
		traffic_both(d, &p, port, &cfg, 300, "after all faults");
		port_close(port);
	}
	peer_close(&p);
}

static void
case_channels(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	struct rte_eth_dev_info info;
	struct peer p;
	uint16_t port;
	int ret;

	if (!pool_begin(d, &cfg, 16383, 250, &p))
		return;
	shim_channels(CHANNELS_STALE_ERRNO);
	if (port_up(d, &port, &cfg, "queue_count=2")) {
		ret = rte_eth_dev_info_get(port, &info);
		EXPECT(d, ret == 0 && info.max_rx_queues == 2, "%u queues", info.max_rx_queues);
		traffic_both(d, &p, port, &cfg, 300, "stale errno");
		port_close(port);
	}
	if (d->failed == 0) {
		shim_channels(CHANNELS_REFUSED);
		cfg.nb_rxq = cfg.nb_txq = 1;
		if (port_up(d, &port, &cfg, "queue_count=1"))
			port_close(port);
	}
	shim_channels(CHANNELS_TRUE);
	peer_close(&p);
}

/*
 * A mode that is given up while busy polling was on in it already: what that had changed at the
 * netdev's NAPI is taken back before the next mode is tried. veth gives sockets no NAPI, so one of
 * its own is told for the first queue's.
 */
static void
case_busy_given_up(struct dut *d)
{
	const char *tools = getenv("DUT_TOOLS");
	struct port_cfg cfg = two_queues;
	char line[256] = "";
	struct peer p;
	uint16_t port;

	if (!pool_begin(d, &cfg, 16383, 250, &p))
		return;
	if (tools == NULL || sys_run("ethtool -K %s gro on", d->iface) != 0 ||
	    !sys_grep(line, sizeof(line), " 0 0 0", "%s/napi.py %s", tools, d->iface)) {
		dut_skip(d, "no tool, no ethtool or no parameters for a single NAPI (kernel 6.13)");
		return;
	}
	if (!EXPECT(d, port_open(d, &port, "queue_count=2,busy_poll=64") == 0 &&
		    port_setup(port, &cfg) == 0, "probe or set-up"))
		return;
	/* Asked when it is turned on, and once more whether it is. */
	shim_napi(atoi(line), 2);
	shim_arm(SHIM_BIND, 1, 1, EOPNOTSUPP);
	EXPECT(d, port_start(port) == 0, "start in another mode");
	EXPECT(d, shim_hits(SHIM_BIND) == 1, "no bind was refused");
	shim_disarm();
	shim_napi(0, 0);
	EXPECT(d, !sys_grep(line, sizeof(line), " 2 200000 0", "%s/napi.py %s", tools, d->iface),
	       "NAPI stays changed: %s", line);
	traffic_both(d, &p, port, &cfg, 300, "in the other mode");
	port_close(port);
	peer_close(&p);
}

const struct dut_case dut_fault_cases[] = {
	{ "map-insert", "5", 2, 0, "shown", "XSKMAP insert fails", case_map_insert },
	{ "setup-faults", "15", 2, 0, "shown", "each call of the set-up fails in turn",
	  case_setup_faults },
	{ "channels", "19", 2, 0, "shown", "errno left over from before", case_channels },
	{ "busy-given-up", "-", 2, 0, "broken", "busy polling of a mode that is given up",
		case_busy_given_up },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

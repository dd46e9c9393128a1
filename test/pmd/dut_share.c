/* SPDX-License-Identifier: BSD-3-Clause */
/* Several users of one netdev or one pool, and the queues nobody serves. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_log.h>

#include "dut.h"

static const struct port_cfg one_queue = {
	.nb_rxq = 1, .nb_txq = 1, .rx_desc = 512, .tx_desc = 512,
};

/* Frames of many flows until the port has some; whether it had. */
static bool
hears(struct peer *p, uint16_t port, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	uint8_t frame[128];
	struct tally t = { 0 };
	unsigned int flow = 0;

	while (t.right < 20 && t.wrong == 0 && now_ms() < end) {
		frame_fill(frame, 100, 5, flow, flow);
		peer_send(p, frame, 100);
		flow++;
		rx_poll(port, 1, 5, &t);
	}
	return t.right >= 20 && t.wrong == 0;
}

static void
case_two_vdevs(struct dut *d)
{
	struct port_cfg cfg[2] = { one_queue, one_queue };
	uint16_t port[2];
	struct peer p;
	int victim;

	cfg[0].mp = pool_new("rx0", 8191, 250, DUT_ROOM);
	cfg[1].mp = pool_new("rx1", 8191, 250, DUT_ROOM);
	if (!EXPECT(d, cfg[0].mp && cfg[1].mp && peer_open(&p, d->peer) == 0, "pool or peer"))
		return;
	/* The first opened goes first, then the second. */
	for (victim = 0; victim < 2 && d->failed == 0; victim++) {
		if (!port_up(d, &port[0], &cfg[0], "start_queue=0,queue_count=1"))
			return;
		if (!port_up(d, &port[1], &cfg[1], "start_queue=1,queue_count=1")) {
			port_close(port[0]);
			return;
		}
		EXPECT(d, hears(&p, port[0], DUT_WAIT_MS), "queue 0 hears nothing, both open");
		EXPECT(d, hears(&p, port[1], DUT_WAIT_MS), "queue 1 hears nothing, both open");
		port_close(port[victim]);
		EXPECT(d, hears(&p, port[!victim], DUT_WAIT_MS),
		       "queue %d hears nothing since the other port was closed", !victim);
		port_close(port[!victim]);
	}
	EXPECT(d, WAIT_UNTIL(!netdev_has_prog(d->iface), DUT_WAIT_MS),
	       "program left after the last close");
	peer_close(&p);
}

/* Two vdevs or two queues on one small pool: no more than nb_rx_desc each, all of it returned. */
static void
case_shared_umem(struct dut *d)
{
	struct port_cfg cfg = one_queue;
	uint16_t port[2];
	struct peer p;
	int ret;

	cfg.nb_rxq = cfg.nb_txq = 2;
	cfg.mp = pool_new("small", 3000, 0, DUT_ROOM);
	if (!EXPECT(d, cfg.mp != NULL && peer_open(&p, d->peer) == 0, "pool or peer"))
		return;
	ret = port_open(d, &port[0], "queue_count=2,shared_umem=1");
	if (ret != 0 && strcmp(d->pmd, "net_af_xdp") == 0) {
		dut_skip(d, "shared_umem compiled out of this net_af_xdp");
		return;
	}
	if (!EXPECT(d, ret == 0, "probe: %d", ret))
		return;
	ret = port_setup(port[0], &cfg);
	if (EXPECT(d, ret == 0, "set-up of two queues on a pool of 3000: %d", ret) &&
	    EXPECT(d, port_start(port[0]) == 0, "start"))
		traffic_both(d, &p, port[0], &cfg, 2000, "two queues sharing");
	port_close(port[0]);
	pool_whole(d, cfg.mp, "two queues sharing");

	cfg.nb_rxq = cfg.nb_txq = 1;
	if (port_up(d, &port[0], &cfg, "start_queue=0,queue_count=1,shared_umem=1")) {
		if (port_up(d, &port[1], &cfg, "start_queue=1,queue_count=1,shared_umem=1")) {
			EXPECT(d, hears(&p, port[0], DUT_WAIT_MS), "first sharer hears nothing");
			EXPECT(d, hears(&p, port[1], DUT_WAIT_MS), "second sharer hears nothing");
			port_close(port[0]);
			EXPECT(d, hears(&p, port[1], DUT_WAIT_MS),
			       "second sharer hears nothing after the first closed");
			port_close(port[1]);
		} else {
			port_close(port[0]);
		}
	}
	pool_whole(d, cfg.mp, "two ports sharing");
	peer_close(&p);
}

/* Does the line name the number, alone or inside a range such as 0-3? */
static bool
names_number(const char *line, long want)
{
	const char *c = line;
	char *end;
	long lo, hi;

	while (*c != '\0') {
		if (!isdigit((unsigned char)*c) ||
		    (c > line && (isalnum((unsigned char)c[-1]) || c[-1] == '_'))) {
			c++;
			continue;
		}
		lo = hi = strtol(c, &end, 10);
		if (end[0] == '-' && isdigit((unsigned char)end[1]))
			hi = strtol(end + 1, &end, 10);
		if (lo <= want && want <= hi && !isalpha((unsigned char)*end))
			return true;
		c = end;
	}
	return false;
}

/* A line that speaks of queues, names 0 and 3, and neither 1 nor 2. */
static bool
log_names_left_queues(char *log)
{
	char *line, *save = NULL, *text;

	for (line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		text = strcasestr(line, "queue");
		if (text == NULL)
			continue;
		if (names_number(text, 0) && names_number(text, 3) &&
		    !names_number(text, 1) && !names_number(text, 2))
			return true;
	}
	return false;
}

static void
case_left_queues(struct dut *d)
{
	struct port_cfg cfg = one_queue;
	char *log = NULL;
	size_t size = 0;
	uint16_t port;
	FILE *f;

	cfg.nb_rxq = cfg.nb_txq = 2;
	cfg.mp = pool_new("rx", 16383, 250, DUT_ROOM);
	f = open_memstream(&log, &size);
	if (!EXPECT(d, cfg.mp != NULL && f != NULL, "pool or stream"))
		return;
	rte_openlog_stream(f);
	if (port_up(d, &port, &cfg, "start_queue=1,queue_count=2"))
		port_close(port);
	rte_openlog_stream(NULL);
	fclose(f);
	printf("%s", log);
	EXPECT(d, log_names_left_queues(log),
	       "no log line at the default level names queues 0 and 3 as left to the kernel");
	free(log);
}

const struct dut_case dut_share_cases[] = {
	{ "two-vdevs", "4", 2, 0, "shown", "one of two vdevs on a netdev closes", case_two_vdevs },
	{ "shared-umem", "16", 2, 0, "skip", "shared_umem on a small pool", case_shared_umem },
	{ "left-queues", "23", 4, 0, "shown", "queues left to the kernel are named",
		case_left_queues },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

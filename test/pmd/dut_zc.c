/* SPDX-License-Identifier: BSD-3-Clause */
/* A zero-copy port whose NIC is reset, reconfigured or taken away; and one that only transmits. */
#include <libgen.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut.h"
#include "dut_audit.h"

static bool
is_zero_copy(const char *ifname, unsigned int queue)
{
	struct audit_queue q;

	return audit_find(if_nametoindex(ifname), queue, &q) && q.zero_copy;
}

static bool
both_up(const struct dut *d)
{
	char line[512];

	return sys_grep(line, sizeof(line), "LOWER_UP", "ip -o link show dev %s", d->iface) &&
	       sys_grep(line, sizeof(line), "LOWER_UP", "ip -o link show dev %s", d->peer);
}

/* Everything comes through again, byte by byte, on as many queues as the netdev has. */
static void
comes_back(struct dut *d, struct peer *p, uint16_t port, const struct port_cfg *cfg,
	   const char *when)
{
	EXPECT(d, WAIT_UNTIL(both_up(d), DUT_WAIT_MS), "%s: no carrier", when);
	if (!EXPECT(d, path_ready(p, port, cfg), "%s: nothing comes through", when))
		return;
	traffic_both(d, p, port, cfg, 1000, when);
	EXPECT(d, is_zero_copy(d->iface, 0), "%s: not zero-copy", when);
}

/* The NIC's rings are taken down and built anew under the port, by every means that does it. */
static void
case_reset(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 1, .nb_txq = 1, .rx_desc = 512, .tx_desc = 512 };
	static const struct {
		const char *what;
		const char *command;
		bool may_fail;	/* the driver does not know it, or refuses while bound */
	} step[] = {
		{ "down and up", "ip link set $i down && ip link set $i up", false },
		{ "other ring sizes", "ethtool -G $i rx 128 tx 128", true },
		{ "smaller MTU", "ip link set $i mtu 1400 && ip link set $i mtu 1500", false },
		/* A table set by hand would be in the way of the way back. */
		{ "more queues", "ethtool -L $i combined 2 && ethtool -X $i default && "
			"ethtool -L $i combined 1", true },
		{ "peer down and up", "ip link set $p down && ip link set $p up", false },
	};
	struct peer p;
	uint16_t port;
	unsigned int i;
	int ret;

	if (!port_begin(d, &port, &cfg, 4095, 0, &p, "mode=zc"))
		return;
	comes_back(d, &p, port, &cfg, "at first");
	for (i = 0; i < RTE_DIM(step); i++) {
		ret = sys_run("i=%s p=%s; { %s; } 2>/dev/null", d->iface, d->peer,
			      step[i].command);
		printf("%s: %s: %s\n", d->case_name, step[i].what, ret == 0 ? "done" : "refused");
		EXPECT(d, ret == 0 || step[i].may_fail, "%s: refused", step[i].what);
		comes_back(d, &p, port, &cfg, step[i].what);
	}
	EXPECT(d, xstats_sum(port, "tx_q0", "kernel_invalid") == 0, "invalid Tx descriptors");
	EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
	pool_whole(d, cfg.mp, "after stop");
	EXPECT(d, xstats_sum(port, "quarantined", "mbufs") == 0, "mbufs in quarantine");
	port_close(port);
	peer_close(&p);
}

static int
write_word(const char *path, const char *word)
{
	FILE *f = fopen(path, "we");
	int ret;

	if (f == NULL)
		return -1;
	ret = fputs(word, f) < 0 ? -1 : 0;
	return fclose(f) == 0 ? ret : -1;
}

/* The driver is taken off the NIC while packets arrive: the port is told, and all mbufs return. */
static void
case_unbind(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 1, .nb_txq = 1, .rx_desc = 512, .tx_desc = 512 };
	char path[PATH_MAX], device[PATH_MAX], driver[PATH_MAX];
	struct tally t = { 0 };
	uint8_t frame[256];
	struct peer p;
	uint16_t port;
	unsigned int i;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device", d->iface);
	if (realpath(path, device) == NULL) {
		dut_skip(d, "%s is no device that can be taken away", d->iface);
		return;
	}
	snprintf(path, sizeof(path), "%.*s/driver", PATH_MAX - 16, device);
	cfg.mp = pool_new("rx", 4095, 0, DUT_ROOM);
	if (!EXPECT(d, realpath(path, driver) != NULL, "no driver") ||
	    !EXPECT(d, cfg.mp != NULL && peer_open(&p, d->peer) == 0, "pool or peer") ||
	    !port_up(d, &port, &cfg, "mode=zc"))
		return;
	removal_watch(port);
	comes_back(d, &p, port, &cfg, "at first");
	for (i = 0; i < 300; i++) {
		frame_fill(frame, 200, 80, i, i);
		peer_send(&p, frame, 200);
	}
	snprintf(path, sizeof(path), "%.*s/unbind", PATH_MAX - 16, driver);
	EXPECT(d, write_word(path, basename(device)) == 0, "unbind");
	for (i = 0; i < 1000; i++)
		rx_poll(port, 1, 80, &t);
	EXPECT(d, WAIT_UNTIL(removal_told, DUT_WAIT_MS), "nobody told of the removal");
	EXPECT(d, rte_eth_dev_is_removed(port) == 1, "not removed");
	EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
	pool_whole(d, cfg.mp, "after stop of a removed NIC");
	EXPECT(d, xstats_sum(port, "quarantined", "mbufs") == 0, "mbufs in quarantine");
	port_close(port);
	EXPECT(d, t.wrong == 0, "%u wrong packets", t.wrong);
	snprintf(path, sizeof(path), "%.*s/bind", PATH_MAX - 16, driver);
	EXPECT(d, write_word(path, basename(device)) == 0, "bind again");
	peer_close(&p);
}

/* Transmission only: what the queue receives still reaches the kernel's own sockets, all of it. */
static void
case_txonly(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 0, .nb_txq = 1, .tx_desc = 512 };
	uint64_t end = now_ms() + DUT_WAIT_MS;
	struct tally out = { 0 }, in = { 0 };
	const unsigned int n = 3000;
	uint8_t frame[DUT_MAX_FRAME];
	struct peer p, kernel;
	unsigned int sent = 0, len;
	struct rte_mempool *mp;
	uint16_t port;

	mp = pool_new("tx", 2047, 0, DUT_ROOM);
	if (!EXPECT(d, mp && !peer_open(&p, d->peer) && !peer_open(&kernel, d->iface), "pool"))
		return;
	if (!port_up(d, &port, &cfg, "mode=zc"))
		return;
	EXPECT(d, is_zero_copy(d->iface, 0), "not zero-copy");
	EXPECT(d, WAIT_UNTIL(both_up(d), DUT_WAIT_MS), "no carrier");
	while (in.right < n && in.wrong == 0 && now_ms() < end) {
		while (sent < n && sent - in.right < 64) {
			frame_fill(frame, 60 + sent % 1455, 90, sent, 0);
			peer_send(&p, frame, 60 + sent % 1455);
			sent++;
			end = now_ms() + DUT_WAIT_MS;
		}
		len = peer_recv(&kernel, frame, sizeof(frame), 5);
		if (len > 0)
			tally_frame(frame, len, 90, &in);
		tx_reap(port, 1);
	}
	EXPECT(d, in.right == n && in.wrong == 0, "the kernel got %u of %u frames, %u wrong",
	       in.right, n, in.wrong);
	peer_drain(&p);
	traffic_out(d, &p, port, 1, mp, n, 91, &out);
	EXPECT(d, out.right == n && out.wrong == 0, "of %u out, %u right %u wrong", n, out.right,
	       out.wrong);
	port_close(port);
	pool_whole(d, mp, "after close");
	peer_close(&p);
	peer_close(&kernel);
}

const struct dut_case dut_zc_cases[] = {
	{ "zc-reset", "-", 1, DUT_HELPER, "-", "NIC reset under a zero-copy port", case_reset },
	{ "zc-unbind", "-", 1, DUT_HELPER, "-", "NIC taken from its driver", case_unbind },
	{ "zc-txonly", "-", 1, DUT_HELPER, "-", "a Tx-only port leaves the kernel its packets",
		case_txonly },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

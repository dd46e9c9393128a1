/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports of different drivers over one span of memory: a packet goes from any of them to any other
 * without a byte moved. The address where the kernel put it, the address of the mbuf's data and the
 * address the kernel sends from are one.
 *
 * --iface and --peer are lists, "a+b+c": zero-copy where the driver has it.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "dut.h"
#include "dut_audit.h"
#include "dut_shim.h"

#define PORTS 3
#define PACKETS 48

struct span {
	struct dut *d;
	char ifname[PORTS][IFNAMSIZ];
	char peername[PORTS][IFNAMSIZ];
	unsigned int ifindex[PORTS];
	bool zero_copy[PORTS];
	struct peer peer[PORTS];
	uint16_t port[PORTS];
	struct port_cfg cfg[PORTS];
	unsigned int moved;	/* packets whose addresses were compared */
	uint8_t tag;
};

static bool
split(const char *list, char names[PORTS][IFNAMSIZ])
{
	return sscanf(list, "%15[^+]+%15[^+]+%15[^+]", names[0], names[1], names[2]) == PORTS;
}

/* Packets of one burst from their peer to the other port's, each address noted on the way. */
static unsigned int
hand_over(struct span *s, unsigned int from, unsigned int to)
{
	uintptr_t rx[DUT_BURST], data[DUT_BURST], tx[DUT_BURST];
	struct rte_mbuf *m[DUT_BURST];
	unsigned int seen, i, differ = 0;
	uint16_t n, sent;

	seen = audit_rx(s->ifindex[from], 0, rx, DUT_BURST);
	n = rte_eth_rx_burst(s->port[from], 0, m, seen);
	for (i = 0; i < n; i++)
		data[i] = rte_pktmbuf_mtod(m[i], uintptr_t);
	sent = n > 0 ? rte_eth_tx_burst(s->port[to], 0, m, n) : 0;
	EXPECT(s->d, sent == n, "%s to %s: %u of %u taken", s->ifname[from], s->ifname[to], sent,
	       n);
	rte_pktmbuf_free_bulk(m + sent, n - sent);
	if (sent == 0)
		return 0;
	EXPECT(s->d, audit_tx(s->ifindex[to], 0, tx, sent) == sent, "no Tx ring of %s",
	       s->ifname[to]);
	for (i = 0; i < sent; i++)
		differ += rx[i] != data[i] || data[i] != tx[i];
	EXPECT(s->d, differ == 0, "%s to %s: addresses differ for %u of %u, first Rx %lx mbuf %lx "
	       "Tx %lx", s->ifname[from], s->ifname[to], differ, sent, (unsigned long)rx[0],
	       (unsigned long)data[0], (unsigned long)tx[0]);
	s->moved += sent;
	return sent;
}

static void
forward(struct span *s, unsigned int from, unsigned int to, const char *when)
{
	uint64_t end = now_ms() + DUT_WAIT_MS, before, copied;
	unsigned int i, len, passed = 0;
	uint8_t frame[DUT_MAX_FRAME];
	struct tally t = { 0 };

	before = xstats_sum(s->port[to], "tx_q0", "bounce");
	s->tag = s->tag < 100 ? 100 : s->tag == 199 ? 100 : s->tag + 1;
	peer_drain(&s->peer[to]);
	for (i = 0; i < PACKETS; i++) {
		len = 60 + i * 31 % 1455;
		frame_fill(frame, len, s->tag, i, 0);
		peer_send(&s->peer[from], frame, len);
	}
	while (t.right + t.wrong < PACKETS && now_ms() < end) {
		passed += hand_over(s, from, to);
		tx_reap(s->port[to], 1);
		len = peer_recv(&s->peer[to], frame, sizeof(frame), 0);
		if (len > 0)
			tally_frame(frame, len, s->tag, &t);
	}
	copied = xstats_sum(s->port[to], "tx_q0", "bounce") - before;
	EXPECT(s->d, t.right == PACKETS && t.wrong == 0,
	       "%s: %s to %s: of %u frames %u passed, %u right %u wrong", when, s->ifname[from],
	       s->ifname[to], PACKETS, passed, t.right, t.wrong);
	EXPECT(s->d, copied == 0, "%s: %s to %s: %lu copied", when, s->ifname[from],
	       s->ifname[to], (unsigned long)copied);
}

/* Every port as it should be, all on memory with the same base. */
static void
check_ports(struct span *s, const char *when)
{
	struct audit_queue q, first = { 0 };
	unsigned int i;

	for (i = 0; i < PORTS; i++) {
		if (!EXPECT(s->d, audit_find(s->ifindex[i], 0, &q), "%s: %s is not bound", when,
			    s->ifname[i]))
			continue;
		EXPECT(s->d, q.zero_copy == s->zero_copy[i], "%s: %s: XDP_OPTIONS say %s", when,
		       s->ifname[i], q.zero_copy ? "zero-copy" : "copy");
		if (first.base == 0)
			first = q;
		EXPECT(s->d, q.base == first.base && q.len == first.len,
		       "%s: %s has %lx + %lu, the first %lx + %lu", when, s->ifname[i],
		       (unsigned long)q.base, (unsigned long)q.len, (unsigned long)first.base,
		       (unsigned long)first.len);
	}
}

/* Start in the given order; fail: the bind of the second fails the first time. */
static bool
start_all(struct span *s, const unsigned int order[PORTS], bool fail)
{
	unsigned int i, k;
	int ret;

	for (i = 0; i < PORTS; i++) {
		k = order[i];
		s->d->iface = s->ifname[k];
		ret = port_open(s->d, &s->port[k], "%s",
				s->zero_copy[k] ? "mode=zc" : "mode=copy");
		if (ret == 0)
			ret = port_setup(s->port[k], &s->cfg[k]);
		if (!EXPECT(s->d, ret == 0, "%s: probe or set-up: %d", s->ifname[k], ret))
			return false;
		if (fail && i == 1) {
			shim_arm(SHIM_BIND, 0, 1, EINVAL);
			EXPECT(s->d, port_start(s->port[k]) != 0, "%s: started without a bind",
			       s->ifname[k]);
			EXPECT(s->d, shim_hits(SHIM_BIND) == 1, "no bind was made");
			shim_disarm();
		}
		ret = port_start(s->port[k]);
		if (!EXPECT(s->d, ret == 0, "%s: start: %d", s->ifname[k], ret))
			return false;
	}
	return true;
}

static void
one_order(struct span *s, const unsigned int order[PORTS], bool fail)
{
	unsigned int i, k;
	char when[64];

	snprintf(when, sizeof(when), "%s, %s, %s%s", s->ifname[order[0]], s->ifname[order[1]],
		 s->ifname[order[2]], fail ? ", second bind failed once" : "");
	printf("%s: %s\n", s->d->case_name, when);
	fflush(stdout);
	if (!start_all(s, order, fail))
		return;
	check_ports(s, when);
	for (i = 0; i < PORTS; i++)
		EXPECT(s->d, path_ready(&s->peer[i], s->port[i], &s->cfg[i]),
		       "%s: nothing comes through %s", when, s->ifname[i]);
	for (i = 0; i < PORTS; i++)
		WAIT_UNTIL(rx_poll(s->port[i], 1, 0, &(struct tally){ 0 }) == 0, DUT_WAIT_MS);
	for (i = 0; i < PORTS; i++)
		for (k = 0; k < PORTS; k++)
			if (i != k)
				forward(s, i, k, when);
	/* Last in, first out: what the others use outlives who registered it. */
	for (i = 0; i < PORTS; i++) {
		k = order[fail ? i : PORTS - 1 - i];
		EXPECT(s->d, xstats_sum(s->port[k], "tx_q0", "kernel_invalid|bad_comp") == 0,
		       "%s: %s: invalid descriptors", when, s->ifname[k]);
		port_close(s->port[k]);
	}
	for (i = 0; i < PORTS; i++)
		pool_whole(s->d, s->cfg[i].mp, when);
}

static void
case_span(struct dut *d)
{
	static const unsigned int orders[][PORTS] = {
		{ 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 }, { 2, 0, 1 }, { 0, 2, 1 }, { 1, 2, 0 },
	};
	struct span s = { .d = d };
	struct rte_mempool *small, *large;
	unsigned int i;

	small = pool_new("small", 4095, 0, DUT_ROOM);
	large = pool_new("large", 2047, 0, 3072 + RTE_PKTMBUF_HEADROOM);
	if (!EXPECT(d, small && large, "pools") ||
	    !EXPECT(d, split(d->iface, s.ifname) && split(d->peer, s.peername),
		    "three interfaces and three peers, a+b+c"))
		return;
	for (i = 0; i < PORTS; i++) {
		char line[512];

		s.ifindex[i] = if_nametoindex(s.ifname[i]);
		s.zero_copy[i] = !sys_grep(line, sizeof(line), "veth", "ip -o -d link show dev %s",
					   s.ifname[i]);
		s.cfg[i] = (struct port_cfg){ .nb_rxq = 1, .nb_txq = 1, .rx_desc = 512,
					      .tx_desc = 512, .mp = i == 1 ? large : small };
		if (!EXPECT(d, peer_open(&s.peer[i], s.peername[i]) == 0, "peer %s",
			    s.peername[i]))
			return;
	}
	for (i = 0; i < RTE_DIM(orders) && d->failed == 0; i++)
		one_order(&s, orders[i], i % 2 == 1);
	printf("%s: %u packets from port to port, three addresses equal for each\n", d->case_name,
	       s.moved);
	for (i = 0; i < PORTS; i++)
		peer_close(&s.peer[i]);
}

const struct dut_case dut_zc_span_cases[] = {
	{ "zc-span", "-", 1, DUT_HELPER, "-", "three ports over one span, in every order",
		case_span },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

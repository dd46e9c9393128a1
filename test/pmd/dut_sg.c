/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets of several mbufs at MTU 9000: every byte compared, chains as an application may make and
 * expect them, every mbuf home; and what cannot be is refused or counted, once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut.h"

#define BIG_MTU	9000
#define TAG_IN	31
#define TAG_OUT	32
#define IN_FLIGHT 24

static const struct port_cfg jumbo_port = {
	.nb_rxq = 2, .nb_txq = 1, .rx_desc = 256, .tx_desc = 128,
	.rx_offloads = RTE_ETH_RX_OFFLOAD_SCATTER, .tx_offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS,
};

static bool
set_mtu(struct dut *d, unsigned int mtu)
{
	return EXPECT(d, sys_run("ip link set dev %s mtu %u && ip link set dev %s mtu %u", d->iface,
		mtu, d->peer, mtu) == 0, "cannot set MTU %u", mtu);
}

/* Skips the case where the driver has no such offloads. */
static bool
has_offloads(struct dut *d)
{
	struct rte_eth_dev_info info;
	uint16_t port;

	if (!EXPECT(d, port_open(d, &port, "%s", "") == 0, "probe"))
		return false;
	EXPECT(d, rte_eth_dev_info_get(port, &info) == 0, "dev_info");
	port_close(port);
	if (!(info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) ||
	    !(info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)) {
		dut_skip(d, "no RTE_ETH_RX_OFFLOAD_SCATTER or no RTE_ETH_TX_OFFLOAD_MULTI_SEGS");
		return false;
	}
	EXPECT(d, info.max_mtu >= BIG_MTU && info.max_rx_pktlen >= BIG_MTU + RTE_ETHER_HDR_LEN,
	       "max_mtu %u, max_rx_pktlen %u", info.max_mtu, info.max_rx_pktlen);
	EXPECT(d, info.tx_desc_lim.nb_seg_max >= 8 && info.rx_desc_lim.nb_seg_max >= 5,
	       "nb_seg_max %u and %u", info.tx_desc_lim.nb_seg_max, info.rx_desc_lim.nb_seg_max);
	return true;
}

/* A chain is well formed: sums, count, every mbuf but the last as full as the first. */
static bool
well_formed(const struct rte_mbuf *head)
{
	const char *why = "";
	unsigned int sum = 0, segs = 0;

	if (rte_mbuf_check(head, 1, &why) != 0)
		return false;
	for (const struct rte_mbuf *m = head; m != NULL; m = m->next, segs++) {
		sum += m->data_len;
		if (m->data_len == 0 || rte_mbuf_refcnt_read(m) != 1 ||
		    (m->next != NULL && m->data_len != head->data_len))
			return false;
	}
	return sum == head->pkt_len && segs == head->nb_segs;
}

struct seen {
	unsigned int right;
	unsigned int wrong;
	unsigned int chains;
	uint64_t bytes;
	uint64_t seq_sum;
};

static void
poll_in(uint16_t port, uint16_t nb_rxq, unsigned int burst, struct seen *s)
{
	struct rte_mbuf *m[DUT_BURST];
	uint8_t flat[DUT_MAX_FRAME], tag;
	const uint8_t *frame;
	uint32_t seq;
	uint16_t q, i, n;

	for (q = 0; q < nb_rxq; q++) {
		n = rte_eth_rx_burst(port, q, m, burst);
		for (i = 0; i < n; i++) {
			frame = rte_pktmbuf_read(m[i], 0, m[i]->pkt_len, flat);
			if (frame != NULL && well_formed(m[i]) &&
			    frame_read(frame, m[i]->pkt_len, &tag, &seq) && tag == TAG_IN) {
				s->right++;
				s->seq_sum += seq;
				s->bytes += m[i]->pkt_len;
				s->chains += m[i]->nb_segs > 1;
			} else {
				s->wrong++;
			}
			rte_pktmbuf_free(m[i]);
		}
	}
}

/* n frames of all lengths, bursts of all sizes. */
static void
frames_in(struct dut *d, struct peer *p, uint16_t port, unsigned int n, const char *when)
{
	uint64_t end = now_ms() + DUT_WAIT_MS, bytes = 0;
	uint8_t frame[DUT_MAX_FRAME];
	struct rte_eth_stats before = { 0 }, st = { 0 };
	struct seen s = { 0 };
	unsigned int sent = 0, len;

	rte_eth_stats_get(port, &before);
	while (s.right + s.wrong < n && now_ms() < end) {
		while (sent < n && sent - s.right - s.wrong < IN_FLIGHT) {
			len = DUT_MIN_FRAME + sent * 101 % (DUT_MAX_FRAME - DUT_MIN_FRAME + 1);
			frame_fill(frame, len, TAG_IN, sent, sent);
			if (!EXPECT(d, peer_send(p, frame, len) == 0, "peer cannot send"))
				return;
			bytes += len;
			sent++;
			end = now_ms() + DUT_WAIT_MS;
		}
		poll_in(port, jumbo_port.nb_rxq, 1 + sent % DUT_BURST, &s);
	}
	EXPECT(d, s.right == n && s.wrong == 0 && s.seq_sum == (uint64_t)n * (n - 1) / 2,
	       "%s: of %u frames in, %u right %u wrong", when, n, s.right, s.wrong);
	EXPECT(d, s.chains > n / 2, "%s: %u of %u frames were chains", when, s.chains, n);
	rte_eth_stats_get(port, &st);
	EXPECT(d, st.ipackets - before.ipackets == n && st.ibytes - before.ibytes == bytes &&
	       st.ierrors == before.ierrors && st.imissed == before.imissed,
	       "%s: %lu packets, %lu bytes, %lu errors, %lu missed", when,
	       st.ipackets - before.ipackets, st.ibytes - before.ibytes, st.ierrors, st.imissed);
}

/* A frame as a chain of segs mbufs of two pools in turn, the first of at least 14 bytes. */
static struct rte_mbuf *
chain(struct rte_mempool *const mp[2], const uint8_t *flat, unsigned int len, unsigned int segs)
{
	struct rte_mbuf *head = NULL, *m;
	unsigned int done = 0, part, i;

	for (i = 0; i < segs; i++) {
		part = (len - done) / (segs - i);
		m = rte_pktmbuf_alloc(mp[i % 3 == 1]);
		if (m == NULL || rte_pktmbuf_append(m, part) == NULL) {
			rte_pktmbuf_free(m);
			rte_pktmbuf_free(head);
			return NULL;
		}
		memcpy(rte_pktmbuf_mtod(m, void *), flat + done, part);
		done += part;
		if (head == NULL)
			head = m;
		else
			rte_pktmbuf_chain(head, m);
	}
	return head;
}

/* Send one frame as a chain and look for it at the peer: 1 right, 0 nothing came, -1 wrong. */
static int
one_out(struct dut *d, struct peer *p, uint16_t port, struct rte_mempool *const mp[2],
	unsigned int len, unsigned int segs, unsigned int wait_ms)
{
	static uint32_t seq;
	uint8_t flat[DUT_MAX_FRAME], frame[DUT_MAX_FRAME], tag;
	struct rte_mbuf *m;
	unsigned int got;
	uint32_t s;

	seq++;
	frame_fill(flat, len, TAG_OUT, seq, seq);
	m = chain(mp, flat, len, segs);
	if (!EXPECT(d, m != NULL, "no chain of %u", segs))
		return -1;
	if (!EXPECT(d, WAIT_UNTIL(rte_eth_tx_burst(port, 0, &m, 1) == 1, DUT_WAIT_MS),
		    "%u bytes in %u segments: never taken", len, segs)) {
		rte_pktmbuf_free(m);
		return -1;
	}
	got = peer_recv(p, frame, sizeof(frame), wait_ms);
	if (got == 0)
		return 0;
	if (!frame_read(frame, got, &tag, &s) || got != len || tag != TAG_OUT || s != seq)
		return -1;
	return 1;
}

static void
frames_out(struct dut *d, struct peer *p, uint16_t port, struct rte_mempool *const mp[2])
{
	static const unsigned int lens[] = { 60, 61, 1514, 2048, 2049, 4000, 8999, 9014 };
	unsigned int i, segs;

	for (i = 0; i < RTE_DIM(lens); i++) {
		for (segs = 1; segs <= 18; segs++) {
			/* What an mbuf does not hold needs more of them. */
			if (lens[i] / segs > 2000 || lens[i] / segs < 14)
				continue;
			EXPECT(d, one_out(d, p, port, mp, lens[i], segs, DUT_WAIT_MS) == 1,
			       "%u bytes in %u segments: not right at the peer", lens[i], segs);
		}
	}
}

static void
case_jumbo(struct dut *d)
{
	struct port_cfg cfg = jumbo_port;
	struct rte_mempool *mp[2];
	uint8_t frame[DUT_MAX_FRAME];
	struct seen s = { 0 };
	struct peer p;
	uint16_t port;
	unsigned int i, round;

	mp[0] = cfg.mp = pool_new("rx", 2047, 32, DUT_ROOM);
	mp[1] = pool_new("other", 511, 0, DUT_ROOM);
	if (!set_mtu(d, BIG_MTU) || !has_offloads(d) ||
	    !EXPECT(d, mp[0] && mp[1] && peer_open(&p, d->peer) == 0, "pools or peer"))
		return;
	if (!port_up(d, &port, &cfg, ""))
		return;
	for (round = 0; round < 3; round++) {
		frames_in(d, &p, port, 1500, round ? "again" : "first");
		peer_drain(&p);
		frames_out(d, &p, port, mp);
		/* Stop with packets waiting, some of them fetched. */
		for (i = 0; i < 20; i++) {
			frame_fill(frame, BIG_MTU, TAG_IN, i, i);
			peer_send(&p, frame, BIG_MTU);
		}
		poll_in(port, cfg.nb_rxq, 3, &s);
		EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
		pool_whole(d, mp[0], "after stop");
		pool_whole(d, mp[1], "after stop");
		if (!EXPECT(d, port_start(port) == 0, "start again"))
			break;
	}
	EXPECT(d, s.wrong == 0, "%u wrong frames before a stop", s.wrong);
	port_close(port);
	pool_whole(d, mp[0], "after close");
	peer_close(&p);
}

/* A start that must fail, after which nothing is missing. */
static void
refused(struct dut *d, const struct port_cfg *cfg, const char *what)
{
	uint16_t port;
	int ret;

	if (!EXPECT(d, port_open(d, &port, "queue_count=2") == 0, "%s: probe", what))
		return;
	ret = port_setup(port, cfg);
	EXPECT(d, ret == 0, "%s: set-up: %d", what, ret);
	ret = port_start(port);
	EXPECT(d, ret < 0, "%s: started", what);
	pool_whole(d, cfg->mp, what);
	EXPECT(d, !netdev_has_prog(d->iface), "%s: a program is left", what);
	port_close(port);
}

/* More segments than the kernel takes: gathered where a frame holds them, else counted. */
static void
too_many(struct dut *d, struct peer *p, uint16_t port, struct rte_mempool *const mp[2])
{
	struct rte_eth_dev_info info;
	struct rte_eth_stats st;
	unsigned int most;

	EXPECT(d, rte_eth_dev_info_get(port, &info) == 0, "dev_info");
	most = info.tx_desc_lim.nb_seg_max;
	EXPECT(d, one_out(d, p, port, mp, 2000, most + 1, DUT_WAIT_MS) == 1,
	       "2000 bytes in %u segments", most + 1);
	EXPECT(d, rte_eth_stats_get(port, &st) == 0 && st.oerrors == 0, "%lu errors", st.oerrors);
	for (unsigned int i = 1; i <= 3; i++) {
		EXPECT(d, one_out(d, p, port, mp, 9000, most + 1, 20) == 0,
		       "9000 bytes in %u segments", most + 1);
		EXPECT(d, rte_eth_stats_get(port, &st) == 0 && st.oerrors == i,
		       "%lu errors, not %u", st.oerrors, i);
	}
	EXPECT(d, one_out(d, p, port, mp, 9000, most, DUT_WAIT_MS) == 1,
	       "9000 bytes in %u segments", most);
}

static void
case_jumbo_limits(struct dut *d)
{
	struct port_cfg cfg = jumbo_port, small;
	struct rte_mempool *mp[2];
	struct rte_eth_stats st;
	struct peer p;
	uint16_t port, mtu = 0;

	mp[0] = cfg.mp = pool_new("rx", 2047, 32, DUT_ROOM);
	mp[1] = pool_new("other", 511, 0, DUT_ROOM);
	if (!set_mtu(d, BIG_MTU) || !has_offloads(d) ||
	    !EXPECT(d, mp[0] && mp[1] && peer_open(&p, d->peer) == 0, "pools or peer"))
		return;
	small = cfg;
	small.rx_offloads = 0;
	refused(d, &small, "no offload");
	small = cfg;
	small.mp = pool_new("tiny", 9, 0, DUT_ROOM);
	if (EXPECT(d, small.mp != NULL, "pool"))
		refused(d, &small, "a pool of 9 for two queues of 5");

	if (port_up(d, &port, &cfg, "")) {
		frames_in(d, &p, port, 300, "after refusals");
		peer_drain(&p);
		too_many(d, &p, port, mp);
		/* Down and up while it runs. */
		EXPECT(d, rte_eth_dev_set_mtu(port, 1500) == 0, "MTU 1500");
		EXPECT(d, rte_eth_dev_set_mtu(port, BIG_MTU) == 0, "MTU 9000");
		EXPECT(d, rte_eth_dev_get_mtu(port, &mtu) == 0 && mtu == BIG_MTU, "MTU %u", mtu);
		frames_in(d, &p, port, 300, "after a change of MTU");
		EXPECT(d, rte_eth_stats_get(port, &st) == 0 && st.ierrors == 0 && st.oerrors == 3,
		       "%lu and %lu errors", st.ierrors, st.oerrors);
		port_close(port);
	}
	pool_whole(d, mp[0], "after close");
	pool_whole(d, mp[1], "after close");
	peer_close(&p);
}

const struct dut_case dut_sg_cases[] = {
	{ "jumbo", "-", 2, 0, "skip", "chains both ways at MTU 9000, stops in between",
	  case_jumbo },
	{ "jumbo-limits", "-", 2, 0, "skip", "what MTU 9000 needs, and too many segments",
	  case_jumbo_limits },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

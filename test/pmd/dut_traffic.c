/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets through the port in either direction, checked byte by byte. */
#include <string.h>

#include "dut.h"

/* Not more than this between peer and application, so that no ring or socket overflows. */
#define IN_FLIGHT 128

void
tally_frame(const uint8_t *frame, unsigned int len, uint8_t tag, struct tally *t)
{
	uint8_t got;
	uint32_t seq;

	if (!frame_read(frame, len, &got, &seq)) {
		t->wrong++;
	} else if (got != tag) {
		t->other++;
	} else {
		t->right++;
		t->seq_sum += seq;
	}
}

unsigned int
rx_poll(uint16_t port, uint16_t nb_rxq, uint8_t tag, struct tally *t)
{
	struct rte_mbuf *m[DUT_BURST];
	uint8_t flat[DUT_MAX_FRAME];
	const uint8_t *frame;
	unsigned int total = 0;
	uint16_t q, i, n;

	for (q = 0; q < nb_rxq; q++) {
		n = rte_eth_rx_burst(port, q, m, DUT_BURST);
		for (i = 0; i < n; i++) {
			frame = rte_pktmbuf_read(m[i], 0, rte_pktmbuf_pkt_len(m[i]), flat);
			if (frame == NULL || m[i]->port != port)
				t->wrong++;
			else
				tally_frame(frame, rte_pktmbuf_pkt_len(m[i]), tag, t);
			rte_pktmbuf_free(m[i]);
		}
		if (q < DUT_MAX_QUEUES)
			t->per_queue[q] += n;
		total += n;
	}
	return total;
}

void
traffic_in(struct dut *d, struct peer *p, uint16_t port, uint16_t nb_rxq, unsigned int n,
	   uint8_t tag, struct tally *t)
{
	uint8_t frame[DUT_MAX_FRAME];
	unsigned int sent = 0, got = 0, len;
	uint64_t end = now_ms() + DUT_WAIT_MS;

	while (got < n && now_ms() < end) {
		while (sent < n && sent - got < IN_FLIGHT) {
			len = DUT_MIN_FRAME + sent * 7 % (1514 - DUT_MIN_FRAME + 1);
			frame_fill(frame, len, tag, sent, sent);
			if (!EXPECT(d, peer_send(p, frame, len) == 0, "peer cannot send"))
				return;
			sent++;
			end = now_ms() + DUT_WAIT_MS;
		}
		if (rx_poll(port, nb_rxq, tag, t) == 0)
			usleep(20);
		got = t->right + t->wrong;
	}
}

struct rte_mbuf *
mbuf_frame(struct rte_mempool *mp, unsigned int len, uint8_t tag, uint32_t seq, unsigned int flow)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	char *data;

	if (m == NULL)
		return NULL;
	data = rte_pktmbuf_append(m, len);
	if (data == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	frame_fill((uint8_t *)data, len, tag, seq, flow);
	return m;
}

/* Read what has come to the peer. */
static void
peer_tally(struct peer *p, uint8_t tag, struct tally *t, unsigned int ms)
{
	uint8_t frame[DUT_MAX_FRAME];
	unsigned int len;

	len = peer_recv(p, frame, sizeof(frame), ms);
	if (len > 0)
		tally_frame(frame, len, tag, t);
}

unsigned int
traffic_out(struct dut *d, struct peer *p, uint16_t port, uint16_t nb_txq,
	    struct rte_mempool *mp, unsigned int n, uint8_t tag, struct tally *t)
{
	uint64_t end = now_ms() + DUT_WAIT_MS;
	struct rte_mbuf *m = NULL;
	unsigned int taken = 0;

	while (taken < n && now_ms() < end) {
		peer_tally(p, tag, t, 0);
		if (taken - t->right - t->wrong >= IN_FLIGHT) {
			tx_reap(port, nb_txq);
			continue;
		}
		if (m == NULL)
			m = mbuf_frame(mp, DUT_MIN_FRAME + taken * 11 % (1514 - DUT_MIN_FRAME + 1),
				       tag, taken, taken);
		if (m != NULL && rte_eth_tx_burst(port, taken % nb_txq, &m, 1) == 1) {
			taken++;
			m = NULL;
			end = now_ms() + DUT_WAIT_MS;
		} else {
			tx_reap(port, nb_txq);
		}
	}
	rte_pktmbuf_free(m);
	EXPECT(d, taken == n, "the driver took %u of %u packets", taken, n);
	end = now_ms() + DUT_WAIT_MS;
	while (t->right + t->wrong < taken && now_ms() < end) {
		tx_reap(port, nb_txq);
		peer_tally(p, tag, t, 10);
	}
	return taken;
}

void
tx_reap(uint16_t port, uint16_t nb_txq)
{
	uint16_t q;

	for (q = 0; q < nb_txq; q++) {
		rte_eth_tx_done_cleanup(port, q, 0);
		rte_eth_tx_burst(port, q, NULL, 0);
	}
}

bool
path_ready(struct peer *p, uint16_t port, const struct port_cfg *cfg)
{
	uint64_t end = now_ms() + DUT_WAIT_MS;
	struct tally in = { 0 }, out = { 0 };
	uint8_t frame[DUT_MIN_FRAME];
	struct rte_mbuf *m;
	uint32_t seq = 0;

	while ((in.right == 0 || out.right == 0) && now_ms() < end) {
		frame_fill(frame, sizeof(frame), 250, seq, seq);
		peer_send(p, frame, sizeof(frame));
		rx_poll(port, cfg->nb_rxq, 250, &in);
		m = mbuf_frame(cfg->mp, sizeof(frame), 251, seq, seq);
		if (m != NULL && rte_eth_tx_burst(port, seq % cfg->nb_txq, &m, 1) == 0)
			rte_pktmbuf_free(m);
		peer_tally(p, 251, &out, 1);
		seq++;
	}
	/* What is still under way carries other tags than the frames to come. */
	return in.right > 0 && out.right > 0;
}

bool
traffic_both(struct dut *d, struct peer *p, uint16_t port, const struct port_cfg *cfg,
	     unsigned int n, const char *when)
{
	struct tally in = { 0 }, out = { 0 };
	static uint8_t tag = 16;
	uint64_t sum = (uint64_t)n * (n - 1) / 2;
	bool ok = true;

	/* A tag of its own, so that what an earlier part left over is not taken for this one's. */
	tag = tag > 240 ? 16 : tag + 2;
	if (cfg->nb_rxq > 0) {
		traffic_in(d, p, port, cfg->nb_rxq, n, tag, &in);
		ok &= EXPECT(d, in.right == n && in.wrong == 0 && in.seq_sum == sum,
			"%s: of %u packets in, %u right %u wrong", when, n, in.right, in.wrong);
	}
	if (cfg->nb_txq > 0) {
		peer_drain(p);
		traffic_out(d, p, port, cfg->nb_txq, cfg->mp, n, tag + 1, &out);
		ok &= EXPECT(d, out.right == n && out.wrong == 0 && out.seq_sum == sum,
			     "%s: of %u packets out, %u right %u wrong", when, n, out.right,
			     out.wrong);
	}
	return ok;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the transmit tests share: numbered packets of a known content, and a kernel that checks
 * every byte it reads against it. Included once per program.
 */
#ifndef TX_WORLD_H
#define TX_WORLD_H

#include <string.h>

#include "afx_test.h"
#include "afx_uapi.h"
#include "fake_port.h"

/* Lengths remembered: more than there are mbufs. */
#define SEQ_MAX (1u << 16)
#define SENT_MAX 4096

static struct fake_port port;
static struct fake_xsk *f;
static struct xsk_txq *q;
static uint32_t next_seq;        /* of the next packet made */
static uint32_t wire_seq;        /* of the last packet on the wire */
static uint32_t wire_cnt;
static uint32_t wire_descs;      /* descriptors of the last packet on the wire */
static uint16_t want_len[SEQ_MAX];
static uint64_t sent[SENT_MAX];  /* addresses consumed, not completed */
static uint32_t sent_cnt;

static inline uint8_t
tx_pattern(uint32_t seq, uint32_t i)
{
	return i < 4 ? (uint8_t)(seq >> (8 * i)) : (uint8_t)(seq * 31 + i);
}

/* Number a packet (or chain) and write its bytes. */
static inline struct rte_mbuf *
tx_paint(struct rte_mbuf *head)
{
	uint32_t seq = ++next_seq, at = 0;

	for (struct rte_mbuf *m = head; m != NULL; m = m->next)
		for (uint32_t i = 0; i < m->data_len; i++)
			rte_pktmbuf_mtod(m, uint8_t *)[i] = tx_pattern(seq, at++);
	want_len[seq % SEQ_MAX] = at;
	return head;
}

static inline struct rte_mbuf *
tx_packet(struct rte_mempool *mp, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	if (m == NULL)
		return NULL;
	m->data_len = m->pkt_len = len;
	return tx_paint(m);
}

/* One packet leaves, if there is one: whole, unchanged, and after those before it. */
static inline bool
tx_wire(void)
{
	static uint8_t data[UINT16_MAX + 1];
	uint32_t seq, len = 0, descs = 0;
	struct xdp_desc d;

	do {
		if (!fake_consume(f, &d)) {
			/* The ring never holds part of a packet. */
			CHECK_EQ(descs, 0);
			return false;
		}
		CHECK(afx_frame_byte(d.addr) + d.len <= q->region->len);
		CHECK(d.len <= q->chunk);
		CHECK(d.len >= (descs == 0 ? RTE_ETHER_HDR_LEN : 1));
		CHECK_EQ(d.options & ~XDP_PKT_CONTD, 0);
		CHECK(!afx_frame_crosses(q->base + afx_frame_byte(d.addr), d.len, q->cross_shift));
		if (len + d.len > sizeof(data))
			return false;
		memcpy(data + len, (const uint8_t *)q->base + afx_frame_byte(d.addr), d.len);
		len += d.len;
		descs++;
		sent[sent_cnt++] = d.addr;
	} while (d.options & XDP_PKT_CONTD);
	CHECK(descs <= q->sg.descs_max);
	wire_descs = descs;
	seq = data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24;
	CHECK(seq > wire_seq && seq <= next_seq);
	wire_seq = seq;
	CHECK_EQ(len, want_len[seq % SEQ_MAX]);
	for (uint32_t i = 0; i < len; i++) {
		if (data[i] != tx_pattern(seq, i)) {
			CHECK_EQ(data[i], tx_pattern(seq, i));
			break;
		}
	}
	wire_cnt++;
	return true;
}

static inline void
tx_complete_all(void)
{
	for (uint32_t i = 0; i < sent_cnt; i++)
		CHECK(fake_complete(f, sent[i]));
	sent_cnt = 0;
}

/* A kernel that sends and completes everything at each kick. */
static inline int
tx_honest(struct fake_xsk *k, void *arg)
{
	(void)k;
	(void)arg;
	while (tx_wire())
		;
	tx_complete_all();
	return 0;
}

static inline void
tx_open(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;
	struct afx_err err = { 0 };

	cfg.rx_queues = 1;
	cfg.tx_queues = 1;
	cfg.rx_desc = 32;
	CHECK_EQ(fake_port_open(&port, &cfg, &err), 0);
	CHECK_EQ(err.text[0], 0);
	q = port.txq[0];
	f = fake_sock(&port, 0);
	f->on_kick_tx = tx_honest;
	wire_seq = next_seq = wire_cnt = sent_cnt = 0;
}

static inline void
tx_close(void)
{
	fake_port_close(&port);
	CHECK_EQ(fake_xsk_alive, 0);
	CHECK_EQ(port.port.quarantined, 0);
}

/* Used tags are those of mbufs in flight. */
static inline void
tx_tags_whole(void)
{
	uint32_t flying = 0;

	for (uint32_t tag = 0; tag <= q->slot_mask; tag++)
		flying += q->slot[tag] != 0;
	CHECK_EQ(q->used, flying);
}

static inline void
tx_all_home(struct rte_mempool *mp)
{
	CHECK_EQ(rte_mempool_avail_count(mp), mp->size);
}

#endif

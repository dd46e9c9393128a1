/* SPDX-License-Identifier: BSD-3-Clause */
/* Twins of the tests with packets of several buffers; skipped where the driver offers none. */
#include <stdio.h>
#include <string.h>

#include "twin.h"

#define SG_MTU 9000

static uint16_t most_segs;

/* Both directions must offer it; asks a port that is closed again. */
static bool
sg_cfg(struct twin *t, struct twin_cfg *cfg)
{
	struct rte_eth_dev_info info;

	*cfg = (struct twin_cfg){
		.mtu = SG_MTU,
		.mbufs = 8191,
		.rx_desc = 1024,
		.tx_desc = 2048,
		.rx_offloads = RTE_ETH_RX_OFFLOAD_SCATTER,
		.tx_offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS,
	};
	if (!twin_open(t, &t->a, &(struct twin_cfg){ 0 })) {
		twin_down(t, "asked for offloads");
		return false;
	}
	EXPECT(t->d, rte_eth_dev_info_get(t->a.port, &info) == 0,
	       "the port tells its limits");
	twin_down(t, "asked for offloads");
	if ((info.rx_offload_capa & cfg->rx_offloads) == 0 ||
	    (info.tx_offload_capa & cfg->tx_offloads) == 0) {
		dut_skip(t->d, "%s: the port offers no packets of several buffers", t->mode);
		return false;
	}
	most_segs = info.tx_desc_lim.nb_mtu_seg_max;
	return true;
}

static unsigned int
len_jumbo(uint32_t seq)
{
	return DUT_MIN_FRAME + seq * 313 % (DUT_MAX_FRAME - DUT_MIN_FRAME + 1);
}

/* A packet of cnt segments of the lengths that step gives, the last one takes the rest. */
static struct rte_mbuf *
make_chain(struct twin_flow *f, uint32_t seq, unsigned int len, unsigned int step)
{
	static uint8_t flat[DUT_MAX_FRAME];
	struct rte_mbuf *head = NULL, *m;
	unsigned int at, part;

	frame_fill(flat, len, f->tag, seq, 1);
	for (at = 0; at < len; at += part) {
		part = RTE_MIN(step, len - at);
		m = rte_pktmbuf_alloc(f->from->mp);
		if (m == NULL || (head != NULL && rte_pktmbuf_chain(head, m) != 0)) {
			rte_pktmbuf_free(m);
			rte_pktmbuf_free(head);
			return NULL;
		}
		memcpy(rte_pktmbuf_mtod(m, void *), flat + at, part);
		m->data_len = part;
		if (head == NULL)
			head = m;
		/* rte_pktmbuf_chain() counted the segment before it had a length. */
		head->pkt_len = at + part;
	}
	return head;
}

static struct rte_mbuf *
make_jumbo(struct twin_flow *f, uint32_t seq, unsigned int len)
{
	return make_chain(f, seq, len, 2048 - seq % 5 * 100);
}

static void
jumbo(struct twin *t)
{
	struct twin_cfg cfg;
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .len = len_jumbo,
		.make = make_jumbo, .window = 32,
	};

	if (!sg_cfg(t, &cfg) || !twin_up(t, &cfg, &cfg))
		return;
	twin_run(&f, "up to 9000 bytes");
	twin_kernel_refused_none(t);
	twin_down(t, "after close");
}

/* Every fourth chain has one segment more than the kernel takes. */
static unsigned int
segs_of(uint32_t seq)
{
	return seq % 4 == 3 ? most_segs + 1u : 1 + seq % most_segs;
}

static unsigned int
len_frags(uint32_t seq)
{
	return segs_of(seq) * (DUT_MIN_FRAME + seq % 60);
}

static struct rte_mbuf *
make_frags(struct twin_flow *f, uint32_t seq, unsigned int len)
{
	return make_chain(f, seq, len, DUT_MIN_FRAME + seq % 60);
}

static uint64_t
told_lost(struct twin *t)
{
	struct rte_eth_stats s = { 0 };

	rte_eth_stats_get(t->a.port, &s);
	return s.oerrors;
}

/* Too long a chain may be gathered into fewer buffers, or dropped and counted; all others come. */
static void
too_many_frags(struct twin *t)
{
	struct twin_cfg cfg;
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .len = len_frags,
		.make = make_frags, .window = 16,
	};
	uint64_t end, lost;
	unsigned int i, missing = 0;

	if (!sg_cfg(t, &cfg) || !twin_up(t, &cfg, &cfg))
		return;
	EXPECT(t->d, most_segs > 1 && most_segs < 256, "%s: at most %u segments", t->mode,
	       most_segs);
	lost = told_lost(t);
	twin_begin(&f);
	end = now_ms() + twin_wait_ms(t);
	while (f.sent < f.n || f.right + f.wrong + (told_lost(t) - lost) < f.n) {
		if (twin_step(&f) > 0)
			end = now_ms() + twin_wait_ms(t);
		f.window = 16 + (told_lost(t) - lost);
		if (now_ms() >= end)
			break;
	}
	for (i = 0; i < f.n; i++) {
		EXPECT(t->d, f.seen[i] != 0 || segs_of(i) > most_segs, "%s: packet %u, %u segments",
		       t->mode, i, segs_of(i));
		missing += f.seen[i] == 0;
	}
	lost = told_lost(t) - lost;
	EXPECT(t->d, lost == missing, "%s: %u packets missing, %lu counted", t->mode, missing,
	       (unsigned long)lost);
	f.expected -= missing;
	twin_verdict(&f, "chains up to the limit and above");
	twin_kernel_refused_none(t);
	twin_down(t, "after close");
}

/* Every tenth chain holds a segment of no bytes, at its head, in its middle or at its end. */
static struct rte_mbuf *
make_holed(struct twin_flow *f, uint32_t seq, unsigned int len)
{
	struct rte_mbuf *head = make_jumbo(f, seq, len), *none, *at = head;

	if (head == NULL || seq % 10 != 0)
		return head;
	none = rte_pktmbuf_alloc(f->from->mp);
	if (none == NULL)
		return head;
	if (seq % 30 == 0) {
		none->next = head;
		none->pkt_len = head->pkt_len;
		none->nb_segs = head->nb_segs + 1;
		head->nb_segs = 1;
		return none;
	}
	while (seq % 20 == 0 && at->next != NULL)
		at = at->next;
	none->next = at->next;
	at->next = none;
	head->nb_segs++;
	return head;
}

static void
inv_desc_sg(struct twin *t)
{
	struct twin_cfg cfg;
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .len = len_jumbo,
		.make = make_holed, .window = 32,
	};

	if (!sg_cfg(t, &cfg) || !twin_up(t, &cfg, &cfg))
		return;
	twin_run(&f, "segments of no bytes");
	twin_kernel_refused_none(t);
	twin_down(t, "after close");
}

TWIN_CASE(jumbo)
TWIN_CASE(too_many_frags)
TWIN_CASE(inv_desc_sg)

const struct dut_case twin_sg_cases[] = {
	{ "twin-9k", "-", 2, DUT_TWIN, "-", "packets up to 9000 bytes", case_jumbo },
	{ "twin-too-many-frags", "-", 2, DUT_TWIN, "-", "chains too long", case_too_many_frags },
	{ "twin-inv-desc-sg", "-", 2, DUT_TWIN, "-", "empty segments", case_inv_desc_sg },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

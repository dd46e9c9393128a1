/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of a twin from one port to the other, each checked for order, length and content. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin.h"

/* Tag of the packets that only tell that the way is open. */
#define FLUSH_TAG 0xf7
/* From one of them to the next. */
#define FLUSH_MS 50

unsigned int
twin_all_lengths(uint32_t seq)
{
	return DUT_MIN_FRAME + seq * 11 % (1514 - DUT_MIN_FRAME + 1);
}

static unsigned int
len_of(const struct twin_flow *f, uint32_t seq)
{
	return f->len != NULL ? f->len(seq) : twin_all_lengths(seq);
}

static unsigned int
want_of(const struct twin_flow *f, uint32_t seq)
{
	unsigned int len = len_of(f, seq);

	return f->want != NULL ? f->want(seq, len) : len;
}

struct rte_mbuf *
twin_mbuf(struct rte_mempool *mp, uint8_t tag, uint32_t seq, unsigned int len, uint16_t data_off)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	if (m == NULL)
		return NULL;
	m->data_off = data_off;
	m->data_len = m->pkt_len = len;
	frame_fill(rte_pktmbuf_mtod(m, uint8_t *), len, tag, seq, 1);
	return m;
}

static struct rte_mbuf *
make_plain(struct twin_flow *f, uint32_t seq, unsigned int len)
{
	return twin_mbuf(f->from->mp, f->tag, seq, len, RTE_PKTMBUF_HEADROOM);
}

void
twin_begin(struct twin_flow *f)
{
	unsigned int q;

	f->t->tag = f->t->tag >= 0xf0 ? 1 : f->t->tag + 1;
	f->tag = f->t->tag;
	f->sent = f->expected = f->right = f->wrong = f->twice = f->order = 0;
	f->pending_cnt = 0;
	f->seen = calloc(f->n, 1);
	for (q = 0; q < DUT_MAX_QUEUES; q++)
		f->last[q] = -1;
}

/* Packets sent that must arrive and have not. */
static unsigned int
under_way(const struct twin_flow *f)
{
	return f->expected - RTE_MIN(f->expected, f->right + f->wrong);
}

/* As many as one queue gets in a row: its order can be checked at the other end. */
static void
make_burst(struct twin_flow *f, unsigned int room)
{
	twin_make make = f->make != NULL ? f->make : make_plain;

	while (f->pending_cnt < RTE_MIN(room, (unsigned int)DUT_BURST) && f->sent < f->n) {
		struct rte_mbuf *m = make(f, f->sent, len_of(f, f->sent));

		if (m == NULL)
			break;
		f->pending[f->pending_cnt++] = m;
		f->expected += want_of(f, f->sent) != 0;
		f->sent++;
	}
}

bool
twin_send(struct twin_flow *f)
{
	unsigned int window = f->window != 0 ? f->window : TWIN_WINDOW;
	unsigned int busy = under_way(f);
	uint16_t n;

	if (f->pending_cnt == 0 && busy < window) {
		make_burst(f, window - busy);
		f->pending_q = (f->pending_q + 1) % f->from->queues;
	}
	/* An empty burst too: it reclaims. */
	n = rte_eth_tx_burst(f->from->port, f->pending_q, f->pending, f->pending_cnt);
	memmove(f->pending, f->pending + n, (f->pending_cnt - n) * sizeof(f->pending[0]));
	f->pending_cnt -= n;
	return n > 0;
}

/* Bytes as sent as far as both go, zeroes where the packet grew. */
static bool
content_right(const struct twin_flow *f, const uint8_t *got, unsigned int len, uint32_t seq,
	      unsigned int flow)
{
	static uint8_t sent[TWIN_MAX_FRAME];
	unsigned int was = len_of(f, seq), same = RTE_MIN(len, was), i;

	frame_fill(sent, was, f->tag, seq, flow);
	if (memcmp(got, sent, same) != 0)
		return false;
	for (i = same; i < len; i++)
		if (got[i] != 0)
			return false;
	return true;
}

static bool
length_right(const struct twin_flow *f, unsigned int len, uint32_t seq)
{
	unsigned int want = seq < f->n ? want_of(f, seq) : 0;

	if (want == 0)
		return false;
	return len == want || (f->also != NULL && len == f->also(seq, len_of(f, seq)));
}

static void
judge(struct twin_flow *f, struct rte_mbuf *m, uint16_t q)
{
	static uint8_t flat[TWIN_MAX_FRAME + 256];
	unsigned int len = rte_pktmbuf_pkt_len(m), flow;
	const uint8_t *got = len > sizeof(flat) ? NULL : rte_pktmbuf_read(m, 0, len, flat);
	uint32_t seq;
	uint8_t tag;

	if (got == NULL || !frame_name(got, len, &tag, &seq, &flow)) {
		f->wrong++;
		return;
	}
	if (tag != f->tag)
		return;
	if (!length_right(f, len, seq) || m->port != f->to->port ||
	    !content_right(f, got, len, seq, flow) || (f->look && !f->look(f, m, seq))) {
		if (f->wrong == 0)
			printf("%s: packet %u: %u bytes, sent as %u\n", f->t->d->case_name, seq,
			       len, seq < f->n ? len_of(f, seq) : 0);
		f->wrong++;
		return;
	}
	f->twice += f->seen[seq];
	f->order += (int64_t)seq < f->last[q];
	f->seen[seq] = 1;
	f->last[q] = seq;
	f->right++;
}

unsigned int
twin_receive(struct twin_flow *f)
{
	struct rte_mbuf *m[DUT_BURST];
	unsigned int total = 0;
	uint16_t q, i, n;

	for (q = 0; q < f->to->queues; q++) {
		n = rte_eth_rx_burst(f->to->port, q, m, DUT_BURST);
		for (i = 0; i < n; i++)
			judge(f, m[i], q);
		rte_pktmbuf_free_bulk(m, n);
		total += n;
	}
	return total;
}

unsigned int
twin_step(struct twin_flow *f)
{
	unsigned int sent = twin_send(f);

	return sent + twin_receive(f);
}

bool
twin_done(const struct twin_flow *f)
{
	return f->sent == f->n && f->pending_cnt == 0 && under_way(f) == 0;
}

bool
twin_verdict(struct twin_flow *f, const char *when)
{
	unsigned int missing = under_way(f);

	rte_pktmbuf_free_bulk(f->pending, f->pending_cnt);
	f->pending_cnt = 0;
	free(f->seen);
	f->seen = NULL;
	return EXPECT(f->t->d, f->sent == f->n && missing == 0 && f->wrong == 0 && f->twice == 0 &&
		      (f->order == 0 || f->any_order),
		      "%s, %s: %u of %u sent, %u right, %u missing, %u wrong, %u twice, %u out of "
		      "order", f->t->mode, when, f->sent, f->n, f->right, missing, f->wrong,
		      f->twice, f->order);
}

/* What stands on a packet that only tells that the way is open, or false. */
static bool
is_flush(const struct rte_mbuf *m, uint32_t *seq)
{
	unsigned int flow;
	uint8_t tag;

	return frame_name(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &tag, seq,
			  &flow) && tag == FLUSH_TAG;
}

bool
twin_flush(struct twin *t, struct twin_end *from, struct twin_end *to, struct twin_flow *f)
{
	uint64_t end = now_ms() + twin_wait_ms(t), next = 0;
	struct rte_mbuf *m[DUT_BURST];
	uint32_t sent = 0, seq;
	bool got = false;
	uint16_t q, i, n;

	while (!got && now_ms() < end) {
		if (now_ms() >= next) {
			m[0] = twin_mbuf(from->mp, FLUSH_TAG, ++sent, DUT_MIN_FRAME,
					 RTE_PKTMBUF_HEADROOM);
			if (m[0] != NULL && rte_eth_tx_burst(from->port, 0, m, 1) == 0)
				rte_pktmbuf_free(m[0]);
			next = now_ms() + FLUSH_MS;
		}
		for (q = 0; q < to->queues; q++) {
			n = rte_eth_rx_burst(to->port, q, m, DUT_BURST);
			for (i = 0; i < n; i++)
				if (is_flush(m[i], &seq))
					got = seq == sent;
				else if (f != NULL)
					judge(f, m[i], q);
			rte_pktmbuf_free_bulk(m, n);
		}
	}
	return got;
}

bool
twin_run(struct twin_flow *f, const char *when)
{
	uint64_t wait = twin_wait_ms(f->t), end = now_ms() + wait;

	twin_begin(f);
	while (!twin_done(f) && now_ms() < end)
		if (twin_step(f) > 0)
			end = now_ms() + wait;
	/* Whatever must not come would be here before this. */
	EXPECT(f->t->d, twin_flush(f->t, f->from, f->to, f), "%s, %s: nothing comes any more",
	       f->t->mode, when);
	return twin_verdict(f, when);
}

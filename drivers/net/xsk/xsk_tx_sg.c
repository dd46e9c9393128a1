/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transmit burst of ports with multi-buffer: a packet leaves as one descriptor or several.
 *
 * A packet that is not one whole frame is planned first: cut into pieces of at most a frame, each
 * where it lies or copied. Only when all pieces, tags and ring entries are there is anything
 * written, so the ring never holds part of a packet. Each mbuf is then in the slot of its own piece
 * and freed by its completion, as a segment: a chain that the application holds too stays whole.
 */
#include "xsk_tx_impl.h"

struct piece {
	struct rte_mbuf *m;      /* freed when the piece has completed */
	uintptr_t data;
	uint32_t len;
};

struct plan {
	struct piece piece[XSK_SG_DESCS_MAX];
	uint64_t copied;         /* bit i: piece i lies in a frame taken for it */
	uint32_t cnt;
	uint32_t pages;
	uint64_t *cause;         /* of the first copy, NULL without any */
};

static __rte_always_inline bool
add_piece(const struct xsk_txq *q, struct plan *p, struct rte_mbuf *m, uintptr_t data,
	uint32_t len)
{
	const uintptr_t page = AFX_CHUNK_MAX;

	p->pages += (data % page + len + page - 1) / page;
	if (unlikely(p->cnt == q->sg.descs_max ||
			(q->sg.pages_max != 0 && p->pages > q->sg.pages_max)))
		return false;
	p->piece[p->cnt++] = (struct piece){ m, data, len };
	return true;
}

/* Add a frame that bytes were copied to; the frame is the plan's from here. */
static bool
add_copy(const struct xsk_txq *q, struct plan *p, struct rte_mbuf *b, uint64_t *cause)
{
	if (!add_piece(q, p, b, rte_pktmbuf_mtod(b, uintptr_t), b->data_len)) {
		rte_mbuf_raw_free(b);
		return false;
	}
	p->copied |= 1ull << (p->cnt - 1);
	if (p->cause == NULL)
		p->cause = cause;
	return true;
}

/* Why bytes of a segment cannot be sent from where they lie: the counter, or NULL if they can. */
static __rte_always_inline uint64_t *
why_copy(struct xsk_txq *q, const struct rte_mbuf *s, uintptr_t data, uint32_t len, bool gone)
{
	uint64_t byte = data - q->base;

	if (unlikely(byte < q->lo || byte >= q->len || q->len - byte < len))
		return RTE_MBUF_HAS_EXTBUF(s) ? &q->stats.bounce_external :
			&q->stats.bounce_outside;
	if (unlikely(gone && xsk_region_gone(q->region, data, len)))
		return &q->stats.bounce_gone;
	if (unlikely(afx_frame_crosses(data, len, q->cross_shift)))
		return &q->stats.bounce_straddle;
	return NULL;
}

/* Plan a segment from byte off on. 0, -E2BIG too many pieces, -ENOBUFS no frame to copy into. */
static __rte_always_inline int
plan_segment(struct xsk_txq *q, struct plan *p, struct rte_mbuf *s, uint32_t off, bool gone)
{
	while (off < s->data_len) {
		uintptr_t data = rte_pktmbuf_mtod_offset(s, uintptr_t, off);
		uint32_t len = RTE_MIN((uint32_t)s->data_len - off, q->chunk);
		uint64_t *cause = why_copy(q, s, data, len, gone);
		struct rte_mbuf *b;

		if (likely(cause == NULL)) {
			if (unlikely(!add_piece(q, p, s, data, len)))
				return -E2BIG;
			off += len;
			continue;
		}
		len = RTE_MIN(len, (uint32_t)q->bounce_room);
		b = bounce_frame(q, len);
		if (b == NULL)
			return -ENOBUFS;
		rte_memcpy(rte_pktmbuf_mtod(b, void *), (const void *)data, len);
		if (!add_copy(q, p, b, cause))
			return -E2BIG;
		off += len;
	}
	return 0;
}

/*
 * A first piece shorter than an Ethernet header is more than some network drivers expect: gather
 * segments up to the one that completes the header. Leaves *s and *off where planning goes on.
 */
static __rte_noinline int
plan_head(struct xsk_txq *q, struct plan *p, struct rte_mbuf **s, uint32_t *off)
{
	struct rte_mbuf *b = bounce_frame(q, q->bounce_room);
	uint32_t got = 0;

	if (b == NULL)
		return -ENOBUFS;
	for (;;) {
		uint32_t len = RTE_MIN((uint32_t)(*s)->data_len, q->bounce_room - got);

		memcpy(rte_pktmbuf_mtod_offset(b, char *, got), rte_pktmbuf_mtod(*s, char *), len);
		got += len;
		*off = len;
		if (got >= RTE_ETHER_HDR_LEN)
			break;
		*s = (*s)->next;
	}
	b->data_len = b->pkt_len = got;
	return add_copy(q, p, b, &q->stats.bounce_chain) ? 0 : -E2BIG;
}

static __rte_always_inline int
plan_packet(struct xsk_txq *q, struct plan *p, struct rte_mbuf *m, bool gone)
{
	struct rte_mbuf *s = m;
	uint32_t off = 0;
	int ret = 0;

	p->copied = 0;
	p->cnt = 0;
	p->pages = 0;
	p->cause = NULL;
	/* The kernel refuses descriptors of no length. */
	while (s->data_len == 0)
		s = s->next;
	if (unlikely(s->data_len < RTE_ETHER_HDR_LEN))
		ret = plan_head(q, p, &s, &off);
	for (; s != NULL && ret == 0; s = s->next) {
		ret = plan_segment(q, p, s, off, gone);
		off = 0;
	}
	return ret;
}

static void
drop_plan(struct plan *p)
{
	for (uint32_t i = 0; i < p->cnt; i++)
		if (p->copied & 1ull << i)
			rte_mbuf_raw_free(p->piece[i].m);
}

/* Whether n tags and ring entries are there; completions are looked at once a burst. */
static __rte_always_inline bool
have(struct xsk_txq *q, uint32_t n, bool *looked)
{
	if (unlikely(q->nb_desc - q->used < n && !*looked)) {
		*looked = true;
		xsk_tx_reclaim(q);
	}
	return q->nb_desc - q->used >= n && afx_prod_free(&q->tx, n) >= n;
}

static __rte_always_inline void
post(struct xsk_txq *q, uintptr_t slot, uintptr_t data, uint32_t len, uint32_t options)
{
	uint32_t tag = q->next_tag & q->slot_mask;
	struct xdp_desc *d = afx_prod_desc(&q->tx, q->tx.cached_prod++);

	/* Fewer are in flight than there are slots. */
	while (unlikely(q->slot[tag] != 0))
		tag = (tag + 1) & q->slot_mask;
	q->next_tag = tag + 1;
	q->slot[tag] = slot;
	q->used++;
	d->addr = afx_frame_tagged(data - q->base, tag);
	d->len = len;
	d->options = options;
}

/*
 * What goes into the slot of a packet or piece. One that goes back to the pool without a look at it
 * must be as mbufs in a pool are.
 */
static __rte_always_inline uintptr_t
slot_of(const struct xsk_txq *q, struct rte_mbuf *m)
{
	if (unlikely(m->pool != q->mp || !RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1))
		return (uintptr_t)m | XSK_SLOT_CARE;
	if (m->next != NULL)
		m->next = NULL;
	if (m->nb_segs != 1)
		m->nb_segs = 1;
	return (uintptr_t)m;
}

/* Give each mbuf of the chain as many references as pieces; what was only copied from is done. */
static __rte_always_inline void
settle(struct rte_mbuf *m, const struct plan *p)
{
	struct rte_mbuf *next;
	uint32_t i = 0;

	for (; m != NULL; m = next) {
		uint32_t uses = 0;

		next = m->next;
		for (; i < p->cnt && (p->piece[i].m == m || (p->copied & 1ull << i)); i++)
			uses += p->piece[i].m == m;
		if (uses == 0)
			rte_pktmbuf_free_seg(m);
		else if (unlikely(uses > 1))
			rte_mbuf_refcnt_update(m, uses - 1);
	}
}

/* What came of a packet. */
enum outcome {
	SENT,
	DROPPED,
	KEPT,                    /* the application's still: the burst ends before it */
};

/* A packet of one mbuf, or one that is to become it. */
static __rte_always_inline enum outcome
send_one(struct xsk_txq *q, struct rte_mbuf *m, bool gone, bool *looked)
{
	uint64_t byte = rte_pktmbuf_mtod(m, uintptr_t) - q->base;
	uint32_t len = m->data_len;

	if (unlikely(!have(q, 1, looked)))
		return KEPT;
	if (unlikely(gone || m->nb_segs != 1 || len != m->pkt_len || len < RTE_ETHER_HDR_LEN ||
			len > q->chunk || byte - q->lo >= q->span ||
			afx_frame_crosses(q->base + byte, len, q->cross_shift))) {
		enum verdict v = look_twice(q, &m);

		if (v == KEEP)
			return KEPT;
		if (v == DROP)
			return DROPPED;
		q->stats.zero_copy += v == SEND_IN_PLACE;
	} else {
		q->stats.zero_copy++;
	}
	q->stats.bytes += m->data_len;
	post(q, slot_of(q, m), rte_pktmbuf_mtod(m, uintptr_t), m->data_len, 0);
	return SENT;
}

static __rte_noinline enum outcome
refuse(struct rte_mbuf *m, uint64_t *counter)
{
	(*counter)++;
	rte_pktmbuf_free(m);
	return DROPPED;
}

/* A packet of more pieces than the kernel takes: in one frame, or not at all. */
static __rte_noinline enum outcome
send_gathered(struct xsk_txq *q, struct rte_mbuf *m, bool *looked)
{
	struct xsk_tx_stats *st = &q->stats;
	struct rte_mbuf *b;

	if (m->pkt_len > (uint64_t)q->sg.descs_max * q->chunk)
		return refuse(m, &st->drop_long);
	if (m->pkt_len > q->bounce_room)
		return refuse(m, &st->drop_segs);
	if (!have(q, 1, looked))
		return KEPT;
	b = bounce(q, m);
	if (b == NULL && xsk_tx_reclaim(q) > 0)
		b = bounce(q, m);
	if (b == NULL) {
		st->nombuf++;
		return KEPT;
	}
	st->bounce_chain++;
	rte_pktmbuf_free(m);
	st->bytes += b->data_len;
	post(q, slot_of(q, b), rte_pktmbuf_mtod(b, uintptr_t), b->data_len, 0);
	return SENT;
}

/* A packet of several segments, or one longer than a frame. */
static __rte_always_inline enum outcome
send_pieces(struct xsk_txq *q, struct rte_mbuf *m, bool gone, bool *looked)
{
	struct plan p;
	int ret;

	if (unlikely(!chain_sound(m)))
		return refuse(m, &q->stats.drop_malformed);
	if (unlikely(m->pkt_len < RTE_ETHER_HDR_LEN))
		return refuse(m, &q->stats.drop_short);
	ret = plan_packet(q, &p, m, gone);
	/* Frames may wait in the completion ring, which nobody else would look at. */
	if (unlikely(ret == -ENOBUFS && xsk_tx_reclaim(q) > 0)) {
		drop_plan(&p);
		ret = plan_packet(q, &p, m, gone);
	}
	if (unlikely(ret < 0 || !have(q, p.cnt, looked))) {
		drop_plan(&p);
		if (ret == -E2BIG)
			return send_gathered(q, m, looked);
		q->stats.nombuf += ret == -ENOBUFS;
		return KEPT;
	}
	q->stats.bytes += m->pkt_len;
	q->stats.chains += p.cnt > 1;
	if (likely(p.cause == NULL))
		q->stats.zero_copy++;
	else
		(*p.cause)++;
	settle(m, &p);
	for (uint32_t i = 0; i < p.cnt; i++)
		post(q, slot_of(q, p.piece[i].m), p.piece[i].data, p.piece[i].len,
			i + 1 < p.cnt ? XDP_PKT_CONTD : 0);
	return SENT;
}

uint16_t
xsk_tx_burst_sg(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	struct xsk_txq *q = queue;
	bool gone = atomic_load_explicit(&q->region->any_gone, memory_order_acquire);
	uint32_t before = q->tx.cached_prod;
	bool looked = false;
	uint64_t sent = 0;
	uint16_t i;

	/* An empty burst is how an application that went quiet asks for its mbufs. */
	if (q->nb_desc - q->used < RTE_MAX((uint32_t)nb, q->free_thresh) || nb == 0)
		xsk_tx_reclaim(q);
	for (i = 0; i < nb; i++) {
		struct rte_mbuf *m = pkts[i];
		bool one = m->nb_segs == 1 && m->pkt_len <= q->chunk;
		enum outcome o;

		if (one || q->sg.descs_max == 1)
			o = send_one(q, m, gone, &looked);
		else
			o = send_pieces(q, m, gone, &looked);
		if (unlikely(o == KEPT))
			break;
		sent += o == SENT;
	}
	if (q->tx.cached_prod != before)
		afx_prod_submit(&q->tx);
	q->stats.pkts += sent;
	kick(q);
	return i;
}

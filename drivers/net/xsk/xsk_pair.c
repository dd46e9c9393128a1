/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One netdev queue: registration, socket, rings, first fill, bind, place in the XSKMAP. A failure
 * leaves what was acquired in the pair, for xsk_stop.c to release.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_malloc.h>

#include "afx_fork.h"
#include "xsk_tune.h"

/*
 * Fill ring of a queue that only transmits. In zero-copy the kernel needs buffers to receive what
 * it will pass to its own stack; a NAPI round takes at most 64.
 */
#define TXONLY_FILL 128
#define RING_MIN 64

static uint32_t
ring_entries(uint32_t desc)
{
	return RTE_MAX((uint32_t)RING_MIN, rte_align32pow2(desc));
}

/*
 * Bits within which a frame must stay so that the NIC can follow it, 63 where it may lie anywhere.
 * The kernel tests pages of 4 KiB by their DMA addresses: those of one hugepage follow each other
 * unless an IOMMU translates them.
 */
static uint32_t
cross_shift(const struct xsk_port *port, const struct xsk_region *region)
{
	if (!region->zc)
		return 63;
	if (strncmp(port->iommu, "DMA", 3) == 0)
		return 12;
	return region->page_shift;
}

/* What a received mbuf starts with: data_off (0, added per packet), refcnt, nb_segs, port. */
static uint64_t
rearm_word(const struct xsk_rxq *q)
{
	struct rte_mbuf proto;
	uint64_t word;

	memset(&proto, 0, sizeof(proto));
	proto.nb_segs = 1;
	proto.port = q->port_id;
	rte_mbuf_refcnt_set(&proto, 1);
	memcpy(&word, RTE_PTR_ADD(&proto, offsetof(struct rte_mbuf, data_off)), sizeof(word));
	return word;
}

static int
wire_rx(struct xsk_rxq *q, const struct xsk_pair *pair, uint32_t shift, struct afx_err *err)
{
	const struct afx_socket *s = pair->sock;
	uint64_t lo = q->layout.lo - pair->region->base;
	uint64_t slots;
	uint32_t unusable, aside;

	lo -= RTE_MIN(lo, (uint64_t)q->frames.pad);
	q->map_base = lo & ~((1ull << XSK_SLOT_SHIFT) - 1);
	slots = ((q->layout.hi - pair->region->base - q->map_base) >> XSK_SLOT_SHIFT) + 1;
	if (q->layout.pinned)
		q->own_mbuf = rte_zmalloc_socket("xsk_own", slots * sizeof(*q->own_mbuf),
			RTE_CACHE_LINE_SIZE, q->socket_id);
	else
		q->own = rte_zmalloc_socket("xsk_own", slots * sizeof(*q->own), RTE_CACHE_LINE_SIZE,
			q->socket_id);
	if (q->own == NULL && q->own_mbuf == NULL)
		return afx_err_set(err, -ENOMEM, "rx queue %u: no memory to track %u frames",
			q->queue_id, q->mp->size);
	if (q->own != NULL)
		memset(q->own, 0xff, slots * sizeof(*q->own));
	q->map_len = slots;
	unusable = xsk_layout_unusable(&q->layout, &q->frames, shift);
	aside = RTE_MIN(unusable, q->mp->size / XSK_ASIDE_SHARE);
	if (aside > 0) {
		q->aside = rte_zmalloc_socket("xsk_aside", aside * sizeof(*q->aside), 0,
			q->socket_id);
		if (q->aside == NULL)
			return afx_err_set(err, -ENOMEM,
				"rx queue %u: no memory to set %u frames aside", q->queue_id,
				aside);
		q->aside_room = aside;
	}
	q->cross_shift = unusable > 0 ? shift : 63;
	q->rx = s->rx;
	q->fill = s->fill;
	q->fd = s->fd;
	q->base = pair->region->base;
	q->chunk = q->frames.chunk;
	q->fill_off = q->frames.fill_off;
	q->off_adj = (int32_t)(q->frames.pad + AFX_XDP_HEADROOM) - q->frames.data_off;
	q->zc = pair->region->zc;
	q->busy = false;
	q->wake_skip = 0;
	q->idle = 0;
	q->tx_kprod = pair->region->zc || s->cfg.tx_entries == 0 ? NULL : s->tx.kprod;
	q->tx_kcons = s->tx.kcons;
	q->held = 0;
	q->pool_desc = q->nb_desc;
	q->aside_cnt = 0;
	q->rearm = rearm_word(q);
	return 0;
}

static void
wire_tx(struct xsk_txq *q, const struct xsk_pair *pair, const struct xsk_layout *bounce,
	uint32_t shift)
{
	const struct afx_socket *s = pair->sock;

	q->tx = s->tx;
	q->comp = s->comp;
	q->fd = s->fd;
	q->base = pair->region->base;
	q->len = pair->region->len;
	q->region = pair->region;
	q->chunk = pair->region->chunk - pair->region->pad;
	q->lo = q->slot_mask + 1;
	q->span = q->len > q->lo + q->chunk ? q->len - q->lo - q->chunk : 0;
	q->cross_shift = shift;
	q->zc = pair->region->zc;
	q->busy = false;
	q->backoff = 0;
	q->stuck = 0;
	q->last_pending = 0;
	q->mp = bounce->mp;
	q->pool_age = 0;
	q->feed = NULL;
	q->bounce_mp = bounce->mp;
	q->bounce_off = RTE_MIN((uint32_t)RTE_PKTMBUF_HEADROOM, bounce->buf_len);
	q->bounce_room = RTE_MIN((uint32_t)bounce->buf_len - q->bounce_off, q->chunk);
	q->next_tag = 0;
	q->used = 0;
	memset(q->slot, 0, (q->slot_mask + 1) * sizeof(*q->slot));
}

/*
 * One lcore runs both bursts: what completes goes straight back to the fill ring, and the pool only
 * helps out when much is missing.
 */
static void
wire_feed(struct xsk_rxq *rxq, struct xsk_txq *txq, bool same_lcore)
{
	bool feed = same_lcore && txq != NULL && !rxq->layout.pinned && rxq->cross_shift == 63;

	if (feed)
		rxq->pool_desc = RTE_MIN(rxq->nb_desc,
			RTE_MAX(rxq->nb_desc / 2, 2u * rxq->free_thresh));
	if (txq != NULL)
		txq->feed = feed ? rxq : NULL;
#ifdef RTE_ENABLE_ASSERT
	rxq->lcore = LCORE_ID_ANY;
#endif
}

/* Fill frames of a transmit-only queue; remembered one by one, they never come back by a ring. */
static int
fill_txonly(struct xsk_pair *pair, const struct xsk_layout *lay, const struct xsk_frames *fr,
	uint32_t shift, struct afx_err *err)
{
	struct afx_prod *fill = &pair->sock->fill;
	uint32_t idx;

	pair->fill_mp = lay->mp;
	pair->fill_mbufs = calloc(TXONLY_FILL, sizeof(*pair->fill_mbufs));
	if (pair->fill_mbufs == NULL)
		return afx_err_set(
			err, -ENOMEM, "no memory for the fill frames of a tx-only queue");
	for (uint32_t i = 0; i < TXONLY_FILL; i++) {
		struct rte_mbuf *m = rte_mbuf_raw_alloc(lay->mp);
		uintptr_t at;

		if (m == NULL)
			break;
		pair->fill_mbufs[pair->fill_cnt++] = m;
		at = (lay->pinned ? (uintptr_t)m->buf_addr : (uintptr_t)m) + fr->fill_off;
		if (afx_frame_crosses(at, fr->chunk, shift))
			continue;
		if (afx_prod_reserve(fill, 1, &idx) == 0)
			break;
		*afx_prod_addr(fill, idx) = at - pair->region->base;
	}
	afx_prod_submit(fill);
	return 0;
}

/* The queue whose pool serves a pair: its own receive queue, or the first of the port. */
static const struct xsk_layout *
pair_layout(const struct rte_eth_dev *dev, uint16_t qid, const struct xsk_bind *how)
{
	return qid < dev->data->nb_rx_queues ? &how->layouts[qid] : &how->layouts[0];
}

/*
 * Fill a queue before its first packet. A refill gives up where nothing it drew can be posted; in a
 * pool around a hole that says little, so go on until the pool has gone by.
 */
static void
fill_first(struct xsk_rxq *q)
{
	uint32_t drawn = 0;

	do {
		if (q->layout.pinned)
			xsk_rx_refill_pinned(q);
		else
			xsk_rx_refill(q);
		drawn += 32;
	} while (q->held < q->pool_desc && drawn <= q->mp->size && !rte_mempool_empty(q->mp));
}

static int
open_socket(struct rte_eth_dev *dev, uint16_t qid, const struct xsk_bind *how,
	const struct xsk_frames *fr, struct afx_err *err)
{
	const struct xsk_port *port = xsk_port(dev);
	struct xsk_pair *pair = &xsk_proc(dev)->pairs[qid];
	struct xsk_rxq *rxq = qid < dev->data->nb_rx_queues ? dev->data->rx_queues[qid] : NULL;
	struct xsk_txq *txq = qid < dev->data->nb_tx_queues ? dev->data->tx_queues[qid] : NULL;
	struct afx_socket_cfg cfg = {
		.ifindex = port->ifindex,
		.queue = port->args.start_queue + qid,
		.bind = how->got == XSK_GOT_ZC ? AFX_BIND_ZC : AFX_BIND_COPY,
		.sg = pair->region->sg,
		.rx_entries = rxq != NULL ? ring_entries(rxq->nb_desc) : 0,
		.tx_entries = txq != NULL ? ring_entries(txq->nb_desc) : 0,
		.fill_entries = ring_entries(rxq != NULL ? rxq->nb_desc : TXONLY_FILL),
		.comp_entries = ring_entries(txq != NULL ? txq->nb_desc : RING_MIN),
		.umem = {
			.base = (void *)pair->region->base,
			.len = pair->region->len,
			.chunk = pair->region->chunk,
			.headroom = pair->region->pad,
		},
		.adopt_fd = -1,
		.shared_fd = -1,
	};
	int ret;

	/* A child must not keep a queue bound by the duplicate. */
	afx_fork_watch(&cfg.shared_fd);
	afx_fork_hold();
	cfg.shared_fd = xsk_region_shared_fd(pair->region);
	afx_fork_release();
	ret = afx_socket_create(&cfg, &pair->sock, err);
	if (ret == 0) {
		uint32_t shift = cross_shift(port, pair->region);

		if (rxq != NULL) {
			ret = wire_rx(rxq, pair, shift, err);
			if (ret == 0) {
				xsk_sg_wire_rx(dev, rxq, pair->region->sg);
				fill_first(rxq);
			}
		} else if (how->got == XSK_GOT_ZC) {
			ret = fill_txonly(pair, &how->layouts[0], fr, shift, err);
		}
		if (txq != NULL) {
			wire_tx(txq, pair, pair_layout(dev, qid, how), shift);
			xsk_sg_wire_tx(dev, txq, pair->region->sg);
		}
		if (rxq != NULL)
			wire_feed(rxq, txq, port->args.same_lcore);
	}
	if (ret == 0)
		ret = afx_socket_bind(pair->sock, XSK_BIND_WAIT_MS, err);
	afx_fork_close(&cfg.shared_fd);
	return ret;
}

int
xsk_pair_open(struct rte_eth_dev *dev, uint16_t qid, const struct xsk_bind *how,
	struct afx_err *err)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);
	struct xsk_pair *pair = &proc->pairs[qid];
	const struct xsk_layout *lay = pair_layout(dev, qid, how);
	struct xsk_frames fr;
	struct xsk_span_want want = {
		.umem = port->args.umem,
		.heads_cap = (uint64_t)port->args.umem_cap_mib << 20,
		.queues = proc->pairs_cnt,
	};
	struct xsk_span span;
	int ret;

	ret = xsk_frames_get(lay, how->overlap, how->got == XSK_GOT_ZC, &fr, err);
	if (ret < 0)
		return ret;
	if (qid < dev->data->nb_rx_queues)
		((struct xsk_rxq *)dev->data->rx_queues[qid])->frames = fr;
	want.chunk = fr.chunk;
	xsk_span_get(lay, how->layouts, how->layouts_cnt, &want, &span);
	ret = xsk_region_get(&span, &fr, how->got == XSK_GOT_ZC, how->sg, &pair->region, err);
	if (ret == 0)
		ret = open_socket(dev, qid, how, &fr, err);
	if (ret < 0)
		return ret;
	xsk_region_bound(pair->region, pair);
	xsk_busy_open(dev, qid);
	if (qid >= dev->data->nb_rx_queues)
		return 0;
	pthread_mutex_lock(&proc->map_lock);
	ret = afx_prog_put(proc->prog, port->args.start_queue + qid, pair->sock->fd, err);
	pair->in_map = ret == 0;
	pthread_mutex_unlock(&proc->map_lock);
	return ret;
}

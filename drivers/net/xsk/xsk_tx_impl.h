/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the transmit bursts are made of: kicks, where a packet can be sent from, the copy for those
 * that must leave their place. Included by the files of the burst variants only.
 */
#ifndef XSK_TX_IMPL_H
#define XSK_TX_IMPL_H

#include <errno.h>
#include <string.h>

#include <rte_memcpy.h>

#include "afx_kick.h"
#include "afx_napi.h"
#include "afx_uapi.h"
#include "xsk_fast.h"

/* Kicks that may be refused by the device (one packet lost each) before the burst gives up. */
#define REFUSALS_MAX 8

/* Kicks of a burst that go on although the kernel shows no progress. */
#define BLIND_MAX 4

/* Bursts that do not kick after the device was found down or gone. */
#define BACKOFF 64

/* Kicks without a packet leaving after which busy polling is taken for the cause. */
#define STUCK_MAX 64

/* Frames drawn before a bounce gives up on finding one that the NIC can follow. */
#define BOUNCE_TRIES 32

/*
 * One kick. A device that is down or gone is left alone for a while: nothing would come of asking
 * it at every burst.
 */
static int
wake(struct xsk_txq *q)
{
	int ret;

	if (unlikely(q->backoff > 0)) {
		q->backoff--;
		return -ENETDOWN;
	}
	ret = afx_kick_tx(q->fd);
	q->stats.wakeups++;
	if (unlikely(ret < 0 && ret != -EAGAIN && ret != -EBUSY)) {
		q->stats.wakeup_errors++;
		if (ret == -ENETDOWN || ret == -ENXIO)
			q->backoff = BACKOFF;
	}
	return ret;
}

/* The device refused the packet at the head of the ring: it was counted as sent. */
static void
refused(struct xsk_txq *q)
{
	uint32_t head = __atomic_load_n(q->tx.kcons, __ATOMIC_ACQUIRE);

	q->stats.drop_device++;
	q->stats.pkts--;
	q->stats.bytes -= afx_prod_desc(&q->tx, head - 1)->len;
	/* The descriptors of a packet of several, back to its first: they are not reused yet. */
	for (uint32_t n = 2; n <= q->sg.descs_max; n++) {
		const struct xdp_desc *d = afx_prod_desc(&q->tx, head - n);

		if (!(d->options & XDP_PKT_CONTD))
			break;
		q->stats.bytes -= d->len;
	}
}

/*
 * Copy mode: the kernel sends in the caller's context, some packets a call. Goes on as long as each
 * call gets somewhere; what is left when it does not is sent by a later burst.
 */
static void
kick_copy(struct xsk_txq *q)
{
	/* The kernel asks always: the flag is set at bind and stays (xp_assign_dev). */
	uint32_t pending = afx_prod_needs_wakeup(&q->tx) ? afx_prod_pending(&q->tx) : 0;
	unsigned int refusals = 0, blind = RTE_MIN(pending / AFX_TX_BATCH, (uint32_t)BLIND_MAX);

	while (pending > 0) {
		int ret = wake(q);
		uint32_t left = afx_prod_pending(&q->tx);

		if (ret == -EBUSY && left < pending) {
			refused(q);
			if (++refusals == REFUSALS_MAX)
				break;
		} else if (ret < 0 && ret != -EAGAIN) {
			break;
		}
		if (left >= pending) {
			/*
			 * No progress to be seen: the completion ring may be what is full, or the
			 * kernel an old one, which took a batch and tells so later.
			 */
			if (xsk_tx_reclaim(q) == 0) {
				if (ret != -EAGAIN || blind == 0)
					break;
				blind--;
			}
		}
		pending = left;
	}
}

/*
 * A socket with preferred busy polling does not wake a Tx NAPI of its own: when nothing leaves,
 * go on without preference.
 */
static __rte_noinline void
watch_busy(struct xsk_txq *q)
{
	uint32_t pending = afx_prod_pending(&q->tx);

	if (pending == 0 || pending < q->last_pending) {
		q->stuck = 0;
	} else if (++q->stuck == STUCK_MAX) {
		afx_napi_unprefer(q->fd);
		q->busy = false;
		q->stats.busy_off++;
	}
	q->last_pending = pending;
}

static __rte_always_inline void
kick(struct xsk_txq *q)
{
	if (!q->zc) {
		kick_copy(q);
		return;
	}
	/* The driver looks at the ring once more after it has set the flag: one of us sees. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (afx_prod_needs_wakeup(&q->tx) && afx_prod_pending(&q->tx) > 0) {
		wake(q);
		if (unlikely(q->busy))
			watch_busy(q);
	}
}

/* Where a packet can be sent from, or why not; counter is the cause to count once it is done. */
enum verdict {
	SEND_IN_PLACE,
	SEND_COPY,
	DROP,
	KEEP,
};

/* Whether the segments add up to what the first one says. */
static bool
chain_sound(const struct rte_mbuf *m)
{
	uint32_t sum = 0, segs = 0;

	for (const struct rte_mbuf *s = m; s != NULL; s = s->next, segs++)
		sum += s->data_len;
	return sum == m->pkt_len && segs == m->nb_segs;
}

static enum verdict
drop(uint64_t *cause, uint64_t **counter)
{
	*counter = cause;
	return DROP;
}

static enum verdict
judge(struct xsk_txq *q, const struct rte_mbuf *m, uintptr_t data, uint64_t **counter)
{
	struct xsk_tx_stats *st = &q->stats;
	uint64_t byte = data - q->base;
	uint32_t len = m->pkt_len;

	if (!chain_sound(m))
		return drop(&st->drop_malformed, counter);
	if (len < RTE_ETHER_HDR_LEN)
		return drop(&st->drop_short, counter);
	if (m->nb_segs > 1)
		*counter = &st->bounce_chain;
	else if (byte < q->lo || byte >= q->len || q->len - byte < len)
		*counter = RTE_MBUF_HAS_EXTBUF(m) ? &st->bounce_external : &st->bounce_outside;
	else if (xsk_region_gone(q->region, data, len))
		*counter = &st->bounce_gone;
	else if (afx_frame_crosses(data, len, q->cross_shift))
		*counter = &st->bounce_straddle;
	else if (len > q->chunk)
		return drop(&st->drop_long, counter);
	else
		return SEND_IN_PLACE;
	return len > q->bounce_room ? drop(&st->drop_long, counter) : SEND_COPY;
}

/* A frame for a copy of len bytes: NULL when the pool has none to give. */
static struct rte_mbuf *
bounce_frame(struct xsk_txq *q, uint32_t len)
{
	void *rejected[BOUNCE_TRIES];
	unsigned int cnt = 0;
	struct rte_mbuf *b;

	/*
	 * A frame that the NIC could not follow itself is of no use: draw others, a few times. The
	 * rejected go behind the cache, which would hand out the same ones again.
	 */
	for (;;) {
		uintptr_t to;
		uint64_t byte;

		b = cnt < BOUNCE_TRIES ? rte_mbuf_raw_alloc(q->bounce_mp) : NULL;
		if (b == NULL)
			break;
		to = (uintptr_t)b->buf_addr + q->bounce_off;
		byte = to - q->base;
		if (byte >= q->lo && byte < q->len && q->len - byte >= len &&
				!afx_frame_crosses(to, len, q->cross_shift))
			break;
		rejected[cnt++] = b;
	}
	if (unlikely(cnt > 0))
		rte_mempool_generic_put(q->bounce_mp, rejected, cnt, NULL);
	if (unlikely(b == NULL))
		return NULL;
	b->data_off = q->bounce_off;
	b->data_len = len;
	b->pkt_len = len;
	return b;
}

/* Copy a packet into a frame of its own. */
static struct rte_mbuf *
bounce(struct xsk_txq *q, const struct rte_mbuf *m)
{
	struct rte_mbuf *b = bounce_frame(q, m->pkt_len);
	char *to;

	if (unlikely(b == NULL))
		return NULL;
	to = rte_pktmbuf_mtod(b, char *);
	for (; m != NULL; m = m->next) {
		rte_memcpy(to, rte_pktmbuf_mtod(m, const void *), m->data_len);
		to += m->data_len;
	}
	return b;
}

/*
 * Deal with a packet that is not of the plain kind: SEND_IN_PLACE; SEND_COPY with *pkt the copy and
 * the packet freed; DROP, freed and counted; or KEEP, there is no frame to copy into and it stays
 * with the application.
 */
static __rte_noinline enum verdict
look_twice(struct xsk_txq *q, struct rte_mbuf **pkt)
{
	struct rte_mbuf *m = *pkt;
	uint64_t *counter = NULL;
	enum verdict v = judge(q, m, rte_pktmbuf_mtod(m, uintptr_t), &counter);

	if (v == SEND_IN_PLACE)
		return v;
	if (v == SEND_COPY) {
		*pkt = bounce(q, m);
		/* Frames may wait in the completion ring, which nobody else would look at. */
		if (*pkt == NULL && xsk_tx_reclaim(q) > 0)
			*pkt = bounce(q, m);
		if (*pkt == NULL) {
			q->stats.nombuf++;
			return KEEP;
		}
	}
	(*counter)++;
	rte_pktmbuf_free(m);
	return v;
}

#endif

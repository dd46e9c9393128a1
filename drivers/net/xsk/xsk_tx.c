/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transmit burst and the reclaim of completions.
 *
 * Every descriptor carries a tag in the offset part of its address; slot[tag] is the mbuf that must
 * live until the kernel returns the tag. What completes is known by name, never by count: kernels
 * differ in whether a refused descriptor completes.
 *
 * A packet leaves from where it lies when its bytes are in live pages of the registration. Anything
 * else is copied once into a frame of the receive pool; what cannot be sent at all is freed and
 * counted with its cause. Either way the burst consumes a prefix.
 */
#include <errno.h>
#include <string.h>

#include <rte_memcpy.h>

#include "afx_kick.h"
#include "afx_napi.h"
#include "xsk.h"

/* Completions handled at once. */
#define RECLAIM_BATCH 64

/* Kicks that may be refused by the device (one packet lost each) before the burst gives up. */
#define REFUSALS_MAX 8

/* Bursts that do not kick after the device was found down or gone. */
#define BACKOFF 64

/* Kicks without a packet leaving after which busy polling is taken for the cause. */
#define STUCK_MAX 64

/* Frames drawn before a bounce gives up on finding one that the NIC can follow. */
#define BOUNCE_TRIES 32

uint32_t
xsk_tx_reclaim(struct xsk_txq *q)
{
	struct rte_mbuf *done[RECLAIM_BATCH];
	uint32_t total = 0;

	for (;;) {
		uint32_t n = afx_cons_avail_fresh(&q->comp, RECLAIM_BATCH);
		uint32_t cnt = 0;

		if (n == 0)
			break;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t tag =
				afx_frame_offset(afx_cons_addr(&q->comp, q->comp.cached_cons + i));

			if (unlikely(tag >= q->nb_desc || q->slot[tag] == NULL)) {
				q->stats.bad_comp++;
				continue;
			}
			done[cnt++] = q->slot[tag];
			q->slot[tag] = NULL;
			q->free_slot[q->free_cnt++] = tag;
		}
		q->comp.cached_cons += n;
		afx_cons_release(&q->comp);
		rte_pktmbuf_free_bulk(done, cnt);
		total += cnt;
	}
	return total;
}

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
}

/*
 * Copy mode: the kernel sends in the caller's context, some packets a call. Goes on as long as each
 * call gets somewhere; what is left when it does not is sent by a later burst.
 */
static void
kick_copy(struct xsk_txq *q)
{
	uint32_t pending = afx_prod_pending(&q->tx);
	unsigned int refusals = 0;

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
			/* No progress: the completion ring may be what is full. */
			if (xsk_tx_reclaim(q) == 0)
				break;
		}
		pending = left;
	}
}

/* A busy-polled socket does not wake a Tx NAPI of its own: when nothing leaves, poll no more. */
static __rte_noinline void
watch_busy(struct xsk_txq *q)
{
	uint32_t pending = afx_prod_pending(&q->tx);

	if (pending == 0 || pending < q->last_pending) {
		q->stuck = 0;
	} else if (++q->stuck == STUCK_MAX) {
		afx_napi_busy_off(q->fd);
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

static __rte_noinline enum verdict
judge_slowly(struct xsk_txq *q, const struct rte_mbuf *m, uintptr_t data, uint64_t **counter)
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
	else if (byte < q->nb_desc || byte >= q->len || q->len - byte < len)
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

static __rte_always_inline enum verdict
judge(struct xsk_txq *q, const struct rte_mbuf *m, uintptr_t data, bool gone, uint64_t **counter)
{
	uint64_t byte = data - q->base;
	uint32_t len = m->data_len;

	/* A tag is subtracted from the address: the first bytes of the span cannot carry one. */
	if (likely(m->nb_segs == 1 && len == m->pkt_len && len >= RTE_ETHER_HDR_LEN &&
			len <= q->chunk && byte - q->nb_desc < q->len - q->nb_desc &&
			q->len - byte >= len && !gone &&
			!afx_frame_crosses(data, len, q->cross_shift)))
		return SEND_IN_PLACE;
	return judge_slowly(q, m, data, counter);
}

/* Copy a packet into a frame of its own: NULL when the pool has none to give. */
static struct rte_mbuf *
bounce(struct xsk_txq *q, const struct rte_mbuf *m)
{
	void *rejected[BOUNCE_TRIES];
	uint32_t len = m->pkt_len;
	unsigned int cnt = 0;
	struct rte_mbuf *b;
	char *to = NULL;

	/*
	 * A frame that the NIC could not follow itself is of no use: draw others, a few times. The
	 * rejected go behind the cache, which would hand out the same ones again.
	 */
	for (;;) {
		uint64_t byte;

		b = cnt < BOUNCE_TRIES ? rte_mbuf_raw_alloc(q->bounce_mp) : NULL;
		if (b == NULL)
			break;
		to = (char *)b->buf_addr + q->bounce_off;
		byte = (uintptr_t)to - q->base;
		if (byte >= q->nb_desc && byte < q->len && q->len - byte >= len &&
				!afx_frame_crosses((uintptr_t)to, len, q->cross_shift))
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
	for (; m != NULL; m = m->next) {
		rte_memcpy(to, rte_pktmbuf_mtod(m, const void *), m->data_len);
		to += m->data_len;
	}
	return b;
}

/*
 * Deal with a packet that cannot be sent from where it lies. Returns false when it stays with the
 * application; else it is freed and *out is what to send instead, or NULL for nothing.
 */
static __rte_noinline bool
replace(struct xsk_txq *q, struct rte_mbuf *m, enum verdict v, uint64_t *counter,
	struct rte_mbuf **out)
{
	*out = NULL;
	if (v == SEND_COPY) {
		*out = bounce(q, m);
		if (*out == NULL) {
			q->stats.nombuf++;
			return false;
		}
	}
	(*counter)++;
	rte_pktmbuf_free(m);
	return true;
}

uint16_t
xsk_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	struct xsk_txq *q = queue;
	bool gone = atomic_load_explicit(&q->region->any_gone, memory_order_acquire);
	uint64_t bytes = 0, bounced = 0;
	uint32_t idx = q->tx.cached_prod, room, sent = 0;
	uint16_t i;

	/* An empty burst is how an application that went quiet asks for its mbufs. */
	if (q->free_cnt < RTE_MAX((uint32_t)nb, q->free_thresh) || nb == 0)
		xsk_tx_reclaim(q);
	room = RTE_MIN(q->free_cnt, afx_prod_free(&q->tx, nb));
	for (i = 0; i < nb && sent < room; i++) {
		struct rte_mbuf *m = pkts[i];
		uintptr_t data = rte_pktmbuf_mtod(m, uintptr_t);
		uint64_t *counter = NULL;
		struct xdp_desc *d;
		enum verdict v;
		uint16_t tag;

		v = judge(q, m, data, gone, &counter);
		if (unlikely(v != SEND_IN_PLACE)) {
			if (!replace(q, m, v, counter, &m))
				break;
			if (m == NULL)
				continue;
			data = rte_pktmbuf_mtod(m, uintptr_t);
			bounced++;
		}
		tag = q->free_slot[--q->free_cnt];
		q->slot[tag] = m;
		d = afx_prod_desc(&q->tx, idx + sent++);
		d->addr = afx_frame_tagged(data - q->base, tag);
		d->len = m->data_len;
		d->options = 0;
		bytes += m->data_len;
	}
	if (sent > 0) {
		q->tx.cached_prod += sent;
		afx_prod_submit(&q->tx);
	}
	q->stats.pkts += sent;
	q->stats.bytes += bytes;
	q->stats.zero_copy += sent - bounced;
	kick(q);
	return i;
}

void
xsk_tx_drain(struct xsk_txq *q)
{
	q->backoff = 0;
	kick(q);
	xsk_tx_reclaim(q);
}

int
xsk_tx_done_cleanup(void *queue, uint32_t free_cnt __rte_unused)
{
	struct xsk_txq *q = queue;

	/* Called through ethdev also while the port is stopped. */
	if (q->region == NULL)
		return 0;
	kick(q);
	return xsk_tx_reclaim(q);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics. The bursts count in their own structures; the kernel counts per socket and starts
 * again with each, so its figures are summed here over stop and start. A reset remembers the kernel
 * figures as a baseline.
 */
#include <errno.h>
#include <string.h>

#include "xsk.h"

/* One extended statistic of a queue: its name and where it lies. */
struct field {
	const char *name;
	size_t off;
};

#define RX(f) { #f, offsetof(struct xsk_rx_stats, f) }
#define TX(f) { #f, offsetof(struct xsk_tx_stats, f) }

static const struct field rx_fields[] = {
	RX(nombuf), RX(bad_desc), RX(chains), RX(bad_chain), RX(drop_segs), RX(wakeups),
	RX(wakeup_errors), RX(tx_flushes), RX(tx_flush_drops),
};

static const struct field tx_fields[] = {
	TX(zero_copy), TX(bounce_outside), TX(bounce_gone), TX(bounce_straddle),
	TX(bounce_external), TX(bounce_chain), TX(chains), TX(drop_long),
	TX(drop_segs), TX(drop_short), TX(drop_malformed), TX(drop_device), TX(nombuf),
	TX(bad_comp), TX(busy_off), TX(wakeups), TX(wakeup_errors),
};

static const struct field rx_kernel[] = {
	{ "kernel_dropped", offsetof(struct xsk_kstats, rx_dropped) },
	{ "kernel_ring_full", offsetof(struct xsk_kstats, rx_ring_full) },
	{ "kernel_fill_empty", offsetof(struct xsk_kstats, rx_fill_empty) },
	{ "kernel_invalid", offsetof(struct xsk_kstats, rx_invalid) },
};

static const struct field tx_kernel[] = {
	{ "kernel_invalid", offsetof(struct xsk_kstats, tx_invalid) },
	{ "kernel_ring_empty", offsetof(struct xsk_kstats, tx_ring_empty) },
};

static uint64_t
read_field(const void *base, const struct field *f)
{
	return *(const uint64_t *)((const char *)base + f->off);
}

static void
add(struct xsk_kstats *to, const struct afx_socket_stats *st)
{
	to->rx_dropped += st->rx_dropped;
	to->rx_ring_full += st->rx_ring_full;
	to->rx_fill_empty += st->rx_fill_empty;
	to->rx_invalid += st->rx_invalid_descs;
	to->tx_invalid += st->tx_invalid_descs;
	to->tx_ring_empty += st->tx_ring_empty;
}

void
xsk_kstats_collect(struct xsk_pair *pair, struct xsk_rxq *rxq, struct xsk_txq *txq)
{
	struct afx_socket_stats st;

	if (afx_socket_stats(pair->sock->fd, &st) < 0)
		return;
	if (rxq != NULL)
		add(&rxq->ksum, &st);
	if (txq != NULL)
		add(&txq->ksum, &st);
}

/* Totals of closed sockets and the live one. A secondary sees those of closed sockets only. */
static struct xsk_kstats
kernel_total(const struct xsk_kstats *sum, int fd)
{
	struct xsk_kstats total = *sum;
	struct afx_socket_stats st;

	if (fd >= 0 && rte_eal_process_type() == RTE_PROC_PRIMARY && afx_socket_stats(fd, &st) == 0)
		add(&total, &st);
	return total;
}

static struct xsk_kstats
minus(struct xsk_kstats a, const struct xsk_kstats *b)
{
	a.rx_dropped -= b->rx_dropped;
	a.rx_ring_full -= b->rx_ring_full;
	a.rx_fill_empty -= b->rx_fill_empty;
	a.rx_invalid -= b->rx_invalid;
	a.tx_invalid -= b->tx_invalid;
	a.tx_ring_empty -= b->tx_ring_empty;
	return a;
}

static struct xsk_kstats
rx_kstats(const struct xsk_rxq *q)
{
	return minus(kernel_total(&q->ksum, q->fd), &q->kbase);
}

static struct xsk_kstats
tx_kstats(const struct xsk_txq *q)
{
	return minus(kernel_total(&q->ksum, q->fd), &q->kbase);
}

/* Counters of a burst since the last reset: a burst may be adding at this moment. */
static void
since(uint64_t *out, const uint64_t *now, const uint64_t *then, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*out); i++)
		out[i] = now[i] - then[i];
}

static struct xsk_rx_stats
rx_stats(const struct xsk_rxq *q)
{
	struct xsk_rx_stats st;

	since((uint64_t *)&st, (const uint64_t *)&q->stats, (const uint64_t *)&q->base_stats,
		sizeof(st));
	return st;
}

static struct xsk_tx_stats
tx_stats(const struct xsk_txq *q)
{
	struct xsk_tx_stats st;

	since((uint64_t *)&st, (const uint64_t *)&q->stats, (const uint64_t *)&q->base_stats,
		sizeof(st));
	/* What was counted as sent before the reset may be refused after it. */
	if ((int64_t)st.pkts < 0)
		st.pkts = 0;
	if ((int64_t)st.bytes < 0)
		st.bytes = 0;
	return st;
}

static uint64_t
tx_drops(const struct xsk_tx_stats *st)
{
	return st->drop_long + st->drop_segs + st->drop_short + st->drop_malformed +
		st->drop_device;
}

int
xsk_stats_get(XSK_STATS_GET_ARGS)
{
	xsk_queue_stats *qs = XSK_QUEUE_STATS(stats, qstats);
	uint64_t nombuf = 0;

	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++) {
		const struct xsk_txq *q = dev->data->tx_queues[i];
		struct xsk_tx_stats st;

		if (q == NULL)
			continue;
		st = tx_stats(q);
		stats->opackets += st.pkts;
		stats->obytes += st.bytes;
		stats->oerrors += tx_drops(&st) + tx_kstats(q).tx_invalid;
		if (qs != NULL && i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			qs->q_opackets[i] = st.pkts;
			qs->q_obytes[i] = st.bytes;
		}
	}
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct xsk_rxq *q = dev->data->rx_queues[i];
		struct xsk_rx_stats st;
		struct xsk_kstats k;

		if (q == NULL)
			continue;
		/* Without a free buffer the kernel counts a drop too: not added again. */
		k = rx_kstats(q);
		st = rx_stats(q);
		stats->ipackets += st.pkts;
		stats->ibytes += st.bytes;
		stats->imissed += k.rx_dropped + k.rx_ring_full;
		stats->ierrors += st.bad_desc + st.drop_segs;
		/* Counted as sent by the transmit burst that left them. */
		stats->opackets -= RTE_MIN(stats->opackets, st.tx_flush_drops);
		stats->oerrors += st.tx_flush_drops;
		nombuf += st.nombuf;
		if (qs != NULL && i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			qs->q_ipackets[i] = st.pkts;
			qs->q_ibytes[i] = st.bytes;
			qs->q_errors[i] = k.rx_dropped + k.rx_ring_full + st.bad_desc +
				st.drop_segs;
		}
	}
	/* ethdev comes with a count of its own, which this driver does not keep. */
	stats->rx_nombuf = nombuf;
	return 0;
}

/* The bursts own their counters and may be adding to them: a reset remembers where they are. */
int
xsk_stats_reset(struct rte_eth_dev *dev)
{
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		struct xsk_rxq *q = dev->data->rx_queues[i];

		if (q == NULL)
			continue;
		q->base_stats = q->stats;
		q->kbase = kernel_total(&q->ksum, q->fd);
	}
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++) {
		struct xsk_txq *q = dev->data->tx_queues[i];

		if (q == NULL)
			continue;
		q->base_stats = q->stats;
		q->kbase = kernel_total(&q->ksum, q->fd);
	}
	return 0;
}

/* Walks every statistic in order; names and values come from the same walk and cannot disagree. */
struct walk {
	struct rte_eth_xstat *values;
	struct rte_eth_xstat_name *names;
	unsigned int room;
	unsigned int cnt;
};

static void
put(struct walk *w, const char *dir, int queue, const char *name, uint64_t value)
{
	if (w->cnt < w->room && w->values != NULL) {
		w->values[w->cnt].id = w->cnt;
		w->values[w->cnt].value = value;
	}
	if (w->cnt < w->room && w->names != NULL) {
		if (queue >= 0)
			snprintf(w->names[w->cnt].name, sizeof(w->names[0].name), "%s_q%d_%s", dir,
				queue, name);
		else
			snprintf(w->names[w->cnt].name, sizeof(w->names[0].name), "%s", name);
	}
	w->cnt++;
}

static void
put_fields(struct walk *w, const char *dir, uint16_t queue, const struct field *f, size_t cnt,
	const void *base)
{
	for (size_t i = 0; i < cnt; i++)
		put(w, dir, queue, f[i].name, read_field(base, &f[i]));
}

static void
walk(struct rte_eth_dev *dev, struct walk *w)
{
	const struct xsk_port *port = xsk_port(dev);

	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct xsk_rxq *q = dev->data->rx_queues[i];
		struct xsk_rx_stats st = { 0 };
		struct xsk_kstats k = { 0 };

		if (q != NULL && w->values != NULL) {
			st = rx_stats(q);
			k = rx_kstats(q);
		}
		put_fields(w, "rx", i, rx_fields, RTE_DIM(rx_fields), &st);
		put_fields(w, "rx", i, rx_kernel, RTE_DIM(rx_kernel), &k);
	}
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++) {
		const struct xsk_txq *q = dev->data->tx_queues[i];
		struct xsk_tx_stats st = { 0 };
		struct xsk_kstats k = { 0 };

		if (q != NULL && w->values != NULL) {
			st = tx_stats(q);
			k = tx_kstats(q);
		}
		put_fields(w, "tx", i, tx_fields, RTE_DIM(tx_fields), &st);
		put_fields(w, "tx", i, tx_kernel, RTE_DIM(tx_kernel), &k);
	}
	put(w, "", -1, "quarantined_mbufs", port->quarantined);
	put(w, "", -1, "link_events", port->link_events);
	put(w, "", -1, "interface_gone", port->gone);
	put(w, "", -1, "mode", port->got);
}

int
xsk_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n)
{
	struct walk w = { .values = xstats, .room = xstats != NULL ? n : 0 };

	walk(dev, &w);
	return w.cnt;
}

int
xsk_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int n)
{
	struct walk w = { .names = names, .room = names != NULL ? n : 0 };

	walk(dev, &w);
	return w.cnt;
}

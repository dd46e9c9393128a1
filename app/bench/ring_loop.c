/* SPDX-License-Identifier: BSD-3-Clause */
/* Loops on bare AF_XDP rings: the bare_xsk candidate on its CPUs, and the xsk generator. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afx_prog.h"
#include "pace.h"
#include "ring.h"

struct lane {
	struct job_page *page;
	struct worker *w;
	struct ring *rings;
	uint32_t first;          /* queues first, first + step, ... */
	uint32_t step;
	uint32_t mix;
};

static void
wake_fill(struct ring *r)
{
	if (afx_prod_needs_wakeup(&r->s->fill))
		afx_kick_rx(r->s->fd);
}

/* Every frame goes straight back into the fill ring. */
static void
turn_rx(struct lane *l, struct ring *r)
{
	struct afx_cons *rx = &r->s->rx;
	uint32_t idx, n = afx_cons_peek(rx, l->page->job.burst, &idx);

	l->w->now.polls++;
	if (n == 0) {
		l->w->now.empty++;
		wake_fill(r);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		l->w->now.bytes += afx_cons_desc(rx, idx + i)->len;
	ring_give_back(r, idx, n);
	afx_cons_release(rx);
	l->w->now.packets += n;
}

static void
swap_macs(uint8_t *data)
{
	uint8_t was[ETH_ALEN];

	memcpy(was, data, ETH_ALEN);
	memcpy(data, data + ETH_ALEN, ETH_ALEN);
	memcpy(data + ETH_ALEN, was, ETH_ALEN);
}

/* Completed frames go into the fill ring as far as it has room. */
static void
refill(struct ring *r)
{
	struct afx_prod *fill = &r->s->fill;
	uint32_t at, n;

	ring_reclaim(r);
	n = afx_prod_free(fill, r->n_free);
	n = n < r->n_free ? n : r->n_free;
	if (n == 0 || afx_prod_reserve(fill, n, &at) == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		*afx_prod_addr(fill, at + i) = r->free[--r->n_free];
	afx_prod_submit(fill);
}

static void
turn_forward(struct lane *l, struct ring *r)
{
	struct afx_cons *rx = &r->s->rx;
	struct afx_prod *tx = &r->s->tx;
	uint32_t idx, at, n = afx_cons_peek(rx, l->page->job.burst, &idx);

	l->w->now.polls++;
	if (n == 0) {
		l->w->now.empty++;
		refill(r);
		wake_fill(r);
		return;
	}
	while (afx_prod_reserve(tx, n, &at) == 0) {
		ring_kick(r);
		refill(r);
		if (__atomic_load_n(&l->page->stop, __ATOMIC_RELAXED))
			return;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *d = afx_cons_desc(rx, idx + i);
		struct xdp_desc *out = afx_prod_desc(tx, at + i);

		swap_macs(ring_data(r, d->addr));
		*out = (struct xdp_desc){ .addr = d->addr, .len = d->len };
		l->w->now.bytes += d->len;
	}
	afx_cons_release(rx);
	afx_prod_submit(tx);
	ring_kick(r);
	refill(r);
	l->w->now.packets += n;
}

static void
turn_tx(struct lane *l, struct ring *r, uint32_t want)
{
	uint32_t n;

	ring_reclaim(r);
	n = ring_send(r, &l->page->job.size, &l->mix, want, &l->w->now.bytes);
	l->w->now.packets += n;
	l->w->now.refused += want - n;
	ring_kick(r);
}

static void *
run_lane(void *arg)
{
	struct lane *l = arg;
	const struct job *job = &l->page->job;

	while (job_turn(l->page, l->w)) {
		for (uint32_t q = l->first; q < job->queues; q += l->step) {
			if (job->work == WORK_RX)
				turn_rx(l, &l->rings[q]);
			else if (job->work == WORK_TX)
				turn_tx(l, &l->rings[q], job->burst);
			else
				turn_forward(l, &l->rings[q]);
		}
	}
	return NULL;
}

static int
run_lanes(struct job_page *page, struct ring *rings, struct afx_err *err)
{
	const struct job *job = &page->job;
	struct lane lane[OPTS_CPUS];
	pthread_t thread[OPTS_CPUS];
	uint32_t n = 0;
	int ret = 0;

	for (; n < job->n_cpus && ret == 0; n++) {
		pthread_attr_t attr;
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(job->cpu[n], &set);
		lane[n] = (struct lane){ page, &page->worker[n], rings, n, job->n_cpus, 0 };
		pthread_attr_init(&attr);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
		ret = -pthread_create(&thread[n], &attr, run_lane, &lane[n]);
		pthread_attr_destroy(&attr);
	}
	if (ret < 0) {
		n--;
		page->stop = 1;
		afx_err_set(err, ret, "a thread on CPU %u: %s", job->cpu[n], strerror(-ret));
	} else {
		job_ready(page, job->n_cpus);
	}
	for (uint32_t i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	return ret;
}

static int
attach(struct job_page *page, struct ring *rings, struct afx_prog **prog, struct afx_err *err)
{
	const struct job *job = &page->job;
	bool skb = cand_wants_skb(&job->cand);
	struct afx_prog_cfg cfg = {
		.ifindex = job->ifindex, .attach = AFX_ATTACH_LINK, .max_queues = job->queues,
		.mode = skb ? AFX_XDP_SKB : AFX_XDP_NATIVE, .max_meta = 0, .map_fd = -1,
	};
	int ret = afx_prog_open(&cfg, prog, err);

	for (uint32_t q = 0; ret == 0 && q < job->queues; q++) {
		ret = ring_open(&rings[q], job->ifindex, q, true, job, err);
		if (ret == 0)
			ret = afx_prog_put(*prog, q, rings[q].s->fd, err);
	}
	page->rxd_got = page->txd_got = RING_ENTRIES;
	if (ret == 0)
		snprintf(page->rx_mode, sizeof(page->rx_mode), "%s %s", skb ? "generic" : "native",
			rings[0].zero_copy ? "zero-copy" : "copy");
	return ret;
}

void
ring_candidate(struct job_page *page)
{
	struct ring *rings = calloc(page->job.queues, sizeof(*rings));
	struct afx_prog *prog = NULL;
	struct afx_err err;

	if (rings == NULL)
		return;
	if (attach(page, rings, &prog, &err) < 0 || run_lanes(page, rings, &err) < 0)
		job_fail(page, &err);
	afx_prog_close(prog);
	for (uint32_t q = 0; q < page->job.queues; q++)
		ring_close(&rings[q]);
	free(rings);
}

void
ring_generator(struct job_page *page)
{
	const struct job *job = &page->job;
	struct ring *rings = calloc(job->queues, sizeof(*rings));
	struct lane l = { page, &page->worker[0], rings, 0, 1, 0 };
	struct pace pace;
	struct afx_err err;

	if (rings == NULL)
		return;
	for (uint32_t q = 0; q < job->queues; q++)
		if (ring_open(&rings[q], job->ifindex, q, false, job, &err) < 0) {
			job_fail(page, &err);
			return;
		}
	pace_start(&pace, job->rate_pps);
	job_ready(page, 1);
	while (job_turn(page, l.w))
		for (uint32_t q = 0; q < job->queues; q++) {
			uint32_t n = pace_allows(&pace, l.w->now.packets, job->burst);

			if (n != 0)
				turn_tx(&l, &rings[q], n);
		}
}

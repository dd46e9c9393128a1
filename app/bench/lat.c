/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The far end of the latency measurement: sends packets with the time in them through an AF_XDP
 * socket, takes them back and files the round trip. With a rate the time is when the packet was
 * due, not when it was sent: a stall counts for every packet it held up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "afx_prog.h"
#include "gen.h"
#include "ring.h"

#define LOST_AFTER_S 0.2
#define STAMP_OFF LIVE_HEAD_OFF    /* the number in struct live_head is the time here */
#define RATE_WINDOW 1024           /* with a rate, packets under way at most */

struct prober {
	struct job_page *page;
	struct worker *w;
	struct ring ring;
	struct afx_prog *prog;
	double ticks;            /* of the TSC between packets, 0: without a rate */
	double due;
	uint64_t last_tsc;       /* of the last packet that came or went */
	uint64_t lost_ticks;
	uint32_t under_way;
	uint32_t window;
	uint32_t mix;
};

static uint64_t
measure_hz(void)
{
	struct timespec a, b, wait = { 0, 20000000 };
	uint64_t t0, t1;
	double s;

	clock_gettime(CLOCK_MONOTONIC, &a);
	t0 = rte_rdtsc();
	nanosleep(&wait, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	t1 = rte_rdtsc();
	s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9;
	return (double)(t1 - t0) / s;
}

static void
take_back(struct prober *p, bool counts)
{
	struct afx_cons *rx = &p->ring.s->rx;
	uint32_t idx, n = afx_cons_peek(rx, 64, &idx);
	uint64_t now = rte_rdtsc();

	p->w->now.polls++;
	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *d = afx_cons_desc(rx, idx + i);
		const uint8_t *data = ring_data(&p->ring, d->addr);
		struct live_head head;

		memcpy(&head, data + STAMP_OFF, sizeof(head));
		if (d->len < STAMP_OFF + sizeof(head) || head.magic != LIVE_MAGIC)
			continue;
		if (counts)
			hist_add(&p->page->hist, now > head.seq ? now - head.seq : 0);
		p->w->now.bytes += d->len;
		p->w->now.packets++;
		p->under_way -= p->under_way != 0;
	}
	ring_give_back(&p->ring, idx, n);
	afx_cons_release(rx);
	p->last_tsc = now;
}

static void
send_one(struct prober *p)
{
	struct live_head head = { .magic = LIVE_MAGIC };
	const struct job *job = &p->page->job;
	uint64_t now = rte_rdtsc(), bytes = 0;
	uint8_t *data;

	if (p->under_way >= p->window || (p->ticks != 0 && (double)now < p->due))
		return;
	ring_reclaim(&p->ring);
	if (p->ring.n_free == 0)
		return;
	data = p->ring.base + p->ring.free[p->ring.n_free - 1] + AFX_XDP_HEADROOM;
	head.seq = p->ticks != 0 ? (uint64_t)p->due : now;
	memcpy(data + STAMP_OFF, &head, sizeof(head));
	if (ring_send(&p->ring, &job->size, &p->mix, 1, &bytes) == 0)
		return;
	ring_kick(&p->ring);
	p->w->now.sent++;
	p->under_way++;
	p->due += p->ticks;
	p->last_tsc = now;
}

static int
open_prober(struct prober *p, struct afx_err *err)
{
	const struct job *job = &p->page->job;
	struct afx_prog_cfg cfg = {
		.ifindex = job->ifindex, .attach = AFX_ATTACH_LINK, .max_queues = job->queues,
		.mode = AFX_XDP_NATIVE, .map_fd = -1,
	};
	int ret = afx_prog_open(&cfg, &p->prog, err);

	if (ret == 0)
		ret = ring_open(&p->ring, job->ifindex, 0, true, job, err);
	return ret < 0 ? ret : afx_prog_put(p->prog, 0, p->ring.s->fd, err);
}

void
lat_run(struct job_page *page)
{
	static struct prober p;
	struct afx_err err;
	uint64_t hz = measure_hz();

	p.page = page;
	p.w = &page->worker[0];
	p.window = page->job.rate_pps != 0 ? RATE_WINDOW : page->job.window;
	if (open_prober(&p, &err) < 0) {
		job_fail(page, &err);
		afx_prog_close(p.prog);
		return;
	}
	if (page->job.rate_pps != 0)
		p.ticks = (double)hz / (double)page->job.rate_pps;
	p.due = (double)rte_rdtsc();
	p.lost_ticks = (uint64_t)((double)hz * LOST_AFTER_S);
	job_ready(page, 1);
	while (job_turn(page, p.w)) {
		bool counts = p.w->snapped & 1;

		take_back(&p, counts);
		send_one(&p);
		/* Nothing moves any more: what is under way will not come back. */
		if (p.under_way != 0 && rte_rdtsc() - p.last_tsc > p.lost_ticks) {
			if (counts)
				page->lost += p.under_way;
			p.under_way = 0;
		}
	}
	afx_prog_close(p.prog);
	ring_close(&p.ring);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* One measurement, see run.h: start the candidate, the counting far end and the traffic; count. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"
#include "run.h"
#include "veth.h"

#define READY_MS 30000
#define CARRIER_MS 10000
#define FIRST_PACKET_MS 5000
#define STEADY_READS 5
#define SETTLE_MS 500        /* for packets under way when the generator has stopped */
#define STILL_MS 30

/* Everything of a measurement that has to be undone. */
struct run {
	const struct run_env *env;
	const struct cand *cand;
	struct job job;
	struct proc dut;
	struct gen gen;
	struct live *near;       /* a bare XDP candidate */
	struct live *far_count;
	struct net_end far;
	uint64_t foreign;
	char threaded_was[8];    /* "" where it was not touched */
};

/* A moment of all counters. */
struct moment {
	struct counts rx;        /* of the receiver, with its time */
	struct counts dut;
	uint64_t sent;
	uint64_t lat_lost;
	struct timespec ts;
	uint64_t tsc;
};

enum gen_kind
run_gen_kind(const struct opts *o, const struct point *pt)
{
	if (o->work == WORK_TX)
		return GEN_NONE;
	if (o->gen != GEN_AUTO)
		return o->gen;
	if (o->work == WORK_LATENCY)
		return GEN_XSK;
	/* Live frames do not get into a tap device that has an XDP program. */
	for (uint32_t i = 0; i < o->n_cands; i++)
		if (cand_makes_iface(&o->cand[i]))
			return GEN_XSK;
	return pt->queues == 1 && o->iface[0] == '\0' && pt->size->longest <= FRAME_LIVE_MAX ?
		GEN_LIVE : GEN_XSK;
}

static int
enter(const struct net_end *end, struct afx_err *err)
{
	return end->ctl != NULL ? afx_ctl_enter(end->ctl, err) : 0;
}

static int
open_live(const struct net_end *end, enum live_attach how, bool skb, struct live **live,
	struct afx_err *err)
{
	struct live_opts lo = { .ifindex = end->nd.ifindex, .attach = how, .skb = skb };
	int back = enter(end, err), ret;

	if (back < 0)
		return back;
	ret = live_open(&lo, live, err);
	afx_ctl_leave(end->ctl, back);
	return ret;
}

static int
make_job(struct run *r, const struct point *pt, struct afx_err *err)
{
	const struct opts *o = r->env->o;
	struct job *job = &r->job;
	const struct net_end *dut = &r->env->net->dut;
	char tap[32];

	*job = (struct job){
		.work = o->work, .cand = *r->cand, .ifindex = dut->nd.ifindex,
		.queues = pt->queues, .burst = pt->burst, .size = *pt->size,
		.n_cpus = r->env->n_dut_cpus, .mbufs = o->mbufs, .mbuf_size = o->mbuf_size,
		.rxd = o->rxd, .txd = o->txd, .no_fast_free = o->no_fast_free, .flows = o->flows,
		.rate_pps = o->rate_pps, .window = o->window, .nice = o->nice,
		.dst_mac = { 0x02, 0xaf, 0, 0, 0, 1 },
	};
	memcpy(job->cpu, r->env->dut_cpu, sizeof(job->cpu));
	if (job->n_cpus > job->queues)
		job->n_cpus = job->queues;
	snprintf(job->iface, sizeof(job->iface), "%s", dut->name);
	snprintf(job->plugin, sizeof(job->plugin), "%s", r->env->plugin);
	snprintf(job->eal, sizeof(job->eal), "%s", o->eal);
	snprintf(job->prefix, sizeof(job->prefix), "xskbench-%u", getpid());
	if (r->cand->kind != CAND_ETHDEV)
		return 0;
	if (cand_makes_iface(r->cand)) {
		snprintf(tap, sizeof(tap), "xbt%u", getpid());
		return cand_vdev(r->cand, tap, pt->queues, 0, job->vdev, sizeof(job->vdev), err);
	}
	return cand_vdev(r->cand, dut->name, pt->queues, !r->env->net->own, job->vdev,
		sizeof(job->vdev), err);
}

static int
start_candidate(struct run *r, struct afx_err *err)
{
	const struct run_env *env = r->env;
	bool tap = cand_makes_iface(r->cand);
	const struct net_end *in = tap ? &env->net->far : &env->net->dut;
	char name[32];
	int ret;

	if (r->cand->kind == CAND_BARE_XDP)
		return open_live(in, env->o->work == WORK_RX ? LIVE_DROP : LIVE_REFLECT,
			cand_wants_skb(r->cand), &r->near, err);
	ret = proc_init(&r->dut, err);
	if (ret < 0)
		return ret;
	r->dut.page->job = r->job;
	ret = proc_start(&r->dut, in->netns_fd,
		r->cand->kind == CAND_BARE_XSK ? ring_candidate : NULL, r->job.cpu[0],
		env->o->verbose, err);
	if (ret == 0)
		ret = proc_wait_ready(&r->dut, READY_MS, err);
	if (ret == 0 && tap) {
		snprintf(name, sizeof(name), "xbt%u", getpid());
		ret = net_find(&r->far, name, CARRIER_MS, err);
	}
	return ret;
}

static int
start_traffic(struct run *r, const struct point *pt, struct afx_err *err)
{
	enum gen_kind kind = run_gen_kind(r->env->o, pt);
	struct job job = r->job;
	int back, ret = 0;

	if (r->env->o->work != WORK_RX && r->env->o->work != WORK_LATENCY)
		ret = open_live(&r->far, LIVE_DROP, false, &r->far_count, err);
	if (ret == 0)
		ret = net_wait_carrier(r->env->net, CARRIER_MS, err);
	if (ret < 0 || kind == GEN_NONE)
		return ret;
	job.ifindex = r->far.nd.ifindex;
	snprintf(job.iface, sizeof(job.iface), "%s", r->far.name);
	job.burst = 64;
	back = enter(&r->far, err);
	if (back < 0)
		return back;
	ret = gen_start(&r->gen, kind, &job, r->far.netns_fd, r->env->gen_cpu,
		r->env->o->verbose, err);
	afx_ctl_leave(r->far.ctl, back);
	return ret;
}

/* A count of a program, with the time it is of: read again should the reader be held up. */
static struct counts
program_counts(const struct live *live, uint64_t *foreign)
{
	struct counts c = { 0 };
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < STEADY_READS; i++) {
		uint64_t t0 = rte_rdtsc(), t1;
		struct live_count n = live_counted(live);

		t1 = rte_rdtsc();
		if (t1 - t0 >= best)
			continue;
		best = t1 - t0;
		c.tsc = t0 + best / 2;
		c.packets = n.packets;
		c.bytes = n.bytes;
		*foreign = n.foreign;
	}
	return c;
}

static int
take_moment(struct run *r, struct moment *m, struct afx_err *err)
{
	struct proc *lat = &r->gen.proc;
	int ret = 0;

	memset(m, 0, sizeof(*m));
	clock_gettime(CLOCK_MONOTONIC, &m->ts);
	m->tsc = rte_rdtsc();
	m->sent = gen_sent(&r->gen);
	if (r->dut.page != NULL)
		ret = proc_snapshot(&r->dut, &m->dut, err);
	if (ret == 0 && r->env->o->work == WORK_LATENCY) {
		ret = proc_snapshot(lat, &m->rx, err);
		m->lat_lost = lat->page->lost;
	} else if (r->far_count != NULL) {
		m->rx = program_counts(r->far_count, &r->foreign);
	} else if (r->near != NULL) {
		m->rx = program_counts(r->near, &r->foreign);
	} else {
		m->rx = m->dut;
	}
	return ret;
}

static double
seconds_between(const struct timespec *a, const struct timespec *b)
{
	return (double)(b->tv_sec - a->tv_sec) + (double)(b->tv_nsec - a->tv_nsec) * 1e-9;
}

/* Packets received so far, for progress and for the first one. */
static uint64_t
received(struct run *r)
{
	uint64_t foreign;

	if (r->env->o->work == WORK_LATENCY)
		return proc_counts(&r->gen.proc).packets;
	if (r->far_count != NULL)
		return program_counts(r->far_count, &foreign).packets;
	if (r->near != NULL)
		return program_counts(r->near, &foreign).packets;
	return proc_counts(&r->dut).packets;
}

static int
check_running(struct run *r, struct afx_err *err)
{
	if (*r->env->stop)
		return -EINTR;
	if (r->dut.page != NULL && !proc_alive(&r->dut, err))
		return -EIO;
	if (r->gen.proc.page != NULL && !proc_alive(&r->gen.proc, err))
		return -EIO;
	return 0;
}

/* Let so much time pass, with a word on how it goes each second. */
static int
pass(struct run *r, double seconds, bool show, struct afx_err *err)
{
	struct timespec from, last, now, step = { 0, 20000000 };
	uint64_t n = received(r), sent = gen_sent(&r->gen), n1, sent1;
	double gone = 0, part;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &from);
	last = from;
	while (ret == 0 && gone < seconds) {
		double left = seconds - gone;

		step.tv_nsec = left < 0.02 ? (long)(left * 1e9) : 20000000;
		nanosleep(&step, NULL);
		ret = check_running(r, err);
		clock_gettime(CLOCK_MONOTONIC, &now);
		gone = seconds_between(&from, &now);
		part = seconds_between(&last, &now);
		if (!show || part < 1 || r->env->progress == NULL)
			continue;
		n1 = received(r);
		sent1 = gen_sent(&r->gen);
		r->env->progress(r->env->arg, gone, (double)(n1 - n) / part,
			(double)(sent1 - sent) / part);
		n = n1;
		sent = sent1;
		last = now;
	}
	return ret;
}

static int
wait_first(struct run *r, struct afx_err *err)
{
	const struct timespec step = { 0, 5000000 };
	int ret;

	for (unsigned int ms = 0; received(r) == 0; ms += 5) {
		ret = check_running(r, err);
		if (ret < 0)
			return ret;
		if (ms >= FIRST_PACKET_MS)
			return afx_err_set(err, -ENODATA,
				"no packet reached the receiver in %u ms (sent: %llu)",
				FIRST_PACKET_MS, (unsigned long long)gen_sent(&r->gen));
		nanosleep(&step, NULL);
	}
	return 0;
}

static double
share(double part, double of)
{
	return of > 0 ? 100 * part / of : -1;
}

static int
evaluate(struct run *r, const struct moment *a, const struct moment *b, struct sample *s,
	struct afx_err *err)
{
	double took = seconds_between(&a->ts, &b->ts), hz = (double)(b->tsc - a->tsc) / took;
	double n = (double)(b->rx.packets - a->rx.packets), sent = (double)(b->sent - a->sent);
	double polls = (double)(b->dut.polls - a->dut.polls);

	s->seconds = (double)(b->rx.tsc - a->rx.tsc) / hz;
	s->received = b->rx.packets - a->rx.packets;
	s->sent = b->sent - a->sent;
	s->pps = n / s->seconds;
	s->bps = 8 * (double)(b->rx.bytes - a->rx.bytes) / s->seconds;
	s->offered_pps = sent / took;
	s->dut_pps = (double)(b->dut.packets - a->dut.packets) / s->seconds;
	s->refused_pps = (double)(b->dut.refused - a->dut.refused) / s->seconds;
	if (r->env->o->work == WORK_TX)
		sent = (double)(b->dut.packets - a->dut.packets);
	s->lost_pct = share(sent > n ? sent - n : 0, sent);
	s->empty_pct = share((double)(b->dut.empty - a->dut.empty), polls);
	s->foreign = r->foreign;
	if (n > 0)
		return 0;
	return afx_err_set(err, -ENODATA, "no packet was received while counting");
}

/*
 * Stop the generator and wait until nothing comes any more: then no more may have been received
 * than sent. A driver that makes packets up, or traffic of somebody else, shows here.
 */
static int
settle(struct run *r, struct sample *s, struct afx_err *err)
{
	const struct timespec step = { 0, 5000000 };
	uint64_t last = 0;

	if (r->gen.proc.page == NULL)
		return 0;
	proc_stop(&r->gen.proc);
	for (unsigned int ms = 0, still = 0; ms < SETTLE_MS && still < STILL_MS; ms += 5) {
		nanosleep(&step, NULL);
		s->all_received = received(r);
		still = s->all_received == last ? still + 5 : 0;
		last = s->all_received;
	}
	s->all_sent = gen_sent(&r->gen);
	if (s->all_received <= s->all_sent)
		return 0;
	return afx_err_set(err, -EPROTO,
		"%llu packets received and only %llu sent: not all of them are the generator's",
		(unsigned long long)s->all_received, (unsigned long long)s->all_sent);
}

static void
evaluate_latency(struct run *r, const struct moment *a, const struct moment *b, struct sample *s,
	struct hist *hist)
{
	double hz = (double)(b->tsc - a->tsc) / seconds_between(&a->ts, &b->ts), ns = 1e9 / hz;
	const struct hist *h = &r->gen.proc.page->hist;

	s->ns_min = (double)h->min * ns;
	s->ns_max = (double)h->max * ns;
	s->ns_mean = h->count != 0 ? (double)h->sum / (double)h->count * ns : 0;
	s->ns_p50 = (double)hist_quantile(h, 0.5) * ns;
	s->ns_p90 = (double)hist_quantile(h, 0.9) * ns;
	s->ns_p99 = (double)hist_quantile(h, 0.99) * ns;
	s->ns_p999 = (double)hist_quantile(h, 0.999) * ns;
	s->probes = h->count;
	s->lost = b->lat_lost - a->lat_lost;
	for (uint32_t i = 0; i < HIST_BUCKETS; i++)
		hist_add_many(hist, (uint64_t)((double)hist_low(i) * ns), h->bucket[i]);
}

static int
measure(struct run *r, const struct point *pt, struct sample *s, struct got *got,
	struct hist *hist, struct afx_err *err)
{
	struct moment a, b;
	int ret = make_job(r, pt, err);

	if (ret == 0)
		ret = start_candidate(r, err);
	if (ret == 0 && r->env->o->napi_cpu != UINT32_MAX)
		ret = veth_napi_thread(&r->env->net->dut, r->env->o->napi_cpu, r->threaded_was,
			sizeof(r->threaded_was), err);
	if (ret == 0)
		ret = start_traffic(r, pt, err);
	if (ret == 0)
		ret = wait_first(r, err);
	if (ret == 0)
		ret = pass(r, r->env->o->warmup_s, false, err);
	if (ret == 0)
		ret = take_moment(r, &a, err);
	if (ret == 0)
		ret = pass(r, r->env->o->duration_s, true, err);
	if (ret == 0)
		ret = take_moment(r, &b, err);
	if (ret == 0)
		ret = evaluate(r, &a, &b, s, err);
	if (ret == 0 && r->env->o->work == WORK_LATENCY)
		evaluate_latency(r, &a, &b, s, hist);
	if (ret == 0)
		got_note(&r->env->net->dut, r->dut.page, r->cand, got);
	if (ret == 0)
		ret = settle(r, s, err);
	if (ret < 0)
		s->pps = 0;
	return ret;
}

int
run_one(const struct run_env *env, const struct cand *c, const struct point *pt, struct sample *s,
	struct got *got, struct hist *hist, struct afx_err *err)
{
	struct run *r = calloc(1, sizeof(*r));
	int ret;

	memset(s, 0, sizeof(*s));
	if (r == NULL)
		return afx_err_set(err, -ENOMEM, "no memory");
	r->env = env;
	r->cand = c;
	r->far = env->net->far;
	ret = measure(r, pt, s, got, hist, err);
	gen_end(&r->gen);
	proc_end(&r->dut);
	if (r->threaded_was[0] != '\0' && !env->net->own) {
		struct afx_err later;

		if (veth_sysfs_set(&env->net->dut, "threaded", r->threaded_was, &later) < 0)
			fprintf(stderr, "dpdk-xsk-bench: %s\n", later.text);
	}
	live_close(r->near);
	live_close(r->far_count);
	free(r);
	return ret;
}

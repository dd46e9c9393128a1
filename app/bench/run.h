/* SPDX-License-Identifier: BSD-3-Clause */
/* One measurement: a candidate, one frame size, queue count and burst, once. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "gen.h"
#include "net.h"
#include "proc.h"

/* What it found. Every rate is made of packets that the receiver counted. */
struct sample {
	double seconds;
	uint64_t received;       /* in that time */
	uint64_t sent;           /* by the generator, in that time */
	uint64_t all_received;   /* from the first packet until nothing came any more */
	uint64_t all_sent;
	double pps;              /* received; 0: the round failed */
	double bps;              /* bits of the frames, without FCS, preamble and gap */
	double offered_pps;      /* sent by the generator, 0 where it is not ours */
	double dut_pps;          /* tx, forward: handed to the driver and accepted */
	double refused_pps;      /* tx, forward: not accepted by the driver */
	double lost_pct;         /* of what was offered; below 0: unknown */
	double empty_pct;        /* receive calls that found nothing; below 0: unknown */
	uint64_t foreign;        /* packets that were not ours, at the far end */
	/* Latency, in ns. */
	double ns_min, ns_p50, ns_p90, ns_p99, ns_p999, ns_max, ns_mean;
	uint64_t lost;
	uint64_t probes;
};

/* What a candidate got, in words; of the last round. */
struct got {
	char rx_mode[256];
	char tx_mode[256];
	uint32_t rxd;
	uint32_t txd;
	uint32_t mbufs;
	bool fast_free;
	char xdp[16];            /* how an XDP program is attached to its interface */
	char napi_threaded[16];
	char napi_defer_hard_irqs[16];
	char gro_flush_timeout[24];
};

/* Note it while the candidate runs; page is NULL for one without a process. */
void got_note(const struct net_end *end, const struct job_page *page, const struct cand *c,
	struct got *got);

struct point {
	const struct frame_size *size;
	uint32_t queues;
	uint32_t burst;
};

struct run_env {
	const struct opts *o;
	struct net *net;
	char plugin[256];
	uint32_t gen_cpu;
	uint32_t n_dut_cpus;
	uint32_t dut_cpu[OPTS_CPUS];
	const volatile int *stop;
	/* Called about once a second while it counts. */
	void (*progress)(void *arg, double seconds, double pps, double offered_pps);
	void *arg;
};

/* The generator that auto means for a point. */
enum gen_kind run_gen_kind(const struct opts *o, const struct point *pt);

/* 0, -EINTR when stopped, or -errno with err filled. hist (latency): in ns, added to. */
int run_one(const struct run_env *env, const struct cand *c, const struct point *pt,
	struct sample *s, struct got *got, struct hist *hist, struct afx_err *err);

#endif

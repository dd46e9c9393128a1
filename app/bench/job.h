/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The page that the tool shares with each process it starts: what to do, how far it is, and what it
 * counted. One writer a field: the tool writes job, stop and epoch, the process the rest.
 *
 * Counting: a worker adds to its own counters as it goes. When it sees a new epoch it copies them,
 * with the time, into the snapshot of that epoch; a rate is the difference of two snapshots over
 * the difference of their times, so it does not matter when the tool gets to look.
 */
#ifndef BENCH_JOB_H
#define BENCH_JOB_H

#include <rte_cycles.h>

#include "opts.h"
#include "stats.h"

#define JOB_WORKERS OPTS_CPUS
#define JOB_LINE 128         /* two cache lines: the adjacent one is prefetched along */

struct job {
	enum work work;
	struct cand cand;
	char vdev[512];
	char iface[128];         /* the process is in its namespace */
	int ifindex;
	uint8_t dst_mac[ETH_ALEN];
	uint32_t queues;
	uint32_t burst;
	struct frame_size size;
	uint32_t n_cpus;
	uint32_t cpu[OPTS_CPUS];
	uint32_t mbufs;
	uint32_t mbuf_size;
	uint32_t rxd;
	uint32_t txd;
	bool no_fast_free;
	uint32_t flows;
	uint64_t rate_pps;
	uint32_t window;
	int nice;
	char plugin[256];
	char eal[256];
	char prefix[64];
};

struct counts {
	uint64_t tsc;
	uint64_t packets;        /* received, in modes tx accepted by the driver */
	uint64_t bytes;
	uint64_t refused;        /* not accepted by the driver's Tx */
	uint64_t polls;          /* receive calls */
	uint64_t empty;          /* of those, without a packet */
	uint64_t sent;           /* by the latency prober; packets are those that came back */
};

struct worker {
	struct counts now;
	struct counts snap[2];   /* of epoch & 1 */
	uint32_t snapped;        /* the last epoch answered */
} __attribute__((aligned(JOB_LINE)));

enum job_state {
	JOB_STARTING,
	JOB_READY,
	JOB_FAILED,
};

struct job_page {
	struct job job;
	/* Of the process. */
	uint32_t state __attribute__((aligned(JOB_LINE)));
	uint32_t workers;
	uint32_t rxd_got;
	uint32_t txd_got;
	uint32_t mbufs_got;
	bool fast_free;
	char error[AFX_ERR_LEN];
	char rx_mode[256];       /* in the driver's words, "" where it does not say */
	char tx_mode[256];
	/* Of the tool; read by workers in every turn. */
	uint32_t stop __attribute__((aligned(JOB_LINE)));
	uint32_t epoch;
	/* Of the workers. */
	struct worker worker[JOB_WORKERS];
	/* Of the latency prober, for the epoch that is odd. */
	uint64_t lost;
	struct hist hist;
};

/* What every worker does in every turn: answer a new epoch, and say whether to go on. */
static inline bool
job_turn(struct job_page *p, struct worker *w)
{
	uint32_t epoch = __atomic_load_n(&p->epoch, __ATOMIC_RELAXED);

	if (__builtin_expect(epoch != w->snapped, 0)) {
		w->now.tsc = rte_rdtsc();
		w->snap[epoch & 1] = w->now;
		__atomic_store_n(&w->snapped, epoch, __ATOMIC_RELEASE);
	}
	return __builtin_expect(!__atomic_load_n(&p->stop, __ATOMIC_RELAXED), 1);
}

static inline void
job_fail(struct job_page *p, const struct afx_err *err)
{
	__builtin_memcpy(p->error, err->text, sizeof(p->error));
	__atomic_store_n(&p->state, JOB_FAILED, __ATOMIC_RELEASE);
}

static inline void
job_ready(struct job_page *p, uint32_t workers)
{
	p->workers = workers;
	__atomic_store_n(&p->state, JOB_READY, __ATOMIC_RELEASE);
}

#endif

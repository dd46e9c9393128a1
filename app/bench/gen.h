/* SPDX-License-Identifier: BSD-3-Clause */
/* The process that makes traffic. */
#ifndef BENCH_GEN_H
#define BENCH_GEN_H

#include "live.h"
#include "proc.h"

struct gen {
	struct proc proc;
	enum gen_kind kind;
	struct live *live;       /* of GEN_LIVE */
};

/*
 * Start it on an interface of namespace netns_fd, in which the calling thread is too. job says what
 * to send. 0 or -errno with err filled; gen_end in any case.
 */
int gen_start(struct gen *g, enum gen_kind kind, const struct job *job, int netns_fd, int cpu,
	bool verbose, struct afx_err *err);
void gen_end(struct gen *g);

/* Packets sent so far. */
uint64_t gen_sent(const struct gen *g);

/* Packet sockets. */
void gen_packet_run(struct job_page *page);

/* The latency prober, the far end of the round trip: lat.c. */
void lat_run(struct job_page *page);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* A generator's pace: how many packets it may send now so as to keep a rate. */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include <stdint.h>
#include <time.h>

struct pace {
	uint64_t rate_pps;       /* 0: no limit */
	uint64_t start_ns;
};

static inline uint64_t
pace_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static inline void
pace_start(struct pace *p, uint64_t rate_pps)
{
	p->rate_pps = rate_pps;
	p->start_ns = pace_now_ns();
}

static inline uint32_t
pace_allows(const struct pace *p, uint64_t sent, uint32_t burst)
{
	uint64_t due;

	if (p->rate_pps == 0)
		return burst;
	due = (uint64_t)((double)(pace_now_ns() - p->start_ns) * 1e-9 * (double)p->rate_pps);
	if (due <= sent)
		return 0;
	return due - sent < burst ? (uint32_t)(due - sent) : burst;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What is made of measured values: medians, spreads, ratios pair by pair, and a histogram. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stdint.h>

struct spread {
	uint32_t n;              /* values it is made of; 0: the rest means nothing */
	double median;
	double min;
	double max;
};

/* Of the values that are above 0 (a failed round is 0); the order of v stays. */
struct spread stats_spread(const double *v, uint32_t n);

/* Of v[i] / base[i], where both are above 0. */
struct spread stats_ratio(const double *v, const double *base, uint32_t n);

/*
 * Histogram with a resolution of 1/64 over the whole range, for any unit. Values from HIST_TOP on
 * are counted in the last bucket.
 */
#define HIST_SUB_BITS 6
#define HIST_TOP_BITS 40
#define HIST_TOP (1ULL << HIST_TOP_BITS)
#define HIST_BUCKETS ((HIST_TOP_BITS - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min;            /* UINT64_MAX when empty */
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_reset(struct hist *h);
void hist_add(struct hist *h, uint64_t value);
void hist_add_many(struct hist *h, uint64_t value, uint64_t times);

/* Lowest value of a bucket. */
uint64_t hist_low(uint32_t bucket);

/* Smallest value that share (0..1) of all values do not exceed, to the histogram's resolution. */
uint64_t hist_quantile(const struct hist *h, double share);

#endif

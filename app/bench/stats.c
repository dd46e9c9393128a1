/* SPDX-License-Identifier: BSD-3-Clause */
/* Medians, spreads, ratios, histogram; see stats.h. */
#include <stdlib.h>
#include <string.h>

#include "stats.h"

#define SUB (1u << HIST_SUB_BITS)
#define VALUES_MAX 1024

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct spread
of_sorted(const double *v, uint32_t n)
{
	struct spread s = { .n = n };

	if (n == 0)
		return s;
	s.min = v[0];
	s.max = v[n - 1];
	s.median = n % 2 != 0 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
	return s;
}

struct spread
stats_spread(const double *v, uint32_t n)
{
	double sorted[VALUES_MAX];
	uint32_t used = 0;

	for (uint32_t i = 0; i < n && used < VALUES_MAX; i++)
		if (v[i] > 0)
			sorted[used++] = v[i];
	qsort(sorted, used, sizeof(sorted[0]), by_value);
	return of_sorted(sorted, used);
}

struct spread
stats_ratio(const double *v, const double *base, uint32_t n)
{
	double ratio[VALUES_MAX];
	uint32_t used = 0;

	for (uint32_t i = 0; i < n && used < VALUES_MAX; i++)
		if (v[i] > 0 && base[i] > 0)
			ratio[used++] = v[i] / base[i];
	return stats_spread(ratio, used);
}

void
hist_reset(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

static uint32_t
bucket_of(uint64_t value)
{
	uint32_t exp;

	if (value < SUB)
		return value;
	if (value >= HIST_TOP)
		return HIST_BUCKETS - 1;
	exp = 63 - __builtin_clzll(value) - HIST_SUB_BITS;
	return ((exp + 1) << HIST_SUB_BITS) + (value >> exp) - SUB;
}

uint64_t
hist_low(uint32_t bucket)
{
	uint32_t exp;

	if (bucket < SUB)
		return bucket;
	exp = (bucket >> HIST_SUB_BITS) - 1;
	return (uint64_t)(SUB + (bucket & (SUB - 1))) << exp;
}

void
hist_add_many(struct hist *h, uint64_t value, uint64_t times)
{
	if (times == 0)
		return;
	h->count += times;
	h->sum += value * times;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->bucket[bucket_of(value)] += times;
}

void
hist_add(struct hist *h, uint64_t value)
{
	hist_add_many(h, value, 1);
}

uint64_t
hist_quantile(const struct hist *h, double share)
{
	double want = share * (double)h->count;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen != 0 && (double)seen >= want)
			return hist_low(i) > h->min ? hist_low(i) : h->min;
	}
	return h->max;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of dpdk-xsk-bench-cost: options, the network it needs, its report. */
#ifndef COST_H
#define COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COST_DRIVERS_MAX 8
#define COST_ROUNDS_MAX 101
#define COST_BURSTS_MAX 8

enum cost_kind { COST_RX, COST_TX, COST_FORWARD };

struct cost_case {
	enum cost_kind kind;
	const char *name;
	uint16_t burst;
	unsigned int groups;     /* of bursts, a round */
	size_t cold_bytes;       /* read between bursts, 0 for hot caches */
};

struct cost_opts {
	const char *drivers[COST_DRIVERS_MAX]; /* "net_xsk,busy_budget=0": no number, no iface */
	unsigned int drivers_cnt;
	const char *eal[16];     /* NULL where unused */
	unsigned int kinds;      /* bit a kind */
	unsigned int caches;     /* bit 0 hot, bit 1 cold */
	uint16_t bursts[COST_BURSTS_MAX];
	unsigned int bursts_cnt;
	unsigned int rounds;
	unsigned int nb_desc;
	size_t cold_bytes;
	bool fast_free;
	bool json;
};

void cost_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void cost_parse(int argc, char **argv, struct cost_opts *o);

/* A veth pair for driver i in the namespace of the process; its end is cost<i>. */
void cost_make_veth(unsigned int i);
void cost_vdev(const char *driver, unsigned int i, char *out, size_t room);

double cost_median(const double *v, unsigned int n, double *min, double *max);

/* One line: median and range of v, and the median ratio of v to base, round by round. */
void cost_report(const struct cost_case *c, const char *name, const double *v,
	const double *base, unsigned int rounds);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Results of a whole run, and the forms they are given out in. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stdio.h>

#include "run.h"
#include "sysinfo.h"

/* One candidate at one point. */
struct result {
	const struct cand *cand;
	struct sample *round;    /* pairs of them; pps 0 where one failed */
	uint32_t failed;
	char error[AFX_ERR_LEN]; /* of the last failure, "" */
	struct got got;
	struct hist hist;        /* latency, in ns, of all rounds */
};

struct cell {
	struct point pt;
	enum gen_kind gen;
	struct result *result;   /* of n_cands candidates */
};

struct report {
	const struct opts *o;
	const struct run_env *env;
	int argc;
	char **argv;
	char started[32];        /* UTC */
	uint32_t rounds;         /* done */
	struct sysinfo sys;
	struct afx_netdev dut;   /* of the last pair, by name and driver */
	struct afx_netdev far;
	uint32_t n_cells;
	struct cell *cell;
};

/* The figure that is compared: packets a second, or with latency the median round trip in ns. */
double result_value(const struct report *rep, const struct sample *s);
struct spread result_spread(const struct report *rep, const struct result *res);
struct spread result_ratio(const struct report *rep, const struct result *res,
	const struct result *base);

/* The table for people; a cell when it is done. */
void table_head(FILE *out, const struct report *rep);
void table_cell(FILE *out, const struct report *rep, const struct cell *cell);

/* JSON, see doc/bench.rst. */
void json_report(FILE *out, const struct report *rep);

/* Write JSON to path; and HTML by the script that is installed with the tool. 0 or -errno. */
int report_json(const char *path, const struct report *rep, struct afx_err *err);
int report_html(const char *path, const struct report *rep, struct afx_err *err);

#endif

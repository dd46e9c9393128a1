/* SPDX-License-Identifier: BSD-3-Clause */
/* The table for people, and the figures all forms of the report share. */
#include <string.h>

#include "result.h"

double
result_value(const struct report *rep, const struct sample *s)
{
	if (s->pps == 0)
		return 0;
	return rep->o->work == WORK_LATENCY ? s->ns_p50 : s->pps;
}

static uint32_t
values(const struct report *rep, const struct result *res, double *v)
{
	for (uint32_t i = 0; i < rep->rounds; i++)
		v[i] = result_value(rep, &res->round[i]);
	return rep->rounds;
}

struct spread
result_spread(const struct report *rep, const struct result *res)
{
	double v[OPTS_PAIRS];

	return stats_spread(v, values(rep, res, v));
}

struct spread
result_ratio(const struct report *rep, const struct result *res, const struct result *base)
{
	double v[OPTS_PAIRS], b[OPTS_PAIRS];

	values(rep, base, b);
	return stats_ratio(v, b, values(rep, res, v));
}

void
table_head(FILE *out, const struct report *rep)
{
	const struct run_env *env = rep->env;

	fprintf(out, "%s, %s, %s\n", rep->sys.kernel, rep->sys.dpdk, rep->sys.cpu);
	fprintf(out, "%s %s (%s)", env->net->own ? "veth pair of its own," : "interface",
		env->net->dut.name, env->net->dut.nd.driver);
	if (env->net->far.name[0] != '\0')
		fprintf(out, ", far end %s (%s)", env->net->far.name, env->net->far.nd.driver);
	fprintf(out, "; candidate on CPU");
	for (uint32_t i = 0; i < env->n_dut_cpus; i++)
		fprintf(out, "%s%u", i != 0 ? "," : " ", env->dut_cpu[i]);
	fprintf(out, ", generator on CPU %u%s\n", env->gen_cpu,
		env->dut_cpu[0] == env->gen_cpu ? " (the same: figures mean little)" : "");
}

/* Median of a field of all rounds that went well. */
static double
median_of(const struct report *rep, const struct result *res, size_t off)
{
	double v[OPTS_PAIRS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < rep->rounds; i++)
		if (res->round[i].pps > 0)
			v[n++] = *(const double *)((const char *)&res->round[i] + off);
	return stats_spread(v, n).median;
}

#define MEDIAN(rep, res, field) median_of(rep, res, offsetof(struct sample, field))

/* The mode without its reasons; the interface's where a driver does not tell. */
static const char *
mode_of(const struct result *res)
{
	return res->got.rx_mode[0] != '\0' ? res->got.rx_mode : res->got.xdp;
}

static int
mode_words(const struct result *res)
{
	return (int)strcspn(mode_of(res), ";");
}

static void
row_rate(FILE *out, const struct report *rep, const struct cell *cell, const struct result *res)
{
	struct spread s = result_spread(rep, res), r = result_ratio(rep, res, &cell->result[0]);
	double offered = MEDIAN(rep, res, offered_pps);

	if (rep->o->work == WORK_TX)
		offered = MEDIAN(rep, res, dut_pps);
	fprintf(out, "%-30s %8.3f  %7.3f ..%7.3f %7.2f", res->cand->text, s.median / 1e6,
		s.min / 1e6, s.max / 1e6, MEDIAN(rep, res, bps) / 1e9);
	fprintf(out, "  %5.2f (%.2f .. %.2f)", r.median, r.min, r.max);
	if (offered > 0)
		fprintf(out, " %8.3f", offered / 1e6);
	else
		fprintf(out, " %8s", "-");
	if (res->round[0].empty_pct >= 0 && rep->o->work != WORK_TX)
		fprintf(out, " %5.1f", MEDIAN(rep, res, empty_pct));
	else
		fprintf(out, " %5s", "-");
	fprintf(out, "  %.*s\n", mode_words(res), mode_of(res));
}

static void
row_latency(FILE *out, const struct report *rep, const struct cell *cell, const struct result *res)
{
	struct spread s = result_spread(rep, res), r = result_ratio(rep, res, &cell->result[0]);
	const struct hist *h = &res->hist;
	unsigned long long lost = 0;

	fprintf(out, "%-30s %7.2f  %6.2f ..%6.2f  %5.2f (%.2f .. %.2f) ", res->cand->text,
		s.median / 1e3, s.min / 1e3, s.max / 1e3, r.median, r.min, r.max);
	for (uint32_t i = 0; i < rep->rounds; i++)
		lost += res->round[i].lost;
	fprintf(out, "%7.2f %7.2f %7.2f %8.1f %7llu  %.*s\n", (double)hist_quantile(h, 0.9) / 1e3,
		(double)hist_quantile(h, 0.99) / 1e3, (double)hist_quantile(h, 0.999) / 1e3,
		(double)h->max / 1e3, lost, mode_words(res), mode_of(res));
}

void
table_cell(FILE *out, const struct report *rep, const struct cell *cell)
{
	const struct opts *o = rep->o;

	fprintf(out, "\n%s, %s%s, %u queue%s, burst %u, %u round%s of %g s",
		opts_work_name(o->work), cell->pt.size->name,
		cell->pt.size->cnt == 1 ? " B" : "", cell->pt.queues,
		cell->pt.queues == 1 ? "" : "s", cell->pt.burst, rep->rounds,
		rep->rounds == 1 ? "" : "s", o->duration_s);
	if (o->work != WORK_TX)
		fprintf(out, ", generator %s", opts_gen_name(cell->gen));
	if (o->rate_pps != 0)
		fprintf(out, ", %llu pps offered", (unsigned long long)o->rate_pps);
	if (o->work == WORK_LATENCY)
		fprintf(out, "\n%-30s %7s  %16s  %s %10s %7s %7s %8s %7s  %s\n", "candidate",
			"p50 us", "min .. max", "ratio to first", "p90", "p99", "p99.9", "max",
			"lost", "mode");
	else
		fprintf(out, "\n%-30s %8s  %16s %7s  %-20s %8s %5s  %s\n", "candidate", "Mpps",
			"min .. max", "Gbit/s", "ratio to first",
			o->work == WORK_TX ? "accepted" : "offered", "idle%", "mode");
	for (uint32_t i = 0; i < o->n_cands; i++) {
		const struct result *res = &cell->result[i];

		if (res->failed < rep->rounds && o->work == WORK_LATENCY)
			row_latency(out, rep, cell, res);
		else if (res->failed < rep->rounds)
			row_rate(out, rep, cell, res);
		if (res->failed != 0)
			fprintf(out, "%-30s failed in %u of %u: %s\n", res->cand->text, res->failed,
				rep->rounds, res->error);
	}
	fflush(out);
}

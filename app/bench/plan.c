/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole run: every point of the sweep, every candidate in turn, round after round. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plan.h"
#include "result.h"
#include "veth.h"

static volatile int stopped;

static void
on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

/* What the progress line says. */
struct where {
	const struct report *rep;
	const struct point *pt;
	const struct cand *cand;
	uint32_t round;
};

static void
progress(void *arg, double seconds, double pps, double offered_pps)
{
	const struct where *w = arg;
	const struct opts *o = w->rep->o;

	fprintf(stderr, "%s %s %uq b%u  round %u/%u  %-28s %3.0f s  %8.3f Mpps",
		opts_work_name(o->work), w->pt->size->name, w->pt->queues, w->pt->burst,
		w->round + 1, o->pairs, w->cand->text, seconds, pps / 1e6);
	if (offered_pps > 0)
		fprintf(stderr, "  offered %8.3f", offered_pps / 1e6);
	fputc('\n', stderr);
}

static int
place(const struct opts *o, struct run_env *env, struct afx_err *err)
{
	uint32_t want = o->n_dut_cpus != 0 ? o->n_dut_cpus : o->cores, n = 0;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return afx_err_set(err, -errno, "sched_getaffinity: %s", strerror(errno));
	env->gen_cpu = o->gen_cpu;
	for (uint32_t c = 0; c < CPU_SETSIZE && env->gen_cpu == UINT32_MAX; c++)
		if (CPU_ISSET(c, &allowed))
			env->gen_cpu = c;
	for (uint32_t c = 0; c < CPU_SETSIZE && o->n_dut_cpus == 0 && n < want; c++)
		if (CPU_ISSET(c, &allowed) && c != env->gen_cpu)
			env->dut_cpu[n++] = c;
	if (o->n_dut_cpus != 0)
		memcpy(env->dut_cpu, o->dut_cpu, sizeof(env->dut_cpu));
	else if (n == 0 && want == 1)
		env->dut_cpu[0] = env->gen_cpu;
	else if (n < want)
		return afx_err_set(err, -EINVAL,
			"--cores %u: %u CPU(s) are there besides the generator's (%u)", want, n,
			env->gen_cpu);
	env->n_dut_cpus = want;
	for (uint32_t i = 0; i <= want; i++) {
		uint32_t c = i < want ? env->dut_cpu[i] : env->gen_cpu;

		if (c >= CPU_SETSIZE || !CPU_ISSET(c, &allowed))
			return afx_err_set(err, -EINVAL, "CPU %u is not among the allowed ones", c);
	}
	return 0;
}

/* The plugin of the build folder that the tool lies in, "" where it is an installed one. */
static void
find_plugin(const struct opts *o, char *path, size_t len)
{
	static const char rel[] = "/../../drivers/net/xsk/librte_net_xsk.so";
	char exe[1024];
	struct stat st;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - sizeof(rel));

	path[0] = '\0';
	if (o->plugin[0] != '\0') {
		snprintf(path, len, "%s", o->plugin);
		return;
	}
	if (n <= 0)
		return;
	exe[n] = '\0';
	if (strrchr(exe, '/') == NULL)
		return;
	strcpy(strrchr(exe, '/'), rel);
	if (stat(exe, &st) == 0 && strlen(exe) < len)
		strcpy(path, exe);
}

static int
make_cells(struct report *rep, struct afx_err *err)
{
	const struct opts *o = rep->o;
	uint32_t at = 0;

	rep->n_cells = o->queues.n * o->n_sizes * o->bursts.n;
	rep->cell = calloc(rep->n_cells, sizeof(*rep->cell));
	for (uint32_t q = 0; rep->cell != NULL && q < o->queues.n; q++)
		for (uint32_t s = 0; s < o->n_sizes; s++)
			for (uint32_t b = 0; b < o->bursts.n; b++) {
				struct cell *c = &rep->cell[at++];

				c->pt = (struct point){ &o->size[s], o->queues.v[q],
					o->bursts.v[b] };
				c->gen = run_gen_kind(o, &c->pt);
				c->result = calloc(o->n_cands, sizeof(*c->result));
			}
	for (uint32_t i = 0; i < at; i++)
		for (uint32_t k = 0; k < o->n_cands; k++) {
			struct result *res = rep->cell[i].result;

			if (res == NULL)
				return afx_err_set(err, -ENOMEM, "no memory");
			res += k;
			res->cand = &o->cand[k];
			res->round = calloc(o->pairs, sizeof(*res->round));
			hist_reset(&res->hist);
			if (res->round == NULL)
				return afx_err_set(err, -ENOMEM, "no memory");
		}
	return rep->cell != NULL ? 0 : afx_err_set(err, -ENOMEM, "no memory");
}

static int
one_round(struct report *rep, struct run_env *env, struct cell *cell, uint32_t round)
{
	const struct opts *o = rep->o;
	struct where *w = env->arg;

	w->pt = &cell->pt;
	w->round = round;
	for (uint32_t i = 0; i < o->n_cands; i++) {
		/* Every other round the other way round: nobody is always first. */
		uint32_t k = round % 2 == 0 ? i : o->n_cands - 1 - i;
		struct result *res = &cell->result[k];
		struct afx_err err = { 0 };
		int ret;

		w->cand = res->cand;
		ret = run_one(env, res->cand, &cell->pt, &res->round[round], &res->got, &res->hist,
			&err);
		if (ret == -EINTR || stopped)
			return -EINTR;
		if (ret == 0)
			continue;
		res->round[round].pps = 0;
		res->failed++;
		snprintf(res->error, sizeof(res->error), "%s", err.text);
		if (!o->quiet)
			fprintf(stderr, "%s failed: %s\n", res->cand->text, err.text);
	}
	return 0;
}

static int
run_cells(struct report *rep, struct run_env *env, struct afx_err *err)
{
	const struct opts *o = rep->o;
	struct net *net = env->net;
	uint32_t longest = 0;
	int ret = 0;

	for (uint32_t i = 0; i < o->n_sizes; i++)
		longest = o->size[i].longest > longest ? o->size[i].longest : longest;
	for (uint32_t i = 0; i < rep->n_cells && ret == 0; i++) {
		struct cell *cell = &rep->cell[i];

		ret = o->iface[0] != '\0' ? net_take(net, o, err) :
			net_make(net, cell->pt.queues, longest, err);
		if (ret == 0 && o->rps_cpu != UINT32_MAX)
			ret = veth_rps(&net->dut, cell->pt.queues, o->rps_cpu, err);
		if (ret < 0)
			break;
		rep->dut = net->dut.nd;
		rep->far = net->far.nd;
		if (i == 0)
			table_head(stdout, rep);
		rep->rounds = 0;
		for (; rep->rounds < o->pairs && ret == 0; rep->rounds++)
			ret = one_round(rep, env, cell, rep->rounds);
		if (ret < 0)
			rep->rounds--;
		if (rep->rounds > 0)
			table_cell(stdout, rep, cell);
		net_end(net);
		if (ret < 0)
			rep->n_cells = rep->rounds > 0 ? i + 1 : i;
	}
	return ret;
}

/* Before anything is measured: that the results can be written. */
static int
check_outputs(const struct opts *o, struct afx_err *err)
{
	const char *paths[] = { o->json, o->html };

	for (int i = 0; i < 2; i++) {
		FILE *f = paths[i][0] != '\0' ? fopen(paths[i], "ae") : NULL;

		if (paths[i][0] != '\0' && f == NULL)
			return afx_err_set(err, -errno, "%s cannot be written: %s", paths[i],
				strerror(errno));
		if (f != NULL)
			fclose(f);
	}
	return 0;
}

static int
give_out(struct report *rep, struct afx_err *err)
{
	const struct opts *o = rep->o;
	int ret = 0;

	if (o->json[0] != '\0')
		ret = report_json(o->json, rep, err);
	if (ret == 0 && o->html[0] != '\0')
		ret = report_html(o->html, rep, err);
	return ret;
}

/* Whether something was measured of everybody. */
static int
all_well(const struct report *rep)
{
	for (uint32_t i = 0; i < rep->n_cells; i++)
		for (uint32_t k = 0; k < rep->o->n_cands; k++)
			if (rep->cell[i].result[k].failed != 0)
				return 1;
	return 0;
}

static void
free_cells(struct report *rep, uint32_t n_cells)
{
	for (uint32_t i = 0; rep->cell != NULL && i < n_cells; i++) {
		for (uint32_t k = 0; rep->cell[i].result != NULL && k < rep->o->n_cands; k++)
			free(rep->cell[i].result[k].round);
		free(rep->cell[i].result);
	}
	free(rep->cell);
}

int
plan_run(const struct opts *o, int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct net net = { .dut.netns_fd = -1, .far.netns_fd = -1 };
	struct run_env env = { .o = o, .net = &net, .stop = &stopped,
		.progress = o->quiet ? NULL : progress };
	struct report rep = { .o = o, .env = &env, .argc = argc, .argv = argv };
	struct where where = { .rep = &rep };
	struct afx_err err = { 0 };
	time_t now = time(NULL);
	uint32_t n_cells;
	int ret = check_outputs(o, &err);

	if (ret == 0)
		ret = place(o, &env, &err);
	if (ret == 0)
		ret = make_cells(&rep, &err);
	n_cells = rep.n_cells;
	env.arg = &where;
	strftime(rep.started, sizeof(rep.started), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	sysinfo_get(&rep.sys);
	find_plugin(o, env.plugin, sizeof(env.plugin));
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (ret == 0)
		ret = run_cells(&rep, &env, &err);
	if (ret == 0 || ret == -EINTR) {
		int out = give_out(&rep, &err);

		if (ret == -EINTR)
			fprintf(stderr, "dpdk-xsk-bench: interrupted; what is shown was counted "
				"before\n");
		else if (out == 0)
			ret = all_well(&rep);
		else
			ret = out;
	}
	if (ret < 0 && ret != -EINTR)
		fprintf(stderr, "dpdk-xsk-bench: %s\n", err.text);
	free_cells(&rep, n_cells);
	return ret == -EINTR ? 130 : ret < 0 ? 2 : ret;
}

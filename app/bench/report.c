/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole of a run as JSON, and by way of it as a page. The format is described in
 * doc/bench.rst.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"
#include "result.h"

#define FORMAT 1
#define SCRIPT "dpdk-xsk-bench-report"

static void
host(struct json *j, const struct report *rep)
{
	const struct sysinfo *si = &rep->sys;

	json_open(j, "host", '{');
	json_str(j, "kernel", si->kernel);
	json_str(j, "arch", si->arch);
	json_str(j, "cpu", si->cpu);
	json_uint(j, "cpus", si->cpus);
	json_str(j, "isolated_cpus", si->isolated);
	json_str(j, "governor", si->governor);
	json_str(j, "hypervisor", si->hypervisor);
	json_str(j, "dpdk", si->dpdk);
	json_str(j, "libbpf", si->libbpf);
	json_str(j, "sysctl_busy_poll", si->busy_poll);
	json_str(j, "sysctl_busy_read", si->busy_read);
	json_open(j, "mitigations", '{');
	for (uint32_t i = 0; i < si->n_vulns; i++)
		json_str(j, si->vuln[i].name, si->vuln[i].state);
	json_close(j, '}');
	json_close(j, '}');
}

static void
end(struct json *j, const char *key, const struct afx_netdev *nd)
{
	json_open(j, key, '{');
	json_str(j, "name", nd->name);
	json_str(j, "driver", nd->driver);
	json_str(j, "bus", nd->bus_info);
	json_uint(j, "mtu", nd->mtu);
	json_close(j, '}');
}

static void
setup(struct json *j, const struct report *rep)
{
	const struct opts *o = rep->o;

	json_open(j, "setup", '{');
	json_str(j, "kind", rep->env->net->own ? "veth" : "existing");
	end(j, "near", &rep->dut);
	if (rep->far.name[0] != '\0')
		end(j, "far", &rep->far);
	json_uint(j, "generator_cpu", rep->env->gen_cpu);
	json_open(j, "candidate_cpus", '[');
	for (uint32_t i = 0; i < rep->env->n_dut_cpus; i++)
		json_uint(j, NULL, rep->env->dut_cpu[i]);
	json_close(j, ']');
	json_num(j, "nice", o->nice);
	if (o->napi_cpu != UINT32_MAX)
		json_uint(j, "napi_thread_cpu", o->napi_cpu);
	if (o->rps_cpu != UINT32_MAX)
		json_uint(j, "rps_cpu", o->rps_cpu);
	json_num(j, "duration_s", o->duration_s);
	json_num(j, "warmup_s", o->warmup_s);
	json_uint(j, "rounds_wanted", o->pairs);
	json_uint(j, "flows", o->flows);
	json_uint(j, "rate_pps", o->rate_pps);
	if (o->work == WORK_LATENCY && o->rate_pps == 0)
		json_uint(j, "window", o->window);
	json_close(j, '}');
}

static void
spread(struct json *j, const char *key, struct spread s)
{
	json_open(j, key, '{');
	json_uint(j, "n", s.n);
	json_num(j, "median", s.median);
	json_num(j, "min", s.min);
	json_num(j, "max", s.max);
	json_close(j, '}');
}

static void
one_round(struct json *j, const struct report *rep, const struct sample *s)
{
	json_open(j, NULL, '{');
	json_num(j, "pps", s->pps);
	json_num(j, "bps", s->bps);
	json_num(j, "seconds", s->seconds);
	json_uint(j, "received", s->received);
	json_uint(j, "sent", s->sent);
	json_uint(j, "all_received", s->all_received);
	json_uint(j, "all_sent", s->all_sent);
	json_num(j, "offered_pps", s->offered_pps);
	json_num(j, "accepted_pps", s->dut_pps);
	json_num(j, "refused_pps", s->refused_pps);
	if (s->lost_pct >= 0)
		json_num(j, "lost_pct", s->lost_pct);
	if (s->empty_pct >= 0)
		json_num(j, "empty_polls_pct", s->empty_pct);
	json_uint(j, "foreign", s->foreign);
	if (rep->o->work == WORK_LATENCY) {
		json_num(j, "ns_min", s->ns_min);
		json_num(j, "ns_mean", s->ns_mean);
		json_num(j, "ns_p50", s->ns_p50);
		json_num(j, "ns_p90", s->ns_p90);
		json_num(j, "ns_p99", s->ns_p99);
		json_num(j, "ns_p999", s->ns_p999);
		json_num(j, "ns_max", s->ns_max);
		json_uint(j, "probes", s->probes);
		json_uint(j, "lost", s->lost);
	}
	json_close(j, '}');
}

static void
got(struct json *j, const struct got *g)
{
	json_open(j, "got", '{');
	json_str(j, "rx_mode", g->rx_mode);
	json_str(j, "tx_mode", g->tx_mode);
	json_uint(j, "rx_descriptors", g->rxd);
	json_uint(j, "tx_descriptors", g->txd);
	json_uint(j, "mbufs", g->mbufs);
	json_bool(j, "fast_free", g->fast_free);
	json_str(j, "xdp", g->xdp);
	json_str(j, "napi_threaded", g->napi_threaded);
	json_str(j, "napi_defer_hard_irqs", g->napi_defer_hard_irqs);
	json_str(j, "gro_flush_timeout", g->gro_flush_timeout);
	json_close(j, '}');
}

static void
histogram(struct json *j, const struct hist *h)
{
	json_open(j, "histogram_ns", '[');
	for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
		if (h->bucket[i] == 0)
			continue;
		json_open(j, NULL, '[');
		json_uint(j, NULL, hist_low(i));
		json_uint(j, NULL, h->bucket[i]);
		json_close(j, ']');
	}
	json_close(j, ']');
}

static void
cell(struct json *j, const struct report *rep, const struct cell *c)
{
	json_open(j, NULL, '{');
	json_str(j, "size", c->pt.size->name);
	json_uint(j, "queues", c->pt.queues);
	json_uint(j, "burst", c->pt.burst);
	json_str(j, "generator", opts_gen_name(c->gen));
	json_open(j, "candidates", '[');
	for (uint32_t i = 0; i < rep->o->n_cands; i++) {
		const struct result *res = &c->result[i];

		json_open(j, NULL, '{');
		json_str(j, "name", res->cand->text);
		json_uint(j, "failed", res->failed);
		if (res->error[0] != '\0')
			json_str(j, "error", res->error);
		got(j, &res->got);
		spread(j, rep->o->work == WORK_LATENCY ? "ns_p50" : "pps",
			result_spread(rep, res));
		spread(j, "ratio_to_first", result_ratio(rep, res, &c->result[0]));
		json_open(j, "rounds", '[');
		for (uint32_t k = 0; k < rep->rounds; k++)
			one_round(j, rep, &res->round[k]);
		json_close(j, ']');
		if (rep->o->work == WORK_LATENCY)
			histogram(j, &res->hist);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

void
json_report(FILE *out, const struct report *rep)
{
	struct json j = { .out = out };

	json_open(&j, NULL, '{');
	json_str(&j, "tool", "dpdk-xsk-bench");
	json_uint(&j, "format", FORMAT);
	json_str(&j, "mode", opts_work_name(rep->o->work));
	json_str(&j, "started", rep->started);
	json_open(&j, "command", '[');
	for (int i = 0; i < rep->argc; i++)
		json_str(&j, NULL, rep->argv[i]);
	json_close(&j, ']');
	host(&j, rep);
	setup(&j, rep);
	json_open(&j, "points", '[');
	for (uint32_t i = 0; i < rep->n_cells; i++)
		cell(&j, rep, &rep->cell[i]);
	json_close(&j, ']');
	json_close(&j, '}');
}

int
report_json(const char *path, const struct report *rep, struct afx_err *err)
{
	FILE *out = fopen(path, "we");

	if (out == NULL)
		return afx_err_set(err, -errno, "%s: %s", path, strerror(errno));
	json_report(out, rep);
	if (ferror(out) | (fclose(out) != 0))
		return afx_err_set(err, -EIO, "%s: not written whole: %s", path, strerror(errno));
	return 0;
}

/* The script beside the tool, as installed or as in the source tree. */
static void
script_path(char *path, size_t len)
{
	ssize_t n = readlink("/proc/self/exe", path, len - sizeof("/" SCRIPT));

	path[n > 0 ? n : 0] = '\0';
	if (strrchr(path, '/') != NULL)
		strcpy(strrchr(path, '/') + 1, SCRIPT);
}

int
report_html(const char *path, const struct report *rep, struct afx_err *err)
{
	char script[4096];
	FILE *json = tmpfile();
	int status = 0;
	pid_t pid;

	if (json == NULL)
		return afx_err_set(err, -errno, "a temporary file: %s", strerror(errno));
	json_report(json, rep);
	rewind(json);
	script_path(script, sizeof(script));
	pid = fork();
	if (pid == 0) {
		dup2(fileno(json), STDIN_FILENO);
		execlp("python3", "python3", script, "-", path, (char *)NULL);
		_exit(127);
	}
	fclose(json);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return afx_err_set(err, -EIO, "%s: python3 with %s did not make it%s", path, script,
		WIFEXITED(status) && WEXITSTATUS(status) == 127 ? " (python3 is missing)" : "");
}

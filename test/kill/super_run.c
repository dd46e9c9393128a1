/* SPDX-License-Identifier: BSD-3-Clause */
/* The runs: counting the calls, a kill at one, a failure of one, a kill at some moment. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "super_run.h"

int
run_take(struct run *r, struct victim *v)
{
	int ret;

	if (!r->have_spare && victim_spawn(&r->cfg, &r->spare) < 0)
		return -EAGAIN;
	*v = r->spare;
	r->have_spare = victim_spawn(&r->cfg, &r->spare) == 0;
	ret = victim_ready(v);
	if (ret < 0) {
		struct deed d = { "start of a victim" };

		violation(r, &d, v, "EAL did not start");
		victim_end(v, true);
	}
	return ret;
}

void
run_done(struct run *r)
{
	if (r->have_spare)
		victim_end(&r->spare, true);
	kill(r->peer.pid, SIGKILL);
	waitpid(r->peer.pid, NULL, 0);
}

static void
remember_echoes(const struct run *r, uint64_t back[KILL_QUEUES])
{
	for (uint16_t q = 0; q < KILL_QUEUES; q++)
		back[q] = r->peer.back[q];
}

/* A traced cycle: 1 with a report, 0 when the victim ended, -errno when it hangs or never began. */
static int
traced(struct run *r, struct victim *v, struct trace *t, struct report *rep)
{
	int ret = run_take(r, v);

	if (ret < 0)
		return ret;
	ret = trace_attach(v->pid);
	if (ret == 0)
		ret = victim_command(v, KILL_CYCLE);
	if (ret == 0)
		ret = trace_cycle(v->pid, v->report_fd, t);
	if (ret < 0 || t->hung)
		return ret < 0 ? ret : -ETIMEDOUT;
	if (t->ended)
		return 0;
	return victim_report(v, rep, 0) == 1 ? 1 : -EPIPE;
}

/* The victim was reaped by the tracer. */
static void
forget(struct victim *v)
{
	v->pid = -1;
	close(v->cmd_fd);
	close(v->report_fd);
	close(v->log_fd);
}

int
run_census(struct run *r, struct trace *t)
{
	struct deed d = { "census" };
	uint64_t back[KILL_QUEUES];
	struct report rep;
	struct victim v;
	int ret;

	remember_echoes(r, back);
	ret = traced(r, &v, t, &rep);
	if (ret != 1) {
		violation(r, &d, ret == 0 ? NULL : &v, "the victim ended or hangs");
		return -EIO;
	}
	trace_detach(v.pid);
	ret = judge_cycle(r, &d, &v, &rep, back) ? 0 : -EIO;
	judge_net(r, &d, true);
	judge_ids(r, &d, &t->ids);
	r->checks++;
	if (t->ids.cnt < 3) {
		violation(
			r, &d, NULL, "%u BPF objects seen: no link, program and map?", t->ids.cnt);
		ret = -EIO;
	}
	victim_end(&v, false);
	return ret;
}

static void
describe(struct deed *d, const char *what, unsigned int at, const struct call *c)
{
	char text[96];

	call_text(c, text, sizeof(text));
	snprintf(d->text, sizeof(d->text), "%s %s call %u, %s", what, phase_name(c->phase), at,
		text);
}

bool
run_kill(struct run *r, unsigned int at, const struct call *c)
{
	static struct trace t;
	struct report rep;
	struct victim v;
	struct deed d;
	int ret;

	memset(&t, 0, sizeof(t));
	t.fault = FAULT_KILL;
	t.phase = c->phase;
	t.at = at;
	describe(&d, "kill at", at, c);
	ret = traced(r, &v, &t, &rep);
	if (t.hit)
		describe(&d, "kill at", at, &t.what);
	if (ret < 0)
		violation(r, &d, &v, "the victim hangs");
	if (ret != 0) {
		victim_end(&v, true);
	} else {
		forget(&v);
		r->kills++;
	}
	judge_net(r, &d, false);
	judge_ids(r, &d, &t.ids);
	judge_restart(r, &d, at & 1);
	return t.hit;
}

/*
 * A ring that could not be unmapped holds its queue until the process ends: there only the end of
 * the process and a restart are judged.
 */
static bool
is_excused(const struct trace *t)
{
	return t->skipped && t->what.nr == SYS_munmap;
}

/*
 * libbpf remembers for the life of a process that a feature is missing, whatever the reason was:
 * when one of its trials is made to fail, later starts of that process may fail as well.
 */
static bool
is_remembered(const struct trace *t, const struct report *again)
{
	return t->what.probe && again->failures > 0 && strcmp(again->first_op, "start") == 0;
}

/* The kernel has not let go of the queue yet, and the port said so before. */
static bool
is_late(const struct victim *v, const struct report *again)
{
	return again->failures > 0 && again->first_errno == -EBUSY && judge_kept_frames(v) > 0;
}

/* The same process goes on: a cycle without fault. */
static void
second_cycle(struct run *r, const struct deed *d, struct victim *v, const struct trace *t)
{
	uint64_t back[KILL_QUEUES];
	struct deed again;
	struct report rep;
	int status;

	snprintf(again.text, sizeof(again.text), "second start after %.160s", d->text);
	trace_detach(v->pid);
	remember_echoes(r, back);
	r->restarts++;
	if (victim_command(v, KILL_CYCLE) < 0 || victim_report(v, &rep, VICTIM_WAIT_MS) != 1) {
		violation(r, &again, v, "the victim ended or hangs");
		victim_end(v, true);
		return;
	}
	if (is_remembered(t, &rep) || is_late(v, &rep)) {
		if (is_late(v, &rep))
			r->late++;
		else
			r->excused++;
		victim_end(v, false);
		judge_restart(r, d, false);
		return;
	}
	judge_cycle(r, &again, v, &rep, back);
	judge_net(r, &again, true);
	status = victim_end(v, false);
	r->checks++;
	if (status != 0)
		violation(r, &again, NULL, "the process ended with status %#x", status);
}

bool
run_fail(struct run *r, unsigned int at, unsigned int choice, const struct call *c)
{
	static struct trace t;
	struct report rep;
	struct victim v;
	struct deed d;
	char how[32];
	int ret;

	memset(&t, 0, sizeof(t));
	t.fault = FAULT_ERRNO;
	t.phase = c->phase;
	t.at = at;
	t.choice = choice;
	snprintf(how, sizeof(how), "%s at", strerrorname_np(call_error(c, choice)));
	describe(&d, how, at, c);
	ret = traced(r, &v, &t, &rep);
	if (t.hit) {
		snprintf(how, sizeof(how), "%s at", strerrorname_np(t.error));
		describe(&d, how, at, &t.what);
		r->fails++;
	}
	if (ret == 1 && t.hit && is_excused(&t)) {
		r->excused++;
		victim_end(&v, true);
	} else if (ret == 1) {
		judge_faulted(r, &d, &v, &rep, &t);
		second_cycle(r, &d, &v, &t);
		return t.hit;
	} else if (ret == 0) {
		violation(r, &d, NULL, "the victim ended, status %#x", t.status);
		forget(&v);
	} else {
		violation(r, &d, &v, "the victim hangs");
		victim_end(&v, true);
	}
	judge_net(r, &d, false);
	judge_ids(r, &d, &t.ids);
	judge_restart(r, &d, at & 1);
	return t.hit;
}

void
run_random(struct run *r, unsigned int delay_us, bool with_child)
{
	const struct timespec delay = { delay_us / 1000000, delay_us % 1000000 * 1000 };
	struct bpf_ids ids = { 0 };
	struct report rep = { 0 };
	struct victim v;
	struct deed d;

	snprintf(d.text, sizeof(d.text), "kill %u us into traffic%s", delay_us,
		with_child ? ", a forked child lives on" : "");
	if (run_take(r, &v) < 0)
		return;
	r->checks++;
	if (victim_command(&v, with_child ? KILL_FORK : KILL_TRAFFIC) < 0 ||
			victim_report(&v, &rep, VICTIM_WAIT_MS) != 1 || rep.failures > 0 ||
			!rep.traffic_ok || (with_child && rep.child <= 0)) {
		violation(r, &d, &v, "no traffic to kill in (%s)", rep.first_op);
		victim_end(&v, true);
		return;
	}
	bpf_ids_collect(v.pid, &ids);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL);
	victim_end(&v, true);
	r->random_kills++;
	r->forks += with_child;
	if (with_child && kill(rep.child, 0) < 0)
		violation(r, &d, NULL, "the child is gone: nothing was shown");
	judge_net(r, &d, false);
	judge_ids(r, &d, &ids);
	judge_restart(r, &d, delay_us & 1);
	if (!with_child)
		return;
	if (kill(rep.child, SIGKILL) == 0)
		waitpid(rep.child, NULL, 0);
	snprintf(d.text, sizeof(d.text), "the end of the child of a killed process");
	judge_restart(r, &d, true);
}

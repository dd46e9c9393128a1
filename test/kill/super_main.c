/* SPDX-License-Identifier: BSD-3-Clause */
/* Supervisor of the kill tests: options, the plan of one lane, the summary. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "super_run.h"

#define RANDOM_US 30000
#define CENSUSES 3
#define CENSUS_TRIES 10
#define TRIES 4
#define LATE_SHARE(runs) (2 + (runs) / 50)

struct plan {
	unsigned int lane;       /* of lanes, which share the work */
	unsigned int lanes;
	unsigned int random;     /* kills under traffic, all lanes together */
	unsigned int forks;      /* of those with a child */
	unsigned int seed;
	unsigned int only;       /* 0: all calls */
	bool all;                /* every plausible error of a call, not only the first */
	bool some;               /* not every call, but some of each class */
	bool kills;
	bool fails;
	bool verbose;
};

/* Calls of one class are made for the same reason: the same phase, call and main argument. */
static bool
same_class(const struct call *a, const struct call *b)
{
	if (a->phase != b->phase || a->nr != b->nr)
		return false;
	if (a->nr == SYS_bpf)
		return a->args[0] == b->args[0];
	if (a->nr == SYS_setsockopt || a->nr == SYS_getsockopt)
		return a->args[1] == b->args[1] && a->args[2] == b->args[2];
	if (a->nr == SYS_ioctl || a->nr == SYS_fcntl || a->nr == SYS_madvise)
		return a->args[1] == b->args[1];
	if (a->nr == SYS_socket)
		return a->args[0] == b->args[0] && a->args[2] == b->args[2];
	return true;
}

/* Whether call i is the first, the middle or the last of its class. */
static bool
stands_for_class(const struct trace *t, unsigned int i)
{
	unsigned int before = 0, after = 0;

	for (unsigned int j = 0; j < t->cnt; j++) {
		if (j == i || !same_class(&t->calls[i], &t->calls[j]))
			continue;
		if (j < i)
			before++;
		else
			after++;
	}
	return before == 0 || after == 0 || before == (before + after) / 2;
}

static void
print_census(const struct trace *t)
{
	unsigned int per[PHASE_CNT] = { 0 };

	for (unsigned int i = 0; i < t->cnt; i++)
		per[t->calls[i].phase]++;
	printf("calls: %u", t->cnt);
	for (unsigned int p = PHASE_OPEN; p < PHASE_CNT; p++)
		printf(", %s %u", phase_name(p), per[p]);
	printf("\n");
	for (unsigned int i = 0; i < t->cnt; i++) {
		unsigned int n = 0;
		bool first = true;

		for (unsigned int j = 0; j < t->cnt; j++) {
			if (t->calls[j].nr != t->calls[i].nr)
				continue;
			first = first && j >= i;
			n++;
		}
		if (first)
			printf("  %s %u%s\n", call_name(t->calls[i].nr), n,
				call_error(&t->calls[i], 0) == 0 ? " (cannot fail)" : "");
	}
}

/* A call that did not come may come in another cycle. */
static void
until_hit(struct run *r, const struct call *c, bool by_kill, unsigned int choice)
{
	for (unsigned int i = 0; i < TRIES; i++)
		if (by_kill ? run_kill(r, c->index, c) : run_fail(r, c->index, choice, c))
			return;
	r->missed++;
}

static void
all_calls(struct run *r, const struct plan *p, const struct trace *census)
{
	unsigned int turn = 0;

	for (unsigned int i = 0; i < census->cnt; i++) {
		const struct call *c = &census->calls[i];

		if (p->only != 0 ? p->only != i + 1 : p->some && !stands_for_class(census, i))
			continue;
		if (p->kills && turn++ % p->lanes == p->lane)
			until_hit(r, c, true, 0);
		for (unsigned int e = 0; p->fails && call_error(c, e) != 0; e++) {
			if (e > 0 && !p->all)
				break;
			if (turn++ % p->lanes == p->lane)
				until_hit(r, c, false, e);
		}
	}
	/* After the last call nothing is left to be found, and that is found here. */
	if (p->kills && p->only == 0 && p->lane == 0)
		run_kill(r, UINT32_MAX, &census->calls[census->cnt - 1]);
}

static void
random_kills(struct run *r, const struct plan *p)
{
	srand(p->seed);
	for (unsigned int i = 0; i < p->random; i++) {
		unsigned int delay = rand() % RANDOM_US;

		if (i % p->lanes == p->lane)
			run_random(r, delay, i < p->forks);
	}
}

/* Of several cycles the shortest of each phase: no more calls than every cycle makes. */
static int
take_census(struct run *r, struct trace *out)
{
	static struct trace t[CENSUSES];
	unsigned int got = 0;

	/* On a busy machine a wait for the kernel may make more calls than fit. */
	for (unsigned int i = 0; i < CENSUS_TRIES && got < CENSUSES; i++) {
		memset(&t[got], 0, sizeof(t[got]));
		if (run_census(r, &t[got]) < 0)
			return -1;
		got += t[got].cnt <= CALLS_MAX;
	}
	if (got == 0)
		return -1;
	for (unsigned int p = PHASE_OPEN; p < PHASE_CNT; p++) {
		unsigned int best = 0;

		for (unsigned int i = 1; i < got; i++)
			if (t[i].in_phase[p] < t[best].in_phase[p])
				best = i;
		for (unsigned int i = 0; i < t[best].cnt; i++)
			if (t[best].calls[i].phase == p)
				out->calls[out->cnt++] = t[best].calls[i];
	}
	return 0;
}

static int
run_lane(struct run *r, const struct plan *p)
{
	static struct trace census;
	uint64_t begin = now_ms();
	int ret;

	ret = take_census(r, &census);
	if (ret < 0) {
		printf("census failed: nothing can be concluded\n");
		return 1;
	}
	if (p->lane == 0)
		print_census(&census);
	if (p->verbose)
		for (unsigned int i = 0; i < census.cnt; i++) {
			char text[96];

			call_text(&census.calls[i], text, sizeof(text));
			printf("%4u %s %s\n", i + 1, phase_name(census.calls[i].phase), text);
		}
	fflush(stdout);
	all_calls(r, p, &census);
	random_kills(r, p);
	/*
	 * Late once in a while is the machine; late again and again is a queue that nobody lets go.
	 */
	if (r->late > LATE_SHARE(r->restarts)) {
		struct deed d = { "all runs" };

		violation(r, &d, NULL, "%u times a queue was not released in time", r->late);
	}
	/* Read and summed by run.sh. */
	printf("SUM kills %u fails %u random %u forks %u missed %u went_on %u reported %u excused "
	       "%u "
	       "late %u checks %u restarts %u violations %u\n",
		r->kills, r->fails, r->random_kills, r->forks, r->missed, r->went_on, r->refused,
		r->excused, r->late, r->checks, r->restarts, r->violations);
	printf("lane %u: %lu s, longest release %u ms, longest cycle of a restart %u ms\n", p->lane,
		(unsigned long)(now_ms() - begin) / 1000, r->release_ms, r->restart_ms);
	return r->violations > 0;
}

static int
usage(const char *name)
{
	fprintf(stderr,
		"usage: %s --victim PROGRAM --iface NAME --peer NAME [--driver NAME] "
		"[--devargs TEXT]\n  [--lane N --lanes N] [--all | --some] [--no-kills] "
		"[--no-fails] "
		"[--random N] [--forks N] [--seed N]\n  [--only CALL] [--verbose] -- EAL-ARGS\n",
		name);
	return 2;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "victim", required_argument, NULL, 'v' },
		{ "iface", required_argument, NULL, 'i' },
		{ "peer", required_argument, NULL, 'p' },
		{ "driver", required_argument, NULL, 'd' },
		{ "devargs", required_argument, NULL, 'D' },
		{ "lane", required_argument, NULL, 'l' },
		{ "lanes", required_argument, NULL, 'L' },
		{ "all", no_argument, NULL, 'a' },
		{ "some", no_argument, NULL, 'S' },
		{ "no-kills", no_argument, NULL, 'k' },
		{ "no-fails", no_argument, NULL, 'f' },
		{ "random", required_argument, NULL, 'r' },
		{ "forks", required_argument, NULL, 'F' },
		{ "seed", required_argument, NULL, 's' },
		{ "only", required_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct plan p = { .lanes = 1, .random = 50, .forks = 3, .seed = 1, .kills = true,
		.fails = true };
	struct run r = { .cfg.driver = "net_xsk" };
	const char *peer = NULL, *devargs = "";
	char args[256];
	sigset_t chld;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'v': r.cfg.program = optarg; break;
		case 'i': r.ifname = optarg; break;
		case 'p': peer = optarg; break;
		case 'd': r.cfg.driver = optarg; break;
		case 'D': devargs = optarg; break;
		case 'l': p.lane = atoi(optarg); break;
		case 'L': p.lanes = atoi(optarg); break;
		case 'a': p.all = true; break;
		case 'S': p.some = true; break;
		case 'k': p.kills = false; break;
		case 'f': p.fails = false; break;
		case 'r': p.random = atoi(optarg); break;
		case 'F': p.forks = atoi(optarg); break;
		case 's': p.seed = atoi(optarg); break;
		case 'o': p.only = atoi(optarg); break;
		case 'V': p.verbose = true; break;
		default: return usage(argv[0]);
		}
	}
	if (r.cfg.program == NULL || r.ifname == NULL || peer == NULL || p.lanes == 0)
		return usage(argv[0]);
	r.cfg.eal = argv + optind;
	r.cfg.eal_cnt = argc - optind;
	snprintf(args, sizeof(args), "iface=%s%s%s", r.ifname, devargs[0] ? "," : "", devargs);
	r.cfg.devargs = args;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	/* Children of victims become ours, so that their end is seen. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (peer_start(&r.peer, peer) < 0 || net_state_get(r.ifname, &r.base) < 0) {
		fprintf(stderr, "no interfaces %s and %s to work with\n", r.ifname, peer);
		return 1;
	}
	ret = run_lane(&r, &p);
	run_done(&r);
	return ret;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of the kill tests: its ground, what it counts and what it finds. */
#ifndef SUPER_RUN_H
#define SUPER_RUN_H

#include "super.h"

struct run {
	struct victim_cfg cfg;
	const char *ifname;
	struct peer peer;
	struct net_state base;   /* of the interface before any victim */
	struct victim spare;     /* already on its way, so that its start costs nothing */
	bool have_spare;
	bool verbose;
	/* Counted. */
	unsigned int kills;
	unsigned int fails;
	unsigned int random_kills;
	unsigned int forks;
	unsigned int missed;     /* the call did not come this time */
	unsigned int went_on;    /* failures that the port got over */
	unsigned int refused;    /* failures that were reported */
	unsigned int excused;    /* see is_excused and is_remembered in super_run.c */
	unsigned int checks;
	unsigned int restarts;
	unsigned int late;       /* the kernel held a queue for longer than the driver waits */
	unsigned int release_ms; /* the longest until all that a process had was gone */
	unsigned int restart_ms; /* the longest from the kill to traffic */
	unsigned int violations;
};

/* What is being done, for the text of a violation. */
struct deed {
	char text[192];
};

/* super_judge.c: each counts checks and tells of violations. */
void violation(struct run *r, const struct deed *d, const struct victim *v, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool judge_net(struct run *r, const struct deed *d, bool lasting);
void judge_ids(struct run *r, const struct deed *d, const struct bpf_ids *ids);
/* A cycle that must work. */
bool judge_cycle(struct run *r, const struct deed *d, const struct victim *v,
	const struct report *rep, const uint64_t back[KILL_QUEUES]);
/* A cycle with a failing call: it may report errors, but must leave nothing. */
void judge_faulted(struct run *r, const struct deed *d, const struct victim *v,
	const struct report *rep, const struct trace *t);
/* Frames that the driver said it keeps because a queue was not released in time. */
int judge_kept_frames(const struct victim *v);
void judge_restart(struct run *r, const struct deed *d, bool plain);

/* super_run.c */
int run_take(struct run *r, struct victim *v);
int run_census(struct run *r, struct trace *t);
/* Both return whether the call came: waits make some cycles longer than others. */
bool run_kill(struct run *r, unsigned int at, const struct call *c);
bool run_fail(struct run *r, unsigned int at, unsigned int choice, const struct call *c);
void run_random(struct run *r, unsigned int delay_us, bool with_child);
void run_done(struct run *r);

#endif

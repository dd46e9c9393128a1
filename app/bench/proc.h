/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The processes the tool starts: one for the candidate, one for the traffic. Each has a page shared
 * with the tool (job.h) and prints into a file of its own. The kernel kills them when the tool
 * ends, however it ends.
 */
#ifndef BENCH_PROC_H
#define BENCH_PROC_H

#include <stdio.h>
#include <sys/types.h>

#include "job.h"

struct proc {
	pid_t pid;               /* 0: not running */
	int page_fd;
	int log_fd;
	int status;              /* of waitpid, once it ended */
	struct job_page *page;
};

/* Make the page; the job is filled in by the caller. 0 or -errno with err filled. */
int proc_init(struct proc *p, struct afx_err *err);

/*
 * Start a process in a network namespace. With run it is a fork that calls run, which reports by
 * the page; cpu is its CPU. Without, the tool's own executable is started afresh as the process of
 * a candidate (dut.h), on any CPU. verbose: its output goes where the tool's does.
 */
int proc_start(struct proc *p, int netns_fd, void (*run)(struct job_page *page), int cpu,
	bool verbose, struct afx_err *err);

/* Wait until it is ready. Its own error text, or what it printed last, comes in err. */
int proc_wait_ready(struct proc *p, unsigned int timeout_ms, struct afx_err *err);

/* Whether it still runs; if not err says how it ended. */
bool proc_alive(struct proc *p, struct afx_err *err);

/* Stop it by its page and signals, at last with SIGKILL; its page stays readable. */
void proc_stop(struct proc *p);

/* Stop it and free everything. Any state, twice. */
void proc_end(struct proc *p);

/*
 * Ask the workers for a snapshot of a new epoch and add them up. Returns 0 or -errno with err
 * filled; sum->tsc is the mean time of the workers' snapshots.
 */
int proc_snapshot(struct proc *p, struct counts *sum, struct afx_err *err);

/* The counters of this moment, for progress. */
struct counts proc_counts(const struct proc *p);

#endif

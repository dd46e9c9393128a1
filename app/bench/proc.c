/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes of the tool, see proc.h. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dut.h"
#include "proc.h"

#define STOP_MS 8000
#define SNAPSHOT_MS 10000
#define LOG_LINE 320

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static void
pause_ms(unsigned int ms)
{
	const struct timespec ts = { 0, ms * 1000000l };

	nanosleep(&ts, NULL);
}

int
proc_init(struct proc *p, struct afx_err *err)
{
	memset(p, 0, sizeof(*p));
	p->page_fd = memfd_create("bench-page", 0);
	p->log_fd = memfd_create("bench-log", 0);
	if (p->page_fd < 0 || p->log_fd < 0 || ftruncate(p->page_fd, sizeof(*p->page)) < 0)
		goto fail;
	p->page = mmap(NULL, sizeof(*p->page), PROT_READ | PROT_WRITE, MAP_SHARED, p->page_fd, 0);
	if (p->page == MAP_FAILED)
		goto fail;
	hist_reset(&p->page->hist);
	return 0;

fail:
	p->page = NULL;
	afx_err_set(err, -errno, "shared page of %zu bytes: %s (%d)", sizeof(*p->page),
		strerror(errno), errno);
	proc_end(p);
	return err->code;
}

static void
ignore(int sig)
{
	(void)sig;
}

/*
 * Where the scheduler groups processes by session, nice values count only inside a session: this
 * process gets one of its own, and the session the same value.
 */
static void
be_nice(int nice_value)
{
	FILE *group;

	setsid();
	setpriority(PRIO_PROCESS, 0, nice_value);
	group = fopen("/proc/self/autogroup", "we");
	if (group == NULL)
		return;
	fprintf(group, "%d", nice_value);
	fclose(group);
}

/* In the child: from here on it ends by itself or is killed. */
static void __attribute__((noreturn))
child(struct proc *p, pid_t parent, int netns_fd, void (*run)(struct job_page *page), int cpu,
	bool verbose)
{
	struct sigaction wake = { .sa_handler = ignore };
	char fd[16];
	cpu_set_t set;
	struct afx_err err;

	signal(SIGINT, SIG_IGN);
	sigaction(SIGUSR1, &wake, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	be_nice(p->page->job.nice);
	if (netns_fd >= 0 && setns(netns_fd, CLONE_NEWNET) < 0) {
		afx_err_set(&err, -errno, "setns: %s", strerror(errno));
		job_fail(p->page, &err);
		_exit(1);
	}
	if (!verbose) {
		dup2(p->log_fd, STDOUT_FILENO);
		dup2(p->log_fd, STDERR_FILENO);
	}
	if (run != NULL) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
		run(p->page);
		_exit(0);
	}
	snprintf(fd, sizeof(fd), "%d", p->page_fd);
	execl("/proc/self/exe", "dpdk-xsk-bench", DUT_COMMAND, fd, (char *)NULL);
	_exit(1);
}

int
proc_start(struct proc *p, int netns_fd, void (*run)(struct job_page *page), int cpu, bool verbose,
	struct afx_err *err)
{
	pid_t parent = getpid();

	fflush(NULL);
	p->pid = fork();
	if (p->pid < 0) {
		p->pid = 0;
		return afx_err_set(err, -errno, "fork: %s", strerror(errno));
	}
	if (p->pid == 0)
		child(p, parent, netns_fd, run, cpu, verbose);
	return 0;
}

static bool
tells_failure(const char *line)
{
	static const char *const words[] = { "annot", "ailed", "rror", "nvalid", "not ", "nable" };

	if (line[0] == ' ' || line[0] == '\t')
		return false;
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(line, words[i]) != NULL)
			return true;
	return false;
}

/*
 * The first line it printed that sounds like the cause; EAL goes on to print its usage after
 * that.
 */
static void
log_cause(const struct proc *p, char *line, size_t len)
{
	FILE *log = fdopen(dup(p->log_fd), "r");
	char text[LOG_LINE];

	line[0] = '\0';
	if (log == NULL)
		return;
	rewind(log);
	while (line[0] == '\0' && fgets(text, sizeof(text), log) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		if (tells_failure(text) && strstr(text, "no mounted hugetlbfs") == NULL)
			snprintf(line, len, "%s", text);
	}
	fclose(log);
}

bool
proc_alive(struct proc *p, struct afx_err *err)
{
	char line[LOG_LINE];

	if (p->pid != 0 && waitpid(p->pid, &p->status, WNOHANG) == 0)
		return true;
	if (p->pid == 0)
		return false;
	p->pid = 0;
	log_cause(p, line, sizeof(line));
	if (__atomic_load_n(&p->page->state, __ATOMIC_ACQUIRE) == JOB_FAILED)
		afx_err_set(err, -EIO, "%s%s%s", p->page->error, line[0] != '\0' ? ": " : "", line);
	else if (WIFSIGNALED(p->status))
		afx_err_set(err, -EIO, "ended by signal %d: %s", WTERMSIG(p->status), line);
	else
		afx_err_set(err, -EIO, "ended with status %d: %s", WEXITSTATUS(p->status), line);
	return false;
}

int
proc_wait_ready(struct proc *p, unsigned int timeout_ms, struct afx_err *err)
{
	uint64_t end = now_ms() + timeout_ms;

	while (__atomic_load_n(&p->page->state, __ATOMIC_ACQUIRE) != JOB_READY) {
		if (!proc_alive(p, err))
			return -EIO;
		if (now_ms() > end)
			return afx_err_set(err, -ETIMEDOUT, "not ready after %u ms", timeout_ms);
		pause_ms(2);
	}
	return 0;
}

void
proc_stop(struct proc *p)
{
	uint64_t end = now_ms() + STOP_MS;

	if (p->pid == 0)
		return;
	__atomic_store_n(&p->page->stop, 1, __ATOMIC_RELAXED);
	while (waitpid(p->pid, &p->status, WNOHANG) == 0) {
		/*
		 * A generator inside the kernel is woken; again, should it just have been
		 * outside.
		 */
		kill(p->pid, now_ms() > end ? SIGKILL : SIGUSR1);
		pause_ms(2);
	}
	p->pid = 0;
}

void
proc_end(struct proc *p)
{
	proc_stop(p);
	if (p->page != NULL)
		munmap(p->page, sizeof(*p->page));
	p->page = NULL;
	if (p->page_fd > 0)
		close(p->page_fd);
	if (p->log_fd > 0)
		close(p->log_fd);
	p->page_fd = p->log_fd = 0;
}

static void
add(struct counts *sum, const struct counts *c)
{
	sum->packets += c->packets;
	sum->bytes += c->bytes;
	sum->refused += c->refused;
	sum->polls += c->polls;
	sum->empty += c->empty;
	sum->sent += c->sent;
}

int
proc_snapshot(struct proc *p, struct counts *sum, struct afx_err *err)
{
	uint32_t epoch = p->page->epoch + 1;
	uint64_t end = now_ms() + SNAPSHOT_MS, first = 0;
	int64_t later = 0;       /* than the first worker, all others together */

	memset(sum, 0, sizeof(*sum));
	__atomic_store_n(&p->page->epoch, epoch, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < p->page->workers; i++) {
		struct worker *w = &p->page->worker[i];

		while (__atomic_load_n(&w->snapped, __ATOMIC_ACQUIRE) != epoch) {
			if (!proc_alive(p, err))
				return -EIO;
			if (now_ms() > end)
				return afx_err_set(err, -ETIMEDOUT,
					"worker %u does not answer for %u ms: it hangs in a burst",
					i, SNAPSHOT_MS);
			pause_ms(1);
		}
		add(sum, &w->snap[epoch & 1]);
		if (first == 0)
			first = w->snap[epoch & 1].tsc;
		later += (int64_t)(w->snap[epoch & 1].tsc - first);
	}
	if (p->page->workers != 0)
		sum->tsc = first + later / (int64_t)p->page->workers;
	return 0;
}

struct counts
proc_counts(const struct proc *p)
{
	struct counts sum = { 0 };

	for (uint32_t i = 0; i < p->page->workers; i++)
		add(&sum, &p->page->worker[i].now);
	return sum;
}

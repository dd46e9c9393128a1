/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting victims, talking to them, ending them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "super.h"

#define ARGS_MAX 48

uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

void
pause_ms(unsigned int ms)
{
	poll(NULL, 0, ms);
}

static void
become_victim(const struct victim_cfg *cfg, int cmd_fd, int report_fd, int log_fd)
{
	const char *argv[ARGS_MAX];
	unsigned int n = 0;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	argv[n++] = cfg->program;
	for (unsigned int i = 0; i < cfg->eal_cnt && n < ARGS_MAX - 4; i++)
		argv[n++] = cfg->eal[i];
	argv[n++] = "--";
	argv[n++] = cfg->driver;
	argv[n++] = cfg->devargs;
	argv[n] = NULL;
	/* Out of the way of the numbers to come. */
	report_fd = fcntl(report_fd, F_DUPFD_CLOEXEC, 16);
	log_fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 16);
	dup2(cmd_fd, STDIN_FILENO);
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	dup2(report_fd, KILL_REPORT_FD);
	execv(cfg->program, (char *const *)argv);
	_exit(127);
}

int
victim_spawn(const struct victim_cfg *cfg, struct victim *v)
{
	int cmd[2], rep[2];

	v->log_fd = memfd_create("log", MFD_CLOEXEC);
	if (v->log_fd < 0 || pipe2(cmd, O_CLOEXEC) < 0 || pipe2(rep, O_CLOEXEC) < 0)
		return -errno;
	v->pid = fork();
	if (v->pid < 0)
		return -errno;
	if (v->pid == 0)
		become_victim(cfg, cmd[0], rep[1], v->log_fd);
	close(cmd[0]);
	close(rep[1]);
	v->cmd_fd = cmd[1];
	v->report_fd = rep[0];
	return 0;
}

int
victim_report(struct victim *v, struct report *r, unsigned int wait_ms)
{
	struct pollfd p = { .fd = v->report_fd, .events = POLLIN };
	uint64_t end = now_ms() + wait_ms;
	int ret;

	for (;;) {
		uint64_t now = now_ms();

		ret = poll(&p, 1, now < end ? end - now : 0);
		if (ret > 0)
			return read(v->report_fd, r, sizeof(*r)) == sizeof(*r) ? 1 : -EPIPE;
		if (ret == 0)
			return 0;
	}
}

int
victim_ready(struct victim *v)
{
	struct report r;

	return victim_report(v, &r, VICTIM_WAIT_MS) == 1 ? 0 : -EPIPE;
}

int
victim_command(struct victim *v, enum kill_command cmd)
{
	char c = cmd;

	return write(v->cmd_fd, &c, 1) == 1 ? 0 : -errno;
}

int
victim_end(struct victim *v, bool by_kill)
{
	uint64_t end = now_ms() + VICTIM_WAIT_MS;
	int status = 0;

	if (by_kill)
		kill(v->pid, SIGKILL);
	close(v->cmd_fd);
	while (waitpid(v->pid, &status, WNOHANG | __WALL) == 0) {
		if (now_ms() > end)
			kill(v->pid, SIGKILL);
		pause_ms(1);
	}
	close(v->report_fd);
	close(v->log_fd);
	v->pid = -1;
	return status;
}

void
victim_log(const struct victim *v, char *out, size_t room)
{
	ssize_t n = pread(v->log_fd, out, room - 1, 0);

	out[n < 0 ? 0 : n] = '\0';
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A victim under ptrace, from its command to its report. Only the thread that makes the control
 * calls is traced, and its calls are stopped at only within the marked phases.
 *
 * A kill takes effect before the chosen call; a failing call is replaced by none and its result
 * overwritten, except close, which frees the descriptor whatever it answers.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "super.h"

struct loop {
	pid_t pid;
	struct trace *t;
	unsigned int phase;
	bool inside;             /* between entry and exit of a call */
	bool override;           /* this exit answers with an error */
	long brk_asked;          /* argument of a brk that was made to fail, else 0 */
};

static bool
kill_here(struct loop *l)
{
	bpf_ids_collect(l->pid, &l->t->ids);
	l->t->hit = true;
	kill(l->pid, SIGKILL);
	return true;
}

/* Registers of a stop; the number of the call that is made, the result that is seen. */
#if defined(__x86_64__)
static void
get_call(pid_t pid, struct call *c)
{
	struct user_regs_struct r;

	ptrace(PTRACE_GETREGS, pid, 0, &r);
	c->nr = r.orig_rax;
	c->args[0] = r.rdi;
	c->args[1] = r.rsi;
	c->args[2] = r.rdx;
}

static void
skip_call(pid_t pid)
{
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1l);
}

static void
set_result(pid_t pid, long value)
{
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), value);
}
#else
#error "registers of this machine are not described: see ptrace(2)"
#endif

/* What libbpf only tries out has no name, or one of libbpf's; its log says nothing either. */
static bool
is_probe(pid_t pid, const struct call *c)
{
	union bpf_attr attr;
	struct iovec local = { &attr, sizeof(attr) };
	struct iovec remote = { (void *)(uintptr_t)c->args[1], c->args[2] };
	const char *name;

	if (c->nr != SYS_bpf || (c->args[0] != BPF_PROG_LOAD && c->args[0] != BPF_MAP_CREATE &&
			c->args[0] != BPF_PROG_BIND_MAP && c->args[0] != BPF_BTF_LOAD))
		return false;
	if (c->args[0] == BPF_BTF_LOAD || c->args[0] == BPF_PROG_BIND_MAP)
		return true;
	memset(&attr, 0, sizeof(attr));
	if (remote.iov_len > sizeof(attr))
		remote.iov_len = sizeof(attr);
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0)
		return false;
	name = c->args[0] == BPF_PROG_LOAD ? attr.prog_name : attr.map_name;
	return name[0] == '\0' || strncmp(name, "libbpf_", 7) == 0;
}

static void
on_entry(struct loop *l)
{
	struct trace *t = l->t;
	struct call c;

	get_call(l->pid, &c);
	if (c.nr == SYS_rt_tgsigqueueinfo)
		return;
	c.phase = l->phase;
	c.probe = is_probe(l->pid, &c);
	c.index = t->in_phase[l->phase] + 1;
	if (t->cnt < CALLS_MAX)
		t->calls[t->cnt] = c;
	t->cnt++;
	t->in_phase[l->phase]++;
	if (t->fault == FAULT_NONE || l->phase != t->phase || t->in_phase[l->phase] != t->at)
		return;
	t->what = c;
	if (t->fault == FAULT_KILL) {
		kill_here(l);
		return;
	}
	t->error = call_error(&c, t->choice);
	if (t->error == 0)
		return;
	t->hit = true;
	l->override = true;
	/*
	 * brk answers with the end of the heap it has: asking for 0 does just that. The caller
	 * relies on its registers: put back at the exit.
	 */
	if (c.nr == SYS_brk) {
		l->override = false;
		l->brk_asked = ptrace(PTRACE_PEEKUSER, l->pid,
			offsetof(struct user_regs_struct, rdi), NULL);
		ptrace(PTRACE_POKEUSER, l->pid, offsetof(struct user_regs_struct, rdi), 0l);
		return;
	}
	t->skipped = !call_frees_anyway(c.nr);
	if (t->skipped)
		skip_call(l->pid);
}

static void
on_exit(struct loop *l)
{
	if (l->override)
		set_result(l->pid, -(long)l->t->error);
	l->override = false;
	if (l->brk_asked != 0)
		ptrace(PTRACE_POKEUSER, l->pid, offsetof(struct user_regs_struct, rdi),
			l->brk_asked);
	l->brk_asked = 0;
}

static void
on_mark(struct loop *l)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	ptrace(PTRACE_GETSIGINFO, l->pid, 0, &si);
	/* Everything is there between start and stop. */
	if (l->t->fault != FAULT_KILL && (l->phase == PHASE_START || l->t->ids.cnt == 0))
		bpf_ids_collect(l->pid, &l->t->ids);
	l->phase = si.si_value.sival_int;
	l->inside = false;
}

/* One stop of the victim; the signal it shall get in *sig. */
static void
on_stop(struct loop *l, int status, int *sig)
{
	int what = WSTOPSIG(status);

	*sig = 0;
	if (status >> 16 != 0)
		return;
	if (what == (SIGTRAP | 0x80)) {
		l->inside = !l->inside;
		if (l->inside)
			on_entry(l);
		else
			on_exit(l);
	} else if (what == SIGUSR1) {
		on_mark(l);
	} else {
		*sig = what;
	}
}

int
trace_attach(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || waitpid(pid, &status, __WALL) != pid)
		return -errno;
	return WIFSTOPPED(status) ? 0 : -ESRCH;
}

void
trace_detach(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0 && waitpid(pid, &status, __WALL) == pid)
		ptrace(PTRACE_DETACH, pid, 0, 0);
}

static bool
readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* Wait for a change of the victim with SIGCHLD blocked: 1 changed, 0 reported, -1 hangs. */
static int
wait_change(struct loop *l, int report_fd, uint64_t end, int *status)
{
	const struct timespec slice = { .tv_nsec = 2000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		if (waitpid(l->pid, status, __WALL | WNOHANG) == l->pid)
			return 1;
		if (l->phase == PHASE_NONE && readable(report_fd))
			return 0;
		if (now_ms() > end)
			return -1;
		sigtimedwait(&set, NULL, &slice);
	}
}

int
trace_cycle(pid_t pid, int report_fd, struct trace *t)
{
	struct loop l = { .pid = pid, .t = t };
	uint64_t end = now_ms() + VICTIM_WAIT_MS;
	int status, ret, sig = 0;

	ptrace(PTRACE_CONT, pid, 0, 0);
	for (;;) {
		ret = wait_change(&l, report_fd, end, &status);
		if (ret <= 0)
			break;
		if (!WIFSTOPPED(status)) {
			t->ended = true;
			t->status = status;
			return 0;
		}
		on_stop(&l, status, &sig);
		/* A killed victim is not there to be resumed. */
		ptrace(l.phase == PHASE_NONE ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, (long)sig);
	}
	t->hung = ret < 0;
	return 0;
}

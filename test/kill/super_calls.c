/* SPDX-License-Identifier: BSD-3-Clause */
/* System calls by name, and the errors with which each may plausibly fail. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "super.h"

#define ERRORS_MAX 3

static const struct {
	long nr;
	const char *name;
	int errors[ERRORS_MAX];
} table[] = {
	{ SYS_socket, "socket", { EMFILE, EPERM } },
	{ SYS_connect, "connect", { EPERM, EINTR } },
	{ SYS_bind, "bind", { EBUSY, ENOMEM } },
	{ SYS_setsockopt, "setsockopt", { ENOMEM, EPERM } },
	{ SYS_getsockopt, "getsockopt", { ENOBUFS } },
	{ SYS_getsockname, "getsockname", { ENOBUFS } },
	{ SYS_sendto, "sendto", { ENOBUFS, EINTR, EAGAIN } },
	{ SYS_sendmsg, "sendmsg", { ENOBUFS, EINTR } },
	{ SYS_recvfrom, "recvfrom", { ENOBUFS, EINTR } },
	{ SYS_recvmsg, "recvmsg", { ENOBUFS, EINTR } },
	{ SYS_bpf, "bpf", { EPERM, ENOMEM, EAGAIN } },
	{ SYS_mmap, "mmap", { ENOMEM } },
	{ SYS_munmap, "munmap", { ENOMEM } },
	{ SYS_mprotect, "mprotect", { ENOMEM } },
	{ SYS_mremap, "mremap", { ENOMEM } },
	{ SYS_madvise, "madvise", { ENOMEM } },
	{ SYS_openat, "openat", { EMFILE, EACCES } },
	{ SYS_close, "close", { EIO, EINTR } },
	{ SYS_read, "read", { EIO, EINTR } },
	{ SYS_pread64, "pread64", { EIO } },
	{ SYS_write, "write", { EIO, ENOSPC } },
	{ SYS_pwrite64, "pwrite64", { EIO, ENOSPC } },
	{ SYS_lseek, "lseek", { EIO } },
	{ SYS_newfstatat, "newfstatat", { EACCES } },
	{ SYS_fstat, "fstat", { EIO } },
	{ SYS_statx, "statx", { EACCES } },
	{ SYS_statfs, "statfs", { EACCES } },
	{ SYS_fstatfs, "fstatfs", { EIO } },
	{ SYS_readlinkat, "readlinkat", { EACCES } },
	{ SYS_readlink, "readlink", { EACCES } },
	{ SYS_access, "access", { EACCES } },
	{ SYS_faccessat, "faccessat", { EACCES } },
	{ SYS_faccessat2, "faccessat2", { EACCES } },
	{ SYS_getdents64, "getdents64", { EIO } },
	{ SYS_mkdir, "mkdir", { EROFS, ENOSPC } },
	{ SYS_mkdirat, "mkdirat", { EROFS, ENOSPC } },
	{ SYS_unlink, "unlink", { EROFS } },
	{ SYS_unlinkat, "unlinkat", { EROFS } },
	{ SYS_rename, "rename", { EROFS, ENOSPC } },
	{ SYS_renameat, "renameat", { EROFS, ENOSPC } },
	{ SYS_ftruncate, "ftruncate", { EIO } },
	{ SYS_fsync, "fsync", { EIO } },
	{ SYS_fchmod, "fchmod", { EPERM } },
	{ SYS_flock, "flock", { EWOULDBLOCK, ENOLCK, EINTR } },
	{ SYS_fcntl, "fcntl", { EMFILE } },
	{ SYS_ioctl, "ioctl", { EPERM, EBUSY } },
	{ SYS_epoll_ctl, "epoll_ctl", { ENOMEM } },
	{ SYS_epoll_create1, "epoll_create1", { EMFILE } },
	{ SYS_eventfd2, "eventfd2", { EMFILE } },
	{ SYS_pipe2, "pipe2", { EMFILE } },
	{ SYS_dup, "dup", { EMFILE } },
	{ SYS_poll, "poll", { EINTR, ENOMEM } },
	{ SYS_ppoll, "ppoll", { EINTR, ENOMEM } },
	{ SYS_setns, "setns", { EPERM } },
	{ SYS_prlimit64, "prlimit64", { EPERM } },
	{ SYS_uname, "uname", { EFAULT } },
	{ SYS_sysinfo, "sysinfo", { EFAULT } },
	{ SYS_sched_getaffinity, "sched_getaffinity", { ESRCH } },
	{ SYS_memfd_create, "memfd_create", { EMFILE } },
	{ SYS_fallocate, "fallocate", { ENOSPC } },
	/* A heap that cannot grow: answered with the end it has, as the kernel does. */
	{ SYS_brk, "brk", { ENOMEM } },
	{ SYS_getrandom, "getrandom", { EINTR } },
	/* None of these can fail in a way that a program may look at. */
	{ SYS_futex, "futex", { 0 } },
	{ SYS_clock_nanosleep, "clock_nanosleep", { 0 } },
	{ SYS_nanosleep, "nanosleep", { 0 } },
	{ SYS_clock_gettime, "clock_gettime", { 0 } },
	{ SYS_gettid, "gettid", { 0 } },
	{ SYS_getpid, "getpid", { 0 } },
	{ SYS_getuid, "getuid", { 0 } },
	{ SYS_geteuid, "geteuid", { 0 } },
	{ SYS_rt_sigprocmask, "rt_sigprocmask", { 0 } },
	{ SYS_rt_sigaction, "rt_sigaction", { 0 } },
	{ SYS_rt_sigreturn, "rt_sigreturn", { 0 } },
	{ SYS_sched_yield, "sched_yield", { 0 } },
};

static const struct {
	unsigned int cmd;
	const char *name;
} bpf_cmds[] = {
	{ BPF_MAP_CREATE, "MAP_CREATE" },
	{ BPF_MAP_LOOKUP_ELEM, "MAP_LOOKUP_ELEM" },
	{ BPF_MAP_UPDATE_ELEM, "MAP_UPDATE_ELEM" },
	{ BPF_MAP_DELETE_ELEM, "MAP_DELETE_ELEM" },
	{ BPF_MAP_FREEZE, "MAP_FREEZE" },
	{ BPF_PROG_LOAD, "PROG_LOAD" },
	{ BPF_BTF_LOAD, "BTF_LOAD" },
	{ BPF_LINK_CREATE, "LINK_CREATE" },
	{ BPF_LINK_UPDATE, "LINK_UPDATE" },
	{ BPF_LINK_DETACH, "LINK_DETACH" },
	{ BPF_LINK_GET_NEXT_ID, "LINK_GET_NEXT_ID" },
	{ BPF_LINK_GET_FD_BY_ID, "LINK_GET_FD_BY_ID" },
	{ BPF_PROG_GET_FD_BY_ID, "PROG_GET_FD_BY_ID" },
	{ BPF_MAP_GET_FD_BY_ID, "MAP_GET_FD_BY_ID" },
	{ BPF_OBJ_GET_INFO_BY_FD, "OBJ_GET_INFO_BY_FD" },
	{ BPF_PROG_BIND_MAP, "PROG_BIND_MAP" },
	{ BPF_PROG_TEST_RUN, "PROG_TEST_RUN" },
	{ BPF_OBJ_GET, "OBJ_GET" },
	{ BPF_OBJ_PIN, "OBJ_PIN" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *
call_name(long nr)
{
	static char text[32];

	for (unsigned int i = 0; i < COUNT(table); i++)
		if (table[i].nr == nr)
			return table[i].name;
	snprintf(text, sizeof(text), "syscall_%ld", nr);
	return text;
}

int
call_error(const struct call *c, unsigned int choice)
{
	for (unsigned int i = 0; i < COUNT(table); i++)
		if (table[i].nr == c->nr)
			return choice < ERRORS_MAX ? table[i].errors[choice] : 0;
	return choice == 0 ? EIO : 0;
}

bool
call_frees_anyway(long nr)
{
	return nr == SYS_close;
}

void
call_text(const struct call *c, char *out, size_t room)
{
	snprintf(out, room, "%s(%lld, %#llx, %#llx)", call_name(c->nr), (long long)(int)c->args[0],
		(unsigned long long)c->args[1], (unsigned long long)c->args[2]);
	if (c->nr != SYS_bpf)
		return;
	for (unsigned int i = 0; i < COUNT(bpf_cmds); i++)
		if (bpf_cmds[i].cmd == c->args[0])
			snprintf(out, room, "bpf(%s)", bpf_cmds[i].name);
}

const char *
phase_name(unsigned int phase)
{
	static const char *const names[PHASE_CNT] = {
		"none", "open", "start", "stop", "close",
	};

	return phase < PHASE_CNT ? names[phase] : "?";
}

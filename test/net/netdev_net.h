/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ground of the netdev tests: network and mount namespaces of the test's own, with a private /run,
 * so that names and records of the test are nobody else's and go with it.
 */
#ifndef AFX_TEST_NETDEV_NET_H
#define AFX_TEST_NETDEV_NET_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../bpf/check.h"

/* Run a command line; its exit status has to be 0. */
static inline void __attribute__((format(printf, 1, 2)))
run(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	NEED(system(cmd) == 0, "%s", cmd);
}

static inline void
own_namespaces(void)
{
	if (geteuid() != 0)
		SKIP("root is needed for namespaces of its own");
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		SKIP("unshare(CLONE_NEWNS | CLONE_NEWNET): %s", strerror(errno));
	if (system("command -v ip >/dev/null") != 0)
		SKIP("no ip command (iproute2)");
	NEED(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "%m");
	NEED(mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") == 0, "%m");
	run("ip link set lo up");
}

static inline int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Evaluate cond until it holds, for at most 5 seconds. */
#define WAIT_FOR(cond) do { \
	int64_t end_ = now_ms() + 5000; \
	while (!(cond) && now_ms() < end_) \
		poll(NULL, 0, 5); \
	CHECK_AT(cond, "not within 5 s"); \
} while (0)

static inline unsigned int
open_fds(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#endif

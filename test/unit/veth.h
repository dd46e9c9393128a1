/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network namespace of the test's own with a veth pair of two queues, and counts of what a
 * process holds. The namespace goes with the process.
 */
#ifndef AFX_TEST_VETH_H
#define AFX_TEST_VETH_H

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "afx_err.h"
#include "afx_socket.h"
#include "afx_test.h"

#define VETH "afxu0"
#define PEER "afxu1"

static inline int
veth_ip(const char *args)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "ip %s >/dev/null 2>&1", args);
	return system(cmd);
}

/* Move into a new namespace with VETH and PEER up; its ifindex. Leaves by SKIP where it may not. */
static inline int
veth_make(void)
{
	struct afx_err err = { 0 };

	if (unshare(CLONE_NEWNET) < 0)
		SKIP("unshare(CLONE_NEWNET): %s; needs root", strerror(errno));
	if (afx_socket_probe(&err) < 0)
		SKIP("%s", err.text);
	if (veth_ip("link add " VETH " numrxqueues 2 numtxqueues 2 type veth peer name " PEER
			" numrxqueues 2 numtxqueues 2") != 0)
		SKIP("ip link add type veth failed: needs iproute2 and CONFIG_VETH");
	veth_ip("link set " VETH " up");
	veth_ip("link set " PEER " up");
	return if_nametoindex(VETH);
}

static inline unsigned int
count_fds(void)
{
	unsigned int n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

/* Mappings of sockets: the rings. */
static inline unsigned int
count_rings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned int n = 0;
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "socket:") != NULL;
	if (f != NULL)
		fclose(f);
	return n;
}

static inline uint64_t
mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static inline void
pause_ms(unsigned int ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&ts, NULL);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold after a kill, after a failure and of a restart. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "super_run.h"

/* Echoes are under way when the victim has seen enough. */
#define ECHO_WAIT_MS 1000

/* The driver's own lines of a victim's log, indented. */
static void
print_log(const struct victim *v)
{
	static char log[16384];
	char *line, *save = NULL;

	victim_log(v, log, sizeof(log));
	for (line = strtok_r(log, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, "EAL: ", 5) != 0)
			printf("        | %s\n", line);
}

void
violation(struct run *r, const struct deed *d, const struct victim *v, const char *fmt, ...)
{
	va_list ap;

	r->violations++;
	printf("VIOLATION %s: ", d->text);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	if (v != NULL && v->pid > 0)
		print_log(v);
	fflush(stdout);
}

/* By hand, so that what follows is not judged by what this left. */
static void
repair(const struct run *r)
{
	const uint8_t *m = r->base.mac;
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "for mode in xdp xdpgeneric xdpdrv; do "
		"ip link set dev %s $mode off; done 2> /dev/null; "
		"ip link set dev %s promisc off allmulticast off mtu %u address "
		"%02x:%02x:%02x:%02x:%02x:%02x; rm -rf /run/net_xsk", r->ifname, r->ifname,
		r->base.mtu, m[0], m[1], m[2], m[3], m[4], m[5]);
	if (system(cmd) != 0)
		printf("        the interface could not be put back by hand\n");
}

static void
note_release(struct run *r, uint64_t begin)
{
	if (now_ms() - begin > r->release_ms)
		r->release_ms = now_ms() - begin;
}

bool
judge_net(struct run *r, const struct deed *d, bool lasting)
{
	uint64_t begin = now_ms(), end = begin + RELEASE_WAIT_MS;
	struct net_state st;
	char diff[512];

	r->checks++;
	for (;;) {
		if (net_state_get(r->ifname, &st) < 0)
			snprintf(diff, sizeof(diff), "interface not found");
		else
			net_state_diff(&r->base, &st, lasting, diff, sizeof(diff));
		if (diff[0] == '\0') {
			note_release(r, begin);
			return true;
		}
		if (now_ms() > end)
			break;
		pause_ms(2);
	}
	violation(r, d, NULL, "%s", diff);
	repair(r);
	return false;
}

/*
 * What a failing call keeps a port from putting back must be on record for the next start: then it
 * is no violation that it is not back yet.
 */
static void
judge_put_back(struct run *r, const struct deed *d, const struct victim *v)
{
	struct net_state st;
	char diff[512];

	r->checks++;
	if (net_state_get(r->ifname, &st) < 0)
		return;
	net_state_diff(&r->base, &st, true, diff, sizeof(diff));
	if (diff[0] == '\0' || st.records > r->base.records)
		return;
	violation(r, d, v, "%s, and no record of it for the next start", diff);
	repair(r);
}

void
judge_ids(struct run *r, const struct deed *d, const struct bpf_ids *ids)
{
	/* Maps are freed by a work of the kernel, which on a busy machine may come late. */
	uint64_t begin = now_ms(), end = begin + 3 * RELEASE_WAIT_MS;
	char first[64];
	unsigned int left;

	r->checks++;
	while ((left = bpf_ids_left(ids, first, sizeof(first))) > 0 && now_ms() < end)
		pause_ms(2);
	if (left == 0)
		note_release(r, begin);
	else
		violation(r, d, NULL, "%s and %u more of %u BPF objects are still there", first,
			left - 1, ids->cnt);
}

int
judge_kept_frames(const struct victim *v)
{
	static char log[16384];
	const char *said = " mbufs are kept out of use for good";
	int sum = 0;

	victim_log(v, log, sizeof(log));
	for (char *at = strstr(log, said); at != NULL; at = strstr(at + 1, said)) {
		char *from = at;

		while (from > log && from[-1] >= '0' && from[-1] <= '9')
			from--;
		sum += atoi(from);
	}
	return sum;
}

/* What a port that was closed must have given back, whatever happened before. */
static void
judge_left(struct run *r, const struct deed *d, const struct victim *v, const struct report *rep)
{
	r->checks += 3;
	/* On a busy machine the kernel takes seconds: a frame accounted for is not lost. */
	if (rep->pool_avail != rep->pool_size &&
			rep->pool_size - rep->pool_avail == judge_kept_frames(v))
		r->late++;
	else if (rep->pool_avail != rep->pool_size)
		violation(r, d, v, "%d of %d mbufs in the pool after close", rep->pool_avail,
			rep->pool_size);
	if (rep->fds_after > rep->fds_before)
		violation(r, d, v, "%d descriptors after close, %d before open (%s)",
			rep->fds_after, rep->fds_before, rep->fd_extra);
	if (rep->maps_after != rep->maps_before)
		violation(r, d, v, "%d mappings of sockets and BPF after close, %d before",
			rep->maps_after, rep->maps_before);
}

static bool
judge_echoes(struct run *r, const struct deed *d, const uint64_t back[KILL_QUEUES])
{
	uint64_t end = now_ms() + ECHO_WAIT_MS;

	r->checks++;
	for (uint16_t q = 0; q < KILL_QUEUES; q++) {
		while (r->peer.back[q] - back[q] < KILL_PKTS / 2 && now_ms() < end)
			pause_ms(1);
		if (r->peer.back[q] - back[q] >= KILL_PKTS / 2)
			continue;
		violation(r, d, NULL, "queue %u: %lu echoes arrived", q,
			(unsigned long)(r->peer.back[q] - back[q]));
		return false;
	}
	return true;
}

bool
judge_cycle(struct run *r, const struct deed *d, const struct victim *v, const struct report *rep,
	const uint64_t back[KILL_QUEUES])
{
	unsigned int before = r->violations;

	r->checks += 2;
	if (rep->failures > 0)
		violation(r, d, v, "%s failed: %s (%d)", rep->first_op, strerror(-rep->first_errno),
			rep->first_errno);
	else if (!rep->traffic_ok)
		violation(r, d, v, "no traffic: rx %lu %lu, tx %lu %lu", (unsigned long)rep->rx[0],
			(unsigned long)rep->rx[1], (unsigned long)rep->tx[0],
			(unsigned long)rep->tx[1]);
	else
		judge_echoes(r, d, back);
	judge_left(r, d, v, rep);
	return r->violations == before;
}

void
judge_faulted(struct run *r, const struct deed *d, const struct victim *v,
	const struct report *rep, const struct trace *t)
{
	static char log[16384];

	r->checks++;
	if (rep->failures > 0)
		r->refused++;
	else
		r->went_on++;
	victim_log(v, log, sizeof(log));
	if (rep->failures > 0 && strstr(log, "net_xsk: ") == NULL &&
			strstr(log, "ETHDEV: ") == NULL &&
			strstr(log, "EAL: Driver cannot attach") == NULL)
		violation(r, d, v, "%s failed (%d), and nothing says why", rep->first_op,
			rep->first_errno);
	if (rep->failures == 0 && !rep->traffic_ok)
		violation(r, d, v, "no error, but no traffic: rx %lu %lu, tx %lu %lu",
			(unsigned long)rep->rx[0], (unsigned long)rep->rx[1],
			(unsigned long)rep->tx[0], (unsigned long)rep->tx[1]);
	judge_left(r, d, v, rep);
	judge_net(r, d, false);
	judge_put_back(r, d, v);
	judge_ids(r, d, &t->ids);
}

void
judge_restart(struct run *r, const struct deed *d, bool plain)
{
	uint64_t back[KILL_QUEUES], begin;
	struct deed again;
	struct report rep;
	struct victim v;
	int status;

	snprintf(again.text, sizeof(again.text), "restart%s after %.160s", plain ? " (plain)" : "",
		d->text);
	if (run_take(r, &v) < 0)
		return;
	for (uint16_t q = 0; q < KILL_QUEUES; q++)
		back[q] = r->peer.back[q];
	begin = now_ms();
	r->restarts++;
	if (victim_command(&v, plain ? KILL_PLAIN : KILL_CYCLE) < 0 ||
			victim_report(&v, &rep, VICTIM_WAIT_MS) != 1) {
		violation(r, &again, &v, "ended or hangs");
		victim_end(&v, true);
		return;
	}
	if (now_ms() - begin > r->restart_ms)
		r->restart_ms = now_ms() - begin;
	judge_cycle(r, &again, &v, &rep, back);
	judge_net(r, &again, true);
	status = victim_end(&v, false);
	r->checks++;
	if (status != 0)
		violation(r, &again, NULL, "the process ended with status %#x", status);
}

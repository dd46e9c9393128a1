/* SPDX-License-Identifier: BSD-3-Clause */
/* Generators, see gen.h: live XDP frames, AF_XDP sockets (ring_loop.c), packet sockets. */
#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gen.h"
#include "pace.h"
#include "ring.h"

#define READY_MS 10000
#define PACKET_BURST 64

/* Inherited over fork: the handle of the process that runs live_make. */
static const struct live *live_of_child;

static void
live_run(struct job_page *page)
{
	struct afx_err err;

	job_ready(page, 0);
	while (!__atomic_load_n(&page->stop, __ATOMIC_RELAXED))
		if (live_make(live_of_child, &err) < 0) {
			job_fail(page, &err);
			return;
		}
}

int
gen_start(struct gen *g, enum gen_kind kind, const struct job *job, int netns_fd, int cpu,
	bool verbose, struct afx_err *err)
{
	struct live_opts lo = {
		.ifindex = job->ifindex, .attach = LIVE_NONE, .flows = job->flows,
		.rate_pps = job->rate_pps, .size = job->size,
	};
	void (*run)(struct job_page *page) = kind == GEN_LIVE ? live_run :
		kind == GEN_XSK ? ring_generator : gen_packet_run;
	int ret;

	memset(g, 0, sizeof(*g));
	g->kind = kind;
	ret = proc_init(&g->proc, err);
	if (ret < 0)
		return ret;
	g->proc.page->job = *job;
	if (job->work == WORK_LATENCY) {
		run = lat_run;
	} else if (kind == GEN_LIVE) {
		memcpy(lo.dst_mac, job->dst_mac, ETH_ALEN);
		ret = live_open(&lo, &g->live, err);
		if (ret < 0)
			return ret;
		live_of_child = g->live;
	}
	ret = proc_start(&g->proc, netns_fd, run, cpu, verbose, err);
	return ret < 0 ? ret : proc_wait_ready(&g->proc, READY_MS, err);
}

void
gen_end(struct gen *g)
{
	proc_end(&g->proc);
	live_close(g->live);
	g->live = NULL;
}

uint64_t
gen_sent(const struct gen *g)
{
	struct counts c;

	if (g->live != NULL)
		return live_made(g->live);
	if (g->proc.page == NULL)
		return 0;
	c = proc_counts(&g->proc);
	return g->proc.page->job.work == WORK_LATENCY ? c.sent : c.packets;
}

static int
packet_socket(const struct job *job, struct afx_err *err)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = job->ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), code;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&ll, sizeof(ll)) == 0)
		return fd;
	code = errno;
	if (fd >= 0)
		close(fd);
	return afx_err_set(err, -code, "packet socket on ifindex %d: %s (%d)", job->ifindex,
		strerror(code), code);
}

void
gen_packet_run(struct job_page *page)
{
	const struct job *job = &page->job;
	static uint8_t frame[LIVE_MIX_MAX][FRAME_MAX];
	uint8_t head[PACKET_BURST][LIVE_HEAD_OFF];
	struct mmsghdr msg[PACKET_BURST] = { 0 };
	struct iovec iov[PACKET_BURST][2];
	struct worker *w = &page->worker[0];
	uint32_t mix = 0, flow = 0;
	struct pace pace;
	struct afx_err err;
	int fd = packet_socket(job, &err);

	if (fd < 0) {
		job_fail(page, &err);
		return;
	}
	for (uint32_t i = 0; i < job->size.cnt; i++)
		frame_build(frame[i], job->size.len[i], job->dst_mac);
	pace_start(&pace, job->rate_pps);
	job_ready(page, 1);
	while (job_turn(page, w)) {
		uint32_t n = pace_allows(&pace, w->now.packets, PACKET_BURST);
		int sent;

		for (uint32_t i = 0; i < n; i++) {
			memcpy(head[i], frame[mix], LIVE_HEAD_OFF);
			frame_set_flow(head[i], flow++ & (job->flows - 1));
			iov[i][0] = (struct iovec){ head[i], LIVE_HEAD_OFF };
			iov[i][1] = (struct iovec){ frame[mix] + LIVE_HEAD_OFF,
				job->size.len[mix] - LIVE_HEAD_OFF };
			msg[i].msg_hdr = (struct msghdr){ .msg_iov = iov[i], .msg_iovlen = 2 };
			mix = mix + 1 < job->size.cnt ? mix + 1 : 0;
		}
		sent = n != 0 ? sendmmsg(fd, msg, n, 0) : 0;
		if (sent > 0)
			w->now.packets += sent;
	}
	close(fd);
}

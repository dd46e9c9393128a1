/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP programs of the benchmark as objects: packets made of live frames (BPF_PROG_TEST_RUN with
 * BPF_F_TEST_XDP_LIVE_FRAMES, kernel 5.18) and redirected out of an interface, several times faster
 * than packet sockets send; and counting of what comes in, in XDP.
 *
 * Live frames reach the Rx queue of the peer that the kernel gives the running CPU (CPU number
 * modulo queues). A veth peer must run an XDP program or have GRO on. Interfaces are of the calling
 * thread's network namespace.
 */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "afx_err.h"
#include "frame.h"

struct live;

enum live_attach {
	LIVE_NONE,               /* attach nothing */
	LIVE_DROP,               /* count what comes in and drop it */
	LIVE_REFLECT,            /* count it, swap the addresses, send it back */
};

struct live_opts {
	int ifindex;
	enum live_attach attach;
	bool skb;                /* attach generic XDP, else native where there is */
	uint32_t flows;          /* a power of two */
	uint64_t rate_pps;       /* 0: as many as possible */
	struct frame_size size;  /* of the packets made */
	uint8_t dst_mac[ETH_ALEN];
};

/* Load and attach. 0 or -errno with err filled. The program is gone with close or the process. */
int live_open(const struct live_opts *o, struct live **live, struct afx_err *err);
void live_close(struct live *live);

/* Make packets until a signal arrives: 0 then, or -errno with err filled. Starting costs 25 ms. */
int live_make(const struct live *live, struct afx_err *err);

/* Packets made since open, and what was counted in. Any process that has the handle. */
uint64_t live_made(const struct live *live);
struct live_count live_counted(const struct live *live);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of the measuring modes: from the command line to struct opts, each value checked. */
#ifndef BENCH_OPTS_H
#define BENCH_OPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cand.h"
#include "frame.h"

#define OPTS_CANDS 16
#define OPTS_LIST 16
#define OPTS_CPUS 64
#define OPTS_PAIRS 1000

enum work {
	WORK_RX,
	WORK_TX,
	WORK_FORWARD,
	WORK_LATENCY,
};

enum gen_kind {
	GEN_AUTO,
	GEN_LIVE,                /* live XDP frames */
	GEN_XSK,                 /* AF_XDP sockets */
	GEN_PACKET,              /* packet sockets */
	GEN_NONE,                /* traffic comes from elsewhere */
};

struct opts_list {
	uint32_t n;
	uint32_t v[OPTS_LIST];
};

struct opts {
	enum work work;
	uint32_t n_cands;
	struct cand cand[OPTS_CANDS];
	uint32_t pairs;          /* 0: not given */
	double duration_s;
	double warmup_s;
	uint32_t n_sizes;
	struct frame_size size[OPTS_LIST];
	struct opts_list queues;
	struct opts_list bursts;
	uint32_t cores;
	uint32_t gen_cpu;        /* UINT32_MAX: not given */
	uint32_t n_dut_cpus;     /* 0: not given */
	uint32_t dut_cpu[OPTS_CPUS];
	int nice;                /* of candidate and generator */
	uint32_t napi_cpu;       /* threaded NAPI on this CPU; UINT32_MAX: as it is */
	uint32_t rps_cpu;        /* receive packet steering to this CPU; UINT32_MAX: none */
	uint32_t mbufs;          /* 0: by queues and rings */
	uint32_t mbuf_size;      /* 0: DPDK's default */
	uint32_t rxd;            /* 0: the driver's default */
	uint32_t txd;
	bool no_fast_free;
	enum gen_kind gen;
	uint32_t flows;
	uint64_t rate_pps;
	uint32_t window;
	char iface[128];
	char far_iface[128];
	char netns[128];
	char far_netns[128];
	char plugin[256];
	char eal[256];
	char json[256];
	char html[256];
	bool quiet;
	bool verbose;
	bool help;
};

/* Parse what stands behind the mode. 0, or -EINVAL with err naming option, value and remedy. */
int opts_parse(enum work work, int argc, char **argv, struct opts *o, struct afx_err *err);

/* The list of options. */
void opts_help(FILE *out);

const char *opts_work_name(enum work work);
const char *opts_gen_name(enum gen_kind kind);

#endif

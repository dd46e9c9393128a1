/* SPDX-License-Identifier: BSD-3-Clause */
/* The process of a candidate: a DPDK application of its own, or bare AF_XDP loops. */
#ifndef BENCH_DUT_H
#define BENCH_DUT_H

#include <rte_mempool.h>

#include "job.h"

/* First argument of the process; the second is the descriptor of its page. */
#define DUT_COMMAND "__candidate"

int dut_main(int argc, char **argv);

/* A port in use by the loops. */
struct dut_port {
	uint16_t id;
	struct rte_mempool *pool;
	bool fast_free;
};

/* Configure and start the only port there is. 0 or -errno with err filled. */
int dut_port_start(struct job_page *page, struct dut_port *port, struct afx_err *err);
void dut_port_stop(struct dut_port *port);

/* Packets as the job wants them until told to stop; queues w, w + workers, ... */
void dut_loop(struct job_page *page, const struct dut_port *port, uint32_t worker);

#endif

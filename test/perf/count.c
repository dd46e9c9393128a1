/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What callgrind counts: bursts of one kind on a port over fake rings, always the same ones.
 *
 *   count rx|tx|forward BURST BURSTS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afx_test.h"
#include "fake_port.h"

#define POOL 4096
#define DESC 1024
#define BURST_MAX 64

static struct fake_port port;

static void
arrive(struct fake_xsk *f, uint32_t n)
{
	uint64_t addr;

	while (n-- > 0 && fake_take(f, &addr))
		CHECK(fake_deliver(f, addr, 60, AFX_XDP_HEADROOM));
}

static void
complete(struct fake_xsk *f)
{
	struct xdp_desc d;

	while (fake_consume(f, &d))
		CHECK(fake_complete(f, d.addr));
}

int
main(int argc, char **argv)
{
	const struct fake_pool_cfg pool = { .n = POOL, .cache = 250 };
	struct fake_cfg cfg = { .rx_queues = 1, .tx_queues = 1, .rx_desc = DESC, .tx_desc = DESC,
		.overlap = true };
	unsigned long burst = argc == 4 ? strtoul(argv[2], NULL, 0) : 0, moved = 0;
	unsigned long bursts = argc == 4 ? strtoul(argv[3], NULL, 0) : 0;
	bool rx, tx;
	struct rte_mbuf *pkts[BURST_MAX];
	struct fake_xsk *f;
	struct afx_err err;

	if (burst == 0 || burst > BURST_MAX || bursts == 0) {
		fprintf(stderr, "usage: count rx|tx|forward BURST BURSTS (BURST 1 to %u)\n",
			BURST_MAX);
		return 2;
	}
	rx = strcmp(argv[1], "tx") != 0;
	tx = strcmp(argv[1], "rx") != 0;
	fake_eal("count");
	cfg.mp = fake_pool("count", &pool);
	CHECK_EQ(fake_port_open(&port, &cfg, &err), 0);
	f = fake_sock(&port, 0);
	/* Packets leave without a kick: what it costs is the kernel's. */
	f->tx.flags = 0;
	for (unsigned long i = 0; i < bursts; i++) {
		uint16_t n = burst, sent = 0;

		if (rx) {
			arrive(f, n);
			n = xsk_rx_burst_sse(port.rxq[0], pkts, n);
		} else {
			CHECK_EQ(rte_pktmbuf_alloc_bulk(cfg.mp, pkts, n), 0);
			for (uint16_t k = 0; k < n; k++)
				pkts[k]->data_len = pkts[k]->pkt_len = 60;
		}
		if (tx)
			sent = xsk_tx_burst(port.txq[0], pkts, n);
		complete(f);
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
		moved += n;
	}
	CHECK_EQ(moved, burst * bursts);
	fake_port_close(&port);
	CHECK_EQ(rte_mempool_avail_count(cfg.mp), POOL);
	fake_pool_free(cfg.mp);
	rte_eal_cleanup();
	return afx_test_end();
}

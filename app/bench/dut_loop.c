/* SPDX-License-Identifier: BSD-3-Clause */
/* The loops of an ethdev candidate: receive and free, forward with swapped addresses, transmit. */
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "dut.h"

#define BURST_MAX 512

static inline uint64_t
bytes_of(struct rte_mbuf *const *pkts, uint16_t n)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < n; i++)
		sum += pkts[i]->pkt_len;
	return sum;
}

static inline uint16_t
receive(struct worker *w, uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t burst)
{
	uint16_t n = rte_eth_rx_burst(port, queue, pkts, burst);

	w->now.polls++;
	if (n == 0) {
		w->now.empty++;
		return 0;
	}
	w->now.packets += n;
	w->now.bytes += bytes_of(pkts, n);
	return n;
}

static void
loop_rx(struct job_page *page, const struct dut_port *port, uint32_t first, struct worker *w)
{
	const uint16_t burst = page->job.burst, queues = page->job.queues, id = port->id;
	const uint16_t step = page->job.n_cpus;
	struct rte_mbuf *pkts[BURST_MAX];

	while (job_turn(page, w)) {
		for (uint16_t q = first; q < queues; q += step) {
			uint16_t n = receive(w, id, q, pkts, burst);

			if (n != 0)
				rte_pktmbuf_free_bulk(pkts, n);
		}
	}
}

static inline void
swap_macs(struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ether_addr was = eth->dst_addr;

	eth->dst_addr = eth->src_addr;
	eth->src_addr = was;
}

static void
loop_forward(struct job_page *page, const struct dut_port *port, uint32_t first, struct worker *w)
{
	const uint16_t burst = page->job.burst, queues = page->job.queues, id = port->id;
	const uint16_t step = page->job.n_cpus;
	struct rte_mbuf *pkts[BURST_MAX];

	while (job_turn(page, w)) {
		for (uint16_t q = first; q < queues; q += step) {
			uint16_t n = receive(w, id, q, pkts, burst), sent;

			if (n == 0)
				continue;
			for (uint16_t i = 0; i < n; i++) {
				if (i + 1 < n)
					rte_prefetch0(rte_pktmbuf_mtod(pkts[i + 1], void *));
				swap_macs(pkts[i]);
			}
			sent = rte_eth_tx_burst(id, q, pkts, n);
			if (sent < n) {
				w->now.refused += n - sent;
				rte_pktmbuf_free_bulk(pkts + sent, n - sent);
			}
		}
	}
}

/* Packets that wait for the driver to take them. */
struct pending {
	uint16_t at;
	uint16_t n;
	uint32_t mix;
	struct rte_mbuf *pkts[BURST_MAX];
};

static void
set_lengths(const struct frame_size *size, const struct live_len *fields, struct pending *p)
{
	for (uint16_t i = 0; i < p->n; i++) {
		struct rte_mbuf *m = p->pkts[i];
		uint32_t len = size->len[p->mix];

		m->data_len = m->pkt_len = len;
		if (size->cnt == 1)
			continue;
		frame_set_len(rte_pktmbuf_mtod(m, uint8_t *), &fields[p->mix]);
		p->mix = p->mix + 1 < size->cnt ? p->mix + 1 : 0;
	}
}

static void
loop_tx(struct job_page *page, const struct dut_port *port, uint32_t first, struct worker *w)
{
	const struct frame_size *size = &page->job.size;
	const uint16_t burst = page->job.burst, queues = page->job.queues, id = port->id;
	const uint16_t step = page->job.n_cpus;
	static __thread struct pending all[64];
	struct live_len fields[LIVE_MIX_MAX];

	for (uint32_t i = 0; i < size->cnt; i++)
		frame_len_fields(size->len[i], &fields[i]);
	while (job_turn(page, w)) {
		for (uint16_t q = first; q < queues; q += step) {
			struct pending *p = &all[q];
			uint16_t sent;

			if (p->n == 0) {
				if (rte_pktmbuf_alloc_bulk(port->pool, p->pkts, burst) == 0) {
					p->n = burst;
					p->at = 0;
					set_lengths(size, fields, p);
				}
			}
			sent = rte_eth_tx_burst(id, q, p->pkts + p->at, p->n);
			w->now.packets += sent;
			w->now.refused += p->n - sent;
			p->at += sent;
			p->n -= sent;
		}
	}
	for (uint16_t q = first; q < queues; q += step)
		rte_pktmbuf_free_bulk(all[q].pkts + all[q].at, all[q].n);
}

void
dut_loop(struct job_page *page, const struct dut_port *port, uint32_t worker)
{
	struct worker *w = &page->worker[worker];

	switch (page->job.work) {
	case WORK_RX: loop_rx(page, port, worker, w); break;
	case WORK_TX: loop_tx(page, port, worker, w); break;
	case WORK_FORWARD:
	case WORK_LATENCY: loop_forward(page, port, worker, w); break;
	}
}

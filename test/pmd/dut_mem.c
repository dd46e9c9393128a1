/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that comes and goes under a running port; foreign mbufs; traffic for any EAL mode. */
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include "dut.h"

/* What a stray write into the neighbour would change. */
struct header {
	struct rte_mbuf *m;
	void *buf_addr;
	struct rte_mempool *pool;
	uint16_t buf_len;
};

static struct header
header_of(struct rte_mbuf *m)
{
	struct header now;

	memset(&now, 0, sizeof(now));
	now.m = m;
	now.buf_addr = m->buf_addr;
	now.pool = m->pool;
	now.buf_len = m->buf_len;
	return now;
}

static void
note_header(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	struct header *list = arg;

	RTE_SET_USED(mp);
	list[i] = header_of(obj);
}

/* By our own list: the mempool's runs through memory that may be damaged. */
static unsigned int
damaged_headers(const struct header *list, unsigned int n)
{
	unsigned int i, damaged = 0;
	struct header now;

	for (i = 0; i < n; i++) {
		now = header_of(list[i].m);
		damaged += memcmp(&list[i], &now, sizeof(now)) != 0;
	}
	return damaged;
}

static void
case_foreign_big(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 1, .nb_txq = 1, .rx_desc = 512, .tx_desc = 512 };
	static struct header headers[8191];
	static const unsigned int lens[] = { 1514, 2300, 3000, 4000, 8000 };
	struct rte_mempool *big;
	struct tally t = { 0 };
	uint8_t frame[DUT_MAX_FRAME];
	struct rte_mbuf *m;
	struct peer p;
	unsigned int i, len, damaged = 0;
	uint16_t port;

	cfg.mp = pool_new("rx", RTE_DIM(headers), 0, DUT_ROOM);
	big = pool_new("big", 511, 0, 9216);
	if (!EXPECT(d, cfg.mp && big && peer_open(&p, d->peer) == 0, "pools or peer"))
		return;
	if (!port_up(d, &port, &cfg, ""))
		return;
	rte_mempool_obj_iter(cfg.mp, note_header, headers);
	/* Looked at after each: damaged headers would crash the next allocation. */
	for (i = 0; i < 64 && damaged == 0; i++) {
		len = lens[i % RTE_DIM(lens)];
		m = mbuf_frame(big, len, 21, i, i);
		if (m != NULL && rte_eth_tx_burst(port, 0, &m, 1) == 0)
			rte_pktmbuf_free(m);
		while ((len = peer_recv(&p, frame, sizeof(frame), 2)) > 0)
			tally_frame(frame, len, 21, &t);
		damaged = damaged_headers(headers, RTE_DIM(headers));
	}
	EXPECT(d, damaged == 0, "%u mbuf headers of the Rx pool overwritten", damaged);
	EXPECT(d, t.wrong == 0, "%u frames with wrong bytes at the peer", t.wrong);
	/* A port with a damaged pool is better left alone. */
	if (d->failed > 0)
		return;
	EXPECT(d, WAIT_UNTIL((tx_reap(port, 1), rte_mempool_full(big)), 500),
	       "%u of %u foreign mbufs home", rte_mempool_avail_count(big), big->size);
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
	peer_close(&p);
}

/* Hugepages free in the mount given by --huge-dir, which the script makes for us alone. */
static long
huge_free(struct dut *d)
{
	char path[300];
	struct statfs fs;

	snprintf(path, sizeof(path), "%s/huge", d->tmp);
	if (statfs(path, &fs) != 0 || fs.f_type != 0x958458f6 || fs.f_blocks == 0)
		return -1;
	return fs.f_bfree;
}

/*
 * A Tx pool is freed, its hugepages go back, and a new pool gets new pages at the same address
 * while the port runs: the wire must show the new pages' bytes.
 */
static void
case_remap(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512 };
	struct rte_mempool *tx;
	struct peer p;
	uint16_t port;
	long before, after;
	void *first = NULL, *base;
	unsigned int i, same = 0;

	if (!pool_begin(d, &cfg, 8191, 250, &p))
		return;
	/* What a first probe leaves for good is there before pages are counted. */
	if (!EXPECT(d, port_open(d, &port, "%s", "") == 0, "probe"))
		return;
	port_close(port);
	before = huge_free(d);
	/* There from the start, so that the driver may have taken it into its memory. */
	tx = pool_new("tx", 16383, 0, DUT_ROOM);
	if (!port_up(d, &port, &cfg, ""))
		return;
	for (i = 0; i < 6 && EXPECT(d, tx != NULL, "Tx pool %u", i); i++) {
		struct tally t = { 0 };

		base = STAILQ_FIRST(&tx->mem_list)->addr;
		same += base == first;
		first = base;
		peer_drain(&p);
		traffic_out(d, &p, port, 2, tx, 1000, 30 + i, &t);
		EXPECT(d, t.right == 1000 && t.wrong == 0,
			"pool %u: of 1000 out, %u right %u wrong", i, t.right, t.wrong);
		WAIT_UNTIL((tx_reap(port, 2), rte_mempool_full(tx)), 500);
		/* A pool with mbufs out may not be freed: no more to be seen here. */
		if (!EXPECT(d, rte_mempool_full(tx), "pool %u: %u of %u home", i,
			    rte_mempool_avail_count(tx), tx->size))
			return;
		rte_mempool_free(tx);
		tx = pool_new("tx", 16383, 0, DUT_ROOM);
	}
	rte_mempool_free(tx);
	EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
	after = -1;
	if (before >= 0)
		WAIT_UNTIL((after = huge_free(d)) >= before - 3, DUT_WAIT_MS);
	/* The port's own structures may have taken a page or two; a Tx pool is twenty. */
	EXPECT(d, after >= before - 3, "%ld hugepages free after stop, %ld before", after, before);
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
	if (same == 0)
		dut_skip(d, "EAL never gave the same address again");
	peer_close(&p);
}

struct sent_from {
	uint64_t in_place;
	uint64_t copied;
	uint64_t lost;
};

static struct sent_from
sent_from(uint16_t port)
{
	struct rte_eth_stats s = { 0 };

	rte_eth_stats_get(port, &s);
	return (struct sent_from){
		.in_place = xstats_sum(port, "tx_q", "zero_copy"),
		.copied = xstats_sum(port, "tx_q", "bounce_outside"),
		.lost = s.oerrors,
	};
}

/* n packets of a pool that was there before the start, or not: copied none, or all; lost none. */
static void
send_pool(struct dut *d, struct peer *p, uint16_t port, struct rte_mempool *mp, bool before,
	  const char *when)
{
	const unsigned int n = 3000;
	struct sent_from was = sent_from(port), now;
	struct tally t = { 0 };
	static uint8_t tag = 50;

	peer_drain(p);
	traffic_out(d, p, port, 2, mp, n, ++tag, &t);
	now = sent_from(port);
	EXPECT(d, t.right == n && t.wrong == 0, "%s: of %u out, %u right %u wrong", when, n,
	       t.right, t.wrong);
	EXPECT(d, now.copied - was.copied == (before ? 0 : n), "%s: %lu of %u copied", when,
	       (unsigned long)(now.copied - was.copied), n);
	EXPECT(d, now.in_place - was.in_place == (before ? n : 0), "%s: %lu of %u in place", when,
	       (unsigned long)(now.in_place - was.in_place), n);
	EXPECT(d, now.lost == was.lost, "%s: %lu lost", when, (unsigned long)(now.lost - was.lost));
}

/*
 * Rx pool A and Tx pools: made before the start, below and above A in turn, all is sent from where
 * it lies; made after it, everything is copied, until the next start takes that pool in too.
 */
static void
case_tx_pools(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512 };
	struct rte_mempool *before[2], *after;
	struct peer p;
	uint16_t port;

	before[0] = pool_new("tx_before_a", 4095, 0, DUT_ROOM);
	cfg.mp = pool_new("rx", 8191, 0, DUT_ROOM);
	before[1] = pool_new("tx_behind_a", 4095, 0, DUT_ROOM);
	if (!EXPECT(d, cfg.mp && before[0] && before[1] && !peer_open(&p, d->peer), "pools"))
		return;
	if (!port_up(d, &port, &cfg, ""))
		return;
	/* Larger than any hole in what is mapped: it lies on pages of its own. */
	after = pool_new("tx_after", 32767, 0, DUT_ROOM);
	if (EXPECT(d, after != NULL, "pool made after the start")) {
		send_pool(d, &p, port, before[0], true, "made before A and the start");
		send_pool(d, &p, port, before[1], true, "made after A, before the start");
		send_pool(d, &p, port, after, false, "made after the start");
		send_pool(d, &p, port, before[0], true, "made before, once more");
		EXPECT(d, rte_eth_dev_stop(port) == 0 && port_start(port) == 0, "stop and start");
		path_ready(&p, port, &cfg);
		send_pool(d, &p, port, after, true, "made before the second start");
	}
	port_close(port);
	pool_whole(d, cfg.mp, "after close");
	pool_whole(d, before[0], "after close");
	pool_whole(d, before[1], "after close");
	if (after != NULL)
		pool_whole(d, after, "after close");
	peer_close(&p);
}

/* Traffic both ways, for scripts that vary EAL's memory. */
static void
case_traffic(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512 };
	struct peer p;
	uint16_t port;

	if (!port_begin(d, &port, &cfg, 8191, 250, &p, ""))
		return;
	traffic_both(d, &p, port, &cfg, 3000, "traffic");
	EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
	port_close(port);
	peer_close(&p);
}

/* Peer alone, of a forwarder in another process: count frames out and back. */
static void
helper_echo(struct dut *d)
{
	unsigned int sent = 0, n = d->count ? d->count : 500, len, tries = 0;
	uint64_t end = now_ms() + 15000;
	uint8_t frame[DUT_MAX_FRAME];
	struct tally t = { 0 };
	struct peer p;

	if (!EXPECT(d, peer_open(&p, d->peer) == 0, "peer"))
		return;
	/* Until the forwarder is up. */
	do {
		frame_fill(frame, 64, 40, tries, tries);
		peer_send(&p, frame, 64);
		len = peer_recv(&p, frame, sizeof(frame), 20);
		tries++;
	} while (len == 0 && now_ms() < end);
	EXPECT(d, len > 0, "nothing comes back from the forwarder");
	WAIT_UNTIL(peer_recv(&p, frame, sizeof(frame), 100) == 0, DUT_WAIT_MS);
	while (len > 0 && t.right + t.wrong < n && now_ms() < end) {
		while (sent < n && sent - t.right - t.wrong < 64) {
			frame_fill(frame, 64 + sent % 1400, 41, sent, sent);
			peer_send(&p, frame, 64 + sent % 1400);
			sent++;
			end = now_ms() + DUT_WAIT_MS;
		}
		len = 1;
		while ((len = peer_recv(&p, frame, sizeof(frame), 1)) > 0)
			tally_frame(frame, len, 41, &t);
		len = 1;
	}
	EXPECT(d, t.right == n && t.wrong == 0, "of %u frames back, %u right %u wrong", n, t.right,
	       t.wrong);
	peer_close(&p);
}

const struct dut_case dut_mem_cases[] = {
	{ "foreign-big", "6", 1, 0, "shown", "foreign mbufs larger than the room",
		case_foreign_big },
	{ "remap", "-", 2, 0, "broken", "Tx pool freed and made again", case_remap },
	{ "tx-pools", "-", 2, 0, "broken", "Tx pools made before and after the start",
		case_tx_pools },
	{ "traffic", "-", 2, DUT_HELPER, "pass", "traffic both ways", case_traffic },
	{ "echo", "-", 2, DUT_HELPER | DUT_NO_EAL, "-", "peer of a forwarder", helper_echo },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* Twins: plain traffic with frames, rings and memory of every shape; close and open; sharing. */
#include <stdio.h>
#include <string.h>

#include "twin.h"

/* Smallest and largest mbuf rooms that the kernel's chunk limits leave: 2048 and 4096 less 256. */
#define ROOM_MIN (1792 + RTE_PKTMBUF_HEADROOM)
#define ROOM_MAX (3840 + RTE_PKTMBUF_HEADROOM)

static void
plain(struct twin *t, const struct twin_cfg *a, const struct twin_cfg *b, unsigned int n)
{
	struct twin_flow f = { .t = t, .from = &t->a, .to = &t->b, .n = n };
	struct twin_flow back = { .t = t, .from = &t->b, .to = &t->a, .n = n };

	if (!twin_up(t, a, b))
		return;
	twin_run(&f, "there");
	twin_run(&back, "back");
	twin_kernel_refused_none(t);
	twin_down(t, "after close");
}

static void
send_receive(struct twin *t)
{
	plain(t, NULL, NULL, t->pkts);
}

static void
single(struct twin *t)
{
	plain(t, NULL, NULL, 1);
}

static void
queues(struct twin *t)
{
	struct twin_cfg cfg = { .queues = t->d->netdev_queues };

	plain(t, &cfg, &cfg, t->pkts);
}

static void
frame_2k(struct twin *t)
{
	const struct twin_cfg cfg = { .room = ROOM_MIN };

	if (t->igb && strstr(t->mode, "zc") != NULL) {
		dut_skip(t->d, "igb would cut the room to 1 KiB, so the driver refuses it");
		return;
	}
	plain(t, &cfg, &cfg, t->pkts);
}

static unsigned int
len_big(uint32_t seq)
{
	return DUT_MIN_FRAME + seq * 31 % (3500 - DUT_MIN_FRAME + 1);
}

/* Frames that need nearly all of a chunk of one page. */
static void
frame_4k(struct twin *t)
{
	const struct twin_cfg cfg = { .room = ROOM_MAX, .mtu = 3486 };
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .len = len_big, .window = 32,
	};

	if (!t->veth) {
		dut_skip(t->d, "not every NIC takes an MTU of %u with XDP", cfg.mtu);
		return;
	}
	if (!twin_up(t, &cfg, &cfg))
		return;
	twin_run(&f, "frames up to 3500 bytes");
	twin_kernel_refused_none(t);
	twin_down(t, "after close");
}

/* Elements, rooms and offsets that are multiples of nothing. */
static struct rte_mbuf *
make_anywhere(struct twin_flow *f, uint32_t seq, unsigned int len)
{
	unsigned int most = rte_pktmbuf_data_room_size(f->from->mp) - len;

	return twin_mbuf(f->from->mp, f->tag, seq, len, (seq * 37 + 1) % (most + 1));
}

static void
unaligned(struct twin *t)
{
	/* A chunk of 4001 bytes, as the kernel's test has one. */
	static const uint16_t rooms[] = { ROOM_MIN + 207, 4001 - 256 + RTE_PKTMBUF_HEADROOM, 2179 };
	unsigned int i;

	/* The first is one that igb would cut to 1 KiB. */
	for (i = t->igb ? 1 : 0; i < RTE_DIM(rooms) && t->d->failed == 0; i++) {
		const struct twin_cfg cfg = { .room = rooms[i], .priv = 8 * (i + 1) };
		struct twin_flow f = {
			.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .make = make_anywhere,
		};
		char when[32];

		snprintf(when, sizeof(when), "room %u", rooms[i]);
		if (!twin_up(t, &cfg, &cfg))
			return;
		twin_run(&f, when);
		twin_kernel_refused_none(t);
		twin_down(t, when);
	}
}

static void
both_ways(struct twin *t, unsigned int n, const char *when)
{
	struct twin_flow f = { .t = t, .from = &t->a, .to = &t->b, .n = n };
	struct twin_flow back = { .t = t, .from = &t->b, .to = &t->a, .n = n };
	uint64_t end = now_ms() + twin_wait_ms(t);

	twin_begin(&f);
	twin_begin(&back);
	while (!(twin_done(&f) && twin_done(&back)) && now_ms() < end)
		if (twin_step(&f) + twin_step(&back) > 0)
			end = now_ms() + twin_wait_ms(t);
	twin_verdict(&f, when);
	twin_verdict(&back, when);
}

static void
bidirectional(struct twin *t)
{
	if (!twin_up(t, NULL, NULL))
		return;
	both_ways(t, 2 * t->pkts, "both ways at once");
	twin_kernel_refused_none(t);
	twin_down(t, "after close");
}

/* Bound again and again: by close and open, and by stop and start of one end under the other. */
static void
teardown(struct twin *t)
{
	unsigned int round;
	char when[48];

	for (round = 0; round < 6 && t->d->failed == 0; round++) {
		snprintf(when, sizeof(when), "opening %u", round);
		if (!twin_up(t, NULL, NULL))
			return;
		both_ways(t, 500, when);
		snprintf(when, sizeof(when), "opening %u, sender stopped and started", round);
		EXPECT(t->d, rte_eth_dev_stop(t->a.port) == 0 && port_start(t->a.port) == 0,
		       "%s: stop and start", when);
		if (twin_ready(t))
			both_ways(t, 500, when);
		snprintf(when, sizeof(when), "opening %u, receiver stopped and started", round);
		EXPECT(t->d, rte_eth_dev_stop(t->b.port) == 0 && port_start(t->b.port) == 0,
		       "%s: stop and start", when);
		if (twin_ready(t))
			both_ways(t, 500, when);
		twin_down(t, when);
	}
}

/* On to where it came from, as it lies. */
static void
send_back(struct twin *t)
{
	uint64_t end = now_ms() + twin_wait_ms(t);
	struct rte_mbuf *m[DUT_BURST];
	uint16_t q, n, done;

	for (q = 0; q < t->b.queues; q++) {
		n = rte_eth_rx_burst(t->b.port, q, m, DUT_BURST);
		for (done = 0; done < n && now_ms() < end;)
			done += rte_eth_tx_burst(t->b.port, q, m + done, n - done);
		rte_pktmbuf_free_bulk(m + done, n - done);
	}
}

/* One pool and one registration under both ports and all queues: nothing is ever copied. */
static void
shared_umem(struct twin *t)
{
	struct twin_cfg cfg = { .queues = t->d->netdev_queues, .mbufs = 8191 };
	struct twin_flow f = { .t = t, .from = &t->a, .to = &t->a, .n = t->pkts };
	uint64_t end = now_ms() + twin_wait_ms(t), copied;
	struct rte_mempool *mp;

	mp = cfg.mp = twin_pool(t, "twin_shared", &cfg);
	if (mp == NULL || !twin_up(t, &cfg, &cfg))
		return;
	rte_eth_xstats_reset(t->a.port);
	rte_eth_xstats_reset(t->b.port);
	twin_begin(&f);
	while (!twin_done(&f) && now_ms() < end) {
		if (twin_step(&f) > 0)
			end = now_ms() + twin_wait_ms(t);
		send_back(t);
	}
	twin_verdict(&f, "there and back by the same mbufs");
	copied = xstats_sum(t->a.port, "tx_q", "bounce") + xstats_sum(t->b.port, "tx_q", "bounce");
	EXPECT(t->d, copied == 0, "%s: %lu packets copied", t->mode, (unsigned long)copied);
	copied = xstats_sum(t->b.port, "tx_q", "zero_copy");
	EXPECT(t->d, copied == t->pkts, "%s: %lu of %u packets sent from where they lay", t->mode,
	       (unsigned long)copied, t->pkts);
	twin_kernel_refused_none(t);
	twin_down(t, "after close");
	if (pool_whole(t->d, mp, "shared pool"))
		rte_mempool_free(mp);
}

/* The smallest rings there may be, and one that is no power of two. */
static void
min_rings(struct twin *t)
{
	static const uint16_t sizes[] = { 0, 33, 100 };
	struct rte_eth_dev_info info;
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes) && t->d->failed == 0; i++) {
		struct twin_cfg cfg = {
			.rx_desc = sizes[i], .tx_desc = sizes[i], .free_thresh = 1,
		};
		struct twin_flow f = {
			.t = t, .from = &t->a, .to = &t->b, .n = t->pkts,
			.any_order = !t->veth,
		};

		if (sizes[i] == 0) {
			if (!twin_up(t, NULL, NULL))
				return;
			EXPECT(t->d, rte_eth_dev_info_get(t->a.port, &info) == 0,
			       "the port tells its limits");
			twin_down(t, "asked for limits");
			cfg.rx_desc = info.rx_desc_lim.nb_min;
			cfg.tx_desc = info.tx_desc_lim.nb_min;
		}
		f.window = cfg.rx_desc;
		if (!twin_up(t, &cfg, &cfg))
			return;
		twin_run(&f, "small rings");
		twin_kernel_refused_none(t);
		twin_down(t, "after close");
	}
}

/* The largest ring, and as many packets in it at once. */
static void
max_rings(struct twin *t)
{
	struct twin_cfg cfg = { .free_thresh = 1 };
	struct twin_flow f = { .t = t, .from = &t->a, .to = &t->b };
	struct rte_eth_dev_info info;
	uint64_t end;

	if (!t->veth) {
		dut_skip(t->d, "a NIC keeps what its own ring holds, not what the socket's does");
		return;
	}
	if (!twin_up(t, NULL, NULL))
		return;
	EXPECT(t->d, rte_eth_dev_info_get(t->a.port, &info) == 0,
	       "the port tells its limits");
	twin_down(t, "asked for limits");
	f.n = f.window = cfg.rx_desc = cfg.tx_desc = info.rx_desc_lim.nb_max;
	cfg.mbufs = cfg.rx_desc + 1023;
	if (!twin_up(t, NULL, &cfg))
		return;
	twin_begin(&f);
	end = now_ms() + twin_wait_ms(t);
	/* Not more under way than a veth ring holds, and all of them left in the socket's. */
	while ((f.sent < f.n || f.pending_cnt > 0) && now_ms() < end) {
		f.window = rte_eth_rx_queue_count(t->b.port, 0) + TWIN_WINDOW;
		if (twin_send(&f))
			end = now_ms() + twin_wait_ms(t);
	}
	EXPECT(t->d, WAIT_UNTIL(rte_eth_rx_queue_count(t->b.port, 0) == (int)f.n, twin_wait_ms(t)),
	       "%s: %d of %u packets in the ring", t->mode, rte_eth_rx_queue_count(t->b.port, 0),
	       f.n);
	end = now_ms() + twin_wait_ms(t);
	while (!twin_done(&f) && now_ms() < end)
		if (twin_receive(&f) > 0)
			end = now_ms() + twin_wait_ms(t);
	twin_verdict(&f, "a ring full at once");
	twin_down(t, "after close");
}

TWIN_CASE(send_receive)
TWIN_CASE(single)
TWIN_CASE(queues)
TWIN_CASE(frame_2k)
TWIN_CASE(frame_4k)
TWIN_CASE(unaligned)
TWIN_CASE(bidirectional)
TWIN_CASE(teardown)
TWIN_CASE(shared_umem)
TWIN_CASE(min_rings)
TWIN_CASE(max_rings)

const struct dut_case twin_basic_cases[] = {
	{ "twin-send-receive", "-", 2, DUT_TWIN, "-", "all lengths, both ways", case_send_receive },
	{ "twin-single", "-", 2, DUT_TWIN, "-", "one packet", case_single },
	{ "twin-queues", "-", 2, DUT_TWIN, "-", "several queues", case_queues },
	{ "twin-2k", "-", 2, DUT_TWIN, "-", "smallest chunk", case_frame_2k },
	{ "twin-4k", "-", 2, DUT_TWIN, "-", "largest chunk", case_frame_4k },
	{ "twin-unaligned", "-", 2, DUT_TWIN, "-", "odd rooms and offsets", case_unaligned },
	{ "twin-bidirectional", "-", 2, DUT_TWIN, "-", "both ways at once", case_bidirectional },
	{ "twin-teardown", "-", 2, DUT_TWIN, "-", "bound again and again", case_teardown },
	{ "twin-shared-umem", "-", 2, DUT_TWIN, "-", "one pool under all", case_shared_umem },
	{ "twin-min-rings", "-", 2, DUT_TWIN, "-", "smallest rings", case_min_rings },
	{ "twin-max-rings", "-", 2, DUT_TWIN, "-", "largest ring, full", case_max_rings },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

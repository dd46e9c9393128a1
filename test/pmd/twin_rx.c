/* SPDX-License-Identifier: BSD-3-Clause */
/* Twins of the statistics of what is not received, and of headrooms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin.h"

static void
expect_xstat(struct twin *t, const char *name, uint64_t want)
{
	uint64_t got = twin_xstat(t, &t->b, name);

	EXPECT(t->d, got == want, "%s: %s is %lu, wanted %lu", t->mode, name, (unsigned long)got,
	       (unsigned long)want);
}

static uint64_t
imissed(const struct twin_end *e)
{
	struct rte_eth_stats s = { 0 };

	rte_eth_stats_get(e->port, &s);
	return s.imissed;
}

/* The longest packet that fits, and one byte more. */
#define FITS 1792

static unsigned int
len_edge(uint32_t seq)
{
	return seq % 2 != 0 ? FITS : FITS + 1;
}

static unsigned int
want_edge(uint32_t seq, unsigned int len)
{
	return seq % 2 != 0 ? len : 0;
}

/* The MTU grew behind the port's back: longer packets are dropped and counted, the rest comes. */
static void
rx_dropped(struct twin *t)
{
	const struct twin_cfg a = { .room = 3968 }, b = { .room = FITS + RTE_PKTMBUF_HEADROOM };
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .len = len_edge,
		.want = want_edge,
	};

	if (!t->veth) {
		dut_skip(t->d, "a NIC drops or splits what is longer than its buffers");
		return;
	}
	if (!twin_up(t, &a, &b))
		return;
	if (EXPECT(t->d, sys_run("ip link set dev %s mtu 3000", t->b.iface) == 0, "MTU")) {
		rte_eth_stats_reset(t->b.port);
		twin_run(&f, "every other packet a byte too long");
		expect_xstat(t, "rx_q0_kernel_dropped", t->pkts / 2);
		expect_xstat(t, "rx_q0_kernel_ring_full", 0);
		EXPECT(t->d, imissed(&t->b) == t->pkts / 2, "%s: imissed %lu", t->mode,
		       (unsigned long)imissed(&t->b));
		sys_run("ip link set dev %s mtu 1500", t->b.iface);
	}
	twin_down(t, "after close");
}

/*
 * Nobody reads: as many packets as there are descriptors wait for the reader, in order, whatever
 * the size of the kernel's ring; the rest is dropped for want of a buffer.
 */
static void
rx_full(struct twin *t)
{
	const unsigned int room = 200, n = 3 * room;
	const struct twin_cfg b = { .rx_desc = room, .free_thresh = 1 };
	struct twin_flow f = { .t = t, .from = &t->a, .to = &t->b, .n = n };
	unsigned int first = 0;
	uint64_t end;

	if (!twin_up(t, NULL, &b))
		return;
	rte_eth_stats_reset(t->b.port);
	twin_begin(&f);
	end = now_ms() + twin_wait_ms(t);
	while ((f.sent < n || f.pending_cnt > 0) && now_ms() < end) {
		unsigned int in = rte_eth_rx_queue_count(t->b.port, 0);

		f.window = in < room ? in + 32 : n;
		if (twin_send(&f))
			end = now_ms() + twin_wait_ms(t);
	}
	if (t->veth)
		EXPECT(t->d, WAIT_UNTIL(imissed(&t->b) == n - room, twin_wait_ms(t)),
		       "%s: imissed %lu of %u", t->mode, (unsigned long)imissed(&t->b), n - room);
	expect_xstat(t, "rx_q0_kernel_ring_full", 0);
	end = now_ms() + twin_wait_ms(t);
	while (f.right + f.wrong < room && now_ms() < end)
		twin_receive(&f);
	while (first < n && f.seen[first] != 0)
		first++;
	EXPECT(t->d, first >= room && f.wrong == 0 && f.twice == 0 && f.order == 0,
	       "%s: the first %u of %u came, %u wrong, %u twice, %u out of order", t->mode, first,
	       room, f.wrong, f.twice, f.order);
	if (t->veth)
		EXPECT(t->d, f.right == room, "%s: %u came", t->mode, f.right);
	free(f.seen);
	/* And goes on. */
	twin_flush(t, &t->a, &t->b, NULL);
	f = (struct twin_flow){ .t = t, .from = &t->a, .to = &t->b, .n = t->pkts };
	twin_run(&f, "after the ring was full");
	twin_down(t, "after close");
}

/* Up to n mbufs of the other end, kept. */
static unsigned int
take(struct twin *t, struct rte_mbuf **kept, unsigned int have, unsigned int n)
{
	uint64_t end = now_ms() + twin_wait_ms(t);
	struct twin_flow f = { .t = t, .from = &t->a, .to = &t->b, .n = n };

	twin_begin(&f);
	while (have < n && now_ms() < end) {
		f.window = have + 32;
		twin_send(&f);
		have += rte_eth_rx_burst(t->b.port, 0, kept + have, n - have);
	}
	rte_pktmbuf_free_bulk(f.pending, f.pending_cnt);
	free(f.seen);
	return have;
}

/* The application keeps every mbuf: what comes then is lost and counted; freed, it all goes on. */
static void
fill_empty(struct twin *t)
{
	const unsigned int n = 256, lost = 100;
	const struct twin_cfg b = { .rx_desc = n, .mbufs = n, .free_thresh = 1 };
	struct rte_mbuf *kept[256];
	struct twin_flow f = { .t = t, .from = &t->a, .to = &t->b, .n = lost, .window = lost };
	struct rte_eth_stats s = { 0 };
	unsigned int have;
	uint64_t end;

	if (!twin_up(t, NULL, &b))
		return;
	/* What it sent lies in its pool too. */
	rte_eth_tx_done_cleanup(t->b.port, 0, 0);
	have = take(t, kept, 0, n);
	EXPECT(t->d, have == n, "%s: %u of %u mbufs kept", t->mode, have, n);
	rte_eth_stats_reset(t->b.port);
	twin_begin(&f);
	end = now_ms() + twin_wait_ms(t);
	while ((f.sent < lost || f.pending_cnt > 0) && now_ms() < end)
		twin_send(&f);
	EXPECT(t->d, twin_receive(&f) == 0, "%s: a packet without an mbuf", t->mode);
	if (t->veth) {
		EXPECT(t->d, WAIT_UNTIL(imissed(&t->b) == lost, twin_wait_ms(t)),
		       "%s: imissed %lu of %u", t->mode, (unsigned long)imissed(&t->b), lost);
		expect_xstat(t, "rx_q0_kernel_fill_empty", lost);
	}
	rte_eth_stats_get(t->b.port, &s);
	EXPECT(t->d, s.rx_nombuf > 0, "%s: rx_nombuf 0", t->mode);
	rte_pktmbuf_free_bulk(kept, have);
	free(f.seen);
	EXPECT(t->d, twin_flush(t, &t->a, &t->b, NULL), "%s: nothing comes any more", t->mode);
	f = (struct twin_flow){ .t = t, .from = &t->a, .to = &t->b, .n = t->pkts };
	twin_run(&f, "after the pool was dry");
	twin_down(t, "after close");
}

#define PRIV_BYTE 0x5c

static void
mark_priv(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	RTE_SET_USED(arg);
	RTE_SET_USED(i);
	memset(rte_mbuf_to_priv(obj), PRIV_BYTE, rte_pktmbuf_priv_size(mp));
}

static bool
sound(struct rte_mempool *mp, struct rte_mbuf *m)
{
	const uint8_t *priv = rte_mbuf_to_priv(m);
	uint16_t size = rte_pktmbuf_priv_size(mp), i;

	if (m->pool != mp || m->buf_len != rte_pktmbuf_data_room_size(mp) ||
	    m->buf_addr != (uint8_t *)m + sizeof(*m) + size)
		return false;
	for (i = 0; i < size; i++)
		if (priv[i] != PRIV_BYTE)
			return false;
	return true;
}

static void
check_priv(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	unsigned int *damaged = arg;

	RTE_SET_USED(i);
	*damaged += !sound(mp, obj);
}

/* The whole headroom is the application's, and what lies before it is as it was. */
static bool
look_headroom(struct twin_flow *f, struct rte_mbuf *m, uint32_t seq)
{
	char *front;

	if (!sound(f->to->mp, m) || rte_pktmbuf_headroom(m) != RTE_PKTMBUF_HEADROOM)
		return false;
	front = rte_pktmbuf_prepend(m, RTE_PKTMBUF_HEADROOM);
	memset(front, (int)seq, RTE_PKTMBUF_HEADROOM);
	return true;
}

static struct rte_mbuf *
make_offset(struct twin_flow *f, uint32_t seq, unsigned int len)
{
	static const uint16_t offs[] = { 0, 1, 13, 37, 64, 127, 128, 129, 255, 256, 511 };

	return twin_mbuf(f->from->mp, f->tag, seq, len, offs[seq % RTE_DIM(offs)]);
}

static void
headroom(struct twin *t)
{
	static const uint16_t privs[] = { 0, 8, 64, 200, 1000 };
	unsigned int i, damaged;

	for (i = 0; i < RTE_DIM(privs) && t->d->failed == 0; i++) {
		const struct twin_cfg cfg = { .priv = privs[i] };
		struct twin_flow f = {
			.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .make = make_offset,
			.look = look_headroom,
		};
		char when[32];

		snprintf(when, sizeof(when), "priv size %u", privs[i]);
		if (!twin_up(t, &cfg, &cfg))
			return;
		/* Marked under the running port: frames hold no byte of it. */
		rte_mempool_obj_iter(t->b.mp, mark_priv, NULL);
		twin_run(&f, when);
		damaged = 0;
		rte_mempool_obj_iter(t->b.mp, check_priv, &damaged);
		EXPECT(t->d, damaged == 0, "%s, %s: %u mbufs damaged", t->mode, when, damaged);
		twin_down(t, when);
	}
}

TWIN_CASE(rx_dropped)
TWIN_CASE(rx_full)
TWIN_CASE(fill_empty)
TWIN_CASE(headroom)

const struct dut_case twin_rx_cases[] = {
	{ "twin-rx-dropped", "-", 2, DUT_TWIN, "-", "packets above the room", case_rx_dropped },
	{ "twin-rx-full", "-", 2, DUT_TWIN, "-", "nobody reads", case_rx_full },
	{ "twin-fill-empty", "-", 2, DUT_TWIN, "-", "the pool is dry", case_fill_empty },
	{ "twin-headroom", "-", 2, DUT_TWIN, "-", "headrooms and private areas", case_headroom },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

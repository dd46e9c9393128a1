/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the driver makes of the answers of sendto: every errno the kernel has, with and without
 * progress. The number of calls is bounded, each packet is counted as sent or as dropped by the
 * device, and nothing is lost.
 */
#include <errno.h>

#include "tx_world.h"

#define POOL 1024
#define DESC 256

static struct rte_mempool *pool;

/* What one kick does: send some packets, complete them, answer. */
static struct {
	uint32_t send;
	bool complete;
	int ret;
	bool late;               /* show only at the next kick what this one took */
	uint32_t shown;
	unsigned int calls_max;  /* then: nothing and 0 */
	unsigned int calls;
} script;

static int
scripted(struct fake_xsk *k, void *arg)
{
	(void)arg;
	if (script.late)
		k->tx.cons = script.shown;
	if (++script.calls > 10000) {
		fprintf(stderr, "the driver kicks without end\n");
		exit(1);
	}
	if (script.calls > script.calls_max)
		return 0;
	for (uint32_t i = 0; i < script.send && tx_wire(); i++)
		;
	if (script.complete)
		tx_complete_all();
	if (script.late) {
		uint32_t taken = k->tx.cons;

		if (taken != k->tx.prod)
			k->tx.cons = script.shown;
		script.shown = taken;
	}
	return script.ret;
}

static void
begin(bool zc)
{
	const struct fake_cfg cfg = {
		.mp = pool, .tx_desc = DESC, .zc = zc, .umem = XSK_UMEM_POOL
	};

	tx_open(&cfg);
	f->on_kick_tx = scripted;
	memset(&script, 0, sizeof(script));
	script.calls_max = UINT32_MAX;
	script.complete = true;
}

static void
end(void)
{
	f->on_kick_tx = tx_honest;
	tx_close();
	tx_all_home(pool);
}

static void
send_some(unsigned int n)
{
	struct rte_mbuf *pkts[DESC];

	for (unsigned int i = 0; i < n; i++)
		pkts[i] = tx_packet(pool, 100);
	script.calls = 0;
	CHECK_EQ(xsk_tx_burst(q, pkts, n), n);
	tx_tags_whole();
	CHECK_EQ(q->stats.wakeups, f->kicks_tx);
}

/* Batches of the kernel's size: as many calls as it takes. */
static void
batches(void)
{
	static const int answers[] = { 0, -EAGAIN };

	for (unsigned int i = 0; i < RTE_DIM(answers); i++) {
		begin(false);
		script.send = 32;
		script.ret = answers[i];
		send_some(128);
		CHECK_EQ(wire_cnt, 128);
		CHECK_EQ(script.calls, 4);
		CHECK_EQ(q->stats.wakeup_errors, 0);
		CHECK_EQ(q->stats.pkts, 128);
		end();
	}
}

/* A kernel that tells of a batch once the ring is empty, and a device that completes later. */
static void
told_late(void)
{
	begin(false);
	script.late = true;
	script.complete = false;
	script.send = 32;
	script.ret = -EAGAIN;
	send_some(96);
	CHECK_EQ(wire_cnt, 96);
	CHECK_EQ(script.calls, 3);
	script.late = false;
	script.complete = true;
	end();
}

/* Bursts until a packet more has left, without new ones: at most max. */
static void
leaves_within(unsigned int max)
{
	struct rte_mbuf *none = NULL;
	uint32_t before = wire_cnt;

	for (unsigned int i = 0; i < max && wire_cnt == before; i++)
		CHECK_EQ(xsk_tx_burst(q, &none, 0), 0);
	CHECK(wire_cnt > before);
}

/*
 * No way forward: one call a burst, and what is there goes out later. A device that is down is left
 * alone for some bursts, but not for ever.
 */
static void
stuck(void)
{
	static const struct {
		int ret;
		bool error;
	} answers[] = {
		{ 0, false }, { -EAGAIN, false }, { -EBUSY, false }, { -ENOBUFS, true },
		{ -ENETDOWN, true }, { -ENXIO, true }, { -EIO, true },
	};

	for (unsigned int i = 0; i < RTE_DIM(answers); i++) {
		begin(false);
		script.ret = answers[i].ret;
		send_some(10);
		CHECK_EQ(script.calls, 1);
		CHECK_EQ(q->stats.wakeup_errors, answers[i].error);
		send_some(10);
		CHECK(script.calls <= 1);
		CHECK_EQ(q->stats.pkts, 20);
		CHECK_EQ(q->stats.drop_device, 0);
		CHECK_EQ(fake_waiting(&f->tx), 20);
		script.ret = 0;
		script.send = 32;
		leaves_within(answers[i].error ? 65 : 1);
		CHECK_EQ(wire_cnt, 20);
		end();
	}
}

/* Down for long: the kernel is asked now and then, not at every burst. */
static void
down(void)
{
	struct rte_mbuf *none = NULL;

	begin(false);
	script.ret = -ENETDOWN;
	send_some(10);
	script.calls = 0;
	for (unsigned int i = 0; i < 1000; i++)
		CHECK_EQ(xsk_tx_burst(q, &none, 0), 0);
	CHECK(script.calls >= 5 && script.calls <= 100);
	CHECK_EQ(q->stats.wakeup_errors, q->stats.wakeups);
	end();
}

/* The packet at the head was taken and lost: dropped, not sent; the rest goes on, within limits. */
static void
refusals(void)
{
	begin(false);
	script.send = 1;
	script.ret = -EBUSY;
	send_some(100);
	CHECK(script.calls <= 8);
	CHECK_EQ(q->stats.drop_device, script.calls);
	CHECK_EQ(q->stats.pkts, 100 - script.calls);
	CHECK_EQ(q->stats.bytes, 100 * (100 - script.calls));
	CHECK_EQ(q->stats.wakeup_errors, 0);
	/* It recovers. */
	script.ret = 0;
	script.send = 32;
	send_some(1);
	CHECK_EQ(wire_cnt, 101);
	CHECK_EQ(q->stats.pkts + q->stats.drop_device, 101);
	end();
	/* One refusal behind a batch that went. */
	begin(false);
	script.send = 5;
	script.ret = -EBUSY;
	script.calls_max = 1;
	send_some(20);
	CHECK_EQ(q->stats.drop_device, 1);
	CHECK_EQ(q->stats.pkts, 19);
	end();
}

/* The completion ring is what was full: reclaimed, and kicked again. */
static void
full_completions(void)
{
	begin(false);
	script.complete = false;
	script.send = 64;
	send_some(DESC);
	CHECK_EQ(fake_waiting(&f->tx), 0);
	CHECK_EQ(sent_cnt, DESC);
	tx_complete_all();
	CHECK_EQ(fake_waiting(&f->comp), DESC);
	script.send = 0;
	script.ret = -EAGAIN;
	send_some(10);
	/* The burst itself reclaimed first. */
	CHECK_EQ(fake_waiting(&f->comp), 0);
	CHECK(script.calls <= 2);
	end();
}

/* Indexes that jump about while the driver kicks. */
static int
jumping(struct fake_xsk *k, void *arg)
{
	(void)arg;
	if (++script.calls > 10000) {
		fprintf(stderr, "the driver kicks without end\n");
		exit(1);
	}
	k->tx.cons += script.calls % 3 == 0 ? 7 : -2;
	return script.calls % 2 ? -EBUSY : 0;
}

static void
hostile(void)
{
	begin(false);
	f->on_kick_tx = jumping;
	send_some(DESC);
	CHECK(script.calls <= 2 * DESC);
	f->tx.cons = 0;
	end();
}

/* Zero-copy: only when asked to and with something to send; one call, failures counted. */
static void
zero_copy(void)
{
	struct rte_mbuf *none = NULL;

	begin(true);
	send_some(10);
	CHECK_EQ(script.calls, 0);
	f->tx.flags = XDP_RING_NEED_WAKEUP;
	send_some(10);
	CHECK_EQ(script.calls, 1);
	script.ret = -ENETDOWN;
	send_some(10);
	CHECK_EQ(script.calls, 1);
	CHECK_EQ(q->stats.wakeup_errors, 1);
	script.ret = 0;
	script.send = DESC;
	leaves_within(65);
	CHECK_EQ(wire_cnt, 30);
	/* Nothing to send: no call; an empty burst reclaims. */
	script.calls = 0;
	CHECK_EQ(xsk_tx_burst(q, &none, 0), 0);
	CHECK_EQ(script.calls, 0);
	CHECK_EQ(q->used, 0);
	script.send = 0;
	send_some(3);
	script.send = DESC;
	CHECK_EQ(xsk_tx_done_cleanup(q, 0), 3);
	CHECK_EQ(q->used, 0);
	CHECK_EQ(fake_busy_off, 0);
	end();
}

/* Busy polling that wakes nobody is turned off, once; where packets leave it stays. */
static void
busy(void)
{
	struct fake_cfg cfg = { .mp = pool, .tx_desc = DESC, .zc = true, .busy = true,
		.umem = XSK_UMEM_POOL };
	struct rte_mbuf *none = NULL;

	tx_open(&cfg);
	CHECK(q->busy);
	f->tx.flags = XDP_RING_NEED_WAKEUP;
	memset(&script, 0, sizeof(script));
	for (unsigned int i = 0; i < 500; i++)
		send_some(10);
	CHECK_EQ(fake_busy_off, 0);
	f->on_kick_tx = NULL;
	send_some(10);
	for (unsigned int i = 0; i < 500; i++)
		xsk_tx_burst(q, &none, 0);
	CHECK_EQ(fake_busy_off, 1);
	CHECK_EQ(q->stats.busy_off, 1);
	CHECK(!q->busy);
	end();
}

int
main(void)
{
	const struct fake_pool_cfg cfg = { .n = POOL, .cache = 64 };

	fake_eal("test_tx_kick");
	pool = fake_pool("pool", &cfg);
	batches();
	told_late();
	stuck();
	down();
	refusals();
	full_completions();
	hostile();
	zero_copy();
	busy();
	rte_eal_cleanup();
	return afx_test_end();
}

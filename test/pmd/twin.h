/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Twins of the kernel's own AF_XDP tests (xskxceiver): the same behaviours, by two ports of the
 * driver that face each other, one on the interface and one on its peer. Order, length and content
 * of every packet are checked.
 *
 * Without a mode in --args each twin runs twice, in native copy and in generic mode.
 */
#ifndef TWIN_H
#define TWIN_H

#include "dut.h"

#define TWIN_MAX_FRAME	9014
/* Of a veth queue; several are under way in the two rings of the ports. */
#define TWIN_WINDOW	64
#define TWIN_DESC	512
#define TWIN_MBUFS	4095
#define TWIN_PKTS	4096

/* A port as one end: zeroes are the defaults. */
struct twin_cfg {
	uint16_t queues;
	uint16_t rx_desc;
	uint16_t tx_desc;
	uint16_t room;		/* data room of the pool, 0: DUT_ROOM */
	uint16_t priv;
	unsigned int mbufs;
	uint16_t mtu;
	uint16_t free_thresh;	/* 1: a ring is refilled by each poll */
	uint64_t rx_offloads;
	uint64_t tx_offloads;
	struct rte_mempool *mp;	/* instead of a pool of its own */
	const char *args;
};

struct twin_end {
	const char *iface;
	uint16_t port;
	uint16_t queues;
	struct rte_mempool *mp;
	bool own_mp;
	bool open;
};

struct twin {
	struct dut *d;
	const char *mode;	/* devargs of the mode, for messages */
	struct twin_end a;	/* on d->iface; sends where only one does */
	struct twin_end b;	/* on d->peer */
	uint8_t tag;		/* of the last flow */
	bool veth;
	bool igb;		/* takes rooms in whole KiB: some are refused */
	unsigned int pkts;	/* of an ordinary flow; --count */
};

struct twin_flow;
/* The mbuf of one packet, its bytes as frame_fill() makes them; NULL when the pool is dry. */
typedef struct rte_mbuf *(*twin_make)(struct twin_flow *f, uint32_t seq, unsigned int len);

/* Packets from one end to the other. */
struct twin_flow {
	struct twin *t;
	struct twin_end *from;
	struct twin_end *to;
	unsigned int n;
	unsigned int window;	/* under way at once, 0: TWIN_WINDOW */
	unsigned int (*len)(uint32_t seq);	/* NULL: all lengths up to 1514 in turn */
	/* Bytes that arrive of a packet of len; 0: it must not. NULL: as sent. */
	unsigned int (*want)(uint32_t seq, unsigned int len);
	/* Another length that is right as well. NULL: none. */
	unsigned int (*also)(uint32_t seq, unsigned int len);
	twin_make make;		/* NULL: an ordinary mbuf of the sender's pool */
	/* A closer look at what came. NULL: none. */
	bool (*look)(struct twin_flow *f, struct rte_mbuf *m, uint32_t seq);
	void *arg;
	/* The wire may swap packets: an emulated hub delivers late what found no buffer. */
	bool any_order;

	/* What came of it. */
	uint8_t tag;
	unsigned int sent;
	unsigned int expected;	/* of those, the ones that must arrive */
	unsigned int right;
	unsigned int wrong;	/* bytes, length, or a packet that must not come */
	unsigned int twice;
	unsigned int order;	/* behind a later one of its queue */
	unsigned int pending_cnt;
	struct rte_mbuf *pending[DUT_BURST];
	uint16_t pending_q;
	uint8_t *seen;
	int64_t last[DUT_MAX_QUEUES];
};

/* Run fn in each mode, with a fresh struct twin. */
void
twin_each_mode(struct dut *d, void (*fn)(struct twin *t));
#define TWIN_CASE(fn)					\
	static void case_ ## fn(struct dut *d)		\
	{						\
		twin_each_mode(d, fn);			\
	}
uint64_t
twin_wait_ms(const struct twin *t);

/* One end: pool, probe, set-up, start; each an expectation. */
bool
twin_open(struct twin *t, struct twin_end *e, const struct twin_cfg *cfg);
/* Both, and until a packet has come through in either direction. NULL: the defaults. */
bool
twin_up(struct twin *t, const struct twin_cfg *a, const struct twin_cfg *b);
bool
twin_ready(struct twin *t);
/* Close both; every mbuf must be in its pool, which goes too. */
void
twin_down(struct twin *t, const char *when);
struct rte_mempool *
twin_pool(struct twin *t, const char *name, const struct twin_cfg *cfg);

/* The flow from beginning to end; both ports are polled. Expects all of it to be right. */
bool
twin_run(struct twin_flow *f, const char *when);
/* Its parts, for flows that run at once or are read later. */
void
twin_begin(struct twin_flow *f);
bool
twin_send(struct twin_flow *f);		/* a burst as far as window and rings allow */
unsigned int
twin_receive(struct twin_flow *f);	/* a burst of each queue */
unsigned int
twin_step(struct twin_flow *f);		/* both; 0 when nothing moved */
bool
twin_done(const struct twin_flow *f);
bool
twin_verdict(struct twin_flow *f, const char *when);
/*
 * Packets until the last one sent comes out at the other end, so that none is left under way;
 * everything else that comes is judged as of f, or thrown away where there is none.
 */
bool
twin_flush(struct twin *t, struct twin_end *from, struct twin_end *to, struct twin_flow *f);
unsigned int
twin_all_lengths(uint32_t seq);
/* An mbuf of any pool with the frame at data_off. */
struct rte_mbuf *
twin_mbuf(struct rte_mempool *mp, uint8_t tag, uint32_t seq, unsigned int len, uint16_t data_off);

/* One extended statistic by its whole name; fails the case when there is none. */
uint64_t
twin_xstat(struct twin *t, const struct twin_end *e, const char *name);
/* No descriptor that the kernel refused, at either end. */
void
twin_kernel_refused_none(struct twin *t);

#endif

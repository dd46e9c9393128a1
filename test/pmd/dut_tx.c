/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every mbuf an application may hand over: its bytes, or nothing and a count, reach the peer; and
 * every mbuf comes home once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>

#include "dut.h"

#define EXT_LEN	4096

static const struct port_cfg one_queue = {
	.nb_rxq = 1, .nb_txq = 1, .rx_desc = 512, .tx_desc = 512,
};

struct tx_env {
	struct dut *d;
	struct peer peer;
	struct rte_mempool *rx;		/* the port's own */
	struct rte_mempool *other;
	struct rte_mempool *clones;	/* no room */
	uint16_t port;
	bool libc_ext;			/* next external buffer from malloc(3) */
	unsigned int ext_freed;
	struct rte_mbuf *kept;		/* reference the application keeps */
};

typedef struct rte_mbuf *(*make_fn)(struct tx_env *e, const uint8_t *flat, unsigned int len);

static struct rte_mbuf *
put_at(struct rte_mempool *mp, const uint8_t *flat, unsigned int len, unsigned int data_off)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	if (m == NULL)
		return NULL;
	/* What the wire may never show. */
	memset(m->buf_addr, 0xee, m->buf_len);
	m->data_off = data_off;
	m->data_len = m->pkt_len = len;
	memcpy(rte_pktmbuf_mtod(m, void *), flat, len);
	return m;
}

static struct rte_mbuf *
make_own(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return put_at(e->rx, flat, len, RTE_PKTMBUF_HEADROOM);
}

static struct rte_mbuf *
make_other(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return put_at(e->other, flat, len, RTE_PKTMBUF_HEADROOM);
}

static struct rte_mbuf *
make_own_no_headroom(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return put_at(e->rx, flat, len, 0);
}

static struct rte_mbuf *
make_other_no_headroom(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return put_at(e->other, flat, len, 0);
}

static struct rte_mbuf *
make_own_odd(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return put_at(e->rx, flat, len, 37);
}

static struct rte_mbuf *
make_own_last_byte(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return put_at(e->rx, flat, len, rte_pktmbuf_data_room_size(e->rx) - len);
}

static struct rte_mbuf *
make_kept(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	e->kept = make_own(e, flat, len);
	if (e->kept != NULL)
		rte_mbuf_refcnt_update(e->kept, 1);
	return e->kept;
}

static struct rte_mbuf *
make_clone(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	struct rte_mbuf *m = make_own(e, flat, len);
	struct rte_mbuf *c = m ? rte_pktmbuf_clone(m, e->clones) : NULL;

	rte_pktmbuf_free(m);
	return c;
}

static struct rte_mbuf *
make_clone_other(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	struct rte_mbuf *m = make_other(e, flat, len);
	struct rte_mbuf *c = m ? rte_pktmbuf_clone(m, e->clones) : NULL;

	rte_pktmbuf_free(m);
	return c;
}

/* An mbuf of the port's own pool that points into another mbuf. */
static struct rte_mbuf *
make_clone_in_own(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	struct rte_mbuf *m = make_other(e, flat, len);
	struct rte_mbuf *c = m ? rte_pktmbuf_clone(m, e->rx) : NULL;

	rte_pktmbuf_free(m);
	return c;
}

static void
ext_free(void *addr, void *arg)
{
	struct tx_env *e = arg;

	if (e->libc_ext)
		free(addr);
	else
		rte_free(addr);
	e->ext_freed++;
}

static struct rte_mbuf *
make_ext_in(struct tx_env *e, struct rte_mempool *mp, const uint8_t *flat, unsigned int len)
{
	uint16_t size = EXT_LEN;
	struct rte_mbuf_ext_shared_info *info;
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	char *buf;

	buf = e->libc_ext ? aligned_alloc(64, EXT_LEN) : rte_malloc("ext", EXT_LEN, 64);
	if (m == NULL || buf == NULL)
		return NULL;
	info = rte_pktmbuf_ext_shinfo_init_helper(buf, &size, ext_free, e);
	rte_pktmbuf_attach_extbuf(m, buf, e->libc_ext ? RTE_BAD_IOVA : rte_malloc_virt2iova(buf),
		size, info);
	m->data_off = 100;
	m->data_len = m->pkt_len = len;
	memcpy(rte_pktmbuf_mtod(m, void *), flat, len);
	return m;
}

static struct rte_mbuf *
make_ext(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return make_ext_in(e, e->rx, flat, len);
}

static struct rte_mbuf *
make_ext_other(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return make_ext_in(e, e->other, flat, len);
}

static struct rte_mbuf *
make_ext_libc(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	e->libc_ext = true;
	return make_ext_in(e, e->rx, flat, len);
}

/* A chain: first bytes in the first mbuf, the rest spread over n more, pools in turn. */
static struct rte_mbuf *
chain(struct tx_env *e, const uint8_t *flat, unsigned int len, unsigned int first, unsigned int n)
{
	struct rte_mbuf *head, *m;
	unsigned int done = first, part, i;

	head = put_at(e->rx, flat, first, RTE_PKTMBUF_HEADROOM);
	for (i = 0; i < n && head != NULL; i++) {
		part = i == n - 1 ? len - done : (len - first) / n;
		m = put_at(i & 1 ? e->other : e->rx, flat + done, part, 64 + i);
		if (m == NULL || rte_pktmbuf_chain(head, m) != 0)
			return NULL;
		done += part;
	}
	return head;
}

static struct rte_mbuf *
make_chain2(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return chain(e, flat, len, len / 2, 1);
}

static struct rte_mbuf *
make_chain5(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return chain(e, flat, len, 14, 4);
}

static struct rte_mbuf *
make_chain30(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	return chain(e, flat, len, 1, 29);
}

static struct rte_mbuf *
make_chain_gap(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	struct rte_mbuf *head = put_at(e->rx, flat, len - 20, RTE_PKTMBUF_HEADROOM);
	struct rte_mbuf *none = put_at(e->rx, flat, 0, RTE_PKTMBUF_HEADROOM);
	struct rte_mbuf *tail = put_at(e->rx, flat + len - 20, 20, RTE_PKTMBUF_HEADROOM);

	if (head == NULL || none == NULL || tail == NULL)
		return NULL;
	rte_pktmbuf_chain(head, none);
	rte_pktmbuf_chain(head, tail);
	return head;
}

static struct rte_mbuf *
make_chain_other(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	struct rte_mbuf *head = put_at(e->other, flat, 50, RTE_PKTMBUF_HEADROOM);
	struct rte_mbuf *tail = put_at(e->other, flat + 50, len - 50, RTE_PKTMBUF_HEADROOM);

	if (head == NULL || tail == NULL)
		return NULL;
	rte_pktmbuf_chain(head, tail);
	return head;
}

static struct rte_mbuf *
make_empty(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	RTE_SET_USED(len);
	return put_at(e->rx, flat, 0, RTE_PKTMBUF_HEADROOM);
}

static struct rte_mbuf *
make_empty_other(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	RTE_SET_USED(len);
	return put_at(e->other, flat, 0, RTE_PKTMBUF_HEADROOM);
}

/* 60000 bytes, on a netdev of MTU 1500. */
static struct rte_mbuf *
make_over(struct tx_env *e, const uint8_t *flat, unsigned int len)
{
	struct rte_mbuf *head = put_at(e->rx, flat, len, RTE_PKTMBUF_HEADROOM), *m;
	int i;

	for (i = 0; i < 40 && head != NULL; i++) {
		m = put_at(e->other, flat, 1500, RTE_PKTMBUF_HEADROOM);
		if (m == NULL || rte_pktmbuf_chain(head, m) != 0)
			return NULL;
	}
	return head;
}

static uint64_t
told_lost(uint16_t port)
{
	struct rte_eth_stats s = { 0 };
	uint64_t lost;

	rte_eth_stats_get(port, &s);
	lost = xstats_sum(port, "tx_", "drop|lost|invalid|fail|too_");
	return RTE_MAX(s.oerrors, lost);
}

static bool
all_home(struct tx_env *e, const unsigned int home[3])
{
	tx_reap(e->port, 1);
	return rte_mempool_avail_count(e->rx) >= home[0] &&
	       rte_mempool_avail_count(e->other) == home[1] &&
	       rte_mempool_avail_count(e->clones) == home[2];
}

/* Send one mbuf alone and one ordinary frame behind it: the second tells that all is through. */
static void
send_kind(struct tx_env *e, const char *name, make_fn make, unsigned int len, bool deliver)
{
	static uint32_t seq;
	uint8_t flat[2048], frame[DUT_MAX_FRAME], tag;
	unsigned int got, right = 0, wrong = 0, ext = e->ext_freed, home[3];
	struct rte_mbuf *m[2];
	struct dut *d = e->d;
	uint64_t lost;
	uint32_t s;
	bool last = false;

	home[0] = rte_mempool_avail_count(e->rx);
	home[1] = rte_mempool_avail_count(e->other);
	home[2] = rte_mempool_avail_count(e->clones);
	e->kept = NULL;
	e->libc_ext = false;
	lost = told_lost(e->port);
	frame_fill(flat, len, 7, ++seq, 1);
	m[0] = make(e, flat, len);
	m[1] = mbuf_frame(e->rx, 64, 8, seq, 1);
	if (!EXPECT(d, m[0] != NULL && m[1] != NULL, "%s: cannot be made", name))
		return;
	if (!EXPECT(d, WAIT_UNTIL(rte_eth_tx_burst(e->port, 0, &m[0], 1) == 1, 500),
		    "%s, %u bytes: never taken", name, len))
		rte_pktmbuf_free(m[0]);
	if (!EXPECT(d, WAIT_UNTIL(rte_eth_tx_burst(e->port, 0, &m[1], 1) == 1, 500),
		    "%s, %u bytes: the frame behind it is never taken", name, len))
		rte_pktmbuf_free(m[1]);

	while (!last && (got = peer_recv(&e->peer, frame, sizeof(frame), 500)) > 0) {
		if (!frame_read(frame, got, &tag, &s))
			wrong++;
		else if (tag == 8 && s == seq)
			last = true;
		else if (tag == 7 && s == seq && got == len)
			right++;
		else
			wrong++;
	}
	EXPECT(d, last, "%s, %u bytes: the frame behind it never comes", name, len);
	EXPECT(d, wrong == 0, "%s, %u bytes: wrong bytes on the wire", name, len);
	EXPECT(d, right == 1 || (right == 0 && WAIT_UNTIL(told_lost(e->port) > lost, 200)),
	       "%s, %u bytes: %u right on the wire, none counted as lost", name, len, right);
	EXPECT(d, right == 1 || !deliver, "%s, %u bytes: not delivered", name, len);

	if (e->kept != NULL) {
		EXPECT(d, WAIT_UNTIL((tx_reap(e->port, 1),
				      rte_mbuf_refcnt_read(e->kept) == 1), 500),
		       "%s: refcnt %u", name, rte_mbuf_refcnt_read(e->kept));
		EXPECT(d, memcmp(rte_pktmbuf_mtod(e->kept, void *), flat, len) == 0,
		       "%s: kept bytes changed", name);
		rte_pktmbuf_free(e->kept);
	}
	EXPECT(d, WAIT_UNTIL(all_home(e, home), 500),
	       "%s, %u bytes: %u of %u, %u of %u, %u of %u mbufs home", name, len,
	       rte_mempool_avail_count(e->rx), home[0], rte_mempool_avail_count(e->other), home[1],
	       rte_mempool_avail_count(e->clones), home[2]);
	if (make == make_ext || make == make_ext_other || make == make_ext_libc)
		EXPECT(d, e->ext_freed == ext + 1, "%s: external buffer freed %u times", name,
		       e->ext_freed - ext);
}

static bool
env_open(struct tx_env *e, struct dut *d, uint64_t offloads)
{
	struct port_cfg cfg = one_queue;

	memset(e, 0, sizeof(*e));
	e->d = d;
	e->rx = pool_new("rx", 8191, 0, DUT_ROOM);
	e->other = pool_new("other", 1023, 0, DUT_ROOM);
	e->clones = pool_new("clones", 1023, 0, 0);
	if (!EXPECT(d, e->rx && e->other && e->clones && peer_open(&e->peer, d->peer) == 0,
		    "pools or peer"))
		return false;
	cfg.mp = e->rx;
	cfg.tx_offloads = offloads;
	return port_up(d, &e->port, &cfg, "");
}

static void
env_close(struct tx_env *e)
{
	port_close(e->port);
	/* A failed case has said enough; and what is damaged is better not looked at. */
	if (e->d->failed == 0) {
		pool_whole(e->d, e->rx, "after close");
		pool_whole(e->d, e->other, "after close");
		pool_whole(e->d, e->clones, "after close");
	}
	peer_close(&e->peer);
}

static void
case_tx_legal(struct dut *d)
{
	static const struct {
		const char *name;
		make_fn make;
		bool deliver;
	} kinds[] = {
		{ "own pool", make_own, true },
		{ "other pool", make_other, true },
		{ "own pool, no headroom", make_own_no_headroom, true },
		{ "other pool, no headroom", make_other_no_headroom, true },
		{ "own pool, odd offset", make_own_odd, true },
		{ "own pool, up to the last byte", make_own_last_byte, true },
		{ "own pool, refcnt 2", make_kept, true },
		{ "clone of own pool", make_clone, true },
		{ "clone of other pool", make_clone_other, true },
		{ "clone in own pool of other pool", make_clone_in_own, true },
		{ "external buffer, own pool", make_ext, true },
		{ "external buffer, other pool", make_ext_other, true },
		{ "external buffer of malloc", make_ext_libc, true },
		{ "length 0", make_empty, false },
		{ "length 0, other pool", make_empty_other, false },
		{ "60000 bytes", make_over, false },
	};
	static const unsigned int lens[] = { 64, 65, 777, 1514 };
	struct tx_env e;
	unsigned int i, j;

	if (!env_open(&e, d, 0))
		return;
	for (i = 0; i < RTE_DIM(kinds); i++)
		for (j = 0; j < RTE_DIM(lens); j++)
			send_kind(&e, kinds[i].name, kinds[i].make, lens[j], kinds[i].deliver);
	env_close(&e);
}

static void
send_chains(struct tx_env *e, bool deliver)
{
	static const unsigned int lens[] = { 200, 1514 };
	unsigned int j;

	for (j = 0; j < RTE_DIM(lens); j++) {
		send_kind(e, "2 segments", make_chain2, lens[j], deliver);
		send_kind(e, "5 segments", make_chain5, lens[j], deliver);
		send_kind(e, "30 segments", make_chain30, lens[j], deliver);
		send_kind(e, "segment of length 0", make_chain_gap, lens[j], deliver);
		send_kind(e, "2 segments of other pool", make_chain_other, lens[j], deliver);
	}
}

/* Without the offload asked for: all right, or dropped and counted. */
static void
case_multi_seg(struct dut *d)
{
	struct tx_env e;

	if (!env_open(&e, d, 0))
		return;
	send_chains(&e, false);
	env_close(&e);
}

/* With it: delivered. */
static void
case_multi_seg_on(struct dut *d)
{
	struct rte_eth_dev_info info;
	struct tx_env e;
	uint16_t port;

	if (!EXPECT(d, port_open(d, &port, "%s", "") == 0, "probe"))
		return;
	EXPECT(d, rte_eth_dev_info_get(port, &info) == 0, "dev_info");
	port_close(port);
	if (!(info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)) {
		dut_skip(d, "no RTE_ETH_TX_OFFLOAD_MULTI_SEGS");
		return;
	}
	if (!env_open(&e, d, RTE_ETH_TX_OFFLOAD_MULTI_SEGS))
		return;
	send_chains(&e, true);
	env_close(&e);
}

const struct dut_case dut_tx_cases[] = {
	{ "tx-legal", "-", 1, 0, "broken", "every legal single mbuf", case_tx_legal },
	{ "multi-seg", "7", 1, 0, "shown", "chains without the offload", case_multi_seg },
	{ "multi-seg-on", "-", 1, 0, "skip", "chains with the offload", case_multi_seg_on },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

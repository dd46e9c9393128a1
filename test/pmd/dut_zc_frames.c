/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of zero-copy ports on pools that straddle pages on purpose: none is lost, none is refused,
 * none is swallowed. The kernel has no counter for a fill entry it swallows, so each mbuf of the
 * pool says itself when it last came back with a packet.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <rte_memzone.h>

#include "dut.h"
#include "dut_audit.h"

#define PAGE		4096u
#define EDGE		(2u << 20)
#define DESC		512
/* Frames under way at most: below the rings of emulated cards. */
#define IN_FLIGHT	96
#define LEN_MAX		1514

/* In front of the buffer of each mbuf. */
struct mark {
	uint64_t last;		/* packet after which it was in our hands, 1 for the first */
	uint64_t id;
};

struct frames {
	struct dut *d;
	struct port_cfg cfg;
	struct rte_mempool *tx_mp;
	struct peer peer;
	uint16_t port;
	uint64_t seed;
	uint64_t got;		/* packets received, all right */
	uint64_t sent;
	unsigned int wrong;
	unsigned int ifindex;
	unsigned int shift;	/* frames must not cross 1 << shift */
	unsigned int posted;	/* frames looked at in the fill ring */
	unsigned int refused;	/* of these, what the DMA layer would refuse */
};

static struct mark *
mark_of(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

static uint32_t
draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (*seed >> 33) % below;
}

static void
put_mark(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	struct mark *mark = mark_of(obj);

	RTE_SET_USED(mp);
	RTE_SET_USED(arg);
	mark->last = 0;
	mark->id = i;
}

static void
free_nothing(struct rte_mempool_memhdr *hdr, void *opaque)
{
	RTE_SET_USED(hdr);
	RTE_SET_USED(opaque);
}

/* Pieces of memory from a zone, each behind offset bytes of a unit, until n objects are laid. */
static int
lay(struct rte_mempool *mp, const struct rte_memzone *mz, size_t *at, size_t unit, size_t offset,
    unsigned int per_piece, unsigned int pieces)
{
	size_t total = mp->header_size + mp->elt_size + mp->trailer_size;
	size_t len = per_piece * total + RTE_MEMPOOL_ALIGN, start;
	unsigned int i;
	int ret;

	for (i = 0; i < pieces; i++) {
		/* By address: the zone itself starts somewhere. */
		start = RTE_ALIGN_FLOOR(mz->addr_64 + *at, unit) + offset - mz->addr_64;
		if ((int64_t)start < (int64_t)*at)
			start += unit;
		if (start + len > mz->len)
			return -ENOSPC;
		ret = rte_mempool_populate_iova(mp, RTE_PTR_ADD(mz->addr, start), RTE_BAD_IOVA, len,
						free_nothing, NULL);
		if (ret < 0)
			return ret;
		*at = start + len;
	}
	return 0;
}

/*
 * A pool whose objects lie where we say. edge: pieces of 48 odd-sized objects over the edges of
 * hugepages, so that one of each piece straddles. page: one object a page, and a tenth of them over
 * the end of one, few enough for the driver to set aside behind an IOMMU.
 */
static struct rte_mempool *
pool_straddling(const char *name, bool edge)
{
	const uint16_t priv = edge ? 72 : 64;
	const uint16_t room = edge ? DUT_ROOM + 40 : PAGE - 64 - sizeof(struct rte_mbuf) - priv;
	const unsigned int pieces = edge ? 20 : 1, n = edge ? 48 * pieces : 1100;
	struct rte_pktmbuf_pool_private info = { .mbuf_data_room_size = room,
						 .mbuf_priv_size = priv };
	const struct rte_memzone *mz;
	struct rte_mempool *mp;
	size_t at = 0;
	int ret;

	mz = rte_memzone_reserve_aligned(name, edge ? (pieces + 1) * (size_t)EDGE : 6u << 20,
					 SOCKET_ID_ANY, 0, edge ? EDGE : PAGE);
	mp = rte_mempool_create_empty(name, n, sizeof(struct rte_mbuf) + priv + room, 0,
		sizeof(info), SOCKET_ID_ANY,
		RTE_MEMPOOL_F_NO_IOVA_CONTIG | RTE_MEMPOOL_F_NO_SPREAD);
	if (mz == NULL || mp == NULL || rte_mempool_set_ops_byname(mp, "ring_mp_mc", NULL) != 0)
		return NULL;
	rte_pktmbuf_pool_init(mp, &info);
	if (edge) {
		ret = lay(mp, mz, &at, EDGE, EDGE - 24 * 2496 + 1000, 48, pieces);
	} else {
		ret = lay(mp, mz, &at, PAGE, 0, 1000, 1);
		if (ret == 0)
			ret = lay(mp, mz, &at, PAGE, PAGE / 2, 100, 1);
	}
	if (ret != 0 || mp->populated_size != n) {
		printf("pool %s: %d, %u of %u objects\n", name, ret, mp->populated_size, n);
		return NULL;
	}
	rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
	rte_mempool_obj_iter(mp, put_mark, NULL);
	return mp;
}

/* What came: each packet in full, and which mbuf brought it. */
static void
take_in(struct frames *f)
{
	struct rte_mbuf *m[DUT_BURST];
	const uint8_t *data;
	uint32_t seq;
	uint8_t tag;
	uint16_t i, n;

	n = rte_eth_rx_burst(f->port, 0, m, DUT_BURST);
	for (i = 0; i < n; i++) {
		data = rte_pktmbuf_mtod(m[i], const uint8_t *);
		if (m[i]->nb_segs != 1 || !frame_read(data, m[i]->pkt_len, &tag, &seq) ||
		    (tag == 60 && seq != (uint32_t)f->got))
			f->wrong++;
		else if (tag == 60)
			mark_of(m[i])->last = ++f->got;
		rte_pktmbuf_free(m[i]);
	}
}

/* What was posted last, read where the kernel reads it. */
static void
look_posted(struct frames *f)
{
	uintptr_t at[64], end;
	struct audit_queue q;
	unsigned int i, n;

	if (!audit_find(f->ifindex, 0, &q))
		return;
	n = audit_fill(f->ifindex, 0, at, RTE_DIM(at));
	for (i = 0; i < n; i++) {
		end = at[i] + q.chunk - 1;
		f->refused += at[i] < q.base || end >= q.base + q.len ||
			      at[i] >> f->shift != end >> f->shift;
	}
	f->posted += n;
}

static void
send_out(struct frames *f)
{
	struct rte_mbuf *m;

	m = mbuf_frame(f->tx_mp, DUT_MIN_FRAME + draw(&f->seed, LEN_MAX - DUT_MIN_FRAME + 1), 61,
		       f->sent, 0);
	if (m == NULL)
		return;
	if (m->pool == f->cfg.mp)
		mark_of(m)->last = f->got;
	if (rte_eth_tx_burst(f->port, 0, &m, 1) == 1)
		f->sent++;
	else
		rte_pktmbuf_free(m);
}

/* n frames of random length each way at once. */
static void
both_ways(struct frames *f, unsigned int n)
{
	uint8_t frame[DUT_MAX_FRAME];
	uint64_t seen = 0, in = 0, end = now_ms() + 10000, before;
	unsigned int len;
	uint32_t seq;
	uint8_t tag;

	while ((f->got < n || seen < n) && f->wrong == 0 && now_ms() < end) {
		before = f->got + seen;
		while (in < n && in - f->got < IN_FLIGHT) {
			len = DUT_MIN_FRAME + draw(&f->seed, LEN_MAX - DUT_MIN_FRAME + 1);
			frame_fill(frame, len, 60, in, 0);
			if (peer_send(&f->peer, frame, len) != 0)
				break;
			in++;
		}
		while (f->sent < n && f->sent - seen < IN_FLIGHT) {
			uint64_t last = f->sent;

			send_out(f);
			if (f->sent == last)
				break;
		}
		take_in(f);
		look_posted(f);
		while ((len = peer_recv(&f->peer, frame, sizeof(frame), 0)) > 0) {
			if (!frame_read(frame, len, &tag, &seq) ||
			    (tag == 61 && seq != (uint32_t)seen))
				f->wrong++;
			else
				seen += tag == 61;
		}
		/* What was sent comes back to the pool, also when nothing more follows it. */
		if (f->got + seen == before || f->sent == n)
			tx_reap(f->port, 1);
		if (f->got + seen != before)
			end = now_ms() + 10000;
	}
	EXPECT(f->d, f->got == n && seen == n && f->wrong == 0,
	       "of %u frames each way %lu in and %lu out came right and in order, %u wrong", n,
	       (unsigned long)f->got, (unsigned long)seen, f->wrong);
}

struct census {
	uint64_t now;
	unsigned int shift;	/* frames must not cross 1 << shift */
	unsigned int idle;
	unsigned int crossing;
	unsigned int swallowed;
};

/*
 * The pool is a queue: each object comes to the front, is posted and comes back with a packet, or
 * carries one out, over and over. One that has not been in our hands while the pool went round four
 * times is with the driver on purpose, or with nobody.
 */
static void
look(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	struct census *c = arg;
	uintptr_t first = (uintptr_t)obj - mp->header_size;
	uintptr_t end = (uintptr_t)obj + mp->elt_size - 1;
	bool crosses = first >> c->shift != end >> c->shift;

	c->crossing += crosses;
	if (mark_of(obj)->last + 4 * mp->size > c->now)
		return;
	c->idle++;
	if (crosses)
		return;
	c->swallowed++;
	printf("object %u at %p: last seen with packet %lu of %lu\n", i, obj,
	       (unsigned long)mark_of(obj)->last, (unsigned long)c->now);
}

static void
frames_on(struct dut *d, bool edge)
{
	struct port_cfg cfg = { .nb_rxq = 1, .nb_txq = 1, .rx_desc = DESC, .tx_desc = DESC };
	struct frames f = { .d = d, .cfg = cfg, .seed = 20261128 };
	/* Without an IOMMU a hugepage is one piece for the NIC. */
	struct census c = { .shift = d->iommu ? 12 : 21 };
	unsigned int n = d->count ? d->count : 20000;
	const char *name = edge ? "edge" : "page";
	struct audit_queue q;
	uint64_t copied;

	f.cfg.mp = pool_straddling(name, edge);
	/* Of a default pool more than half cross a page of 4 KiB. */
	f.tx_mp = edge ? f.cfg.mp : pool_new("tx", 1023, 0, DUT_ROOM);
	if (!EXPECT(d, f.cfg.mp && f.tx_mp && peer_open(&f.peer, d->peer) == 0, "pool or peer"))
		return;
	if (!port_up(d, &f.port, &f.cfg, "mode=zc"))
		return;
	f.ifindex = if_nametoindex(d->iface);
	f.shift = c.shift;
	EXPECT(d, audit_find(f.ifindex, 0, &q) && q.zero_copy, "not zero-copy");
	if (!EXPECT(d, path_ready(&f.peer, f.port, &f.cfg), "nothing comes through"))
		return;
	WAIT_UNTIL(rx_poll(f.port, 1, 0, &(struct tally){ 0 }) == 0, DUT_WAIT_MS);
	peer_drain(&f.peer);
	both_ways(&f, n);
	c.now = f.got;
	rte_mempool_obj_iter(f.cfg.mp, look, &c);
	copied = xstats_sum(f.port, "tx_q0", "bounce_straddle");
	printf("%s: %s: %u frames each way, pool of %u, %u cross, %u idle, %lu sent by a copy, "
	       "%u postings looked at\n", d->case_name, name, n, f.cfg.mp->size, c.crossing, c.idle,
	       (unsigned long)copied, f.posted);
	EXPECT(d, c.swallowed == 0, "%u frames swallowed", c.swallowed);
	EXPECT(d, f.posted > n / 4, "only %u postings seen", f.posted);
	EXPECT(d, f.refused == 0, "%u of %u postings cross a page", f.refused, f.posted);
	EXPECT(d, xstats_sum(f.port, "tx_q0", "kernel_invalid") == 0, "invalid Tx descriptors");
	EXPECT(d, xstats_sum(f.port, "rx_q0", "bad_desc") == 0, "Rx descriptors of no frame");
	EXPECT(d, xstats_sum(f.port, "tx_q0", "bad_comp") == 0, "completions of no frame");
	EXPECT(d, xstats_sum(f.port, "quarantined", "mbufs") == 0, "mbufs in quarantine");
	if (d->iommu || edge)
		EXPECT(d, c.crossing > 0 && copied > 0 && c.idle > 0,
		       "straddling frames were used: %lu copied, %u idle", (unsigned long)copied,
		       c.idle);
	port_close(f.port);
	pool_whole(d, f.cfg.mp, "after close");
	pool_whole(d, f.tx_mp, "after close");
	peer_close(&f.peer);
}

static void
case_frames(struct dut *d)
{
	/* Over hugepage edges nothing but those may be lost; behind an IOMMU every page is one. */
	if (!d->iommu)
		frames_on(d, true);
	frames_on(d, false);
}

const struct dut_case dut_zc_frames_cases[] = {
	{ "zc-frames", "-", 1, DUT_HELPER, "-", "random lengths on pools that straddle",
		case_frames },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

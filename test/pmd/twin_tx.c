/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Twins of the tests with invalid descriptors. No mbuf makes the driver post one: bytes that lie
 * where the kernel could not send from are copied, what cannot be sent is dropped and counted with
 * its cause, what is sent around it arrives.
 */
#include <stdio.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_memzone.h>

#include "twin.h"

/* One special packet in so many: two are never in one burst, so each has its place for itself. */
#define EVERY 40

/* A pool with memory of ours before and behind its registration. */
#define FIELD_LEN (16u << 20)
#define POOL_AT (4u << 20)
#define POOL_LEN (8u << 20)
/* Bytes that umem=pool registers before a pool, see xsk_span_get(). */
#define LEAD 32768

enum kind {
	PLAIN,
	ACROSS_END,
	BEHIND_END,
	ACROSS_START,
	BEFORE_START,
	FIRST_BYTES,
	SENT_KINDS,
	EMPTY = SENT_KINDS,
	SHORT,
	LONG,
	LONGEST,
	LYING,
	KINDS,
};

struct field {
	const struct rte_memzone *mz;
	struct rte_mempool *mp;
	struct rte_mempool *big;
	uint8_t *lo;		/* of the registration */
	uint8_t *hi;
	struct rte_mbuf_ext_shared_info info;
	unsigned int made[KINDS];
};

static enum kind
kind_of(uint32_t seq)
{
	if (seq % EVERY == 0)
		return PLAIN + 1 + seq / EVERY % (SENT_KINDS - 1);
	if (seq % EVERY == EVERY / 2)
		return SENT_KINDS + seq / EVERY % (KINDS - SENT_KINDS);
	return PLAIN;
}

static unsigned int
want_sent(uint32_t seq, unsigned int len)
{
	return kind_of(seq) < SENT_KINDS ? len : 0;
}

static void
ext_free(void *addr, void *arg)
{
	RTE_SET_USED(addr);
	RTE_SET_USED(arg);
}

static struct rte_mbuf *
make_at(struct twin_flow *f, uint32_t seq, unsigned int len, uint8_t *at)
{
	struct field *field = f->arg;
	struct rte_mbuf *m = rte_pktmbuf_alloc(f->from->mp);

	if (m == NULL)
		return NULL;
	rte_mbuf_ext_refcnt_set(&field->info, 1);
	rte_pktmbuf_attach_extbuf(m, at, RTE_BAD_IOVA, len, &field->info);
	m->data_off = 0;
	m->data_len = m->pkt_len = len;
	frame_fill(at, len, f->tag, seq, 1);
	return m;
}

static struct rte_mbuf *
make_long(struct field *field, unsigned int len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(field->big);

	if (m != NULL) {
		m->data_len = m->pkt_len = len;
		memset(rte_pktmbuf_mtod(m, void *), 0xee, len);
	}
	return m;
}

static struct rte_mbuf *
make_special(struct twin_flow *f, uint32_t seq, unsigned int len)
{
	struct field *field = f->arg;
	enum kind kind = kind_of(seq);
	struct rte_mbuf *m = NULL;

	switch (kind) {
	case ACROSS_END: m = make_at(f, seq, len, field->hi - len / 2); break;
	case BEHIND_END: m = make_at(f, seq, len, field->hi); break;
	case ACROSS_START: m = make_at(f, seq, len, field->lo - len / 2); break;
	case BEFORE_START: m = make_at(f, seq, len, field->lo - 4096); break;
	case FIRST_BYTES: m = make_at(f, seq, len, field->lo + seq % 7); break;
	case LONG: m = make_long(field, 3841); break;
	case LONGEST: m = make_long(field, 9000); break;
	default:
		m = twin_mbuf(f->from->mp, f->tag, seq, len, RTE_PKTMBUF_HEADROOM);
		if (m != NULL && (kind == EMPTY || kind == SHORT))
			m->data_len = m->pkt_len = kind == EMPTY ? 0 : 13;
		if (m != NULL && kind == LYING)
			m->pkt_len++;
	}
	if (m != NULL)
		field->made[kind]++;
	return m;
}

static struct rte_mempool *
pool_at(uint8_t *at, size_t len, uint16_t room)
{
	struct rte_pktmbuf_pool_private priv = { .mbuf_data_room_size = room };
	struct rte_mempool *mp;

	mp = rte_mempool_create_empty("twin_field", 2047, sizeof(struct rte_mbuf) + room, 0,
				      sizeof(priv), SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	if (mp == NULL)
		return NULL;
	rte_pktmbuf_pool_init(mp, &priv);
	if (rte_mempool_populate_iova(mp, (char *)at, RTE_BAD_IOVA, len, NULL, NULL) != 2047) {
		rte_mempool_free(mp);
		return NULL;
	}
	rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
	return mp;
}

static bool
field_new(struct twin *t, struct field *field, uint16_t room)
{
	uint8_t *at;

	memset(field, 0, sizeof(*field));
	field->mz = rte_memzone_reserve_aligned("twin_field", FIELD_LEN, SOCKET_ID_ANY, 0, 1 << 21);
	if (!EXPECT(t->d, field->mz != NULL, "%u bytes in one piece", FIELD_LEN))
		return false;
	at = (uint8_t *)field->mz->addr + POOL_AT;
	field->lo = at - LEAD;
	field->hi = at + POOL_LEN;
	field->info.free_cb = ext_free;
	field->mp = pool_at(at, POOL_LEN, room);
	field->big = pool_new("twin_big", 255, 0, 9216);
	return EXPECT(t->d, field->mp != NULL && field->big != NULL, "pools");
}

static void
counted(struct twin *t, const char *name, uint64_t want)
{
	uint64_t got = twin_xstat(t, &t->a, name);

	EXPECT(t->d, got == want, "%s: %s is %lu, wanted %lu", t->mode, name, (unsigned long)got,
	       (unsigned long)want);
}

static void
invalid(struct twin *t, uint16_t room)
{
	struct field field;
	struct twin_cfg a = { .mp = NULL, .args = "umem=pool" };
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .make = make_special,
		.want = want_sent, .arg = &field,
	};
	const unsigned int *made = field.made;
	struct rte_eth_stats s = { 0 };
	unsigned int lost;

	if (!field_new(t, &field, room))
		return;
	a.mp = field.mp;
	if (!twin_up(t, &a, NULL))
		return;
	rte_eth_stats_reset(t->a.port);
	twin_run(&f, "legal and illegal packets");
	counted(t, "tx_q0_drop_short", made[EMPTY] + made[SHORT]);
	counted(t, "tx_q0_drop_long", made[LONG] + made[LONGEST]);
	counted(t, "tx_q0_drop_malformed", made[LYING]);
	counted(t, "tx_q0_bounce_external", made[ACROSS_END] + made[BEHIND_END] +
		made[ACROSS_START] + made[BEFORE_START] + made[FIRST_BYTES]);
	counted(t, "tx_q0_bounce_outside", 0);
	lost = made[EMPTY] + made[SHORT] + made[LONG] + made[LONGEST] + made[LYING];
	EXPECT(t->d, lost > 0 && rte_eth_stats_get(t->a.port, &s) == 0 && s.oerrors == lost,
	       "%s: oerrors %lu of %u", t->mode, (unsigned long)s.oerrors, lost);
	twin_kernel_refused_none(t);
	twin_down(t, "after close");
	if (pool_whole(t->d, field.mp, "sender's pool") &&
	    pool_whole(t->d, field.big, "pool of long packets")) {
		rte_mempool_free(field.mp);
		rte_mempool_free(field.big);
		rte_memzone_free(field.mz);
	}
}

static void
inv_desc(struct twin *t)
{
	invalid(t, DUT_ROOM);
}

static void
inv_desc_odd(struct twin *t)
{
	invalid(t, 2179);
}

static struct rte_mbuf *
make_half(struct twin_flow *f, uint32_t seq, unsigned int len)
{
	struct field *field = f->arg;

	return seq % 2 != 0 ? make_long(field, 3841) :
	       twin_mbuf(f->from->mp, f->tag, seq, len, RTE_PKTMBUF_HEADROOM);
}

static unsigned int
want_half(uint32_t seq, unsigned int len)
{
	return seq % 2 != 0 ? 0 : len;
}

/* Every other packet is too long for any chunk. */
static void
tx_invalid(struct twin *t)
{
	struct field field = { .big = pool_new("twin_big", 255, 0, 9216) };
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .make = make_half,
		.want = want_half, .arg = &field,
	};
	struct rte_eth_stats s = { 0 };

	if (!EXPECT(t->d, field.big != NULL, "pool") || !twin_up(t, NULL, NULL))
		return;
	rte_eth_stats_reset(t->a.port);
	twin_run(&f, "every other packet too long");
	counted(t, "tx_q0_drop_long", t->pkts / 2);
	counted(t, "tx_q0_kernel_invalid", 0);
	rte_eth_stats_get(t->a.port, &s);
	EXPECT(t->d, s.oerrors == t->pkts / 2 && s.opackets >= t->pkts / 2,
	       "%s: oerrors %lu, opackets %lu", t->mode, (unsigned long)s.oerrors,
	       (unsigned long)s.opackets);
	twin_down(t, "after close");
	if (pool_whole(t->d, field.big, "pool of long packets"))
		rte_mempool_free(field.big);
}

static struct rte_mbuf *
make_other(struct twin_flow *f, uint32_t seq, unsigned int len)
{
	return twin_mbuf(f->arg, f->tag, seq, len, RTE_PKTMBUF_HEADROOM);
}

/* The kernel's consumer index and the completions come without further packets. */
static void
tx_consumer(struct twin *t)
{
	static const unsigned int lots[] = { 1, 31, 32, 33, 200, TWIN_DESC };
	struct rte_mempool *mp = pool_new("twin_tx", 1023, 0, DUT_ROOM);
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .make = make_other, .arg = mp,
	};
	unsigned int i;

	if (!EXPECT(t->d, mp != NULL, "pool") || !twin_up(t, NULL, NULL))
		return;
	for (i = 0; i < RTE_DIM(lots); i++) {
		f.n = f.window = lots[i];
		twin_run(&f, "a few packets");
		EXPECT(t->d, WAIT_UNTIL((rte_eth_tx_done_cleanup(t->a.port, 0, 0),
					 rte_mempool_full(mp)), twin_wait_ms(t)),
		       "%s, %u packets: %u of %u mbufs home", t->mode, lots[i],
		       rte_mempool_avail_count(mp), mp->size);
	}
	twin_down(t, "after close");
	if (pool_whole(t->d, mp, "sender's pool"))
		rte_mempool_free(mp);
}

TWIN_CASE(inv_desc)
TWIN_CASE(inv_desc_odd)
TWIN_CASE(tx_invalid)
TWIN_CASE(tx_consumer)

const struct dut_case twin_tx_cases[] = {
	{ "twin-inv-desc", "-", 2, DUT_TWIN, "-", "illegal packets", case_inv_desc },
	{ "twin-inv-desc-odd", "-", 2, DUT_TWIN, "-", "the same, odd pool", case_inv_desc_odd },
	{ "twin-tx-invalid", "-", 2, DUT_TWIN, "-", "half of them too long", case_tx_invalid },
	{ "twin-tx-consumer", "-", 2, DUT_TWIN, "-", "sent mbufs come home", case_tx_consumer },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

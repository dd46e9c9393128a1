/* SPDX-License-Identifier: BSD-3-Clause */
/* Twins with XDP programs that change packets, or are changed themselves, under traffic. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "twin.h"

/* Frames of a foreign program lie 256 bytes into the buffer; igb wants whole KiB behind it. */
#define PROG_ROOM (2048 + 256)
/* What the programs take off and put on, and from which length on; also given to the compiler. */
#define SHRINK 24
#define GROW 32
#define CHANGED_FROM 128

/* devargs that load the program of that name; false where none was compiled. */
static bool
prog_args(struct twin *t, const char *name, char *args, size_t size)
{
	const char *slash = t->d->prog ? strrchr(t->d->prog, '/') : NULL;

	if (slash == NULL) {
		dut_skip(t->d, "no compiled XDP programs (clang is missing)");
		return false;
	}
	snprintf(args, size, "xdp_prog=%.*s/twin_%s.bpf.o", (int)(slash - t->d->prog), t->d->prog,
		 name);
	return true;
}

static unsigned int
want_even(uint32_t seq, unsigned int len)
{
	return seq % 2 != 0 ? 0 : len;
}

static unsigned int
want_shrunk(uint32_t seq, unsigned int len)
{
	RTE_SET_USED(seq);
	return len >= CHANGED_FROM ? len - SHRINK : len;
}

static unsigned int
want_grown(uint32_t seq, unsigned int len)
{
	RTE_SET_USED(seq);
	return len >= CHANGED_FROM ? len + GROW : len;
}

static unsigned int
want_plain(uint32_t seq, unsigned int len)
{
	RTE_SET_USED(seq);
	return len;
}

static unsigned int
len_growing(uint32_t seq)
{
	return DUT_MIN_FRAME + seq * 11 % (1514 - GROW - DUT_MIN_FRAME + 1);
}

static bool
up_with(struct twin *t, const char *name)
{
	char args[512];
	const struct twin_cfg b = { .room = PROG_ROOM, .args = args };

	return prog_args(t, name, args, sizeof(args)) && twin_up(t, NULL, &b);
}

static void
changed(struct twin *t, const char *name, unsigned int (*len)(uint32_t seq),
	unsigned int (*want)(uint32_t seq, unsigned int len))
{
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .len = len, .want = want,
	};

	if (!up_with(t, name))
		return;
	twin_run(&f, name);
	twin_down(t, "after close");
}

static void
drop_half(struct twin *t)
{
	changed(t, "drop_half", NULL, want_even);
}

static void
shrink(struct twin *t)
{
	changed(t, "shrink", NULL, want_shrunk);
}

static unsigned int grown;

static bool
look_grown(struct twin_flow *f, struct rte_mbuf *m, uint32_t seq)
{
	grown += rte_pktmbuf_pkt_len(m) > f->len(seq);
	return true;
}

/* How much room there is behind a packet is the driver's affair, and its length's. */
static void
grow(struct twin *t)
{
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .len = len_growing,
		.want = want_grown, .also = want_plain, .look = look_grown,
	};

	if (!up_with(t, "grow"))
		return;
	grown = 0;
	twin_run(&f, "grow");
	printf("%s: %s: %u packets grew\n", t->d->case_name, t->mode, grown);
	if (grown == 0)
		dut_skip(t->d, "%s: the driver leaves no room behind a packet", t->mode);
	twin_down(t, "after close");
}

static unsigned int largest_meta;

/* The metadata lies in front of the packet, whole; or a mark that the kernel refused so much. */
static bool
look_metadata(struct twin_flow *f, struct rte_mbuf *m, uint32_t seq)
{
	unsigned int len = (seq & 63) * 4, i;
	const uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t word;

	RTE_SET_USED(f);
	if (len == 0)
		return true;
	memcpy(&word, data - 4, 4);
	if (word == (len | 1 << 16))
		return true;
	for (i = 4; i <= len; i += 4) {
		memcpy(&word, data - i, 4);
		if (word != len)
			return false;
	}
	largest_meta = RTE_MAX(largest_meta, len);
	return true;
}

static void
clear_buffer(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	struct rte_mbuf *m = obj;

	RTE_SET_USED(mp);
	RTE_SET_USED(arg);
	RTE_SET_USED(i);
	memset(m->buf_addr, 0, m->buf_len);
}

static void
count_damaged(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	unsigned int *damaged = arg;
	struct rte_mbuf *m = obj;

	RTE_SET_USED(i);
	*damaged += m->pool != mp || m->buf_len != rte_pktmbuf_data_room_size(mp) ||
		m->buf_addr != (uint8_t *)m + sizeof(*m);
}

static void
metadata(struct twin *t)
{
	struct twin_flow f = {
		.t = t, .from = &t->a, .to = &t->b, .n = t->pkts, .look = look_metadata,
	};
	unsigned int damaged = 0;

	if (!up_with(t, "metadata"))
		return;
	largest_meta = 0;
	rte_mempool_obj_iter(t->b.mp, clear_buffer, NULL);
	twin_run(&f, "0 to 252 bytes of metadata");
	rte_mempool_obj_iter(t->b.mp, count_damaged, &damaged);
	EXPECT(t->d, damaged == 0, "%s: %u mbuf headers damaged", t->mode, damaged);
	printf("%s: %s: at most %u bytes of metadata\n", t->d->case_name, t->mode, largest_meta);
	EXPECT(t->d, largest_meta >= 32, "%s: at most %u bytes of metadata came", t->mode,
	       largest_meta);
	twin_down(t, "after close");
}

/* A map of our own, pinned, and two programs on it that take turns, and one that drops. */
struct swap {
	int map;
	int link;
	int prog[3];
};

static bool
swap_open(struct twin *t, struct swap *s, const char *pin)
{
	bool skb = strstr(t->mode, "skb") != NULL;

	unlink(pin);
	s->map = bpf_xskmap(64);
	if (!EXPECT(t->d, s->map >= 0 && bpf_pin(s->map, pin) == 0, "pinning a map at %s: %s", pin,
		    strerror(errno)))
		return false;
	s->prog[0] = bpf_xdp_prog(s->map, XDP_PASS);
	s->prog[1] = bpf_xdp_prog(s->map, XDP_DROP);
	s->prog[2] = bpf_xdp_prog(-1, XDP_DROP);
	s->link = bpf_xdp_link(s->prog[0], t->b.iface, skb);
	return EXPECT(t->d, s->prog[0] >= 0 && s->prog[1] >= 0 && s->prog[2] >= 0 && s->link >= 0,
		      "programs %d %d %d, link %d", s->prog[0], s->prog[1], s->prog[2], s->link);
}

static void
swap_close(struct swap *s, const char *pin)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (s->prog[i] >= 0)
			close(s->prog[i]);
	if (s->link >= 0)
		close(s->link);
	if (s->map >= 0)
		close(s->map);
	unlink(pin);
}

static void
swap_under_traffic(struct twin *t, struct swap *s)
{
	struct twin_flow f = { .t = t, .from = &t->a, .to = &t->b, .n = t->pkts };
	uint64_t end = now_ms() + twin_wait_ms(t);
	unsigned int swaps = 0;

	twin_begin(&f);
	while (!twin_done(&f) && now_ms() < end) {
		if (twin_step(&f) > 0)
			end = now_ms() + twin_wait_ms(t);
		if (f.sent > swaps * 40) {
			swaps++;
			EXPECT(t->d, bpf_link_update(s->link, s->prog[swaps % 2]) == 0, "swap %u",
			       swaps);
		}
	}
	twin_verdict(&f, "while programs take turns");
	EXPECT(t->d, swaps > t->pkts / 40 - 2, "%s: %u swaps", t->mode, swaps);
}

static unsigned int
want_none(uint32_t seq, unsigned int len)
{
	RTE_SET_USED(seq);
	RTE_SET_USED(len);
	return 0;
}

static void
prog_swap(struct twin *t)
{
	struct swap s = { .link = -1, .prog = { -1, -1, -1 } };
	char pin[300], args[400];
	const struct twin_cfg b = { .room = PROG_ROOM, .args = args };
	struct twin_flow f = { .t = t, .from = &t->a, .to = &t->b, .n = 100, .want = want_none };
	uint64_t end = now_ms() + 4 * twin_wait_ms(t);

	snprintf(pin, sizeof(pin), "%s/bpf/twin_map", t->d->tmp);
	snprintf(args, sizeof(args), "use_pinned_map=1,dp_path=%s", pin);
	if (swap_open(t, &s, pin) && twin_up(t, NULL, &b)) {
		swap_under_traffic(t, &s);
		EXPECT(t->d, bpf_link_update(s.link, s.prog[2]) == 0, "dropping program");
		twin_begin(&f);
		while ((f.sent < f.n || f.pending_cnt > 0) && now_ms() < end)
			twin_send(&f);
		/* What was under way has been dropped when all sent mbufs are back. */
		EXPECT(t->d, WAIT_UNTIL((rte_eth_tx_done_cleanup(t->a.port, 0, 0),
					 rte_mempool_in_use_count(t->a.mp) <= TWIN_DESC),
					twin_wait_ms(t)),
		       "%s: mbufs out", t->mode);
		EXPECT(t->d, bpf_link_update(s.link, s.prog[0]) == 0, "first program again");
		EXPECT(t->d, twin_flush(t, &t->a, &t->b, &f), "%s: nothing comes", t->mode);
		twin_verdict(&f, "while all is dropped");
		f = (struct twin_flow){ .t = t, .from = &t->a, .to = &t->b, .n = t->pkts };
		twin_run(&f, "after the dropping program");
		twin_down(t, "after close");
	}
	swap_close(&s, pin);
}

TWIN_CASE(drop_half)
TWIN_CASE(shrink)
TWIN_CASE(grow)
TWIN_CASE(metadata)
TWIN_CASE(prog_swap)

const struct dut_case twin_prog_cases[] = {
	{ "twin-drop-half", "-", 2, DUT_TWIN, "-", "every other packet dropped", case_drop_half },
	{ "twin-tail-shrink", "-", 2, DUT_TWIN, "-", "packets get shorter", case_shrink },
	{ "twin-tail-grow", "-", 2, DUT_TWIN, "-", "packets get longer", case_grow },
	{ "twin-metadata", "-", 2, DUT_TWIN, "-", "metadata in front", case_metadata },
	{ "twin-prog-swap", "-", 2, DUT_TWIN, "-", "programs take turns", case_prog_swap },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What memory becomes UMEM: rooms, spans, registrations shared or not; with the argument hugepages,
 * which takes 64 MiB of them, pages struck off when EAL gives them back.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#include "afx_test.h"
#include "fake_port.h"

static const struct xsk_frames plain = { .chunk = 2304 };

/*
 * Every chunk lies in mapped memory; in zero-copy within its own object, a pinned buffer's too, and
 * where frames may not overlap nothing is in front of the headroom.
 */
static void
padding(const struct xsk_layout *lay, const struct xsk_frames *copy)
{
	uint32_t header = lay->pinned ? 0 : lay->mp->header_size;
	uint32_t least = RTE_MIN(header, AFX_CHUNK_MAX - 256 - copy->room) & ~63u;
	struct xsk_layout first = *lay;
	struct xsk_frames fr;
	struct afx_err err;

	CHECK_EQ(copy->chunk, copy->pad + 256 + copy->room);
	CHECK(copy->chunk <= AFX_CHUNK_MAX);
	CHECK(copy->pad >= least);
	CHECK_EQ(copy->pad % 64, 0);
	CHECK_EQ(xsk_frames_get(lay, copy->overlap, true, &fr, &err), 0);
	CHECK_EQ(fr.room, copy->room);
	CHECK_EQ(fr.pad, copy->overlap ? least : 0);
	CHECK_EQ(fr.fill_off + fr.pad, copy->fill_off + copy->pad);
	CHECK_EQ(fr.chunk, fr.pad + 256 + fr.room);
	/* Memory that DPDK does not manage: nobody knows what lies before. */
	first.lo = (uintptr_t)&first;
	first.hi = first.lo + 4096;
	CHECK_EQ(xsk_frames_get(&first, copy->overlap, false, &fr, &err), 0);
	CHECK_EQ(fr.pad, least);
}

static void
frames(const struct fake_pool_cfg *pool, bool overlap, uint32_t room, const char *refusal)
{
	struct rte_mempool *mp = fake_pool("frames", pool);
	struct afx_err err = { 0 };
	struct xsk_layout lay;
	struct xsk_frames fr;
	int ret;

	CHECK_EQ(xsk_layout_get(mp, &lay, &err), 0);
	CHECK(lay.mp == mp);
	CHECK_EQ(lay.pinned, pool->pinned);
	CHECK_EQ(lay.priv, pool->priv);
	CHECK(lay.hi - lay.lo >= (uint64_t)pool->n * lay.buf_len);
	ret = xsk_frames_get(&lay, overlap, false, &fr, &err);
	if (refusal != NULL) {
		CHECK_EQ(ret, -EINVAL);
		CHECK_TEXT(err.text, "mempool frames");
		CHECK_TEXT(err.text, refusal);
	} else {
		CHECK_EQ(ret, 0);
		CHECK_EQ(fr.room, room);
		CHECK(fr.chunk >= AFX_CHUNK_MIN);
		padding(&lay, &fr);
		CHECK_EQ(fr.overlap, overlap && !pool->pinned);
		CHECK_EQ(fr.data_off, fr.overlap ? 128 : 256);
		/* The chunk ends inside the buffer, the packet starts at data_off. */
		CHECK(fr.data_off + fr.room <= lay.buf_len);
		CHECK_EQ(fr.fill_off + fr.pad + 256,
			(pool->pinned ? 0 : 128 + pool->priv) + fr.data_off);
	}
	fake_pool_free(mp);
}

static void
rooms(void)
{
	struct fake_pool_cfg p = { .n = 64 };

	frames(&p, true, 2048, NULL);
	frames(&p, false, 1920, NULL);
	for (p.priv = 8; p.priv <= 2048; p.priv *= 4)
		frames(&p, p.priv & 8 ? true : false, p.priv & 8 ? 2048 : 1920, NULL);
	p.priv = 0;
	p.room = 128 + 1792;
	frames(&p, true, 1792, NULL);
	frames(&p, false, 0, "data room of at least 2048");
	p.room = 128 + 1791;
	frames(&p, true, 0,
		"buffers of 1919 bytes leave room for 1791 bytes of packet, the kernel needs "
		"1792");
	frames(&p, true, 0, "at least 1920");
	p.room = 64;
	frames(&p, true, 0, "leave room for 0 bytes");
	p.room = 256 + 1792;
	frames(&p, false, 1792, NULL);
	p.room = 128 + 3840;
	frames(&p, true, 3840, NULL);
	p.room = 128 + 3841;
	frames(&p, true, 3840, NULL);
	p.room = 9216;
	frames(&p, false, 3840, NULL);
	p.room = 65535;
	p.n = 16;
	frames(&p, true, 3840, NULL);
	p = (struct fake_pool_cfg){ .n = 64, .pinned = true, .room = 2304 };
	frames(&p, true, 2048, NULL);
	p.room = 2047;
	frames(&p, true, 0, "at least 2048");
}

static void
layout_empty(void)
{
	struct rte_pktmbuf_pool_private priv = { .mbuf_data_room_size = 2176 };
	struct rte_mempool *mp = rte_mempool_create_empty(
		"void", 16, sizeof(struct rte_mbuf) + 2176, 0, sizeof(priv), 0, 0);
	struct afx_err err = { 0 };
	struct xsk_layout lay;

	rte_pktmbuf_pool_init(mp, &priv);
	CHECK_EQ(xsk_layout_get(mp, &lay, &err), -EINVAL);
	CHECK_TEXT(err.text, "mempool void has no objects");
	rte_mempool_free(mp);
}

static bool
within(const struct xsk_layout *lay, const struct xsk_span *span)
{
	return lay->lo >= span->base && lay->hi <= span->base + span->len;
}

static void
spans(void)
{
	const struct fake_pool_cfg small = { .n = 512 };
	struct rte_mempool *mp[3] = {
		fake_pool("s0", &small), fake_pool("s1", &small), fake_pool("s2", &small)
	};
	struct xsk_span_want want = { .chunk = 2304, .queues = 1 };
	struct xsk_span span, pool, two;
	struct xsk_layout lay[3];
	struct afx_err err = { 0 };
	uint64_t page = sysconf(_SC_PAGESIZE);

	for (unsigned int i = 0; i < 3; i++)
		CHECK_EQ(xsk_layout_get(mp[i], &lay[i], &err), 0);

	/* pool: the layouts of the port, whatever may be spent. */
	want.umem = XSK_UMEM_POOL;
	want.heads_cap = UINT64_MAX;
	xsk_span_get(&lay[0], lay, 1, &want, &pool);
	CHECK(within(&lay[0], &pool));
	CHECK(!within(&lay[1], &pool) && !within(&lay[2], &pool));
	CHECK_EQ(pool.base % page + pool.len % page, 0);
	/* Tags need up to XSK_DESC_MAX bytes in front. */
	CHECK(pool.len < lay[0].hi - lay[0].lo + XSK_DESC_MAX + 2 * page);
	CHECK(pool.page_shift >= 12);
	xsk_span_get(&lay[0], lay, 2, &want, &two);
	CHECK(within(&lay[0], &two) && within(&lay[1], &two));
	xsk_span_get(&lay[1], lay, 2, &want, &span);
	CHECK(span.base == two.base && span.len == two.len);

	/* auto: further pools while the heads of all queues stay under the cap. */
	want.umem = XSK_UMEM_AUTO;
	xsk_span_get(&lay[0], lay, 1, &want, &span);
	for (unsigned int i = 0; i < 3; i++)
		CHECK(within(&lay[i], &span));
	want.heads_cap = 0;
	xsk_span_get(&lay[0], lay, 1, &want, &span);
	CHECK(span.base == pool.base && span.len == pool.len);
	want.heads_cap = afx_umem_heads(pool.len, 2304);
	xsk_span_get(&lay[0], lay, 1, &want, &span);
	CHECK_EQ(span.len, pool.len);
	/* Between the first and all of them: some neighbour, and never more than allowed. */
	for (want.queues = 1; want.queues <= 8; want.queues *= 2) {
		want.heads_cap = want.queues * 2 * afx_umem_heads(pool.len, 2304) * 11 / 10;
		xsk_span_get(&lay[0], lay, 1, &want, &span);
		CHECK(within(&lay[0], &span));
		CHECK(afx_umem_heads(span.len, 2304) * want.queues <= want.heads_cap);
		CHECK(span.len < 3 * (lay[0].hi - lay[0].lo));
	}
	/* heap: the whole run of memory. */
	want = (struct xsk_span_want){ .chunk = 2304, .queues = 1, .umem = XSK_UMEM_HEAP };
	xsk_span_get(&lay[0], lay, 1, &want, &span);
	for (unsigned int i = 0; i < 3; i++)
		CHECK(within(&lay[i], &span));
	CHECK(span.len >= two.len);
	for (unsigned int i = 0; i < 3; i++)
		fake_pool_free(mp[i]);
}

static void
crossing(void)
{
	const struct fake_pool_cfg packed = { .n = 512, .packed = true };
	struct rte_mempool *mp = fake_pool("crossing", &packed);
	struct afx_err err = { 0 };
	struct xsk_layout lay;
	struct xsk_frames fr;

	CHECK_EQ(xsk_layout_get(mp, &lay, &err), 0);
	CHECK_EQ(xsk_frames_get(&lay, true, true, &fr, &err), 0);
	CHECK(xsk_layout_unusable(&lay, &fr, 12) > 512 / 3);
	CHECK(xsk_layout_unusable(&lay, &fr, 12) < 512 * 2 / 3);
	CHECK_EQ(xsk_layout_unusable(&lay, &fr, 63), 0);
	/* A unit smaller than any frame: all cross. */
	CHECK_EQ(xsk_layout_unusable(&lay, &fr, 11), 512);
	fake_pool_free(mp);
}

/* Registrations are one where all agrees; the memory need not exist for that. */
static void
sharing(void)
{
	const struct xsk_span span = { .base = 1ull << 40, .len = 4 << 20, .page_shift = 21 };
	const struct xsk_frames small = { .chunk = 2048 }, padded = { .chunk = 2304, .pad = 64 };
	struct xsk_span moved = span, longer = span;
	struct xsk_pair pair = { 0 };
	struct xsk_region *r[9];
	struct afx_err err;

	moved.base += 4096;
	longer.len += 4096;
	CHECK_EQ(xsk_region_get(&span, &plain, false, false, &r[0], &err), 0);
	CHECK_EQ(xsk_region_get(&span, &plain, false, false, &r[1], &err), 0);
	CHECK(r[0] == r[1]);
	CHECK_EQ(r[0]->queues, 2);
	CHECK_EQ(r[0]->base, span.base);
	CHECK_EQ(r[0]->len, span.len);
	CHECK_EQ(r[0]->page_shift, 21);
	CHECK_EQ(xsk_region_get(&span, &plain, true, false, &r[2], &err), 0);
	CHECK_EQ(xsk_region_get(&span, &plain, false, true, &r[3], &err), 0);
	CHECK_EQ(xsk_region_get(&span, &small, false, false, &r[4], &err), 0);
	CHECK_EQ(xsk_region_get(&moved, &plain, false, false, &r[5], &err), 0);
	CHECK_EQ(xsk_region_get(&longer, &plain, false, false, &r[6], &err), 0);
	CHECK_EQ(xsk_region_get(&span, &padded, false, false, &r[8], &err), 0);
	for (unsigned int i = 1; i < 9; i++)
		for (unsigned int k = i + 1; k < 9; k++)
			CHECK(i == 7 || k == 7 || r[i] != r[k]);
	/* Nobody bound: nothing to share from. */
	CHECK_EQ(xsk_region_shared_fd(r[0]), -1);
	/* A page gone: whoever has it keeps it, nobody joins. */
	atomic_store(&r[0]->any_gone, true);
	CHECK_EQ(xsk_region_get(&span, &plain, false, false, &r[7], &err), 0);
	CHECK(r[7] != r[0]);
	for (unsigned int i = 0; i < 9; i++)
		xsk_region_put(r[i], &pair);
	xsk_region_put(NULL, &pair);
	/* All gone with their last user: a new one is fresh. */
	CHECK_EQ(xsk_region_get(&span, &plain, false, false, &r[0], &err), 0);
	CHECK_EQ(r[0]->queues, 1);
	xsk_region_put(r[0], &pair);
}

static void
shared_fd(void)
{
	const struct xsk_span span = { .base = 1ull << 40, .len = 4 << 20, .page_shift = 21 };
	struct afx_socket sock = { .fd = dup(0) }, gone = { .fd = dup(0) };
	struct xsk_pair pair = { .sock = &sock }, dead = { .sock = &gone };
	struct xsk_region *r;
	struct afx_err err;
	int fd;

	CHECK_EQ(xsk_region_get(&span, &plain, false, false, &r, &err), 0);
	xsk_region_bound(r, &pair);
	fd = xsk_region_shared_fd(r);
	CHECK(fd >= 0 && fd != sock.fd);
	close(fd);
	/* A socket whose interface is gone is passed over, and not asked again. */
	CHECK_EQ(xsk_region_get(&span, &plain, false, false, &r, &err), 0);
	xsk_region_bound(r, &dead);
	fake_unbound_fd = gone.fd;
	fd = xsk_region_shared_fd(r);
	CHECK(fd >= 0);
	CHECK(!dead.on_list);
	CHECK(pair.on_list);
	close(fd);
	fake_unbound_fd = -1;
	xsk_region_put(r, &dead);
	atomic_store(&r->any_gone, true);
	CHECK_EQ(xsk_region_shared_fd(r), -1);
	xsk_region_put(r, &pair);
	CHECK(!pair.on_list);
	close(sock.fd);
	close(gone.fd);
}

/* What EAL gives back is struck off, and only that. */
static void
struck_off(void)
{
	const struct fake_pool_cfg pool = { .n = 512 };
	struct xsk_span_want want = { .chunk = 2304, .queues = 1, .umem = XSK_UMEM_HEAP };
	struct rte_mempool *mp = fake_pool("kept", &pool);
	struct xsk_region *r, *again;
	struct xsk_pair pair = { 0 };
	struct afx_err err = { 0 };
	struct xsk_layout lay;
	struct xsk_span span;
	const size_t len = 24 << 20;
	char *mem = rte_malloc(NULL, len, 1 << 21);
	uintptr_t at = (uintptr_t)mem;

	if (mem == NULL)
		SKIP("no hugepages left for memory to give back");
	CHECK_EQ(xsk_layout_get(mp, &lay, &err), 0);
	lay.lo = RTE_MIN(lay.lo, at);
	xsk_span_get(&lay, &lay, 1, &want, &span);
	CHECK_EQ(span.page_shift, 21);
	CHECK(at >= span.base && at + len <= span.base + span.len);
	CHECK_EQ(xsk_region_get(&span, &plain, false, false, &r, &err), 0);
	CHECK(!r->any_gone);
	rte_free(mem);
	CHECK(r->any_gone);
	CHECK(r->gone_pages >= (len - (4 << 20)) >> XSK_PAGE_SHIFT);
	CHECK(r->gone_pages <= (len + (4 << 20)) >> XSK_PAGE_SHIFT);
	CHECK(xsk_region_gone(r, at + len / 2, 64));
	CHECK(xsk_region_gone(r, at + len / 2, 4096));
	CHECK_EQ(xsk_layout_get(mp, &lay, &err), 0);
	for (uintptr_t p = lay.lo; p + 4096 <= lay.hi; p += 4096)
		CHECK(!xsk_region_gone(r, p, 4096));
	/* Mapped again at the same place: still gone, and a new registration is another. */
	mem = rte_malloc(NULL, len, 1 << 21);
	if (mem != NULL && (uintptr_t)mem == at) {
		CHECK(xsk_region_gone(r, at + len / 2, 64));
		CHECK_EQ(xsk_region_get(&span, &plain, false, false, &again, &err), 0);
		CHECK(again != r);
		CHECK(!xsk_region_gone(again, at + len / 2, 64));
		xsk_region_put(again, &pair);
	}
	rte_free(mem);
	xsk_region_put(r, &pair);
	fake_pool_free(mp);
}

/* Needs hugepages to give back; another EAL needs another process. */
static int
on_hugepages(void)
{
	char prog[] = "test_mem", mem[] = "--in-memory", no_pci[] = "--no-pci", lcores[] = "-l0";
	char no_tel[] = "--no-telemetry", level[] = "--log-level=critical";
	char *argv[] = { prog, mem, no_pci, no_tel, lcores, level };

	if (rte_eal_init(RTE_DIM(argv), argv) < 0)
		SKIP("EAL gets no hugepages: %s", rte_strerror(rte_errno));
	xsk_mem_init();
	xsk_mem_init();
	struck_off();
	spans();
	rte_eal_cleanup();
	return afx_test_end();
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "hugepages") == 0)
		return on_hugepages();
	fake_eal("test_mem");
	rooms();
	layout_empty();
	spans();
	crossing();
	sharing();
	shared_fd();
	rte_eal_cleanup();
	return afx_test_end();
}

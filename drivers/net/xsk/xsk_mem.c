/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which memory becomes UMEM: how a pool's objects serve as frames, the span to register, and the
 * registrations that queues of all ports share.
 *
 * A span is a set of live pages, not a range: EAL may free hugepages and map others at the same
 * address while the kernel still holds the old ones. The memory callback strikes such pages off,
 * and a registration that lost a page takes no new queues.
 *
 * The lock is also taken inside EAL's memory callback, which runs under EAL's own memory lock:
 * while holding it, nothing here may allocate DPDK memory or walk memory segments.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_memory.h>

#include "afx_kick.h"
#include "xsk.h"

static TAILQ_HEAD(, xsk_region) regions = TAILQ_HEAD_INITIALIZER(regions);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Strike [addr, addr + len) off every registration that covers part of it. */
static void
mem_event(enum rte_mem_event type, const void *addr, size_t len, void *arg __rte_unused)
{
	uintptr_t lo = (uintptr_t)addr, hi = lo + len;
	struct xsk_region *r;

	if (type != RTE_MEM_EVENT_FREE)
		return;
	pthread_mutex_lock(&lock);
	TAILQ_FOREACH(r, &regions, next) {
		uintptr_t from = RTE_MAX(lo, r->base), to = RTE_MIN(hi, r->base + r->len);

		if (from >= to)
			continue;
		for (uint64_t g = (from - r->base) >> XSK_PAGE_SHIFT;
				g <= (to - 1 - r->base) >> XSK_PAGE_SHIFT; g++) {
			r->gone_pages += !r->gone[g];
			r->gone[g] = 1;
		}
		atomic_store_explicit(&r->any_gone, true, memory_order_release);
	}
	pthread_mutex_unlock(&lock);
}

void
xsk_mem_init(void)
{
	static bool done;

	pthread_mutex_lock(&lock);
	if (!done) {
		done = true;
		pthread_mutex_unlock(&lock);
		/* ENOTSUP without hugepages or with --legacy-mem: nothing is freed there. */
		rte_mem_event_callback_register(XSK_DRIVER_NAME, mem_event, NULL);
		return;
	}
	pthread_mutex_unlock(&lock);
}

/* The run of mapped EAL memory that an address lies in. */
struct area {
	uintptr_t at;
	uintptr_t lo;
	uintptr_t hi;
	unsigned int page_shift;
};

static int
find_area(const struct rte_memseg_list *msl, const struct rte_memseg *ms, size_t len, void *arg)
{
	struct area *a = arg;
	uintptr_t lo = (uintptr_t)ms->addr;

	if (a->at < lo || a->at >= lo + len)
		return 0;
	a->lo = lo;
	a->hi = lo + len;
	a->page_shift = __builtin_ctzll(msl->page_sz);
	return 1;
}

static void
widen(uintptr_t lo, uintptr_t hi, struct xsk_layout *lay)
{
	lay->lo = RTE_MIN(lay->lo, lo);
	lay->hi = RTE_MAX(lay->hi, hi);
}

static void
widen_by_chunk(struct rte_mempool *mp __rte_unused, void *arg, struct rte_mempool_memhdr *hdr,
	unsigned int idx __rte_unused)
{
	widen((uintptr_t)hdr->addr, (uintptr_t)hdr->addr + hdr->len, arg);
}

static void
widen_by_buffer(struct rte_mempool *mp __rte_unused, void *arg, void *obj,
	unsigned int idx __rte_unused)
{
	struct rte_mbuf *m = obj;

	widen((uintptr_t)m->buf_addr, (uintptr_t)m->buf_addr + m->buf_len, arg);
}

/* A run of memory without holes that holds part of a pool. */
struct run {
	uintptr_t lo;
	uintptr_t hi;
	uint64_t bytes;          /* of the pool */
};

struct runs {
	struct run *run;
	unsigned int cnt;
	unsigned int room;
};

static void
add_run(struct rte_mempool *mp __rte_unused, void *arg, struct rte_mempool_memhdr *hdr,
	unsigned int idx __rte_unused)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	struct area area = { .at = (uintptr_t)hdr->addr };
	struct runs *rs = arg;
	struct run *r = &rs->run[rs->cnt];

	if (rs->cnt == rs->room)
		return;
	rs->cnt++;
	rte_memseg_contig_walk(find_area, &area);
	r->lo = area.hi != 0 ? area.lo : RTE_ALIGN_FLOOR(area.at, page);
	r->hi = RTE_MAX(area.hi, RTE_ALIGN_CEIL(area.at + hdr->len, page));
	r->bytes = hdr->len;
}

static int
by_address(const void *a, const void *b)
{
	uintptr_t x = ((const struct run *)a)->lo, y = ((const struct run *)b)->lo;

	return x < y ? -1 : x > y;
}

/*
 * A UMEM has no holes. Where the pool lies around one (--legacy-mem) its longest run is used, and
 * frames outside are set aside as they turn up.
 */
static int
trim_holes(struct xsk_layout *lay, struct afx_err *err)
{
	struct runs rs = { .room = lay->mp->nb_mem_chunks };
	struct run *best, *last;

	rs.run = calloc(rs.room, sizeof(*rs.run));
	if (rs.run == NULL)
		return afx_err_set(err, -ENOMEM, "no memory for %u chunks of mempool %s", rs.room,
			lay->mp->name);
	rte_mempool_mem_iter(lay->mp, add_run, &rs);
	qsort(rs.run, rs.cnt, sizeof(*rs.run), by_address);
	best = last = &rs.run[0];
	for (unsigned int i = 1; i < rs.cnt; i++) {
		if (rs.run[i].lo <= last->hi) {
			last->hi = RTE_MAX(last->hi, rs.run[i].hi);
			last->bytes += rs.run[i].bytes;
		} else {
			last = &rs.run[i];
		}
		if (last->bytes > best->bytes)
			best = last;
	}
	lay->whole = best->lo <= lay->lo && best->hi >= lay->hi;
	lay->lo = RTE_MAX(lay->lo, best->lo);
	lay->hi = RTE_MIN(lay->hi, best->hi);
	free(rs.run);
	return 0;
}

int
xsk_layout_get(struct rte_mempool *mp, struct xsk_layout *lay, struct afx_err *err)
{
	memset(lay, 0, sizeof(*lay));
	lay->mp = mp;
	lay->lo = UINTPTR_MAX;
	lay->priv = rte_pktmbuf_priv_size(mp);
	lay->buf_len = rte_pktmbuf_data_room_size(mp);
	lay->pinned = rte_pktmbuf_priv_flags(mp) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF;
	if (lay->pinned)
		rte_mempool_obj_iter(mp, widen_by_buffer, lay);
	else
		rte_mempool_mem_iter(mp, widen_by_chunk, lay);
	if (lay->lo >= lay->hi)
		return afx_err_set(err, -EINVAL, "mempool %s has no objects", mp->name);
	return lay->pinned ? 0 : trim_holes(lay, err);
}

/*
 * The kernel keeps a head for each chunk that fits the span, whether it becomes a frame or not:
 * the larger the chunks, the fewer. One may begin early and overlap the frame before, as nobody
 * writes into the umem's headroom. Where a NIC follows the addresses it stays within its object,
 * which may be the first of a page.
 */
static uint32_t
front_pad(const struct xsk_layout *lay, uint32_t chunk, bool zc)
{
	uint32_t own = lay->pinned ? 0 : lay->mp->header_size;
	struct area area = { .at = lay->lo };

	if (!zc) {
		rte_memseg_contig_walk(find_area, &area);
		if (lay->hi <= area.hi)
			own += RTE_MIN(lay->lo - area.lo, (uintptr_t)AFX_CHUNK_MAX);
	}
	/* Frames stay aligned as their objects are. */
	return RTE_ALIGN_FLOOR(RTE_MIN(own, AFX_CHUNK_MAX - chunk), RTE_CACHE_LINE_SIZE);
}

int
xsk_frames_get(const struct xsk_layout *lay, bool overlap, bool zc, struct xsk_frames *fr,
	struct afx_err *err)
{
	int32_t buf_off = lay->pinned ? 0 : (int32_t)sizeof(struct rte_mbuf) + lay->priv;
	int32_t fill_off = buf_off + RTE_PKTMBUF_HEADROOM - (int32_t)AFX_XDP_HEADROOM;
	uint32_t room;

	/* The buffer in front of a pinned one is somebody else's packet. */
	fr->overlap = overlap && !lay->pinned && fill_off >= 0;
	fr->data_off = fr->overlap ? RTE_PKTMBUF_HEADROOM :
		RTE_MAX((uint32_t)RTE_PKTMBUF_HEADROOM, AFX_XDP_HEADROOM);
	fr->fill_off = buf_off + fr->data_off - (int32_t)AFX_XDP_HEADROOM;
	room = lay->buf_len > fr->data_off ? lay->buf_len - fr->data_off : 0;
	fr->room = RTE_MIN(room, (uint32_t)XSK_ROOM_MAX);
	fr->chunk = AFX_XDP_HEADROOM + fr->room;
	if (fr->chunk < AFX_CHUNK_MIN)
		return afx_err_set(err, -EINVAL,
			"mempool %s: buffers of %u bytes leave room for %u bytes of packet, the "
			"kernel needs "
			"%u: create it with a data room of at least %u",
			lay->mp->name, lay->buf_len, room, AFX_CHUNK_MIN - AFX_XDP_HEADROOM,
			AFX_CHUNK_MIN - AFX_XDP_HEADROOM + fr->data_off);
	/* Some NICs write to a chunk's first bytes, whatever the umem says. */
	fr->pad = zc && !fr->overlap ? 0 : front_pad(lay, fr->chunk, zc);
	fr->chunk += fr->pad;
	fr->fill_off -= (int32_t)fr->pad;
	return 0;
}

struct unusable {
	const struct xsk_layout *lay;
	const struct xsk_frames *fr;
	unsigned int shift;
	uint32_t cnt;
};

static void
count_unusable(struct rte_mempool *mp __rte_unused, void *arg, void *obj,
	unsigned int idx __rte_unused)
{
	struct unusable *c = arg;
	struct rte_mbuf *m = obj;
	uintptr_t fill = (c->lay->pinned ? (uintptr_t)m->buf_addr : (uintptr_t)m) + c->fr->fill_off;

	c->cnt += fill + c->fr->pad < c->lay->lo || fill + c->fr->chunk > c->lay->hi ||
		afx_frame_crosses(fill, c->fr->chunk, c->shift);
}

uint32_t
xsk_layout_unusable(const struct xsk_layout *lay, const struct xsk_frames *fr, unsigned int shift)
{
	struct unusable c = { .lay = lay, .fr = fr, .shift = shift };

	/*
	 * Without a limit to cross and with frames inside their objects there is nothing to find; a
	 * walk of a large pool costs more than all the rest of a queue's start.
	 */
	if (shift >= 63 && lay->whole && fr->fill_off + (int32_t)fr->pad >= 0 &&
			fr->fill_off + (int32_t)fr->chunk <= (int32_t)lay->mp->elt_size)
		return 0;
	rte_mempool_obj_iter(lay->mp, count_unusable, &c);
	return c.cnt;
}

/* Pools that the span could reach, collected before any is chosen. */
#define POOLS_MAX 64
struct pools {
	struct area area;
	unsigned int cnt;
	struct xsk_layout lay[POOLS_MAX];
};

static void
collect_pool(struct rte_mempool *mp, void *arg)
{
	struct pools *p = arg;
	struct xsk_layout *lay = &p->lay[p->cnt];

	if (p->cnt == POOLS_MAX || mp->populated_size == 0 ||
			mp->private_data_size < sizeof(struct rte_pktmbuf_pool_private) ||
			mp->elt_size < sizeof(struct rte_mbuf))
		return;
	*lay = (struct xsk_layout){ .mp = mp, .lo = UINTPTR_MAX };
	rte_mempool_mem_iter(mp, widen_by_chunk, lay);
	if (lay->lo >= p->area.lo && lay->hi <= p->area.hi)
		p->cnt++;
}

static uint64_t
round_len(uintptr_t lo, uintptr_t hi)
{
	uint64_t page = sysconf(_SC_PAGESIZE);

	return RTE_ALIGN_CEIL(hi, page) - RTE_ALIGN_FLOOR(lo, page);
}

/* Take in the pools of the area, the one that costs least first, while the heads stay under cap. */
static void
reach_pools(const struct area *area, const struct xsk_span_want *want, uintptr_t *lo,
	uintptr_t *hi)
{
	struct pools *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return;
	p->area = *area;
	rte_mempool_walk(collect_pool, p);
	while (p->cnt > 0) {
		uint64_t best_len = UINT64_MAX;
		unsigned int best = 0;

		for (unsigned int i = 0; i < p->cnt; i++) {
			uint64_t len = round_len(RTE_MIN(*lo, p->lay[i].lo),
				RTE_MAX(*hi, p->lay[i].hi));

			if (len < best_len) {
				best_len = len;
				best = i;
			}
		}
		if (afx_umem_heads(best_len, want->chunk) * want->queues > want->heads_cap)
			break;
		*lo = RTE_MIN(*lo, p->lay[best].lo);
		*hi = RTE_MAX(*hi, p->lay[best].hi);
		p->lay[best] = p->lay[--p->cnt];
	}
	free(p);
}

void
xsk_span_get(const struct xsk_layout *lay, const struct xsk_layout *all, unsigned int all_cnt,
	const struct xsk_span_want *want, struct xsk_span *span)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	struct area area = { .at = lay->lo, .page_shift = __builtin_ctzll(page) };
	uintptr_t lo = lay->lo, hi = lay->hi;

	/* A pool that no run of EAL memory holds whole is registered by itself. */
	rte_memseg_contig_walk(find_area, &area);
	if (area.hi != 0 && hi > area.hi) {
		area.hi = 0;
		area.page_shift = __builtin_ctzll(page);
	}
	if (area.hi != 0) {
		for (unsigned int i = 0; i < all_cnt; i++) {
			if (all[i].lo < area.lo || all[i].hi > area.hi)
				continue;
			lo = RTE_MIN(lo, all[i].lo);
			hi = RTE_MAX(hi, all[i].hi);
		}
		if (want->umem == XSK_UMEM_AUTO)
			reach_pools(&area, want, &lo, &hi);
		if (want->umem == XSK_UMEM_HEAP) {
			lo = area.lo;
			hi = area.hi;
		}
		/* Tags are taken from addresses: the first frames need bytes before them. */
		lo -= RTE_MIN(lo - area.lo, (uintptr_t)XSK_DESC_MAX);
	}
	span->base = RTE_ALIGN_FLOOR(lo, page);
	span->len = round_len(lo, hi);
	span->page_shift = area.page_shift;
}

static struct xsk_region *
find_region(const struct xsk_span *span, const struct xsk_frames *fr, bool zc, bool sg)
{
	struct xsk_region *r;

	TAILQ_FOREACH(r, &regions, next)
		if (r->base == span->base && r->len == span->len && r->chunk == fr->chunk &&
			r->pad == fr->pad && r->zc == zc && r->sg == sg &&
			!atomic_load_explicit(&r->any_gone, memory_order_acquire))
			return r;
	return NULL;
}

int
xsk_region_get(const struct xsk_span *span, const struct xsk_frames *fr, bool zc, bool sg,
	struct xsk_region **region, struct afx_err *err)
{
	struct xsk_region *r;
	int ret = 0;

	pthread_mutex_lock(&lock);
	r = find_region(span, fr, zc, sg);
	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r != NULL) {
			r->granules = (span->len >> XSK_PAGE_SHIFT) + 1;
			r->gone = calloc(r->granules, 1);
		}
		if (r == NULL || r->gone == NULL) {
			free(r);
			ret = afx_err_set(err, -ENOMEM, "no memory for a registration");
			goto unlock;
		}
		r->base = span->base;
		r->len = span->len;
		r->page_shift = span->page_shift;
		r->chunk = fr->chunk;
		r->pad = fr->pad;
		r->zc = zc;
		r->sg = sg;
		LIST_INIT(&r->bound);
		TAILQ_INSERT_TAIL(&regions, r, next);
	}
	r->queues++;
	*region = r;
unlock:
	pthread_mutex_unlock(&lock);
	return ret;
}

int
xsk_region_shared_fd(struct xsk_region *region)
{
	struct xsk_pair *pair;
	int fd = -1;

	pthread_mutex_lock(&lock);
	/* The kernel unbinds a socket whose interface is gone: nothing can be shared with it. */
	while ((pair = LIST_FIRST(&region->bound)) != NULL &&
			afx_kick_rx(pair->sock->fd) == -ENXIO) {
		LIST_REMOVE(pair, link);
		pair->on_list = false;
	}
	/* A duplicate: the owner may close its socket before ours is bound. */
	if (pair != NULL && !atomic_load_explicit(&region->any_gone, memory_order_acquire))
		fd = fcntl(pair->sock->fd, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&lock);
	return fd;
}

void
xsk_region_bound(struct xsk_region *region, struct xsk_pair *pair)
{
	pthread_mutex_lock(&lock);
	LIST_INSERT_HEAD(&region->bound, pair, link);
	pair->on_list = true;
	pthread_mutex_unlock(&lock);
}

void
xsk_region_put(struct xsk_region *region, struct xsk_pair *pair)
{
	if (region == NULL)
		return;
	pthread_mutex_lock(&lock);
	if (pair->on_list)
		LIST_REMOVE(pair, link);
	pair->on_list = false;
	if (--region->queues == 0) {
		TAILQ_REMOVE(&regions, region, next);
		free(region->gone);
		free(region);
	}
	pthread_mutex_unlock(&lock);
}

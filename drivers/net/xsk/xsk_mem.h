/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Functions of xsk_mem.c: layouts, spans and registrations. The lock is taken inside; get counts
 * the queue as a user, bound and put end that. Included by xsk.h, which has the structures.
 */
#ifndef XSK_MEM_H
#define XSK_MEM_H

void xsk_mem_init(void);
int xsk_layout_get(struct rte_mempool *mp, struct xsk_layout *lay, struct afx_err *err);
/* Frames that cross 1 << shift bytes or lie outside what of the pool can be registered. */
uint32_t xsk_layout_unusable(const struct xsk_layout *lay, const struct xsk_frames *fr,
	unsigned int shift);
int xsk_frames_get(const struct xsk_layout *lay, bool overlap, bool zc, struct xsk_frames *fr,
	struct afx_err *err);
struct xsk_span {
	uintptr_t base;
	uint64_t len;
	unsigned int page_shift;
};
struct xsk_span_want {
	enum xsk_umem umem;
	uint64_t heads_cap;      /* bytes that reaching other pools may cost (umem=auto) */
	uint32_t chunk;
	unsigned int queues;     /* bound queues that pay for the heads */
};
void xsk_span_get(const struct xsk_layout *lay, const struct xsk_layout *all, unsigned int all_cnt,
	const struct xsk_span_want *want, struct xsk_span *span);
int xsk_region_get(const struct xsk_span *span, const struct xsk_frames *fr, bool zc, bool sg,
	struct xsk_region **region, struct afx_err *err);
int xsk_region_shared_fd(struct xsk_region *region);
void xsk_region_bound(struct xsk_region *region, struct xsk_pair *pair);
void xsk_region_put(struct xsk_region *region, struct xsk_pair *pair);

/* Whether [p, p + len), inside the registration, has lost a page since it was registered. */
static inline bool
xsk_region_gone(const struct xsk_region *r, uintptr_t p, uint32_t len)
{
	uint64_t first = (p - r->base) >> XSK_PAGE_SHIFT;
	uint64_t last = (p - r->base + len - 1) >> XSK_PAGE_SHIFT;

	return r->gone[first] || r->gone[last];
}

#endif

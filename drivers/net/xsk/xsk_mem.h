/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Functions of xsk_mem.c: layouts, spans and registrations. Control functions of any port; the lock
 * is taken inside. 0 or -errno with err filled where they can fail. Included by xsk.h, which has
 * the structures.
 */
#ifndef XSK_MEM_H
#define XSK_MEM_H

/* Listen to EAL's memory events; at the first probe, further calls do nothing. */
void xsk_mem_init(void);

/* How the objects of a pktmbuf pool lie; -EINVAL for an empty pool, -ENOMEM. */
int xsk_layout_get(struct rte_mempool *mp, struct xsk_layout *lay, struct afx_err *err);
/* Frames that cross 1 << shift bytes or lie outside what of the pool can be registered. */
uint32_t xsk_layout_unusable(const struct xsk_layout *lay, const struct xsk_frames *fr,
	unsigned int shift);

/*
 * Frames of such a pool, with the kernel's headroom over the mbuf or not, for a NIC that follows
 * their addresses or not; -EINVAL: too small.
 */
int xsk_frames_get(const struct xsk_layout *lay, bool overlap, bool zc, struct xsk_frames *fr,
	struct afx_err *err);

/* Memory to register: page aligned, in bytes; the smallest page in it is 1 << page_shift. */
struct xsk_span {
	uintptr_t base;
	uint64_t len;
	unsigned int page_shift;
};
struct xsk_span_want {
	enum xsk_umem umem;
	uint64_t heads_cap;      /* bytes of heads up to which umem=auto takes in other pools */
	uint32_t chunk;
	unsigned int queues;     /* bound queues that pay for the heads */
};
/* The span of a queue with layout lay, in a port whose receive queues have the layouts all. */
void xsk_span_get(const struct xsk_layout *lay, const struct xsk_layout *all, unsigned int all_cnt,
	const struct xsk_span_want *want, struct xsk_span *span);

/*
 * The registration of a span, shared where the needs agree; the caller counts as a user until put,
 * which frees it after the last one. Nothing is registered with the kernel here: the first socket
 * does that, and once bound serves others to share from, between bound and put of its pair.
 */
int xsk_region_get(const struct xsk_span *span, const struct xsk_frames *fr, bool zc, bool sg,
	struct xsk_region **region, struct afx_err *err);
/* A duplicate, for the caller to close, of a bound socket's descriptor, or -1. */
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

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bare AF_XDP sockets of the benchmark, see ring.h: memory, opening, sending. The loops:
 * ring_loop.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "afx_fork.h"
#include "ring.h"

#define BIND_WAIT_MS 2000
#define HUGE (2ULL << 20)

/* Frames as a transmitting pool has them: the packet stands behind the XDP headroom. */
static void
prepare(struct ring *r, const struct job *job)
{
	for (uint32_t i = 0; i < RING_FRAMES; i++) {
		uint8_t *data = r->base + (uint64_t)i * r->chunk + AFX_XDP_HEADROOM;

		frame_build(data, job->size.longest, job->dst_mac);
		frame_set_flow(data, i & (job->flows - 1));
	}
}

static int
map_memory(struct ring *r, struct afx_err *err)
{
	uint64_t len = ((uint64_t)RING_FRAMES * r->chunk + HUGE - 1) & ~(HUGE - 1);

	r->base = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	if (r->base == MAP_FAILED)
		r->base = mmap(NULL, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (r->base == MAP_FAILED) {
		r->base = NULL;
		return afx_err_set(err, -errno, "%llu bytes of memory: %s",
			(unsigned long long)len, strerror(errno));
	}
	r->len = len;
	return 0;
}

static void
fill(struct ring *r)
{
	uint32_t idx;

	if (afx_prod_reserve(&r->s->fill, RING_ENTRIES, &idx) == 0)
		return;
	for (uint32_t i = 0; i < RING_ENTRIES; i++)
		*afx_prod_addr(&r->s->fill, idx + i) = r->free[--r->n_free];
	afx_prod_submit(&r->s->fill);
}

static int
create(struct ring *r, const struct afx_socket_cfg *base, bool rx, enum afx_bind bind,
	struct afx_err *err)
{
	struct afx_socket_cfg cfg = *base;
	int ret;

	cfg.bind = bind;
	ret = afx_socket_create(&cfg, &r->s, err);
	if (ret < 0)
		return ret;
	r->n_free = RING_FRAMES;
	for (uint32_t i = 0; i < RING_FRAMES; i++)
		r->free[i] = (uint64_t)i * r->chunk;
	if (rx)
		fill(r);
	ret = afx_socket_bind(r->s, BIND_WAIT_MS, err);
	if (ret == 0)
		return 0;
	afx_socket_close(r->s);
	r->s = NULL;
	return ret;
}

int
ring_open(struct ring *r, int ifindex, uint32_t queue, bool rx, const struct job *job,
	struct afx_err *err)
{
	struct afx_socket_cfg cfg = {
		.ifindex = ifindex, .queue = queue, .shared_fd = -1, .adopt_fd = -1,
		.rx_entries = rx ? RING_ENTRIES : 0, .tx_entries = RING_ENTRIES,
		.fill_entries = RING_FILL, .comp_entries = RING_ENTRIES,
	};
	int ret;

	memset(r, 0, sizeof(*r));
	r->chunk = job->size.longest + AFX_XDP_HEADROOM <= AFX_CHUNK_MIN ? AFX_CHUNK_MIN :
		AFX_CHUNK_MAX;
	if (job->size.longest + AFX_XDP_HEADROOM > AFX_CHUNK_MAX)
		return afx_err_set(err, -EINVAL,
			"frames of %u bytes do not fit into one of %u less %u of headroom",
			job->size.longest, AFX_CHUNK_MAX, AFX_XDP_HEADROOM);
	ret = map_memory(r, err);
	if (ret < 0)
		return ret;
	prepare(r, job);
	cfg.umem = (struct afx_umem_cfg){ .base = r->base, .len = r->len, .chunk = r->chunk };
	ret = create(r, &cfg, rx, AFX_BIND_ZC, err);
	if (ret < 0)
		ret = create(r, &cfg, rx, AFX_BIND_COPY, err);
	if (ret < 0) {
		ring_close(r);
		return ret;
	}
	r->zero_copy = r->s->zero_copy;
	return 0;
}

void
ring_close(struct ring *r)
{
	afx_socket_close(r->s);
	if (r->base != NULL)
		munmap(r->base, r->len);
	r->s = NULL;
	r->base = NULL;
}

uint32_t
ring_send(struct ring *r, const struct frame_size *size, uint32_t *mix, uint32_t n, uint64_t *bytes)
{
	struct afx_prod *tx = &r->s->tx;
	struct live_len fields;
	uint32_t idx;

	if (n > r->n_free)
		n = r->n_free;
	if (n == 0 || afx_prod_reserve(tx, n, &idx) == 0)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		struct xdp_desc *d = afx_prod_desc(tx, idx + i);
		uint64_t addr = r->free[--r->n_free];

		d->addr = addr + AFX_XDP_HEADROOM;
		d->len = size->len[*mix];
		d->options = 0;
		*bytes += d->len;
		if (size->cnt == 1)
			continue;
		frame_len_fields(d->len, &fields);
		frame_set_len(r->base + d->addr, &fields);
		*mix = *mix + 1 < size->cnt ? *mix + 1 : 0;
	}
	afx_prod_submit(tx);
	return n;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bare AF_XDP: a socket with a UMEM of its own on one queue, and loops that move frames between its
 * rings. The limit for a driver on the same sockets, a generator, and the far end of the latency
 * measurement.
 */
#ifndef BENCH_RING_H
#define BENCH_RING_H

#include "afx_kick.h"
#include "afx_frame.h"
#include "afx_socket.h"
#include "job.h"

#define RING_ENTRIES 2048
/* Twice what is ever posted: the kernel publishes late what it took. */
#define RING_FILL (2 * RING_ENTRIES)
#define RING_FRAMES (2 * RING_ENTRIES)

struct ring {
	struct afx_socket *s;
	uint8_t *base;
	uint64_t len;
	uint32_t chunk;
	bool zero_copy;
	uint32_t n_free;         /* frames neither with the kernel nor on the way */
	uint64_t free[RING_FRAMES];
};

/*
 * Open a socket on a queue; the calling thread is in the interface's namespace. rx: it receives,
 * and half of the frames go into the fill ring. Frames of tx carry the benchmark's packets. 0 or
 * -errno with err filled.
 */
int ring_open(struct ring *r, int ifindex, uint32_t queue, bool rx, const struct job *job,
	struct afx_err *err);
void ring_close(struct ring *r);

/* The process of a bare_xsk candidate, and that of the xsk generator. */
void ring_candidate(struct job_page *page);
void ring_generator(struct job_page *page);

static inline uint8_t *
ring_data(const struct ring *r, uint64_t addr)
{
	return r->base + afx_frame_byte(addr);
}

/* Start of the chunk that an address of any ring lies in. */
static inline uint64_t
ring_chunk(const struct ring *r, uint64_t addr)
{
	return afx_frame_byte(addr) & ~(uint64_t)(r->chunk - 1);
}

/* Take completions back into the free frames. */
static inline void
ring_reclaim(struct ring *r)
{
	struct afx_cons *comp = &r->s->comp;
	uint32_t idx, n = afx_cons_peek(comp, RING_ENTRIES, &idx);

	if (n == 0)
		return;
	for (uint32_t i = 0; i < n && r->n_free < RING_FRAMES; i++)
		r->free[r->n_free++] = ring_chunk(r, afx_cons_addr(comp, idx + i));
	afx_cons_release(comp);
}

/* Give n received frames from idx on back to the kernel. */
static inline void
ring_give_back(struct ring *r, uint32_t idx, uint32_t n)
{
	const struct afx_cons *rx = &r->s->rx;
	struct afx_prod *fill = &r->s->fill;
	uint32_t at = 0;

	if (afx_prod_reserve(fill, n, &at) == 0) {
		for (uint32_t i = 0; i < n; i++)
			r->free[r->n_free++] = ring_chunk(r, afx_cons_desc(rx, idx + i)->addr);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		*afx_prod_addr(fill, at + i) = ring_chunk(r, afx_cons_desc(rx, idx + i)->addr);
	afx_prod_submit(fill);
}

/* Start transmission of what was submitted. In copy mode the kernel sends only then. */
static inline void
ring_kick(struct ring *r)
{
	if (!r->zero_copy || afx_prod_needs_wakeup(&r->s->tx))
		afx_kick_tx(r->s->fd);
}

/*
 * Submit up to n prepared frames, lengths taking turns from *mix on; returns how many. Does not
 * kick.
 */
uint32_t ring_send(struct ring *r, const struct frame_size *size, uint32_t *mix, uint32_t n,
	uint64_t *bytes);

#endif

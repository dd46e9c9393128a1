/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A kernel that costs nothing, for measuring what a poll-mode driver itself costs.
 *
 * The executable defines mmap, sendto, send, recvfrom, poll and setsockopt itself, so the driver's
 * calls reach them first. Sockets, bind and programs stay real; only the mappings of AF_XDP rings
 * are replaced by plain memory, and the calls that would make the kernel look at its rings return
 * at once. The kernel's own rings stay empty, so it never touches a frame. The benchmark moves the
 * entries between bursts, outside of what it measures.
 *
 * Threads: one. A driver that opens several sockets gets one fake each, in order of bind.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <linux/if_xdp.h>
#include <stdint.h>

/* One ring as the kernel sees it. */
struct fk_ring {
	void *base;              /* of the mapping, NULL until mapped */
	uint32_t *prod;
	uint32_t *cons;
	uint32_t *flags;
	void *entry;
	uint32_t mask;
};

struct fk_sock {
	int fd;
	uint32_t headroom;       /* of the UMEM this socket registered */
	uint32_t want[4];        /* entries asked for, by ring */
	struct fk_ring rx;
	struct fk_ring tx;
	struct fk_ring fill;
	struct fk_ring comp;
	uint64_t calls;          /* sendto, send, recvfrom and poll on it */
};

/* Sockets with all four rings mapped; index in order of creation. */
unsigned int fk_count(void);
struct fk_sock *fk_get(unsigned int i);

/* Frames of the fill ring become received packets of len bytes: how many, at most n. */
uint32_t fk_receive(struct fk_sock *s, uint32_t n, uint32_t len);

/* Everything on the tx ring is sent and completed: how many. */
uint32_t fk_complete(struct fk_sock *s);

/* Packets on the tx ring. */
uint32_t fk_tx_pending(const struct fk_sock *s);

#endif

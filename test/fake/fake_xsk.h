/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's side of an AF_XDP socket in plain memory. It takes the place of afx_socket.c and
 * afx_kick.c: what the driver creates, binds, kicks and closes is a struct fake_xsk, and the test
 * plays the kernel, an honest one or not.
 *
 * The driver's own control path (xsk_pair_open, xsk_close_queues) wires queues to it, so that no
 * copy of that wiring exists. Threads: as the test that plays the kernel decides, not locked.
 */
#ifndef FAKE_XSK_H
#define FAKE_XSK_H

#include <stdbool.h>
#include <stdint.h>

#include "afx_socket.h"

/* A ring as the kernel sees it; raw indexes, for lies. */
struct fake_ring {
	uint32_t prod;
	uint32_t cons;
	uint32_t flags;
	uint32_t entries;
	void *entry;
};

struct fake_xsk {
	struct afx_socket sock;  /* first: what the driver holds */
	struct fake_ring rx;
	struct fake_ring tx;
	struct fake_ring fill;
	struct fake_ring comp;
	/* What the next kicks do, and how many there were; NULL does nothing and returns 0. */
	int (*on_kick_tx)(struct fake_xsk *f, void *arg);
	void *arg;
	int kick_rx_ret;
	unsigned int kicks_tx;
	unsigned int kicks_rx;
};

/* Sockets alive, for leak checks; and what bind and the proof of release answer. */
extern unsigned int fake_xsk_alive;
extern int fake_bind_ret;
extern bool fake_released;
/* A socket whose interface is gone. */
extern int fake_unbound_fd;

/* Called when a socket is made, before the driver fills its rings: the test's policy. */
extern void (*fake_on_create)(struct fake_xsk *f);

/* Take one entry of the fill ring or the tx ring; false when it is empty. */
bool fake_take(struct fake_xsk *f, uint64_t *addr);
bool fake_consume(struct fake_xsk *f, struct xdp_desc *desc);

/*
 * Put one entry into the rx ring or the completion ring; false when it is full. off counts from
 * behind the umem's headroom, which the kernel adds.
 */
bool fake_deliver(struct fake_xsk *f, uint64_t addr, uint32_t len, uint32_t off);
bool fake_deliver_part(struct fake_xsk *f, uint64_t addr, uint32_t len, uint32_t off, bool more);
bool fake_complete(struct fake_xsk *f, uint64_t addr);

/* Entries the other side has not taken. */
uint32_t fake_waiting(const struct fake_ring *r);

#endif

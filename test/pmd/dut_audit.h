/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the driver tells the kernel, noted at libc's door by the shim: memory registered, rings
 * mapped, queues bound. Descriptors can then be read where the kernel reads them, without a word
 * from the driver.
 */
#ifndef DUT_AUDIT_H
#define DUT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Called by the shim after the real call succeeded. */
void
audit_socket(int fd);
void
audit_setsockopt(int fd, int name, const void *value, socklen_t len);
void
audit_mmap(int fd, off_t off, void *addr);
void
audit_bind(int fd, const struct sockaddr *addr);
void
audit_close(int fd);

/* A queue of an interface that has a bound socket. */
struct audit_queue {
	int fd;
	uintptr_t base;		/* of the registration */
	uint64_t len;
	uint32_t chunk;
	bool zero_copy;		/* XDP_OPTIONS says so */
};

/* Registrations that live sockets made, one after the other: false when there are no more. */
bool
audit_registration(unsigned int i, struct audit_queue *q);
bool
audit_find(unsigned int ifindex, unsigned int queue, struct audit_queue *q);
/* Where the kernel has put the packets that the next Rx burst takes; returns how many. */
unsigned int
audit_rx(unsigned int ifindex, unsigned int queue, uintptr_t *data, unsigned int n);
/* Where the kernel finds the last n packets that were handed to it for Tx, oldest first. */
unsigned int
audit_tx(unsigned int ifindex, unsigned int queue, uintptr_t *data, unsigned int n);
/* The last n frames that were posted for reception, oldest first; each is a chunk long. */
unsigned int
audit_fill(unsigned int ifindex, unsigned int queue, uintptr_t *frame, unsigned int n);

#endif

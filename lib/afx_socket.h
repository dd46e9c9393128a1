/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An AF_XDP socket with its rings, bound to one queue of a netdev.
 *
 * Life: create (socket, UMEM, rings) -> the owner fills the fill ring -> bind -> traffic -> close.
 * The fill ring comes first because some drivers take their buffers during bind.
 *
 * Owns the descriptor and the ring mappings. Ring structures are copied out by whoever moves
 * packets (afx_ring.h); the copies are dead after close. The mappings are not inherited by fork and
 * the descriptor is closed in forked children (afx_fork.h): either would keep the queue bound.
 *
 * Threads: control calls one at a time; rings as afx_ring.h says.
 */
#ifndef AFX_SOCKET_H
#define AFX_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "afx_err.h"
#include "afx_ring.h"
#include "afx_umem.h"

enum afx_bind {
	AFX_BIND_ZC,             /* zero-copy or fail */
	AFX_BIND_COPY,           /* copy */
};

struct afx_socket_cfg {
	int ifindex;
	uint32_t queue;
	enum afx_bind bind;
	bool sg;                 /* XDP_USE_SG, kernel 6.6 */
	uint32_t rx_entries;     /* a power of two, or 0 for no rx ring */
	uint32_t tx_entries;     /* a power of two, or 0 for no tx ring */
	uint32_t fill_entries;   /* a power of two, mandatory */
	uint32_t comp_entries;   /* a power of two, mandatory */
	struct afx_umem_cfg umem;
	int shared_fd;           /* a bound socket whose UMEM is shared, or -1 to register umem */
	int adopt_fd;            /* a given AF_XDP socket, unbound, without UMEM; or -1 */
};

struct afx_mapping {
	void *addr;              /* NULL where there is none */
	uint64_t len;
};

struct afx_socket {
	int fd;                  /* -1 when closed */
	struct afx_socket_cfg cfg;
	bool bound;
	bool zero_copy;          /* XDP_OPTIONS after bind */
	uint32_t tx_budget;      /* packets one kick may send in copy mode */
	struct afx_cons rx;
	struct afx_prod tx;
	struct afx_prod fill;
	struct afx_cons comp;
	struct afx_mapping map[4];
};

/*
 * Create socket and rings, registering or (at bind) sharing the UMEM. The calling thread must be in
 * the netdev's namespace; CAP_NET_RAW. *out is allocated from the private heap. Returns 0 or -errno
 * with err filled and nothing left behind (an adopted descriptor is closed too): -EPERM,
 * -EAFNOSUPPORT (kernel without AF_XDP), -EOPNOTSUPP (older than 5.4), -ENOBUFS (RLIMIT_MEMLOCK),
 * -EMFILE, -ENOMEM, -EINVAL. The socket whose UMEM is shared must stay open until bind has
 * returned. Syscalls: socket, setsockopt, getsockopt, mmap, madvise; on failure munmap, close.
 */
int afx_socket_create(const struct afx_socket_cfg *cfg, struct afx_socket **out,
	struct afx_err *err);

/*
 * Bind. A queue whose former socket was just closed answers EBUSY for some milliseconds more (the
 * kernel releases it from a work queue, net/xdp/xsk_buff_pool.c of Linux 6.18): retried until
 * wait_ms milliseconds have passed. The calling thread must be in the netdev's namespace. Any other
 * failure spoils socket and UMEM: close both. Returns 0 or -errno with err filled: -EBUSY another
 * socket holds the queue, -EOPNOTSUPP no zero-copy (or no multi-buffer), -EINVAL the driver
 * refuses, -ENETDOWN, -ENODEV. Syscalls: bind, getsockopt, clock_nanosleep, ioctl (for the error
 * text).
 */
int afx_socket_bind(struct afx_socket *s, unsigned int wait_ms, struct afx_err *err);

/*
 * Unmap the rings, close the descriptor, free. NULL is allowed. The kernel and the NIC may go on
 * using the UMEM for tens of milliseconds: the caller must prove release (afx_socket_released)
 * before reusing frames. Syscalls: munmap, close.
 */
void afx_socket_close(struct afx_socket *s);

/*
 * Whether the kernel has let go of a queue, by binding a throw-away socket to it. Returns 1
 * released (or the interface is gone), 0 still bound, -errno where it cannot be told. The calling
 * thread must be in the netdev's namespace. The probe itself keeps the queue busy for some
 * milliseconds after. Syscalls: socket, mmap, setsockopt, bind, close, munmap.
 */
int afx_socket_released(int ifindex, uint32_t queue);

/*
 * Kernel counters (XDP_STATISTICS, 5.9 for the last three), since the socket was made. Fields the
 * kernel does not have are 0. 0 or -errno. Any thread. Syscalls: getsockopt.
 */
struct afx_socket_stats {
	uint64_t rx_dropped;     /* packets, but those of rx_ring_full */
	uint64_t rx_invalid_descs; /* of another ring than told: says nothing (Linux 6.1 to 7.3) */
	uint64_t tx_invalid_descs; /* descriptors refused */
	uint64_t rx_ring_full;   /* packets */
	uint64_t rx_fill_empty;  /* times a frame was wanted and none was there */
	uint64_t tx_ring_empty;  /* times a packet was looked for and none was there */
};
int afx_socket_stats(int fd, struct afx_socket_stats *st);

/*
 * Whether this process may make AF_XDP sockets in the namespace of the calling thread: 0 or -errno
 * with err filled, as afx_socket_create. Syscalls: socket, close.
 */
int afx_socket_probe(struct afx_err *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A UMEM: one contiguous range of user memory registered with an AF_XDP socket. The kernel pins its
 * pages and charges them to RLIMIT_MEMLOCK unless the process has CAP_IPC_LOCK; they stay pinned
 * until the last socket bound with it is released. The memory itself remains the caller's.
 * Any thread.
 */
#ifndef AFX_UMEM_H
#define AFX_UMEM_H

#include <stdint.h>

#include "afx_err.h"

/*
 * Bytes of kernel memory per chunk for every bound (netdev, queue): struct xdp_buff_xsk and the
 * free list (kernel 6.18, measured; net/xdp/xsk_buff_pool.c).
 */
#define AFX_UMEM_HEAD_BYTES 136u

struct afx_umem_cfg {
	void *base;              /* page aligned */
	uint64_t len;            /* bytes, a multiple of the page size, every page mapped */
	uint32_t chunk;          /* bytes, AFX_CHUNK_MIN..AFX_CHUNK_MAX, unaligned chunks */
	uint32_t headroom;       /* bytes of it in front of the XDP headroom that nobody writes */
};

/*
 * Check cfg without a syscall: 0 or -EINVAL with err naming the field, its value and the range.
 */
int afx_umem_validate(const struct afx_umem_cfg *cfg, struct afx_err *err);

/*
 * Register cfg with the unbound socket fd. Returns 0 or -errno with err filled: -ENOBUFS is
 * RLIMIT_MEMLOCK, -EFAULT or -ENOMEM a page that is not mapped or no memory, -EINVAL a kernel
 * without unaligned chunks (before 5.4). Syscalls: setsockopt.
 */
int afx_umem_register(int fd, const struct afx_umem_cfg *cfg, struct afx_err *err);

/* Kernel memory in bytes that each queue bound to a UMEM of len bytes costs; chunk in bytes. */
static inline uint64_t
afx_umem_heads(uint64_t len, uint32_t chunk)
{
	return len / chunk * AFX_UMEM_HEAD_BYTES;
}

#endif

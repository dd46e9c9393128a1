/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses of a UMEM with unaligned chunks (XDP_UMEM_UNALIGNED_CHUNK_FLAG, kernel 5.4).
 *
 * A ring address has two parts: bits 0..47 are the base, a byte offset into the UMEM, bits 48..63
 * an offset added to it. In the fill ring the kernel takes the base and ignores the offset; it puts
 * the packet at base + 256 + headroom and answers in the rx ring with the same base and the
 * distance as offset. In the tx ring the sum is the first byte to send, and the completion ring
 * returns the address as it was written: how a sum is split between base and offset is the sender's
 * choice. (net/xdp/xsk_buff_pool.c, xsk.c, xsk_queue.h of Linux 6.18.)
 *
 * Pure functions: no state, no syscalls.
 */
#ifndef AFX_FRAME_H
#define AFX_FRAME_H

#include <linux/if_xdp.h>
#include <stdint.h>

/* Bytes the kernel keeps in front of every packet (XDP_PACKET_HEADROOM, linux/bpf.h). */
#define AFX_XDP_HEADROOM 256u

/*
 * Limits of a chunk in bytes (net/xdp/xdp_umem.c of Linux 6.18): XDP_UMEM_MIN_CHUNK_SIZE and the
 * page size, here that of 4 KiB.
 */
#define AFX_CHUNK_MIN 2048u
#define AFX_CHUNK_MAX 4096u

#define AFX_OFFSET_SHIFT XSK_UNALIGNED_BUF_OFFSET_SHIFT
#define AFX_BASE_MASK XSK_UNALIGNED_BUF_ADDR_MASK

static inline uint64_t
afx_frame_base(uint64_t addr)
{
	return addr & AFX_BASE_MASK;
}

static inline uint32_t
afx_frame_offset(uint64_t addr)
{
	return addr >> AFX_OFFSET_SHIFT;
}

/* Byte of the UMEM the address points at. */
static inline uint64_t
afx_frame_byte(uint64_t addr)
{
	return afx_frame_base(addr) + afx_frame_offset(addr);
}

/*
 * Address of byte with tag carried in the offset part; it comes back in the completion ring. The
 * caller makes sure that byte >= tag.
 */
static inline uint64_t
afx_frame_tagged(uint64_t byte, uint16_t tag)
{
	return (byte - tag) | (uint64_t)tag << AFX_OFFSET_SHIFT;
}

/* Whether [start, start + len) leaves the unit of 1 << shift bytes start lies in; len > 0. */
static inline int
afx_frame_crosses(uint64_t start, uint32_t len, unsigned int shift)
{
	return (start ^ (start + len - 1)) >> shift != 0;
}

#endif

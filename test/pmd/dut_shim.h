/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fault injection and syscall counting. The executable exports libc's own names, so that drivers
 * and libraries loaded later call here first, exactly as with a preloaded library.
 *
 * Calls are told apart by what they act on: only AF_XDP sockets and XSKMAPs are ever failed.
 */
#ifndef DUT_SHIM_H
#define DUT_SHIM_H

#include <stdbool.h>

enum shim_call {
	SHIM_SOCKET,		/* socket(AF_XDP) */
	SHIM_BIND,		/* bind of an AF_XDP socket */
	SHIM_MMAP,		/* mmap of an AF_XDP ring */
	SHIM_SETSOCKOPT,	/* setsockopt(SOL_XDP) */
	SHIM_GETSOCKOPT,	/* getsockopt(SOL_XDP) */
	SHIM_MAP_UPDATE,	/* bpf(BPF_MAP_UPDATE_ELEM or _BATCH) of an XSKMAP */
	SHIM_CALLS,
};

/* Let skip calls through, then fail the next n with err. Zeroes the hit count. */
void
shim_arm(enum shim_call call, unsigned int skip, unsigned int n, int err);
void
shim_disarm(void);
/* Calls failed since shim_arm. */
unsigned int
shim_hits(enum shim_call call);
const char *
shim_name(enum shim_call call);

/*
 * How ETHTOOL_GCHANNELS is answered: as the kernel does; with the separate Rx and Tx channels of
 * veth told as combined ones, which is all net_af_xdp knows; the same with a stale EOPNOTSUPP in
 * errno after success; or refused with EOPNOTSUPP.
 */
enum shim_channels { CHANNELS_TRUE, CHANNELS_COMBINED, CHANNELS_STALE_ERRNO, CHANNELS_REFUSED };
void
shim_channels(enum shim_channels how);

/* The next so many questions for the NAPI of a socket are answered by this id. */
void
shim_napi(unsigned int id, unsigned int times);

/* Calls the calling thread made to send*, recv* and *poll since it last reset them. */
struct shim_count {
	unsigned long send;
	unsigned long recv;
	unsigned long poll;
};
struct shim_count
shim_count_take(void);

#endif

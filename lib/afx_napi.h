/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Busy polling of a bound socket: its syscalls run the driver's NAPI in the caller's context
 * (SO_BUSY_POLL), and with preference also keep the softirq away from it (SO_PREFER_BUSY_POLL,
 * kernel 5.11).
 *
 * The socket options succeed on drivers that then poll nothing (veth, tun, ixgbe, ...): only a NAPI
 * id at the socket proves that there is something to poll. And a zero-copy socket with preference
 * never wakes its transmit queue, since the kernel takes the polled NAPI to send as well. Where Tx
 * has a NAPI of its own (virtio-net, igb with few queues) nothing would leave: such a socket must
 * do without preference, and a sender should watch all the same. (net/xdp/xsk.c of Linux 6.18.)
 *
 * fd is an AF_XDP socket. Any thread.
 */
#ifndef AFX_NAPI_H
#define AFX_NAPI_H

#include <stdbool.h>
#include <stdint.h>

#include "afx_err.h"

/*
 * NAPI that a socket would poll, 0 where it has none. Some drivers give one at bind, others (and
 * kernels before 6.13) with the first packet. Syscalls: getsockopt.
 */
uint32_t afx_napi_id(int fd);

/*
 * Turn on busy polling with a budget of packets a poll. Returns 0 or -errno with err filled and the
 * options taken back: -EOPNOTSUPP the driver gives the socket no NAPI id; -EPERM CAP_NET_ADMIN is
 * needed; -ENOPROTOOPT kernel before 5.11. The socket must be bound. Syscalls: setsockopt,
 * getsockopt.
 */
int afx_napi_busy_on(int fd, uint32_t budget, bool prefer, struct afx_err *err);

/* Go on without preference, so that transmit queues are woken. Syscalls: setsockopt. */
void afx_napi_unprefer(int fd);

/* Turn it off. Syscalls: setsockopt. */
void afx_napi_busy_off(int fd);

#endif

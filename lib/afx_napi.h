/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preferred busy polling of a bound socket: its syscalls run the driver's NAPI in the caller's
 * context (SO_PREFER_BUSY_POLL, kernel 5.11).
 *
 * The socket options succeed on drivers that then poll nothing (veth, tun, ixgbe, ...): only a NAPI
 * id at the socket proves that there is something to poll. And where Tx has a NAPI of its own
 * (virtio-net, igb with few queues) a busy-polled socket never wakes it: the sender must watch that
 * what it kicks leaves, and turn busy polling off when it does not.
 */
#ifndef AFX_NAPI_H
#define AFX_NAPI_H

#include <stdint.h>

#include "afx_err.h"

/*
 * Turn on busy polling with a budget of packets a poll. Returns 0 or -errno with err filled and the
 * options taken back: -EOPNOTSUPP the driver gives the socket no NAPI id; -EPERM CAP_NET_ADMIN is
 * needed; -ENOPROTOOPT kernel before 5.11. The socket must be bound. Syscalls: setsockopt,
 * getsockopt.
 */
int afx_napi_busy_on(int fd, uint32_t budget, struct afx_err *err);

/* Turn it off. Syscalls: setsockopt. */
void afx_napi_busy_off(int fd);

#endif

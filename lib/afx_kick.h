/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waking the kernel. The only syscalls of the data path; both return at once, but in copy mode
 * afx_kick_tx sends before it does and lets callers on one socket wait for each other. fd is a
 * bound AF_XDP socket. Any thread. No capability.
 *
 * Errors (net/xdp/xsk.c of Linux 6.18): -ENETDOWN the interface is down; -ENXIO the socket is no
 * longer bound (interface gone). Of afx_kick_tx also: -EAGAIN the batch limit was reached and more
 * waits, or the device queue is full; -EBUSY the device refused one packet, which is lost but
 * completed (copy mode); -ENOBUFS the socket's send buffer is full.
 */
#ifndef AFX_KICK_H
#define AFX_KICK_H

/*
 * Packets that afx_kick_tx sends at most in copy mode where the kernel has no XDP_MAX_TX_SKB_BUDGET
 * (TX_BATCH_SIZE in net/xdp/xsk.c).
 */
#define AFX_TX_BATCH 32

/* Start transmission of what the tx ring holds: 0 or -errno. Syscalls: sendto. */
int afx_kick_tx(int fd);

/*
 * Let the driver look at the fill ring: 0 or -errno. Syscalls: recvfrom. Never poll(), which
 * transmits in copy mode.
 */
int afx_kick_rx(int fd);

#endif

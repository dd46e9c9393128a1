/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control handle of a port: the network namespace it lives in and the sockets through which that
 * namespace is asked and changed (rtnetlink, generic netlink, an ioctl socket). Opened once at
 * probe; the sockets keep pointing into their namespace whatever the calling thread does later.
 *
 * Threads: any may ask and change through one handle; opening and closing it is one caller's.
 * The handle is allocated from the private heap and belongs to whoever opened it.
 */
#ifndef AFX_CTL_H
#define AFX_CTL_H

#include <stdbool.h>

#include "afx_err.h"

struct afx_ctl;

/*
 * Open a control handle. netns is NULL or "" for the caller's namespace, a name under /run/netns,
 * or a path (contains '/') of a namespace file. The calling thread is back in its own namespace on
 * return. Returns 0 or -errno with err filled, nothing left behind: -ENOENT no such namespace,
 * -EINVAL not a namespace, -EPERM CAP_SYS_ADMIN is needed to enter another one, -ENOMEM.
 * Syscalls: open, fstat, setns, socket, setsockopt, getsockopt, connect, close.
 */
int afx_ctl_open(const char *netns, struct afx_ctl **ctl, struct afx_err *err);

/* Close every descriptor of the handle and free it. NULL is allowed. Syscalls: close. */
void afx_ctl_close(struct afx_ctl *ctl);

/* Whether both are of one namespace, by whatever name each was opened. Any thread, no syscalls. */
bool afx_ctl_same_netns(const struct afx_ctl *a, const struct afx_ctl *b);

/*
 * Move the calling thread into the namespace of ctl, and back. Needed around calls that act on the
 * namespace of the caller (socket(AF_XDP), bpf link creation). enter returns a token >= 0 (to hand
 * to leave on the same thread; no-op when the handle is of the caller's own namespace) or -errno
 * with err filled, -EPERM without CAP_SYS_ADMIN. Syscalls: open, fstat, setns, close.
 */
int afx_ctl_enter(const struct afx_ctl *ctl, struct afx_err *err);
void afx_ctl_leave(const struct afx_ctl *ctl, int token);

#endif

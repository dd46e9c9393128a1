/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors that a forked child must not keep. A child that inherits an AF_XDP socket keeps its
 * queue bound, and one that inherits a link keeps the program attached, however long it lives after
 * its parent. Close-on-exec helps only children that exec; this closes them in fork() itself.
 *
 * The descriptor variable must lie in private memory (not shared hugepages): the child sets its
 * copy to -1. Any thread. Syscalls: none in the parent.
 */
#ifndef AFX_FORK_H
#define AFX_FORK_H

/* Watch the descriptor stored at fd. 0, or -ENOMEM when it cannot be watched (not fatal). */
int afx_fork_watch(int *fd);

/* Stop watching; absent is not an error. */
void afx_fork_forget(int *fd);

/* Stop watching, close what is open and set -1, as one step for a fork at the same time. */
void afx_fork_close(int *fd);

/*
 * Keep forks waiting from the call that makes a descriptor (or a mapping that must not be
 * inherited) until it is stored where it is watched. Short; must not be nested, and none of the
 * functions above may be called in between.
 */
void afx_fork_hold(void);
void afx_fork_release(void);

#endif

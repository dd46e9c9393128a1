/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What processes changed on a netdev and must be put back: MTU and MAC, and what afx_tune.h
 * changes, which outlive a killed process. One file per netdev,
 * /run/net_xsk/<netns inode>-<ifindex>.state, is both the record and a lock that tells who uses the
 * netdev: every handle holds it shared (flock, so it vanishes with a killed process) and the last
 * one to leave puts the values back.
 *
 *   start:   afx_state_recover -> afx_state_open
 *   change:  afx_state_record_mtu -> afx_netdev_set_mtu
 *   close:   afx_state_restore -> afx_state_close
 *
 * A record is applied only on the boot, in the namespace and to the device that it was made for,
 * and only where the device still has the value that was set: a later change by somebody else is
 * kept. Users in different mount namespaces (other /run) do not see each other.
 *
 * A handle is used by one thread at a time. Forked children do not count as users (afx_fork.h).
 * Functions that touch the file wait up to 5 s for another process that does (-ETIMEDOUT). The
 * folder must belong to root or the effective user and be writable by no one else.
 */
#ifndef AFX_STATE_H
#define AFX_STATE_H

#include "afx_netdev.h"

struct afx_state;

/*
 * Open or create the record of a netdev and count as its user; *st ends with afx_state_close.
 * Returns 0; 1 when the record cannot be written (err says why): the handle then works, but a
 * killed process leaves its values behind and other users are not seen; or -errno (-ENODEV,
 * -ENOMEM). Syscalls: those of afx_netdev.h, mkdir, lstat, open, fcntl, flock, pread, pwrite,
 * ftruncate.
 */
int afx_state_open(struct afx_ctl *ctl, int ifindex, struct afx_state **st, struct afx_err *err);

/*
 * Record a value to put back, before it is changed: original is what the device has, set_to what it
 * is going to get (MTU in bytes). A value recorded by an earlier change keeps its original;
 * recording the original as set_to erases it. Two processes that change the same value at the same
 * instant may lose the first original. Returns 0, or 1 with err filled when it could be kept in
 * memory only. Syscalls: fcntl, pread, pwrite.
 */
int afx_state_record_mtu(struct afx_state *st, uint32_t original, uint32_t set_to,
	struct afx_err *err);
int afx_state_record_mac(struct afx_state *st, const uint8_t original[AFX_MAC_LEN],
	const uint8_t set_to[AFX_MAC_LEN], struct afx_err *err);

/*
 * The device of this handle goes on under another name, by which a virtual one is known again.
 * NULL is allowed. Syscalls: fcntl, pread, pwrite.
 */
void afx_state_renamed(struct afx_state *st, const char *ifname);

/*
 * Stop being a user; the last one puts the values back and removes the record. Returns 0, 1 when
 * others still use the netdev and the values stay for the last of them, or -errno when a value
 * could not be put back: the record is kept then, for the next start. A device that is gone has
 * nothing to be put back. CAP_NET_ADMIN where there is something. The handle can only be closed
 * afterwards. Syscalls: those of afx_netdev.h and afx_irq.h, fcntl, flock, pread, pwrite, unlink,
 * close.
 */
int afx_state_restore(struct afx_ctl *ctl, struct afx_state *st, struct afx_err *err);

/*
 * Free the handle. Without restore what was recorded stays for the next start. NULL is allowed.
 * Syscalls: fcntl, flock, pread, unlink, close.
 */
void afx_state_close(struct afx_state *st);

/*
 * Put back what a killed process left. Returns 1 when a value was put back, 0 when there was
 * nothing to do (no record, a stale one, which is removed, or one in use by a live process), or
 * -errno with the record kept. CAP_NET_ADMIN where there is something. Syscalls as those of
 * restore, and lstat, open.
 */
int afx_state_recover(struct afx_ctl *ctl, int ifindex, struct afx_err *err);

/*
 * Whether this handle is the only user of the netdev at this moment: 1 yes, 0 no, -EOPNOTSUPP
 * without a file, or -errno. Syscalls: fcntl, flock.
 */
int afx_state_users_exclusive(struct afx_state *st);

#endif

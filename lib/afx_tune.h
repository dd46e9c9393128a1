/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes beside a netdev that make its queues faster: NAPI parameters and the CPUs of interrupts.
 * Each is recorded in the state record (afx_state.h) before it is made. afx_tune_undo takes back
 * what a handle changed; what a killed process left is put back by the last user or the next start,
 * together with MTU and MAC.
 *
 * As there, a value is put back only where it is still the one that was set, a NAPI only while it
 * belongs to the netdev, and an interrupt only while it is one of its device.
 *
 * Threads as for the handle of afx_state.h. NAPIs take CAP_NET_ADMIN (-EPERM), interrupts a user
 * who may write /proc/irq (-EACCES, -EROFS). Syscalls: those of afx_netdev.h, afx_irq.h and the
 * record.
 */
#ifndef AFX_TUNE_H
#define AFX_TUNE_H

#include "afx_irq.h"
#include "afx_netdev_napi.h"
#include "afx_state.h"

/*
 * Set the parameters of a NAPI of the netdev. Returns 0, 1 when it was done but could be recorded
 * in memory only, or -errno with err filled and nothing changed: -ENOENT no such NAPI here,
 * -EOPNOTSUPP kernel before 6.13.
 */
int afx_tune_napi(struct afx_ctl *ctl, struct afx_state *st, uint32_t id,
	const struct afx_napi_params *want, struct afx_err *err);

/*
 * The same for the CPUs of an interrupt, a list as in afx_irq.h; -ENOENT where it is none of the
 * netdev's, -ERANGE a list too long, -EIO, -EINVAL the kernel manages it by itself.
 */
int afx_tune_irq(struct afx_ctl *ctl, struct afx_state *st, uint32_t irq, const char *cpus,
	struct afx_err *err);

/*
 * Put back what this handle changed, last first. Returns how many values were put back, or the
 * first error; what failed stays recorded. Runs twice safely.
 */
int afx_tune_undo(struct afx_ctl *ctl, struct afx_state *st, struct afx_err *err);

#endif

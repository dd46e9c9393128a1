/* SPDX-License-Identifier: BSD-3-Clause */
/* A value as sysfs and procfs hold it: one line in a file of its own. */
#ifndef AFX_SYSFS_H
#define AFX_SYSFS_H

/*
 * First line of a file, without its end. A value that does not fit is an error, for half a word
 * means another thing. Returns 0, -ERANGE or -errno; value is "" then. len is not 0.
 * Syscalls: open, read, close.
 */
int afx_sysfs_line(const char *path, char *value, unsigned int len);

#endif

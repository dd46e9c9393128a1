/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Error text of the library: filled in where the failing call stands, printed by whoever decides
 * that the failure matters. The library itself never prints.
 */
#ifndef AFX_ERR_H
#define AFX_ERR_H

#define AFX_ERR_LEN 384

/*
 * An error: negative errno and one sentence with the call, its arguments, the errno and the remedy.
 */
struct afx_err {
	int code;
	char text[AFX_ERR_LEN];
};

/*
 * Store code and text in err (which may be NULL) and return code, so that a failing branch reads
 * "return afx_err_set(err, -EINVAL, ...)". Long text is cut. No syscalls; any thread.
 */
int afx_err_set(struct afx_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

#endif

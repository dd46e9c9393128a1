/* SPDX-License-Identifier: BSD-3-Clause */
/* Error text of the library, see afx_err.h. */
#include <stdarg.h>
#include <stdio.h>

#include "afx_err.h"

int
afx_err_set(struct afx_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

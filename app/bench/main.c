/* SPDX-License-Identifier: BSD-3-Clause */
/* dpdk-xsk-bench: the table of modes, and which one a command line asks for. */
#include <stdio.h>
#include <string.h>

#include "live.h"

int
main(void)
{
	struct live *l; struct afx_err e;
	struct live_opts o = { .ifindex = 1 };
	return live_open(&o, &l, &e);
}

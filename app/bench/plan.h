/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole run of a measuring mode. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "opts.h"

/*
 * Run it, print, write reports. Exit status: 0, 1 a candidate failed, 2 nothing could be run,
 * 130.
 */
int plan_run(const struct opts *o, int argc, char **argv);

#endif

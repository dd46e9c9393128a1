/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers below a limit, the same ones at each run. RND_SEED is defined before. */
#ifndef AFX_TEST_RND_H
#define AFX_TEST_RND_H

#include <stdint.h>

static inline uint32_t
rnd(uint32_t below)
{
	static uint32_t seed = RND_SEED;

	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

#endif

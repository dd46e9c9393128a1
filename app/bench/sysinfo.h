/* SPDX-License-Identifier: BSD-3-Clause */
/* What a figure depends on besides the driver: kernel, CPU, mitigations, DPDK. */
#ifndef BENCH_SYSINFO_H
#define BENCH_SYSINFO_H

#include <stdint.h>

#define SYSINFO_VULNS 48

struct sysinfo {
	char kernel[160];
	char arch[32];
	char cpu[128];
	uint32_t cpus;           /* online */
	char isolated[64];
	char governor[32];
	char hypervisor[32];     /* "" where none is known */
	char dpdk[64];
	char libbpf[32];
	char busy_poll[16];      /* sysctl net.core.busy_poll and busy_read */
	char busy_read[16];
	uint32_t n_vulns;
	struct {
		char name[40];
		char state[160];
	} vuln[SYSINFO_VULNS];
};

void sysinfo_get(struct sysinfo *si);

#endif

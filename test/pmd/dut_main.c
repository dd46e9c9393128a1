/* SPDX-License-Identifier: BSD-3-Clause */
/* Command line, EAL, and the verdict: exit 0 passed, 1 failed, 77 skipped, 2 wrong use. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_version.h>

#include "dut.h"
#include "dut_shim.h"

static const struct dut_case * const tables[] = {
	twin_basic_cases, twin_tx_cases, twin_rx_cases, twin_prog_cases, twin_sg_cases,
	dut_edge_cases,
	dut_life_cases, dut_share_cases, dut_fault_cases, dut_link_cases, dut_kill_cases,
	dut_tx_cases, dut_rx_cases, dut_fd_cases, dut_mem_cases, dut_sg_cases,
	dut_zc_cases, dut_zc_frames_cases, dut_zc_release_cases, dut_zc_span_cases,
};

unsigned int dut_wait_ms = 3000;

uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

bool
dut_expect(struct dut *d, bool cond, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	d->expected++;
	if (cond)
		return true;
	d->failed++;
	printf("%s: %s:%d: ", d->case_name, strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
		line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return false;
}

void
dut_skip(struct dut *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->skip, sizeof(d->skip), fmt, ap);
	va_end(ap);
}

static const struct dut_case *
find_case(const char *name)
{
	const struct dut_case *c;
	unsigned int i;

	for (i = 0; i < RTE_DIM(tables); i++)
		for (c = tables[i]; c->name != NULL; c++)
			if (strcmp(c->name, name) == 0)
				return c;
	return NULL;
}

static void
list_cases(bool twins)
{
	const struct dut_case *c;
	unsigned int i;

	for (i = 0; i < RTE_DIM(tables); i++)
		for (c = tables[i]; c->name != NULL; c++)
			if (!(c->flags & DUT_HELPER) && !!(c->flags & DUT_TWIN) == twins)
				printf("%-18s %-6s %u %-7s %s\n", c->name, c->defect, c->queues,
				       c->peer, c->what);
}

/* EAL from one string of arguments, so that children of a case get the same. */
static int
eal_start(char *prog, const char *plugin, char *extra)
{
	char *argv[48], *save = NULL, *word;
	int argc = 0;

	argv[argc++] = prog;
	argv[argc++] = (char *)"--no-pci";
	argv[argc++] = (char *)"--no-telemetry";
	if (plugin != NULL) {
		argv[argc++] = (char *)"-d";
		argv[argc++] = (char *)plugin;
	}
	for (word = strtok_r(extra, " ", &save); word != NULL && argc < 47;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	optind = 1;
	return rte_eal_init(argc, argv);
}

static int
verdict(struct dut *d, const struct dut_case *c)
{
	const char *what = strcmp(c->defect, "-") ? "defect shown" : "contract broken";

	if (d->failed > 0) {
		printf("%s: %s (%s): %u of %u expectations failed\n", c->name, what, c->defect,
		       d->failed, d->expected);
		return 1;
	}
	if (d->skip[0] != '\0') {
		printf("SKIP: %s\n", d->skip);
		return 77;
	}
	printf("%s: passed, %u expectations\n", c->name, d->expected);
	return 0;
}

static void
usage(void)
{
	printf("xsk_dut --case NAME --pmd NAME --iface IF --peer IF [--plugin SO] [--prog OBJ]\n"
	       "        [--eal ARGS] [--args DEVARGS] [--queues N] [--tmp DIR] [--count N]\n"
	       "        [--patience N] [--wait MS] [--iommu]\n"
	       "xsk_dut --list: name, defect, netdev queues, result on net_af_xdp 22.11.11, what\n"
	       "xsk_dut --twins: the same of the cases with a port at either end\n"
	       "xsk_dut --dpdk: version of the DPDK it runs on\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "case", 1, NULL, 'c' }, { "pmd", 1, NULL, 'm' }, { "iface", 1, NULL, 'i' },
		{ "peer", 1, NULL, 'r' }, { "plugin", 1, NULL, 'd' }, { "prog", 1, NULL, 'x' },
		{ "eal", 1, NULL, 'e' }, { "args", 1, NULL, 'a' }, { "queues", 1, NULL, 'q' },
		{ "tmp", 1, NULL, 't' }, { "count", 1, NULL, 'n' }, { "list", 0, NULL, 'l' },
		{ "patience", 1, NULL, 'p' }, { "twins", 0, NULL, 'W' },
		{ "dpdk", 0, NULL, 'v' }, { "wait", 1, NULL, 'w' },
		{ "iommu", 0, NULL, 'o' }, { NULL, 0, NULL, 0 },
	};
	struct dut d = { .pmd = "net_xsk", .tmp = ".", .args = "", .argv = argv,
			 .netdev_queues = 2, .patience = 1 };
	const char *plugin = NULL;
	const struct dut_case *c;
	char *eal = NULL;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c': d.case_name = optarg; break;
		case 'm': d.pmd = optarg; break;
		case 'i': d.iface = optarg; break;
		case 'r': d.peer = optarg; break;
		case 'd': plugin = optarg; break;
		case 'x': d.prog = optarg; break;
		case 'e': eal = strdup(optarg); break;
		case 'a': d.args = optarg; break;
		case 'q': d.netdev_queues = atoi(optarg); break;
		case 't': d.tmp = optarg; break;
		case 'n': d.count = atoi(optarg); break;
		case 'p': d.patience = atoi(optarg); break;
		case 'l': list_cases(false); return 0;
		case 'W': list_cases(true); return 0;
		case 'w': dut_wait_ms = atoi(optarg); break;
		case 'o': d.iommu = true; break;
		case 'v': puts(rte_version()); return 0;
		default: usage();
		}
	}
	c = d.case_name ? find_case(d.case_name) : NULL;
	if (c == NULL || d.iface == NULL || d.peer == NULL)
		usage();

	if (strcmp(d.pmd, "net_af_xdp") == 0)
		shim_channels(CHANNELS_COMBINED);
	if (!(c->flags & DUT_NO_EAL) && eal_start(argv[0], plugin, eal ? eal : strdup("")) < 0) {
		printf("%s: EAL: %s\n", c->name, rte_strerror(rte_errno));
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	c->run(&d);
	ret = verdict(&d, c);
	fflush(stdout);
	if (ret == 0 && !(c->flags & DUT_NO_EAL))
		rte_eal_cleanup();
	/* After a failure memory may be damaged or held: leave at once. */
	_exit(ret);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* dpdk-xsk-bench: the table of modes, and which one a command line asks for. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "plan.h"

struct mode {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);    /* argv[0] is the name; returns the exit status */
};

static void
usage(FILE *out);

static int
measure(enum work work, int argc, char **argv)
{
	static struct opts o;
	struct afx_err err;

	if (opts_parse(work, argc - 1, argv + 1, &o, &err) < 0) {
		fprintf(stderr, "dpdk-xsk-bench: %s\n", err.text);
		return 2;
	}
	if (o.help) {
		usage(stdout);
		return 0;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "dpdk-xsk-bench: needs root (network namespaces, XDP, AF_XDP)\n");
		return 2;
	}
	return plan_run(&o, argc, argv);
}

static int
run_rx(int argc, char **argv)
{
	return measure(WORK_RX, argc, argv);
}

static int
run_tx(int argc, char **argv)
{
	return measure(WORK_TX, argc, argv);
}

static int
run_forward(int argc, char **argv)
{
	return measure(WORK_FORWARD, argc, argv);
}

static int
run_latency(int argc, char **argv)
{
	return measure(WORK_LATENCY, argc, argv);
}

/* A program of its own beside this one: it takes the place of the C library's system calls. */
static int
run_cost(int argc, char **argv)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("-cost"));

	(void)argc;
	if (n > 0) {
		strcpy(path + n, "-cost");
		execv(path, argv);
	}
	fprintf(stderr, "dpdk-xsk-bench: %s: %s: it belongs beside this program\n",
		n > 0 ? path : "/proc/self/exe", strerror(errno));
	return 2;
}

static const struct mode modes[] = {
	{ "rx", "receive and free; counted by the candidate itself", run_rx },
	{ "tx", "transmit; counted at the far end", run_tx },
	{ "forward", "receive, swap the MAC addresses, transmit; counted at the far end",
		run_forward },
	{ "latency", "round trip through a forwarding candidate, by packets with the time in them",
		run_latency },
	{ "cost", "cycles a packet in user space, against a kernel that costs nothing "
		"(cost --help)", run_cost },
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

static void
usage(FILE *out)
{
	fprintf(out, "usage: dpdk-xsk-bench MODE [options]\n\n"
		"Measures how fast ethdev drivers on kernel interfaces are, side by side. No rate "
		"is shown\nthat the receiver did not count.\n\nModes:\n");
	for (unsigned int i = 0; i < MODES; i++)
		fprintf(out, "  %-18s  %s\n", modes[i].name, modes[i].help);
	opts_help(out);
	fprintf(out, "\nExit status: 0; 1 when a candidate failed; 2 when nothing could be run; "
		"130 when interrupted.\n"
		"Example: dpdk-xsk-bench rx --vs 'net_xsk net_af_xdp net_af_packet bare_xsk'\n");
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], DUT_COMMAND) == 0)
		return dut_main(argc - 1, argv + 1);
	for (unsigned int i = 0; argc >= 2 && i < MODES; i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run(argc - 1, argv + 1);
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return 0;
	}
	if (argc >= 2)
		fprintf(stderr, "dpdk-xsk-bench: no mode '%s': give rx, tx, forward, latency or "
			"cost (see --help)\n", argv[1]);
	else
		usage(stderr);
	return 2;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The process of an ethdev candidate: EAL with its device, its port, and the loops on its CPUs. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "dut.h"

#define EAL_ARGS 64

static struct job_page *page;
static struct dut_port port;

static int
on_lcore(void *arg)
{
	(void)arg;
	dut_loop(page, &port, rte_lcore_index(-1));
	return 0;
}

/* One lcore a CPU, lcore i on CPU cpu[i]. */
static void
lcores(const struct job *job, char *text, size_t len)
{
	size_t n = 0;

	for (uint32_t i = 0; i < job->n_cpus && n < len; i++)
		n += snprintf(text + n, len - n, "%s%u@%u", i != 0 ? "," : "", i, job->cpu[i]);
}

/*
 * EAL makes a runtime folder and leaves it. Here it lies in a file system that only this process
 * sees and that goes with it. Where that cannot be had, the folder stays.
 */
static void
private_runtime(void)
{
	static const char dir[] = "/dev/shm";

	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			mount("tmpfs", dir, "tmpfs", 0, "mode=0755") == 0)
		setenv("RUNTIME_DIRECTORY", dir, 1);
}

static int
eal_start(struct job *job, struct afx_err *err)
{
	static char map[OPTS_CPUS * 10];
	char *argv[EAL_ARGS] = { "dpdk-xsk-bench", "--no-pci", "--no-telemetry", "--file-prefix",
		job->prefix, "--lcores", map, "--vdev", job->vdev };
	char *save = NULL, *word;
	int argc = 9;

	private_runtime();
	lcores(job, map, sizeof(map));
	/* EAL does not take the two together. */
	argv[argc++] = strstr(job->eal, "--no-huge") == NULL ? "--in-memory" : "--no-shconf";
	if (job->plugin[0] != '\0') {
		argv[argc++] = "-d";
		argv[argc++] = job->plugin;
	}
	for (word = strtok_r(job->eal, " ", &save); word != NULL && argc < EAL_ARGS - 1;
			word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	if (rte_eal_init(argc, argv) >= 0)
		return 0;
	return afx_err_set(err, -rte_errno, "EAL does not start with --vdev %s (%s)", job->vdev,
		rte_strerror(rte_errno));
}

static int
run(struct afx_err *err)
{
	struct job *job = &page->job;
	int ret = eal_start(job, err);

	if (ret < 0)
		return ret;
	ret = dut_port_start(page, &port, err);
	if (ret < 0) {
		rte_eal_cleanup();
		return ret;
	}
	job_ready(page, job->n_cpus);
	rte_eal_mp_remote_launch(on_lcore, NULL, CALL_MAIN);
	rte_eal_mp_wait_lcore();
	dut_port_stop(&port);
	rte_eal_cleanup();
	return 0;
}

int
dut_main(int argc, char **argv)
{
	struct afx_err err = { 0 };
	int fd = argc == 2 ? atoi(argv[1]) : -1;

	page = fd > 2 ? mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) :
		MAP_FAILED;
	if (page == MAP_FAILED) {
		fprintf(stderr, "%s is for the tool itself\n", DUT_COMMAND);
		return 2;
	}
	signal(SIGUSR1, SIG_IGN);
	if (run(&err) == 0)
		return 0;
	job_fail(page, &err);
	return 1;
}

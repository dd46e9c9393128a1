/* SPDX-License-Identifier: BSD-3-Clause */
/* What a SIGKILL leaves behind, and whether the next process gets over it. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "dut.h"

extern char **environ;

/* Open promiscuously, say so, poll until killed. Started by the case below. */
static void
helper_victim(struct dut *d)
{
	struct port_cfg cfg = { .nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512 };
	uint64_t end = now_ms() + 60000;
	struct tally t = { 0 };
	struct peer p;
	uint16_t port;

	if (!port_begin(d, &port, &cfg, 16383, 250, &p, ""))
		return;
	EXPECT(d, rte_eth_promiscuous_enable(port) == 0, "promiscuous_enable");
	if (traffic_both(d, &p, port, &cfg, 100, "victim"))
		printf("READY\n");
	fflush(stdout);
	while (now_ms() < end)
		rx_poll(port, cfg.nb_rxq, 1, &t);
}

/* The same command line with another case, and devargs; its stdout comes back in *out. */
static pid_t
spawn_victim(struct dut *d, const char *args, FILE **out)
{
	char *argv[64];
	posix_spawn_file_actions_t fa;
	unsigned int i, n = 0;
	int pipefd[2], ret;
	pid_t pid;

	for (i = 0; d->argv[i] != NULL && n < 58; i++) {
		argv[n++] = d->argv[i];
		if (strcmp(d->argv[i], "--case") == 0) {
			argv[n++] = (char *)"victim";
			i++;
		}
	}
	if (args[0] != '\0') {
		argv[n++] = (char *)"--args";
		argv[n++] = (char *)args;
	}
	argv[n] = NULL;
	if (pipe(pipefd) != 0)
		return -1;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, pipefd[1], 1);
	posix_spawn_file_actions_addclose(&fa, pipefd[0]);
	ret = posix_spawn(&pid, "/proc/self/exe", &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(pipefd[1]);
	*out = fdopen(pipefd[0], "r");
	return ret == 0 ? pid : -1;
}

/* Start, wait for READY, kill. False, with the victim's own words, when it never got ready. */
static bool
live_and_die(struct dut *d, const char *args, const char *when)
{
	char line[512];
	bool ready = false;
	FILE *out = NULL;
	pid_t pid;
	int status;

	pid = spawn_victim(d, args, &out);
	if (!EXPECT(d, pid > 0, "cannot start the victim"))
		return false;
	while (!ready && fgets(line, sizeof(line), out) != NULL) {
		ready = strcmp(line, "READY\n") == 0;
		if (!ready)
			fputs(line, stdout);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	fclose(out);
	return EXPECT(d, ready, "%s, %s: the port does not come up", args[0] ? args : "no devargs",
		      when);
}

static void
kill_and_restart(struct dut *d, const char *args)
{
	if (!live_and_die(d, args, "first start"))
		return;
	EXPECT(d, WAIT_UNTIL(!netdev_has_prog(d->iface), DUT_WAIT_MS),
	       "'%s': XDP program still attached after SIGKILL", args);
	EXPECT(d, WAIT_UNTIL(netdev_promiscuity(d->iface) == 0, DUT_WAIT_MS),
	       "'%s': promiscuity %d after SIGKILL", args, netdev_promiscuity(d->iface));
	live_and_die(d, args, "start after SIGKILL");
}

/* By hand, so that one way of starting is not judged by what another left. */
static void
clean_netdev(struct dut *d)
{
	sys_run("ip link set dev %s xdp off", d->iface);
	sys_run("ip link set dev %s promisc off", d->iface);
}

static void
case_kill(struct dut *d)
{
	char args[300];

	kill_and_restart(d, "");
	clean_netdev(d);
	if (d->prog == NULL) {
		dut_skip(d, "no --prog object: half of the case left out");
		return;
	}
	snprintf(args, sizeof(args), "xdp_prog=%s", d->prog);
	kill_and_restart(d, args);
	/* And without the program, right after the one with it. */
	live_and_die(d, "", "start after SIGKILL of one with xdp_prog");
	clean_netdev(d);
}

const struct dut_case dut_kill_cases[] = {
	{ "kill", "12", 2, DUT_NO_EAL, "shown", "leftovers of a SIGKILL", case_kill },
	{ "victim", "-", 2, DUT_HELPER, "-", "", helper_victim },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

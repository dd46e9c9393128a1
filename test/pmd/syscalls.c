/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts the system calls of a lcore that polls, sends and receives, by tracing it from a child:
 *
 *   xsk_syscalls EAL-OPTIONS -- BURSTS PACKETS
 *
 * EMPTY polls, then BURSTS of 64 packets sent, then silence until a line is read from stdin, then
 * polls until PACKETS are received. Prints a line for each with what was done and how many system
 * calls it took. Public API only. Exit status 77 where it cannot trace or the kernel lacks what the
 * figures are about, 1 on any other failure; judging the figures is the caller's.
 */
#include <errno.h>
#include <linux/if_xdp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#define EMPTY 20000
#define BURST 64
#define DESC 1024
#define RECEIVE_SECONDS 30

/* Calls of this number begin a phase; no kernel has it. */
#define MARK 0x7ffe

enum phase { BEFORE, POLLING, SENDING, QUIET, RECEIVING, DONE, PHASES };

/* Shared with the tracer. */
static struct {
	volatile long calls[PHASES];
	volatile int ready;      /* 1 tracing, -1 refused */
} *seen;

static void
mark(enum phase p)
{
	(void)syscall(MARK, p);
}

/* Step the traced thread from call to call, counting entries by phase. */
static void
trace(pid_t tid)
{
	struct __ptrace_syscall_info info;
	int phase = BEFORE, status;

	if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
			ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0 ||
			waitpid(tid, &status, __WALL) != tid) {
		seen->ready = -1;
		return;
	}
	seen->ready = 1;
	while (phase != DONE) {
		int sig = WIFSTOPPED(status) && WSTOPSIG(status) != (SIGTRAP | 0x80) &&
			status >> 16 == 0 ? WSTOPSIG(status) : 0;

		if (ptrace(PTRACE_SYSCALL, tid, 0, sig) < 0 ||
				waitpid(tid, &status, __WALL) != tid || WIFEXITED(status) ||
				WIFSIGNALED(status))
			return;
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80) ||
				ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0 ||
				info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (info.entry.nr == MARK && info.entry.args[0] < PHASES)
			phase = info.entry.args[0];
		else
			seen->calls[phase]++;
	}
	ptrace(PTRACE_DETACH, tid, 0, 0);
}

/* The tracer, before EAL has threads; it waits for a byte before it begins. */
static int
start_tracer(void)
{
	pid_t parent = getpid();
	int p[2];
	char c;

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED || pipe(p) < 0)
		return -1;
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		close(p[1]);
		if (read(p[0], &c, 1) == 1)
			trace(parent);
		_exit(0);
	}
	close(p[0]);
	return p[1];
}

/* Whether one call may send a whole ring (XDP_MAX_TX_SKB_BUDGET). */
static bool
has_budget(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), entries = DESC;
	bool has = fd >= 0 &&
		setsockopt(fd, 283, XDP_TX_RING, &entries, sizeof(entries)) == 0 &&
		setsockopt(fd, 283, 9, &entries, sizeof(entries)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static struct rte_mempool *
start_port(void)
{
	const struct rte_eth_conf conf = { 0 };
	struct rte_mempool *mp;

	mp = rte_pktmbuf_pool_create("mbufs", 4 * DESC, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (mp == NULL || rte_eth_dev_configure(0, 1, 1, &conf) < 0 ||
			rte_eth_rx_queue_setup(0, 0, DESC, 0, NULL, mp) < 0 ||
			rte_eth_tx_queue_setup(0, 0, DESC, 0, NULL) < 0 || rte_eth_dev_start(0) < 0)
		return NULL;
	return mp;
}

static unsigned int
receive(unsigned int polls, unsigned int want, uint64_t until)
{
	struct rte_mbuf *pkts[BURST];
	unsigned int got = 0;

	while (polls-- > 0 && got < want && rte_get_timer_cycles() < until) {
		uint16_t n = rte_eth_rx_burst(0, 0, pkts, BURST);

		rte_pktmbuf_free_bulk(pkts, n);
		got += n;
	}
	return got;
}

/* A full burst, in as many calls as it takes; 0 when there are no mbufs. */
static unsigned int
send_burst(struct rte_mempool *mp)
{
	static const uint8_t head[14] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
	struct rte_mbuf *pkts[BURST];
	unsigned int calls = 0;

	if (rte_pktmbuf_alloc_bulk(mp, pkts, BURST) < 0)
		return 0;
	for (unsigned int i = 0; i < BURST; i++)
		memcpy(rte_pktmbuf_append(pkts[i], 60), head, sizeof(head));
	for (uint16_t at = 0; at < BURST; calls++)
		at += rte_eth_tx_burst(0, 0, pkts + at, BURST - at);
	return calls;
}

int
main(int argc, char **argv)
{
	unsigned int bursts, packets, calls = 0, got;
	struct rte_mempool *mp;
	int tracer = start_tracer(), used;
	char line[8];

	used = rte_eal_init(argc, argv);
	if (tracer < 0 || used < 0 || argc - used != 3 || rte_eth_dev_count_avail() != 1)
		return 1;
	bursts = atoi(argv[used + 1]);
	packets = atoi(argv[used + 2]);
	mp = start_port();
	if (mp == NULL)
		return 1;
	if (write(tracer, "", 1) != 1)
		return 1;
	while (seen->ready == 0)
		rte_pause();
	if (seen->ready < 0) {
		printf("SKIP: the thread cannot be traced\n");
		return 77;
	}
	mark(POLLING);
	receive(EMPTY, UINT32_MAX, UINT64_MAX);
	mark(SENDING);
	for (unsigned int i = 0; i < bursts; i++)
		calls += send_burst(mp);
	mark(QUIET);
	printf("budget %d\n", has_budget());
	printf("empty polls %u syscalls %ld\n", EMPTY, seen->calls[POLLING]);
	printf("bursts %u calls %u syscalls %ld\n", bursts, calls, seen->calls[SENDING]);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return 1;
	mark(RECEIVING);
	got = receive(UINT32_MAX, packets,
		rte_get_timer_cycles() + RECEIVE_SECONDS * rte_get_timer_hz());
	mark(DONE);
	printf("received %u syscalls %ld\n", got, seen->calls[RECEIVING]);
	fflush(stdout);
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	return rte_eal_cleanup() == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What victim and supervisor of the kill tests say to each other. The supervisor writes one command
 * byte at a time to the victim's standard input; the victim answers each with one struct report on
 * descriptor KILL_REPORT_FD. A phase is marked by SIGUSR1 to itself, the phase as its value: a
 * tracer sees it, without one it is ignored.
 */
#ifndef KILL_H
#define KILL_H

#include <stdint.h>
#include <sys/types.h>

#define KILL_REPORT_FD 3
#define KILL_QUEUES 2
/* Packets that every queue must receive and send for traffic to count as working. */
#define KILL_PKTS 32

/* Values a victim gives the port; the interface has others. */
#define KILL_MTU 1400
#define KILL_MAC { 0x02, 0x6b, 0x69, 0x6c, 0x6c, 0x01 }

/* Mark in the payload: as sent by the peer, and as sent back. */
#define KILL_MARK_OUT 0x6b696c6cu
#define KILL_MARK_BACK 0x6261636bu
/* Where it is: Ethernet, IPv4, UDP; behind it the queue that sent it back. */
#define KILL_MARK_OFF (14 + 20 + 8)
#define KILL_FRAME_LEN 64

enum kill_command {
	KILL_CYCLE = 'c',        /* open, start, traffic, stop, close; MTU and MAC set */
	KILL_PLAIN = 'p',        /* the same, MTU and MAC left alone */
	KILL_TRAFFIC = 't',      /* open, start, report, traffic until killed */
	KILL_FORK = 'f',         /* the same with a forked child that sleeps */
	KILL_QUIT = 'q',
};

enum kill_phase {
	PHASE_NONE,
	PHASE_OPEN,
	PHASE_START,             /* configure, queue setup, MTU, MAC, promiscuity, start */
	PHASE_STOP,
	PHASE_CLOSE,
	PHASE_CNT,
};

/* Which call of the ethdev API answered with an error. */
struct report {
	int32_t failures;
	int32_t first_errno;     /* of the first */
	char first_op[32];
	int32_t traffic_ok;      /* every queue received and sent KILL_PKTS */
	int32_t pool_avail;      /* after close */
	int32_t pool_size;
	int32_t fds_before;      /* before open and after close */
	int32_t fds_after;
	char fd_extra[64];       /* what an additional one is */
	int32_t maps_before;     /* mappings of sockets and BPF objects */
	int32_t maps_after;
	int32_t vmas_before;
	int32_t vmas_after;
	int32_t close_tries;
	pid_t child;
	uint64_t rx[KILL_QUEUES];
	uint64_t tx[KILL_QUEUES];
};

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The supervisor of the kill tests: it starts victims, stops them at a chosen system call and looks
 * at what is left. One thread; the peer's traffic is a child process.
 */
#ifndef SUPER_H
#define SUPER_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kill.h"

/* How long the kernel may take to let go of what a dead process had. */
#define RELEASE_WAIT_MS 10000
/* After that a victim hangs. */
#define VICTIM_WAIT_MS 40000
#define CALLS_MAX 4096
#define IDS_MAX 64

uint64_t now_ms(void);
void pause_ms(unsigned int ms);

/* super_check.c: what the namespace shows of the interface and the sockets in it. */
struct net_state {
	uint32_t flags;
	uint32_t promiscuity;
	uint32_t allmulti;
	uint32_t mtu;
	uint8_t mac[6];
	uint32_t xdp_attached;
	uint32_t xdp_prog;
	int xdp_sockets;
	int packet_sockets;
	int netlink_sockets;
	int links;               /* BPF links on the interface */
	int pins;                /* entries of /sys/fs/bpf */
	int records;             /* files of /run/net_xsk */
};
int net_state_get(const char *ifname, struct net_state *st);

/* What two states differ in as text, "" when nothing. lasting: what outlives a process counts. */
void net_state_diff(const struct net_state *was, const struct net_state *is, bool lasting,
	char *out, size_t room);

/* super_bpf.c: the BPF objects that a process holds, and what they hold in turn. */
struct bpf_ids {
	unsigned int cnt;
	struct {
		char type;           /* 'l'ink, 'p'rogram, 'm'ap */
		uint32_t id;
	} id[IDS_MAX];
};
void bpf_ids_collect(pid_t pid, struct bpf_ids *ids);
/* Of those the number that still exist; the first one as text. */
unsigned int bpf_ids_left(const struct bpf_ids *ids, char *first, size_t room);
int bpf_links_on(int ifindex);

/* super_peer.c: endless packets to the victim, and how many came back of each queue. */
struct peer {
	pid_t pid;
	volatile uint64_t *back; /* by queue, shared with the child */
};
int peer_start(struct peer *p, const char *ifname);

/* super_victim.c */
struct victim_cfg {
	const char *program;
	const char *driver;
	const char *devargs;
	char *const *eal;
	unsigned int eal_cnt;
};
struct victim {
	pid_t pid;
	int cmd_fd;
	int report_fd;
	int log_fd;              /* its standard output and error */
};
/* Start one; it is ready after victim_ready. */
int victim_spawn(const struct victim_cfg *cfg, struct victim *v);
int victim_ready(struct victim *v);
int victim_command(struct victim *v, enum kill_command cmd);
/* 1 with a report, 0 at the deadline, -errno when it ended. */
int victim_report(struct victim *v, struct report *r, unsigned int wait_ms);
/* By SIGKILL where it does not end by itself; returns the wait status. */
int victim_end(struct victim *v, bool by_kill);
void victim_log(const struct victim *v, char *out, size_t room);

/* super_trace.c: a cycle under ptrace. */
struct call {
	uint8_t phase;
	uint32_t index;          /* in its phase, from 1 on */
	long nr;
	uint64_t args[3];
	bool probe;              /* libbpf trying out a feature of the kernel */
};
enum fault { FAULT_NONE, FAULT_KILL, FAULT_ERRNO };
struct trace {
	/* Asked for. */
	enum fault fault;
	unsigned int phase;
	unsigned int at;         /* call of the phase, from 1 on: waits make some phases vary */
	unsigned int choice;     /* which of the call's plausible errors */
	/* Seen. */
	unsigned int cnt;
	unsigned int in_phase[PHASE_CNT];
	struct call calls[CALLS_MAX];
	bool hit;
	struct call what;        /* what it hit */
	bool hung;
	int error;               /* the errno given */
	bool skipped;            /* the call did not take place */
	int status;              /* wait status, when it ended */
	bool ended;
	struct bpf_ids ids;      /* of the kill, or between start and stop */
};
int trace_attach(pid_t pid);
/* Until the victim reported (data at report_fd) or ended. */
int trace_cycle(pid_t pid, int report_fd, struct trace *t);
void trace_detach(pid_t pid);

/* super_calls.c: names and plausible errors of system calls. */
const char *call_name(long nr);
/* 0 when there is no (further) plausible one. */
int call_error(const struct call *c, unsigned int choice);
/* The kernel frees what these free even where they report an error. */
bool call_frees_anyway(long nr);
void call_text(const struct call *c, char *out, size_t room);
const char *phase_name(unsigned int phase);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xsk_dut: one EAL application whose cases drive a poll-mode driver through the public ethdev API
 * while the same process plays the peer with packet sockets. It knows no driver by name beyond the
 * --pmd option, so that every case runs on net_xsk and on DPDK's own net_af_xdp alike.
 *
 * A case fails through EXPECT() only and goes on where it can, so one run tells all it saw.
 */
#ifndef DUT_H
#define DUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#define DUT_MAX_QUEUES	8
#define DUT_BURST	32
/* Ethernet, IPv4, UDP and the mark; every frame of the tests is at least this long. */
#define DUT_MIN_FRAME	60
#define DUT_MAX_FRAME	9014
#define DUT_ROOM	RTE_MBUF_DEFAULT_BUF_SIZE
/* How long anything that should happen at once may take on a loaded machine. */
#define DUT_WAIT_MS	dut_wait_ms
extern unsigned int dut_wait_ms;	/* --wait */

/* The run: what the command line said, and what the case found. */
struct dut {
	const char *pmd;
	const char *iface;
	const char *peer;
	const char *prog;	/* object with xsks_map, or NULL */
	const char *tmp;	/* private folder */
	const char *args;	/* devargs added to every port, or "" */
	const char *case_name;
	char **argv;		/* to start this program again */
	unsigned int netdev_queues;
	bool iommu;		/* --iommu: one translates for the NIC */
	unsigned int count;	/* --count */
	unsigned int patience;	/* --patience: how many times DUT_WAIT_MS a twin waits */
	unsigned int expected;
	unsigned int failed;
	unsigned int opened;
	char skip[192];
};

enum {
	DUT_NO_EAL = 1 << 0,	/* the case starts EAL itself, in children, or not at all */
	DUT_HELPER = 1 << 1,	/* called by another case or script, not a test */
	DUT_TWIN = 1 << 2,	/* a port at either end, see twin.h: listed by --twins */
};

struct dut_case {
	const char *name;
	const char *defect;	/* numbers of DEFECTS.md, or "-" */
	unsigned int queues;	/* of the netdev */
	unsigned int flags;
	const char *peer;	/* on net_af_xdp 22.11.11: shown, pass, skip or broken */
	const char *what;
	void (*run)(struct dut *d);
};

extern const struct dut_case dut_edge_cases[];
extern const struct dut_case twin_basic_cases[];
extern const struct dut_case twin_prog_cases[];
extern const struct dut_case twin_rx_cases[];
extern const struct dut_case twin_sg_cases[];
extern const struct dut_case twin_tx_cases[];
extern const struct dut_case dut_life_cases[];
extern const struct dut_case dut_share_cases[];
extern const struct dut_case dut_fault_cases[];
extern const struct dut_case dut_link_cases[];
extern const struct dut_case dut_kill_cases[];
extern const struct dut_case dut_tx_cases[];
extern const struct dut_case dut_rx_cases[];
extern const struct dut_case dut_fd_cases[];
extern const struct dut_case dut_mem_cases[];
extern const struct dut_case dut_sg_cases[];
extern const struct dut_case dut_zc_cases[];
extern const struct dut_case dut_zc_frames_cases[];
extern const struct dut_case dut_zc_release_cases[];
extern const struct dut_case dut_zc_span_cases[];

/* Count an expectation; print file, line and text when it does not hold. Returns cond. */
bool
dut_expect(struct dut *d, bool cond, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
#define EXPECT(d, cond, ...) dut_expect(d, cond, __FILE__, __LINE__, __VA_ARGS__)

/* The case cannot be run here, and why. The caller returns. */
void
dut_skip(struct dut *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

uint64_t
now_ms(void);

/* Poll cond once a millisecond until it holds or ms have passed; the value is whether it held. */
#define WAIT_UNTIL(cond, ms) __extension__ ({				\
	uint64_t end_ms_ = now_ms() + (ms);				\
	bool held_;							\
	while (!(held_ = (cond)) && now_ms() < end_ms_)			\
		usleep(1000);						\
	held_; })

/* dut_port.c: a port of the driver under test. */
struct port_cfg {
	uint16_t nb_rxq;
	uint16_t nb_txq;
	uint16_t rx_desc;
	uint16_t tx_desc;
	uint64_t rx_offloads;
	uint64_t tx_offloads;
	struct rte_mempool *mp;
};

/* Probe a vdev on d->iface with the further devargs fmt. 0 or -errno. */
int
port_open(struct dut *d, uint16_t *port, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Configure and set every queue up. 0 or the first error of ethdev. */
int
port_setup(uint16_t port, const struct port_cfg *cfg);
int
port_start(uint16_t port);
/* All three, each an expectation; closes the port again on failure. */
bool
port_up(struct dut *d, uint16_t *port, const struct port_cfg *cfg, const char *args);
/* Stop, close and unplug, whatever state the port is in. */
void
port_close(uint16_t port);
/* Set removal_told once the event of a removal has come. */
extern volatile bool removal_told;
void
removal_watch(uint16_t port);
struct rte_mempool *
pool_new(const char *name, unsigned int n, unsigned int cache, uint16_t room);
/* What most cases begin with, each an expectation: a pool "rx" of n mbufs in cfg, and the peer. */
struct peer;
bool
pool_begin(struct dut *d, struct port_cfg *cfg, unsigned int n, unsigned int cache,
	   struct peer *p);
/* The same, and the port up. */
bool
port_begin(struct dut *d, uint16_t *port, struct port_cfg *cfg, unsigned int n,
	   unsigned int cache, struct peer *p, const char *args);
/* Wait until avail objects are in the pool (never more, never less). */
bool
pool_settled(struct rte_mempool *mp, unsigned int avail, unsigned int ms);
/* Expect every object of the pool back home. */
bool
pool_whole(struct dut *d, struct rte_mempool *mp, const char *when);
/* Sum of the xstats whose names hold one of the words of a "a|b" list after the prefix. */
uint64_t
xstats_sum(uint16_t port, const char *prefix, const char *words);

/* dut_peer.c: the other end of the veth, by packet sockets; and the frames both ends know. */
struct peer {
	int rx;
	int tx;
	unsigned int ifindex;
};

int
peer_open(struct peer *p, const char *ifname);
void
peer_close(struct peer *p);
/* 0 or -errno; waits for room in the socket. */
int
peer_send(struct peer *p, const void *frame, unsigned int len);
/* Next frame that arrived at the peer, or 0 when none came within ms. */
unsigned int
peer_recv(struct peer *p, void *frame, unsigned int size, unsigned int ms);
void
peer_drain(struct peer *p);

/* UDP frame of len bytes: flow picks the port pair, tag and seq name it, the rest is a pattern. */
void
frame_fill(uint8_t *frame, unsigned int len, uint8_t tag, uint32_t seq, unsigned int flow);
/* What a frame says it is; false when it is none of ours. Its bytes are not looked at. */
bool
frame_name(const uint8_t *frame, unsigned int len, uint8_t *tag, uint32_t *seq,
	   unsigned int *flow);
/* True when the frame is one of ours and every byte is right. */
bool
frame_read(const uint8_t *frame, unsigned int len, uint8_t *tag, uint32_t *seq);

/* dut_traffic.c: packets through the port, checked byte by byte. */
struct tally {
	unsigned int right;	/* of the tag looked for */
	unsigned int wrong;	/* ours by address, bytes not as sent */
	unsigned int other;	/* right bytes of another tag */
	unsigned int per_queue[DUT_MAX_QUEUES];
	uint64_t seq_sum;	/* of the right ones: tells one lost and one doubled */
};

void
tally_frame(const uint8_t *frame, unsigned int len, uint8_t tag, struct tally *t);
/* One burst on each queue; returns packets taken. */
unsigned int
rx_poll(uint16_t port, uint16_t nb_rxq, uint8_t tag, struct tally *t);
/* n frames from the peer, all flows in turn, read on the go until all came or a deadline. */
void
traffic_in(struct dut *d, struct peer *p, uint16_t port, uint16_t nb_rxq, unsigned int n,
	   uint8_t tag, struct tally *t);
/* n frames out of the queues in turn, seen at the peer. Returns how many the driver took. */
unsigned int
traffic_out(struct dut *d, struct peer *p, uint16_t port, uint16_t nb_txq,
	    struct rte_mempool *mp, unsigned int n, uint8_t tag, struct tally *t);
/* Until a frame has come through each way: links that came up lose the first ones silently. */
bool
path_ready(struct peer *p, uint16_t port, const struct port_cfg *cfg);
/* Let sent mbufs come home, by every means an application has. */
void
tx_reap(uint16_t port, uint16_t nb_txq);
/* Expect n frames in and n out, all right. */
bool
traffic_both(struct dut *d, struct peer *p, uint16_t port, const struct port_cfg *cfg,
	     unsigned int n, const char *when);
/* mbuf with a frame, or NULL when the pool is dry. */
struct rte_mbuf *
mbuf_frame(struct rte_mempool *mp, unsigned int len, uint8_t tag, uint32_t seq, unsigned int flow);

/* dut_sys.c: the kernel's side of things. */
/* Run a command given as for printf; its exit status. */
int
sys_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* First line of a command's output that contains what, into line; false when there is none. */
bool
sys_grep(char *line, size_t size, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int
netdev_promiscuity(const char *ifname);
bool
netdev_has_prog(const char *ifname);
uint64_t
netdev_rx_packets(const char *ifname);
int
netdev_up(const char *ifname, bool up);
/* Open descriptors whose link text contains what ("" for all but hugepages). */
unsigned int
fd_count(const char *what);

/* dut_bpf.c: raw bpf(2), so that the program needs no libbpf. All return an fd or -errno. */
int
bpf_xskmap(unsigned int entries);
int
bpf_xdp_prog(int map_fd, int verdict);
int
bpf_xdp_link(int prog_fd, const char *ifname, bool skb);
int
bpf_link_update(int link_fd, int prog_fd);
int
bpf_pin(int fd, const char *path);

#endif

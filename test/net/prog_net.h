/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ground of the program tests: private network and mount namespaces with the veth pair v0 - v1, a
 * second process that holds a program, an AF_XDP socket on v0 queue 0, packets sent into v1.
 */
#ifndef AFX_TEST_PROG_NET_H
#define AFX_TEST_PROG_NET_H

#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "afx_prog.h"
#include "check.h"

#define FRAMES 64
#define FRAME_SIZE 4096
#define DEADLINE_MS 5000

static int v0;

static inline void
must_run(const char *command)
{
	NEED(system(command) == 0, "%s", command);
}

/* Enter namespaces of our own; a bpffs at /sys/fs/bpf that goes with them. */
static inline void
net_setup(void)
{
	if (geteuid() != 0)
		SKIP("needs root: network namespaces and BPF programs");
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		SKIP("unshare(CLONE_NEWNET | CLONE_NEWNS): %s", strerror(errno));
	NEED(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "%s", strerror(errno));
	/* A new network namespace wants a sysfs of its own, which is also where bpffs goes. */
	NEED(mount("sysfs", "/sys", "sysfs", 0, NULL) == 0, "%s", strerror(errno));
	if (mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) < 0)
		SKIP("mounting a bpffs: %s", strerror(errno));
	/* The kernel's own IPv6 packets would be counted. */
	if (system("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; ip link add v0 "
			"numrxqueues 2 numtxqueues 2 type veth peer name v1 numtxqueues 1 && "
			"ip link set v0 up && ip link set v1 up") != 0)
		SKIP("'ip link add type veth' failed: iproute2 and veth are needed");
	v0 = (int)if_nametoindex("v0");
}

static inline long long
ms_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static inline unsigned int
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	NEED(d != NULL, "%s", strerror(errno));
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static inline struct afx_prog_cfg
cfg_default(void)
{
	return (struct afx_prog_cfg){
		.ifindex = v0,
		.attach = AFX_ATTACH_LINK,
		.mode = AFX_XDP_NATIVE,
		.max_queues = 2,
		.map_fd = -1,
	};
}

/* Id of the program on the interface, 0 for none. */
static inline unsigned int
attached(int ifindex)
{
	__u32 id = 0;

	CHECK_EQ(bpf_xdp_query_id(ifindex, 0, &id), 0);
	return id;
}

/*
 * The program in place once things have come to rest: whoever lists all links of the machine at
 * this moment holds each of them for an instant.
 */
static __u32
settled(int ifindex, __u32 want)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	for (int i = 0; i < 500 && attached(ifindex) != want; i++)
		nanosleep(&pause, NULL);
	return attached(ifindex);
}

/* What a second process tells about its afx_prog_open. */
struct told {
	int ret;
	unsigned int id;
	bool joined;
	struct afx_err err;
};

struct holder {
	pid_t pid;
	int fd;
	struct told told;
};

/* Start a process that opens cfg (in setup's surroundings, if any) and holds it until killed. */
static inline struct holder
holder_fork(const struct afx_prog_cfg *cfg, void (*setup)(void))
{
	struct holder h = { 0 };
	int fd[2];

	NEED(pipe(fd) == 0, "%s", strerror(errno));
	h.pid = fork();
	NEED(h.pid >= 0, "%s", strerror(errno));
	if (h.pid == 0) {
		struct afx_prog *prog = NULL;

		if (setup != NULL)
			setup();
		/* Not to outlive a test that gives up; capset() in setup would clear it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		h.told.ret = afx_prog_open(cfg, &prog, &h.told.err);
		if (h.told.ret == 0) {
			h.told.id = afx_prog_id(prog);
			h.told.joined = afx_prog_joined(prog);
		}
		if (write(fd[1], &h.told, sizeof(h.told)) != sizeof(h.told))
			_exit(1);
		for (;;)
			pause();
	}
	close(fd[1]);
	h.fd = fd[0];
	return h;
}

/* Wait until it tells how the open went. */
static inline void
holder_wait(struct holder *h)
{
	struct pollfd p = { .fd = h->fd, .events = POLLIN };

	NEED(poll(&p, 1, DEADLINE_MS) == 1, "the second process says nothing");
	NEED(read(h->fd, &h->told, sizeof(h->told)) == sizeof(h->told), "the second process died");
	close(h->fd);
}

static inline struct holder
holder_start(const struct afx_prog_cfg *cfg, void (*setup)(void))
{
	struct holder h = holder_fork(cfg, setup);

	holder_wait(&h);
	return h;
}

static inline void
holder_kill(struct holder *h)
{
	kill(h->pid, SIGKILL);
	NEED(waitpid(h->pid, NULL, 0) == h->pid, "%s", strerror(errno));
	h->pid = 0;
}

/* An AF_XDP socket bound to v0 queue 0 in copy mode, its frames in the fill ring. */
struct xsk {
	int fd;
	void *umem;
	void *rx_map, *fill_map;
	size_t rx_len, fill_len;
	volatile unsigned int *rx_producer;
};

static inline struct xsk
xsk_open(void)
{
	struct xsk x = { 0 };
	struct xdp_mmap_offsets off;
	struct xdp_umem_reg reg = { .len = FRAMES * FRAME_SIZE, .chunk_size = FRAME_SIZE };
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_ifindex = (unsigned int)v0,
		.sxdp_flags = XDP_COPY,
	};
	const struct timespec step = { .tv_nsec = 1000000 };
	long long end = ms_now() + DEADLINE_MS;
	socklen_t len = sizeof(off);
	int size = FRAMES;
	unsigned int i;

	x.fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	NEED(x.fd >= 0, "%s", strerror(errno));
	x.umem = mmap(NULL, FRAMES * FRAME_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(x.umem != MAP_FAILED, "%s", strerror(errno));
	reg.addr = (unsigned long)x.umem;
	NEED(setsockopt(x.fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) == 0, "%s",
		strerror(errno));
	setsockopt(x.fd, SOL_XDP, XDP_UMEM_FILL_RING, &size, sizeof(size));
	setsockopt(x.fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &size, sizeof(size));
	setsockopt(x.fd, SOL_XDP, XDP_RX_RING, &size, sizeof(size));
	NEED(getsockopt(x.fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len) == 0, "%s", strerror(errno));
	x.rx_len = off.rx.desc + FRAMES * sizeof(struct xdp_desc);
	x.rx_map = mmap(NULL, x.rx_len, PROT_READ | PROT_WRITE, MAP_SHARED, x.fd,
		XDP_PGOFF_RX_RING);
	x.fill_len = off.fr.desc + FRAMES * sizeof(__u64);
	x.fill_map = mmap(NULL, x.fill_len, PROT_READ | PROT_WRITE, MAP_SHARED, x.fd,
		(off_t)XDP_UMEM_PGOFF_FILL_RING);
	NEED(x.rx_map != MAP_FAILED && x.fill_map != MAP_FAILED, "%s", strerror(errno));
	x.rx_producer = (void *)((char *)x.rx_map + off.rx.producer);
	for (i = 0; i < FRAMES; i++)
		((__u64 *)(void *)((char *)x.fill_map + off.fr.desc))[i] = i * FRAME_SIZE;
	__atomic_store_n((unsigned int *)(void *)((char *)x.fill_map + off.fr.producer), FRAMES,
		__ATOMIC_RELEASE);
	/* The queue of a socket just closed is released a little later. */
	while (bind(x.fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		NEED(errno == EBUSY && ms_now() < end, "%s", strerror(errno));
		nanosleep(&step, NULL);
	}
	return x;
}

static inline void
xsk_close(struct xsk *x)
{
	munmap(x->rx_map, x->rx_len);
	munmap(x->fill_map, x->fill_len);
	close(x->fd);
	munmap(x->umem, FRAMES * FRAME_SIZE);
}

/* Send n packets into v1, whose only Tx queue ends at the first Rx queue of v0. */
static inline void
send_packets(unsigned int n)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex("v1"),
	};
	unsigned char packet[64] = { 0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x88, 0xb5 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	NEED(fd >= 0, "%s", strerror(errno));
	while (n-- > 0)
		NEED(sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) ==
			sizeof(packet), "%s", strerror(errno));
	close(fd);
}

/* Whether packets sent into v1 arrive at x, within the deadline. */
static inline bool
delivers(struct xsk *x)
{
	unsigned int before = __atomic_load_n(x->rx_producer, __ATOMIC_ACQUIRE);
	const struct timespec step = { .tv_nsec = 1000000 };
	long long end = ms_now() + DEADLINE_MS;

	send_packets(4);
	while (__atomic_load_n(x->rx_producer, __ATOMIC_ACQUIRE) - before < 4) {
		if (ms_now() > end)
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

/* What libbpf would have printed as warnings, counted: for libbpf_set_print. */
static unsigned int printed;

static inline int
count_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)fmt;
	(void)ap;
	if (level == LIBBPF_WARN)
		printed++;
	return 0;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP program under BPF_PROG_TEST_RUN: verdict and metadata left, by metadata length, queue and
 * packet size. Runs in a network namespace of its own, with a veth pair whose end has two queues.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "afx_rule.h"
#include "afx_xdp.skel.h"
#include "check.h"

#define QUEUES 2

static unsigned int ifindex;

static struct afx_xdp_bpf *
load(__u32 max_meta, bool frags)
{
	struct afx_xdp_bpf *skel = afx_xdp_bpf__open();

	NEED(skel != NULL, "%s", strerror(errno));
	skel->rodata->afx_cfg.max_meta = max_meta;
	bpf_map__set_max_entries(skel->maps.xsks_map, QUEUES);
	if (frags)
		bpf_program__set_flags(skel->progs.afx_xdp, BPF_F_XDP_HAS_FRAGS);
	NEED(afx_xdp_bpf__load(skel) == 0, "%s", strerror(errno));
	return skel;
}

/* A socket with an Rx ring is all the map asks for. */
static int
put_socket(struct afx_xdp_bpf *skel, __u32 queue)
{
	int size = 64, fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	NEED(fd >= 0, "%s", strerror(errno));
	NEED(setsockopt(fd, SOL_XDP, XDP_RX_RING, &size, sizeof(size)) == 0, "%s", strerror(errno));
	NEED(bpf_map_update_elem(bpf_map__fd(skel->maps.xsks_map), &queue, &fd, 0) == 0, "%s",
		strerror(errno));
	return fd;
}

struct run {
	int verdict;
	unsigned int meta;       /* bytes of metadata left */
	unsigned int len;        /* of the packet behind it */
};

static struct run
run(struct afx_xdp_bpf *skel, unsigned int meta, unsigned int len, unsigned int queue)
{
	static unsigned char in[65536], out[65536];
	struct xdp_md ctx = {
		.data = meta,
		.data_end = meta + len,
		.ingress_ifindex = ifindex,
		.rx_queue_index = queue,
	}, ctx_out = { 0 };
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = in,
		.data_size_in = meta + len,
		.data_out = out,
		.data_size_out = sizeof(out),
		.ctx_in = &ctx,
		.ctx_size_in = sizeof(ctx),
		.ctx_out = &ctx_out,
		.ctx_size_out = sizeof(ctx_out),
		.repeat = 1,
	};
	struct run r = { .verdict = -1 };
	unsigned int i;

	for (i = 0; i < len; i++)
		in[meta + i] = (unsigned char)(i * 7 + 1);
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.afx_xdp), &opts) != 0) {
		r.verdict = -errno;
		return r;
	}
	r.verdict = (int)opts.retval;
	r.meta = ctx_out.data;
	/* The context tells of the first buffer only. */
	r.len = opts.data_size_out - r.meta;
	CHECK(memcmp(out + ctx_out.data, in + meta, r.len < len ? r.len : len) == 0);
	return r;
}

/* A queue with a socket is redirected, any other passes, whatever sockets other queues have. */
static void
test_queue(void)
{
	struct afx_xdp_bpf *skel = load(0, false);
	int fd = put_socket(skel, 1);

	CHECK_EQ(run(skel, 0, 64, 0).verdict, XDP_PASS);
	CHECK_EQ(run(skel, 0, 64, 1).verdict, XDP_REDIRECT);
	close(fd);
	CHECK_EQ(run(skel, 0, 64, 1).verdict, XDP_PASS);
	afx_xdp_bpf__destroy(skel);
}

/* A queue beyond the map belongs to the kernel as well. */
static void
test_queue_beyond_map(void)
{
	struct afx_xdp_bpf *skel = afx_xdp_bpf__open();
	int fd;

	NEED(skel != NULL, "%s", strerror(errno));
	bpf_map__set_max_entries(skel->maps.xsks_map, 1);
	NEED(afx_xdp_bpf__load(skel) == 0, "%s", strerror(errno));
	fd = put_socket(skel, 0);
	CHECK_EQ(run(skel, 0, 64, 0).verdict, XDP_REDIRECT);
	CHECK_EQ(run(skel, 0, 64, 1).verdict, XDP_PASS);
	close(fd);
	afx_xdp_bpf__destroy(skel);
}

/* Metadata up to max_meta stays as it is, longer is removed; the packet is the same either way. */
static void
test_meta(void)
{
	static const __u32 limits[] = { 0, 4, 32, 96, 128, AFX_XDP_META_MAX };
	unsigned int longest = 0, meta;
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct afx_xdp_bpf *skel = load(limits[i], false);
		int fd = put_socket(skel, 0);

		/* A kernel refuses to start with more than it supports (32 before 6.17 or so). */
		for (meta = 0; meta <= AFX_XDP_META_MAX; meta += 4) {
			struct run r = run(skel, meta, 100, 0);

			if (r.verdict == -EINVAL && meta > 32)
				break;
			longest = meta > longest ? meta : longest;
			CHECK_AT(r.verdict == XDP_REDIRECT, "verdict %d, meta %u, limit %u",
				r.verdict, meta, limits[i]);
			CHECK_AT(r.meta == (meta <= limits[i] ? meta : 0),
				"meta %u became %u, limit %u", meta, r.meta, limits[i]);
			CHECK_EQ(r.len, 100);
		}
		close(fd);
		afx_xdp_bpf__destroy(skel);
	}
	CHECK(longest >= 32);
	printf("metadata tested up to %u bytes\n", longest);
}

/* A packet of several buffers, loaded for it, goes the same way. */
static void
test_frags(void)
{
	struct afx_xdp_bpf *skel = load(0, true);
	int fd = put_socket(skel, 0);
	struct run r;

	r = run(skel, 0, 9000, 0);
	CHECK_EQ(r.verdict, XDP_REDIRECT);
	CHECK_EQ(r.len, 9000);
	CHECK_EQ(run(skel, 0, 9000, 1).verdict, XDP_PASS);
	r = run(skel, 32, 9000, 0);
	CHECK_EQ(r.verdict, XDP_REDIRECT);
	CHECK_EQ(r.meta, 0);
	CHECK_EQ(r.len, 9000);
	close(fd);
	afx_xdp_bpf__destroy(skel);
}

/* What a second process recognises the program by. */
static void
test_signature(void)
{
	struct afx_xdp_bpf *skel = load(8, false);
	struct bpf_prog_info prog = { 0 };
	struct bpf_map_info map = { 0 };
	struct afx_xdp_cfg cfg = { 0 };
	__u32 len = sizeof(prog), zero = 0;

	CHECK_EQ(bpf_obj_get_info_by_fd(bpf_program__fd(skel->progs.afx_xdp), &prog, &len), 0);
	CHECK(strcmp(prog.name, AFX_XDP_PROG_NAME) == 0);
	len = sizeof(map);
	CHECK_EQ(bpf_obj_get_info_by_fd(bpf_map__fd(skel->maps.xsks_map), &map, &len), 0);
	CHECK(strcmp(map.name, AFX_XDP_MAP_NAME) == 0);
	CHECK_EQ(map.max_entries, QUEUES);
	CHECK_EQ(bpf_map_lookup_elem(bpf_map__fd(skel->maps.rodata), &zero, &cfg), 0);
	CHECK(cfg.magic == AFX_XDP_MAGIC);
	CHECK_EQ(cfg.layout, AFX_XDP_LAYOUT);
	CHECK_EQ(cfg.max_meta, 8);
	/* Frozen: nobody changes it under a running program. */
	CHECK(bpf_map_update_elem(bpf_map__fd(skel->maps.rodata), &zero, &cfg, 0) < 0);
	afx_xdp_bpf__destroy(skel);
}

static int
silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

int
main(void)
{
	struct bpf_link_create_opts opts = { .sz = sizeof(opts), .flags = XDP_FLAGS_DRV_MODE };
	struct afx_xdp_bpf *holder;
	int link;

	if (geteuid() != 0)
		SKIP("needs root: a network namespace and BPF programs");
	if (unshare(CLONE_NEWNET) < 0)
		SKIP("unshare(CLONE_NEWNET): %s", strerror(errno));
	if (system("ip link add v0 numrxqueues 2 numtxqueues 2 type veth peer name v1 && "
			"ip link set v0 up && ip link set v1 up") != 0)
		SKIP("'ip link add type veth' failed: iproute2 and veth are needed");
	libbpf_set_print(silent);
	ifindex = if_nametoindex("v0");

	/* veth registers its queues, by which a test run names one, while a program is attached. */
	holder = load(0, false);
	link = bpf_link_create(bpf_program__fd(holder->progs.afx_xdp), (int)ifindex, BPF_XDP,
		&opts);
	NEED(link >= 0, "%s", strerror(errno));

	test_queue();
	test_queue_beyond_map();
	test_meta();
	test_frags();
	test_signature();

	close(link);
	afx_xdp_bpf__destroy(holder);
	return check_result();
}

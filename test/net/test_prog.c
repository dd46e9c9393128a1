/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of our own XDP program on veth: attach, share, survive a SIGKILL, respect foreign ones. */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "prog_net.h"

static const char *obj_dir;

static void
test_attach_and_close(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct afx_prog *prog;
	struct afx_err err;

	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	CHECK(afx_prog_id(prog) != 0);
	CHECK_EQ(attached(v0), afx_prog_id(prog));
	CHECK(afx_prog_is_own(prog));
	CHECK(!afx_prog_joined(prog));
	CHECK_EQ(afx_prog_check_foreign(v0, &err), 0);
	CHECK_EQ(afx_prog_remove(prog, 1, &err), 0);
	CHECK_EQ(afx_prog_put(prog, 2, 0, &err), -E2BIG);
	CHECK_TEXT(err, "queue 2");
	CHECK_EQ(afx_prog_remove(prog, 2, &err), -E2BIG);
	CHECK(afx_prog_put(prog, 0, 0, &err) < 0);
	afx_prog_close(prog);
	CHECK_EQ(settled(v0, 0), 0);
	afx_prog_close(NULL);
}

/* Traffic goes to the socket, to the kernel after its removal, and again after a put. */
static void
test_put_remove(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct afx_prog *prog;
	struct afx_err err;
	struct xsk x = xsk_open();

	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	CHECK_EQ(afx_prog_put(prog, 0, x.fd, &err), 0);
	CHECK(delivers(&x));
	CHECK_EQ(afx_prog_remove(prog, 0, &err), 0);
	send_packets(4);
	CHECK_EQ(afx_prog_remove(prog, 0, &err), 0);
	CHECK_EQ(afx_prog_put(prog, 0, x.fd, &err), 0);
	CHECK(delivers(&x));
	CHECK_EQ(*x.rx_producer, 8);
	afx_prog_close(prog);
	xsk_close(&x);
}

static void
test_first_killed(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct holder first = holder_start(&cfg, NULL);
	struct afx_prog *prog;
	struct afx_err err;
	struct xsk x = xsk_open();

	CHECK_EQ(first.told.ret, 0);
	CHECK(!first.told.joined);
	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	CHECK(afx_prog_joined(prog));
	CHECK(afx_prog_is_own(prog));
	CHECK_EQ(afx_prog_id(prog), first.told.id);
	CHECK_EQ(afx_prog_put(prog, 0, x.fd, &err), 0);
	CHECK(delivers(&x));
	holder_kill(&first);
	CHECK_EQ(attached(v0), afx_prog_id(prog));
	CHECK(delivers(&x));
	afx_prog_close(prog);
	CHECK_EQ(settled(v0, 0), 0);
	xsk_close(&x);
}

static void
test_second_killed(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct holder second;
	struct afx_prog *prog;
	struct afx_err err;
	struct xsk x = xsk_open();

	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	CHECK_EQ(afx_prog_put(prog, 0, x.fd, &err), 0);
	second = holder_start(&cfg, NULL);
	CHECK_EQ(second.told.ret, 0);
	CHECK_EQ(second.told.id, afx_prog_id(prog));
	CHECK(second.told.joined);
	holder_kill(&second);
	CHECK_EQ(attached(v0), afx_prog_id(prog));
	CHECK(delivers(&x));
	afx_prog_close(prog);
	CHECK_EQ(settled(v0, 0), 0);
	xsk_close(&x);
}

static void
test_both_killed(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct holder first = holder_start(&cfg, NULL), second = holder_start(&cfg, NULL);

	CHECK_EQ(second.told.ret, 0);
	CHECK_EQ(second.told.id, first.told.id);
	CHECK_EQ(attached(v0), first.told.id);
	holder_kill(&first);
	CHECK_EQ(attached(v0), second.told.id);
	holder_kill(&second);
	CHECK_EQ(settled(v0, 0), 0);
}

/* Openers meeting a holder at the very moment it dies get a program, the old or a new one. */
static void
test_join_race(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	int i;

	for (i = 0; i < 100; i++) {
		struct holder first = holder_start(&cfg, NULL);
		struct afx_prog *prog;
		struct afx_err err;
		int ret;

		kill(first.pid, SIGKILL);
		ret = afx_prog_open(&cfg, &prog, &err);
		CHECK_AT(ret == 0, "round %d: %s", i, err.text);
		waitpid(first.pid, NULL, 0);
		if (ret != 0)
			continue;
		CHECK_EQ(attached(v0), afx_prog_id(prog));
		afx_prog_close(prog);
		CHECK_EQ(settled(v0, 0), 0);
	}
}

static int gate[2];

static void
wait_at_gate(void)
{
	char c;

	close(gate[1]);
	NEED(read(gate[0], &c, 1) == 0, "the gate is broken");
}

/* Several open at once: one attaches, the others find that out and share. */
static void
test_open_race(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct holder h[4];
	int round;

	for (round = 0; round < 50; round++) {
		unsigned int i, joined = 0;

		NEED(pipe(gate) == 0, "%s", strerror(errno));
		for (i = 0; i < 4; i++)
			h[i] = holder_fork(&cfg, wait_at_gate);
		close(gate[1]);
		close(gate[0]);
		for (i = 0; i < 4; i++)
			holder_wait(&h[i]);
		for (i = 0; i < 4; i++) {
			CHECK_AT(h[i].told.ret == 0, "%s", h[i].told.err.text);
			CHECK_EQ(h[i].told.id, h[0].told.id);
			joined += h[i].told.joined;
		}
		CHECK_EQ(joined, 3);
		for (i = 0; i < 4; i++)
			holder_kill(&h[i]);
		CHECK_EQ(settled(v0, 0), 0);
	}
}

static void
refused_by_holder(const struct afx_prog_cfg *held, const struct afx_prog_cfg *wanted,
	const char *part)
{
	struct holder h = holder_start(held, NULL);
	struct afx_prog *prog;
	struct afx_err err;

	NEED(h.told.ret == 0, "%s", h.told.err.text);
	CHECK_EQ(afx_prog_open(wanted, &prog, &err), -EBUSY);
	CHECK_EQ(err.code, -EBUSY);
	CHECK_TEXT(err, part);
	CHECK_TEXT(err, "v0");
	CHECK_EQ(attached(v0), h.told.id);
	holder_kill(&h);
}

/* A running program of ours that does not fit is refused by name of what does not fit. */
static void
test_join_misfit(void)
{
	struct afx_prog_cfg held = cfg_default(), wanted = cfg_default();

	wanted.mode = AFX_XDP_SKB;
	refused_by_holder(&held, &wanted, "native mode");
	refused_by_holder(&wanted, &held, "skb mode");
	wanted = cfg_default();
	wanted.max_queues = 3;
	refused_by_holder(&held, &wanted, "2 queues");
	wanted = cfg_default();
	wanted.frags = true;
	refused_by_holder(&held, &wanted, "several buffers");
	held.max_meta = 64;
	wanted = cfg_default();
	wanted.max_meta = 60;
	refused_by_holder(&held, &wanted, "64 bytes of metadata");
}

/* A program that does nothing, by somebody else. */
static int
load_foreign(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody", "GPL", insns, 2, NULL);

	NEED(fd >= 0, "%s", strerror(errno));
	return fd;
}

static void
check_refused_as_foreign(const char *name, const char *remedy)
{
	struct afx_prog_cfg cfg = cfg_default();
	unsigned int id = attached(v0);
	struct afx_prog *prog;
	struct afx_err err;
	char text[32];

	snprintf(text, sizeof(text), "id %u", id);
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -EBUSY);
	CHECK_TEXT(err, text);
	CHECK_TEXT(err, name);
	CHECK_TEXT(err, remedy);
	CHECK_EQ(afx_prog_check_foreign(v0, &err), -EBUSY);
	CHECK_TEXT(err, name);
	CHECK_EQ(attached(v0), id);
}

static void
test_foreign(void)
{
	struct bpf_link_create_opts opts = { .sz = sizeof(opts), .flags = XDP_FLAGS_SKB_MODE };
	struct afx_err err;
	int fd = load_foreign(), link;

	CHECK_EQ(afx_prog_check_foreign(v0, &err), 0);
	CHECK_EQ(bpf_xdp_attach(v0, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	check_refused_as_foreign("somebody", "ip link set dev v0 xdp off");
	CHECK_EQ(bpf_xdp_detach(v0, XDP_FLAGS_DRV_MODE, NULL), 0);
	/* skb mode is in the way of native mode too. */
	CHECK_EQ(bpf_xdp_attach(v0, fd, XDP_FLAGS_SKB_MODE, NULL), 0);
	check_refused_as_foreign("somebody", "ip link set dev v0 xdpgeneric off");
	CHECK_EQ(bpf_xdp_detach(v0, XDP_FLAGS_SKB_MODE, NULL), 0);
	link = bpf_link_create(fd, v0, BPF_XDP, &opts);
	CHECK(link >= 0);
	check_refused_as_foreign("somebody", "held by a bpf_link");
	close(link);
	CHECK_EQ(afx_prog_check_foreign(v0, &err), 0);
	close(fd);
}

/* A program of our name with a map of our name is still foreign: the magic is missing. */
static void
test_foreign_mimic(void)
{
	struct bpf_link_create_opts opts = { .sz = sizeof(opts), .flags = XDP_FLAGS_DRV_MODE };
	struct bpf_object *obj;
	char path[512];
	int link;

	snprintf(path, sizeof(path), "%s/custom_mimic.bpf.o", obj_dir);
	obj = bpf_object__open_file(path, NULL);
	NEED(obj != NULL && bpf_object__load(obj) == 0, "%s", path);
	link = bpf_link_create(bpf_program__fd(bpf_object__next_program(obj, NULL)), v0, BPF_XDP,
		&opts);
	CHECK(link >= 0);
	check_refused_as_foreign("afx_xdp", "held by a bpf_link");
	close(link);
	bpf_object__close(obj);
}

static void
enter_other_netns(void)
{
	char command[128];

	NEED(unshare(CLONE_NEWNET) == 0, "%s", strerror(errno));
	snprintf(command, sizeof(command), "ip link add v0 index %d type veth peer name v1 && "
		"ip link set v0 up", v0);
	must_run(command);
}

/* The same ifindex in another namespace has a link of its own, which is not to be taken. */
static void
test_same_ifindex_elsewhere(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct holder other = holder_start(&cfg, enter_other_netns), here, second;

	CHECK_EQ(other.told.ret, 0);
	CHECK_EQ(settled(v0, 0), 0);
	here = holder_start(&cfg, NULL);
	CHECK_EQ(here.told.ret, 0);
	CHECK(!here.told.joined);
	second = holder_start(&cfg, NULL);
	CHECK(second.told.joined);
	CHECK_EQ(second.told.id, here.told.id);
	holder_kill(&other);
	CHECK_EQ(attached(v0), here.told.id);
	holder_kill(&here);
	CHECK_EQ(attached(v0), here.told.id);
	holder_kill(&second);
	CHECK_EQ(settled(v0, 0), 0);
}

/* The driver's own words come through, and frames of several buffers are the way out. */
static void
test_driver_refuses(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct afx_prog *prog;
	struct afx_err err;

	must_run("ip link set v1 mtu 9000");
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -ERANGE);
	CHECK_TEXT(err, "Peer MTU is too large");
	CHECK_TEXT(err, "lower it");
	CHECK_EQ(settled(v0, 0), 0);
	cfg.frags = true;
	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	afx_prog_close(prog);
	must_run("ip link set v1 mtu 1500");

	cfg = cfg_default();
	cfg.ifindex = (int)if_nametoindex("lo");
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -EOPNOTSUPP);
	CHECK_TEXT(err, "lo in native mode");
	CHECK_TEXT(err, "skb mode");
	cfg.mode = AFX_XDP_SKB;
	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	afx_prog_close(prog);
}

static void
only_bpf_and_net_admin(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	d[0].effective = d[0].permitted = 1u << CAP_NET_ADMIN;
	d[1].effective = d[1].permitted = 1u << (CAP_BPF - 32);
	NEED(syscall(SYS_capset, &h, d) == 0, "%s", strerror(errno));
}

static void
no_capability(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	NEED(syscall(SYS_capset, &h, d) == 0, "%s", strerror(errno));
}

/* CAP_BPF and CAP_NET_ADMIN load and attach; joining needs more, and says so. */
static void
test_capabilities(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct holder first = holder_start(&cfg, only_bpf_and_net_admin), second;

	CHECK_AT(first.told.ret == 0, "%s", first.told.err.text);
	CHECK_EQ(attached(v0), first.told.id);
	second = holder_start(&cfg, only_bpf_and_net_admin);
	CHECK_EQ(second.told.ret, -EPERM);
	CHECK_TEXT(second.told.err, "CAP_SYS_ADMIN");
	holder_kill(&second);
	holder_kill(&first);
	first = holder_start(&cfg, no_capability);
	CHECK_EQ(first.told.ret, -EPERM);
	CHECK_TEXT(first.told.err, "CAP_BPF");
	holder_kill(&first);
}

static void
test_bad_config(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct afx_prog *prog;
	struct afx_err err;

	cfg.max_queues = 0;
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -EINVAL);
	cfg = cfg_default();
	cfg.ifindex = 0;
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -EINVAL);
	cfg.ifindex = 99999;
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -ENODEV);
	CHECK_TEXT(err, "99999");
	CHECK_EQ(afx_prog_check_foreign(99999, &err), -ENODEV);
}

int
main(int argc, char **argv)
{
	static void (*const tests[])(void) = {
		test_attach_and_close, test_put_remove, test_first_killed, test_second_killed,
		test_both_killed, test_join_race, test_open_race, test_join_misfit,
		test_foreign, test_foreign_mimic, test_same_ifindex_elsewhere, test_driver_refuses,
		test_capabilities, test_bad_config,
	};
	size_t i;

	NEED(argc == 2, "usage: %s <folder of the custom objects>", argv[0]);
	obj_dir = argv[1];
	net_setup();
	libbpf_set_print(count_print);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		unsigned int fds = open_fds();

		tests[i]();
		CHECK_AT(open_fds() == fds, "test %zu: %u descriptors became %u", i, fds,
			open_fds());
		CHECK_AT(attached(v0) == 0, "test %zu left a program", i);
	}
	/* The library printed nothing through libbpf, and put the print function back. */
	CHECK_EQ(printed, 0);
	CHECK(libbpf_set_print(NULL) == count_print);
	return check_result();
}

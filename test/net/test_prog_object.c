/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs and maps not ours: xdp_prog= objects good and bad, given maps, the dispatcher. */
#include "prog_net.h"

static const char *obj_dir;

static const char *
object(const char *name)
{
	static char path[8][512];
	static unsigned int next;
	char *p = path[next++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", obj_dir, name);
	return p;
}

static void
test_good_object(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct afx_prog *prog;
	struct afx_err err;
	struct xsk x = xsk_open();

	cfg.object = object("custom_good.bpf.o");
	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	CHECK(!afx_prog_is_own(prog));
	CHECK(!afx_prog_joined(prog));
	CHECK_EQ(attached(v0), afx_prog_id(prog));
	/* The map keeps the size of the object. */
	CHECK_EQ(afx_prog_put(prog, 3, x.fd, &err), 0);
	CHECK_EQ(afx_prog_put(prog, 4, x.fd, &err), -E2BIG);
	CHECK_EQ(afx_prog_put(prog, 0, x.fd, &err), 0);
	CHECK(delivers(&x));
	/* To our own program it is a foreign one. */
	CHECK_EQ(afx_prog_check_foreign(v0, &err), -EBUSY);
	CHECK_TEXT(err, "custom");
	afx_prog_close(prog);
	CHECK_EQ(settled(v0, 0), 0);
	xsk_close(&x);
}

/* The same object is shared, after the first one's death too; another one is refused. */
static void
test_join_object(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct holder first;
	struct afx_prog *prog, *second;
	struct afx_err err;

	cfg.object = object("custom_good.bpf.o");
	first = holder_start(&cfg, NULL);
	CHECK_EQ(first.told.ret, 0);
	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	CHECK(afx_prog_joined(prog));
	CHECK_EQ(afx_prog_id(prog), first.told.id);
	holder_kill(&first);
	CHECK_EQ(attached(v0), afx_prog_id(prog));
	cfg.object = object("custom_other.bpf.o");
	CHECK_EQ(afx_prog_open(&cfg, &second, &err), -EBUSY);
	CHECK_TEXT(err, "custom");
	cfg.object = NULL;
	CHECK_EQ(afx_prog_open(&cfg, &second, &err), -EBUSY);
	CHECK_EQ(attached(v0), afx_prog_id(prog));
	afx_prog_close(prog);
	CHECK_EQ(settled(v0, 0), 0);
}

static void
refused_object(const char *name, int code, const char *part)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct afx_prog *prog;
	struct afx_err err;

	cfg.object = object(name);
	CHECK_AT(afx_prog_open(&cfg, &prog, &err) == code, "%s: %d %s", name, err.code, err.text);
	CHECK_EQ(err.code, code);
	CHECK_TEXT(err, name);
	CHECK_TEXT(err, part);
	CHECK_EQ(settled(v0, 0), 0);
}

static void
test_bad_objects(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	const char *dir = obj_dir;
	struct afx_prog *prog;
	struct afx_err err;

	refused_object("custom_absent.bpf.o", -ENOENT, "cannot be read");
	refused_object("..", -EINVAL, "not a BPF object");
	must_run("mount -t tmpfs tmpfs /mnt && echo text >/mnt/text.o && : >/mnt/empty.o");
	obj_dir = "/mnt";
	refused_object("text.o", -EINVAL, "not a BPF object");
	refused_object("empty.o", -EINVAL, "not a BPF object");
	obj_dir = dir;
	must_run("umount /mnt");
	refused_object("custom_no_map.bpf.o", -ENOENT, "no map named xsks_map");
	refused_object("custom_wrong_map.bpf.o", -EINVAL, "BPF_MAP_TYPE_XSKMAP");
	refused_object("custom_tc.bpf.o", -EINVAL, "not an XDP program");
	refused_object("custom_broken.bpf.o", -EACCES, "packet");
	cfg.object = object("custom_good.bpf.o");
	cfg.frags = true;
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -EINVAL);
	CHECK_TEXT(err, "xdp.frags");
}

static int
make_map(enum bpf_map_type type)
{
	int fd = bpf_map_create(type, "given", 4, 4, 3, NULL);

	NEED(fd >= 0, "%s", strerror(errno));
	return fd;
}

static void
test_given_map(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	int map = make_map(BPF_MAP_TYPE_XSKMAP), array = make_map(BPF_MAP_TYPE_ARRAY);
	struct xsk x = xsk_open();
	struct afx_prog *prog;
	struct afx_err err;

	cfg.attach = AFX_ATTACH_NONE;
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -EINVAL);
	NEED(bpf_obj_pin(map, "/sys/fs/bpf/xsks") == 0, "%s", strerror(errno));
	NEED(bpf_obj_pin(array, "/sys/fs/bpf/array") == 0, "%s", strerror(errno));
	cfg.map_path = "/sys/fs/bpf/xsks";
	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	CHECK_EQ(afx_prog_id(prog), 0);
	CHECK(!afx_prog_is_own(prog));
	CHECK_EQ(settled(v0, 0), 0);
	CHECK_EQ(afx_prog_put(prog, 2, x.fd, &err), 0);
	CHECK_EQ(afx_prog_put(prog, 3, x.fd, &err), -E2BIG);
	CHECK_EQ(afx_prog_remove(prog, 2, &err), 0);
	afx_prog_close(prog);

	cfg.map_path = "/sys/fs/bpf/array";
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -EINVAL);
	CHECK_TEXT(err, "/sys/fs/bpf/array");
	CHECK_TEXT(err, "XSKMAP");
	cfg.map_path = "/sys/fs/bpf/absent";
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -ENOENT);
	CHECK_TEXT(err, "/sys/fs/bpf/absent");

	/* A descriptor is duplicated: the caller's own stays open, and ours works without it. */
	cfg.map_path = NULL;
	cfg.map_fd = map;
	NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
	CHECK_EQ(close(map), 0);
	CHECK_EQ(afx_prog_put(prog, 0, x.fd, &err), 0);
	afx_prog_close(prog);
	cfg.map_fd = array;
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -EINVAL);
	cfg.map_fd = x.fd;
	CHECK_EQ(afx_prog_open(&cfg, &prog, &err), -EINVAL);
	CHECK_TEXT(err, "given descriptor");
	close(array);
	xsk_close(&x);
	unlink("/sys/fs/bpf/xsks");
	unlink("/sys/fs/bpf/array");
}

/* A frozen map takes no socket; net_af_xdp called that a success. */
static void
test_frozen_map(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	int map = make_map(BPF_MAP_TYPE_XSKMAP);
	struct xsk x = xsk_open();
	struct afx_prog *prog;
	struct afx_err err;

	if (bpf_map_freeze(map) == 0) {
		cfg.attach = AFX_ATTACH_NONE;
		cfg.map_fd = map;
		NEED(afx_prog_open(&cfg, &prog, &err) == 0, "%s", err.text);
		CHECK_EQ(afx_prog_put(prog, 0, x.fd, &err), -EPERM);
		CHECK_TEXT(err, "frozen");
		afx_prog_close(prog);
	}
	close(map);
	xsk_close(&x);
}

/*
 * Where the dispatcher works, attach, share, and remove with the last. Where it does not, nothing
 * stays attached and the error says what libxdp said.
 */
static void
test_dispatcher(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct afx_prog *first, *second;
	struct afx_err err;
	int ret;

	cfg.attach = AFX_ATTACH_DISPATCHER;
	ret = afx_prog_open(&cfg, &first, &err);
	if (ret == 0) {
		CHECK(attached(v0) != 0);
		NEED(afx_prog_open(&cfg, &second, &err) == 0, "%s", err.text);
		CHECK(afx_prog_joined(second));
		CHECK_EQ(afx_prog_id(second), afx_prog_id(first));
		afx_prog_close_shared(first, false);
		CHECK(attached(v0) != 0);
		afx_prog_close_shared(second, true);
	} else {
		printf("no dispatcher here: %s\n", err.text);
		CHECK(err.code == ret);
		CHECK(strstr(err.text, "libxdp") != NULL);
	}
	CHECK_EQ(settled(v0, 0), 0);
}

/* Without a dispatcher libxdp attaches the program alone: that is undone and said. */
static void
test_dispatcher_skipped(void)
{
	struct afx_prog_cfg cfg = cfg_default();
	struct afx_prog *prog;
	struct afx_err err;
	int ret;

	setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
	cfg.attach = AFX_ATTACH_DISPATCHER;
	ret = afx_prog_open(&cfg, &prog, &err);
	unsetenv("LIBXDP_SKIP_DISPATCHER");
	if (ret == -ENOTSUP && strstr(err.text, "-Ddispatcher") != NULL)
		return;
	CHECK_EQ(ret, -EOPNOTSUPP);
	CHECK_TEXT(err, "without its dispatcher");
	CHECK_EQ(settled(v0, 0), 0);
}

int
main(int argc, char **argv)
{
	/* libxdp 1.3 itself loses a descriptor at each look at an interface. */
	static const struct {
		void (*run)(void);
		bool fds_leak;
	} tests[] = {
		{ test_good_object, false },
		{ test_join_object, false },
		{ test_bad_objects, false },
		{ test_given_map, false },
		{ test_frozen_map, false },
		{ test_dispatcher, true },
		{ test_dispatcher_skipped, true },
	};
	size_t i;

	NEED(argc == 2, "usage: %s <folder of the custom objects>", argv[0]);
	obj_dir = argv[1];
	net_setup();
	libbpf_set_print(count_print);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		unsigned int fds = open_fds();

		tests[i].run();
		CHECK_AT(open_fds() == fds || tests[i].fds_leak, "test %zu: %u descriptors "
			"became %u", i, fds, open_fds());
		CHECK_AT(attached(v0) == 0, "test %zu left a program", i);
	}
	CHECK_EQ(printed, 0);
	CHECK(libbpf_set_print(NULL) == count_print);
	return check_result();
}

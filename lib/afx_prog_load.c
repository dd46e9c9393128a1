/* SPDX-License-Identifier: BSD-3-Clause */
/* A program before it is attached: the embedded one or a custom object, opened, checked, loaded. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "afx_prog_impl.h"
#include "afx_xdp.skel.h"

/* libbpf has error numbers of its own above this one. */
#define LIBBPF_ERRNO_FIRST 4000

static const char *
obj_path(const struct afx_prog_cfg *cfg)
{
	return cfg->object != NULL ? cfg->object : "(built in)";
}

static int
plain_errno(long code)
{
	return code <= -LIBBPF_ERRNO_FIRST ? -EINVAL : (int)code;
}

static int
open_own(struct afx_prog_obj *o, const struct afx_prog_cfg *cfg, struct afx_err *err)
{
	struct afx_prog_log log;
	struct afx_xdp_cfg *ro;
	int ret;

	afx_prog_log_begin(&log);
	o->skel = afx_xdp_bpf__open();
	ret = o->skel == NULL ? plain_errno(-errno) : 0;
	afx_prog_log_end();
	if (ret != 0)
		return afx_err_set(err, ret, "built-in XDP program does not open (%s)",
			log.reason[0] != '\0' ? log.reason : strerror(-ret));
	o->obj = o->skel->obj;
	o->prog = o->skel->progs.afx_xdp;
	if (cfg->attach == AFX_ATTACH_DISPATCHER)
		o->prog = o->skel->progs.afx_xdp_any;
	bpf_program__set_autoload(o->skel->progs.afx_xdp, o->prog == o->skel->progs.afx_xdp);
	bpf_program__set_autoload(o->skel->progs.afx_xdp_any, o->prog != o->skel->progs.afx_xdp);
	o->map = o->skel->maps.xsks_map;

	ro = &o->skel->rodata->afx_cfg;
	ro->max_meta = cfg->max_meta < AFX_XDP_META_MAX ? cfg->max_meta : AFX_XDP_META_MAX;
	ro->flags = cfg->frags ? AFX_XDP_F_FRAGS : 0;
	ret = bpf_map__set_max_entries(o->map, cfg->max_queues);
	if (ret == 0 && cfg->frags)
		ret = bpf_program__set_flags(o->prog, BPF_F_XDP_HAS_FRAGS);
	if (ret != 0)
		return afx_err_set(err, ret, "built-in XDP program cannot be set up: %s",
			strerror(-ret));
	return 0;
}

/* The object must hold a program and an XSKMAP by our names and types. */
static int
check_custom(struct afx_prog_obj *o, const struct afx_prog_cfg *cfg, struct afx_err *err)
{
	const char *path = cfg->object, *section;
	enum bpf_prog_type type;

	o->prog = bpf_object__next_program(o->obj, NULL);
	if (o->prog == NULL)
		return afx_err_set(err, -ENOENT, "%s holds no BPF program", path);
	section = bpf_program__section_name(o->prog);
	type = bpf_program__type(o->prog);
	/* Sections older than libbpf 1.0's names carry no type. */
	if (type == BPF_PROG_TYPE_UNSPEC)
		bpf_program__set_type(o->prog, BPF_PROG_TYPE_XDP);
	else if (type != BPF_PROG_TYPE_XDP)
		return afx_err_set(err, -EINVAL,
			"%s: its first program %s (section %s) is not an XDP program: "
			"put it in SEC(\"xdp\")", path, bpf_program__name(o->prog), section);
	if (cfg->frags && strncmp(section, "xdp.frags", 9) != 0)
		return afx_err_set(err, -EINVAL,
			"%s: program %s (section %s) does not take packets of several buffers: "
			"SEC(\"xdp.frags\"), or an MTU that fits one buffer", path,
			bpf_program__name(o->prog), section);
	o->map = bpf_object__find_map_by_name(o->obj, AFX_XDP_MAP_NAME);
	if (o->map == NULL)
		return afx_err_set(err, -ENOENT, "%s has no map named " AFX_XDP_MAP_NAME
			" (type BPF_MAP_TYPE_XSKMAP)", path);
	if (bpf_map__type(o->map) != BPF_MAP_TYPE_XSKMAP)
		return afx_err_set(err, -EINVAL, "%s: map " AFX_XDP_MAP_NAME
			" has type %d, not BPF_MAP_TYPE_XSKMAP (%d)", path,
			(int)bpf_map__type(o->map), (int)BPF_MAP_TYPE_XSKMAP);
	return 0;
}

static int
open_custom(struct afx_prog_obj *o, const struct afx_prog_cfg *cfg, struct afx_err *err)
{
	struct afx_prog_log log;
	struct bpf_object *obj;
	struct stat st;
	int ret;

	/* libbpf words a missing file as a bad one, and keeps a directory's descriptor open. */
	if (stat(cfg->object, &st) < 0 || access(cfg->object, R_OK) < 0)
		return afx_err_set(err, -errno, "XDP object %s cannot be read: %s", cfg->object,
			strerror(errno));
	if (!S_ISREG(st.st_mode))
		return afx_err_set(err, -EINVAL, "%s is not a BPF object but a directory or "
			"device", cfg->object);
	afx_prog_log_begin(&log);
	obj = bpf_object__open_file(cfg->object, NULL);
	ret = plain_errno(libbpf_get_error(obj));
	afx_prog_log_end();
	if (ret != 0)
		return afx_err_set(err, ret, "%s is not a BPF object libbpf can open (%s)",
			cfg->object, log.reason[0] != '\0' ? log.reason : strerror(-ret));
	o->obj = obj;
	return check_custom(o, cfg, err);
}

int
afx_prog_obj_open(struct afx_prog_obj *o, const struct afx_prog_cfg *cfg, struct afx_err *err)
{
	int ret;

	if (o->obj != NULL)
		return 0;
	ret = cfg->object != NULL ? open_custom(o, cfg, err) : open_own(o, cfg, err);
	if (ret < 0)
		afx_prog_obj_close(o);
	return ret;
}

int
afx_prog_obj_load(struct afx_prog_obj *o, const struct afx_prog_cfg *cfg, struct afx_err *err)
{
	struct afx_prog_log log;
	int ret;

	ret = afx_prog_obj_open(o, cfg, err);
	if (ret < 0 || o->loaded)
		return ret;
	afx_prog_log_begin(&log);
	ret = plain_errno(bpf_object__load(o->obj));
	afx_prog_log_end();
	if (ret == -EAGAIN)
		/* Not to be taken for "look again" by callers: an object cannot be loaded twice. */
		return afx_err_set(err, -EIO, "loading XDP program %s: %s", obj_path(cfg),
			strerror(EAGAIN));
	if (ret == -EPERM)
		return afx_err_set(err, ret, "loading XDP program %s: %s%s%s; it needs CAP_BPF "
			"and CAP_NET_ADMIN (before kernel 5.11 also RLIMIT_MEMLOCK)",
			obj_path(cfg), strerror(-ret), log.reason[0] != '\0' ? ": " : "",
			log.reason);
	if (ret != 0)
		return afx_err_set(err, ret, "loading XDP program %s: %s%s%s", obj_path(cfg),
			strerror(-ret), log.reason[0] != '\0' ? ": " : "", log.reason);
	o->loaded = true;
	return 0;
}

void
afx_prog_obj_close(struct afx_prog_obj *o)
{
	if (o->skel != NULL)
		afx_xdp_bpf__destroy(o->skel);
	else if (o->obj != NULL)
		bpf_object__close(o->obj);
	memset(o, 0, sizeof(*o));
}

int
afx_prog_obj_take(const struct afx_prog_obj *o, struct afx_prog *prog, struct afx_err *err)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	prog->prog_fd = fcntl(bpf_program__fd(o->prog), F_DUPFD_CLOEXEC, 3);
	if (prog->prog_fd >= 0)
		prog->map_fd = fcntl(bpf_map__fd(o->map), F_DUPFD_CLOEXEC, 3);
	if (prog->prog_fd < 0 || prog->map_fd < 0)
		return afx_err_set(err, -errno, "fcntl(F_DUPFD_CLOEXEC): %s", strerror(errno));
	if (bpf_obj_get_info_by_fd(prog->prog_fd, &info, &len) < 0)
		return afx_err_set(err, -errno, "bpf(BPF_OBJ_GET_INFO_BY_FD): %s",
			strerror(errno));
	prog->id = info.id;
	prog->map_entries = bpf_map__max_entries(o->map);
	return 0;
}

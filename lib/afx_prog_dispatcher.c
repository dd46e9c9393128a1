/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attachment through libxdp's dispatcher, beside other XDP programs. libxdp attaches it by netlink
 * and pins its parts in bpffs, so a component of ours outlives a killed process: it is found by its
 * signature and shared, and only whoever knows that nobody else uses it detaches it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afx_prog_impl.h"

#ifdef AFX_HAVE_LIBXDP

#include <bpf/bpf.h>
#include <xdp/libxdp.h>

static libxdp_print_fn_t xdp_previous;

static int
print_libxdp(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	if (afx_prog_log_add(level == LIBXDP_WARN, fmt, ap))
		return 0;
	return xdp_previous != NULL ? xdp_previous(level, fmt, ap) : 0;
}

/* As afx_prog_log_begin and end, for libxdp's print function as well; the same lock covers it. */
static void
xdp_log_begin(struct afx_prog_log *log)
{
	afx_prog_log_begin(log);
	xdp_previous = libxdp_set_print(print_libxdp);
}

static void
xdp_log_end(void)
{
	libxdp_print_fn_t now;

	now = libxdp_set_print(xdp_previous);
	if (now != print_libxdp)
		libxdp_set_print(now);
	afx_prog_log_end();
}

static enum xdp_attach_mode
xdp_mode(enum afx_xdp_mode mode)
{
	return mode == AFX_XDP_NATIVE ? XDP_MODE_NATIVE :
		mode == AFX_XDP_SKB ? XDP_MODE_SKB : XDP_MODE_HW;
}

/*
 * Look through the components of the dispatcher on the interface for one to share: 1 joined, 0 none
 * (also without a dispatcher), -errno with err when one is ours but does not fit.
 */
static int
join(struct afx_prog *prog, const struct afx_prog_cfg *cfg, struct afx_prog_obj *o,
	struct afx_err *err)
{
	struct afx_prog_running run;
	struct xdp_program *p = NULL;
	struct xdp_multiprog *mp;
	struct afx_prog_log log;
	int ret = 0;

	xdp_log_begin(&log);
	mp = xdp_multiprog__get_from_ifindex(cfg->ifindex);
	if (libxdp_get_error(mp) != 0)
		mp = NULL;
	xdp_log_end();
	if (mp == NULL)
		return 0;
	while (!xdp_multiprog__is_legacy(mp) && (p = xdp_multiprog__next_prog(p, mp)) != NULL) {
		if (afx_prog_running_open(xdp_program__id(p), &run) < 0)
			continue;
		ret = afx_prog_running_match(&run, cfg, o, err);
		if (ret > 0 && xdp_multiprog__attach_mode(mp) != xdp_mode(cfg->mode))
			ret = afx_err_set(err, -EBUSY, "%s runs libxdp's dispatcher with our "
				"program (id %u) in another mode than %s: use one mode in both",
				afx_prog_ifname(cfg->ifindex).text, run.id,
				afx_prog_mode_name(cfg->mode));
		if (ret > 0)
			afx_prog_running_take(&run, prog);
		afx_prog_running_close(&run);
		if (ret != 0)
			break;
	}
	xdp_multiprog__close(mp);
	return ret;
}

/* Whether xdp stands in a dispatcher; libxdp attaches it alone, without a word, where it cannot. */
static bool
in_dispatcher(struct xdp_program *xdp, int ifindex)
{
	struct xdp_program *p = NULL;
	struct xdp_multiprog *mp;
	bool found = false;

	mp = xdp_multiprog__get_from_ifindex(ifindex);
	if (libxdp_get_error(mp) != 0)
		return false;
	while (!xdp_multiprog__is_legacy(mp) && (p = xdp_multiprog__next_prog(p, mp)) != NULL)
		if (xdp_program__id(p) == xdp_program__id(xdp))
			found = true;
	xdp_multiprog__close(mp);
	return found;
}

/* Attach xdp as a component; log carries libxdp's words where that fails. */
static int
attach_component(struct xdp_program *xdp, const struct afx_prog_cfg *cfg, struct afx_prog_log *log,
	bool *alone)
{
	int ret;

	xdp_log_begin(log);
	ret = cfg->frags ? xdp_program__set_xdp_frags_support(xdp, true) : 0;
	if (ret == 0)
		ret = xdp_program__attach(xdp, cfg->ifindex, xdp_mode(cfg->mode), 0);
	*alone = ret == 0 && !in_dispatcher(xdp, cfg->ifindex);
	if (*alone)
		xdp_program__detach(xdp, cfg->ifindex, xdp_mode(cfg->mode), 0);
	xdp_log_end();
	return ret;
}

static int
attach(struct afx_prog *prog, const struct afx_prog_cfg *cfg, struct afx_prog_obj *o,
	struct afx_err *err)
{
	struct afx_prog_ifname ifn = afx_prog_ifname(cfg->ifindex);
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts);
	struct xdp_program *xdp;
	struct afx_prog_log log;
	bool alone;
	int ret;

	opts.obj = o->obj;
	opts.prog_name = bpf_program__name(o->prog);
	xdp = xdp_program__create(&opts);
	ret = (int)libxdp_get_error(xdp);
	if (ret != 0)
		return afx_err_set(err, ret, "libxdp does not take the XDP program: %s",
			strerror(-ret));
	ret = attach_component(xdp, cfg, &log, &alone);
	if (ret < 0) {
		afx_err_set(err, ret, "libxdp cannot attach to %s in %s mode: %s%s%s%s", ifn.text,
			afx_prog_mode_name(cfg->mode), strerror(-ret),
			log.reason[0] != '\0' ? " (" : "", log.reason,
			log.reason[0] != '\0' ? ")" : "");
		goto out;
	}
	if (alone) {
		ret = afx_err_set(err, -EOPNOTSUPP, "libxdp attached to %s without its dispatcher, "
			"which was undone (%s): is a bpffs mounted at /sys/fs/bpf, does this "
			"kernel load BPF_PROG_TYPE_EXT? attach=link needs neither", ifn.text,
			log.reason[0] != '\0' ? log.reason : "it gave no reason");
		goto out;
	}
	ret = afx_prog_obj_take(o, prog, err);
	if (ret < 0) {
		xdp_log_begin(&log);
		xdp_program__detach(xdp, cfg->ifindex, xdp_mode(cfg->mode), 0);
		xdp_log_end();
	}
out:
	xdp_program__close(xdp);
	return ret;
}

static uint32_t
prog_id(int fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.id : 0;
}

/*
 * libxdp (1.3.1) keeps descriptors of a program that it could not put into a dispatcher. This one
 * was loaded for the attempt and is known to nobody else, so whatever still refers to it is lost.
 */
static void
close_lost(uint32_t id)
{
	char path[32 + sizeof(((struct dirent *)0)->d_name)], what[64];
	struct dirent *e;
	ssize_t len;
	DIR *dir;
	int fd;

	dir = id != 0 ? opendir("/proc/self/fd") : NULL;
	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		fd = atoi(e->d_name);
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		len = readlink(path, what, sizeof(what) - 1);
		what[len < 0 ? 0 : len] = '\0';
		/* Information on a map has its id where that of a program has it. */
		if (strcmp(what, "anon_inode:bpf-prog") == 0 && prog_id(fd) == id)
			close(fd);
	}
	closedir(dir);
}

int
afx_prog_dispatcher_open(struct afx_prog *prog, const struct afx_prog_cfg *cfg,
	struct afx_err *err)
{
	struct afx_prog_obj running = { 0 }, fresh = { 0 };
	uint32_t id = 0;
	int ret;

	if (cfg->mode == AFX_XDP_HW)
		return afx_err_set(err, -EINVAL, "libxdp's dispatcher knows no hw mode: "
			"attach=link");
	/* An object once loaded as XDP cannot become a component, hence one for each purpose. */
	ret = join(prog, cfg, &running, err);
	afx_prog_obj_close(&running);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	ret = afx_prog_obj_open(&fresh, cfg, err);
	if (ret == 0)
		ret = attach(prog, cfg, &fresh, err);
	if (ret < 0 && fresh.prog != NULL)
		id = prog_id(bpf_program__fd(fresh.prog));
	afx_prog_obj_close(&fresh);
	if (ret < 0) {
		afx_prog_release_fds(prog);
		close_lost(id);
	}
	return ret;
}

void
afx_prog_dispatcher_detach(struct afx_prog *prog)
{
	struct afx_prog_log log;
	struct xdp_program *xdp;

	xdp_log_begin(&log);
	xdp = xdp_program__from_fd(prog->prog_fd);
	if (libxdp_get_error(xdp) == 0) {
		xdp_program__detach(xdp, prog->ifindex, xdp_mode(prog->mode), 0);
		xdp_program__close(xdp);
	}
	xdp_log_end();
}

#else /* AFX_HAVE_LIBXDP */

int
afx_prog_dispatcher_open(struct afx_prog *prog, const struct afx_prog_cfg *cfg,
	struct afx_err *err)
{
	(void)prog;
	return afx_err_set(err, -ENOTSUP, "attach=dispatcher on %s: built without libxdp; install "
		"libxdp-dev and build with -Ddispatcher=enabled, or use attach=link",
		afx_prog_ifname(cfg->ifindex).text);
}

void
afx_prog_dispatcher_detach(struct afx_prog *prog)
{
	(void)prog;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The handle of an XDP program: open and close by attachment, and the entries of its XSKMAP. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "afx_fork.h"
#include "afx_prog_impl.h"

static int
check_cfg(const struct afx_prog_cfg *cfg, struct afx_err *err)
{
	if (cfg->attach == AFX_ATTACH_NONE) {
		if (cfg->map_path == NULL && cfg->map_fd < 0)
			return afx_err_set(err, -EINVAL, "attach=none needs an XSKMAP: the path "
				"of a pinned one, or a descriptor");
		if (cfg->object != NULL)
			return afx_err_set(err, -EINVAL, "attach=none loads no program: XDP "
				"object %s contradicts it", cfg->object);
		return 0;
	}
	if (cfg->attach != AFX_ATTACH_LINK && cfg->attach != AFX_ATTACH_DISPATCHER)
		return afx_err_set(err, -EINVAL, "attachment %d is unknown", (int)cfg->attach);
	if ((unsigned int)cfg->mode > AFX_XDP_HW)
		return afx_err_set(err, -EINVAL, "XDP mode %d is unknown", (int)cfg->mode);
	if (cfg->ifindex <= 0)
		return afx_err_set(err, -EINVAL, "ifindex %d is not an interface", cfg->ifindex);
	if (cfg->max_queues == 0)
		return afx_err_set(err, -EINVAL, "an XSKMAP of 0 queues serves nobody");
	return 0;
}

/* The program is somebody else's: only its map is taken. */
static int
open_map(struct afx_prog *prog, const struct afx_prog_cfg *cfg, struct afx_err *err)
{
	const char *what = cfg->map_path != NULL ? cfg->map_path : "the given descriptor";
	int ret;

	if (cfg->map_path != NULL)
		prog->map_fd = bpf_obj_get(cfg->map_path);
	else
		prog->map_fd = fcntl(cfg->map_fd, F_DUPFD_CLOEXEC, 3);
	if (prog->map_fd < 0) {
		ret = -errno;
		prog->map_fd = -1;
		return afx_err_set(err, ret, "opening the XSKMAP %s: %s%s", what, strerror(-ret),
			ret == -EPERM ? " (the path must lie in a bpffs; unprivileged BPF needs "
			"write permission on it)" : "");
	}
	ret = afx_prog_map_check(prog->map_fd, &prog->map_entries);
	if (ret == -EINVAL)
		return afx_err_set(err, ret, "%s is not a map of type BPF_MAP_TYPE_XSKMAP", what);
	if (ret < 0)
		return afx_err_set(err, ret, "looking at the map %s: %s", what, strerror(-ret));
	return 0;
}

static void
free_handle(struct afx_prog *prog)
{
	afx_fork_forget(&prog->link_fd);
	afx_fork_forget(&prog->prog_fd);
	afx_fork_forget(&prog->map_fd);
	free(prog);
}

int
afx_prog_open(const struct afx_prog_cfg *cfg, struct afx_prog **out, struct afx_err *err)
{
	struct afx_prog *prog;
	int ret;

	ret = check_cfg(cfg, err);
	if (ret < 0)
		return ret;
	prog = calloc(1, sizeof(*prog));
	if (prog == NULL)
		return afx_err_set(err, -ENOMEM, "no memory for an XDP program handle");
	prog->ifindex = cfg->ifindex;
	prog->attach = cfg->attach;
	prog->mode = cfg->mode;
	prog->own = cfg->attach != AFX_ATTACH_NONE && cfg->object == NULL;
	prog->link_fd = -1;
	prog->prog_fd = -1;
	prog->map_fd = -1;
	/* A child forked by the application must keep neither link nor program alive. */
	afx_fork_watch(&prog->link_fd);
	afx_fork_watch(&prog->prog_fd);
	afx_fork_watch(&prog->map_fd);

	switch (cfg->attach) {
	case AFX_ATTACH_LINK:
		ret = afx_prog_link_open(prog, cfg, err);
		break;
	case AFX_ATTACH_DISPATCHER:
		ret = afx_prog_dispatcher_open(prog, cfg, err);
		break;
	case AFX_ATTACH_NONE:
		ret = open_map(prog, cfg, err);
		break;
	}
	if (ret < 0) {
		afx_prog_release_fds(prog);
		free_handle(prog);
		return ret;
	}
	*out = prog;
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
afx_prog_release_fds(struct afx_prog *prog)
{
	close_fd(&prog->link_fd);
	close_fd(&prog->map_fd);
	close_fd(&prog->prog_fd);
}

void
afx_prog_close_shared(struct afx_prog *prog, bool last)
{
	if (prog == NULL)
		return;
	if (prog->attach == AFX_ATTACH_DISPATCHER && last)
		afx_prog_dispatcher_detach(prog);
	afx_prog_release_fds(prog);
	free_handle(prog);
}

void
afx_prog_close(struct afx_prog *prog)
{
	afx_prog_close_shared(prog, prog != NULL && !prog->joined);
}

int
afx_prog_put(struct afx_prog *prog, uint32_t queue, int xsk_fd, struct afx_err *err)
{
	int ret;

	if (queue >= prog->map_entries)
		return afx_err_set(err, -E2BIG, "queue %u is beyond the %u entries of the XSKMAP",
			queue, prog->map_entries);
	if (bpf_map_update_elem(prog->map_fd, &queue, &xsk_fd, 0) < 0) {
		ret = -errno;
		return afx_err_set(err, ret, "putting socket %d at queue %u of the XSKMAP: %s%s",
			xsk_fd, queue, strerror(-ret), ret == -EPERM ? " (the map is frozen or "
			"read-only, or the kernel is before 5.19 and CAP_BPF is missing)" : "");
	}
	return 0;
}

int
afx_prog_remove(struct afx_prog *prog, uint32_t queue, struct afx_err *err)
{
	int ret;

	if (queue >= prog->map_entries)
		return afx_err_set(err, -E2BIG, "queue %u is beyond the %u entries of the XSKMAP",
			queue, prog->map_entries);
	if (bpf_map_delete_elem(prog->map_fd, &queue) < 0 && errno != ENOENT) {
		ret = -errno;
		return afx_err_set(err, ret, "removing queue %u of the XSKMAP: %s", queue,
			strerror(-ret));
	}
	return 0;
}

uint32_t
afx_prog_id(const struct afx_prog *prog)
{
	return prog->id;
}

bool
afx_prog_is_own(const struct afx_prog *prog)
{
	return prog->own;
}

bool
afx_prog_joined(const struct afx_prog *prog)
{
	return prog->joined;
}

int
afx_prog_check_foreign(int ifindex, struct afx_err *err)
{
	struct afx_prog_running run;
	struct afx_prog_ids ids;
	unsigned int mode;
	bool ours;
	int ret;

	ret = afx_prog_query(ifindex, &ids, err);
	if (ret < 0)
		return ret;
	for (mode = AFX_XDP_NATIVE; mode <= AFX_XDP_HW; mode++) {
		if (ids.id[mode] == 0)
			continue;
		ret = afx_prog_running_open(ids.id[mode], &run);
		/* Gone since the query. */
		if (ret == -ENOENT)
			continue;
		if (ret == -EPERM)
			return afx_prog_hidden(ifindex, ids.id[mode], err);
		ours = ret == 0 && run.signature && run.map_fd >= 0 &&
			afx_prog_name_is_ours(run.name);
		if (ret == 0)
			afx_prog_running_close(&run);
		if (!ours)
			return afx_prog_foreign(ifindex, mode, ids.id[mode], err);
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* XDP programs found in the kernel: which are there, whose they are, what link carries them. */
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "afx_prog_impl.h"

/* More maps than a program of ours ever uses; a foreign one's further maps do not matter. */
#define MAPS_LOOKED_AT 64

struct afx_prog_ifname
afx_prog_ifname(int ifindex)
{
	struct afx_prog_ifname n;

	if (if_indextoname((unsigned int)ifindex, n.text) == NULL)
		snprintf(n.text, sizeof(n.text), "ifindex %d", ifindex);
	return n;
}

const char *
afx_prog_mode_name(enum afx_xdp_mode mode)
{
	static const char *const name[] = {
		[AFX_XDP_NATIVE] = "native",
		[AFX_XDP_SKB] = "skb",
		[AFX_XDP_HW] = "hw",
	};

	return name[mode];
}

uint32_t
afx_prog_mode_flag(enum afx_xdp_mode mode)
{
	static const uint32_t flag[] = {
		[AFX_XDP_NATIVE] = XDP_FLAGS_DRV_MODE,
		[AFX_XDP_SKB] = XDP_FLAGS_SKB_MODE,
		[AFX_XDP_HW] = XDP_FLAGS_HW_MODE,
	};

	return flag[mode];
}

int
afx_prog_query(int ifindex, struct afx_prog_ids *ids, struct afx_err *err)
{
	struct bpf_xdp_query_opts opts = { .sz = sizeof(opts) };
	struct afx_prog_log log;
	char name[IF_NAMESIZE];
	int ret;

	/* The query filters a dump: what does not exist looks like nothing attached. */
	if (if_indextoname((unsigned int)ifindex, name) == NULL)
		return afx_err_set(err, -ENODEV, "ifindex %d is no interface of this network "
			"namespace", ifindex);
	afx_prog_log_begin(&log);
	ret = bpf_xdp_query(ifindex, 0, &opts);
	afx_prog_log_end();
	if (ret < 0)
		return afx_err_set(err, ret, "asking %s for its XDP programs: %s%s%s",
			afx_prog_ifname(ifindex).text, strerror(-ret),
			log.reason[0] != '\0' ? ": " : "", log.reason);
	ids->id[AFX_XDP_NATIVE] = opts.drv_prog_id;
	ids->id[AFX_XDP_SKB] = opts.skb_prog_id;
	ids->id[AFX_XDP_HW] = opts.hw_prog_id;
	/* A kernel that shows one program only does not split by mode. */
	if (opts.attach_mode == XDP_ATTACHED_DRV && opts.drv_prog_id == 0)
		ids->id[AFX_XDP_NATIVE] = opts.prog_id;
	return 0;
}

int
afx_prog_map_check(int fd, uint32_t *entries)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	/* The sizes tell a map from a program, whose info starts with a type of its own. */
	if (info.type != BPF_MAP_TYPE_XSKMAP || info.key_size != 4 || info.value_size != 4)
		return -EINVAL;
	*entries = info.max_entries;
	return 0;
}

/* Look at one map of a program: keep it as the XSKMAP, or read our signature from it. */
static void
look_at_map(struct afx_prog_running *r, uint32_t id)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info), zero = 0;
	int fd;

	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0) {
		close(fd);
		return;
	}
	if (info.type == BPF_MAP_TYPE_XSKMAP && r->map_fd < 0 &&
	    strcmp(info.name, AFX_XDP_MAP_NAME) == 0) {
		r->map_fd = fd;
		r->map_entries = info.max_entries;
		return;
	}
	if (info.type == BPF_MAP_TYPE_ARRAY && (info.map_flags & BPF_F_RDONLY_PROG) != 0 &&
	    info.value_size == sizeof(r->cfg) && info.max_entries == 1 &&
	    bpf_map_lookup_elem(fd, &zero, &r->cfg) == 0 && r->cfg.magic == AFX_XDP_MAGIC)
		r->signature = true;
	close(fd);
}

int
afx_prog_running_open(uint32_t id, struct afx_prog_running *r)
{
	__u32 maps[MAPS_LOOKED_AT];
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info), i;

	memset(r, 0, sizeof(*r));
	r->id = id;
	r->map_fd = -1;
	r->prog_fd = bpf_prog_get_fd_by_id(id);
	if (r->prog_fd < 0)
		return -errno;
	info.nr_map_ids = MAPS_LOOKED_AT;
	info.map_ids = (uintptr_t)maps;
	if (bpf_obj_get_info_by_fd(r->prog_fd, &info, &len) < 0) {
		int ret = -errno;

		afx_prog_running_close(r);
		return ret;
	}
	memcpy(r->name, info.name, sizeof(r->name));
	memcpy(r->tag, info.tag, sizeof(r->tag));
	for (i = 0; i < info.nr_map_ids && i < MAPS_LOOKED_AT; i++)
		look_at_map(r, maps[i]);
	return 0;
}

void
afx_prog_running_close(struct afx_prog_running *r)
{
	if (r->map_fd >= 0)
		close(r->map_fd);
	if (r->prog_fd >= 0)
		close(r->prog_fd);
	r->map_fd = -1;
	r->prog_fd = -1;
}

void
afx_prog_running_take(struct afx_prog_running *r, struct afx_prog *prog)
{
	prog->id = r->id;
	prog->map_entries = r->map_entries;
	prog->prog_fd = r->prog_fd;
	prog->map_fd = r->map_fd;
	prog->joined = true;
	r->prog_fd = -1;
	r->map_fd = -1;
}

/* Whether our own running program serves this port as well. */
static int
match_own(const struct afx_prog_running *r, const struct afx_prog_cfg *cfg, struct afx_err *err)
{
	struct afx_prog_ifname ifn = afx_prog_ifname(cfg->ifindex);
	const struct afx_xdp_cfg *run = &r->cfg;

	if (run->layout != AFX_XDP_LAYOUT)
		return afx_err_set(err, -EBUSY, "%s runs XDP program id %u of another version of "
			"this library (layout %u, here %u): stop the process that holds it",
			ifn.text, r->id, run->layout, AFX_XDP_LAYOUT);
	if (run->max_meta > cfg->max_meta)
		return afx_err_set(err, -EBUSY, "%s runs the XDP program of another process "
			"(id %u) that leaves up to %u bytes of metadata, here %u fit: use the "
			"same mbuf headroom in both", ifn.text, r->id, run->max_meta,
			cfg->max_meta);
	if (cfg->frags && (run->flags & AFX_XDP_F_FRAGS) == 0)
		return afx_err_set(err, -EBUSY, "%s runs the XDP program of another process "
			"(id %u) without support for packets of several buffers: enable "
			"multi-buffer in both", ifn.text, r->id);
	if (r->map_entries < cfg->max_queues)
		return afx_err_set(err, -EBUSY, "%s runs the XDP program of another process "
			"(id %u) with %u queues, %u are needed: restart that process",
			ifn.text, r->id, r->map_entries, cfg->max_queues);
	return 1;
}

bool
afx_prog_name_is_ours(const char *name)
{
	return strcmp(name, AFX_XDP_PROG_NAME) == 0 || strcmp(name, AFX_XDP_COMPONENT_NAME) == 0;
}

int
afx_prog_running_match(const struct afx_prog_running *r, const struct afx_prog_cfg *cfg,
	struct afx_prog_obj *o, struct afx_err *err)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int ret;

	if (r->map_fd < 0)
		return 0;
	if (cfg->object == NULL) {
		if (!r->signature || !afx_prog_name_is_ours(r->name))
			return 0;
		return match_own(r, cfg, err);
	}
	ret = afx_prog_obj_load(o, cfg, err);
	if (ret < 0)
		return ret;
	if (bpf_obj_get_info_by_fd(bpf_program__fd(o->prog), &info, &len) < 0)
		return afx_err_set(err, -errno, "bpf(BPF_OBJ_GET_INFO_BY_FD): %s",
			strerror(errno));
	return strcmp(r->name, info.name) == 0 && memcmp(r->tag, info.tag, sizeof(r->tag)) == 0;
}

int
afx_prog_find_link(int ifindex, uint32_t prog_id)
{
	uint32_t id = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		struct bpf_link_info info = { 0 };
		__u32 len = sizeof(info);
		int fd;

		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		/* Link ids span all namespaces and an ifindex does not: the program decides. */
		if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
		    info.type == BPF_LINK_TYPE_XDP && info.prog_id == prog_id &&
		    info.xdp.ifindex == (uint32_t)ifindex)
			return fd;
		close(fd);
	}
	return errno == ENOENT ? -ENOENT : -errno;
}

int
afx_prog_hidden(int ifindex, uint32_t id, struct afx_err *err)
{
	return afx_err_set(err, -EPERM, "%s has an XDP program (id %u): looking at it, to share it "
		"if it is ours, needs CAP_SYS_ADMIN", afx_prog_ifname(ifindex).text, id);
}

int
afx_prog_foreign(int ifindex, enum afx_xdp_mode mode, uint32_t id, struct afx_err *err)
{
	static const char *const off[] = {
		[AFX_XDP_NATIVE] = "xdp",
		[AFX_XDP_SKB] = "xdpgeneric",
		[AFX_XDP_HW] = "xdpoffload",
	};
	struct afx_prog_ifname ifn = afx_prog_ifname(ifindex);
	struct afx_prog_running r;
	const char *name = "unknown";
	int link_fd;

	/* It may be gone meanwhile. */
	if (afx_prog_running_open(id, &r) == 0) {
		name = r.name;
		afx_prog_running_close(&r);
	}
	link_fd = afx_prog_find_link(ifindex, id);
	if (link_fd >= 0) {
		close(link_fd);
		return afx_err_set(err, -EBUSY, "%s has a foreign XDP program (id %u, name %s, "
			"%s mode) held by a bpf_link: stop the process that holds it (bpftool "
			"link shows it)", ifn.text, id, name, afx_prog_mode_name(mode));
	}
	return afx_err_set(err, -EBUSY, "%s has a foreign XDP program (id %u, name %s, %s mode): "
		"'ip link set dev %s %s off' removes it, attach=dispatcher runs beside it where "
		"it is libxdp's", ifn.text, id, name, afx_prog_mode_name(mode), ifn.text,
		off[mode]);
}

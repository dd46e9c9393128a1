/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attachment by bpf_link: create the link, or share the one another process of ours holds. The
 * kernel detaches when the last descriptor of the link closes, however its holder ended.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "afx_prog_impl.h"

/* A dying holder leaves the interface between two looks; it is done within milliseconds. */
#define SETTLE_NS 1000000000LL
#define SETTLE_STEP_NS 2000000L

static long long
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* The one remedy that usually helps, by what drivers return. */
static const char *
hint(int code, enum afx_xdp_mode mode)
{
	if (mode == AFX_XDP_HW && code != -EPERM && code != -ENODEV)
		return "; mode=hw needs a NIC that runs XDP programs itself, which hardly any "
			"does: leave it out";
	switch (code) {
	case -EOPNOTSUPP:
		return mode == AFX_XDP_SKB ? "" : "; the driver lacks this mode, skb mode works "
			"on every netdev";
	case -ERANGE:
	case -EINVAL:
		return mode == AFX_XDP_SKB ? "" : "; often the MTU is too large for a packet in "
			"one buffer: lower it (on veth the peer's)";
	case -ENOSPC:
		return mode == AFX_XDP_SKB ? "" : "; on veth this end needs as many receive "
			"queues as the peer has transmit queues (ethtool -L), skb mode works "
			"with fewer";
	case -EPERM:
		return "; CAP_NET_ADMIN is needed";
	case -ENODEV:
		return "; the interface is not in this network namespace";
	default:
		return "";
	}
}

/*
 * Report a refused link. The kernel gives link creation no way to return the driver's own words,
 * a netlink attachment does: the same program is offered once more that way, and taken back should
 * the driver have changed its mind.
 */
static int
refused(const struct afx_prog *prog, int code, struct afx_err *err)
{
	uint32_t flags = afx_prog_mode_flag(prog->mode);
	struct bpf_xdp_attach_opts old = { .sz = sizeof(old), .old_prog_fd = prog->prog_fd };
	struct afx_prog_log log;

	afx_prog_log_begin(&log);
	if (bpf_xdp_attach(prog->ifindex, prog->prog_fd, flags | XDP_FLAGS_UPDATE_IF_NOEXIST,
			NULL) == 0)
		bpf_xdp_detach(prog->ifindex, flags, &old);
	afx_prog_log_end();
	return afx_err_set(err, code, "attaching the XDP program to %s in %s mode: %s%s%s%s%s",
		afx_prog_ifname(prog->ifindex).text, afx_prog_mode_name(prog->mode),
		strerror(-code), log.reason[0] != '\0' ? " (" : "", log.reason,
		log.reason[0] != '\0' ? ")" : "", hint(code, prog->mode));
}

/* Load if not yet done and create the link; -EBUSY and -EEXIST as -EAGAIN: look who is there. */
static int
create(struct afx_prog *prog, const struct afx_prog_cfg *cfg, struct afx_prog_obj *o,
	struct afx_err *err)
{
	struct bpf_link_create_opts opts = { .sz = sizeof(opts) };
	int ret;

	ret = afx_prog_obj_load(o, cfg, err);
	if (ret < 0)
		return ret;
	if (prog->prog_fd < 0) {
		ret = afx_prog_obj_take(o, prog, err);
		if (ret < 0)
			return ret;
	}
	opts.flags = afx_prog_mode_flag(prog->mode);
	prog->link_fd = bpf_link_create(prog->prog_fd, prog->ifindex, BPF_XDP, &opts);
	if (prog->link_fd >= 0)
		return 0;
	ret = -errno;
	prog->link_fd = -1;
	if (ret == -EBUSY || ret == -EEXIST)
		return -EAGAIN;
	return refused(prog, ret, err);
}

/*
 * Share the program found on the interface. -EAGAIN when program or link vanish under the look,
 * with err telling what is wrong should they not come to rest.
 */
static int
join(struct afx_prog *prog, const struct afx_prog_cfg *cfg, struct afx_prog_obj *o,
	enum afx_xdp_mode mode, uint32_t id, struct afx_err *err)
{
	struct afx_prog_running run;
	struct afx_prog_ifname ifn = afx_prog_ifname(prog->ifindex);
	int ret;

	ret = afx_prog_running_open(id, &run);
	if (ret == -ENOENT)
		return afx_err_set(err, -EAGAIN, "%s: its XDP programs keep changing (last id %u)",
			ifn.text, id);
	if (ret == -EPERM)
		return afx_prog_hidden(prog->ifindex, id, err);
	if (ret < 0)
		return afx_err_set(err, ret, "looking at XDP program id %u: %s", id,
			strerror(-ret));
	ret = afx_prog_running_match(&run, cfg, o, err);
	if (ret == 0)
		ret = afx_prog_foreign(prog->ifindex, mode, id, err);
	else if (ret > 0 && mode != cfg->mode)
		ret = afx_err_set(err, -EBUSY, "%s runs the XDP program of another process "
			"(id %u) in %s mode, %s mode is wanted: use one mode in both", ifn.text,
			id, afx_prog_mode_name(mode), afx_prog_mode_name(cfg->mode));
	if (ret < 0)
		goto out;

	prog->link_fd = afx_prog_find_link(prog->ifindex, id);
	if (prog->link_fd < 0) {
		ret = prog->link_fd;
		prog->link_fd = -1;
		if (ret == -ENOENT)
			ret = afx_err_set(err, -EAGAIN, "%s has our XDP program (id %u) attached "
				"without a bpf_link: 'ip link set dev %s xdp off' removes it",
				ifn.text, id, ifn.text);
		else
			afx_err_set(err, ret, "%s: looking for the link of XDP program id %u: %s",
				ifn.text, id, strerror(-ret));
		goto out;
	}
	afx_prog_running_take(&run, prog);
	ret = 0;
out:
	afx_prog_running_close(&run);
	return ret;
}

/* Close what an attempt of our own left, before the descriptors of another program come in. */
static void
drop_own(struct afx_prog *prog)
{
	afx_prog_release_fds(prog);
	prog->id = 0;
}

/* The program in the way of cfg->mode: hw beside the others, native and skb in each other's. */
static uint32_t
occupant(const struct afx_prog_ids *ids, enum afx_xdp_mode wanted, enum afx_xdp_mode *mode)
{
	if (wanted == AFX_XDP_HW)
		*mode = AFX_XDP_HW;
	else
		*mode = ids->id[AFX_XDP_NATIVE] != 0 ? AFX_XDP_NATIVE : AFX_XDP_SKB;
	return ids->id[*mode];
}

int
afx_prog_link_open(struct afx_prog *prog, const struct afx_prog_cfg *cfg, struct afx_err *err)
{
	const struct timespec step = { .tv_nsec = SETTLE_STEP_NS };
	long long deadline = now_ns() + SETTLE_NS;
	struct afx_prog_obj obj = { 0 };
	enum afx_xdp_mode mode;
	struct afx_prog_ids ids;
	uint32_t id = 0;
	int ret;

	ret = afx_prog_obj_open(&obj, cfg, err);
	while (ret == 0) {
		ret = afx_prog_query(cfg->ifindex, &ids, err);
		if (ret < 0)
			break;
		id = occupant(&ids, cfg->mode, &mode);
		if (id != 0) {
			drop_own(prog);
			ret = join(prog, cfg, &obj, mode, id, err);
		} else {
			ret = create(prog, cfg, &obj, err);
		}
		if (ret != -EAGAIN)
			break;
		if (now_ns() >= deadline) {
			ret = id == 0 ? refused(prog, -EBUSY, err) : -EBUSY;
			if (err != NULL)
				err->code = ret;
			break;
		}
		nanosleep(&step, NULL);
		ret = 0;
	}
	afx_prog_obj_close(&obj);
	return ret;
}

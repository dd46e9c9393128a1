/* SPDX-License-Identifier: BSD-3-Clause */
/* Control handle of a port: namespace and sockets, see afx_ctl.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "afx_ctl_impl.h"
#include "afx_uapi.h"

#define OWN_NETNS "/proc/thread-self/ns/net"
/* A name swapped under our feet this often in a row is not a rename any more. */
#define RENAME_TRIES 8

/* Largest ethtool answer kept for a repetition: an RSS table of 16384 entries. */
#define ETHTOOL_MAX (128 * 1024)

static int
open_named(const char *name, struct afx_err *err)
{
	static const char *const dirs[] = { "/run/netns", "/var/run/netns" };
	char path[NAME_MAX + 32];
	unsigned int i;
	int fd, ret = -ENOENT;

	if (strlen(name) > NAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return afx_err_set(err, -EINVAL, "netns '%.64s' is not a namespace name", name);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		ret = -errno;
		if (ret != -ENOENT)
			break;
	}
	return afx_err_set(err, ret, "open(%s): %s%s", path, strerror(-ret), ret != -ENOENT ? "" :
		"; no such network namespace, 'ip netns list' shows the names");
}

static int
open_netns(const char *netns, struct afx_err *err)
{
	int fd, ret;

	if (strchr(netns, '/') == NULL)
		return open_named(netns, err);
	fd = open(netns, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	ret = -errno;
	return afx_err_set(err, ret, "open(%s): %s; netns is a name under /run/netns or the "
		"path of a namespace file", netns, strerror(-ret));
}

int
afx_ctl_enter(const struct afx_ctl *ctl, struct afx_err *err)
{
	struct stat st;
	int own, ret;

	/* Without /proc only the caller's own namespace could be opened. */
	if (ctl->netns_fd < 0)
		return 0;
	own = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	if (own < 0) {
		ret = -errno;
		return afx_err_set(err, ret, "open(" OWN_NETNS "): %s", strerror(-ret));
	}
	if (fstat(own, &st) == 0 && st.st_ino == ctl->netns_ino && st.st_dev == ctl->netns_dev) {
		close(own);
		return 0;
	}
	if (setns(ctl->netns_fd, CLONE_NEWNET) < 0) {
		ret = -errno;
		close(own);
		return afx_err_set(err, ret, "setns(%s): %s%s", ctl->where, strerror(-ret),
			ret == -EPERM ? "; CAP_SYS_ADMIN is needed to enter it" :
			ret == -EINVAL ? "; this file is not a network namespace" : "");
	}
	/* 0 is the token of "nothing to undo". */
	return own + 1;
}

void
afx_ctl_leave(const struct afx_ctl *ctl, int token)
{
	(void)ctl;
	if (token <= 0)
		return;
	/* Cannot fail for a namespace this thread was in with the same capabilities. */
	(void)setns(token - 1, CLONE_NEWNET);
	close(token - 1);
}

bool
afx_ctl_same_netns(const struct afx_ctl *a, const struct afx_ctl *b)
{
	return a->netns_dev == b->netns_dev && a->netns_ino == b->netns_ino;
}

static int
open_sockets(struct afx_ctl *ctl, struct afx_err *err)
{
	socklen_t len = sizeof(ctl->netns_cookie);
	int ret;

	ret = afx_nl_open(NETLINK_ROUTE, &ctl->rt, err);
	if (ret < 0)
		return ret;
	ret = afx_nl_open(NETLINK_GENERIC, &ctl->genl, err);
	if (ret < 0)
		return ret;
	ctl->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* A kernel or a sandbox without IPv4: interface ioctls work on any socket. */
	if (ctl->ioctl_fd < 0)
		ctl->ioctl_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ctl->ioctl_fd < 0) {
		ret = -errno;
		return afx_err_set(err, ret, "socket(SOCK_DGRAM) for ioctls: %s", strerror(-ret));
	}
	if (getsockopt(ctl->ioctl_fd, SOL_SOCKET, SO_NETNS_COOKIE, &ctl->netns_cookie, &len) < 0)
		ctl->netns_cookie = 0;
	return 0;
}

int
afx_ctl_open(const char *netns, struct afx_ctl **ctl_out, struct afx_err *err)
{
	bool own = netns == NULL || netns[0] == '\0';
	struct afx_ctl *ctl;
	struct stat st;
	int token, ret;

	ctl = calloc(1, sizeof(*ctl));
	if (ctl == NULL)
		return afx_err_set(err, -ENOMEM, "no memory for a control handle");
	ctl->netns_fd = -1;
	ctl->ioctl_fd = -1;
	ctl->rt.fd = -1;
	ctl->genl.fd = -1;
	if (own) {
		snprintf(ctl->where, sizeof(ctl->where), "this network namespace");
		ctl->netns_fd = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	} else {
		snprintf(ctl->where, sizeof(ctl->where), "network namespace %s", netns);
		ret = open_netns(netns, err);
		if (ret < 0)
			goto undo_ctl;
		ctl->netns_fd = ret;
	}
	if (ctl->netns_fd >= 0 && fstat(ctl->netns_fd, &st) == 0) {
		ctl->netns_dev = st.st_dev;
		ctl->netns_ino = st.st_ino;
	}
	token = afx_ctl_enter(ctl, err);
	if (token < 0) {
		ret = token;
		goto undo_ctl;
	}
	ret = open_sockets(ctl, err);
	afx_ctl_leave(ctl, token);
	if (ret < 0)
		goto undo_ctl;
	*ctl_out = ctl;
	return 0;

undo_ctl:
	afx_ctl_close(ctl);
	return ret;
}

void
afx_ctl_close(struct afx_ctl *ctl)
{
	if (ctl == NULL)
		return;
	afx_nl_close(&ctl->rt);
	afx_nl_close(&ctl->genl);
	if (ctl->ioctl_fd >= 0)
		close(ctl->ioctl_fd);
	if (ctl->netns_fd >= 0)
		close(ctl->netns_fd);
	free(ctl);
}

int
afx_ctl_netdev_family(struct afx_ctl *ctl, struct afx_err *err)
{
	uint16_t id;
	int ret;

	if (ctl->netdev_family == 0) {
		ret = afx_nl_genl_family(&ctl->genl, AFX_NETDEV_FAMILY, &id, err);
		if (ret < 0 && ret != -ENOENT)
			return ret;
		ctl->netdev_family = ret < 0 ? ret : id;
	}
	return ctl->netdev_family;
}

int
afx_ctl_ifname(struct afx_ctl *ctl, int ifindex, char name[IF_NAMESIZE + 16])
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_ifindex = ifindex;
	if (ioctl(ctl->ioctl_fd, SIOCGIFNAME, &ifr) < 0) {
		int ret = -errno;

		snprintf(name, IF_NAMESIZE + 16, "ifindex %d", ifindex);
		return ret;
	}
	snprintf(name, IF_NAMESIZE + 16, "%.*s", IF_NAMESIZE - 1, ifr.ifr_name);
	return 0;
}

int
afx_ctl_ethtool(struct afx_ctl *ctl, int ifindex, void *cmd, size_t cmd_len)
{
	char name[IF_NAMESIZE + 16], after[IF_NAMESIZE + 16];
	struct ifreq ifr;
	int i, ret;
	void *first;

	if (cmd_len > ETHTOOL_MAX)
		return -E2BIG;
	first = malloc(cmd_len);
	if (first == NULL)
		return -ENOMEM;
	memcpy(first, cmd, cmd_len);
	for (i = 0; i < RENAME_TRIES; i++) {
		ret = afx_ctl_ifname(ctl, ifindex, name);
		if (ret < 0)
			break;
		memset(&ifr, 0, sizeof(ifr));
		memcpy(ifr.ifr_name, name, IF_NAMESIZE);
		ifr.ifr_data = cmd;
		ret = ioctl(ctl->ioctl_fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
		/* Between the two calls the name may have become another interface's. */
		if (afx_ctl_ifname(ctl, ifindex, after) == 0 && strcmp(name, after) == 0)
			break;
		memcpy(cmd, first, cmd_len);
		ret = -ENODEV;
	}
	free(first);
	return ret;
}

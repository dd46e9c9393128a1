/* SPDX-License-Identifier: BSD-3-Clause */
/* Link change notifications; see afx_netdev.h. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afx_netdev_impl.h"

int
afx_netdev_monitor(struct afx_ctl *ctl, struct afx_err *err)
{
	struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int token, fd, ret;

	token = afx_ctl_enter(ctl, err);
	if (token < 0)
		return token;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	ret = fd < 0 ? -errno : 0;
	afx_ctl_leave(ctl, token);
	if (ret < 0)
		return afx_err_set(err, ret, "socket(AF_NETLINK) for link events: %s",
			strerror(-ret));
	if (bind(fd, (struct sockaddr *)&group, sizeof(group)) < 0) {
		ret = -errno;
		close(fd);
		return afx_err_set(err, ret, "bind(AF_NETLINK, RTMGRP_LINK): %s", strerror(-ret));
	}
	return fd;
}

static int
overrun(int ifindex, void (*cb)(const struct afx_event *ev, void *arg), void *arg)
{
	struct afx_event ev = { .type = AFX_EV_OVERRUN, .ifindex = ifindex };

	cb(&ev, arg);
	return 1;
}

int
afx_netdev_monitor_read(int fd, int ifindex,
			void (*cb)(const struct afx_event *ev, void *arg), void *arg)
{
	uint8_t buf[AFX_NL_RECV_BYTES] __attribute__((aligned(8)));
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct sockaddr_nl from = { 0 };
	struct msghdr mh = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	struct afx_netdev_raw raw;
	const struct nlmsghdr *nh;
	struct afx_event ev;
	const void *pos = buf;
	size_t left;
	ssize_t n;
	int events = 0;

	do {
		n = recvmsg(fd, &mh, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ENOBUFS)
		return overrun(ifindex, cb, arg);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (from.nl_family == AF_NETLINK && from.nl_pid != 0)
		return 0;
	if (mh.msg_flags & MSG_TRUNC)
		return overrun(ifindex, cb, arg);
	left = n;
	while ((nh = afx_nl_next(&pos, &left)) != NULL) {
		if (nh->nlmsg_type != RTM_NEWLINK && nh->nlmsg_type != RTM_DELLINK)
			continue;
		if (afx_netdev_parse(nh, &raw) < 0 || raw.nd.ifindex != ifindex)
			continue;
		if (nh->nlmsg_type == RTM_NEWLINK && !raw.complete)
			continue;
		ev.type = nh->nlmsg_type == RTM_NEWLINK ? AFX_EV_LINK : AFX_EV_GONE;
		ev.ifindex = ifindex;
		ev.nd = raw.nd;
		cb(&ev, arg);
		events++;
	}
	return events;
}

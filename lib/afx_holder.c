/* SPDX-License-Identifier: BSD-3-Clause */
/* Who holds a socket or a queue, see afx_holder.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/xdp_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afx_holder.h"
#include "afx_uapi.h"

int
afx_holder_watch(int fd)
{
	struct epoll_event none = { 0 };
	int epfd, ret;

	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0)
		return -errno;
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &none) < 0) {
		ret = -errno;
		goto undo;
	}
	ret = afx_holder_watched(epfd);
	if (ret == 1)
		return epfd;
	if (ret == 0)
		ret = -EOPNOTSUPP;
undo:
	close(epfd);
	return ret;
}

int
afx_holder_watched(int epfd)
{
	char path[40], text[512];
	size_t len = 0;
	ssize_t n;
	int fd, ret;

	/* The kernel takes a file out of an epoll set with its last reference, wherever that is. */
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", epfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	ret = n < 0 ? -errno : 0;
	close(fd);
	text[len] = '\0';
	if (ret < 0)
		return ret;
	if (strstr(text, "\ntfd:") != NULL)
		return 1;
	return len > 0 && len < sizeof(text) - 1 ? 0 : -EBADMSG;
}

uint64_t
afx_holder_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}

struct search {
	int ifindex;
	uint32_t queue;
	uint64_t cookie;
	struct afx_holders *found;
};

static int
take_socket(const struct nlmsghdr *nh, void *arg)
{
	struct afx_nl_attr tb[XDP_DIAG_INFO + 1];
	const struct search *s = arg;
	const struct xdp_diag_msg *xd;
	struct xdp_diag_info info;
	uint64_t cookie;

	if (nh == NULL) {
		*s->found = (struct afx_holders){ 0 };
		return 0;
	}
	if (nh->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	xd = afx_nl_header(nh, sizeof(*xd));
	if (xd == NULL || afx_nl_parse(nh, sizeof(*xd), tb, XDP_DIAG_INFO) < 0)
		return -EBADMSG;
	if (tb[XDP_DIAG_INFO].data == NULL || tb[XDP_DIAG_INFO].len < sizeof(info))
		return 0;
	memcpy(&info, tb[XDP_DIAG_INFO].data, sizeof(info));
	if (info.ifindex != (uint32_t)s->ifindex || info.queue_id != s->queue)
		return 0;
	cookie = (uint64_t)xd->xdiag_cookie[1] << 32 | xd->xdiag_cookie[0];
	if (cookie == s->cookie)
		s->found->ours = true;
	else
		s->found->others++;
	return 0;
}

int
afx_holder_list(struct afx_nl *nl, int ifindex, uint32_t queue, uint64_t cookie,
		struct afx_holders *found, struct afx_err *err)
{
	struct xdp_diag_req req = { .sdiag_family = AF_XDP, .xdiag_show = XDP_SHOW_INFO };
	struct search s = { ifindex, queue, cookie, found };
	struct afx_nl_msg msg;

	*found = (struct afx_holders){ 0 };
	afx_nl_msg_init(&msg, SOCK_DIAG_BY_FAMILY, &req, sizeof(req), "list AF_XDP sockets");
	return afx_nl_dump(nl, &msg, take_socket, &s, err);
}

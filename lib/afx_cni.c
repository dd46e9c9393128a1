/* SPDX-License-Identifier: BSD-3-Clause */
/* Client of the Kubernetes AF_XDP device plugin, see afx_cni.h. Trusts nothing that it reads. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "afx_cni.h"

/* Room for more descriptors than expected, to see and close them; the kernel drops the rest. */
#define FDS_MAX 4

#define VERSION "0.1"

struct cni {
	int sock;
	const char *path;
	long long deadline_ms;
};

/* An answer: text, and the descriptor that came with it or -1. */
struct reply {
	char text[AFX_CNI_MSG_MAX + 1];
	size_t len;
	int fd;
};

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static bool
is_text(const struct reply *r, const char *expected)
{
	return r->len == strlen(expected) && memcmp(r->text, expected, r->len) == 0;
}

static void
drop_fd(struct reply *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

/* Keep the first descriptor of the message, close the others, return how many there were. */
static unsigned int
take_fds(struct msghdr *msg, int *first)
{
	struct cmsghdr *c;
	unsigned int n = 0;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t i, count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (n++ == 0)
				*first = fd;
			else
				close(fd);
		}
	}
	return n;
}

static int
wait_readable(const struct cni *cni)
{
	struct pollfd p = { .fd = cni->sock, .events = POLLIN };
	long long left;
	int n;

	for (;;) {
		left = cni->deadline_ms - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* Read one answer: complete, of fitting length, with at most one descriptor; plain -errno. */
static int
receive(const struct cni *cni, struct reply *r)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = r->text, .iov_len = AFX_CNI_MSG_MAX };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	unsigned int fds, i;
	ssize_t len;
	int ret;

	r->fd = -1;
	r->len = 0;
	r->text[0] = '\0';
	do {
		ret = wait_readable(cni);
		if (ret < 0)
			return ret;
		len = recvmsg(cni->sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (len < 0 && (errno == EINTR || errno == EAGAIN));
	if (len < 0)
		return -errno;
	fds = take_fds(&msg, &r->fd);
	r->len = (size_t)len;
	r->text[len] = '\0';
	for (i = 0; i < r->len; i++)
		if (r->text[i] < ' ' || r->text[i] > '~')
			r->text[i] = '?';
	if (len == 0 && fds == 0)
		return -ECONNRESET;
	if (fds > 1 || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		drop_fd(r);
		return -EPROTO;
	}
	return 0;
}

/* One request and its answer. */
static int
ask(const struct cni *cni, const char *command, const char *argument, struct reply *r,
	struct afx_err *err)
{
	char request[AFX_CNI_MSG_MAX + 1];
	int len, ret;

	len = snprintf(request, sizeof(request), "%s%s%s", command,
		argument[0] != '\0' ? "," : "", argument);
	if (len > AFX_CNI_MSG_MAX)
		return afx_err_set(err, -ENAMETOOLONG, "device plugin at %s: request %s,%s is "
			"longer than the %d bytes it reads", cni->path, command, argument,
			AFX_CNI_MSG_MAX);
	if (send(cni->sock, request, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		ret = -errno;
		return afx_err_set(err, ret, "device plugin at %s: sending %s: %s", cni->path,
			request, strerror(-ret));
	}
	ret = receive(cni, r);
	if (ret == -ETIMEDOUT)
		return afx_err_set(err, ret, "device plugin at %s: no answer to %s within %d ms",
			cni->path, request, AFX_CNI_TIMEOUT_MS);
	if (ret == -EPROTO)
		return afx_err_set(err, ret, "device plugin at %s: answer to %s is longer than %d "
			"bytes or carries several descriptors", cni->path, request,
			AFX_CNI_MSG_MAX);
	if (ret < 0)
		return afx_err_set(err, ret, "device plugin at %s: reading the answer to %s: %s",
			cni->path, request, strerror(-ret));
	return 0;
}

/* As ask, where only one answer, without a descriptor, will do; nak_code for a refusal. */
static int
expect(const struct cni *cni, const char *command, const char *argument, const char *expected,
	const char *nak, int nak_code, struct afx_err *err)
{
	struct reply r;
	int ret;

	ret = ask(cni, command, argument, &r, err);
	if (ret < 0)
		return ret;
	if (r.fd >= 0) {
		drop_fd(&r);
		return afx_err_set(err, -EPROTO, "device plugin at %s: answer to %s carries a "
			"descriptor nobody asked for", cni->path, command);
	}
	if (is_text(&r, expected))
		return 0;
	return afx_err_set(err, nak == NULL || is_text(&r, nak) ? nak_code : -EPROTO,
		"device plugin at %s: answered '%s' to %s%s%s, not '%s'", cni->path, r.text,
		command, argument[0] != '\0' ? "," : "", argument, expected);
}

static int
get_fd(const struct cni *cni, const char *iface, int *map_fd, struct afx_err *err)
{
	struct reply r;
	bool acked;
	int ret;

	ret = ask(cni, "/xsk_map_fd", iface, &r, err);
	if (ret < 0)
		return ret;
	acked = is_text(&r, "/fd_ack");
	if (acked && r.fd >= 0) {
		*map_fd = r.fd;
		return 0;
	}
	drop_fd(&r);
	if (acked)
		return afx_err_set(err, -EPROTO, "device plugin at %s: acknowledged interface %s "
			"without a descriptor", cni->path, iface);
	if (is_text(&r, "/fd_nak"))
		return afx_err_set(err, -ENODEV, "device plugin at %s: has no interface %s for "
			"this pod", cni->path, iface);
	return afx_err_set(err, -EPROTO, "device plugin at %s: answered '%s' to /xsk_map_fd,%s, "
		"not '/fd_ack'", cni->path, r.text, iface);
}

static int
connect_plugin(struct cni *cni, struct afx_err *err)
{
	const struct timeval tv = {
		.tv_sec = AFX_CNI_TIMEOUT_MS / 1000,
		.tv_usec = AFX_CNI_TIMEOUT_MS % 1000 * 1000,
	};
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int ret;

	if (strlen(cni->path) >= sizeof(addr.sun_path))
		return afx_err_set(err, -ENAMETOOLONG, "device plugin socket %s: the path is "
			"longer than %zu characters", cni->path, sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, cni->path, strlen(cni->path) + 1);
	cni->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (cni->sock < 0) {
		ret = -errno;
		return afx_err_set(err, ret, "socket(AF_UNIX, SOCK_SEQPACKET): %s", strerror(-ret));
	}
	/* Bounds connect(), which waits while the listener's backlog is full. */
	setsockopt(cni->sock, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(cni->sock, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	ret = errno == EAGAIN ? -ETIMEDOUT : -errno;
	return afx_err_set(err, ret, "connecting to the device plugin at %s: %s; it serves one "
		"connection, then its socket is gone until the pod is restarted", cni->path,
		strerror(-ret));
}

int
afx_cni_get_map(const char *socket_path, const char *iface, int *map_fd, struct afx_err *err)
{
	struct cni cni = {
		.sock = -1,
		.path = socket_path,
		.deadline_ms = now_ms() + AFX_CNI_TIMEOUT_MS,
	};
	char host[256] = "";
	int fd = -1, ret;

	*map_fd = -1;
	if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0')
		return afx_err_set(err, -EINVAL, "this machine has no hostname, by which the "
			"device plugin knows the pod");
	if (iface[0] == '\0' || strchr(iface, ',') != NULL || strchr(host, ',') != NULL)
		return afx_err_set(err, -EINVAL, "interface '%s' or hostname '%s' is empty or has "
			"a comma, which separates the fields of a request", iface, host);

	ret = connect_plugin(&cni, err);
	if (ret == 0)
		ret = expect(&cni, "/connect", host, "/host_ok", "/host_nak", -EACCES, err);
	if (ret == 0)
		ret = expect(&cni, "/version", "", VERSION, NULL, -EPROTONOSUPPORT, err);
	if (ret == 0)
		ret = get_fd(&cni, iface, &fd, err);
	if (ret == 0)
		ret = expect(&cni, "/fin", "", "/fin_ack", NULL, -EPROTO, err);
	if (cni.sock >= 0)
		close(cni.sock);
	if (ret < 0) {
		if (fd >= 0)
			close(fd);
		return ret;
	}
	*map_fd = fd;
	return 0;
}

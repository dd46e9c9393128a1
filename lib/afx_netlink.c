/* SPDX-License-Identifier: BSD-3-Clause */
/* Netlink socket: requests, acknowledgements and dumps; see afx_netlink.h. */
#include <errno.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "afx_netlink.h"

/* A link change can hold the kernel's configuration lock for seconds on real hardware. */
#define TIMEOUT_MS 10000
/* A dump is disturbed by one change at a time; this many in a row is a storm. */
#define DUMP_TRIES 16
#define ERRNO_MAX 4095

int
afx_nl_open(int protocol, struct afx_nl *nl, struct afx_err *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd, ret, one = 1;

	pthread_mutex_init(&nl->lock, NULL);
	nl->fd = -1;
	nl->seq = 0;
	nl->timeout_ms = TIMEOUT_MS;
	nl->extack[0] = '\0';
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0) {
		ret = -errno;
		return afx_err_set(err, ret, "socket(AF_NETLINK, protocol %d): %s", protocol,
			strerror(-ret));
	}
	/* Without these only the error texts and the kernel's filtering of dumps are poorer. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		ret = -errno;
		close(fd);
		return afx_err_set(err, ret, "connect(AF_NETLINK, protocol %d): %s", protocol,
			strerror(-ret));
	}
	nl->fd = fd;
	return 0;
}

void
afx_nl_close(struct afx_nl *nl)
{
	if (nl->fd >= 0)
		close(nl->fd);
	nl->fd = -1;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One datagram of the kernel into nl->buf before the deadline: its length, or -errno. */
static ssize_t
receive(struct afx_nl *nl, int64_t deadline_ms)
{
	struct pollfd p = { .fd = nl->fd, .events = POLLIN };
	struct iovec iov = { .iov_base = nl->buf, .iov_len = sizeof(nl->buf) };
	struct sockaddr_nl from;
	struct msghdr mh;
	int64_t left_ms;
	ssize_t n;

	for (;;) {
		left_ms = deadline_ms - now_ms();
		if (left_ms < 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, left_ms) < 0 && errno != EINTR)
			return -errno;
		memset(&from, 0, sizeof(from));
		memset(&mh, 0, sizeof(mh));
		mh.msg_name = &from;
		mh.msg_namelen = sizeof(from);
		mh.msg_iov = &iov;
		mh.msg_iovlen = 1;
		n = recvmsg(nl->fd, &mh, MSG_DONTWAIT);
		if (n < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return -errno;
		}
		/* Other processes may write to this socket; only the kernel's word counts. */
		if (from.nl_family == AF_NETLINK && from.nl_pid != 0)
			continue;
		if (mh.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		return n == 0 ? -EBADMSG : n;
	}
}

/* The kernel's explanation, in the attributes offset bytes into an error or done message. */
static void
take_extack(struct afx_nl *nl, const struct nlmsghdr *nh, size_t offset)
{
	struct afx_nl_attr tb[NLMSGERR_ATTR_MSG + 1];

	if (!(nh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	/* An offset outside the message leaves every attribute absent. */
	(void)afx_nl_parse(nh, offset, tb, NLMSGERR_ATTR_MSG);
	afx_nl_str(&tb[NLMSGERR_ATTR_MSG], nl->extack, sizeof(nl->extack));
}

/* Result of an NLMSG_ERROR (0: acknowledged) or of the NLMSG_DONE of a dump. */
static int
take_result(struct afx_nl *nl, const struct nlmsghdr *nh)
{
	struct nlmsgerr e;
	size_t offset = sizeof(e.error);
	const void *payload;
	int error = 0;

	if (nh->nlmsg_type == NLMSG_ERROR) {
		payload = afx_nl_header(nh, sizeof(e));
		if (payload == NULL)
			return -EBADMSG;
		memcpy(&e, payload, sizeof(e));
		error = e.error;
		offset = sizeof(e);
		/* Not capped: the whole request is repeated before the explanation. */
		if (!(nh->nlmsg_flags & NLM_F_CAPPED)) {
			if (e.msg.nlmsg_len < NLMSG_HDRLEN)
				return -EBADMSG;
			offset += e.msg.nlmsg_len - NLMSG_HDRLEN;
		}
	} else {
		payload = afx_nl_header(nh, sizeof(error));
		if (payload != NULL)
			memcpy(&error, payload, sizeof(error));
	}
	if (error > 0 || error < -ERRNO_MAX)
		return -EBADMSG;
	take_extack(nl, nh, offset);
	return error;
}

/* State of one answer. */
struct answer {
	afx_nl_cb cb;
	void *arg;
	bool disturbed;
	int cb_ret;              /* first failure of cb */
};

/* Walk a datagram. Returns 1 when the answer is complete, 0 when more is to come, or -errno. */
static int
walk(struct afx_nl *nl, size_t len, struct answer *ans)
{
	const void *pos = nl->buf;
	const struct nlmsghdr *nh;
	int ret;

	while ((nh = afx_nl_next(&pos, &len)) != NULL) {
		/* What an earlier request that timed out left behind has another number. */
		if (nh->nlmsg_seq != nl->seq)
			continue;
		if (nh->nlmsg_flags & NLM_F_DUMP_INTR)
			ans->disturbed = true;
		switch (nh->nlmsg_type) {
		case NLMSG_NOOP:
			break;
		case NLMSG_OVERRUN:
			return -ENOBUFS;
		case NLMSG_DONE:
		case NLMSG_ERROR:
			ret = take_result(nl, nh);
			return ret < 0 ? ret : 1;
		default:
			if (ans->cb == NULL || ans->cb_ret < 0)
				break;
			ret = ans->cb(nh, ans->arg);
			if (ret < 0)
				ans->cb_ret = ret;
		}
	}
	return len == 0 ? 0 : -EBADMSG;
}

static int
send_msg(struct afx_nl *nl, struct afx_nl_msg *msg, uint16_t flags)
{
	struct nlmsghdr *nh = (struct nlmsghdr *)msg->buf;
	ssize_t n;

	if (msg->full)
		return -EMSGSIZE;
	nh->nlmsg_len = msg->len;
	nh->nlmsg_flags |= NLM_F_REQUEST | flags;
	nh->nlmsg_seq = ++nl->seq;
	do {
		n = send(nl->fd, msg->buf, msg->len, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int
exchange(struct afx_nl *nl, struct afx_nl_msg *msg, uint16_t flags, struct answer *ans)
{
	ssize_t n;
	int ret;

	nl->extack[0] = '\0';
	ret = send_msg(nl, msg, flags);
	if (ret < 0)
		return ret;
	do {
		n = receive(nl, now_ms() + nl->timeout_ms);
		if (n < 0)
			return n;
		ret = walk(nl, n, ans);
	} while (ret == 0);
	return ret < 0 ? ret : ans->cb_ret;
}

static int
fail(const struct afx_nl *nl, const struct afx_nl_msg *msg, int ret, struct afx_err *err)
{
	const char *remedy = "";

	if (ret == -EPERM || ret == -EACCES)
		remedy = "; CAP_NET_ADMIN is needed in that network namespace";
	else if (ret == -ENODEV)
		remedy = "; it was removed or moved to another namespace";
	else if (ret == -ETIMEDOUT)
		remedy = "; the kernel did not answer in time";
	return afx_err_set(err, ret, "%s: %s%s%s%s%s", msg->what, strerror(-ret),
		nl->extack[0] != '\0' ? " (kernel: " : "", nl->extack,
		nl->extack[0] != '\0' ? ")" : "", remedy);
}

int
afx_nl_request(struct afx_nl *nl, struct afx_nl_msg *msg, afx_nl_cb cb, void *arg,
	       struct afx_err *err)
{
	struct answer ans = { .cb = cb, .arg = arg };
	int ret;

	pthread_mutex_lock(&nl->lock);
	ret = exchange(nl, msg, NLM_F_ACK, &ans);
	if (ret < 0)
		ret = fail(nl, msg, ret, err);
	pthread_mutex_unlock(&nl->lock);
	return ret < 0 ? ret : 0;
}

int
afx_nl_dump(struct afx_nl *nl, struct afx_nl_msg *msg, afx_nl_cb cb, void *arg,
	    struct afx_err *err)
{
	struct answer ans;
	int ret = -EAGAIN;

	pthread_mutex_lock(&nl->lock);
	for (int i = 0; i < DUMP_TRIES; i++) {
		ans = (struct answer){ .cb = cb, .arg = arg };
		if (i > 0 && cb != NULL)
			(void)cb(NULL, arg);
		ret = exchange(nl, msg, NLM_F_DUMP, &ans);
		if (ret < 0 || !ans.disturbed)
			break;
		ret = -EAGAIN;
	}
	if (ret < 0)
		ret = fail(nl, msg, ret, err);
	pthread_mutex_unlock(&nl->lock);
	return ret < 0 ? ret : 0;
}

static int
take_family(const struct nlmsghdr *nh, void *arg)
{
	struct afx_nl_attr tb[CTRL_ATTR_FAMILY_ID + 1];

	if (afx_nl_parse(nh, sizeof(struct genlmsghdr), tb, CTRL_ATTR_FAMILY_ID) < 0)
		return -EBADMSG;
	*(uint16_t *)arg = afx_nl_u16(&tb[CTRL_ATTR_FAMILY_ID], 0);
	return 0;
}

int
afx_nl_genl_family(struct afx_nl *nl, const char *name, uint16_t *id, struct afx_err *err)
{
	struct genlmsghdr gh = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct afx_nl_msg msg;
	uint16_t found = 0;
	int ret;

	afx_nl_msg_init(&msg, GENL_ID_CTRL, &gh, sizeof(gh),
		"id of the generic netlink family '%s'", name);
	afx_nl_put_str(&msg, CTRL_ATTR_FAMILY_NAME, name);
	ret = afx_nl_request(nl, &msg, take_family, &found, err);
	if (ret < 0)
		return ret;
	if (found < NLMSG_MIN_TYPE)
		return afx_err_set(err, -EBADMSG, "%s: no id in the answer", msg.what);
	*id = found;
	return 0;
}

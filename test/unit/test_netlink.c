/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Netlink requests and dumps against answers written beforehand into a socket pair: order, errors
 * with the kernel's explanation, disturbed dumps, malformed answers, silence; lists of sockets.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/sock_diag.h>
#include <linux/xdp_diag.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../bpf/check.h"
#include "afx_holder.h"
#include "afx_uapi.h"

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A fake kernel: what is written to peer before a request is its answer. */
struct fake {
	struct afx_nl nl;
	int peer;
};

static void
fake_open(struct fake *f)
{
	int sv[2];

	memset(f, 0, sizeof(*f));
	NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == 0, "socketpair: %m");
	f->nl.fd = sv[0];
	f->nl.timeout_ms = 60;
	f->peer = sv[1];
}

static void
fake_close(struct fake *f)
{
	afx_nl_close(&f->nl);
	afx_nl_close(&f->nl);
	close(f->peer);
}

static size_t
add(uint8_t *at, uint16_t type, uint16_t flags, uint32_t seq, const void *payload, size_t len)
{
	struct nlmsghdr nh = {
		.nlmsg_len = NLMSG_HDRLEN + len,
		.nlmsg_type = type,
		.nlmsg_flags = flags,
		.nlmsg_seq = seq,
	};

	memset(at, 0, NLMSG_ALIGN(nh.nlmsg_len));
	memcpy(at, &nh, sizeof(nh));
	if (len > 0)
		memcpy(at + NLMSG_HDRLEN, payload, len);
	return NLMSG_ALIGN(nh.nlmsg_len);
}

static void
answer(struct fake *f, uint16_t type, uint16_t flags, uint32_t seq, const void *payload,
       size_t len)
{
	uint8_t buf[512];
	size_t n = add(buf, type, flags, seq, payload, len);

	NEED(send(f->peer, buf, n, 0) == (ssize_t)n, "send: %m");
}

/* An acknowledgement or error, with an explanation when text is given. */
static void
answer_error(struct fake *f, uint32_t seq, int error, uint16_t flags, uint32_t request_len,
	     const char *text)
{
	struct {
		struct nlmsgerr e;
		uint8_t rest[256];
	} p = { .e = { .error = error, .msg = { .nlmsg_len = request_len } } };
	size_t len = sizeof(p.e);
	struct nlattr a;

	if (!(flags & NLM_F_CAPPED) && request_len >= NLMSG_HDRLEN && request_len < 128)
		len += request_len - NLMSG_HDRLEN;
	if (text != NULL) {
		a.nla_len = NLA_HDRLEN + strlen(text) + 1;
		a.nla_type = NLMSGERR_ATTR_MSG;
		memcpy((uint8_t *)&p + len, &a, sizeof(a));
		memcpy((uint8_t *)&p + len + sizeof(a), text, strlen(text) + 1);
		len += NLA_ALIGN(a.nla_len);
	}
	answer(f, NLMSG_ERROR, flags, seq, &p, len);
}

struct seen {
	unsigned int messages;
	unsigned int restarts;
	int ret;
};

static int
see(const struct nlmsghdr *nh, void *arg)
{
	struct seen *s = arg;

	if (nh == NULL) {
		s->restarts++;
		s->messages = 0;
		return 0;
	}
	s->messages++;
	return s->ret;
}

static int
request(struct fake *f, struct seen *s, struct afx_err *err)
{
	struct afx_nl_msg msg;

	memset(err, 0, sizeof(*err));
	afx_nl_msg_init(&msg, 20, NULL, 0, "make it so");
	return afx_nl_request(&f->nl, &msg, see, s, err);
}

static int
dump(struct fake *f, struct seen *s, struct afx_err *err)
{
	struct afx_nl_msg msg;

	memset(err, 0, sizeof(*err));
	memset(s, 0, sizeof(*s));
	afx_nl_msg_init(&msg, 20, NULL, 0, "list them");
	return afx_nl_dump(&f->nl, &msg, see, s, err);
}

static void
test_request(void)
{
	static uint8_t big[AFX_NL_RECV_BYTES + 16];
	struct seen s = { 0 };
	struct afx_err err;
	struct fake f;
	uint16_t capped = NLM_F_CAPPED | NLM_F_ACK_TLVS;
	uint32_t seq = 0;
	struct afx_nl_msg msg;
	char c;

	fake_open(&f);
	/* An answer, then the acknowledgement; an old answer of another number does not count. */
	answer_error(&f, 77, -EIO, NLM_F_CAPPED, 16, NULL);
	answer(&f, 21, 0, ++seq, "abcd", 4);
	answer_error(&f, seq, 0, NLM_F_CAPPED, 16, NULL);
	CHECK_EQ(request(&f, &s, &err), 0);
	CHECK_EQ(s.messages, 1);
	CHECK(err.text[0] == '\0');

	answer_error(&f, ++seq, -EINVAL, capped, 16, "no such gear");
	CHECK_EQ(request(&f, &s, &err), -EINVAL);
	CHECK_EQ(err.code, -EINVAL);
	CHECK_TEXT(err, "make it so: Invalid argument (kernel: no such gear)");
	/* The explanation comes behind a whole repeated request where it is not capped. */
	answer_error(&f, ++seq, -EPERM, NLM_F_ACK_TLVS, 36, "not you");
	CHECK_EQ(request(&f, &s, &err), -EPERM);
	CHECK_TEXT(err, "(kernel: not you)");
	CHECK_TEXT(err, "CAP_NET_ADMIN");
	/* An explanation said to lie far outside. */
	answer_error(&f, ++seq, -EINVAL, NLM_F_ACK_TLVS, 0xfffffff0, "far");
	CHECK_EQ(request(&f, &s, &err), -EINVAL);
	CHECK(strstr(err.text, "far") == NULL);
	answer_error(&f, ++seq, -EINVAL, NLM_F_ACK_TLVS, 3, "near");
	CHECK_EQ(request(&f, &s, &err), -EBADMSG);
	/* No errno. */
	answer_error(&f, ++seq, 5, NLM_F_CAPPED, 16, NULL);
	CHECK_EQ(request(&f, &s, &err), -EBADMSG);
	answer_error(&f, ++seq, -5000, NLM_F_CAPPED, 16, NULL);
	CHECK_EQ(request(&f, &s, &err), -EBADMSG);
	answer(&f, NLMSG_ERROR, 0, ++seq, "\0\0\0\0", 4);
	CHECK_EQ(request(&f, &s, &err), -EBADMSG);
	/* A datagram with a tail that is no message. */
	++seq;
	NEED(send(f.peer, "0123456789", 10, 0) == 10, "send: %m");
	CHECK_EQ(request(&f, &s, &err), -EBADMSG);
	++seq;
	NEED(send(f.peer, big, sizeof(big), 0) == sizeof(big), "send: %m");
	CHECK_EQ(request(&f, &s, &err), -EMSGSIZE);
	/* A refusing callback gets its say, and the rest is still read. */
	s.ret = -ERANGE;
	answer(&f, 21, 0, ++seq, NULL, 0);
	answer_error(&f, seq, 0, NLM_F_CAPPED, 16, NULL);
	CHECK_EQ(request(&f, &s, &err), -ERANGE);
	while (recv(f.peer, big, sizeof(big), MSG_DONTWAIT) > 0)
		;
	/* A request that did not fit is not sent. */
	afx_nl_msg_init(&msg, 20, NULL, 0, "too much");
	afx_nl_put(&msg, 1, big, sizeof(big));
	CHECK_EQ(afx_nl_request(&f.nl, &msg, NULL, NULL, &err), -EMSGSIZE);
	CHECK(recv(f.peer, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	fake_close(&f);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

/* Silence ends in time, also when signals come in more often than that. */
static void
test_timeout(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval every = { { 0, 7000 }, { 0, 7000 } }, off = { { 0, 0 }, { 0, 0 } };
	struct seen s = { 0 };
	struct afx_err err;
	struct fake f;
	int64_t took_ms;

	fake_open(&f);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	took_ms = now_ms();
	CHECK_EQ(request(&f, &s, &err), -ETIMEDOUT);
	took_ms = now_ms() - took_ms;
	setitimer(ITIMER_REAL, &off, NULL);
	CHECK_AT(took_ms >= 60, "%lld ms", (long long)took_ms);
	CHECK_TEXT(err, "make it so");
	/* The late answer does not confuse the next request. */
	answer_error(&f, 1, -EIO, NLM_F_CAPPED, 16, NULL);
	answer_error(&f, 2, 0, NLM_F_CAPPED, 16, NULL);
	CHECK_EQ(request(&f, &s, &err), 0);
	fake_close(&f);
}

static void
test_dump(void)
{
	static const int zero;
	int enodev = -ENODEV;
	struct afx_err err;
	uint8_t buf[512];
	struct fake f;
	struct seen s;
	uint32_t seq;
	size_t n;

	/* Two datagrams, the done message in the second. */
	fake_open(&f);
	n = add(buf, 21, NLM_F_MULTI, 1, "a", 1);
	n += add(buf + n, 21, NLM_F_MULTI, 1, "b", 1);
	NEED(send(f.peer, buf, n, 0) == (ssize_t)n, "send: %m");
	n = add(buf, 21, NLM_F_MULTI, 1, "c", 1);
	n += add(buf + n, NLMSG_DONE, NLM_F_MULTI, 1, &zero, 4);
	NEED(send(f.peer, buf, n, 0) == (ssize_t)n, "send: %m");
	CHECK_EQ(dump(&f, &s, &err), 0);
	CHECK_EQ(s.messages, 3);
	CHECK_EQ(s.restarts, 0);
	/* Disturbed once: what came is forgotten and asked for again. */
	answer(&f, 21, NLM_F_MULTI, 2, NULL, 0);
	answer(&f, 21, NLM_F_MULTI, 2, NULL, 0);
	answer(&f, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 2, &zero, 4);
	answer(&f, 21, NLM_F_MULTI, 3, NULL, 0);
	answer(&f, NLMSG_DONE, NLM_F_MULTI, 3, &zero, 4);
	CHECK_EQ(dump(&f, &s, &err), 0);
	CHECK_EQ(s.messages, 1);
	CHECK_EQ(s.restarts, 1);
	/* An error at the end, with an explanation behind it. */
	{
		struct {
			int error;
			struct nlattr a;
			char text[8];
		} p = { enodev, { 12, NLMSGERR_ATTR_MSG }, "it left" };

		answer(&f, NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS, 4, &p, sizeof(p));
	}
	CHECK_EQ(dump(&f, &s, &err), -ENODEV);
	CHECK_TEXT(err, "list them");
	CHECK_TEXT(err, "it left");
	/* An error at once; a done message without its error. */
	answer_error(&f, 5, -EOPNOTSUPP, NLM_F_CAPPED, 16, NULL);
	CHECK_EQ(dump(&f, &s, &err), -EOPNOTSUPP);
	answer(&f, NLMSG_DONE, NLM_F_MULTI, 6, NULL, 0);
	CHECK_EQ(dump(&f, &s, &err), 0);
	fake_close(&f);
	/* Disturbed for ever. */
	fake_open(&f);
	for (seq = 1; seq <= 30; seq++)
		answer(&f, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, seq, &zero, 4);
	CHECK_EQ(dump(&f, &s, &err), -EAGAIN);
	CHECK(s.restarts > 3);
	fake_close(&f);
}

/* One AF_XDP socket of a list, without its place where len says so. */
static void
answer_socket(struct fake *f, uint64_t cookie, uint32_t ifindex, uint32_t queue, size_t len)
{
	struct {
		struct xdp_diag_msg m;
		struct nlattr a;
		struct xdp_diag_info info;
	} p = {
		.m = {
			.xdiag_family = AF_XDP,
			.xdiag_cookie = { (uint32_t)cookie, (uint32_t)(cookie >> 32) },
		},
		.a = { .nla_len = NLA_HDRLEN + sizeof(p.info), .nla_type = XDP_DIAG_INFO },
		.info = { .ifindex = ifindex, .queue_id = queue },
	};

	answer(f, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, 1, &p, len == 0 ? sizeof(p) : len);
}

/* Who holds queue 3 of ifindex 7, to the socket with cookie 5 << 32 | 9. */
static int
list_holders(struct fake *f, struct afx_holders *found)
{
	struct afx_err err;
	int ret = afx_holder_list(&f->nl, 7, 3, 5ull << 32 | 9, found, &err);

	fake_close(f);
	return ret;
}

static void
test_holders(void)
{
	struct afx_holders h = { 0 };
	struct fake f;

	fake_open(&f);
	answer_socket(&f, 5ull << 32 | 9, 7, 3, 0);
	answer_socket(&f, 5ull << 32 | 8, 7, 2, 0);
	answer_socket(&f, 4ull << 32 | 9, 8, 3, 0);
	answer_socket(&f, 6, 7, 3, sizeof(struct xdp_diag_msg));
	answer(&f, NLMSG_DONE, NLM_F_MULTI, 1, "\0\0\0\0", 4);
	CHECK_EQ(list_holders(&f, &h), 0);
	CHECK(h.ours);
	CHECK_EQ(h.others, 0);

	/* Half of the cookie is not the cookie. */
	fake_open(&f);
	answer_socket(&f, 4ull << 32 | 9, 7, 3, 0);
	answer_socket(&f, 5ull << 32 | 8, 7, 3, 0);
	answer(&f, NLMSG_DONE, NLM_F_MULTI, 1, "\0\0\0\0", 4);
	CHECK_EQ(list_holders(&f, &h), 0);
	CHECK(!h.ours);
	CHECK_EQ(h.others, 2);

	/* What came before a disturbance does not count. */
	fake_open(&f);
	answer_socket(&f, 5ull << 32 | 9, 7, 3, 0);
	answer(&f, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 1, "\0\0\0\0", 4);
	answer(&f, NLMSG_DONE, NLM_F_MULTI, 2, "\0\0\0\0", 4);
	CHECK_EQ(list_holders(&f, &h), 0);
	CHECK(!h.ours);
	CHECK_EQ(h.others, 0);

	fake_open(&f);
	answer(&f, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, 1, "\0\0\0\0", 4);
	answer(&f, NLMSG_DONE, NLM_F_MULTI, 1, "\0\0\0\0", 4);
	CHECK_EQ(list_holders(&f, &h), -EBADMSG);

	/* A kernel that does not list them. */
	fake_open(&f);
	answer_error(&f, 1, -ENOENT, NLM_F_CAPPED, 16, NULL);
	CHECK_EQ(list_holders(&f, &h), -ENOENT);
}

/* What needs no privilege of the real thing. */
static void
test_kernel(void)
{
	static struct afx_nl nl;
	struct afx_err err;
	uint16_t id = 0;

	NEED(afx_nl_open(NETLINK_GENERIC, &nl, &err) == 0, "%s", err.text);
	CHECK_EQ(afx_nl_genl_family(&nl, "nlctrl", &id, &err), 0);
	CHECK_EQ(id, GENL_ID_CTRL);
	CHECK_EQ(afx_nl_genl_family(&nl, "no_such_family", &id, &err), -ENOENT);
	CHECK_TEXT(err, "no_such_family");
	afx_nl_close(&nl);
	CHECK_EQ(nl.fd, -1);
	CHECK(afx_nl_open(9999, &nl, &err) < 0);
	CHECK_EQ(nl.fd, -1);
	CHECK_TEXT(err, "9999");
}

int
main(void)
{
	test_request();
	test_timeout();
	test_dump();
	test_holders();
	test_kernel();
	return check_result();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Netlink without a kernel: attributes built and parsed, hostile and cut messages, and the request
 * and dump logic against answers written beforehand into a socket pair. Buffers are allocated to
 * their exact size, so that a sanitizer or valgrind sees any byte read too much.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../bpf/check.h"
#include "afx_netdev_impl.h"
#include "afx_netlink.h"

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Attributes given as bytes, parsed as the content of a nest of exactly that size. */
static int
parse_bytes(const void *bytes, size_t len, struct afx_nl_attr *tb, unsigned int max)
{
	struct afx_nl_attr nest = { .len = len };
	void *copy = malloc(len > 0 ? len : 1);
	int ret;

	memcpy(copy, bytes, len);
	nest.data = copy;
	ret = afx_nl_parse_nested(&nest, tb, max);
	free(copy);
	return ret;
}

static void
test_build(void)
{
	static const uint8_t big[AFX_NL_MSG_BYTES];
	struct genlmsghdr gh = { .cmd = 1 };
	struct afx_nl_attr tb[8];
	struct afx_nl_msg msg;
	struct nlmsghdr *nh = (struct nlmsghdr *)msg.buf;
	char s[8];

	afx_nl_msg_init(&msg, 42, &gh, sizeof(gh), "set %s", "x");
	CHECK(strcmp(msg.what, "set x") == 0);
	afx_nl_put_u32(&msg, 1, 0x12345678);
	afx_nl_put_str(&msg, 2, "four");
	afx_nl_put(&msg, 3, NULL, 0);
	afx_nl_put(&msg, 4, "\1\2\3", 3);
	CHECK(!msg.full);
	CHECK_EQ(msg.len, 16 + 4 + 8 + 12 + 4 + 8);
	nh->nlmsg_len = msg.len;
	CHECK_EQ(nh->nlmsg_type, 42);
	CHECK_EQ(afx_nl_parse(nh, sizeof(gh), tb, 7), 0);
	CHECK_EQ(afx_nl_u32(&tb[1], 0), 0x12345678);
	CHECK_EQ(afx_nl_u64(&tb[1], 99), 99);
	afx_nl_str(&tb[2], s, sizeof(s));
	CHECK(strcmp(s, "four") == 0);
	afx_nl_str(&tb[2], s, 3);
	CHECK(strcmp(s, "fo") == 0);
	CHECK(tb[3].data != NULL);
	CHECK_EQ(tb[3].len, 0);
	CHECK_EQ(tb[4].len, 3);
	CHECK_EQ(afx_nl_u32(&tb[4], 77), 77);
	CHECK(tb[5].data == NULL);

	/* The last byte of room may be used, not one more. */
	afx_nl_msg_init(&msg, 1, NULL, 0, "fill");
	afx_nl_put(&msg, 1, big, sizeof(msg.buf) - NLMSG_HDRLEN - NLA_HDRLEN);
	CHECK(!msg.full);
	CHECK_EQ(msg.len, sizeof(msg.buf));
	afx_nl_put(&msg, 1, NULL, 0);
	CHECK(msg.full);
	CHECK_EQ(msg.len, sizeof(msg.buf));
	/* Padding needs room too. */
	afx_nl_msg_init(&msg, 1, NULL, 0, "fill");
	afx_nl_put(&msg, 1, big, sizeof(msg.buf) - NLMSG_HDRLEN - 2 * NLA_HDRLEN - 4);
	afx_nl_put(&msg, 1, big, 5);
	CHECK(msg.full);
	afx_nl_msg_init(&msg, 1, NULL, 0, "huge");
	afx_nl_put(&msg, 1, big, SIZE_MAX);
	CHECK(msg.full);
	afx_nl_msg_init(&msg, 1, big, sizeof(big), "huge header");
	CHECK(msg.full);
}

static void
test_parse_hostile(void)
{
	/* struct nlattr: length, type, little and big endian alike for these. */
	struct nlattr a[4];
	struct afx_nl_attr tb[4], inner[4];
	uint16_t len;
	char s[4];

	/* No length below the header, none beyond what is there. */
	for (len = 0; len < 64; len++) {
		memset(a, 0, sizeof(a));
		a[0].nla_len = len;
		a[0].nla_type = 1;
		if (len >= 4 && len <= 4)
			CHECK_EQ(parse_bytes(a, 4, tb, 3), 0);
		else
			CHECK_EQ(parse_bytes(a, 4, tb, 3), -EBADMSG);
	}
	a[0].nla_len = UINT16_MAX;
	CHECK_EQ(parse_bytes(a, sizeof(a), tb, 3), -EBADMSG);
	CHECK(tb[1].data == NULL);
	/* Cut within a header. */
	a[0].nla_len = 4;
	for (len = 5; len < 8; len++)
		CHECK_EQ(parse_bytes(a, len, tb, 3), -EBADMSG);
	/* The last one without padding. */
	a[0].nla_len = 5;
	CHECK_EQ(parse_bytes(a, 5, tb, 3), 0);
	CHECK_EQ(tb[1].len, 1);
	/* Types: flags masked, unknown ignored, the last of the same counts. */
	memset(a, 0, sizeof(a));
	a[0] = (struct nlattr){ .nla_len = 4, .nla_type = NLA_F_NESTED | 2 };
	a[1] = (struct nlattr){ .nla_len = 4, .nla_type = 0x3fff };
	a[2] = (struct nlattr){ .nla_len = 8, .nla_type = 2 };
	CHECK_EQ(parse_bytes(a, sizeof(a), tb, 3), 0);
	CHECK_EQ(tb[2].len, 4);
	/* What came before a bad one is kept. */
	a[1].nla_len = 3;
	CHECK_EQ(parse_bytes(a, sizeof(a), tb, 3), -EBADMSG);
	CHECK(tb[2].data != NULL);
	/* An inner attribute longer than its nest, although the message goes on behind. */
	memset(a, 0, sizeof(a));
	a[0] = (struct nlattr){ .nla_len = 8, .nla_type = 1 };
	a[1] = (struct nlattr){ .nla_len = 12, .nla_type = 1 };
	a[2] = (struct nlattr){ .nla_len = 8, .nla_type = 2 };
	{
		struct afx_nl_attr all = { .data = a, .len = sizeof(a) };

		CHECK_EQ(afx_nl_parse_nested(&all, tb, 3), 0);
		CHECK_EQ(tb[1].len, 4);
		CHECK_EQ(afx_nl_parse_nested(&tb[1], inner, 3), -EBADMSG);
		CHECK(inner[1].data == NULL);
	}
	/* An absent nest is an empty one. */
	memset(tb, 0, sizeof(tb));
	CHECK_EQ(afx_nl_parse_nested(&tb[1], inner, 3), 0);
	afx_nl_str(&tb[1], s, sizeof(s));
	CHECK(s[0] == '\0');
	/* A string without an end. */
	tb[1] = (struct afx_nl_attr){ .data = "abcd", .len = 4 };
	afx_nl_str(&tb[1], s, sizeof(s));
	CHECK(strcmp(s, "abc") == 0);
	tb[1].len = 2;
	afx_nl_str(&tb[1], s, sizeof(s));
	CHECK(strcmp(s, "ab") == 0);
}

static void
test_walk_hostile(void)
{
	static const uint32_t bad[] = { 0, 1, 15, 41, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	struct nlmsghdr *nh = calloc(1, 40);
	struct afx_nl_attr tb[2];
	const void *pos;
	size_t left;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		nh->nlmsg_len = bad[i];
		pos = nh;
		left = 40;
		CHECK_AT(afx_nl_next(&pos, &left) == NULL, "length %u", bad[i]);
		CHECK_EQ(left, 40);
	}
	nh->nlmsg_len = 16;
	for (left = 0; left < 16; left++) {
		size_t l = left;

		pos = nh;
		CHECK(afx_nl_next(&pos, &l) == NULL);
	}
	/* 17 bytes of 40: the next one starts at 20; 37 of 40: nothing follows. */
	nh->nlmsg_len = 17;
	pos = nh;
	left = 40;
	CHECK(afx_nl_next(&pos, &left) == nh);
	CHECK_EQ(left, 20);
	nh->nlmsg_len = 37;
	pos = nh;
	left = 38;
	CHECK(afx_nl_next(&pos, &left) == nh);
	CHECK_EQ(left, 0);
	/* A message shorter than its family's header. */
	nh->nlmsg_len = 16 + sizeof(struct ifinfomsg) - 1;
	CHECK(afx_nl_header(nh, sizeof(struct ifinfomsg)) == NULL);
	CHECK_EQ(afx_nl_parse(nh, sizeof(struct ifinfomsg), tb, 1), -EBADMSG);
	CHECK(tb[0].data == NULL && tb[1].data == NULL);
	/* A header of odd length whose padding is cut off. */
	nh->nlmsg_len = 16 + 5;
	CHECK_EQ(afx_nl_parse(nh, 5, tb, 1), 0);
	free(nh);
}

/* A link message as the kernel sends it, with an XDP nest. */
static void
make_link(struct afx_nl_msg *msg)
{
	struct ifinfomsg ifi = { .ifi_index = 7, .ifi_type = 1, .ifi_flags = IFF_UP };
	struct {
		struct nlattr a;
		uint32_t id;
	} xdp[2] = {
		{ { 8, IFLA_XDP_DRV_PROG_ID }, 11 },
		{ { 8, IFLA_XDP_SKB_PROG_ID }, 22 },
	};

	afx_nl_msg_init(msg, RTM_NEWLINK, &ifi, sizeof(ifi), "link");
	afx_nl_put_str(msg, IFLA_IFNAME, "veth0");
	afx_nl_put_u32(msg, IFLA_MTU, 1500);
	afx_nl_put(msg, IFLA_ADDRESS, "\2\0\0\0\0\1", 6);
	afx_nl_put(msg, IFLA_CARRIER, "\1", 1);
	afx_nl_put_u32(msg, IFLA_MASTER, 3);
	afx_nl_put(msg, IFLA_XDP | NLA_F_NESTED, xdp, sizeof(xdp));
	((struct nlmsghdr *)msg->buf)->nlmsg_len = msg->len;
}

static void
test_link(void)
{
	struct afx_netdev_raw raw;
	struct afx_nl_msg msg;
	struct nlmsghdr *nh;
	size_t cut;

	make_link(&msg);
	nh = (struct nlmsghdr *)msg.buf;
	CHECK_EQ(afx_netdev_parse(nh, &raw), 0);
	CHECK(strcmp(raw.nd.name, "veth0") == 0);
	CHECK_EQ(raw.nd.ifindex, 7);
	CHECK_EQ(raw.nd.mtu, 1500);
	CHECK_EQ(raw.nd.carrier, 1);
	CHECK_EQ(raw.nd.xdp_prog_drv, 11);
	CHECK_EQ(raw.nd.xdp_prog_skb, 22);
	CHECK_EQ(raw.nd.mac[5], 1);
	CHECK_EQ(raw.master, 3);
	CHECK(raw.complete);
	/* A name longer than fits is cut; an address that is none is left out. */
	afx_nl_put_str(&msg, IFLA_IFNAME, "a-name-of-more-than-fifteen-characters");
	afx_nl_put(&msg, IFLA_ADDRESS, "12345678901234567890", 20);
	nh->nlmsg_len = msg.len;
	CHECK_EQ(afx_netdev_parse(nh, &raw), 0);
	CHECK_EQ(strlen(raw.nd.name), IF_NAMESIZE - 1);
	CHECK_EQ(raw.nd.mac[0], 0);
	/* Of a bridge about its port. */
	((struct ifinfomsg *)NLMSG_DATA(nh))->ifi_family = AF_BRIDGE;
	CHECK_EQ(afx_netdev_parse(nh, &raw), -ENOMSG);

	make_link(&msg);
	for (cut = NLMSG_HDRLEN; cut < msg.len; cut++) {
		nh = malloc(cut);
		memcpy(nh, msg.buf, cut);
		nh->nlmsg_len = cut;
		(void)afx_netdev_parse(nh, &raw);
		CHECK(memchr(raw.nd.name, '\0', sizeof(raw.nd.name)) != NULL);
		free(nh);
	}
}

static void
test_link_random(void)
{
	struct afx_netdev_raw raw;
	const struct nlmsghdr *nh;
	struct afx_nl_msg msg;
	unsigned int i, j;
	const void *pos;
	uint8_t *copy;
	size_t left;

	srand(1);
	make_link(&msg);
	for (i = 0; i < 100000; i++) {
		left = NLMSG_HDRLEN + rand() % (msg.len - NLMSG_HDRLEN + 1);
		copy = malloc(left);
		memcpy(copy, msg.buf, left);
		for (j = rand() % 4; j > 0; j--)
			copy[rand() % left] = rand() % 3 ? rand() : 0xff;
		if (i % 2)
			((struct nlmsghdr *)copy)->nlmsg_len = left;
		pos = copy;
		while ((nh = afx_nl_next(&pos, &left)) != NULL)
			(void)afx_netdev_parse(nh, &raw);
		free(copy);
	}
	CHECK_EQ(i, 100000);
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
	test_build();
	test_parse_hostile();
	test_walk_hostile();
	test_link();
	test_link_random();
	test_request();
	test_timeout();
	test_dump();
	test_kernel();
	return check_result();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Netlink messages in memory: attributes built and parsed, hostile and cut messages. Buffers are
 * allocated to their exact size, so that a sanitizer or valgrind sees any byte read too much.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../bpf/check.h"
#include "afx_netdev_impl.h"

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
	static const uint32_t bad[] = {
		0, 1, 15, 41, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
	};
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

int
main(void)
{
	test_build();
	test_parse_hostile();
	test_walk_hostile();
	test_link();
	test_link_random();
	return check_result();
}

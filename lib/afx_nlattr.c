/* SPDX-License-Identifier: BSD-3-Clause */
/* Netlink messages in memory: building requests, walking answers; see afx_netlink.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "afx_netlink.h"

void
afx_nl_msg_init(struct afx_nl_msg *msg, uint16_t type, const void *hdr, size_t hdr_len,
		const char *what, ...)
{
	struct nlmsghdr nh = { .nlmsg_type = type };
	va_list ap;

	memset(msg, 0, sizeof(*msg));
	va_start(ap, what);
	vsnprintf(msg->what, sizeof(msg->what), what, ap);
	va_end(ap);
	if (hdr_len > sizeof(msg->buf) - NLMSG_HDRLEN) {
		msg->full = true;
		hdr_len = 0;
	}
	memcpy(msg->buf, &nh, sizeof(nh));
	if (hdr_len > 0)
		memcpy(msg->buf + NLMSG_HDRLEN, hdr, hdr_len);
	msg->len = NLMSG_HDRLEN + NLMSG_ALIGN(hdr_len);
}

void
afx_nl_put(struct afx_nl_msg *msg, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_type = type };
	size_t room = sizeof(msg->buf) - msg->len;

	/* The room is a multiple of the alignment, so what fits does so with its padding. */
	if (room < NLA_HDRLEN || len > room - NLA_HDRLEN) {
		msg->full = true;
		return;
	}
	a.nla_len = NLA_HDRLEN + len;
	memcpy(msg->buf + msg->len, &a, sizeof(a));
	if (len > 0)
		memcpy(msg->buf + msg->len + NLA_HDRLEN, data, len);
	msg->len += NLA_HDRLEN + NLA_ALIGN(len);
}

void
afx_nl_put_u32(struct afx_nl_msg *msg, uint16_t type, uint32_t value)
{
	afx_nl_put(msg, type, &value, sizeof(value));
}

void
afx_nl_put_str(struct afx_nl_msg *msg, uint16_t type, const char *s)
{
	afx_nl_put(msg, type, s, strlen(s) + 1);
}

const struct nlmsghdr *
afx_nl_next(const void **pos, size_t *left)
{
	const struct nlmsghdr *nh = *pos;
	size_t step;

	if (*left < NLMSG_HDRLEN || nh->nlmsg_len < NLMSG_HDRLEN || nh->nlmsg_len > *left)
		return NULL;
	step = NLMSG_ALIGN((size_t)nh->nlmsg_len);
	if (step > *left)
		step = *left;
	*pos = (const uint8_t *)*pos + step;
	*left -= step;
	return nh;
}

static int
parse(const uint8_t *pos, size_t left, struct afx_nl_attr *tb, unsigned int max)
{
	struct nlattr a;
	unsigned int type;
	size_t step;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	while (left > 0) {
		if (left < NLA_HDRLEN)
			return -EBADMSG;
		memcpy(&a, pos, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || a.nla_len > left)
			return -EBADMSG;
		type = a.nla_type & NLA_TYPE_MASK;
		if (type <= max) {
			tb[type].data = pos + NLA_HDRLEN;
			tb[type].len = a.nla_len - NLA_HDRLEN;
		}
		step = NLA_ALIGN((size_t)a.nla_len);
		/* The last attribute may come without padding. */
		if (step > left)
			step = left;
		pos += step;
		left -= step;
	}
	return 0;
}

int
afx_nl_parse(const struct nlmsghdr *nh, size_t hdr_len, struct afx_nl_attr *tb, unsigned int max)
{
	size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(hdr_len);

	if (nh->nlmsg_len < NLMSG_HDRLEN + hdr_len) {
		memset(tb, 0, (max + 1) * sizeof(*tb));
		return -EBADMSG;
	}
	if (skip > nh->nlmsg_len)
		skip = nh->nlmsg_len;
	return parse((const uint8_t *)nh + skip, nh->nlmsg_len - skip, tb, max);
}

int
afx_nl_parse_nested(const struct afx_nl_attr *nest, struct afx_nl_attr *tb, unsigned int max)
{
	return parse(nest->data, nest->data == NULL ? 0 : nest->len, tb, max);
}

const void *
afx_nl_header(const struct nlmsghdr *nh, size_t hdr_len)
{
	if (nh->nlmsg_len < NLMSG_HDRLEN + hdr_len)
		return NULL;
	return (const uint8_t *)nh + NLMSG_HDRLEN;
}

uint8_t
afx_nl_u8(const struct afx_nl_attr *a, uint8_t otherwise)
{
	if (a->data == NULL || a->len < sizeof(otherwise))
		return otherwise;
	return *(const uint8_t *)a->data;
}

uint16_t
afx_nl_u16(const struct afx_nl_attr *a, uint16_t otherwise)
{
	if (a->data != NULL && a->len >= sizeof(otherwise))
		memcpy(&otherwise, a->data, sizeof(otherwise));
	return otherwise;
}

uint32_t
afx_nl_u32(const struct afx_nl_attr *a, uint32_t otherwise)
{
	if (a->data != NULL && a->len >= sizeof(otherwise))
		memcpy(&otherwise, a->data, sizeof(otherwise));
	return otherwise;
}

uint64_t
afx_nl_u64(const struct afx_nl_attr *a, uint64_t otherwise)
{
	if (a->data != NULL && a->len >= sizeof(otherwise))
		memcpy(&otherwise, a->data, sizeof(otherwise));
	return otherwise;
}

void
afx_nl_str(const struct afx_nl_attr *a, char *s, size_t size)
{
	size_t len = 0;

	if (size == 0)
		return;
	if (a->data != NULL)
		len = strnlen(a->data, a->len);
	if (len > size - 1)
		len = size - 1;
	if (len > 0)
		memcpy(s, a->data, len);
	s[len] = '\0';
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel uses a network device for: addresses, routes, master; see afx_netdev.h. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "afx_netdev_impl.h"

struct finding {
	int ifindex;
	bool found;
};

static int
take_address(const struct nlmsghdr *nh, void *arg)
{
	const struct ifaddrmsg *ifa;
	struct finding *f = arg;

	if (nh == NULL) {
		f->found = false;
		return 0;
	}
	if (nh->nlmsg_type != RTM_NEWADDR)
		return 0;
	ifa = afx_nl_header(nh, sizeof(*ifa));
	if (ifa == NULL)
		return -EBADMSG;
	if ((int)ifa->ifa_index != f->ifindex)
		return 0;
	/* A link-local IPv6 address comes by itself as soon as an interface is up. */
	if (ifa->ifa_family == AF_INET ||
	    (ifa->ifa_family == AF_INET6 && ifa->ifa_scope != RT_SCOPE_LINK))
		f->found = true;
	return 0;
}

/* Whether one of the next hops of a multipath route leaves through ifindex. */
static bool
multipath_uses(const struct afx_nl_attr *a, int ifindex)
{
	const uint8_t *pos = a->data;
	size_t left = a->data == NULL ? 0 : a->len;
	struct rtnexthop nh;
	size_t step;

	while (left >= sizeof(nh)) {
		memcpy(&nh, pos, sizeof(nh));
		if (nh.rtnh_len < sizeof(nh) || nh.rtnh_len > left)
			return false;
		if (nh.rtnh_ifindex == ifindex)
			return true;
		step = RTNH_ALIGN((size_t)nh.rtnh_len);
		if (step > left)
			return false;
		pos += step;
		left -= step;
	}
	return false;
}

static int
take_route(const struct nlmsghdr *nh, void *arg)
{
	struct afx_nl_attr tb[RTA_MULTIPATH + 1];
	struct finding *f = arg;
	const struct rtmsg *rtm;
	bool leaves;

	if (nh == NULL) {
		f->found = false;
		return 0;
	}
	if (nh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	rtm = afx_nl_header(nh, sizeof(*rtm));
	if (rtm == NULL || afx_nl_parse(nh, sizeof(*rtm), tb, RTA_MULTIPATH) < 0)
		return -EBADMSG;
	if (rtm->rtm_dst_len != 0 || rtm->rtm_type != RTN_UNICAST)
		return 0;
	leaves = afx_nl_u32(&tb[RTA_OIF], 0) == (uint32_t)f->ifindex ||
		multipath_uses(&tb[RTA_MULTIPATH], f->ifindex);
	/* A route by nexthop object may not list its devices, but the kernel has filtered it. */
	if (tb[RTA_OIF].data == NULL && tb[RTA_MULTIPATH].data == NULL)
		leaves = nh->nlmsg_flags & NLM_F_DUMP_FILTERED;
	if (leaves)
		f->found = true;
	return 0;
}

static int
has_address(struct afx_ctl *ctl, int family, struct finding *f, struct afx_err *err)
{
	struct ifaddrmsg ifa = { .ifa_family = family, .ifa_index = f->ifindex };
	struct afx_nl_msg msg;
	int ret;

	f->found = false;
	afx_nl_msg_init(&msg, RTM_GETADDR, &ifa, sizeof(ifa), "list IPv%d addresses of ifindex %d",
		family == AF_INET ? 4 : 6, f->ifindex);
	ret = afx_nl_dump(&ctl->rt, &msg, take_address, f, err);
	return ret < 0 ? ret : f->found;
}

static int
has_default_route(struct afx_ctl *ctl, int family, uint32_t table, struct finding *f,
		  struct afx_err *err)
{
	struct rtmsg rtm = { .rtm_family = family };
	struct afx_nl_msg msg;
	int ret;

	f->found = false;
	afx_nl_msg_init(&msg, RTM_GETROUTE, &rtm, sizeof(rtm),
		"list IPv%d routes of table %u through ifindex %d",
		family == AF_INET ? 4 : 6, table, f->ifindex);
	/* The kernel filters by both, which matters where a routing daemon holds a full table. */
	afx_nl_put_u32(&msg, RTA_TABLE, table);
	afx_nl_put_u32(&msg, RTA_OIF, f->ifindex);
	ret = afx_nl_dump(&ctl->rt, &msg, take_route, f, err);
	/* A table without a route does not exist. */
	if (ret == -ENOENT)
		return 0;
	return ret < 0 ? ret : f->found;
}

int
afx_netdev_use(struct afx_ctl *ctl, int ifindex, struct afx_netdev_use *use, struct afx_err *err)
{
	static const int families[] = { AF_INET, AF_INET6 };
	static const uint32_t tables[] = { RT_TABLE_MAIN, RT_TABLE_DEFAULT };
	struct finding f = { .ifindex = ifindex };
	struct afx_netdev_raw raw;
	unsigned int i, j;
	int ret;

	memset(use, 0, sizeof(*use));
	ret = afx_netdev_get(ctl, NULL, ifindex, &raw, err);
	if (ret < 0)
		return ret;
	use->master = raw.master;
	for (i = 0; i < 2; i++) {
		ret = has_address(ctl, families[i], &f, err);
		if (ret < 0)
			return ret;
		use->address |= ret;
		for (j = 0; j < 2; j++) {
			ret = has_default_route(ctl, families[i], tables[j], &f, err);
			if (ret < 0)
				return ret;
			use->default_route |= ret;
		}
	}
	return 0;
}

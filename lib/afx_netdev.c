/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel network device: finding it and describing it, see afx_netdev.h. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afx_bus.h"
#include "afx_netdev_impl.h"

/* IFLA_PARENT_DEV_NAME (5.14) is the youngest attribute read. */
#define LINK_ATTR_MAX IFLA_PARENT_DEV_NAME

/* IF_OPER_UNKNOWN of linux/if.h, which cannot be included together with net/if.h. */
#define OPERSTATE_UNKNOWN 0

/* The longest name an altname can have, without the NUL (linux/if.h's ALTIFNAMSIZ - 1). */
#define ALTNAME_LEN_MAX 127

static int
parse_xdp(const struct afx_nl_attr *nest, struct afx_netdev *nd)
{
	struct afx_nl_attr tb[IFLA_XDP_HW_PROG_ID + 1];
	uint32_t id;
	int ret;

	ret = afx_nl_parse_nested(nest, tb, IFLA_XDP_HW_PROG_ID);
	if (ret < 0)
		return ret;
	/* With XDP_ATTACHED_MULTI only these tell; with a single program the kernel gives both. */
	nd->xdp_prog_drv = afx_nl_u32(&tb[IFLA_XDP_DRV_PROG_ID], 0);
	nd->xdp_prog_skb = afx_nl_u32(&tb[IFLA_XDP_SKB_PROG_ID], 0);
	nd->xdp_prog_hw = afx_nl_u32(&tb[IFLA_XDP_HW_PROG_ID], 0);
	id = afx_nl_u32(&tb[IFLA_XDP_PROG_ID], 0);
	switch (afx_nl_u8(&tb[IFLA_XDP_ATTACHED], XDP_ATTACHED_NONE)) {
	case XDP_ATTACHED_DRV:
		nd->xdp_prog_drv = nd->xdp_prog_drv != 0 ? nd->xdp_prog_drv : id;
		break;
	case XDP_ATTACHED_SKB:
		nd->xdp_prog_skb = nd->xdp_prog_skb != 0 ? nd->xdp_prog_skb : id;
		break;
	case XDP_ATTACHED_HW:
		nd->xdp_prog_hw = nd->xdp_prog_hw != 0 ? nd->xdp_prog_hw : id;
		break;
	}
	return 0;
}

int
afx_netdev_parse(const struct nlmsghdr *nh, struct afx_netdev_raw *raw)
{
	struct afx_nl_attr tb[LINK_ATTR_MAX + 1];
	struct afx_netdev *nd = &raw->nd;
	const struct ifinfomsg *ifi = afx_nl_header(nh, sizeof(*ifi));
	int ret;

	memset(raw, 0, sizeof(*raw));
	if (ifi == NULL)
		return -EBADMSG;
	/* Bridges speak of their ports in link messages of their own family. */
	if (ifi->ifi_family != AF_UNSPEC)
		return -ENOMSG;
	ret = afx_nl_parse(nh, sizeof(*ifi), tb, LINK_ATTR_MAX);
	if (ret < 0)
		return ret;
	nd->ifindex = ifi->ifi_index;
	nd->type = ifi->ifi_type;
	nd->flags = ifi->ifi_flags;
	nd->numa_node = -1;
	afx_nl_str(&tb[IFLA_IFNAME], nd->name, sizeof(nd->name));
	nd->carrier = afx_nl_u8(&tb[IFLA_CARRIER], 0) != 0;
	nd->operstate = afx_nl_u8(&tb[IFLA_OPERSTATE], OPERSTATE_UNKNOWN);
	nd->mtu = afx_nl_u32(&tb[IFLA_MTU], 0);
	nd->min_mtu = afx_nl_u32(&tb[IFLA_MIN_MTU], 0);
	nd->max_mtu = afx_nl_u32(&tb[IFLA_MAX_MTU], 0);
	if (tb[IFLA_ADDRESS].data != NULL && tb[IFLA_ADDRESS].len == AFX_MAC_LEN)
		memcpy(nd->mac, tb[IFLA_ADDRESS].data, AFX_MAC_LEN);
	nd->num_rx_queues = afx_nl_u32(&tb[IFLA_NUM_RX_QUEUES], 1);
	nd->num_tx_queues = afx_nl_u32(&tb[IFLA_NUM_TX_QUEUES], 1);
	raw->complete = nd->name[0] != '\0' && tb[IFLA_MTU].data != NULL;
	raw->master = afx_nl_u32(&tb[IFLA_MASTER], 0);
	if (tb[IFLA_PERM_ADDRESS].data != NULL && tb[IFLA_PERM_ADDRESS].len <= sizeof(raw->perm)) {
		raw->perm_len = tb[IFLA_PERM_ADDRESS].len;
		memcpy(raw->perm, tb[IFLA_PERM_ADDRESS].data, raw->perm_len);
	}
	afx_nl_str(&tb[IFLA_PARENT_DEV_NAME], raw->parent, sizeof(raw->parent));
	return parse_xdp(&tb[IFLA_XDP], nd);
}

static int
take_link(const struct nlmsghdr *nh, void *arg)
{
	if (nh->nlmsg_type != RTM_NEWLINK)
		return 0;
	return afx_netdev_parse(nh, arg);
}

int
afx_netdev_get(struct afx_ctl *ctl, const char *name, int ifindex, struct afx_netdev_raw *raw,
	       struct afx_err *err)
{
	struct ifinfomsg ifi = { .ifi_index = ifindex };
	struct afx_nl_msg msg;
	int ret;

	memset(raw, 0, sizeof(*raw));
	if (name == NULL)
		afx_nl_msg_init(&msg, RTM_GETLINK, &ifi, sizeof(ifi), "ask for ifindex %d in %s",
			ifindex, ctl->where);
	else
		afx_nl_msg_init(&msg, RTM_GETLINK, &ifi, sizeof(ifi), "ask for '%.64s' in %s", name,
			ctl->where);
	/* The kernel finds altnames by either attribute, but the first one holds 15 characters. */
	if (name != NULL)
		afx_nl_put_str(&msg,
			strlen(name) < IF_NAMESIZE ? IFLA_IFNAME : IFLA_ALT_IFNAME, name);
	afx_nl_put_u32(&msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	ret = afx_nl_request(&ctl->rt, &msg, take_link, raw, err);
	if (ret == -ENODEV && name == NULL)
		return afx_err_set(err, ret, "no interface with ifindex %d in %s; it was removed "
			"or moved to another namespace", ifindex, ctl->where);
	if (ret == -ENODEV)
		return afx_err_set(err, ret, "no interface '%s' in %s; 'ip link' lists what is "
			"there", name, ctl->where);
	if (ret < 0)
		return ret;
	if (raw->nd.ifindex <= 0)
		return afx_err_set(err, -EBADMSG, "%s: no link in the answer", msg.what);
	return 0;
}

/* What rtnetlink does not know: driver and bus. Missing is not an error. */
static void
add_driver(struct afx_ctl *ctl, const struct afx_netdev_raw *raw, struct afx_netdev *nd)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	char node[16];

	if (afx_ctl_ethtool(ctl, nd->ifindex, &info, sizeof(info)) == 0) {
		snprintf(nd->driver, sizeof(nd->driver), "%.*s", (int)sizeof(nd->driver) - 1,
			info.driver);
		snprintf(nd->bus_info, sizeof(nd->bus_info), "%.*s",
			(int)sizeof(nd->bus_info) - 1, info.bus_info);
	}
	if (nd->bus_info[0] == '\0')
		memcpy(nd->bus_info, raw->parent, sizeof(nd->bus_info));
	if (afx_bus_attr(nd->bus_info, "numa_node", node, sizeof(node)) == 0)
		nd->numa_node = atoi(node);
}

int
afx_netdev_by_name(struct afx_ctl *ctl, const char *name, struct afx_netdev *nd,
		   struct afx_err *err)
{
	struct afx_netdev_raw raw;
	size_t len = strlen(name);
	int ret;

	if (len == 0 || len > ALTNAME_LEN_MAX)
		return afx_err_set(err, -EINVAL, "interface name '%.64s%s' has %zu characters; 1 "
			"to %d are possible", name, len > 64 ? "..." : "", len, ALTNAME_LEN_MAX);
	ret = afx_netdev_get(ctl, name, 0, &raw, err);
	if (ret < 0)
		return ret;
	*nd = raw.nd;
	add_driver(ctl, &raw, nd);
	return 0;
}

int
afx_netdev_by_index(struct afx_ctl *ctl, int ifindex, struct afx_netdev *nd, struct afx_err *err)
{
	struct afx_netdev_raw raw;
	int ret;

	if (ifindex <= 0)
		return afx_err_set(err, -EINVAL, "ifindex %d is not positive", ifindex);
	ret = afx_netdev_get(ctl, NULL, ifindex, &raw, err);
	if (ret < 0)
		return ret;
	*nd = raw.nd;
	add_driver(ctl, &raw, nd);
	return 0;
}

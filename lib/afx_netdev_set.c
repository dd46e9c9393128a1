/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes of the kernel network device: MTU, MAC, up, memberships; see afx_netdev.h. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afx_netdev_impl.h"

/* Append a remedy to an error text. Returns the error's code. */
static int __attribute__((format(printf, 3, 4)))
add_remedy(struct afx_err *err, int ret, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (err == NULL)
		return ret;
	len = strlen(err->text);
	va_start(ap, fmt);
	vsnprintf(err->text + len, sizeof(err->text) - len, fmt, ap);
	va_end(ap);
	return ret;
}

int
afx_netdev_set_mtu(struct afx_ctl *ctl, int ifindex, uint32_t mtu, struct afx_err *err)
{
	struct ifinfomsg ifi = { .ifi_index = ifindex };
	char name[IF_NAMESIZE + 16];
	struct afx_netdev_raw raw;
	struct afx_nl_msg msg;
	int ret;

	(void)afx_ctl_ifname(ctl, ifindex, name);
	afx_nl_msg_init(&msg, RTM_SETLINK, &ifi, sizeof(ifi), "set MTU %u of %s", mtu, name);
	afx_nl_put_u32(&msg, IFLA_MTU, mtu);
	ret = afx_nl_request(&ctl->rt, &msg, NULL, NULL, err);
	if (ret != -EINVAL && ret != -ERANGE)
		return ret;
	if (afx_netdev_get(ctl, NULL, ifindex, &raw, NULL) < 0 || raw.nd.max_mtu == 0)
		return ret;
	return add_remedy(err, ret, "; the device takes %u to %u%s", raw.nd.min_mtu, raw.nd.max_mtu,
		raw.nd.xdp_prog_drv != 0 || raw.nd.xdp_prog_skb != 0 ?
		", less where its XDP program has no multi-buffer support" : "");
}

int
afx_netdev_set_mac(struct afx_ctl *ctl, int ifindex, const uint8_t mac[AFX_MAC_LEN],
		   struct afx_err *err)
{
	struct ifinfomsg ifi = { .ifi_index = ifindex };
	char name[IF_NAMESIZE + 16];
	struct afx_nl_msg msg;
	int ret;

	(void)afx_ctl_ifname(ctl, ifindex, name);
	afx_nl_msg_init(&msg, RTM_SETLINK, &ifi, sizeof(ifi),
		"set address %02x:%02x:%02x:%02x:%02x:%02x of %s", mac[0], mac[1], mac[2], mac[3],
		mac[4], mac[5], name);
	afx_nl_put(&msg, IFLA_ADDRESS, mac, AFX_MAC_LEN);
	ret = afx_nl_request(&ctl->rt, &msg, NULL, NULL, err);
	if (ret == -EBUSY)
		return add_remedy(err, ret, "; this driver changes it only while the link is down");
	if (ret == -EADDRNOTAVAIL)
		return add_remedy(err, ret, "; it must be unicast and not zero");
	return ret;
}

int
afx_netdev_set_up(struct afx_ctl *ctl, int ifindex, bool up, struct afx_err *err)
{
	struct ifinfomsg ifi = {
		.ifi_index = ifindex,
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = IFF_UP,
	};
	char name[IF_NAMESIZE + 16];
	struct afx_nl_msg msg;

	(void)afx_ctl_ifname(ctl, ifindex, name);
	afx_nl_msg_init(&msg, RTM_SETLINK, &ifi, sizeof(ifi), "set %s %s", name,
		up ? "up" : "down");
	return afx_nl_request(&ctl->rt, &msg, NULL, NULL, err);
}

int
afx_netdev_join(struct afx_ctl *ctl, int ifindex, enum afx_membership what, struct afx_err *err)
{
	struct packet_mreq mreq = {
		.mr_ifindex = ifindex,
		.mr_type = what == AFX_PROMISC ? PACKET_MR_PROMISC : PACKET_MR_ALLMULTI,
	};
	const char *word = what == AFX_PROMISC ? "PACKET_MR_PROMISC" : "PACKET_MR_ALLMULTI";
	char name[IF_NAMESIZE + 16];
	int token, fd, ret;

	token = afx_ctl_enter(ctl, err);
	if (token < 0)
		return token;
	/* Protocol 0: the socket holds the membership and receives nothing. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	ret = fd < 0 ? -errno : 0;
	afx_ctl_leave(ctl, token);
	if (ret < 0)
		return afx_err_set(err, ret, "socket(AF_PACKET): %s%s", strerror(-ret),
			ret == -EPERM ? "; CAP_NET_RAW is needed" :
			ret == -EAFNOSUPPORT ? "; the kernel has no packet sockets" : "");
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) < 0) {
		ret = -errno;
		close(fd);
		(void)afx_ctl_ifname(ctl, ifindex, name);
		return afx_err_set(err, ret, "setsockopt(PACKET_ADD_MEMBERSHIP, %s) on %s: %s",
			word, name, strerror(-ret));
	}
	return fd;
}

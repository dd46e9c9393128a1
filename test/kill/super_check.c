/* SPDX-License-Identifier: BSD-3-Clause */
/* The interface as the kernel shows it (RTM_GETLINK), and the sockets of its namespace. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "super.h"

#ifndef IFLA_ALLMULTI
#define IFLA_ALLMULTI 61 /* Linux 6.0 */
#endif

static void
read_xdp(const struct rtattr *nest, struct net_state *st)
{
	int len = RTA_PAYLOAD(nest);

	for (const struct rtattr *a = RTA_DATA(nest); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == IFLA_XDP_ATTACHED)
			st->xdp_attached = *(const uint8_t *)RTA_DATA(a);
		else if (a->rta_type == IFLA_XDP_PROG_ID)
			memcpy(&st->xdp_prog, RTA_DATA(a), sizeof(st->xdp_prog));
	}
}

static void
read_link(const struct nlmsghdr *nh, struct net_state *st)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(nh);
	int len = IFLA_PAYLOAD(nh);

	st->flags = ifi->ifi_flags;
	for (const struct rtattr *a = IFLA_RTA(ifi); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		switch (a->rta_type & NLA_TYPE_MASK) {
		case IFLA_MTU:
			memcpy(&st->mtu, RTA_DATA(a), sizeof(st->mtu));
			break;
		case IFLA_ADDRESS:
			memcpy(st->mac, RTA_DATA(a), sizeof(st->mac));
			break;
		case IFLA_PROMISCUITY:
			memcpy(&st->promiscuity, RTA_DATA(a), sizeof(st->promiscuity));
			break;
		case IFLA_ALLMULTI:
			memcpy(&st->allmulti, RTA_DATA(a), sizeof(st->allmulti));
			break;
		case IFLA_XDP:
			read_xdp(a, st);
			break;
		}
	}
}

static int
get_link(int ifindex, struct net_state *st)
{
	struct {
		struct nlmsghdr nh;
		struct ifinfomsg ifi;
	} req = {
		.nh = { .nlmsg_len = sizeof(req), .nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST },
		.ifi = { .ifi_index = ifindex },
	};
	char buf[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nh = (struct nlmsghdr *)buf;
	ssize_t len = -1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (send(fd, &req, sizeof(req), 0) == sizeof(req))
		len = recv(fd, buf, sizeof(buf), 0);
	close(fd);
	if (len < 0 || !NLMSG_OK(nh, (size_t)len) || nh->nlmsg_type != RTM_NEWLINK)
		return -EIO;
	read_link(nh, st);
	return 0;
}

/* The column "sockets" counts those of the namespace. */
static void
count_sockets(struct net_state *st)
{
	char line[256], name[32];
	int size, cnt;
	FILE *f = fopen("/proc/net/protocols", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%31s %d %d", name, &size, &cnt) != 3)
			continue;
		if (strcmp(name, "XDP") == 0)
			st->xdp_sockets = cnt;
		else if (strcmp(name, "PACKET") == 0)
			st->packet_sockets = cnt;
		else if (strcmp(name, "NETLINK") == 0)
			st->netlink_sockets = cnt;
	}
	if (f != NULL)
		fclose(f);
}

static int
count_entries(const char *path)
{
	struct dirent *de;
	DIR *d = opendir(path);
	int n = 0;

	while (d != NULL && (de = readdir(d)) != NULL)
		n += de->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return n;
}

int
net_state_get(const char *ifname, struct net_state *st)
{
	int ifindex = if_nametoindex(ifname);

	memset(st, 0, sizeof(*st));
	if (ifindex == 0)
		return -errno;
	count_sockets(st);
	st->links = bpf_links_on(ifindex);
	st->pins = count_entries("/sys/fs/bpf");
	st->records = count_entries("/run/net_xsk");
	return get_link(ifindex, st);
}

static void
__attribute__((format(printf, 3, 4)))
say(char *out, size_t room, const char *fmt, ...)
{
	size_t used = strlen(out);
	va_list ap;

	if (used > 0 && used + 2 < room) {
		strcpy(out + used, "; ");
		used += 2;
	}
	va_start(ap, fmt);
	vsnprintf(out + used, room - used, fmt, ap);
	va_end(ap);
}

void
net_state_diff(const struct net_state *was, const struct net_state *is, bool lasting, char *out,
	size_t room)
{
	out[0] = '\0';
	if (was->flags != is->flags)
		say(out, room, "flags %#x, were %#x", is->flags, was->flags);
	if (was->promiscuity != is->promiscuity)
		say(out, room, "promiscuity %u, was %u", is->promiscuity, was->promiscuity);
	if (was->allmulti != is->allmulti)
		say(out, room, "allmulti %u, was %u", is->allmulti, was->allmulti);
	if (was->xdp_attached != is->xdp_attached || was->xdp_prog != is->xdp_prog)
		say(out, room, "XDP program %u attached", is->xdp_prog);
	if (was->links != is->links)
		say(out, room, "%d BPF links, were %d", is->links, was->links);
	if (was->pins != is->pins)
		say(out, room, "%d entries of the bpf filesystem, were %d", is->pins, was->pins);
	if (was->xdp_sockets != is->xdp_sockets)
		say(out, room, "%d AF_XDP sockets, were %d", is->xdp_sockets, was->xdp_sockets);
	if (was->packet_sockets != is->packet_sockets)
		say(out, room, "%d packet sockets, were %d", is->packet_sockets,
			was->packet_sockets);
	if (was->netlink_sockets != is->netlink_sockets)
		say(out, room, "%d netlink sockets, were %d", is->netlink_sockets,
			was->netlink_sockets);
	if (!lasting)
		return;
	if (was->mtu != is->mtu)
		say(out, room, "MTU %u, was %u", is->mtu, was->mtu);
	if (memcmp(was->mac, is->mac, sizeof(was->mac)) != 0)
		say(out, room, "MAC ..:%02x:%02x, was ..:%02x:%02x", is->mac[4], is->mac[5],
			was->mac[4], was->mac[5]);
	if (was->records != is->records)
		say(out, room, "%d records of changes, were %d", is->records, was->records);
}

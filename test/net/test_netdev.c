/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The netdev layer against the running kernel, on a veth pair: names, changes, memberships, queues,
 * use by the kernel, notifications, other namespaces.
 *
 * Topology: this namespace holds v0 and v1; namespace "far" is where interfaces are moved to.
 */
#include <linux/if_ether.h>
#include <linux/if_xdp.h>
#include <net/if_arp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "afx_bus.h"
#include "afx_ethtool.h"
#include "afx_netdev.h"
#include "afx_uapi.h"
#include "netdev_net.h"

#define ALTNAME_100 "a234567890b234567890c234567890d234567890e234567890" \
	"f234567890g234567890h234567890i234567890j234567890"

static struct afx_ctl *ctl;
static struct afx_err err;
static int v0, v1;

static struct afx_netdev
get(int ifindex)
{
	struct afx_netdev nd;

	memset(&nd, 0, sizeof(nd));
	CHECK_AT(afx_netdev_by_index(ctl, ifindex, &nd, &err) == 0, "%s", err.text);
	return nd;
}

static void
set_up(void)
{
	struct afx_netdev nd;

	own_namespaces();
	run("ip netns add far");
	run("ip link add v0 numtxqueues 4 numrxqueues 4 type veth peer name v1 numtxqueues 2 numrxqueues 2");
	NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
	NEED(afx_netdev_by_name(ctl, "v0", &nd, &err) == 0, "%s", err.text);
	v0 = nd.ifindex;
	NEED(afx_netdev_by_name(ctl, "v1", &nd, &err) == 0, "%s", err.text);
	v1 = nd.ifindex;
}

static void
test_names(void)
{
	char long_name[200];
	struct afx_netdev nd;

	CHECK_EQ(afx_netdev_by_name(ctl, "v0", &nd, &err), 0);
	CHECK(strcmp(nd.name, "v0") == 0);
	CHECK_EQ(nd.type, ARPHRD_ETHER);
	CHECK_EQ(nd.mtu, 1500);
	CHECK_EQ(nd.min_mtu, 68);
	CHECK_EQ(nd.max_mtu, 65535);
	CHECK_EQ(nd.num_rx_queues, 4);
	CHECK_EQ(nd.num_tx_queues, 4);
	CHECK_EQ(nd.numa_node, -1);
	CHECK_EQ(nd.xdp_prog_drv | nd.xdp_prog_skb | nd.xdp_prog_hw, 0);
	CHECK(strcmp(nd.driver, "veth") == 0);
	CHECK_EQ(nd.flags & IFF_UP, 0);
	CHECK_EQ(afx_netdev_by_name(ctl, "lo", &nd, &err), 0);
	CHECK_EQ(nd.type, ARPHRD_LOOPBACK);

	run("ip link property add dev v0 altname " ALTNAME_100 " altname wan");
	CHECK_EQ(afx_netdev_by_name(ctl, ALTNAME_100, &nd, &err), 0);
	CHECK_EQ(nd.ifindex, v0);
	CHECK(strcmp(nd.name, "v0") == 0);
	CHECK_EQ(afx_netdev_by_name(ctl, "wan", &nd, &err), 0);
	CHECK_EQ(nd.ifindex, v0);

	CHECK_EQ(afx_netdev_by_name(ctl, "nope0", &nd, &err), -ENODEV);
	CHECK_TEXT(err, "nope0");
	CHECK_EQ(err.code, -ENODEV);
	CHECK_EQ(afx_netdev_by_name(ctl, "", &nd, &err), -EINVAL);
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	CHECK_EQ(afx_netdev_by_name(ctl, long_name, &nd, &err), -EINVAL);
	CHECK_TEXT(err, "199");
	long_name[127] = '\0';
	CHECK_EQ(afx_netdev_by_name(ctl, long_name, &nd, &err), -ENODEV);
	CHECK_EQ(afx_netdev_by_index(ctl, 9999, &nd, &err), -ENODEV);
	CHECK_TEXT(err, "9999");
	CHECK_EQ(afx_netdev_by_index(ctl, -1, &nd, &err), -EINVAL);
}

static void
test_changes(void)
{
	static const uint8_t mac[AFX_MAC_LEN] = { 2, 0, 0, 0xaa, 0xbb, 0xcc };
	static const uint8_t multicast[AFX_MAC_LEN] = { 1, 0, 0x5e, 0, 0, 1 };

	CHECK_EQ(afx_netdev_set_mtu(ctl, v0, 3000, &err), 0);
	CHECK_EQ(get(v0).mtu, 3000);
	CHECK_EQ(afx_netdev_set_mtu(ctl, v0, 70000, &err), -EINVAL);
	CHECK_TEXT(err, "set MTU 70000 of v0");
	CHECK_TEXT(err, "mtu greater than device maximum");
	CHECK_TEXT(err, "68 to 65535");
	CHECK_EQ(get(v0).mtu, 3000);
	CHECK_EQ(afx_netdev_set_mtu(ctl, v0, 1500, &err), 0);

	CHECK_EQ(afx_netdev_set_mac(ctl, v0, mac, &err), 0);
	CHECK(memcmp(get(v0).mac, mac, AFX_MAC_LEN) == 0);
	CHECK_EQ(afx_netdev_set_mac(ctl, v0, multicast, &err), -EADDRNOTAVAIL);
	CHECK_TEXT(err, "01:00:5e:00:00:01 of v0");
	CHECK_TEXT(err, "unicast");

	CHECK_EQ(afx_netdev_set_up(ctl, v0, true, &err), 0);
	CHECK(get(v0).flags & IFF_UP);
	CHECK(!get(v0).carrier);
	CHECK_EQ(afx_netdev_set_up(ctl, v1, true, &err), 0);
	WAIT_FOR(get(v0).carrier);
	WAIT_FOR(get(v0).operstate == 6);
	CHECK_EQ(afx_netdev_set_up(ctl, v1, false, &err), 0);
	WAIT_FOR(!get(v0).carrier);
	CHECK(get(v0).flags & IFF_UP);
	CHECK_EQ(afx_netdev_set_up(ctl, v1, true, &err), 0);
	CHECK_EQ(afx_netdev_set_up(ctl, 9999, true, &err), -ENODEV);
	CHECK_TEXT(err, "ifindex 9999");
	CHECK_EQ(afx_netdev_set_mtu(ctl, 9999, 1500, &err), -ENODEV);
}

/* Counters of promiscuous and all-multicast users, as ip -d link shows them. */
static bool
counts(unsigned int promisc, unsigned int allmulti)
{
	char cmd[160];

	/* The flags of the interface do not show either. */
	snprintf(cmd, sizeof(cmd),
		"ip -d link show dev v0 | grep -q 'promiscuity %u .*allmulti %u'", promisc, allmulti);
	return system(cmd) == 0;
}

static void
test_membership(void)
{
	int fd, fd2, status;
	pid_t pid;
	char c;
	int p[2];

	CHECK(counts(0, 0));
	fd = afx_netdev_join(ctl, v0, AFX_PROMISC, &err);
	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(counts(1, 0));
	fd2 = afx_netdev_join(ctl, v0, AFX_PROMISC, &err);
	CHECK(counts(2, 0));
	close(fd);
	CHECK(counts(1, 0));
	close(fd2);
	CHECK(counts(0, 0));
	/* Held by a process that is killed. */
	NEED(pipe2(p, O_CLOEXEC) == 0, "%m");
	pid = fork();
	if (pid == 0) {
		c = afx_netdev_join(ctl, v0, AFX_PROMISC, NULL) >= 0 &&
			afx_netdev_join(ctl, v0, AFX_ALLMULTI, NULL) >= 0;
		if (write(p[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	NEED(read(p[0], &c, 1) == 1, "child");
	CHECK_EQ(c, 1);
	CHECK(counts(1, 1));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(counts(0, 0));
	close(p[0]);
	close(p[1]);
	CHECK_EQ(afx_netdev_join(ctl, 9999, AFX_PROMISC, &err), -ENODEV);
	CHECK_TEXT(err, "PACKET_MR_PROMISC");
}

/* An AF_XDP socket in copy mode on a queue of v0, with a UMEM of 16 chunks. */
static int
bind_xsk(uint32_t queue)
{
	struct xdp_umem_reg reg = { .len = 16 * 4096, .chunk_size = 4096 };
	struct sockaddr_xdp sx = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_COPY,
		.sxdp_ifindex = v0,
		.sxdp_queue_id = queue,
	};
	int fd, n = 16;
	void *mem;

	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	mem = mmap(NULL, reg.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(mem != MAP_FAILED, "%m");
	reg.addr = (uintptr_t)mem;
	NEED(setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) == 0, "%m");
	NEED(setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &n, sizeof(n)) == 0, "%m");
	NEED(setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &n, sizeof(n)) == 0, "%m");
	NEED(setsockopt(fd, SOL_XDP, XDP_RX_RING, &n, sizeof(n)) == 0, "%m");
	NEED(bind(fd, (struct sockaddr *)&sx, sizeof(sx)) == 0, "bind: %m");
	munmap(mem, reg.len);
	return fd;
}

static void
test_queues(void)
{
	struct afx_xdp_features f, none;
	struct afx_channels ch;
	uint32_t napi;
	int fd, ret;

	CHECK_EQ(afx_ethtool_channels(ctl, v0, &ch, &err), 0);
	CHECK_EQ(ch.max_rx, 4);
	CHECK_EQ(ch.max_tx, 4);
	run("ethtool -L v0 rx 3 tx 2");
	CHECK_EQ(afx_ethtool_channels(ctl, v0, &ch, &err), 0);
	CHECK_EQ(ch.rx, 3);
	CHECK_EQ(ch.tx, 2);
	CHECK(ch.from_driver);

	CHECK_EQ(afx_netdev_xdp_features(ctl, v0, &f, &err), 0);
	if (!f.known) {
		printf("note: kernel without netdev-genl, queues not tested\n");
		return;
	}
	CHECK_EQ(afx_netdev_xdp_features(ctl, 9999, &none, &err), -ENODEV);
	CHECK_EQ(f.features & (AFX_XDP_ACT_BASIC | AFX_XDP_ACT_REDIRECT | AFX_XDP_ACT_XSK_ZEROCOPY),
		AFX_XDP_ACT_BASIC | AFX_XDP_ACT_REDIRECT);
	ret = afx_netdev_queue_xsk(ctl, v0, 0, &err);
	if (ret == -EOPNOTSUPP) {
		printf("note: kernel without queue-get, queues not tested\n");
		return;
	}
	CHECK_EQ(f.rx_metadata & AFX_RX_METADATA_TIMESTAMP, AFX_RX_METADATA_TIMESTAMP);
	CHECK_EQ(ret, 0);
	fd = bind_xsk(1);
	if (fd < 0) {
		printf("note: no AF_XDP sockets (%s)\n", strerror(-fd));
		return;
	}
	ret = afx_netdev_queue_xsk(ctl, v0, 1, &err);
	if (ret == 0)
		printf("note: this kernel does not report bound pools\n");
	else
		CHECK_EQ(ret, 1);
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 0, &err), 0);
	/* In use in neither direction, only for Rx, and never there. */
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 3, &err), -ENODEV);
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 2, &err), 0);
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 1000, &err), -ENODEV);
	CHECK_TEXT(err, "queue 1000");
	CHECK_EQ(afx_netdev_queue_xsk(ctl, 9999, 0, &err), -ENODEV);
	close(fd);
	WAIT_FOR(afx_netdev_queue_xsk(ctl, v0, 1, &err) == 0);
	/* Fewer Rx than Tx queues: the other direction tells. */
	run("ethtool -L v0 rx 2 tx 4");
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 3, &err), 0);
	run("ethtool -L v0 rx 4 tx 4");
	CHECK_EQ(afx_netdev_queue_napi(ctl, v0, 0, true, &napi, &err), 0);
	CHECK_EQ(afx_netdev_queue_napi(ctl, v0, 77, false, &napi, &err), -ENODEV);
	CHECK_EQ(afx_netdev_set_up(ctl, v0, false, &err), 0);
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 0, &err), -ENETDOWN);
	CHECK_EQ(afx_netdev_set_up(ctl, v0, true, &err), 0);
}

/* Interfaces whose driver counts nothing, and other ethtool answers. */
static void
test_ethtool(void)
{
	struct afx_channels ch;
	struct afx_netdev nd;
	struct afx_link link;
	char type[16], deep[4];
	uint64_t mask;

	CHECK_EQ(afx_ethtool_link(ctl, v0, &link, &err), 0);
	CHECK_EQ(link.speed_mbps, 10000);
	CHECK(link.full_duplex);
	CHECK_EQ(afx_ethtool_rss_queues(ctl, v0, &mask, 1, &err), -EOPNOTSUPP);
	run("ip link add br0 type bridge");
	CHECK_EQ(afx_netdev_by_name(ctl, "br0", &nd, &err), 0);
	CHECK_EQ(afx_ethtool_channels(ctl, nd.ifindex, &ch, &err), 0);
	CHECK_EQ(ch.rx, 1);
	CHECK_EQ(ch.tx, 1);
	CHECK(!ch.from_driver);
	CHECK_EQ(afx_ethtool_channels(ctl, 9999, &ch, &err), -ENODEV);
	CHECK_TEXT(err, "ETHTOOL_GCHANNELS");
	/* Renamed: the handle is the index. */
	run("ip link set v1 name other");
	CHECK_EQ(afx_ethtool_channels(ctl, v1, &ch, &err), 0);
	CHECK_EQ(ch.max_rx, 2);
	CHECK(strcmp(get(v1).name, "other") == 0);
	run("ip link set other name v1");

	/* A bus of our own: a device with a domain, one whose parent has it, one without. */
	CHECK_EQ(afx_iommu_type("", type, sizeof(type)), 0);
	CHECK(type[0] == '\0');
	CHECK_EQ(afx_iommu_type("../../etc", type, sizeof(type)), -EINVAL);
	if (mount("tmpfs", "/sys/bus", "tmpfs", 0, NULL) < 0) {
		printf("note: /sys/bus cannot be replaced (%s)\n", strerror(errno));
		return;
	}
	run("cd /sys/bus && mkdir -p pci/devices virtio/devices dev/p1/v1/x dev/p2 g &&"
		" echo DMA-FQ > g/type && echo 1 > dev/p1/numa_node &&"
		" ln -s /sys/bus/g dev/p1/iommu_group &&"
		" ln -s /sys/bus/dev/p1 pci/devices/0000:00:01.0 &&"
		" ln -s /sys/bus/dev/p2 pci/devices/0000:00:02.0 &&"
		" ln -s /sys/bus/dev/p1/v1 virtio/devices/virtio1");
	CHECK_EQ(afx_iommu_type("0000:00:01.0", type, sizeof(type)), 0);
	CHECK_AT(strcmp(type, "DMA-FQ") == 0, "%s", type);
	CHECK_EQ(afx_iommu_type("virtio1", type, sizeof(type)), 0);
	CHECK_AT(strcmp(type, "DMA-FQ") == 0, "%s", type);
	CHECK_EQ(afx_iommu_type("0000:00:02.0", type, sizeof(type)), 0);
	CHECK(type[0] == '\0');
	CHECK_EQ(afx_iommu_type("0000:00:01.0", deep, sizeof(deep)), -ERANGE);
	CHECK_EQ(afx_bus_attr("virtio1", "numa_node", type, sizeof(type)), 0);
	CHECK(strcmp(type, "1") == 0);
	NEED(umount("/sys/bus") == 0, "%m");
}

static struct afx_netdev_use
use(int ifindex)
{
	struct afx_netdev_use u;

	memset(&u, 0xff, sizeof(u));
	CHECK_AT(afx_netdev_use(ctl, ifindex, &u, &err) == 0, "%s", err.text);
	return u;
}

static void
test_use(void)
{
	struct afx_netdev_use u;
	struct afx_netdev br;

	/* Up, so it has a link-local address, which does not count. */
	WAIT_FOR(system("ip -6 addr show dev v0 | grep -q fe80:") == 0);
	u = use(v0);
	CHECK(!u.address);
	CHECK(!u.default_route);
	CHECK_EQ(u.master, 0);
	run("ip addr add 198.51.100.1/24 dev v0");
	CHECK(use(v0).address);
	CHECK(!use(v1).address);
	run("ip addr flush dev v0 scope global");
	CHECK(!use(v0).address);
	run("ip addr add 2001:db8::1/64 dev v0 nodad");
	CHECK(use(v0).address);

	run("ip route add 192.0.2.0/24 dev v0");
	run("ip route add default dev v0 table 77");
	CHECK(!use(v0).default_route);
	run("ip route add default dev v0");
	CHECK(use(v0).default_route);
	CHECK(!use(v1).default_route);
	run("ip route del default dev v0");
	run("ip route add default dev v0 table default");
	CHECK(use(v0).default_route);
	run("ip route del default dev v0 table default");
	run("ip -6 route add default dev v0");
	CHECK(use(v0).default_route);
	run("ip -6 route del default dev v0");
	run("ip -6 route add default dev v0 table 253");
	CHECK(use(v0).default_route);
	run("ip -6 route del default dev v0 table 253");
	CHECK(!use(v0).default_route);
	run("ip route add default nexthop dev v1 weight 1 nexthop dev v0 weight 1");
	CHECK(use(v0).default_route);
	CHECK(use(v1).default_route);
	run("ip route del default");
	run("ip nexthop add id 5 dev v0 && ip route add default nhid 5");
	CHECK(use(v0).default_route);
	CHECK(!use(v1).default_route);
	run("ip route del default && ip nexthop del id 5");
	run("ip route add blackhole default");
	CHECK(!use(v0).default_route);
	run("ip route del blackhole default");

	CHECK_EQ(afx_netdev_by_name(ctl, "br0", &br, &err), 0);
	run("ip link set v0 master br0");
	CHECK_EQ(use(v0).master, br.ifindex);
	run("ip link set v0 nomaster");
	CHECK_EQ(afx_netdev_use(ctl, 9999, &u, &err), -ENODEV);
}

static struct {
	struct afx_event ev;
	unsigned int gone;
	unsigned int links;
	unsigned int overruns;
} seen;

static void
see(const struct afx_event *ev, void *arg)
{
	(void)arg;
	seen.gone += ev->type == AFX_EV_GONE;
	seen.links += ev->type == AFX_EV_LINK;
	seen.overruns += ev->type == AFX_EV_OVERRUN;
	seen.ev = *ev;
}

/* Read all that waits. */
static void
drain(int fd, int ifindex)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 0) > 0)
		CHECK(afx_netdev_monitor_read(fd, ifindex, see, NULL) >= 0);
}

#define WAIT_EVENT(fd, ifindex, cond) WAIT_FOR((drain(fd, ifindex), (cond)))

static void
test_monitor(void)
{
	struct afx_netdev nd;
	int fd, i, w0;

	fd = afx_netdev_monitor(ctl, &err);
	CHECK_AT(fd >= 0, "%s", err.text);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	memset(&seen, 0, sizeof(seen));
	CHECK_EQ(afx_netdev_monitor_read(fd, v0, see, NULL), 0);
	run("ip link set v1 down");
	WAIT_EVENT(fd, v0, seen.links > 0 && !seen.ev.nd.carrier);
	CHECK_EQ(seen.ev.ifindex, v0);
	run("ip link set v1 up");
	WAIT_EVENT(fd, v0, seen.ev.nd.carrier);
	run("ip link set v0 mtu 1400");
	WAIT_EVENT(fd, v0, seen.ev.nd.mtu == 1400);
	run("ip link set v0 name newname");
	WAIT_EVENT(fd, v0, strcmp(seen.ev.nd.name, "newname") == 0);
	run("ip link set newname name v0");
	WAIT_EVENT(fd, v0, strcmp(seen.ev.nd.name, "v0") == 0);
	/* Leaving a bridge is a removal of the port, not of the interface. */
	run("ip link set v0 master br0");
	run("ip link set v0 nomaster");
	run("ip link set v0 mtu 1500");
	WAIT_EVENT(fd, v0, seen.ev.nd.mtu == 1500);
	CHECK_EQ(seen.gone, 0);

	/* Moved away, and removed. */
	run("ip link add w0 type veth peer name w1");
	CHECK_EQ(afx_netdev_by_name(ctl, "w0", &nd, &err), 0);
	w0 = nd.ifindex;
	drain(fd, w0);
	seen.gone = 0;
	run("ip link set w0 netns far");
	WAIT_EVENT(fd, w0, seen.gone == 1);
	CHECK_EQ(afx_netdev_by_index(ctl, w0, &nd, &err), -ENODEV);
	CHECK_EQ(afx_netdev_set_mtu(ctl, w0, 1400, &err), -ENODEV);
	CHECK_EQ(afx_netdev_by_name(ctl, "w1", &nd, &err), 0);
	drain(fd, nd.ifindex);
	seen.gone = 0;
	run("ip link del w1");
	WAIT_EVENT(fd, nd.ifindex, seen.gone == 1);

	/* Nobody reads: an overrun is told, and later events come again. */
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 2048 }, sizeof(int)), 0);
	memset(&seen, 0, sizeof(seen));
	for (i = 0; i < 40; i++)
		CHECK_EQ(afx_netdev_set_mtu(ctl, v0, 1400 + i, &err), 0);
	drain(fd, v0);
	CHECK(seen.overruns > 0);
	CHECK(seen.links < 40);
	CHECK_EQ(afx_netdev_set_mtu(ctl, v0, 1500, &err), 0);
	WAIT_EVENT(fd, v0, seen.ev.type == AFX_EV_LINK && seen.ev.nd.mtu == 1500);
	close(fd);
}

static void
test_netns(void)
{
	struct stat before, after, far;
	struct afx_netdev nd;
	struct afx_ctl *c;
	unsigned int fds;
	int token, fd;

	CHECK_EQ(stat("/proc/thread-self/ns/net", &before), 0);
	CHECK_EQ(stat("/run/netns/far", &far), 0);
	/* The handle of one's own namespace changes nothing. */
	token = afx_ctl_enter(ctl, &err);
	CHECK_EQ(token, 0);
	afx_ctl_leave(ctl, token);

	fds = open_fds();
	CHECK_EQ(afx_ctl_open("far", &c, &err), 0);
	CHECK_EQ(stat("/proc/thread-self/ns/net", &after), 0);
	CHECK_EQ(after.st_ino, before.st_ino);
	CHECK_EQ(afx_netdev_by_name(c, "v0", &nd, &err), -ENODEV);
	CHECK_TEXT(err, "far");
	run("ip netns exec far ip link add f0 type veth peer name f1");
	CHECK_EQ(afx_netdev_by_name(c, "f0", &nd, &err), 0);
	CHECK(strcmp(nd.driver, "veth") == 0);
	CHECK_EQ(afx_netdev_set_mtu(c, nd.ifindex, 1300, &err), 0);
	token = afx_ctl_enter(c, &err);
	CHECK(token > 0);
	CHECK_EQ(stat("/proc/thread-self/ns/net", &after), 0);
	CHECK_EQ(after.st_ino, far.st_ino);
	/* From there one's first handle leads back. */
	fd = afx_ctl_enter(ctl, &err);
	CHECK(fd > 0);
	CHECK_EQ(stat("/proc/thread-self/ns/net", &after), 0);
	CHECK_EQ(after.st_ino, before.st_ino);
	afx_ctl_leave(ctl, fd);
	afx_ctl_leave(c, token);
	CHECK_EQ(stat("/proc/thread-self/ns/net", &after), 0);
	CHECK_EQ(after.st_ino, before.st_ino);
	fd = afx_netdev_join(c, nd.ifindex, AFX_PROMISC, &err);
	CHECK(fd >= 0);
	CHECK_EQ(system("ip netns exec far ip -d link show f0 | grep -q 'promiscuity 1'"), 0);
	close(fd);
	fd = afx_netdev_monitor(c, &err);
	CHECK(fd >= 0);
	memset(&seen, 0, sizeof(seen));
	run("ip netns exec far ip link set f0 mtu 1301");
	WAIT_EVENT(fd, nd.ifindex, seen.ev.nd.mtu == 1301);
	close(fd);
	afx_ctl_close(c);
	CHECK_EQ(afx_ctl_open("/run/netns/far", &c, &err), 0);
	CHECK_EQ(afx_netdev_by_name(c, "f0", &nd, &err), 0);
	/* The handle keeps the namespace alive when its name is gone. */
	run("ip netns del far");
	CHECK_EQ(afx_netdev_by_name(c, "f0", &nd, &err), 0);
	afx_ctl_close(c);
	CHECK_EQ(open_fds(), fds);

	CHECK_EQ(afx_ctl_open("far", &c, &err), -ENOENT);
	CHECK_TEXT(err, "far");
	CHECK_EQ(afx_ctl_open("..", &c, &err), -EINVAL);
	CHECK_EQ(afx_ctl_open("/no/such", &c, &err), -ENOENT);
	CHECK_TEXT(err, "/no/such");
	CHECK_EQ(afx_ctl_open("/proc/version", &c, &err), -EINVAL);
	CHECK_TEXT(err, "not a network namespace");
	CHECK_EQ(open_fds(), fds);
}

/* Without privilege things can be asked but not changed. */
static void
test_unprivileged(void)
{
	struct afx_netdev nd;
	struct afx_ctl *c;
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		check_failed = 0;
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(1);
		CHECK_EQ(afx_ctl_open(NULL, &c, &err), 0);
		CHECK_EQ(afx_netdev_by_name(c, "v0", &nd, &err), 0);
		CHECK_EQ(afx_netdev_set_mtu(c, v0, 1400, &err), -EPERM);
		CHECK_TEXT(err, "CAP_NET_ADMIN");
		CHECK_EQ(afx_netdev_join(c, v0, AFX_PROMISC, &err), -EPERM);
		CHECK_TEXT(err, "CAP_NET_RAW");
		afx_ctl_close(c);
		CHECK_EQ(afx_ctl_open("/proc/1/ns/net", &c, &err), -EACCES);
		_exit(check_failed != 0);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
}

int
main(void)
{
	set_up();
	test_names();
	test_changes();
	test_membership();
	test_queues();
	test_ethtool();
	test_use();
	test_monitor();
	test_unprivileged();
	test_netns();
	afx_ctl_close(ctl);
	return check_result();
}

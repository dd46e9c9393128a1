/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The netdev layer against the running kernel, on a veth pair: names, changes, memberships, use by
 * the kernel, notifications, other namespaces.
 *
 * Topology: this namespace holds v0 and v1; namespace "far" is where interfaces are moved to.
 */
#include <net/if_arp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "netdev_pair.h"

#define ALTNAME_100 "a234567890b234567890c234567890d234567890e234567890" \
	"f234567890g234567890h234567890i234567890j234567890"

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
		"ip -d link show dev v0 | grep -q 'promiscuity %u .*allmulti %u'", promisc,
		allmulti);
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
	/* Without the old form of such routes only the kernel's filter knows the device. */
	run("echo 0 > /proc/sys/net/ipv4/nexthop_compat_mode");
	CHECK(use(v0).default_route);
	CHECK(!use(v1).default_route);
	run("ip route del default && ip nexthop del id 5");
	/* A refusal is a route out of lo in IPv6. */
	run("ip -6 route add unreachable default metric 5");
	CHECK_EQ(afx_netdev_by_name(ctl, "lo", &br, &err), 0);
	CHECK(!use(br.ifindex).default_route);
	run("ip -6 route del unreachable default");
	run("ip route add blackhole default");
	CHECK(!use(v0).default_route);
	run("ip route del blackhole default");

	run("ip link add br0 type bridge");
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
	/* Another interface's event is read, and not delivered. */
	run("ip link set lo mtu 60000");
	drain(fd, v0);
	CHECK_EQ(seen.links, 0);
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
	make_pair();
	run("ip netns add far");
	test_names();
	test_changes();
	test_membership();
	test_use();
	test_monitor();
	test_unprivileged();
	test_netns();
	afx_ctl_close(ctl);
	return check_result();
}

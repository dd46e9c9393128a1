/* SPDX-License-Identifier: BSD-3-Clause */
/* A veth pair and its settings, see veth.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "afx_netlink.h"
#include "veth.h"

/* Append an attribute to a buffer; returns the new length. */
static size_t
attr(uint8_t *buf, size_t at, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = NLA_HDRLEN + len, .nla_type = type };

	memcpy(buf + at, &a, sizeof(a));
	memcpy(buf + at + NLA_HDRLEN, data, len);
	return at + NLA_HDRLEN + NLA_ALIGN(len);
}

static size_t
peer_attrs(uint8_t *buf, size_t at, const struct net_end *end, uint32_t queues, uint32_t mtu)
{
	uint32_t fd = end->netns_fd;

	at = attr(buf, at, IFLA_IFNAME, end->name, strlen(end->name) + 1);
	at = attr(buf, at, IFLA_NET_NS_FD, &fd, sizeof(fd));
	at = attr(buf, at, IFLA_MTU, &mtu, sizeof(mtu));
	at = attr(buf, at, IFLA_NUM_RX_QUEUES, &queues, sizeof(queues));
	return attr(buf, at, IFLA_NUM_TX_QUEUES, &queues, sizeof(queues));
}

static void
put_link(struct afx_nl_msg *msg, const struct net_end *end, uint32_t queues, uint32_t mtu)
{
	afx_nl_put_str(msg, IFLA_IFNAME, end->name);
	afx_nl_put_u32(msg, IFLA_NET_NS_FD, end->netns_fd);
	afx_nl_put_u32(msg, IFLA_MTU, mtu);
	afx_nl_put_u32(msg, IFLA_NUM_RX_QUEUES, queues);
	afx_nl_put_u32(msg, IFLA_NUM_TX_QUEUES, queues);
}

int
veth_make(const struct net_end *a, const struct net_end *b, uint32_t queues, uint32_t mtu,
	struct afx_err *err)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	uint8_t peer[256] = { 0 }, data[320] = { 0 }, link[384] = { 0 };
	struct afx_nl *nl = calloc(1, sizeof(*nl));
	struct afx_nl_msg msg;
	struct nlmsghdr *nh = (struct nlmsghdr *)msg.buf;
	size_t n, link_len;
	int ret = nl == NULL ? -ENOMEM : afx_nl_open(NETLINK_ROUTE, nl, err);

	if (ret < 0) {
		free(nl);
		return ret;
	}
	afx_nl_msg_init(&msg, RTM_NEWLINK, &info, sizeof(info), "making veth pair %s, %s", a->name,
		b->name);
	nh->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	memcpy(peer, &info, sizeof(info));
	n = peer_attrs(peer, NLMSG_ALIGN(sizeof(info)), b, queues, mtu);
	n = attr(data, 0, VETH_INFO_PEER | NLA_F_NESTED, peer, n);
	link_len = attr(link, 0, IFLA_INFO_KIND, "veth", 5);
	link_len = attr(link, link_len, IFLA_INFO_DATA | NLA_F_NESTED, data, n);
	put_link(&msg, a, queues, mtu);
	afx_nl_put(&msg, IFLA_LINKINFO | NLA_F_NESTED, link, link_len);
	ret = afx_nl_request(nl, &msg, NULL, NULL, err);
	afx_nl_close(nl);
	free(nl);
	return ret;
}

static int
ethtool(int fd, const char *name, void *cmd)
{
	struct ifreq ifr = { .ifr_data = cmd };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%.*s", IF_NAMESIZE - 1, name);
	return ioctl(fd, SIOCETHTOOL, &ifr);
}

int
veth_settings(const struct net_end *end, uint32_t queues, struct afx_err *err)
{
	static const struct { uint32_t cmd, value; } settings[] = {
		{ ETHTOOL_STXCSUM, 0 }, { ETHTOOL_STSO, 0 }, { ETHTOOL_SGSO, 0 },
		{ ETHTOOL_SSG, 0 }, { ETHTOOL_SGRO, 1 },
	};
	struct ethtool_channels ch = { .cmd = ETHTOOL_SCHANNELS, .rx_count = queues,
		.tx_count = queues };
	int back = afx_ctl_enter(end->ctl, err), fd, ret = 0;

	if (back < 0)
		return back;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (unsigned int i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		struct ethtool_value v = { settings[i].cmd, settings[i].value };

		/* What a kernel does not let be switched is the same for every candidate. */
		(void)ethtool(fd, end->name, &v);
	}
	if (queues > 1 && ethtool(fd, end->name, &ch) < 0)
		ret = afx_err_set(err, -errno, "%u queues on %s: %s (%d)", queues, end->name,
			strerror(errno), errno);
	close(fd);
	afx_ctl_leave(end->ctl, back);
	return ret;
}

void
veth_quiet_ipv6(void)
{
	static const char *const files[] = {
		"/proc/sys/net/ipv6/conf/all/disable_ipv6",
		"/proc/sys/net/ipv6/conf/default/disable_ipv6",
	};
	int done = 0;

	for (int i = 0; i < 2 && done == i; i++) {
		int fd = open(files[i], O_WRONLY | O_CLOEXEC);

		/* A kernel without IPv6 has no such file. */
		if (fd >= 0 && write(fd, "1", 1) == 1)
			done++;
		if (fd >= 0)
			close(fd);
	}
}

/* In a process of its own, whose sysfs shows the namespace of the interface. */
static void
sysfs_child(const struct net_end *end, const char *attr_name, const char *value, int out)
{
	char path[320], buf[256];
	ssize_t n = -1;
	int fd;

	if (end->netns_fd >= 0) {
		if (setns(end->netns_fd, CLONE_NEWNET) < 0 || unshare(CLONE_NEWNS) < 0 ||
				mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
				mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
			_exit(errno);
	}
	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", end->name, attr_name);
	fd = open(path, (value != NULL ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		_exit(errno);
	if (value != NULL)
		_exit(write(fd, value, strlen(value)) < 0 ? errno : 0);
	n = read(fd, buf, sizeof(buf));
	_exit(n < 0 || write(out, buf, n) < 0 ? errno : 0);
}

static int
sysfs(const struct net_end *end, const char *attr_name, const char *set, char *get,
	unsigned int len)
{
	int pipe_fd[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		sysfs_child(end, attr_name, set, pipe_fd[1]);
	close(pipe_fd[1]);
	n = get != NULL ? read(pipe_fd[0], get, len - 1) : 0;
	if (get != NULL) {
		get[n > 0 ? n : 0] = '\0';
		get[strcspn(get, "\n")] = '\0';
	}
	close(pipe_fd[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || !WIFEXITED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

int
veth_sysfs_get(const struct net_end *end, const char *attr_name, char *value, unsigned int len)
{
	return sysfs(end, attr_name, NULL, value, len);
}

int
veth_sysfs_set(const struct net_end *end, const char *attr_name, const char *value,
	struct afx_err *err)
{
	int ret = sysfs(end, attr_name, value, NULL, 0);

	return ret == 0 ? 0 : afx_err_set(err, ret, "writing %s to %s of %s: %s (%d)", value,
		attr_name, end->name, strerror(-ret), -ret);
}

/* Put the NAPI threads of an interface on a CPU. */
static int
pin_napi(const struct net_end *end, uint32_t cpu, struct afx_err *err)
{
	char want[160], path[300], comm[160];
	DIR *proc = opendir("/proc");
	struct dirent *e;
	cpu_set_t set;
	int n = 0;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	snprintf(want, sizeof(want), "napi/%s-", end->name);
	while (proc != NULL && (e = readdir(proc)) != NULL) {
		FILE *f;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = fopen(path, "re");
		if (f == NULL)
			continue;
		if (fgets(comm, sizeof(comm), f) != NULL &&
				strncmp(comm, want, strlen(want)) == 0 &&
				sched_setaffinity(atoi(e->d_name), sizeof(set), &set) == 0)
			n++;
		fclose(f);
	}
	if (proc != NULL)
		closedir(proc);
	return n > 0 ? 0 : afx_err_set(err, -ESRCH,
		"no NAPI thread of %s is seen here to be put on CPU %u", end->name, cpu);
}

int
veth_napi_thread(const struct net_end *end, uint32_t cpu, char *was, unsigned int len,
	struct afx_err *err)
{
	int ret = veth_sysfs_get(end, "threaded", was, len);

	if (ret < 0)
		return afx_err_set(err, ret, "%s has no threaded NAPI (kernel 5.12): %s", end->name,
			strerror(-ret));
	ret = veth_sysfs_set(end, "threaded", "1", err);
	return ret < 0 ? ret : pin_napi(end, cpu, err);
}

int
veth_rps(const struct net_end *end, uint32_t queues, uint32_t cpu, struct afx_err *err)
{
	char attr_name[48], mask[16];
	int ret = 0;

	snprintf(mask, sizeof(mask), "%x", 1u << cpu);
	for (uint32_t q = 0; q < queues && ret == 0; q++) {
		snprintf(attr_name, sizeof(attr_name), "queues/rx-%u/rps_cpus", q);
		ret = veth_sysfs_set(end, attr_name, mask, err);
	}
	return ret;
}

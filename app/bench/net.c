/* SPDX-License-Identifier: BSD-3-Clause */
/* Interfaces of a measurement, see net.h; the making of a pair is in veth.c. */
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net.h"
#include "veth.h"

static void
pause_ms(unsigned int ms)
{
	const struct timespec ts = { 0, ms * 1000000l };

	nanosleep(&ts, NULL);
}

/* A new namespace, held by the descriptor of end alone. The thread is back where it was. */
static int
make_netns(struct net_end *end, struct afx_err *err)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), ret = 0;
	char path[32];

	end->netns_fd = -1;
	if (home < 0 || unshare(CLONE_NEWNET) < 0) {
		ret = afx_err_set(err, -errno, "a network namespace cannot be made: %s (%d)%s",
			strerror(errno), errno, errno == EPERM ? "; run as root" : "");
	} else {
		end->netns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		veth_quiet_ipv6();
		setns(home, CLONE_NEWNET);
	}
	if (home >= 0)
		close(home);
	if (ret < 0)
		return ret;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", end->netns_fd);
	return afx_ctl_open(path, &end->ctl, err);
}

int
net_make(struct net *net, uint32_t queues, uint32_t longest, struct afx_err *err)
{
	struct net_end *ends[] = { &net->dut, &net->far };
	uint32_t mtu = longest > 1514 ? longest - ETH_HLEN : 1500;
	int ret;

	memset(net, 0, sizeof(*net));
	net->own = true;
	net->dut.netns_fd = net->far.netns_fd = -1;
	/* Kernel threads have the names of interfaces, and those are seen by everybody. */
	snprintf(net->dut.name, sizeof(net->dut.name), "xbd%u", getpid());
	snprintf(net->far.name, sizeof(net->far.name), "xbf%u", getpid());
	ret = make_netns(&net->dut, err);
	if (ret == 0)
		ret = make_netns(&net->far, err);
	if (ret == 0)
		ret = veth_make(&net->dut, &net->far, queues, mtu, err);
	for (int i = 0; i < 2 && ret == 0; i++) {
		ret = afx_netdev_by_name(ends[i]->ctl, ends[i]->name, &ends[i]->nd, err);
		if (ret == 0)
			ret = veth_settings(ends[i], queues, err);
		if (ret == 0)
			ret = afx_netdev_set_up(ends[i]->ctl, ends[i]->nd.ifindex, true, err);
	}
	if (ret == 0)
		ret = net_wait_carrier(net, 5000, err);
	if (ret < 0)
		net_end(net);
	return ret;
}

/* An interface that somebody uses is not taken. */
static int
take_end(struct net_end *end, const char *name, const char *netns, const char *option,
	struct afx_err *err)
{
	char path[160];
	struct afx_netdev_use use;
	int ret;

	end->netns_fd = -1;
	if (name[0] == '\0')
		return 0;
	ret = afx_ctl_open(netns, &end->ctl, err);
	if (ret < 0)
		return ret;
	snprintf(path, sizeof(path), strchr(netns, '/') != NULL ? "%s" : "/run/netns/%s", netns);
	if (netns[0] != '\0')
		end->netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(end->name, sizeof(end->name), "%s", name);
	ret = afx_netdev_by_name(end->ctl, name, &end->nd, err);
	if (ret == 0)
		ret = afx_netdev_use(end->ctl, end->nd.ifindex, &use, err);
	if (ret < 0)
		return ret;
	if (use.address || use.default_route || use.master != 0)
		return afx_err_set(err, -EBUSY,
			"%s %s has %s: a measurement would take its traffic; give an interface "
			"that nobody uses", option, name, use.address ? "an address" :
			use.default_route ? "the default route" : "a master (bond, bridge or VRF)");
	if (end->nd.type != ARPHRD_ETHER)
		return afx_err_set(err, -EINVAL, "%s %s is not Ethernet (type %u)", option, name,
			end->nd.type);
	if ((end->nd.flags & IFF_UP) == 0)
		return afx_err_set(err, -ENETDOWN, "%s %s is down: ip link set %s up", option, name,
			name);
	return 0;
}

int
net_take(struct net *net, const struct opts *o, struct afx_err *err)
{
	int ret;

	memset(net, 0, sizeof(*net));
	net->far.netns_fd = -1;
	ret = take_end(&net->dut, o->iface, o->netns, "--iface", err);
	if (ret == 0)
		ret = take_end(&net->far, o->far_iface, o->far_netns, "--far-iface", err);
	if (ret < 0)
		net_end(net);
	return ret;
}

void
net_end(struct net *net)
{
	struct net_end *ends[] = { &net->dut, &net->far };

	for (int i = 0; i < 2; i++) {
		afx_ctl_close(ends[i]->ctl);
		if (ends[i]->netns_fd >= 0)
			close(ends[i]->netns_fd);
		ends[i]->ctl = NULL;
		ends[i]->netns_fd = -1;
	}
}

static bool
has_carrier(struct net_end *end)
{
	struct afx_err err;

	return end->name[0] == '\0' || (afx_netdev_by_index(end->ctl, end->nd.ifindex, &end->nd,
		&err) == 0 && end->nd.carrier && (end->nd.flags & IFF_UP) != 0);
}

int
net_wait_carrier(struct net *net, unsigned int timeout_ms, struct afx_err *err)
{
	for (unsigned int ms = 0; ms < timeout_ms; ms += 5) {
		if (has_carrier(&net->dut) && has_carrier(&net->far))
			return 0;
		pause_ms(5);
	}
	return afx_err_set(err, -ETIMEDOUT, "no carrier on %s after %u ms: check the cable",
		has_carrier(&net->dut) ? net->far.name : net->dut.name, timeout_ms);
}

int
net_find(struct net_end *end, const char *name, unsigned int timeout_ms, struct afx_err *err)
{
	int ret = -ENODEV;

	snprintf(end->name, sizeof(end->name), "%s", name);
	for (unsigned int ms = 0; ms < timeout_ms && ret < 0; ms += 5) {
		ret = afx_netdev_by_name(end->ctl, name, &end->nd, err);
		if (ret < 0)
			pause_ms(5);
	}
	return ret;
}

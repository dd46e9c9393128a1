/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Operations on the netdev: link, MTU, address, promiscuity. Each checks limits and asks the
 * library.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "xsk.h"

/* Log an error of the library once and return it. */
static int
fail(struct rte_eth_dev *dev, int code, const struct afx_err *err)
{
	XSK_LOG(ERR, "%s (%s): %s", dev->device->name, xsk_port(dev)->ifname, err->text);
	return code;
}

int
xsk_netdev_refresh(struct rte_eth_dev *dev, struct afx_netdev *nd)
{
	struct xsk_port *port = xsk_port(dev);
	struct afx_err err;
	int ret;

	ret = afx_netdev_by_index(xsk_proc(dev)->ctl, port->ifindex, nd, &err);
	if (ret < 0)
		return ret;
	snprintf(port->ifname, sizeof(port->ifname), "%s", nd->name);
	memcpy(&port->mac, nd->mac, sizeof(port->mac));
	return 0;
}

static uint32_t
link_speed(struct rte_eth_dev *dev, bool *full, bool *autoneg)
{
	struct afx_link l;

	*full = true;
	*autoneg = false;
	if (afx_ethtool_link(xsk_proc(dev)->ctl, xsk_port(dev)->ifindex, &l, NULL) < 0)
		return RTE_ETH_SPEED_NUM_UNKNOWN;
	*full = l.full_duplex;
	*autoneg = l.autoneg;
	return l.speed_mbps;
}

int
xsk_link_update(struct rte_eth_dev *dev, int wait __rte_unused)
{
	struct rte_eth_link link = { .link_status = RTE_ETH_LINK_DOWN };
	struct afx_netdev nd;
	bool full, autoneg;

	if (xsk_proc(dev) == NULL)
		return 0;
	link.link_speed = RTE_ETH_SPEED_NUM_NONE;
	if (xsk_port(dev)->got != XSK_GOT_NONE && xsk_netdev_refresh(dev, &nd) == 0 && nd.carrier &&
			(nd.flags & IFF_UP)) {
		link.link_status = RTE_ETH_LINK_UP;
		link.link_speed = link_speed(dev, &full, &autoneg);
		link.link_duplex = full ? RTE_ETH_LINK_FULL_DUPLEX : RTE_ETH_LINK_HALF_DUPLEX;
		link.link_autoneg = autoneg ? RTE_ETH_LINK_AUTONEG : RTE_ETH_LINK_FIXED;
	}
	return rte_eth_linkstatus_set(dev, &link);
}

static int
set_up(struct rte_eth_dev *dev, bool up)
{
	struct afx_err err;
	int ret = afx_netdev_set_up(xsk_proc(dev)->ctl, xsk_port(dev)->ifindex, up, &err);

	return ret < 0 ? fail(dev, ret, &err) : 0;
}

int
xsk_set_link_up(struct rte_eth_dev *dev)
{
	return set_up(dev, true);
}

int
xsk_set_link_down(struct rte_eth_dev *dev)
{
	return set_up(dev, false);
}

static bool
all_rx_queues(const struct rte_eth_dev *dev)
{
	if (!dev->data->dev_configured)
		return false;
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		if (dev->data->rx_queues == NULL || dev->data->rx_queues[i] == NULL)
			return false;
	return dev->data->nb_rx_queues > 0;
}

/* What start would refuse is refused while started too. */
static int
check_igb_rooms(const struct rte_eth_dev *dev, uint32_t frame, struct afx_err *err)
{
	int ret = 0;

	for (uint16_t i = 0; i < dev->data->nb_rx_queues && ret == 0; i++) {
		const struct xsk_rxq *q = dev->data->rx_queues[i];

		ret = xsk_check_igb(xsk_port(dev), &q->frames, frame, err);
	}
	return ret;
}

int
xsk_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);
	uint32_t room = xsk_max_frame(dev);
	struct afx_netdev nd, now;
	struct afx_err err;
	int ret;

	/* Queues that are still to come can only scatter if the port was asked to. */
	if (!(dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER) &&
			room > XSK_ROOM_MAX && !all_rx_queues(dev))
		room = XSK_ROOM_MAX;
	if ((uint32_t)mtu + RTE_ETHER_HDR_LEN > room) {
		XSK_LOG(ERR,
			"%s: MTU %u needs frames of %u bytes, the receive mbufs have room for %u: "
			"at most MTU %u%s",
			dev->device->name, mtu, mtu + RTE_ETHER_HDR_LEN, room,
			room - RTE_ETHER_HDR_LEN, room <= XSK_ROOM_MAX ?
			" without RTE_ETH_RX_OFFLOAD_SCATTER" : "");
		return -EINVAL;
	}
	ret = xsk_sg_check_mtu(dev, mtu, &err);
	if (ret == 0 && port->got == XSK_GOT_ZC)
		ret = check_igb_rooms(dev, (uint32_t)mtu + RTE_ETHER_HDR_LEN, &err);
	if (ret < 0)
		return fail(dev, ret, &err);
	ret = afx_netdev_by_index(proc->ctl, port->ifindex, &nd, &err);
	if (ret < 0)
		return fail(dev, ret, &err);
	if (nd.mtu == mtu)
		return 0;
	/* First the record: a process killed in between must be mended by the next. */
	afx_state_record_mtu(proc->state, nd.mtu, mtu, &err);
	ret = afx_netdev_set_mtu(proc->ctl, port->ifindex, mtu, &err);
	if (ret == 0)
		return 0;
	fail(dev, ret, &err);
	/*
	 * Nobody has to put back what never was, should somebody else set that value. But the
	 * answer may be what got lost: the interface tells.
	 */
	if (afx_netdev_by_index(proc->ctl, port->ifindex, &now, NULL) == 0 && now.mtu == nd.mtu)
		afx_state_record_mtu(proc->state, mtu, nd.mtu, NULL);
	return ret;
}

int
xsk_mac_addr_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);
	struct afx_netdev nd, now;
	struct afx_err err;
	int ret;

	ret = afx_netdev_by_index(proc->ctl, port->ifindex, &nd, &err);
	if (ret < 0)
		return fail(dev, ret, &err);
	if (memcmp(nd.mac, addr, AFX_MAC_LEN) == 0)
		return 0;
	afx_state_record_mac(proc->state, nd.mac, addr->addr_bytes, &err);
	ret = afx_netdev_set_mac(proc->ctl, port->ifindex, addr->addr_bytes, &err);
	if (ret < 0) {
		fail(dev, ret, &err);
		if (afx_netdev_by_index(proc->ctl, port->ifindex, &now, NULL) == 0 &&
				memcmp(now.mac, nd.mac, AFX_MAC_LEN) == 0)
			afx_state_record_mac(proc->state, addr->addr_bytes, nd.mac, NULL);
		return ret;
	}
	rte_ether_addr_copy(addr, &port->mac);
	return 0;
}

static int
join(struct rte_eth_dev *dev, enum afx_membership what, int *fd)
{
	struct afx_err err;
	int ret;

	if (*fd >= 0)
		return 0;
	ret = afx_netdev_join(xsk_proc(dev)->ctl, xsk_port(dev)->ifindex, what, &err);
	if (ret < 0)
		return fail(dev, ret, &err);
	*fd = ret;
	return 0;
}

static int
leave(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return 0;
}

int
xsk_promiscuous_enable(struct rte_eth_dev *dev)
{
	return join(dev, AFX_PROMISC, &xsk_proc(dev)->promisc_fd);
}

int
xsk_promiscuous_disable(struct rte_eth_dev *dev)
{
	return leave(&xsk_proc(dev)->promisc_fd);
}

int
xsk_allmulticast_enable(struct rte_eth_dev *dev)
{
	return join(dev, AFX_ALLMULTI, &xsk_proc(dev)->allmulti_fd);
}

int
xsk_allmulticast_disable(struct rte_eth_dev *dev)
{
	return leave(&xsk_proc(dev)->allmulti_fd);
}

/* "0-3,5" of the queues [0, cnt) for which bit is set (or clear). */
static void
list_queues(const uint64_t *mask, uint32_t cnt, bool set, char *out, size_t room)
{
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < cnt && n < room; i++) {
		uint32_t from = i;

		if (((mask[i / 64] >> (i % 64)) & 1) != set)
			continue;
		while (i + 1 < cnt && ((mask[(i + 1) / 64] >> ((i + 1) % 64)) & 1) == set)
			i++;
		n += from == i ? snprintf(out + n, room - n, "%s%u", n ? "," : "", from) :
			snprintf(out + n, room - n, "%s%u-%u", n ? "," : "", from, i);
	}
}

/*
 * Rx queues of the netdev now that a program is attached: virtio-net adds some then, where it has
 * spare ones, and spreads received packets over all.
 */
static uint32_t
queues_now(struct rte_eth_dev *dev)
{
	struct xsk_port *port = xsk_port(dev);
	uint32_t n = port->netdev_rx, napi;

	/* Any question that is asked of Rx queues alone: there may be more Tx queues. */
	while (n < port->netdev_rx_alloc && afx_netdev_queue_napi(xsk_proc(dev)->ctl,
			port->ifindex, n, true, &napi, NULL) >= 0)
		n++;
	return n;
}

void
xsk_warn_kernel_use(struct rte_eth_dev *dev)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);
	uint64_t taken[RTE_MAX_QUEUES_PER_PORT / 64 + 1] = { 0 };
	uint32_t cnt;
	struct afx_netdev_use use = { 0 };
	char ours[128], kernel[128];

	if (proc->warned_use)
		return;
	proc->warned_use = true;
	cnt = RTE_MIN(queues_now(dev), (uint32_t)RTE_MAX_QUEUES_PER_PORT);
	for (uint32_t i = 0; i < dev->data->nb_rx_queues; i++) {
		uint32_t q = port->args.start_queue + i;

		if (q < cnt)
			taken[q / 64] |= 1ull << (q % 64);
	}
	list_queues(taken, cnt, true, ours, sizeof(ours));
	list_queues(taken, cnt, false, kernel, sizeof(kernel));
	if (kernel[0] != '\0')
		XSK_LOG(NOTICE,
			"%s: netdev queues %s of %s stay with the kernel: packets that the NIC "
			"puts there do not reach this port (narrow them with ethtool -X %s or -L)",
			dev->device->name, kernel, port->ifname, port->ifname);
	/* A port that only sends leaves the kernel what it receives. */
	if (ours[0] == '\0' || afx_netdev_use(proc->ctl, port->ifindex, &use, NULL) < 0 ||
			(!use.address && !use.default_route))
		return;
	XSK_LOG(WARNING,
		"%s: %s has %s: the kernel no longer receives what arrives on queues %s; to "
		"keep it, give this port other queues (start_queue, queue_count) and steer the "
		"kernel's "
		"traffic to the rest (ethtool -X, -N)",
		dev->device->name, port->ifname,
		use.default_route ? "the default route" : "an address", ours);
}

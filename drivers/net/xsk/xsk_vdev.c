/* SPDX-License-Identifier: BSD-3-Clause */
/* Probe and remove of the vdev, and its registration with EAL. */
#include <errno.h>
#include <net/if_arp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afx_cni.h"
#include "afx_fork.h"
#include "xsk_desc.h"
#include "xsk_tune.h"

/* Ports of this process, to refuse queues that another of them has. */
static TAILQ_HEAD(, xsk_proc) ports = TAILQ_HEAD_INITIALIZER(ports);
static pthread_mutex_t ports_lock = PTHREAD_MUTEX_INITIALIZER;

static int
check_overlap(const struct xsk_port *port, const struct xsk_proc *proc, struct afx_err *err)
{
	const struct xsk_proc *p;
	uint32_t lo = port->args.start_queue;
	uint32_t hi = lo + RTE_MAX(port->max_rxq, port->max_txq);
	int ret = 0;

	pthread_mutex_lock(&ports_lock);
	TAILQ_FOREACH(p, &ports, next) {
		const struct xsk_port *o = xsk_port(p->dev);
		uint32_t olo = o->args.start_queue;
		uint32_t ohi = olo + RTE_MAX(o->max_rxq, o->max_txq);

		if (o->ifindex != port->ifindex || !afx_ctl_same_netns(p->ctl, proc->ctl) ||
				lo >= ohi || olo >= hi)
			continue;
		ret = afx_err_set(err, -EBUSY,
			"queues %u-%u of %s overlap queues %u-%u of port %s: give disjoint "
			"start_queue and "
			"queue_count",
			lo, hi - 1, port->ifname, olo, ohi - 1, p->dev->data->name);
		break;
	}
	pthread_mutex_unlock(&ports_lock);
	return ret;
}

static int
find_queues(struct xsk_port *port, struct xsk_proc *proc, const struct afx_netdev *nd,
	struct afx_err *err)
{
	struct xsk_args *a = &port->args;
	struct afx_channels ch;
	uint32_t most;
	int ret;

	ret = afx_ethtool_channels(proc->ctl, nd->ifindex, &ch, err);
	if (ret < 0)
		return ret;
	port->netdev_rx = ch.rx;
	port->netdev_tx = ch.tx;
	port->netdev_rx_alloc = RTE_MAX(nd->num_rx_queues, ch.max_rx);
	most = RTE_MAX(ch.rx, ch.tx);
	if (a->start_queue >= most)
		return afx_err_set(err, -EINVAL,
			"start_queue=%u: %s has queues 0-%u (ethtool -l %s, -L changes them)",
			a->start_queue, nd->name, most - 1, nd->name);
	if (a->start_queue + a->queue_count > most)
		return afx_err_set(err, -EINVAL,
			"start_queue=%u,queue_count=%u: %s has queues 0-%u (ethtool -l %s, -L "
			"changes them)",
			a->start_queue, a->queue_count, nd->name, most - 1, nd->name);
	most = a->queue_count != 0 ? a->queue_count : most - a->start_queue;
	most = RTE_MIN(most, (uint32_t)RTE_MAX_QUEUES_PER_PORT);
	port->max_rxq = ch.rx > a->start_queue ? RTE_MIN(most, ch.rx - a->start_queue) : 0;
	port->max_txq = ch.tx > a->start_queue ? RTE_MIN(most, ch.tx - a->start_queue) : 0;
	return 0;
}

/*
 * Mend what a killed process left on the netdev, then count as its user. A folder that cannot be
 * written is no reason to fail: then a kill leaves a changed MTU or address behind.
 */
static int
open_state(struct xsk_port *port, struct xsk_proc *proc, struct afx_err *err)
{
	int ret = afx_state_recover(proc->ctl, port->ifindex, err);

	if (ret > 0)
		XSK_LOG(NOTICE, "%s: put back what a killed process had changed", port->ifname);
	else if (ret < 0)
		XSK_LOG(WARNING, "%s: %s", port->ifname, err->text);
	ret = afx_state_open(proc->ctl, port->ifindex, &proc->state, err);
	if (ret > 0)
		XSK_LOG(INFO, "%s: no record of changes: %s", port->ifname, err->text);
	return RTE_MIN(ret, 0);
}

/* Everything that can be refused before a port exists. */
static int
examine(struct xsk_port *port, struct xsk_proc *proc, int *numa_node, struct afx_err *err)
{
	struct afx_netdev nd;
	int ret, token;

	ret = afx_ctl_open(port->args.netns, &proc->ctl, err);
	if (ret == 0)
		ret = afx_netdev_by_name(proc->ctl, port->args.iface, &nd, err);
	if (ret < 0)
		return ret;
	if (nd.type != ARPHRD_ETHER)
		return afx_err_set(err, -EINVAL, "iface=%s is not an Ethernet interface (type %u)",
			port->args.iface, nd.type);
	*numa_node = nd.numa_node;
	port->ifindex = nd.ifindex;
	snprintf(port->ifname, sizeof(port->ifname), "%s", nd.name);
	snprintf(port->driver, sizeof(port->driver), "%s", nd.driver);
	snprintf(port->bus_info, sizeof(port->bus_info), "%s", nd.bus_info);
	port->min_mtu = nd.min_mtu;
	port->max_mtu = nd.max_mtu;
	afx_iommu_type(port->bus_info, port->iommu, sizeof(port->iommu));
	ret = find_queues(port, proc, &nd, err);
	if (ret == 0)
		ret = check_overlap(port, proc, err);
	if (ret < 0)
		return ret;
	token = afx_ctl_enter(proc->ctl, err);
	if (token < 0)
		return token;
	ret = afx_socket_probe(err);
	/* Whether a custom program that is there already is the same one, start finds out. */
	if (ret == 0 && port->args.attach == AFX_ATTACH_LINK && port->args.xdp_prog[0] == '\0')
		ret = afx_prog_check_foreign(port->ifindex, err);
	if (ret == 0)
		ret = xsk_sg_probe(port, proc, err);
	afx_ctl_leave(proc->ctl, token);
	if (ret == 0 && port->args.use_cni)
		ret = afx_cni_get_map(port->args.dp_path, nd.name, &proc->map_fd, err);
	if (ret == 0)
		ret = open_state(port, proc, err);
	if (ret == 0)
		ret = afx_netdev_by_index(proc->ctl, port->ifindex, &nd, err);
	if (ret == 0)
		memcpy(&port->mac, nd.mac, sizeof(port->mac));
	return ret;
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void
free_proc(struct xsk_proc *proc)
{
	if (proc == NULL)
		return;
	afx_fork_forget(&proc->promisc_fd);
	afx_fork_forget(&proc->allmulti_fd);
	close_fd(proc->map_fd);
	close_fd(proc->promisc_fd);
	close_fd(proc->allmulti_fd);
	afx_state_close(proc->state);
	afx_ctl_close(proc->ctl);
	pthread_mutex_destroy(&proc->map_lock);
	free(proc);
}

void
xsk_proc_free(struct rte_eth_dev *dev)
{
	struct xsk_proc *proc = xsk_proc(dev);
	struct afx_err err;

	pthread_mutex_lock(&ports_lock);
	TAILQ_REMOVE(&ports, proc, next);
	pthread_mutex_unlock(&ports_lock);
	xsk_monitor_close(dev);
	xsk_drop_prog(dev, proc->left, false);
	proc->left = NULL;
	if (!xsk_port(dev)->gone)
		afx_state_renamed(proc->state, xsk_port(dev)->ifname);
	/* Nothing to do where nothing was changed, or while another process uses the netdev. */
	if (afx_state_restore(proc->ctl, proc->state, &err) < 0)
		XSK_LOG(ERR, "%s: %s", dev->data->name, err.text);
	xsk_tune_hide(dev);
	free_proc(proc);
}

static struct xsk_proc *
alloc_proc(void)
{
	struct xsk_proc *proc = calloc(1, sizeof(*proc));

	if (proc == NULL)
		return NULL;
	pthread_mutex_init(&proc->map_lock, NULL);
	proc->map_fd = -1;
	proc->promisc_fd = -1;
	proc->allmulti_fd = -1;
	proc->monitor_fd = -1;
	/* A child forked by the application must not keep the memberships alive. */
	afx_fork_watch(&proc->promisc_fd);
	afx_fork_watch(&proc->allmulti_fd);
	return proc;
}

static int
create_port(struct rte_vdev_device *vdev, const struct xsk_port *proto, struct xsk_proc *proc,
	int numa_node, struct afx_err *err)
{
	struct rte_eth_dev *dev;
	struct xsk_port *port;
	int ret;

	if (vdev->device.numa_node == SOCKET_ID_ANY)
		vdev->device.numa_node = numa_node >= 0 ? numa_node : (int)rte_socket_id();
	dev = rte_eth_vdev_allocate(vdev, sizeof(*port));
	if (dev == NULL)
		return afx_err_set(err, -ENOMEM, "no memory for a port, or no free port id");
	port = xsk_port(dev);
	*port = *proto;
	proc->dev = dev;
	dev->process_private = proc;
	dev->data->mac_addrs = &port->mac;
	dev->data->dev_flags |= RTE_ETH_DEV_INTR_LSC | RTE_ETH_DEV_INTR_RMV |
		RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
	dev->dev_ops = &xsk_ops;
	xsk_set_dummies(dev);
	dev->rx_queue_count = xsk_rx_queue_count;
	dev->rx_descriptor_status = xsk_rx_descriptor_status;
	dev->tx_descriptor_status = xsk_tx_descriptor_status;
#ifdef XSK_HAVE_RECYCLE
	dev->recycle_tx_mbufs_reuse = xsk_recycle_tx_reuse;
	dev->recycle_rx_descriptors_refill = xsk_recycle_rx_refill;
#endif
#ifdef XSK_HAVE_TX_QUEUE_COUNT
	dev->tx_queue_count = xsk_tx_queue_count;
#endif
	ret = xsk_monitor_open(dev, err);
	if (ret < 0) {
		dev->data->mac_addrs = NULL;
		dev->process_private = NULL;
		rte_eth_dev_release_port(dev);
		return ret;
	}
	pthread_mutex_lock(&ports_lock);
	TAILQ_INSERT_TAIL(&ports, proc, next);
	pthread_mutex_unlock(&ports_lock);
	rte_eth_dev_probing_finish(dev);
	return 0;
}

static int
xsk_probe(struct rte_vdev_device *vdev)
{
	struct xsk_port *proto;
	struct xsk_proc *proc;
	struct afx_err err = { 0 };
	int numa_node = -1;
	int ret;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return xsk_mp_attach(vdev);
	xsk_mem_init();
	proto = calloc(1, sizeof(*proto));
	proc = alloc_proc();
	if (proto == NULL || proc == NULL)
		ret = afx_err_set(&err, -ENOMEM, "no memory for a port");
	else
		ret = xsk_args_parse(rte_vdev_device_args(vdev), &proto->args, &err);
	if (ret == 0)
		ret = examine(proto, proc, &numa_node, &err);
	if (ret == 0)
		ret = create_port(vdev, proto, proc, numa_node, &err);
	free(proto);
	if (ret < 0) {
		XSK_LOG(ERR, "%s: %s", rte_vdev_device_name(vdev), err.text);
		free_proc(proc);
	}
	return ret;
}

static int
xsk_remove(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (dev == NULL)
		return 0;
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return rte_eth_dev_release_port(dev);
	xsk_dev_close(dev);
	return rte_eth_dev_release_port(dev);
}

static struct rte_vdev_driver xsk_driver = {
	.probe = xsk_probe,
	.remove = xsk_remove,
};

RTE_LOG_REGISTER(xsk_logtype_init, pmd.net.xsk, NOTICE);

RTE_INIT(xsk_init)
{
	xsk_telemetry_init();
}

RTE_PMD_REGISTER_VDEV(net_xsk, xsk_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_xsk, XSK_PARAM_STRING);

/* What dpdk-pmdinfo looks for in a plugin; DPDK's own build generates it. */
extern const char xsk_pmd_info[];
const char xsk_pmd_info[] __attribute__((used, section(".rodata"))) =
	"PMD_INFO_STRING= {\"name\": \"net_xsk\", \"params\": \"" XSK_PARAM_STRING
	"\", \"pci_ids\": []}";

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link notifications. A netlink descriptor on EAL's interrupt thread tells of carrier, rename and
 * removal; the application hears of it as LSC and RMV events. The data path needs none of this: its
 * sockets answer ENXIO by themselves once the interface is gone.
 */
#include <errno.h>
#include <unistd.h>

#include <rte_interrupts.h>

#include "xsk.h"

/* Datagrams read in one interrupt; more wait for the next. */
#define READS_MAX 16

static void
removed(struct rte_eth_dev *dev)
{
	const struct xsk_proc *proc = xsk_proc(dev);
	struct xsk_port *port = xsk_port(dev);

	if (port->gone)
		return;
	port->gone = true;
	/* Where it went it is somebody else's, who would get none of these queues' packets. */
	xsk_leave_map(dev);
	XSK_LOG(ERR,
		"%s: interface %s was removed or moved to another namespace: the port receives and "
		"sends nothing any more, close it",
		dev->device->name, port->ifname);
	xsk_link_update(dev, 0);
	rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_INTR_LSC, NULL);
	/* The handler may have closed the port. */
	if (xsk_proc(dev) == proc)
		rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_INTR_RMV, NULL);
}

static void
changed(struct rte_eth_dev *dev, const struct afx_netdev *nd)
{
	struct xsk_port *port = xsk_port(dev);
	struct rte_eth_link before, after;

	if (nd->name[0] != '\0' && strcmp(nd->name, port->ifname) != 0) {
		XSK_LOG(NOTICE, "%s: interface %s is now called %s", dev->device->name,
			port->ifname, nd->name);
		snprintf(port->ifname, sizeof(port->ifname), "%s", nd->name);
	}
	rte_eth_linkstatus_get(dev, &before);
	xsk_link_update(dev, 0);
	rte_eth_linkstatus_get(dev, &after);
	if (before.link_status == after.link_status)
		return;
	port->link_events++;
	if (dev->data->dev_conf.intr_conf.lsc)
		rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_INTR_LSC, NULL);
}

static void
on_event(const struct afx_event *ev, void *arg)
{
	struct rte_eth_dev *dev = arg;
	struct afx_netdev nd;
	int ret;

	if (xsk_proc(dev) == NULL)
		return;
	switch (ev->type) {
	case AFX_EV_GONE:
		removed(dev);
		break;
	case AFX_EV_LINK:
		changed(dev, &ev->nd);
		break;
	case AFX_EV_OVERRUN:
		ret = xsk_netdev_refresh(dev, &nd);
		if (ret == -ENODEV)
			removed(dev);
		else if (ret == 0)
			changed(dev, &nd);
		break;
	}
}

static void
on_readable(void *arg)
{
	struct rte_eth_dev *dev = arg;

	for (unsigned int i = 0; i < READS_MAX; i++) {
		/* Looked up each time: a handler of the application may close the port. */
		struct xsk_proc *proc = xsk_proc(dev);

		if (proc == NULL || proc->monitor_fd < 0 ||
			afx_netdev_monitor_read(
				proc->monitor_fd, xsk_port(dev)->ifindex, on_event, dev) <= 0)
			break;
	}
}

int
xsk_monitor_open(struct rte_eth_dev *dev, struct afx_err *err)
{
	struct xsk_proc *proc = xsk_proc(dev);
	int ret;

	proc->monitor_fd = afx_netdev_monitor(proc->ctl, err);
	if (proc->monitor_fd < 0)
		return proc->monitor_fd;
	proc->intr = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (proc->intr == NULL) {
		ret = afx_err_set(err, -ENOMEM, "no memory for an interrupt handle");
		goto undo;
	}
	if (rte_intr_fd_set(proc->intr, proc->monitor_fd) != 0 ||
			rte_intr_type_set(proc->intr, RTE_INTR_HANDLE_EXT) != 0) {
		ret = afx_err_set(err, -EINVAL, "EAL refuses the interrupt descriptor %d",
			proc->monitor_fd);
		goto undo;
	}
	ret = rte_intr_callback_register(proc->intr, on_readable, dev);
	if (ret < 0) {
		afx_err_set(err, ret, "rte_intr_callback_register: %s", rte_strerror(-ret));
		goto undo;
	}
	return 0;
undo:
	rte_intr_instance_free(proc->intr);
	proc->intr = NULL;
	close(proc->monitor_fd);
	proc->monitor_fd = -1;
	return ret;
}

/*
 * EAL's own call, after the callback that is running now has returned. The handle is EAL's copy of
 * ours and EAL's to free; the descriptor in it is the same.
 */
static void
close_monitor(struct rte_intr_handle *handle, void *arg __rte_unused)
{
	close(rte_intr_fd_get(handle));
}

void
xsk_monitor_close(struct rte_eth_dev *dev)
{
	struct xsk_proc *proc = xsk_proc(dev);
	int ret;

	if (proc->intr == NULL)
		return;
	/*
	 * EAGAIN: the callback is running. On another thread it ends soon; on this one it is what
	 * called us, an application that closes the port in a handler of its events.
	 */
	do {
		ret = rte_intr_callback_unregister(proc->intr, on_readable, dev);
	} while (ret == -EAGAIN && !rte_thread_is_intr());
	/* EPIPE: taken out, but EAL's thread could not be told. */
	if (ret >= 0 || ret == -EPIPE)
		close_monitor(proc->intr, NULL);
	else if (rte_intr_callback_unregister_pending(proc->intr, on_readable, dev,
			close_monitor) < 0)
		XSK_LOG(ERR, "%s: the link monitor could not be taken down: %s", dev->device->name,
			rte_strerror(-ret));
	rte_intr_instance_free(proc->intr);
	proc->intr = NULL;
	proc->monitor_fd = -1;
}

int
xsk_is_removed(struct rte_eth_dev *dev)
{
	struct afx_netdev nd;

	return xsk_port(dev)->gone || xsk_netdev_refresh(dev, &nd) == -ENODEV;
}

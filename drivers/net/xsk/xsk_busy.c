/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Busy polling of a port's queues: where it is turned on, and how.
 *
 * Asked for by a number it is turned on wherever a socket has a NAPI to poll. busy_poll=auto turns
 * it on only where that NAPI has no CPU beside the application: two CPUs for driver and application
 * do more than one that does both.
 *
 * Preference keeps the softirq away, but makes the kernel skip the wake-up of a zero-copy transmit
 * queue, as if the polled NAPI sent too. So a queue pair whose two directions are not known to
 * share a NAPI is polled without preference.
 */
#include <sched.h>

#include "afx_napi.h"
#include "afx_tune.h"
#include "xsk_tune.h"

/*
 * How long the interrupt of a busy-polled NAPI stays masked without a poll: longer than an
 * application takes from one burst to the next, and not so long that a stopped one starves others.
 */
#define BUSY_DEFER 2
#define BUSY_FLUSH_US 200

bool
xsk_is_lcore_cpu(unsigned int cpu)
{
	unsigned int lcore;

	if (cpu >= CPU_SETSIZE)
		return false;
	RTE_LCORE_FOREACH(lcore) {
		rte_cpuset_t set = rte_lcore_cpuset(lcore);

		if (CPU_ISSET(cpu, &set))
			return true;
	}
	return false;
}

bool
xsk_busy_shares(const char *irq_cpus, const char *online)
{
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (afx_cpulist_has(irq_cpus, cpu) && afx_cpulist_has(online, cpu) &&
				!xsk_is_lcore_cpu(cpu))
			return false;
	return true;
}

/* CPUs that may run a queue's NAPI: those of its interrupt, else any. */
static void
napi_cpus(const struct rte_eth_dev *dev, uint32_t napi, uint32_t queue, const char *online,
	char cpus[AFX_CPULIST_LEN])
{
	const struct xsk_port *port = xsk_port(dev);
	struct afx_napi info;
	struct afx_irq irq;
	uint32_t num = 0;

	snprintf(cpus, AFX_CPULIST_LEN, "%s", online);
	if (afx_netdev_napi_get(xsk_proc(dev)->ctl, napi, &info, NULL) == 0)
		num = info.irq;
	if (num == 0)
		num = afx_irq_of_queue(port->bus_info, queue);
	if (num != 0 && afx_irq_get(num, &irq, NULL) == 0)
		snprintf(cpus, AFX_CPULIST_LEN, "%s",
			irq.effective[0] != '\0' ? irq.effective : irq.allowed);
}

/* Whether a queue with a NAPI should be polled: the reason against it in err. */
static int
wanted(const struct rte_eth_dev *dev, uint32_t napi, uint32_t queue, struct afx_err *err)
{
	char online[AFX_CPULIST_LEN], cpus[AFX_CPULIST_LEN];

	if (!xsk_port(dev)->args.busy_auto)
		return 0;
	if (afx_cpulist_online(online) < 0)
		return afx_err_set(err, -ENOTSUP, "the CPUs online cannot be told");
	napi_cpus(dev, napi, queue, online, cpus);
	if (xsk_busy_shares(cpus, online))
		return 0;
	return afx_err_set(err, -ENOTSUP,
		"the NAPI of queue %u may run on CPUs %s, beside the lcores (busy_poll=<budget> "
		"polls all the same)", queue, cpus);
}

/* Whether both directions of a queue are one NAPI's: preference starves no transmit queue then. */
static bool
may_prefer(const struct rte_eth_dev *dev, uint16_t qid, uint32_t queue)
{
	const struct xsk_proc *proc = xsk_proc(dev);
	const struct xsk_port *port = xsk_port(dev);
	uint32_t rx, tx;

	/* Copy mode sends in the caller's context, whatever is polled. */
	if (!proc->pairs[qid].region->zc || qid >= dev->data->nb_tx_queues)
		return true;
	return afx_netdev_queue_napi(proc->ctl, port->ifindex, queue, true, &rx, NULL) == 0 &&
		afx_netdev_queue_napi(proc->ctl, port->ifindex, queue, false, &tx, NULL) == 0 &&
		rx != 0 && rx == tx;
}

bool
xsk_defer(struct rte_eth_dev *dev, uint32_t napi)
{
	const struct xsk_args *args = &xsk_port(dev)->args;
	bool given = args->napi_defer != 0;
	const struct afx_napi_params params = {
		.defer_hard_irqs = given ? args->napi_defer : BUSY_DEFER,
		.gro_flush_timeout = 1000ull * (given ? args->napi_flush_us : BUSY_FLUSH_US),
	};
	struct xsk_proc *proc = xsk_proc(dev);
	struct afx_err err;

	if (proc->state == NULL)
		return false;
	if (afx_tune_napi(proc->ctl, proc->state, napi, &params, &err) >= 0)
		return true;
	XSK_LOG(NOTICE, "%s: interrupts of NAPI %u are not deferred: %s", dev->device->name, napi,
		err.text);
	return false;
}

/* 1 on, 0 not to be, -EAGAIN not yet: no NAPI. The reason in err. */
static int
turn_on(struct rte_eth_dev *dev, uint16_t qid, struct afx_err *err)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_pair *pair = &xsk_proc(dev)->pairs[qid];
	uint32_t queue = port->args.start_queue + qid;
	uint32_t napi = afx_napi_id(pair->sock->fd);
	bool prefer;

	if (napi == 0) {
		afx_err_set(err, -EAGAIN,
			"the driver gives the socket no NAPI to poll (SO_INCOMING_NAPI_ID is 0)");
		return -EAGAIN;
	}
	if (wanted(dev, napi, queue, err) < 0)
		return 0;
	prefer = may_prefer(dev, qid, queue);
	if (afx_napi_busy_on(pair->sock->fd, port->args.busy_budget, prefer, err) < 0)
		return 0;
	xsk_defer(dev, napi);
	port->busy = true;
	/* At a later look the bursts run already: either value is right for them. */
	if (qid < dev->data->nb_tx_queues)
		__atomic_store_n(&((struct xsk_txq *)dev->data->tx_queues[qid])->busy, prefer,
			__ATOMIC_RELAXED);
	if (qid < dev->data->nb_rx_queues)
		__atomic_store_n(&((struct xsk_rxq *)dev->data->rx_queues[qid])->busy, true,
			__ATOMIC_RELAXED);
	return 1;
}

void
xsk_busy_open(struct rte_eth_dev *dev, uint16_t qid)
{
	struct xsk_port *port = xsk_port(dev);
	struct afx_err err;

	if (qid == 0) {
		port->busy = false;
		port->busy_why[0] = '\0';
	}
	if (port->args.busy_budget == 0 || turn_on(dev, qid, &err) == 1)
		return;
	snprintf(port->busy_why, sizeof(port->busy_why), "%s", err.text);
	if (qid == 0)
		XSK_LOG(NOTICE, "%s: busy polling stays off: %s", dev->device->name, err.text);
}

bool
xsk_busy_look(struct rte_eth_dev *dev)
{
	struct xsk_port *port = xsk_port(dev);
	bool missing = false;

	if (port->args.busy_budget == 0)
		return false;
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct xsk_rxq *q = dev->data->rx_queues[i];
		struct afx_err err;
		int ret = q->busy ? 0 : turn_on(dev, i, &err);

		missing |= ret == -EAGAIN;
		if (ret != 1)
			continue;
		port->busy_why[0] = '\0';
		XSK_LOG(NOTICE, "%s: busy polling is on for rx queue %u: the driver gave it a NAPI "
			"with the first packets", dev->device->name, i);
	}
	return missing;
}

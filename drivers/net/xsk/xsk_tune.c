/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tuning of a started port: what is changed for tune=apply and napi_defer, and taken back at stop.
 * Only NAPIs and interrupts of the port's own queues are touched; the record of what they were
 * before survives a killed process (afx_tune.h).
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "afx_tune.h"
#include "xsk_tune.h"

/* NAPIs of a device worth listing. */
#define NAPIS_MAX 256

/* Telemetry reads on a thread of its own while a port may stop. */
static pthread_mutex_t reader_lock = PTHREAD_MUTEX_INITIALIZER;

const struct xsk_tune *
xsk_tune_hold(const struct rte_eth_dev *dev)
{
	const struct xsk_proc *proc;

	pthread_mutex_lock(&reader_lock);
	proc = xsk_proc(dev);
	return proc != NULL ? proc->tune : NULL;
}

void
xsk_tune_release(void)
{
	pthread_mutex_unlock(&reader_lock);
}

void
xsk_tune_hide(struct rte_eth_dev *dev)
{
	pthread_mutex_lock(&reader_lock);
	dev->process_private = NULL;
	pthread_mutex_unlock(&reader_lock);
}

static void
publish(struct xsk_proc *proc, struct xsk_tune *t)
{
	pthread_mutex_lock(&reader_lock);
	proc->tune = t;
	pthread_mutex_unlock(&reader_lock);
}

/* The first CPU for interrupts after the last one taken that no lcore uses, or -1. */
static int
free_cpu(const struct xsk_tune *t, int last)
{
	for (int i = 1; i <= CPU_SETSIZE; i++) {
		int cpu = (last + i) % CPU_SETSIZE;

		if (afx_cpulist_has(t->online, cpu) && !xsk_is_lcore_cpu(cpu))
			return cpu;
	}
	return -1;
}

/* Interrupts that run on an lcore's CPU go elsewhere, unless that lcore is to poll the NAPI. */
static void
move_irqs(struct rte_eth_dev *dev)
{
	struct xsk_proc *proc = xsk_proc(dev);
	struct xsk_tune *t = proc->tune;
	int cpu = -1;

	for (uint16_t i = 0; i < t->cnt; i++) {
		struct xsk_tune_queue *q = &t->queue[i];
		const struct xsk_rxq *rxq = i < dev->data->nb_rx_queues ? dev->data->rx_queues[i] :
			NULL;
		struct afx_err err;
		char list[16];

		if (q->irq == 0 || (rxq != NULL && rxq->busy) ||
				!xsk_busy_shares(q->irq_cpus, t->online))
			continue;
		cpu = free_cpu(t, cpu);
		if (cpu < 0)
			return;
		snprintf(list, sizeof(list), "%d", cpu);
		if (afx_tune_irq(proc->ctl, proc->state, q->irq, list, &err) < 0) {
			XSK_LOG(NOTICE, "%s: interrupt %u of queue %u stays where it is: %s",
				dev->device->name, q->irq, i, err.text);
			continue;
		}
		XSK_LOG(NOTICE, "%s: interrupt %u of queue %u runs on CPU %d until the port stops "
			"(before: %s)", dev->device->name, q->irq, i, cpu, q->irq_cpus);
		snprintf(q->irq_cpus, sizeof(q->irq_cpus), "%s", list);
		q->moved = true;
	}
}

/*
 * A driver that does not say which NAPI serves which queue (veth): where the port has every queue
 * in use, all of them are its own.
 */
static void
defer_all(struct rte_eth_dev *dev)
{
	const struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);
	struct afx_napi *list;
	uint32_t done = 0;
	int cnt;

	if (port->args.start_queue != 0 || dev->data->nb_rx_queues < port->netdev_rx) {
		XSK_LOG(NOTICE, "%s: interrupts are not deferred: driver %s does not say which "
			"NAPI serves which queue, and the port has not all of them",
			dev->device->name, port->driver);
		return;
	}
	list = calloc(NAPIS_MAX, sizeof(*list));
	cnt = list == NULL ? 0 : afx_netdev_napis(proc->ctl, port->ifindex, list, NAPIS_MAX, NULL);
	for (int i = 0; i < cnt; i++)
		done += xsk_defer(dev, list[i].id);
	free(list);
	for (uint16_t i = 0; i < proc->tune->cnt && done > 0; i++)
		proc->tune->queue[i].deferred = true;
}

static void
defer_irqs(struct rte_eth_dev *dev)
{
	struct xsk_tune *t = xsk_proc(dev)->tune;
	bool told = false;

	for (uint16_t i = 0; i < t->cnt && i < dev->data->nb_rx_queues; i++) {
		const struct xsk_rxq *rxq = dev->data->rx_queues[i];
		struct xsk_tune_queue *q = &t->queue[i];

		told |= q->napi != 0;
		/* A busy-polled one has its parameters already. */
		if (q->napi != 0)
			q->deferred = rxq->busy || xsk_defer(dev, q->napi);
	}
	if (!told)
		defer_all(dev);
}

void
xsk_tune_start(struct rte_eth_dev *dev)
{
	const struct xsk_args *args = &xsk_port(dev)->args;
	struct xsk_proc *proc = xsk_proc(dev);
	struct xsk_tune *t;

	if (args->tune == XSK_TUNE_OFF && args->busy_budget == 0 && args->napi_defer == 0)
		return;
	t = calloc(1, sizeof(*t));
	if (t != NULL)
		t->queue = calloc(proc->pairs_cnt, sizeof(*t->queue));
	if (t == NULL || t->queue == NULL) {
		free(t);
		return;
	}
	t->cnt = proc->pairs_cnt;
	for (uint16_t i = 0; i < t->cnt; i++)
		t->queue[i].poll_cpu = -1;
	publish(proc, t);
	xsk_tune_gather(dev);
	if (args->tune == XSK_TUNE_APPLY && proc->state != NULL)
		move_irqs(dev);
	if (args->napi_defer != 0)
		defer_irqs(dev);
	if (args->tune != XSK_TUNE_OFF)
		xsk_tune_advise(dev);
	xsk_tune_look_start(dev);
}

void
xsk_tune_stop(struct rte_eth_dev *dev)
{
	struct xsk_proc *proc = xsk_proc(dev);
	struct xsk_tune *t = proc->tune;
	struct afx_err err;

	if (t != NULL)
		xsk_tune_look_stop(dev);
	/* Also what busy polling of a failed start changed. */
	if (proc->state != NULL && afx_tune_undo(proc->ctl, proc->state, &err) < 0)
		XSK_LOG(ERR, "%s: %s", dev->device->name, err.text);
	if (t == NULL)
		return;
	publish(proc, NULL);
	free(t->queue);
	free(t);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks at a running port from EAL's interrupt thread: sockets whose driver gives them a NAPI only
 * with traffic, and which CPU polls which queue. For the latter a burst function that notes its
 * CPU stands in for the port's own for one interval; before and after it the path of packets is as
 * if nothing had been asked.
 */
#include <errno.h>
#include <sched.h>

#include <rte_alarm.h>

#include "xsk_tune.h"

/* From start to the first look, and between looks. */
#define LOOK_US 1000000
/* Looks for a NAPI before it is taken for missing. */
#define LOOKS_MAX 30
/* The looks between which CPUs are noted. */
#define NOTE_FROM 1
#define NOTE_TO 2

/* The function that noting() stands in for, by port. */
static eth_rx_burst_t real_burst[RTE_MAX_ETHPORTS];

static uint16_t
noting(void *queue, struct rte_mbuf **pkts, uint16_t nb)
{
	const struct xsk_rxq *q = queue;
	const struct xsk_proc *proc = xsk_proc(&rte_eth_devices[q->port_id]);
	eth_rx_burst_t burst = __atomic_load_n(&real_burst[q->port_id], __ATOMIC_ACQUIRE);

	if (proc != NULL && proc->tune != NULL && q->queue_id < proc->tune->cnt)
		__atomic_store_n(&proc->tune->queue[q->queue_id].poll_cpu, sched_getcpu(),
			__ATOMIC_RELAXED);
	return burst(queue, pkts, nb);
}

/*
 * Only where ethdev's table still holds what is to be replaced: it puts its own dummy there before
 * it stops a port.
 */
static void
swap(uint16_t port_id, eth_rx_burst_t from, eth_rx_burst_t to)
{
	__atomic_compare_exchange_n(&rte_eth_fp_ops[port_id].rx_pkt_burst, &from, to, false,
		__ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void
note_from_now(struct rte_eth_dev *dev)
{
	uint16_t id = dev->data->port_id;

	__atomic_store_n(&real_burst[id], dev->rx_pkt_burst, __ATOMIC_RELEASE);
	swap(id, dev->rx_pkt_burst, noting);
}

static void
note_no_more(struct rte_eth_dev *dev)
{
	swap(dev->data->port_id, noting, dev->rx_pkt_burst);
}

static void
look(void *arg)
{
	struct rte_eth_dev *dev = arg;
	struct xsk_tune *t = xsk_proc(dev)->tune;
	bool tuning = xsk_port(dev)->args.tune != XSK_TUNE_OFF;
	bool again = tuning && t->looks < NOTE_TO;

	t->looks++;
	if (xsk_busy_look(dev) && t->looks < LOOKS_MAX)
		again = true;
	if (tuning && t->looks == NOTE_FROM)
		note_from_now(dev);
	if (tuning && t->looks == NOTE_TO) {
		note_no_more(dev);
		xsk_tune_advise(dev);
	}
	if (again)
		rte_eal_alarm_set(LOOK_US, look, dev);
}

void
xsk_tune_look_start(struct rte_eth_dev *dev)
{
	int ret = rte_eal_alarm_set(LOOK_US, look, dev);

	if (ret < 0)
		XSK_LOG(INFO, "%s: no alarm: %s", dev->device->name, rte_strerror(-ret));
}

void
xsk_tune_look_stop(struct rte_eth_dev *dev)
{
	/* Waits for one that is running. */
	rte_eal_alarm_cancel(look, dev);
	note_no_more(dev);
}

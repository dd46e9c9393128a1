/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stopping a port: closing every queue, waiting for the proof that kernel and NIC let go of the
 * memory, and only then giving each frame back, once. Works on whatever a failed start left.
 *
 * A queue that is not released in time keeps its frames for ever (quarantine): they are counted and
 * never reused, since the NIC may still write into them.
 */
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_malloc.h>

#include "xsk_release.h"
#include "xsk_tune.h"

/* Rounds of a last kick for packets handed over just before stop. */
#define DRAIN_ROUNDS 64

/* The mbuf that own[] has in a slot: the address is the slot's with the low bits from there. */
static void *
owned(const struct xsk_rxq *q, uint64_t slot)
{
	uint64_t addr = q->map_base + (slot << XSK_SLOT_SHIFT);

	addr = (addr & ~(uint64_t)UINT16_MAX) | q->own[slot];
	return (void *)(q->base + addr - q->fill_off);
}

static void
return_rx(struct xsk_rxq *q)
{
	uint32_t cnt = 0;

	for (uint64_t i = 0; q->own != NULL && i < q->map_len; i++) {
		if (q->own[i] == XSK_OWN_NONE)
			continue;
		rte_mempool_put(q->mp, owned(q, i));
		cnt++;
	}
	for (uint64_t i = 0; q->own_mbuf != NULL && i < q->map_len; i++) {
		if (q->own_mbuf[i] == NULL)
			continue;
		rte_mempool_put(q->mp, q->own_mbuf[i]);
		cnt++;
	}
	if (cnt != q->held)
		XSK_LOG(ERR, "rx queue %u: %u frames found, %u expected", q->queue_id, cnt,
			q->held);
}

static void
return_tx(struct xsk_txq *q)
{
	for (uint32_t tag = 0; tag <= q->slot_mask; tag++) {
		if (q->slot[tag] == 0)
			continue;
		rte_pktmbuf_free_seg((struct rte_mbuf *)(q->slot[tag] & ~(uintptr_t)XSK_SLOT_CARE));
		q->slot[tag] = 0;
	}
}

static void
return_frames(struct rte_eth_dev *dev, uint16_t qid, bool released)
{
	struct xsk_pair *pair = &xsk_proc(dev)->pairs[qid];
	struct xsk_port *port = xsk_port(dev);
	struct xsk_rxq *rxq = qid < dev->data->nb_rx_queues ? dev->data->rx_queues[qid] : NULL;
	struct xsk_txq *txq = qid < dev->data->nb_tx_queues ? dev->data->tx_queues[qid] : NULL;
	uint64_t lost = 0;

	if (rxq != NULL && rxq->map_len != 0) {
		/* Of an unfinished packet the kernel has let go already. */
		rxq->held -= rxq->sg.cnt;
		xsk_rx_sg_drop(rxq);
		if (released)
			return_rx(rxq);
		else
			lost += rxq->held;
		/* What was set aside the kernel never had. */
		for (uint32_t i = 0; i < rxq->aside_cnt; i++)
			rte_mempool_put(rxq->mp, rxq->aside[i]);
		rte_free(rxq->own);
		rte_free(rxq->own_mbuf);
		rte_free(rxq->aside);
		rxq->own = NULL;
		rxq->own_mbuf = NULL;
		rxq->aside = NULL;
		rxq->map_len = 0;
		rxq->held = 0;
		rxq->aside_cnt = 0;
		rxq->aside_room = 0;
		rxq->rx = (struct afx_cons){ 0 };
		rxq->fill = (struct afx_prod){ 0 };
		rxq->fd = -1;
	}
	if (txq != NULL && txq->region != NULL) {
		if (released)
			return_tx(txq);
		else
			lost += txq->used;
		txq->tx = (struct afx_prod){ 0 };
		txq->comp = (struct afx_cons){ 0 };
		txq->region = NULL;
		txq->fd = -1;
		txq->used = 0;
	}
	if (released && pair->fill_cnt > 0)
		rte_mempool_put_bulk(pair->fill_mp, (void **)pair->fill_mbufs, pair->fill_cnt);
	else
		lost += pair->fill_cnt;
	free(pair->fill_mbufs);
	pair->fill_mbufs = NULL;
	pair->fill_cnt = 0;
	if (lost == 0)
		return;
	port->quarantined += lost;
	XSK_LOG(ERR,
		"%s: netdev queue %u of %s is still held %u ms after close (a forked child keeps "
		"its socket?): %" PRIu64 " mbufs are kept out of use for good",
		dev->device->name, port->args.start_queue + qid, port->ifname, XSK_RELEASE_WAIT_MS,
		lost);
}

/* Let what the application handed over go out, as far as it goes by itself. */
static void
drain(struct rte_eth_dev *dev, uint16_t qid)
{
	struct xsk_txq *q = qid < dev->data->nb_tx_queues ? dev->data->tx_queues[qid] : NULL;

	if (q == NULL || q->region == NULL)
		return;
#ifdef RTE_ENABLE_ASSERT
	/* Bursts have ended: whoever stops may feed. */
	if (q->feed != NULL)
		q->feed->lcore = LCORE_ID_ANY;
#endif
	for (unsigned int i = 0; i < DRAIN_ROUNDS && afx_prod_pending(&q->tx) > 0; i++) {
		uint32_t before = afx_prod_pending(&q->tx);

		xsk_tx_drain(q);
		if (q->zc)
			rte_delay_us_sleep(200);
		else if (afx_prod_pending(&q->tx) >= before)
			break;
	}
	xsk_tx_reclaim(q);
}

void
xsk_leave_map(struct rte_eth_dev *dev)
{
	const struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);

	pthread_mutex_lock(&proc->map_lock);
	for (uint16_t i = 0; i < proc->pairs_cnt; i++) {
		struct xsk_pair *pair = &proc->pairs[i];

		if (pair->in_map)
			pair->in_map = afx_prog_remove(proc->prog, port->args.start_queue + i,
				NULL) < 0;
	}
	pthread_mutex_unlock(&proc->map_lock);
}

/*
 * A dispatcher's component outlives its process: the last user of the netdev takes it away. A port
 * counts as one until it is closed, so what is left at stop is looked at again then.
 */
void
xsk_drop_prog(struct rte_eth_dev *dev, struct afx_prog *prog, bool again)
{
	struct xsk_proc *proc = xsk_proc(dev);
	struct afx_err err;
	int token, alone;

	if (prog == NULL)
		return;
	token = afx_ctl_enter(proc->ctl, &err);
	alone = afx_state_users_exclusive(proc->state);
	if (token < 0) {
		/* The same number is another interface here. */
		again = false;
		if (xsk_port(dev)->args.attach == AFX_ATTACH_DISPATCHER && alone != 0)
			XSK_LOG(ERR, "%s: the dispatcher stays on %s (xdp-loader unload takes it "
				"away): %s", dev->device->name, xsk_port(dev)->ifname, err.text);
		alone = 0;
	}
	/* Where users cannot be told apart, who attached takes away. */
	if (alone == 0 && again && xsk_port(dev)->args.attach == AFX_ATTACH_DISPATCHER)
		proc->left = prog;
	else if (alone >= 0)
		afx_prog_close_shared(prog, alone == 1);
	else
		afx_prog_close(prog);
	if (token >= 0)
		afx_ctl_leave(proc->ctl, token);
}

void
xsk_close_queues(struct rte_eth_dev *dev)
{
	struct xsk_proc *proc = xsk_proc(dev);
	struct xsk_release rel;

	xsk_leave_map(dev);
	for (uint16_t i = 0; i < proc->pairs_cnt; i++) {
		struct xsk_pair *pair = &proc->pairs[i];

		if (pair->sock == NULL)
			continue;
		if (pair->sock->bound) {
			drain(dev, i);
			xsk_kstats_collect(pair,
				i < dev->data->nb_rx_queues ? dev->data->rx_queues[i] : NULL,
				i < dev->data->nb_tx_queues ? dev->data->tx_queues[i] : NULL);
		}
	}
	xsk_release_begin(dev, &rel);
	for (uint16_t i = 0; i < proc->pairs_cnt; i++) {
		struct xsk_pair *pair = &proc->pairs[i];

		xsk_region_put(pair->region, pair);
		pair->region = NULL;
		if (pair->sock != NULL && !pair->sock->bound) {
			/* Never bound: nothing but this process saw the rings. */
			afx_socket_close(pair->sock);
			pair->sock = NULL;
			return_frames(dev, i, true);
		} else if (pair->sock != NULL) {
			afx_socket_close(pair->sock);
		}
	}
	for (uint16_t i = 0; i < proc->pairs_cnt; i++) {
		struct xsk_pair *pair = &proc->pairs[i];

		if (pair->sock == NULL)
			continue;
		pair->sock = NULL;
		return_frames(dev, i, xsk_release_wait(dev, &rel, i));
	}
	xsk_release_end(dev, &rel);
	/* An entry that could not be taken out goes with its socket; the map goes now. */
	pthread_mutex_lock(&proc->map_lock);
	for (uint16_t i = 0; i < proc->pairs_cnt; i++)
		proc->pairs[i].in_map = false;
	pthread_mutex_unlock(&proc->map_lock);
	xsk_drop_prog(dev, proc->prog, true);
	proc->prog = NULL;
}

void
xsk_stop(struct rte_eth_dev *dev)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);

	/* First of all: some drivers lose their NAPIs with the XDP program. */
	xsk_tune_stop(dev);
	xsk_close_queues(dev);
	/* A pool of which the NIC may still hold frames is never freed. */
	if (port->quarantined == 0)
		rte_mempool_free(proc->tx_pool);
	proc->tx_pool = NULL;
	pthread_mutex_lock(&proc->map_lock);
	free(proc->pairs);
	proc->pairs = NULL;
	proc->pairs_cnt = 0;
	pthread_mutex_unlock(&proc->map_lock);
	port->got = XSK_GOT_NONE;
	port->busy = false;
	port->sg.on = false;
	port->umem_pinned = 0;
	port->umem_heads = 0;
	port->umem_regions = 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The proof that kernel and NIC have let go of a queue, see xsk_release.h: nothing is bound to it,
 * or what is bound to it is somebody else's. Two sockets with memory of their own are never bound
 * to one queue at once, so another's means that ours is released.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "afx_holder.h"
#include "xsk_release.h"

/* Longer than any release was seen to take where nobody wants the queue: 56 ms. */
#define NORMAL_MS 100

/* From the end of a socket's file to where its unbinding is over, an RCU grace period included. */
#define SETTLE_MS 500

/* For an answer of the kernel's list of sockets. */
#define LIST_MS 1000

struct xsk_release_mark {
	int watch;               /* whether the socket is still there; -1 none */
	uint64_t gone;           /* TSC when it was first seen gone, 0 before */
	uint64_t cookie;
	bool sole;               /* ours was the only socket on the queue */
};

/* Those on the queue, as the kernel lists them, or -errno. */
static int
list_holders(struct rte_eth_dev *dev, const struct xsk_release *rel, uint16_t qid,
	     struct afx_holders *found)
{
	struct xsk_port *port = xsk_port(dev);

	if (rel->diag == NULL)
		return -EOPNOTSUPP;
	return afx_holder_list(rel->diag, port->ifindex, port->args.start_queue + qid,
		rel->mark[qid].cookie, found, NULL);
}

static void
open_diag(struct rte_eth_dev *dev, struct xsk_release *rel)
{
	struct xsk_proc *proc = xsk_proc(dev);
	int token, ret;

	rel->diag = calloc(1, sizeof(*rel->diag));
	if (rel->diag == NULL)
		return;
	token = afx_ctl_enter(proc->ctl, NULL);
	ret = token < 0 ? token : afx_nl_open(NETLINK_SOCK_DIAG, rel->diag, NULL);
	if (token >= 0)
		afx_ctl_leave(proc->ctl, token);
	if (ret < 0) {
		free(rel->diag);
		rel->diag = NULL;
		return;
	}
	rel->diag->timeout_ms = LIST_MS;
}

static void
close_diag(struct xsk_release *rel)
{
	if (rel->diag != NULL)
		afx_nl_close(rel->diag);
	free(rel->diag);
	rel->diag = NULL;
}

static void
mark_pair(struct rte_eth_dev *dev, struct xsk_release *rel, uint16_t qid)
{
	const struct xsk_txq *txq = qid < dev->data->nb_tx_queues ? dev->data->tx_queues[qid] :
		NULL;
	const struct xsk_pair *pair = &xsk_proc(dev)->pairs[qid];
	const struct afx_socket *sock = pair->sock;
	struct xsk_release_mark *mark = &rel->mark[qid];
	struct afx_holders found;
	int ret;

	/*
	 * In copy mode only the socket itself writes into frames and reads them, but for packets on
	 * their way, of which some drivers send from where they lie.
	 */
	if (!sock->zero_copy && !pair->in_map &&
			(txq == NULL || txq->region == NULL || txq->used == 0))
		mark->watch = afx_holder_watch(sock->fd);
	if (mark->watch >= 0)
		return;
	if (!rel->asked)
		open_diag(dev, rel);
	rel->asked = true;
	mark->cookie = afx_holder_cookie(sock->fd);
	ret = list_holders(dev, rel, qid, &found);
	/* A kernel without the list looks for a module each time it is asked. */
	if (ret < 0)
		close_diag(rel);
	/* Whoever shares ours has the same memory, and would be taken for another. */
	mark->sole = ret == 0 && mark->cookie != 0 && found.ours && found.others == 0;
}

void
xsk_release_begin(struct rte_eth_dev *dev, struct xsk_release *rel)
{
	struct xsk_proc *proc = xsk_proc(dev);
	uint64_t hz = rte_get_timer_hz(), now;

	rel->diag = NULL;
	rel->asked = false;
	rel->no_dev = 0;
	rel->mark = calloc(proc->pairs_cnt, sizeof(*rel->mark));
	for (uint16_t i = 0; rel->mark != NULL && i < proc->pairs_cnt; i++) {
		rel->mark[i].watch = -1;
		if (proc->pairs[i].sock != NULL && proc->pairs[i].sock->bound)
			mark_pair(dev, rel, i);
	}
	now = rte_get_timer_cycles();
	rel->deadline = now + hz * XSK_RELEASE_WAIT_MS / 1000;
	rel->normal = now + hz * NORMAL_MS / 1000;
}

/*
 * 1 nothing is bound to the queue, 0 something is, -ENODEV there is no such interface any more,
 * else -errno: cannot be told.
 */
static int
ask_free(struct rte_eth_dev *dev, uint32_t queue)
{
	struct xsk_proc *proc = xsk_proc(dev);
	int ifindex = xsk_port(dev)->ifindex;
	struct afx_netdev nd;
	int ret, token;

	if (proc->xsk_reported) {
		ret = afx_netdev_queue_xsk(proc->ctl, ifindex, queue, NULL);
		if (ret == -ENODEV)
			return ret;
		if (ret >= 0)
			return ret == 0;
	}
	token = afx_ctl_enter(proc->ctl, NULL);
	if (token < 0)
		return token;
	ret = afx_socket_released(ifindex, queue);
	afx_ctl_leave(proc->ctl, token);
	return ret == 1 && afx_netdev_by_index(proc->ctl, ifindex, &nd, NULL) == -ENODEV ?
		-ENODEV : ret;
}

/* Whether ours is gone, whatever is bound to the queue now. */
static bool
is_gone(struct rte_eth_dev *dev, const struct xsk_release *rel, uint16_t qid, uint64_t now)
{
	struct xsk_release_mark *mark;
	struct afx_holders found;

	if (rel->mark == NULL)
		return false;
	mark = &rel->mark[qid];
	if (mark->watch >= 0) {
		if (afx_holder_watched(mark->watch) != 0)
			return false;
		if (mark->gone == 0)
			mark->gone = now;
		return now - mark->gone > rte_get_timer_hz() * SETTLE_MS / 1000;
	}
	return now > rel->normal && mark->sole && list_holders(dev, rel, qid, &found) == 0 &&
		!found.ours && found.others > 0;
}

bool
xsk_release_wait(struct rte_eth_dev *dev, struct xsk_release *rel, uint16_t qid)
{
	uint32_t queue = xsk_port(dev)->args.start_queue + qid;

	for (;;) {
		uint64_t now = rte_get_timer_cycles();
		int ret = ask_free(dev, queue);

		if (ret == 1)
			return true;
		/* It cannot be found a moment before its sockets are unbound. */
		if (ret == -ENODEV && rel->no_dev == 0)
			rel->no_dev = now;
		if (ret == -ENODEV && now - rel->no_dev > rte_get_timer_hz() * SETTLE_MS / 1000)
			return true;
		if (is_gone(dev, rel, qid, now))
			return true;
		if (now > rel->deadline)
			return false;
		rte_delay_us_sleep(1000);
	}
}

void
xsk_release_end(struct rte_eth_dev *dev, struct xsk_release *rel)
{
	for (uint16_t i = 0; rel->mark != NULL && i < xsk_proc(dev)->pairs_cnt; i++) {
		if (rel->mark[i].watch >= 0)
			close(rel->mark[i].watch);
	}
	free(rel->mark);
	close_diag(rel);
}

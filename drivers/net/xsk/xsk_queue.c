/* SPDX-License-Identifier: BSD-3-Clause */
/* Queue setup and release, and information on a queue. Nothing here touches the kernel. */
#include <errno.h>

#include <rte_malloc.h>

#include "xsk.h"

/*
 * Packets in flight at which completions are reclaimed: late enough for a good batch, early enough
 * for mbufs that are still in the cache. As free threshold it is what remains of the descriptors.
 */
#define TX_INFLIGHT 128
/* Missing buffers that make a refill worth its store to the shared index. */
#define RX_FREE_THRESH 64

static int
check_desc(const char *what, uint16_t qid, uint16_t nb_desc)
{
	if (nb_desc >= XSK_DESC_MIN && nb_desc <= XSK_DESC_MAX)
		return 0;
	XSK_LOG(ERR, "%s queue %u: %u descriptors are outside %u..%u", what, qid, nb_desc,
		XSK_DESC_MIN, XSK_DESC_MAX);
	return -EINVAL;
}

static int
check_deferred(const char *what, uint16_t qid, uint8_t deferred)
{
	if (!deferred)
		return 0;
	XSK_LOG(ERR, "%s queue %u: deferred start is not supported: all queues start with the port",
		what, qid);
	return -ENOTSUP;
}

/* Thresholds: 0 means the default; a value must leave something to work with. */
static int
threshold(const char *what, uint16_t qid, uint16_t asked, uint16_t dflt, uint16_t nb_desc,
	uint32_t *out)
{
	if (asked >= nb_desc) {
		XSK_LOG(ERR, "%s queue %u: free threshold %u is not below the %u descriptors", what,
			qid, asked, nb_desc);
		return -EINVAL;
	}
	*out = asked != 0 ? asked : dflt;
	return 0;
}

int
xsk_rx_queue_setup(struct rte_eth_dev *dev, uint16_t qid, uint16_t nb_desc,
	unsigned int socket_id, const struct rte_eth_rxconf *conf, struct rte_mempool *mp)
{
	struct xsk_layout lay;
	struct xsk_frames fr;
	struct afx_err err;
	struct xsk_rxq *q;
	uint32_t thresh;
	int ret;

	ret = check_desc("rx", qid, nb_desc);
	if (ret == 0)
		ret = check_deferred("rx", qid, conf->rx_deferred_start);
	if (ret == 0)
		ret = threshold("rx", qid, conf->rx_free_thresh,
			RTE_MIN(RX_FREE_THRESH, nb_desc / 4), nb_desc, &thresh);
	if (ret < 0)
		return ret;
	if (mp == NULL) {
		XSK_LOG(ERR, "rx queue %u: no mempool given (buffer split is not supported)", qid);
		return -EINVAL;
	}
	ret = xsk_layout_get(mp, &lay, &err);
	if (ret == 0)
		ret = xsk_frames_get(&lay, true, false, &fr, &err);
	if (ret < 0) {
		XSK_LOG(ERR, "rx queue %u: %s", qid, err.text);
		return ret;
	}
	q = rte_zmalloc_socket("xsk_rxq", sizeof(*q), RTE_CACHE_LINE_SIZE, socket_id);
	if (q == NULL) {
		XSK_LOG(ERR, "rx queue %u: no memory for %zu bytes on socket %u", qid, sizeof(*q),
			socket_id);
		return -ENOMEM;
	}
	q->mp = mp;
	q->layout = lay;
	q->frames = fr;
	q->nb_desc = nb_desc;
	q->free_thresh = thresh;
	q->conf = *conf;
	q->conf.rx_free_thresh = thresh;
	q->port_id = dev->data->port_id;
	q->queue_id = qid;
	q->socket_id = socket_id;
	q->fd = -1;
	dev->data->rx_queues[qid] = q;
	return 0;
}

int
xsk_tx_queue_setup(struct rte_eth_dev *dev, uint16_t qid, uint16_t nb_desc,
	unsigned int socket_id, const struct rte_eth_txconf *conf)
{
	struct xsk_txq *q;
	uint32_t thresh, slots = rte_align32pow2(nb_desc);
	int ret;

	ret = check_desc("tx", qid, nb_desc);
	if (ret == 0)
		ret = check_deferred("tx", qid, conf->tx_deferred_start);
	if (ret == 0)
		ret = threshold("tx", qid, conf->tx_free_thresh,
			nb_desc - RTE_MIN(TX_INFLIGHT, nb_desc / 2), nb_desc, &thresh);
	if (ret < 0)
		return ret;
	q = rte_zmalloc_socket("xsk_txq", sizeof(*q), RTE_CACHE_LINE_SIZE, socket_id);
	if (q != NULL) {
		q->slot = rte_zmalloc_socket("xsk_slots", slots * sizeof(*q->slot),
			RTE_CACHE_LINE_SIZE, socket_id);
	}
	if (q == NULL || q->slot == NULL) {
		XSK_LOG(ERR, "tx queue %u: no memory for %u descriptors on socket %u", qid, nb_desc,
			socket_id);
		rte_free(q);
		return -ENOMEM;
	}
	q->slot_mask = slots - 1;
	q->nb_desc = nb_desc;
	q->free_thresh = thresh;
	q->conf = *conf;
	q->conf.tx_free_thresh = thresh;
	q->port_id = dev->data->port_id;
	q->queue_id = qid;
	q->socket_id = socket_id;
	q->fd = -1;
	dev->data->tx_queues[qid] = q;
	return 0;
}

void
xsk_rx_queue_release(struct rte_eth_dev *dev, uint16_t qid)
{
	struct xsk_rxq *q = dev->data->rx_queues[qid];

	dev->data->rx_queues[qid] = NULL;
	if (q != NULL)
		rte_free(q->recycle);
	rte_free(q);
}

void
xsk_tx_queue_release(struct rte_eth_dev *dev, uint16_t qid)
{
	struct xsk_txq *q = dev->data->tx_queues[qid];

	dev->data->tx_queues[qid] = NULL;
	if (q == NULL)
		return;
	rte_free(q->slot);
	rte_free(q);
}

void
xsk_rxq_info_get(struct rte_eth_dev *dev, uint16_t qid, struct rte_eth_rxq_info *info)
{
	struct xsk_rxq *q = dev->data->rx_queues[qid];

	info->mp = q->mp;
	info->conf = q->conf;
	info->nb_desc = q->nb_desc;
	info->scattered_rx = q->sg.segs_max > 1;
	info->rx_buf_size = q->frames.room;
}

void
xsk_txq_info_get(struct rte_eth_dev *dev, uint16_t qid, struct rte_eth_txq_info *info)
{
	struct xsk_txq *q = dev->data->tx_queues[qid];

	info->conf = q->conf;
	info->nb_desc = q->nb_desc;
}

static int
burst_mode(struct rte_eth_dev *dev, const char *burst, struct rte_eth_burst_mode *mode)
{
	const struct xsk_port *port = xsk_port(dev);

	mode->flags = 0;
	snprintf(mode->info, sizeof(mode->info), "%s%s, %s%s%s", burst,
		port->sg.on ? " multi-buffer" : "", xsk_got_name(port->got),
		port->why[0] != '\0' ? "; not more because: " : "", port->why);
	return 0;
}

int
xsk_rx_burst_mode_get(struct rte_eth_dev *dev, uint16_t qid, struct rte_eth_burst_mode *mode)
{
	const struct xsk_rxq *q = dev->data->rx_queues[qid];

	if (q == NULL)
		return -EINVAL;
	return burst_mode(dev, q->layout.pinned ? "Scalar pinned" :
		xsk_rx_burst_name(dev->rx_pkt_burst), mode);
}

int
xsk_tx_burst_mode_get(struct rte_eth_dev *dev, uint16_t qid __rte_unused,
	struct rte_eth_burst_mode *mode)
{
	return burst_mode(dev, "Scalar", mode);
}

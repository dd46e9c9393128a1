/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The port in a secondary process. dumpcap and proc-info probe every vdev of the primary without
 * being asked: here the port exists for information only. Nothing is opened, attached or written;
 * bursts move no packets; every pointer the fast path may call is set.
 */
#include <errno.h>

#include "xsk.h"

static uint16_t
no_prepare(void *queue __rte_unused, struct rte_mbuf **pkts __rte_unused, uint16_t nb)
{
	return nb;
}

static xsk_queue_count_t
no_count(void *queue __rte_unused)
{
	/* ethdev hands it on as int in all lines. */
	return (xsk_queue_count_t)-ENOTSUP;
}

static int
no_status(void *queue __rte_unused, uint16_t offset __rte_unused)
{
	return -ENOTSUP;
}

#ifdef XSK_HAVE_TX_QUEUE_COUNT
static int
no_tx_count(void *queue __rte_unused)
{
	return -ENOTSUP;
}
#endif

#ifdef XSK_HAVE_RECYCLE
static uint16_t
no_reuse(void *queue __rte_unused, struct rte_eth_recycle_rxq_info *info __rte_unused)
{
	return 0;
}

static void
no_refill(void *queue __rte_unused, uint16_t nb __rte_unused)
{
}
#endif

void
xsk_set_dummies(struct rte_eth_dev *dev)
{
	dev->rx_pkt_burst = rte_eth_pkt_burst_dummy;
	dev->tx_pkt_burst = rte_eth_pkt_burst_dummy;
	dev->tx_pkt_prepare = no_prepare;
	dev->rx_queue_count = no_count;
	dev->rx_descriptor_status = no_status;
	dev->tx_descriptor_status = no_status;
#ifdef XSK_HAVE_TX_QUEUE_COUNT
	dev->tx_queue_count = no_tx_count;
#endif
#ifdef XSK_HAVE_RECYCLE
	dev->recycle_tx_mbufs_reuse = no_reuse;
	dev->recycle_rx_descriptors_refill = no_refill;
#endif
}

/* What the primary last saw of the link stands in shared memory. */
static int
keep_link(struct rte_eth_dev *dev __rte_unused, int wait __rte_unused)
{
	return 0;
}

static const struct eth_dev_ops info_ops = {
	.dev_close = xsk_dev_close,
	.dev_infos_get = xsk_dev_infos_get,
	.link_update = keep_link,
	.stats_get = xsk_stats_get,
	.xstats_get = xsk_xstats_get,
	.xstats_get_names = xsk_xstats_get_names,
	.rxq_info_get = xsk_rxq_info_get,
	.txq_info_get = xsk_txq_info_get,
	.rx_burst_mode_get = xsk_rx_burst_mode_get,
	.tx_burst_mode_get = xsk_tx_burst_mode_get,
};

int
xsk_mp_attach(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_attach_secondary(rte_vdev_device_name(vdev));

	if (dev == NULL) {
		XSK_LOG(ERR, "%s: the primary process has no such port",
			rte_vdev_device_name(vdev));
		return -ENODEV;
	}
	dev->dev_ops = &info_ops;
	dev->device = &vdev->device;
	dev->process_private = NULL;
	xsk_set_dummies(dev);
	rte_eth_dev_probing_finish(dev);
	return 0;
}

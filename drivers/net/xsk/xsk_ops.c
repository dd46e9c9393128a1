/* SPDX-License-Identifier: BSD-3-Clause */
/* The ethdev operations of a port in the primary: configure, start, stop, close, information. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "xsk.h"
#include "xsk_desc.h"

/*
 * ethdev and applications take the difference to max_rx_pktlen for the length of the header, but
 * not where this is UINT16_MAX: they would add an FCS, and set no MTU of the last four.
 */
static uint32_t
max_mtu(const struct rte_eth_dev *dev)
{
	const struct xsk_port *port = xsk_port(dev);
	uint32_t most = RTE_MIN(xsk_max_frame(dev) - RTE_ETHER_HDR_LEN, UINT16_MAX - 1u);

	return port->max_mtu != 0 ? RTE_MIN(most, port->max_mtu) : most;
}

/*
 * ethdev writes MTU 1500, or the most there is, into every configuration that names none, so that
 * value cannot be told from a wish: only another one is.
 */
static int
xsk_dev_configure(struct rte_eth_dev *dev)
{
	struct xsk_port *port = xsk_port(dev);
	uint32_t want = dev->data->dev_conf.rxmode.mtu;
	struct afx_netdev nd;
	int ret;

	ret = xsk_netdev_refresh(dev, &nd);
	if (ret < 0) {
		XSK_LOG(ERR, "%s: interface %s is gone", dev->device->name, port->ifname);
		return ret;
	}
	if (want != RTE_MIN(max_mtu(dev), (uint32_t)RTE_ETHER_MTU) && want != nd.mtu) {
		ret = xsk_mtu_set(dev, want);
		if (ret < 0)
			return ret;
		nd.mtu = want;
	}
	dev->data->mtu = RTE_MIN(nd.mtu, (uint32_t)UINT16_MAX);
	return 0;
}

static void
set_queue_states(struct rte_eth_dev *dev, uint8_t state)
{
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		dev->data->rx_queue_state[i] = state;
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		dev->data->tx_queue_state[i] = state;
}

static int
xsk_dev_start(struct rte_eth_dev *dev)
{
	bool pinned = false;
	int ret;

	ret = xsk_start(dev);
	if (ret < 0)
		return ret;
	dev->data->scattered_rx = 0;
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct xsk_rxq *q = dev->data->rx_queues[i];

		pinned |= q->layout.pinned;
		dev->data->scattered_rx |= q->sg.segs_max > 1;
	}
	if (xsk_port(dev)->sg.on) {
		dev->rx_pkt_burst = xsk_rx_burst_sg;
		dev->tx_pkt_burst = xsk_tx_burst_sg;
	} else {
		dev->rx_pkt_burst = xsk_rx_burst_choose(pinned);
		dev->tx_pkt_burst = xsk_tx_burst;
	}
	set_queue_states(dev, RTE_ETH_QUEUE_STATE_STARTED);
	xsk_link_update(dev, 0);
	return 0;
}

static int
xsk_dev_stop(struct rte_eth_dev *dev)
{
	struct rte_eth_link down = { .link_status = RTE_ETH_LINK_DOWN };

	dev->rx_pkt_burst = rte_eth_pkt_burst_dummy;
	dev->tx_pkt_burst = rte_eth_pkt_burst_dummy;
	/*
	 * A burst that began before may still run on another lcore: ethdev leaves that to the user.
	 */
	rte_wmb();
	xsk_stop(dev);
	set_queue_states(dev, RTE_ETH_QUEUE_STATE_STOPPED);
	rte_eth_linkstatus_set(dev, &down);
	return 0;
}

int
xsk_dev_close(struct rte_eth_dev *dev)
{
	struct xsk_proc *proc = xsk_proc(dev);

	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return 0;
	if (proc == NULL)
		return 0;
	xsk_stop(dev);
	xsk_set_dummies(dev);
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		xsk_rx_queue_release(dev, i);
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		xsk_tx_queue_release(dev, i);
	xsk_proc_free(dev);
	/* The address lies in dev_private, which ethdev frees itself. */
	dev->data->mac_addrs = NULL;
	return 0;
}

uint32_t
xsk_max_frame(const struct rte_eth_dev *dev)
{
	uint32_t most = UINT32_MAX;

	/* While the port is configured, queues of the last time say nothing: others will come. */
	for (uint16_t i = 0; dev->data->dev_configured && i < dev->data->nb_rx_queues; i++) {
		const struct xsk_rxq *q = dev->data->rx_queues == NULL ? NULL :
			dev->data->rx_queues[i];

		if (q != NULL)
			most = RTE_MIN(most, xsk_sg_max_frame(dev, q));
	}
	if (most != UINT32_MAX)
		return most;
	return xsk_sg_possible(xsk_port(dev)) ? XSK_FRAME_MAX : XSK_ROOM_MAX;
}

int
xsk_dev_infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	const struct xsk_port *port = xsk_port(dev);
	const struct rte_eth_desc_lim lim = {
		.nb_max = XSK_DESC_MAX,
		.nb_min = XSK_DESC_MIN,
		.nb_align = 1,
	};

	info->if_index = port->ifindex;
	info->max_mac_addrs = 1;
	info->max_rx_queues = port->max_rxq;
	info->max_tx_queues = port->max_txq;
	info->min_rx_bufsize = AFX_CHUNK_MIN - AFX_XDP_HEADROOM;
	info->min_mtu = RTE_MAX((uint32_t)RTE_ETHER_MIN_MTU, port->min_mtu);
	info->max_mtu = max_mtu(dev);
	info->max_rx_pktlen = info->max_mtu + RTE_ETHER_HDR_LEN;
	/* What completes goes back in bulk with or without it: the mbufs need only be plain. */
	info->tx_offload_capa = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	info->tx_queue_offload_capa = info->tx_offload_capa;
	info->rx_desc_lim = lim;
	info->tx_desc_lim = lim;
	xsk_sg_info(dev, info);
	info->default_rxportconf.ring_size = XSK_DESC_DEFAULT;
	info->default_txportconf.ring_size = XSK_DESC_DEFAULT;
	info->default_rxportconf.nb_queues = 1;
	info->default_txportconf.nb_queues = 1;
	info->default_rxportconf.burst_size = 32;
	info->default_txportconf.burst_size = 32;
	info->dev_capa &= ~RTE_ETH_DEV_CAPA_FLOW_RULE_KEEP;
	info->speed_capa = RTE_ETH_LINK_SPEED_AUTONEG;
	return 0;
}

static int
xsk_priv_dump(struct rte_eth_dev *dev, FILE *f)
{
	const struct xsk_port *port = xsk_port(dev);

	fprintf(f, "  interface: %s (ifindex %d, driver %s)\n", port->ifname, port->ifindex,
		port->driver);
	fprintf(f, "  mode: %s\n  not more because: %s\n", xsk_got_name(port->got),
		port->why[0] != '\0' ? port->why : "-");
	fprintf(f, "  netdev queues: from %u, rx %u, tx %u in use by the netdev\n",
		port->args.start_queue, port->netdev_rx, port->netdev_tx);
	fprintf(f,
		"  umem: %" PRIu64 " bytes pinned in %u registration(s), %" PRIu64
		" bytes of kernel heads\n",
		port->umem_pinned, port->umem_regions, port->umem_heads);
	fprintf(f, "  multi-buffer: %s\n", port->sg.on ? "on" : "off");
	return 0;
}

const struct eth_dev_ops xsk_ops = {
	.dev_configure = xsk_dev_configure,
	.dev_start = xsk_dev_start,
	.dev_stop = xsk_dev_stop,
	.dev_close = xsk_dev_close,
	.dev_set_link_up = xsk_set_link_up,
	.dev_set_link_down = xsk_set_link_down,
	.is_removed = xsk_is_removed,
	.dev_infos_get = xsk_dev_infos_get,
	.link_update = xsk_link_update,
	.mtu_set = xsk_mtu_set,
	.mac_addr_set = xsk_mac_addr_set,
	.promiscuous_enable = xsk_promiscuous_enable,
	.promiscuous_disable = xsk_promiscuous_disable,
	.allmulticast_enable = xsk_allmulticast_enable,
	.allmulticast_disable = xsk_allmulticast_disable,
	.stats_get = xsk_stats_get,
	.stats_reset = xsk_stats_reset,
	.xstats_get = xsk_xstats_get,
	.xstats_get_names = xsk_xstats_get_names,
	.xstats_reset = xsk_stats_reset,
	.rx_queue_setup = xsk_rx_queue_setup,
	.tx_queue_setup = xsk_tx_queue_setup,
	.rx_queue_release = xsk_rx_queue_release,
	.tx_queue_release = xsk_tx_queue_release,
	.rxq_info_get = xsk_rxq_info_get,
	.txq_info_get = xsk_txq_info_get,
	.rx_burst_mode_get = xsk_rx_burst_mode_get,
	.tx_burst_mode_get = xsk_tx_burst_mode_get,
	.tx_done_cleanup = xsk_tx_done_cleanup,
#ifdef XSK_HAVE_RECYCLE
	.recycle_rxq_info_get = xsk_recycle_rxq_info_get,
#endif
	.get_monitor_addr = xsk_get_monitor_addr,
	.eth_dev_priv_dump = xsk_priv_dump,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* The port of an ethdev candidate: pool, queues, start, and what the driver says it got. */
#include <errno.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dut.h"

#define CACHE 256
#define RING_DEFAULT 1024    /* as in DPDK's own applications, where the driver has no wish */

static int
fail(int ret, const struct job *job, const char *call, struct afx_err *err)
{
	return afx_err_set(err, ret, "%s for %u queue(s), frames of %u bytes: %s (%d)", call,
		job->queues, job->size.longest, rte_strerror(-ret), -ret);
}

/* Every frame of a transmitting pool has its content once and for all. */
static void
fill_frame(struct rte_mempool *mp, void *arg, void *obj, unsigned int idx)
{
	const struct job *job = arg;
	struct rte_mbuf *m = obj;
	uint8_t *data = (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM;

	(void)mp;
	frame_build(data, job->size.longest, job->dst_mac);
	frame_set_flow(data, idx & (job->flows - 1));
}

static int
make_pool(struct job_page *page, uint32_t mbufs, struct dut_port *port, struct afx_err *err)
{
	struct job *job = &page->job;
	uint32_t size = job->mbuf_size != 0 ? job->mbuf_size : RTE_MBUF_DEFAULT_BUF_SIZE;

	if (job->work != WORK_RX && size < RTE_PKTMBUF_HEADROOM + job->size.longest)
		return afx_err_set(err, -EINVAL,
			"mbufs of %u bytes cannot hold frames of %u: give --mbuf-size %u", size,
			job->size.longest, job->size.longest + RTE_PKTMBUF_HEADROOM);
	port->pool = rte_pktmbuf_pool_create("bench", mbufs, CACHE, 0, size, SOCKET_ID_ANY);
	if (port->pool == NULL)
		return afx_err_set(err, -rte_errno,
			"pool of %u mbufs: %s; free hugepages are needed (or --eal "
			"'--no-huge -m 512')", mbufs, rte_strerror(rte_errno));
	if (job->work == WORK_TX)
		rte_mempool_obj_iter(port->pool, fill_frame, job);
	page->mbufs_got = mbufs;
	return 0;
}

static int
setup_queues(struct job_page *page, const struct rte_eth_dev_info *info,
	const struct rte_eth_conf *conf, struct dut_port *port, struct afx_err *err)
{
	struct rte_eth_rxconf rxc = info->default_rxconf;
	struct rte_eth_txconf txc = info->default_txconf;
	struct job *job = &page->job;
	uint32_t mbufs = job->mbufs;
	uint16_t rxd = job->rxd, txd = job->txd;
	int ret;

	if (rxd == 0)
		rxd = info->default_rxportconf.ring_size;
	if (txd == 0)
		txd = info->default_txportconf.ring_size;
	rxd = rxd != 0 ? rxd : RING_DEFAULT;
	txd = txd != 0 ? txd : RING_DEFAULT;
	ret = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rxd, &txd);
	if (ret < 0)
		return fail(ret, job, "adjusting descriptors", err);
	page->rxd_got = rxd;
	page->txd_got = txd;
	if (mbufs == 0)
		mbufs = job->queues * (2 * (rxd + txd) + 1024) + job->n_cpus * 2 * CACHE + 4096;
	ret = make_pool(page, mbufs, port, err);
	if (ret < 0)
		return ret;
	rxc.offloads = conf->rxmode.offloads;
	txc.offloads = conf->txmode.offloads;
	for (uint16_t q = 0; q < job->queues; q++) {
		ret = rte_eth_rx_queue_setup(port->id, q, rxd, SOCKET_ID_ANY, &rxc, port->pool);
		if (ret < 0)
			return fail(ret, job, "rte_eth_rx_queue_setup", err);
		ret = rte_eth_tx_queue_setup(port->id, q, txd, SOCKET_ID_ANY, &txc);
		if (ret < 0)
			return fail(ret, job, "rte_eth_tx_queue_setup", err);
	}
	return 0;
}

static void
note_modes(struct job_page *page, uint16_t id)
{
	struct rte_eth_burst_mode mode;

	if (rte_eth_rx_burst_mode_get(id, 0, &mode) == 0)
		snprintf(page->rx_mode, sizeof(page->rx_mode), "%.*s",
			(int)sizeof(page->rx_mode) - 1, mode.info);
	if (rte_eth_tx_burst_mode_get(id, 0, &mode) == 0)
		snprintf(page->tx_mode, sizeof(page->tx_mode), "%.*s",
			(int)sizeof(page->rx_mode) - 1, mode.info);
}

int
dut_port_start(struct job_page *page, struct dut_port *port, struct afx_err *err)
{
	struct job *job = &page->job;
	struct rte_eth_conf conf = { .rxmode = { .mq_mode = RTE_ETH_MQ_RX_NONE } };
	struct rte_eth_dev_info info;
	int ret;

	if (rte_eth_dev_count_avail() != 1)
		return afx_err_set(err, -ENODEV, "%s: %u ports instead of one", job->vdev,
			rte_eth_dev_count_avail());
	port->id = rte_eth_find_next(0);
	ret = rte_eth_dev_info_get(port->id, &info);
	if (ret < 0)
		return fail(ret, job, "rte_eth_dev_info_get", err);
	if (job->queues > info.max_rx_queues || job->queues > info.max_tx_queues)
		return afx_err_set(err, -ENOTSUP,
			"the driver has %u Rx and %u Tx queue(s) here, not %u", info.max_rx_queues,
			info.max_tx_queues, job->queues);
	if (job->size.longest > (uint32_t)info.max_mtu + ETH_HLEN)
		return afx_err_set(err, -ENOTSUP,
			"frames of %u bytes: the driver takes up to %u here (max_mtu %u)",
			job->size.longest, (uint32_t)info.max_mtu + ETH_HLEN, info.max_mtu);
	if (job->size.longest > 1514)
		conf.rxmode.mtu = job->size.longest - ETH_HLEN;
	if (job->size.longest > 1514 && job->mbuf_size == 0)
		conf.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	if (!job->no_fast_free)
		conf.txmode.offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	page->fast_free = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) != 0;
	ret = rte_eth_dev_configure(port->id, job->queues, job->queues, &conf);
	if (ret < 0)
		return fail(ret, job, "rte_eth_dev_configure", err);
	ret = setup_queues(page, &info, &conf, port, err);
	if (ret < 0)
		return ret;
	ret = rte_eth_dev_start(port->id);
	if (ret < 0)
		return fail(ret, job, "rte_eth_dev_start", err);
	note_modes(page, port->id);
	return 0;
}

void
dut_port_stop(struct dut_port *port)
{
	rte_eth_dev_stop(port->id);
	rte_eth_dev_close(port->id);
	rte_mempool_free(port->pool);
}

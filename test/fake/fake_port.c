/* SPDX-License-Identifier: BSD-3-Clause */
/* A port of the driver without ethdev and without a netdev, see fake_port.h. */
#include <errno.h>
#include <string.h>

#include <rte_cpuflags.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "afx_napi.h"
#include "afx_test.h"
#include "afx_tune.h"
#include "fake_port.h"

/* The control side, as far as the driver's queue and stop functions call it. */
int xsk_logtype_init;
unsigned int fake_busy_off;
struct fake_napi fake_napi = { .rx = 1, .tx = 1 };

const char *
xsk_got_name(enum xsk_got got)
{
	(void)got;
	return "fake";
}

void
xsk_kstats_collect(struct xsk_pair *pair, struct xsk_rxq *rxq, struct xsk_txq *txq)
{
	(void)pair;
	(void)rxq;
	(void)txq;
}

int
afx_ctl_enter(const struct afx_ctl *ctl, struct afx_err *err)
{
	(void)ctl;
	(void)err;
	return 0;
}

void
afx_ctl_leave(const struct afx_ctl *ctl, int token)
{
	(void)ctl;
	(void)token;
}

int
afx_netdev_queue_xsk(struct afx_ctl *ctl, int ifindex, uint32_t queue, struct afx_err *err)
{
	(void)ctl;
	(void)ifindex;
	(void)queue;
	(void)err;
	return !fake_released;
}

int
afx_netdev_by_index(struct afx_ctl *ctl, int ifindex, struct afx_netdev *nd, struct afx_err *err)
{
	(void)ctl;
	(void)err;
	*nd = (struct afx_netdev){ .ifindex = ifindex };
	return 0;
}

int
afx_netdev_xdp_features(struct afx_ctl *ctl, int ifindex, struct afx_xdp_features *f,
	struct afx_err *err)
{
	(void)ctl;
	(void)ifindex;
	(void)err;
	*f = (struct afx_xdp_features){ 0 };
	return 0;
}

int
afx_prog_put(struct afx_prog *prog, uint32_t queue, int xsk_fd, struct afx_err *err)
{
	(void)prog;
	(void)queue;
	(void)xsk_fd;
	(void)err;
	return 0;
}

int
afx_prog_remove(struct afx_prog *prog, uint32_t queue, struct afx_err *err)
{
	(void)prog;
	(void)queue;
	(void)err;
	return 0;
}

void
afx_prog_close_shared(struct afx_prog *prog, bool last)
{
	(void)prog;
	(void)last;
}

void
afx_prog_close(struct afx_prog *prog)
{
	(void)prog;
}

int
afx_state_users_exclusive(struct afx_state *st)
{
	(void)st;
	return 1;
}

uint32_t
afx_napi_id(int fd)
{
	(void)fd;
	return fake_napi.rx;
}

int
afx_napi_busy_on(int fd, uint32_t budget, bool prefer, struct afx_err *err)
{
	(void)fd;
	(void)budget;
	(void)err;
	fake_napi.prefer = prefer;
	fake_napi.on++;
	return 0;
}

void
afx_napi_unprefer(int fd)
{
	(void)fd;
	fake_busy_off++;
}

int
afx_netdev_queue_napi(struct afx_ctl *ctl, int ifindex, uint32_t queue, bool rx,
	uint32_t *napi_id, struct afx_err *err)
{
	(void)ctl;
	(void)ifindex;
	(void)queue;
	(void)err;
	*napi_id = fake_napi.untold ? 0 : rx ? fake_napi.rx : fake_napi.tx;
	return 0;
}

int
afx_netdev_napi_get(struct afx_ctl *ctl, uint32_t id, struct afx_napi *napi, struct afx_err *err)
{
	(void)ctl;
	(void)err;
	*napi = (struct afx_napi){ .id = id };
	return 0;
}

int
afx_tune_napi(struct afx_ctl *ctl, struct afx_state *st, uint32_t id,
	const struct afx_napi_params *want, struct afx_err *err)
{
	(void)ctl;
	(void)st;
	(void)id;
	(void)want;
	(void)err;
	return 0;
}

void
xsk_tune_stop(struct rte_eth_dev *dev)
{
	(void)dev;
}

void
fake_eal(const char *name)
{
	char prog[32], mem[] = "-m", mib[] = "320", no_huge[] = "--no-huge";
	char no_conf[] = "--no-shconf", no_pci[] = "--no-pci", no_tel[] = "--no-telemetry";
	char lcores[] = "-l0", level[] = "--log-level=critical", iova[] = "--iova-mode=va";
	char *argv[] = { prog, mem, mib, no_huge, no_conf, no_pci, no_tel, lcores, level, iova };

	snprintf(prog, sizeof(prog), "%s", name);
	if (rte_eal_init(RTE_DIM(argv), argv) < 0)
		SKIP("EAL does not start: %s", rte_strerror(rte_errno));
}

static int
setup_queues(struct fake_port *p, const struct fake_cfg *cfg)
{
	struct rte_eth_rxconf rxconf = {
		.rx_free_thresh = cfg->free_thresh,
		.offloads = cfg->sg && !cfg->no_scatter ? RTE_ETH_RX_OFFLOAD_SCATTER : 0,
	};
	struct rte_eth_txconf txconf = {
		.tx_free_thresh = cfg->free_thresh,
		.offloads = cfg->sg && !cfg->no_multi ? RTE_ETH_TX_OFFLOAD_MULTI_SEGS : 0,
	};
	int ret = 0;

	for (uint16_t q = 0; q < cfg->rx_queues && ret == 0; q++) {
		ret = xsk_rx_queue_setup(&p->dev, q, cfg->rx_desc ? cfg->rx_desc : 128, 0, &rxconf,
			cfg->mp);
		if (ret == 0)
			p->lay[q] = ((struct xsk_rxq *)p->rxq[q])->layout;
	}
	for (uint16_t q = 0; q < cfg->tx_queues && ret == 0; q++)
		ret = xsk_tx_queue_setup(&p->dev, q, cfg->tx_desc ? cfg->tx_desc : 128, 0, &txconf);
	return ret;
}

int
fake_port_open(struct fake_port *p, const struct fake_cfg *cfg, struct afx_err *err)
{
	struct xsk_bind how = {
		.got = cfg->zc ? XSK_GOT_ZC : XSK_GOT_COPY, .overlap = cfg->overlap, .sg = cfg->sg,
		.layouts = p->lay, .layouts_cnt = RTE_MAX(cfg->rx_queues, 1),
	};
	int ret;

	memset(p, 0, sizeof(*p));
	p->device.name = "net_xsk_fake";
	p->data.dev_private = &p->port;
	p->data.rx_queues = p->rxq;
	p->data.tx_queues = p->txq;
	p->data.nb_rx_queues = cfg->rx_queues;
	p->data.nb_tx_queues = cfg->tx_queues;
	p->data.port_id = 7;
	p->dev.data = &p->data;
	p->dev.device = &p->device;
	p->dev.process_private = &p->proc;
	p->port.args.umem = cfg->umem;
	p->port.args.busy_budget = cfg->busy ? 64 : 0;
	p->port.args.busy_auto = cfg->busy_auto;
	p->port.args.umem_cap_mib = 64;
	p->port.args.same_lcore = cfg->same_lcore;
	p->proc.xsk_reported = true;
	p->port.sg.kernel = true;
	p->port.sg.frags = 17;
	p->port.sg.zc_segs = cfg->zc_segs;
	snprintf(p->port.driver, sizeof(p->port.driver), "%s", cfg->driver ? cfg->driver : "fake");
	snprintf(p->port.ifname, sizeof(p->port.ifname), "fake0");
	snprintf(p->port.iommu, sizeof(p->port.iommu), "%s", cfg->iommu ? cfg->iommu : "");
	ret = setup_queues(p, cfg);
	if (ret < 0)
		return afx_err_set(err, ret, "queue setup");
	if (cfg->rx_queues == 0) {
		ret = xsk_layout_get(cfg->mp, &p->lay[0], err);
		if (ret < 0)
			return ret;
	}
	p->proc.pairs_cnt = RTE_MAX(cfg->rx_queues, cfg->tx_queues);
	p->proc.pairs = calloc(p->proc.pairs_cnt, sizeof(*p->proc.pairs));
	for (uint16_t q = 0; q < p->proc.pairs_cnt && ret == 0; q++)
		ret = xsk_pair_open(&p->dev, q, &how, err);
	return ret;
}

void
fake_port_close(struct fake_port *p)
{
	xsk_stop(&p->dev);
	for (uint16_t q = 0; q < FAKE_QUEUES; q++) {
		if (p->rxq[q] != NULL)
			xsk_rx_queue_release(&p->dev, q);
		if (p->txq[q] != NULL)
			xsk_tx_queue_release(&p->dev, q);
	}
}

static struct rte_mempool *
packed_pool(const char *name, const struct fake_pool_cfg *cfg, uint16_t room)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = room, .mbuf_priv_size = cfg->priv,
	};
	struct rte_mempool *mp = rte_mempool_create_empty(name, cfg->n,
		sizeof(struct rte_mbuf) + cfg->priv + room, cfg->cache, sizeof(priv), 0,
		RTE_MEMPOOL_F_NO_IOVA_CONTIG);

	if (mp == NULL || rte_mempool_set_ops_byname(mp, "ring_mp_mc", NULL) != 0)
		return NULL;
	rte_pktmbuf_pool_init(mp, &priv);
	if (rte_mempool_populate_default(mp) < 0)
		return NULL;
	rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
	return mp;
}

static struct rte_mempool *
pinned_pool(const char *name, const struct fake_pool_cfg *cfg, uint16_t room)
{
	struct rte_pktmbuf_extmem ext = { .elt_size = room };

	ext.buf_len = (size_t)cfg->n * room;
	ext.buf_ptr = rte_malloc(name, ext.buf_len, RTE_CACHE_LINE_SIZE);
	ext.buf_iova = rte_malloc_virt2iova(ext.buf_ptr);
	if (ext.buf_ptr == NULL)
		return NULL;
	return rte_pktmbuf_pool_create_extbuf(
		name, cfg->n, cfg->cache, cfg->priv, room, 0, &ext, 1);
}

struct rte_mempool *
fake_pool(const char *name, const struct fake_pool_cfg *cfg)
{
	uint16_t room = cfg->room != 0 ? cfg->room : RTE_MBUF_DEFAULT_BUF_SIZE;
	struct rte_mempool *mp;

	if (cfg->packed)
		mp = packed_pool(name, cfg, room);
	else if (cfg->pinned)
		mp = pinned_pool(name, cfg, room);
	else
		mp = rte_pktmbuf_pool_create(name, cfg->n, cfg->cache, cfg->priv, room, 0);
	if (mp == NULL) {
		fprintf(stderr, "no pool %s: %s\n", name, rte_strerror(rte_errno));
		exit(1);
	}
	return mp;
}

eth_rx_burst_t
fake_rx_burst(const char *name)
{
	if (strcmp(name, "scalar") == 0)
		return xsk_rx_burst_scalar;
	if (strcmp(name, "sse") == 0)
		return xsk_rx_burst_sse;
	if (strcmp(name, "avx2") != 0) {
		fprintf(stderr, "no burst is called %s\n", name);
		exit(1);
	}
#ifdef RTE_ARCH_X86_64
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0)
		return xsk_rx_burst_avx2;
#endif
	SKIP("the processor has no AVX2");
}

static void
lowest(struct rte_mempool *mp, void *arg, void *obj, unsigned int idx)
{
	void **low = arg;
	struct rte_mbuf *m = obj;

	(void)mp;
	(void)idx;
	if (*low == NULL || m->buf_addr < *low)
		*low = m->buf_addr;
}

void
fake_pool_free(struct rte_mempool *mp)
{
	void *ext = NULL;

	if (rte_pktmbuf_priv_flags(mp) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF)
		rte_mempool_obj_iter(mp, lowest, &ext);
	rte_mempool_free(mp);
	rte_free(ext);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port of the driver without ethdev and without a netdev: the structures the driver's functions
 * expect, opened through its own queue setup and xsk_pair_open over fake sockets (fake_xsk.h), and
 * closed through its own xsk_stop. Also EAL and pools for tests that need them.
 */
#ifndef FAKE_PORT_H
#define FAKE_PORT_H

#include "drivers/net/xsk/xsk_tune.h"
#include "fake_xsk.h"

#define FAKE_QUEUES 4

struct fake_port {
	struct rte_eth_dev dev;
	struct rte_eth_dev_data data;
	struct rte_device device;
	struct xsk_port port;
	struct xsk_proc proc;
	void *rxq[FAKE_QUEUES];
	void *txq[FAKE_QUEUES];
	struct xsk_layout lay[FAKE_QUEUES];
};

struct fake_cfg {
	struct rte_mempool *mp;  /* of every receive queue, and the bounce pool */
	uint16_t rx_queues;
	uint16_t tx_queues;
	uint16_t rx_desc;        /* 0: 128 */
	uint16_t tx_desc;        /* 0: 128 */
	uint16_t free_thresh;    /* of both directions, 0: the driver's default */
	bool zc;
	bool overlap;
	const char *iommu;       /* NULL: none */
	enum xsk_umem umem;
	bool same_lcore;
	bool busy;               /* busy polling asked for, and there */
	bool busy_auto;
	bool sg;                 /* multi-buffer, for both directions unless the next two say no */
	bool no_scatter;
	bool no_multi;
	uint32_t zc_segs;        /* of the driver in zero-copy */
	const char *driver;      /* NULL: one that is not known by name */
};

/* The NAPIs of every queue, 0 for none; whether queue-get does not tell; what was turned on. */
extern struct fake_napi {
	uint32_t rx;
	uint32_t tx;
	bool untold;
	bool prefer;
	unsigned int on;
} fake_napi;

/* How often the driver gave up preferred busy polling. */
extern unsigned int fake_busy_off;

/* EAL without hugepages, PCI or files. Leaves by SKIP if refused. */
void fake_eal(const char *name);

/* Open every queue: 0 or -errno with err filled, then close all the same. */
int fake_port_open(struct fake_port *p, const struct fake_cfg *cfg, struct afx_err *err);

/* xsk_stop and release of the queues. May run on what a failed open left. */
void fake_port_close(struct fake_port *p);

/* The receive burst of common pools called name: avx2, sse or scalar. Leaves by SKIP. */
eth_rx_burst_t fake_rx_burst(const char *name);

static inline struct fake_xsk *
fake_sock(struct fake_port *p, uint16_t qid)
{
	return (struct fake_xsk *)p->proc.pairs[qid].sock;
}

/*
 * Pools. packed: objects lie close, so that many cross a 4 KiB line (without it EAL puts one object
 * on a page where there are no hugepages). pinned: buffers of room bytes apart from the mbufs.
 */
struct fake_pool_cfg {
	uint32_t n;
	uint32_t cache;
	uint16_t priv;
	uint16_t room;           /* with headroom; 0: the default */
	bool packed;
	bool pinned;
};
struct rte_mempool *fake_pool(const char *name, const struct fake_pool_cfg *cfg);
void fake_pool_free(struct rte_mempool *mp);

#endif

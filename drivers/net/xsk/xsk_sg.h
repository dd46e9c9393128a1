/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Multi-buffer: packets that lie in several frames. What a port and its queues know of it, and the
 * functions of xsk_sg.c, which decides where it is used and how long a packet may be.
 *
 * Three things are told apart: what the application asked for (RTE_ETH_RX_OFFLOAD_SCATTER,
 * RTE_ETH_TX_OFFLOAD_MULTI_SEGS), what kernel and driver have, and what the MTU makes necessary.
 */
#ifndef XSK_SG_H
#define XSK_SG_H

#include <stdbool.h>
#include <stdint.h>

struct afx_err;
struct rte_eth_dev;
struct rte_eth_dev_info;
struct rte_mbuf;
struct xsk_bind;
struct xsk_port;
struct xsk_proc;
struct xsk_rxq;
struct xsk_txq;
enum xsk_got;

/* The largest frame: ethdev's MTU has 16 bits. */
#define XSK_FRAME_MAX (UINT16_MAX + RTE_ETHER_HDR_LEN)

/* Descriptors of one packet at most, whatever kernel or driver would take. */
#define XSK_SG_DESCS_MAX 64

/* Of a receive queue: the packet of which not every frame has come. */
struct xsk_rx_sg {
	struct rte_mbuf *head;   /* NULL between packets */
	struct rte_mbuf *tail;
	uint32_t cnt;            /* mbufs from head to tail; they count as held */
	uint32_t segs_max;       /* longest packet handed on, in frames */
	bool skip;               /* the rest of a packet already given up is still to come */
};

/* Of a transmit queue. */
struct xsk_tx_sg {
	uint32_t descs_max;      /* of one packet; 1: chains are gathered into one frame */
	uint32_t pages_max;      /* pages its pieces may touch together, 0: no matter */
};

struct xsk_port_sg {
	bool kernel;             /* it has XDP_USE_SG */
	bool zc_driver;          /* the driver says it has zero-copy */
	uint32_t zc_segs;        /* frames of a packet in zero-copy, 0 where not told */
	uint32_t frags;          /* fragments of an skb */
	bool on;                 /* the started port's sockets are bound with it */
	char why[160];           /* why a started port has less than was asked for, else "" */
};

/* Find out what kernel and driver have, at probe. 0 or -errno with err filled. */
int xsk_sg_probe(struct xsk_port *port, struct xsk_proc *proc, struct afx_err *err);

/* What dev_info says of it. */
void xsk_sg_info(const struct rte_eth_dev *dev, struct rte_eth_dev_info *info);

/* Whether a queue was asked for SCATTER or MULTI_SEGS, by port or by queue. */
bool xsk_sg_rx_asked(const struct rte_eth_dev *dev, const struct xsk_rxq *q);
bool xsk_sg_tx_asked(const struct rte_eth_dev *dev, const struct xsk_txq *q);

/* The longest frame a receive queue takes, or would take once started. */
uint32_t xsk_sg_max_frame(const struct rte_eth_dev *dev, const struct xsk_rxq *q);

/* Whether queues that are not there yet could take frames of XSK_FRAME_MAX. */
bool xsk_sg_possible(const struct xsk_port *port);

/*
 * Decide for a mode: fills how->sg and how->frags, and port->sg.why. Returns 0, or -errno with err
 * filled when the MTU needs multi-buffer and the mode has none (no other mode is to be tried
 * silently), or when rings or pools are too small for a packet.
 */
int xsk_sg_choose(struct rte_eth_dev *dev, struct xsk_bind *how, uint32_t mtu,
	struct afx_err *err);

/* Whether rings and pools of the started port hold a packet of this MTU. */
int xsk_sg_check_mtu(const struct rte_eth_dev *dev, uint32_t mtu, struct afx_err *err);

/* Limits of queues whose socket is there; sg: bound with XDP_USE_SG. */
void xsk_sg_wire_rx(const struct rte_eth_dev *dev, struct xsk_rxq *q, bool sg);
void xsk_sg_wire_tx(const struct rte_eth_dev *dev, struct xsk_txq *q, bool sg);

/* xsk_rx_sg.c and xsk_tx_sg.c: the bursts. drop frees what is held of an unfinished packet. */
uint16_t xsk_rx_burst_sg(void *queue, struct rte_mbuf **pkts, uint16_t nb);
void xsk_rx_sg_drop(struct xsk_rxq *q);
uint16_t xsk_tx_burst_sg(void *queue, struct rte_mbuf **pkts, uint16_t nb);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Multi-buffer: where it is used, what the port says of it, how long a packet may be.
 *
 * In copy mode the kernel itself cuts packets into frames and joins them. In zero-copy the driver
 * must, and few can. Zero-copy is not given up silently for it: what can be done without is done
 * without (chains are gathered by a copy, packets of one frame need nothing), else the start fails
 * and names the choice.
 */
#include <errno.h>
#include <string.h>

#include "afx_sg.h"
#include "afx_uapi.h"
#include "xsk.h"

/*
 * What the kernel takes from each frame of a zero-copy port for its list of fragments (struct
 * skb_shared_info: 48 bytes and 16 a fragment, in whole cache lines), and the unit in which drivers
 * then take what is left.
 */
#define SHARED_INFO(frags) RTE_ALIGN_CEIL(48 + 16 * (frags), 64)
#define ZC_ROOM_UNIT 128

int
xsk_sg_probe(struct xsk_port *port, struct xsk_proc *proc, struct afx_err *err)
{
	struct xsk_port_sg *sg = &port->sg;
	struct afx_xdp_features f;
	struct afx_err ignored;
	int ret;

	ret = afx_sg_probe(err);
	if (ret < 0 && ret != -EOPNOTSUPP)
		return ret;
	sg->kernel = ret == 0;
	sg->frags = afx_sg_skb_frags();
	if (afx_netdev_xdp_features(proc->ctl, port->ifindex, &f, &ignored) < 0 || !f.known)
		return 0;
	sg->zc_driver = f.features & AFX_XDP_ACT_XSK_ZEROCOPY;
	sg->zc_segs = f.zc_max_segs;
	return 0;
}

/*
 * Drivers whose copy mode builds an skb from the pages that a descriptor touches, not from a copy
 * (IFF_TX_SKB_NO_LINEAR, which no interface shows): each such page takes a fragment.
 */
static bool
sends_pages(const struct xsk_port *port)
{
	return strcmp(port->driver, "virtio_net") == 0;
}

/* Whether the port is, or may come to be, in zero-copy. */
static bool
maybe_zc(const struct xsk_port *port)
{
	if (port->got != XSK_GOT_NONE)
		return port->got == XSK_GOT_ZC;
	return port->sg.zc_driver && (port->args.mode == XSK_MODE_ZC ||
		port->args.mode == XSK_MODE_AUTO || port->args.mode == XSK_MODE_DRV);
}

bool
xsk_sg_possible(const struct xsk_port *port)
{
	if (!port->sg.kernel)
		return false;
	/* With mode=auto the application gets as far as the choice that start offers. */
	return port->args.mode != XSK_MODE_ZC || port->sg.zc_segs > 1;
}

bool
xsk_sg_rx_asked(const struct rte_eth_dev *dev, const struct xsk_rxq *q)
{
	return (dev->data->dev_conf.rxmode.offloads | q->conf.offloads) &
		RTE_ETH_RX_OFFLOAD_SCATTER;
}

bool
xsk_sg_tx_asked(const struct rte_eth_dev *dev, const struct xsk_txq *q)
{
	return (dev->data->dev_conf.txmode.offloads | q->conf.offloads) &
		RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
}

/* Bytes of a packet that each frame takes when there are several. */
static uint32_t
part_room(const struct xsk_port *port, uint32_t room, bool zc)
{
	if (!zc)
		return room;
	return RTE_ALIGN_FLOOR(room - SHARED_INFO(port->sg.frags), ZC_ROOM_UNIT);
}

/* Frames of the longest packet that a scattering queue hands on. */
static uint32_t
rx_segs(const struct xsk_port *port, uint32_t room, bool zc)
{
	uint32_t whole = (XSK_FRAME_MAX - 1) / part_room(port, room, zc) + 1;

	return zc ? RTE_MIN(whole, port->sg.zc_segs) : whole;
}

uint32_t
xsk_sg_max_frame(const struct rte_eth_dev *dev, const struct xsk_rxq *q)
{
	const struct xsk_port *port = xsk_port(dev);
	bool started = port->got != XSK_GOT_NONE;
	bool zc = started && port->got == XSK_GOT_ZC;
	uint32_t room = q->frames.room;

	if (!xsk_sg_rx_asked(dev, q) || !(started ? port->sg.on : xsk_sg_possible(port)))
		return room;
	return RTE_MIN((uint32_t)XSK_FRAME_MAX,
		part_room(port, room, zc) * rx_segs(port, room, zc));
}

/* Descriptors that the kernel takes as one packet in a mode with multi-buffer. */
static uint32_t
tx_descs(const struct xsk_port *port, bool zc)
{
	return RTE_MIN(zc ? port->sg.zc_segs : port->sg.frags + 1, (uint32_t)XSK_SG_DESCS_MAX);
}

/* Segments that are sent in any case: where pages count, every segment may lie across two. */
static uint16_t
tx_segs(const struct xsk_port *port)
{
	uint32_t copy = sends_pages(port) ? port->sg.frags / 2 : tx_descs(port, false);
	bool zc = maybe_zc(port);

	/* Without multi-buffer chains are gathered, however many segments they have. */
	if (!port->sg.kernel || (zc && port->sg.zc_segs <= 1 && port->args.mode == XSK_MODE_ZC))
		return RTE_MBUF_MAX_NB_SEGS;
	return zc && port->sg.zc_segs > 1 ? RTE_MIN(tx_descs(port, true), copy) : copy;
}

void
xsk_sg_info(const struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	const struct xsk_port *port = xsk_port(dev);
	uint32_t least = AFX_CHUNK_MIN - AFX_XDP_HEADROOM;
	bool rx = xsk_sg_possible(port);

	info->rx_offload_capa = rx ? RTE_ETH_RX_OFFLOAD_SCATTER : 0;
	info->rx_queue_offload_capa = info->rx_offload_capa;
	info->tx_offload_capa |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	info->tx_queue_offload_capa |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	info->rx_desc_lim.nb_seg_max = rx ? rx_segs(port, least, false) : 1;
	info->rx_desc_lim.nb_mtu_seg_max = info->rx_desc_lim.nb_seg_max;
	info->tx_desc_lim.nb_seg_max = tx_segs(port);
	info->tx_desc_lim.nb_mtu_seg_max = info->tx_desc_lim.nb_seg_max;
}

/* Frames that the pool alone keeps posted: with same_lcore completions do the rest. */
static uint32_t
posted(const struct xsk_port *port, const struct xsk_rxq *q)
{
	return port->args.same_lcore ? q->nb_desc / 2 : q->nb_desc;
}

/*
 * Rings and pools must hold at least one packet of this size, or none will ever come whole. The
 * errors are none for which another mode is tried.
 */
static int
check_depth(const struct rte_eth_dev *dev, const struct xsk_frames *fr, bool zc, uint32_t frame,
	struct afx_err *err)
{
	const struct xsk_port *port = xsk_port(dev);

	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct xsk_rxq *q = dev->data->rx_queues[i];
		uint32_t segs, want = 0;

		if (!xsk_sg_rx_asked(dev, q) || frame <= fr[i].room)
			continue;
		segs = (frame - 1) / part_room(port, fr[i].room, zc) + 1;
		if (segs > rx_segs(port, fr[i].room, zc))
			return afx_err_set(err, -EMSGSIZE,
				"rx queue %u: a frame of %u bytes takes %u mbufs of mempool %s, "
				"driver %s joins at most %u in zero-copy: use larger mbufs, a "
				"smaller MTU, or mode=copy", i, frame, segs, q->mp->name,
				port->driver, port->sg.zc_segs);
		if (segs > posted(port, q))
			return afx_err_set(err, -ENOBUFS,
				"rx queue %u: a frame of %u bytes takes %u mbufs of mempool %s, "
				"the queue has %u descriptors%s: give it more, or larger mbufs", i,
				frame, segs, q->mp->name, q->nb_desc, port->args.same_lcore ?
				" (half of them with same_lcore)" : "");
		for (uint16_t k = 0; k < dev->data->nb_rx_queues; k++) {
			const struct xsk_rxq *o = dev->data->rx_queues[k];

			want += o->mp == q->mp ? segs : 0;
		}
		if (want > q->mp->size)
			return afx_err_set(err, -ENOBUFS,
				"rx queue %u: mempool %s has %u mbufs, its queues need %u to hold "
				"a frame of %u bytes each (%u mbufs): use a larger pool, or larger "
				"mbufs", i, q->mp->name, q->mp->size, want, frame, segs);
	}
	return 0;
}

int
xsk_sg_check_mtu(const struct rte_eth_dev *dev, uint32_t mtu, struct afx_err *err)
{
	struct xsk_frames fr[RTE_MAX_QUEUES_PER_PORT];

	if (!xsk_port(dev)->sg.on)
		return 0;
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		fr[i] = ((const struct xsk_rxq *)dev->data->rx_queues[i])->frames;
	return check_depth(dev, fr, xsk_port(dev)->got == XSK_GOT_ZC, mtu + RTE_ETHER_HDR_LEN,
		err);
}

/* What of multi-buffer was asked for, and the smallest room where it is to scatter. */
struct wish {
	bool rx;
	bool tx;
	uint32_t room;
	const char *pool;        /* that has this room */
};

static int
collect(const struct rte_eth_dev *dev, const struct xsk_bind *how, struct xsk_frames *fr,
	struct wish *w, struct afx_err *err)
{
	*w = (struct wish){ .room = XSK_ROOM_MAX, .pool = "" };
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		w->tx |= xsk_sg_tx_asked(dev, dev->data->tx_queues[i]);
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		int ret = xsk_frames_get(&how->layouts[i], how->overlap, how->got == XSK_GOT_ZC,
			&fr[i], err);

		if (ret < 0)
			return ret;
		if (!xsk_sg_rx_asked(dev, dev->data->rx_queues[i]))
			continue;
		w->rx = true;
		if (fr[i].room <= w->room) {
			w->room = fr[i].room;
			w->pool = how->layouts[i].mp->name;
		}
	}
	return 0;
}

/* The mode has none. 0 where it can be done without; port->sg.why says at what price. */
static int
do_without(struct xsk_port *port, enum xsk_got got, const struct wish *w, uint32_t frame,
	const char *lack, struct afx_err *err)
{
	if (w->rx && frame > w->room)
		return afx_err_set(err, -EMSGSIZE,
			"frames of %s's MTU %u need %u bytes, mempool %s has room for %u, and %s: "
			"%san MTU of at most %u, or mbufs with a larger data room, do without "
			"multi-buffer", port->ifname, frame - RTE_ETHER_HDR_LEN, frame, w->pool,
			w->room, lack, got == XSK_GOT_ZC && port->sg.kernel ?
			"mode=copy receives them by a copy; with zero-copy " : "",
			w->room - RTE_ETHER_HDR_LEN);
	if (w->tx)
		snprintf(port->sg.why, sizeof(port->sg.why),
			"multi-buffer: %s: chains are gathered by a copy", lack);
	return 0;
}

int
xsk_sg_choose(struct rte_eth_dev *dev, struct xsk_bind *how, uint32_t mtu, struct afx_err *err)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_frames fr[RTE_MAX_QUEUES_PER_PORT];
	uint32_t frame = mtu + RTE_ETHER_HDR_LEN;
	bool zc = how->got == XSK_GOT_ZC;
	char lack[96];
	struct wish w;
	int ret;

	how->sg = false;
	how->frags = false;
	port->sg.why[0] = '\0';
	ret = collect(dev, how, fr, &w, err);
	if (ret < 0 || (!w.rx && !w.tx))
		return ret;
	if (!port->sg.kernel) {
		snprintf(lack, sizeof(lack), "this kernel has no multi-buffer AF_XDP (Linux 6.6)");
		return do_without(port, how->got, &w, frame, lack, err);
	}
	if (zc && port->sg.zc_segs <= 1) {
		snprintf(lack, sizeof(lack), "driver %s takes one frame a packet in zero-copy",
			port->driver);
		return do_without(port, how->got, &w, frame, lack, err);
	}
	how->sg = true;
	/* A program of somebody else's need not know of frames that never come. */
	how->frags = w.rx && (port->args.xdp_prog[0] == '\0' || frame > w.room);
	return check_depth(dev, fr, zc, frame, err);
}

void
xsk_sg_wire_rx(const struct rte_eth_dev *dev, struct xsk_rxq *q, bool sg)
{
	const struct xsk_port *port = xsk_port(dev);
	uint32_t keep;

	memset(&q->sg, 0, sizeof(q->sg));
	q->free_thresh = q->conf.rx_free_thresh;
	if (!sg)
		return;
	q->sg.segs_max = 1;
	if (!xsk_sg_rx_asked(dev, q))
		return;
	q->sg.segs_max = rx_segs(port, q->frames.room, q->zc);
	/* While fewer are missing nothing is refilled: what is left must do for a packet. */
	keep = RTE_MIN(q->sg.segs_max, posted(port, q));
	q->free_thresh = RTE_MIN(q->free_thresh, posted(port, q) + 1 - keep);
}

void
xsk_sg_wire_tx(const struct rte_eth_dev *dev, struct xsk_txq *q, bool sg)
{
	const struct xsk_port *port = xsk_port(dev);

	memset(&q->sg, 0, sizeof(q->sg));
	q->sg.descs_max = 1;
	if (!sg || !xsk_sg_tx_asked(dev, q))
		return;
	/* A packet that never finds as many tags as it needs would stop the queue. */
	q->sg.descs_max = RTE_MIN(tx_descs(port, q->zc), q->nb_desc);
	q->sg.pages_max = !q->zc && sends_pages(port) ? port->sg.frags : 0;
}

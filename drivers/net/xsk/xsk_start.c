/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting a port: which modes may be tried, trying them from the best down, and saying what was
 * got and why not more.
 *
 * Each attempt opens every queue or nothing. An attempt that fails for a reason another mode could
 * mend (the driver refuses) leads to the next one; any other failure ends the start.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "afx_uapi.h"
#include "xsk_tune.h"

/* How long a carrier that was there before may take to return: attaching resets some NICs. */
#define CARRIER_WAIT_MS 5000

const char *
xsk_got_name(enum xsk_got got)
{
	switch (got) {
	case XSK_GOT_ZC:
		return "zero-copy";
	case XSK_GOT_COPY:
		return "native copy";
	case XSK_GOT_SKB:
		return "generic (skb) copy";
	case XSK_GOT_HW:
		return "hardware offload, copy";
	case XSK_GOT_NONE:
		break;
	}
	return "stopped";
}

/* The modes to try, best first. */
static unsigned int
candidates(const struct xsk_args *args, enum xsk_got out[3])
{
	unsigned int n = 0;

	switch (args->mode) {
	case XSK_MODE_AUTO:
		out[n++] = XSK_GOT_ZC;
		out[n++] = XSK_GOT_COPY;
		/* Somebody else's program is attached as it is: its mode is not ours to choose. */
		if (args->attach != AFX_ATTACH_NONE)
			out[n++] = XSK_GOT_SKB;
		break;
	case XSK_MODE_DRV:
		out[n++] = XSK_GOT_ZC;
		out[n++] = XSK_GOT_COPY;
		break;
	case XSK_MODE_ZC:
		out[n++] = XSK_GOT_ZC;
		break;
	case XSK_MODE_COPY:
		out[n++] = XSK_GOT_COPY;
		break;
	case XSK_MODE_SKB:
		out[n++] = XSK_GOT_SKB;
		break;
	case XSK_MODE_HW:
		out[n++] = XSK_GOT_HW;
		break;
	}
	return n;
}

/*
 * Whether another mode may succeed where this error came from. ENOSPC: veth has no native XDP while
 * its peer has more Tx queues than it has Rx queues.
 */
static bool
mode_matters(int code)
{
	return code == -EOPNOTSUPP || code == -EINVAL || code == -ERANGE || code == -ENOTSUP ||
		code == -ENOSPC;
}

/*
 * Whether the kernel's headroom may lie over the mbuf header: only where nobody writes there but
 * metadata that our own program bounds. In zero-copy the driver itself may write, so only drivers
 * seen to leave it alone count; virtio writes its 12-byte header right before the packet, which the
 * mbuf headroom holds.
 */
static bool
may_overlap(const struct xsk_port *port, enum xsk_got got)
{
	if (port->args.xdp_prog[0] != '\0' || port->args.attach != AFX_ATTACH_LINK)
		return false;
	if (got != XSK_GOT_ZC)
		return true;
	return strcmp(port->driver, "igb") == 0 || strcmp(port->driver, "virtio_net") == 0;
}

static int
open_prog(struct rte_eth_dev *dev, const struct xsk_bind *how, struct afx_err *err)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);
	enum xsk_got got = how->got;
	struct afx_prog_cfg cfg = {
		.ifindex = port->ifindex,
		.attach = port->args.attach,
		.mode = got == XSK_GOT_SKB ? AFX_XDP_SKB : got == XSK_GOT_HW ? AFX_XDP_HW :
			AFX_XDP_NATIVE,
		.max_queues = port->netdev_rx_alloc,
		.max_meta = RTE_PKTMBUF_HEADROOM,
		.frags = how->frags,
		.object = port->args.xdp_prog[0] != '\0' ? port->args.xdp_prog : NULL,
		.map_path = port->args.use_pinned_map ? port->args.dp_path : NULL,
		.map_fd = proc->map_fd,
	};

	int ret = afx_prog_open(&cfg, &proc->prog, err);

	/* Joined again. */
	if (ret == 0 && proc->left != NULL) {
		afx_prog_close_shared(proc->left, false);
		proc->left = NULL;
	}
	return ret;
}

/* What the driver says it cannot do is refused before the device is touched. */
static int
check_features(struct rte_eth_dev *dev, enum xsk_got got, struct afx_err *err)
{
	struct xsk_port *port = xsk_port(dev);
	const char *driver = port->driver[0] != '\0' ? port->driver : "?";
	struct afx_xdp_features f;
	struct afx_err ignored;

	if (afx_netdev_xdp_features(xsk_proc(dev)->ctl, port->ifindex, &f, &ignored) < 0 ||
		!f.known)
		return 0;
	if (got == XSK_GOT_ZC && !(f.features & AFX_XDP_ACT_XSK_ZEROCOPY))
		return afx_err_set(err, -EOPNOTSUPP,
			"driver %s of %s has no AF_XDP zero-copy (mode=auto, copy do without)",
			driver, port->ifname);
	if (got == XSK_GOT_HW && !(f.features & AFX_XDP_ACT_HW_OFFLOAD))
		return afx_err_set(err, -EOPNOTSUPP,
			"driver %s of %s cannot run XDP programs on the NIC itself (mode=auto, drv "
			"do without)",
			driver, port->ifname);
	return 0;
}

/* Frames of a pool that the NIC could not follow must be few enough to keep aside. */
static int
check_crossing(const struct xsk_port *port, const struct xsk_layout *lay,
	const struct xsk_frames *fr, struct afx_err *err)
{
	uint32_t most = lay->mp->size / XSK_ASIDE_SHARE;
	uint32_t cnt;

	if (strncmp(port->iommu, "DMA", 3) != 0)
		return 0;
	cnt = xsk_layout_unusable(lay, fr, 12);
	if (cnt <= most)
		return 0;
	return afx_err_set(err, -EOPNOTSUPP,
		"%u of %u frames of mempool %s cross a 4 KiB page, which %s's IOMMU (domain type "
		"%s) cannot map in one piece; at most %u can be set aside: boot with "
		"iommu.passthrough=1, or lay the pool out one object a page (EAL option -n 1 and "
		"mbufs of 3904 bytes)", cnt, lay->mp->size, lay->mp->name, port->ifname,
		port->iommu, most);
}

/* A pool around a hole in memory works, at a price that should be known. */
static void
warn_holes(const struct rte_eth_dev *dev)
{
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct xsk_rxq *q = dev->data->rx_queues[i];
		uint32_t outside = xsk_layout_unusable(&q->layout, &q->frames, 63);

		if (outside == 0)
			continue;
		XSK_LOG(NOTICE,
			"%s: rx queue %u: %u of %u frames of mempool %s lie beyond a hole in "
			"memory: they are not received into, and sent by a copy (give EAL more "
			"memory "
			"with -m, or leave out --legacy-mem)",
			dev->device->name, i, outside, q->mp->size, q->mp->name);
	}
}

/*
 * igb takes its buffer size in whole KiB and hands on what does not fit as a second packet (seen in
 * the lab): a room that rounds below a full frame must not be used.
 */
int
xsk_check_igb(const struct xsk_port *port, const struct xsk_frames *fr, uint32_t frame,
	struct afx_err *err)
{
	if (strcmp(port->driver, "igb") != 0 || (fr->room & ~1023u) >= frame)
		return 0;
	return afx_err_set(err, -EINVAL,
		"igb rounds a room of %u bytes down to %u and would split frames of %u: use mbufs "
		"with a "
		"data room of %u",
		fr->room, fr->room & ~1023u, frame, RTE_ALIGN_CEIL(frame, 1024u) + fr->data_off);
}

static int
refuse_room(const struct xsk_port *port, const struct xsk_layout *lay, const struct xsk_frames *fr,
	uint32_t frame, uint16_t queue, struct afx_err *err)
{
	char larger[64] = "";

	if (frame <= XSK_ROOM_MAX)
		snprintf(larger, sizeof(larger), ", use mbufs with a data room of %u",
			frame + fr->data_off);
	return afx_err_set(err, -EINVAL,
		"rx queue %u: frames of %s's MTU %u need %u bytes, mempool %s has room for %u: "
		"lower the MTU to %u%s%s", queue, port->ifname, frame - RTE_ETHER_HDR_LEN, frame,
		lay->mp->name, fr->room, fr->room - RTE_ETHER_HDR_LEN, larger,
		xsk_sg_possible(port) ? ", or ask for RTE_ETH_RX_OFFLOAD_SCATTER" : "");
}

static int
check_rooms(struct rte_eth_dev *dev, enum xsk_got got, const struct xsk_bind *how,
	uint32_t mtu, struct afx_err *err)
{
	struct xsk_port *port = xsk_port(dev);
	uint32_t frame = mtu + RTE_ETHER_HDR_LEN;
	uint32_t room = XSK_ROOM_MAX;

	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		struct xsk_frames fr;
		int ret = xsk_frames_get(&how->layouts[i], how->overlap, got == XSK_GOT_ZC, &fr,
			err);

		if (ret == 0 && got == XSK_GOT_ZC)
			ret = check_crossing(port, &how->layouts[i], &fr, err);
		if (ret == 0 && got == XSK_GOT_ZC)
			ret = xsk_check_igb(port, &fr, frame, err);
		if (ret < 0)
			return ret;
		if (frame > fr.room && !(how->sg && xsk_sg_rx_asked(dev, dev->data->rx_queues[i])))
			return refuse_room(port, &how->layouts[i], &fr, frame, i, err);
		room = RTE_MIN(room, fr.room);
	}
	port->rx_room = dev->data->nb_rx_queues > 0 ? room : 0;
	return 0;
}

static void
count_umem(struct rte_eth_dev *dev)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);

	port->umem_pinned = 0;
	port->umem_heads = 0;
	port->umem_regions = 0;
	for (uint16_t i = 0; i < proc->pairs_cnt; i++) {
		struct xsk_region *r = proc->pairs[i].region;
		bool seen = false;

		for (uint16_t j = 0; j < i; j++)
			seen |= proc->pairs[j].region == r;
		port->umem_heads += afx_umem_heads(r->len, r->chunk);
		if (seen)
			continue;
		port->umem_regions++;
		port->umem_pinned += r->len;
	}
}

static int
try_mode(struct rte_eth_dev *dev, enum xsk_got got, struct xsk_bind *how, uint32_t mtu,
	struct afx_err *err)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);
	int token, ret;

	how->got = got;
	how->overlap = may_overlap(port, got);
	ret = check_features(dev, got, err);
	if (ret == 0)
		ret = xsk_sg_choose(dev, how, mtu, err);
	if (ret == 0)
		ret = check_rooms(dev, got, how, mtu, err);
	if (ret < 0)
		return ret;
	token = afx_ctl_enter(proc->ctl, err);
	if (token < 0)
		return token;
	ret = open_prog(dev, how, err);
	for (uint16_t q = 0; q < proc->pairs_cnt && ret == 0; q++)
		ret = xsk_pair_open(dev, q, how, err);
	afx_ctl_leave(proc->ctl, token);
	if (ret == 0) {
		count_umem(dev);
		proc->xsk_reported = afx_netdev_queue_xsk(proc->ctl, port->ifindex,
			port->args.start_queue, NULL) == 1;
	}
	return ret;
}

/* Layouts of the receive pools, or of a pool of our own for a port that only transmits. */
static int
get_layouts(struct rte_eth_dev *dev, struct xsk_bind *how, struct afx_err *err)
{
	struct xsk_proc *proc = xsk_proc(dev);
	uint16_t nb_rx = dev->data->nb_rx_queues;
	uint32_t frames = 0;
	char name[RTE_MEMPOOL_NAMESIZE];
	/* One that quarantine kept keeps its name too. */
	static uint32_t number;

	how->layouts_cnt = RTE_MAX(nb_rx, 1);
	how->layouts = calloc(how->layouts_cnt, sizeof(*how->layouts));
	if (how->layouts == NULL)
		return afx_err_set(
			err, -ENOMEM, "no memory for %u queue layouts", how->layouts_cnt);
	for (uint16_t i = 0; i < nb_rx; i++)
		how->layouts[i] = ((struct xsk_rxq *)dev->data->rx_queues[i])->layout;
	if (nb_rx > 0)
		return 0;
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		frames += ((struct xsk_txq *)dev->data->tx_queues[i])->nb_desc + 256;
	snprintf(name, sizeof(name), "net_xsk_tx_%u_%u", dev->data->port_id, number++);
	proc->tx_pool = rte_pktmbuf_pool_create(name, frames, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		dev->data->numa_node);
	if (proc->tx_pool == NULL)
		return afx_err_set(err, -ENOMEM, "no memory for %u frames of a transmit-only port",
			frames);
	return xsk_layout_get(proc->tx_pool, &how->layouts[0], err);
}

/* A NIC that resets on attach comes back by itself: do not hand over a port without carrier. */
static void
wait_carrier(struct rte_eth_dev *dev)
{
	struct afx_netdev nd;

	for (unsigned int ms = 0; ms < CARRIER_WAIT_MS; ms += 10) {
		if (xsk_netdev_refresh(dev, &nd) < 0 || nd.carrier)
			return;
		rte_delay_us_sleep(10000);
	}
}

static void
report(struct rte_eth_dev *dev)
{
	const struct xsk_port *port = xsk_port(dev);
	char room[24] = "";

	if (port->rx_room != 0)
		snprintf(room, sizeof(room), ", room %u", port->rx_room);
	XSK_LOG(NOTICE,
		"%s (%s): %s, rx queues %u, tx queues %u from netdev queue %u, umem %" PRIu64
		" KiB in %u registration(s), kernel heads %" PRIu64 " KiB%s%s%s%s",
		dev->device->name, port->ifname, xsk_got_name(port->got), dev->data->nb_rx_queues,
		dev->data->nb_tx_queues, port->args.start_queue, port->umem_pinned >> 10,
		port->umem_regions, port->umem_heads >> 10, room,
		port->sg.on ? ", multi-buffer" : "",
		port->why[0] != '\0' ? "; not more because: " : "", port->why);
}

static void
add_why(struct xsk_port *port, const char *what, const char *text)
{
	size_t used = strlen(port->why);

	snprintf(port->why + used, sizeof(port->why) - used, "%s%s%s%s", used ? "; " : "", what,
		what[0] != '\0' ? ": " : "", text);
}

static int
negotiate(struct rte_eth_dev *dev, struct xsk_bind *how, uint32_t mtu, struct afx_err *err)
{
	struct xsk_port *port = xsk_port(dev);
	enum xsk_got cand[3];
	unsigned int cnt = candidates(&port->args, cand);
	int ret = -EINVAL;

	port->why[0] = '\0';
	for (unsigned int i = 0; i < cnt; i++) {
		ret = try_mode(dev, cand[i], how, mtu, err);
		if (ret == 0) {
			port->got = cand[i];
			port->sg.on = how->sg;
			if (port->sg.why[0] != '\0')
				add_why(port, "", port->sg.why);
			return 0;
		}
		/* What busy polling changed for the sockets of this mode. */
		xsk_tune_stop(dev);
		xsk_close_queues(dev);
		if (!mode_matters(ret) || i + 1 == cnt)
			break;
		add_why(port, xsk_got_name(cand[i]), err->text);
	}
	return ret;
}

/* ethdev starts a port whatever the application has left out. */
static int
check_set_up(const struct rte_eth_dev *dev, struct afx_err *err)
{
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		if (dev->data->rx_queues[i] == NULL)
			return afx_err_set(err, -EINVAL,
				"rx queue %u of %u was not set up (rte_eth_rx_queue_setup)", i,
				dev->data->nb_rx_queues);
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		if (dev->data->tx_queues[i] == NULL)
			return afx_err_set(err, -EINVAL,
				"tx queue %u of %u was not set up (rte_eth_tx_queue_setup)", i,
				dev->data->nb_tx_queues);
	return 0;
}

static int
get_pairs(struct rte_eth_dev *dev, struct afx_err *err)
{
	uint16_t cnt = RTE_MAX(dev->data->nb_rx_queues, dev->data->nb_tx_queues);
	struct xsk_proc *proc = xsk_proc(dev);

	proc->pairs = calloc(cnt, sizeof(*proc->pairs));
	if (proc->pairs == NULL)
		return afx_err_set(err, -ENOMEM, "no memory for %u queues", cnt);
	proc->pairs_cnt = cnt;
	return 0;
}

int
xsk_start(struct rte_eth_dev *dev)
{
	struct xsk_port *port = xsk_port(dev);
	struct xsk_bind how = { .got = XSK_GOT_NONE };
	struct afx_netdev nd;
	struct afx_err err = { 0 };
	bool carrier;
	int ret;

	ret = xsk_netdev_refresh(dev, &nd);
	if (ret < 0) {
		XSK_LOG(ERR, "%s: interface %s is gone", dev->device->name, port->ifname);
		return ret;
	}
	/* It may have been away. */
	port->gone = false;
	carrier = nd.carrier;
	ret = check_set_up(dev, &err);
	if (ret == 0)
		ret = get_pairs(dev, &err);
	if (ret == 0)
		ret = get_layouts(dev, &how, &err);
	if (ret == 0)
		ret = negotiate(dev, &how, nd.mtu, &err);
	free(how.layouts);
	if (ret < 0) {
		XSK_LOG(ERR, "%s: cannot start: %s", dev->device->name, err.text);
		xsk_stop(dev);
		return ret;
	}
	xsk_warn_kernel_use(dev);
	warn_holes(dev);
	if (carrier)
		wait_carrier(dev);
	report(dev);
	xsk_tune_start(dev);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private header of the net_xsk poll-mode driver: the structures of a port and its queues, and the
 * functions of the driver's files, grouped by file.
 *
 * What lies where. struct xsk_port, xsk_rxq and xsk_txq are DPDK memory, seen by every process of
 * the application; they hold nothing but numbers and pointers of the primary. struct xsk_proc is
 * private memory of the primary: descriptors, kernel handles, sockets. A secondary has none.
 *
 * Who runs what. Control functions run one at a time per port (ethdev's rule) and, where they touch
 * other ports' memory registrations, under the lock of xsk_mem.c. A receive burst owns its xsk_rxq
 * (rx and fill ring), a transmit burst its xsk_txq (tx and completion ring); both of one queue pair
 * may run at once on two lcores.
 */
#ifndef XSK_H
#define XSK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "../../dpdk_compat.h"

#include "afx_ctl.h"
#include "afx_err.h"
#include "afx_ethtool.h"
#include "afx_frame.h"
#include "afx_netdev.h"
#include "afx_prog.h"
#include "afx_ring.h"
#include "afx_socket.h"
#include "afx_state.h"

extern int xsk_logtype_init;
#define XSK_LOG(level, fmt, ...) \
	rte_log(RTE_LOG_ ## level, xsk_logtype_init, "net_xsk: " fmt "\n", ## __VA_ARGS__)

#define XSK_DRIVER_NAME "net_xsk"

/* Ring sizes. The kernel takes any power of two up to 2^31; 32 Ki entries of 2 KiB are 64 MiB. */
#define XSK_DESC_MIN 32
#define XSK_DESC_MAX 32768
#define XSK_DESC_DEFAULT 2048

/* Bytes in front of the payload that count against a room: Ethernet and one VLAN tag. */
#define XSK_L2_OVERHEAD (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)

/* The largest frame a single chunk can carry. */
#define XSK_ROOM_MAX (AFX_CHUNK_MAX - AFX_XDP_HEADROOM)

/*
 * How long a queue that another socket just left may answer EBUSY, and how long stop waits for the
 * kernel to prove that it let go of one. Usually below 60 ms; up to 7 s were seen on two CPUs with
 * a load of 14, since the kernel releases from a work queue.
 */
#define XSK_BIND_WAIT_MS 10000
#define XSK_RELEASE_WAIT_MS 10000

/*
 * Frames of a pool that a queue may keep out of circulation because they cannot be posted: pool
 * size / this. Further ones go back to the pool each time they turn up.
 */
#define XSK_ASIDE_SHARE 8

/* The unit in which frames are told apart: two frames never start in one (chunks are >= 2048). */
#define XSK_SLOT_SHIFT 11

/* Granule of struck-off memory: the smallest hugepage of any architecture. */
#define XSK_PAGE_SHIFT 16

enum xsk_mode {
	XSK_MODE_AUTO,           /* zero-copy, else native copy, else generic */
	XSK_MODE_DRV,            /* native: zero-copy, else copy (net_af_xdp's mode=drv) */
	XSK_MODE_ZC,
	XSK_MODE_COPY,
	XSK_MODE_SKB,
	XSK_MODE_HW,
};

enum xsk_umem {
	XSK_UMEM_AUTO,
	XSK_UMEM_POOL,
	XSK_UMEM_HEAP,
};

#define XSK_IFNAME_LEN 128       /* ALTIFNAMSIZ */
#define XSK_PATH_LEN 256

/* Device arguments, checked for range and conflict. */
struct xsk_args {
	char iface[XSK_IFNAME_LEN];
	char netns[XSK_PATH_LEN];
	uint32_t start_queue;
	uint32_t queue_count;    /* 0: all from start_queue on */
	char xdp_prog[XSK_PATH_LEN];
	enum afx_attach attach;
	bool use_cni;
	bool use_pinned_map;
	char dp_path[XSK_PATH_LEN];
	enum xsk_mode mode;
	bool force_copy;
	enum xsk_umem umem;
	uint32_t umem_cap_mib;   /* kernel heads that umem=auto may spend on other pools */
	uint32_t busy_budget;    /* packets a busy poll may take, 0: no busy polling */
};

/* What a start got. */
enum xsk_got {
	XSK_GOT_NONE,
	XSK_GOT_ZC,
	XSK_GOT_COPY,
	XSK_GOT_SKB,
	XSK_GOT_HW,
};

/*
 * A registration: one range of DPDK memory as UMEM, shared by all queues whose needs agree. Private
 * to the primary; the list and all counts are under xsk_mem.c's lock.
 */
struct xsk_pair;
struct xsk_region {
	TAILQ_ENTRY(xsk_region) next;
	uintptr_t base;
	uint64_t len;
	uint32_t chunk;
	bool zc;
	bool sg;
	unsigned int page_shift; /* contiguity unit of its memory, at least 12 */
	LIST_HEAD(, xsk_pair) bound; /* any of their sockets can be shared from */
	unsigned int queues;     /* queues that use it, bound or about to be */
	/* Written by the memory callback of any thread, read by transmit bursts. */
	atomic_bool any_gone;    /* some page was freed since registration */
	uint64_t gone_pages;     /* in granules */
	uint64_t granules;
	uint8_t *gone;           /* 1 per granule freed since registration */
};

/* How a mempool's objects serve as frames. */
struct xsk_layout {
	struct rte_mempool *mp;
	bool pinned;             /* mbufs with buffers elsewhere (pinned external buffers) */
	uint16_t priv;           /* bytes between mbuf and buffer */
	uint16_t buf_len;        /* bytes of buffer, mbuf headroom included */
	uintptr_t lo;            /* lowest and highest byte a frame of the pool may use */
	uintptr_t hi;
};

/* Layout of the frames of one receive queue in one registration. */
struct xsk_frames {
	int32_t fill_off;        /* fill address = mbuf (or its buffer, if pinned) + fill_off */
	uint16_t data_off;       /* where the kernel puts the packet, relative to the buffer */
	uint32_t room;           /* bytes of packet a frame holds */
	uint32_t chunk;          /* 256 + room */
	bool overlap;            /* the kernel's headroom lies over the mbuf header */
};

/* Counters of the kernel for one queue, summed over the sockets it had. */
struct xsk_kstats {
	uint64_t rx_dropped;
	uint64_t rx_ring_full;
	uint64_t rx_fill_empty;
	uint64_t rx_invalid;
	uint64_t tx_invalid;
	uint64_t tx_ring_empty;
};

struct xsk_rx_stats {
	uint64_t pkts;
	uint64_t bytes;
	uint64_t nombuf;         /* refills that found the pool short */
	uint64_t bad_desc;       /* descriptors that name no frame of ours or overrun it */
	uint64_t wakeups;        /* recvfrom calls */
	uint64_t wakeup_errors;
	uint64_t tx_flushes;     /* kicks for packets that a transmit burst had to leave behind */
	uint64_t tx_flush_drops; /* refused by the device in such a kick */
};

struct xsk_tx_stats {
	uint64_t pkts;
	uint64_t bytes;
	uint64_t zero_copy;      /* sent from where they lay */
	uint64_t bounce_outside; /* copied: outside the span */
	uint64_t bounce_gone;    /* copied: page freed since registration */
	uint64_t bounce_straddle; /* copied: crosses a page the NIC cannot follow */
	uint64_t bounce_external; /* copied: external buffer outside the span */
	uint64_t bounce_chain;   /* copied: chain gathered into one frame */
	uint64_t drop_long;      /* longer than a frame */
	uint64_t drop_short;     /* shorter than an Ethernet header */
	uint64_t drop_malformed; /* segment lengths that contradict each other */
	uint64_t drop_device;    /* taken by the kernel, refused by the device */
	uint64_t nombuf;         /* no frame to copy into: not consumed */
	uint64_t bad_comp;       /* completions that name nothing in flight */
	uint64_t busy_off;       /* busy polling switched off because nothing left */
	uint64_t wakeups;        /* sendto calls */
	uint64_t wakeup_errors;
};

/* A receive queue: everything the burst touches first, in its own cache lines. */
struct xsk_rxq {
	struct afx_cons rx;
	struct afx_prod fill;
	uintptr_t base;          /* of the registration */
	uint64_t map_base;       /* UMEM offset of the first slot of own[] */
	uint64_t map_len;        /* slots */
	uint16_t *own;           /* per slot: 0x8000 | offset in it of the frame held, else 0 */
	struct rte_mbuf **own_mbuf; /* pinned pools: the mbuf instead */
	struct rte_mempool *mp;
	uint64_t rearm;          /* data_off (overwritten), refcnt, nb_segs, port */
	int32_t fill_off;
	int32_t off_adj;         /* descriptor offset - data_off of the mbuf */
	uint32_t chunk;
	uint32_t held;           /* mbufs in fill ring, kernel and rx ring */
	uint32_t nb_desc;
	uint32_t free_thresh;    /* refill when this many are missing */
	uint32_t cross_shift;    /* frames must not cross 1 << cross_shift; 63: may */
	int fd;
	bool zc;
	bool busy;               /* an empty poll runs the driver's NAPI */
	uint32_t wake_skip;      /* polls to come that do not wake although asked to */
	uint32_t idle;           /* empty polls */
	const uint32_t *tx_kprod; /* indexes of the pair's tx ring in copy mode, else NULL */
	const uint32_t *tx_kcons;
	struct xsk_rx_stats stats;

	/* Cold from here. */
	struct rte_mbuf **aside; /* frames the NIC cannot use, kept out of circulation */
	uint32_t aside_cnt;
	uint32_t aside_room;
	uint16_t port_id;
	uint16_t queue_id;       /* of the port; the netdev's is start_queue + queue_id */
	unsigned int socket_id;
	struct xsk_layout layout;
	struct xsk_frames frames;
	struct rte_eth_rxconf conf;
	struct xsk_kstats ksum;  /* of sockets already closed, and the baseline of a reset below */
	struct xsk_kstats kbase;
	uint64_t quarantined;    /* mbufs kept for ever because release could not be proven */
	struct xsk_rx_stats base_stats; /* at the last reset */
} __rte_cache_aligned;

/* A transmit queue. */
struct xsk_txq {
	struct afx_prod tx;
	struct afx_cons comp;
	uintptr_t base;
	uint64_t len;            /* bytes of the registration */
	struct rte_mbuf **slot;  /* what is in flight, by the tag its address carries */
	uint16_t *free_slot;     /* stack of free tags */
	uint32_t free_cnt;
	uint32_t nb_desc;        /* tags */
	uint32_t free_thresh;    /* reclaim when fewer tags are free */
	uint32_t chunk;          /* longest frame */
	uint32_t cross_shift;
	struct xsk_region *region;
	struct rte_mempool *bounce_mp;
	int fd;
	bool zc;
	bool busy;               /* preferred busy polling is on: watched for progress */
	uint32_t backoff;        /* bursts to come that do not kick */
	uint32_t stuck;          /* kicks in a row after which nothing had left */
	uint32_t last_pending;
	struct xsk_tx_stats stats;

	/* Cold from here. */
	uint16_t bounce_room;    /* bytes a bounce frame holds */
	int32_t bounce_off;      /* data_off a bounce frame is sent from */
	uint16_t port_id;
	uint16_t queue_id;
	unsigned int socket_id;
	struct rte_eth_txconf conf;
	struct xsk_kstats ksum;
	struct xsk_kstats kbase;
	uint64_t quarantined;
	struct xsk_tx_stats base_stats;
} __rte_cache_aligned;

/*
 * A netdev queue in use: the socket that a receive and a transmit queue of the same number share.
 */
struct xsk_pair {
	LIST_ENTRY(xsk_pair) link; /* of its region */
	struct afx_socket *sock;
	struct xsk_region *region;
	bool on_list;
	bool in_map;             /* in the XSKMAP */
	struct rte_mempool *fill_mp; /* tx-only in zero-copy: where its fill frames came from */
	struct rte_mbuf **fill_mbufs;
	uint32_t fill_cnt;
};

/* Private memory of the primary. */
struct xsk_proc {
	TAILQ_ENTRY(xsk_proc) next;
	struct rte_eth_dev *dev;
	struct afx_ctl *ctl;
	struct afx_prog *prog;
	struct afx_state *state;
	int map_fd;              /* from the device plugin, else -1 */
	int promisc_fd;
	int allmulti_fd;
	int monitor_fd;
	struct rte_intr_handle *intr;
	struct xsk_pair *pairs;
	uint16_t pairs_cnt;
	struct rte_mempool *tx_pool; /* frames of a port without receive queues */
	bool xsk_reported;       /* the kernel tells which queues have a socket (6.15) */
	bool warned_use;
};

/* Shared memory of a port. */
struct xsk_port {
	struct xsk_args args;
	int ifindex;
	char ifname[IF_NAMESIZE];
	char driver[32];
	char bus_info[32];
	char iommu[16];
	uint32_t netdev_rx;      /* queues in use by the netdev */
	uint32_t netdev_tx;
	uint32_t netdev_rx_alloc;
	uint32_t min_mtu;        /* of the netdev, 0 where it does not say */
	uint32_t max_mtu;
	uint16_t max_rxq;        /* of this port */
	uint16_t max_txq;
	struct rte_ether_addr mac;
	enum xsk_got got;
	char why[AFX_ERR_LEN];   /* why not a better mode */
	uint64_t umem_pinned;    /* bytes, registrations of this port */
	uint64_t umem_heads;     /* bytes of kernel memory for its bound queues */
	uint32_t umem_regions;
	uint32_t rx_room;        /* smallest room of the started port, 0 before */
	char busy_why[AFX_ERR_LEN]; /* why busy polling is off although asked for */
	bool busy;
	bool gone;               /* the interface left */
	uint64_t quarantined;    /* mbufs, all queues since probe */
	uint64_t link_events;
};

static inline struct xsk_port *
xsk_port(const struct rte_eth_dev *dev)
{
	return dev->data->dev_private;
}

static inline struct xsk_proc *
xsk_proc(const struct rte_eth_dev *dev)
{
	return dev->process_private;
}

/* xsk_args.c: text of the device arguments to struct xsk_args; 0 or -errno with err filled. */
int xsk_args_parse(const char *text, struct xsk_args *args, struct afx_err *err);
#define XSK_PARAM_STRING \
	"iface=<name> netns=<name|path> start_queue=<int> queue_count=<int> " \
	"mode=auto|zc|copy|skb|drv|hw force_copy=<0|1> attach=link|dispatcher|none " \
	"xdp_prog=<path> use_pinned_map=<0|1> use_cni=<0|1> dp_path=<path> " \
	"umem=auto|pool|heap umem_cap=<MiB> shared_umem=<0|1> busy_budget=<int> "

/* xsk_ops.c: the ops tables. */
extern const struct eth_dev_ops xsk_ops;
int xsk_dev_close(struct rte_eth_dev *dev);
int xsk_dev_infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info);
const char *xsk_got_name(enum xsk_got got);

/* xsk_queue.c: queue setup, release and information. */
int xsk_rx_queue_setup(struct rte_eth_dev *dev, uint16_t qid, uint16_t nb_desc,
	unsigned int socket_id, const struct rte_eth_rxconf *conf, struct rte_mempool *mp);
int xsk_tx_queue_setup(struct rte_eth_dev *dev, uint16_t qid, uint16_t nb_desc,
	unsigned int socket_id, const struct rte_eth_txconf *conf);
void xsk_rx_queue_release(struct rte_eth_dev *dev, uint16_t qid);
void xsk_tx_queue_release(struct rte_eth_dev *dev, uint16_t qid);
void xsk_rxq_info_get(struct rte_eth_dev *dev, uint16_t qid, struct rte_eth_rxq_info *info);
void xsk_txq_info_get(struct rte_eth_dev *dev, uint16_t qid, struct rte_eth_txq_info *info);
int xsk_rx_burst_mode_get(struct rte_eth_dev *dev, uint16_t qid,
	struct rte_eth_burst_mode *mode);
int xsk_tx_burst_mode_get(struct rte_eth_dev *dev, uint16_t qid,
	struct rte_eth_burst_mode *mode);
xsk_queue_count_t xsk_rx_queue_count(void *queue);
int xsk_rx_descriptor_status(void *queue, uint16_t offset);
int xsk_tx_descriptor_status(void *queue, uint16_t offset);

/* xsk_pair.c: one netdev queue: its socket, rings and frames. */
struct xsk_bind {
	enum xsk_got got;
	bool overlap;
	struct xsk_layout *layouts; /* of the receive queues, for the span */
	unsigned int layouts_cnt;
};
int xsk_pair_open(struct rte_eth_dev *dev, uint16_t qid, const struct xsk_bind *how,
	struct afx_err *err);

/* xsk_start.c: negotiation of the mode, opening every queue. Logs the outcome. */
int xsk_start(struct rte_eth_dev *dev);

/* xsk_vdev.c: probe and remove; the private half of a port. */
void xsk_proc_free(struct rte_eth_dev *dev);

/*
 * xsk_stop.c: closing every queue, proof of release, return of the frames. Runs on partial state.
 */
void xsk_stop(struct rte_eth_dev *dev);
void xsk_close_queues(struct rte_eth_dev *dev);

/*
 * xsk_mem.c: layouts, spans and registrations. The lock is taken inside; get counts the queue as a
 * user, bound and put end that.
 */
void xsk_mem_init(void);
int xsk_layout_get(struct rte_mempool *mp, struct xsk_layout *lay, struct afx_err *err);
/* Frames that cross 1 << shift bytes or lie outside what of the pool can be registered. */
uint32_t xsk_layout_unusable(const struct xsk_layout *lay, const struct xsk_frames *fr,
	unsigned int shift);
int xsk_frames_get(const struct xsk_layout *lay, bool overlap, struct xsk_frames *fr,
	struct afx_err *err);
struct xsk_span {
	uintptr_t base;
	uint64_t len;
	unsigned int page_shift;
};
struct xsk_span_want {
	enum xsk_umem umem;
	uint64_t heads_cap;      /* bytes that reaching other pools may cost (umem=auto) */
	uint32_t chunk;
	unsigned int queues;     /* bound queues that pay for the heads */
};
void xsk_span_get(const struct xsk_layout *lay, const struct xsk_layout *all, unsigned int all_cnt,
	const struct xsk_span_want *want, struct xsk_span *span);
int xsk_region_get(const struct xsk_span *span, uint32_t chunk, bool zc, bool sg,
	struct xsk_region **region, struct afx_err *err);
int xsk_region_shared_fd(struct xsk_region *region);
void xsk_region_bound(struct xsk_region *region, struct xsk_pair *pair);
void xsk_region_put(struct xsk_region *region, struct xsk_pair *pair);

/* Whether [p, p + len), inside the registration, has lost a page since it was registered. */
static inline bool
xsk_region_gone(const struct xsk_region *r, uintptr_t p, uint32_t len)
{
	uint64_t first = (p - r->base) >> XSK_PAGE_SHIFT;
	uint64_t last = (p - r->base + len - 1) >> XSK_PAGE_SHIFT;

	return r->gone[first] || r->gone[last];
}

/* xsk_rx.c: the receive burst and the refill. */
uint16_t xsk_rx_burst(void *queue, struct rte_mbuf **pkts, uint16_t nb);
uint16_t xsk_rx_burst_any(void *queue, struct rte_mbuf **pkts, uint16_t nb);
uint32_t xsk_rx_refill(struct xsk_rxq *q);
uint32_t xsk_rx_refill_pinned(struct xsk_rxq *q);

/* xsk_tx.c: the transmit burst and the reclaim of completions. */
uint16_t xsk_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t nb);
uint32_t xsk_tx_reclaim(struct xsk_txq *q);
void xsk_tx_drain(struct xsk_txq *q);
int xsk_tx_done_cleanup(void *queue, uint32_t free_cnt);

/* xsk_stats.c */
int xsk_stats_get(XSK_STATS_GET_ARGS);
int xsk_stats_reset(struct rte_eth_dev *dev);
int xsk_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n);
int xsk_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names,
	unsigned int n);
void xsk_kstats_collect(struct xsk_pair *pair, struct xsk_rxq *rxq, struct xsk_txq *txq);

/* xsk_ctrl.c: operations on the netdev. */
int xsk_netdev_refresh(struct rte_eth_dev *dev, struct afx_netdev *nd);
int xsk_link_update(struct rte_eth_dev *dev, int wait);
int xsk_set_link_up(struct rte_eth_dev *dev);
int xsk_set_link_down(struct rte_eth_dev *dev);
int xsk_mtu_set(struct rte_eth_dev *dev, uint16_t mtu);
int xsk_mac_addr_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr);
int xsk_promiscuous_enable(struct rte_eth_dev *dev);
int xsk_promiscuous_disable(struct rte_eth_dev *dev);
int xsk_allmulticast_enable(struct rte_eth_dev *dev);
int xsk_allmulticast_disable(struct rte_eth_dev *dev);
uint32_t xsk_max_frame(const struct rte_eth_dev *dev);
void xsk_warn_kernel_use(struct rte_eth_dev *dev);

/* xsk_intr.c: link notifications on EAL's interrupt thread. */
int xsk_monitor_open(struct rte_eth_dev *dev, struct afx_err *err);
void xsk_monitor_close(struct rte_eth_dev *dev);
int xsk_is_removed(struct rte_eth_dev *dev);

/* xsk_mp.c: the port in a secondary process, for information only. */
int xsk_mp_attach(struct rte_vdev_device *vdev);
void xsk_set_dummies(struct rte_eth_dev *dev);

/* xsk_telemetry.c */
void xsk_telemetry_init(void);

#endif

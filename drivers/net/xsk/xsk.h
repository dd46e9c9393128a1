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
 * may run at once on two lcores, but with same_lcore and recycling.
 *
 * Functions that are ethdev's operations have ethdev's contract; they log an error once and return
 * 0 or -errno. Others return 0 or -errno with err filled where they take one. Lengths are bytes.
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
#include <rte_vect.h>

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
#include "xsk_counters.h"
#include "xsk_sg.h"

extern int xsk_logtype_init;
#define XSK_LOG(level, fmt, ...) \
	rte_log(RTE_LOG_ ## level, xsk_logtype_init, "net_xsk: " fmt "\n", ## __VA_ARGS__)

#define XSK_DRIVER_NAME "net_xsk"

/* Ring sizes. The kernel takes any power of two up to 2^31; 32 Ki entries of 2 KiB are 64 MiB. */
#define XSK_DESC_MIN 32
#define XSK_DESC_MAX 32768
#define XSK_DESC_DEFAULT 2048

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

/* Say what would help; and do what can be taken back. */
enum xsk_tune_level { XSK_TUNE_OFF, XSK_TUNE_REPORT, XSK_TUNE_APPLY };

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
	uint32_t umem_cap_mib;   /* kernel heads up to which umem=auto takes in other pools */
	uint32_t busy_budget;    /* packets a busy poll may take, 0: no busy polling */
	bool same_lcore;         /* one lcore runs both bursts of a queue pair */
	bool busy_auto;          /* only where core and NAPI have to share a CPU */
	uint32_t napi_defer, napi_flush_us; /* parameters for its NAPIs, 0: as they are */
	enum xsk_tune_level tune;
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
	uint32_t pad;
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
	bool whole;              /* every object lies between them */
};

/* Layout of the frames of one receive queue in one registration. */
struct xsk_frames {
	int32_t fill_off;        /* fill address = mbuf (or its buffer, if pinned) + fill_off */
	uint16_t data_off;       /* where the kernel puts the packet, relative to the buffer */
	uint32_t room;           /* bytes of packet a frame holds */
	uint32_t pad;            /* in front, never written: the umem's headroom */
	uint32_t chunk;          /* pad + 256 + room */
	bool overlap;            /* the kernel's headroom lies over the mbuf header */
};

/* A receive queue: everything the burst touches first, in its own cache lines. */
struct xsk_rxq {
	struct afx_cons rx;
	struct afx_prod fill;
	uintptr_t base;          /* of the registration */
	uint64_t map_base;       /* UMEM offset of the first slot of own[] */
	uint64_t map_len;        /* slots */
	uint16_t *own;           /* per slot: low bits of the address held, or XSK_OWN_NONE */
	struct rte_mbuf **own_mbuf; /* pinned pools: the mbuf instead */
	struct rte_mempool *mp;
	uint64_t rearm;          /* data_off (0, added per packet), refcnt, nb_segs, port */
	int32_t fill_off;
	int32_t off_adj;         /* descriptor offset - data_off of the mbuf */
	uint32_t chunk;
	uint32_t held;           /* mbufs in fill ring, kernel and rx ring */
	uint32_t nb_desc;
	uint32_t pool_desc;      /* of those, how many the pool fills; completions do the rest */
	uint32_t free_thresh;    /* refill from the pool when this many are missing */
	uint32_t cross_shift;    /* frames must not cross 1 << cross_shift; 63: may */
	int fd;
	bool zc;
	bool busy;               /* an empty poll runs the driver's NAPI */
	uint32_t wake_skip;      /* polls to come that do not wake although asked to */
	uint32_t idle;           /* empty polls */
	const uint32_t *tx_kprod; /* indexes of the pair's tx ring in copy mode, else NULL */
	const uint32_t *tx_kcons;
	struct xsk_rx_stats stats;
	struct xsk_rx_sg sg;
#ifdef RTE_ENABLE_ASSERT
	unsigned int lcore;      /* of the last burst */
#endif

	/* Cold from here, but for queues that recycle. */
	struct rte_mbuf **recycle; /* xsk_recycle.c: mbufs on their way back, NULL where unused */
	uint16_t recycle_mask;
	uint16_t refill_head;
	uint16_t receive_tail;
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
	struct xsk_rx_stats base_stats; /* at the last reset */
} __rte_cache_aligned;

/* A slot's mbuf has to be freed by the book: shared, indirect, external or of another pool. */
#define XSK_SLOT_CARE 1u

/* A transmit queue. */
struct xsk_txq {
	struct afx_prod tx;
	struct afx_cons comp;
	uintptr_t base;
	/* What is in flight by the tag its address carries: mbuf, | XSK_SLOT_CARE; 0 where free. */
	uintptr_t *slot;
	struct rte_mempool *mp;  /* of the slots without XSK_SLOT_CARE */
	uint32_t slot_mask;      /* slots - 1 */
	uint32_t next_tag;       /* where the search for a free slot begins */
	uint32_t used;           /* slots in flight */
	uint32_t nb_desc;        /* most that may be in flight */
	uint32_t free_thresh;    /* reclaim when fewer may be added */
	uint32_t chunk;          /* longest frame */
	uint64_t lo;             /* tags are taken from addresses: first byte that can carry any */
	uint64_t span;           /* [lo, lo + span): where a frame of any length fits */
	uint32_t cross_shift;    /* frames must not cross 1 << cross_shift; 63: may */
	uint32_t pool_age;       /* bursts of another pool than mp since the last change of it */
	struct xsk_region *region;
	struct xsk_rxq *feed;    /* same_lcore: whose fill ring takes what completes, else NULL */
	int fd;
	bool zc;
	bool busy;               /* preferred busy polling is on: watched for progress */
	uint32_t backoff;        /* bursts to come that do not kick */
	uint32_t stuck;          /* kicks in a row after which nothing had left */
	uint32_t last_pending;
	struct xsk_tx_stats stats;
	struct xsk_tx_sg sg;

	/* Cold from here. */
	uint64_t len;            /* bytes of the registration */
	struct rte_mempool *bounce_mp;
	uint16_t bounce_room;    /* bytes a bounce frame holds */
	int32_t bounce_off;      /* data_off a bounce frame is sent from */
	uint16_t port_id;
	uint16_t queue_id;
	unsigned int socket_id;
	struct rte_eth_txconf conf;
	struct xsk_kstats ksum;
	struct xsk_kstats kbase;
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
	struct afx_prog *left;   /* dispatcher component that others still used at stop */
	struct afx_state *state;
	int map_fd;              /* from the device plugin, else -1 */
	int promisc_fd;
	int allmulti_fd;
	int monitor_fd;
	struct rte_intr_handle *intr;
	struct xsk_pair *pairs;
	uint16_t pairs_cnt;
	pthread_mutex_t map_lock; /* entries in the map: also the interrupt thread takes them out */
	struct xsk_tune *tune;   /* of a started port, see xsk_tune.h */
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
	uint32_t rx_room;        /* smallest of the last start, 0 before and without rx */
	struct xsk_port_sg sg;
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

/* xsk_args.c: text of the device arguments to struct xsk_args. -EINVAL. */
int xsk_args_parse(const char *text, struct xsk_args *args, struct afx_err *err);
#define XSK_PARAM_STRING \
	"iface=<name> netns=<name|path> start_queue=<int> queue_count=<int> " \
	"mode=auto|zc|copy|skb|drv|hw force_copy=<0|1> attach=link|dispatcher|none " \
	"xdp_prog=<path> use_pinned_map=<0|1> use_cni=<0|1> dp_path=<path> " \
	"umem=auto|pool|heap umem_cap=<MiB> shared_umem=<0|1> busy_poll=auto|off|<int> " \
	"busy_budget=<int> tune=off|report|apply napi_defer=<int> napi_flush=<us> " \
	"same_lcore=<0|1> "

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

/* xsk_pair.c: one netdev queue: its socket, rings and frames. */
struct xsk_bind {
	enum xsk_got got;
	bool overlap;
	bool sg;                 /* sockets take packets of several frames */
	bool frags;              /* and so must the XDP program */
	struct xsk_layout *layouts; /* of the receive queues, for the span */
	unsigned int layouts_cnt;
};
int xsk_pair_open(struct rte_eth_dev *dev, uint16_t qid, const struct xsk_bind *how,
	struct afx_err *err);

/* xsk_start.c: negotiation of the mode, opening every queue; waits for them and the carrier. */
int xsk_start(struct rte_eth_dev *dev);

/* xsk_vdev.c: probe and remove; frees the private half of a port, values put back. */
void xsk_proc_free(struct rte_eth_dev *dev);

/*
 * xsk_stop.c: closing every queue, proof of release, return of the frames. Runs on partial state,
 * waits up to XSK_RELEASE_WAIT_MS. Bursts must have ended. stop also takes back what was tuned.
 */
void xsk_stop(struct rte_eth_dev *dev);
void xsk_close_queues(struct rte_eth_dev *dev);
/* Whether igb hands on frames of this length whole in zero-copy: 0 or -EINVAL. */
int xsk_check_igb(const struct xsk_port *port, const struct xsk_frames *fr, uint32_t frame,
	struct afx_err *err);
/* Take the port's sockets out of the map. Any thread. */
void xsk_leave_map(struct rte_eth_dev *dev);
/* Let go of a program; with again, keep for later what only the last user may take away. */
void xsk_drop_prog(struct rte_eth_dev *dev, struct afx_prog *prog, bool again);

/*
 * What own[] has: of the slot's frame the low bits of its address, which tell it from any other
 * that could start there. Frames are 8-byte aligned, so none has those of XSK_OWN_NONE; an
 * address that is not is never looked up.
 */
#define XSK_OWN_NONE UINT16_MAX

/*
 * xsk_rx.c: the receive bursts and the refill. Off x86-64 those with vectors are the scalar one;
 * xsk_rx_burst_any serves ports of which some queue has pinned external buffers.
 */
uint16_t xsk_rx_burst_avx2(void *queue, struct rte_mbuf **pkts, uint16_t nb);
uint16_t xsk_rx_burst_sse(void *queue, struct rte_mbuf **pkts, uint16_t nb);
uint16_t xsk_rx_burst_scalar(void *queue, struct rte_mbuf **pkts, uint16_t nb);
uint16_t xsk_rx_burst_any(void *queue, struct rte_mbuf **pkts, uint16_t nb);
/* The widest that the processor has and EAL's limit (rte_vect.h) allows; and what it is called. */
eth_rx_burst_t xsk_rx_burst_choose(bool pinned);
const char *xsk_rx_burst_name(eth_rx_burst_t burst);
uint32_t xsk_rx_refill(struct xsk_rxq *q);
uint32_t xsk_rx_refill_pinned(struct xsk_rxq *q);
/* Post mbufs of the queue's pool, from the thread of its bursts: how many were taken. */
uint32_t xsk_rx_feed(struct xsk_rxq *q, void * const *objs, uint32_t n);

/* xsk_recycle.c: mbufs sent become receive buffers. */
#ifdef XSK_HAVE_RECYCLE
void xsk_recycle_rxq_info_get(struct rte_eth_dev *dev, uint16_t qid,
	struct rte_eth_recycle_rxq_info *info);
void xsk_recycle_rx_refill(void *queue, uint16_t nb);
uint16_t xsk_recycle_tx_reuse(void *queue, struct rte_eth_recycle_rxq_info *info);
#endif

/*
 * Where the queue is in its exchange array. Senders take mask - (head - tail) for what is missing.
 */
static inline void
xsk_recycle_update(struct xsk_rxq *q)
{
	uint32_t missing = RTE_MIN(q->nb_desc - q->held, q->recycle_mask - 1u);

	q->refill_head = (q->rx.cached_cons + q->held) & q->recycle_mask;
	q->receive_tail = (q->refill_head + missing + 1) & q->recycle_mask;
}

/* xsk_tx.c: the transmit burst and the reclaim of completions, all on the transmit thread. */
uint16_t xsk_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t nb);
uint32_t xsk_tx_reclaim(struct xsk_txq *q);
/* Up to n mbufs of q->mp that were sent, or all n or none; others that completed are freed. */
uint32_t xsk_tx_take_done(struct xsk_txq *q, void **objs, uint32_t n, bool all);
void xsk_tx_drain(struct xsk_txq *q);
int xsk_tx_done_cleanup(void *queue, uint32_t free_cnt);

/* xsk_stats.c: any thread; collect sums the kernel's counters before a socket is closed. */
int xsk_stats_get(XSK_STATS_GET_ARGS);
int xsk_stats_reset(struct rte_eth_dev *dev);
int xsk_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n);
int xsk_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names,
	unsigned int n);
void xsk_kstats_collect(struct xsk_pair *pair, struct xsk_rxq *rxq, struct xsk_txq *txq);

/* xsk_ctrl.c: operations on the netdev, with the system calls of afx_netdev.h. */
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

#include "xsk_mem.h"

#endif

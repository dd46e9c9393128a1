/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When stop or close come back, nobody writes into the frames any more. The pool of these cases
 * poisons each mbuf's buffer as it comes in, and looks at the poison when it goes out and whenever
 * asked: a NIC that still writes shows in the bytes.
 */
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#include "dut.h"
#include "dut_audit.h"

#define POISON	0xa5
#define FLOOD_LEN 1024
#define FLOOD_FRAMES 64
/* Longer than any driver was seen to write after close: 56 ms. */
#define WATCH_MS 400

static unsigned int poison_hits;
static unsigned int poison_put;

static bool
poisoned(const struct rte_mbuf *m)
{
	const uint8_t *b = m->buf_addr;

	return b[0] == POISON && memcmp(b, b + 1, m->buf_len - 1) == 0;
}

static int
poison_alloc(struct rte_mempool *mp)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "poison%u", mp->size);
	mp->pool_data = rte_ring_create(name, rte_align32pow2(mp->size + 1), SOCKET_ID_ANY, 0);
	return mp->pool_data != NULL ? 0 : -ENOMEM;
}

static void
poison_free(struct rte_mempool *mp)
{
	rte_ring_free(mp->pool_data);
}

static int
poison_enqueue(struct rte_mempool *mp, void * const *objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];

		/* Before rte_pktmbuf_init there is no buffer. */
		if (m->buf_addr != NULL)
			memset(m->buf_addr, POISON, m->buf_len);
	}
	poison_put += n;
	return rte_ring_enqueue_bulk(mp->pool_data, objs, n, NULL) == 0 ? -ENOBUFS : 0;
}

static int
poison_dequeue(struct rte_mempool *mp, void **objs, unsigned int n)
{
	unsigned int i;

	if (rte_ring_dequeue_bulk(mp->pool_data, objs, n, NULL) == 0)
		return -ENOENT;
	for (i = 0; i < n; i++)
		poison_hits += !poisoned(objs[i]);
	return 0;
}

static unsigned int
poison_count(const struct rte_mempool *mp)
{
	return rte_ring_count(mp->pool_data);
}

static const struct rte_mempool_ops poison_ops = {
	.name = "dut_poison",
	.alloc = poison_alloc,
	.free = poison_free,
	.enqueue = poison_enqueue,
	.dequeue = poison_dequeue,
	.get_count = poison_count,
};

static void
poison_now(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	struct rte_mbuf *m = obj;

	RTE_SET_USED(mp);
	RTE_SET_USED(arg);
	RTE_SET_USED(i);
	memset(m->buf_addr, POISON, m->buf_len);
}

static struct rte_mempool *
pool_poisoned(unsigned int n)
{
	struct rte_pktmbuf_pool_private info = { .mbuf_data_room_size = DUT_ROOM };
	struct rte_mempool *mp;

	if (rte_mempool_register_ops(&poison_ops) < 0)
		return NULL;
	mp = rte_mempool_create_empty("poison", n, sizeof(struct rte_mbuf) + DUT_ROOM, 0,
		sizeof(info), SOCKET_ID_ANY, 0);
	if (mp == NULL || rte_mempool_set_ops_byname(mp, "dut_poison", NULL) != 0)
		return NULL;
	rte_pktmbuf_pool_init(mp, &info);
	if (rte_mempool_populate_default(mp) < 0)
		return NULL;
	rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
	rte_mempool_obj_iter(mp, poison_now, NULL);
	return mp;
}

static void
count_hits(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	RTE_SET_USED(mp);
	RTE_SET_USED(i);
	*(unsigned int *)arg += !poisoned(obj);
}

/* The peer sends as fast as it can, on the other processor. */
static struct {
	struct peer *peer;
	volatile bool on;
	volatile unsigned long sent;
} flood;

static void *
flood_run(void *arg)
{
	static uint8_t frames[FLOOD_FRAMES][FLOOD_LEN];
	struct mmsghdr msgs[FLOOD_FRAMES];
	struct iovec iov[FLOOD_FRAMES];
	unsigned int i;
	cpu_set_t set;
	int n;

	RTE_SET_USED(arg);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	memset(msgs, 0, sizeof(msgs));
	for (i = 0; i < FLOOD_FRAMES; i++) {
		iov[i].iov_base = frames[i];
		iov[i].iov_len = DUT_MIN_FRAME + i * 14;
		frame_fill(frames[i], iov[i].iov_len, 70, i, i);
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (flood.on) {
		n = sendmmsg(flood.peer->tx, msgs, FLOOD_FRAMES, 0);
		flood.sent += n > 0 ? n : 0;
	}
	return NULL;
}

static bool
receive_some(uint16_t port, const struct port_cfg *cfg, unsigned int n)
{
	struct rte_mbuf *m[DUT_BURST];
	uint64_t end = now_ms() + DUT_WAIT_MS;
	unsigned int got = 0;
	uint16_t q, k;

	while (got < n && now_ms() < end)
		for (q = 0; q < cfg->nb_rxq; q++) {
			k = rte_eth_rx_burst(port, q, m, DUT_BURST);
			rte_pktmbuf_free_bulk(m, k);
			got += k;
		}
	return got >= n;
}

/* Nothing of the pool is out, and no byte of it changes while the flood goes on. */
static void
nobody_writes(struct dut *d, struct rte_mempool *mp, const char *when)
{
	uint64_t end = now_ms() + WATCH_MS;
	unsigned long sent = flood.sent;
	unsigned int hits = 0, rounds = 0;

	EXPECT(d, rte_mempool_avail_count(mp) == mp->size, "%s: %u of %u mbufs are back", when,
	       rte_mempool_avail_count(mp), mp->size);
	do {
		rte_mempool_obj_iter(mp, count_hits, &hits);
		rounds++;
	} while (hits == 0 && now_ms() < end);
	EXPECT(d, hits == 0, "%s: %u buffers were written to after they came back", when, hits);
	EXPECT(d, flood.sent > sent, "%s: the flood had ended", when);
	printf("%s: %s: %u buffers looked at %u times, %lu packets sent meanwhile\n", d->case_name,
	       when, mp->size, rounds, flood.sent - sent);
	rte_mempool_obj_iter(mp, poison_now, NULL);
}

static void
case_release(struct dut *d)
{
	struct port_cfg cfg = { .rx_desc = 1024, .tx_desc = 512 };
	char name[RTE_ETH_NAME_MAX_LEN];
	struct audit_queue q;
	pthread_t thread;
	struct peer p;
	unsigned int round;
	uint16_t port;

	cfg.nb_rxq = cfg.nb_txq = d->netdev_queues;
	cfg.mp = pool_poisoned(cfg.nb_rxq * 1024 + 1024);
	flood.peer = &p;
	flood.on = true;
	if (!EXPECT(d, cfg.mp && peer_open(&p, d->peer) == 0, "pool or peer") ||
	    !EXPECT(d, pthread_create(&thread, NULL, flood_run, NULL) == 0, "thread"))
		return;
	for (round = 0; round < 2; round++) {
		if (!port_up(d, &port, &cfg, "mode=zc"))
			break;
		EXPECT(d, audit_find(if_nametoindex(d->iface), 0, &q) && q.zero_copy,
		       "not zero-copy");
		EXPECT(d, receive_some(port, &cfg, 3000), "no flood before stop");
		EXPECT(d, rte_eth_dev_stop(port) == 0, "stop");
		nobody_writes(d, cfg.mp, "after stop");
		EXPECT(d, port_start(port) == 0, "start");
		EXPECT(d, receive_some(port, &cfg, 3000), "no flood before close");
		/* Once in the order of the book, once out from under a running port. */
		rte_eth_dev_get_name_by_port(port, name);
		if (round == 0)
			port_close(port);
		else
			EXPECT(d, rte_eal_hotplug_remove("vdev", name) == 0, "unplug");
		nobody_writes(d, cfg.mp, round == 0 ? "after stop and close" : "after unplug");
	}
	flood.on = false;
	pthread_join(thread, NULL);
	EXPECT(d, poison_hits == 0, "%u buffers were written to while in the pool", poison_hits);
	EXPECT(d, poison_put > 6000, "only %u buffers came back", poison_put);
	peer_close(&p);
}

/* Ports come and go under the flood, with packets on their way out: --count rounds. */
static void
case_churn(struct dut *d)
{
	struct port_cfg cfg = { .rx_desc = 1024, .tx_desc = 512 };
	unsigned int i, k, rounds = d->count ? d->count : 10;
	struct rte_mbuf *m;
	pthread_t thread;
	struct peer p;
	uint16_t port;

	cfg.nb_rxq = cfg.nb_txq = d->netdev_queues;
	cfg.mp = pool_new("rx", cfg.nb_rxq * 8192 - 1, 0, DUT_ROOM);
	flood.peer = &p;
	flood.on = true;
	if (!EXPECT(d, cfg.mp && peer_open(&p, d->peer) == 0, "pool or peer") ||
	    !EXPECT(d, pthread_create(&thread, NULL, flood_run, NULL) == 0, "thread"))
		return;
	for (i = 0; i < rounds && d->failed == 0; i++) {
		if (!port_up(d, &port, &cfg, ""))
			break;
		EXPECT(d, receive_some(port, &cfg, 1000), "round %u: no flood", i);
		for (k = 0; k < 256; k++) {
			m = mbuf_frame(cfg.mp, 60 + k * 5, 71, k, k);
			if (m != NULL && rte_eth_tx_burst(port, k % cfg.nb_txq, &m, 1) == 0)
				rte_pktmbuf_free(m);
		}
		if (i % 4 == 3) {
			netdev_up(d->iface, false);
			netdev_up(d->iface, true);
		}
		port_close(port);
		if (strcmp(d->pmd, "net_xsk") == 0)
			pool_whole(d, cfg.mp, "after close");
	}
	flood.on = false;
	pthread_join(thread, NULL);
	printf("%s: %u rounds, %lu packets sent\n", d->case_name, i, flood.sent);
	peer_close(&p);
}

const struct dut_case dut_zc_release_cases[] = {
	{ "zc-release", "-", 1, DUT_HELPER, "-", "no write after stop, close and unplug",
		case_release },
	{ "zc-churn", "-", 1, DUT_HELPER, "-", "ports come and go under a flood", case_churn },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

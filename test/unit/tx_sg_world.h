/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of multi-buffer transmit share beyond tx_world.h: chains by their segments, and a
 * burst after which the ring ends with the end of a packet. Included once per program.
 */
#ifndef TX_SG_WORLD_H
#define TX_SG_WORLD_H

#include "tx_world.h"

#define POOL 2048

static struct rte_mempool *pool, *other, *clones;

/* A chain of segments of these lengths, each from the pool its letter names: p own, o other. */
static inline struct rte_mbuf *
chain(const char *from, const uint16_t *len)
{
	struct rte_mbuf *head = NULL;

	for (unsigned int i = 0; from[i] != '\0'; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(from[i] == 'o' ? other : pool);

		if (m == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		m->data_len = m->pkt_len = len[i];
		if (head == NULL)
			head = m;
		else
			CHECK_EQ(rte_pktmbuf_chain(head, m), 0);
	}
	return tx_paint(head);
}

#define CHAIN(from, ...) chain(from, (const uint16_t[]){ __VA_ARGS__ })

/* n segments of len bytes of the own pool. */
static inline struct rte_mbuf *
even(unsigned int n, uint16_t len)
{
	uint16_t lens[64];
	char from[65] = "";

	for (unsigned int i = 0; i < n; i++) {
		lens[i] = len;
		from[i] = 'p';
		from[i + 1] = '\0';
	}
	return chain(from, lens);
}

static inline uint16_t
burst(struct rte_mbuf **pkts, uint16_t nb)
{
	uint16_t n = xsk_tx_burst_sg(q, pkts, nb);

	CHECK(n <= nb);
	tx_tags_whole();
	/* What the kernel may see ends with the end of a packet. */
	CHECK_EQ(q->tx.cached_prod, f->tx.prod);
	if (f->tx.prod != 0)
		CHECK_EQ(((struct xdp_desc *)f->tx.entry)[(f->tx.prod - 1) % f->tx.entries].options,
			0);
	return n;
}

/* Everything is home but what the port's fill ring and the lender hold. */
static inline void
all_home(unsigned int out)
{
	tx_all_home(other);
	tx_all_home(clones);
	CHECK_EQ(rte_mempool_avail_count(pool), pool->size - 32 - out);
}

static inline void
make_pools(struct fake_cfg *cfg)
{
	const struct fake_pool_cfg big = { .n = POOL, .cache = 64 };

	pool = fake_pool("pool", &big);
	other = fake_pool("other", &big);
	clones = fake_pool("clones", &(struct fake_pool_cfg){ .n = 64, .room = 128 });
	*cfg = (struct fake_cfg){ .mp = pool, .overlap = true, .sg = true, .umem = XSK_UMEM_POOL };
}

#endif

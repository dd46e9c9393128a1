/* SPDX-License-Identifier: BSD-3-Clause */
/* What the bursts rely on of DPDK's structures: where fields lie, and a pool's cache. */
#ifndef XSK_FAST_H
#define XSK_FAST_H

#include <assert.h>

#include "xsk.h"

/*
 * Fields that are written or judged together, by one access each. Their places are the same in
 * every DPDK the driver builds with.
 */
#define XSK_LIES_AT(type, field, at) static_assert(offsetof(type, field) == (at), #field " moved")
XSK_LIES_AT(struct rte_mbuf, data_off, 16);
XSK_LIES_AT(struct rte_mbuf, refcnt, 18);
XSK_LIES_AT(struct rte_mbuf, nb_segs, 20);
XSK_LIES_AT(struct rte_mbuf, port, 22);
XSK_LIES_AT(struct rte_mbuf, ol_flags, 24);
XSK_LIES_AT(struct rte_mbuf, packet_type, 32);
XSK_LIES_AT(struct rte_mbuf, pkt_len, 36);
XSK_LIES_AT(struct rte_mbuf, data_len, 40);
XSK_LIES_AT(struct rte_mbuf, vlan_tci, 42);
XSK_LIES_AT(struct rte_mbuf, hash, 44);
XSK_LIES_AT(struct xdp_desc, len, 8);
XSK_LIES_AT(struct xdp_desc, options, 12);
static_assert(RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN, "the accesses are those of little endian");

/*
 * The calling lcore's cache of a pool, for taking and giving objects in place. NULL where there is
 * none, or where DPDK was built to look at every object that passes.
 */
static inline struct rte_mempool_cache *
xsk_pool_cache(struct rte_mempool *mp)
{
#if defined(RTE_LIBRTE_MEMPOOL_DEBUG) || defined(RTE_LIBRTE_MEMPOOL_STATS)
	return NULL;
#else
	return rte_mempool_default_cache(mp, rte_lcore_id());
#endif
}

#endif

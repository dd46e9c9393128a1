/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * External buffers for the transmit tests: mbufs that point into memory of somebody else, which is
 * told when it is let go. Included once per program, after tx_world.h.
 */
#ifndef TX_EXT_H
#define TX_EXT_H

static struct rte_mbuf_ext_shared_info ext_info;
static unsigned int ext_freed;
static struct rte_mbuf *lender;  /* owns the buffer that mbufs inside the registration point into */

static void
ext_free(void *addr, void *arg)
{
	(void)addr;
	(void)arg;
	ext_freed++;
}

/* An mbuf of mp whose data is mem, unpainted. */
static struct rte_mbuf *
ext_mbuf(struct rte_mempool *mp, void *mem, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	ext_info.free_cb = ext_free;
	rte_mbuf_ext_refcnt_set(&ext_info, 1);
	rte_pktmbuf_attach_extbuf(m, mem, 0, len, &ext_info);
	m->data_off = 0;
	m->data_len = m->pkt_len = len;
	return m;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What a candidate got, in its driver's words and by what the interface shows. */
#include <string.h>

#include "run.h"
#include "veth.h"

/* The drivers that say nothing of their mode show it by where their program sits. */
static void
got_xdp(const struct net_end *end, struct got *got)
{
	struct afx_netdev nd;
	struct afx_err err;

	if (afx_netdev_by_index(end->ctl, end->nd.ifindex, &nd, &err) < 0)
		return;
	strcpy(got->xdp, nd.xdp_prog_drv != 0 ? "XDP native" : nd.xdp_prog_skb != 0 ?
		"XDP generic" : nd.xdp_prog_hw != 0 ? "XDP offloaded" : "no XDP");
}

void
got_note(const struct net_end *end, const struct job_page *p, const struct cand *c, struct got *got)
{
	memset(got, 0, sizeof(*got));
	got_xdp(end, got);
	veth_sysfs_get(end, "threaded", got->napi_threaded, sizeof(got->napi_threaded));
	veth_sysfs_get(end, "napi_defer_hard_irqs", got->napi_defer_hard_irqs,
		sizeof(got->napi_defer_hard_irqs));
	veth_sysfs_get(end, "gro_flush_timeout", got->gro_flush_timeout,
		sizeof(got->gro_flush_timeout));
	if (p == NULL) {
		strcpy(got->rx_mode, cand_wants_skb(c) ? "generic" : "native");
		return;
	}
	memcpy(got->rx_mode, p->rx_mode, sizeof(got->rx_mode));
	memcpy(got->tx_mode, p->tx_mode, sizeof(got->tx_mode));
	got->rxd = p->rxd_got;
	got->txd = p->txd_got;
	got->mbufs = p->mbufs_got;
	got->fast_free = p->fast_free;
}

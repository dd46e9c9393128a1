/* SPDX-License-Identifier: BSD-3-Clause */
/* State of the descriptors of a running queue, for ethdev; see xsk_desc.c. */
#ifndef XSK_DESC_H
#define XSK_DESC_H

#include <rte_power_intrinsics.h>

#include "../../dpdk_compat.h"

xsk_queue_count_t xsk_rx_queue_count(void *queue);
int xsk_rx_descriptor_status(void *queue, uint16_t offset);
int xsk_tx_descriptor_status(void *queue, uint16_t offset);
#ifdef XSK_HAVE_TX_QUEUE_COUNT
int xsk_tx_queue_count(void *queue);
#endif
int xsk_get_monitor_addr(void *queue, struct rte_power_monitor_cond *pmc);

#endif

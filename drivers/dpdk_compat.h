/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Differences between the DPDK lines the driver builds with (22.11, 24.11, 25.11). The only place
 * where RTE_VERSION is looked at.
 */
#ifndef DPDK_COMPAT_H
#define DPDK_COMPAT_H

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_telemetry.h>
#include <rte_version.h>

/* Queue counters left rte_eth_stats for a structure of their own in 25.11. */
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
typedef struct eth_queue_stats xsk_queue_stats;
#define XSK_STATS_GET_ARGS struct rte_eth_dev *dev, struct rte_eth_stats *stats, \
	struct eth_queue_stats *qstats
#define XSK_QUEUE_STATS(stats, qstats) (qstats)
typedef int xsk_queue_count_t;
#else
typedef struct rte_eth_stats xsk_queue_stats;
#define XSK_STATS_GET_ARGS struct rte_eth_dev *dev, struct rte_eth_stats *stats
#define XSK_QUEUE_STATS(stats, qstats) (stats)
typedef uint32_t xsk_queue_count_t;
#endif

/* Unsigned telemetry values were renamed in 23.03 and the old name removed in 25.11. */
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
#define xsk_tel_uint(d, name, v) rte_tel_data_add_dict_uint(d, name, v)
#else
#define xsk_tel_uint(d, name, v) rte_tel_data_add_dict_u64(d, name, v)
#endif

/*
 * Fast-path pointers that ethdev calls without a check since 25.11; it fills in its dummies only in
 * the process that allocates the port.
 */
#if RTE_VERSION >= RTE_VERSION_NUM(24, 3, 0, 0)
#define XSK_HAVE_TX_QUEUE_COUNT 1
#endif
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
#define XSK_HAVE_RECYCLE 1
#endif

#endif

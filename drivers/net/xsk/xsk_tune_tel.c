/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry of tuning: /net_xsk/tune,<port>, with one dictionary a queue. */
#include <errno.h>

#include "xsk_tune.h"

static void
add_queue(struct rte_tel_data *d, const struct xsk_tune_queue *q, uint16_t qid)
{
	struct rte_tel_data *e = rte_tel_data_alloc();
	char name[24];

	if (e == NULL)
		return;
	rte_tel_data_start_dict(e);
	xsk_tel_uint(e, "napi", q->napi);
	xsk_tel_uint(e, "irq", q->irq);
	rte_tel_data_add_dict_string(e, "irq_cpus", q->irq_cpus);
	rte_tel_data_add_dict_int(e, "poll_cpu", q->poll_cpu);
	rte_tel_data_add_dict_int(e, "deferred", q->deferred);
	rte_tel_data_add_dict_int(e, "irq_moved", q->moved);
	snprintf(name, sizeof(name), "queue_%u", qid);
	if (rte_tel_data_add_dict_container(d, name, e, 0) < 0)
		rte_tel_data_free(e);
}

static void
add_port(struct rte_tel_data *d, const struct xsk_tune *t)
{
	char name[24];

	xsk_tel_uint(d, "queues", t->cnt);
	rte_tel_data_add_dict_string(d, "cpus_online", t->online);
	rte_tel_data_add_dict_int(d, "nic_numa_node", t->nic_node);
	rte_tel_data_add_dict_int(d, "pool_numa_node", t->pool_node);
	xsk_tel_uint(d, "page_bytes", t->page_bytes);
	rte_tel_data_add_dict_int(d, "irqbalance", t->irqbalance);
	rte_tel_data_add_dict_int(d, "rx_usecs",
		t->rx_usecs == UINT32_MAX ? -1 : (int)t->rx_usecs);
	rte_tel_data_add_dict_int(d, "adaptive_rx", t->adaptive_rx);
	xsk_tel_uint(d, "tx_budget", t->tx_budget);
	xsk_tel_uint(d, "tx_sndbuf_bytes", t->tx_sndbuf);
	rte_tel_data_add_dict_int(d, "sysctl_busy_read", t->busy_read);
	rte_tel_data_add_dict_int(d, "sysctl_busy_poll", t->busy_poll);
	for (uint32_t i = 0; i < t->advice_cnt; i++) {
		snprintf(name, sizeof(name), "advice_%u", i);
		xsk_tel_text(d, name, t->advice[i]);
	}
	/* A dictionary holds RTE_TEL_MAX_DICT_ENTRIES: queues beyond are cut off by EAL. */
	for (uint16_t i = 0; i < t->cnt; i++)
		add_queue(d, &t->queue[i], i);
}

static int
show(const char *cmd __rte_unused, const char *params, struct rte_tel_data *d)
{
	static const char *const levels[] = {
		[XSK_TUNE_OFF] = "off", [XSK_TUNE_REPORT] = "report", [XSK_TUNE_APPLY] = "apply",
	};
	const struct rte_eth_dev *dev = xsk_tel_port(params);
	const struct xsk_tune *t;

	if (dev == NULL)
		return -EINVAL;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "tune", levels[xsk_port(dev)->args.tune]);
	t = xsk_tune_hold(dev);
	if (t != NULL)
		add_port(d, t);
	xsk_tune_release();
	return 0;
}

void
xsk_tune_telemetry_init(void)
{
	rte_telemetry_register_cmd("/net_xsk/tune", show,
		"NAPI, interrupt and CPU of each queue, advice. Parameters: port_id");
}

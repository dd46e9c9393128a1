/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Telemetry: /net_xsk/list names the ports, /net_xsk/port,<id> tells what one of them got, why not
 * more, and what it costs. Read-only; runs on EAL's telemetry thread.
 */
#include <errno.h>
#include <stdlib.h>

#include "xsk_tune.h"

static bool
is_ours(uint16_t port_id)
{
	const struct rte_eth_dev *dev;

	if (!rte_eth_dev_is_valid_port(port_id))
		return false;
	dev = &rte_eth_devices[port_id];
	return dev->device != NULL && dev->device->driver != NULL &&
		strcmp(dev->device->driver->name, XSK_DRIVER_NAME) == 0;
}

static int
list(const char *cmd __rte_unused, const char *params __rte_unused, struct rte_tel_data *d)
{
	uint16_t id;

	rte_tel_data_start_array(d, RTE_TEL_INT_VAL);
	RTE_ETH_FOREACH_DEV(id)
		if (is_ours(id))
			rte_tel_data_add_array_int(d, id);
	return 0;
}

static uint64_t
frames_aside(const struct rte_eth_dev *dev)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct xsk_rxq *q = dev->data->rx_queues[i];

		sum += q != NULL ? q->aside_cnt : 0;
	}
	return sum;
}

/* Telemetry cuts strings at RTE_TEL_MAX_STRING_LEN: a long text goes out in pieces, in order. */
void
xsk_tel_text(struct rte_tel_data *d, const char *name, const char *text)
{
	struct rte_tel_data *pieces = rte_tel_data_alloc();
	char piece[RTE_TEL_MAX_STRING_LEN];

	if (pieces == NULL)
		return;
	rte_tel_data_start_array(pieces, RTE_TEL_STRING_VAL);
	for (size_t at = 0, len = strlen(text); at < len; at += sizeof(piece) - 1) {
		snprintf(piece, sizeof(piece), "%s", text + at);
		rte_tel_data_add_array_string(pieces, piece);
	}
	if (rte_tel_data_add_dict_container(d, name, pieces, 0) < 0)
		rte_tel_data_free(pieces);
}

const struct rte_eth_dev *
xsk_tel_port(const char *params)
{
	unsigned long id;
	char *end;

	if (params == NULL || params[0] < '0' || params[0] > '9')
		return NULL;
	id = strtoul(params, &end, 10);
	if (*end != '\0' || id >= RTE_MAX_ETHPORTS || !is_ours(id))
		return NULL;
	return &rte_eth_devices[id];
}

static int
show(const char *cmd __rte_unused, const char *params, struct rte_tel_data *d)
{
	const struct rte_eth_dev *dev = xsk_tel_port(params);
	const struct xsk_port *port;

	if (dev == NULL)
		return -EINVAL;
	port = dev->data->dev_private;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "device", dev->data->name);
	rte_tel_data_add_dict_string(d, "interface", port->ifname);
	rte_tel_data_add_dict_int(d, "ifindex", port->ifindex);
	rte_tel_data_add_dict_string(d, "driver", port->driver);
	rte_tel_data_add_dict_string(d, "iommu", port->iommu);
	rte_tel_data_add_dict_string(d, "mode", xsk_got_name(port->got));
	xsk_tel_text(d, "why_not_more", port->why);
	xsk_tel_uint(d, "start_queue", port->args.start_queue);
	xsk_tel_uint(d, "rx_queues", dev->data->nb_rx_queues);
	xsk_tel_uint(d, "tx_queues", dev->data->nb_tx_queues);
	xsk_tel_uint(d, "netdev_rx_queues", port->netdev_rx);
	xsk_tel_uint(d, "netdev_tx_queues", port->netdev_tx);
	xsk_tel_uint(d, "rx_room", port->rx_room);
	rte_tel_data_add_dict_int(d, "multi_buffer", port->sg.on);
	xsk_tel_uint(d, "umem_registrations", port->umem_regions);
	xsk_tel_uint(d, "umem_pinned_bytes", port->umem_pinned);
	xsk_tel_uint(d, "umem_heads_bytes", port->umem_heads);
	xsk_tel_uint(d, "frames_aside", frames_aside(dev));
	xsk_tel_uint(d, "quarantined_mbufs", port->quarantined);
	rte_tel_data_add_dict_int(d, "busy_poll", port->busy);
	xsk_tel_text(d, "busy_poll_why_off", port->busy_why);
	rte_tel_data_add_dict_int(d, "interface_gone", port->gone);
	return 0;
}

void
xsk_telemetry_init(void)
{
	rte_telemetry_register_cmd("/net_xsk/list", list, "Ports of net_xsk. No parameters");
	rte_telemetry_register_cmd("/net_xsk/port", show,
		"Mode got, why not more, memory. Parameters: port_id");
	xsk_tune_telemetry_init();
}

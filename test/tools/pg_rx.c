/* SPDX-License-Identifier: BSD-3-Clause */
/* Receiving half of pktgen: a TPACKET_V3 ring. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pg.h"

#define BLOCK_LEN (256u << 10)
#define BLOCKS 256u          /* 64 MiB: a second of 64-byte frames at full rate */

struct pg_rx {
	int fd;
	uint8_t *map;
	uint32_t block;
};

static int
ring_set_up(struct pg_rx *rx)
{
	struct tpacket_req3 req = {
		.tp_block_size = BLOCK_LEN,
		.tp_block_nr = BLOCKS,
		.tp_frame_size = 2048,
		.tp_frame_nr = BLOCK_LEN / 2048 * BLOCKS,
		.tp_retire_blk_tov = 1,
	};
	int version = TPACKET_V3, one = 1;

	if (setsockopt(rx->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(rx->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(rx->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) < 0)
		return -errno;
	rx->map = mmap(NULL, (size_t)BLOCK_LEN * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED,
		rx->fd, 0);
	if (rx->map == MAP_FAILED) {
		rx->map = NULL;
		return -errno;
	}
	return 0;
}

int
pg_rx_open(const struct pg_cfg *cfg, struct pg_rx **out)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = cfg->ifindex,
	};
	struct pg_rx *rx = calloc(1, sizeof(*rx));
	int ret;

	if (rx == NULL)
		return -ENOMEM;
	/* No protocol until the ring and the interface are set: nothing of another interface. */
	rx->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	ret = rx->fd < 0 ? -errno : ring_set_up(rx);
	if (ret == 0 && bind(rx->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		ret = -errno;
	if (ret < 0) {
		pg_rx_close(rx, NULL);
		return ret;
	}
	*out = rx;
	return 0;
}

static int
block_walk(struct tpacket_block_desc *blk, struct pg_check *chk, struct pg_result *res)
{
	uint32_t i, nb = blk->hdr.bh1.num_pkts;
	struct tpacket3_hdr *h = (void *)((uint8_t *)blk + blk->hdr.bh1.offset_to_first_pkt);

	for (i = 0; i < nb; i++) {
		pg_check_frame(chk, (uint8_t *)h + h->tp_mac, h->tp_snaplen,
			(h->tp_status & TP_STATUS_VLAN_VALID) != 0, res);
		h = (void *)((uint8_t *)h + h->tp_next_offset);
	}
	return (int)nb;
}

int
pg_rx_poll(struct pg_rx *rx, struct pg_check *chk, struct pg_result *res, int wait_ms)
{
	struct pollfd pfd = { .fd = rx->fd, .events = POLLIN | POLLERR };
	struct tpacket_block_desc *blk;
	uint64_t before = res->rx;
	int seen = 0;

	for (;;) {
		blk = (void *)(rx->map + (size_t)rx->block * BLOCK_LEN);
		if ((__atomic_load_n(&blk->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
		     TP_STATUS_USER) == 0) {
			if (seen > 0 || wait_ms == 0 || poll(&pfd, 1, wait_ms) <= 0)
				break;
			wait_ms = 0;
			continue;
		}
		seen += block_walk(blk, chk, res);
		__atomic_store_n(&blk->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		rx->block = (rx->block + 1) % BLOCKS;
	}
	if (res->rx != before) {
		res->last_s = pg_now();
		if (before == 0)
			res->first_s = res->last_s;
	}
	return seen;
}

void
pg_rx_close(struct pg_rx *rx, struct pg_result *res)
{
	struct tpacket_stats_v3 st;
	socklen_t len = sizeof(st);

	if (rx == NULL)
		return;
	if (res != NULL && getsockopt(rx->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) == 0)
		res->kernel_drops = st.tp_drops;
	if (rx->map != NULL)
		munmap(rx->map, (size_t)BLOCK_LEN * BLOCKS);
	if (rx->fd >= 0)
		close(rx->fd);
	free(rx);
}

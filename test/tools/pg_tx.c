/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending half of pktgen: a packet socket that goes past the qdisc, a burst of packets per
 * sendmmsg(2). The kernel chooses the Tx queue by the hash of the flow.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pg.h"

#define MAX_BURST 256

struct pg_tx {
	struct pg_cfg cfg;
	struct pg_template tmpl;
	int fd;
	uint64_t busy;           /* the kernel had no room: packet built again and sent later */
	uint8_t *buf;
	struct iovec iov[MAX_BURST];
	struct mmsghdr msg[MAX_BURST];
};

int
pg_tx_open(const struct pg_cfg *cfg, struct pg_tx **out)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_ifindex = cfg->ifindex };
	struct pg_tx *tx = calloc(1, sizeof(*tx));
	int sndbuf = 16 << 20, ret;
	uint32_t i;

	if (tx == NULL)
		return -ENOMEM;
	tx->cfg = *cfg;
	/* Not PACKET_QDISC_BYPASS: it sends everything to the queue of the CPU, not of the flow. */
	tx->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	tx->buf = calloc(MAX_BURST, cfg->max_len);
	if (tx->fd < 0 || tx->buf == NULL ||
	    bind(tx->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    setsockopt(tx->fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf, sizeof(sndbuf)) < 0) {
		ret = tx->buf == NULL ? -ENOMEM : -errno;
		pg_tx_close(tx);
		return ret;
	}
	pg_template_init(cfg, &tx->tmpl);
	for (i = 0; i < MAX_BURST; i++) {
		tx->iov[i].iov_base = tx->buf + (size_t)i * cfg->max_len;
		tx->msg[i].msg_hdr.msg_iov = &tx->iov[i];
		tx->msg[i].msg_hdr.msg_iovlen = 1;
	}
	*out = tx;
	return 0;
}

int
pg_tx_burst(struct pg_tx *tx, uint64_t *n, uint32_t nb)
{
	uint32_t i;
	int sent;

	if (nb > MAX_BURST)
		nb = MAX_BURST;
	for (i = 0; i < nb; i++)
		tx->iov[i].iov_len = pg_build(&tx->cfg, &tx->tmpl, *n + i, tx->iov[i].iov_base);
	sent = sendmmsg(tx->fd, tx->msg, nb, 0);
	if (sent < 0) {
		if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
			tx->busy++;
			return 0;
		}
		return -errno;
	}
	*n += (uint32_t)sent;
	return sent;
}

uint64_t
pg_tx_busy(const struct pg_tx *tx)
{
	return tx->busy;
}

void
pg_tx_close(struct pg_tx *tx)
{
	if (tx == NULL)
		return;
	if (tx->fd >= 0)
		close(tx->fd);
	free(tx->buf);
	free(tx);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The peer: packet sockets on the other end of the veth, and the frames both ends know. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "dut.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define FRAME_HDR	42	/* Ethernet 14, IPv4 20, UDP 8 */
#define FRAME_MARK	0xd0u	/* first byte behind UDP, then the tag, then seq */
#define FRAME_DATA	(FRAME_HDR + 6)

static int
packet_socket(unsigned int ifindex, uint16_t proto)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(proto),
		.sll_ifindex = ifindex,
	};
	int fd, one = 1, big = 64 << 20, ret;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&ll, sizeof(ll)) != 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int
peer_open(struct peer *p, const char *ifname)
{
	p->rx = p->tx = -1;
	p->ifindex = if_nametoindex(ifname);
	if (p->ifindex == 0)
		return -errno;
	p->rx = packet_socket(p->ifindex, ETH_P_ALL);
	p->tx = packet_socket(p->ifindex, 0);
	if (p->rx < 0 || p->tx < 0) {
		peer_close(p);
		return -EIO;
	}
	return 0;
}

void
peer_close(struct peer *p)
{
	if (p->rx >= 0)
		close(p->rx);
	if (p->tx >= 0)
		close(p->tx);
	p->rx = p->tx = -1;
}

/* read() and write(), which the shim does not count as the driver's. */
int
peer_send(struct peer *p, const void *frame, unsigned int len)
{
	ssize_t n = -1;

	WAIT_UNTIL((n = write(p->tx, frame, len)) >= 0 || (errno != EAGAIN && errno != ENOBUFS),
		   DUT_WAIT_MS);
	return n < 0 ? -errno : 0;
}

unsigned int
peer_recv(struct peer *p, void *frame, unsigned int size, unsigned int ms)
{
	ssize_t n = -1;

	WAIT_UNTIL((n = read(p->rx, frame, size)) > 0, ms);
	return n > 0 ? n : 0;
}

void
peer_drain(struct peer *p)
{
	uint8_t frame[DUT_MAX_FRAME];

	while (read(p->rx, frame, sizeof(frame)) > 0)
		;
}

static uint8_t
pattern(uint8_t tag, uint32_t seq, unsigned int i)
{
	return tag ^ (seq * 131 + i * 7 + (i >> 8) * 3);
}

void
frame_fill(uint8_t *frame, unsigned int len, uint8_t tag, uint32_t seq, unsigned int flow)
{
	static const uint8_t head[] = {
		0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x08, 0x00,
		0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2,
	};
	uint16_t be;
	unsigned int i;

	memcpy(frame, head, sizeof(head));
	be = htons(len - 14);
	memcpy(frame + 16, &be, 2);
	be = htons(1024 + flow);
	memcpy(frame + 34, &be, 2);
	be = htons(9);
	memcpy(frame + 36, &be, 2);
	be = htons(len - 34);
	memcpy(frame + 38, &be, 2);
	memset(frame + 40, 0, 2);
	frame[FRAME_HDR] = FRAME_MARK;
	frame[FRAME_HDR + 1] = tag;
	memcpy(frame + FRAME_HDR + 2, &seq, sizeof(seq));
	for (i = FRAME_DATA; i < len; i++)
		frame[i] = pattern(tag, seq, i);
}

bool
frame_name(const uint8_t *frame, unsigned int len, uint8_t *tag, uint32_t *seq, unsigned int *flow)
{
	uint16_t port;

	if (len < FRAME_DATA || frame[FRAME_HDR] != FRAME_MARK)
		return false;
	*tag = frame[FRAME_HDR + 1];
	memcpy(seq, frame + FRAME_HDR + 2, sizeof(*seq));
	memcpy(&port, frame + 34, 2);
	*flow = (uint16_t)(ntohs(port) - 1024);
	return true;
}

bool
frame_read(const uint8_t *frame, unsigned int len, uint8_t *tag, uint32_t *seq)
{
	uint8_t want[DUT_MAX_FRAME];
	unsigned int flow;

	if (len > sizeof(want) || !frame_name(frame, len, tag, seq, &flow))
		return false;
	frame_fill(want, len, *tag, *seq, flow);
	return memcmp(frame, want, len) == 0;
}

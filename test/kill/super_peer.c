/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of the veth pair: a child that sends flows for every queue and counts echoes. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "super.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* Flows sent in a round: enough that the hash reaches every queue. */
#define FLOWS 32

static void
make_frame(uint8_t *f, uint16_t port)
{
	static const uint8_t head[] = {
		0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x08, 0x00,
		0x45, 0, 0, KILL_FRAME_LEN - 14, 0, 0, 0, 0, 64, 17, 0, 0,
		10, 9, 8, 7, 10, 9, 8, 6,
	};
	const uint32_t mark = htonl(KILL_MARK_OUT);
	uint16_t field[4] = { htons(1024 + port), htons(9), htons(KILL_FRAME_LEN - 34), 0 };
	uint32_t sum = 0;

	memset(f, 0, KILL_FRAME_LEN);
	memcpy(f, head, sizeof(head));
	for (unsigned int i = 14; i < 34; i += 2)
		sum += f[i] << 8 | f[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	f[24] = sum >> 8;
	f[25] = sum;
	memcpy(f + 34, field, sizeof(field));
	memcpy(f + KILL_MARK_OFF, &mark, sizeof(mark));
}

static void
count_echoes(int fd, volatile uint64_t *back)
{
	const uint32_t mark = htonl(KILL_MARK_BACK);
	uint8_t f[2048];
	ssize_t len;

	while ((len = recv(fd, f, sizeof(f), MSG_DONTWAIT)) >= 0)
		if (len >= KILL_FRAME_LEN && memcmp(f + KILL_MARK_OFF, &mark, sizeof(mark)) == 0 &&
				f[KILL_MARK_OFF + 4] < KILL_QUEUES)
			back[f[KILL_MARK_OFF + 4]]++;
}

/* A round a millisecond: traffic at every moment that leaves the processor to others. */
static void
run(int fd, volatile uint64_t *back)
{
	uint8_t f[KILL_FRAME_LEN];

	for (;;) {
		for (uint16_t i = 0; i < FLOWS; i++) {
			make_frame(f, i);
			send(fd, f, sizeof(f), MSG_DONTWAIT);
			if (i % 8 == 7)
				count_echoes(fd, back);
		}
		poll(NULL, 0, 1);
	}
}

int
peer_start(struct peer *p, const char *ifname)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int one = 1;
	int fd;

	sll.sll_ifindex = if_nametoindex(ifname);
	p->back = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sll.sll_ifindex == 0 || p->back == MAP_FAILED)
		return -errno;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sll, sizeof(sll)) < 0)
		return -errno;
	p->pid = fork();
	if (p->pid < 0)
		return -errno;
	if (p->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(fd, p->back);
		_exit(0);
	}
	close(fd);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The packets of the benchmark, see frame.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

static const uint32_t imix[LIVE_MIX_MAX] = {
	60, 590, 60, 60, 590, 60, 1514, 60, 590, 60, 590, 60
};

int
frame_size_parse(const char *text, struct frame_size *size)
{
	char *end;
	unsigned long v;

	memset(size, 0, sizeof(*size));
	if (strcmp(text, "imix") == 0) {
		size->cnt = LIVE_MIX_MAX;
		memcpy(size->len, imix, sizeof(imix));
		size->longest = 1514;
	} else {
		errno = 0;
		v = strtoul(text, &end, 10);
		if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
				v < FRAME_MIN || v > FRAME_MAX)
			return -EINVAL;
		size->cnt = 1;
		size->len[0] = size->longest = v;
	}
	snprintf(size->name, sizeof(size->name), "%s", text);
	return 0;
}

static void
ip_header(uint32_t len, struct iphdr *ip)
{
	uint16_t words[sizeof(*ip) / sizeof(uint16_t)];
	uint32_t sum = 0;

	*ip = (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
		.tot_len = htons(len - ETH_HLEN),
		.saddr = htonl(0xc6120001),
		.daddr = htonl(0xc6130001),
	};
	memcpy(words, ip, sizeof(words));
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~(sum + (sum >> 16));
}

void
frame_len_fields(uint32_t len, struct live_len *fields)
{
	struct iphdr ip;

	ip_header(len, &ip);
	*fields = (struct live_len){
		.bytes = len,
		.ip_len = ip.tot_len,
		.ip_csum = ip.check,
		.udp_len = htons(len - ETH_HLEN - sizeof(ip)),
	};
}

void
frame_build(uint8_t *frame, uint32_t len, const uint8_t dst_mac[ETH_ALEN])
{
	static const uint8_t src_mac[ETH_ALEN] = { 0x02, 0xaf, 0, 0, 0, 2 };
	struct live_head head = { .magic = LIVE_MAGIC };
	struct udphdr udp = {
		.source = htons(LIVE_SPORT), .dest = htons(9000),
		.len = htons(len - ETH_HLEN - sizeof(struct iphdr)),
	};
	uint16_t type = htons(ETHERTYPE_IP);
	struct iphdr ip;

	memset(frame, 0, len);
	memcpy(frame, dst_mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, src_mac, ETH_ALEN);
	memcpy(frame + 2 * ETH_ALEN, &type, sizeof(type));
	ip_header(len, &ip);
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
	memcpy(frame + ETH_HLEN + sizeof(ip), &udp, sizeof(udp));
	memcpy(frame + LIVE_HEAD_OFF, &head, sizeof(head));
}

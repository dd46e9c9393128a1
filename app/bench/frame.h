/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets of the benchmark: UDP over IPv4 between addresses of the benchmark network (RFC
 * 2544), with a mark behind the headers by which the far end knows them. Lengths are without FCS,
 * as a driver hands them over.
 */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <net/ethernet.h>
#include <stdint.h>

#include "live_bpf.h"

#define FRAME_MIN 60
#define FRAME_MAX 9014
#define FRAME_LIVE_MAX 3400  /* a live frame is one page, with headroom and tailroom */

/* Lengths that take turns; one for a fixed length. */
struct frame_size {
	char name[16];
	uint32_t cnt;
	uint32_t len[LIVE_MIX_MAX];
	uint32_t longest;
};

/* The mix of 60, 590 and 1514 bytes as 7:4:1, by its name "imix", or one length. 0 or -EINVAL. */
int frame_size_parse(const char *text, struct frame_size *size);

/* Write the first bytes of a frame of len bytes: headers, mark, zeros. */
void frame_build(uint8_t *frame, uint32_t len, const uint8_t dst_mac[ETH_ALEN]);

/* What frames of different length differ in. */
void frame_len_fields(uint32_t len, struct live_len *fields);

/* Give a frame another flow: its source port. */
static inline void
frame_set_flow(uint8_t *frame, uint16_t flow)
{
	uint16_t port = __builtin_bswap16(LIVE_SPORT + flow);

	__builtin_memcpy(frame + LIVE_SPORT_OFF, &port, sizeof(port));
}

/* Make the headers of a frame say the length that fields are of. */
static inline void
frame_set_len(uint8_t *frame, const struct live_len *fields)
{
	__builtin_memcpy(frame + LIVE_IP_LEN_OFF, &fields->ip_len, sizeof(fields->ip_len));
	__builtin_memcpy(frame + LIVE_IP_CSUM_OFF, &fields->ip_csum, sizeof(fields->ip_csum));
	__builtin_memcpy(frame + LIVE_UDP_LEN_OFF, &fields->udp_len, sizeof(fields->udp_len));
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parts of pktgen, the traffic generator and checker of the tests: what a test packet looks like
 * (pg_packet.c), how it is sent (pg_tx.c) and received (pg_rx.c). Shares nothing with the driver
 * under test.
 *
 * A test packet is Ethernet [VLAN] IPv4 UDP, then magic, flow and sequence number, then bytes that
 * follow from flow and sequence number. Packet n belongs to flow n % flows and is number n / flows
 * of it, so that order, loss, repetition and content can be judged per flow by the receiver alone.
 */
#ifndef PG_H
#define PG_H

#include <net/ethernet.h>
#include <stdbool.h>
#include <stdint.h>

#define PG_MIN_LEN 60        /* shortest Ethernet frame, without FCS */
#define PG_MAX_LEN 65000
#define PG_MAX_FLOWS 4096
#define PG_WINDOW 65536      /* packets of a flow in which a repetition is told from a late one */

struct pg_cfg {
	const char *iface;
	int ifindex;
	uint8_t src_mac[ETH_ALEN];
	uint8_t dst_mac[ETH_ALEN];
	uint32_t src_ip;         /* host order; of flow 0, the others count up */
	uint32_t dst_ip;
	uint16_t sport;          /* of flow 0, the others count up */
	uint16_t dport;
	uint16_t vlan;           /* 0: untagged */
	bool udp_csum;
	uint32_t magic;
	uint32_t flows;
	uint32_t min_len;        /* frame length without FCS */
	uint32_t max_len;
	uint64_t count;          /* 0: until the duration is over */
	uint64_t start;          /* sequence number of the first packet of each flow */
	double duration_s;       /* 0: until count */
	double timeout_s;        /* rx: give up, whatever arrived */
	double idle_s;           /* rx: over when nothing came for so long after the first packet */
	uint64_t rate_pps;       /* 0: as fast as possible */
	uint32_t burst;
	uint32_t window;         /* echo: packets on their way at most */
	const char *ready;       /* file made when the receiver is listening */
};

/* What a receiver found. All counts are packets. */
struct pg_result {
	uint64_t rx;             /* test packets of this magic */
	uint64_t ok;             /* of these, right in content and length */
	uint64_t bad;            /* wrong content or length */
	uint64_t dup;
	uint64_t reordered;      /* arrived after a later one of the same flow */
	uint64_t swapped;        /* Ethernet addresses exchanged against what is sent */
	uint64_t tagged;         /* arrived with a VLAN tag */
	uint64_t foreign;        /* not test packets */
	uint64_t bytes;
	uint64_t kernel_drops;   /* our own ring was full: the checker's fault, not the driver's */
	double first_s;
	double last_s;
};

/* State of the flows at the receiver. */
struct pg_check;

/* The bytes that all packets of a generator begin with. */
struct pg_template {
	uint8_t bytes[64];
	uint32_t hdr_len;        /* Ethernet, VLAN, IPv4 and UDP header */
};

double pg_now(void);
void pg_template_init(const struct pg_cfg *cfg, struct pg_template *t);
/* Write packet n into buf (max_len bytes), return its length. */
uint32_t pg_build(const struct pg_cfg *cfg, const struct pg_template *t, uint64_t n, uint8_t *buf);

struct pg_check *pg_check_create(const struct pg_cfg *cfg);
void pg_check_free(struct pg_check *chk);
/* Judge one received frame; res is updated. tagged: the kernel took a VLAN tag off. */
void pg_check_frame(struct pg_check *chk, const uint8_t *frame, uint32_t len, bool tagged,
	struct pg_result *res);
/* Packets missing below the highest number seen, and flows seen. */
uint64_t pg_check_lost(const struct pg_check *chk);
uint32_t pg_check_flows(const struct pg_check *chk);

/* Sender. pg_tx_burst sends up to nb packets from number *n on and advances *n; -errno on error. */
struct pg_tx;
int pg_tx_open(const struct pg_cfg *cfg, struct pg_tx **tx);
int pg_tx_burst(struct pg_tx *tx, uint64_t *n, uint32_t nb);
void pg_tx_close(struct pg_tx *tx);
uint64_t pg_tx_busy(const struct pg_tx *tx);

/* Receiver. pg_rx_poll waits at most wait_ms and judges what came; returns the frames seen. */
struct pg_rx;
int pg_rx_open(const struct pg_cfg *cfg, struct pg_rx **rx);
int pg_rx_poll(struct pg_rx *rx, struct pg_check *chk, struct pg_result *res, int wait_ms);
void pg_rx_close(struct pg_rx *rx, struct pg_result *res);

#endif

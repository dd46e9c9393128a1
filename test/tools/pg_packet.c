/* SPDX-License-Identifier: BSD-3-Clause */
/* Test packets of pktgen: building them and judging them. */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pg.h"

#define VLAN_LEN 4

/* First bytes of the payload; what follows is the pattern. */
struct pg_head {
	uint32_t magic;
	uint32_t flow;
	uint64_t seq;
} __attribute__((packed));

struct pg_flow {
	uint64_t next;           /* one above the highest number seen */
	uint64_t seen;           /* different numbers seen */
	uint64_t window[PG_WINDOW / 64];
};

struct pg_check {
	struct pg_cfg cfg;
	struct pg_flow *flow[PG_MAX_FLOWS];
};

double
pg_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static uint64_t
seed_of(uint32_t flow, uint64_t seq)
{
	return mix(((uint64_t)flow << 48) ^ (seq + 1));
}

/* The pattern: 8 bytes at a time, each word another one, the last cut to what is left. */
static void
pattern_fill(uint8_t *p, uint32_t len, uint64_t seed)
{
	uint32_t i;
	uint64_t w;

	for (i = 0; i < len; i += sizeof(w)) {
		w = seed + (uint64_t)i * 0x9e3779b97f4a7c15ULL;
		memcpy(p + i, &w, len - i < sizeof(w) ? len - i : sizeof(w));
	}
}

static bool
pattern_ok(const uint8_t *p, uint32_t len, uint64_t seed)
{
	uint32_t i;
	uint64_t w;

	for (i = 0; i < len; i += sizeof(w)) {
		w = seed + (uint64_t)i * 0x9e3779b97f4a7c15ULL;
		if (memcmp(p + i, &w, len - i < sizeof(w) ? len - i : sizeof(w)) != 0)
			return false;
	}
	return true;
}

static uint32_t
len_of(const struct pg_cfg *cfg, uint32_t flow, uint64_t seq)
{
	uint32_t span = cfg->max_len - cfg->min_len + 1;

	if (span == 1)
		return cfg->min_len;
	return cfg->min_len + (uint32_t)(seed_of(flow, seq) >> 32) % span;
}

static uint32_t
csum_add(uint32_t sum, const void *data, uint32_t len)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	if (len == 1)
		sum += (uint32_t)p[0] << 8;
	return sum;
}

static uint16_t
csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum & 0xffff);
}

void
pg_template_init(const struct pg_cfg *cfg, struct pg_template *t)
{
	uint8_t *p = t->bytes;
	uint16_t type = htons(ETHERTYPE_IP), vlan[2];
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };
	struct udphdr udp = { .dest = htons(cfg->dport) };

	memset(t, 0, sizeof(*t));
	memcpy(p, cfg->dst_mac, ETH_ALEN);
	memcpy(p + ETH_ALEN, cfg->src_mac, ETH_ALEN);
	p += 2 * ETH_ALEN;
	if (cfg->vlan != 0) {
		vlan[0] = htons(ETHERTYPE_VLAN);
		vlan[1] = htons(cfg->vlan);
		memcpy(p, vlan, VLAN_LEN);
		p += VLAN_LEN;
	}
	memcpy(p, &type, sizeof(type));
	p += sizeof(type);
	ip.daddr = htonl(cfg->dst_ip);
	memcpy(p, &ip, sizeof(ip));
	p += sizeof(ip);
	memcpy(p, &udp, sizeof(udp));
	t->hdr_len = (uint32_t)(p + sizeof(udp) - t->bytes);
}

uint32_t
pg_build(const struct pg_cfg *cfg, const struct pg_template *t, uint64_t n, uint8_t *buf)
{
	struct pg_head head = { htonl(cfg->magic), n % cfg->flows, cfg->start + n / cfg->flows };
	uint32_t len = len_of(cfg, head.flow, head.seq);
	uint32_t l3 = t->hdr_len - sizeof(struct iphdr) - sizeof(struct udphdr);
	struct iphdr ip;
	struct udphdr udp;
	uint8_t *payload = buf + t->hdr_len;
	uint32_t sum;

	memcpy(buf, t->bytes, t->hdr_len);
	memcpy(payload, &head, sizeof(head));
	pattern_fill(payload + sizeof(head), len - t->hdr_len - sizeof(head),
		seed_of(head.flow, head.seq));

	memcpy(&ip, buf + l3, sizeof(ip));
	ip.tot_len = htons(len - l3);
	ip.id = htons((uint16_t)head.seq);
	ip.saddr = htonl(cfg->src_ip + head.flow);
	ip.check = csum_fold(csum_add(0, &ip, sizeof(ip)));
	memcpy(buf + l3, &ip, sizeof(ip));

	memcpy(&udp, buf + l3 + sizeof(ip), sizeof(udp));
	udp.source = htons(cfg->sport + head.flow);
	udp.len = htons(len - l3 - sizeof(ip));
	if (cfg->udp_csum) {
		sum = csum_add(0, &ip.saddr, 8);
		sum += IPPROTO_UDP + ntohs(udp.len);
		sum = csum_add(sum, &udp, sizeof(udp));
		sum = csum_add(sum, payload, len - t->hdr_len);
		udp.check = csum_fold(sum);
		if (udp.check == 0)
			udp.check = 0xffff;
	}
	memcpy(buf + l3 + sizeof(ip), &udp, sizeof(udp));
	return len;
}

struct pg_check *
pg_check_create(const struct pg_cfg *cfg)
{
	struct pg_check *chk = calloc(1, sizeof(*chk));

	if (chk != NULL)
		chk->cfg = *cfg;
	return chk;
}

void
pg_check_free(struct pg_check *chk)
{
	uint32_t i;

	if (chk == NULL)
		return;
	for (i = 0; i < PG_MAX_FLOWS; i++)
		free(chk->flow[i]);
	free(chk);
}

/* Enter number seq in its flow; returns false when it was there before. */
static bool
flow_enter(struct pg_check *chk, uint32_t flow, uint64_t seq, struct pg_result *res)
{
	struct pg_flow *f = chk->flow[flow];
	uint64_t i, bit;

	if (f == NULL) {
		f = calloc(1, sizeof(*f));
		if (f == NULL)
			abort();
		f->next = chk->cfg.start;
		chk->flow[flow] = f;
	}
	bit = 1ULL << (seq % 64);
	if (seq >= f->next) {
		if (seq - f->next >= PG_WINDOW)
			memset(f->window, 0, sizeof(f->window));
		else
			for (i = f->next; i < seq; i++)
				f->window[i % PG_WINDOW / 64] &= ~(1ULL << (i % 64));
		f->next = seq + 1;
	} else if (f->next - seq > PG_WINDOW || (f->window[seq % PG_WINDOW / 64] & bit) != 0) {
		res->dup++;
		return false;
	} else {
		res->reordered++;
	}
	f->window[seq % PG_WINDOW / 64] |= bit;
	f->seen++;
	return true;
}

void
pg_check_frame(struct pg_check *chk, const uint8_t *frame, uint32_t len, bool tagged,
	struct pg_result *res)
{
	uint32_t off = 2 * ETH_ALEN, want, hdr;
	struct pg_head head;
	uint16_t type;

	memcpy(&type, frame + off, sizeof(type));
	if (type == htons(ETHERTYPE_VLAN)) {
		tagged = true;
		off += VLAN_LEN;
		memcpy(&type, frame + off, sizeof(type));
	}
	hdr = off + sizeof(type) + sizeof(struct iphdr) + sizeof(struct udphdr);
	if (type != htons(ETHERTYPE_IP) || len < hdr + sizeof(head)) {
		res->foreign++;
		return;
	}
	memcpy(&head, frame + hdr, sizeof(head));
	if (head.magic != htonl(chk->cfg.magic) || head.flow >= chk->cfg.flows) {
		res->foreign++;
		return;
	}
	res->rx++;
	res->bytes += len;
	res->tagged += tagged;
	if (memcmp(frame, chk->cfg.src_mac, ETH_ALEN) == 0 &&
	    memcmp(frame + ETH_ALEN, chk->cfg.dst_mac, ETH_ALEN) == 0)
		res->swapped++;

	/* A tag put on or taken off on the way changes the length by as much. */
	want = len_of(&chk->cfg, head.flow, head.seq);
	if (chk->cfg.vlan != 0)
		want -= VLAN_LEN;
	if (len - (off - 2 * ETH_ALEN) != want ||
	    !pattern_ok(frame + hdr + sizeof(head), len - hdr - sizeof(head),
			seed_of(head.flow, head.seq))) {
		res->bad++;
		return;
	}
	if (flow_enter(chk, head.flow, head.seq, res))
		res->ok++;
}

uint64_t
pg_check_lost(const struct pg_check *chk)
{
	uint64_t lost = 0;
	uint32_t i;

	for (i = 0; i < PG_MAX_FLOWS; i++)
		if (chk->flow[i] != NULL)
			lost += chk->flow[i]->next - chk->cfg.start - chk->flow[i]->seen;
	return lost;
}

uint32_t
pg_check_flows(const struct pg_check *chk)
{
	uint32_t i, flows = 0;

	for (i = 0; i < PG_MAX_FLOWS; i++)
		flows += chk->flow[i] != NULL;
	return flows;
}

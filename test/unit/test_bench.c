/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The benchmark's parts that are plain functions: statistics, histogram, options, candidates,
 * frames, JSON. Wrong input is refused with a text that names the value and what would be right.
 */
#include <errno.h>
#include <string.h>

#include "afx_test.h"
#include "json.h"
#include "opts.h"
#include "pace.h"
#include "stats.h"

#define ARGS_MAX 16

static struct opts o;
static struct afx_err err;

static void
spreads(void)
{
	const double odd[] = { 5, 1, 3 }, even[] = { 4, 1, 3, 2 }, failed[] = { 0, 7, 0 };
	const double base[] = { 2, 1, 0 }, v[] = { 4, 3, 9 };
	struct spread s = stats_spread(odd, 3);

	CHECK(s.n == 3 && s.median == 3 && s.min == 1 && s.max == 5);
	s = stats_spread(even, 4);
	CHECK(s.n == 4 && s.median == 2.5 && s.min == 1 && s.max == 4);
	s = stats_spread(failed, 3);
	CHECK(s.n == 1 && s.median == 7 && s.min == 7 && s.max == 7);
	CHECK_EQ(stats_spread(odd, 0).n, 0);
	/* Pair by pair, not median by median; a pair with a failed half is none. */
	s = stats_ratio(v, base, 3);
	CHECK(s.n == 2 && s.median == 2.5 && s.min == 2 && s.max == 3);
}

static void
histogram(void)
{
	static struct hist h;
	uint64_t last = 0;

	for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
		CHECK(i == 0 || hist_low(i) > last);
		last = hist_low(i);
	}
	hist_reset(&h);
	CHECK_EQ(hist_quantile(&h, 0.5), 0);
	for (uint64_t v = 1; v <= 100000; v++)
		hist_add(&h, v);
	CHECK_EQ(h.count, 100000);
	CHECK_EQ(h.min, 1);
	CHECK_EQ(h.max, 100000);
	for (unsigned int pct = 1; pct < 100; pct++) {
		uint64_t got = hist_quantile(&h, pct / 100.0), want = pct * 1000;

		CHECK(got <= want && got + want / 32 + 1 >= want);
	}
	hist_add(&h, UINT64_MAX / 2);
	CHECK_EQ(h.max, UINT64_MAX / 2);
	CHECK_EQ(h.bucket[HIST_BUCKETS - 1], 1);
	hist_reset(&h);
	hist_add_many(&h, 64, 10);
	hist_add_many(&h, 9, 0);
	CHECK(h.count == 10 && h.sum == 640 && h.min == 64 && hist_quantile(&h, 0.999) == 64);
}

/* Options as a command line separated by blanks; '+' in the value of --vs is a blank. */
static int
parse(enum work work, const char *line)
{
	static char copy[512];
	char *argv[ARGS_MAX], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w != NULL && argc < ARGS_MAX;
			w = strtok_r(NULL, " ", &save)) {
		if (argc > 0 && strcmp(argv[argc - 1], "--vs") == 0)
			for (char *c = strchr(w, '+'); c != NULL; c = strchr(c, '+'))
				*c = ' ';
		argv[argc++] = w;
	}
	memset(&err, 0, sizeof(err));
	return opts_parse(work, argc, argv, &o, &err);
}

static void
refused(enum work work, const char *line, const char *part, const char *other)
{
	CHECK_EQ(parse(work, line), -EINVAL);
	CHECK_TEXT(err.text, part);
	CHECK_TEXT(err.text, other);
}

static void
options(void)
{
	CHECK_EQ(parse(WORK_RX, ""), 0);
	CHECK(o.n_cands == 1 && strcmp(o.cand[0].driver, "net_xsk") == 0);
	CHECK(o.pairs == 1 && o.n_sizes == 1 && o.size[0].longest == 64);
	CHECK_EQ(parse(WORK_FORWARD, "--vdev net_xsk,mode=skb --vs net_af_xdp+bare_xsk --sizes "
		"64,imix,1514 --queues=1,2 --bursts 4,32 --duration 0.25 --rate 5000"), 0);
	CHECK(o.n_cands == 3 && o.pairs == 7 && o.n_sizes == 3 && o.queues.n == 2);
	CHECK(o.bursts.v[1] == 32 && o.duration_s == 0.25 && o.rate_pps == 5000);
	CHECK(o.cand[2].kind == CAND_BARE_XSK && o.size[1].cnt == LIVE_MIX_MAX);
	refused(WORK_RX, "--sizes 59", "'59'", "60 to 9014");
	refused(WORK_RX, "--sizes 6x", "'6x'", "imix");
	refused(WORK_RX, "--queues 0", "'0'", "1 to 64");
	refused(WORK_RX, "--bursts 513", "'513'", "1 to 512");
	refused(WORK_RX, "--duration 0", "'0'", "seconds");
	refused(WORK_RX, "--duration nan", "'nan'", "seconds");
	refused(WORK_RX, "--pairs -1", "'-1'", "1 to 1000");
	refused(WORK_RX, "--nice 20", "'20'", "-20 to 19");
	refused(WORK_RX, "--flows 3", "'3'", "power of two");
	refused(WORK_RX, "--gen fast", "'fast'", "live");
	refused(WORK_RX, "--dut-cpus 1,1", "1", "twice");
	refused(WORK_RX, "--rate", "--rate", "PPS");
	refused(WORK_RX, "--quiet=1", "--quiet", "no value");
	refused(WORK_RX, "--speed 1", "--speed", "--help");
	refused(WORK_RX, "fast", "'fast'", "--");
	refused(WORK_RX, "--far-iface x", "--far-iface", "--iface");
	refused(WORK_TX, "--iface x", "'x'", "--far-iface");
	refused(WORK_RX, "--iface x --rps 1", "--rps", "own");
	refused(WORK_RX, "--gen none", "none", "--iface");
	refused(WORK_TX, "--vs bare_xdp", "bare_xdp", "forward");
	CHECK_EQ(parse(WORK_RX, "--iface x"), 0);
	CHECK_EQ(o.gen, GEN_NONE);
	CHECK_EQ(parse(WORK_LATENCY, "--help --iface x"), 0);
	CHECK(o.help);
}

static void
vdev_is(const char *cand, uint32_t queues, int count, const char *want)
{
	struct cand c;
	char got[512] = "";

	CHECK_EQ(cand_parse(cand, &c, &err), 0);
	CHECK_EQ(cand_vdev(&c, "e0", queues, count, got, sizeof(got), &err), 0);
	CHECK(strcmp(got, want) == 0);
	if (strcmp(got, want) != 0)
		fprintf(stderr, "  '%s': '%s'\n", cand, got);
}

static void
candidates(void)
{
	static const char *const wrong[] = { "", ",a=1", "eth0", "bare_xsk,mode=zc",
		"net_xsk,iface=eth0", "bare_xdp,x=1" };
	struct cand c;

	vdev_is("net_xsk", 1, 0, "net_xsk0,iface=e0");
	vdev_is("net_xsk7,mode=copy", 2, 0, "net_xsk0,iface=e0,mode=copy");
	vdev_is("net_xsk", 2, 1, "net_xsk0,iface=e0,queue_count=2");
	vdev_is("net_xsk,queue_count=1", 2, 1, "net_xsk0,iface=e0,queue_count=1");
	vdev_is("net_af_xdp,busy_budget=0", 2, 0,
		"net_af_xdp0,iface=e0,queue_count=2,busy_budget=0");
	vdev_is("net_af_packet", 4, 0, "net_af_packet0,iface=e0,qpairs=4");
	vdev_is("net_tap", 1, 0, "net_tap0,iface=e0");
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memset(&err, 0, sizeof(err));
		CHECK_EQ(cand_parse(wrong[i], &c, &err), -EINVAL);
		CHECK_TEXT(err.text, "candidate");
	}
}

static uint32_t
ip_sum(const uint8_t *p, unsigned int len)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < len; i += 2)
		sum += p[i] << 8 | p[i + 1];
	return (sum & 0xffff) + (sum >> 16);
}

static void
frames(void)
{
	static const uint8_t mac[ETH_ALEN] = { 2, 1, 2, 3, 4, 5 };
	static uint8_t f[FRAME_MAX];
	struct frame_size size;
	struct live_len fields;
	uint32_t sum = 0;

	CHECK_EQ(frame_size_parse("imix", &size), 0);
	for (uint32_t i = 0; i < size.cnt; i++)
		sum += size.len[i];
	CHECK_EQ(sum, 7 * 60 + 4 * 590 + 1514);
	for (uint32_t len = FRAME_MIN; len <= FRAME_MAX; len += 97) {
		frame_build(f, len, mac);
		CHECK_EQ(ip_sum(f + 14, 20), 0xffff);
		CHECK_EQ(f[16] << 8 | f[17], len - 14);
		CHECK_EQ(f[38] << 8 | f[39], len - 34);
		CHECK(memcmp(f, mac, ETH_ALEN) == 0);
	}
	frame_len_fields(590, &fields);
	frame_set_len(f, &fields);
	CHECK_EQ(ip_sum(f + 14, 20), 0xffff);
	CHECK_EQ(f[16] << 8 | f[17], 576);
}

static void
pacing(void)
{
	struct pace p;

	pace_start(&p, 0);
	CHECK_EQ(pace_allows(&p, 12345, 64), 64);
	pace_start(&p, 1000);
	CHECK_EQ(pace_allows(&p, 1000000, 64), 0);
	/* One a second since a thousand seconds: slow enough for a slow machine. */
	pace_start(&p, 1);
	p.start_ns -= 1000000000000ull;
	CHECK_EQ(pace_allows(&p, 0, 64), 64);
	CHECK(pace_allows(&p, 990, 64) >= 10 && pace_allows(&p, 990, 64) < 64);
}

static void
json(void)
{
	char text[512] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");
	struct json j = { .out = f };

	json_open(&j, NULL, '{');
	json_str(&j, "a\"b", "x\n\\\x7f");
	json_open(&j, "list", '[');
	json_num(&j, NULL, 1.5);
	json_num(&j, NULL, 1.0 / 0.0);
	json_uint(&j, NULL, UINT64_MAX);
	json_close(&j, ']');
	json_open(&j, "none", '{');
	json_close(&j, '}');
	json_bool(&j, "yes", true);
	json_close(&j, '}');
	fclose(f);
	CHECK(strcmp(text, "{\n  \"a\\\"b\": \"x\\u000a\\\\\\u007f\",\n  \"list\": [\n    1.5,\n"
		"    null,\n    18446744073709551615\n  ],\n  \"none\": {\n  },\n  \"yes\": "
		"true\n}\n") == 0);
}

int
main(void)
{
	spreads();
	histogram();
	options();
	candidates();
	frames();
	pacing();
	json();
	return afx_test_end();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xdpgen: floods the peer of a veth end with small packets and counts what comes back, both in XDP,
 * several times faster than packet sockets. The packets are live frames of BPF_PROG_TEST_RUN
 * (kernel 5.18), redirected out of the interface; they reach the Rx queue that the kernel gives the
 * running CPU (CPU number modulo queues). The peer must run an XDP program or have GRO on. For
 * figures; pktgen is for judging content.
 *
 * Result as one JSON object on stdout; exit status 2 on a usage or system error.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "live.h"

#define PERIOD_US 250000     /* starting a call costs 25 ms: few calls, ended by a timer */

static volatile sig_atomic_t stop;

static const char usage_text[] =
	"usage: xdpgen -i IFACE [options]\n"
	"  -d, --duration S    seconds (default 1)\n"
	"  -s, --size N        frame length without FCS, 60 to 3400 (default 60)\n"
	"  -f, --flows N       flows, a power of two up to 4096 (default 64)\n"
	"  -r, --rate PPS      packets a second (default: as many as possible)\n"
	"      --cpu N         run on this CPU\n"
	"      --dst-mac M\n"
	"      --no-tx         only count what comes in\n"
	"      --live          a line of counts on stderr each second\n";

struct opts {
	int ifindex;
	double duration_s;
	uint32_t len;
	uint32_t flows;
	uint64_t rate_pps;
	uint8_t dst_mac[ETH_ALEN];
	bool no_tx;
	bool live;
};

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("xdpgen: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static uint64_t
number(const char *name, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || v < min || v > max)
		die("%s '%s' is not a number from %" PRIu64 " to %" PRIu64, name, text, min, max);
	return v;
}

static void
parse(int argc, char **argv, struct opts *o)
{
	enum { CPU = 256, DST_MAC, NO_TX, LIVE };
	static const struct option options[] = {
		{ "iface", required_argument, NULL, 'i' },
		{ "duration", required_argument, NULL, 'd' },
		{ "size", required_argument, NULL, 's' },
		{ "flows", required_argument, NULL, 'f' },
		{ "rate", required_argument, NULL, 'r' },
		{ "cpu", required_argument, NULL, CPU },
		{ "dst-mac", required_argument, NULL, DST_MAC },
		{ "no-tx", no_argument, NULL, NO_TX },
		{ "live", no_argument, NULL, LIVE },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint8_t *m = o->dst_mac;
	cpu_set_t set;
	int opt;

	while ((opt = getopt_long(argc, argv, "i:d:s:f:r:h", options, NULL)) != -1) {
		switch (opt) {
		case 'i':
			o->ifindex = if_nametoindex(optarg);
			if (o->ifindex == 0)
				die("no interface '%s' in this network namespace", optarg);
			break;
		case 'd': o->duration_s = (double)number("duration", optarg, 1, 86400); break;
		case 's': o->len = number("size", optarg, FRAME_MIN, FRAME_LIVE_MAX); break;
		case 'f': o->flows = number("flows", optarg, 1, 4096); break;
		case 'r': o->rate_pps = number("rate", optarg, 1, 1000000000); break;
		case CPU:
			CPU_ZERO(&set);
			CPU_SET(number("cpu", optarg, 0, CPU_SETSIZE - 1), &set);
			if (sched_setaffinity(0, sizeof(set), &set) < 0)
				die("cannot run on CPU %s: %s", optarg, strerror(errno));
			break;
		case DST_MAC:
			if (sscanf(optarg, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0], &m[1], &m[2],
				   &m[3], &m[4], &m[5]) != ETH_ALEN)
				die("'%s' is not a MAC address", optarg);
			break;
		case NO_TX: o->no_tx = true; break;
		case LIVE: o->live = true; break;
		case 'h': fputs(usage_text, stdout); exit(0);
		default: fputs(usage_text, stderr); exit(2);
		}
	}
	if (o->ifindex == 0)
		die("an interface is needed: -i IFACE");
	if ((o->flows & (o->flows - 1)) != 0)
		die("flows '%u' is not a power of two", o->flows);
}

static void
on_signal(int sig)
{
	stop = sig != SIGALRM;
}

/* Make packets until the duration is over, with a line of counts each second if asked for. */
static void
run(const struct live *live, const struct opts *o, double since)
{
	struct live_count c, last = { 0 };
	double shown = since, took;
	uint64_t n, n_last = 0;
	struct afx_err err;

	while (!stop && now() - since < o->duration_s) {
		if (o->no_tx)
			pause();
		else if (live_make(live, &err) < 0)
			die("%s", err.text);
		took = now() - shown;
		if (!o->live || took < 1)
			continue;
		c = live_counted(live);
		n = live_made(live);
		fprintf(stderr, "%4.0f s  sent %8.0f pps  came back %8.0f pps\n", now() - since,
			(double)(n - n_last) / took, (double)(c.packets - last.packets) / took);
		last = c;
		n_last = n;
		shown = now();
	}
}

int
main(int argc, char **argv)
{
	struct opts o = {
		.duration_s = 1, .len = FRAME_MIN, .flows = 64,
		.dst_mac = { 0x02, 0xaf, 0, 0, 0, 1 },
	};
	struct itimerval tick = { { 0, PERIOD_US }, { 0, PERIOD_US } };
	struct sigaction sa = { .sa_handler = on_signal };
	struct live_opts lo = { 0 };
	struct live_count c;
	struct live *live;
	struct afx_err err;
	double since, took;
	uint64_t n;

	parse(argc, argv, &o);
	lo.ifindex = o.ifindex;
	lo.attach = LIVE_DROP;
	lo.flows = o.flows;
	lo.rate_pps = o.rate_pps;
	lo.size.cnt = 1;
	lo.size.len[0] = lo.size.longest = o.len;
	memcpy(lo.dst_mac, o.dst_mac, ETH_ALEN);
	if (live_open(&lo, &live, &err) < 0)
		die("%s", err.text);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	since = now();
	run(live, &o, since);
	took = now() - since;
	c = live_counted(live);
	n = live_made(live);
	printf("{\"tx\": %" PRIu64 ", \"tx_pps\": %.0f, \"rx\": %llu, \"rx_pps\": %.0f, "
		"\"rx_bytes\": %llu, \"foreign\": %llu, \"seconds\": %.3f}\n",
		n, (double)n / took, c.packets, (double)c.packets / took, c.bytes, c.foreign, took);
	live_close(live);
	return 0;
}

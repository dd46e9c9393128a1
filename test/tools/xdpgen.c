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
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/types.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
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

#include "xdpgen.h"

#define MIN_LEN 60
#define MAX_LEN 3400         /* a live frame is one page, with headroom and tailroom */
#define BATCH 64
#define MAX_CPUS 1024
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
	"      --no-count      attach no counting program\n"
	"      --live          a line of counts on stderr each second\n";

struct opts {
	int ifindex;
	double duration_s;
	uint32_t len;
	uint32_t flows;
	uint64_t rate_pps;
	uint8_t dst_mac[ETH_ALEN];
	bool no_tx;
	bool no_count;
	bool live;
};

struct gen {
	struct bpf_object *obj;
	struct bpf_link *link;
	int make_fd;
	int counts_fd;
	int bss_fd;
	uint8_t frame[MAX_LEN];
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
	enum { CPU = 256, DST_MAC, NO_TX, NO_COUNT, LIVE };
	static const struct option options[] = {
		{ "iface", required_argument, NULL, 'i' },
		{ "duration", required_argument, NULL, 'd' },
		{ "size", required_argument, NULL, 's' },
		{ "flows", required_argument, NULL, 'f' },
		{ "rate", required_argument, NULL, 'r' },
		{ "cpu", required_argument, NULL, CPU },
		{ "dst-mac", required_argument, NULL, DST_MAC },
		{ "no-tx", no_argument, NULL, NO_TX },
		{ "no-count", no_argument, NULL, NO_COUNT },
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
		case 's': o->len = number("size", optarg, MIN_LEN, MAX_LEN); break;
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
		case NO_COUNT: o->no_count = true; break;
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

/* Load the programs from the object beside the executable and attach the counting one. */
static void
load(struct gen *g, const struct opts *o)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(".bpf.o"));
	struct bpf_map *rodata;
	struct xdpgen_cfg cfg = {
		.out_ifindex = o->ifindex,
		.flow_mask = o->flows - 1,
		.interval = o->rate_pps == 0 ? 0 :
			(1000000000ULL << XDPGEN_INTERVAL_SHIFT) / o->rate_pps,
	};
	struct bpf_program *count;

	if (n < 0)
		die("/proc/self/exe: %s", strerror(errno));
	strcpy(path + n, ".bpf.o");
	if (libbpf_num_possible_cpus() > MAX_CPUS)
		die("made for up to %d CPUs, here are %d", MAX_CPUS, libbpf_num_possible_cpus());
	g->obj = bpf_object__open_file(path, NULL);
	if (g->obj == NULL)
		die("%s: %s", path, strerror(errno));
	rodata = bpf_object__find_map_by_name(g->obj, ".rodata");
	if (rodata == NULL || bpf_map__set_initial_value(rodata, &cfg, sizeof(cfg)) != 0)
		die("%s has no .rodata of %zu bytes", path, sizeof(cfg));
	if (bpf_object__load(g->obj) != 0)
		die("loading %s: %s", path, strerror(errno));
	g->make_fd = bpf_program__fd(bpf_object__find_program_by_name(g->obj, "xdpgen_make"));
	g->counts_fd = bpf_object__find_map_fd_by_name(g->obj, "counts");
	g->bss_fd = bpf_object__find_map_fd_by_name(g->obj, ".bss");
	if (g->make_fd < 0 || g->counts_fd < 0 || g->bss_fd < 0)
		die("%s is not of this xdpgen", path);
	if (o->no_count)
		return;
	count = bpf_object__find_program_by_name(g->obj, "xdpgen_count");
	g->link = bpf_program__attach_xdp(count, o->ifindex);
	if (g->link == NULL)
		die("attaching the counting program: %s", strerror(errno));
}

static void
frame_init(struct gen *g, const struct opts *o)
{
	static const uint8_t src_mac[ETH_ALEN] = { 0x02, 0xaf, 0, 0, 0, 2 };
	struct xdpgen_head head = { .magic = XDPGEN_MAGIC };
	struct udphdr udp = { .dest = htons(9000) };
	struct iphdr ip = {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
		.saddr = htonl(0xc6120001),  /* 198.18.0.1, the benchmark network of RFC 2544 */
		.daddr = htonl(0xc6130001),
	};
	uint16_t type = htons(ETHERTYPE_IP), *w = (uint16_t *)&ip;
	uint32_t sum = 0;
	int i;

	memcpy(g->frame, o->dst_mac, ETH_ALEN);
	memcpy(g->frame + ETH_ALEN, src_mac, ETH_ALEN);
	memcpy(g->frame + 2 * ETH_ALEN, &type, sizeof(type));
	ip.tot_len = htons(o->len - ETH_HLEN);
	for (i = 0; i < (int)(sizeof(ip) / sizeof(*w)); i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip.check = ~(sum + (sum >> 16));
	memcpy(g->frame + ETH_HLEN, &ip, sizeof(ip));
	udp.len = htons(o->len - ETH_HLEN - sizeof(ip));
	memcpy(g->frame + ETH_HLEN + sizeof(ip), &udp, sizeof(udp));
	memcpy(g->frame + XDPGEN_HEAD_OFF, &head, sizeof(head));
}

static struct xdpgen_count
counted(const struct gen *g)
{
	static struct xdpgen_count c[MAX_CPUS];
	struct xdpgen_count sum = { 0 };
	__u32 zero = 0;
	int i;

	bpf_map_lookup_elem(g->counts_fd, &zero, c);
	for (i = 0; i < MAX_CPUS; i++) {
		sum.packets += c[i].packets;
		sum.bytes += c[i].bytes;
		sum.foreign += c[i].foreign;
	}
	return sum;
}

static uint64_t
made(const struct gen *g)
{
	struct { uint64_t made, started_ns; } bss = { 0 };
	__u32 zero = 0;

	bpf_map_lookup_elem(g->bss_fd, &zero, &bss);
	return bss.made;
}

/* Make packets until the next signal, the timer's or another. */
static void
make(const struct gen *g, const struct opts *o)
{
	LIBBPF_OPTS(bpf_test_run_opts, run,
		.data_in = g->frame,
		.data_size_in = o->len,
		.repeat = INT_MAX,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		.batch_size = BATCH,
	);

	if (bpf_prog_test_run_opts(g->make_fd, &run) != 0 && errno != EINTR)
		die("BPF_PROG_TEST_RUN with live frames: %s (kernel 5.18 is needed)",
			strerror(errno));
}

static void
on_signal(int sig)
{
	stop = sig != SIGALRM;
}

int
main(int argc, char **argv)
{
	struct opts o = {
		.duration_s = 1, .len = MIN_LEN, .flows = 64, .dst_mac = { 0x02, 0xaf, 0, 0, 0, 1 },
	};
	struct itimerval tick = { { 0, PERIOD_US }, { 0, PERIOD_US } };
	struct sigaction sa = { .sa_handler = on_signal };
	struct gen g = { .make_fd = -1, .counts_fd = -1, .bss_fd = -1 };
	struct xdpgen_count c = { 0 }, last = { 0 };
	uint64_t n = 0, n_last = 0;
	double since, shown, took;

	parse(argc, argv, &o);
	load(&g, &o);
	frame_init(&g, &o);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	since = shown = now();
	while (!stop && now() - since < o.duration_s) {
		if (o.no_tx)
			pause();
		else
			make(&g, &o);
		took = now() - shown;
		if (!o.live || took < 1)
			continue;
		c = counted(&g);
		n = made(&g);
		fprintf(stderr, "%4.0f s  sent %8.0f pps  came back %8.0f pps\n", now() - since,
			(double)(n - n_last) / took, (double)(c.packets - last.packets) / took);
		last = c;
		n_last = n;
		shown = now();
	}
	took = now() - since;
	c = counted(&g);
	n = made(&g);
	printf("{\"tx\": %" PRIu64 ", \"tx_pps\": %.0f, \"rx\": %llu, \"rx_pps\": %.0f, "
		"\"rx_bytes\": %llu, \"foreign\": %llu, \"seconds\": %.3f}\n",
		n, (double)n / took, c.packets, (double)c.packets / took, c.bytes, c.foreign, took);
	bpf_link__destroy(g.link);
	bpf_object__close(g.obj);
	return 0;
}

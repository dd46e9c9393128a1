/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pktgen: sends test packets, receives and judges them, or both ("echo": what a forwarder sends
 * back). Result as one JSON object on stdout; exit status 0 when everything asked for was found
 * right, 1 when not, 2 on a usage or system error.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pg.h"

/* Longer than a loaded machine keeps a forwarder from running. */
#define QUIET_S 5.0

static volatile sig_atomic_t stop;

static const char usage_text[] =
	"usage: pktgen tx|rx|echo -i IFACE [options]\n"
	"  -n, --count N         packets to send (tx, echo) or to wait for (rx)\n"
	"  -d, --duration S      or so many seconds (default 1 for tx and echo without --count)\n"
	"  -s, --size A[-B]      frame length without FCS, 60 to 65000 (default 60)\n"
	"  -f, --flows N         flows, 1 to 4096 (default 64)\n"
	"  -r, --rate PPS        packets a second (default: as many as possible)\n"
	"  -b, --burst N         packets per system call, 1 to 256 (default 64)\n"
	"  -w, --window N        echo: packets on their way at most (default 128)\n"
	"  -t, --timeout S       rx, echo: give up after so many seconds (default 30)\n"
	"      --idle S          rx: over when nothing more came for so long (default: 0.2 s\n"
	"                        after --count packets, so that repeated ones are seen)\n"
	"      --start N         first sequence number of each flow\n"
	"      --magic N         tell apart packets of several generators (default 0xafc0ffee)\n"
	"      --src-mac M, --dst-mac M, --src-ip A, --dst-ip A, --sport P, --dport P, --vlan ID\n"
	"      --udp-csum        fill in the UDP checksum\n"
	"      --ready FILE      rx: make FILE when listening\n"
	"      --cpu N           run on this CPU\n";

enum {
	OPT_START = 256, OPT_MAGIC, OPT_SRC_MAC, OPT_DST_MAC, OPT_SRC_IP, OPT_DST_IP, OPT_SPORT,
	OPT_DPORT, OPT_VLAN, OPT_UDP_CSUM, OPT_READY, OPT_CPU, OPT_IDLE,
};

static const struct option options[] = {
	{ "iface", required_argument, NULL, 'i' },
	{ "count", required_argument, NULL, 'n' },
	{ "duration", required_argument, NULL, 'd' },
	{ "size", required_argument, NULL, 's' },
	{ "flows", required_argument, NULL, 'f' },
	{ "rate", required_argument, NULL, 'r' },
	{ "burst", required_argument, NULL, 'b' },
	{ "window", required_argument, NULL, 'w' },
	{ "timeout", required_argument, NULL, 't' },
	{ "idle", required_argument, NULL, OPT_IDLE },
	{ "start", required_argument, NULL, OPT_START },
	{ "magic", required_argument, NULL, OPT_MAGIC },
	{ "src-mac", required_argument, NULL, OPT_SRC_MAC },
	{ "dst-mac", required_argument, NULL, OPT_DST_MAC },
	{ "src-ip", required_argument, NULL, OPT_SRC_IP },
	{ "dst-ip", required_argument, NULL, OPT_DST_IP },
	{ "sport", required_argument, NULL, OPT_SPORT },
	{ "dport", required_argument, NULL, OPT_DPORT },
	{ "vlan", required_argument, NULL, OPT_VLAN },
	{ "udp-csum", no_argument, NULL, OPT_UDP_CSUM },
	{ "ready", required_argument, NULL, OPT_READY },
	{ "cpu", required_argument, NULL, OPT_CPU },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("pktgen: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
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

static double
seconds(const char *name, const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end != '\0' || !(v > 0) || v > 86400)
		die("%s '%s' is not a number of seconds", name, text);
	return v;
}

static void
mac(const char *text, uint8_t out[ETH_ALEN])
{
	int used = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &out[0], &out[1], &out[2],
		   &out[3], &out[4], &out[5], &used) != ETH_ALEN || text[used] != '\0')
		die("'%s' is not a MAC address", text);
}

static uint32_t
address(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		die("'%s' is not an IPv4 address", text);
	return ntohl(a.s_addr);
}

static void
sizes(struct pg_cfg *cfg, char *text)
{
	char *dash = strchr(text, '-');

	if (dash != NULL)
		*dash++ = '\0';
	cfg->min_len = number("size", text, PG_MIN_LEN, PG_MAX_LEN);
	cfg->max_len = dash == NULL ? cfg->min_len :
		number("size", dash, cfg->min_len, PG_MAX_LEN);
}

static void
pin(const char *text)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number("cpu", text, 0, CPU_SETSIZE - 1), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("cannot run on CPU %s: %s", text, strerror(errno));
}

static void
set_option(struct pg_cfg *cfg, int opt, char *arg)
{
	switch (opt) {
	case 'i': cfg->iface = arg; break;
	case 'n': cfg->count = number("count", arg, 1, UINT64_MAX); break;
	case 'd': cfg->duration_s = seconds("duration", arg); break;
	case 's': sizes(cfg, arg); break;
	case 'f': cfg->flows = number("flows", arg, 1, PG_MAX_FLOWS); break;
	case 'r': cfg->rate_pps = number("rate", arg, 1, 1000000000); break;
	case 'b': cfg->burst = number("burst", arg, 1, 256); break;
	case 'w': cfg->window = number("window", arg, 1, 1000000); break;
	case 't': cfg->timeout_s = seconds("timeout", arg); break;
	case OPT_IDLE: cfg->idle_s = seconds("idle", arg); break;
	case OPT_START: cfg->start = number("start", arg, 0, UINT64_MAX / 2); break;
	case OPT_MAGIC: cfg->magic = number("magic", arg, 1, UINT32_MAX); break;
	case OPT_SRC_MAC: mac(arg, cfg->src_mac); break;
	case OPT_DST_MAC: mac(arg, cfg->dst_mac); break;
	case OPT_SRC_IP: cfg->src_ip = address(arg); break;
	case OPT_DST_IP: cfg->dst_ip = address(arg); break;
	case OPT_SPORT: cfg->sport = number("sport", arg, 0, UINT16_MAX); break;
	case OPT_DPORT: cfg->dport = number("dport", arg, 0, UINT16_MAX); break;
	case OPT_VLAN: cfg->vlan = number("vlan", arg, 1, 4094); break;
	case OPT_UDP_CSUM: cfg->udp_csum = true; break;
	case OPT_READY: cfg->ready = arg; break;
	case OPT_CPU: pin(arg); break;
	case 'h': fputs(usage_text, stdout); exit(0);
	default: fputs(usage_text, stderr); exit(2);
	}
}

static void
parse(int argc, char **argv, struct pg_cfg *cfg)
{
	struct ifreq ifr = { 0 };
	bool own_mac = true;
	int opt, fd;

	while ((opt = getopt_long(argc, argv, "i:n:d:s:f:r:b:w:t:h", options, NULL)) != -1) {
		set_option(cfg, opt, optarg);
		own_mac = own_mac && opt != OPT_SRC_MAC;
	}
	if (cfg->iface == NULL || strlen(cfg->iface) >= IFNAMSIZ)
		die("an interface is needed: -i IFACE");
	cfg->ifindex = if_nametoindex(cfg->iface);
	if (cfg->ifindex == 0)
		die("no interface '%s' in this network namespace", cfg->iface);
	if (cfg->vlan != 0 && cfg->min_len < PG_MIN_LEN + 4)
		die("a tagged frame has at least %d bytes", PG_MIN_LEN + 4);
	if (!own_mac)
		return;
	strcpy(ifr.ifr_name, cfg->iface);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		die("MAC address of '%s': %s", cfg->iface, strerror(errno));
	close(fd);
	memcpy(cfg->src_mac, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
}

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* How many packets may go now, so that no more than the rate is sent; sleeps when it is none. */
static uint32_t
allowance(const struct pg_cfg *cfg, uint64_t n, double since)
{
	uint64_t left = cfg->count == 0 ? cfg->burst : cfg->count - n;
	struct timespec ts = { 0, 50000 };
	double due;

	if (left > cfg->burst)
		left = cfg->burst;
	if (cfg->rate_pps == 0)
		return left;
	due = (pg_now() - since) * (double)cfg->rate_pps - (double)n;
	if (due < 1) {
		nanosleep(&ts, NULL);
		return 0;
	}
	return due < (double)left ? (uint32_t)due : (uint32_t)left;
}

static bool
tx_over(const struct pg_cfg *cfg, uint64_t n, double since)
{
	return stop || (cfg->count != 0 && n >= cfg->count) ||
		(cfg->duration_s > 0 && pg_now() - since >= cfg->duration_s);
}

static int
run_tx(const struct pg_cfg *cfg)
{
	double since = pg_now(), took;
	struct pg_tx *tx;
	uint64_t n = 0;
	int ret = pg_tx_open(cfg, &tx);

	if (ret < 0)
		die("packet socket on '%s': %s", cfg->iface, strerror(-ret));
	while (ret >= 0 && !tx_over(cfg, n, since)) {
		uint32_t nb = allowance(cfg, n, since);

		if (nb > 0)
			ret = pg_tx_burst(tx, &n, nb);
	}
	took = pg_now() - since;
	printf("{\"tx\": %" PRIu64 ", \"tx_busy\": %" PRIu64
		", \"seconds\": %.3f, \"tx_pps\": %.0f}\n", n, pg_tx_busy(tx), took,
		(double)n / took);
	pg_tx_close(tx);
	if (ret < 0)
		die("send on '%s': %s", cfg->iface, strerror(-ret));
	return cfg->count == 0 || n == cfg->count ? 0 : 1;
}

static void
print_result(const struct pg_result *r, const struct pg_check *chk, const char *more)
{
	double took = r->last_s - r->first_s;

	printf("{%s\"rx\": %" PRIu64 ", \"ok\": %" PRIu64 ", \"bad\": %" PRIu64
		", \"dup\": %" PRIu64 ", \"reordered\": %" PRIu64 ", \"lost\": %" PRIu64
		", \"swapped\": %" PRIu64 ", \"tagged\": %" PRIu64 ", \"foreign\": %" PRIu64
		", \"kernel_drops\": %" PRIu64 ", \"flows\": %u, \"bytes\": %" PRIu64
		", \"seconds\": %.3f, \"rx_pps\": %.0f}\n",
		more, r->rx, r->ok, r->bad, r->dup, r->reordered, pg_check_lost(chk), r->swapped,
		r->tagged, r->foreign, r->kernel_drops, pg_check_flows(chk), r->bytes, took,
		took > 0 ? (double)r->rx / took : 0.0);
}

static bool
clean(const struct pg_result *r)
{
	return r->ok > 0 && r->bad == 0 && r->dup == 0 && r->reordered == 0;
}

static int
run_rx(const struct pg_cfg *cfg)
{
	struct pg_check *chk = pg_check_create(cfg);
	struct pg_result res = { 0 };
	double since = pg_now(), now = since, quiet;
	struct pg_rx *rx;
	int fd, ret = pg_rx_open(cfg, &rx);
	bool right;

	if (ret < 0 || chk == NULL)
		die("packet ring on '%s': %s", cfg->iface, strerror(ret < 0 ? -ret : ENOMEM));
	if (cfg->ready != NULL) {
		fd = open(cfg->ready, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			die("%s: %s", cfg->ready, strerror(errno));
		close(fd);
	}
	while (!stop && now - since < cfg->timeout_s) {
		quiet = res.rx > 0 ? now - res.last_s : 0;
		if (cfg->idle_s > 0 ? quiet > cfg->idle_s :
		    cfg->count != 0 && res.ok >= cfg->count && quiet > 0.2)
			break;
		if (cfg->duration_s > 0 && now - since >= cfg->duration_s)
			break;
		pg_rx_poll(rx, chk, &res, 10);
		now = pg_now();
	}
	pg_rx_close(rx, &res);
	print_result(&res, chk, "");
	right = clean(&res) && (cfg->count == 0 || res.ok == cfg->count);
	pg_check_free(chk);
	return right ? 0 : 1;
}

/*
 * Send with a window and judge what comes back. Where nothing comes back for a while, what is on
 * its way is given up, so that one loss does not stop the rest; it counts when it comes late.
 */
static int
run_echo(const struct pg_cfg *cfg)
{
	struct pg_check *chk = pg_check_create(cfg);
	struct pg_result res = { 0 };
	double since = pg_now(), moved = since;
	uint64_t n = 0, gone = 0, before;
	struct pg_rx *rx;
	struct pg_tx *tx;
	char more[160];
	int ret;

	ret = chk == NULL ? -ENOMEM : pg_rx_open(cfg, &rx);
	if (ret == 0)
		ret = pg_tx_open(cfg, &tx);
	if (ret < 0)
		die("packet sockets on '%s': %s", cfg->iface, strerror(-ret));
	while (ret >= 0 && pg_now() - since < cfg->timeout_s) {
		bool over = tx_over(cfg, n, since);
		uint64_t out = n > res.rx + gone ? n - res.rx - gone : 0;

		if (over && (res.rx >= n || stop || pg_now() - moved > QUIET_S))
			break;
		if (!over && out < cfg->window) {
			uint32_t nb = allowance(cfg, n, since);

			if (nb > cfg->window - out)
				nb = cfg->window - out;
			if (nb > 0)
				ret = pg_tx_burst(tx, &n, nb);
		}
		before = res.rx;
		pg_rx_poll(rx, chk, &res, over || out >= cfg->window ? 1 : 0);
		if (res.rx != before || (out == 0 && !over))
			moved = pg_now();
		else if (pg_now() - moved > QUIET_S)
			gone += out;
	}
	snprintf(more, sizeof(more), "\"tx\": %" PRIu64 ", \"tx_busy\": %" PRIu64
		", \"missing\": %" PRIu64 ", ", n, pg_tx_busy(tx), n > res.ok ? n - res.ok : 0);
	pg_tx_close(tx);
	pg_rx_close(rx, &res);
	print_result(&res, chk, more);
	pg_check_free(chk);
	if (ret < 0)
		die("send on '%s': %s", cfg->iface, strerror(-ret));
	return clean(&res) && res.ok == n ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct pg_cfg cfg = {
		.dst_mac = { 0x02, 0xaf, 0, 0, 0, 1 },
		.src_ip = 0xc6120001,        /* 198.18.0.1, the benchmark network of RFC 2544 */
		.dst_ip = 0xc6130001,
		.sport = 10000,
		.dport = 9000,
		.magic = 0xafc0ffee,
		.flows = 64,
		.min_len = PG_MIN_LEN,
		.max_len = PG_MIN_LEN,
		.burst = 64,
		/* A veth queue holds 256; more are lost there when the receiver is kept waiting. */
		.window = 128,
		.timeout_s = 30,
	};
	const char *mode = argc > 1 ? argv[1] : "";
	bool tx = strcmp(mode, "tx") == 0, echo = strcmp(mode, "echo") == 0;

	if (strcmp(mode, "--help") == 0 || strcmp(mode, "-h") == 0)
		set_option(&cfg, 'h', NULL);
	if (!tx && !echo && strcmp(mode, "rx") != 0)
		set_option(&cfg, '?', NULL);
	parse(argc - 1, argv + 1, &cfg);
	if ((tx || echo) && cfg.count == 0 && cfg.duration_s == 0)
		cfg.duration_s = 1;
	if (cfg.timeout_s < cfg.duration_s)
		cfg.timeout_s = cfg.duration_s + 5;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (tx)
		return run_tx(&cfg);
	return echo ? run_echo(&cfg) : run_rx(&cfg);
}

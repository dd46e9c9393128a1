/* SPDX-License-Identifier: BSD-3-Clause */
/* Options, network and report of dpdk-xsk-bench-cost. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cost.h"

static const char usage_text[] =
	"usage: dpdk-xsk-bench-cost [options] [-- EAL options]      (as root)\n"
	"  --vdev D[,ARGS]    a driver to measure (net_xsk, net_af_xdp, ...), without number and\n"
	"                     interface; repeated: each is measured, ratios are to the first.\n"
	"                     default: net_xsk and net_af_xdp\n"
	"  --plugin FILE      a plugin EAL has to load (librte_net_xsk.so where not installed)\n"
	"  --kind K[,K]       rx, tx, forward (default all)\n"
	"  --burst N[,N]      packets a burst, 1 to 256 (default 32,4)\n"
	"  --cache C[,C]      hot, cold (default both)\n"
	"  --cold-bytes N     read between bursts in cold cases (default 6291456)\n"
	"  --rounds N         rounds, drivers in turn (default 15)\n"
	"  --desc N           ring sizes (default 2048)\n"
	"  --no-fast-free     leave MBUF_FAST_FREE out where a driver has it\n"
	"  --json             a JSON object a line\n";

static bool json;

void
cost_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("dpdk-xsk-bench-cost: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

static unsigned long
number(const char *what, const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || v < min || v > max)
		cost_die("%s '%s' is not a number from %lu to %lu", what, text, min, max);
	return v;
}

/* A list of words as bits. */
static unsigned int
choose(const char *what, char *list, const char * const words[], unsigned int cnt)
{
	unsigned int bits = 0;

	for (char *w = strtok(list, ","); w != NULL; w = strtok(NULL, ",")) {
		unsigned int i = 0;

		while (i < cnt && strcmp(w, words[i]) != 0)
			i++;
		if (i == cnt)
			cost_die("%s '%s' is unknown (--help lists them)", what, w);
		bits |= 1u << i;
	}
	return bits;
}

static void
add_eal(struct cost_opts *o, const char *arg)
{
	for (unsigned int i = 0; i < sizeof(o->eal) / sizeof(o->eal[0]); i++) {
		if (o->eal[i] == NULL) {
			o->eal[i] = arg;
			return;
		}
	}
	cost_die("too many EAL options at '%s'", arg);
}

static void
defaults(struct cost_opts *o)
{
	memset(o, 0, sizeof(*o));
	o->kinds = 7;
	o->caches = 3;
	o->bursts[0] = 32;
	o->bursts[1] = 4;
	o->bursts_cnt = 2;
	o->rounds = 15;
	o->nb_desc = 2048;
	o->cold_bytes = 6u << 20;
	o->fast_free = true;
	add_eal(o, "--no-pci");
	add_eal(o, "--no-telemetry");
	add_eal(o, "--in-memory");
	add_eal(o, "--log-level=lib.*:warning");
}

static void
parse_bursts(struct cost_opts *o, char *list)
{
	o->bursts_cnt = 0;
	for (char *w = strtok(list, ","); w != NULL; w = strtok(NULL, ",")) {
		if (o->bursts_cnt == COST_BURSTS_MAX)
			cost_die("more than %u burst sizes", COST_BURSTS_MAX);
		o->bursts[o->bursts_cnt++] = number("burst", w, 1, 256);
	}
}

void
cost_parse(int argc, char **argv, struct cost_opts *o)
{
	static const char * const kinds[] = { "rx", "tx", "forward" };
	static const char * const caches[] = { "hot", "cold" };
	enum { VDEV = 256, PLUGIN, KIND, BURST, CACHE, COLD, ROUNDS, DESC, NO_FF, JSON };
	static const struct option options[] = {
		{ "vdev", required_argument, NULL, VDEV },
		{ "plugin", required_argument, NULL, PLUGIN },
		{ "kind", required_argument, NULL, KIND },
		{ "burst", required_argument, NULL, BURST },
		{ "cache", required_argument, NULL, CACHE },
		{ "cold-bytes", required_argument, NULL, COLD },
		{ "rounds", required_argument, NULL, ROUNDS },
		{ "desc", required_argument, NULL, DESC },
		{ "no-fast-free", no_argument, NULL, NO_FF },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	defaults(o);
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case VDEV:
			if (o->drivers_cnt == COST_DRIVERS_MAX)
				cost_die("more than %u drivers", COST_DRIVERS_MAX);
			o->drivers[o->drivers_cnt++] = optarg;
			break;
		case PLUGIN: add_eal(o, "-d"); add_eal(o, optarg); break;
		case KIND: o->kinds = choose("kind", optarg, kinds, 3); break;
		case BURST: parse_bursts(o, optarg); break;
		case CACHE: o->caches = choose("cache", optarg, caches, 2); break;
		case COLD: o->cold_bytes = number("cold-bytes", optarg, 64, 1ul << 30); break;
		case ROUNDS: o->rounds = number("rounds", optarg, 1, COST_ROUNDS_MAX); break;
		case DESC: o->nb_desc = number("desc", optarg, 512, 32768); break;
		case NO_FF: o->fast_free = false; break;
		case JSON: o->json = true; break;
		case 'h': fputs(usage_text, stdout); exit(0);
		default: fputs(usage_text, stderr); exit(2);
		}
	}
	for (; optind < argc; optind++)
		add_eal(o, argv[optind]);
	if (o->drivers_cnt == 0) {
		o->drivers[o->drivers_cnt++] = "net_xsk";
		o->drivers[o->drivers_cnt++] = "net_af_xdp";
	}
	json = o->json;
}

/* Run a command without a shell; its failure ends the program. */
static void
run(char *const argv[])
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		cost_die("'%s %s %s ...' failed", argv[0], argv[1], argv[2]);
}

void
cost_make_veth(unsigned int i)
{
	char a[16], b[16];
	char *add[] = { "ip", "link", "add", a, "type", "veth", "peer", "name", b, NULL };
	char *up[] = { "ip", "link", "set", a, "up", NULL };
	char *peer[] = { "ip", "link", "set", b, "up", NULL };

	snprintf(a, sizeof(a), "cost%u", i);
	snprintf(b, sizeof(b), "far%u", i);
	run(add);
	run(up);
	run(peer);
}

void
cost_vdev(const char *driver, unsigned int i, char *out, size_t room)
{
	size_t name = strcspn(driver, ",");

	snprintf(out, room, "%.*s%u,iface=cost%u%s", (int)name, driver, i, i, driver + name);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
cost_median(const double *v, unsigned int n, double *min, double *max)
{
	double sorted[COST_ROUNDS_MAX];

	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*v), compare);
	*min = sorted[0];
	*max = sorted[n - 1];
	return n % 2 != 0 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

void
cost_report(const struct cost_case *c, const char *name, const double *v, const double *base,
	unsigned int rounds)
{
	double ratio[COST_ROUNDS_MAX], min, max, mid, r, ignored;
	const char *cache = c->cold_bytes != 0 ? "cold" : "hot";

	for (unsigned int i = 0; i < rounds; i++)
		ratio[i] = v[i] / base[i];
	r = cost_median(ratio, rounds, &ignored, &ignored);
	mid = cost_median(v, rounds, &min, &max);
	if (json)
		printf("{\"kind\":\"%s\",\"cache\":\"%s\",\"burst\":%u,\"driver\":\"%s\","
			"\"cycles\":%.2f,\"min\":%.2f,\"max\":%.2f,\"ratio\":%.3f}\n",
			c->name, cache, c->burst, name, mid, min, max, r);
	else
		printf("%-8s %-4s burst %3u  %-28s %7.1f cycles a packet (%.1f to %.1f)  x %.2f\n",
			c->name, cache, c->burst, name, mid, min, max, r);
	fflush(stdout);
}

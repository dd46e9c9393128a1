/* SPDX-License-Identifier: BSD-3-Clause */
/* Options, see opts.h. One table says what there is, how it is checked and what --help prints. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "opts.h"

struct def {
	const char *name;
	const char *arg;         /* NULL: takes no value */
	const char *help;
	int (*set)(struct opts *o, const struct def *d, const char *value, struct afx_err *err);
	size_t off;
	uint64_t min;
	uint64_t max;
};

static int
parse_number(const struct def *d, const char *text, uint64_t *v, struct afx_err *err)
{
	char *end;

	errno = 0;
	*v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *v < d->min ||
			*v > d->max)
		return afx_err_set(err, -EINVAL, "--%s '%s': give a whole number from %llu to %llu",
			d->name, text, (unsigned long long)d->min, (unsigned long long)d->max);
	return 0;
}

static int
set_u32(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	uint64_t v;
	int ret = parse_number(d, value, &v, err);

	if (ret == 0)
		*(uint32_t *)((char *)o + d->off) = v;
	return ret;
}

static int
set_u64(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	return parse_number(d, value, (uint64_t *)((char *)o + d->off), err);
}

/* Bounds in ms. */
static int
set_seconds(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	double min = (double)d->min / 1000, max = (double)d->max / 1000, v;
	char *end;

	v = strtod(value, &end);
	if (value[0] == '\0' || *end != '\0' || !(v >= min && v <= max))
		return afx_err_set(err, -EINVAL, "--%s '%s': give seconds from %g to %g", d->name,
			value, min, max);
	*(double *)((char *)o + d->off) = v;
	return 0;
}

static int
set_nice(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	char *end;
	long v = strtol(value, &end, 10);

	if (value[0] == '\0' || *end != '\0' || v < -20 || v > 19)
		return afx_err_set(err, -EINVAL, "--%s '%s': give a whole number from -20 to 19",
			d->name, value);
	o->nice = v;
	return 0;
}

static int
set_flag(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	(void)value;
	(void)err;
	*(bool *)((char *)o + d->off) = true;
	return 0;
}

/* max is the size of the field. */
static int
set_text(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	if (value[0] == '\0' || strlen(value) >= d->max)
		return afx_err_set(err, -EINVAL, "--%s '%s': give 1 to %llu characters", d->name,
			value, (unsigned long long)d->max - 1);
	strcpy((char *)o + d->off, value);
	return 0;
}

/* Call each for the pieces of value between separators. */
static int
split(const struct def *d, const char *value, const char *sep, struct opts *o,
	int (*each)(struct opts *o, const struct def *d, const char *piece, struct afx_err *err),
	struct afx_err *err)
{
	char copy[2048], *save = NULL, *piece;
	int ret = 0, n = 0;

	if (strlen(value) >= sizeof(copy))
		return afx_err_set(err, -EINVAL, "--%s: longer than %zu characters", d->name,
			sizeof(copy) - 1);
	strcpy(copy, value);
	for (piece = strtok_r(copy, sep, &save); piece != NULL && ret == 0;
			piece = strtok_r(NULL, sep, &save), n++)
		ret = each(o, d, piece, err);
	if (ret == 0 && n == 0)
		ret = afx_err_set(err, -EINVAL, "--%s '%s': nothing given", d->name, value);
	return ret;
}

static int
add_number(struct opts *o, const struct def *d, const char *piece, struct afx_err *err)
{
	struct opts_list *list = (struct opts_list *)((char *)o + d->off);
	uint64_t v;
	int ret = parse_number(d, piece, &v, err);

	if (ret < 0)
		return ret;
	if (list->n == OPTS_LIST)
		return afx_err_set(err, -EINVAL, "--%s: more than %d values", d->name, OPTS_LIST);
	list->v[list->n++] = v;
	return 0;
}

static int
set_list(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	((struct opts_list *)((char *)o + d->off))->n = 0;
	return split(d, value, ",", o, add_number, err);
}

static int
add_size(struct opts *o, const struct def *d, const char *piece, struct afx_err *err)
{
	if (o->n_sizes == OPTS_LIST)
		return afx_err_set(err, -EINVAL, "--%s: more than %d values", d->name, OPTS_LIST);
	if (frame_size_parse(piece, &o->size[o->n_sizes]) < 0)
		return afx_err_set(err, -EINVAL,
			"--%s '%s': give bytes from %d to %d (without FCS), or imix", d->name,
			piece, FRAME_MIN, FRAME_MAX);
	o->n_sizes++;
	return 0;
}

static int
set_sizes(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	o->n_sizes = 0;
	return split(d, value, ",", o, add_size, err);
}

static int
add_cpu(struct opts *o, const struct def *d, const char *piece, struct afx_err *err)
{
	uint64_t v;
	int ret = parse_number(d, piece, &v, err);

	if (ret < 0)
		return ret;
	if (o->n_dut_cpus == OPTS_CPUS)
		return afx_err_set(err, -EINVAL, "--%s: more than %d CPUs", d->name, OPTS_CPUS);
	for (uint32_t i = 0; i < o->n_dut_cpus; i++)
		if (o->dut_cpu[i] == v)
			return afx_err_set(err, -EINVAL, "--%s: CPU %s is given twice", d->name,
				piece);
	o->dut_cpu[o->n_dut_cpus++] = v;
	return 0;
}

static int
set_cpus(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	o->n_dut_cpus = 0;
	return split(d, value, ",", o, add_cpu, err);
}

static int
add_cand(struct opts *o, const struct def *d, const char *piece, struct afx_err *err)
{
	if (o->n_cands == OPTS_CANDS)
		return afx_err_set(err, -EINVAL, "--%s: more than %d candidates", d->name,
			OPTS_CANDS);
	return cand_parse(piece, &o->cand[o->n_cands++], err);
}

static int
set_cands(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	return split(d, value, " \t\n", o, add_cand, err);
}

static const char *const gen_names[] = {
	[GEN_AUTO] = "auto", [GEN_LIVE] = "live", [GEN_XSK] = "xsk", [GEN_PACKET] = "packet",
	[GEN_NONE] = "none",
};

static int
set_gen(struct opts *o, const struct def *d, const char *value, struct afx_err *err)
{
	for (unsigned int i = 0; i < sizeof(gen_names) / sizeof(gen_names[0]); i++)
		if (strcmp(value, gen_names[i]) == 0) {
			o->gen = i;
			return 0;
		}
	return afx_err_set(err, -EINVAL, "--%s '%s': give auto, live, xsk, packet or none", d->name,
		value);
}

#define AT(field) offsetof(struct opts, field)
#define TEXT(field) AT(field), 0, sizeof(((struct opts *)0)->field)

static const struct def defs[] = {
	{ NULL, "What is measured", NULL, NULL, 0, 0, 0 },
	{ "vdev", "CAND", "candidate: a driver with its device arguments, without iface=, as in\n"
		"net_xsk,mode=copy; or bare_xsk (a loop on AF_XDP rings without DPDK)\n"
		"or bare_xdp (XDP_DROP; forward: XDP_TX), both with ,mode=native or\n"
		",mode=skb. Default: net_xsk", set_cands, 0, 0, 0 },
	{ "vs", "CANDS", "more candidates, blanks between them; ratios are to the first of all",
		set_cands, 0, 0, 0 },
	{ "pairs", "N", "rounds; each runs every candidate once (default 1, with several\n"
		"candidates 7)", set_u32, AT(pairs), 1, OPTS_PAIRS },
	{ "duration", "S", "seconds that are counted (default 2)", set_seconds, AT(duration_s), 50,
		86400000 },
	{ "warmup", "S", "seconds before that (default 0.5)", set_seconds, AT(warmup_s), 0,
		600000 },
	{ NULL, "Sweeps (lists are separated by commas)", NULL, NULL, 0, 0, 0 },
	{ "sizes", "LIST", "frame lengths without FCS, or imix: 60, 590 and 1514 bytes as 7:4:1\n"
		"(default 64)", set_sizes, 0, 0, 0 },
	{ "queues", "LIST", "queue counts (default 1)", set_list, AT(queues), 1, 64 },
	{ "bursts", "LIST", "packets per burst call (default 32)", set_list, AT(bursts), 1, 512 },
	{ NULL, "Traffic", NULL, NULL, 0, 0, 0 },
	{ "gen", "KIND", "generator: live (XDP frames of BPF_PROG_TEST_RUN, reaches one queue),\n"
		"xsk (AF_XDP, reaches every queue), packet (packet sockets), none (traffic\n"
		"comes from elsewhere), auto (default: live for one queue, else xsk)",
		set_gen, 0, 0, 0 },
	{ "rate", "PPS", "packets a second offered (default: as many as possible; latency: as\n"
		"soon as one is back)", set_u64, AT(rate_pps), 1, 1000000000 },
	{ "flows", "N", "flows, a power of two (default 64)", set_u32, AT(flows), 1, 4096 },
	{ "window", "N", "latency without a rate: packets under way (default 1)", set_u32,
		AT(window), 1, 1024 },
	{ NULL, "Placement", NULL, NULL, 0, 0, 0 },
	{ "cores", "N", "CPUs of the candidate (default 1)", set_u32, AT(cores), 1, OPTS_CPUS },
	{ "dut-cpus", "LIST", "which ones (default: those behind the generator's)", set_cpus, 0, 0,
		1023 },
	{ "gen-cpu", "N", "CPU of the generator (default: the first allowed)", set_u32, AT(gen_cpu),
		0, 1023 },
	{ "napi-thread", "N", "give the candidate's interface threaded NAPI, on CPU N", set_u32,
		AT(napi_cpu), 0, 1023 },
	{ "rps", "N", "receive packet steering of the candidate's interface to CPU N (own pair\n"
		"only; XDP in native mode comes before it)", set_u32, AT(rps_cpu), 0, 31 },
	{ "nice", "N", "nice value of candidate and generator (default -20, so that other\n"
		"processes disturb less)", set_nice, 0, 0, 0 },
	{ NULL, "Port", NULL, NULL, 0, 0, 0 },
	{ "mbufs", "N", "mbufs of the pool (default: by queues and rings)", set_u32, AT(mbufs), 64,
		16777216 },
	{ "mbuf-size", "N", "bytes of an mbuf's buffer with headroom (default 2176)", set_u32,
		AT(mbuf_size), 512, 65535 },
	{ "rxd", "N", "Rx descriptors (default: the driver's)", set_u32, AT(rxd), 8, 32768 },
	{ "txd", "N", "Tx descriptors (default: the driver's)", set_u32, AT(txd), 8, 32768 },
	{ "no-fast-free", NULL, "do not ask for MBUF_FAST_FREE where the driver has it", set_flag,
		AT(no_fast_free), 0, 0 },
	{ "plugin", "PATH", "EAL plugin of net_xsk (default: that of the build folder, else the\n"
		"installed one)", set_text, TEXT(plugin) },
	{ "eal", "ARGS", "more EAL arguments, blanks between them", set_text, TEXT(eal) },
	{ NULL, "Interfaces (default: a veth pair in network namespaces of its own)", NULL, NULL, 0,
		0, 0 },
	{ "iface", "NAME", "existing interface of the candidates; refused while it has an\n"
		"address, the default route or a master", set_text, TEXT(iface) },
	{ "far-iface", "NAME", "existing interface cabled to it, where packets are made and\n"
		"counted", set_text, TEXT(far_iface) },
	{ "netns", "NAME", "network namespace of --iface", set_text, TEXT(netns) },
	{ "far-netns", "NAME", "network namespace of --far-iface", set_text, TEXT(far_netns) },
	{ NULL, "Output", NULL, NULL, 0, 0, 0 },
	{ "json", "FILE", "results as JSON", set_text, TEXT(json) },
	{ "html", "FILE", "results as one HTML page with plots (needs python3)", set_text,
		TEXT(html) },
	{ "quiet", NULL, "no progress", set_flag, AT(quiet), 0, 0 },
	{ "verbose", NULL, "what the measured processes print", set_flag, AT(verbose), 0, 0 },
	{ "help", NULL, "this text", set_flag, AT(help), 0, 0 },
};

#define DEFS (sizeof(defs) / sizeof(defs[0]))

static void
set_defaults(enum work work, struct opts *o)
{
	memset(o, 0, sizeof(*o));
	o->work = work;
	o->duration_s = 2;
	o->warmup_s = 0.5;
	o->queues = (struct opts_list){ 1, { 1 } };
	o->bursts = (struct opts_list){ 1, { 32 } };
	frame_size_parse("64", &o->size[0]);
	o->n_sizes = 1;
	o->cores = 1;
	o->nice = -20;
	o->gen_cpu = UINT32_MAX;
	o->napi_cpu = UINT32_MAX;
	o->rps_cpu = UINT32_MAX;
	o->flows = 64;
	o->window = 1;
}

static int
check_together(struct opts *o, struct afx_err *err)
{
	if ((o->flows & (o->flows - 1)) != 0)
		return afx_err_set(err, -EINVAL, "--flows '%u': give a power of two", o->flows);
	if (o->iface[0] == '\0' && (o->far_iface[0] != '\0' || o->netns[0] != '\0' ||
			o->far_netns[0] != '\0'))
		return afx_err_set(err, -EINVAL,
			"--far-iface, --netns and --far-netns go with --iface");
	if (o->iface[0] != '\0' && o->rps_cpu != UINT32_MAX)
		return afx_err_set(err, -EINVAL, "--rps goes with the pair of the tool's own");
	if (o->far_iface[0] == '\0' && o->iface[0] != '\0') {
		if (o->work != WORK_RX)
			return afx_err_set(err, -EINVAL,
				"--iface '%s': %s is counted at the far end; give it with "
				"--far-iface", o->iface, opts_work_name(o->work));
		if (o->gen != GEN_NONE && o->gen != GEN_AUTO)
			return afx_err_set(err, -EINVAL, "--gen %s sends from --far-iface: give it",
				opts_gen_name(o->gen));
		o->gen = GEN_NONE;
	}
	if (o->gen == GEN_NONE && (o->iface[0] == '\0' || o->work != WORK_RX) &&
			o->work != WORK_TX)
		return afx_err_set(err, -EINVAL,
			"--gen none: only mode rx with --iface takes traffic from elsewhere");
	if (o->n_cands == 0)
		cand_parse("net_xsk", &o->cand[o->n_cands++], err);
	if (o->pairs == 0)
		o->pairs = o->n_cands > 1 ? 7 : 1;
	for (uint32_t i = 0; i < o->n_cands; i++) {
		if (o->cand[i].kind == CAND_BARE_XDP && o->work == WORK_TX)
			return afx_err_set(err, -EINVAL,
				"candidate '%s' sends nothing by itself: it has modes rx, forward "
				"and latency", o->cand[i].text);
		if (cand_makes_iface(&o->cand[i]) && o->iface[0] != '\0')
			return afx_err_set(err, -EINVAL,
				"candidate '%s' makes its own interface: run it without --iface",
				o->cand[i].text);
	}
	return 0;
}

int
opts_parse(enum work work, int argc, char **argv, struct opts *o, struct afx_err *err)
{
	set_defaults(work, o);
	for (int i = 0; i < argc; i++) {
		const char *arg = argv[i], *value;
		const struct def *d = NULL;
		size_t n;

		if (strncmp(arg, "--", 2) != 0)
			return afx_err_set(err, -EINVAL,
				"'%s' is not an option: options begin with -- (see --help)", arg);
		arg += 2;
		value = strchr(arg, '=');
		n = value != NULL ? (size_t)(value - arg) : strlen(arg);
		for (unsigned int k = 0; k < DEFS && d == NULL; k++)
			if (defs[k].name != NULL && strlen(defs[k].name) == n &&
					strncmp(defs[k].name, arg, n) == 0)
				d = &defs[k];
		if (d == NULL)
			return afx_err_set(err, -EINVAL, "unknown option --%.*s (see --help)",
				(int)n, arg);
		if (value != NULL && d->arg == NULL)
			return afx_err_set(err, -EINVAL, "--%s takes no value", d->name);
		if (value != NULL)
			value++;
		else if (d->arg != NULL && ++i == argc)
			return afx_err_set(err, -EINVAL, "--%s needs a value: %s", d->name, d->arg);
		else
			value = d->arg != NULL ? argv[i] : "";
		if (d->set(o, d, value, err) < 0)
			return -EINVAL;
	}
	return o->help ? 0 : check_together(o, err);
}

void
opts_help(FILE *out)
{
	char left[64];
	const char *line, *end;

	for (unsigned int k = 0; k < DEFS; k++) {
		const struct def *d = &defs[k];

		if (d->name == NULL) {
			fprintf(out, "\n%s:\n", d->arg);
			continue;
		}
		snprintf(left, sizeof(left), "--%s%s%s", d->name, d->arg != NULL ? " " : "",
			d->arg != NULL ? d->arg : "");
		for (line = d->help; line != NULL; line = end != NULL ? end + 1 : NULL) {
			end = strchr(line, '\n');
			fprintf(out, "  %-18s  %.*s\n", left,
				end != NULL ? (int)(end - line) : (int)strlen(line), line);
			left[0] = '\0';
		}
	}
}

const char *
opts_work_name(enum work work)
{
	static const char *const names[] = {
		[WORK_RX] = "rx", [WORK_TX] = "tx", [WORK_FORWARD] = "forward",
		[WORK_LATENCY] = "latency",
	};

	return names[work];
}

const char *
opts_gen_name(enum gen_kind kind)
{
	return gen_names[kind];
}

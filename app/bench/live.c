/* SPDX-License-Identifier: BSD-3-Clause */
/* The XDP programs of the benchmark, see live.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"
#include "live.skel.h"

#define BATCH 64

struct live {
	struct live_bpf *skel;
	int link_fd;             /* of the attached program, -1 where there is none */
	struct live_count *per_cpu;
	uint32_t len;
	uint8_t frame[FRAME_LIVE_MAX];
};

static int
quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static int
attach(struct live *l, const struct live_opts *o, struct afx_err *err)
{
	LIBBPF_OPTS(bpf_link_create_opts, lo, .flags = o->skb ? XDP_FLAGS_SKB_MODE : 0);
	struct bpf_program *prog = o->attach == LIVE_DROP ? l->skel->progs.live_drop :
		l->skel->progs.live_reflect;
	int code;

	if (o->attach == LIVE_NONE)
		return 0;
	l->link_fd = bpf_link_create(bpf_program__fd(prog), o->ifindex, BPF_XDP, &lo);
	if (l->link_fd >= 0)
		return 0;
	code = errno;
	return afx_err_set(err, -code,
		"attaching the counting XDP program to ifindex %d: %s (%d); %s", o->ifindex,
		strerror(code), code, code == EBUSY || code == EEXIST ?
		"another XDP program is there" : "the driver must have XDP, kernel 5.9");
}

static void
configure(struct live *l, const struct live_opts *o)
{
	struct live_cfg *cfg = (struct live_cfg *)&l->skel->rodata->cfg;

	cfg->out_ifindex = o->ifindex;
	cfg->flow_mask = o->flows != 0 ? o->flows - 1 : 0;
	if (o->rate_pps != 0)
		cfg->interval = (1000000000ULL << LIVE_INTERVAL_SHIFT) / o->rate_pps;
	if (o->size.cnt > 1) {
		cfg->mix_cnt = o->size.cnt;
		for (uint32_t i = 0; i < o->size.cnt; i++)
			frame_len_fields(o->size.len[i], &cfg->mix[i]);
	}
	l->len = o->size.longest;
	if (l->len != 0)
		frame_build(l->frame, l->len, o->dst_mac);
}

int
live_open(const struct live_opts *o, struct live **live, struct afx_err *err)
{
	struct live *l;
	int ret;

	if (o->size.longest > FRAME_LIVE_MAX)
		return afx_err_set(err, -EINVAL,
			"frame length %u: live frames go up to %d; take another generator",
			o->size.longest, FRAME_LIVE_MAX);
	libbpf_set_print(quiet);
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return afx_err_set(err, -ENOMEM, "no memory");
	l->link_fd = -1;
	l->per_cpu = calloc(libbpf_num_possible_cpus(), sizeof(*l->per_cpu));
	l->skel = live_bpf__open();
	if (l->per_cpu == NULL || l->skel == NULL) {
		ret = afx_err_set(err, -ENOMEM, "the XDP programs cannot be opened: no memory");
		goto fail;
	}
	configure(l, o);
	ret = live_bpf__load(l->skel);
	if (ret < 0) {
		ret = afx_err_set(err, ret, "loading the benchmark's XDP programs: %s (%d)%s",
			strerror(-ret), -ret, ret == -EPERM ? "; run as root" : "");
		goto fail;
	}
	ret = attach(l, o, err);
	if (ret < 0)
		goto fail;
	*live = l;
	return 0;

fail:
	live_close(l);
	return ret;
}

void
live_close(struct live *l)
{
	if (l == NULL)
		return;
	if (l->link_fd >= 0)
		close(l->link_fd);
	live_bpf__destroy(l->skel);
	free(l->per_cpu);
	free(l);
}

int
live_make(const struct live *l, struct afx_err *err)
{
	LIBBPF_OPTS(bpf_test_run_opts, run,
		.data_in = l->frame,
		.data_size_in = l->len,
		.repeat = INT_MAX,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		.batch_size = BATCH,
	);
	int code;

	if (bpf_prog_test_run_opts(bpf_program__fd(l->skel->progs.live_make), &run) == 0)
		return 0;
	code = errno;
	if (code == EINTR)
		return 0;
	return afx_err_set(err, -code,
		"BPF_PROG_TEST_RUN with live frames of %u bytes: %s (%d); kernel 5.18 is needed",
		l->len, strerror(code), code);
}

uint64_t
live_made(const struct live *l)
{
	return __atomic_load_n(&l->skel->bss->made, __ATOMIC_RELAXED);
}

struct live_count
live_counted(const struct live *l)
{
	struct live_count sum = { 0 };
	__u32 zero = 0;

	bpf_map_lookup_elem(bpf_map__fd(l->skel->maps.counts), &zero, l->per_cpu);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++) {
		sum.packets += l->per_cpu[i].packets;
		sum.bytes += l->per_cpu[i].bytes;
		sum.foreign += l->per_cpu[i].foreign;
	}
	return sum;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Device arguments: from text to struct xsk_args, each value checked and named when refused. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <rte_kvargs.h>

#include "xsk.h"

/* Kernel memory of a port up to which umem=auto takes in other pools, in MiB. */
#define UMEM_CAP_DEFAULT_MIB 64

/* Packets a busy poll may take where busy_poll=auto leaves it to us: a NAPI round of drivers. */
#define BUSY_BUDGET_AUTO 64

/* Longest wait of a packet that may be asked for: beyond it a NIC's ring overflows at any rate. */
#define FLUSH_MAX_US 1000000

/* Everything as text first, so that a missing key and a default are told apart. */
enum key {
	KEY_IFACE, KEY_NETNS, KEY_START_QUEUE, KEY_QUEUE_COUNT, KEY_SHARED_UMEM, KEY_XDP_PROG,
	KEY_BUSY_BUDGET, KEY_FORCE_COPY, KEY_USE_CNI, KEY_USE_PINNED_MAP, KEY_DP_PATH, KEY_MODE,
	KEY_ATTACH, KEY_UMEM, KEY_UMEM_CAP, KEY_BUSY_POLL, KEY_TUNE, KEY_NAPI_DEFER,
	KEY_NAPI_FLUSH, KEY_SAME_LCORE, KEY_CNT
};

static const char *const key_name[KEY_CNT] = {
	[KEY_IFACE] = "iface", [KEY_NETNS] = "netns", [KEY_START_QUEUE] = "start_queue",
	[KEY_QUEUE_COUNT] = "queue_count", [KEY_SHARED_UMEM] = "shared_umem",
	[KEY_XDP_PROG] = "xdp_prog", [KEY_BUSY_BUDGET] = "busy_budget",
	[KEY_FORCE_COPY] = "force_copy", [KEY_USE_CNI] = "use_cni",
	[KEY_USE_PINNED_MAP] = "use_pinned_map", [KEY_DP_PATH] = "dp_path", [KEY_MODE] = "mode",
	[KEY_ATTACH] = "attach", [KEY_UMEM] = "umem", [KEY_UMEM_CAP] = "umem_cap",
	[KEY_BUSY_POLL] = "busy_poll", [KEY_TUNE] = "tune",
	[KEY_NAPI_DEFER] = "napi_defer", [KEY_NAPI_FLUSH] = "napi_flush",
	[KEY_SAME_LCORE] = "same_lcore",
};

static int
unknown_key(const char *key, struct afx_err *err)
{
	char known[384];
	size_t n = 0;

	for (unsigned int i = 0; i < KEY_CNT && n < sizeof(known); i++)
		n += snprintf(known + n, sizeof(known) - n, "%s%s", i ? " " : "", key_name[i]);
	return afx_err_set(err, -EINVAL, "unknown device argument '%s'; known are: %s", key, known);
}

static int
collect(const struct rte_kvargs *kv, const char **val, struct afx_err *err)
{
	for (unsigned int i = 0; i < kv->count; i++) {
		const char *key = kv->pairs[i].key;
		const char *value = kv->pairs[i].value;
		unsigned int k;

		for (k = 0; k < KEY_CNT; k++)
			if (strcmp(key, key_name[k]) == 0)
				break;
		if (k == KEY_CNT)
			return unknown_key(key, err);
		if (val[k] != NULL)
			return afx_err_set(err, -EINVAL,
				"device argument '%s' is given twice ('%s' and '%s'): give it once",
				key, val[k], value != NULL ? value : "");
		if (value == NULL || value[0] == '\0')
			return afx_err_set(err, -EINVAL,
				"device argument '%s' has no value: %s=<value>", key, key);
		val[k] = value;
	}
	return 0;
}

static int
get_uint(const char *const *val, enum key k, uint32_t min, uint32_t max, uint32_t *out,
	struct afx_err *err)
{
	unsigned long long v;
	char *end;

	if (val[k] == NULL)
		return 0;
	errno = 0;
	v = strtoull(val[k], &end, 10);
	if (val[k][0] < '0' || val[k][0] > '9' || *end != '\0' || errno != 0 || v < min || v > max)
		return afx_err_set(err, -EINVAL,
			"device argument %s=%.64s: not a number from %u to %u", key_name[k], val[k],
			min, max);
	*out = v;
	return 0;
}

static int
get_bool(const char *const *val, enum key k, bool *out, struct afx_err *err)
{
	uint32_t v = *out;
	int ret = get_uint(val, k, 0, 1, &v, err);

	*out = v != 0;
	return ret;
}

static int
get_string(const char *const *val, enum key k, char *out, size_t room, struct afx_err *err)
{
	if (val[k] == NULL)
		return 0;
	if (strlen(val[k]) >= room)
		return afx_err_set(err, -EINVAL,
			"device argument %s=%.32s...: %zu characters, at most %zu", key_name[k],
			val[k], strlen(val[k]), room - 1);
	strcpy(out, val[k]);
	return 0;
}

static int
get_choice(const char *const *val, enum key k, const char *const *names, int *out,
	struct afx_err *err)
{
	char known[96];
	size_t n = 0;

	if (val[k] == NULL)
		return 0;
	for (int i = 0; names[i] != NULL; i++) {
		if (strcmp(val[k], names[i]) == 0) {
			*out = i;
			return 0;
		}
		if (n < sizeof(known))
			n += snprintf(
				known + n, sizeof(known) - n, "%s%s", i ? ", " : "", names[i]);
	}
	return afx_err_set(err, -EINVAL, "device argument %s=%.64s: not one of %s", key_name[k],
		val[k], known);
}

static int
get_choices(const char *const *val, struct xsk_args *a, struct afx_err *err)
{
	static const char *const modes[] = {
		[XSK_MODE_AUTO] = "auto", [XSK_MODE_DRV] = "drv", [XSK_MODE_ZC] = "zc",
		[XSK_MODE_COPY] = "copy", [XSK_MODE_SKB] = "skb", [XSK_MODE_HW] = "hw", NULL
	};
	static const char *const attaches[] = {
		[AFX_ATTACH_LINK] = "link", [AFX_ATTACH_DISPATCHER] = "dispatcher",
		[AFX_ATTACH_NONE] = "none", NULL
	};
	static const char *const umems[] = {
		[XSK_UMEM_AUTO] = "auto", [XSK_UMEM_POOL] = "pool", [XSK_UMEM_HEAP] = "heap", NULL
	};
	static const char *const tunes[] = {
		[XSK_TUNE_OFF] = "off", [XSK_TUNE_REPORT] = "report", [XSK_TUNE_APPLY] = "apply",
		NULL
	};
	int mode = a->mode, attach = a->attach, umem = a->umem, tune = a->tune;
	int ret;

	ret = get_choice(val, KEY_MODE, modes, &mode, err);
	if (ret == 0)
		ret = get_choice(val, KEY_ATTACH, attaches, &attach, err);
	if (ret == 0)
		ret = get_choice(val, KEY_UMEM, umems, &umem, err);
	if (ret == 0)
		ret = get_choice(val, KEY_TUNE, tunes, &tune, err);
	a->tune = tune;
	a->mode = mode;
	a->attach = attach;
	a->umem = umem;
	return ret;
}

/* busy_poll is a word or a budget; busy_budget is its older name and takes the number only. */
static int
get_busy(const char *const *val, struct xsk_args *a, struct afx_err *err)
{
	const char *word = val[KEY_BUSY_POLL];

	if (word != NULL && val[KEY_BUSY_BUDGET] != NULL)
		return afx_err_set(err, -EINVAL,
			"busy_poll=%.32s and busy_budget=%.32s are the same: give one of them",
			word, val[KEY_BUSY_BUDGET]);
	if (word == NULL)
		return get_uint(val, KEY_BUSY_BUDGET, 0, UINT16_MAX, &a->busy_budget, err);
	a->busy_auto = strcmp(word, "auto") == 0;
	if (a->busy_auto)
		a->busy_budget = BUSY_BUDGET_AUTO;
	if (a->busy_auto || strcmp(word, "off") == 0)
		return 0;
	if (word[0] < '0' || word[0] > '9')
		return afx_err_set(err, -EINVAL,
			"device argument busy_poll=%.64s: not auto, off or a number from 1 to %u",
			word, UINT16_MAX);
	return get_uint(val, KEY_BUSY_POLL, 1, UINT16_MAX, &a->busy_budget, err);
}

static int
get_deferral(const char *const *val, struct xsk_args *a, struct afx_err *err)
{
	int ret;

	/* The kernel looks at neither while the other is 0. */
	if ((val[KEY_NAPI_DEFER] == NULL) != (val[KEY_NAPI_FLUSH] == NULL))
		return afx_err_set(err, -EINVAL,
			"napi_defer and napi_flush have a meaning together only: give both");
	ret = get_uint(val, KEY_NAPI_DEFER, 1, INT_MAX, &a->napi_defer, err);
	if (ret == 0)
		ret = get_uint(val, KEY_NAPI_FLUSH, 1, FLUSH_MAX_US, &a->napi_flush_us, err);
	return ret;
}

/* Arguments that exclude each other, and what one implies for another. */
static int
settle(const char *const *val, struct xsk_args *a, struct afx_err *err)
{
	bool foreign_map = a->use_cni || a->use_pinned_map;

	if (a->iface[0] == '\0')
		return afx_err_set(
			err, -EINVAL, "device argument 'iface' is missing: iface=<interface>");
	if (a->use_cni && a->use_pinned_map)
		return afx_err_set(
			err, -EINVAL, "use_cni=1 and use_pinned_map=1 exclude each other");
	if (foreign_map && val[KEY_XDP_PROG] != NULL)
		return afx_err_set(err, -EINVAL,
			"xdp_prog=%.64s: with use_cni or use_pinned_map the program is somebody "
			"else's",
			a->xdp_prog);
	if (foreign_map && a->busy_budget != 0)
		return afx_err_set(err, -EINVAL,
			"%s=%s: not possible with use_cni or use_pinned_map",
			val[KEY_BUSY_POLL] != NULL ? "busy_poll" : "busy_budget",
			val[val[KEY_BUSY_POLL] != NULL ? KEY_BUSY_POLL : KEY_BUSY_BUDGET]);
	if (foreign_map && val[KEY_ATTACH] != NULL && a->attach != AFX_ATTACH_NONE)
		return afx_err_set(err, -EINVAL,
			"attach=%s: with use_cni or use_pinned_map nothing is attached "
			"(attach=none)",
			val[KEY_ATTACH]);
	if (foreign_map)
		a->attach = AFX_ATTACH_NONE;
	if (a->attach == AFX_ATTACH_NONE && !foreign_map)
		return afx_err_set(err, -EINVAL,
			"attach=none needs an XSKMAP: use_pinned_map=1,dp_path=<pin> or use_cni=1");
	if (val[KEY_DP_PATH] != NULL && !foreign_map)
		return afx_err_set(err, -EINVAL,
			"dp_path=%.64s has no meaning without use_pinned_map=1 or use_cni=1",
			a->dp_path);
	if (foreign_map && a->dp_path[0] == '\0') {
		int n = snprintf(a->dp_path, sizeof(a->dp_path), "/tmp/afxdp_dp/%s/%s", a->iface,
			a->use_cni ? "afxdp.sock" : "xsks_map");

		if (n < 0 || (size_t)n >= sizeof(a->dp_path))
			return afx_err_set(
				err, -EINVAL, "the default dp_path is too long: give dp_path");
	}
	if (a->force_copy && (a->mode == XSK_MODE_ZC || a->mode == XSK_MODE_HW))
		return afx_err_set(err, -EINVAL, "force_copy=1 contradicts mode=%s", val[KEY_MODE]);
	if (a->force_copy && a->mode != XSK_MODE_SKB)
		a->mode = XSK_MODE_COPY;
	return 0;
}

int
xsk_args_parse(const char *text, struct xsk_args *a, struct afx_err *err)
{
	const char *val[KEY_CNT] = { NULL };
	struct rte_kvargs *kv;
	bool shared = true;
	int ret;

	memset(a, 0, sizeof(*a));
	a->umem_cap_mib = UMEM_CAP_DEFAULT_MIB;
	if (text == NULL || text[0] == '\0')
		return settle(val, a, err);
	kv = rte_kvargs_parse(text, NULL);
	if (kv == NULL)
		return afx_err_set(
			err, -EINVAL, "device arguments '%.128s' are not key=value,...", text);
	ret = collect(kv, val, err);
	if (ret == 0)
		ret = get_string(val, KEY_IFACE, a->iface, sizeof(a->iface), err);
	if (ret == 0)
		ret = get_string(val, KEY_NETNS, a->netns, sizeof(a->netns), err);
	if (ret == 0)
		ret = get_string(val, KEY_XDP_PROG, a->xdp_prog, sizeof(a->xdp_prog), err);
	if (ret == 0)
		ret = get_string(val, KEY_DP_PATH, a->dp_path, sizeof(a->dp_path), err);
	if (ret == 0)
		ret = get_uint(val, KEY_START_QUEUE, 0, UINT16_MAX, &a->start_queue, err);
	if (ret == 0)
		ret = get_uint(
			val, KEY_QUEUE_COUNT, 1, RTE_MAX_QUEUES_PER_PORT, &a->queue_count, err);
	if (ret == 0)
		ret = get_busy(val, a, err);
	if (ret == 0)
		ret = get_deferral(val, a, err);
	if (ret == 0)
		ret = get_uint(val, KEY_UMEM_CAP, 0, 1 << 20, &a->umem_cap_mib, err);
	if (ret == 0)
		ret = get_bool(val, KEY_FORCE_COPY, &a->force_copy, err);
	if (ret == 0)
		ret = get_bool(val, KEY_USE_CNI, &a->use_cni, err);
	if (ret == 0)
		ret = get_bool(val, KEY_USE_PINNED_MAP, &a->use_pinned_map, err);
	if (ret == 0)
		ret = get_bool(val, KEY_SHARED_UMEM, &shared, err);
	if (ret == 0)
		ret = get_bool(val, KEY_SAME_LCORE, &a->same_lcore, err);
	if (ret == 0)
		ret = get_choices(val, a, err);
	if (ret == 0)
		ret = settle(val, a, err);
	rte_kvargs_free(kv);
	return ret;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Candidates, see cand.h. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cand.h"

#define KNOWN "an ethdev driver (net_xsk, net_af_xdp, net_af_packet, net_tap, ...), " \
	"bare_xsk or bare_xdp"

static int
has_key(const struct cand *c, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = strchr(c->args, ','); p != NULL; p = strchr(p + 1, ','))
		if (strncmp(p + 1, key, n) == 0 && p[1 + n] == '=')
			return 1;
	return 0;
}

static int
check_bare(const struct cand *c, struct afx_err *err)
{
	if (c->args[0] == '\0' || strcmp(c->args, ",mode=native") == 0 ||
			strcmp(c->args, ",mode=skb") == 0)
		return 0;
	return afx_err_set(err, -EINVAL, "candidate '%s': %s takes mode=native or mode=skb",
		c->text, c->driver);
}

int
cand_parse(const char *text, struct cand *c, struct afx_err *err)
{
	size_t n = strcspn(text, ",");

	memset(c, 0, sizeof(*c));
	if (strlen(text) >= sizeof(c->args))
		return afx_err_set(err, -EINVAL, "candidate '%.40s...': longer than %zu characters",
			text, sizeof(c->args) - 1);
	strcpy(c->text, text);
	strcpy(c->args, text + n);
	while (n > 0 && isdigit((unsigned char)text[n - 1]))
		n--;
	if (n == 0 || n >= sizeof(c->driver))
		return afx_err_set(err, -EINVAL, "candidate '%s' has no driver name: give " KNOWN,
			text);
	memcpy(c->driver, text, n);
	if (has_key(c, "iface"))
		return afx_err_set(err, -EINVAL,
			"candidate '%s': leave iface= out; --iface names an existing interface",
			text);
	if (strcmp(c->driver, "bare_xsk") == 0) {
		c->kind = CAND_BARE_XSK;
		return check_bare(c, err);
	}
	if (strcmp(c->driver, "bare_xdp") == 0) {
		c->kind = CAND_BARE_XDP;
		return check_bare(c, err);
	}
	if (strncmp(c->driver, "net_", 4) != 0 && strncmp(c->driver, "eth_", 4) != 0)
		return afx_err_set(err, -EINVAL, "candidate '%s' is unknown: give " KNOWN, text);
	c->kind = CAND_ETHDEV;
	return 0;
}

int
cand_makes_iface(const struct cand *c)
{
	return strcmp(c->driver, "net_tap") == 0;
}

int
cand_wants_skb(const struct cand *c)
{
	return strcmp(c->args, ",mode=skb") == 0;
}

int
cand_vdev(const struct cand *c, const char *iface, uint32_t queues, int count, char *out,
	unsigned int len, struct afx_err *err)
{
	const char *key = NULL;
	char more[48] = "";
	int n;

	if (strcmp(c->driver, "net_af_packet") == 0) {
		key = "qpairs";
		count = queues > 1;
	} else if (strcmp(c->driver, "net_af_xdp") == 0) {
		key = "queue_count";
		count |= queues > 1;
	} else if (strcmp(c->driver, "net_xsk") == 0) {
		key = "queue_count";
	}
	if (count && key != NULL && !has_key(c, key))
		snprintf(more, sizeof(more), ",%s=%u", key, queues);
	/* It has no interface at all: what it pretends must not become a rate. */
	if (strcmp(c->driver, "net_null") == 0)
		n = snprintf(out, len, "%s0%s", c->driver, c->args);
	else
		n = snprintf(out, len, "%s0,iface=%s%s%s", c->driver, iface, more, c->args);
	if (n < 0 || (unsigned int)n >= len)
		return afx_err_set(err, -EINVAL, "candidate '%s': too long", c->text);
	return 0;
}

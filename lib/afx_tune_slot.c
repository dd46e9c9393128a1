/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slots of a state file: one change of afx_tune each, of a fixed size and aligned, so that one
 * write never crosses a page and is there whole or not at all; see afx_state_impl.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afx_state_impl.h"

#define SLOT_BYTES 128
/* Two changes a queue of the largest device. A file that holds more is not one of ours. */
#define SLOTS_MAX 8192

static off_t
slot_at(unsigned int index)
{
	return AFX_STATE_RECORD_BYTES + (off_t)index * SLOT_BYTES;
}

static void
parse(const char *text, struct afx_tune_entry *e)
{
	struct afx_napi_params *w = &e->was, *s = &e->set;
	int end = -1;

	memset(e, 0, sizeof(*e));
	(void)sscanf(text, "napi %" SCNx32 " %" SCNx32 " %" SCNx64 " %" SCNx64 " %" SCNx32
		" %" SCNx64 " %" SCNx64 " .%n", &e->id, &w->defer_hard_irqs, &w->gro_flush_timeout,
		&w->irq_suspend_timeout, &s->defer_hard_irqs, &s->gro_flush_timeout,
		&s->irq_suspend_timeout, &end);
	if (end >= 0) {
		e->kind = AFX_TUNE_NAPI;
		return;
	}
	(void)sscanf(text, "irq %" SCNx32 " %47s %47s .%n", &e->id, e->cpus_was, e->cpus_set, &end);
	e->kind = end >= 0 ? AFX_TUNE_IRQ : AFX_TUNE_NONE;
}

int
afx_slots_read(int fd, struct afx_tune_entry **list, unsigned int *cnt)
{
	char text[SLOT_BYTES + 1];
	struct afx_tune_entry *more;
	ssize_t n;
	int ret;

	*list = NULL;
	for (*cnt = 0; *cnt < SLOTS_MAX; (*cnt)++) {
		n = pread(fd, text, SLOT_BYTES, slot_at(*cnt));
		if (n == 0)
			return 0;
		ret = n < 0 ? -errno : 0;
		more = ret < 0 ? NULL : realloc(*list, (*cnt + 1) * sizeof(**list));
		if (more == NULL) {
			free(*list);
			*list = NULL;
			*cnt = 0;
			return ret < 0 ? ret : -ENOMEM;
		}
		*list = more;
		text[n] = '\0';
		parse(text, &more[*cnt]);
	}
	return 0;
}

int
afx_slots_write(int fd, unsigned int index, const struct afx_tune_entry *e)
{
	const struct afx_napi_params *w = &e->was, *s = &e->set;
	char text[SLOT_BYTES];
	int len = 0;
	ssize_t n;

	if (index >= SLOTS_MAX)
		return -ENOSPC;
	if (e->kind == AFX_TUNE_NAPI)
		len = snprintf(text, sizeof(text), "napi %" PRIx32 " %" PRIx32 " %" PRIx64
			" %" PRIx64 " %" PRIx32 " %" PRIx64 " %" PRIx64 " .", e->id,
			w->defer_hard_irqs, w->gro_flush_timeout, w->irq_suspend_timeout,
			s->defer_hard_irqs, s->gro_flush_timeout, s->irq_suspend_timeout);
	else if (e->kind == AFX_TUNE_IRQ)
		len = snprintf(text, sizeof(text), "irq %" PRIx32 " %s %s .", e->id, e->cpus_was,
			e->cpus_set);
	if (len < 0 || (size_t)len >= sizeof(text))
		return -EOVERFLOW;
	memset(text + len, '\n', sizeof(text) - len);
	n = pwrite(fd, text, sizeof(text), slot_at(index));
	if (n < 0)
		return -errno;
	return n == sizeof(text) ? 0 : -ENOSPC;
}

bool
afx_slots_empty(int fd)
{
	struct afx_tune_entry *list;
	unsigned int cnt, used = 0;

	if (afx_slots_read(fd, &list, &cnt) < 0)
		return false;
	for (unsigned int i = 0; i < cnt; i++)
		used += list[i].kind != AFX_TUNE_NONE;
	free(list);
	return used == 0;
}

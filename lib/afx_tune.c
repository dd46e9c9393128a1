/* SPDX-License-Identifier: BSD-3-Clause */
/* NAPI parameters and interrupt CPUs, changed and put back; see afx_tune.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "afx_state_impl.h"
#include "afx_tune.h"

#define NAPIS_MAX 1024

/* How often, and how far apart, a NAPI that is not there is looked for. */
#define LOOKS 10
#define LOOK_NS 20000000

static bool
same_params(const struct afx_napi_params *a, const struct afx_napi_params *b)
{
	return a->defer_hard_irqs == b->defer_hard_irqs &&
		a->gro_flush_timeout == b->gro_flush_timeout &&
		a->irq_suspend_timeout == b->irq_suspend_timeout;
}

static bool
same_change(const struct afx_tune_entry *a, const struct afx_tune_entry *b)
{
	return same_params(&a->set, &b->set) && strcmp(a->cpus_set, b->cpus_set) == 0;
}

/* Whether a change found in the file is still in force where another one is about to be made. */
static bool
in_force(const struct afx_tune_entry *old, const struct afx_tune_entry *now)
{
	if (old->kind == AFX_TUNE_NAPI)
		return same_params(&old->set, &now->was);
	return strcmp(old->cpus_set, now->cpus_was) == 0;
}

/* The slot of a change, or the first empty one; *old tells which. */
static unsigned int
find_slot(const struct afx_tune_entry *list, unsigned int cnt, const struct afx_tune_entry *e,
	  bool *old)
{
	unsigned int i, at = cnt;

	*old = false;
	for (i = 0; i < cnt; i++) {
		if (list[i].kind == e->kind && list[i].id == e->id) {
			*old = true;
			return i;
		}
		if (list[i].kind == AFX_TUNE_NONE && at == cnt)
			at = i;
	}
	return at;
}

/* Into the file: 0 or -errno. The value before an earlier change that nobody put back counts. */
static int
remember_in_file(struct afx_state *st, struct afx_tune_entry *e)
{
	struct afx_tune_entry *list;
	unsigned int cnt, at;
	bool old;
	int ret;

	if (st->fd < 0)
		return -EOPNOTSUPP;
	ret = afx_state_lock(st);
	if (ret < 0)
		return ret;
	ret = afx_slots_read(st->fd, &list, &cnt);
	if (ret == 0) {
		at = find_slot(list, cnt, e, &old);
		if (old && in_force(&list[at], e)) {
			e->was = list[at].was;
			memcpy(e->cpus_was, list[at].cpus_was, sizeof(e->cpus_was));
		}
		ret = afx_slots_write(st->fd, at, e);
		free(list);
	}
	afx_state_unlock(st);
	return ret;
}

/* 0, 1 in memory only, or -ENOMEM. */
static int
remember(struct afx_state *st, struct afx_tune_entry *e)
{
	struct afx_tune_entry *list;
	unsigned int at;
	bool old;
	int ret;

	at = find_slot(st->tuned, st->tuned_cnt, e, &old);
	if (old && in_force(&st->tuned[at], e)) {
		e->was = st->tuned[at].was;
		memcpy(e->cpus_was, st->tuned[at].cpus_was, sizeof(e->cpus_was));
	}
	if (!old) {
		list = realloc(st->tuned, (st->tuned_cnt + 1) * sizeof(*list));
		if (list == NULL)
			return -ENOMEM;
		st->tuned = list;
		at = st->tuned_cnt++;
	}
	ret = remember_in_file(st, e);
	st->tuned[at] = *e;
	return ret < 0 ? 1 : 0;
}

static void
forget_in_file(struct afx_state *st, const struct afx_tune_entry *e)
{
	const struct afx_tune_entry nothing = { .kind = AFX_TUNE_NONE };
	struct afx_tune_entry *list;
	unsigned int cnt, at;
	bool old;

	if (st->fd < 0 || afx_state_lock(st) < 0)
		return;
	if (afx_slots_read(st->fd, &list, &cnt) == 0) {
		at = find_slot(list, cnt, e, &old);
		/* A later change of another user is that one's. */
		if (old && same_change(&list[at], e))
			(void)afx_slots_write(st->fd, at, &nothing);
		free(list);
	}
	afx_state_unlock(st);
}

/*
 * A change that was refused: what is in force is what was found, which is to be put back where an
 * earlier change made it, and else is nobody's business, should somebody set the refused value.
 */
static void
retract(struct afx_state *st, struct afx_tune_entry *e, const struct afx_tune_entry *found)
{
	const struct afx_tune_entry refused = *e;
	unsigned int at;
	bool old;

	at = find_slot(st->tuned, st->tuned_cnt, e, &old);
	e->set = found->was;
	memcpy(e->cpus_set, found->cpus_was, sizeof(e->cpus_set));
	if (same_params(&e->was, &e->set) && strcmp(e->cpus_was, e->cpus_set) == 0) {
		forget_in_file(st, &refused);
		st->tuned[at] = st->tuned[--st->tuned_cnt];
	} else {
		(void)remember_in_file(st, e);
		st->tuned[at] = *e;
	}
}

int
afx_tune_napi(struct afx_ctl *ctl, struct afx_state *st, uint32_t id,
	      const struct afx_napi_params *want, struct afx_err *err)
{
	struct afx_tune_entry e = { .kind = AFX_TUNE_NAPI, .id = id, .set = *want }, found;
	struct afx_napi napi;
	int ret, kept;

	ret = afx_netdev_napi_get(ctl, id, &napi, err);
	if (ret < 0)
		return ret;
	if (napi.ifindex != st->ifindex)
		return afx_err_set(err, -ENOENT, "NAPI %u belongs to ifindex %d, not to %d", id,
			napi.ifindex, st->ifindex);
	if (!napi.has_params)
		return afx_err_set(err, -EOPNOTSUPP,
			"the kernel has no parameters for a single NAPI (6.13)");
	if (same_params(&napi.params, want))
		return 0;
	e.was = napi.params;
	found = e;
	kept = remember(st, &e);
	if (kept < 0)
		return afx_err_set(err, kept, "no memory to remember NAPI %u", id);
	ret = afx_netdev_napi_set(ctl, id, want, err);
	/* It may be the answer that got lost: the kernel tells what is in force. */
	if (ret < 0 && afx_netdev_napi_get(ctl, id, &napi, NULL) == 0 &&
	    same_params(&napi.params, &found.was))
		retract(st, &e, &found);
	return ret < 0 ? ret : kept;
}

/* Whether an interrupt is one of the netdev's, by its NAPIs or by its device. */
static bool
irq_is_ours(struct afx_ctl *ctl, int ifindex, uint32_t irq)
{
	struct afx_napi *napi = calloc(NAPIS_MAX, sizeof(*napi));
	struct afx_netdev nd;
	bool ours = false;
	int cnt;

	cnt = napi == NULL ? 0 : afx_netdev_napis(ctl, ifindex, napi, NAPIS_MAX, NULL);
	for (int i = 0; i < cnt; i++)
		ours |= napi[i].irq == irq;
	free(napi);
	if (ours || afx_netdev_by_index(ctl, ifindex, &nd, NULL) < 0)
		return ours;
	return afx_irq_of_device(nd.bus_info, irq);
}

int
afx_tune_irq(struct afx_ctl *ctl, struct afx_state *st, uint32_t irq, const char *cpus,
	     struct afx_err *err)
{
	struct afx_tune_entry e = { .kind = AFX_TUNE_IRQ, .id = irq }, found;
	struct afx_irq info;
	int ret, kept;

	if (strlen(cpus) >= sizeof(e.cpus_set))
		return afx_err_set(err, -ERANGE, "list of CPUs too long: %s", cpus);
	if (irq == 0 || !irq_is_ours(ctl, st->ifindex, irq))
		return afx_err_set(err, -ENOENT, "interrupt %u is none of ifindex %d", irq,
			st->ifindex);
	ret = afx_irq_get(irq, &info, err);
	if (ret < 0)
		return ret;
	if (strcmp(info.allowed, cpus) == 0)
		return 0;
	memcpy(e.cpus_was, info.allowed, sizeof(e.cpus_was));
	memcpy(e.cpus_set, cpus, strlen(cpus) + 1);
	found = e;
	kept = remember(st, &e);
	if (kept < 0)
		return afx_err_set(err, kept, "no memory to remember interrupt %u", irq);
	ret = afx_irq_set(irq, cpus, err);
	if (ret < 0 && afx_irq_get(irq, &info, NULL) == 0 &&
	    strcmp(info.allowed, found.cpus_was) == 0)
		retract(st, &e, &found);
	return ret < 0 ? ret : kept;
}

/* Whether a NAPI has a slot of its own: by that it is put back, or it is another live user's. */
static bool
has_slot(const struct afx_tune_entry *list, unsigned int cnt, uint32_t id)
{
	const struct afx_tune_entry e = { .kind = AFX_TUNE_NAPI, .id = id };
	bool old;

	(void)find_slot(list, cnt, &e, &old);
	return old;
}

/* A NAPI whose id is no more: some drivers keep its parameters under another one. */
static int
put_back_lost(struct afx_ctl *ctl, int ifindex, int fd, const struct afx_tune_entry *e,
	      struct afx_err *err)
{
	struct afx_napi *napi = calloc(NAPIS_MAX, sizeof(*napi));
	struct afx_tune_entry *list = NULL;
	unsigned int slots = 0;
	int cnt, ret = 0;

	if (fd >= 0)
		(void)afx_slots_read(fd, &list, &slots);
	cnt = napi == NULL ? 0 : afx_netdev_napis(ctl, ifindex, napi, NAPIS_MAX, NULL);
	for (int i = 0; i < cnt && ret >= 0; i++) {
		if (!napi[i].has_params || !same_params(&napi[i].params, &e->set) ||
		    has_slot(list, slots, napi[i].id))
			continue;
		ret = afx_netdev_napi_set(ctl, napi[i].id, &e->was, err);
		ret = ret < 0 ? ret : 1;
	}
	free(list);
	free(napi);
	return ret;
}

/*
 * A NAPI to put back. One that is not there may be back in a moment, as when a socket leaves its
 * queue; while the interface is down most drivers keep its parameters out of reach.
 */
static int
look_for_napi(struct afx_ctl *ctl, int ifindex, uint32_t id, struct afx_napi *napi,
	      struct afx_err *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	struct afx_netdev nd;
	int ret;

	for (int i = 0;; i++) {
		ret = afx_netdev_napi_get(ctl, id, napi, err);
		if (ret != -ENOENT || i == LOOKS)
			return ret;
		ret = afx_netdev_by_index(ctl, ifindex, &nd, NULL);
		if (ret < 0)
			return ret;
		if (!(nd.flags & IFF_UP))
			return afx_err_set(err, -ENETDOWN, "%s is down, so the parameters of its "
				"NAPI %u cannot be put back: the next start does so once it is up",
				nd.name, id);
		nanosleep(&pause, NULL);
	}
}

static int
put_back_napi(struct afx_ctl *ctl, int ifindex, int fd, const struct afx_tune_entry *e,
	      struct afx_err *err)
{
	struct afx_napi_params want;
	struct afx_napi napi;
	int ret;

	ret = look_for_napi(ctl, ifindex, e->id, &napi, err);
	if (ret == -ENOENT)
		return put_back_lost(ctl, ifindex, fd, e, err);
	if (ret == -EOPNOTSUPP || ret == -ENODEV)
		return 0;
	if (ret < 0)
		return ret;
	/* Its id may be somebody else's by now. */
	if (napi.ifindex != ifindex)
		return 0;
	want = napi.params;
	if (want.defer_hard_irqs == e->set.defer_hard_irqs)
		want.defer_hard_irqs = e->was.defer_hard_irqs;
	if (want.gro_flush_timeout == e->set.gro_flush_timeout)
		want.gro_flush_timeout = e->was.gro_flush_timeout;
	if (want.irq_suspend_timeout == e->set.irq_suspend_timeout)
		want.irq_suspend_timeout = e->was.irq_suspend_timeout;
	if (same_params(&want, &napi.params))
		return 0;
	ret = afx_netdev_napi_set(ctl, e->id, &want, err);
	return ret < 0 ? ret : 1;
}

static int
put_back_irq(struct afx_ctl *ctl, int ifindex, const struct afx_tune_entry *e,
	     struct afx_err *err)
{
	struct afx_irq info;
	int ret;

	if (!irq_is_ours(ctl, ifindex, e->id) || afx_irq_get(e->id, &info, NULL) < 0 ||
	    strcmp(info.allowed, e->cpus_set) != 0)
		return 0;
	ret = afx_irq_set(e->id, e->cpus_was, err);
	return ret < 0 ? ret : 1;
}

int
afx_tune_put_back(struct afx_ctl *ctl, int ifindex, int fd, const struct afx_tune_entry *e,
		  struct afx_err *err)
{
	switch (e->kind) {
	case AFX_TUNE_NAPI:
		return put_back_napi(ctl, ifindex, fd, e, err);
	case AFX_TUNE_IRQ:
		return put_back_irq(ctl, ifindex, e, err);
	case AFX_TUNE_NONE:
		break;
	}
	return 0;
}

int
afx_tune_undo(struct afx_ctl *ctl, struct afx_state *st, struct afx_err *err)
{
	int first = 0, done = 0;

	for (; st->tuned_cnt > 0; st->tuned_cnt--) {
		const struct afx_tune_entry *e = &st->tuned[st->tuned_cnt - 1];
		int ret = afx_tune_put_back(ctl, st->ifindex, st->fd, e,
			first < 0 ? NULL : err);

		if (ret < 0) {
			first = first < 0 ? first : ret;
			continue;
		}
		done += ret;
		forget_in_file(st, e);
	}
	return first < 0 ? first : done;
}

int
afx_tune_apply(struct afx_ctl *ctl, int ifindex, int fd, struct afx_err *err)
{
	const struct afx_tune_entry nothing = { .kind = AFX_TUNE_NONE };
	struct afx_tune_entry *list;
	int first = 0, done = 0;
	unsigned int cnt;

	first = afx_slots_read(fd, &list, &cnt);
	if (first < 0)
		return afx_err_set(err, first, "slots of a state record: %s", strerror(-first));
	for (unsigned int i = cnt; i > 0; i--) {
		int ret = afx_tune_put_back(ctl, ifindex, fd, &list[i - 1],
			first < 0 ? NULL : err);

		if (ret < 0) {
			first = first < 0 ? first : ret;
			continue;
		}
		done += ret;
		if (list[i - 1].kind != AFX_TUNE_NONE)
			(void)afx_slots_write(fd, i - 1, &nothing);
	}
	free(list);
	return first < 0 ? first : done;
}

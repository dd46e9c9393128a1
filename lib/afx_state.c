/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Life of a state record: its file and its two locks; see afx_state.h.
 *
 * Users hold a shared flock. Whoever changes the file or the locks first takes the mutex, a record
 * lock of the open file description (F_OFD_SETLK); the two kinds do not see each other. An
 * exclusive flock is held only together with the mutex, as the proof that nobody else is a user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "afx_fork.h"
#include "afx_state.h"
#include "afx_state_impl.h"
#include "afx_tune.h"

#define STATE_DIR "/run/net_xsk"
/* The mutex is held over a few system calls, one of them a link change at worst. */
#define MUTEX_WAIT_MS 5000
#define MUTEX_POLL_NS 2000000
/* A file removed by its last user between open and lock is opened anew. */
#define OPEN_TRIES 16

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* With a deadline, since a holder may be stopped; there is no timed form of the lock. */
static int
mutex_take(int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const struct timespec pause = { .tv_nsec = MUTEX_POLL_NS };
	int64_t deadline_ms = now_ms() + MUTEX_WAIT_MS;

	while (fcntl(fd, F_OFD_SETLK, &fl) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -errno;
		if (now_ms() >= deadline_ms)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void
mutex_give(int fd)
{
	struct flock fl = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(fd, F_OFD_SETLK, &fl);
}

int
afx_state_lock(struct afx_state *st)
{
	return mutex_take(st->fd);
}

void
afx_state_unlock(struct afx_state *st)
{
	mutex_give(st->fd);
}

/* Under the mutex: 1 and exclusive, 0 and shared as before, or -errno. */
static int
try_exclusive(int fd)
{
	int ret;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 1;
	ret = errno == EWOULDBLOCK ? 0 : -errno;
	/* A conversion that fails gives up the lock there was (flock(2)). */
	(void)flock(fd, LOCK_SH | LOCK_NB);
	return ret;
}

static void
state_path(const struct afx_ctl *ctl, int ifindex, char *path, size_t size)
{
	snprintf(path, size, STATE_DIR "/%llu-%d.state", (unsigned long long)ctl->netns_ino,
		ifindex);
}

static int
check_dir(void)
{
	struct stat st;

	if (lstat(STATE_DIR, &st) < 0)
		return -errno;
	/* Records decide what is written to devices: only root and the user may make them. */
	if (!S_ISDIR(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return 0;
}

/* Open the file and take its mutex: the descriptor, or -errno. */
static int
open_mutex(const char *path, int flags)
{
	struct stat by_fd, by_path;
	int fd, ret, i;

	for (i = 0; i < OPEN_TRIES; i++) {
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
		if (fd < 0)
			return -errno;
		ret = mutex_take(fd);
		if (ret < 0) {
			close(fd);
			return ret;
		}
		if (fstat(fd, &by_fd) == 0 && stat(path, &by_path) == 0 &&
		    by_fd.st_ino == by_path.st_ino && by_fd.st_dev == by_path.st_dev)
			return fd;
		close(fd);
	}
	return -EAGAIN;
}

/* Whether another user holds the file as well as this one. Under the mutex. */
static bool
used_by_others(int fd)
{
	if (try_exclusive(fd) == 0)
		return true;
	(void)flock(fd, LOCK_SH | LOCK_NB);
	return false;
}

/* Become a user of the file: its descriptor, or -errno. */
static int
open_shared(const char *path, const struct afx_netdev_raw *raw, struct afx_state_rec *rec)
{
	struct afx_state_id id = rec->id;
	struct afx_state_rec old;
	int fd, ret;

	if (mkdir(STATE_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	ret = check_dir();
	if (ret < 0)
		return ret;
	fd = open_mutex(path, O_CREAT);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0) {
		ret = -errno;
		goto undo_fd;
	}
	/* Of another user, or of a killed one that nobody has recovered: its originals count. */
	ret = afx_state_read(fd, &old);
	if (ret == 0 && afx_state_same_device(&old, &id, raw)) {
		*rec = old;
	} else if (ret == 0 && afx_state_same_kind(&old, &id) && used_by_others(fd)) {
		/* Renamed meanwhile: a record in use is nobody else's. */
		*rec = old;
		memcpy(rec->id.ifname, id.ifname, sizeof(id.ifname));
		ret = afx_state_write(fd, rec);
		if (ret < 0)
			goto undo_fd;
	} else {
		/* With the slots of another device. */
		ret = ftruncate(fd, 0) < 0 ? -errno : afx_state_write(fd, rec);
		if (ret < 0)
			goto undo_fd;
	}
	mutex_give(fd);
	return fd;

undo_fd:
	close(fd);
	return ret;
}

int
afx_state_open(struct afx_ctl *ctl, int ifindex, struct afx_state **st_out, struct afx_err *err)
{
	struct afx_netdev_raw raw;
	struct afx_state *st;
	int ret;

	ret = afx_netdev_get(ctl, NULL, ifindex, &raw, err);
	if (ret < 0)
		return ret;
	st = calloc(1, sizeof(*st));
	if (st == NULL)
		return afx_err_set(err, -ENOMEM, "no memory for a state record");
	st->ifindex = ifindex;
	st->fd = -1;
	/* A forked child would count as a user. */
	afx_fork_watch(&st->fd);
	afx_state_identify(ctl, &raw, &st->rec.id);
	state_path(ctl, ifindex, st->path, sizeof(st->path));
	st->fd = open_shared(st->path, &raw, &st->rec);
	ret = 0;
	if (st->fd < 0) {
		(void)afx_err_set(err, st->fd, "state record %s: %s; MTU and MAC of %s are not put "
			"back should this process be killed", st->path, strerror(-st->fd),
			raw.nd.name);
		st->fd = -1;
		ret = 1;
	}
	*st_out = st;
	return ret;
}

/* Read what other users made of the record, under the mutex. */
static int
refresh(struct afx_state *st, struct afx_err *err)
{
	struct afx_state_rec now;
	int ret;

	ret = mutex_take(st->fd);
	if (ret < 0)
		return afx_err_set(err, ret, "lock of %s: %s; another user of the netdev holds it",
			st->path, strerror(-ret));
	/* What this handle knows stands where the file is unreadable or could not be written. */
	if (!st->ahead && afx_state_read(st->fd, &now) == 0)
		st->rec = now;
	return 0;
}

static int
store(struct afx_state *st, struct afx_err *err)
{
	int ret;

	ret = afx_state_write(st->fd, &st->rec);
	mutex_give(st->fd);
	st->ahead = ret < 0;
	if (ret < 0)
		(void)afx_err_set(err, ret, "write(%s): %s", st->path, strerror(-ret));
	return ret < 0 ? 1 : 0;
}

/* Lock and read before a change: false where it can only be kept in memory. */
static bool
can_store(struct afx_state *st, struct afx_err *err)
{
	if (st->fd < 0)
		return false;
	if (refresh(st, err) == 0)
		return true;
	st->ahead = true;
	return false;
}

int
afx_state_record_mtu(struct afx_state *st, uint32_t original, uint32_t set_to,
		     struct afx_err *err)
{
	struct afx_state_rec *rec = &st->rec;
	bool stored = can_store(st, err);

	if (!rec->has_mtu || rec->mtu_set != original)
		rec->mtu_was = original;
	rec->mtu_set = set_to;
	rec->has_mtu = rec->mtu_was != set_to;
	return stored ? store(st, err) : 1;
}

int
afx_state_record_mac(struct afx_state *st, const uint8_t original[AFX_MAC_LEN],
		     const uint8_t set_to[AFX_MAC_LEN], struct afx_err *err)
{
	struct afx_state_rec *rec = &st->rec;
	bool stored = can_store(st, err);

	if (!rec->has_mac || memcmp(rec->mac_set, original, AFX_MAC_LEN) != 0)
		memcpy(rec->mac_was, original, AFX_MAC_LEN);
	memcpy(rec->mac_set, set_to, AFX_MAC_LEN);
	rec->has_mac = memcmp(rec->mac_was, set_to, AFX_MAC_LEN) != 0;
	return stored ? store(st, err) : 1;
}

void
afx_state_renamed(struct afx_state *st, const char *ifname)
{
	bool stored;

	if (st == NULL || strcmp(st->rec.id.ifname, ifname) == 0)
		return;
	stored = can_store(st, NULL);
	snprintf(st->rec.id.ifname, sizeof(st->rec.id.ifname), "%s", ifname);
	if (stored)
		(void)store(st, NULL);
}

int
afx_state_users_exclusive(struct afx_state *st)
{
	int ret;

	if (st->fd < 0)
		return -EOPNOTSUPP;
	ret = mutex_take(st->fd);
	if (ret < 0)
		return ret;
	ret = try_exclusive(st->fd);
	if (ret == 1)
		(void)flock(st->fd, LOCK_SH | LOCK_NB);
	mutex_give(st->fd);
	return ret;
}

/* Record and slots of a file that nobody else uses. */
static int
apply_all(struct afx_ctl *ctl, int ifindex, const struct afx_state_rec *rec, int fd,
	  struct afx_err *err)
{
	int ret = afx_state_apply(ctl, ifindex, rec, err);
	int tuned = 0;

	if (!afx_slots_empty(fd) && afx_state_is_of(ctl, ifindex, rec))
		tuned = afx_tune_apply(ctl, ifindex, fd, ret < 0 ? NULL : err);
	return ret < 0 ? ret : tuned < 0 ? tuned : ret + tuned;
}

int
afx_state_restore(struct afx_ctl *ctl, struct afx_state *st, struct afx_err *err)
{
	int tuned = afx_tune_undo(ctl, st, err);
	int ret;

	if (st->fd < 0) {
		ret = afx_state_apply(ctl, st->ifindex, &st->rec, tuned < 0 ? NULL : err);
		st->rec.has_mtu = false;
		st->rec.has_mac = false;
		return tuned < 0 ? tuned : ret < 0 ? ret : 0;
	}
	ret = refresh(st, err);
	if (ret < 0)
		return ret;
	ret = try_exclusive(st->fd);
	if (ret == 1) {
		ret = apply_all(ctl, st->ifindex, &st->rec, st->fd, err);
		if (ret >= 0) {
			(void)unlink(st->path);
			ret = 0;
		}
	} else if (ret == 0) {
		ret = 1;
	} else {
		(void)afx_err_set(err, ret, "flock(%s): %s", st->path, strerror(-ret));
	}
	/* Leaving and finding out who is left are one step, else two last users see each other. */
	close(st->fd);
	st->fd = -1;
	st->rec.has_mtu = false;
	st->rec.has_mac = false;
	return ret;
}

void
afx_state_close(struct afx_state *st)
{
	if (st == NULL)
		return;
	if (st->fd >= 0) {
		/* A record of nothing, with nobody using it, goes too. */
		if (refresh(st, NULL) == 0 && !st->rec.has_mtu && !st->rec.has_mac &&
		    afx_slots_empty(st->fd) && try_exclusive(st->fd) == 1)
			(void)unlink(st->path);
		close(st->fd);
	}
	afx_fork_forget(&st->fd);
	free(st->tuned);
	free(st);
}

int
afx_state_recover(struct afx_ctl *ctl, int ifindex, struct afx_err *err)
{
	struct afx_state_rec rec;
	char path[96];
	int fd, ret;

	state_path(ctl, ifindex, path, sizeof(path));
	ret = check_dir();
	fd = ret < 0 ? ret : open_mutex(path, 0);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return afx_err_set(err, fd, "state record %s: %s", path, strerror(-fd));
	ret = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	if (ret == -EWOULDBLOCK) {
		close(fd);
		return 0;
	}
	if (ret == 0)
		ret = afx_state_read(fd, &rec);
	if (ret == 0)
		ret = apply_all(ctl, ifindex, &rec, fd, err);
	else if (ret == -ENODATA)
		ret = 0;
	else
		(void)afx_err_set(err, ret, "state record %s: %s", path, strerror(-ret));
	if (ret >= 0)
		(void)unlink(path);
	close(fd);
	return ret > 0 ? 1 : ret;
}

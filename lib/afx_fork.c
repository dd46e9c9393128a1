/* SPDX-License-Identifier: BSD-3-Clause */
/* Closing descriptors in forked children, see afx_fork.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "afx_fork.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int **watched;
static unsigned int watched_cnt;
static unsigned int watched_room;

/* The list must be whole while it is copied into the child. */
static void
before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void
after_fork_parent(void)
{
	pthread_mutex_unlock(&lock);
}

static void
after_fork_child(void)
{
	for (unsigned int i = 0; i < watched_cnt; i++) {
		if (*watched[i] >= 0)
			close(*watched[i]);
		*watched[i] = -1;
	}
	watched_cnt = 0;
	pthread_mutex_unlock(&lock);
}

static void
install(void)
{
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

int
afx_fork_watch(int *fd)
{
	int ret = 0;

	pthread_once(&once, install);
	pthread_mutex_lock(&lock);
	if (watched_cnt == watched_room) {
		unsigned int room = watched_room ? watched_room * 2 : 64;
		int **list = realloc(watched, room * sizeof(*list));

		if (list == NULL) {
			ret = -ENOMEM;
			goto unlock;
		}
		watched = list;
		watched_room = room;
	}
	watched[watched_cnt++] = fd;
unlock:
	pthread_mutex_unlock(&lock);
	return ret;
}

static void
forget(int *fd)
{
	for (unsigned int i = 0; i < watched_cnt; i++) {
		if (watched[i] == fd) {
			watched[i] = watched[--watched_cnt];
			break;
		}
	}
}

void
afx_fork_forget(int *fd)
{
	pthread_mutex_lock(&lock);
	forget(fd);
	pthread_mutex_unlock(&lock);
}

void
afx_fork_close(int *fd)
{
	pthread_mutex_lock(&lock);
	forget(fd);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	pthread_mutex_unlock(&lock);
}

void
afx_fork_hold(void)
{
	pthread_mutex_lock(&lock);
}

void
afx_fork_release(void)
{
	pthread_mutex_unlock(&lock);
}

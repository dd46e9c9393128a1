/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors watched by afx_fork.h: closed in forked children and nowhere else, also when children
 * of children, many descriptors, or threads that watch and forget meanwhile are involved.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "afx_fork.h"
#include "afx_test.h"

/* More than the first room of the list, so that it grows. */
#define MANY 200
#define THREADS 3
#define FORKS 200

static int
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int
open_any(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "open(/dev/null): errno %d\n", errno);
		exit(1);
	}
	return fd;
}

/* Run check(arg) in a child; a child that hangs is ended by its alarm. */
static void
in_child(int (*check)(void *), void *arg)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		_exit(check(arg));
	}
	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

struct few {
	int watched;
	int number;              /* of the watched one, as the parent knows it */
	int plain;
	int forgotten;
	int absent;
};

/* What the first child opened under the number of a closed one is not the handler's to close. */
static int
grandchild(void *arg)
{
	const struct few *f = arg;

	return is_open(f->number) && is_open(f->plain) ? 0 : 1;
}

static int
child(void *arg)
{
	struct few *f = arg;

	CHECK_EQ(f->watched, -1);
	CHECK(!is_open(f->number));
	CHECK(is_open(f->plain));
	CHECK(is_open(f->forgotten));
	CHECK_EQ(f->absent, -1);
	CHECK_EQ(dup2(f->plain, f->number), f->number);
	in_child(grandchild, f);
	return afx_test_end();
}

static void
basic(void)
{
	struct few f = { .watched = open_any(), .plain = open_any(), .forgotten = open_any(),
		.absent = -1 };

	f.number = f.watched;
	CHECK_EQ(afx_fork_watch(&f.watched), 0);
	CHECK_EQ(afx_fork_watch(&f.forgotten), 0);
	CHECK_EQ(afx_fork_watch(&f.absent), 0);
	afx_fork_forget(&f.forgotten);
	afx_fork_forget(&f.forgotten);
	afx_fork_forget(&f.plain);
	in_child(child, &f);
	CHECK(is_open(f.watched));
	CHECK(is_open(f.plain));
	CHECK(is_open(f.forgotten));
	CHECK_EQ(f.watched, f.number);
	afx_fork_forget(&f.watched);
	afx_fork_forget(&f.absent);
	close(f.watched);
	close(f.plain);
	close(f.forgotten);
}

static int
all_closed(void *arg)
{
	const int *numbers = arg;

	for (unsigned int i = 0; i < MANY; i++)
		CHECK(is_open(numbers[i]) == (i % 2 != 0));
	return afx_test_end();
}

static void
many(void)
{
	int fds[MANY], numbers[MANY];

	for (unsigned int i = 0; i < MANY; i++) {
		fds[i] = numbers[i] = open_any();
		CHECK_EQ(afx_fork_watch(&fds[i]), 0);
	}
	for (unsigned int i = 1; i < MANY; i += 2)
		afx_fork_forget(&fds[i]);
	in_child(all_closed, numbers);
	for (unsigned int i = 0; i < MANY; i++) {
		CHECK_EQ(fds[i], numbers[i]);
		CHECK(is_open(fds[i]));
		afx_fork_forget(&fds[i]);
		close(fds[i]);
	}
}

static int stop;

/* Watch and forget without end; what is watched is absent, so that a child closes nothing of it. */
static void *
churn(void *arg)
{
	int fds[MANY];

	(void)arg;
	for (unsigned int i = 0; i < MANY; i++)
		fds[i] = -1;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		for (unsigned int i = 0; i < MANY; i++)
			CHECK_EQ(afx_fork_watch(&fds[i]), 0);
		for (unsigned int i = 0; i < MANY; i++)
			afx_fork_forget(&fds[(i * 7) % MANY]);
	}
	return NULL;
}

struct fixed {
	int fd;
	int number;
};

/* The child works on the list too: its lock must have come over unlocked. */
static int
fixed_closed(void *arg)
{
	struct fixed *f = arg;
	int other = -1;

	if (f->fd != -1 || is_open(f->number))
		return 1;
	if (afx_fork_watch(&other) != 0)
		return 1;
	afx_fork_forget(&other);
	return 0;
}

static void
threads(void)
{
	struct fixed f = { .fd = open_any() };
	pthread_t tid[THREADS];

	f.number = f.fd;
	CHECK_EQ(afx_fork_watch(&f.fd), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&tid[i], NULL, churn, NULL), 0);
	for (unsigned int i = 0; i < FORKS; i++)
		in_child(fixed_closed, &f);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(tid[i], NULL);
	CHECK(is_open(f.fd));
	afx_fork_forget(&f.fd);
	close(f.fd);
}

int
main(void)
{
	basic();
	many();
	threads();
	return afx_test_end();
}

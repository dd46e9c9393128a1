/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every system call of afx_socket.c made to fail, one at a time: the error comes back as it is, its
 * text names the call, and neither descriptor nor mapping stays. The calls are wrapped at link time
 * (-Wl,--wrap). Needs root.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afx_uapi.h"
#include "veth.h"

#define MEM_LEN (1u << 20)

/* The call to fail, counted from 0, and with what; -1 none. */
static int fail_at = -1;
static int fail_errno;
static int calls;
static const char *failed_call;
static const char *only;         /* fail every call of this name instead */
static unsigned int only_times;
static int short_offsets;        /* answer XDP_MMAP_OFFSETS as Linux before 5.4 */

int __real_socket(int domain, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __real_setsockopt(int fd, int level, int opt, const void *val, socklen_t len);
int __real_getsockopt(int fd, int level, int opt, void *val, socklen_t *len);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
int __real_madvise(void *addr, size_t len, int advice);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_setsockopt(int fd, int level, int opt, const void *val, socklen_t len);
int __wrap_getsockopt(int fd, int level, int opt, void *val, socklen_t *len);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
int __wrap_madvise(void *addr, size_t len, int advice);
/* What mmap is called where off_t is told to be 64 bits (meson does so). */
void *__real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);

static int
fails(const char *name)
{
	int at = calls++;

	if (only != NULL ? strcmp(only, name) != 0 || only_times == 0 : at != fail_at)
		return 0;
	only_times -= only != NULL;
	failed_call = name;
	errno = fail_errno;
	return 1;
}

int
__wrap_socket(int domain, int type, int protocol)
{
	return fails("socket") ? -1 : __real_socket(domain, type, protocol);
}

int
__wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return fails("bind") ? -1 : __real_bind(fd, addr, len);
}

int
__wrap_setsockopt(int fd, int level, int opt, const void *val, socklen_t len)
{
	/* Doing without is all right for the budget and the send buffer. */
	const char *name = level == SOL_SOCKET || opt == XDP_MAX_TX_SKB_BUDGET ? "budget" :
		"setsockopt";

	return fails(name) ? -1 : __real_setsockopt(fd, level, opt, val, len);
}

int
__wrap_getsockopt(int fd, int level, int opt, void *val, socklen_t *len)
{
	int ret = fails("getsockopt") ? -1 : __real_getsockopt(fd, level, opt, val, len);

	if (short_offsets && opt == XDP_MMAP_OFFSETS)
		*len = 96;
	return ret;
}

void *
__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return fails("mmap") ? MAP_FAILED : __real_mmap(addr, len, prot, flags, fd, off);
}

void *
__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return fails("mmap") ? MAP_FAILED : __real_mmap64(addr, len, prot, flags, fd, off);
}

int
__wrap_madvise(void *addr, size_t len, int advice)
{
	return fails("madvise") ? -1 : __real_madvise(addr, len, advice);
}

static char *mem;
static int ifindex;

/* Create, bind, close; what the first failure returned. */
static int
attempt(unsigned int wait_ms, struct afx_err *err)
{
	struct afx_socket_cfg cfg = {
		.ifindex = ifindex, .queue = 1, .bind = AFX_BIND_COPY,
		.rx_entries = 64, .tx_entries = 64, .fill_entries = 64, .comp_entries = 64,
		.umem = { .base = mem, .len = MEM_LEN, .chunk = 2048 },
		.shared_fd = -1, .adopt_fd = -1,
	};
	struct afx_socket *const untouched = (void *)&cfg;
	struct afx_socket *s = untouched;
	int ret;

	memset(err, 0, sizeof(*err));
	calls = 0;
	failed_call = NULL;
	ret = afx_socket_create(&cfg, &s, err);
	if (ret != 0) {
		CHECK(s == untouched);
		return ret;
	}
	ret = afx_socket_bind(s, wait_ms, err);
	afx_socket_close(s);
	return ret;
}

/* The n-th call fails, for every n there is. */
static void
each(int code)
{
	unsigned int fds = count_fds(), seen = 0;
	struct afx_err err;

	for (fail_at = 0;; fail_at++) {
		int ret;

		fail_errno = code;
		ret = attempt(2000, &err);
		CHECK_EQ(count_fds(), fds);
		CHECK_EQ(count_rings(), 0);
		if (failed_call == NULL) {
			CHECK_EQ(ret, 0);
			break;
		}
		seen++;
		if (strcmp(failed_call, "budget") == 0) {
			CHECK_EQ(ret, 0);
			continue;
		}
		CHECK_EQ(ret, -code);
		CHECK_EQ(err.code, -code);
		CHECK_TEXT(err.text, failed_call);
		CHECK_TEXT(err.text, strerror(code));
	}
	fail_at = -1;
	/* socket, UMEM, 4 rings, offsets, 4 mappings with advice, budget, bind, options. */
	CHECK(seen >= 17);
}

static void
text_of(const char *call, int code, unsigned int times, const char *part)
{
	struct afx_err err;

	only = call;
	only_times = times;
	fail_errno = code;
	CHECK_EQ(attempt(0, &err), -code);
	CHECK_TEXT(err.text, part);
	CHECK_EQ(count_rings(), 0);
	only = NULL;
}

static void
retries(void)
{
	struct afx_err err;
	uint64_t begin;

	/* EBUSY and EINTR pass, however often, within the deadline only. */
	only = "bind";
	only_times = 20;
	fail_errno = EBUSY;
	CHECK_EQ(attempt(5000, &err), 0);
	CHECK_EQ(only_times, 0);
	only_times = 20;
	fail_errno = EINTR;
	CHECK_EQ(attempt(5000, &err), 0);
	CHECK_EQ(only_times, 0);
	only_times = UINT32_MAX;
	fail_errno = EBUSY;
	begin = mono_ms();
	CHECK_EQ(attempt(100, &err), -EBUSY);
	CHECK(mono_ms() - begin >= 100);
	/* It waits between, instead of spinning: 2 ms each. */
	CHECK(UINT32_MAX - only_times <= 60);
	/* Nothing else is retried. */
	only_times = UINT32_MAX;
	fail_errno = EINVAL;
	CHECK_EQ(attempt(5000, &err), -EINVAL);
	CHECK_EQ(UINT32_MAX - only_times, 1);
	only = NULL;
}

int
main(void)
{
	struct afx_err err;

	ifindex = veth_make();
	mem = __real_mmap(
		NULL, MEM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mem != MAP_FAILED);
	CHECK_EQ(attempt(0, &err), 0);
	each(ENOMEM);
	each(EIO);
	text_of("socket", EPERM, 1, "CAP_NET_RAW");
	text_of("socket", EAFNOSUPPORT, 1, "CONFIG_XDP_SOCKETS");
	text_of("socket", EMFILE, 1, "ulimit -n");
	text_of("bind", EBUSY, 1, VETH " queue 1");
	text_of("bind", ENOMEM, 1, "umem=pool");
	text_of("bind", EOPNOTSUPP, 1, "bind(AF_XDP");
	text_of("bind", EPERM, 1, strerror(EPERM));
	retries();
	short_offsets = 1;
	CHECK_EQ(attempt(0, &err), -EOPNOTSUPP);
	CHECK_TEXT(err.text, "older than Linux 5.4");
	short_offsets = 0;
	CHECK_EQ(count_rings(), 0);

	/* The throw-away socket of the release probe. */
	for (fail_at = 0; fail_at < 15; fail_at++) {
		unsigned int fds = count_fds();

		calls = 0;
		fail_errno = EIO;
		CHECK_EQ(afx_socket_released(ifindex, 0), -EIO);
		CHECK_EQ(count_fds(), fds);
		CHECK_EQ(count_rings(), 0);
	}
	fail_at = -1;
	munmap(mem, MEM_LEN);
	return afx_test_end();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registering a UMEM: what is refused without asking the kernel, and what the text says when the
 * kernel refuses. The second half needs AF_XDP sockets (CAP_NET_RAW); children give up privileges.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "afx_frame.h"
#include "afx_test.h"
#include "afx_uapi.h"
#include "afx_umem.h"

#define MEM_LEN (1u << 20)

static char *mem;
static uint64_t page;

/* The last registration asked for, as the kernel sees it. */
static struct xdp_umem_reg asked;

int __real_setsockopt(int fd, int level, int opt, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int opt, const void *value, socklen_t len);

int
__wrap_setsockopt(int fd, int level, int opt, const void *value, socklen_t len)
{
	if (level == SOL_XDP && opt == XDP_UMEM_REG && len == sizeof(asked))
		memcpy(&asked, value, sizeof(asked));
	return __real_setsockopt(fd, level, opt, value, len);
}

static void
refused(const char *part, void *base, uint64_t len, uint32_t chunk)
{
	struct afx_umem_cfg cfg = { .base = base, .len = len, .chunk = chunk };
	struct afx_err err = { 0 };

	CHECK_EQ(afx_umem_validate(&cfg, &err), -EINVAL);
	CHECK_EQ(err.code, -EINVAL);
	CHECK_TEXT(err.text, part);
	/* Registration looks first: it does not get as far as the bad descriptor. */
	CHECK_EQ(afx_umem_register(-1, &cfg, &err), -EINVAL);
	CHECK_TEXT(err.text, part);
	CHECK_EQ(afx_umem_validate(&cfg, NULL), -EINVAL);
}

static void
validate(void)
{
	struct afx_umem_cfg cfg = { .base = mem, .len = MEM_LEN };
	struct afx_err err = { 0 };
	char text[32];

	refused("umem base (nil)", NULL, MEM_LEN, 2048);
	snprintf(text, sizeof(text), "umem base %p", mem + 1);
	refused(text, mem + 1, MEM_LEN, 2048);
	refused("page aligned", mem + page / 2, MEM_LEN, 2048);
	refused("umem length 0 ", mem, 0, 2048);
	refused("umem length 4097 ", mem, 4097, 2048);
	refused("umem length 281474976710656 ", mem, 1ull << 48, 2048);
	refused("multiple of the page size", mem, (1ull << 48) + page, 2048);
	for (uint32_t chunk = 0; chunk <= 2 * AFX_CHUNK_MAX; chunk++) {
		cfg.chunk = chunk;
		CHECK_EQ(afx_umem_validate(&cfg, &err),
			chunk >= 2048 && chunk <= 4096 ? 0 : -EINVAL);
	}
	refused("chunk of 2047 bytes is outside 2048..4096", mem, MEM_LEN, 2047);
	refused("chunk of 4097 bytes is outside 2048..4096", mem, MEM_LEN, 4097);
	refused("chunk of 4294967295 bytes", mem, MEM_LEN, UINT32_MAX);
	cfg = (struct afx_umem_cfg){ .base = mem, .len = page, .chunk = 4096 };
	CHECK_EQ(afx_umem_validate(&cfg, &err), 0);
	cfg.len = (1ull << 48) - page;
	CHECK_EQ(afx_umem_validate(&cfg, &err), 0);
	CHECK_EQ(afx_umem_heads(2304 * 100 + 2303, 2304), 13600);
	CHECK_EQ(afx_umem_heads(0, 2304), 0);
}

static int
xsk(void)
{
	return socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static void
accepted(void)
{
	static const uint32_t chunks[] = { 2048, 2304, 3000, 4096 };
	struct afx_err err = { 0 };

	for (unsigned int i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct afx_umem_cfg cfg = { .base = mem, .len = MEM_LEN, .chunk = chunks[i] };
		int fd = xsk();

		memset(&asked, 0xee, sizeof(asked));
		CHECK_EQ(afx_umem_register(fd, &cfg, &err), 0);
		CHECK_EQ(asked.addr, (uintptr_t)mem);
		CHECK_EQ(asked.len, MEM_LEN);
		CHECK_EQ(asked.chunk_size, chunks[i]);
		CHECK_EQ(asked.headroom, 0);
		CHECK_EQ(asked.flags, XDP_UMEM_UNALIGNED_CHUNK_FLAG);
		/* Once per socket. */
		CHECK_EQ(afx_umem_register(fd, &cfg, &err), -EBUSY);
		CHECK_TEXT(err.text, "XDP_UMEM_REG");
		close(fd);
	}
}

/* A hole in the range: the kernel says so only by its errno, the text by base and length. */
static void
hole(void)
{
	struct afx_umem_cfg cfg = { .base = mem, .len = MEM_LEN, .chunk = 2048 };
	struct afx_err err = { 0 };
	char text[64];
	int fd = xsk();
	int ret;

	mprotect(mem + MEM_LEN / 2, page, PROT_NONE);
	ret = afx_umem_register(fd, &cfg, &err);
	mprotect(mem + MEM_LEN / 2, page, PROT_READ | PROT_WRITE);
	CHECK(ret == -EFAULT || ret == -ENOMEM);
	CHECK_EQ(err.code, ret);
	snprintf(text, sizeof(text), "base %p, %u bytes", (void *)mem, MEM_LEN);
	CHECK_TEXT(err.text, text);
	CHECK_TEXT(err.text, "not mapped");
	close(fd);

	fd = open("/dev/null", 0);
	ret = afx_umem_register(fd, &cfg, &err);
	CHECK_EQ(ret, -ENOTSOCK);
	CHECK_TEXT(err.text, strerror(ENOTSOCK));
	close(fd);
}

/* Without CAP_IPC_LOCK: the rest of root's capabilities stays, CAP_NET_RAW among them. */
static int
drop_ipc_lock(void)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &hdr, data) < 0)
		return -errno;
	for (unsigned int i = 0; i < 2; i++)
		data[i].inheritable = 0;
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	return syscall(SYS_capset, &hdr, data) < 0 ? -errno : 0;
}

static int
memlock_child(void)
{
	const struct rlimit rl = { 256 << 10, 256 << 10 };
	struct afx_umem_cfg cfg = { .base = mem, .len = MEM_LEN, .chunk = 2048 };
	struct afx_err err = { 0 };
	int fd;

	fd = xsk();
	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &rl), 0);
	CHECK_EQ(drop_ipc_lock(), 0);
	CHECK_EQ(afx_umem_register(fd, &cfg, &err), -ENOBUFS);
	CHECK_EQ(err.code, -ENOBUFS);
	CHECK_TEXT(err.text, "exceeds RLIMIT_MEMLOCK");
	CHECK_TEXT(err.text, "ulimit -l");
	CHECK_TEXT(err.text, "CAP_IPC_LOCK");
	CHECK_TEXT(err.text, "is 256 KiB");
	CHECK_TEXT(err.text, "1048576 bytes");
	return afx_test_end();
}

static void
memlock(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(memlock_child());
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

int
main(void)
{
	int fd;

	page = sysconf(_SC_PAGESIZE);
	mem = mmap(NULL, MEM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mem != MAP_FAILED);
	validate();
	fd = xsk();
	if (fd < 0 && afx_test_failed == 0)
		SKIP("no AF_XDP sockets here: %s", strerror(errno));
	close(fd);
	accepted();
	hole();
	memlock();
	munmap(mem, MEM_LEN);
	return afx_test_end();
}

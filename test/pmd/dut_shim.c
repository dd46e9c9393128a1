/* SPDX-License-Identifier: BSD-3-Clause */
/* Interposed libc calls: fail them on demand, count and note them always. See dut_shim.h. */

/* Both names of mmap are defined here, and none of the checked variants. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dut_audit.h"
#include "dut_shim.h"

static struct {
	atomic_uint skip;
	atomic_uint left;
	atomic_uint hits;
	atomic_int err;
} faults[SHIM_CALLS];

static const char * const names[SHIM_CALLS] = {
	"socket", "bind", "mmap", "setsockopt", "getsockopt", "map update",
};

static atomic_int channels_how;
static unsigned int napi_id, napi_left;
static __thread struct shim_count counts;

/* The next definition of a name after ours, looked up once. */
#define REAL(name) __extension__ ({					\
	static __typeof__(&name) real_;					\
	if (real_ == NULL)						\
		*(void **)&real_ = dlsym(RTLD_NEXT, #name);		\
	real_; })

void
shim_napi(unsigned int id, unsigned int times)
{
	napi_id = id;
	napi_left = times;
}

void
shim_arm(enum shim_call call, unsigned int skip, unsigned int n, int err)
{
	atomic_store(&faults[call].left, 0);
	atomic_store(&faults[call].hits, 0);
	atomic_store(&faults[call].err, err);
	atomic_store(&faults[call].skip, skip);
	atomic_store(&faults[call].left, n);
}

void
shim_disarm(void)
{
	unsigned int i;

	for (i = 0; i < SHIM_CALLS; i++)
		atomic_store(&faults[i].left, 0);
}

unsigned int
shim_hits(enum shim_call call)
{
	return atomic_load(&faults[call].hits);
}

const char *
shim_name(enum shim_call call)
{
	return names[call];
}

void
shim_channels(enum shim_channels how)
{
	atomic_store(&channels_how, how);
}

struct shim_count
shim_count_take(void)
{
	struct shim_count taken = counts;

	memset(&counts, 0, sizeof(counts));
	return taken;
}

/* True when this call is to fail; errno is then set. */
static bool
hit(enum shim_call call)
{
	if (atomic_load(&faults[call].left) == 0)
		return false;
	if (atomic_load(&faults[call].skip) > 0) {
		atomic_fetch_sub(&faults[call].skip, 1);
		return false;
	}
	atomic_fetch_sub(&faults[call].left, 1);
	atomic_fetch_add(&faults[call].hits, 1);
	errno = atomic_load(&faults[call].err);
	return true;
}

static bool
is_xsk(int fd)
{
	int domain = 0, saved = errno;
	socklen_t len = sizeof(domain);
	bool yes;

	yes = REAL(getsockopt)(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_XDP;
	errno = saved;
	return yes;
}

int
socket(int domain, int type, int protocol)
{
	int fd;

	if (domain == AF_XDP && hit(SHIM_SOCKET))
		return -1;
	fd = REAL(socket)(domain, type, protocol);
	if (domain == AF_XDP && fd >= 0)
		audit_socket(fd);
	return fd;
}

int
bind(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	if (atomic_load(&faults[SHIM_BIND].left) > 0 && is_xsk(fd) && hit(SHIM_BIND))
		return -1;
	if (REAL(bind)(fd, addr, len) != 0)
		return -1;
	audit_bind(fd, addr.__sockaddr__);
	return 0;
}

void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	void *got;

	if (fd >= 0 && atomic_load(&faults[SHIM_MMAP].left) > 0 && is_xsk(fd) && hit(SHIM_MMAP))
		return MAP_FAILED;
	got = REAL(mmap)(addr, len, prot, flags, fd, off);
	if (fd >= 0 && got != MAP_FAILED)
		audit_mmap(fd, off, got);
	return got;
}

void *
mmap64(void *addr, size_t len, int prot, int flags, int fd, __off64_t off)
{
	void *got;

	if (fd >= 0 && atomic_load(&faults[SHIM_MMAP].left) > 0 && is_xsk(fd) && hit(SHIM_MMAP))
		return MAP_FAILED;
	got = REAL(mmap64)(addr, len, prot, flags, fd, off);
	if (fd >= 0 && got != MAP_FAILED)
		audit_mmap(fd, off, got);
	return got;
}

int
setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (level == SOL_XDP && hit(SHIM_SETSOCKOPT))
		return -1;
	if (REAL(setsockopt)(fd, level, name, value, len) != 0)
		return -1;
	if (level == SOL_XDP)
		audit_setsockopt(fd, name, value, len);
	return 0;
}

int
close(int fd)
{
	audit_close(fd);
	return REAL(close)(fd);
}

int
getsockopt(int fd, int level, int name, void *__restrict value, socklen_t *__restrict len)
{
	if (level == SOL_XDP && hit(SHIM_GETSOCKOPT))
		return -1;
	if (level == SOL_SOCKET && name == SO_INCOMING_NAPI_ID && napi_left > 0) {
		napi_left--;
		memcpy(value, &napi_id, sizeof(napi_id));
		return 0;
	}
	return REAL(getsockopt)(fd, level, name, value, len);
}

/* Is this bpf(2) call an update of an XSKMAP? */
static bool
updates_xskmap(long cmd, const union bpf_attr *attr)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr ask = { 0 };
	int fd;

	if (cmd == BPF_MAP_UPDATE_ELEM)
		fd = attr->map_fd;
	else if (cmd == BPF_MAP_UPDATE_BATCH)
		fd = attr->batch.map_fd;
	else
		return false;
	ask.info.bpf_fd = fd;
	ask.info.info_len = sizeof(info);
	ask.info.info = (uintptr_t)&info;
	if (REAL(syscall)(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &ask, sizeof(ask)) != 0)
		return false;
	return info.type == BPF_MAP_TYPE_XSKMAP;
}

static void
count_nr(long nr)
{
	switch (nr) {
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
		counts.send++;
		break;
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
		counts.recv++;
		break;
	case SYS_ppoll:
		counts.poll++;
		break;
	}
}

long
syscall(long nr, ...)
{
	long a[6];
	va_list ap;
	int i;

	va_start(ap, nr);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);

	count_nr(nr);
	if (nr == SYS_bpf && atomic_load(&faults[SHIM_MAP_UPDATE].left) > 0 &&
	    updates_xskmap(a[0], (const union bpf_attr *)a[1]) && hit(SHIM_MAP_UPDATE))
		return -1;
	return REAL(syscall)(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int
get_channels(int fd, struct ifreq *ifr, enum shim_channels how)
{
	struct ethtool_channels *ch = (void *)ifr->ifr_data;
	int ret;

	if (how == CHANNELS_REFUSED) {
		errno = EOPNOTSUPP;
		return -1;
	}
	ret = REAL(ioctl)(fd, SIOCETHTOOL, ifr);
	if (ret == 0 && ch->max_combined == 0) {
		ch->max_combined = ch->max_rx < ch->max_tx ? ch->max_rx : ch->max_tx;
		ch->combined_count = ch->rx_count < ch->tx_count ? ch->rx_count : ch->tx_count;
		ch->max_rx = ch->max_tx = ch->rx_count = ch->tx_count = 0;
	}
	if (ret == 0 && how == CHANNELS_STALE_ERRNO)
		errno = EOPNOTSUPP;
	return ret;
}

int
ioctl(int fd, unsigned long request, ...)
{
	int how = atomic_load(&channels_how);
	struct ifreq *ifr;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);

	ifr = arg;
	if (request == SIOCETHTOOL && how != CHANNELS_TRUE &&
	    *(uint32_t *)(void *)ifr->ifr_data == ETHTOOL_GCHANNELS)
		return get_channels(fd, ifr, how);
	return REAL(ioctl)(fd, request, arg);
}

ssize_t
send(int fd, const void *buf, size_t n, int flags)
{
	counts.send++;
	return REAL(send)(fd, buf, n, flags);
}

ssize_t
sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	counts.send++;
	return REAL(sendto)(fd, buf, n, flags, addr, len);
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	counts.send++;
	return REAL(sendmsg)(fd, msg, flags);
}

ssize_t
recv(int fd, void *buf, size_t n, int flags)
{
	counts.recv++;
	return REAL(recv)(fd, buf, n, flags);
}

ssize_t
recvfrom(int fd, void *__restrict buf, size_t n, int flags, __SOCKADDR_ARG addr,
	 socklen_t *__restrict len)
{
	counts.recv++;
	return REAL(recvfrom)(fd, buf, n, flags, addr, len);
}

ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	counts.recv++;
	return REAL(recvmsg)(fd, msg, flags);
}

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
	counts.poll++;
	return REAL(poll)(fds, n, timeout);
}

int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	counts.poll++;
	return REAL(ppoll)(fds, n, timeout, mask);
}

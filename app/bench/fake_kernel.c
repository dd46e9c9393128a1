/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel that costs nothing, see fake_kernel.h. */
/* Both names of mmap are defined here, so neither may stand for the other. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_kernel.h"

#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#define SOCKS_MAX 64
#define PACKET_HEADROOM 256u   /* XDP_PACKET_HEADROOM of linux/bpf.h */

enum { FK_RX, FK_TX, FK_FILL, FK_COMP };

static struct fk_sock socks[SOCKS_MAX];
static unsigned int socks_cnt;

#define REAL(name) \
	static __typeof__(&name) real; \
	if (real == NULL) \
		real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static struct fk_sock *
find(int fd)
{
	for (unsigned int i = 0; i < socks_cnt; i++)
		if (socks[i].fd == fd)
			return &socks[i];
	return NULL;
}

/* The record of an AF_XDP socket, made when it is first seen; NULL for other descriptors. */
static struct fk_sock *
find_or_make(int fd)
{
	struct fk_sock *s = find(fd);
	socklen_t len = sizeof(int);
	int domain = 0;

	if (s != NULL || fd < 0 || socks_cnt == SOCKS_MAX)
		return s;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_XDP)
		return NULL;
	s = &socks[socks_cnt++];
	s->fd = fd;
	return s;
}

int
setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	REAL(setsockopt);
	struct fk_sock *s = level == SOL_XDP ? find_or_make(fd) : NULL;
	int ret = real(fd, level, name, value, len);

	if (s == NULL || ret < 0)
		return ret;
	switch (name) {
	case XDP_UMEM_REG: s->headroom = ((const struct xdp_umem_reg *)value)->headroom; break;
	case XDP_RX_RING: s->want[FK_RX] = *(const uint32_t *)value; break;
	case XDP_TX_RING: s->want[FK_TX] = *(const uint32_t *)value; break;
	case XDP_UMEM_FILL_RING: s->want[FK_FILL] = *(const uint32_t *)value; break;
	case XDP_UMEM_COMPLETION_RING: s->want[FK_COMP] = *(const uint32_t *)value; break;
	}
	return ret;
}

int
close(int fd)
{
	REAL(close);
	struct fk_sock *s = find(fd);

	/* Its number may come again as something else. */
	if (s != NULL)
		*s = (struct fk_sock){ .fd = -1 };
	return real(fd);
}

static void
ring_at(struct fk_ring *r, void *base, const struct xdp_ring_offset *off, uint32_t entries)
{
	char *p = base;

	r->base = base;
	r->prod = (uint32_t *)(p + off->producer);
	r->cons = (uint32_t *)(p + off->consumer);
	r->flags = (uint32_t *)(p + off->flags);
	r->entry = p + off->desc;
	r->mask = entries - 1;
}

static void
note_mapping(struct fk_sock *s, void *base, uint64_t pgoff)
{
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);

	if (getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len) < 0)
		return;
	switch (pgoff) {
	case XDP_PGOFF_RX_RING: ring_at(&s->rx, base, &off.rx, s->want[FK_RX]); break;
	case XDP_PGOFF_TX_RING: ring_at(&s->tx, base, &off.tx, s->want[FK_TX]); break;
	case XDP_UMEM_PGOFF_FILL_RING: ring_at(&s->fill, base, &off.fr, s->want[FK_FILL]); break;
	case XDP_UMEM_PGOFF_COMPLETION_RING:
		ring_at(&s->comp, base, &off.cr, s->want[FK_COMP]);
		break;
	}
}

void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	REAL(mmap);
	struct fk_sock *s = find(fd);
	void *p;

	if (fd < 0 || s == NULL)
		return real(addr, len, prot, flags, fd, off);
	p = real(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
		0);
	if (p != MAP_FAILED)
		note_mapping(s, p, off);
	return p;
}

void *
mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return mmap(addr, len, prot, flags, fd, off);
}

ssize_t
sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen)
{
	REAL(sendto);
	struct fk_sock *s = find(fd);

	if (s == NULL)
		return real(fd, buf, len, flags, to, tolen);
	s->calls++;
	return 0;
}

ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	return sendto(fd, buf, len, flags, NULL, 0);
}

ssize_t
recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from, socklen_t *fromlen)
{
	REAL(recvfrom);
	struct fk_sock *s = find(fd);

	if (s == NULL)
		return real(fd, buf, len, flags, from, fromlen);
	s->calls++;
	return 0;
}

int
poll(struct pollfd *fds, nfds_t cnt, int timeout)
{
	REAL(poll);
	struct fk_sock *s = cnt == 1 ? find(fds[0].fd) : NULL;

	if (s == NULL)
		return real(fds, cnt, timeout);
	s->calls++;
	return 0;
}

static bool
complete(const struct fk_sock *s)
{
	return s->rx.base != NULL && s->tx.base != NULL && s->fill.base != NULL &&
		s->comp.base != NULL;
}

unsigned int
fk_count(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < socks_cnt; i++)
		n += complete(&socks[i]);
	return n;
}

struct fk_sock *
fk_get(unsigned int i)
{
	for (unsigned int k = 0; k < socks_cnt; k++)
		if (complete(&socks[k]) && i-- == 0)
			return &socks[k];
	return NULL;
}

uint32_t
fk_receive(struct fk_sock *s, uint32_t n, uint32_t len)
{
	uint32_t cons = *s->fill.cons, prod = *s->rx.prod;
	uint32_t have = __atomic_load_n(s->fill.prod, __ATOMIC_ACQUIRE) - cons;
	uint32_t room = s->rx.mask + 1 - (prod - __atomic_load_n(s->rx.cons, __ATOMIC_ACQUIRE));
	uint64_t off = PACKET_HEADROOM + s->headroom;

	n = n < have ? n : have;
	n = n < room ? n : room;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = ((uint64_t *)s->fill.entry)[(cons + i) & s->fill.mask];
		struct xdp_desc *d = (struct xdp_desc *)s->rx.entry + ((prod + i) & s->rx.mask);

		d->addr = (addr & XSK_UNALIGNED_BUF_ADDR_MASK) |
			off << XSK_UNALIGNED_BUF_OFFSET_SHIFT;
		d->len = len;
		d->options = 0;
	}
	__atomic_store_n(s->fill.cons, cons + n, __ATOMIC_RELEASE);
	__atomic_store_n(s->rx.prod, prod + n, __ATOMIC_RELEASE);
	return n;
}

uint32_t
fk_tx_pending(const struct fk_sock *s)
{
	return __atomic_load_n(s->tx.prod, __ATOMIC_ACQUIRE) - *s->tx.cons;
}

uint32_t
fk_complete(struct fk_sock *s)
{
	uint32_t cons = *s->tx.cons, prod = *s->comp.prod, n = fk_tx_pending(s);
	uint32_t room = s->comp.mask + 1 - (prod - __atomic_load_n(s->comp.cons, __ATOMIC_ACQUIRE));

	n = n < room ? n : room;
	for (uint32_t i = 0; i < n; i++)
		((uint64_t *)s->comp.entry)[(prod + i) & s->comp.mask] =
			((struct xdp_desc *)s->tx.entry)[(cons + i) & s->tx.mask].addr;
	__atomic_store_n(s->tx.cons, cons + n, __ATOMIC_RELEASE);
	__atomic_store_n(s->comp.prod, prod + n, __ATOMIC_RELEASE);
	return n;
}

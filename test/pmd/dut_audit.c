/* SPDX-License-Identifier: BSD-3-Clause */
/* What the driver tells the kernel, see dut_audit.h. */
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <string.h>

#include "dut.h"
#include "dut_audit.h"

#define FDS 256

struct seen {
	bool xsk;
	bool registered;	/* the memory is of this socket, not of one it shares with */
	struct xdp_umem_reg umem;
	struct sockaddr_xdp bound;
	uint32_t rx_entries;
	uint32_t tx_entries;
	uint32_t fill_entries;
	char *rx;
	char *tx;
	char *fill;
};

static struct seen table[FDS];

static struct seen *
at(int fd)
{
	return fd >= 0 && fd < FDS && table[fd].xsk ? &table[fd] : NULL;
}

void
audit_socket(int fd)
{
	if (fd < 0 || fd >= FDS)
		return;
	memset(&table[fd], 0, sizeof(table[fd]));
	table[fd].xsk = true;
}

void
audit_close(int fd)
{
	if (at(fd) != NULL)
		table[fd].xsk = false;
}

void
audit_setsockopt(int fd, int name, const void *value, socklen_t len)
{
	struct seen *s = at(fd);

	if (s == NULL)
		return;
	if (name == XDP_UMEM_REG) {
		memcpy(&s->umem, value, RTE_MIN(len, sizeof(s->umem)));
		s->registered = true;
	} else if (name == XDP_RX_RING && len >= sizeof(s->rx_entries)) {
		memcpy(&s->rx_entries, value, sizeof(s->rx_entries));
	} else if (name == XDP_TX_RING && len >= sizeof(s->tx_entries)) {
		memcpy(&s->tx_entries, value, sizeof(s->tx_entries));
	} else if (name == XDP_UMEM_FILL_RING && len >= sizeof(s->fill_entries)) {
		memcpy(&s->fill_entries, value, sizeof(s->fill_entries));
	}
}

void
audit_mmap(int fd, off_t off, void *addr)
{
	struct seen *s = at(fd);

	if (s == NULL)
		return;
	if (off == XDP_PGOFF_RX_RING)
		s->rx = addr;
	else if (off == (off_t)XDP_PGOFF_TX_RING)
		s->tx = addr;
	else if (off == (off_t)XDP_UMEM_PGOFF_FILL_RING)
		s->fill = addr;
}

/* The memory of a socket that shares is that of a descriptor with the same socket behind it. */
static void
inherit(struct seen *s, int from)
{
	uint64_t cookie = 0, other = 0;
	socklen_t len = sizeof(cookie);
	int fd;

	getsockopt(from, SOL_SOCKET, SO_COOKIE, &cookie, &len);
	for (fd = 0; fd < FDS; fd++) {
		len = sizeof(other);
		if (at(fd) != NULL && table[fd].umem.len != 0 &&
		    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &other, &len) == 0 && other == cookie)
			s->umem = table[fd].umem;
	}
}

void
audit_bind(int fd, const struct sockaddr *addr)
{
	struct seen *s = at(fd);

	if (s == NULL)
		return;
	memcpy(&s->bound, addr, sizeof(s->bound));
	if (s->bound.sxdp_flags & XDP_SHARED_UMEM)
		inherit(s, s->bound.sxdp_shared_umem_fd);
}

static void
describe(int fd, struct audit_queue *q)
{
	struct xdp_options opt = { 0 };
	socklen_t len = sizeof(opt);

	q->fd = fd;
	q->base = table[fd].umem.addr;
	q->len = table[fd].umem.len;
	q->chunk = table[fd].umem.chunk_size;
	q->zero_copy = getsockopt(fd, SOL_XDP, XDP_OPTIONS, &opt, &len) == 0 &&
		       (opt.flags & XDP_OPTIONS_ZEROCOPY);
}

bool
audit_registration(unsigned int i, struct audit_queue *q)
{
	int fd;

	for (fd = 0; fd < FDS; fd++)
		if (at(fd) != NULL && table[fd].registered && table[fd].bound.sxdp_ifindex != 0 &&
		    i-- == 0) {
			describe(fd, q);
			return true;
		}
	return false;
}

static struct seen *
find(unsigned int ifindex, unsigned int queue, int *where)
{
	int fd;

	for (fd = 0; fd < FDS; fd++)
		if (at(fd) != NULL && table[fd].bound.sxdp_ifindex == ifindex &&
		    table[fd].bound.sxdp_queue_id == queue) {
			*where = fd;
			return &table[fd];
		}
	return NULL;
}

bool
audit_find(unsigned int ifindex, unsigned int queue, struct audit_queue *q)
{
	int fd;

	if (find(ifindex, queue, &fd) == NULL)
		return false;
	describe(fd, q);
	return true;
}

/* Unaligned chunks: the upper 16 bits are an offset from the lower 48. */
static uintptr_t
place(const struct seen *s, uint64_t addr)
{
	return s->umem.addr + (addr & XSK_UNALIGNED_BUF_ADDR_MASK) +
	       (addr >> XSK_UNALIGNED_BUF_OFFSET_SHIFT);
}

static unsigned int
read_ring(unsigned int ifindex, unsigned int queue, bool tx, uintptr_t *data, unsigned int n)
{
	struct xdp_mmap_offsets off;
	const struct xdp_ring_offset *o;
	socklen_t len = sizeof(off);
	uint32_t prod, cons, entries, from, i;
	const struct xdp_desc *desc;
	struct seen *s;
	char *ring;
	int fd;

	s = find(ifindex, queue, &fd);
	if (s == NULL || getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len) != 0)
		return 0;
	ring = tx ? s->tx : s->rx;
	entries = tx ? s->tx_entries : s->rx_entries;
	if (ring == NULL || entries == 0)
		return 0;
	o = tx ? &off.tx : &off.rx;
	prod = __atomic_load_n((uint32_t *)(void *)(ring + o->producer), __ATOMIC_ACQUIRE);
	cons = __atomic_load_n((uint32_t *)(void *)(ring + o->consumer), __ATOMIC_ACQUIRE);
	n = RTE_MIN(n, tx ? entries : prod - cons);
	from = tx ? prod - n : cons;
	desc = (const void *)(ring + o->desc);
	for (i = 0; i < n; i++)
		data[i] = place(s, desc[(from + i) & (entries - 1)].addr);
	return n;
}

unsigned int
audit_rx(unsigned int ifindex, unsigned int queue, uintptr_t *data, unsigned int n)
{
	return read_ring(ifindex, queue, false, data, n);
}

unsigned int
audit_tx(unsigned int ifindex, unsigned int queue, uintptr_t *data, unsigned int n)
{
	return read_ring(ifindex, queue, true, data, n);
}

unsigned int
audit_fill(unsigned int ifindex, unsigned int queue, uintptr_t *frame, unsigned int n)
{
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);
	const uint64_t *addr;
	struct seen *s;
	uint32_t prod, i;
	int fd;

	s = find(ifindex, queue, &fd);
	if (s == NULL || s->fill == NULL || s->fill_entries == 0 ||
	    getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len) != 0)
		return 0;
	prod = __atomic_load_n((uint32_t *)(void *)(s->fill + off.fr.producer), __ATOMIC_ACQUIRE);
	n = RTE_MIN(n, RTE_MIN(prod, s->fill_entries));
	addr = (const void *)(s->fill + off.fr.desc);
	for (i = 0; i < n; i++)
		frame[i] = place(s, addr[(prod - n + i) & (s->fill_entries - 1)]);
	return n;
}

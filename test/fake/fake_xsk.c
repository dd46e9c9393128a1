/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's side of an AF_XDP socket in plain memory, see fake_xsk.h. */
#include <errno.h>
#include <stdlib.h>

#include "afx_kick.h"
#include "afx_uapi.h"
#include "fake_xsk.h"

/* Descriptors that no process has: nothing real is touched by mistake. */
#define FD_BASE 1000000
#define FD_CNT 64

unsigned int fake_xsk_alive;
int fake_bind_ret;
bool fake_released = true;
int fake_unbound_fd = -1;
void (*fake_on_create)(struct fake_xsk *f);

static struct fake_xsk *by_fd[FD_CNT];

static struct fake_xsk *
fake_of(int fd)
{
	return fd >= FD_BASE && fd < FD_BASE + FD_CNT ? by_fd[fd - FD_BASE] : NULL;
}

static void
ring_init(struct fake_ring *r, uint32_t entries, size_t bytes)
{
	r->entries = entries;
	r->entry = entries != 0 ? calloc(entries, bytes) : NULL;
}

static struct afx_prod
prod_of(struct fake_ring *r)
{
	return (struct afx_prod){
		.mask = r->entries - 1, .entries = r->entries, .kprod = &r->prod, .kcons = &r->cons,
		.kflags = &r->flags, .kring = r->entry,
	};
}

static struct afx_cons
cons_of(struct fake_ring *r)
{
	return (struct afx_cons){
		.mask = r->entries - 1, .entries = r->entries, .kprod = &r->prod, .kcons = &r->cons,
		.kflags = &r->flags, .kring = r->entry,
	};
}

int
afx_socket_create(const struct afx_socket_cfg *cfg, struct afx_socket **out, struct afx_err *err)
{
	struct fake_xsk *f = calloc(1, sizeof(*f));
	unsigned int slot = 0;

	while (slot < FD_CNT && by_fd[slot] != NULL)
		slot++;
	if (f == NULL || slot == FD_CNT) {
		free(f);
		return afx_err_set(err, -ENOMEM, "too many fake sockets");
	}
	by_fd[slot] = f;
	ring_init(&f->rx, cfg->rx_entries, sizeof(struct xdp_desc));
	ring_init(&f->tx, cfg->tx_entries, sizeof(struct xdp_desc));
	ring_init(&f->fill, cfg->fill_entries, sizeof(uint64_t));
	ring_init(&f->comp, cfg->comp_entries, sizeof(uint64_t));
	/* In copy mode the kernel always asks for it. */
	if (cfg->bind == AFX_BIND_COPY)
		f->tx.flags = XDP_RING_NEED_WAKEUP;
	f->sock.cfg = *cfg;
	f->sock.fd = FD_BASE + slot;
	f->sock.tx_budget = 32;
	f->sock.rx = cons_of(&f->rx);
	f->sock.tx = prod_of(&f->tx);
	f->sock.fill = prod_of(&f->fill);
	f->sock.comp = cons_of(&f->comp);
	fake_xsk_alive++;
	if (fake_on_create != NULL)
		fake_on_create(f);
	*out = &f->sock;
	return 0;
}

int
afx_socket_bind(struct afx_socket *s, unsigned int wait_ms, struct afx_err *err)
{
	(void)wait_ms;
	if (fake_bind_ret != 0)
		return afx_err_set(err, fake_bind_ret, "bind(fake): %d", fake_bind_ret);
	s->bound = true;
	s->zero_copy = s->cfg.bind == AFX_BIND_ZC;
	return 0;
}

void
afx_socket_close(struct afx_socket *s)
{
	struct fake_xsk *f = (struct fake_xsk *)s;

	if (s == NULL)
		return;
	by_fd[s->fd - FD_BASE] = NULL;
	free(f->rx.entry);
	free(f->tx.entry);
	free(f->fill.entry);
	free(f->comp.entry);
	free(f);
	fake_xsk_alive--;
}

int
afx_socket_released(int ifindex, uint32_t queue)
{
	(void)ifindex;
	(void)queue;
	return fake_released;
}

int
afx_socket_stats(int fd, struct afx_socket_stats *st)
{
	*st = (struct afx_socket_stats){ 0 };
	return fake_of(fd) != NULL ? 0 : -EBADF;
}

int
afx_kick_tx(int fd)
{
	struct fake_xsk *f = fake_of(fd);

	if (f == NULL)
		return -EBADF;
	f->kicks_tx++;
	return f->on_kick_tx != NULL ? f->on_kick_tx(f, f->arg) : 0;
}

int
afx_kick_rx(int fd)
{
	struct fake_xsk *f = fake_of(fd);

	if (fd == fake_unbound_fd)
		return -ENXIO;
	if (f == NULL)
		return -EBADF;
	f->kicks_rx++;
	return f->kick_rx_ret;
}

uint32_t
fake_waiting(const struct fake_ring *r)
{
	return r->prod - r->cons;
}

bool
fake_take(struct fake_xsk *f, uint64_t *addr)
{
	if (fake_waiting(&f->fill) == 0)
		return false;
	*addr = ((uint64_t *)f->fill.entry)[f->fill.cons++ % f->fill.entries];
	return true;
}

bool
fake_consume(struct fake_xsk *f, struct xdp_desc *desc)
{
	if (fake_waiting(&f->tx) == 0)
		return false;
	*desc = ((struct xdp_desc *)f->tx.entry)[f->tx.cons++ % f->tx.entries];
	return true;
}

bool
fake_deliver(struct fake_xsk *f, uint64_t addr, uint32_t len, uint32_t off)
{
	return fake_deliver_part(f, addr, len, off, false);
}

bool
fake_deliver_part(struct fake_xsk *f, uint64_t addr, uint32_t len, uint32_t off, bool more)
{
	if (fake_waiting(&f->rx) == f->rx.entries)
		return false;
	off += f->sock.cfg.umem.headroom;
	if (off > UINT16_MAX)
		off = UINT16_MAX;
	((struct xdp_desc *)f->rx.entry)[f->rx.prod++ % f->rx.entries] = (struct xdp_desc){
		.addr = addr | (uint64_t)off << XSK_UNALIGNED_BUF_OFFSET_SHIFT, .len = len,
		.options = more ? XDP_PKT_CONTD : 0,
	};
	return true;
}

bool
fake_complete(struct fake_xsk *f, uint64_t addr)
{
	if (fake_waiting(&f->comp) == f->comp.entries)
		return false;
	((uint64_t *)f->comp.entry)[f->comp.prod++ % f->comp.entries] = addr;
	return true;
}

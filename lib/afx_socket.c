/* SPDX-License-Identifier: BSD-3-Clause */
/* AF_XDP sockets, see afx_socket.h. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "afx_fork.h"
#include "afx_frame.h"
#include "afx_kick.h"
#include "afx_socket.h"
#include "afx_uapi.h"

/* Slots of struct afx_socket's map. */
enum { MAP_RX, MAP_TX, MAP_FILL, MAP_COMP };

static int
socket_error(int code, struct afx_err *err)
{
	const char *remedy = "unexpected";

	if (code == EPERM)
		remedy = "AF_XDP sockets need CAP_NET_RAW";
	else if (code == EAFNOSUPPORT)
		remedy = "this kernel has no AF_XDP: it needs CONFIG_XDP_SOCKETS, Linux 5.4 or "
			 "newer";
	else if (code == EMFILE || code == ENFILE)
		remedy = "raise the limit of open files (ulimit -n)";
	return afx_err_set(err, -code, "socket(AF_XDP): %s (%d); %s", strerror(code), code, remedy);
}

static int
make_ring(int fd, int opt, const char *name, uint32_t entries, struct afx_err *err)
{
	int code;

	if (setsockopt(fd, SOL_XDP, opt, &entries, sizeof(entries)) == 0)
		return 0;
	code = errno;
	return afx_err_set(err, -code, "setsockopt(%s, %u entries): %s (%d); %s", name, entries,
		strerror(code), code, code == ENOMEM ? "memory is short, use smaller rings" :
		"the size must be a power of two");
}

/* Map one ring and describe it; cons and prod have the same layout in memory. */
static int
map_ring(struct afx_socket *s, int slot, uint64_t pgoff, const struct xdp_ring_offset *off,
	uint32_t entries, size_t entry_bytes, struct afx_prod *ring, struct afx_err *err)
{
	struct afx_mapping *m = &s->map[slot];
	size_t len = off->desc + entries * entry_bytes;
	char *p;
	int code = 0;

	afx_fork_hold();
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, s->fd, pgoff);
	if (p == MAP_FAILED) {
		code = errno;
	} else {
		m->addr = p;
		m->len = len;
		if (madvise(p, len, MADV_DONTFORK) < 0)
			code = errno;
	}
	afx_fork_release();
	if (code != 0)
		return afx_err_set(err, -code, "%s(AF_XDP ring %d, %zu bytes): %s (%d)",
			p == MAP_FAILED ? "mmap" : "madvise", slot, len, strerror(code), code);
	ring->kprod = (uint32_t *)(p + off->producer);
	ring->kcons = (uint32_t *)(p + off->consumer);
	ring->kflags = (uint32_t *)(p + off->flags);
	ring->kring = p + off->desc;
	ring->entries = entries;
	ring->mask = entries - 1;
	ring->cached_prod = *ring->kprod;
	ring->cached_cons = *ring->kcons;
	return 0;
}

static int
map_cons(struct afx_socket *s, int slot, uint64_t pgoff, const struct xdp_ring_offset *off,
	uint32_t entries, size_t entry_bytes, struct afx_cons *cons, struct afx_err *err)
{
	struct afx_prod ring = { 0 };
	int ret = map_ring(s, slot, pgoff, off, entries, entry_bytes, &ring, err);

	*cons = (struct afx_cons){
		.cached_prod = ring.cached_prod, .cached_cons = ring.cached_cons,
		.mask = ring.mask, .entries = ring.entries,
		.kprod = ring.kprod, .kcons = ring.kcons, .kflags = ring.kflags,
		.kring = ring.kring,
	};
	return ret;
}

static int
map_rings(struct afx_socket *s, struct afx_err *err)
{
	const struct afx_socket_cfg *cfg = &s->cfg;
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);
	int ret;

	memset(&off, 0, sizeof(off));
	if (getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len) < 0) {
		ret = -errno;
		return afx_err_set(
			err, ret, "getsockopt(XDP_MMAP_OFFSETS): %s (%d)", strerror(-ret), -ret);
	}
	if (len != sizeof(off))
		return afx_err_set(err, -EOPNOTSUPP,
			"getsockopt(XDP_MMAP_OFFSETS) returned %u bytes, "
			"not %zu: the kernel is older than Linux 5.4",
			len, sizeof(off));
	ret = map_ring(s, MAP_FILL, XDP_UMEM_PGOFF_FILL_RING, &off.fr, cfg->fill_entries,
		sizeof(uint64_t), &s->fill, err);
	if (ret == 0)
		ret = map_cons(s, MAP_COMP, XDP_UMEM_PGOFF_COMPLETION_RING, &off.cr,
			cfg->comp_entries, sizeof(uint64_t), &s->comp, err);
	if (ret == 0 && cfg->rx_entries != 0)
		ret = map_cons(s, MAP_RX, XDP_PGOFF_RX_RING, &off.rx, cfg->rx_entries,
			sizeof(struct xdp_desc), &s->rx, err);
	if (ret == 0 && cfg->tx_entries != 0)
		ret = map_ring(s, MAP_TX, XDP_PGOFF_TX_RING, &off.tx, cfg->tx_entries,
			sizeof(struct xdp_desc), &s->tx, err);
	return ret;
}

/*
 * Let one copy-mode kick send the whole ring where the kernel can, and let as many packets be on
 * their way in the kernel; best effort. SO_SNDBUF counts the memory of each skb, at most a page
 * and its head here; above net.core.wmem_max it takes CAP_NET_ADMIN.
 */
static void
raise_tx_budget(struct afx_socket *s)
{
	uint32_t budget = s->cfg.tx_entries;
	int sndbuf = s->cfg.tx_entries * 2 * AFX_CHUNK_MAX;

	if (setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf, sizeof(sndbuf)) < 0)
		(void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	s->tx_budget = AFX_TX_BATCH;
	if (budget > AFX_TX_BATCH && setsockopt(s->fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget,
			sizeof(budget)) == 0)
		s->tx_budget = budget;
}

static int
make_rings(struct afx_socket *s, struct afx_err *err)
{
	const struct afx_socket_cfg *cfg = &s->cfg;
	int ret;

	ret = make_ring(s->fd, XDP_UMEM_FILL_RING, "XDP_UMEM_FILL_RING", cfg->fill_entries, err);
	if (ret == 0)
		ret = make_ring(s->fd, XDP_UMEM_COMPLETION_RING, "XDP_UMEM_COMPLETION_RING",
			cfg->comp_entries, err);
	if (ret == 0 && cfg->rx_entries != 0)
		ret = make_ring(s->fd, XDP_RX_RING, "XDP_RX_RING", cfg->rx_entries, err);
	if (ret == 0 && cfg->tx_entries != 0)
		ret = make_ring(s->fd, XDP_TX_RING, "XDP_TX_RING", cfg->tx_entries, err);
	if (ret == 0)
		ret = map_rings(s, err);
	if (ret == 0 && cfg->tx_entries != 0)
		raise_tx_budget(s);
	return ret;
}

int
afx_socket_create(const struct afx_socket_cfg *cfg, struct afx_socket **out, struct afx_err *err)
{
	struct afx_socket *s;
	int ret = 0;

	if (cfg->rx_entries == 0 && cfg->tx_entries == 0)
		return afx_err_set(err, -EINVAL, "socket of queue %u has neither rx nor tx ring",
			cfg->queue);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return afx_err_set(err, -ENOMEM, "no memory for a socket");
	s->cfg = *cfg;
	s->fd = cfg->adopt_fd;
	afx_fork_watch(&s->fd);
	if (s->fd < 0) {
		afx_fork_hold();
		s->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
		ret = errno;
		afx_fork_release();
	}
	if (s->fd < 0) {
		ret = socket_error(ret, err);
		goto undo;
	}
	if (cfg->shared_fd < 0) {
		ret = afx_umem_register(s->fd, &cfg->umem, err);
		if (ret < 0)
			goto undo;
	}
	ret = make_rings(s, err);
	if (ret < 0)
		goto undo;
	*out = s;
	return 0;
undo:
	afx_socket_close(s);
	return ret;
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static int
bind_error(const struct afx_socket *s, int code, unsigned int wait_ms, struct afx_err *err)
{
	const struct afx_socket_cfg *cfg = &s->cfg;
	char name[IF_NAMESIZE] = "?";
	const char *why = "unexpected";

	if_indextoname(cfg->ifindex, name);
	switch (code) {
	case EBUSY:
		why = "another AF_XDP socket holds this queue (ss --xdp shows sockets)";
		break;
	case EOPNOTSUPP:
		why = cfg->bind == AFX_BIND_ZC ? "the driver has no AF_XDP zero-copy here" :
			"the driver lacks what was asked for";
		break;
	case EINVAL:
		why = cfg->bind == AFX_BIND_ZC ? "the driver refuses zero-copy on this queue (no "
						 "such queue, MTU too large, or for "
						 "virtio no ACCESS_PLATFORM)"
					       : "no such queue, or flags the kernel does not know";
		break;
	case ENETDOWN:
		why = "the interface is down: ip link set up";
		break;
	case ENODEV:
		why = "the interface is gone";
		break;
	case ENOMEM:
		why = "no kernel memory for this many chunks: use umem=pool or a smaller umem_cap";
		break;
	}
	return afx_err_set(err, -code, "bind(AF_XDP, %s queue %u, %s%s): %s (%d)%s; %s", name,
		cfg->queue, cfg->bind == AFX_BIND_ZC ? "zero-copy" : "copy",
		cfg->shared_fd >= 0 ? ", shared umem" : "", strerror(code), code,
		code == EBUSY && wait_ms != 0 ? " after waiting" : "", why);
}

static int
read_options(struct afx_socket *s, struct afx_err *err)
{
	struct xdp_options opt = { 0 };
	socklen_t len = sizeof(opt);

	if (getsockopt(s->fd, SOL_XDP, XDP_OPTIONS, &opt, &len) < 0) {
		int code = errno;

		return afx_err_set(
			err, -code, "getsockopt(XDP_OPTIONS): %s (%d)", strerror(code), code);
	}
	s->zero_copy = opt.flags & XDP_OPTIONS_ZEROCOPY;
	return 0;
}

int
afx_socket_bind(struct afx_socket *s, unsigned int wait_ms, struct afx_err *err)
{
	const struct timespec pause = { 0, 2000000 };
	const struct afx_socket_cfg *cfg = &s->cfg;
	uint64_t deadline = now_ms() + wait_ms;
	struct sockaddr_xdp sxdp;
	int code;

	memset(&sxdp, 0, sizeof(sxdp));
	sxdp.sxdp_family = AF_XDP;
	sxdp.sxdp_ifindex = cfg->ifindex;
	sxdp.sxdp_queue_id = cfg->queue;
	if (cfg->shared_fd >= 0) {
		/* Everything else is the UMEM's and may not be said again (xsk_bind). */
		sxdp.sxdp_flags = XDP_SHARED_UMEM;
		sxdp.sxdp_shared_umem_fd = cfg->shared_fd;
	} else {
		sxdp.sxdp_flags = XDP_USE_NEED_WAKEUP;
		sxdp.sxdp_flags |= cfg->bind == AFX_BIND_ZC ? XDP_ZEROCOPY : XDP_COPY;
		if (cfg->sg)
			sxdp.sxdp_flags |= XDP_USE_SG;
	}
	while (bind(s->fd, (struct sockaddr *)&sxdp, sizeof(sxdp)) < 0) {
		code = errno;
		if (code == EINTR)
			continue;
		if (code != EBUSY || now_ms() >= deadline)
			return bind_error(s, code, wait_ms, err);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	s->bound = true;
	code = read_options(s, err);
	if (code < 0)
		return code;
	/* A device without zero-copy is silently served by copy on a UMEM that is shared. */
	if (cfg->bind == AFX_BIND_ZC && !s->zero_copy)
		return afx_err_set(
			err, -EOPNOTSUPP, "queue %u was bound without zero-copy", cfg->queue);
	return 0;
}

void
afx_socket_close(struct afx_socket *s)
{
	if (s == NULL)
		return;
	/* First the mappings: each holds the socket alive after close(). */
	for (unsigned int i = 0; i < 4; i++) {
		if (s->map[i].addr != NULL)
			munmap(s->map[i].addr, s->map[i].len);
		s->map[i].addr = NULL;
	}
	afx_fork_close(&s->fd);
	free(s);
}

int
afx_socket_released(int ifindex, uint32_t queue)
{
	struct afx_socket_cfg cfg = {
		.ifindex = ifindex, .queue = queue, .bind = AFX_BIND_COPY,
		.rx_entries = 1, .fill_entries = 1, .comp_entries = 1,
		.shared_fd = -1, .adopt_fd = -1,
	};
	struct afx_socket *s = NULL;
	long page = sysconf(_SC_PAGESIZE);
	void *mem;
	int ret;

	mem = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return -errno;
	cfg.umem = (struct afx_umem_cfg){ .base = mem, .len = page, .chunk = AFX_CHUNK_MIN };
	ret = afx_socket_create(&cfg, &s, NULL);
	if (ret == 0)
		ret = afx_socket_bind(s, 0, NULL);
	afx_socket_close(s);
	munmap(mem, page);
	if (ret == 0 || ret == -ENODEV)
		return 1;
	return ret == -EBUSY ? 0 : ret;
}

int
afx_socket_stats(int fd, struct afx_socket_stats *st)
{
	struct xdp_statistics ks;
	socklen_t len = sizeof(ks);

	memset(&ks, 0, sizeof(ks));
	memset(st, 0, sizeof(*st));
	if (getsockopt(fd, SOL_XDP, XDP_STATISTICS, &ks, &len) < 0)
		return -errno;
	st->rx_dropped = ks.rx_dropped;
	st->rx_invalid_descs = ks.rx_invalid_descs;
	st->tx_invalid_descs = ks.tx_invalid_descs;
	st->rx_ring_full = ks.rx_ring_full;
	st->rx_fill_empty = ks.rx_fill_ring_empty_descs;
	st->tx_ring_empty = ks.tx_ring_empty_descs;
	return 0;
}

int
afx_socket_probe(struct afx_err *err)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return socket_error(errno, err);
	close(fd);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the running kernel and its drivers have of what net_xsk can use, found by trying it:
 *
 *   features NAME=IFACE...
 *
 * prints a line per feature: where ("kernel" or NAME), what, on or off, why; separated by tabs.
 * Asks by the same library functions as the driver.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afx_ctl.h"
#include "afx_napi.h"
#include "afx_netdev.h"
#include "afx_prog.h"
#include "afx_socket.h"
#include "afx_uapi.h"

#define UMEM_LEN (1u << 20)
#define RING 64
/* A queue just left answers EBUSY for a while. */
#define BIND_WAIT_MS 10000

/* struct xdp_umem_reg and its flag of Linux 6.8, for older headers. */
struct umem_reg {
	uint64_t addr;
	uint64_t len;
	uint32_t chunk_size;
	uint32_t headroom;
	uint32_t flags;
	uint32_t tx_metadata_len;
};
#define UMEM_TX_METADATA_LEN (1u << 2)

static void *memory;

static void
tell(const char *where, const char *what, bool on, const char *why)
{
	printf("%s\t%s\t%s\t%s\n", where, what, on ? "on" : "off", on ? "" : why);
}

/* The same after a call that has set errno. */
static void
tell_call(const char *where, const char *what, bool on)
{
	tell(where, what, on, strerror(errno));
}

static void
socket_options(void)
{
	struct umem_reg reg = {
		.addr = (uintptr_t)memory, .len = UMEM_LEN, .chunk_size = 2048,
		.flags = UMEM_TX_METADATA_LEN, .tx_metadata_len = 16,
	};
	uint32_t budget = RING, entries = RING;
	uint64_t cookie;
	socklen_t len = sizeof(cookie);
	int fd;

	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	tell_call("kernel", "AF_XDP sockets", fd >= 0);
	if (fd < 0)
		return;
	tell_call("kernel", "network namespace has a cookie (SO_NETNS_COOKIE)",
		getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) == 0);
	tell_call("kernel", "Tx metadata (XDP_UMEM_TX_METADATA_LEN)",
		setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) == 0);
	tell_call("kernel", "Tx packets of one kick settable (XDP_MAX_TX_SKB_BUDGET)",
		setsockopt(fd, SOL_XDP, XDP_TX_RING, &entries, sizeof(entries)) == 0 &&
		setsockopt(fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget)) == 0);
	close(fd);
}

/* A socket on queue 0: its descriptor is asked and it is closed. */
static void
bind_one(struct afx_ctl *ctl, const char *name, int ifindex, bool zc, bool sg)
{
	struct afx_socket_cfg cfg = {
		.ifindex = ifindex, .bind = zc ? AFX_BIND_ZC : AFX_BIND_COPY, .sg = sg,
		.rx_entries = RING, .tx_entries = RING, .fill_entries = RING, .comp_entries = RING,
		.umem = { .base = memory, .len = UMEM_LEN, .chunk = 2304 },
		.shared_fd = -1, .adopt_fd = -1,
	};
	const char *what = zc ? sg ? "zero-copy with multi-buffer" : "zero-copy" :
		sg ? "copy with multi-buffer" : "copy";
	struct afx_err err = { .text = "" };
	struct afx_socket *s;

	if (afx_socket_create(&cfg, &s, &err) < 0) {
		tell(name, what, false, err.text);
		return;
	}
	if (afx_socket_bind(s, BIND_WAIT_MS, &err) < 0) {
		tell(name, what, false, err.text);
		afx_socket_close(s);
		return;
	}
	tell(name, what, s->zero_copy == zc, "bound, but by copying");
	if (!sg && zc == s->zero_copy) {
		char text[64];

		snprintf(text, sizeof(text), "queue-get tells of the socket, %s",
			zc ? "zero-copy" : "copy");
		tell(name, text, afx_netdev_queue_xsk(ctl, ifindex, 0, NULL) == 1, "not told");
		snprintf(text, sizeof(text), "busy polling, %s", zc ? "zero-copy" : "copy");
		tell(name, text, afx_napi_busy_on(s->fd, 64, true, &err) == 0, err.text);
	}
	afx_socket_close(s);
}

/* The program, attached, or NULL. */
static struct afx_prog *
attach(const char *name, int ifindex, enum afx_xdp_mode mode)
{
	struct afx_prog_cfg cfg = {
		.ifindex = ifindex, .attach = AFX_ATTACH_LINK, .mode = mode, .max_queues = 4,
		.max_meta = 128, .map_fd = -1,
	};
	struct afx_err err = { .text = "" };
	struct afx_prog *prog = NULL;
	int ret;

	ret = afx_prog_open(&cfg, &prog, &err);
	tell(name, mode == AFX_XDP_SKB ? "generic XDP by bpf_link" : "native XDP by bpf_link",
		ret == 0, err.text);
	return ret == 0 ? prog : NULL;
}

static void
interface(struct afx_ctl *ctl, const char *name, int ifindex)
{
	struct afx_xdp_features f;
	struct afx_err err = { .text = "" };
	struct afx_prog *prog;

	if (afx_netdev_xdp_features(ctl, ifindex, &f, &err) == 0) {
		tell(name, "XDP features told (netdev-genl)", f.known, "no family netdev");
		if (f.known)
			tell(name, "the driver tells of zero-copy",
				f.features & AFX_XDP_ACT_XSK_ZEROCOPY, "not in xdp-features");
	}
	afx_prog_close(attach(name, ifindex, AFX_XDP_SKB));
	/* Some drivers bind only beside a program. */
	prog = attach(name, ifindex, AFX_XDP_NATIVE);
	bind_one(ctl, name, ifindex, false, false);
	bind_one(ctl, name, ifindex, false, true);
	bind_one(ctl, name, ifindex, true, false);
	bind_one(ctl, name, ifindex, true, true);
	afx_prog_close(prog);
}

int
main(int argc, char **argv)
{
	struct afx_err err = { .text = "" };
	struct afx_ctl *ctl;
	int i, ifindex;
	char *name, *iface;

	memory = mmap(NULL, UMEM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || afx_ctl_open(NULL, &ctl, &err) < 0) {
		fprintf(stderr, "features: %s\n", err.text);
		return 2;
	}
	socket_options();
	for (i = 1; i < argc; i++) {
		name = strtok_r(argv[i], "=", &iface);
		ifindex = if_nametoindex(iface);
		if (ifindex == 0) {
			fprintf(stderr, "features: no interface '%s'\n", iface);
			return 2;
		}
		interface(ctl, name, ifindex);
	}
	afx_ctl_close(ctl);
	return 0;
}

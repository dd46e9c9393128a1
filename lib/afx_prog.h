/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP program of a netdev, its attachment and its XSKMAP. Takes interface indexes and socket
 * descriptors, never a socket object.
 *
 * One handle per (process, netdev): it holds descriptors of link, program and map. With attach by
 * link the program lives exactly as long as some process holds a link descriptor; a process that
 * finds our program already attached takes descriptors of its own and shares link and map.
 *
 * Threads: one caller at a time per handle. Messages of libbpf and libxdp are caught while a call
 * runs, by their process-global print functions. Capabilities: CAP_NET_ADMIN and CAP_BPF (or
 * CAP_SYS_ADMIN) to load and attach; CAP_SYS_ADMIN to join, since the kernel opens programs, maps
 * and links by id to no one else (kernel/bpf/syscall.c of Linux 6.18). AFX_ATTACH_NONE needs none
 * on kernel 5.19 or newer.
 */
#ifndef AFX_PROG_H
#define AFX_PROG_H

#include <stdbool.h>
#include <stdint.h>

#include "afx_err.h"

enum afx_attach {
	AFX_ATTACH_LINK,         /* bpf_link, gone with the last descriptor */
	AFX_ATTACH_DISPATCHER,   /* libxdp's dispatcher, beside other programs */
	AFX_ATTACH_NONE,         /* the program is somebody else's; a map is given */
};

enum afx_xdp_mode {
	AFX_XDP_NATIVE,
	AFX_XDP_SKB,
	AFX_XDP_HW,
};

struct afx_prog_cfg {
	int ifindex;
	enum afx_attach attach;
	enum afx_xdp_mode mode;
	uint32_t max_queues;     /* size of the XSKMAP: the netdev's allocated Rx queues */
	uint32_t max_meta;       /* bytes of metadata left in front of a packet; with a
				  * dispatcher, whatever an earlier program left */
	bool frags;              /* load with BPF_F_XDP_HAS_FRAGS */
	const char *object;      /* NULL: our own program; else path of an ELF with map xsks_map */
	const char *map_path;    /* AFX_ATTACH_NONE: path of a pinned XSKMAP, or NULL with map_fd */
	int map_fd;              /* AFX_ATTACH_NONE: descriptor of an XSKMAP (duplicated), or -1 */
};

struct afx_prog;

/*
 * Load and attach, or join our program that is already there (same object, same mode). The calling
 * thread must be in the netdev's namespace; the call may wait a second for a program that is on its
 * way out. *prog is allocated and ends with one of the close functions; strings and map_fd of cfg
 * remain the caller's. Returns 0 or -errno with err filled and nothing left
 * behind: -EBUSY when a foreign program is attached (named by id and name, never detached),
 * -EOPNOTSUPP when the driver has no native XDP, -EPERM for missing capabilities, -ERANGE/-EINVAL
 * with the driver's own extack text when it refuses (MTU too large), -ENOENT for a missing object,
 * program or map. Syscalls: bpf, netlink socket calls, openat, fcntl, nanosleep, close.
 */
int afx_prog_open(const struct afx_prog_cfg *cfg, struct afx_prog **prog, struct afx_err *err);

/*
 * Release: closes the descriptors, which detaches a link program when no other process holds it;
 * removes a dispatcher component that this handle attached itself (then as afx_prog_close_shared).
 * Never touches a foreign program. NULL is allowed. Syscalls: close.
 */
void afx_prog_close(struct afx_prog *prog);

/*
 * As afx_prog_close, for a caller that knows who else uses the netdev: last tells whether no other
 * process does, and a dispatcher component is removed exactly then, joined or not. The kernel does
 * this bookkeeping itself for a link, where last is ignored. With AFX_ATTACH_DISPATCHER the calling
 * thread must be in the netdev's namespace. Syscalls: close; with a dispatcher those of the open.
 */
void afx_prog_close_shared(struct afx_prog *prog, bool last);

/*
 * Put a bound socket at a queue of the XSKMAP, or take it out (absent is not an error). 0 or -errno
 * with err filled: -E2BIG no such entry, -EPERM the map is frozen or read-only, or the kernel older
 * than 5.19 and CAP_BPF missing. An entry goes with its socket.
 * Syscalls: bpf.
 */
int afx_prog_put(struct afx_prog *prog, uint32_t queue, int xsk_fd, struct afx_err *err);
int afx_prog_remove(struct afx_prog *prog, uint32_t queue, struct afx_err *err);

/*
 * Kernel id of the program (0 with AFX_ATTACH_NONE), whether it is our own source (neither
 * cfg->object nor somebody's map), and whether it was found running instead of loaded by us.
 */
uint32_t afx_prog_id(const struct afx_prog *prog);
bool afx_prog_is_own(const struct afx_prog *prog);
bool afx_prog_joined(const struct afx_prog *prog);

/*
 * Whether a foreign XDP program sits on the interface: 0 none or ours, -EBUSY with err naming it,
 * -EPERM when there is one and CAP_SYS_ADMIN is missing to tell. Changes nothing; for an early,
 * clear refusal at probe with AFX_ATTACH_LINK and no object (the program of another process's
 * object counts as foreign here, as does a dispatcher). -ENODEV: no such interface in the namespace
 * of the calling thread.
 * Any thread. Syscalls: bpf, netlink socket calls, ioctl, close.
 */
int afx_prog_check_foreign(int ifindex, struct afx_err *err);

#endif

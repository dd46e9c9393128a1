/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who holds a socket, and who a netdev queue. The queue itself only tells that somebody does: after
 * a close that may be the socket just closed, or another process that bound the queue meanwhile.
 */
#ifndef AFX_HOLDER_H
#define AFX_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "afx_netlink.h"

/*
 * Watch an AF_XDP socket that is about to be closed. Returns an epoll descriptor, close-on-exec,
 * for the caller to close, or -errno (-EOPNOTSUPP: /proc does not show what it watches). Like
 * poll() it makes the kernel send what is in the tx ring. Syscalls: epoll_create1, epoll_ctl, open,
 * read, close.
 */
int afx_holder_watch(int fd);

/*
 * Whether a watched socket is still there, because some process has it open or its rings mapped:
 * 1, 0 or -errno. The file goes first and the socket is unbound right after it, in the context of
 * who held it last (__fput() in fs/file_table.c): a socket is safely gone only some time after 0
 * was returned. Syscalls: open, read, close.
 */
int afx_holder_watched(int epfd);

/* What tells a socket from all others of this boot; 0 where the kernel has none. */
uint64_t afx_holder_cookie(int fd);

/* Sockets bound to a queue. */
struct afx_holders {
	bool ours;               /* the one with the cookie */
	uint32_t others;
};

/*
 * Who is bound to a queue, from sock_diag (CONFIG_XDP_SOCKETS_DIAG), asked through a socket of
 * afx_nl_open(NETLINK_SOCK_DIAG), in whose namespace ifindex counts. A socket is listed from its
 * bind on and no more once it is being released. Returns 0 or -errno with err filled; -ENOENT: the
 * kernel does not list AF_XDP sockets. Syscalls: send, poll, recvmsg.
 */
int afx_holder_list(struct afx_nl *nl, int ifindex, uint32_t queue, uint64_t cookie,
	struct afx_holders *found, struct afx_err *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handshake by which a pod gets its XSKMAP from the Kubernetes AF_XDP device plugin: a unix
 * seqpacket socket, one text message each way, the map's descriptor beside the answer.
 *
 *	/connect,<hostname>       /host_ok     the pod is known by its hostname
 *	/version                  0.1
 *	/xsk_map_fd,<interface>   /fd_ack      with one descriptor
 *	/fin                      /fin_ack
 *
 * The plugin serves one connection and then removes its socket, and reads at most 64 bytes of a
 * message.
 */
#ifndef AFX_CNI_H
#define AFX_CNI_H

#include "afx_err.h"

/* Bytes of a message in either direction, and the time the whole handshake may take. */
#define AFX_CNI_MSG_MAX 64
#define AFX_CNI_TIMEOUT_MS 2000

/*
 * Do the whole handshake for one interface. On success *map_fd is a close-on-exec descriptor the
 * caller closes; what kind of map it is, is not looked at (AFX_ATTACH_NONE of afx_prog_open does).
 * Otherwise *map_fd is -1 and -errno comes back with err filled: -ENOENT, -ECONNREFUSED no plugin
 * there; -EACCES the hostname is refused; -ENODEV the interface is refused; -ETIMEDOUT; -EPROTO
 * any other answer than the protocol's; -EPROTONOSUPPORT another version; -ENAMETOOLONG a path,
 * hostname or interface that does not fit. Blocks up to AFX_CNI_TIMEOUT_MS. Any thread.
 * Syscalls: gethostname, socket, setsockopt, connect, send, poll, recvmsg, close.
 */
int afx_cni_get_map(const char *socket_path, const char *iface, int *map_fd, struct afx_err *err);

#endif

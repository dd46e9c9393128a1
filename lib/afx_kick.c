/* SPDX-License-Identifier: BSD-3-Clause */
/* Waking the kernel, see afx_kick.h. */
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "afx_kick.h"

int
afx_kick_tx(int fd)
{
	return sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? -errno : 0;
}

int
afx_kick_rx(int fd)
{
	return recvfrom(fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 ? -errno : 0;
}

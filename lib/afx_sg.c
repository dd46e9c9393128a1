/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel has of multi-buffer AF_XDP, see afx_sg.h. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afx_sg.h"
#include "afx_sysfs.h"
#include "afx_uapi.h"

int
afx_sg_probe(struct afx_err *err)
{
	struct sockaddr_xdp sxdp;
	int fd, code = 0;

	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return afx_err_set(err, -errno, "socket(AF_XDP): %s (%d)", strerror(errno), errno);
	memset(&sxdp, 0, sizeof(sxdp));
	sxdp.sxdp_family = AF_XDP;
	sxdp.sxdp_ifindex = INT_MAX;
	sxdp.sxdp_flags = XDP_COPY | XDP_USE_SG;
	/* Flags are looked at first, and an unknown one is EINVAL. */
	if (bind(fd, (struct sockaddr *)&sxdp, sizeof(sxdp)) < 0)
		code = errno;
	close(fd);
	/* What is said after the flags were taken: no such interface, or another bind under way. */
	if (code == ENODEV || code == EBUSY)
		return 0;
	if (code == EINVAL)
		return afx_err_set(err, -EOPNOTSUPP, "this kernel has no multi-buffer AF_XDP "
			"(XDP_USE_SG, Linux 6.6)");
	return afx_err_set(err, code != 0 ? -code : -EIO, "bind(AF_XDP, no interface): %s (%d); "
		"unexpected", strerror(code), code);
}

unsigned int
afx_sg_skb_frags(void)
{
	char text[16] = "";
	unsigned long n;

	/* Unread it is 0. */
	(void)afx_sysfs_line("/proc/sys/net/core/max_skb_frags", text, sizeof(text));
	n = strtoul(text, NULL, 10);
	/* The administrator may lower it, which does not concern AF_XDP. */
	return n > AFX_SKB_FRAGS_MIN && n <= USHRT_MAX ? n : AFX_SKB_FRAGS_MIN;
}

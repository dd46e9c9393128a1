/* SPDX-License-Identifier: BSD-3-Clause */
/* Busy polling, see afx_napi.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "afx_napi.h"
#include "afx_uapi.h"

/* Microseconds a blocking read would poll; our reads never block, any value above 0 arms it. */
#define BUSY_POLL_US 20

static int
set_int(int fd, int opt, const char *name, int value, struct afx_err *err)
{
	int code;

	if (setsockopt(fd, SOL_SOCKET, opt, &value, sizeof(value)) == 0)
		return 0;
	code = errno;
	return afx_err_set(err, -code, "setsockopt(%s, %d): %s (%d); %s", name, value,
		strerror(code), code,
		code == EPERM ? "busy polling needs CAP_NET_ADMIN"
			      : "busy polling needs Linux 5.11");
}

uint32_t
afx_napi_id(int fd)
{
	unsigned int id = 0;
	socklen_t len = sizeof(id);

	if (getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &len) < 0)
		return 0;
	return id;
}

int
afx_napi_busy_on(int fd, uint32_t budget, bool prefer, struct afx_err *err)
{
	int ret;

	ret = set_int(fd, SO_PREFER_BUSY_POLL, "SO_PREFER_BUSY_POLL", prefer, err);
	if (ret == 0)
		ret = set_int(fd, SO_BUSY_POLL, "SO_BUSY_POLL", BUSY_POLL_US, err);
	if (ret == 0)
		ret = set_int(fd, SO_BUSY_POLL_BUDGET, "SO_BUSY_POLL_BUDGET", budget, err);
	if (ret == 0 && afx_napi_id(fd) == 0)
		ret = afx_err_set(err, -EOPNOTSUPP,
			"the driver gives the socket no NAPI to poll (SO_INCOMING_NAPI_ID is 0)");
	if (ret < 0)
		afx_napi_busy_off(fd);
	return ret;
}

void
afx_napi_unprefer(int fd)
{
	int off = 0;

	setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &off, sizeof(off));
}

void
afx_napi_busy_off(int fd)
{
	int off = 0;

	afx_napi_unprefer(fd);
	setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &off, sizeof(off));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a value from a file, see afx_sysfs.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "afx_sysfs.h"

int
afx_sysfs_line(const char *path, char *value, unsigned int len)
{
	char *end;
	ssize_t n;
	int fd, ret;

	value[0] = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, value, len);
	ret = n < 0 ? -errno : 0;
	close(fd);
	if (ret == 0) {
		end = memchr(value, '\n', n);
		if (end == NULL && (unsigned int)n < len)
			end = value + n;
		if (end != NULL)
			*end = '\0';
		else
			ret = -ERANGE;
	}
	if (ret < 0)
		value[0] = '\0';
	return ret;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of one line: whole or not at all, at every length about that of the buffer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "afx_sysfs.h"
#include "afx_test.h"

#define ROOM 8

int
main(void)
{
	static const char text[] = "0123456789", *const end[] = { "", "\n", "\nmore" };
	char path[32], value[ROOM + 1];
	int fd = memfd_create("line", 0), want, ret;

	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (unsigned int len = 0; len < sizeof(text); len++) {
		for (unsigned int e = 0; e < 3; e++) {
			CHECK_EQ(ftruncate(fd, 0), 0);
			CHECK_EQ(pwrite(fd, text, len, 0), len);
			CHECK_EQ(pwrite(fd, end[e], strlen(end[e]), len), strlen(end[e]));
			memset(value, '#', sizeof(value));
			want = len < ROOM ? 0 : -ERANGE;
			ret = afx_sysfs_line(path, value, ROOM);
			CHECK_EQ(ret, want);
			CHECK_EQ(value[ROOM], '#');
			CHECK_EQ(strlen(value), want == 0 ? len : 0);
			CHECK_EQ(strncmp(value, text, strlen(value)), 0);
		}
	}
	close(fd);
	CHECK_EQ(afx_sysfs_line(path, value, ROOM), -ENOENT);
	CHECK_EQ(value[0], '\0');
	value[0] = '#';
	CHECK_EQ(afx_sysfs_line("/proc/self", value, ROOM), -EISDIR);
	CHECK_EQ(value[0], '\0');
	return afx_test_end();
}

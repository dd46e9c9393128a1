/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts of a device and their CPUs, see afx_irq.h. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afx_irq.h"
#include "afx_sysfs.h"

#define PATH_ROOM 192

bool
afx_cpulist_has(const char *list, unsigned int cpu)
{
	while (isdigit((unsigned char)*list)) {
		char *end;
		unsigned long lo = strtoul(list, &end, 10), hi = lo;

		if (*end == '-' && isdigit((unsigned char)end[1]))
			hi = strtoul(end + 1, &end, 10);
		if (cpu >= lo && cpu <= hi)
			return true;
		if (*end != ',')
			return false;
		list = end + 1;
	}
	return false;
}

int
afx_cpulist_online(char list[AFX_CPULIST_LEN])
{
	return afx_sysfs_line("/sys/devices/system/cpu/online", list, AFX_CPULIST_LEN);
}

/* The folder of a device's message interrupts; false where the name is not one of a device. */
static bool
msi_folder(const char *bus_info, char path[PATH_ROOM])
{
	/* The text comes from a driver and goes into a path. */
	if (bus_info[0] == '\0' || bus_info[0] == '.' || strchr(bus_info, '/') != NULL ||
	    strlen(bus_info) > 64)
		return false;
	snprintf(path, PATH_ROOM, "/sys/bus/pci/devices/%s/msi_irqs", bus_info);
	return true;
}

bool
afx_irq_of_device(const char *bus_info, uint32_t irq)
{
	char path[PATH_ROOM];
	size_t len;

	if (irq == 0 || !msi_folder(bus_info, path))
		return false;
	len = strlen(path);
	snprintf(path + len, sizeof(path) - len, "/%u", irq);
	return access(path, F_OK) == 0;
}

static bool
has_word(const char *name, const char *word)
{
	size_t len = strlen(word);

	for (; *name != '\0'; name++)
		if (strncasecmp(name, word, len) == 0)
			return true;
	return false;
}

/* Whether a handler's name says that it receives for a queue: "rx" or "input", and the number. */
static bool
names_queue(const char *name, uint32_t queue)
{
	const char *end = name + strlen(name), *num = end;

	while (num > name && isdigit((unsigned char)num[-1]))
		num--;
	if (num == end || num == name || strtoul(num, NULL, 10) != queue)
		return false;
	return has_word(name, "rx") || has_word(name, "input");
}

/* The folders below /proc/irq/<n> carry the names of its handlers. */
static bool
serves_queue(const char *irq, uint32_t queue)
{
	char path[PATH_ROOM];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/irq/%.16s", irq);
	d = opendir(path);
	if (d == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL)
		found = e->d_type == DT_DIR && names_queue(e->d_name, queue);
	closedir(d);
	return found;
}

uint32_t
afx_irq_of_queue(const char *bus_info, uint32_t queue)
{
	char path[PATH_ROOM];
	unsigned int cnt = 0;
	uint32_t irq = 0;
	struct dirent *e;
	DIR *d;

	if (!msi_folder(bus_info, path))
		return 0;
	d = opendir(path);
	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]) || !serves_queue(e->d_name, queue))
			continue;
		irq = strtoul(e->d_name, NULL, 10);
		cnt++;
	}
	closedir(d);
	return cnt == 1 ? irq : 0;
}

int
afx_irq_get(uint32_t irq, struct afx_irq *info, struct afx_err *err)
{
	char path[PATH_ROOM];
	int ret;

	memset(info, 0, sizeof(*info));
	snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", irq);
	ret = afx_sysfs_line(path, info->allowed, AFX_CPULIST_LEN);
	if (ret < 0)
		return afx_err_set(err, ret, "read(%s): %s", path, strerror(-ret));
	snprintf(path, sizeof(path), "/proc/irq/%u/effective_affinity_list", irq);
	(void)afx_sysfs_line(path, info->effective, AFX_CPULIST_LEN);
	return 0;
}

int
afx_irq_set(uint32_t irq, const char *cpus, struct afx_err *err)
{
	char path[PATH_ROOM];
	ssize_t n = -1;
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", irq);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		n = write(fd, cpus, strlen(cpus));
	ret = n < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (ret < 0)
		return afx_err_set(err, ret, "write(%s, %s): %s%s", path, cpus, strerror(-ret),
			ret == -EIO ? "; the kernel manages this interrupt by itself" :
			ret == -EACCES || ret == -EPERM || ret == -EROFS ?
			"; only root may move interrupts, and not where /proc is read-only" : "");
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Device behind a netdev in sysfs: attributes and IOMMU domain; see afx_bus.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "afx_bus.h"
#include "afx_ethtool.h"
#include "afx_sysfs.h"

int
afx_bus_attr(const char *bus_info, const char *attr, char *value, unsigned int len)
{
	/* The buses network devices sit on; a name means one device only within its bus. */
	static const char *const buses[] = {
		"pci", "virtio", "platform", "auxiliary", "fsl-mc", "vmbus",
	};
	static const char *const where[] = { "", "/.." };
	char path[192];
	unsigned int i, j;
	int ret;

	if (len == 0)
		return -EINVAL;
	value[0] = '\0';
	if (bus_info[0] == '\0')
		return -ENOENT;
	/* The text comes from a driver and goes into a path. */
	if (strchr(bus_info, '/') != NULL || bus_info[0] == '.' || strlen(bus_info) > 64)
		return -EINVAL;
	for (i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
		for (j = 0; j < sizeof(where) / sizeof(where[0]); j++) {
			snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s%s/%s", buses[i],
				bus_info, where[j], attr);
			ret = afx_sysfs_line(path, value, len);
			if (ret != -ENOENT && ret != -ENOTDIR)
				return ret;
		}
	}
	return -ENOENT;
}

int
afx_iommu_type(const char *bus_info, char *type, unsigned int len)
{
	int ret;

	ret = afx_bus_attr(bus_info, "iommu_group/type", type, len);
	return ret == -ENOENT ? 0 : ret;
}

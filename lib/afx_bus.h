/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device behind a netdev, as sysfs describes it on its bus. Unlike class/net, the bus folders
 * are the same in every network namespace. Any thread, no capability.
 */
#ifndef AFX_BUS_H
#define AFX_BUS_H

/*
 * First line of the attribute attr of the device bus_info, or of its parent (that of a virtio
 * device is the PCI function which does the DMA). Returns 0, -ENOENT where neither has it, -EINVAL
 * for a bus_info or length that cannot be, or -errno; value is "" then.
 * Syscalls: open, read, close.
 */
int afx_bus_attr(const char *bus_info, const char *attr, char *value, unsigned int len);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts of a device: which there are, which serves a queue, and the CPUs they may run on
 * (/proc/irq). Reading needs no privilege, changing is root's. Any thread; changes of one interrupt
 * by one caller at a time. Syscalls: open, read, write, close, access, getdents.
 */
#ifndef AFX_IRQ_H
#define AFX_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "afx_err.h"

/* A list of CPUs in the kernel's words, such as 0-3,8. Longer ones are not read. */
#define AFX_CPULIST_LEN 48

/* Whether a list names a CPU; a malformed list names none. */
bool afx_cpulist_has(const char *list, unsigned int cpu);

/* CPUs online: 0 or -errno. */
int afx_cpulist_online(char list[AFX_CPULIST_LEN]);

/* Whether an interrupt is one of the message interrupts of a PCI device. */
bool afx_irq_of_device(const char *bus_info, uint32_t irq);

/*
 * The interrupt that receives for a queue, by the names that the driver gave the interrupts of its
 * device ("eth0-TxRx-3", "virtio2-input.0"): 0 where there is none or more than one.
 */
uint32_t afx_irq_of_queue(const char *bus_info, uint32_t queue);

struct afx_irq {
	char allowed[AFX_CPULIST_LEN];   /* smp_affinity_list */
	char effective[AFX_CPULIST_LEN]; /* where it is delivered, "" where not told */
};

/* 0 or -errno: -ENOENT no such interrupt, -ERANGE a list too long. */
int afx_irq_get(uint32_t irq, struct afx_irq *info, struct afx_err *err);

/* Restrict an interrupt to a list of CPUs. -EIO, -EINVAL: the kernel manages it by itself. */
int afx_irq_set(uint32_t irq, const char *cpus, struct afx_err *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changed CPUs of interrupts: of the netdev's own interrupts only, put back at close, by the next
 * start after a SIGKILL, and never over somebody else's change. The interrupts are files of the
 * test's own below /proc/irq and /sys/bus/pci, and v0 is told to be on their device.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "afx_state_impl.h"
#include "afx_tune.h"
#include "netdev_net.h"

static struct afx_ctl *ctl;
static struct afx_err err;
static int v0;

/* The device that v0 is told to be on; "" as the kernel says. */
static const char *bus_of_v0 = "";

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

int
__wrap_ioctl(int fd, unsigned long request, ...)
{
	struct ethtool_drvinfo *info;
	struct ifreq *ifr;
	va_list ap;
	int ret;

	va_start(ap, request);
	ifr = va_arg(ap, struct ifreq *);
	va_end(ap);
	ret = __real_ioctl(fd, request, ifr);
	if (ret < 0 || request != SIOCETHTOOL || bus_of_v0[0] == '\0' ||
	    strcmp(ifr->ifr_name, "v0") != 0)
		return ret;
	info = (void *)ifr->ifr_data;
	if (info->cmd == ETHTOOL_GDRVINFO)
		snprintf(info->bus_info, sizeof(info->bus_info), "%s", bus_of_v0);
	return ret;
}

static struct afx_state *
open_state(void)
{
	struct afx_state *st = NULL;

	NEED(afx_state_open(ctl, v0, &st, &err) == 0, "%s", err.text);
	return st;
}

static bool
has_record(void)
{
	return system("ls /run/net_xsk/*.state >/dev/null 2>&1") == 0;
}

static void
test_cpulist(void)
{
	CHECK(afx_cpulist_has("0", 0) && !afx_cpulist_has("0", 1));
	CHECK(afx_cpulist_has("0-3,8", 2) && afx_cpulist_has("0-3,8", 8));
	CHECK(!afx_cpulist_has("0-3,8", 4) && !afx_cpulist_has("", 0));
	CHECK(!afx_cpulist_has("x,1", 1) && afx_cpulist_has("1,x", 1));
	CHECK(!afx_cpulist_has("1;2", 2));
}

/* Interrupts 901 to 903 of a device, 904 of another one. */
static void
fake_irqs(void)
{
	run("mount -t tmpfs none /proc/irq");
	run("for i in 901 902 903 904; do mkdir /proc/irq/$i; echo 0-3 >/proc/irq/$i/"
		"smp_affinity_list; echo 1 >/proc/irq/$i/effective_affinity_list; done");
	run("mkdir /proc/irq/901/eth9 /proc/irq/902/eth9-TxRx-0 /proc/irq/903/eth9-tx-1 "
		"/proc/irq/904/eth8-TxRx-1");
	run("mount -t tmpfs none /sys/bus/pci/devices");
	run("mkdir -p /sys/bus/pci/devices/0000:09:00.0/msi_irqs && "
		"cd /sys/bus/pci/devices/0000:09:00.0/msi_irqs && touch 901 902 903");
}

static void
test_irqs(void)
{
	struct afx_irq irq;

	fake_irqs();
	CHECK(afx_irq_of_device("0000:09:00.0", 902));
	CHECK(!afx_irq_of_device("0000:09:00.0", 904));
	CHECK(!afx_irq_of_device("", 902) && !afx_irq_of_device("../0000:09:00.0", 902));
	CHECK_EQ(afx_irq_of_queue("0000:09:00.0", 0), 902);
	CHECK_EQ(afx_irq_of_queue("0000:09:00.0", 1), 0);
	CHECK_EQ(afx_irq_of_queue("0000:08:00.0", 0), 0);
	run("mkdir /proc/irq/903/virtio7-input.1");
	CHECK_EQ(afx_irq_of_queue("0000:09:00.0", 1), 903);
	run("mkdir /proc/irq/901/other-rx-1");
	CHECK_EQ(afx_irq_of_queue("0000:09:00.0", 1), 0);
	CHECK_EQ(afx_irq_get(902, &irq, &err), 0);
	CHECK(strcmp(irq.allowed, "0-3") == 0 && strcmp(irq.effective, "1") == 0);
	CHECK_EQ(afx_irq_get(999, &irq, &err), -ENOENT);
	run("seq -s, 0 2 60 >/proc/irq/901/smp_affinity_list");
	CHECK_EQ(afx_irq_get(901, &irq, &err), -ERANGE);
	CHECK_EQ(afx_irq_set(902, "2", &err), 0);
	CHECK_EQ(afx_irq_set(999, "2", &err), -ENOENT);
}

/*
 * The rules of putting back, on an interrupt of no veth: nothing may move one that is not the
 * netdev's, whatever a record says.
 */
static void
test_irq_foreign(void)
{
	const struct afx_tune_entry e = { .kind = AFX_TUNE_IRQ, .id = 904, .cpus_was = "0-1",
		.cpus_set = "0-3" };
	struct afx_state *st;
	struct afx_irq irq;

	st = open_state();
	CHECK_EQ(afx_tune_irq(ctl, st, 904, "2", &err), -ENOENT);
	CHECK_EQ(afx_tune_irq(ctl, st, 0, "2", &err), -ENOENT);
	CHECK_EQ(afx_tune_put_back(ctl, v0, -1, &e, &err), 0);
	CHECK_EQ(afx_irq_get(904, &irq, &err), 0);
	CHECK(strcmp(irq.allowed, "0-3") == 0);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	afx_state_close(st);
}

/* CPUs of interrupt 902; all lists here have the same length, for the file is not cut. */
static bool
allowed_is(const char *cpus)
{
	struct afx_irq irq;

	return afx_irq_get(902, &irq, &err) == 0 && strcmp(irq.allowed, cpus) == 0;
}

static void
killed_irq_user(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
		NEED(afx_tune_irq(ctl, open_state(), 902, "1-2", &err) == 0, "%s", err.text);
		raise(SIGKILL);
	}
	NEED(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "child was not killed");
	CHECK(allowed_is("1-2"));
}

/* An interrupt of the netdev's own device goes back, but not from where somebody else put it. */
static void
test_irq_moved(void)
{
	struct afx_state *st;

	bus_of_v0 = "0000:09:00.0";
	run("echo 0-3 >/proc/irq/902/smp_affinity_list");
	st = open_state();
	CHECK_EQ(afx_tune_irq(ctl, st, 904, "1-2", &err), -ENOENT);
	CHECK_EQ(afx_tune_irq(ctl, st, 902, "1-2", &err), 0);
	CHECK(allowed_is("1-2"));
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 1);
	CHECK(allowed_is("0-3"));
	CHECK_EQ(afx_tune_irq(ctl, st, 902, "1-2", &err), 0);
	run("echo 2-3 >/proc/irq/902/smp_affinity_list");
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 0);
	CHECK(allowed_is("2-3"));
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	afx_state_close(st);
	CHECK(!has_record());

	/* Nor what was never set. */
	st = open_state();
	run("mount --bind /proc/irq/902/smp_affinity_list /proc/irq/902/smp_affinity_list && "
		"mount -o remount,bind,ro /proc/irq/902/smp_affinity_list");
	CHECK_EQ(afx_tune_irq(ctl, st, 902, "1-2", &err), -EROFS);
	run("umount /proc/irq/902/smp_affinity_list");
	run("echo 1-2 >/proc/irq/902/smp_affinity_list");
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 0);
	CHECK(allowed_is("1-2"));
	run("echo 2-3 >/proc/irq/902/smp_affinity_list");
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	afx_state_close(st);

	killed_irq_user();
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 1);
	CHECK(allowed_is("2-3"));
	killed_irq_user();
	run("echo 0-1 >/proc/irq/902/smp_affinity_list");
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 0);
	CHECK(allowed_is("0-1"));
	CHECK(!has_record());
	bus_of_v0 = "";
}

int
main(void)
{
	struct afx_netdev nd;

	own_namespaces();
	NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
	run("ip link add v0 type veth peer name v1");
	NEED(afx_netdev_by_name(ctl, "v0", &nd, &err) == 0, "%s", err.text);
	v0 = nd.ifindex;
	test_cpulist();
	test_irqs();
	test_irq_foreign();
	test_irq_moved();
	afx_ctl_close(ctl);
	return check_result();
}

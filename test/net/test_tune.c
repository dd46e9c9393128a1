/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changed NAPI parameters and interrupt CPUs: on the netdev's own NAPIs and interrupts only, put
 * back at close, by the next start after a SIGKILL, and never over somebody else's change. The
 * interrupts are files of the test's own below /proc/irq and /sys/bus/pci.
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

static const struct afx_napi_params tuned = { 2, 20000, 0 };
static const struct afx_napi_params large = { 7, 5000000000ull, 6000000000ull };

static struct afx_ctl *ctl;
static struct afx_err err;
static int v0, v1;
static uint32_t napi0, napi1;

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

static int
index_of(const char *name)
{
	struct afx_netdev nd;

	NEED(afx_netdev_by_name(ctl, name, &nd, &err) == 0, "%s", err.text);
	return nd.ifindex;
}

static uint32_t
first_napi(int ifindex)
{
	struct afx_napi n[8];
	int cnt = afx_netdev_napis(ctl, ifindex, n, 8, &err);

	NEED(cnt == 2, "%d NAPIs: %s", cnt, err.text);
	CHECK_EQ(n[0].ifindex, ifindex);
	CHECK(n[0].id != n[1].id);
	return n[0].id;
}

static struct afx_napi_params
params(uint32_t id)
{
	struct afx_napi n;

	memset(&n, 0, sizeof(n));
	CHECK_AT(afx_netdev_napi_get(ctl, id, &n, &err) == 0, "%s", err.text);
	return n.params;
}

#define CHECK_PARAMS(id, want) do { \
	struct afx_napi_params p_ = params(id); \
	CHECK_EQ(p_.defer_hard_irqs, (want).defer_hard_irqs); \
	CHECK_EQ(p_.gro_flush_timeout, (want).gro_flush_timeout); \
	CHECK_EQ(p_.irq_suspend_timeout, (want).irq_suspend_timeout); \
} while (0)

static const struct afx_napi_params none;

/* A fresh pair whose NAPIs exist without an XDP program, and no record. */
static void
fresh(void)
{
	(void)!system("ip link del v0 2>/dev/null; rm -rf /run/net_xsk");
	run("ip link add v0 numrxqueues 2 type veth peer name v1 numrxqueues 2");
	run("ip link set v0 up && ip link set v1 up");
	run("ethtool -K v0 gro on && ethtool -K v1 gro on");
	v0 = index_of("v0");
	v1 = index_of("v1");
	napi0 = first_napi(v0);
	napi1 = first_napi(v1);
	CHECK_PARAMS(napi0, none);
}

static struct afx_state *
open_state(void)
{
	struct afx_state *st = NULL;

	NEED(afx_state_open(ctl, v0, &st, &err) == 0, "%s", err.text);
	return st;
}

static void
tune(struct afx_state *st, uint32_t id, const struct afx_napi_params *p)
{
	CHECK_AT(afx_tune_napi(ctl, st, id, p, &err) == 0, "%s", err.text);
	CHECK_PARAMS(id, *p);
}

/* A child that sets the parameters and is killed. */
static void
killed_user(uint32_t id, const struct afx_napi_params *p)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
		tune(open_state(), id, p);
		raise(SIGKILL);
	}
	NEED(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "child was not killed");
}

static bool
has_record(void)
{
	return system("ls /run/net_xsk/*.state >/dev/null 2>&1") == 0;
}

static void
test_close(void)
{
	struct afx_state *st;

	fresh();
	st = open_state();
	tune(st, napi0, &tuned);
	/* Changed twice: the first original counts. Values that need eight bytes. */
	tune(st, napi0, &large);
	CHECK_PARAMS(napi1, none);
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 1);
	CHECK_PARAMS(napi0, none);
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 0);
	tune(st, napi0, &tuned);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_PARAMS(napi0, none);
	CHECK(!has_record());
	afx_state_close(st);
}

static void
test_foreign(void)
{
	const struct afx_napi_params other = { 2, 33, 0 }, half = { 0, 33, 0 };
	struct afx_state *st;

	fresh();
	st = open_state();
	CHECK_EQ(afx_tune_napi(ctl, st, napi1, &tuned, &err), -ENOENT);
	CHECK_PARAMS(napi1, none);
	CHECK_EQ(afx_tune_napi(ctl, st, 4000000000u, &tuned, &err), -ENOENT);
	/* One value changed by somebody else stays, the other goes back. */
	tune(st, napi0, &tuned);
	CHECK_EQ(afx_netdev_napi_set(ctl, napi0, &other, &err), 0);
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 1);
	CHECK_PARAMS(napi0, half);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	afx_state_close(st);
}

static void
test_kill(void)
{
	struct afx_state *st;

	fresh();
	killed_user(napi0, &tuned);
	CHECK_PARAMS(napi0, tuned);
	CHECK(has_record());
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 1);
	CHECK_PARAMS(napi0, none);
	CHECK(!has_record());
	/* Not recovered, but taken over by a user: the values of before the first one count. */
	killed_user(napi0, &tuned);
	st = open_state();
	tune(st, napi0, &large);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_PARAMS(napi0, none);
	afx_state_close(st);
	/* The last of the others mends it too. */
	st = open_state();
	killed_user(napi0, &tuned);
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 0);
	CHECK_PARAMS(napi0, tuned);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_PARAMS(napi0, none);
	CHECK(!has_record());
	afx_state_close(st);
}

/* NAPIs that went down with the interface, or ids that another interface has now. */
static void
test_gone(void)
{
	struct afx_state *st;

	fresh();
	killed_user(napi0, &tuned);
	run("ip link set v0 down");
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 0);
	CHECK(!has_record());
	run("ip link set v0 up");
	napi0 = first_napi(v0);
	/* A record that names the NAPI of another interface touches nothing there. */
	st = open_state();
	tune(st, napi0, &tuned);
	CHECK_EQ(afx_netdev_napi_set(ctl, napi1, &tuned, &err), 0);
	st->tuned[0].id = napi1;
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 0);
	CHECK_PARAMS(napi1, tuned);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	afx_state_close(st);
}

/* Without a file: in memory, and undone all the same. */
static void
test_no_file(void)
{
	struct afx_state *st = NULL;

	fresh();
	run("rm -rf /run/net_xsk && touch /run/net_xsk");
	CHECK_EQ(afx_state_open(ctl, v0, &st, &err), 1);
	CHECK_EQ(afx_tune_napi(ctl, st, napi0, &tuned, &err), 1);
	CHECK_PARAMS(napi0, tuned);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_PARAMS(napi0, none);
	afx_state_close(st);
	run("rm -f /run/net_xsk");
}

/* Many changes, and a file that was cut in the middle of a slot. */
static void
test_slots(void)
{
	struct afx_tune_entry e = { .kind = AFX_TUNE_IRQ, .cpus_was = "0-3,8", .cpus_set = "5" };
	struct afx_tune_entry *list;
	unsigned int cnt;
	int fd = open("/run/slots", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	NEED(fd >= 0, "%m");
	CHECK(afx_slots_empty(fd));
	for (e.id = 0; e.id < 300; e.id++)
		CHECK_EQ(afx_slots_write(fd, e.id, &e), 0);
	CHECK_EQ(afx_slots_read(fd, &list, &cnt), 0);
	NEED(cnt == 300, "%u", cnt);
	CHECK_EQ(list[299].id, 299);
	CHECK(strcmp(list[299].cpus_was, "0-3,8") == 0 && strcmp(list[299].cpus_set, "5") == 0);
	free(list);
	CHECK_EQ(ftruncate(fd, AFX_STATE_RECORD_BYTES + 128 + 9), 0);
	CHECK_EQ(afx_slots_read(fd, &list, &cnt), 0);
	NEED(cnt == 2, "%u", cnt);
	CHECK_EQ(list[0].kind, AFX_TUNE_IRQ);
	CHECK_EQ(list[1].kind, AFX_TUNE_NONE);
	free(list);
	close(fd);
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

	fresh();
	st = open_state();
	CHECK_EQ(afx_tune_irq(ctl, st, 904, "2", &err), -ENOENT);
	CHECK_EQ(afx_tune_irq(ctl, st, 0, "2", &err), -ENOENT);
	CHECK_EQ(afx_tune_put_back(ctl, v0, &e, &err), 0);
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

	fresh();
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
	struct afx_napi n[8];
	int cnt;

	own_namespaces();
	if (system("command -v ethtool >/dev/null") != 0)
		SKIP("no ethtool");
	NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
	run("ip link add v0 type veth peer name v1 && ip link set v0 up && ethtool -K v0 gro on");
	cnt = afx_netdev_napis(ctl, index_of("v0"), n, 8, &err);
	if (cnt < 1 || !n[0].has_params)
		SKIP("the kernel has no parameters for a single NAPI (6.13)");
	test_cpulist();
	test_slots();
	test_close();
	test_foreign();
	test_kill();
	test_gone();
	test_no_file();
	test_irqs();
	test_irq_foreign();
	test_irq_moved();
	afx_ctl_close(ctl);
	return check_result();
}

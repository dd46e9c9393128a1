/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changed NAPI parameters: of the netdev's own NAPIs only, put back at close, by the next start
 * after a SIGKILL, and never over somebody else's change. Interrupts are test_tune_irq.c.
 */
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
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

/* Whether changes to the network are allowed from here on. */
static void
may_administer(bool on)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	NEED(syscall(SYS_capget, &head, data) == 0, "capget: %m");
	data[0].effective &= ~(1u << CAP_NET_ADMIN);
	if (on)
		data[0].effective |= 1u << CAP_NET_ADMIN;
	NEED(syscall(SYS_capset, &head, data) == 0, "capset: %m");
}

/* A child that sets the parameters, is refused further ones (unless NULL) and is killed. */
static void
killed_user(uint32_t id, const struct afx_napi_params *p,
	    const struct afx_napi_params *refused)
{
	struct afx_state *st;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
		st = open_state();
		tune(st, id, p);
		if (refused != NULL) {
			may_administer(false);
			NEED(afx_tune_napi(ctl, st, id, refused, &err) == -EPERM, "not refused");
		}
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

/* What the kernel refused is not put back where somebody else sets it; what came before it is. */
static void
test_refused(void)
{
	struct afx_state *st;

	fresh();
	st = open_state();
	may_administer(false);
	CHECK_EQ(afx_tune_napi(ctl, st, napi0, &tuned, &err), -EPERM);
	may_administer(true);
	CHECK_PARAMS(napi0, none);
	CHECK_EQ(afx_netdev_napi_set(ctl, napi0, &tuned, &err), 0);
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 0);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_PARAMS(napi0, tuned);
	afx_state_close(st);
	CHECK(!has_record());

	fresh();
	st = open_state();
	tune(st, napi0, &tuned);
	may_administer(false);
	CHECK_EQ(afx_tune_napi(ctl, st, napi0, &large, &err), -EPERM);
	may_administer(true);
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 1);
	CHECK_PARAMS(napi0, none);
	/* The same after a kill, by the file. */
	killed_user(napi0, &tuned, NULL);
	may_administer(false);
	CHECK_EQ(afx_tune_napi(ctl, st, napi0, &large, &err), -EPERM);
	may_administer(true);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_PARAMS(napi0, none);
	afx_state_close(st);
	CHECK(!has_record());
	/* And where the kill comes after the refusal. */
	killed_user(napi0, &tuned, &large);
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 1);
	CHECK_PARAMS(napi0, none);
}

static void
test_kill(void)
{
	struct afx_state *st;

	fresh();
	killed_user(napi0, &tuned, NULL);
	CHECK_PARAMS(napi0, tuned);
	CHECK(has_record());
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 1);
	CHECK_PARAMS(napi0, none);
	CHECK(!has_record());
	/* Not recovered, but taken over by a user: the values of before the first one count. */
	killed_user(napi0, &tuned, NULL);
	st = open_state();
	tune(st, napi0, &large);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_PARAMS(napi0, none);
	afx_state_close(st);
	/* The last of the others mends it too. */
	st = open_state();
	killed_user(napi0, &tuned, NULL);
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
	struct afx_tune_entry lost;
	struct afx_state *st;

	fresh();
	killed_user(napi0, &tuned, NULL);
	/* A driver may keep them for when it comes up. */
	run("ip link set v0 down");
	CHECK_EQ(afx_state_recover(ctl, v0, &err), -ENETDOWN);
	CHECK(has_record());
	run("ip link set v0 up");
	CHECK(afx_state_recover(ctl, v0, &err) >= 0);
	CHECK(!has_record());
	napi0 = first_napi(v0);
	/* In search of a lost NAPI one with a slot of its own is left alone, as another user's. */
	st = open_state();
	tune(st, napi0, &tuned);
	st->tuned[0].id = INT32_MAX;
	lost = st->tuned[0];
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 0);
	CHECK_PARAMS(napi0, tuned);
	/* Without one it is the lost one under another id. */
	CHECK_EQ(ftruncate(st->fd, 512), 0);
	st->tuned[0] = lost;
	st->tuned_cnt = 1;
	CHECK_EQ(afx_tune_undo(ctl, st, &err), 1);
	CHECK_PARAMS(napi0, none);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	afx_state_close(st);
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
	test_slots();
	test_close();
	test_foreign();
	test_refused();
	test_kill();
	test_gone();
	test_no_file();
	afx_ctl_close(ctl);
	return check_result();
}

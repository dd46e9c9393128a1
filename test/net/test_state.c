/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records of changed MTU and MAC: put back at close, by the last of several users, and by the next
 * start after a SIGKILL; never over somebody else's change, and never on another device.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "afx_netdev.h"
#include "afx_state.h"
#include "afx_state_impl.h"
#include "netdev_net.h"

static const uint8_t mac_own[AFX_MAC_LEN] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t mac_new[AFX_MAC_LEN] = { 2, 0, 0, 0, 0, 2 };

static struct afx_ctl *ctl;
static struct afx_err err;
static int v0;

static struct afx_netdev
get(void)
{
	struct afx_netdev nd;

	memset(&nd, 0, sizeof(nd));
	CHECK_AT(afx_netdev_by_index(ctl, v0, &nd, &err) == 0, "%s", err.text);
	return nd;
}

static bool
has_mac(const uint8_t *mac)
{
	return memcmp(get().mac, mac, AFX_MAC_LEN) == 0;
}

/* Number of records. */
static unsigned int
records(void)
{
	DIR *d = opendir("/run/net_xsk");
	struct dirent *e;
	unsigned int n = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* A fresh pair with known values, and no record. */
static void
fresh(void)
{
	struct afx_netdev nd;

	(void)!system("ip link del v0 2>/dev/null; rm -rf /run/net_xsk");
	run("ip link add v0 index 70 address 02:00:00:00:00:01 mtu 1500 type veth peer name v1");
	NEED(afx_netdev_by_name(ctl, "v0", &nd, &err) == 0, "%s", err.text);
	v0 = nd.ifindex;
}

static struct afx_state *
open_state(void)
{
	struct afx_state *st = NULL;

	NEED(afx_state_open(ctl, v0, &st, &err) == 0, "%s", err.text);
	return st;
}

static void
change_mtu(struct afx_state *st, uint32_t mtu)
{
	CHECK_EQ(afx_state_record_mtu(st, get().mtu, mtu, &err), 0);
	CHECK_EQ(afx_netdev_set_mtu(ctl, v0, mtu, &err), 0);
}

static void
change_mac(struct afx_state *st, const uint8_t *mac)
{
	CHECK_EQ(afx_state_record_mac(st, get().mac, mac, &err), 0);
	CHECK_EQ(afx_netdev_set_mac(ctl, v0, mac, &err), 0);
}

/* A child that changes MTU and MAC and waits; returns when it has done so. */
static pid_t
start_user(uint32_t mtu, const uint8_t *mac)
{
	struct afx_state *st;
	struct afx_ctl *own;
	int p[2];
	pid_t pid;
	char c = 0;

	NEED(pipe2(p, O_CLOEXEC) == 0, "%m");
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		NEED(afx_ctl_open(NULL, &own, &err) == 0, "%s", err.text);
		ctl = own;
		st = open_state();
		if (mtu != 0)
			change_mtu(st, mtu);
		if (mac != NULL)
			change_mac(st, mac);
		if (write(p[1], &c, 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(p[1]);
	NEED(read(p[0], &c, 1) == 1, "child did not come up");
	close(p[0]);
	return pid;
}

static void
kill_user(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
test_close(void)
{
	struct afx_state *st;
	struct stat s;

	fresh();
	st = open_state();
	CHECK_EQ(stat("/run/net_xsk", &s), 0);
	CHECK_EQ(s.st_mode & 07777, 0755);
	CHECK_EQ(records(), 1);
	/* Twice changed: the first original counts. */
	change_mtu(st, 3000);
	change_mtu(st, 2000);
	change_mac(st, mac_new);
	CHECK_EQ(get().mtu, 2000);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 1500);
	CHECK(has_mac(mac_own));
	CHECK_EQ(records(), 0);
	afx_state_close(st);

	/* Somebody changed the MTU afterwards; the MAC is still ours. */
	st = open_state();
	change_mtu(st, 3000);
	change_mac(st, mac_new);
	run("ip link set v0 mtu 1400");
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 1400);
	CHECK(has_mac(mac_own));
	afx_state_close(st);

	/* The same with the MAC. */
	run("ip link set v0 mtu 1500");
	st = open_state();
	change_mtu(st, 3000);
	change_mac(st, mac_new);
	run("ip link set v0 address 02:00:00:00:00:03");
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 1500);
	CHECK_EQ(get().mac[5], 3);
	afx_state_close(st);

	/* Changed on top of somebody's change: that one is the original now. */
	st = open_state();
	change_mtu(st, 3000);
	run("ip link set v0 mtu 1450");
	change_mtu(st, 2000);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 1450);
	afx_state_close(st);

	/* Recorded but never done: nothing is put back. Nor where the original was set again. */
	st = open_state();
	CHECK_EQ(afx_state_record_mtu(st, 1450, 9000, &err), 0);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 1450);
	afx_state_close(st);

	/* Nothing recorded: closing alone leaves nothing. A device that is gone is no error. */
	st = open_state();
	CHECK_EQ(records(), 1);
	afx_state_close(st);
	CHECK_EQ(records(), 0);
	st = open_state();
	change_mtu(st, 3000);
	run("ip link del v0");
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(records(), 0);
	afx_state_close(st);
	afx_state_close(NULL);
	CHECK_EQ(afx_state_open(ctl, v0, &st, &err), -ENODEV);
}

static void
test_kill(void)
{
	struct afx_state *st, *other;
	pid_t pid;

	fresh();
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 0);
	pid = start_user(3000, mac_new);
	CHECK_EQ(get().mtu, 3000);
	CHECK(has_mac(mac_new));
	/* Not while it lives. */
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 0);
	CHECK_EQ(get().mtu, 3000);
	kill_user(pid);
	CHECK_EQ(get().mtu, 3000);
	CHECK_EQ(records(), 1);
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 1);
	CHECK_EQ(get().mtu, 1500);
	CHECK(has_mac(mac_own));
	CHECK_EQ(records(), 0);
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 0);

	/* Renamed and then killed: the address tells that it is the same. */
	pid = start_user(0, mac_new);
	run("ip link set v0 name renamed");
	kill_user(pid);
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 1);
	CHECK(has_mac(mac_own));
	run("ip link set renamed name v0");

	/* Renamed under a live user: nobody takes the record for another device's. */
	st = open_state();
	change_mtu(st, 3000);
	run("ip link set v0 name renamed");
	other = open_state();
	CHECK_EQ(afx_state_restore(ctl, other, &err), 1);
	afx_state_close(other);
	afx_state_renamed(st, "renamed");
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 1500);
	CHECK_EQ(records(), 0);
	afx_state_close(st);
	st = open_state();
	change_mtu(st, 3000);
	run("ip link set renamed name v0");
	afx_state_renamed(st, "v0");
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 1500);
	afx_state_close(st);

	/* Nobody recovers, another user opens: the first original is kept for its close. */
	pid = start_user(3000, NULL);
	kill_user(pid);
	st = open_state();
	change_mtu(st, 2000);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 1500);
	afx_state_close(st);
}

static void
test_users(void)
{
	struct afx_state *a, *b;
	pid_t pid;

	fresh();
	a = open_state();
	CHECK_EQ(afx_state_users_exclusive(a), 1);
	b = open_state();
	CHECK_EQ(afx_state_users_exclusive(a), 0);
	CHECK_EQ(afx_state_users_exclusive(b), 0);
	/* Asking has not cost anybody his place. */
	CHECK_EQ(afx_state_users_exclusive(a), 0);
	change_mtu(a, 3000);
	change_mtu(b, 2000);
	CHECK_EQ(afx_state_restore(ctl, a, &err), 1);
	CHECK_EQ(get().mtu, 2000);
	CHECK_EQ(afx_state_users_exclusive(b), 1);
	CHECK_EQ(afx_state_users_exclusive(a), -EOPNOTSUPP);
	CHECK_EQ(afx_state_restore(ctl, b, &err), 0);
	CHECK_EQ(get().mtu, 1500);
	afx_state_close(a);
	afx_state_close(b);
	CHECK_EQ(records(), 0);

	pid = start_user(3000, NULL);
	a = open_state();
	CHECK_EQ(afx_state_users_exclusive(a), 0);
	kill_user(pid);
	CHECK_EQ(afx_state_users_exclusive(a), 1);
	/* The survivor puts back what the killed one changed. */
	CHECK_EQ(afx_state_restore(ctl, a, &err), 0);
	CHECK_EQ(get().mtu, 1500);
	afx_state_close(a);
}

/* Records that are not for this device, or no records. */
static void
test_stale(void)
{
	static const char *const edits[] = {
		"s/^boot .*/boot 00000000-0000-0000-0000-000000000000/",
		"s/^netns .*/netns 1/",
		"s/^ifname .*/ifname other/",
		"s/^perm .*/perm 020000000009/",
		"s/^end//",
		"s/^net_xsk-state 1/net_xsk-state 2/",
	};
	struct afx_state *st;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		fresh();
		pid = start_user(3000, NULL);
		kill_user(pid);
		run("f=$(echo /run/net_xsk/*.state); sed '%s' $f > /run/x && cat /run/x > $f",
			edits[i]);
		CHECK_AT(afx_state_recover(ctl, v0, &err) == 0, "%s", edits[i]);
		CHECK_AT(get().mtu == 3000, "%s", edits[i]);
		CHECK_EQ(records(), 0);
	}
	/* Edited not at all: so the edits above are what made the difference. */
	fresh();
	pid = start_user(3000, NULL);
	kill_user(pid);
	run("f=$(echo /run/net_xsk/*.state); cat $f > /run/x && cat /run/x > $f");
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 1);
	/* Another device of the same index, met at open. */
	fresh();
	pid = start_user(3000, NULL);
	kill_user(pid);
	run("ip link del v0");
	run("ip link add new index 70 mtu 3000 type veth peer name v1");
	st = open_state();
	change_mtu(st, 2000);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 3000);
	afx_state_close(st);
	run("ip link del new");
	/* Garbage of any length. */
	fresh();
	run("mkdir /run/net_xsk");
	run("head -c 4096 /dev/urandom >"
		" /run/net_xsk/$(stat -L -c %%i /proc/self/ns/net)-70.state");
	CHECK_EQ(records(), 1);
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 0);
	CHECK_EQ(records(), 0);
}

static void
test_no_file(void)
{
	struct afx_state *st;

	/* Without a place for the record the process itself still puts back. */
	fresh();
	run("rm -rf /run/net_xsk && mount -o remount,ro /run");
	CHECK_EQ(afx_state_recover(ctl, v0, &err), 0);
	CHECK_EQ(afx_state_open(ctl, v0, &st, &err), 1);
	CHECK_TEXT(err, "/run/net_xsk");
	CHECK_EQ(afx_state_record_mtu(st, 1500, 3000, &err), 1);
	CHECK_EQ(afx_netdev_set_mtu(ctl, v0, 3000, &err), 0);
	CHECK_EQ(afx_state_users_exclusive(st), -EOPNOTSUPP);
	CHECK_EQ(afx_state_restore(ctl, st, &err), 0);
	CHECK_EQ(get().mtu, 1500);
	afx_state_close(st);
	run("mount -o remount,rw /run");
	/* A folder others may write to is not believed. */
	run("mkdir -m 0777 /run/net_xsk");
	run("chmod 0777 /run/net_xsk");
	CHECK_EQ(afx_state_open(ctl, v0, &st, &err), 1);
	CHECK_EQ(afx_state_recover(ctl, v0, &err), -EPERM);
	CHECK_EQ(records(), 0);
	afx_state_close(st);
}

/* Users who come and go at once: the last one, whoever it is, puts back and removes. */
static void
test_crowd(void)
{
	struct afx_state *st;
	pid_t pids[6];
	int i, n, ret, status;

	fresh();
	for (i = 0; i < 6; i++) {
		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
		for (n = 0; n < 50; n++) {
			st = open_state();
			ret = afx_state_record_mtu(st, 1500, 3000, &err);
			NEED(ret == 0, "%s", err.text);
			ret = afx_netdev_set_mtu(ctl, v0, 3000, &err);
			NEED(ret == 0, "%s", err.text);
			ret = afx_state_restore(ctl, st, &err);
			NEED(ret >= 0, "%s", err.text);
			afx_state_close(st);
		}
		_exit(0);
	}
	for (i = 0; i < 6; i++) {
		CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(get().mtu, 1500);
	CHECK_EQ(records(), 0);
}

/* A file replaced while somebody waits for it is not what he ends up with. */
static void
test_replaced(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct afx_state *st;
	char cmd[96];
	pid_t pid;
	int fd, status;

	fresh();
	afx_state_close(open_state());
	run("touch /run/net_xsk/$(stat -L -c %%i /proc/self/ns/net)-70.state");
	run("ln /run/net_xsk/*.state /run/same && chmod 0600 /run/same");
	fd = open("/run/same", O_RDWR | O_CLOEXEC);
	NEED(fd >= 0 && fcntl(fd, F_OFD_SETLK, &fl) == 0, "%m");
	pid = fork();
	if (pid == 0) {
		close(fd);
		st = open_state();
		run("! flock -n -x /run/net_xsk/*.state true");
		_exit(afx_state_users_exclusive(st) != 1);
	}
	snprintf(cmd, sizeof(cmd), "ls -l /proc/%d/fd | grep -q net_xsk", pid);
	WAIT_FOR(system(cmd) == 0);
	run("f=$(echo /run/net_xsk/*.state); rm $f && touch $f");
	fl.l_type = F_UNLCK;
	CHECK_EQ(fcntl(fd, F_OFD_SETLK, &fl), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	close(fd);
}

/* A permanent address, which no virtual device has, decides alone. */
static void
test_identity(void)
{
	struct afx_netdev_raw raw = { .nd = { .name = "eth7" }, .perm_len = 6 };
	struct afx_state_rec rec = { .has_mtu = true };
	struct afx_state_id id;

	memcpy(raw.perm, mac_own, 6);
	afx_state_identify(ctl, &raw, &rec.id);
	CHECK(strcmp(rec.id.perm, "020000000001") == 0);
	strcpy(raw.nd.name, "eth8");
	afx_state_identify(ctl, &raw, &id);
	CHECK(afx_state_same_device(&rec, &id, &raw));
	strcpy(raw.nd.name, "eth7");
	raw.perm[5]++;
	afx_state_identify(ctl, &raw, &id);
	CHECK(!afx_state_same_device(&rec, &id, &raw));
	raw.perm_len = sizeof(raw.perm);
	memset(raw.perm, 0xff, sizeof(raw.perm));
	afx_state_identify(ctl, &raw, &id);
	CHECK_EQ(strlen(id.perm), 64);
}

int
main(void)
{
	unsigned int fds;

	own_namespaces();
	NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
	fds = open_fds();
	test_close();
	test_kill();
	test_users();
	test_crowd();
	test_replaced();
	test_identity();
	test_stale();
	test_no_file();
	CHECK_EQ(open_fds(), fds);
	afx_ctl_close(ctl);
	return check_result();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Content of a state record: text form, identity of the device, putting back; see afx_state.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "afx_state_impl.h"
#include "afx_sysfs.h"

#define RECORD_BYTES AFX_STATE_RECORD_BYTES
#define MAC_FMT "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_SCN "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx"
#define MAC_ARG(m) (m)[0], (m)[1], (m)[2], (m)[3], (m)[4], (m)[5]
#define MAC_PTR(m) &(m)[0], &(m)[1], &(m)[2], &(m)[3], &(m)[4], &(m)[5]

static void
read_boot_id(char *id, size_t size)
{
	if (afx_sysfs_line("/proc/sys/kernel/random/boot_id", id, size) < 0 || id[0] == '\0')
		snprintf(id, size, "-");
}

void
afx_state_identify(const struct afx_ctl *ctl, const struct afx_netdev_raw *raw,
		   struct afx_state_id *id)
{
	uint32_t i;

	memset(id, 0, sizeof(*id));
	read_boot_id(id->boot, sizeof(id->boot));
	id->netns = ctl->netns_cookie;
	memcpy(id->ifname, raw->nd.name, sizeof(id->ifname));
	snprintf(id->perm, sizeof(id->perm), "-");
	for (i = 0; i < raw->perm_len; i++)
		snprintf(id->perm + 2 * i, sizeof(id->perm) - 2 * i, "%02x", raw->perm[i]);
}

/* An id that could not be read rules nothing out: the namespace's cookie is still compared. */
static bool
same_boot(const char *a, const char *b)
{
	return strcmp(a, "-") == 0 || strcmp(b, "-") == 0 || strcmp(a, b) == 0;
}

bool
afx_state_same_kind(const struct afx_state_rec *rec, const struct afx_state_id *id)
{
	return same_boot(rec->id.boot, id->boot) && rec->id.netns == id->netns &&
		strcmp(rec->id.perm, id->perm) == 0;
}

bool
afx_state_same_device(const struct afx_state_rec *rec, const struct afx_state_id *id,
		      const struct afx_netdev_raw *raw)
{
	if (!afx_state_same_kind(rec, id))
		return false;
	if (strcmp(id->perm, "-") != 0)
		return true;
	/* A virtual device has no permanent address: it may have been renamed, or got a new MAC. */
	return strcmp(rec->id.ifname, id->ifname) == 0 ||
		(rec->has_mac && memcmp(rec->mac_set, raw->nd.mac, AFX_MAC_LEN) == 0);
}

bool
afx_state_is_of(struct afx_ctl *ctl, int ifindex, const struct afx_state_rec *rec)
{
	struct afx_netdev_raw raw;
	struct afx_state_id id;

	if (afx_netdev_get(ctl, NULL, ifindex, &raw, NULL) < 0)
		return false;
	afx_state_identify(ctl, &raw, &id);
	return afx_state_same_device(rec, &id, &raw);
}

/*
 * A single write to memory-backed /run is whole or not there, killed or not; the last line tells a
 * cut one anyway. Interface names hold no white space.
 */
int
afx_state_write(int fd, const struct afx_state_rec *rec)
{
	char text[RECORD_BYTES];
	ssize_t n;
	int len;

	memset(text, 0, sizeof(text));
	len = snprintf(text, sizeof(text),
		"net_xsk-state 1\nboot %s\nnetns %" PRIu64 "\nifname %s\nperm %s\n"
		"mtu %d %u %u\nmac %d " MAC_FMT " " MAC_FMT "\nend\n",
		rec->id.boot, rec->id.netns, rec->id.ifname, rec->id.perm,
		rec->has_mtu, rec->mtu_was, rec->mtu_set,
		rec->has_mac, MAC_ARG(rec->mac_was), MAC_ARG(rec->mac_set));
	if (len < 0 || (size_t)len >= sizeof(text))
		return -EOVERFLOW;
	/* Filled up with line ends: the size stays, so nothing of a longer record can remain. */
	memset(text + len, '\n', sizeof(text) - len);
	n = pwrite(fd, text, sizeof(text), 0);
	if (n < 0)
		return -errno;
	return n == sizeof(text) ? 0 : -ENOSPC;
}

int
afx_state_read(int fd, struct afx_state_rec *rec)
{
	char text[RECORD_BYTES + 1];
	int mtu, mac, end = -1;
	ssize_t n;

	memset(rec, 0, sizeof(*rec));
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	(void)sscanf(text,
		"net_xsk-state 1\nboot %39s\nnetns %" SCNu64 "\nifname %15s\nperm %67s\n"
		"mtu %d %u %u\nmac %d " MAC_SCN " " MAC_SCN "\nend%n",
		rec->id.boot, &rec->id.netns, rec->id.ifname, rec->id.perm,
		&mtu, &rec->mtu_was, &rec->mtu_set,
		&mac, MAC_PTR(rec->mac_was), MAC_PTR(rec->mac_set), &end);
	if (end < 0) {
		memset(rec, 0, sizeof(*rec));
		return -ENODATA;
	}
	rec->has_mtu = mtu != 0;
	rec->has_mac = mac != 0;
	return 0;
}

int
afx_state_apply(struct afx_ctl *ctl, int ifindex, const struct afx_state_rec *rec,
		struct afx_err *err)
{
	struct afx_netdev_raw raw;
	struct afx_state_id id;
	int ret, first = 0, done = 0;

	ret = afx_netdev_get(ctl, NULL, ifindex, &raw, err);
	if (ret == -ENODEV)
		return 0;
	if (ret < 0)
		return ret;
	afx_state_identify(ctl, &raw, &id);
	if (!afx_state_same_device(rec, &id, &raw))
		return 0;
	if (rec->has_mtu && raw.nd.mtu == rec->mtu_set) {
		ret = afx_netdev_set_mtu(ctl, ifindex, rec->mtu_was, err);
		first = ret;
		done += ret == 0;
	}
	if (rec->has_mac && memcmp(raw.nd.mac, rec->mac_set, AFX_MAC_LEN) == 0) {
		ret = afx_netdev_set_mac(ctl, ifindex, rec->mac_was, first < 0 ? NULL : err);
		first = first < 0 ? first : ret;
		done += ret == 0;
	}
	return first < 0 ? first : done;
}

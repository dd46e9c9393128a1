/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The record of afx_state as content (afx_state_record.c), apart from the file's locks and life
 * (afx_state.c).
 */
#ifndef AFX_STATE_IMPL_H
#define AFX_STATE_IMPL_H

#include "afx_netdev_impl.h"

/* What the values belong to. */
struct afx_state_id {
	char boot[40];           /* boot id */
	uint64_t netns;          /* namespace cookie: inode numbers are used again */
	char ifname[IF_NAMESIZE]; /* at creation */
	char perm[68];           /* permanent address in hex, "-" where the device has none */
};

struct afx_state_rec {
	struct afx_state_id id;
	bool has_mtu;
	bool has_mac;
	uint32_t mtu_was;
	uint32_t mtu_set;
	uint8_t mac_was[AFX_MAC_LEN];
	uint8_t mac_set[AFX_MAC_LEN];
};

/* Identity of a device here and now. */
void afx_state_identify(const struct afx_ctl *ctl, const struct afx_netdev_raw *raw,
	struct afx_state_id *id);

/* Whether the record was made for this device. */
bool afx_state_same_device(const struct afx_state_rec *rec, const struct afx_state_id *id,
	const struct afx_netdev_raw *raw);

/* Content of the file: 0, -ENODATA where it holds no complete record, or -errno. */
int afx_state_read(int fd, struct afx_state_rec *rec);
int afx_state_write(int fd, const struct afx_state_rec *rec);

/*
 * Put back the values that the device still has as they were set. Returns how many were put back,
 * or the first error with err filled (the others are tried all the same). 0 where device is gone.
 */
int afx_state_apply(struct afx_ctl *ctl, int ifindex, const struct afx_state_rec *rec,
	struct afx_err *err);

#endif

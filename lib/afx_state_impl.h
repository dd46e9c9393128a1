/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The record of afx_state as content (afx_state_record.c), apart from the file's locks and life
 * (afx_state.c), and the slots behind it for what afx_tune changed (afx_tune_slot.c).
 */
#ifndef AFX_STATE_IMPL_H
#define AFX_STATE_IMPL_H

#include "afx_irq.h"
#include "afx_netdev_impl.h"
#include "afx_netdev_napi.h"
#include "afx_state.h"

/* Bytes of the record; slots follow. */
#define AFX_STATE_RECORD_BYTES 512

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

/* One change of afx_tune. */
enum afx_tune_kind {
	AFX_TUNE_NONE,
	AFX_TUNE_NAPI,
	AFX_TUNE_IRQ,
};

struct afx_tune_entry {
	enum afx_tune_kind kind;
	uint32_t id;             /* of the NAPI, or number of the interrupt */
	struct afx_napi_params was;
	struct afx_napi_params set;
	char cpus_was[AFX_CPULIST_LEN];
	char cpus_set[AFX_CPULIST_LEN];
};

struct afx_state {
	int fd;                  /* -1: no file, the record is in memory only */
	int ifindex;
	bool ahead;              /* rec holds what could not be written to the file */
	char path[96];
	struct afx_state_rec rec;
	struct afx_tune_entry *tuned; /* what this handle changed */
	unsigned int tuned_cnt;
};

/* The mutex of the file, waited for until a deadline: 0 or -errno. Only where there is a file. */
int afx_state_lock(struct afx_state *st);
void afx_state_unlock(struct afx_state *st);

/* Identity of a device here and now. */
void afx_state_identify(const struct afx_ctl *ctl, const struct afx_netdev_raw *raw,
	struct afx_state_id *id);

/* Whether boot, namespace and permanent address fit: all but the name. */
bool afx_state_same_kind(const struct afx_state_rec *rec, const struct afx_state_id *id);

/* Whether the record was made for this device. */
bool afx_state_same_device(const struct afx_state_rec *rec, const struct afx_state_id *id,
	const struct afx_netdev_raw *raw);

/* The same of the device that has an index here and now; false where there is none. */
bool afx_state_is_of(struct afx_ctl *ctl, int ifindex, const struct afx_state_rec *rec);

/* Content of the file: 0, -ENODATA where it holds no complete record, or -errno. */
int afx_state_read(int fd, struct afx_state_rec *rec);
int afx_state_write(int fd, const struct afx_state_rec *rec);

/*
 * Slots, under the mutex. A slot is written whole or not at all, whenever the writer is killed.
 * read gives all of them, empty ones too, as a list to free: 0 or -errno.
 */
int afx_slots_read(int fd, struct afx_tune_entry **list, unsigned int *cnt);
int afx_slots_write(int fd, unsigned int index, const struct afx_tune_entry *e);

/* Whether no slot holds anything. */
bool afx_slots_empty(int fd);

/*
 * Put one change back: 1 done, 0 nothing to do, or -errno with err filled. fd: the file whose slots
 * tell which NAPIs are others', or -1.
 */
int afx_tune_put_back(struct afx_ctl *ctl, int ifindex, int fd, const struct afx_tune_entry *e,
	struct afx_err *err);

/* Put back everything the slots hold, as afx_state_apply. */
int afx_tune_apply(struct afx_ctl *ctl, int ifindex, int fd, struct afx_err *err);

/*
 * Put back the values that the device still has as they were set. Returns how many were put back,
 * or the first error with err filled (the others are tried all the same). 0 where device is gone.
 */
int afx_state_apply(struct afx_ctl *ctl, int ifindex, const struct afx_state_rec *rec,
	struct afx_err *err);

#endif

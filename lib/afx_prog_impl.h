/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the afx_prog*.c files and by nobody else: the handle, a program before load
 * (afx_prog_load.c), a program running in the kernel (afx_prog_find.c), the ways to attach.
 */
#ifndef AFX_PROG_IMPL_H
#define AFX_PROG_IMPL_H

#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "afx_err.h"
#include "afx_prog.h"
#include "bpf/afx_rule.h"

/* Every descriptor is -1 where absent. */
struct afx_prog {
	int ifindex;
	enum afx_attach attach;
	enum afx_xdp_mode mode;
	bool own;                /* our own program, not cfg->object, not somebody's map */
	bool joined;             /* found running, not loaded by this handle */
	uint32_t id;
	uint32_t map_entries;
	int link_fd;
	int prog_fd;
	int map_fd;
};

/* Close what is open, which detaches a link nobody else holds. Runs twice safely. */
void afx_prog_release_fds(struct afx_prog *prog);

/*
 * What libbpf and libxdp print between begin and end on this thread is kept back, and the one line
 * worth repeating stays in reason: the driver's extack, else the verifier's verdict, else the first
 * warning. Their print function is process-global: other threads' messages go where they went
 * before, and the previous function is put back by end.
 */
struct afx_prog_log {
	int rank;
	char reason[160];        /* "" where nothing was said */
};
void afx_prog_log_begin(struct afx_prog_log *log);
void afx_prog_log_end(void);
/* Take in a message of another library on the thread of begin; false where none is collecting. */
bool afx_prog_log_add(bool warning, const char *fmt, va_list ap);

/* A program opened from the embedded or a custom object; all zero is absent. */
struct afx_xdp_bpf;
struct afx_prog_obj {
	struct afx_xdp_bpf *skel;    /* own program */
	struct bpf_object *obj;      /* owned by skel where that is set */
	struct bpf_program *prog;
	struct bpf_map *map;
	bool loaded;
};
/* Open and specialise, nothing in the kernel yet. */
int afx_prog_obj_open(struct afx_prog_obj *o, const struct afx_prog_cfg *cfg, struct afx_err *err);
int afx_prog_obj_load(struct afx_prog_obj *o, const struct afx_prog_cfg *cfg, struct afx_err *err);
void afx_prog_obj_close(struct afx_prog_obj *o);
/* Give prog descriptors of its own of the loaded program and map, and their figures. */
int afx_prog_obj_take(const struct afx_prog_obj *o, struct afx_prog *prog, struct afx_err *err);

/* The XDP programs of an interface by mode, 0 where none. */
struct afx_prog_ids {
	uint32_t id[3];          /* by enum afx_xdp_mode */
};
int afx_prog_query(int ifindex, struct afx_prog_ids *ids, struct afx_err *err);

/* A program found in the kernel, with descriptors on it and on its XSKMAP. */
struct afx_prog_running {
	uint32_t id;
	char name[BPF_OBJ_NAME_LEN];
	uint8_t tag[BPF_TAG_SIZE];
	int prog_fd;
	int map_fd;              /* -1: no XSKMAP of our map name */
	uint32_t map_entries;
	bool signature;          /* carries our magic; cfg is valid */
	struct afx_xdp_cfg cfg;
};
/* Returns 0 or plain -errno: -ENOENT gone meanwhile, -EPERM without CAP_SYS_ADMIN. */
int afx_prog_running_open(uint32_t id, struct afx_prog_running *r);
void afx_prog_running_close(struct afx_prog_running *r);
/*
 * Whether cfg can share the running program: 1 yes, 0 it is not ours, -errno with err filled when
 * it is ours but does not fit. Loads o for a custom object, whose tag is only known then.
 */
int afx_prog_running_match(const struct afx_prog_running *r, const struct afx_prog_cfg *cfg,
	struct afx_prog_obj *o, struct afx_err *err);
/* Whether a program of ours goes by this name, alone or in a dispatcher. */
bool afx_prog_name_is_ours(const char *name);
/* Move the descriptors of r into prog, as joined. */
void afx_prog_running_take(struct afx_prog_running *r, struct afx_prog *prog);

/* Descriptor of the XDP link of (ifindex, program), or -ENOENT, -EPERM. */
int afx_prog_find_link(int ifindex, uint32_t prog_id);
/* Fill err with -EPERM: whose the program is needs a capability to see; returns -EPERM. */
int afx_prog_hidden(int ifindex, uint32_t id, struct afx_err *err);
/* Fill err with -EBUSY naming the foreign program and the remedy; returns -EBUSY. */
int afx_prog_foreign(int ifindex, enum afx_xdp_mode mode, uint32_t id, struct afx_err *err);

/* Whether fd is an XSKMAP: 0 and its size, or plain -errno (-EINVAL: something else). */
int afx_prog_map_check(int fd, uint32_t *entries);

/* "name" of the interface, or "ifindex N". */
struct afx_prog_ifname {
	char text[32];
};
struct afx_prog_ifname afx_prog_ifname(int ifindex);
const char *afx_prog_mode_name(enum afx_xdp_mode mode);
uint32_t afx_prog_mode_flag(enum afx_xdp_mode mode);

/* The attachments; each fills prog or leaves what afx_prog_release_fds can close. */
int afx_prog_link_open(struct afx_prog *prog, const struct afx_prog_cfg *cfg,
	struct afx_err *err);
int afx_prog_dispatcher_open(struct afx_prog *prog, const struct afx_prog_cfg *cfg,
	struct afx_err *err);
void afx_prog_dispatcher_detach(struct afx_prog *prog);

#endif

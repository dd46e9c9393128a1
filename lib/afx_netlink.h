/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Netlink transport: a socket to the kernel, requests with acknowledgement, dumps, and bounded
 * building and parsing of attributes. Knows nothing of what is asked; see afx_netdev for that.
 *
 * A message is never trusted to be well formed: every length is checked against what was received.
 * Every wait has a deadline. Threads: any; requests on one struct afx_nl wait for each other.
 */
#ifndef AFX_NETLINK_H
#define AFX_NETLINK_H

#include <linux/netlink.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "afx_err.h"

/* The kernel fills dump datagrams up to 32 KiB when the reader's buffer is as large. */
#define AFX_NL_RECV_BYTES 32768
/* Longest request: a link change is below 200 bytes, an altname adds 128. */
#define AFX_NL_MSG_BYTES 1024

/* A socket. fd is -1 when closed. */
struct afx_nl {
	int fd;
	pthread_mutex_t lock;    /* held for a request and its answer */
	uint32_t seq;            /* of the last request */
	int timeout_ms;          /* longest wait for the next datagram of an answer */
	char extack[160];        /* the kernel's words on the last request, "" where it had none */
	uint8_t buf[AFX_NL_RECV_BYTES] __attribute__((aligned(8)));
};

/*
 * Open a socket to the kernel in the caller's network namespace: NETLINK_ROUTE or NETLINK_GENERIC,
 * with extended acknowledgements and strict checking. Returns 0 or -errno with err filled and
 * nl->fd -1. Syscalls: socket, setsockopt, connect, close.
 */
int afx_nl_open(int protocol, struct afx_nl *nl, struct afx_err *err);

/* Close; twice is allowed. Syscalls: close. */
void afx_nl_close(struct afx_nl *nl);

/* A request under construction. Too much content marks it full, which sending reports. */
struct afx_nl_msg {
	char what[128];          /* for error texts: the request in words */
	uint32_t len;
	bool full;
	uint8_t buf[AFX_NL_MSG_BYTES] __attribute__((aligned(8)));
};

/*
 * Begin a request: message type, the family's fixed header, and the request in words. Flags that
 * the caller sets in the message's header (NLM_F_CREATE, NLM_F_EXCL) are sent along.
 */
void afx_nl_msg_init(struct afx_nl_msg *msg, uint16_t type, const void *hdr, size_t hdr_len,
	const char *what, ...) __attribute__((format(printf, 5, 6)));

/* Append an attribute. */
void afx_nl_put(struct afx_nl_msg *msg, uint16_t type, const void *data, size_t len);
void afx_nl_put_u32(struct afx_nl_msg *msg, uint16_t type, uint32_t value);
void afx_nl_put_str(struct afx_nl_msg *msg, uint16_t type, const char *s);

/*
 * Called for each message of an answer, whose length has been checked. A negative return value
 * becomes that of the request. nh NULL: the dump was disturbed by a change and starts again, forget
 * what came so far.
 */
typedef int (*afx_nl_cb)(const struct nlmsghdr *nh, void *arg);

/*
 * Send and wait for the acknowledgement; cb (may be NULL) sees the answers before it. Returns 0 or
 * -errno, err naming the request, the errno and the kernel's explanation (also in nl->extack).
 * -ETIMEDOUT: no answer in time; -EBADMSG: malformed answer. Syscalls: send, poll, recvmsg.
 */
int afx_nl_request(struct afx_nl *nl, struct afx_nl_msg *msg, afx_nl_cb cb, void *arg,
	struct afx_err *err);

/* The same for a dump, repeated while changes disturb it. -EAGAIN: disturbed every time. */
int afx_nl_dump(struct afx_nl *nl, struct afx_nl_msg *msg, afx_nl_cb cb, void *arg,
	struct afx_err *err);

/* Id of a generic netlink family; -ENOENT where the kernel has none of that name. */
int afx_nl_genl_family(struct afx_nl *nl, const char *name, uint16_t *id, struct afx_err *err);

/* An attribute found; data NULL where absent. data points into the message, 4-byte aligned. */
struct afx_nl_attr {
	const void *data;
	uint32_t len;
};

/* The next message of a datagram of *left bytes at *pos, or NULL; *left is 0 after the last one. */
const struct nlmsghdr *afx_nl_next(const void **pos, size_t *left);

/*
 * Attributes of a message behind a family header of hdr_len bytes, or inside an attribute, by type;
 * types above max are ignored and of repeated ones the last counts. tb has max + 1 elements, all of
 * them set. Returns 0, or -EBADMSG where a length is wrong (tb then holds what came before).
 */
int afx_nl_parse(const struct nlmsghdr *nh, size_t hdr_len, struct afx_nl_attr *tb,
	unsigned int max);
int afx_nl_parse_nested(const struct afx_nl_attr *nest, struct afx_nl_attr *tb, unsigned int max);

/* Family header of a message, or NULL where the message is shorter than it. */
const void *afx_nl_header(const struct nlmsghdr *nh, size_t hdr_len);

/* Value of an attribute, or otherwise where it is absent or too short. */
uint8_t afx_nl_u8(const struct afx_nl_attr *a, uint8_t otherwise);
uint16_t afx_nl_u16(const struct afx_nl_attr *a, uint16_t otherwise);
uint32_t afx_nl_u32(const struct afx_nl_attr *a, uint32_t otherwise);
uint64_t afx_nl_u64(const struct afx_nl_attr *a, uint64_t otherwise);

/* Copy a string attribute, cut to size - 1 and terminated; "" where absent. */
void afx_nl_str(const struct afx_nl_attr *a, char *s, size_t size);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Busy polling and tuning of a started port: what is known of each queue's NAPI, interrupt and
 * polling CPU, what was changed, what would help. Private memory of the primary (struct xsk_proc).
 *
 * start and stop run with the port's control functions; between them an alarm on EAL's interrupt
 * thread looks again, which stop ends first.
 */
#ifndef XSK_TUNE_H
#define XSK_TUNE_H

#include "afx_irq.h"
#include "xsk.h"

#define XSK_ADVICE_MAX 32
#define XSK_ADVICE_LEN 320

/* A queue of the port. */
struct xsk_tune_queue {
	uint32_t napi;           /* of Rx, 0 where the kernel does not say */
	uint32_t irq;            /* 0 where there is none or it cannot be told */
	char irq_cpus[AFX_CPULIST_LEN]; /* where the interrupt is delivered */
	int poll_cpu;            /* CPU of the last look at a receive burst, -1 not seen */
	bool deferred;           /* NAPI parameters are ours */
	bool moved;              /* so are the CPUs of its interrupt */
};

struct xsk_tune {
	struct xsk_tune_queue *queue;
	uint16_t cnt;
	char online[AFX_CPULIST_LEN];
	int nic_node;            /* NUMA nodes, -1 where unknown */
	int pool_node;
	uint64_t page_bytes;     /* smallest page of the registered memory */
	bool irqbalance;         /* runs on this machine */
	uint32_t rx_usecs;       /* interrupt coalescing, UINT32_MAX where not told */
	bool adaptive_rx;
	uint32_t tx_budget;      /* packets a copy-mode kick may send, 0 in zero-copy */
	uint64_t tx_sndbuf;      /* bytes they may hold in the kernel */
	long busy_read;          /* sysctl net.core, microseconds, -1 where not told */
	long busy_poll;
	char advice[XSK_ADVICE_MAX][XSK_ADVICE_LEN];
	uint32_t advice_cnt;
	uint32_t advised;        /* already in the log */
	uint32_t looks;          /* of the alarm */
};

/* xsk_busy.c: busy polling of one queue, decided when its socket is bound or at a later look. */
void xsk_busy_open(struct rte_eth_dev *dev, uint16_t qid);
/* true while some queue that should busy-poll has had no NAPI yet. */
bool xsk_busy_look(struct rte_eth_dev *dev);
/* Whether NAPI and application must share: every CPU of the list is one of the lcores'. */
bool xsk_busy_shares(const char *irq_cpus, const char *online);
bool xsk_is_lcore_cpu(unsigned int cpu);
/* Set the parameters of a NAPI: those given, else those of a busy-polled one. */
bool xsk_defer(struct rte_eth_dev *dev, uint32_t napi);

/* xsk_tune.c: after every queue is open; before any is closed. Never a reason to fail. */
void xsk_tune_start(struct rte_eth_dev *dev);
void xsk_tune_stop(struct rte_eth_dev *dev);
/* For other threads: what a port has, or NULL; release in any case. */
const struct xsk_tune *xsk_tune_hold(const struct rte_eth_dev *dev);
void xsk_tune_release(void);
/* Take the process's part away from telemetry; it can be freed then. */
void xsk_tune_hide(struct rte_eth_dev *dev);

/* xsk_tune_look.c: which CPU polls which queue, found out for a moment after the start. */
void xsk_tune_look_start(struct rte_eth_dev *dev);
void xsk_tune_look_stop(struct rte_eth_dev *dev);

/* xsk_tune_report.c: gathers facts, and from them the advice; writes new advice to the log. */
void xsk_tune_gather(struct rte_eth_dev *dev);
void xsk_tune_advise(struct rte_eth_dev *dev);

/* xsk_telemetry.c: registration; the port that a parameter names, or NULL; a long text. */
void xsk_telemetry_init(void);
const struct rte_eth_dev *xsk_tel_port(const char *params);
void xsk_tel_text(struct rte_tel_data *d, const char *name, const char *text);

/* xsk_tune_tel.c: /net_xsk/tune */
void xsk_tune_telemetry_init(void);

#endif

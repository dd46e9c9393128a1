/* SPDX-License-Identifier: BSD-3-Clause */
/* What a queue counts: its bursts, and the kernel for it. Nothing but 64-bit counters. */
#ifndef XSK_COUNTERS_H
#define XSK_COUNTERS_H

#include <stdint.h>

/* Counters of the kernel for one queue, summed over the sockets it had. */
struct xsk_kstats {
	uint64_t rx_dropped;
	uint64_t rx_ring_full;
	uint64_t rx_fill_empty;
	uint64_t rx_invalid;
	uint64_t tx_invalid;
	uint64_t tx_ring_empty;
};

struct xsk_rx_stats {
	uint64_t pkts;
	uint64_t bytes;
	uint64_t nombuf;         /* refills that found the pool short */
	uint64_t bad_desc;       /* descriptors that name no frame of ours or overrun it */
	uint64_t chains;         /* packets handed on as several mbufs */
	uint64_t bad_chain;      /* packets of several frames lost to a bad descriptor */
	uint64_t drop_segs;      /* packets of more frames than the queue takes */
	uint64_t wakeups;        /* recvfrom calls */
	uint64_t wakeup_errors;
	uint64_t tx_flushes;     /* kicks for packets that a transmit burst had to leave behind */
	uint64_t tx_flush_drops; /* refused by the device in such a kick */
};

struct xsk_tx_stats {
	uint64_t pkts;
	uint64_t bytes;
	uint64_t zero_copy;      /* sent from where they lay */
	uint64_t bounce_outside; /* copied: outside the span */
	uint64_t bounce_gone;    /* copied: page freed since registration */
	uint64_t bounce_straddle; /* copied: crosses a page the NIC cannot follow */
	uint64_t bounce_external; /* copied: external buffer outside the span */
	uint64_t bounce_chain;   /* copied: chain gathered into one frame */
	uint64_t chains;         /* packets sent as several descriptors */
	uint64_t drop_long;      /* longer than a frame */
	uint64_t drop_segs;      /* more descriptors than the kernel takes, no frame holds it */
	uint64_t drop_short;     /* shorter than an Ethernet header */
	uint64_t drop_malformed; /* segment lengths that contradict each other */
	uint64_t drop_device;    /* taken by the kernel, refused by the device */
	uint64_t nombuf;         /* no frame to copy into: not consumed */
	uint64_t bad_comp;       /* completions that name nothing in flight */
	uint64_t busy_off;       /* busy polling switched off because nothing left */
	uint64_t wakeups;        /* sendto calls */
	uint64_t wakeup_errors;
};

#endif

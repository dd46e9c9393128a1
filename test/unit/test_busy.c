/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which queues busy-poll and how: by number wherever there is a NAPI, with busy_poll=auto only
 * where lcores have every CPU the NAPI may run on, and without preference where Tx may have a NAPI
 * of its own. A NAPI that comes with the first packets is found at a later look.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "afx_test.h"
#include "fake_port.h"

static struct rte_mempool *pool;
static struct fake_port port;

static void
open_port(bool zc, uint32_t rx_napi, uint32_t tx_napi, bool automatic)
{
	struct fake_cfg cfg = { .mp = pool, .rx_queues = 1, .tx_queues = 1, .zc = zc,
		.umem = XSK_UMEM_POOL, .busy = true, .busy_auto = automatic };
	struct afx_err err = { 0 };

	fake_napi.rx = rx_napi;
	fake_napi.tx = tx_napi;
	fake_napi.on = 0;
	CHECK_EQ(fake_port_open(&port, &cfg, &err), 0);
}

static const struct xsk_rxq *
rxq(void)
{
	return port.rxq[0];
}

static const struct xsk_txq *
txq(void)
{
	return port.txq[0];
}

static void
preference(void)
{
	/* One NAPI for both: preferred, and watched. */
	open_port(true, 5, 5, false);
	CHECK(rxq()->busy && txq()->busy && fake_napi.prefer);
	CHECK(port.port.busy);
	fake_port_close(&port);
	/* Two of them: polled without preference, so that Tx is woken. */
	open_port(true, 5, 6, false);
	CHECK(rxq()->busy && !txq()->busy && !fake_napi.prefer);
	fake_port_close(&port);
	/* Not told: the same. */
	fake_napi.untold = true;
	open_port(true, 5, 5, false);
	CHECK(rxq()->busy && !txq()->busy && !fake_napi.prefer);
	fake_port_close(&port);
	/* Copy mode sends by itself. */
	open_port(false, 5, 6, false);
	CHECK(rxq()->busy && fake_napi.prefer);
	fake_port_close(&port);
	fake_napi.untold = false;
}

static void
late(void)
{
	open_port(true, 0, 0, false);
	CHECK_EQ(fake_napi.on, 0);
	CHECK(!rxq()->busy && !port.port.busy);
	CHECK_TEXT(port.port.busy_why, "no NAPI");
	CHECK(xsk_busy_look(&port.dev));
	fake_napi.rx = fake_napi.tx = 9;
	CHECK(!xsk_busy_look(&port.dev));
	CHECK(rxq()->busy && port.port.busy);
	CHECK_EQ(port.port.busy_why[0], 0);
	CHECK_EQ(fake_napi.on, 1);
	CHECK(!xsk_busy_look(&port.dev));
	CHECK_EQ(fake_napi.on, 1);
	fake_port_close(&port);
}

/* EAL runs with lcore 0 on CPU 0 alone. */
static void
sharing(void)
{
	CHECK(xsk_is_lcore_cpu(0) && !xsk_is_lcore_cpu(1) && !xsk_is_lcore_cpu(1u << 20));
	CHECK(xsk_busy_shares("0", "0-3"));
	CHECK(!xsk_busy_shares("1", "0-3"));
	CHECK(!xsk_busy_shares("0-1", "0-3"));
	/* A CPU that is not online takes no interrupts. */
	CHECK(xsk_busy_shares("0-1", "0"));
	open_port(true, 5, 5, true);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		CHECK(!rxq()->busy && !port.port.busy);
		CHECK_TEXT(port.port.busy_why, "beside the lcores");
		CHECK(!xsk_busy_look(&port.dev));
	} else {
		CHECK(rxq()->busy);
	}
	fake_port_close(&port);
}

int
main(void)
{
	const struct fake_pool_cfg cfg = { .n = 512 };

	fake_eal("test_busy");
	pool = fake_pool("busy", &cfg);
	preference();
	late();
	sharing();
	fake_pool_free(pool);
	return afx_test_end();
}

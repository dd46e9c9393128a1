/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where multi-buffer is used: by what was asked for, what kernel and driver have, and what the MTU
 * needs; what is refused and in which words; what dev_info says.
 */
#include <errno.h>
#include <string.h>

#include "afx_sg.h"
#include "afx_test.h"
#include "fake_port.h"

#define POOL 256
#define BIG 9000

static struct fake_port port;
static struct rte_mempool *mp;
static struct xsk_bind how;
static struct afx_err err;

/* A stopped port with two queues each way, 64 descriptors. */
static void
begin(const struct fake_cfg *like)
{
	struct fake_cfg cfg = *like;

	cfg.mp = mp;
	cfg.rx_queues = 2;
	cfg.tx_queues = 2;
	cfg.overlap = true;
	cfg.rx_desc = cfg.rx_desc ? cfg.rx_desc : 64;
	memset(&err, 0, sizeof(err));
	CHECK_EQ(fake_port_open(&port, &cfg, &err), 0);
	xsk_stop(&port.dev);
	how = (struct xsk_bind){ .got = cfg.zc ? XSK_GOT_ZC : XSK_GOT_COPY, .overlap = true,
		.layouts = port.lay, .layouts_cnt = 2 };
}

static void
end(void)
{
	fake_port_close(&port);
	CHECK_EQ(rte_mempool_avail_count(mp), mp->size);
}

static int
choose(uint32_t mtu)
{
	err.text[0] = '\0';
	return xsk_sg_choose(&port.dev, &how, mtu, &err);
}

static void
copy_mode(void)
{
	const struct fake_cfg plain = { 0 }, both = { .sg = true };
	const struct fake_cfg tx = { .sg = true, .no_scatter = true };

	begin(&plain);
	CHECK_EQ(choose(1500), 0);
	CHECK(!how.sg && !how.frags);
	/* That this MTU does not fit is not this function's business: nothing was asked for. */
	CHECK_EQ(choose(BIG), 0);
	CHECK(!how.sg);
	end();
	begin(&both);
	CHECK_EQ(choose(1500), 0);
	CHECK(how.sg && how.frags);
	CHECK_EQ(choose(BIG), 0);
	CHECK(how.sg && how.frags);
	/* Somebody else's program must know of frames only if there are any. */
	snprintf(port.port.args.xdp_prog, sizeof(port.port.args.xdp_prog), "x.o");
	CHECK_EQ(choose(1500), 0);
	CHECK(how.sg && !how.frags);
	CHECK_EQ(choose(BIG), 0);
	CHECK(how.sg && how.frags);
	CHECK_EQ(port.port.sg.why[0], 0);
	end();
	begin(&tx);
	CHECK_EQ(choose(1500), 0);
	CHECK(how.sg && !how.frags);
	end();
}

static void
old_kernel(void)
{
	const struct fake_cfg both = { .sg = true };
	struct rte_eth_dev_info info = { 0 };

	begin(&both);
	port.port.sg.kernel = false;
	CHECK_EQ(choose(1500), 0);
	CHECK(!how.sg && !how.frags);
	CHECK_TEXT(port.port.sg.why, "Linux 6.6): chains are gathered by a copy");
	CHECK_EQ(choose(2034), 0);
	CHECK_EQ(choose(2035), -EMSGSIZE);
	CHECK_TEXT(err.text, "need 2049 bytes");
	CHECK_TEXT(err.text, "room for 2048");
	CHECK_TEXT(err.text, "Linux 6.6");
	CHECK_TEXT(err.text, "MTU of at most 2034");
	CHECK(strstr(err.text, "mode=copy") == NULL);
	xsk_sg_info(&port.dev, &info);
	CHECK_EQ(info.rx_offload_capa, 0);
	CHECK_EQ(info.tx_offload_capa, RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	CHECK_EQ(xsk_sg_max_frame(&port.dev, port.rxq[0]), 2048);
	end();
}

static void
zero_copy(void)
{
	struct fake_cfg cfg = { .sg = true, .zc = true };
	struct rte_eth_dev_info info = { 0 };

	begin(&cfg);
	port.port.sg.zc_driver = true;
	port.port.sg.zc_segs = 1;
	snprintf(port.port.driver, sizeof(port.port.driver), "igb");
	CHECK_EQ(choose(1500), 0);
	CHECK(!how.sg && !how.frags);
	CHECK_TEXT(port.port.sg.why, "driver igb takes one frame a packet in zero-copy: chains "
		"are gathered by a copy");
	/* Zero-copy is not given up without a word. */
	CHECK_EQ(choose(BIG), -EMSGSIZE);
	CHECK_TEXT(err.text, "driver igb takes one frame a packet in zero-copy");
	CHECK_TEXT(err.text, "mode=copy receives them by a copy");
	CHECK_TEXT(err.text, "with zero-copy an MTU of at most 2034");
	xsk_sg_info(&port.dev, &info);
	CHECK_EQ(info.rx_offload_capa, RTE_ETH_RX_OFFLOAD_SCATTER);
	port.port.args.mode = XSK_MODE_ZC;
	xsk_sg_info(&port.dev, &info);
	CHECK_EQ(info.rx_offload_capa, 0);
	CHECK_EQ(info.tx_offload_capa, RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	CHECK_EQ(info.tx_desc_lim.nb_seg_max, RTE_MBUF_MAX_NB_SEGS);
	/* Drivers that join frames: 9014 bytes are 6 of 1664, what the kernel leaves of 2048. */
	port.port.sg.zc_segs = 6;
	CHECK_EQ(choose(BIG), 0);
	CHECK(how.sg && how.frags);
	xsk_sg_info(&port.dev, &info);
	CHECK_EQ(info.rx_offload_capa, RTE_ETH_RX_OFFLOAD_SCATTER);
	CHECK_EQ(info.tx_desc_lim.nb_seg_max, 6);
	port.port.sg.zc_segs = 5;
	CHECK_EQ(choose(BIG), -EMSGSIZE);
	CHECK_TEXT(err.text, "joins at most 5 in zero-copy");
	end();
}

static void
depth(void)
{
	const struct fake_pool_cfg tiny = { .n = 70 };
	struct fake_cfg cfg = { .sg = true };
	struct rte_mempool *whole = mp;

	cfg.rx_desc = 32;
	begin(&cfg);
	CHECK_EQ(choose(32 * 2048 - RTE_ETHER_HDR_LEN), 0);
	CHECK_EQ(choose(UINT16_MAX), -ENOBUFS);
	CHECK_TEXT(err.text, "takes 33 mbufs of mempool whole, the queue has 32 descriptors");
	end();
	/* Two queues of one pool. */
	mp = fake_pool("tiny", &tiny);
	cfg.rx_desc = 64;
	begin(&cfg);
	CHECK_EQ(choose(35 * 2048 / 2), 0);
	CHECK_EQ(choose(UINT16_MAX), 0);
	fake_port_close(&port);
	fake_pool_free(mp);
	mp = fake_pool("tiny", &(struct fake_pool_cfg){ .n = 65 });
	begin(&cfg);
	CHECK_EQ(choose(UINT16_MAX), -ENOBUFS);
	CHECK_TEXT(err.text, "mempool tiny has 65 mbufs, its queues need 66");
	/* While running the same is asked at a change of MTU. */
	port.port.sg.on = true;
	port.port.got = XSK_GOT_COPY;
	CHECK_EQ(xsk_sg_check_mtu(&port.dev, UINT16_MAX, &err), -ENOBUFS);
	CHECK_EQ(xsk_sg_check_mtu(&port.dev, BIG, &err), 0);
	port.port.sg.on = false;
	CHECK_EQ(xsk_sg_check_mtu(&port.dev, UINT16_MAX, &err), 0);
	end();
	fake_pool_free(mp);
	mp = whole;
}

static void
limits(void)
{
	struct fake_cfg cfg = { .sg = true };
	struct rte_eth_dev_info info = { 0 };

	begin(&cfg);
	xsk_sg_info(&port.dev, &info);
	CHECK_EQ(info.tx_desc_lim.nb_seg_max, 18);
	CHECK_EQ(info.tx_desc_lim.nb_mtu_seg_max, 18);
	/* 65549 bytes in rooms of 1792. */
	CHECK_EQ(info.rx_desc_lim.nb_seg_max, 37);
	CHECK_EQ(xsk_sg_max_frame(&port.dev, port.rxq[0]), XSK_FRAME_MAX);
	snprintf(port.port.driver, sizeof(port.port.driver), "virtio_net");
	xsk_sg_info(&port.dev, &info);
	CHECK_EQ(info.tx_desc_lim.nb_seg_max, 8);
	end();
	cfg.no_scatter = true;
	begin(&cfg);
	CHECK_EQ(xsk_sg_max_frame(&port.dev, port.rxq[0]), 2048);
	end();
	/* By the port instead of the queue. */
	cfg.sg = false;
	begin(&cfg);
	CHECK(!xsk_sg_rx_asked(&port.dev, port.rxq[0]));
	CHECK(!xsk_sg_tx_asked(&port.dev, port.txq[0]));
	port.data.dev_conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
	port.data.dev_conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	CHECK(xsk_sg_rx_asked(&port.dev, port.rxq[0]));
	CHECK(xsk_sg_tx_asked(&port.dev, port.txq[0]));
	end();
	CHECK(afx_sg_skb_frags() >= AFX_SKB_FRAGS_MIN);
}

int
main(void)
{
	const struct fake_pool_cfg cfg = { .n = POOL };

	fake_eal("test_sg");
	mp = fake_pool("whole", &cfg);
	copy_mode();
	old_kernel();
	zero_copy();
	depth();
	limits();
	rte_eal_cleanup();
	return afx_test_end();
}

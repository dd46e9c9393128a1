/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a port costs to have: time to bring it up and down, and kernel memory while it is up.
 *
 *   xsk_start EAL-OPTIONS -- DRIVER INTERFACE QUEUES MBUFS
 *
 * Prints one line of name=value. up is probe, configure, queue setup and start (drivers differ in
 * where they do their work), down is stop and close, in microseconds. umem, heads, slab are bytes:
 * growth of what the kernel lists as xdp_umem_create and xp_create in /proc/vmallocinfo, and of
 * unreclaimable slab. Public API only. For figures, judges nothing.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_bus.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#define DESC 512

int ioctl(int fd, unsigned long req, ...);

/* veth counts rx and tx channels; net_af_xdp looks at combined ones only. */
int
ioctl(int fd, unsigned long req, ...)
{
	struct ethtool_channels *ch;
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, req);
	arg = va_arg(ap, void *);
	va_end(ap);
	ret = syscall(SYS_ioctl, fd, req, arg);
	if (ret < 0 || req != SIOCETHTOOL)
		return ret;
	ch = (struct ethtool_channels *)((struct ifreq *)arg)->ifr_data;
	if (ch->cmd != ETHTOOL_GCHANNELS || ch->max_combined != 0)
		return ret;
	ch->max_combined = ch->max_rx;
	ch->combined_count = ch->rx_count;
	ch->rx_count = ch->tx_count = 0;
	return ret;
}

struct books {
	unsigned long long umem;
	unsigned long long heads;
	unsigned long long slab;
};

/* What the kernel has for AF_XDP now; of the whole machine. */
static struct books
read_books(void)
{
	FILE *f = fopen("/proc/vmallocinfo", "re");
	struct books b = { 0 };
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		unsigned long long size = 0;

		sscanf(line, "%*s %llu", &size);
		if (strstr(line, " xdp_umem_") != NULL)
			b.umem += size;
		else if (strstr(line, " xp_create") != NULL)
			b.heads += size;
	}
	if (f != NULL)
		fclose(f);
	f = fopen("/proc/meminfo", "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "SUnreclaim: %llu", &b.slab) == 1)
			b.slab <<= 10;
	if (f != NULL)
		fclose(f);
	return b;
}

static uint64_t
now_us(void)
{
	return rte_get_timer_cycles() * 1000000 / rte_get_timer_hz();
}

static int
bring_up(uint16_t queues, struct rte_mempool *mp)
{
	const struct rte_eth_conf conf = { 0 };

	if (rte_eth_dev_configure(0, queues, queues, &conf) < 0)
		return -1;
	for (uint16_t q = 0; q < queues; q++)
		if (rte_eth_rx_queue_setup(0, q, DESC, 0, NULL, mp) < 0 ||
				rte_eth_tx_queue_setup(0, q, DESC, 0, NULL) < 0)
			return -1;
	return rte_eth_dev_start(0);
}

int
main(int argc, char **argv)
{
	char args[128], name[32];
	struct books before, after;
	struct rte_mempool *mp;
	uint64_t t0, t1, t2, t3;
	int used, queues;

	used = rte_eal_init(argc, argv);
	if (used < 0 || argc - used != 5)
		return 2;
	queues = atoi(argv[used + 3]);
	mp = rte_pktmbuf_pool_create("mbufs", atoi(argv[used + 4]), 256, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (mp == NULL)
		return 2;
	snprintf(name, sizeof(name), "%s0", argv[used + 1]);
	snprintf(args, sizeof(args), "iface=%s,queue_count=%d", argv[used + 2], queues);
	before = read_books();
	t0 = now_us();
	if (rte_eal_hotplug_add("vdev", name, args) < 0 || bring_up(queues, mp) < 0)
		return 1;
	t1 = now_us();
	after = read_books();
	t2 = now_us();
	if (rte_eth_dev_stop(0) < 0 || rte_eth_dev_close(0) < 0)
		return 1;
	t3 = now_us();
	printf("up=%llu down=%llu umem=%lld heads=%lld slab=%lld\n", (unsigned long long)(t1 - t0),
		(unsigned long long)(t3 - t2), (long long)(after.umem - before.umem),
		(long long)(after.heads - before.heads), (long long)(after.slab - before.slab));
	return rte_eal_cleanup() == 0 ? 0 : 1;
}

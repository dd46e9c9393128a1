/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the running kernel tells of the queues, the driver and the bus of a netdev, on a veth pair
 * v0 and v1 with 4 and 2 queues.
 */
#include <linux/if_xdp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "afx_bus.h"
#include "afx_ethtool.h"
#include "afx_uapi.h"
#include "netdev_pair.h"

/* An AF_XDP socket in copy mode on a queue of v0, with a UMEM of 16 chunks. */
static int
bind_xsk(uint32_t queue)
{
	struct xdp_umem_reg reg = { .len = 16 * 4096, .chunk_size = 4096 };
	struct sockaddr_xdp sx = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_COPY,
		.sxdp_ifindex = v0,
		.sxdp_queue_id = queue,
	};
	int fd, n = 16;
	void *mem;

	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	mem = mmap(NULL, reg.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(mem != MAP_FAILED, "%m");
	reg.addr = (uintptr_t)mem;
	NEED(setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) == 0, "%m");
	NEED(setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &n, sizeof(n)) == 0, "%m");
	NEED(setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &n, sizeof(n)) == 0, "%m");
	NEED(setsockopt(fd, SOL_XDP, XDP_RX_RING, &n, sizeof(n)) == 0, "%m");
	NEED(bind(fd, (struct sockaddr *)&sx, sizeof(sx)) == 0, "bind: %m");
	munmap(mem, reg.len);
	return fd;
}

static bool
kernel_before(unsigned int major, unsigned int minor)
{
	unsigned int have[2] = { 0 };
	struct utsname u;

	NEED(uname(&u) == 0 && sscanf(u.release, "%u.%u", &have[0], &have[1]) == 2, "uname");
	return have[0] < major || (have[0] == major && have[1] < minor);
}

static void
test_queues(void)
{
	struct afx_xdp_features f, none;
	struct afx_channels ch;
	uint32_t napi;
	int fd, ret;

	CHECK_EQ(afx_ethtool_channels(ctl, v0, &ch, &err), 0);
	CHECK_EQ(ch.max_rx, 4);
	CHECK_EQ(ch.max_tx, 4);
	run("ethtool -L v0 rx 3 tx 2");
	CHECK_EQ(afx_ethtool_channels(ctl, v0, &ch, &err), 0);
	CHECK_EQ(ch.rx, 3);
	CHECK_EQ(ch.tx, 2);
	CHECK(ch.from_driver);

	CHECK_EQ(afx_netdev_xdp_features(ctl, v0, &f, &err), 0);
	if (!f.known) {
		printf("note: kernel without netdev-genl, queues not tested\n");
		return;
	}
	CHECK_EQ(afx_netdev_xdp_features(ctl, 9999, &none, &err), -ENODEV);
	CHECK(f.features & AFX_XDP_ACT_BASIC);
	CHECK(f.features & AFX_XDP_ACT_REDIRECT);
	CHECK(!(f.features & AFX_XDP_ACT_XSK_ZEROCOPY));
	ret = afx_netdev_queue_xsk(ctl, v0, 0, &err);
	if (ret == -EOPNOTSUPP) {
		printf("note: kernel without queue-get, queues not tested\n");
		return;
	}
	CHECK_EQ(f.rx_metadata & AFX_RX_METADATA_TIMESTAMP, AFX_RX_METADATA_TIMESTAMP);
	CHECK_EQ(ret, 0);
	fd = bind_xsk(1);
	if (fd < 0) {
		printf("note: no AF_XDP sockets (%s)\n", strerror(-fd));
		return;
	}
	ret = afx_netdev_queue_xsk(ctl, v0, 1, &err);
	if (kernel_before(6, 15))
		printf("note: this kernel does not report bound pools\n");
	else
		CHECK_EQ(ret, 1);
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 0, &err), 0);
	/* In use in neither direction, only for Rx, and never there. */
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 3, &err), -ENODEV);
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 2, &err), 0);
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 1000, &err), -ENODEV);
	CHECK_TEXT(err, "queue 1000");
	CHECK_EQ(afx_netdev_queue_xsk(ctl, 9999, 0, &err), -ENODEV);
	close(fd);
	WAIT_FOR(afx_netdev_queue_xsk(ctl, v0, 1, &err) == 0);
	/* Fewer Rx than Tx queues: the other direction tells. */
	run("ethtool -L v0 rx 2 tx 4");
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 3, &err), 0);
	run("ethtool -L v0 rx 4 tx 4");
	CHECK_EQ(afx_netdev_queue_napi(ctl, v0, 0, true, &napi, &err), 0);
	CHECK_EQ(afx_netdev_queue_napi(ctl, v0, 77, false, &napi, &err), -ENODEV);
	CHECK_EQ(afx_netdev_set_up(ctl, v0, false, &err), 0);
	CHECK_EQ(afx_netdev_queue_xsk(ctl, v0, 0, &err), -ENETDOWN);
	CHECK_EQ(afx_netdev_set_up(ctl, v0, true, &err), 0);
}

/* Interfaces whose driver counts nothing, and other ethtool answers. */
static void
test_ethtool(void)
{
	struct afx_channels ch;
	struct afx_netdev nd;
	struct afx_link link;
	char type[16], deep[4];
	uint64_t mask;

	CHECK_EQ(afx_ethtool_link(ctl, v0, &link, &err), 0);
	CHECK_EQ(link.speed_mbps, 10000);
	CHECK(link.full_duplex);
	CHECK_EQ(afx_ethtool_rss_queues(ctl, v0, &mask, 1, &err), -EOPNOTSUPP);
	run("ip link add br0 type bridge");
	CHECK_EQ(afx_netdev_by_name(ctl, "br0", &nd, &err), 0);
	CHECK_EQ(afx_ethtool_channels(ctl, nd.ifindex, &ch, &err), 0);
	CHECK_EQ(ch.rx, 1);
	CHECK_EQ(ch.tx, 1);
	CHECK(!ch.from_driver);
	CHECK_EQ(afx_ethtool_channels(ctl, 9999, &ch, &err), -ENODEV);
	CHECK_TEXT(err, "ETHTOOL_GCHANNELS");
	/* Renamed: the handle is the index. */
	run("ip link set v1 name other");
	CHECK_EQ(afx_ethtool_channels(ctl, v1, &ch, &err), 0);
	CHECK_EQ(ch.max_rx, 2);
	CHECK(strcmp(get(v1).name, "other") == 0);
	run("ip link set other name v1");

	/* A bus of our own: a device with a domain, one whose parent has it, one without. */
	CHECK_EQ(afx_iommu_type("", type, sizeof(type)), 0);
	CHECK(type[0] == '\0');
	CHECK_EQ(afx_iommu_type("../../etc", type, sizeof(type)), -EINVAL);
	if (mount("tmpfs", "/sys/bus", "tmpfs", 0, NULL) < 0) {
		printf("note: /sys/bus cannot be replaced (%s)\n", strerror(errno));
		return;
	}
	run("cd /sys/bus && mkdir -p pci/devices virtio/devices dev/p1/v1/x dev/p2 g &&"
		" echo DMA-FQ > g/type && echo 1 > dev/p1/numa_node &&"
		" ln -s /sys/bus/g dev/p1/iommu_group &&"
		" ln -s /sys/bus/dev/p1 pci/devices/0000:00:01.0 &&"
		" ln -s /sys/bus/dev/p2 pci/devices/0000:00:02.0 &&"
		" ln -s /sys/bus/dev/p1/v1 virtio/devices/virtio1");
	CHECK_EQ(afx_iommu_type("0000:00:01.0", type, sizeof(type)), 0);
	CHECK_AT(strcmp(type, "DMA-FQ") == 0, "%s", type);
	CHECK_EQ(afx_iommu_type("virtio1", type, sizeof(type)), 0);
	CHECK_AT(strcmp(type, "DMA-FQ") == 0, "%s", type);
	CHECK_EQ(afx_iommu_type("0000:00:02.0", type, sizeof(type)), 0);
	CHECK(type[0] == '\0');
	CHECK_EQ(afx_iommu_type("0000:00:01.0", deep, sizeof(deep)), -ERANGE);
	CHECK_EQ(afx_bus_attr("virtio1", "numa_node", type, sizeof(type)), 0);
	CHECK(strcmp(type, "1") == 0);
	NEED(umount("/sys/bus") == 0, "%m");
}

int
main(void)
{
	make_pair();
	run("ip link set v0 up && ip link set v1 up");
	test_queues();
	test_ethtool();
	afx_ctl_close(ctl);
	return check_result();
}

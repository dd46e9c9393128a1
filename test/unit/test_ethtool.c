/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ethtool answers that virtual devices here do not give: RSS tables, channels, link settings, and
 * an interface renamed in the middle. The ioctl is replaced (linked with --wrap=ioctl).
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../bpf/check.h"
#include "afx_ctl_impl.h"
#include "afx_ethtool.h"

int __wrap_ioctl(int fd, unsigned long request, ...);

#define IFINDEX 1 /* loopback: exists in every namespace, for what is asked by netlink */

/* What the fake driver says. */
static struct {
	int error;                     /* of the driver, 0 or an errno */
	unsigned int renames;          /* renames still to happen, each behind an ethtool call */
	unsigned int calls;
	struct ethtool_channels channels;
	uint32_t table[32];
	uint32_t entries;
	uint32_t entries_next;         /* when not 0: of the table from the next call on */
	int words;
	struct ethtool_link_settings link;
} fake;

static void
fake_rss(struct ethtool_rxfh *r)
{
	if (r->indir_size == 0) {
		r->indir_size = fake.entries;
		return;
	}
	memcpy(r->rss_config, fake.table, fake.entries * sizeof(fake.table[0]));
}

static int
fake_ethtool(struct ifreq *ifr)
{
	uint32_t *cmd = (void *)ifr->ifr_data;
	char name[IF_NAMESIZE];

	fake.calls++;
	snprintf(name, sizeof(name), "name%u", fake.renames);
	if (strcmp(ifr->ifr_name, name) != 0)
		return ENODEV;
	if (fake.renames > 0) {
		fake.renames--;
		/* The answer is another interface's by now. */
		memset(cmd + 1, 0x55, 8);
		return 0;
	}
	if (fake.error != 0)
		return fake.error;
	if (*cmd == ETHTOOL_GCHANNELS)
		memcpy(cmd, &fake.channels, sizeof(fake.channels));
	if (*cmd == ETHTOOL_GLINKSETTINGS) {
		struct ethtool_link_settings *s = (void *)cmd;

		if (s->link_mode_masks_nwords != fake.words) {
			memset(s, 0, sizeof(*s));
			s->link_mode_masks_nwords = -fake.words;
		} else {
			*s = fake.link;
			s->link_mode_masks_nwords = fake.words;
			memset(s->link_mode_masks, 0xff, 3 * 4 * fake.words);
		}
	}
	if (*cmd == ETHTOOL_GRSSH) {
		struct ethtool_rxfh *r = (void *)cmd;
		bool wrong = r->indir_size != 0 && r->indir_size != fake.entries;

		if (!wrong)
			fake_rss(r);
		if (fake.entries_next != 0) {
			fake.entries = fake.entries_next;
			fake.entries_next = 0;
		}
		return wrong ? EINVAL : 0;
	}
	return 0;
}

int
__wrap_ioctl(int fd, unsigned long request, ...)
{
	struct ifreq *ifr;
	va_list ap;
	int e = ENOTTY;

	(void)fd;
	va_start(ap, request);
	ifr = va_arg(ap, struct ifreq *);
	va_end(ap);
	if (request == SIOCGIFNAME) {
		e = ifr->ifr_ifindex == IFINDEX ? 0 : ENODEV;
		snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "name%u", fake.renames);
	} else if (request == SIOCETHTOOL) {
		e = fake_ethtool(ifr);
	}
	errno = e;
	return e == 0 ? 0 : -1;
}

static void
reset(void)
{
	memset(&fake, 0, sizeof(fake));
}

static void
test_rss(struct afx_ctl *ctl)
{
	struct afx_err err;
	uint64_t mask[2];
	unsigned int i;

	reset();
	fake.entries = 32;
	for (i = 0; i < 32; i++)
		fake.table[i] = i % 3;
	fake.table[31] = 64;
	CHECK_EQ(afx_ethtool_rss_queues(ctl, IFINDEX, mask, 2, &err), 0);
	CHECK_EQ(mask[0], 7);
	CHECK_EQ(mask[1], 1);
	CHECK_EQ(afx_ethtool_rss_queues(ctl, IFINDEX, mask, 1, &err), -ERANGE);
	CHECK_TEXT(err, "name0");
	/* The table shrinks between the two calls. */
	fake.entries_next = 16;
	CHECK_EQ(afx_ethtool_rss_queues(ctl, IFINDEX, mask, 2, &err), 0);
	CHECK_EQ(mask[0], 7);
	CHECK_EQ(mask[1], 0);
	/* Renamed in the middle: the question is put again as it was. */
	fake.renames = 1;
	CHECK_EQ(afx_ethtool_rss_queues(ctl, IFINDEX, mask, 2, &err), 0);
	CHECK_EQ(mask[0], 7);
	/* No table, an absurd one, a refusing driver, no device. */
	fake.entries = 0;
	CHECK_EQ(afx_ethtool_rss_queues(ctl, IFINDEX, mask, 2, &err), -EOPNOTSUPP);
	fake.entries = 20000;
	CHECK_EQ(afx_ethtool_rss_queues(ctl, IFINDEX, mask, 2, &err), -E2BIG);
	fake.entries = 0x40000000;
	CHECK_EQ(afx_ethtool_rss_queues(ctl, IFINDEX, mask, 2, &err), -E2BIG);
	fake.error = EOPNOTSUPP;
	CHECK_EQ(afx_ethtool_rss_queues(ctl, IFINDEX, mask, 2, &err), -EOPNOTSUPP);
	CHECK_TEXT(err, "ETHTOOL_GRSSH");
	CHECK_EQ(afx_ethtool_rss_queues(ctl, 99, mask, 2, &err), -ENODEV);
	CHECK_TEXT(err, "ifindex 99");
}

static void
test_channels(struct afx_ctl *ctl)
{
	struct afx_channels ch;
	struct afx_err err;

	reset();
	fake.channels.cmd = ETHTOOL_GCHANNELS;
	fake.channels.max_combined = 8;
	fake.channels.combined_count = 4;
	CHECK_EQ(afx_ethtool_channels(ctl, IFINDEX, &ch, &err), 0);
	CHECK_EQ(ch.rx, 4);
	CHECK_EQ(ch.tx, 4);
	CHECK_EQ(ch.max_rx, 8);
	CHECK(ch.from_driver);
	/* Rx-only and Tx-only channels beside combined ones. */
	fake.channels.rx_count = 6;
	fake.channels.max_rx = 6;
	fake.channels.tx_count = 1;
	CHECK_EQ(afx_ethtool_channels(ctl, IFINDEX, &ch, &err), 0);
	CHECK_EQ(ch.rx, 10);
	CHECK_EQ(ch.tx, 5);
	CHECK_EQ(ch.max_rx, 10);
	CHECK_EQ(ch.max_tx, 8);
	/* Renamed twice in the middle: the answer given to the old name is thrown away. */
	fake.renames = 2;
	fake.calls = 0;
	CHECK_EQ(afx_ethtool_channels(ctl, IFINDEX, &ch, &err), 0);
	CHECK_EQ(ch.rx, 10);
	CHECK_EQ(fake.calls, 3);
	fake.renames = 1000;
	CHECK_EQ(afx_ethtool_channels(ctl, IFINDEX, &ch, &err), -ENODEV);
	/* No answer, or none of use: the numbers of the netdev. */
	reset();
	fake.error = EOPNOTSUPP;
	CHECK_EQ(afx_ethtool_channels(ctl, IFINDEX, &ch, &err), 0);
	CHECK_EQ(ch.rx, 1);
	CHECK_EQ(ch.max_tx, 1);
	CHECK(!ch.from_driver);
	reset();
	fake.channels.cmd = ETHTOOL_GCHANNELS;
	CHECK_EQ(afx_ethtool_channels(ctl, IFINDEX, &ch, &err), 0);
	CHECK_EQ(ch.rx, 1);
	CHECK(!ch.from_driver);
	fake.error = EPERM;
	CHECK_EQ(afx_ethtool_channels(ctl, IFINDEX, &ch, &err), -EPERM);
	CHECK_TEXT(err, "ETHTOOL_GCHANNELS");
}

static void
test_link(struct afx_ctl *ctl)
{
	struct afx_link link;
	struct afx_err err;

	reset();
	fake.words = 4;
	fake.link.cmd = ETHTOOL_GLINKSETTINGS;
	fake.link.speed = 25000;
	fake.link.duplex = DUPLEX_FULL;
	fake.link.autoneg = AUTONEG_ENABLE;
	CHECK_EQ(afx_ethtool_link(ctl, IFINDEX, &link, &err), 0);
	CHECK_EQ(link.speed_mbps, 25000);
	CHECK(link.full_duplex);
	CHECK(link.autoneg);
	/* As many words as the kernel could ever have. */
	fake.words = 127;
	fake.link.speed = UINT16_MAX;
	fake.link.duplex = DUPLEX_UNKNOWN;
	fake.link.autoneg = AUTONEG_DISABLE;
	CHECK_EQ(afx_ethtool_link(ctl, IFINDEX, &link, &err), 0);
	CHECK_EQ(link.speed_mbps, UINT32_MAX);
	CHECK(!link.full_duplex);
	CHECK(!link.autoneg);
	fake.link.speed = 0;
	CHECK_EQ(afx_ethtool_link(ctl, IFINDEX, &link, &err), 0);
	CHECK_EQ(link.speed_mbps, UINT32_MAX);
	/* No handshake. */
	fake.words = 0;
	CHECK_EQ(afx_ethtool_link(ctl, IFINDEX, &link, &err), -EPROTO);
	fake.error = EOPNOTSUPP;
	link.speed_mbps = 1;
	CHECK_EQ(afx_ethtool_link(ctl, IFINDEX, &link, &err), -EOPNOTSUPP);
	CHECK_EQ(link.speed_mbps, UINT32_MAX);
}

int
main(void)
{
	struct afx_ctl *ctl;
	struct afx_err err;

	NEED(afx_ctl_open(NULL, &ctl, &err) == 0, "%s", err.text);
	test_rss(ctl);
	test_channels(ctl);
	test_link(ctl);
	afx_ctl_close(ctl);
	return check_result();
}

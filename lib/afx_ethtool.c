/* SPDX-License-Identifier: BSD-3-Clause */
/* Queue counts, link settings and the RSS table by the ethtool ioctl; see afx_ethtool.h. */
#include <errno.h>
#include <linux/ethtool.h>
#include <stdlib.h>
#include <string.h>

#include "afx_ethtool.h"
#include "afx_netdev_impl.h"

/* Entries of the largest RSS table believed (drivers have up to some thousand). */
#define RSS_ENTRIES_MAX 16384
/* A table that changes its size between two calls is read again. */
#define RSS_TRIES 4

static int
fail(struct afx_ctl *ctl, int ifindex, const char *cmd, int ret, struct afx_err *err)
{
	char name[IF_NAMESIZE + 16];

	(void)afx_ctl_ifname(ctl, ifindex, name);
	return afx_err_set(err, ret, "ioctl(SIOCETHTOOL, %s) on %s: %s%s", cmd, name,
		strerror(-ret), ret == -ENODEV ? "; the interface was removed or moved" :
		ret == -EOPNOTSUPP ? "; the driver does not tell" : "");
}

static uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Where the driver does not count its queues: what the kernel has in use, else has allocated. */
static int
channels_of_netdev(struct afx_ctl *ctl, int ifindex, struct afx_channels *ch, struct afx_err *err)
{
	struct afx_netdev_raw raw;
	int ret;

	ret = afx_netdev_get(ctl, NULL, ifindex, &raw, err);
	if (ret < 0)
		return ret;
	if (afx_netdev_queue_counts(ctl, ifindex, &ch->rx, &ch->tx) < 0) {
		ch->rx = raw.nd.num_rx_queues;
		ch->tx = raw.nd.num_tx_queues;
	}
	ch->max_rx = max_u32(raw.nd.num_rx_queues, ch->rx);
	ch->max_tx = max_u32(raw.nd.num_tx_queues, ch->tx);
	ch->from_driver = false;
	return 0;
}

int
afx_ethtool_channels(struct afx_ctl *ctl, int ifindex, struct afx_channels *ch,
		     struct afx_err *err)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	int ret;

	memset(ch, 0, sizeof(*ch));
	ret = afx_ctl_ethtool(ctl, ifindex, &c, sizeof(c));
	if (ret < 0 && ret != -EOPNOTSUPP)
		return fail(ctl, ifindex, "ETHTOOL_GCHANNELS", ret, err);
	ch->rx = c.rx_count + c.combined_count;
	ch->tx = c.tx_count + c.combined_count;
	/* tun answers with zeros as long as nobody has opened its queues. */
	if (ret < 0 || ch->rx == 0 || ch->tx == 0)
		return channels_of_netdev(ctl, ifindex, ch, err);
	/* Combined and separate channels are alternatives with most drivers, a sum with some. */
	ch->max_rx = max_u32(max_u32(c.max_rx, c.max_combined), ch->rx);
	ch->max_tx = max_u32(max_u32(c.max_tx, c.max_combined), ch->tx);
	ch->from_driver = true;
	return 0;
}

int
afx_ethtool_link(struct afx_ctl *ctl, int ifindex, struct afx_link *link, struct afx_err *err)
{
	union {
		struct ethtool_link_settings s;
		/* Room for three masks of link modes behind it, of at most 127 words each. */
		uint8_t bytes[sizeof(struct ethtool_link_settings) + 3 * 127 * sizeof(uint32_t)];
	} req;
	int words, ret;

	link->speed_mbps = UINT32_MAX;
	link->full_duplex = false;
	link->autoneg = false;
	/* The first call only tells, negated, how many words a mask has. */
	memset(&req, 0, sizeof(req));
	req.s.cmd = ETHTOOL_GLINKSETTINGS;
	ret = afx_ctl_ethtool(ctl, ifindex, &req, sizeof(req));
	if (ret < 0)
		return fail(ctl, ifindex, "ETHTOOL_GLINKSETTINGS", ret, err);
	words = req.s.link_mode_masks_nwords;
	if (words >= 0 || words < -127)
		return fail(ctl, ifindex, "ETHTOOL_GLINKSETTINGS", -EPROTO, err);
	memset(&req, 0, sizeof(req));
	req.s.cmd = ETHTOOL_GLINKSETTINGS;
	req.s.link_mode_masks_nwords = -words;
	ret = afx_ctl_ethtool(ctl, ifindex, &req, sizeof(req));
	if (ret < 0)
		return fail(ctl, ifindex, "ETHTOOL_GLINKSETTINGS", ret, err);
	/* Drivers without a link say 0 or the 16-bit form of unknown. */
	if (req.s.speed != 0 && req.s.speed != UINT16_MAX)
		link->speed_mbps = req.s.speed;
	link->full_duplex = req.s.duplex == DUPLEX_FULL;
	link->autoneg = req.s.autoneg == AUTONEG_ENABLE;
	return 0;
}

int
afx_ethtool_coalesce(struct afx_ctl *ctl, int ifindex, struct afx_coalesce *c,
		     struct afx_err *err)
{
	struct ethtool_coalesce req = { .cmd = ETHTOOL_GCOALESCE };
	int ret;

	memset(c, 0, sizeof(*c));
	ret = afx_ctl_ethtool(ctl, ifindex, &req, sizeof(req));
	if (ret < 0)
		return fail(ctl, ifindex, "ETHTOOL_GCOALESCE", ret, err);
	c->rx_usecs = req.rx_coalesce_usecs;
	c->adaptive_rx = req.use_adaptive_rx_coalesce != 0;
	return 0;
}

static int
rss_mask(const uint32_t *table, uint32_t entries, uint64_t *mask, unsigned int len_words)
{
	uint32_t i;

	memset(mask, 0, len_words * sizeof(*mask));
	for (i = 0; i < entries; i++) {
		if (table[i] / 64 >= len_words)
			return -ERANGE;
		mask[table[i] / 64] |= UINT64_C(1) << (table[i] % 64);
	}
	return 0;
}

/* The table by ETHTOOL_GRSSH: number of entries, or -errno. */
static int
rss_table(struct afx_ctl *ctl, int ifindex, struct ethtool_rxfh *req)
{
	uint32_t entries;
	int ret, i;

	for (i = 0; i < RSS_TRIES; i++) {
		/* Sizes of 0 ask for the sizes. */
		memset(req, 0, sizeof(*req));
		req->cmd = ETHTOOL_GRSSH;
		ret = afx_ctl_ethtool(ctl, ifindex, req, sizeof(*req));
		if (ret < 0)
			return ret;
		entries = req->indir_size;
		if (entries == 0)
			return -EOPNOTSUPP;
		if (entries > RSS_ENTRIES_MAX)
			return -E2BIG;
		memset(req, 0, sizeof(*req));
		req->cmd = ETHTOOL_GRSSH;
		req->indir_size = entries;
		ret = afx_ctl_ethtool(ctl, ifindex, req,
			sizeof(*req) + entries * sizeof(req->rss_config[0]));
		if (ret == 0 && req->indir_size == entries)
			return entries;
		/* -EINVAL: the size is another one by now. */
		if (ret < 0 && ret != -EINVAL)
			return ret;
	}
	return -EAGAIN;
}

int
afx_ethtool_rss_queues(struct afx_ctl *ctl, int ifindex, uint64_t *mask, unsigned int len_words,
		       struct afx_err *err)
{
	struct ethtool_rxfh *req;
	int ret;

	memset(mask, 0, len_words * sizeof(*mask));
	req = calloc(1, sizeof(*req) + RSS_ENTRIES_MAX * sizeof(req->rss_config[0]));
	if (req == NULL)
		return afx_err_set(err, -ENOMEM, "no memory for an RSS table");
	ret = rss_table(ctl, ifindex, req);
	if (ret > 0)
		ret = rss_mask(req->rss_config, ret, mask, len_words);
	free(req);
	return ret < 0 ? fail(ctl, ifindex, "ETHTOOL_GRSSH", ret, err) : 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What generic netlink "netdev" tells: XDP features and queues; see afx_netdev.h. */
#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

#include "afx_netdev_impl.h"
#include "afx_uapi.h"

static int
take_features(const struct nlmsghdr *nh, void *arg)
{
	struct afx_nl_attr tb[AFX_NETDEV_A_DEV_MAX + 1];
	struct afx_xdp_features *f = arg;

	if (afx_nl_parse(nh, sizeof(struct genlmsghdr), tb, AFX_NETDEV_A_DEV_MAX) < 0)
		return -EBADMSG;
	f->known = true;
	f->features = afx_nl_u64(&tb[AFX_NETDEV_A_DEV_XDP_FEATURES], 0);
	f->zc_max_segs = afx_nl_u32(&tb[AFX_NETDEV_A_DEV_XDP_ZC_MAX_SEGS], 0);
	f->rx_metadata = afx_nl_u64(&tb[AFX_NETDEV_A_DEV_XDP_RX_METADATA], 0);
	f->xsk_features = afx_nl_u64(&tb[AFX_NETDEV_A_DEV_XSK_FEATURES], 0);
	return 0;
}

int
afx_netdev_xdp_features(struct afx_ctl *ctl, int ifindex, struct afx_xdp_features *f,
			struct afx_err *err)
{
	struct genlmsghdr gh = { .cmd = AFX_NETDEV_CMD_DEV_GET, .version = 1 };
	char name[IF_NAMESIZE + 16];
	struct afx_nl_msg msg;
	int family;

	memset(f, 0, sizeof(*f));
	family = afx_ctl_netdev_family(ctl, err);
	if (family == -ENOENT)
		return 0;
	if (family < 0)
		return family;
	(void)afx_ctl_ifname(ctl, ifindex, name);
	afx_nl_msg_init(&msg, family, &gh, sizeof(gh), "netdev dev-get of %s in %s", name,
		ctl->where);
	afx_nl_put_u32(&msg, AFX_NETDEV_A_DEV_IFINDEX, ifindex);
	return afx_nl_request(&ctl->genl, &msg, take_features, f, err);
}

struct queue_info {
	bool xsk;
	uint32_t napi_id;
};

static int
take_queue(const struct nlmsghdr *nh, void *arg)
{
	struct afx_nl_attr tb[AFX_NETDEV_A_QUEUE_MAX + 1];
	struct queue_info *q = arg;

	if (afx_nl_parse(nh, sizeof(struct genlmsghdr), tb, AFX_NETDEV_A_QUEUE_MAX) < 0)
		return -EBADMSG;
	q->xsk = tb[AFX_NETDEV_A_QUEUE_XSK].data != NULL;
	q->napi_id = afx_nl_u32(&tb[AFX_NETDEV_A_QUEUE_NAPI_ID], 0);
	return 0;
}

static int
queue_family(struct afx_ctl *ctl, struct afx_err *err)
{
	int family;

	family = afx_ctl_netdev_family(ctl, err);
	if (family == -ENOENT)
		return afx_err_set(err, -EOPNOTSUPP, "no netlink family \"netdev\" (kernel 6.3) to "
			"ask queues by");
	return family;
}

/* One direction of a queue. -ENODEV also where the queue does not exist, -ENETDOWN while down. */
static int
queue_get(struct afx_ctl *ctl, int ifindex, uint32_t queue, enum afx_netdev_queue_type type,
	  struct queue_info *q, struct afx_err *err)
{
	struct genlmsghdr gh = { .cmd = AFX_NETDEV_CMD_QUEUE_GET, .version = 1 };
	char name[IF_NAMESIZE + 16];
	struct afx_nl_msg msg;
	int family, ret;

	memset(q, 0, sizeof(*q));
	family = queue_family(ctl, err);
	if (family < 0)
		return family;
	(void)afx_ctl_ifname(ctl, ifindex, name);
	afx_nl_msg_init(&msg, family, &gh, sizeof(gh), "netdev queue-get of %s %s queue %u in %s",
		name, type == AFX_NETDEV_QUEUE_RX ? "rx" : "tx", queue, ctl->where);
	afx_nl_put_u32(&msg, AFX_NETDEV_A_QUEUE_IFINDEX, ifindex);
	afx_nl_put_u32(&msg, AFX_NETDEV_A_QUEUE_TYPE, type);
	afx_nl_put_u32(&msg, AFX_NETDEV_A_QUEUE_ID, queue);
	ret = afx_nl_request(&ctl->genl, &msg, take_queue, q, err);
	if (ret == -EINVAL)
		return afx_err_set(err, -ENODEV, "%s: no such queue in use; 'ethtool -l' shows how "
			"many there are", msg.what);
	if (ret == -ENOENT)
		return afx_err_set(err, -ENETDOWN, "%s: the kernel tells nothing of queues while "
			"the interface is down", msg.what);
	return ret;
}

int
afx_netdev_queue_xsk(struct afx_ctl *ctl, int ifindex, uint32_t queue, struct afx_err *err)
{
	struct queue_info q;
	int ret;

	/* A pool is entered at both directions; a device may have more queues of one kind. */
	ret = queue_get(ctl, ifindex, queue, AFX_NETDEV_QUEUE_RX, &q, err);
	if (ret == -ENODEV)
		ret = queue_get(ctl, ifindex, queue, AFX_NETDEV_QUEUE_TX, &q, err);
	return ret < 0 ? ret : q.xsk;
}

int
afx_netdev_queue_napi(struct afx_ctl *ctl, int ifindex, uint32_t queue, bool rx,
		      uint32_t *napi_id, struct afx_err *err)
{
	struct queue_info q;
	int ret;

	*napi_id = 0;
	ret = queue_get(ctl, ifindex, queue, rx ? AFX_NETDEV_QUEUE_RX : AFX_NETDEV_QUEUE_TX, &q,
		err);
	*napi_id = ret < 0 ? 0 : q.napi_id;
	return ret;
}

struct queue_counts {
	uint32_t rx;
	uint32_t tx;
};

static int
count_queue(const struct nlmsghdr *nh, void *arg)
{
	struct afx_nl_attr tb[AFX_NETDEV_A_QUEUE_MAX + 1];
	struct queue_counts *c = arg;

	if (nh == NULL) {
		memset(c, 0, sizeof(*c));
		return 0;
	}
	if (afx_nl_parse(nh, sizeof(struct genlmsghdr), tb, AFX_NETDEV_A_QUEUE_MAX) < 0)
		return -EBADMSG;
	switch (afx_nl_u32(&tb[AFX_NETDEV_A_QUEUE_TYPE], UINT32_MAX)) {
	case AFX_NETDEV_QUEUE_RX:
		c->rx++;
		break;
	case AFX_NETDEV_QUEUE_TX:
		c->tx++;
		break;
	}
	return 0;
}

int
afx_netdev_queue_counts(struct afx_ctl *ctl, int ifindex, uint32_t *rx, uint32_t *tx)
{
	struct genlmsghdr gh = { .cmd = AFX_NETDEV_CMD_QUEUE_GET, .version = 1 };
	struct queue_counts c = { 0 };
	struct afx_nl_msg msg;
	int family, ret;

	family = queue_family(ctl, NULL);
	if (family < 0)
		return family;
	afx_nl_msg_init(&msg, family, &gh, sizeof(gh), "netdev queue-get of ifindex %d", ifindex);
	afx_nl_put_u32(&msg, AFX_NETDEV_A_QUEUE_IFINDEX, ifindex);
	ret = afx_nl_dump(&ctl->genl, &msg, count_queue, &c, NULL);
	if (ret < 0)
		return ret;
	/* Nothing is listed while the interface is down. */
	if (c.rx == 0 || c.tx == 0)
		return -EOPNOTSUPP;
	*rx = c.rx;
	*tx = c.tx;
	return 0;
}

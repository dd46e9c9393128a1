/* SPDX-License-Identifier: BSD-3-Clause */
/* NAPI instances and their parameters by generic netlink "netdev", see afx_netdev_napi.h. */
#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

#include "afx_netdev_impl.h"
#include "afx_netdev_napi.h"
#include "afx_uapi.h"

/* An attribute of type uint, as long as its value needs. */
static uint64_t
get_uint(const struct afx_nl_attr *a)
{
	return a->len >= sizeof(uint64_t) ? afx_nl_u64(a, 0) : afx_nl_u32(a, 0);
}

static int
parse(const struct nlmsghdr *nh, struct afx_napi *n)
{
	struct afx_nl_attr tb[AFX_NETDEV_A_NAPI_MAX + 1];

	memset(n, 0, sizeof(*n));
	if (afx_nl_parse(nh, sizeof(struct genlmsghdr), tb, AFX_NETDEV_A_NAPI_MAX) < 0)
		return -EBADMSG;
	n->id = afx_nl_u32(&tb[AFX_NETDEV_A_NAPI_ID], 0);
	n->ifindex = afx_nl_u32(&tb[AFX_NETDEV_A_NAPI_IFINDEX], 0);
	n->irq = afx_nl_u32(&tb[AFX_NETDEV_A_NAPI_IRQ], 0);
	n->pid = afx_nl_u32(&tb[AFX_NETDEV_A_NAPI_PID], 0);
	n->has_params = tb[AFX_NETDEV_A_NAPI_DEFER_HARD_IRQS].data != NULL;
	n->params.defer_hard_irqs = afx_nl_u32(&tb[AFX_NETDEV_A_NAPI_DEFER_HARD_IRQS], 0);
	n->params.gro_flush_timeout = get_uint(&tb[AFX_NETDEV_A_NAPI_GRO_FLUSH_TIMEOUT]);
	n->params.irq_suspend_timeout = get_uint(&tb[AFX_NETDEV_A_NAPI_IRQ_SUSPEND_TIMEOUT]);
	return 0;
}

static int
family(struct afx_ctl *ctl, struct afx_err *err)
{
	int id = afx_ctl_netdev_family(ctl, err);

	if (id == -ENOENT)
		return afx_err_set(err, -EOPNOTSUPP, "no netlink family \"netdev\" (kernel 6.3) to "
			"ask NAPIs by");
	return id;
}

struct list {
	int ifindex;
	struct afx_napi *napi;
	unsigned int max;
	unsigned int cnt;
};

static int
take_listed(const struct nlmsghdr *nh, void *arg)
{
	struct list *l = arg;
	struct afx_napi n;

	if (nh == NULL) {
		l->cnt = 0;
		return 0;
	}
	if (parse(nh, &n) < 0)
		return -EBADMSG;
	if (n.ifindex == l->ifindex && l->cnt < l->max)
		l->napi[l->cnt++] = n;
	return 0;
}

int
afx_netdev_napis(struct afx_ctl *ctl, int ifindex, struct afx_napi *list, unsigned int max,
		 struct afx_err *err)
{
	struct genlmsghdr gh = { .cmd = AFX_NETDEV_CMD_NAPI_GET, .version = 1 };
	struct list l = { .ifindex = ifindex, .napi = list, .max = max };
	char name[IF_NAMESIZE + 16];
	struct afx_nl_msg msg;
	int ret;

	ret = family(ctl, err);
	if (ret < 0)
		return ret;
	(void)afx_ctl_ifname(ctl, ifindex, name);
	afx_nl_msg_init(&msg, ret, &gh, sizeof(gh), "netdev napi-get of %s", name);
	afx_nl_put_u32(&msg, AFX_NETDEV_A_NAPI_IFINDEX, ifindex);
	ret = afx_nl_dump(&ctl->genl, &msg, take_listed, &l, err);
	return ret < 0 ? ret : (int)l.cnt;
}

static int
take_one(const struct nlmsghdr *nh, void *arg)
{
	return parse(nh, arg);
}

int
afx_netdev_napi_get(struct afx_ctl *ctl, uint32_t id, struct afx_napi *napi, struct afx_err *err)
{
	struct genlmsghdr gh = { .cmd = AFX_NETDEV_CMD_NAPI_GET, .version = 1 };
	struct afx_nl_msg msg;
	int ret;

	memset(napi, 0, sizeof(*napi));
	ret = family(ctl, err);
	if (ret < 0)
		return ret;
	afx_nl_msg_init(&msg, ret, &gh, sizeof(gh), "netdev napi-get of NAPI %u", id);
	afx_nl_put_u32(&msg, AFX_NETDEV_A_NAPI_ID, id);
	ret = afx_nl_request(&ctl->genl, &msg, take_one, napi, err);
	/* A kernel that acknowledges without an answer has none of that id either. */
	if (ret == 0 && napi->id != id)
		return afx_err_set(err, -ENOENT, "%s: no answer", msg.what);
	return ret;
}

/* As short as the kernel itself would make it; it takes either length. */
static void
put_uint(struct afx_nl_msg *msg, uint16_t type, uint64_t value)
{
	if (value > UINT32_MAX)
		afx_nl_put(msg, type, &value, sizeof(value));
	else
		afx_nl_put_u32(msg, type, value);
}

int
afx_netdev_napi_set(struct afx_ctl *ctl, uint32_t id, const struct afx_napi_params *params,
		    struct afx_err *err)
{
	struct genlmsghdr gh = { .cmd = AFX_NETDEV_CMD_NAPI_SET, .version = 1 };
	struct afx_nl_msg msg;
	int ret;

	ret = family(ctl, err);
	if (ret < 0)
		return ret;
	afx_nl_msg_init(&msg, ret, &gh, sizeof(gh), "netdev napi-set of NAPI %u (defer-hard-irqs "
		"%u, gro-flush-timeout %llu, irq-suspend-timeout %llu)", id,
		params->defer_hard_irqs, (unsigned long long)params->gro_flush_timeout,
		(unsigned long long)params->irq_suspend_timeout);
	afx_nl_put_u32(&msg, AFX_NETDEV_A_NAPI_ID, id);
	afx_nl_put_u32(&msg, AFX_NETDEV_A_NAPI_DEFER_HARD_IRQS, params->defer_hard_irqs);
	put_uint(&msg, AFX_NETDEV_A_NAPI_GRO_FLUSH_TIMEOUT, params->gro_flush_timeout);
	put_uint(&msg, AFX_NETDEV_A_NAPI_IRQ_SUSPEND_TIMEOUT, params->irq_suspend_timeout);
	return afx_nl_request(&ctl->genl, &msg, NULL, NULL, err);
}

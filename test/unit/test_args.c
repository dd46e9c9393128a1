/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Device arguments: every key with right, wrong, empty, huge, doubled and missing values, what
 * excludes what, and texts that name key and value.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "afx_test.h"
#include "fake_port.h"

static struct xsk_args a;
static struct afx_err err;

static void
accepted(const char *text)
{
	memset(&err, 0, sizeof(err));
	memset(&a, 0xff, sizeof(a));
	CHECK_EQ(xsk_args_parse(text, &a, &err), 0);
	CHECK_EQ(err.text[0], 0);
	if (err.text[0] != '\0')
		fprintf(stderr, "  '%s': %s\n", text, err.text);
}

/* Refused with a text that holds both parts. */
static void
refuse(const char *text, const char *part, const char *other)
{
	memset(&err, 0, sizeof(err));
	CHECK_EQ(xsk_args_parse(text, &a, &err), -EINVAL);
	CHECK_EQ(err.code, -EINVAL);
	CHECK_TEXT(err.text, part);
	CHECK_TEXT(err.text, other);
	CHECK_EQ(xsk_args_parse(text, &a, NULL), -EINVAL);
}

static void
defaults(void)
{
	accepted("iface=eth9");
	CHECK(strcmp(a.iface, "eth9") == 0);
	CHECK_EQ(a.netns[0], 0);
	CHECK_EQ(a.start_queue, 0);
	CHECK_EQ(a.queue_count, 0);
	CHECK_EQ(a.xdp_prog[0], 0);
	CHECK_EQ(a.attach, AFX_ATTACH_LINK);
	CHECK(!a.use_cni && !a.use_pinned_map && !a.force_copy && !a.same_lcore);
	CHECK_EQ(a.dp_path[0], 0);
	CHECK_EQ(a.mode, XSK_MODE_AUTO);
	CHECK_EQ(a.umem, XSK_UMEM_AUTO);
	CHECK_EQ(a.umem_cap_mib, 64);
	CHECK_EQ(a.busy_budget, 0);
	CHECK(!a.busy_auto);
	CHECK_EQ(a.tune, XSK_TUNE_OFF);
	CHECK_EQ(a.napi_defer, 0);
	refuse(NULL, "iface", "missing");
	refuse("", "iface", "missing");
	refuse("mode=zc", "iface", "missing");
}

static void
numbers(void)
{
	static const struct {
		const char *key;
		size_t off;
		uint32_t min;
		uint32_t max;
	} keys[] = {
		{ "start_queue", offsetof(struct xsk_args, start_queue), 0, UINT16_MAX },
		{ "queue_count", offsetof(struct xsk_args, queue_count), 1,
			RTE_MAX_QUEUES_PER_PORT },
		{ "busy_budget", offsetof(struct xsk_args, busy_budget), 0, UINT16_MAX },
		{ "umem_cap", offsetof(struct xsk_args, umem_cap_mib), 0, 1 << 20 },
	};
	static const char *const wrong[] = { "-1", "+1", "0x10", "1e3", "1 ", " 1", "one", "1k",
		"--", "4294967296", "18446744073709551616", "99999999999999999999999999", "1.0" };

	for (unsigned int i = 0; i < RTE_DIM(keys); i++) {
		const uint32_t right[] = { keys[i].min, keys[i].min + 1, keys[i].max };
		const long long beyond[] = { (long long)keys[i].min - 1,
			(long long)keys[i].max + 1 };
		char text[128], named[96];

		for (unsigned int k = 0; k < RTE_DIM(right); k++) {
			snprintf(text, sizeof(text), "iface=x,%s=%u", keys[i].key, right[k]);
			accepted(text);
			CHECK_EQ(*(uint32_t *)((char *)&a + keys[i].off), right[k]);
		}
		for (unsigned int k = 0; k < RTE_DIM(beyond); k++) {
			snprintf(text, sizeof(text), "iface=x,%s=%lld", keys[i].key, beyond[k]);
			snprintf(named, sizeof(named), "%s=%lld:", keys[i].key, beyond[k]);
			refuse(text, named, "not a number from");
		}
		for (unsigned int k = 0; k < RTE_DIM(wrong); k++) {
			snprintf(text, sizeof(text), "iface=x,%s=%s", keys[i].key, wrong[k]);
			snprintf(named, sizeof(named), "%s=%s", keys[i].key, wrong[k]);
			refuse(text, named, "not a number from");
		}
	}
}

static void
booleans(void)
{
	/* shared_umem is taken and means nothing. */
	static const struct {
		const char *key;
		size_t off;
	} keys[] = {
		{ "force_copy", offsetof(struct xsk_args, force_copy) },
		{ "use_cni", offsetof(struct xsk_args, use_cni) },
		{ "use_pinned_map", offsetof(struct xsk_args, use_pinned_map) },
		{ "same_lcore", offsetof(struct xsk_args, same_lcore) },
		{ "shared_umem", SIZE_MAX },
	};
	static const char *const wrong[] = { "2", "-1", "yes", "true", "01x", "on" };

	for (unsigned int i = 0; i < RTE_DIM(keys); i++) {
		char text[128], named[96];

		for (unsigned int on = 0; on < 2; on++) {
			snprintf(text, sizeof(text), "iface=x,%s=%u", keys[i].key, on);
			accepted(text);
			CHECK_EQ(a.force_copy + a.use_cni + a.use_pinned_map + a.same_lcore,
				on && keys[i].off != SIZE_MAX);
			if (keys[i].off != SIZE_MAX)
				CHECK_EQ(*(bool *)((char *)&a + keys[i].off), on);
		}
		for (unsigned int k = 0; k < RTE_DIM(wrong); k++) {
			snprintf(text, sizeof(text), "iface=x,%s=%s", keys[i].key, wrong[k]);
			snprintf(named, sizeof(named), "%s=%s", keys[i].key, wrong[k]);
			refuse(text, named, "0 to 1");
		}
	}
}

static void
choices(void)
{
	static const struct {
		const char *text;
		enum xsk_mode mode;
	} modes[] = {
		{ "iface=x,mode=auto", XSK_MODE_AUTO }, { "iface=x,mode=drv", XSK_MODE_DRV },
		{ "iface=x,mode=zc", XSK_MODE_ZC }, { "iface=x,mode=copy", XSK_MODE_COPY },
		{ "iface=x,mode=skb", XSK_MODE_SKB }, { "iface=x,mode=hw", XSK_MODE_HW },
		{ "iface=x,force_copy=1", XSK_MODE_COPY },
		{ "iface=x,force_copy=1,mode=drv", XSK_MODE_COPY },
		{ "iface=x,force_copy=1,mode=skb", XSK_MODE_SKB },
	};

	for (unsigned int i = 0; i < RTE_DIM(modes); i++) {
		accepted(modes[i].text);
		CHECK_EQ(a.mode, modes[i].mode);
	}
	accepted("iface=x,attach=link");
	CHECK_EQ(a.attach, AFX_ATTACH_LINK);
	accepted("iface=x,attach=dispatcher");
	CHECK_EQ(a.attach, AFX_ATTACH_DISPATCHER);
	accepted("iface=x,umem=auto");
	CHECK_EQ(a.umem, XSK_UMEM_AUTO);
	accepted("iface=x,umem=pool");
	CHECK_EQ(a.umem, XSK_UMEM_POOL);
	accepted("iface=x,umem=heap");
	CHECK_EQ(a.umem, XSK_UMEM_HEAP);
	refuse("iface=x,mode=ZC", "mode=ZC", "auto, drv, zc, copy, skb, hw");
	refuse("iface=x,mode=z", "mode=z:", "zc");
	refuse("iface=x,attach=netlink", "attach=netlink", "link, dispatcher, none");
	refuse("iface=x,umem=all", "umem=all", "auto, pool, heap");
}

/* Strings up to their room and not beyond. */
static void
strings(void)
{
	static const struct {
		const char *key;
		size_t off;
		size_t room;
		const char *with;
	} keys[] = {
		{ "iface", offsetof(struct xsk_args, iface), XSK_IFNAME_LEN, "mode=auto" },
		{ "netns", offsetof(struct xsk_args, netns), XSK_PATH_LEN, "iface=x" },
		{ "xdp_prog", offsetof(struct xsk_args, xdp_prog), XSK_PATH_LEN, "iface=x" },
		{ "dp_path", offsetof(struct xsk_args, dp_path), XSK_PATH_LEN,
			"iface=x,use_pinned_map=1" },
	};

	for (unsigned int i = 0; i < RTE_DIM(keys); i++) {
		char value[1024], text[1200], named[96];
		static const size_t more[] = { 0, 1, 500 };

		memset(value, 'a', sizeof(value));
		value[keys[i].room - 1] = '\0';
		snprintf(text, sizeof(text), "%s,%s=%s", keys[i].with, keys[i].key, value);
		accepted(text);
		CHECK(strcmp((char *)&a + keys[i].off, value) == 0);
		for (unsigned int k = 0; k < RTE_DIM(more); k++) {
			size_t len = keys[i].room + more[k];

			memset(value, 'a', sizeof(value));
			value[len] = '\0';
			snprintf(text, sizeof(text), "%s,%s=%s", keys[i].with, keys[i].key, value);
			snprintf(named, sizeof(named), "%zu characters, at most %zu", len,
				keys[i].room - 1);
			refuse(text, keys[i].key, named);
		}
	}
}

static void
malformed(void)
{
	static const char *const keys[] = { "iface", "netns", "start_queue", "queue_count",
		"shared_umem", "xdp_prog", "busy_budget", "force_copy", "use_cni", "use_pinned_map",
		"same_lcore",
		"dp_path", "mode", "attach", "umem", "umem_cap", "busy_poll", "tune", "napi_defer",
		"napi_flush" };

	for (unsigned int i = 0; i < RTE_DIM(keys); i++) {
		const char *first = i == 0 ? "mode=auto" : "iface=x";
		char text[160], named[96], known[AFX_ERR_LEN + 2];

		snprintf(text, sizeof(text), "%s,%s=", first, keys[i]);
		snprintf(named, sizeof(named), "'%s' has no value", keys[i]);
		refuse(text, named, "=<value>");
		snprintf(text, sizeof(text), "%s,%s", first, keys[i]);
		refuse(text, named, "=<value>");
		snprintf(text, sizeof(text), "%s,%s=1,%s=2", first, keys[i], keys[i]);
		snprintf(named, sizeof(named), "'%s' is given twice ('1' and '2')", keys[i]);
		refuse(text, named, "once");
		snprintf(text, sizeof(text), "%s,%s=1,%s=1", first, keys[i], keys[i]);
		refuse(text, keys[i], "twice");
		/* Every key is offered, as a word of its own, to whoever mistypes one. */
		refuse("iface=x,unheard=1", "'unheard'", "known are: ");
		snprintf(known, sizeof(known), "%s ", err.text);
		snprintf(named, sizeof(named), " %s ", keys[i]);
		CHECK_TEXT(known, named);
	}
	refuse("iface=x,Mode=zc", "unknown device argument 'Mode'", "mode");
	refuse("=x", "", "");
	/* More pairs than the parser has room for. */
	refuse("iface=x,,a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1,r=1,"
	       "s=1,t=1,u=1,v=1,w=1,x=1,y=1,z=1,A=1,B=1,C=1,D=1,E=1,F=1,G=1",
		"'iface=x,", "key=value");
	refuse("queues=1", "unknown device argument 'queues'", "queue_count");
}

static void
polling(void)
{
	accepted("iface=x,busy_poll=off");
	CHECK_EQ(a.busy_budget, 0);
	CHECK(!a.busy_auto);
	accepted("iface=x,busy_poll=auto");
	CHECK_EQ(a.busy_budget, 64);
	CHECK(a.busy_auto);
	accepted("iface=x,busy_poll=65535");
	CHECK_EQ(a.busy_budget, 65535);
	CHECK(!a.busy_auto);
	refuse("iface=x,busy_poll=0", "busy_poll=0:", "1 to 65535");
	refuse("iface=x,busy_poll=on", "busy_poll=on:", "auto, off or a number");
	refuse("iface=x,busy_poll=64x", "busy_poll=64x:", "1 to 65535");
	refuse("iface=x,busy_poll=off,busy_budget=1", "busy_poll=off and busy_budget=1", "one");
	accepted("iface=x,tune=report");
	CHECK_EQ(a.tune, XSK_TUNE_REPORT);
	accepted("iface=x,tune=apply");
	CHECK_EQ(a.tune, XSK_TUNE_APPLY);
	accepted("iface=x,tune=off");
	CHECK_EQ(a.tune, XSK_TUNE_OFF);
	refuse("iface=x,tune=on", "tune=on", "off, report, apply");
	accepted("iface=x,napi_defer=2147483647,napi_flush=1000000");
	CHECK_EQ(a.napi_defer, INT_MAX);
	CHECK_EQ(a.napi_flush_us, 1000000);
	refuse("iface=x,napi_defer=2147483648,napi_flush=1", "napi_defer=2147483648:", "1 to");
	refuse("iface=x,napi_defer=1,napi_flush=1000001", "napi_flush=1000001:", "1 to 1000000");
	refuse("iface=x,napi_defer=0,napi_flush=1", "napi_defer=0:", "1 to");
	refuse("iface=x,napi_defer=1", "napi_defer and napi_flush", "both");
	refuse("iface=x,napi_flush=1", "napi_defer and napi_flush", "both");
}

static void
conflicts(void)
{
	accepted("iface=x,use_cni=1");
	CHECK_EQ(a.attach, AFX_ATTACH_NONE);
	CHECK(strcmp(a.dp_path, "/tmp/afxdp_dp/x/afxdp.sock") == 0);
	accepted("iface=x,use_pinned_map=1");
	CHECK_EQ(a.attach, AFX_ATTACH_NONE);
	CHECK(strcmp(a.dp_path, "/tmp/afxdp_dp/x/xsks_map") == 0);
	accepted("iface=x,use_pinned_map=1,dp_path=/pin,attach=none,busy_budget=0");
	CHECK(strcmp(a.dp_path, "/pin") == 0);
	accepted("iface=x,use_cni=1,use_pinned_map=0");
	refuse("iface=x,use_cni=1,use_pinned_map=1", "use_cni=1", "use_pinned_map=1");
	refuse("iface=x,use_cni=1,xdp_prog=/p.o", "xdp_prog=/p.o", "use_cni");
	refuse("iface=x,use_pinned_map=1,xdp_prog=/p.o", "xdp_prog=/p.o", "use_pinned_map");
	refuse("iface=x,use_pinned_map=1,busy_budget=64", "busy_budget=64", "use_pinned_map");
	refuse("iface=x,use_pinned_map=1,busy_poll=auto", "busy_poll=auto", "use_pinned_map");
	accepted("iface=x,use_pinned_map=1,dp_path=/pin,busy_poll=off");
	refuse("iface=x,use_cni=1,attach=link", "attach=link", "use_cni");
	refuse("iface=x,use_cni=1,attach=dispatcher", "attach=dispatcher", "attach=none");
	refuse("iface=x,attach=none", "attach=none", "use_pinned_map=1");
	refuse("iface=x,dp_path=/pin", "dp_path=/pin", "use_pinned_map=1");
	refuse("iface=x,dp_path=/pin,use_cni=0", "dp_path=/pin", "use_cni=1");
	refuse("iface=x,force_copy=1,mode=zc", "force_copy=1", "mode=zc");
	refuse("iface=x,force_copy=1,mode=hw", "force_copy=1", "mode=hw");
	accepted("iface=x,force_copy=0,mode=zc");
	CHECK_EQ(a.mode, XSK_MODE_ZC);
}

int
main(void)
{
	defaults();
	numbers();
	booleans();
	choices();
	strings();
	malformed();
	polling();
	conflicts();
	return afx_test_end();
}

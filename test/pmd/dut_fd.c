/* SPDX-License-Identifier: BSD-3-Clause */
/* Maps that come from outside: a device plugin on a socket, a pin; and what is left open. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "dut.h"

static const struct port_cfg two_queues = {
	.nb_rxq = 2, .nb_txq = 2, .rx_desc = 512, .tx_desc = 512,
};

/* How the plugin answers. NULL means as it should. */
struct manner {
	const char *name;
	const char *host;	/* to /connect */
	const char *fd;		/* to /xsk_map_fd */
	const char *fin;	/* to /fin */
	enum { SEND_MAP, SEND_NOTHING, SEND_FILE } pass;
	unsigned int pad;	/* make every answer this long */
	bool hang_up;		/* close instead of the fd answer */
	bool mute;		/* never answer /xsk_map_fd */
	bool good;		/* the port must come up */
};

struct plugin {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const struct manner *manner;
	pthread_t thread;
	int listener;
	int map;
	volatile bool stop;
	volatile unsigned int asked;
};

static void
answer(int s, const char *text, unsigned int pad, int fd)
{
	char buf[4096] = { 0 }, ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = strlen(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (pad > iov.iov_len) {
		memset(buf, 'x', pad);
		iov.iov_len = pad;
	}
	memcpy(buf, text, strlen(text));
	if (fd >= 0) {
		msg.msg_control = ctl;
		msg.msg_controllen = sizeof(ctl);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	sendmsg(s, &msg, MSG_NOSIGNAL);
}

static void
answer_map(struct plugin *pl, int s)
{
	const struct manner *m = pl->manner;
	const char *text = m->fd ? m->fd : "/fd_ack";
	int file;

	if (m->mute)
		return;
	switch (m->pass) {
	case SEND_MAP:
		answer(s, text, m->pad, pl->map);
		break;
	case SEND_NOTHING:
		answer(s, text, m->pad, -1);
		break;
	case SEND_FILE:
		file = open("/dev/null", O_RDONLY | O_CLOEXEC);
		answer(s, text, m->pad, file);
		close(file);
		break;
	}
}

/* One client, until it goes; false when it is to be hung up on. */
static bool
serve(struct plugin *pl, int s, const char *ask)
{
	const struct manner *m = pl->manner;

	if (strncmp(ask, "/connect", 8) == 0) {
		answer(s, m->host ? m->host : "/host_ok", m->pad, -1);
	} else if (strncmp(ask, "/xsk_map_fd", 11) == 0) {
		pl->asked++;
		if (m->hang_up)
			return false;
		answer_map(pl, s);
	} else if (strncmp(ask, "/fin", 4) == 0) {
		answer(s, m->fin ? m->fin : "/fin_ack", m->pad, -1);
	} else {
		answer(s, "0.1", m->pad, -1);
	}
	return true;
}

static void *
plugin_thread(void *arg)
{
	struct plugin *pl = arg;
	char ask[256];
	ssize_t n;
	int s = -1;

	while (!pl->stop) {
		if (s < 0) {
			s = accept4(pl->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
			usleep(1000);
			continue;
		}
		n = read(s, ask, sizeof(ask) - 1);
		if (n < 0 && errno == EAGAIN) {
			usleep(1000);
			continue;
		}
		if (n > 0) {
			ask[n] = '\0';
			if (serve(pl, s, ask))
				continue;
		}
		close(s);
		s = -1;
	}
	if (s >= 0)
		close(s);
	return NULL;
}

static bool
plugin_start(struct plugin *pl, const struct manner *m)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	pl->manner = m;
	pl->stop = false;
	pl->asked = 0;
	unlink(pl->path);
	memcpy(un.sun_path, pl->path, sizeof(un.sun_path));
	pl->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return pl->listener >= 0 && bind(pl->listener, (struct sockaddr *)&un, sizeof(un)) == 0 &&
	       listen(pl->listener, 8) == 0 &&
	       pthread_create(&pl->thread, NULL, plugin_thread, pl) == 0;
}

static void
plugin_stop(struct plugin *pl)
{
	pl->stop = true;
	pthread_join(pl->thread, NULL);
	close(pl->listener);
	unlink(pl->path);
}

/* The program and map a device plugin would have put in place. */
struct outside {
	int map;
	int prog;
	int link;
};

static bool
outside_open(struct dut *d, struct outside *o)
{
	o->prog = o->link = -1;
	o->map = bpf_xskmap(64);
	if (o->map >= 0)
		o->prog = bpf_xdp_prog(o->map, XDP_PASS);
	if (o->prog >= 0)
		o->link = bpf_xdp_link(o->prog, d->iface, false);
	return EXPECT(d, o->link >= 0, "map %d, program %d, link %d", o->map, o->prog, o->link);
}

static void
outside_close(struct outside *o)
{
	close(o->link);
	close(o->prog);
	close(o->map);
}

/* Open against a plugin of these manners. */
static void
meet(struct dut *d, struct plugin *pl, struct peer *p, const struct manner *m,
     struct port_cfg *cfg)
{
	struct stat before, after;
	unsigned int fds = fd_count("");
	uint64_t start = now_ms();
	uint16_t port;
	int ret, in = fstat(0, &before);

	if (!EXPECT(d, plugin_start(pl, m), "fake plugin: %s", strerror(errno)))
		return;
	ret = port_open(d, &port, "queue_count=2,use_cni=1,busy_budget=0,dp_path=%s", pl->path);
	if (ret == 0) {
		ret = port_setup(port, cfg);
		if (ret == 0)
			ret = port_start(port);
		if (ret == 0 && m->good)
			traffic_both(d, p, port, cfg, 200, m->name);
		port_close(port);
	}
	EXPECT(d, pl->asked > 0 || m->host != NULL || m->pad > 0, "%s: map never asked for",
		m->name);
	EXPECT(d, (ret == 0) == m->good, "%s: the port comes %s (%d)", m->name,
	       ret == 0 ? "up" : "not up", ret);
	EXPECT(d, now_ms() - start < 15000, "%s: took %lu ms", m->name,
	       (unsigned long)(now_ms() - start));
	plugin_stop(pl);
	EXPECT(d, fd_count("") <= fds, "%s: %u descriptors, %u before", m->name, fd_count(""), fds);
	if (in == 0)
		EXPECT(d, fstat(0, &after) == 0 && after.st_ino == before.st_ino,
		       "%s: standard input was closed", m->name);
	pool_whole(d, cfg->mp, m->name);
}

static void
case_cni(struct dut *d)
{
	static const struct manner manners[] = {
		{ .name = "as it should", .good = true },
		{ .name = "fd_nak with a map", .fd = "/fd_nak" },
		{ .name = "fd_nak", .fd = "/fd_nak", .pass = SEND_NOTHING },
		{ .name = "fd_ack without a map", .pass = SEND_NOTHING },
		{ .name = "fd_ack with no map but a file", .pass = SEND_FILE },
		{ .name = "host_nak", .host = "/host_nak" },
		{ .name = "host_zzz", .host = "/zzz" },
		{ .name = "answers of 128 bytes", .pad = 128 },
		{ .name = "answers of 4000 bytes", .pad = 4000 },
		{ .name = "hangs up", .hang_up = true },
		{ .name = "mute", .mute = true },
		{ .name = "as it should, again", .good = true },
	};
	struct port_cfg cfg = two_queues;
	struct plugin pl = { 0 };
	struct outside o;
	struct peer p;
	unsigned int i;

	if (strcmp(d->pmd, "net_af_xdp") == 0) {
		dut_skip(d, "use_cni and dp_path are not in net_af_xdp 22.11");
		return;
	}
	if (!pool_begin(d, &cfg, 16383, 250, &p))
		return;
	if (!outside_open(d, &o))
		return;
	snprintf(pl.path, sizeof(pl.path), "%s/afxdp.sock", d->tmp);
	pl.map = o.map;
	for (i = 0; i < RTE_DIM(manners); i++)
		meet(d, &pl, &p, &manners[i], &cfg);
	outside_close(&o);
	peer_close(&p);
}

static unsigned int
bpf_fds(void)
{
	return fd_count("bpf-map") + fd_count("bpf-prog") + fd_count("bpf_link") +
	       fd_count("bpf-link");
}

/* Open and close n times with args; bpf descriptors may not grow. */
static void
fd_cycles(struct dut *d, const struct port_cfg *cfg, unsigned int n, const char *args)
{
	unsigned int i, before = bpf_fds();
	uint16_t port;

	for (i = 0; i < n && d->failed == 0; i++) {
		if (!port_up(d, &port, cfg, args))
			return;
		port_close(port);
		EXPECT(d, bpf_fds() <= before,
			"%u bpf descriptors after cycle %u with %s, %u before", bpf_fds(), i + 1,
			args, before);
	}
}

static void
case_map_fds(struct dut *d)
{
	struct port_cfg cfg = two_queues;
	char args[300], pin[200];
	struct outside o;
	struct peer p;
	uint16_t port;

	if (!pool_begin(d, &cfg, 16383, 250, &p))
		return;
	if (d->prog != NULL) {
		snprintf(args, sizeof(args), "xdp_prog=%s", d->prog);
		fd_cycles(d, &cfg, 50, args);
	}
	if (strcmp(d->pmd, "net_af_xdp") == 0) {
		dut_skip(d, "use_pinned_map is not in net_af_xdp 22.11");
		return;
	}
	if (!outside_open(d, &o))
		return;
	snprintf(pin, sizeof(pin), "%s/bpf/xsks_map", d->tmp);
	if (EXPECT(d, bpf_pin(o.map, pin) == 0, "pin %s", pin)) {
		snprintf(args, sizeof(args), "use_pinned_map=1,busy_budget=0,dp_path=%s", pin);
		fd_cycles(d, &cfg, 50, args);
		if (d->failed == 0 && port_up(d, &port, &cfg, args)) {
			traffic_both(d, &p, port, &cfg, 300, "pinned map");
			port_close(port);
		}
		/* A pin that is no XSKMAP is refused. */
		unlink(pin);
		EXPECT(d, bpf_pin(o.prog, pin) == 0, "pin the program");
		if (port_open(d, &port, "queue_count=2,%s", args) == 0) {
			EXPECT(d, port_setup(port, &cfg) != 0 || port_start(port) != 0,
			       "a pinned program taken for a map");
			port_close(port);
		}
		unlink(pin);
	}
	outside_close(&o);
	peer_close(&p);
}

const struct dut_case dut_fd_cases[] = {
	{ "cni", "17", 2, 0, "skip", "hostile answers of a device plugin", case_cni },
	{ "map-fds", "18", 2, 0, "shown", "map and program descriptors after close", case_map_fds },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

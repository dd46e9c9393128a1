/* SPDX-License-Identifier: BSD-3-Clause */
/* The device plugin handshake against a fake plugin: the right one, and every way to be wrong. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "afx_cni.h"
#include "check.h"

#define LONG65 "/fd_ack" "0123456789012345678901234567890123456789012345678901234567"

enum { CONNECT, VERSION, MAP, FIN, STEPS };

/* An answer of the plugin; fds descriptors go with it. */
struct answer {
	const char *text;
	unsigned int len;        /* 0: strlen(text) */
	unsigned int fds;
	int delay_ms;
	bool hang;               /* say nothing, keep the connection */
	bool hangup;             /* close it */
};

/* What differs from the right handshake: one answer. */
struct deviation {
	const char *name;
	unsigned int step;
	struct answer answer;
	int code;
	const char *part;        /* of the error text */
};

static const struct answer right[STEPS] = {
	[CONNECT] = { .text = "/host_ok" },
	[VERSION] = { .text = "0.1" },
	[MAP] = { .text = "/fd_ack", .fds = 1 },
	[FIN] = { .text = "/fin_ack" },
};

static const struct deviation deviations[] = {
	{ "host nak", CONNECT, { .text = "/host_nak" }, -EACCES, "/host_nak" },
	{ "host error", CONNECT, { .text = "/error" }, -EPROTO, "/error" },
	{ "host longer", CONNECT, { .text = "/host_ok2" }, -EPROTO, "/host_ok2" },
	{ "host shorter", CONNECT, { .text = "/host_o" }, -EPROTO, "/host_o" },
	{ "host with nul", CONNECT, { .text = "/host_ok", .len = 9 }, -EPROTO, "/host_ok?" },
	{ "host with fd", CONNECT, { .text = "/host_ok", .fds = 1 }, -EPROTO, "nobody asked" },
	{ "host hangup", CONNECT, { .hangup = true }, -ECONNRESET, "/connect" },
	{ "host hang", CONNECT, { .hang = true }, -ETIMEDOUT, "/connect" },
	{ "other version", VERSION, { .text = "0.2" }, -EPROTONOSUPPORT, "0.2" },
	{ "control bytes", VERSION, { .text = "0.1\033[2J\n" }, -EPROTONOSUPPORT, "0.1?[2J?" },
	{ "fd nak", MAP, { .text = "/fd_nak" }, -ENODEV, "eth7" },
	{ "fd nak with fd", MAP, { .text = "/fd_nak", .fds = 1 }, -ENODEV, "eth7" },
	{ "ack without fd", MAP, { .text = "/fd_ack" }, -EPROTO, "without a descriptor" },
	{ "ack with 2 fds", MAP, { .text = "/fd_ack", .fds = 2 }, -EPROTO, "several" },
	{ "ack with 4 fds", MAP, { .text = "/fd_ack", .fds = 4 }, -EPROTO, "several" },
	{ "ack with 9 fds", MAP, { .text = "/fd_ack", .fds = 9 }, -EPROTO, "several" },
	{ "empty with fd", MAP, { .text = "", .fds = 1 }, -EPROTO, "/xsk_map_fd" },
	{ "short ack", MAP, { .text = "/fd_a", .fds = 1 }, -EPROTO, "/fd_a'" },
	{ "65 bytes", MAP, { .text = LONG65, .len = 65, .fds = 1 }, -EPROTO, "longer than 64" },
	{ "64 bytes", MAP, { .text = LONG65, .len = 64, .fds = 1 }, -EPROTO, "/fd_ack0" },
	{ "fd hang", MAP, { .hang = true }, -ETIMEDOUT, "/xsk_map_fd" },
	{ "late", MAP, { .text = "/fd_ack", .fds = 1, .delay_ms = 1800 }, 0, NULL },
	{ "too late", MAP, { .text = "/fd_ack", .fds = 1, .delay_ms = 2500 }, -ETIMEDOUT, "2000" },
	{ "fin nak", FIN, { .text = "/nak" }, -EPROTO, "/nak" },
	{ "fin with fd", FIN, { .text = "/fin_ack", .fds = 1 }, -EPROTO, "nobody asked" },
	{ "fin hangup", FIN, { .hangup = true }, -ECONNRESET, "/fin" },
};

static char dir[] = "/tmp/test_cni.XXXXXX";
static char path[64];
static int handed_fd;

static long long
ms_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static unsigned int
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	NEED(d != NULL, "%s", strerror(errno));
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static int
listen_at(const char *where, int backlog)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", where);
	NEED(fd >= 0, "%s", strerror(errno));
	NEED(bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0, "%s", strerror(errno));
	NEED(listen(fd, backlog) == 0, "%s", strerror(errno));
	return fd;
}

static void
send_answer(int fd, const struct answer *a)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(16 * sizeof(int))];
	} control = { 0 };
	char text[128];
	struct iovec iov = { .iov_base = text };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct timespec delay = {
		.tv_sec = a->delay_ms / 1000,
		.tv_nsec = a->delay_ms % 1000 * 1000000L,
	};
	struct cmsghdr *c;
	unsigned int i;

	nanosleep(&delay, NULL);
	iov.iov_len = a->len != 0 ? a->len : strlen(a->text);
	memcpy(text, a->text, strlen(a->text) + 1);
	if (a->fds != 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(a->fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(a->fds * sizeof(int));
		for (i = 0; i < a->fds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &handed_fd, sizeof(int));
	}
	sendmsg(fd, &msg, MSG_NOSIGNAL);
}

/* Serve one connection as the plugin does; exit status 0 when all requests seen were right. */
static void
serve(int listener, const struct answer answers[STEPS])
{
	char request[256], expected[STEPS][160], host[128];
	int fd = accept(listener, NULL, NULL);
	unsigned int step;
	ssize_t n;

	gethostname(host, sizeof(host));
	snprintf(expected[CONNECT], sizeof(expected[0]), "/connect,%s", host);
	snprintf(expected[VERSION], sizeof(expected[0]), "/version");
	snprintf(expected[MAP], sizeof(expected[0]), "/xsk_map_fd,eth7");
	snprintf(expected[FIN], sizeof(expected[0]), "/fin");
	for (step = 0; step < STEPS; step++) {
		n = recv(fd, request, sizeof(request), 0);
		if (n == 0)
			_exit(0);
		if (n != (ssize_t)strlen(expected[step]) ||
		    memcmp(request, expected[step], (size_t)n) != 0)
			_exit(1);
		if (answers[step].hangup)
			_exit(0);
		if (!answers[step].hang)
			send_answer(fd, &answers[step]);
	}
	_exit(0);
}

/* Run the client against a plugin with these answers; returns what the client did. */
static int
handshake(const struct answer answers[STEPS], int *map_fd, struct afx_err *err)
{
	int listener = listen_at(path, 1), status, ret;
	pid_t pid = fork();

	NEED(pid >= 0, "%s", strerror(errno));
	if (pid == 0)
		serve(listener, answers);
	close(listener);
	ret = afx_cni_get_map(path, "eth7", map_fd, err);
	NEED(waitpid(pid, &status, 0) == pid, "%s", strerror(errno));
	CHECK_AT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a request was wrong");
	unlink(path);
	return ret;
}

static void
check_got_fd(int fd)
{
	struct stat have, want;

	CHECK(fd > 2);
	CHECK_EQ(fstat(fd, &have), 0);
	CHECK_EQ(fstat(handed_fd, &want), 0);
	CHECK(have.st_ino == want.st_ino && have.st_dev == want.st_dev);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
}

static void
test_right(void)
{
	struct afx_err err;
	int fd;

	CHECK_EQ(handshake(right, &fd, &err), 0);
	check_got_fd(fd);
}

static void
test_deviation(const struct deviation *d)
{
	struct answer answers[STEPS];
	struct afx_err err = { 0 };
	long long began = ms_now();
	int fd = 0, ret;

	memcpy(answers, right, sizeof(right));
	answers[d->step] = d->answer;
	ret = handshake(answers, &fd, &err);
	CHECK_AT(ret == d->code, "%s: %d, not %d (%s)", d->name, ret, d->code, err.text);
	CHECK_AT(ms_now() - began < 2 * AFX_CNI_TIMEOUT_MS, "%s took %lld ms", d->name,
		ms_now() - began);
	if (d->code == 0) {
		check_got_fd(fd);
		return;
	}
	CHECK_EQ(fd, -1);
	CHECK_EQ(err.code, d->code);
	CHECK_TEXT(err, d->part);
}

/* Each answer in time, all together too late: the deadline is of the whole. */
static void
test_trickle(void)
{
	struct answer answers[STEPS];
	struct afx_err err;
	unsigned int i;
	int fd;

	memcpy(answers, right, sizeof(right));
	for (i = 0; i < STEPS; i++)
		answers[i].delay_ms = 800;
	CHECK_EQ(handshake(answers, &fd, &err), -ETIMEDOUT);
	CHECK_EQ(fd, -1);
}

static void
test_no_plugin(void)
{
	char longer[256];
	struct afx_err err;
	int fd, listener;

	CHECK_EQ(afx_cni_get_map(path, "eth7", &fd, &err), -ENOENT);
	CHECK_TEXT(err, path);
	close(listen_at(path, 1));
	CHECK_EQ(afx_cni_get_map(path, "eth7", &fd, &err), -ECONNREFUSED);
	unlink(path);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CHECK_EQ(afx_cni_get_map(longer, "eth7", &fd, &err), -ENAMETOOLONG);
	CHECK_EQ(afx_cni_get_map(path, "", &fd, &err), -EINVAL);
	CHECK_EQ(afx_cni_get_map(path, "a,b", &fd, &err), -EINVAL);

	/* A plugin that accepts nobody: the first waits for an answer, the next for a place. */
	listener = listen_at(path, 0);
	CHECK_EQ(afx_cni_get_map(path, "eth7", &fd, &err), -ETIMEDOUT);
	CHECK_EQ(afx_cni_get_map(path, "eth7", &fd, &err), -ETIMEDOUT);
	CHECK_EQ(fd, -1);
	close(listener);
	unlink(path);
}

/* A request longer than the plugin reads is refused here instead of being cut there. */
static void
test_long_interface(void)
{
	char iface[64];
	struct answer answers[STEPS];
	struct afx_err err;
	int listener = listen_at(path, 1), fd;
	pid_t pid;

	memcpy(answers, right, sizeof(right));
	memset(iface, 'i', sizeof(iface) - 1);
	iface[sizeof(iface) - 1] = '\0';
	pid = fork();
	NEED(pid >= 0, "%s", strerror(errno));
	if (pid == 0)
		serve(listener, answers);
	close(listener);
	CHECK_EQ(afx_cni_get_map(path, iface, &fd, &err), -ENAMETOOLONG);
	CHECK_TEXT(err, iface);
	waitpid(pid, NULL, 0);
	unlink(path);
}

int
main(void)
{
	unsigned int fds;
	size_t i;

	NEED(mkdtemp(dir) != NULL, "%s", strerror(errno));
	snprintf(path, sizeof(path), "%s/afxdp.sock", dir);
	handed_fd = memfd_create("map", MFD_CLOEXEC);
	NEED(handed_fd >= 0, "%s", strerror(errno));
	fds = open_fds();
	test_right();
	for (i = 0; i < sizeof(deviations) / sizeof(deviations[0]); i++) {
		test_deviation(&deviations[i]);
		CHECK_AT(open_fds() == fds, "%s left descriptors", deviations[i].name);
	}
	test_trickle();
	test_no_plugin();
	test_long_interface();
	CHECK_EQ(open_fds(), fds);
	rmdir(dir);
	return check_result();
}

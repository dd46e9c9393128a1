/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's side: commands, netdev state, open descriptors. */
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "dut.h"

int
sys_run(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd);
}

bool
sys_grep(char *line, size_t size, const char *what, const char *fmt, ...)
{
	char cmd[512];
	bool found = false;
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	f = popen(cmd, "re");
	if (f == NULL)
		return false;
	while (!found && fgets(line, size, f) != NULL)
		found = strstr(line, what) != NULL;
	while (fgetc(f) != EOF)
		;
	pclose(f);
	return found;
}

int
netdev_promiscuity(const char *ifname)
{
	char line[2048];
	int n = -1;

	if (sys_grep(line, sizeof(line), "promiscuity", "ip -d -o link show dev %s", ifname))
		sscanf(strstr(line, "promiscuity"), "promiscuity %d", &n);
	return n;
}

bool
netdev_has_prog(const char *ifname)
{
	char line[2048];

	return sys_grep(line, sizeof(line), "prog/xdp", "ip -d -o link show dev %s", ifname);
}

uint64_t
netdev_rx_packets(const char *ifname)
{
	struct ifaddrs *all, *i;
	uint64_t n = 0;

	if (getifaddrs(&all) != 0)
		return 0;
	for (i = all; i != NULL; i = i->ifa_next)
		if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_PACKET &&
		    i->ifa_data != NULL && strcmp(i->ifa_name, ifname) == 0)
			n = ((struct rtnl_link_stats *)i->ifa_data)->rx_packets;
	freeifaddrs(all);
	return n;
}

int
netdev_up(const char *ifname, bool up)
{
	struct ifreq ifr = { 0 };
	int s, ret = 0;

	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(s, SIOCGIFFLAGS, &ifr) == 0) {
		ifr.ifr_flags = up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP;
		ret = ioctl(s, SIOCSIFFLAGS, &ifr);
	} else {
		ret = -1;
	}
	if (ret != 0)
		ret = -errno;
	close(s);
	return ret;
}

unsigned int
fd_count(const char *what)
{
	char link[300], path[300];
	struct dirent *e;
	unsigned int n = 0;
	ssize_t len;
	DIR *dir;

	dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(dir))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		len = readlink(path, link, sizeof(link) - 1);
		if (len < 0)
			continue;
		link[len] = '\0';
		/* EAL keeps hugepage files open while its heap has them. */
		n += strstr(link, what) != NULL && strstr(link, "rtemap") == NULL;
	}
	closedir(dir);
	return n;
}

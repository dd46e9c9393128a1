/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine, see sysinfo.h. What cannot be read is left empty. */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <rte_version.h>

#include "sysinfo.h"

#define CPU_DIR "/sys/devices/system/cpu"

static void
first_line(const char *path, char *text, size_t len)
{
	FILE *f = fopen(path, "re");

	text[0] = '\0';
	if (f == NULL)
		return;
	if (fgets(text, len, f) == NULL)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(f);
}

/* The value of the first line of /proc/cpuinfo that begins with key. */
static void
cpuinfo(const char *key, char *text, size_t len)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[512], *colon;

	text[0] = '\0';
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		colon = strchr(line, ':');
		if (colon == NULL || strncmp(line, key, strlen(key)) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, len, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
		break;
	}
	if (f != NULL)
		fclose(f);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
vulnerabilities(struct sysinfo *si)
{
	DIR *d = opendir(CPU_DIR "/vulnerabilities");
	struct dirent *e;
	char path[320];

	while (d != NULL && (e = readdir(d)) != NULL && si->n_vulns < SYSINFO_VULNS) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), CPU_DIR "/vulnerabilities/%s", e->d_name);
		snprintf(si->vuln[si->n_vulns].name, sizeof(si->vuln[0].name), "%.39s", e->d_name);
		first_line(path, si->vuln[si->n_vulns].state, sizeof(si->vuln[0].state));
		si->n_vulns++;
	}
	if (d != NULL)
		closedir(d);
	qsort(si->vuln, si->n_vulns, sizeof(si->vuln[0]), by_name);
}

void
sysinfo_get(struct sysinfo *si)
{
	struct utsname un;
	char flags[4096];

	memset(si, 0, sizeof(*si));
	if (uname(&un) == 0) {
		snprintf(si->kernel, sizeof(si->kernel), "%s %s", un.sysname, un.release);
		snprintf(si->arch, sizeof(si->arch), "%.31s", un.machine);
	}
	cpuinfo("model name", si->cpu, sizeof(si->cpu));
	cpuinfo("flags", flags, sizeof(flags));
	first_line("/sys/hypervisor/type", si->hypervisor, sizeof(si->hypervisor));
	if (si->hypervisor[0] == '\0' && strstr(flags, " hypervisor ") != NULL)
		strcpy(si->hypervisor, "yes");
	si->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	first_line(CPU_DIR "/isolated", si->isolated, sizeof(si->isolated));
	first_line(CPU_DIR "/cpu0/cpufreq/scaling_governor", si->governor, sizeof(si->governor));
	snprintf(si->dpdk, sizeof(si->dpdk), "%s", rte_version());
	snprintf(si->libbpf, sizeof(si->libbpf), "%s", libbpf_version_string());
	first_line("/proc/sys/net/core/busy_poll", si->busy_poll, sizeof(si->busy_poll));
	first_line("/proc/sys/net/core/busy_read", si->busy_read, sizeof(si->busy_read));
	vulnerabilities(si);
}

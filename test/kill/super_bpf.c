/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BPF objects of one process. Other programs of the machine come and go meanwhile, so no two
 * listings are compared: the ids are those that the process's own descriptors lead to.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "super.h"

static void
add(struct bpf_ids *ids, char type, uint32_t id)
{
	for (unsigned int i = 0; i < ids->cnt; i++)
		if (ids->id[i].type == type && ids->id[i].id == id)
			return;
	if (id == 0 || ids->cnt == IDS_MAX)
		return;
	ids->id[ids->cnt].type = type;
	ids->id[ids->cnt++].id = id;
}

static void
add_of_link(struct bpf_ids *ids, uint32_t id)
{
	struct bpf_link_info info;
	uint32_t len = sizeof(info);
	int fd = bpf_link_get_fd_by_id(id);

	memset(&info, 0, sizeof(info));
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
		add(ids, 'p', info.prog_id);
	close(fd);
}

static void
add_of_prog(struct bpf_ids *ids, uint32_t id)
{
	struct bpf_prog_info info;
	uint32_t len = sizeof(info);
	uint32_t maps[16];
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return;
	memset(&info, 0, sizeof(info));
	info.nr_map_ids = 16;
	info.map_ids = (uintptr_t)maps;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
		for (uint32_t i = 0; i < info.nr_map_ids && i < 16; i++)
			add(ids, 'm', maps[i]);
	close(fd);
}

static void
read_fdinfo(const char *path, struct bpf_ids *ids)
{
	char line[256];
	unsigned int id;
	FILE *f = fopen(path, "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "link_id: %u", &id) == 1)
			add(ids, 'l', id);
		else if (sscanf(line, "prog_id: %u", &id) == 1)
			add(ids, 'p', id);
		else if (sscanf(line, "map_id: %u", &id) == 1)
			add(ids, 'm', id);
	}
	if (f != NULL)
		fclose(f);
}

void
bpf_ids_collect(pid_t pid, struct bpf_ids *ids)
{
	char path[320];
	struct dirent *de;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
	d = opendir(path);
	while (d != NULL && (de = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, de->d_name);
		if (de->d_name[0] != '.')
			read_fdinfo(path, ids);
	}
	if (d != NULL)
		closedir(d);
	/* The list grows behind the cursor: a link adds its program, a program its maps. */
	for (unsigned int i = 0; i < ids->cnt; i++) {
		if (ids->id[i].type == 'l')
			add_of_link(ids, ids->id[i].id);
		else if (ids->id[i].type == 'p')
			add_of_prog(ids, ids->id[i].id);
	}
}

unsigned int
bpf_ids_left(const struct bpf_ids *ids, char *first, size_t room)
{
	unsigned int left = 0;

	first[0] = '\0';
	for (unsigned int i = 0; i < ids->cnt; i++) {
		char type = ids->id[i].type;
		uint32_t id = ids->id[i].id;
		int fd = type == 'l' ? bpf_link_get_fd_by_id(id) :
			type == 'p' ? bpf_prog_get_fd_by_id(id) : bpf_map_get_fd_by_id(id);

		if (fd < 0)
			continue;
		close(fd);
		if (left++ == 0)
			snprintf(first, room, "BPF %s %u", type == 'l' ? "link" : type == 'p' ?
				"program" : "map", id);
	}
	return left;
}

/* Interface indexes repeat in namespaces: that of the test is chosen so that it does not. */
int
bpf_links_on(int ifindex)
{
	struct bpf_link_info info;
	uint32_t id = 0, len;
	int n = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
			info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == (uint32_t)ifindex)
			n++;
		close(fd);
	}
	return n;
}

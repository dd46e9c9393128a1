/* SPDX-License-Identifier: BSD-3-Clause */
/* Raw bpf(2): an XSKMAP and a program that redirects to it, as a device plugin would make them. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/syscall.h>

#include "dut.h"

static int
bpf_call(int cmd, union bpf_attr *attr)
{
	long ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : (int)ret;
}

int
bpf_xskmap(unsigned int entries)
{
	union bpf_attr attr = { 0 };

	attr.map_type = BPF_MAP_TYPE_XSKMAP;
	attr.key_size = sizeof(uint32_t);
	attr.value_size = sizeof(uint32_t);
	attr.max_entries = entries;
	strcpy(attr.map_name, "xsks_map");
	return bpf_call(BPF_MAP_CREATE, &attr);
}

/* return bpf_redirect_map(map, ctx->rx_queue_index, verdict); without a map: return verdict; */
int
bpf_xdp_prog(int map_fd, int verdict)
{
	struct bpf_insn redirect[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1,
		  .off = offsetof(struct xdp_md, rx_queue_index) },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = map_fd },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = verdict },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_insn plain[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { 0 };

	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.expected_attach_type = BPF_XDP;
	attr.insns = map_fd >= 0 ? (uintptr_t)redirect : (uintptr_t)plain;
	attr.insn_cnt = map_fd >= 0 ? RTE_DIM(redirect) : RTE_DIM(plain);
	attr.license = (uintptr_t)"BSD";
	return bpf_call(BPF_PROG_LOAD, &attr);
}

int
bpf_xdp_link(int prog_fd, const char *ifname, bool skb)
{
	union bpf_attr attr = { 0 };

	attr.link_create.prog_fd = prog_fd;
	attr.link_create.target_ifindex = if_nametoindex(ifname);
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = skb ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	return bpf_call(BPF_LINK_CREATE, &attr);
}

int
bpf_link_update(int link_fd, int prog_fd)
{
	union bpf_attr attr = { 0 };

	attr.link_update.link_fd = link_fd;
	attr.link_update.new_prog_fd = prog_fd;
	return bpf_call(BPF_LINK_UPDATE, &attr);
}

int
bpf_pin(int fd, const char *path)
{
	union bpf_attr attr = { 0 };

	attr.pathname = (uintptr_t)path;
	attr.bpf_fd = fd;
	return bpf_call(BPF_OBJ_PIN, &attr);
}

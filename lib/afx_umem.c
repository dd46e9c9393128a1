/* SPDX-License-Identifier: BSD-3-Clause */
/* Registering a UMEM, see afx_umem.h. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afx_frame.h"
#include "afx_uapi.h"
#include "afx_umem.h"

int
afx_umem_validate(const struct afx_umem_cfg *cfg, struct afx_err *err)
{
	uint64_t page = sysconf(_SC_PAGESIZE);

	if (cfg->base == NULL || (uintptr_t)cfg->base % page != 0)
		return afx_err_set(err, -EINVAL, "umem base %p is not page aligned", cfg->base);
	if (cfg->len == 0 || cfg->len % page != 0 || cfg->len >> AFX_OFFSET_SHIFT != 0)
		return afx_err_set(err, -EINVAL,
			"umem length %llu is not a multiple of the page size %llu below 2^48",
			(unsigned long long)cfg->len, (unsigned long long)page);
	if (cfg->chunk < AFX_CHUNK_MIN || cfg->chunk > AFX_CHUNK_MAX)
		return afx_err_set(err, -EINVAL, "umem chunk of %u bytes is outside %u..%u",
			cfg->chunk, AFX_CHUNK_MIN, AFX_CHUNK_MAX);
	if (cfg->headroom >= cfg->chunk - AFX_XDP_HEADROOM)
		return afx_err_set(err, -EINVAL,
			"umem headroom of %u bytes leaves nothing of a chunk of %u", cfg->headroom,
			cfg->chunk);
	return 0;
}

static const char *
register_remedy(int code)
{
	switch (code) {
	case ENOBUFS:
		return "the memory to pin exceeds RLIMIT_MEMLOCK: raise it (ulimit -l unlimited) "
		       "or "
		       "give CAP_IPC_LOCK";
	case EFAULT:
	case ENOMEM:
		return "part of the range is not mapped, or memory is short";
	case EINVAL:
		return "the kernel refuses the layout: unaligned chunks need Linux 5.4";
	default:
		return "unexpected";
	}
}

int
afx_umem_register(int fd, const struct afx_umem_cfg *cfg, struct afx_err *err)
{
	struct xdp_umem_reg reg;
	struct rlimit rl = { 0, 0 };
	int code;

	code = afx_umem_validate(cfg, err);
	if (code < 0)
		return code;
	memset(&reg, 0, sizeof(reg));
	reg.addr = (uintptr_t)cfg->base;
	reg.len = cfg->len;
	reg.chunk_size = cfg->chunk;
	reg.headroom = cfg->headroom;
	reg.flags = XDP_UMEM_UNALIGNED_CHUNK_FLAG;
	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) == 0)
		return 0;
	code = errno;
	getrlimit(RLIMIT_MEMLOCK, &rl);
	return afx_err_set(err, -code,
		"setsockopt(XDP_UMEM_REG, base %p, %llu bytes, chunk %u): %s (%d); %s; "
		"RLIMIT_MEMLOCK is %lld KiB",
		cfg->base, (unsigned long long)cfg->len, cfg->chunk, strerror(code), code,
		register_remedy(code), rl.rlim_cur == RLIM_INFINITY ? -1LL :
		(long long)rl.rlim_cur / 1024);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The address arithmetic of afx_frame.h, exhaustively in offset and tag. */
#include <linux/bpf.h>
#include <unistd.h>

#include "afx_frame.h"
#include "afx_test.h"

#define BASE_MAX ((1ull << 48) - 1)

static void
split(void)
{
	static const uint64_t bases[] = { 0, 1, 2304, 4095, 4096, 1ull << 32, BASE_MAX - 65536,
		BASE_MAX };

	for (unsigned int i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		for (uint32_t off = 0; off <= UINT16_MAX; off++) {
			uint64_t addr = bases[i] | (uint64_t)off << 48;

			if (afx_frame_base(addr) == bases[i] && afx_frame_offset(addr) == off &&
					afx_frame_byte(addr) == bases[i] + off)
				continue;
			CHECK_EQ(afx_frame_base(addr), bases[i]);
			CHECK_EQ(afx_frame_offset(addr), off);
			CHECK_EQ(afx_frame_byte(addr), bases[i] + off);
		}
	}
}

static void
tags(void)
{
	for (uint32_t tag = 0; tag <= UINT16_MAX; tag++) {
		const uint64_t bytes[] = { tag, tag + 1ull, UINT16_MAX, 1ull << 21, BASE_MAX };

		for (unsigned int i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
			uint64_t addr = afx_frame_tagged(bytes[i], tag);

			if (afx_frame_byte(addr) == bytes[i] && afx_frame_offset(addr) == tag)
				continue;
			CHECK_EQ(afx_frame_byte(addr), bytes[i]);
			CHECK_EQ(afx_frame_offset(addr), tag);
		}
	}
}

/* Against the definition, byte by byte of two units. */
static void
crosses(void)
{
	for (unsigned int shift = 1; shift <= 12; shift += 11) {
		uint64_t unit = 1ull << shift;

		for (uint64_t start = 0; start < 2 * unit; start++) {
			for (uint32_t len = 1; len <= 2 * unit; len += len < 70 ? 1 : 61) {
				int want = start / unit != (start + len - 1) / unit;

				if (afx_frame_crosses(start, len, shift) != want)
					CHECK_EQ(afx_frame_crosses(start, len, shift), want);
			}
		}
	}
	CHECK(!afx_frame_crosses(4096, 4096, 12));
	CHECK(afx_frame_crosses(4096, 4097, 12));
	CHECK(afx_frame_crosses(4095, 2, 12));
	CHECK(!afx_frame_crosses(4095, 1, 12));
	CHECK(afx_frame_crosses((1ull << 40) + (2u << 20) - 1, 2, 21));
	CHECK(!afx_frame_crosses((1ull << 40) + (2u << 20) - 2, 2, 21));
	/* 63 means anywhere, for every address of user space. */
	for (unsigned int bit = 0; bit < 47; bit++)
		CHECK(!afx_frame_crosses((1ull << bit) - 1, UINT32_MAX, 63));
}

/* What the kernel's headers and the page size say. */
static void
constants(void)
{
	CHECK_EQ(AFX_XDP_HEADROOM, XDP_PACKET_HEADROOM);
	CHECK_EQ(AFX_CHUNK_MIN, 2048);
	/* A UMEM is a whole number of pages: it holds a chunk, whatever its size. */
	CHECK_EQ(AFX_CHUNK_MAX, 4096);
	CHECK(AFX_CHUNK_MAX <= sysconf(_SC_PAGESIZE));
}

int
main(void)
{
	constants();
	split();
	tags();
	crosses();
	return afx_test_end();
}

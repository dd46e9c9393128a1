/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The second pass of the receive burst with vectors: two descriptors at a time and without a branch
 * a packet; where any is not in order all are done again by describe. Included by xsk_rx.c only.
 */
#ifndef XSK_RX_VEC_H
#define XSK_RX_VEC_H

#ifdef RTE_ARCH_X86_64
static __rte_noinline uint32_t
describe_sse(struct xsk_rxq *q, const struct xdp_desc *desc, struct rte_mbuf **pkts, uint32_t n,
	uint64_t *bytes)
{
	/* Bytes 8 to 11 of a descriptor are its length; a top bit makes a byte 0. */
	const __m128i pick = _mm_set_epi8(-1, -1, -1, -1, -1, -1, 9, 8, 11, 10, 9, 8, -1, -1, -1,
		-1);
	const uint32_t room = q->chunk - q->off_adj;
	const __m128i adj = _mm_set1_epi64x(q->off_adj), rearm = _mm_set1_epi64x(q->rearm);
	const __m128i zero = _mm_setzero_si128();
	__m128i max_off = zero, max_len = zero, max_end = zero, sum = zero, worst;
	uint32_t i;

	for (i = 0; i + 1 < n; i += 2) {
		__m128i a = _mm_load_si128((const __m128i *)&desc[i]);
		__m128i b = _mm_load_si128((const __m128i *)&desc[i + 1]);
		__m128i off = _mm_srli_epi64(_mm_unpacklo_epi64(a, b), AFX_OFFSET_SHIFT);
		__m128i len = _mm_unpackhi_epi64(a, b);
		__m128i word;

		off = _mm_sub_epi64(off, adj);
		word = _mm_add_epi64(off, rearm);
		_mm_store_si128(RTE_PTR_ADD(pkts[i], 16), _mm_unpacklo_epi64(word, zero));
		_mm_store_si128(RTE_PTR_ADD(pkts[i], 32), _mm_shuffle_epi8(a, pick));
		_mm_store_si128(RTE_PTR_ADD(pkts[i + 1], 16), _mm_unpackhi_epi64(word, zero));
		_mm_store_si128(RTE_PTR_ADD(pkts[i + 1], 32), _mm_shuffle_epi8(b, pick));
		max_off = _mm_max_epu32(max_off, off);
		max_len = _mm_max_epu32(max_len, len);
		max_end = _mm_max_epu32(max_end, _mm_add_epi32(off, len));
		sum = _mm_add_epi32(sum, len);
	}
	/* Lanes 0 and 2 count; none is so long that a sum of what is in order wraps. */
	worst = _mm_max_epu32(max_end, _mm_max_epu32(max_off, max_len));
	worst = _mm_max_epu32(worst, _mm_unpackhi_epi64(worst, worst));
	if (unlikely((uint32_t)_mm_cvtsi128_si32(worst) > room))
		return describe(q, desc, pkts, n, bytes);
	q->held -= i;
	*bytes += (uint32_t)_mm_cvtsi128_si32(sum) + (uint32_t)_mm_extract_epi32(sum, 2);
	return i < n ? i + describe(q, desc + i, pkts + i, n - i, bytes) : i;
}

/* gcc splits unaligned accesses of 32 bytes unless it tunes for a CPU that does them well. */
#ifdef __clang__
#define AVX2_CODE __attribute__((target("avx2")))
#else
#define AVX2_CODE __attribute__((target("avx2,tune=haswell")))
#endif

/* Half the stores: the 32 bytes from data_off on are one. */
static __rte_noinline AVX2_CODE uint32_t
describe_avx2(struct xsk_rxq *q, const struct xdp_desc *desc, struct rte_mbuf **pkts, uint32_t n,
	uint64_t *bytes)
{
	/* As above, in each half. */
	const __m256i pick = _mm256_broadcastsi128_si256(_mm_set_epi8(-1, -1, -1, -1, -1, -1, 9, 8,
		11, 10, 9, 8, -1, -1, -1, -1));
	const uint32_t room = q->chunk - q->off_adj;
	const __m256i adj = _mm256_set_epi64x(0, q->off_adj, 0, q->off_adj);
	const __m256i rearm = _mm256_set_epi64x(0, q->rearm, 0, q->rearm);
	const __m256i low = _mm256_set_epi64x(0, -1, 0, -1);
	__m256i max_off = _mm256_setzero_si256(), max_len = max_off, max_end = max_off;
	__m256i sum = max_off, worst;
	__m128i one;
	uint32_t i;

	for (i = 0; i + 1 < n; i += 2) {
		__m256i d = _mm256_loadu_si256((const __m256i *)&desc[i]);
		__m256i off = _mm256_and_si256(_mm256_srli_epi64(d, AFX_OFFSET_SHIFT), low);
		__m256i len = _mm256_srli_si256(d, 8);
		__m256i word, tail = _mm256_shuffle_epi8(d, pick);

		off = _mm256_sub_epi64(off, adj);
		word = _mm256_add_epi64(off, rearm);
		_mm256_storeu_si256(RTE_PTR_ADD(pkts[i], 16),
			_mm256_permute2x128_si256(word, tail, 0x20));
		_mm256_storeu_si256(RTE_PTR_ADD(pkts[i + 1], 16),
			_mm256_permute2x128_si256(word, tail, 0x31));
		max_off = _mm256_max_epu32(max_off, off);
		max_len = _mm256_max_epu32(max_len, len);
		max_end = _mm256_max_epu32(max_end, _mm256_add_epi32(off, len));
		sum = _mm256_add_epi32(sum, len);
	}
	/* The lowest lane of each half counts. */
	worst = _mm256_max_epu32(max_end, _mm256_max_epu32(max_off, max_len));
	one = _mm_max_epu32(_mm256_castsi256_si128(worst), _mm256_extracti128_si256(worst, 1));
	if (unlikely((uint32_t)_mm_cvtsi128_si32(one) > room))
		return describe(q, desc, pkts, n, bytes);
	one = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
	q->held -= i;
	*bytes += (uint32_t)_mm_cvtsi128_si32(one);
	return i < n ? i + describe(q, desc + i, pkts + i, n - i, bytes) : i;
}
#else
#define describe_sse describe
#define describe_avx2 describe
#endif

#endif

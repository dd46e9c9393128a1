/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checks for test programs: a failed one is printed and counted, and the program goes on. A program
 * ends with "return afx_test_end()": 0 when nothing failed, 1 when something did. What cannot run
 * here leaves through SKIP with 77, the code test runners take for "skipped".
 *
 * Any thread may check; a forked child reports by its own exit code.
 */
#ifndef AFX_TEST_H
#define AFX_TEST_H

#include <stdio.h>
#include <stdlib.h>

/* A broken loop would repeat itself a million times: only so many failures are printed. */
#define AFX_TEST_PRINT_MAX 10

static unsigned int afx_test_failed;

/* Count a failure; true while it is worth printing. */
static inline int
afx_test_fail(void)
{
	return __atomic_fetch_add(&afx_test_failed, 1, __ATOMIC_RELAXED) < AFX_TEST_PRINT_MAX;
}

#define CHECK(cond) do { \
	if (!(cond) && afx_test_fail()) \
		fprintf(stderr, "%s:%d: %s: not true: %s\n", __FILE__, __LINE__, __func__, #cond); \
} while (0)

#define CHECK_EQ(got, want) do { \
	long long got_ = (long long)(got), want_ = (long long)(want); \
	if (got_ != want_ && afx_test_fail()) \
		fprintf(stderr, "%s:%d: %s: %s is %lld (0x%llx), not %s = %lld (0x%llx)\n", \
			__FILE__, __LINE__, __func__, #got, got_, (unsigned long long)got_, #want, \
			want_, (unsigned long long)want_); \
} while (0)

/* What a text must contain; text and part are strings. */
#define CHECK_TEXT(text, part) do { \
	const char *text_ = (text), *part_ = (part); \
	if (__builtin_strstr(text_, part_) == NULL && afx_test_fail()) \
		fprintf(stderr, "%s:%d: %s: \"%s\" does not contain \"%s\"\n", __FILE__, __LINE__, \
			__func__, text_, part_); \
} while (0)

#define SKIP(...) do { \
	printf("SKIP: "); \
	printf(__VA_ARGS__); \
	printf("\n"); \
	fflush(stdout); \
	exit(77); \
} while (0)

static inline int
afx_test_end(void)
{
	if (afx_test_failed != 0)
		fprintf(stderr, "%u checks failed\n", afx_test_failed);
	return afx_test_failed != 0;
}

#endif

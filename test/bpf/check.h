/* SPDX-License-Identifier: BSD-3-Clause */
/* Assertions of the test programs: a failed one is printed and counted, the test goes on. */
#ifndef AFX_TEST_CHECK_H
#define AFX_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int check_failed;
static unsigned int check_done;

#define CHECK_AT(cond, ...) do { \
	check_done++; \
	if (!(cond)) { \
		check_failed++; \
		fprintf(stderr, "%s:%d: %s: failed: %s: ", __FILE__, __LINE__, __func__, #cond); \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr); \
	} \
} while (0)

#define CHECK(cond) CHECK_AT(cond, " ")
#define CHECK_EQ(have, want) do { \
	long long have_ = (long long)(have), want_ = (long long)(want); \
	CHECK_AT(have_ == want_, "%s is %lld, not %s (%lld)", #have, have_, #want, want_); \
} while (0)
/* The text of an error must name what it is about. */
#define CHECK_TEXT(err, part) \
	CHECK_AT(strstr((err).text, part) != NULL, "no \"%s\" in \"%s\"", part, (err).text)

/* What a test cannot run without. */
#define NEED(cond, ...) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: cannot go on: %s: ", __FILE__, __LINE__, #cond); \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr); \
		exit(1); \
	} \
} while (0)

#define SKIP(...) do { \
	printf("SKIP: "); \
	printf(__VA_ARGS__); \
	putchar('\n'); \
	exit(77); \
} while (0)

static inline int
check_result(void)
{
	printf("%u checks, %u failed\n", check_done, check_failed);
	return check_failed != 0 || check_done == 0;
}

#endif

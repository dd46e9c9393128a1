/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing JSON: nesting and commas are seen to, strings escaped, no number that JSON has not. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH 16

struct json {
	FILE *out;
	int depth;
	bool more[JSON_DEPTH];   /* something stands before, in each level */
};

/* key NULL: an element of an array, or the outermost value. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_str(struct json *j, const char *key, const char *value);
void json_num(struct json *j, const char *key, double value);
void json_uint(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);

#endif

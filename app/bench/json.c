/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing JSON, see json.h. */
#include <math.h>

#include "json.h"

static void
quoted(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s != '\0'; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void
begin(struct json *j, const char *key)
{
	if (j->more[j->depth])
		fputc(',', j->out);
	if (j->depth > 0)
		fprintf(j->out, "\n%*s", 2 * j->depth, "");
	j->more[j->depth] = true;
	if (key != NULL) {
		quoted(j->out, key);
		fputs(": ", j->out);
	}
}

void
json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	fputc(bracket, j->out);
	if (j->depth < JSON_DEPTH - 1)
		j->depth++;
	j->more[j->depth] = false;
}

void
json_close(struct json *j, char bracket)
{
	if (j->depth > 0)
		j->depth--;
	fprintf(j->out, "\n%*s%c", 2 * j->depth, "", bracket);
	if (j->depth == 0)
		fputc('\n', j->out);
}

void
json_str(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	quoted(j->out, value);
}

void
json_num(struct json *j, const char *key, double value)
{
	begin(j, key);
	if (isfinite(value))
		fprintf(j->out, "%.10g", value);
	else
		fputs("null", j->out);
}

void
json_uint(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	fprintf(j->out, "%llu", (unsigned long long)value);
}

void
json_bool(struct json *j, const char *key, bool value)
{
	begin(j, key);
	fputs(value ? "true" : "false", j->out);
}

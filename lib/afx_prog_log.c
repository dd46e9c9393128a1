/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps libbpf from printing and picks the line that says why, see afx_prog_impl.h. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afx_prog_impl.h"

enum {
	RANK_NONE,
	RANK_WARNING,
	RANK_VERIFIER,
	RANK_EXTACK,
};

/* Held from begin to end: the print function is one for the process. */
static pthread_mutex_t owner = PTHREAD_MUTEX_INITIALIZER;
static libbpf_print_fn_t previous;
static __thread struct afx_prog_log *collecting;

/* Keep the line at text, up to its end, unless a better one is there. */
static void
keep(struct afx_prog_log *log, int rank, const char *text)
{
	size_t len = strcspn(text, "\n");

	if (rank <= log->rank || len == 0)
		return;
	if (len >= sizeof(log->reason))
		len = sizeof(log->reason) - 1;
	memcpy(log->reason, text, len);
	log->reason[len] = '\0';
	log->rank = rank;
}

/* The verifier's verdict is the last line before its statistics. */
static const char *
verdict(const char *text)
{
	const char *last = NULL, *line;

	for (line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, "processed ", 10) == 0 || strncmp(line, "-- END", 6) == 0)
			break;
		if (*line != '\n')
			last = line;
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return last;
}

static void
classify(struct afx_prog_log *log, const char *msg)
{
	static const char extack[] = "Kernel error message: ";
	static const char begin[] = "-- BEGIN PROG LOAD LOG --\n";
	const char *at;

	at = strstr(msg, extack);
	if (at != NULL) {
		keep(log, RANK_EXTACK, at + sizeof(extack) - 1);
		return;
	}
	at = strstr(msg, begin);
	if (at != NULL) {
		at = verdict(at + sizeof(begin) - 1);
		if (at != NULL)
			keep(log, RANK_VERIFIER, at);
		return;
	}
	if (strncmp(msg, "libbpf: ", 8) == 0)
		msg += 8;
	keep(log, RANK_WARNING, msg);
}

bool
afx_prog_log_add(bool warning, const char *fmt, va_list ap)
{
	struct afx_prog_log *log = collecting;
	char *msg;

	if (log == NULL)
		return false;
	if (warning && vasprintf(&msg, fmt, ap) >= 0) {
		classify(log, msg);
		free(msg);
	}
	return true;
}

static int
print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (afx_prog_log_add(level == LIBBPF_WARN, fmt, ap))
		return 0;
	return previous != NULL ? previous(level, fmt, ap) : 0;
}

void
afx_prog_log_begin(struct afx_prog_log *log)
{
	log->rank = RANK_NONE;
	log->reason[0] = '\0';
	pthread_mutex_lock(&owner);
	collecting = log;
	previous = libbpf_set_print(print_libbpf);
}

void
afx_prog_log_end(void)
{
	libbpf_print_fn_t now;

	/* The application may have set its own meanwhile: that one stays. */
	now = libbpf_set_print(previous);
	if (now != print_libbpf)
		libbpf_set_print(now);
	collecting = NULL;
	pthread_mutex_unlock(&owner);
}

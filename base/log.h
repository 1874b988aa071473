/* SPDX-License-Identifier: BSD-2-Clause */
/* Structured lines to stderr: a message and key=value fields, quoted where they need it, control characters escaped. Under
 * journald (JOURNAL_STREAM) each line starts with its priority as <N>, sd-daemon(3); else with time and level. Every call site is held
 * to 10 lines in 10 s; the next line that passes says how many were held back.
 *
 *	log_info("neighbour up", LOG_TEXT("id", text), LOG_NUM("link", ifindex));
 */
#ifndef DEP_LOG_H
#define DEP_LOG_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Values are syslog's priorities. */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* name: what lines call the program; must stay valid. Before it is called, level is NOTICE and lines have no name. */
void log_init(const char *name, enum log_level level);
void log_set_level(enum log_level level);
/* "error" … "debug"; returns 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *level);
bool log_enabled(enum log_level level);

struct log_field {
	const char *key;
	const char *text; /* NULL: num */
	int64_t num;
};

#define LOG_TEXT(k, v) ((struct log_field){.key = (k), .text = (v)})
#define LOG_NUM(k, v) ((struct log_field){.key = (k), .num = (int64_t)(v)})

/* Where a log call stands in the source, and its rate limit. */
struct log_site {
	usec_t since;
	unsigned passed;
	unsigned held;
};

/* fields end with a NULL key. Use the macros. */
void log_write(struct log_site *site, enum log_level level, const char *message, const struct log_field *fields);
/* The line that log_write would print, without the newline; for tests. Returns its length as snprintf(3) does. */
int log_format(char *to, size_t n, bool journal, enum log_level level, const char *message, unsigned held,
	       const struct log_field *fields);

#define LOG_AT(level, message, ...)                                                                \
	do {                                                                                       \
		static struct log_site log_site_;                                                  \
		if (log_enabled(level))                                                            \
			log_write(&log_site_, level, message,                                      \
				  (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}});      \
	} while (0)

#define log_error(message, ...) LOG_AT(LOG_LEVEL_ERROR, message __VA_OPT__(, ) __VA_ARGS__)
#define log_warning(message, ...) LOG_AT(LOG_LEVEL_WARNING, message __VA_OPT__(, ) __VA_ARGS__)
#define log_notice(message, ...) LOG_AT(LOG_LEVEL_NOTICE, message __VA_OPT__(, ) __VA_ARGS__)
#define log_info(message, ...) LOG_AT(LOG_LEVEL_INFO, message __VA_OPT__(, ) __VA_ARGS__)
#define log_debug(message, ...) LOG_AT(LOG_LEVEL_DEBUG, message __VA_OPT__(, ) __VA_ARGS__)
/* An err as one line: its what, with where and mend as fields. */
#define log_err(level, e)                                                                          \
	LOG_AT(level, (e)->what, LOG_TEXT("where", (e)->where), LOG_TEXT("mend", (e)->mend))

#endif

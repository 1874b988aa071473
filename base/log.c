/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define BURST 10

static const char *log_name;
static enum log_level log_threshold = LOG_LEVEL_NOTICE;
static bool log_journal;

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

/* JOURNAL_STREAM names device and inode of the journal's socket; where stderr was redirected it is another. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev;
	unsigned long long ino;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2 || fstat(STDERR_FILENO, &st) != 0)
		return false;
	return st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *name, enum log_level level)
{
	log_name = name;
	log_threshold = level;
	log_journal = stderr_is_journal();
}

void log_set_level(enum log_level level)
{
	log_threshold = level;
}

int log_level_parse(const char *text, enum log_level *level)
{
	enum log_level l;

	for (l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++) {
		if (strcmp(text, level_names[l]) == 0) {
			*level = l;
			return 0;
		}
	}
	return -EINVAL;
}

bool log_enabled(enum log_level level)
{
	return level <= log_threshold;
}

struct line {
	char *p;
	size_t cap; /* the last byte is for the NUL */
	size_t n;   /* may pass cap: what there would be */
};

static void put(struct line *l, char c)
{
	if (l->n + 1 < l->cap)
		l->p[l->n] = c;
	l->n++;
}

static void put_text(struct line *l, const char *s)
{
	while (*s)
		put(l, *s++);
}

/* What others say must not be able to end a line or move a terminal's cursor. Bytes of UTF-8 pass, but C1 controls do not. */
static void put_escaped(struct line *l, const char *s, bool quoted)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *c;

	for (c = (const unsigned char *)s; *c; c++) {
		bool c1 = *c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;

		if (*c == '\n') {
			put_text(l, "\\n");
		} else if (*c < 0x20 || *c == 0x7f || c1) {
			put_text(l, "\\x");
			put(l, hex[*c >> 4]);
			put(l, hex[*c & 15]);
		} else {
			if (quoted && (*c == '"' || *c == '\\'))
				put(l, '\\');
			put(l, (char)*c);
		}
	}
}

static void put_value(struct line *l, const char *s)
{
	bool quote = !*s || strpbrk(s, " \"=\\") != NULL;

	if (quote)
		put(l, '"');
	put_escaped(l, s, quote);
	if (quote)
		put(l, '"');
}

static void put_time(struct line *l)
{
	struct timespec ts;
	char text[40];
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(text, sizeof(text), "%FT%T", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03ldZ ", ts.tv_nsec / 1000000);
	put_text(l, text);
}

static void put_field(struct line *l, const struct log_field *f)
{
	char num[24];

	put(l, ' ');
	put_text(l, f->key);
	put(l, '=');
	if (f->text) {
		put_value(l, f->text);
		return;
	}
	snprintf(num, sizeof(num), "%lld", (long long)f->num);
	put_text(l, num);
}

int log_format(char *to, size_t n, bool journal, enum log_level level, const char *message, unsigned held,
	       const struct log_field *fields)
{
	struct line l = {.p = to, .cap = n};

	if (journal) {
		put(&l, '<');
		put(&l, (char)('0' + level));
		put(&l, '>');
	} else {
		put_time(&l);
		put_text(&l, level_names[level]);
		put(&l, ' ');
		if (log_name) {
			put_text(&l, log_name);
			put_text(&l, ": ");
		}
	}
	put_escaped(&l, message, false);
	for (; fields->key; fields++) {
		if (!fields->text || fields->text[0])
			put_field(&l, fields);
	}
	if (held > 0)
		put_field(&l, &LOG_NUM("held_back", held));
	if (n > 0)
		to[l.n < n ? l.n : n - 1] = '\0';
	return (int)l.n;
}

void log_write(struct log_site *site, enum log_level level, const char *message, const struct log_field *fields)
{
	char line[LINE_MAX_BYTES];
	usec_t now = clock_now();
	int n;

	if (site->passed == 0 || now - site->since >= SEC(10)) {
		site->since = now;
		site->passed = 0;
	}
	if (site->passed >= BURST) {
		site->held++;
		return;
	}
	site->passed++;
	n = log_format(line, sizeof(line) - 1, log_journal, level, message, site->held, fields);
	site->held = 0;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n] = '\n';
	/* One write a line, so that lines of several processes do not mix. Where stderr is gone nobody is left to tell. */
	if (write(STDERR_FILENO, line, (size_t)n + 1) < 0)
		return;
}

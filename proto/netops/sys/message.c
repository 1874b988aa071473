/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/message.h"

#include <stdio.h>

#define FACILITY_USER 1
#define SEVERITY_NOTICE 5

static bool take_char(struct slice *s, char c)
{
	if (s->n == 0 || s->p[0] != (uint8_t)c)
		return false;
	s->p++;
	s->n--;
	return true;
}

/* Up to one of the stops, or the end. */
static struct slice take_until(struct slice *s, const char *stops)
{
	struct slice out = {s->p, 0};

	while (s->n && !strchr(stops, (char)s->p[0])) {
		s->p++;
		s->n--;
		out.n++;
	}
	/* strchr finds the NUL that ends its text, too. */
	return out;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool take_priority(struct slice *s, struct syslog_message *m)
{
	struct slice at = *s;
	unsigned v = 0;
	unsigned n = 0;

	if (!take_char(&at, '<'))
		return false;
	while (n < 3 && at.n && is_digit(at.p[0])) {
		v = v * 10 + (unsigned)(at.p[0] - '0');
		at.p++;
		at.n--;
		n++;
	}
	if (n == 0 || v > 191 || !take_char(&at, '>'))
		return false;
	m->facility = (uint8_t)(v / 8);
	m->severity = (uint8_t)(v % 8);
	*s = at;
	return true;
}

/* ---- RFC 5424 §6 ---- */

static bool take_field(struct slice *s, struct slice *out)
{
	*out = take_until(s, " ");
	if (out->n == 0 || !take_char(s, ' '))
		return false;
	if (out->n == 1 && out->p[0] == '-')
		out->n = 0;
	return true;
}

/* Structured data is not shown. In quotes, ] and " are escaped. */
static bool skip_structured(struct slice *s)
{
	bool quoted = false;

	if (take_char(s, '-'))
		return true;
	while (take_char(s, '[')) {
		while (s->n && (quoted || s->p[0] != ']')) {
			if (quoted && s->p[0] == '\\' && s->n > 1) {
				s->p++;
				s->n--;
			} else if (s->p[0] == '"') {
				quoted = !quoted;
			}
			s->p++;
			s->n--;
		}
		if (!take_char(s, ']'))
			return false;
	}
	return true;
}

static bool parse_5424(struct slice s, struct syslog_message *m)
{
	struct slice id;

	if (!take_char(&s, '1') || !take_char(&s, ' ') || !take_field(&s, &m->time) ||
	    !take_field(&s, &m->host) || !take_field(&s, &m->app) || !take_field(&s, &m->pid) ||
	    !take_field(&s, &id) || !skip_structured(&s))
		return false;
	if (s.n && !take_char(&s, ' '))
		return false;
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		s = slice_of(s.p + 3, s.n - 3);
	m->text = s;
	return true;
}

/* ---- RFC 3164 ---- */

/* "Nov 24 12:00:00 " */
static bool skip_old_time(struct slice *s)
{
	static const char form[] = "aaa d dd:dd:dd ";
	size_t i;
	size_t k = 0;

	if (s->n < 16)
		return false;
	for (i = 0; i < 16; i++) {
		uint8_t c = s->p[i];

		if (i == 4 || i == 5) { /* the day, filled with a space */
			if (!is_digit(c) && !(i == 4 && c == ' '))
				return false;
			k = 5;
			continue;
		}
		if (form[k] == 'a' ? (c | 32) < 'a' || (c | 32) > 'z'
				   : form[k] == 'd' ? !is_digit(c)
						    : c != (uint8_t)form[k])
			return false;
		k++;
	}
	s->p += 16;
	s->n -= 16;
	return true;
}

static bool take_tag(struct slice *s, struct syslog_message *m)
{
	struct slice at = *s;
	struct slice app = take_until(&at, "[: ");
	struct slice pid = {0};

	if (app.n == 0 || app.n > 48)
		return false;
	if (take_char(&at, '[')) {
		pid = take_until(&at, "] ");
		if (!take_char(&at, ']'))
			return false;
	}
	if (!take_char(&at, ':'))
		return false;
	take_char(&at, ' ');
	m->app = app;
	m->pid = pid;
	m->text = at;
	return true;
}

static void parse_3164(struct slice s, struct syslog_message *m)
{
	struct slice at;

	skip_old_time(&s);
	m->text = s;
	if (take_tag(&s, m))
		return;
	at = s;
	m->host = take_until(&at, " ");
	if (m->host.n && take_char(&at, ' ') && take_tag(&at, m))
		return;
	m->host.n = 0;
}

void syslog_parse(struct slice in, struct syslog_message *m)
{
	*m = (struct syslog_message){.facility = FACILITY_USER, .severity = SEVERITY_NOTICE};
	/* Programs end messages in many ways. */
	while (in.n && (in.p[in.n - 1] == '\n' || in.p[in.n - 1] == '\0' || in.p[in.n - 1] == '\r'))
		in.n--;
	take_priority(&in, m);
	if (parse_5424(in, m))
		return;
	m->time = m->host = m->app = m->pid = (struct slice){0};
	parse_3164(in, m);
}

/* ---- Lines ---- */

/* Length of the UTF-8 character at the front, 0 where it is none (RFC 3629 §4). */
static size_t utf8(struct slice s, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s.p[0] < 0x80 ? 1 : s.p[0] < 0xc2 ? 0 : s.p[0] < 0xe0 ? 2 : s.p[0] < 0xf0 ? 3 : 4;
	size_t i;

	if (n == 0 || n > s.n || s.p[0] > 0xf4)
		return 0;
	*c = n == 1 ? s.p[0] : (uint32_t)(s.p[0] & (0xff >> (n + 1)));
	for (i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s.p[i] & 0x3f);
	}
	return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : n;
}

static bool harmless(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	/* Line and paragraph separators; marks and overrides of direction. */
	return !((c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		 (c >= 0x2066 && c <= 0x2069) || c == 0x061c || c == 0xfeff);
}

struct line {
	char *to;
	size_t n;
};

/* Never half a character. */
static void put(struct line *l, const void *p, size_t n)
{
	if (l->n + n >= SYSLOG_LINE)
		return;
	memcpy(l->to + l->n, p, n);
	l->n += n;
}

static void put_text(struct line *l, struct slice s, size_t most)
{
	size_t end = l->n + most < SYSLOG_LINE - 5 ? l->n + most : SYSLOG_LINE - 5;
	char hex[5];

	while (s.n && l->n < end) {
		uint32_t c = 0;
		size_t n = utf8(s, &c);
		size_t i;

		if (n && harmless(c)) {
			put(l, s.p, n);
		} else {
			for (i = 0; i < (n ? n : 1) && l->n < end; i++) {
				snprintf(hex, sizeof(hex), "\\x%02x", s.p[i]);
				put(l, hex, 4);
			}
		}
		s.p += n ? n : 1;
		s.n -= n ? n : 1;
	}
}

static struct slice or_else(struct slice s, const char *other)
{
	return s.n ? s : slice_of(other, strlen(other));
}

size_t syslog_line(const struct syslog_message *m, const char *now, const char *host,
		   char to[SYSLOG_LINE])
{
	struct line l = {to, 0};

	put_text(&l, or_else(m->time, now), 40);
	put(&l, " ", 1);
	put_text(&l, or_else(m->host, host), 64);
	put(&l, " ", 1);
	put_text(&l, or_else(m->app, "-"), 48);
	if (m->pid.n) {
		put(&l, "[", 1);
		put_text(&l, m->pid, 32);
		put(&l, "]", 1);
	}
	put(&l, ": ", 2);
	put_text(&l, m->text, SYSLOG_LINE);
	to[l.n] = '\0';
	return l.n;
}

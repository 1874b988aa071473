/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/xpath_scan.h"

#include <ctype.h>
#include <string.h>

#define MAX_NESTING 16

enum token { T_START, T_OPERATOR, T_SLASH, T_OPERAND };

struct scan {
	const char *p;
	enum token last;
	unsigned depth;		    /* of brackets */
	int base[MAX_NESTING + 1];  /* climbs with which a path at this depth begins */
	int now[MAX_NESTING + 1];   /* climbs of the path under way */
	int inner[MAX_NESTING + 1]; /* the same, counted from the innermost bracket */
	struct xpath_scan *out;
};

static void unbounded(struct scan *s)
{
	s->out->climbs = -1;
	s->out->context_free = false;
}

/* A step begins here; where no slash is before it, so does a location path. */
static void step(struct scan *s)
{
	if (s->last != T_SLASH) {
		s->now[s->depth] = s->base[s->depth];
		s->inner[s->depth] = 0;
		if (s->depth == 0)
			s->out->context_free = false;
	}
	s->last = T_OPERAND;
}

static void climb(struct scan *s)
{
	s->now[s->depth]++;
	s->inner[s->depth]++;
	if (s->out->climbs >= 0 && s->now[s->depth] > s->out->climbs)
		s->out->climbs = s->now[s->depth];
	if (s->depth && s->inner[s->depth] > s->out->predicate_climbs)
		s->out->predicate_climbs = s->inner[s->depth];
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || (c & 0x80);
}

static bool is(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && strncmp(p, word, n) == 0;
}

static void function(struct scan *s, const char *name, size_t n)
{
	if (is(name, n, "current") || is(name, n, "position") || is(name, n, "last"))
		s->out->context_free = false;
	if (is(name, n, "deref") || is(name, n, "id")) {
		unbounded(s);
		s->out->sideways = true;
	}
	/* Of a few functions the context node is the default argument. */
	if (s->depth == 0 && strspn(name + n, " (") && name[n + strspn(name + n, " (")] == ')')
		s->out->context_free =
			s->out->context_free && (is(name, n, "true") || is(name, n, "false"));
	s->last = T_START;
}

static void name(struct scan *s)
{
	static const char *const operators[] = {"and", "or", "div", "mod"};
	const char *from = s->p;
	const char *after;
	size_t n;
	size_t i;

	while (is_name(*s->p) || *s->p == '.')
		s->p++;
	if (*s->p == ':' && s->p[1] != ':') {
		s->p++;
		while (is_name(*s->p) || *s->p == '.' || *s->p == '*')
			s->p++;
	}
	n = (size_t)(s->p - from);
	for (i = 0; i < 4 && s->last == T_OPERAND; i++) {
		if (is(from, n, operators[i])) {
			s->last = T_OPERATOR;
			return;
		}
	}
	after = s->p + strspn(s->p, " \t\r\n");
	if (after[0] == ':' &&
	    after[1] == ':') { /* an axis: only child and self are bounded here */
		if (!is(from, n, "child") && !is(from, n, "self") && !is(from, n, "descendant")) {
			unbounded(s);
			s->out->sideways = true;
		}
		s->p = after + 2;
		return;
	}
	if (*after == '(')
		function(s, from, n);
	else
		step(s);
}

static void slash(struct scan *s)
{
	if (s->last != T_OPERAND && s->last != T_SLASH) { /* from the root */
		s->out->climbs = -1;
		s->now[s->depth] = 0;
	}
	s->last = T_SLASH;
	s->p++;
}

static void bracket(struct scan *s)
{
	if (s->depth == MAX_NESTING) {
		unbounded(s);
		s->p += strlen(s->p);
		return;
	}
	s->depth++;
	s->base[s->depth] = s->now[s->depth - 1];
	s->now[s->depth] = s->base[s->depth];
	s->inner[s->depth] = 0;
	s->last = T_START;
	s->p++;
}

static void literal(struct scan *s)
{
	const char *end = strchr(s->p + 1, *s->p);

	s->p = end ? end + 1 : s->p + strlen(s->p);
	s->last = T_OPERAND;
}

static void symbol(struct scan *s)
{
	switch (*s->p) {
	case ']':
		if (s->depth)
			s->depth--;
		s->last = T_OPERAND;
		break;
	case ')':
		s->last = T_OPERAND;
		break;
	case '*':
		if (s->last == T_OPERAND)
			s->last = T_OPERATOR;
		else
			step(s);
		break;
	default:
		s->last = T_OPERATOR;
	}
	s->p++;
}

void xpath_scan(const char *expr, struct xpath_scan *out)
{
	struct scan s = {.p = expr, .out = out};

	*out = (struct xpath_scan){.context_free = true};
	while (*s.p) {
		if (isspace((unsigned char)*s.p)) {
			s.p++;
		} else if (s.p[0] == '.' && s.p[1] == '.') {
			step(&s);
			climb(&s);
			s.p += 2;
		} else if (isdigit((unsigned char)*s.p) ||
			   (*s.p == '.' && isdigit((unsigned char)s.p[1]))) {
			s.p += strspn(s.p, "0123456789.");
			s.last = T_OPERAND;
		} else if (*s.p == '.') {
			step(&s);
			s.p++;
		} else if (is_name(*s.p)) {
			name(&s);
		} else if (*s.p == '/') {
			slash(&s);
		} else if (*s.p == '[') {
			bracket(&s);
		} else if (*s.p == '\'' || *s.p == '"') {
			literal(&s);
		} else {
			symbol(&s);
		}
	}
}

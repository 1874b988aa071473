/* SPDX-License-Identifier: BSD-2-Clause */
/* URI templates (RFC 6570) read backwards: does a URI come of a template, and of which values? {x}
 * is a piece of one path segment, {+x} anything with '/', {?x,y} a query whose members may be
 * absent. Values that would climb out of their place ("..", empty segments, NUL, an encoded '/' in
 * {x}) do not match. */
#include "proto/netops/mcp/mcp_priv.h"

#define MAX_VARS 16

struct expr {
	char op; /* 0, '+', '?' */
	const char *names;
	size_t n; /* of names */
	const char *after;
};

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.';
}

/* Reads the expression at t, which points to its '{'. */
static bool read_expr(const char *t, struct expr *e)
{
	const char *end = strchr(t, '}');
	const char *p;

	if (!end)
		return false;
	t++;
	*e = (struct expr){.after = end + 1};
	if (*t == '+' || *t == '?')
		e->op = *t++;
	e->names = t;
	e->n = (size_t)(end - t);
	if (e->n == 0 || *t == ',' || end[-1] == ',')
		return false;
	for (p = t; p < end; p++) {
		if (!name_char(*p) && !(*p == ',' && e->op == '?' && p[1] != ','))
			return false;
	}
	return true;
}

bool mcp_template_valid(const char *t)
{
	unsigned vars = 0;
	struct expr e;
	size_t i;

	while (*t) {
		if (*t == '}')
			return false;
		if (*t != '{') {
			t++;
			continue;
		}
		if (!read_expr(t, &e))
			return false;
		/* Two values with nothing between them, or text after a query: the way back is not
		 * one. */
		if (*e.after && (e.op == '?' || (*e.after == '{' && e.after[1] != '?')))
			return false;
		for (vars++, i = 0; i < e.n; i++)
			vars += e.names[i] == ',';
		t = e.after;
	}
	return vars <= MAX_VARS;
}

size_t mcp_template_names(const char *t, bool (*f)(void *ctx, const char *name, size_t n),
			  void *ctx)
{
	size_t found = 0;
	struct expr e;
	size_t at;
	size_t n;

	while ((t = strchr(t, '{')) && read_expr(t, &e)) {
		for (at = 0; at < e.n; at += n + 1) {
			for (n = 0; at + n < e.n && e.names[at + n] != ','; n++)
				;
			found++;
			if (!f(ctx, e.names + at, n))
				return found;
		}
		t = e.after;
	}
	return found;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decodes; NULL: bad escape, NUL, no memory. plus: '+' is a space (queries). */
static char *unescape(struct mcp_arena *a, const char *s, size_t n)
{
	char *to = mcp_arena_get(a, n + 1);
	size_t at = 0;
	size_t i;
	int c;

	for (i = 0; to && i < n; i++) {
		c = (unsigned char)s[i];
		if (c == '%') {
			if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
				return NULL;
			c = hex(s[i + 1]) << 4 | hex(s[i + 2]);
			i += 2;
		}
		if (c == 0)
			return NULL;
		to[at++] = (char)c;
	}
	if (to)
		to[at] = 0;
	return to;
}

/* Does a path climb or hide a step: "..", ".", or one of them between slashes? */
static bool climbs(const char *v)
{
	size_t n;

	for (;; v += n + 1) {
		n = strcspn(v, "/");
		if ((n == 1 && v[0] == '.') || (n == 2 && v[0] == '.' && v[1] == '.'))
			return true;
		if (!v[n])
			return false;
	}
}

static bool add(struct mcp_arena *a, struct mcp_var *var, size_t *n, const char *name,
		size_t name_n, char *value)
{
	var[*n].name = mcp_arena_text(a, name, name_n);
	var[*n].value = value;
	return value && var[(*n)++].name;
}

/* name=value pairs in any order; each name must be one of e's, once. */
static bool match_query(const char *q, const struct expr *e, struct mcp_arena *a,
			struct mcp_var *var, size_t *n)
{
	size_t first = *n;
	size_t name_n;
	size_t len;
	size_t at;
	size_t k;
	size_t i;

	while (*q) {
		len = strcspn(q, "&");
		name_n = strcspn(q, "=&");
		if (name_n >= len)
			return false;
		for (at = 0; at < e->n; at += k + 1) {
			for (k = 0; at + k < e->n && e->names[at + k] != ','; k++)
				;
			if (k == name_n && memcmp(e->names + at, q, k) == 0)
				break;
		}
		if (at >= e->n)
			return false;
		for (i = first; i < *n; i++) {
			if (strlen(var[i].name) == name_n && memcmp(var[i].name, q, name_n) == 0)
				return false;
		}
		if (!add(a, var, n, q, name_n, unescape(a, q + name_n + 1, len - name_n - 1)))
			return false;
		q += len;
		if (*q == '&' && !*++q)
			return false;
	}
	return true;
}

/* The value at u for {x} or {+x}: up to where the text after the expression goes on. */
static size_t value_length(const char *u, const struct expr *e)
{
	const char *stop = e->op == '+' ? "?#" : "/?#";
	size_t most = strcspn(u, stop);
	size_t lit = strcspn(e->after, "{");
	size_t n;

	if (lit == 0)
		return most;
	for (n = most + 1; n-- > 0;) { /* the longest that leaves the literal behind it */
		if (strncmp(u + n, e->after, lit) == 0)
			return n;
	}
	return 0;
}

bool mcp_template_match(const char *t, const char *u, struct mcp_arena *a, struct mcp_var **vars,
			size_t *n)
{
	struct mcp_var var[MAX_VARS];
	struct expr e;
	char *value;
	size_t len;

	*n = 0;
	while (*t) {
		if (*t != '{') {
			if (*t++ != *u++)
				return false;
			continue;
		}
		if (!read_expr(t, &e))
			return false;
		if (e.op == '?') {
			if (*u && (*u != '?' || !match_query(u + 1, &e, a, var, n)))
				return false;
			u += strlen(u);
		} else {
			len = value_length(u, &e);
			value = len ? unescape(a, u, len) : NULL;
			if (!value || climbs(value) || (e.op == 0 && strchr(value, '/')))
				return false;
			if (!add(a, var, n, e.names, e.n, value))
				return false;
			u += len;
		}
		t = e.after;
	}
	if (*u)
		return false;
	*vars = mcp_arena_get(a, *n * sizeof(var[0]) + 1);
	if (*vars && *n > 0)
		memcpy(*vars, var, *n * sizeof(var[0]));
	return *vars != NULL;
}

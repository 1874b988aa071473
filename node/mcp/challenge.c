/* SPDX-License-Identifier: BSD-2-Clause */
#include "node/mcp/challenge.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct cursor {
	const char *s;
	size_t n;
	size_t at;
};

static bool is_token(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static char peek(const struct cursor *c)
{
	return c->at < c->n ? c->s[c->at] : '\0';
}

static void skip(struct cursor *c, const char *set)
{
	while (c->at < c->n && c->s[c->at] && strchr(set, c->s[c->at]))
		c->at++;
}

/* A token into to; one that is too long reads as "". False: there is none. */
static bool token(struct cursor *c, char *to, size_t size)
{
	size_t from = c->at;
	size_t n;

	while (c->at < c->n && is_token((unsigned char)c->s[c->at]))
		c->at++;
	n = c->at - from;
	if (n == 0)
		return false;
	if (n >= size)
		n = 0;
	memcpy(to, c->s + from, n);
	to[n] = '\0';
	return true;
}

/* A quoted string; too long or with control characters reads as not there (*fits false). */
static bool quoted(struct cursor *c, char *to, size_t size, bool *fits)
{
	size_t n = 0;

	*fits = true;
	for (c->at++; c->at < c->n; c->at++) {
		char ch = c->s[c->at];

		if (ch == '"') {
			c->at++;
			to[*fits ? n : 0] = '\0';
			return true;
		}
		if (ch == '\\' && ++c->at < c->n)
			ch = c->s[c->at];
		if (n + 1 >= size || (unsigned char)ch < 0x20 || ch == 0x7f)
			*fits = false;
		else
			to[n++] = ch;
	}
	to[0] = '\0';
	return false;
}

static void keep(char *to, size_t size, const char *value)
{
	size_t n = strlen(value);

	if (to[0] == '\0' && n < size)
		memcpy(to, value, n + 1);
}

static void param(struct challenge *c, const char *name, const char *value)
{
	if (strcasecmp(name, "resource_metadata") == 0) {
		keep(c->resource_metadata, sizeof(c->resource_metadata), value);
	} else if (strcasecmp(name, "scope") == 0 && !c->has_scope) {
		c->has_scope = true;
		keep(c->scope, sizeof(c->scope), value);
	} else if (strcasecmp(name, "error") == 0) {
		keep(c->error, sizeof(c->error), value);
	}
}

/* What follows the first token of a list element: a parameter's value, a token68 or parameters of a
 * new scheme. */
static int value(struct cursor *c, struct challenge *out, const char *name, bool bearer)
{
	char text[1024];
	bool fits = true;

	c->at++; /* '=' */
	skip(c, " \t");
	if (peek(c) == '"') {
		if (!quoted(c, text, sizeof(text), &fits))
			return -EINVAL;
	} else if (!token(c, text, sizeof(text))) {
		skip(c, "=");
		return 0; /* a token68 with padding */
	}
	if (bearer && fits)
		param(out, name, text);
	return 0;
}

int challenge_parse(const char *s, size_t n, struct challenge *c)
{
	struct cursor in = {s, n, 0};
	bool bearer = false;
	char word[64];

	*c = (struct challenge){0};
	for (skip(&in, " \t,"); in.at < in.n; skip(&in, " \t,")) {
		size_t start = in.at;

		if (!token(&in, word, sizeof(word)))
			return -EINVAL;
		skip(&in, " \t");
		if (peek(&in) == '=') {
			if (value(&in, c, word, bearer) != 0)
				return -EINVAL;
			continue;
		}
		/* A scheme: its parameters follow, or what is left of a token68. */
		bearer = strcasecmp(word, "Bearer") == 0;
		c->bearer |= bearer;
		if (in.at == start)
			return -EINVAL;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/uri.h"

#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 8
#define MAX_SEGMENTS 64

unsigned uri_last(const char *segment)
{
	unsigned n = 0;
	size_t i;

	if (strncmp(segment, "last", 4) != 0)
		return 0;
	for (i = 4; segment[i] >= '0' && segment[i] <= '9' && i < 9; i++)
		n = n * 10 + (unsigned)(segment[i] - '0');
	if (segment[i] != '\0' || segment[4] < '1' || segment[4] > '9' || n > URI_LAST_MAX)
		return 0;
	return n;
}

unsigned uri_last_of(const char *uri, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(uri, prefix, n) == 0 ? uri_last(uri + n) : 0;
}

void uri_encode(struct buf *out, const char *s)
{
	static const char unreserved[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *s; s++) {
		if (strchr(unreserved, *s))
			buf_u8(out, (uint8_t)*s);
		else
			buf_printf(out, "%%%02X", (uint8_t)*s);
	}
}

/* ---- Paths ---- */

struct text {
	const char *p;
	size_t n;
};

struct segment {
	struct text module; /* or empty: as the one before */
	struct text name;
	struct text key[MAX_KEYS]; /* as written */
	unsigned n_keys;
	bool encoded; /* keys are percent-encoded */
};

/* name[a='x'][b="y"] or [.='x']: the values. p behind the name; returns behind all, or NULL. */
static const char *predicates(const char *p, struct segment *s)
{
	while (*p == '[') {
		const char *eq = strchr(p, '=');
		const char *close;
		char quote;

		if (!eq)
			return NULL;
		quote = eq[1];
		if ((quote != '\'' && quote != '"') || !(close = strchr(eq + 2, quote)) ||
		    close[1] != ']')
			return NULL;
		if (s->n_keys < MAX_KEYS)
			s->key[s->n_keys++] = (struct text){eq + 2, (size_t)(close - eq - 2)};
		p = close + 2;
	}
	return p;
}

/* =x,y percent-encoded. p behind '='. */
static const char *key_values(const char *p, struct segment *s)
{
	s->encoded = true;
	for (;;) {
		size_t n = strcspn(p, ",/");

		if (s->n_keys < MAX_KEYS)
			s->key[s->n_keys++] = (struct text){p, n};
		p += n;
		if (*p != ',')
			return p;
		p++;
	}
}

/* Reads the segment at *p, moves on behind its '/'. false: none is left, or it is none. */
static bool next_segment(const char **p, struct segment *s)
{
	const char *at = *p;
	size_t n;

	*s = (struct segment){0};
	while (*at == '/')
		at++;
	if (*at == '\0')
		return false;
	n = strcspn(at, "/=[:");
	if (at[n] == ':') {
		s->module = (struct text){at, n};
		at += n + 1;
		n = strcspn(at, "/=[");
	}
	s->name = (struct text){at, n};
	at += n;
	if (*at == '=')
		at = key_values(at + 1, s);
	else if (*at == '[')
		at = predicates(at, s);
	if (!at || n == 0 || (*at && *at != '/'))
		return false;
	*p = at;
	return true;
}

static bool text_is(struct text t, const char *s)
{
	return strlen(s) == t.n && memcmp(t.p, s, t.n) == 0;
}

static const struct lysc_node *child_of(const struct ly_ctx *ctx, const struct lysc_node *up,
					const struct segment *s)
{
	const struct lys_module *mod = up ? up->module : NULL;
	const struct lysc_node *c = NULL;

	if (s->module.n) {
		char name[128];

		if (s->module.n >= sizeof(name))
			return NULL;
		memcpy(name, s->module.p, s->module.n);
		name[s->module.n] = '\0';
		mod = ly_ctx_get_module_implemented(ctx, name);
	}
	if (!mod)
		return NULL;
	while ((c = lys_getnext(c, up, up ? NULL : mod->compiled, 0))) {
		if (c->module == mod && text_is(s->name, c->name))
			return c;
	}
	return NULL;
}

const struct lysc_node *uri_schema_node(const struct ly_ctx *ctx, const char *path)
{
	const struct lysc_node *node = NULL;
	struct segment s;
	unsigned n = 0;

	while (next_segment(&path, &s) && n++ < MAX_SEGMENTS) {
		node = child_of(ctx, node, &s);
		if (!node)
			return NULL;
	}
	while (*path == '/')
		path++;
	return *path ? NULL : node;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int next_char(struct text *t, bool encoded)
{
	int c;

	if (t->n == 0)
		return -1;
	c = (uint8_t)*t->p;
	if (encoded && c == '%' && t->n >= 3 && hex(t->p[1]) >= 0 && hex(t->p[2]) >= 0) {
		c = hex(t->p[1]) * 16 + hex(t->p[2]);
		t->p += 2;
		t->n -= 2;
	}
	t->p++;
	t->n--;
	return c;
}

static bool key_equal(struct text a, bool a_encoded, struct text b, bool b_encoded)
{
	int x;
	int y;

	do {
		x = next_char(&a, a_encoded);
		y = next_char(&b, b_encoded);
	} while (x == y && x >= 0);
	return x == y;
}

static bool same_segment(const struct segment *a, const struct segment *b)
{
	unsigned i;

	if (a->name.n != b->name.n || memcmp(a->name.p, b->name.p, a->name.n) != 0)
		return false;
	if (a->module.n && b->module.n &&
	    (a->module.n != b->module.n || memcmp(a->module.p, b->module.p, a->module.n) != 0))
		return false;
	for (i = 0; i < a->n_keys && i < b->n_keys; i++) {
		if (!key_equal(a->key[i], a->encoded, b->key[i], b->encoded))
			return false;
	}
	return true;
}

bool uri_paths_touch(const char *a, const char *b)
{
	struct segment x;
	struct segment y;

	while (next_segment(&a, &x) && next_segment(&b, &y)) {
		if (!same_segment(&x, &y))
			return false;
	}
	return true;
}

/* ---- Which resource shows what ---- */

static bool after(const char *uri, const char *prefix, const char **rest)
{
	size_t n = strlen(prefix);

	*rest = uri + n;
	return strncmp(uri, prefix, n) == 0;
}

static bool is(const char *uri, const char *what)
{
	return strcmp(uri, what) == 0;
}

static bool touched_data(const char *rest, enum datastore ds, const char *path)
{
	size_t n = strcspn(rest, "/?");
	const char *name = datastore_name(ds);
	char at[1024];
	size_t len;

	if (strlen(name) != n || memcmp(rest, name, n) != 0)
		return false;
	rest += n;
	len = strcspn(rest, "?");
	if (len >= sizeof(at))
		return true;
	memcpy(at, rest, len);
	at[len] = '\0';
	return uri_paths_touch(at, path);
}

static bool touched_interface(const char *name, const char *path)
{
	char at[512];

	if (snprintf(at, sizeof(at), "ietf-interfaces:interfaces/interface=%s", name) >=
	    (int)sizeof(at))
		return true;
	return uri_paths_touch(at, path);
}

bool uri_touched(const char *uri, enum datastore ds, const char *path)
{
	const char *rest;

	if (after(uri, "network:///data/", &rest))
		return touched_data(rest, ds, path);
	if (ds == DS_OPERATIONAL) {
		if (is(uri, "network:///interfaces"))
			return uri_paths_touch("ietf-interfaces:interfaces", path);
		if (after(uri, "network:///interface/", &rest))
			return touched_interface(rest, path);
		/* Tables of room sys are named by their family. */
		if (is(uri, "network:///routing/ipv4/route-table"))
			return uri_paths_touch("ietf-routing:routing", path) && !strstr(path, "/rib[name='ipv6-");
		if (is(uri, "network:///routing/ipv6/route-table"))
			return uri_paths_touch("ietf-routing:routing", path) && !strstr(path, "/rib[name='ipv4-");
		return is(uri, "network:///drift");
	}
	return (ds == DS_RUNNING &&
		(is(uri, "network:///file/running-config") || is(uri, "network:///drift"))) ||
	       (ds == DS_STARTUP && is(uri, "network:///file/startup-config")) ||
	       (ds == DS_CANDIDATE && is(uri, "network:///file/candidate-config"));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fields that mirror the body of a modern request (spec §2.6): Mcp-Name, and Mcp-Param-* for
 * properties of a tool's arguments that are annotated x-mcp-header. A value in the body and the one
 * in the header must be the same. */
#include "proto/netops/mcp/mcp_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#define SENTINEL "=?base64?"
#define SENTINEL_END "?="
#define MAX_MIRRORS 32
#define MAX_PATH 8

static bool sentinel(const char *h, size_t n)
{
	return n >= sizeof(SENTINEL) + sizeof(SENTINEL_END) - 2 &&
	       memcmp(h, SENTINEL, sizeof(SENTINEL) - 1) == 0 &&
	       memcmp(h + n - 2, SENTINEL_END, 2) == 0;
}

/* A value that is not wrapped stands for itself, and is visible ASCII and inner spaces (RFC 9110
 * §5.5). */
static bool literal_ok(const char *h, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if ((h[i] < 0x20 && h[i] != '\t') || h[i] >= 0x7f)
			return false;
	}
	return true;
}

static void trim(const char **h, size_t *n)
{
	while (*n > 0 && (**h == ' ' || **h == '\t')) {
		(*h)++;
		(*n)--;
	}
	while (*n > 0 && ((*h)[*n - 1] == ' ' || (*h)[*n - 1] == '\t'))
		(*n)--;
}

/* The text that a field's value stands for; false: bad base64 or characters. */
static bool decoded(struct mcp_req *r, const char *h, const char **text, size_t *n)
{
	uint8_t *to;
	long len;

	*n = strlen(h);
	trim(&h, n);
	*text = h;
	if (!sentinel(h, *n))
		return literal_ok(h, *n);
	h += sizeof(SENTINEL) - 1;
	*n -= sizeof(SENTINEL) - 1 + sizeof(SENTINEL_END) - 1;
	to = mcp_arena_get(&r->arena, *n + 1);
	if (!to)
		return false;
	len = mcp_base64_decode(to, *n, h, *n);
	if (len < 0)
		return false;
	*text = (char *)to;
	*n = (size_t)len;
	return true;
}

bool mcp_header_equal(struct mcp_req *r, const char *header, const char *value, size_t n)
{
	const char *text;
	size_t len;

	/* The common case: as it is in the body. */
	if (strlen(header) == n && memcmp(header, value, n) == 0 && !sentinel(header, n))
		return literal_ok(header, n);
	return decoded(r, header, &text, &len) && len == n && memcmp(text, value, n) == 0;
}

/* ---- annotations ---- */

static bool token(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr("!#$%&'*+-.^_`|~", s[i]))
			return false;
	}
	return n > 0 && n <= 64;
}

void mcp_mirrors_free(struct mcp_entry *e)
{
	char **p;
	size_t i;

	for (i = 0; i < e->n_mirrors; i++) {
		for (p = e->mirror[i].path; p && *p; p++)
			free(*p);
		free(e->mirror[i].path);
		free(e->mirror[i].header);
	}
	free(e->mirror);
	e->mirror = NULL;
	e->n_mirrors = 0;
}

static int mirror_add(struct mcp_entry *e, yyjson_val *prop, yyjson_val *name,
		      const char *const *path, size_t depth, struct err *err)
{
	const char *type = yyjson_get_str(yyjson_obj_get(prop, "type"));
	struct mcp_mirror *m = &e->mirror[e->n_mirrors];
	size_t i;

	if (!yyjson_is_str(name) || !token(yyjson_get_str(name), yyjson_get_len(name)))
		return err_set(err, -EINVAL, "x-mcp-header of %s is no header field name",
			       path[depth - 1]);
	if (!type || (strcmp(type, "string") != 0 && strcmp(type, "integer") != 0 &&
		      strcmp(type, "boolean") != 0))
		return err_set(
			err, -EINVAL,
			"x-mcp-header of %s: only string, integer and boolean can be mirrored",
			path[depth - 1]);
	m->type = type[0] == 's' ? MIRROR_STRING : type[0] == 'i' ? MIRROR_INTEGER : MIRROR_BOOLEAN;
	if (asprintf(&m->header, "mcp-param-%s", yyjson_get_str(name)) < 0) {
		m->header = NULL;
		return err_set(err, -ENOMEM, "no memory");
	}
	e->n_mirrors++;
	for (i = 0; m->header[i]; i++)
		m->header[i] = (char)tolower((unsigned char)m->header[i]);
	for (i = 0; i + 1 < e->n_mirrors; i++) {
		if (strcmp(e->mirror[i].header, m->header) == 0)
			return err_set(err, -EINVAL, "x-mcp-header %s is used twice",
				       yyjson_get_str(name));
	}
	m->path = calloc(depth + 1, sizeof(*m->path));
	for (i = 0; m->path && i < depth; i++) {
		m->path[i] = strdup(path[i]);
		if (!m->path[i])
			return err_set(err, -ENOMEM, "no memory");
	}
	return m->path ? 0 : err_set(err, -ENOMEM, "no memory");
}

/* Properties that are reached by `properties` alone; bounded by MAX_PATH. */
static int mirrors_of(struct mcp_entry *e, yyjson_val *schema, const char **path, size_t depth,
		      struct err *err)
{
	yyjson_obj_iter it = yyjson_obj_iter_with(yyjson_obj_get(schema, "properties"));
	yyjson_val *name;
	yyjson_val *prop;
	yyjson_val *key;
	int rc;

	if (depth == MAX_PATH)
		return 0;
	while ((key = yyjson_obj_iter_next(&it))) {
		prop = yyjson_obj_iter_get_val(key);
		path[depth] = yyjson_get_str(key);
		name = yyjson_obj_get(prop, "x-mcp-header");
		if (name && e->n_mirrors == MAX_MIRRORS)
			return err_set(err, -EINVAL, "more than %d x-mcp-header", MAX_MIRRORS);
		rc = name ? mirror_add(e, prop, name, path, depth + 1, err) : 0;
		if (rc == 0)
			rc = mirrors_of(e, prop, path, depth + 1, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int mcp_mirrors_read(struct mcp_entry *e, yyjson_val *schema, struct err *err)
{
	const char *path[MAX_PATH];
	int rc;

	e->mirror = calloc(MAX_MIRRORS, sizeof(*e->mirror));
	if (!e->mirror)
		return err_set(err, -ENOMEM, "no memory");
	rc = mirrors_of(e, schema, path, 0, err);
	if (rc == 0 && e->n_mirrors == 0)
		mcp_mirrors_free(e);
	return rc;
}

/* ---- the check ---- */

static bool same_integer(const char *text, size_t n, yyjson_val *v)
{
	char copy[32];
	char *end;
	long long i;

	if (n == 0 || n >= sizeof(copy) || (text[0] != '-' && !isdigit((unsigned char)text[0])))
		return false;
	memcpy(copy, text, n);
	copy[n] = 0;
	if (strspn(copy, "0123456789+-.eE") != n) /* strtod(3) takes more than numbers of JSON */
		return false;
	errno = 0;
	i = strtoll(copy, &end, 10);
	if (*end == 0 && errno == 0) {
		if (yyjson_is_sint(v))
			return yyjson_get_sint(v) == i;
		if (yyjson_is_uint(v))
			return i >= 0 && yyjson_get_uint(v) == (unsigned long long)i;
	}
	return yyjson_is_num(v) && strtod(copy, &end) == yyjson_get_num(v) && *end == 0;
}

static bool same_value(struct mcp_req *r, const struct mcp_mirror *m, const char *header,
		       yyjson_val *v)
{
	const char *text;
	size_t n;

	if (m->type == MIRROR_STRING && yyjson_is_str(v))
		return mcp_header_equal(r, header, yyjson_get_str(v), yyjson_get_len(v));
	if (!decoded(r, header, &text, &n))
		return false;
	if (yyjson_is_bool(v)) {
		return yyjson_get_bool(v) ? n == 4 && memcmp(text, "true", 4) == 0
					  : n == 5 && memcmp(text, "false", 5) == 0;
	}
	return yyjson_is_num(v) && same_integer(text, n, v);
}

bool mcp_headers_ok(struct mcp_req *r, const struct mcp_headers *h)
{
	const struct mcp_entry *e = r->entry;
	const char *header;
	yyjson_val *v;
	char **p;
	size_t i;

	for (i = 0; i < e->n_mirrors; i++) {
		v = r->args;
		for (p = e->mirror[i].path; *p && v; p++)
			v = yyjson_obj_get(v, *p);
		header = h->field ? h->field(r->wire, e->mirror[i].header) : NULL;
		if (yyjson_is_null(v))
			v = NULL;
		if (v && header && same_value(r, &e->mirror[i], header, v))
			continue;
		if (!v && !header)
			continue;
		mcp_fail(r, 400, MCP_HEADER_MISMATCH, NULL, "Header mismatch: %s %s",
			 e->mirror[i].header,
			 !header ? "is missing"
			 : !v	 ? "has no value in the arguments"
				 : "differs from the arguments");
		return false;
	}
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "node/mcp/header.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_ANNOTATIONS 64
#define MAX_DEPTH 32

static bool plain(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	}
	if (n > 0 && (s[0] == ' ' || s[n - 1] == ' '))
		return false;
	return !(n >= 11 && memcmp(s, "=?base64?", 9) == 0 && memcmp(s + n - 2, "?=", 2) == 0);
}

void mcp_header_value(struct buf *to, const char *value, size_t n)
{
	size_t coded = 4 * ((n + 2) / 3);
	uint8_t *p;

	if (plain(value, n)) {
		buf_bytes(to, value, n);
		return;
	}
	buf_printf(to, "=?base64?");
	p = n < INT32_MAX ? buf_add(to, coded + 1) : NULL;
	if (!p)
		return;
	EVP_EncodeBlock(p, (const unsigned char *)value, (int)n);
	to->n--; /* its NUL */
	buf_printf(to, "?=");
}

/* --- annotations --- */

struct walk {
	const char *seen[MAX_ANNOTATIONS];
	unsigned n;
	struct err *err;
};

static bool is_token(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= 64 &&
	       strspn(s, "!#$%&'*+-.^_`|~"
			 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == n;
}

static int annotation(struct walk *w, yyjson_val *property, yyjson_val *name)
{
	const char *type = yyjson_get_str(yyjson_obj_get(property, "type"));
	const char *text = yyjson_get_str(name);
	unsigned i;

	if (!text || strlen(text) != yyjson_get_len(name) || !is_token(text))
		return err_set(w->err, -EINVAL, "x-mcp-header is not a token");
	if (!type || (strcmp(type, "string") != 0 && strcmp(type, "integer") != 0 &&
		      strcmp(type, "boolean") != 0))
		return err_set(w->err, -EINVAL,
			       "x-mcp-header %s is not on a string, integer or boolean", text);
	for (i = 0; i < w->n; i++) {
		if (strcasecmp(w->seen[i], text) == 0)
			return err_set(w->err, -EINVAL, "two properties have x-mcp-header %s",
				       text);
	}
	if (w->n == MAX_ANNOTATIONS)
		return err_set(w->err, -EINVAL, "more than %d x-mcp-header", MAX_ANNOTATIONS);
	w->seen[w->n++] = text;
	return 0;
}

/* Every x-mcp-header below v, at whatever depth json_parse lets through. named: v is the value of a
 * property reached by `properties` alone; properties: v is such an object of properties. */
static int check(struct walk *w, yyjson_val *v, bool named, bool properties)
{
	yyjson_obj_iter it = yyjson_obj_iter_with(v);
	yyjson_val *key;
	yyjson_val *item;
	size_t i;
	size_t n;
	int rc = 0;

	if (yyjson_is_arr(v)) {
		yyjson_arr_foreach(v, i, n, item)
		{
			if (rc == 0)
				rc = check(w, item, false, false);
		}
		return rc;
	}
	while (rc == 0 && (key = yyjson_obj_iter_next(&it))) {
		const char *name = yyjson_get_str(key);

		item = yyjson_obj_iter_get_val(key);
		if (properties)
			rc = check(w, item, true, false);
		else if (strcmp(name, "x-mcp-header") == 0 && named)
			rc = annotation(w, v, item);
		else if (strcmp(name, "x-mcp-header") == 0)
			rc = err_set(
				w->err, -EINVAL,
				"x-mcp-header where its value cannot be found by properties alone");
		else if (strcmp(name, "properties") == 0 && named)
			rc = check(w, item, false, true);
		else if (strcmp(name, "const") != 0 && strcmp(name, "enum") != 0 &&
			 strcmp(name, "default") != 0 && strcmp(name, "examples") != 0)
			rc = check(w, item, false, false);
	}
	return rc;
}

int mcp_header_check(yyjson_val *tool, struct err *err)
{
	struct walk w = {.err = err};
	yyjson_val *schema = yyjson_obj_get(tool, "inputSchema");
	int rc;

	if (yyjson_obj_get(schema, "x-mcp-header"))
		rc = err_set(err, -EINVAL, "x-mcp-header on the whole input");
	else
		rc = check(&w, schema, true, false);
	if (rc != 0)
		err_where(err, "tool %s",
			  yyjson_get_str(yyjson_obj_get(tool, "name"))
				  ? yyjson_get_str(yyjson_obj_get(tool, "name"))
				  : "without a name");
	return rc;
}

/* --- fields --- */

struct add {
	int (*add)(void *ctx, const char *field);
	void *ctx;
};

static int one(const struct add *a, const char *name, yyjson_val *v)
{
	struct alloc alloc;
	struct buf b;
	char number[32];
	int rc;

	alloc_init(&alloc, 0);
	buf_init(&b, &alloc);
	buf_printf(&b, "Mcp-Param-%s:", name);
	/* libcurl sends "Name;" as a field with an empty value. */
	if (yyjson_is_str(v) && yyjson_get_len(v) == 0) {
		b.n--;
		buf_u8(&b, ';');
	} else if (yyjson_is_str(v)) {
		buf_u8(&b, ' ');
		mcp_header_value(&b, yyjson_get_str(v), yyjson_get_len(v));
	} else if (yyjson_is_bool(v)) {
		buf_printf(&b, " %s", yyjson_get_bool(v) ? "true" : "false");
	} else if (yyjson_is_uint(v)) {
		snprintf(number, sizeof(number), " %" PRIu64, yyjson_get_uint(v));
		buf_bytes(&b, number, strlen(number));
	} else if (yyjson_is_sint(v)) {
		snprintf(number, sizeof(number), " %" PRId64, yyjson_get_sint(v));
		buf_bytes(&b, number, strlen(number));
	} else {
		buf_free(&b);
		return 0;
	}
	buf_u8(&b, 0);
	rc = b.failed ? -ENOMEM : a->add(a->ctx, (const char *)b.p);
	buf_free(&b);
	return rc;
}

static int fields(const struct add *a, yyjson_val *schema, yyjson_val *args, unsigned depth)
{
	yyjson_obj_iter it = yyjson_obj_iter_with(yyjson_obj_get(schema, "properties"));
	yyjson_val *key;
	int rc = 0;

	while (depth < MAX_DEPTH && rc == 0 && (key = yyjson_obj_iter_next(&it))) {
		yyjson_val *property = yyjson_obj_iter_get_val(key);
		const char *name = yyjson_get_str(yyjson_obj_get(property, "x-mcp-header"));
		yyjson_val *v = yyjson_obj_getn(args, yyjson_get_str(key), yyjson_get_len(key));

		if (name && v)
			rc = one(a, name, v);
		else if (yyjson_is_obj(v))
			rc = fields(a, property, v, depth + 1);
	}
	return rc;
}

int mcp_header_params(yyjson_val *tool, yyjson_val *args, int (*add)(void *ctx, const char *field),
		      void *ctx)
{
	struct add a = {add, ctx};

	return fields(&a, yyjson_obj_get(tool, "inputSchema"), args, 0);
}

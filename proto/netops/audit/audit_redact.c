/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes into the log, and what does not: secrets by the names of members and leaves, and by
 * the schema. */
#include "proto/netops/audit/audit_priv.h"

#include <openssl/sha.h>
#include <string.h>

#define REDACTED "[redacted]"
#define MAX_TEXT 4096
#define MAX_CHANGES 1000

/* Lower case, and "-" before what camelCase begins anew: "confirmToken" is "confirm-token". */
static void normal(const char *name, size_t n, char out[80])
{
	const char *colon = memchr(name, ':', n);
	size_t k = 0;
	size_t i;

	if (colon) {
		n -= (size_t)(colon + 1 - name);
		name = colon + 1;
	}
	for (i = 0; i < n && k < 77; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z') {
			if (i && name[i - 1] >= 'a' && name[i - 1] <= 'z')
				out[k++] = '-';
			c = (char)(c + 32);
		}
		out[k++] = c == '_' ? '-' : c;
	}
	out[k] = 0;
}

static bool ends_in(const char *name, const char *word)
{
	size_t n = strlen(name);
	size_t w = strlen(word);

	return n >= w && strcmp(name + n - w, word) == 0 && (n == w || name[n - w - 1] == '-');
}

bool audit_secret_name(const char *name, size_t n)
{
	static const char *const part[] = {
		"password",	 "passwd",     "passphrase", "secret",	  "credential",
		"private",	 "key-string", "key-data",   "cleartext", "hexadecimal-string",
		"authorization", "cookie",     "psk"};
	static const char *const last[] = {"key", "token",	     "community",
					   "pin", "input-responses", "request-state"};
	static const char *const harmless[] = {"idempotency-key", "public-key", "foreign-key"};
	char is[80];
	size_t i;

	normal(name, n, is);
	for (i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		if (strcmp(is, harmless[i]) == 0)
			return false;
	}
	for (i = 0; i < sizeof(part) / sizeof(*part); i++) {
		if (strstr(is, part[i]))
			return true;
	}
	for (i = 0; i < sizeof(last) / sizeof(*last); i++) {
		if (ends_in(is, last[i]))
			return true;
	}
	return false;
}

/* The last node's name of a path of either form: a/b=key, /m:a/b[k='/']/c. */
static struct slice last_name(const char *path)
{
	const char *begin = path;
	const char *p;
	char quote = 0;
	size_t n;

	for (p = path; *p; p++) {
		if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '\'' || *p == '"')
			quote = *p;
		else if (*p == '/' && p[1])
			begin = p + 1;
	}
	n = strcspn(begin, "=[");
	return slice_of(begin, n);
}

static bool secret_path(const struct audit *a, const char *path)
{
	struct slice name = last_name(path);

	return audit_secret_name((const char *)name.p, name.n) ||
	       (a->p.secret && a->p.secret(a->p.ctx, path));
}

static yyjson_mut_val *copy_text(yyjson_mut_doc *doc, const char *s, size_t n)
{
	char text[128];
	uint8_t h[32];
	char hex[65];
	unsigned i;

	if (n <= MAX_TEXT)
		return yyjson_mut_strncpy(doc, s, n);
	SHA256((const uint8_t *)s, n, h);
	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", h[i]);
	snprintf(text, sizeof(text), "[%zu bytes, sha256:%s]", n, hex);
	return yyjson_mut_strcpy(doc, text);
}

static yyjson_mut_val *copy_number(yyjson_mut_doc *doc, yyjson_val *v)
{
	const int64_t exact = 1ll << 53;
	char text[32];

	if (yyjson_is_uint(v) && yyjson_get_uint(v) > (uint64_t)exact)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)yyjson_get_uint(v));
	else if (yyjson_is_sint(v) && yyjson_get_sint(v) < -exact)
		snprintf(text, sizeof(text), "%lld", (long long)yyjson_get_sint(v));
	else
		return yyjson_val_mut_copy(doc, v);
	return yyjson_mut_strcpy(doc, text);
}

static yyjson_mut_val *copy(const struct audit *a, yyjson_mut_doc *doc, yyjson_val *v,
			    unsigned depth);

static yyjson_mut_val *copy_object(const struct audit *a, yyjson_mut_doc *doc, yyjson_val *v,
				   unsigned depth)
{
	const char *path = yyjson_get_str(yyjson_obj_get(v, "path"));
	bool hide_value = path && secret_path(a, path);
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	yyjson_obj_iter it = yyjson_obj_iter_with(v);
	yyjson_val *k;

	while ((k = yyjson_obj_iter_next(&it))) {
		const char *name = yyjson_get_str(k);
		size_t n = yyjson_get_len(k);
		bool hide = audit_secret_name(name, n) ||
			    (hide_value &&
			     (yyjson_equals_str(k, "value") || yyjson_equals_str(k, "old") ||
			      yyjson_equals_str(k, "new")));
		yyjson_mut_val *to = hide ? yyjson_mut_str(doc, REDACTED)
					  : copy(a, doc, yyjson_obj_iter_get_val(k), depth + 1);

		if (!obj || !to || !yyjson_mut_obj_put(obj, yyjson_mut_strncpy(doc, name, n), to))
			return NULL;
	}
	return obj;
}

static yyjson_mut_val *copy(const struct audit *a, yyjson_mut_doc *doc, yyjson_val *v,
			    unsigned depth)
{
	yyjson_mut_val *arr;
	yyjson_arr_iter it;
	yyjson_val *e;

	if (depth > JSON_MAX_DEPTH - 4)
		return yyjson_mut_str(doc, "[too deep]");
	if (yyjson_is_obj(v))
		return copy_object(a, doc, v, depth);
	if (yyjson_is_str(v))
		return copy_text(doc, yyjson_get_str(v), yyjson_get_len(v));
	if (yyjson_is_num(v))
		return copy_number(doc, v);
	if (!yyjson_is_arr(v))
		return yyjson_val_mut_copy(doc, v);
	arr = yyjson_mut_arr(doc);
	it = yyjson_arr_iter_with(v);
	while ((e = yyjson_arr_iter_next(&it))) {
		if (!arr || !yyjson_mut_arr_append(arr, copy(a, doc, e, depth + 1)))
			return NULL;
	}
	return arr;
}

yyjson_mut_val *audit_redact(const struct audit *a, yyjson_mut_doc *doc, yyjson_val *v)
{
	return copy(a, doc, v, 0);
}

static bool add(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *text,
		bool hide)
{
	if (!text)
		return true;
	return yyjson_mut_obj_add_val(doc, obj, key,
				      hide ? yyjson_mut_str(doc, REDACTED)
					   : copy_text(doc, text, strlen(text)));
}

yyjson_mut_val *audit_redact_changes(const struct audit *a, yyjson_mut_doc *doc,
				     const struct changes *c)
{
	static const char *const op[] = {[CHANGE_CREATE] = "create",
					 [CHANGE_DELETE] = "delete",
					 [CHANGE_REPLACE] = "replace",
					 [CHANGE_MOVE] = "move"};
	yyjson_mut_val *arr = yyjson_mut_arr(doc);
	size_t i;

	for (i = 0; i < c->n && i < MAX_CHANGES; i++) {
		const struct change *x = &c->at[i];
		bool hide = secret_path(a, x->path);
		yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, arr);

		if (!obj || !yyjson_mut_obj_add_str(doc, obj, "op", op[x->op]) ||
		    !yyjson_mut_obj_add_strcpy(doc, obj, "path", x->path) ||
		    !add(doc, obj, "old", x->old, hide) || !add(doc, obj, "new", x->new, hide))
			return NULL;
	}
	return arr;
}

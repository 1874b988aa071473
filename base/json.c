/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

unsigned json_depth(const char *text, size_t n, unsigned limit)
{
	bool in_string = false;
	unsigned depth = 0;
	unsigned most = 0;
	size_t i;

	for (i = 0; i < n && most <= limit; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			depth++;
			if (depth > most)
				most = depth;
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
	}
	return most;
}

static void locate(struct err *err, const char *origin, const char *text, size_t n, size_t pos)
{
	size_t line = 0;
	size_t column = 0;
	size_t at = 0;

	yyjson_locate_pos(text, n, pos, &line, &column, &at);
	err_where(err, "%s%sline %zu, column %zu", origin ? origin : "", origin ? ", " : "", line, column);
}

yyjson_doc *json_parse(const char *text, size_t n, size_t max_bytes, const char *origin, struct err *err)
{
	yyjson_read_err e;
	yyjson_doc *doc;

	if (max_bytes == 0)
		max_bytes = JSON_MAX_BYTES;
	if (n > max_bytes) {
		err_set(err, -E2BIG, "JSON text of %zu bytes; at most %zu are taken", n, max_bytes);
		err_where(err, "%s", origin ? origin : "");
		return NULL;
	}
	/* yyjson itself bounds neither depth nor, by it, what later readers of the tree may recurse into. */
	if (json_depth(text, n, JSON_MAX_DEPTH) > JSON_MAX_DEPTH) {
		err_set(err, -E2BIG, "JSON text with more than %d arrays and objects inside each other",
			JSON_MAX_DEPTH);
		err_where(err, "%s", origin ? origin : "");
		return NULL;
	}
	/* Without YYJSON_READ_INSITU the text is copied and not written to. */
	doc = yyjson_read_opts((char *)(uintptr_t)text, n, YYJSON_READ_NOFLAG, NULL, &e);
	if (doc)
		return doc;
	if (e.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
		err_set(err, -ENOMEM, "no memory for JSON text of %zu bytes", n);
		return NULL;
	}
	err_set(err, -EINVAL, "not JSON: %s", n == 0 ? "it is empty" : e.msg);
	locate(err, origin, text, n, e.pos);
	err_mend(err, "correct the text there; JSON has no comments and no comma after the last member");
	return NULL;
}

bool json_add_u64(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, uint64_t v)
{
	return json_add_text(doc, obj, key, "%" PRIu64, v);
}

bool json_add_i64(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, int64_t v)
{
	return json_add_text(doc, obj, key, "%" PRId64, v);
}

bool json_add_text(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *fmt, ...)
{
	char small[256];
	char *big = NULL;
	va_list ap;
	bool ok;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		return false;
	if ((size_t)n >= sizeof(small)) {
		va_start(ap, fmt);
		n = vasprintf(&big, fmt, ap);
		va_end(ap);
		if (n < 0)
			return false;
	}
	ok = yyjson_mut_obj_add_strncpy(doc, obj, key, big ? big : small, (size_t)n);
	free(big);
	return ok;
}

yyjson_mut_val *json_add_obj(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key)
{
	return obj ? yyjson_mut_obj_add_obj(doc, obj, key) : NULL;
}

yyjson_mut_val *json_add_arr(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key)
{
	return obj ? yyjson_mut_obj_add_arr(doc, obj, key) : NULL;
}

bool json_get_u64(yyjson_val *v, uint64_t *out)
{
	const char *text;
	uint64_t n;
	char *end;

	if (yyjson_is_uint(v)) {
		*out = yyjson_get_uint(v);
		return true;
	}
	text = yyjson_get_str(v);
	if (!text || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || (size_t)(end - text) != yyjson_get_len(v))
		return false;
	*out = n;
	return true;
}

bool json_get_i64(yyjson_val *v, int64_t *out)
{
	const char *text;
	int64_t n;
	char *end;

	if (yyjson_is_sint(v) || (yyjson_is_uint(v) && yyjson_get_uint(v) <= INT64_MAX)) {
		*out = yyjson_get_sint(v);
		return true;
	}
	text = yyjson_get_str(v);
	if (!text || !(text[0] == '-' ? text[1] >= '0' && text[1] <= '9' : text[0] >= '0' && text[0] <= '9'))
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || (size_t)(end - text) != yyjson_get_len(v))
		return false;
	*out = n;
	return true;
}

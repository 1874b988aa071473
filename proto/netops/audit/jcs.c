/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/audit/jcs.h"

#include <errno.h>
#include <math.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct member {
	yyjson_val *key;
	yyjson_val *val;
};

/* The next code point of valid UTF-8. */
static uint32_t code_point(const char **p)
{
	const uint8_t *b = (const uint8_t *)*p;
	unsigned n = b[0] < 0x80 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? b[0] : b[0] & (0xffu >> (n + 1));
	unsigned i;

	for (i = 1; i < n; i++)
		c = c << 6 | (b[i] & 0x3f);
	*p += n;
	return c;
}

/* Where UTF-16 sorts it: surrogates (0xd800 …) come before 0xe000 … 0xffff. */
static uint32_t utf16_rank(uint32_t c)
{
	return c >= 0x10000 ? 0xd800 + ((c - 0x10000) >> 10) : c;
}

static int compare_text(const char *a, size_t an, const char *b, size_t bn)
{
	const char *ae = a + an;
	const char *be = b + bn;

	while (a < ae && b < be) {
		uint32_t x = code_point(&a);
		uint32_t y = code_point(&b);
		uint32_t xr = utf16_rank(x);
		uint32_t yr = utf16_rank(y);

		if (xr != yr)
			return xr < yr ? -1 : 1;
		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a < ae) - (b < be);
}

static int by_key(const void *a, const void *b)
{
	const struct member *x = a;
	const struct member *y = b;

	return compare_text(yyjson_get_str(x->key), yyjson_get_len(x->key), yyjson_get_str(y->key),
			    yyjson_get_len(y->key));
}

static void write_text(const char *s, size_t n, struct buf *out)
{
	static const char short_escape[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	size_t from = 0;
	size_t i;

	buf_u8(out, '"');
	for (i = 0; i < n; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_bytes(out, s + from, i - from);
		from = i + 1;
		if (c >= 0x20)
			buf_printf(out, "\\%c", c);
		else if (short_escape[c])
			buf_printf(out, "\\%c", short_escape[c]);
		else
			buf_printf(out, "\\u%04x", c);
	}
	buf_bytes(out, s + from, n - from);
	buf_u8(out, '"');
}

/* ECMA-262 Number::toString of the shortest digits d1 … dk that read back as the value, which is
 * 0.d1…dk * 10^n. */
static void write_digits(const char *digit, int k, int n, struct buf *out)
{
	if (n > 0 && n <= 21) {
		if (k <= n) {
			buf_printf(out, "%.*s", k, digit);
			for (; k < n; k++)
				buf_u8(out, '0');
		} else {
			buf_printf(out, "%.*s.%.*s", n, digit, k - n, digit + n);
		}
	} else if (n > -6 && n <= 0) {
		buf_bytes(out, "0.", 2);
		for (; n < 0; n++)
			buf_u8(out, '0');
		buf_printf(out, "%.*s", k, digit);
	} else if (k == 1) {
		buf_printf(out, "%ce%+d", digit[0], n - 1);
	} else {
		buf_printf(out, "%c.%.*se%+d", digit[0], k - 1, digit + 1, n - 1);
	}
}

static int write_double(double d, struct buf *out)
{
	char text[40];
	char digit[24];
	int precision;
	int k = 0;
	const char *p;
	const char *e;

	if (!isfinite(d))
		return -EINVAL;
	if (d == 0) {
		buf_u8(out, '0');
		return 0;
	}
	if (d < 0) {
		buf_u8(out, '-');
		d = -d;
	}
	for (precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, d);
		if (strtod(text, NULL) == d)
			break;
	}
	e = strchr(text, 'e');
	for (p = text; p < e; p++) {
		if (*p != '.')
			digit[k++] = *p;
	}
	while (k > 1 && digit[k - 1] == '0')
		k--;
	write_digits(digit, k, (int)strtol(e + 1, NULL, 10) + 1, out);
	return 0;
}

static int write_number(yyjson_val *v, struct buf *out)
{
	const int64_t exact = 1ll << 53;

	if (yyjson_is_real(v))
		return write_double(yyjson_get_real(v), out);
	if (yyjson_is_uint(v)) {
		if (yyjson_get_uint(v) > (uint64_t)exact)
			return -EINVAL;
		buf_printf(out, "%llu", (unsigned long long)yyjson_get_uint(v));
		return 0;
	}
	if (yyjson_get_sint(v) < -exact)
		return -EINVAL;
	buf_printf(out, "%lld", (long long)yyjson_get_sint(v));
	return 0;
}

static int write_value(yyjson_val *v, struct buf *out, unsigned depth, const char *without);

static int write_object(yyjson_val *v, struct buf *out, unsigned depth, const char *without)
{
	struct member small[32];
	struct member *m = small;
	size_t n = yyjson_obj_size(v);
	yyjson_obj_iter it = yyjson_obj_iter_with(v);
	size_t i = 0;
	int rc = 0;

	if (n > 32 && !(m = calloc(n, sizeof(*m))))
		return -ENOMEM;
	while ((m[i].key = yyjson_obj_iter_next(&it))) {
		m[i].val = yyjson_obj_iter_get_val(m[i].key);
		if (!without || !yyjson_equals_str(m[i].key, without))
			i++;
		if (i == n)
			break;
	}
	n = i;
	if (n)
		qsort(m, n, sizeof(*m), by_key);
	buf_u8(out, '{');
	for (i = 0; i < n && rc == 0; i++) {
		if (i)
			buf_u8(out, ',');
		write_text(yyjson_get_str(m[i].key), yyjson_get_len(m[i].key), out);
		buf_u8(out, ':');
		rc = write_value(m[i].val, out, depth + 1, NULL);
	}
	buf_u8(out, '}');
	if (m != small)
		free(m);
	return rc;
}

static int write_array(yyjson_val *v, struct buf *out, unsigned depth)
{
	yyjson_arr_iter it = yyjson_arr_iter_with(v);
	yyjson_val *e;
	bool first = true;
	int rc = 0;

	buf_u8(out, '[');
	while (rc == 0 && (e = yyjson_arr_iter_next(&it))) {
		if (!first)
			buf_u8(out, ',');
		first = false;
		rc = write_value(e, out, depth + 1, NULL);
	}
	buf_u8(out, ']');
	return rc;
}

static int write_value(yyjson_val *v, struct buf *out, unsigned depth, const char *without)
{
	if (depth > JSON_MAX_DEPTH)
		return -EINVAL;
	if (yyjson_is_obj(v))
		return write_object(v, out, depth, without);
	if (yyjson_is_arr(v))
		return write_array(v, out, depth);
	if (yyjson_is_str(v))
		write_text(yyjson_get_str(v), yyjson_get_len(v), out);
	else if (yyjson_is_num(v))
		return write_number(v, out);
	else if (yyjson_is_bool(v))
		buf_printf(out, "%s", yyjson_get_bool(v) ? "true" : "false");
	else
		buf_printf(out, "null");
	return 0;
}

int jcs_write(yyjson_val *v, struct buf *out)
{
	int rc = write_value(v, out, 0, NULL);

	return rc ? rc : out->failed ? -ENOMEM : 0;
}

int jcs_write_mut(yyjson_mut_val *v, struct buf *out)
{
	yyjson_doc *doc = yyjson_mut_val_imut_copy(v, NULL);
	int rc = doc ? jcs_write(yyjson_doc_get_root(doc), out) : -ENOMEM;

	yyjson_doc_free(doc);
	return rc;
}

int jcs_digest(yyjson_val *v, const char *without, uint8_t out[32])
{
	struct alloc a;
	struct buf b;
	int rc = 0;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	if (v)
		rc = write_value(v, &b, 0, without);
	else
		buf_printf(&b, "{}");
	if (rc == 0 && b.failed)
		rc = -ENOMEM;
	if (rc == 0)
		SHA256(b.p, b.n, out);
	buf_free(&b);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json_schema_priv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 256

unsigned js_type_of(yyjson_val *v)
{
	double d;

	switch (yyjson_get_type(v)) {
	case YYJSON_TYPE_NULL:
		return JS_NULL;
	case YYJSON_TYPE_BOOL:
		return JS_BOOLEAN;
	case YYJSON_TYPE_STR:
		return JS_STRING;
	case YYJSON_TYPE_ARR:
		return JS_ARRAY;
	case YYJSON_TYPE_OBJ:
		return JS_OBJECT;
	case YYJSON_TYPE_NUM:
		if (!yyjson_is_real(v))
			return JS_NUMBER | JS_INTEGER;
		d = yyjson_get_real(v);
		return isfinite(d) && d == floor(d) ? JS_NUMBER | JS_INTEGER : JS_NUMBER;
	default:
		return 0;
	}
}

/* Holds every integer of 64 bits and every double exactly. */
static long double number(yyjson_val *v)
{
	if (yyjson_is_uint(v))
		return (long double)yyjson_get_uint(v);
	if (yyjson_is_sint(v))
		return (long double)yyjson_get_sint(v);
	return (long double)yyjson_get_real(v);
}

int js_compare(yyjson_val *a, yyjson_val *b)
{
	long double x;
	long double y;

	if (yyjson_is_uint(a) && yyjson_is_uint(b))
		return (yyjson_get_uint(a) > yyjson_get_uint(b)) -
		       (yyjson_get_uint(a) < yyjson_get_uint(b));
	x = number(a);
	y = number(b);
	return (x > y) - (x < y);
}

bool js_multiple(yyjson_val *v, yyjson_val *of)
{
	double q;

	if (yyjson_is_uint(v) && yyjson_is_uint(of))
		return yyjson_get_uint(v) % yyjson_get_uint(of) == 0;
	if (!yyjson_is_real(of))
		return fmodl(number(v), number(of)) == 0;
	q = (double)number(v) / yyjson_get_real(of);
	return isfinite(q) && q == floor(q);
}

static bool take(uint64_t *budget, uint64_t steps)
{
	if (*budget < steps) {
		*budget = 0;
		return false;
	}
	*budget -= steps;
	return true;
}

/* Recursion is bounded by MAX_DEPTH. */
static bool equal(yyjson_val *a, yyjson_val *b, uint64_t *budget, unsigned depth)
{
	yyjson_arr_iter x;
	yyjson_arr_iter y;
	yyjson_obj_iter o;
	yyjson_obj_iter p;
	yyjson_val *k;
	size_t n;

	if (yyjson_get_type(a) != yyjson_get_type(b) || depth > MAX_DEPTH || !take(budget, 1))
		return false;
	switch (yyjson_get_type(a)) {
	case YYJSON_TYPE_BOOL:
		return yyjson_get_bool(a) == yyjson_get_bool(b);
	case YYJSON_TYPE_NUM:
		return js_compare(a, b) == 0;
	case YYJSON_TYPE_STR:
		return yyjson_equals_strn(a, yyjson_get_str(b), yyjson_get_len(b));
	case YYJSON_TYPE_ARR:
		if (yyjson_arr_size(a) != yyjson_arr_size(b))
			return false;
		x = yyjson_arr_iter_with(a);
		y = yyjson_arr_iter_with(b);
		while ((k = yyjson_arr_iter_next(&x))) {
			if (!equal(k, yyjson_arr_iter_next(&y), budget, depth + 1))
				return false;
		}
		return true;
	case YYJSON_TYPE_OBJ:
		n = yyjson_obj_size(a);
		if (n != yyjson_obj_size(b) || !take(budget, n * n / 16))
			return false;
		o = yyjson_obj_iter_with(a);
		p = yyjson_obj_iter_with(b);
		while ((k = yyjson_obj_iter_next(&o))) {
			yyjson_val *there =
				yyjson_obj_iter_getn(&p, yyjson_get_str(k), yyjson_get_len(k));

			if (!there || !equal(yyjson_obj_iter_get_val(k), there, budget, depth + 1))
				return false;
		}
		return true;
	default:
		return true;
	}
}

bool js_equal(yyjson_val *a, yyjson_val *b, uint64_t *budget)
{
	return equal(a, b, budget, 0);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

static uint64_t hash_text(yyjson_val *v)
{
	const char *p = yyjson_get_str(v);
	size_t n = yyjson_get_len(v);
	uint64_t h = n;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (uint8_t)p[i]) * 0x100000001b3ull;
	return mix(h, 5);
}

/* The same for what is equal, whatever the order of members. Recursion is bounded by MAX_DEPTH. */
static uint64_t hash(yyjson_val *v, uint64_t *budget, unsigned depth)
{
	uint64_t h = yyjson_get_type(v);
	size_t max;
	size_t i;
	yyjson_val *k;
	yyjson_val *x;
	double d;

	if (depth > MAX_DEPTH || !take(budget, 1))
		return 0;
	switch (yyjson_get_type(v)) {
	case YYJSON_TYPE_BOOL:
		return mix(h, yyjson_get_bool(v));
	case YYJSON_TYPE_NUM:
		d = (double)number(v);
		d = d == 0 ? 0 : d;
		memcpy(&i, &d, sizeof(i));
		return mix(h, i);
	case YYJSON_TYPE_STR:
		return take(budget, yyjson_get_len(v) / 16) ? hash_text(v) : 0;
	case YYJSON_TYPE_ARR:
		yyjson_arr_foreach(v, i, max, x) h = mix(h, hash(x, budget, depth + 1));
		return h;
	case YYJSON_TYPE_OBJ:
		yyjson_obj_foreach(v, i, max, k, x) h +=
			mix(hash_text(k), hash(x, budget, depth + 1));
		return h;
	default:
		return h;
	}
}

struct hashed {
	uint64_t hash;
	yyjson_val *v;
};

static int by_hash(const void *a, const void *b)
{
	const struct hashed *x = a;
	const struct hashed *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

static int unique_pairs(yyjson_val *arr, uint64_t *budget)
{
	yyjson_arr_iter a = yyjson_arr_iter_with(arr);
	yyjson_val *x;

	while ((x = yyjson_arr_iter_next(&a))) {
		yyjson_arr_iter b = a;
		yyjson_val *y;

		while ((y = yyjson_arr_iter_next(&b))) {
			if (js_equal(x, y, budget))
				return 0;
		}
	}
	return *budget ? 1 : -E2BIG;
}

int js_unique(yyjson_val *arr, uint64_t *budget)
{
	size_t n = yyjson_arr_size(arr);
	struct hashed *all;
	yyjson_val *v;
	int rc = 1;
	size_t max;
	size_t i;
	size_t k;

	if (n <= 8)
		return unique_pairs(arr, budget);
	all = malloc(n * sizeof(*all));
	if (!all)
		return -ENOMEM;
	yyjson_arr_foreach(arr, i, max, v) all[i] = (struct hashed){hash(v, budget, 0), v};
	qsort(all, n, sizeof(*all), by_hash);
	for (i = 0; i < n && rc == 1 && *budget; i++) {
		for (k = i + 1; k < n && rc == 1 && all[k].hash == all[i].hash; k++)
			rc = js_equal(all[i].v, all[k].v, budget) ? 0 : 1;
	}
	free(all);
	return rc && *budget == 0 ? -E2BIG : rc;
}

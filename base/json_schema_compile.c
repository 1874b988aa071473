/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the compiled form. Subschemas wait in a queue, so nothing recurses; references are resolved
 * when the queue is empty, and put what they lead to, where it is not a schema by its place, into
 * it again. */
#include "base/json.h"
#include "base/json_schema_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define URI_MAX 512

struct resource {
	char uri[URI_MAX]; /* without fragment; "" the document itself, where it has no $id */
	yyjson_val *root;
};

struct pending {
	struct js_node *node;
	yyjson_val *text;
	bool dynamic;
};

struct compiler {
	struct json_schema *s;
	struct js_node **node; /* all, in order; the queue is from `done` on */
	uint32_t n_node, done;
	struct js_node **by_val; /* open addressing, JS_MAX_NODES * 2 and more */
	struct pending *ref;
	uint32_t n_ref, cap_ref;
	uint32_t cap_anchor, cap_regex;
	struct resource *res;
	uint32_t n_res, cap_res;
	struct err *err;
	int rc;
	const char *keyword; /* at work, for errors */
};

#define BY_VAL 32768u

static int fail(struct compiler *c, int code, const char *what)
{
	if (c->rc == 0)
		c->rc = err_set(c->err, code, "schema: %s%s%s", c->keyword ? c->keyword : "",
				c->keyword ? " " : "", what);
	return c->rc;
}

/* Zeroed memory that lives as long as the schema. NULL and c->rc. */
static void *take(struct compiler *c, size_t n)
{
	void **block = c->rc ? NULL : calloc(1, sizeof(void *) + n);

	if (!block) {
		fail(c, -ENOMEM, "no memory");
		return NULL;
	}
	*block = c->s->blocks;
	c->s->blocks = block;
	return block + 1;
}

/* Room for one more of a growing array; NULL and c->rc. */
static void *grow(struct compiler *c, void *p, uint32_t n, uint32_t *cap, size_t size)
{
	void *more;

	if (n < *cap)
		return p;
	more = realloc(p, (*cap ? *cap * 2 : 8) * size);
	if (!more) {
		fail(c, -ENOMEM, "no memory");
		return NULL;
	}
	*cap = *cap ? *cap * 2 : 8;
	return more;
}

/* ---- Names ---- */

static uint32_t name_hash(const char *p, size_t n)
{
	uint32_t h = (uint32_t)n * 0x9e3779b1u;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (uint8_t)p[i]) * 0x01000193u;
	return h ^ h >> 15;
}

uint32_t js_find(const struct js_names *m, const char *p, size_t n)
{
	uint32_t i;

	if (!m->slot) {
		for (i = 0; i < m->n; i++) {
			if (m->name[i].n == n && memcmp(m->name[i].p, p, n) == 0)
				return i;
		}
		return JS_NO_NAME;
	}
	for (i = name_hash(p, n) & m->mask; m->slot[i]; i = (i + 1) & m->mask) {
		const struct js_name *at = &m->name[m->slot[i] - 1];

		if (at->n == n && memcmp(at->p, p, n) == 0)
			return m->slot[i] - 1;
	}
	return JS_NO_NAME;
}

static void names_index(struct compiler *c, struct js_names *m)
{
	uint32_t size = 16;
	uint32_t i;

	if (m->n <= 8)
		return;
	while (size < m->n * 2)
		size *= 2;
	m->slot = take(c, size * sizeof(*m->slot));
	m->mask = size - 1;
	for (i = 0; m->slot && i < m->n; i++) {
		uint32_t at = name_hash(m->name[i].p, m->name[i].n) & m->mask;

		while (m->slot[at])
			at = (at + 1) & m->mask;
		m->slot[at] = i + 1;
	}
}

static struct js_name name_of(yyjson_val *v)
{
	return (struct js_name){yyjson_get_str(v), yyjson_get_len(v)};
}

/* ---- Nodes ---- */

static struct js_node **by_val(struct compiler *c, yyjson_val *v)
{
	uint32_t i = (uint32_t)(((uintptr_t)v >> 4) * 0x9e3779b1u) & (BY_VAL - 1);

	while (c->by_val[i] && c->by_val[i]->val != v)
		i = (i + 1) & (BY_VAL - 1);
	return &c->by_val[i];
}

static struct js_node *sub(struct compiler *c, yyjson_val *v, uint32_t resource)
{
	struct js_node **slot = by_val(c, v);

	if (*slot || c->rc)
		return *slot;
	if (!yyjson_is_obj(v) && !yyjson_is_bool(v)) {
		fail(c, -EINVAL, "must be a schema (object or boolean)");
		return NULL;
	}
	if (c->n_node >= JS_MAX_NODES) {
		fail(c, -E2BIG, "more than 10,000 subschemas");
		return NULL;
	}
	*slot = take(c, sizeof(**slot));
	if (!*slot)
		return NULL;
	(*slot)->val = v;
	(*slot)->resource = resource;
	(*slot)->never = yyjson_is_false(v);
	c->node[c->n_node++] = *slot;
	return *slot;
}

static void sub_list(struct compiler *c, yyjson_val *v, uint32_t resource, struct js_list *out)
{
	size_t max;
	size_t i;
	yyjson_val *x;

	if (!yyjson_is_arr(v) || yyjson_arr_size(v) == 0) {
		fail(c, -EINVAL, "must be an array of schemas");
		return;
	}
	out->at = take(c, yyjson_arr_size(v) * sizeof(struct js_node *));
	if (!out->at)
		return;
	yyjson_arr_foreach(v, i, max, x) out->at[out->n++] = sub(c, x, resource);
}

static struct regex *pattern(struct compiler *c, const char *p, size_t n)
{
	struct json_schema *s = c->s;
	struct regex **all = grow(c, s->regex, s->n_regex, &c->cap_regex, sizeof(*s->regex));
	struct err why = {0};
	struct regex *re;

	if (!all)
		return NULL;
	s->regex = all;
	re = regex_new(p, n, &why);
	if (!re) {
		fail(c, why.code, why.what);
		return NULL;
	}
	s->regex[s->n_regex++] = re;
	return re;
}

static uint64_t count(struct compiler *c, yyjson_val *v)
{
	double d = yyjson_is_real(v) ? yyjson_get_real(v) : 0;

	if (yyjson_is_uint(v))
		return yyjson_get_uint(v);
	if (yyjson_is_real(v) && d >= 0 && d < 1e15 && d == (double)(uint64_t)d)
		return (uint64_t)d;
	fail(c, -EINVAL, "must be a whole number, not negative");
	return 0;
}

/* Array of different texts. */
static struct js_name *name_array(struct compiler *c, yyjson_val *v, uint32_t *n)
{
	struct js_name *out;
	size_t max;
	size_t i;
	yyjson_val *x;

	*n = 0;
	if (!yyjson_is_arr(v)) {
		fail(c, -EINVAL, "must be an array of strings");
		return NULL;
	}
	out = take(c, yyjson_arr_size(v) * sizeof(*out) + 1);
	yyjson_arr_foreach(v, i, max, x)
	{
		if (!yyjson_is_str(x))
			fail(c, -EINVAL, "must be an array of strings");
		else if (out)
			out[(*n)++] = name_of(x);
	}
	return out;
}

static struct js_num *num(struct compiler *c, struct js_node *n)
{
	n->num = n->num ? n->num : take(c, sizeof(*n->num));
	return n->num;
}

static struct js_str *str(struct compiler *c, struct js_node *n)
{
	if (!n->str && (n->str = take(c, sizeof(*n->str))))
		n->str->max = UINT64_MAX;
	return n->str;
}

static struct js_arr *arr(struct compiler *c, struct js_node *n)
{
	if (!n->arr && (n->arr = take(c, sizeof(*n->arr)))) {
		n->arr->max = UINT64_MAX;
		n->arr->max_contains = UINT64_MAX;
		n->arr->min_contains = 1;
	}
	return n->arr;
}

static struct js_obj *obj(struct compiler *c, struct js_node *n)
{
	if (!n->obj && (n->obj = take(c, sizeof(*n->obj))))
		n->obj->max = UINT64_MAX;
	return n->obj;
}

static struct js_any *any(struct compiler *c, struct js_node *n)
{
	n->any = n->any ? n->any : take(c, sizeof(*n->any));
	return n->any;
}

/* ---- Keywords ---- */

enum keyword {
	K_TYPE,
	K_ENUM,
	K_CONST,
	K_MULTIPLE_OF,
	K_MAXIMUM,
	K_EXCLUSIVE_MAXIMUM,
	K_MINIMUM,
	K_EXCLUSIVE_MINIMUM,
	K_MAX_LENGTH,
	K_MIN_LENGTH,
	K_PATTERN,
	K_MAX_ITEMS,
	K_MIN_ITEMS,
	K_UNIQUE_ITEMS,
	K_MAX_CONTAINS,
	K_MIN_CONTAINS,
	K_MAX_PROPERTIES,
	K_MIN_PROPERTIES,
	K_REQUIRED,
	K_DEPENDENT_REQUIRED,
	K_ALL_OF,
	K_ANY_OF,
	K_ONE_OF,
	K_NOT,
	K_IF,
	K_THEN,
	K_ELSE,
	K_DEPENDENT_SCHEMAS,
	K_PREFIX_ITEMS,
	K_ITEMS,
	K_CONTAINS,
	K_PROPERTIES,
	K_PATTERN_PROPERTIES,
	K_ADDITIONAL_PROPERTIES,
	K_PROPERTY_NAMES,
	K_UNEVALUATED_ITEMS,
	K_UNEVALUATED_PROPERTIES,
	K_REF,
	K_DYNAMIC_REF,
	K_DEFS,
	K_ANCHOR,
	K_DYNAMIC_ANCHOR,
	K_ID,
	K_SCHEMA,
	K_COUNT,
};

static const char *const keywords[K_COUNT] = {
	"type",
	"enum",
	"const",
	"multipleOf",
	"maximum",
	"exclusiveMaximum",
	"minimum",
	"exclusiveMinimum",
	"maxLength",
	"minLength",
	"pattern",
	"maxItems",
	"minItems",
	"uniqueItems",
	"maxContains",
	"minContains",
	"maxProperties",
	"minProperties",
	"required",
	"dependentRequired",
	"allOf",
	"anyOf",
	"oneOf",
	"not",
	"if",
	"then",
	"else",
	"dependentSchemas",
	"prefixItems",
	"items",
	"contains",
	"properties",
	"patternProperties",
	"additionalProperties",
	"propertyNames",
	"unevaluatedItems",
	"unevaluatedProperties",
	"$ref",
	"$dynamicRef",
	"$defs",
	"$anchor",
	"$dynamicAnchor",
	"$id",
	"$schema",
};

static unsigned type_bit(yyjson_val *v)
{
	static const char *const name[] = {"null",   "boolean", "number", "integer",
					   "string", "array",	"object"};
	unsigned i;

	for (i = 0; i < 7; i++) {
		if (yyjson_equals_str(v, name[i]))
			return 1u << i;
	}
	return 0;
}

static void do_type(struct compiler *c, struct js_node *n, yyjson_val *v)
{
	size_t max;
	size_t i;
	yyjson_val *x;

	if (yyjson_is_str(v))
		n->types = (uint8_t)type_bit(v);
	yyjson_arr_foreach(v, i, max, x)
	{
		unsigned bit = type_bit(x);

		if (!bit)
			fail(c, -EINVAL, "names an unknown type");
		n->types |= (uint8_t)bit;
	}
	if (!n->types)
		fail(c, -EINVAL, "names an unknown type");
}

static void do_enum(struct compiler *c, struct js_node *n, yyjson_val *v)
{
	struct js_any *a = any(c, n);
	size_t max;
	size_t i;
	yyjson_val *x;

	if (!yyjson_is_arr(v)) {
		fail(c, -EINVAL, "must be an array");
		return;
	}
	if (!a)
		return;
	a->enumeration = v;
	a->only_strings = true;
	a->strings.name = take(c, yyjson_arr_size(v) * sizeof(struct js_name) + 1);
	if (!a->strings.name)
		return;
	yyjson_arr_foreach(v, i, max, x)
	{
		if (yyjson_is_str(x))
			a->strings.name[a->strings.n++] = name_of(x);
		else
			a->only_strings = false;
	}
	names_index(c, &a->strings);
}

static void do_number(struct compiler *c, struct js_node *n, enum keyword k, yyjson_val *v)
{
	struct js_num *to = num(c, n);

	if (!yyjson_is_num(v) || (k == K_MULTIPLE_OF && yyjson_get_num(v) <= 0))
		fail(c, -EINVAL,
		     k == K_MULTIPLE_OF ? "must be a number above 0" : "must be a number");
	if (!to)
		return;
	if (k == K_MULTIPLE_OF)
		to->multiple = v;
	else if (k == K_MAXIMUM)
		to->max = v;
	else if (k == K_MINIMUM)
		to->min = v;
	else if (k == K_EXCLUSIVE_MAXIMUM)
		to->below = v;
	else
		to->above = v;
}

static void do_string(struct compiler *c, struct js_node *n, enum keyword k, yyjson_val *v)
{
	struct js_str *to = str(c, n);

	if (!to)
		return;
	if (k == K_MAX_LENGTH) {
		to->max = count(c, v);
	} else if (k == K_MIN_LENGTH) {
		to->min = count(c, v);
	} else if (!yyjson_is_str(v)) {
		fail(c, -EINVAL, "must be a string");
	} else {
		to->pattern_text = yyjson_get_str(v);
		to->pattern = pattern(c, yyjson_get_str(v), yyjson_get_len(v));
	}
}

static void do_array(struct compiler *c, struct js_node *n, enum keyword k, yyjson_val *v)
{
	struct js_arr *to = arr(c, n);

	if (!to)
		return;
	switch (k) {
	case K_MAX_ITEMS:
		to->max = count(c, v);
		break;
	case K_MIN_ITEMS:
		to->min = count(c, v);
		break;
	case K_MAX_CONTAINS:
		to->max_contains = count(c, v);
		break;
	case K_MIN_CONTAINS:
		to->min_contains = count(c, v);
		break;
	case K_UNIQUE_ITEMS:
		if (!yyjson_is_bool(v))
			fail(c, -EINVAL, "must be a boolean");
		to->unique = yyjson_is_true(v);
		break;
	case K_PREFIX_ITEMS:
		sub_list(c, v, n->resource, &to->prefix);
		break;
	case K_ITEMS:
		to->items = sub(c, v, n->resource);
		break;
	case K_CONTAINS:
		to->contains = sub(c, v, n->resource);
		break;
	default:
		to->unevaluated = sub(c, v, n->resource);
	}
}

static bool is_object(struct compiler *c, yyjson_val *v)
{
	if (!yyjson_is_obj(v))
		fail(c, -EINVAL, "must be an object");
	return c->rc == 0;
}

static void do_properties(struct compiler *c, struct js_node *n, yyjson_val *v)
{
	struct js_obj *to = obj(c, n);
	size_t max;
	size_t i;
	yyjson_val *k;
	yyjson_val *x;

	if (!is_object(c, v))
		return;
	to->names.name = take(c, yyjson_obj_size(v) * sizeof(struct js_name) + 1);
	to->props = take(c, yyjson_obj_size(v) * sizeof(struct js_node *) + 1);
	if (c->rc)
		return;
	yyjson_obj_foreach(v, i, max, k, x)
	{
		to->names.name[to->names.n] = name_of(k);
		to->props[to->names.n++] = sub(c, x, n->resource);
	}
	names_index(c, &to->names);
}

static void do_patterns(struct compiler *c, struct js_node *n, yyjson_val *v)
{
	struct js_obj *to = obj(c, n);
	size_t max;
	size_t i;
	yyjson_val *k;
	yyjson_val *x;

	if (!is_object(c, v))
		return;
	to->pattern = take(c, yyjson_obj_size(v) * sizeof(*to->pattern) + 1);
	if (c->rc)
		return;
	yyjson_obj_foreach(v, i, max, k, x)
	{
		struct js_pattern *p = &to->pattern[to->n_pattern++];

		p->re = pattern(c, yyjson_get_str(k), yyjson_get_len(k));
		p->node = sub(c, x, n->resource);
	}
}

static void do_dependent(struct compiler *c, struct js_node *n, enum keyword kw, yyjson_val *v)
{
	struct js_obj *to = obj(c, n);
	struct js_dependency *dep;
	size_t max;
	size_t i;
	yyjson_val *k;
	yyjson_val *x;

	if (!is_object(c, v))
		return;
	dep = take(c, (to->n_dep + yyjson_obj_size(v)) * sizeof(*dep) + 1);
	if (!dep)
		return;
	if (to->n_dep)
		memcpy(dep, to->dep, to->n_dep * sizeof(*dep));
	to->dep = dep;
	yyjson_obj_foreach(v, i, max, k, x)
	{
		struct js_dependency *d = &to->dep[to->n_dep++];

		d->if_there = name_of(k);
		if (kw == K_DEPENDENT_REQUIRED)
			d->needs = name_array(c, x, &d->n);
		else
			d->node = sub(c, x, n->resource);
	}
}

static void do_object(struct compiler *c, struct js_node *n, enum keyword k, yyjson_val *v)
{
	struct js_obj *to = obj(c, n);

	if (!to)
		return;
	switch (k) {
	case K_MAX_PROPERTIES:
		to->max = count(c, v);
		break;
	case K_MIN_PROPERTIES:
		to->min = count(c, v);
		break;
	case K_REQUIRED:
		to->required = name_array(c, v, &to->n_required);
		break;
	case K_ADDITIONAL_PROPERTIES:
		to->additional = sub(c, v, n->resource);
		break;
	case K_PROPERTY_NAMES:
		to->property_names = sub(c, v, n->resource);
		break;
	default:
		to->unevaluated = sub(c, v, n->resource);
	}
}

static void do_applicator(struct compiler *c, struct js_node *n, enum keyword k, yyjson_val *v)
{
	struct js_any *to = any(c, n);

	if (!to)
		return;
	switch (k) {
	case K_ALL_OF:
		sub_list(c, v, n->resource, &to->all);
		break;
	case K_ANY_OF:
		sub_list(c, v, n->resource, &to->any);
		break;
	case K_ONE_OF:
		sub_list(c, v, n->resource, &to->one);
		break;
	case K_NOT:
		to->not_ = sub(c, v, n->resource);
		break;
	case K_IF:
		to->if_ = sub(c, v, n->resource);
		break;
	case K_THEN:
		to->then_ = sub(c, v, n->resource);
		break;
	case K_ELSE:
		to->else_ = sub(c, v, n->resource);
		break;
	default:
		to->constant = v;
	}
}

static void do_ref(struct compiler *c, struct js_node *n, enum keyword k, yyjson_val *v)
{
	struct pending *p = grow(c, c->ref, c->n_ref, &c->cap_ref, sizeof(*c->ref));

	if (!yyjson_is_str(v))
		fail(c, -EINVAL, "must be a string");
	if (!p)
		return;
	c->ref = p;
	if (!any(c, n))
		return;
	c->ref[c->n_ref++] = (struct pending){n, v, k == K_DYNAMIC_REF};
	c->s->dynamic |= k == K_DYNAMIC_REF;
}

static void do_anchor(struct compiler *c, struct js_node *n, enum keyword k, yyjson_val *v)
{
	struct json_schema *s = c->s;
	struct js_anchor *a = grow(c, s->anchor, s->n_anchor, &c->cap_anchor, sizeof(*a));

	if (!yyjson_is_str(v))
		fail(c, -EINVAL, "must be a string");
	if (!a)
		return;
	s->anchor = a;
	s->anchor[s->n_anchor++] = (struct js_anchor){n->resource, yyjson_get_str(v),
						      yyjson_get_len(v), n, k == K_DYNAMIC_ANCHOR};
}

static void do_defs(struct compiler *c, struct js_node *n, yyjson_val *v)
{
	size_t max;
	size_t i;
	yyjson_val *k;
	yyjson_val *x;

	if (!is_object(c, v))
		return;
	yyjson_obj_foreach(v, i, max, k, x) sub(c, x, n->resource);
}

static void do_schema(struct compiler *c, yyjson_val *v)
{
	static const char *const known = "https://json-schema.org/draft/2020-12/schema";
	const char *text = yyjson_get_str(v);
	size_t n = yyjson_get_len(v);

	if (n > 0 && text[n - 1] == '#')
		n--;
	if (!text || n != strlen(known) || memcmp(text, known, n) != 0)
		fail(c, -ENOTSUP,
		     "names a dialect that is not known; known is "
		     "https://json-schema.org/draft/2020-12/schema");
}

static void do_keyword(struct compiler *c, struct js_node *n, enum keyword k, yyjson_val *v)
{
	if (k == K_TYPE)
		do_type(c, n, v);
	else if (k == K_ENUM)
		do_enum(c, n, v);
	else if (k >= K_MULTIPLE_OF && k <= K_EXCLUSIVE_MINIMUM)
		do_number(c, n, k, v);
	else if (k >= K_MAX_LENGTH && k <= K_PATTERN)
		do_string(c, n, k, v);
	else if ((k >= K_MAX_ITEMS && k <= K_MIN_CONTAINS) ||
		 (k >= K_PREFIX_ITEMS && k <= K_CONTAINS) || k == K_UNEVALUATED_ITEMS)
		do_array(c, n, k, v);
	else if (k == K_DEPENDENT_REQUIRED || k == K_DEPENDENT_SCHEMAS)
		do_dependent(c, n, k, v);
	else if (k == K_PROPERTIES)
		do_properties(c, n, v);
	else if (k == K_PATTERN_PROPERTIES)
		do_patterns(c, n, v);
	else if (k == K_REF || k == K_DYNAMIC_REF)
		do_ref(c, n, k, v);
	else if (k == K_ANCHOR || k == K_DYNAMIC_ANCHOR)
		do_anchor(c, n, k, v);
	else if (k == K_DEFS)
		do_defs(c, n, v);
	else if (k == K_SCHEMA)
		do_schema(c, v);
	else if (k == K_CONST || (k >= K_ALL_OF && k <= K_ELSE))
		do_applicator(c, n, k, v);
	else if (k != K_ID)
		do_object(c, n, k, v);
}

/* ---- Addresses ---- */

static bool has_scheme(const char *p, size_t n)
{
	const char *colon = memchr(p, ':', n);
	const char *slash = memchr(p, '/', n);

	return colon && (!slash || colon < slash);
}

/* The part of RFC 3986 §5 that addresses within a document need: no dot segments. false: too long.
 */
static bool uri_resolve(const char *base, const char *ref, size_t n, char out[URI_MAX])
{
	const char *authority = strstr(base, "://");
	const char *path = authority ? strchr(authority + 3, '/') : strchr(base, '/');
	const char *last = strrchr(base, '/');
	size_t keep = 0;

	if (!has_scheme(ref, n)) {
		if (n > 0 && ref[0] == '/')
			keep = path ? (size_t)(path - base) : authority ? strlen(base) : 0;
		else if (last && (!authority || last > authority + 2))
			keep = (size_t)(last + 1 - base);
	}
	if (keep + n >= URI_MAX)
		return false;
	memcpy(out, base, keep);
	memcpy(out + keep, ref, n);
	out[keep + n] = '\0';
	return true;
}

static void resource_add(struct compiler *c, struct js_node *n, yyjson_val *id)
{
	struct resource *r = grow(c, c->res, c->n_res, &c->cap_res, sizeof(*r));
	const char *text = yyjson_get_str(id);
	size_t len = yyjson_get_len(id);

	if (!r)
		return;
	c->res = r;
	if (text && len > 0 && text[len - 1] == '#')
		len--;
	if (id && (!text || memchr(text, '#', len)))
		fail(c, -EINVAL, "must be an address without fragment");
	r = &c->res[c->n_res];
	r->root = n->val;
	r->uri[0] = '\0';
	if (text && !uri_resolve(c->n_res ? c->res[n->resource].uri : "", text, len, r->uri))
		fail(c, -E2BIG, "is too long");
	n->resource = c->n_res++;
}

static bool percent_decode(const char *p, size_t n, char out[URI_MAX])
{
	size_t k = 0;
	size_t i;

	for (i = 0; i < n && k + 1 < URI_MAX; i++) {
		char hex[3] = "";
		char *end;

		if (p[i] != '%') {
			out[k++] = p[i];
			continue;
		}
		if (n - i < 3)
			return false;
		memcpy(hex, p + i + 1, 2);
		out[k++] = (char)strtoul(hex, &end, 16);
		if (*end)
			return false;
		i += 2;
	}
	out[k] = '\0';
	return i == n;
}

static struct js_node *find_anchor(struct compiler *c, uint32_t resource, const char *name,
				   bool *dynamic)
{
	uint32_t i;

	for (i = 0; i < c->s->n_anchor; i++) {
		const struct js_anchor *a = &c->s->anchor[i];

		if (a->resource == resource && a->n == strlen(name) &&
		    memcmp(a->name, name, a->n) == 0) {
			*dynamic = a->dynamic;
			return a->node;
		}
	}
	return NULL;
}

static int find_resource(struct compiler *c, uint32_t from, const char *text, size_t n,
			 uint32_t *out)
{
	char uri[URI_MAX];
	uint32_t i;

	*out = from;
	if (n == 0)
		return 0;
	if (!uri_resolve(c->res[from].uri, text, n, uri))
		return fail(c, -E2BIG, "is too long");
	for (i = 0; i < c->n_res; i++) {
		if (strcmp(c->res[i].uri, uri) == 0) {
			*out = i;
			return 0;
		}
	}
	return fail(c, -EINVAL, "leads out of the document; nothing is fetched");
}

static void resolve(struct compiler *c, const struct pending *p)
{
	const char *text = yyjson_get_str(p->text);
	size_t n = yyjson_get_len(p->text);
	const char *hash = memchr(text, '#', n);
	size_t uri_n = hash ? (size_t)(hash - text) : n;
	char fragment[URI_MAX] = "";
	struct js_node *to = NULL;
	bool dynamic = false;
	uint32_t res;
	yyjson_val *v;

	c->keyword = p->dynamic ? "$dynamicRef" : "$ref";
	if (find_resource(c, p->node->resource, text, uri_n, &res))
		return;
	if (hash && !percent_decode(hash + 1, n - uri_n - 1, fragment)) {
		fail(c, -EINVAL, "has a bad fragment");
		return;
	}
	if (fragment[0] == '\0' || fragment[0] == '/') {
		v = yyjson_ptr_get(c->res[res].root, fragment);
		to = v ? sub(c, v, res) : NULL;
	} else {
		to = find_anchor(c, res, fragment, &dynamic);
	}
	if (!to) {
		fail(c, -EINVAL, "leads nowhere");
		return;
	}
	if (!p->dynamic) {
		p->node->any->ref = to;
		return;
	}
	p->node->any->dynamic = to;
	if (dynamic && (p->node->any->dynamic_name = take(c, strlen(fragment) + 1)))
		memcpy((char *)p->node->any->dynamic_name, fragment, strlen(fragment));
}

/* ---- All ---- */

/* What is required is looked for among the properties, as bits. */
static void finish_object(struct compiler *c, struct js_obj *o)
{
	uint32_t i;

	if (!o->n_required)
		return;
	o->more_required = take(c, o->n_required * sizeof(*o->more_required));
	for (i = 0; o->more_required && i < o->n_required; i++) {
		uint32_t at = js_find(&o->names, o->required[i].p, o->required[i].n);

		if (at < 64)
			o->required_bits |= 1ull << at;
		else
			o->more_required[o->n_more_required++] = o->required[i];
	}
}

static void compile(struct compiler *c, struct js_node *n)
{
	yyjson_val *id = yyjson_obj_get(n->val, "$id");
	size_t max;
	size_t i;
	yyjson_val *k;
	yyjson_val *v;

	c->keyword = "$id";
	if (id || c->n_res == 0)
		resource_add(c, n, id);
	yyjson_obj_foreach(n->val, i, max, k, v)
	{
		enum keyword kw;

		for (kw = 0; kw < K_COUNT && !yyjson_equals_str(k, keywords[kw]); kw++)
			;
		if (kw == K_COUNT || c->rc)
			continue;
		c->keyword = keywords[kw];
		do_keyword(c, n, kw, v);
	}
	if (n->obj)
		finish_object(c, n->obj);
}

static void compile_all(struct compiler *c)
{
	uint32_t refs = 0;

	c->s->root = sub(c, yyjson_doc_get_root(c->s->doc), 0);
	while (!c->rc && (c->done < c->n_node || refs < c->n_ref)) {
		if (c->done < c->n_node)
			compile(c, c->node[c->done++]);
		else
			resolve(c, &c->ref[refs++]);
	}
}

struct json_schema *json_schema_new(const char *text, size_t n, struct err *err)
{
	struct compiler c = {.err = err, .s = calloc(1, sizeof(struct json_schema))};

	c.node = calloc(JS_MAX_NODES, sizeof(*c.node));
	c.by_val = calloc(BY_VAL, sizeof(*c.by_val));
	if (!c.s || !c.node || !c.by_val) {
		c.rc = err_set(err, -ENOMEM, "no memory");
	} else {
		c.s->doc = json_parse(text, n, 0, "schema", err);
		c.rc = c.s->doc ? 0 : -EINVAL;
	}
	if (!c.rc)
		compile_all(&c);
	free(c.node);
	free(c.by_val);
	free(c.ref);
	free(c.res);
	if (!c.rc)
		return c.s;
	json_schema_free(c.s);
	return NULL;
}

void json_schema_free(struct json_schema *s)
{
	uint32_t i;

	if (!s)
		return;
	while (s->blocks) {
		void **block = s->blocks;

		s->blocks = *block;
		free(block);
	}
	for (i = 0; i < s->n_regex; i++)
		regex_free(s->regex[i]);
	free(s->regex);
	free(s->anchor);
	yyjson_doc_free(s->doc);
	free(s);
}

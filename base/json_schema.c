/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk over an instance. What was evaluated (for unevaluated*) is kept as bits of the members
 * or items of the one value at hand, and only below a schema that asks for it. */
#include "base/json_schema_priv.h"
#include "base/charset.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The way from the instance's root, for errors. */
struct step {
	const struct step *up;
	yyjson_val *key; /* or NULL: */
	size_t index;
};

/* Resources entered, for $dynamicRef. */
struct scope {
	const struct scope *up;
	uint32_t resource;
};

struct eval {
	uint64_t local[2];
	uint64_t *bits;
	size_t words;
};

struct walk {
	const struct json_schema *s;
	struct err *err;
	uint64_t budget;
	unsigned quiet; /* in a branch that may fail */
	unsigned frames;
	unsigned refs; /* at this place of the instance */
	const struct scope *scope;
	int rc; /* the walk is off: -E2BIG, -ENOMEM */
};

static bool check(struct walk *w, const struct js_node *n, yyjson_val *v, const struct step *at,
		  struct eval *ev);

/* ---- Errors ---- */

static void pointer(struct err *err, const struct step *at)
{
	const struct step *way[JS_MAX_FRAMES];
	size_t n = 0;
	size_t k = 0;

	for (; at && at->up && n < JS_MAX_FRAMES; at = at->up)
		way[n++] = at;
	err->where[0] = '\0';
	while (n > 0 && k + 24 < sizeof(err->where)) {
		const char *p;

		at = way[--n];
		err->where[k++] = '/';
		if (!at->key) {
			k += (size_t)snprintf(err->where + k, sizeof(err->where) - k, "%zu",
					      at->index);
			continue;
		}
		for (p = yyjson_get_str(at->key); *p && k + 4 < sizeof(err->where); p++) {
			if (*p == '~' || *p == '/') {
				err->where[k++] = '~';
				err->where[k++] = *p == '~' ? '0' : '1';
			} else {
				err->where[k++] = *p;
			}
		}
	}
	err->where[k] = '\0';
}

__attribute__((format(printf, 3, 4))) static bool fail(struct walk *w, const struct step *at,
						       const char *fmt, ...)
{
	va_list ap;

	if (w->quiet || !w->err || w->rc)
		return false;
	va_start(ap, fmt);
	vsnprintf(w->err->what, sizeof(w->err->what), fmt, ap);
	va_end(ap);
	w->err->code = -EINVAL;
	w->err->mend[0] = '\0';
	pointer(w->err, at);
	return false;
}

static bool give_up(struct walk *w, int rc)
{
	w->rc = w->rc ? w->rc : rc;
	return false;
}

/* "a, b, c" of up to as many as fit, into the mend. */
static void mend_names(struct walk *w, const char *intro, const struct js_name *name, uint32_t n)
{
	size_t k;
	uint32_t i;

	if (w->quiet || !w->err || w->rc || n == 0)
		return;
	k = (size_t)snprintf(w->err->mend, sizeof(w->err->mend), "%s", intro);
	for (i = 0; i < n; i++) {
		if (k + name[i].n + 8 > sizeof(w->err->mend)) {
			snprintf(w->err->mend + k, sizeof(w->err->mend) - k, ", …");
			return;
		}
		k += (size_t)snprintf(w->err->mend + k, sizeof(w->err->mend) - k, "%s%s",
				      i ? ", " : "", name[i].p);
	}
}

static void type_names(unsigned types, char *out, size_t size)
{
	static const char *const name[] = {"null",     "a boolean", "a number", "an integer",
					   "a string", "an array",  "an object"};
	size_t k = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < 7; i++) {
		if (types >> i & 1 && k < size)
			k += (size_t)snprintf(out + k, size - k, "%s%s", k ? " or " : "", name[i]);
	}
}

static bool fail_type(struct walk *w, const struct step *at, unsigned want, unsigned have)
{
	char a[96];
	char b[32];

	if (w->quiet || !w->err)
		return false;
	type_names(want, a, sizeof(a));
	type_names(have & JS_INTEGER ? (unsigned)JS_INTEGER : have, b, sizeof(b));
	return fail(w, at, "must be %s, not %s", a, b);
}

/* ---- What was evaluated ---- */

static bool eval_init(struct walk *w, struct eval *ev, yyjson_val *v)
{
	size_t n = yyjson_get_len(v);

	*ev = (struct eval){.words = 2};
	ev->bits = ev->local;
	if (n <= 128)
		return true;
	ev->words = n / 64 + 1;
	ev->bits = calloc(ev->words, sizeof(*ev->bits));
	return ev->bits || give_up(w, -ENOMEM);
}

static void eval_free(struct eval *ev)
{
	if (ev->bits != ev->local)
		free(ev->bits);
}

static void eval_set(struct eval *ev, size_t i)
{
	if (ev)
		ev->bits[i / 64] |= 1ull << (i % 64);
}

static bool eval_has(const struct eval *ev, size_t i)
{
	return ev->bits[i / 64] >> (i % 64) & 1;
}

static void eval_merge(struct eval *to, const struct eval *from)
{
	size_t i;

	for (i = 0; i < to->words; i++)
		to->bits[i] |= from->bits[i];
}

/* A branch that may fail: says nothing, and what it evaluated counts only where it held. */
static bool branch(struct walk *w, const struct js_node *n, yyjson_val *v, const struct step *at,
		   struct eval *ev)
{
	struct eval mine;
	bool ok;

	w->quiet++;
	if (!ev || !(yyjson_is_arr(v) || yyjson_is_obj(v))) {
		ok = check(w, n, v, at, NULL);
	} else {
		ok = eval_init(w, &mine, v) && check(w, n, v, at, &mine);
		if (ok)
			eval_merge(ev, &mine);
		if (mine.bits)
			eval_free(&mine);
	}
	w->quiet--;
	return ok;
}

/* A value below: references are counted anew. */
static bool below(struct walk *w, const struct js_node *n, yyjson_val *v, const struct step *at)
{
	unsigned refs = w->refs;
	bool ok;

	w->refs = 0;
	ok = check(w, n, v, at, NULL);
	w->refs = refs;
	return ok;
}

/* ---- Assertions by type ---- */

static bool check_num(struct walk *w, const struct js_num *n, yyjson_val *v, const struct step *at)
{
	if (n->min && js_compare(v, n->min) < 0)
		return fail(w, at, "must be at least %.17g", yyjson_get_num(n->min));
	if (n->max && js_compare(v, n->max) > 0)
		return fail(w, at, "must be at most %.17g", yyjson_get_num(n->max));
	if (n->above && js_compare(v, n->above) <= 0)
		return fail(w, at, "must be above %.17g", yyjson_get_num(n->above));
	if (n->below && js_compare(v, n->below) >= 0)
		return fail(w, at, "must be below %.17g", yyjson_get_num(n->below));
	if (n->multiple && !js_multiple(v, n->multiple))
		return fail(w, at, "must be a multiple of %.17g", yyjson_get_num(n->multiple));
	return true;
}

static bool check_str(struct walk *w, const struct js_str *s, yyjson_val *v, const struct step *at)
{
	size_t n = yyjson_get_len(v);
	int rc;

	/* A character has 1 to 4 bytes: often the bytes say enough. */
	if (n > s->max || n / 4 < s->min) {
		size_t chars = utf8_length(yyjson_get_str(v), n);

		w->budget -= w->budget < n / 64 ? w->budget : n / 64;
		if (chars > s->max)
			return fail(w, at, "must have at most %llu characters, has %zu",
				    (unsigned long long)s->max, chars);
		if (chars < s->min)
			return fail(w, at, "must have at least %llu characters, has %zu",
				    (unsigned long long)s->min, chars);
	}
	if (!s->pattern)
		return true;
	rc = regex_match(s->pattern, yyjson_get_str(v), n, &w->budget);
	if (rc < 0)
		return give_up(w, rc);
	return rc || fail(w, at, "does not match %.200s", s->pattern_text);
}

static bool check_contains(struct walk *w, const struct js_arr *a, yyjson_val *v,
			   const struct step *at, struct eval *ev)
{
	uint64_t found = 0;
	unsigned refs = w->refs;
	size_t max;
	size_t i;
	yyjson_val *x;

	w->refs = 0;
	yyjson_arr_foreach(v, i, max, x)
	{
		if (!branch(w, a->contains, x, at, NULL))
			continue;
		eval_set(ev, i);
		found++;
	}
	w->refs = refs;
	if (found < a->min_contains)
		return fail(w, at, "has %llu items of the kind it must contain at least %llu of",
			    (unsigned long long)found, (unsigned long long)a->min_contains);
	if (found > a->max_contains)
		return fail(w, at, "has %llu items of the kind it may contain at most %llu of",
			    (unsigned long long)found, (unsigned long long)a->max_contains);
	return true;
}

static bool check_arr(struct walk *w, const struct js_arr *a, yyjson_val *v, const struct step *up,
		      struct eval *ev)
{
	size_t n = yyjson_arr_size(v);
	struct step at = {.up = up};
	size_t max;
	size_t i;
	yyjson_val *x;
	int rc;

	if (n < a->min)
		return fail(w, up, "must have at least %llu items, has %zu",
			    (unsigned long long)a->min, n);
	if (n > a->max)
		return fail(w, up, "must have at most %llu items, has %zu",
			    (unsigned long long)a->max, n);
	if (a->prefix.n || a->items) {
		yyjson_arr_foreach(v, i, max, x)
		{
			const struct js_node *item = i < a->prefix.n ? a->prefix.at[i] : a->items;

			at.index = i;
			if (!item)
				break;
			if (!below(w, item, x, &at))
				return false;
			eval_set(ev, i);
		}
	}
	if (a->contains && !check_contains(w, a, v, up, ev))
		return false;
	if (!a->unique)
		return !w->rc;
	rc = js_unique(v, &w->budget);
	if (rc < 0)
		return give_up(w, rc);
	return rc || fail(w, up, "has an item twice");
}

static bool fail_missing(struct walk *w, const struct js_obj *o, yyjson_val *v,
			 const struct step *at)
{
	uint32_t i;

	for (i = 0; i < o->n_required; i++) {
		if (!yyjson_obj_getn(v, o->required[i].p, o->required[i].n))
			return fail(w, at, "member %.*s is missing", (int)o->required[i].n,
				    o->required[i].p);
	}
	return false;
}

static bool check_member(struct walk *w, const struct js_obj *o, yyjson_val *key, yyjson_val *x,
			 const struct step *up, uint64_t *seen, bool *known)
{
	const char *name = yyjson_get_str(key);
	size_t len = yyjson_get_len(key);
	struct step at = {.up = up, .key = key};
	uint32_t i = js_find(&o->names, name, len);

	*known = false;
	if (o->property_names && !below(w, o->property_names, key, &at))
		return false;
	if (i != JS_NO_NAME) {
		*known = true;
		*seen |= i < 64 ? 1ull << i : 0;
		if (!below(w, o->props[i], x, &at))
			return false;
	}
	for (i = 0; i < o->n_pattern; i++) {
		int rc = regex_match(o->pattern[i].re, name, len, &w->budget);

		if (rc < 0)
			return give_up(w, rc);
		if (rc == 0)
			continue;
		*known = true;
		if (!below(w, o->pattern[i].node, x, &at))
			return false;
	}
	if (*known || !o->additional)
		return true;
	*known = true;
	if (!o->additional->never)
		return below(w, o->additional, x, &at);
	fail(w, &at, "unknown member");
	mend_names(w, "known are: ", o->names.name, o->names.n);
	return false;
}

static bool check_dependencies(struct walk *w, const struct js_obj *o, yyjson_val *v,
			       const struct step *at, struct eval *ev)
{
	uint32_t i;
	uint32_t k;

	for (i = 0; i < o->n_dep; i++) {
		const struct js_dependency *d = &o->dep[i];

		if (!yyjson_obj_getn(v, d->if_there.p, d->if_there.n))
			continue;
		if (d->node && !check(w, d->node, v, at, ev))
			return false;
		for (k = 0; k < d->n; k++) {
			if (!yyjson_obj_getn(v, d->needs[k].p, d->needs[k].n))
				return fail(w, at, "member %.*s is missing beside %.*s",
					    (int)d->needs[k].n, d->needs[k].p, (int)d->if_there.n,
					    d->if_there.p);
		}
	}
	return true;
}

static bool check_obj(struct walk *w, const struct js_obj *o, yyjson_val *v, const struct step *at,
		      struct eval *ev)
{
	size_t n = yyjson_obj_size(v);
	uint64_t seen = 0;
	bool known;
	size_t max;
	size_t i;
	yyjson_val *k;
	yyjson_val *x;

	if (n < o->min)
		return fail(w, at, "must have at least %llu members, has %zu",
			    (unsigned long long)o->min, n);
	if (n > o->max)
		return fail(w, at, "must have at most %llu members, has %zu",
			    (unsigned long long)o->max, n);
	if (o->names.n || o->n_pattern || o->additional || o->property_names) {
		yyjson_obj_foreach(v, i, max, k, x)
		{
			if (!check_member(w, o, k, x, at, &seen, &known))
				return false;
			if (known)
				eval_set(ev, i);
		}
	}
	if ((seen & o->required_bits) != o->required_bits)
		return fail_missing(w, o, v, at);
	for (i = 0; i < o->n_more_required; i++) {
		if (!yyjson_obj_getn(v, o->more_required[i].p, o->more_required[i].n))
			return fail_missing(w, o, v, at);
	}
	return o->n_dep == 0 || check_dependencies(w, o, v, at, ev);
}

/* ---- What holds for any type ---- */

static bool check_enum(struct walk *w, const struct js_any *a, yyjson_val *v, const struct step *at)
{
	size_t max;
	size_t i;
	yyjson_val *x;

	if (yyjson_is_str(v)) {
		if (js_find(&a->strings, yyjson_get_str(v), yyjson_get_len(v)) != JS_NO_NAME)
			return true;
	} else if (!a->only_strings) {
		yyjson_arr_foreach(a->enumeration, i, max, x)
		{
			if (js_equal(v, x, &w->budget))
				return true;
		}
		if (w->budget == 0)
			return give_up(w, -E2BIG);
	}
	if (yyjson_is_str(v))
		fail(w, at, "\"%.100s\" is none of the known values", yyjson_get_str(v));
	else
		fail(w, at, "is none of the known values");
	mend_names(w, "one of: ", a->strings.name, a->strings.n);
	return false;
}

/* Where one alternative alone takes values of this type, its reason is the one to tell. */
static bool fail_alternatives(struct walk *w, const struct js_list *l, yyjson_val *v,
			      const struct step *at)
{
	const struct js_node *only = NULL;
	unsigned type = js_type_of(v);
	unsigned n = 0;
	uint32_t i;

	if (w->quiet || w->rc)
		return false;
	for (i = 0; i < l->n; i++) {
		if (!l->at[i]->types || l->at[i]->types & type) {
			only = l->at[i];
			n++;
		}
	}
	if (n == 1)
		return check(w, only, v, at, NULL);
	return fail(w, at, "is none of the %u forms that are taken", l->n);
}

static bool check_any_of(struct walk *w, const struct js_list *l, yyjson_val *v,
			 const struct step *at, struct eval *ev)
{
	bool ok = false;
	uint32_t i;

	for (i = 0; i < l->n && !w->rc && !(ok && !ev); i++)
		ok |= branch(w, l->at[i], v, at, ev);
	return (ok && !w->rc) || fail_alternatives(w, l, v, at);
}

static bool check_one_of(struct walk *w, const struct js_list *l, yyjson_val *v,
			 const struct step *at, struct eval *ev)
{
	unsigned n = 0;
	uint32_t i;

	for (i = 0; i < l->n && n < 2 && !w->rc; i++)
		n += branch(w, l->at[i], v, at, ev);
	if (n == 0)
		return fail_alternatives(w, l, v, at);
	return (n == 1 && !w->rc) ||
	       fail(w, at, "is more than one of the forms of which it must be exactly one");
}

static const struct js_node *dynamic_target(struct walk *w, const struct js_any *a)
{
	const struct js_node *to = a->dynamic;
	size_t n = a->dynamic_name ? strlen(a->dynamic_name) : 0;
	const struct scope *sc;
	uint32_t i;

	for (sc = a->dynamic_name ? w->scope : NULL; sc; sc = sc->up) {
		for (i = 0; i < w->s->n_anchor; i++) {
			const struct js_anchor *an = &w->s->anchor[i];

			if (an->dynamic && an->resource == sc->resource && an->n == n &&
			    memcmp(an->name, a->dynamic_name, n) == 0)
				to = an->node;
		}
	}
	return to;
}

static bool check_ref(struct walk *w, const struct js_node *to, yyjson_val *v,
		      const struct step *at, struct eval *ev)
{
	bool ok;

	if (w->refs >= JS_MAX_REFS)
		return give_up(w, -E2BIG);
	w->refs++;
	ok = check(w, to, v, at, ev);
	w->refs--;
	return ok;
}

static bool check_any(struct walk *w, const struct js_any *a, yyjson_val *v, const struct step *at,
		      struct eval *ev)
{
	const struct js_node *then;
	uint32_t i;

	if (a->enumeration && !check_enum(w, a, v, at))
		return false;
	if (a->constant && !js_equal(v, a->constant, &w->budget))
		return fail(w, at, "is not the one value that is taken here");
	if (a->ref && !check_ref(w, a->ref, v, at, ev))
		return false;
	if (a->dynamic && !check_ref(w, dynamic_target(w, a), v, at, ev))
		return false;
	for (i = 0; i < a->all.n; i++) {
		if (!check(w, a->all.at[i], v, at, ev))
			return false;
	}
	if (a->any.n && !check_any_of(w, &a->any, v, at, ev))
		return false;
	if (a->one.n && !check_one_of(w, &a->one, v, at, ev))
		return false;
	if (a->not_ && branch(w, a->not_, v, at, NULL))
		return fail(w, at, "is of a form that is not taken here");
	if (!a->if_)
		return !w->rc;
	then = branch(w, a->if_, v, at, ev) ? a->then_ : a->else_;
	return !w->rc && (!then || check(w, then, v, at, ev));
}

/* ---- unevaluatedProperties, unevaluatedItems ---- */

static bool check_unevaluated(struct walk *w, const struct js_node *n, yyjson_val *v,
			      const struct step *up, struct eval *ev)
{
	const struct js_node *with = yyjson_is_obj(v) ? n->obj->unevaluated : n->arr->unevaluated;
	struct step at = {.up = up};
	size_t max;
	size_t i;
	yyjson_val *k;
	yyjson_val *x;

	if (yyjson_is_obj(v)) {
		yyjson_obj_foreach(v, i, max, k, x)
		{
			at.key = k;
			if (!eval_has(ev, i) && with->never)
				return fail(w, &at, "unknown member");
			if (!eval_has(ev, i) && !below(w, with, x, &at))
				return false;
			eval_set(ev, i);
		}
		return true;
	}
	yyjson_arr_foreach(v, i, max, x)
	{
		at.index = i;
		if (!eval_has(ev, i) && !below(w, with, x, &at))
			return false;
		eval_set(ev, i);
	}
	return true;
}

static bool check_keywords(struct walk *w, const struct js_node *n, yyjson_val *v, unsigned type,
			   const struct step *at, struct eval *ev)
{
	if (n->num && type & JS_NUMBER && !check_num(w, n->num, v, at))
		return false;
	if (n->str && type == JS_STRING && !check_str(w, n->str, v, at))
		return false;
	if (n->obj && type == JS_OBJECT && !check_obj(w, n->obj, v, at, ev))
		return false;
	if (n->arr && type == JS_ARRAY && !check_arr(w, n->arr, v, at, ev))
		return false;
	return !n->any || check_any(w, n->any, v, at, ev);
}

static bool check_tracking(struct walk *w, const struct js_node *n, yyjson_val *v, unsigned type,
			   const struct step *at, struct eval *ev)
{
	struct eval mine;
	bool ok;

	if (!eval_init(w, &mine, v))
		return false;
	ok = check_keywords(w, n, v, type, at, &mine) && check_unevaluated(w, n, v, at, &mine);
	if (ok && ev)
		eval_merge(ev, &mine);
	eval_free(&mine);
	return ok;
}

/* Recursion is bounded by JS_MAX_FRAMES. */
static bool check(struct walk *w, const struct js_node *n, yyjson_val *v, const struct step *at,
		  struct eval *ev)
{
	unsigned type = js_type_of(v);
	struct scope here = {w->scope, n->resource};
	bool ok;

	if (w->budget == 0 || w->frames >= JS_MAX_FRAMES || w->rc)
		return give_up(w, -E2BIG);
	w->budget--;
	if (n->never)
		return fail(w, at, "must not be there");
	if (n->types && !(n->types & type))
		return fail_type(w, at, n->types, type);
	w->frames++;
	if (w->s->dynamic)
		w->scope = &here;
	if ((type == JS_OBJECT && n->obj && n->obj->unevaluated) ||
	    (type == JS_ARRAY && n->arr && n->arr->unevaluated))
		ok = check_tracking(w, n, v, type, at, ev);
	else
		ok = check_keywords(w, n, v, type, at, ev);
	w->scope = here.up;
	w->frames--;
	return ok;
}

int json_schema_check(const struct json_schema *s, yyjson_val *v, struct err *err)
{
	struct walk w = {.s = s, .err = err, .budget = JS_BUDGET};
	struct step root = {0};

	if (check(&w, s->root, v, &root, NULL) && !w.rc)
		return 0;
	if (!w.rc)
		return -EINVAL;
	if (w.rc == -ENOMEM)
		return err_set(err, -ENOMEM, "no memory");
	err_set(err, -E2BIG, "checking this value takes too many steps");
	err_mend(err, "send less in one request");
	return -E2BIG;
}

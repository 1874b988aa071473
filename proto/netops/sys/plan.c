/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/plan_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Paths ---- */

/* Behind the predicates that begin at s; NULL where they do not end. */
static const char *skip_keys(const char *s)
{
	const char *end;

	while (*s == '[') {
		while (*s && *s != '\'' && *s != '"' && *s != ']')
			s++;
		if (*s == ']') {
			s++;
			continue;
		}
		end = *s ? strchr(s + 1, *s) : NULL;
		if (!end)
			return NULL;
		s = end + 1;
		if (*s != ']')
			return NULL;
		s++;
	}
	return s;
}

unsigned plan_split(const char *path, struct path_step step[PLAN_STEPS])
{
	const char *s = path;
	unsigned n = 0;

	while (*s == '/' && n < PLAN_STEPS) {
		struct path_step *at = &step[n];
		const char *colon;

		at->name = s + 1;
		at->n = strcspn(at->name, "/[");
		colon = memchr(at->name, ':', at->n);
		at->keys = at->name + at->n;
		s = skip_keys(at->keys);
		if (!s)
			return 0;
		if (colon) {
			at->n -= (size_t)(colon + 1 - at->name);
			at->name = colon + 1;
		}
		at->n_keys = (size_t)(s - at->keys);
		at->end = (size_t)(s - path);
		n++;
	}
	return n;
}

bool plan_is(const struct path_step *s, const char *name)
{
	return strlen(name) == s->n && strncmp(s->name, name, s->n) == 0;
}

char *plan_key(const struct path_step *s, const char *name)
{
	const char *at = s->keys;
	const char *end = s->keys + s->n_keys;
	size_t n = strlen(name);

	while (at && at < end) {
		const char *equal = memchr(at, '=', (size_t)(end - at));
		const char *close;

		if (!equal || equal + 1 >= end)
			return NULL;
		close = memchr(equal + 2, equal[1], (size_t)(end - equal - 2));
		if (!close)
			return NULL;
		if ((size_t)(equal - at) > n && strncmp(equal - n, name, n) == 0 &&
		    (equal[-(ptrdiff_t)n - 1] == '[' || equal[-(ptrdiff_t)n - 1] == ':'))
			return strndup(equal + 2, (size_t)(close - equal - 2));
		at = close + 2;
	}
	return NULL;
}

/* ---- Objects ---- */

static void free_object(struct object *o)
{
	free(o->path);
	free(o->name);
	free(o->key);
	free(o->old);
	free(o);
}

struct object *plan_object(struct planner *p, enum object_kind kind, const char *path, size_t n)
{
	uint32_t h = hash_bytes(path, n, 0);
	struct hash_node *at = hash_first(&p->objects, h);
	struct object *o;

	for (; at; at = hash_next(at)) {
		o = (struct object *)((char *)at - offsetof(struct object, node));
		if (strlen(o->path) == n && memcmp(o->path, path, n) == 0)
			return o;
	}
	if (p->n == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 16;
		struct object **order = realloc(p->order, cap * sizeof(struct object *));

		if (!order)
			return p->rc = -ENOMEM, NULL;
		p->order = order;
		p->cap = cap;
	}
	o = calloc(1, sizeof(*o));
	if (!o || !(o->path = strndup(path, n)) || hash_add(&p->objects, &o->node, h) != 0) {
		if (o)
			free_object(o);
		return p->rc = -ENOMEM, NULL;
	}
	o->kind = kind;
	p->order[p->n++] = o;
	return o;
}

/* ---- Steps ---- */

yyjson_mut_val *plan_step(struct planner *p, enum plan_phase phase, const char *kind)
{
	if (!p->phase[phase])
		p->phase[phase] = yyjson_mut_arr(p->doc);
	return json_add_obj(p->doc, yyjson_mut_arr_add_obj(p->doc, p->phase[phase]), kind);
}

void plan_absent(struct planner *p, yyjson_mut_val *o)
{
	yyjson_mut_arr_add_null(p->doc, json_add_arr(p->doc, o, "absent"));
}

void plan_text(struct planner *p, yyjson_mut_val *o, const char *key, const char *value)
{
	if (value)
		yyjson_mut_obj_add_strcpy(p->doc, o, key, value);
}

int plan_refuse(struct planner *p, const char *where, const char *what)
{
	size_t n;

	if (p->rc)
		return p->rc;
	p->rc = err_set(p->err, -ENOTSUP, "%s", what);
	/* Of a long path the end says more. */
	n = strlen(where);
	err_where(p->err, "%s%s", n > 120 ? "..." : "", n > 120 ? where + n - 120 : where);
	return p->rc;
}

/* ---- Trees ---- */

const struct lyd_node *plan_child(const struct lyd_node *at, const char *name)
{
	const struct lyd_node *n;

	if (!at)
		return NULL;
	LY_LIST_FOR(lyd_child(at), n)
	{
		if (n->schema && strcmp(n->schema->name, name) == 0)
			return n;
	}
	return NULL;
}

const char *plan_value(const struct lyd_node *at, const char *name)
{
	const struct lyd_node *n = plan_child(at, name);

	return n ? lyd_get_value(n) : NULL;
}

static const struct lyd_node *top(const struct lyd_node *tree, const char *module, const char *name)
{
	const struct lyd_node *n;

	LY_LIST_FOR(tree ? lyd_first_sibling(tree) : NULL, n)
	{
		if (n->schema && strcmp(n->schema->name, name) == 0 &&
		    strcmp(n->schema->module->name, module) == 0)
			return n;
	}
	return NULL;
}

/* ---- Planning ---- */

static int begin(struct planner *p, const struct lyd_node *after, struct plan *out, struct err *err)
{
	*out = (struct plan){.doc = yyjson_mut_doc_new(NULL)};
	*p = (struct planner){.after = after, .plan = out, .doc = out->doc, .err = err};
	alloc_init(&p->alloc, SIZE_MAX);
	hash_init(&p->objects, &p->alloc);
	if (!out->doc)
		p->rc = -ENOMEM;
	return p->rc;
}

static void object_steps(struct planner *p, struct object *o)
{
	if (o->kind == OBJECT_ROUTE)
		plan_route_steps(p, o);
	else if (o->kind == OBJECT_ACL || o->kind == OBJECT_ATTACH)
		plan_acl_steps(p, o);
	else
		plan_if_steps(p, o);
}

static int finish(struct planner *p)
{
	struct plan *out = p->plan;
	yyjson_mut_val *steps;
	yyjson_mut_val *s;
	size_t i;

	for (i = 0; i < p->n && p->rc == 0; i++)
		object_steps(p, p->order[i]);
	if (p->rc == 0)
		plan_settings_steps(p, top(p->after, "ietf-system", "system"), top(p->after, "ietf-syslog", "syslog"));
	steps = p->rc ? NULL : yyjson_mut_arr(p->doc);
	for (i = 0; steps && i < PLAN_PHASES; i++) {
		while (p->phase[i] && (s = yyjson_mut_arr_remove_first(p->phase[i])))
			yyjson_mut_arr_append(steps, s);
	}
	out->steps = steps;
	out->n = yyjson_mut_arr_size(steps);
	yyjson_mut_doc_set_root(p->doc, steps);
	for (i = 0; i < p->n; i++) {
		out->n_interfaces += p->order[i]->kind == OBJECT_INTERFACE;
		out->n_routes += p->order[i]->kind == OBJECT_ROUTE;
		free_object(p->order[i]);
	}
	free(p->order);
	hash_free(&p->objects);
	if (p->rc == 0 && !steps)
		p->rc = -ENOMEM;
	if (p->rc == -ENOMEM)
		err_set(p->err, -ENOMEM, "no memory for a plan");
	if (p->rc)
		plan_free(out);
	return p->rc;
}

static int plan(const struct changes *c, const struct lyd_node *after, bool said, struct plan *out,
		struct err *err)
{
	struct path_step s[PLAN_STEPS];
	struct planner p;
	size_t i;

	begin(&p, after, out, err);
	p.said = said;
	for (i = 0; i < c->n && p.rc == 0; i++) {
		unsigned n = plan_split(c->at[i].path, s);

		if (n > 1 && strncmp(c->at[i].path, "/ietf-interfaces:interfaces/", 28) == 0)
			plan_if_change(&p, &c->at[i], s, n);
		else if (n > 1 && !said && strncmp(c->at[i].path, "/ietf-routing:routing/", 22) == 0)
			plan_route_change(&p, &c->at[i], s, n);
		else if (n > 1 && !said &&
			 strncmp(c->at[i].path, "/ietf-access-control-list:acls/", 31) == 0)
			plan_acl_change(&p, &c->at[i], s, n);
		if (!said)
			plan_settings_change(&p, &c->at[i]);
	}
	if (p.rc == 0 && !said)
		plan_route_again(&p);
	return finish(&p);
}

int plan_changes(const struct changes *c, const struct lyd_node *after, struct plan *out,
		 struct err *err)
{
	return plan(c, after, false, out, err);
}

int plan_said(const struct changes *c, const struct lyd_node *after, struct plan *out,
	      struct err *err)
{
	return plan(c, after, true, out, err);
}

int plan_all(const struct lyd_node *tree, struct plan *out, struct err *err)
{
	struct planner p;

	if (begin(&p, tree, out, err) == 0) {
		p.all = true;
		plan_step(&p, PLAN_PURGE, "purge");
		plan_if_all(&p, top(tree, "ietf-interfaces", "interfaces"));
		plan_route_all(&p, top(tree, "ietf-routing", "routing"));
		plan_acl_all(&p, top(tree, "ietf-access-control-list", "acls"));
		plan_settings_all(&p, top(tree, "ietf-system", "system"), top(tree, "ietf-syslog", "syslog"));
	}
	return finish(&p);
}

void plan_free(struct plan *p)
{
	yyjson_mut_doc_free(p->doc);
	*p = (struct plan){0};
}

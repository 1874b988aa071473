/* SPDX-License-Identifier: BSD-2-Clause */
/* Operational state, or configuration as it is in force, asked of several rooms and merged into one
 * document. Most tops belong to one room; where two have a part of the same tree, containers and
 * list entries are joined by the schema. */
#include "proto/netops/rooms/rooms_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ask {
	struct rooms *rooms;
	const struct ly_ctx *ctx;
	const char *member; /* of a room's result: NULL, the whole */
	unsigned waiting;
	bool optional; /* one room's failure is not that of all */
	yyjson_mut_doc *doc;
	yyjson_doc *answer[ROOMS_MAX]; /* merged in the order of the rooms, not of their answers */
	struct neterr e;
	void (*f)(void *ctx, yyjson_doc *doc, struct neterr *e);
	void *f_ctx;
	uv_timer_t timer;
};

struct asked_room {
	struct ask *ask;
	struct room *room;
};

/* ---- Merging ---- */

static const struct lysc_node *child_of(const struct ly_ctx *ctx, const struct lysc_node *parent,
					const char *member)
{
	const char *colon = strchr(member, ':');
	const struct lys_module *m = parent ? parent->module : NULL;
	char name[128];

	if (colon) {
		snprintf(name, sizeof(name), "%.*s", (int)(colon - member), member);
		m = ly_ctx_get_module_implemented(ctx, name);
		member = colon + 1;
	}
	return m ? lys_find_child(parent, m, member, 0, 0, 0) : NULL;
}

static bool same_entry(const struct lysc_node *list, yyjson_mut_val *a, yyjson_val *b)
{
	const struct lysc_node *key = lysc_node_child(list);

	for (; key && lysc_is_key(key); key = key->next) {
		yyjson_mut_val *x = yyjson_mut_obj_get(a, key->name);
		yyjson_val *y = yyjson_obj_get(b, key->name);
		yyjson_mut_doc *doc;
		bool same;

		if (!x || !y)
			return false;
		if (yyjson_mut_is_str(x) && yyjson_is_str(y)) {
			if (strcmp(yyjson_mut_get_str(x), yyjson_get_str(y)) != 0)
				return false;
			continue;
		}
		doc = yyjson_mut_doc_new(NULL);
		same = yyjson_mut_equals(x, yyjson_val_mut_copy(doc, y));
		yyjson_mut_doc_free(doc);
		if (!same)
			return false;
	}
	return true;
}

static void merge_obj(struct ask *k, const struct lysc_node *node, yyjson_mut_val *to,
		      yyjson_val *from);

/* Two rooms mostly list entries in the same order: the search goes on where the last one ended. */
static void merge_list(struct ask *k, const struct lysc_node *list, yyjson_mut_val *to,
		       yyjson_val *from)
{
	size_t n = yyjson_mut_arr_size(to);
	yyjson_mut_val *at = yyjson_mut_arr_get_first(to);
	yyjson_val *entry;
	size_t i;
	size_t max;

	yyjson_arr_foreach(from, i, max, entry)
	{
		size_t tried = 0;

		while (tried < n && !same_entry(list, at, entry)) {
			at = at->next;
			tried++;
		}
		if (tried < n) {
			merge_obj(k, list, at, entry);
			at = at->next;
		} else {
			yyjson_mut_arr_append(to, yyjson_val_mut_copy(k->doc, entry));
		}
	}
}

static void merge_member(struct ask *k, const struct lysc_node *child, yyjson_mut_val *to,
			 yyjson_val *from)
{
	if (yyjson_mut_is_obj(to) && yyjson_is_obj(from))
		merge_obj(k, child, to, from);
	else if (child && child->nodetype == LYS_LIST && yyjson_mut_is_arr(to) &&
		 lysc_node_child(child) && lysc_is_key(lysc_node_child(child)))
		merge_list(k, child, to, from);
	/* Of a leaf that two rooms know, the first room's value counts. */
}

static void merge_obj(struct ask *k, const struct lysc_node *node, yyjson_mut_val *to,
		      yyjson_val *from)
{
	yyjson_obj_iter it;
	yyjson_val *key;

	yyjson_obj_iter_init(from, &it);
	while ((key = yyjson_obj_iter_next(&it))) {
		yyjson_val *v = yyjson_obj_iter_get_val(key);
		yyjson_mut_val *have = yyjson_mut_obj_get(to, yyjson_get_str(key));

		if (have)
			merge_member(k, child_of(k->ctx, node, yyjson_get_str(key)), have, v);
		else
			yyjson_mut_obj_add(to, yyjson_val_mut_copy(k->doc, key),
					   yyjson_val_mut_copy(k->doc, v));
	}
}

/* ---- Asking ---- */

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void finish(struct ask *k)
{
	yyjson_doc *doc = NULL;
	bool any = k->optional && !k->rooms->closing;
	size_t i;

	for (i = 0; i < ROOMS_MAX; i++) {
		if (!k->answer[i])
			continue;
		any = true;
		merge_obj(k, NULL, yyjson_mut_doc_get_root(k->doc),
			  yyjson_doc_get_root(k->answer[i]));
		yyjson_doc_free(k->answer[i]);
	}
	if (any) {
		neterr_clear(&k->e);
		doc = yyjson_mut_doc_imut_copy(k->doc, NULL);
		if (!doc)
			neterr_set(&k->e, NETERR_INTERNAL, "resource-denied", "no memory");
	}
	yyjson_mut_doc_free(k->doc);
	k->f(k->f_ctx, doc, doc ? NULL : &k->e);
	neterr_clear(&k->e);
	uv_close((uv_handle_t *)&k->timer, on_closed);
}

static void on_none(uv_timer_t *timer)
{
	finish(timer->data);
}

static yyjson_doc *keep(yyjson_val *v)
{
	yyjson_mut_doc *mut = yyjson_mut_doc_new(NULL);
	yyjson_doc *doc;

	yyjson_mut_doc_set_root(mut, yyjson_val_mut_copy(mut, v));
	doc = yyjson_mut_doc_imut_copy(mut, NULL);
	yyjson_mut_doc_free(mut);
	return doc;
}

static void on_answer(void *ctx, yyjson_val *result, const struct err *err)
{
	struct asked_room *a = ctx;
	struct ask *k = a->ask;

	if (result && k->member)
		result = yyjson_obj_get(result, k->member);
	if (result) {
		k->answer[a->room - k->rooms->room] = keep(result);
	} else if (err && k->e.code == NETERR_NONE) {
		room_error(&k->e, a->room, err);
	}
	free(a);
	if (--k->waiting == 0)
		finish(k);
}

static struct ask *ask_new(struct rooms *r, struct schema *s,
			   void (*f)(void *ctx, yyjson_doc *doc, struct neterr *e), void *ctx)
{
	struct ask *k = calloc(1, sizeof(*k));

	if (k)
		k->doc = yyjson_mut_doc_new(NULL);
	if (!k || !k->doc) {
		struct neterr e = {0};

		free(k);
		neterr_set(&e, NETERR_INTERNAL, "resource-denied", "no memory");
		f(ctx, NULL, &e);
		neterr_clear(&e);
		return NULL;
	}
	yyjson_mut_doc_set_root(k->doc, yyjson_mut_obj(k->doc));
	k->rooms = r;
	k->ctx = schema_ctx(s);
	k->f = f;
	k->f_ctx = ctx;
	uv_timer_init(r->loop, &k->timer);
	k->timer.data = k;
	return k;
}

static void ask(struct ask *k, struct room *room, const char *method, yyjson_mut_doc *doc,
		yyjson_mut_val *params)
{
	struct asked_room *a = calloc(1, sizeof(*a));
	struct err err;
	int rc = err_set(&err, -ENOMEM, "no memory");

	if (a) {
		*a = (struct asked_room){k, room};
		rc = counter_link_request(room->link, method, doc, params, STATE_MS, on_answer, a,
					  &err);
	}
	if (rc == 0) {
		k->waiting++;
		return;
	}
	free(a);
	if (k->e.code == NETERR_NONE)
		room_error(&k->e, room, &err);
}

/* Whether a room's hello lists the module that path begins with. */
static bool has_part(const struct room *room, const char *path)
{
	size_t n = strcspn(path + 1, ":/[");
	size_t i;

	if (strcmp(path, "/") == 0)
		return true;
	for (i = 0; i < room->n_modules; i++) {
		const struct room_module *m = &room->module[i];

		if (m->implemented && strncmp(m->name, path + 1, n) == 0 && m->name[n] == '\0')
			return true;
	}
	return false;
}

void rooms_state(struct rooms *r, struct schema *s, const char *path, unsigned depth,
		 void (*f)(void *ctx, yyjson_doc *doc, struct neterr *e), void *ctx)
{
	struct ask *k = ask_new(r, s, f, ctx);
	yyjson_mut_doc *doc;
	yyjson_mut_val *params;
	size_t i;

	if (!k)
		return;
	k->optional = strcmp(path, "/") == 0;
	doc = yyjson_mut_doc_new(NULL);
	params = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_str(doc, params, "path", path);
	yyjson_mut_obj_add_uint(doc, params, "depth", depth);
	for (i = 0; i < r->n; i++) {
		struct room *room = &r->room[i];

		if (!has_part(room, path))
			continue;
		if (room->up)
			ask(k, room, "state.get", doc, params);
		else if (k->e.code == NETERR_NONE && !k->optional)
			room_away(&k->e, room);
	}
	yyjson_mut_doc_free(doc);
	if (k->waiting == 0 && k->e.code == NETERR_NONE && !k->optional)
		neterr_set(&k->e, NETERR_INVALID, "invalid-value", "no room has a part of %.100s",
			   path);
	if (k->waiting == 0)
		uv_timer_start(&k->timer, on_none, 0, 0);
}

static bool applies_config(const struct room *room)
{
	size_t i;

	for (i = 0; i < room->n_modules; i++) {
		if (room->module[i].config)
			return true;
	}
	return false;
}

void rooms_config(struct rooms *r, struct schema *s,
		  void (*f)(void *ctx, yyjson_doc *doc, struct neterr *e), void *ctx)
{
	struct ask *k = ask_new(r, s, f, ctx);
	size_t i;

	if (!k)
		return;
	k->optional = true;
	k->member = "config";
	for (i = 0; i < r->n; i++) {
		if (r->room[i].up && applies_config(&r->room[i]))
			ask(k, &r->room[i], "config.get", NULL, NULL);
	}
	if (k->waiting == 0)
		uv_timer_start(&k->timer, on_none, 0, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A change of configuration divided by room, and what each room is sent for it. */
#include "proto/netops/rooms/rooms_priv.h"
#include "proto/netops/sys/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENVELOPE 512 /* of a request around its steps */

/* ---- Payloads ---- */

void payload_free(struct payload *p)
{
	free(p->slice);
	yyjson_mut_doc_free(p->doc);
	*p = (struct payload){0};
}

/* Bytes of a value as text, roughly. */
static size_t text_size(yyjson_mut_val *v)
{
	size_t n = 0;
	char *text = yyjson_mut_val_write(v, YYJSON_WRITE_NOFLAG, &n);

	free(text);
	return n;
}

static int add_slice(struct payload *p)
{
	yyjson_mut_val **more = realloc(p->slice, (p->n_slices + 1) * sizeof(*more));
	yyjson_mut_val *arr = yyjson_mut_arr(p->doc);

	if (more)
		p->slice = more;
	if (!more || !arr)
		return -ENOMEM;
	p->slice[p->n_slices++] = arr;
	return 0;
}

size_t room_slice(const struct room *room)
{
	return room->max_line - ENVELOPE;
}

static bool has_purge(yyjson_mut_val *steps)
{
	yyjson_mut_val *step;
	size_t i;
	size_t n;

	yyjson_mut_arr_foreach(steps, i, n, step)
	{
		if (yyjson_mut_obj_get(step, "purge"))
			return true;
	}
	return false;
}

int payload_slice(struct payload *p, yyjson_mut_val *steps, size_t max)
{
	bool whole = has_purge(steps);
	size_t left = 0;
	size_t count = yyjson_mut_arr_size(steps);

	for (; count > 0; count--) {
		yyjson_mut_val *step = yyjson_mut_arr_remove_first(steps);
		size_t n = text_size(step) + 1;

		if (n > max || (whole && n > left && p->n_slices > 0))
			return -E2BIG;
		if (n > left) {
			if (add_slice(p) != 0)
				return -ENOMEM;
			left = max;
		}
		left -= n;
		yyjson_mut_arr_append(p->slice[p->n_slices - 1], step);
	}
	return 0;
}

size_t payload_requests(const struct payload *p)
{
	return p->config ? 1 : p->n_slices;
}

yyjson_mut_val *payload_params(const struct payload *p, size_t i, bool dry_run, yyjson_mut_doc *doc,
			       const char **method)
{
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_mut_val *input;
	yyjson_mut_val *v;

	if (p->config) {
		*method = "config.apply";
		v = yyjson_mut_val_mut_copy(doc, p->config);
		yyjson_mut_obj_add_bool(doc, params, "dry_run", dry_run);
		return v && yyjson_mut_obj_add_val(doc, params, "config", v) ? params : NULL;
	}
	*method = "call";
	yyjson_mut_obj_add_str(doc, params, "rpc", "apply");
	input = json_add_obj(doc, params, "input");
	yyjson_mut_obj_add_bool(doc, input, "dry-run", dry_run);
	v = yyjson_mut_val_mut_copy(doc, p->slice[i]);
	return v && yyjson_mut_obj_add_val(doc, input, "step", v) ? params : NULL;
}

/* ---- Room sys: steps ---- */

static int take_plan(struct payload *to, int rc, struct plan *plan, const struct room *room,
		     struct err *err, struct neterr *e)
{
	if (rc == 0) {
		to->doc = plan->doc;
		plan->doc = NULL;
		if (plan->steps)
			rc = payload_slice(to, plan->steps, room_slice(room));
		if (rc == -E2BIG)
			err_set(err, rc, "the steps are more than a request of %zu bytes holds",
				room->max_line);
	}
	plan_free(plan);
	if (rc == 0)
		return 0;
	if (rc == -ENOMEM)
		return neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory for a plan");
	return room_error(e, room, err);
}

static int plan_part(struct payload *to, const struct room *room, const struct changes *c,
		     const struct lyd_node *after, struct neterr *e)
{
	struct plan plan = {0};
	struct err err = {0};
	int rc = c ? plan_changes(c, after, &plan, &err) : plan_all(after, &plan, &err);

	return take_plan(to, rc, &plan, room, &err, e);
}

/* ---- Other rooms: their whole configuration ---- */

/* Which room a module of the tree belongs to; the last answer is kept, as neighbours are mostly of
 * one module. */
struct owner {
	struct rooms *rooms;
	const struct lys_module *module;
	const struct room *room;
};

static const struct room *owner_of(struct owner *o, const struct lyd_node *node)
{
	const struct lys_module *m = node->schema->module;

	if (m != o->module) {
		o->module = m;
		o->room = rooms_of_module(o->rooms, m->name, strlen(m->name));
	}
	return o->room;
}

/* The next node in document order, without what is below `node`. */
static const struct lyd_node *skip_below(const struct lyd_node *node, const struct lyd_node *top)
{
	while (node != top && !node->next)
		node = lyd_parent(node);
	return node == top ? NULL : node->next;
}

static const struct lyd_node *next_node(const struct lyd_node *node, const struct lyd_node *top)
{
	const struct lyd_node *child = lyd_child(node);

	return child ? child : skip_below(node, top);
}

/* Adds a copy of node, with its parents and their keys, to *to. */
static int graft(struct lyd_node **to, const struct lyd_node *node)
{
	struct lyd_node *copy = NULL;
	struct lyd_node *top;

	if (lyd_dup_single(node, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_PARENTS | LYD_DUP_NO_META,
			   &copy) != LY_SUCCESS)
		return -ENOMEM;
	for (top = copy; lyd_parent(top);)
		top = lyd_parent(top);
	return lyd_merge_siblings(to, top, LYD_MERGE_DESTRUCT) == LY_SUCCESS ? 0 : -ENOMEM;
}

/* Takes out of a copy what other rooms have put into the room's own tree. */
static void prune(struct owner *o, const struct room *room, struct lyd_node *top)
{
	const struct lyd_node *node = top;
	const struct lyd_node *next;

	while (node) {
		if (node != top && owner_of(o, node) != room && owner_of(o, node)) {
			next = skip_below(node, top);
			lyd_free_tree((struct lyd_node *)node);
		} else {
			next = next_node(node, top);
		}
		node = next;
	}
}

static int collect_tree(struct owner *o, const struct room *room, const struct lyd_node *top,
			struct lyd_node **to)
{
	const struct lyd_node *node = top;
	struct lyd_node *copy = NULL;
	int rc = 0;

	if (owner_of(o, top) == room) {
		if (lyd_dup_single(top, NULL, LYD_DUP_RECURSIVE | LYD_DUP_NO_META, &copy) !=
		    LY_SUCCESS)
			return -ENOMEM;
		prune(o, room, copy);
		return lyd_insert_sibling(*to, copy, to) == LY_SUCCESS ? 0 : -ENOMEM;
	}
	while (node && rc == 0) {
		bool mine = owner_of(o, node) == room;

		if (mine)
			rc = graft(to, node);
		node = mine ? skip_below(node, top) : next_node(node, top);
	}
	return rc;
}

/* Whether the room's modules put nodes into those of others. */
static bool augments(const struct room *room, const struct ly_ctx *ctx)
{
	size_t i;

	for (i = 0; i < room->n_modules; i++) {
		const struct lys_module *m =
			ly_ctx_get_module_implemented(ctx, room->module[i].name);

		if (m && m->parsed && m->parsed->augments)
			return true;
	}
	return false;
}

/* Tree: running as it is in a view; its first node. */
static int config_part(struct payload *to, const struct room *room, const struct lyd_node *tree,
		       struct neterr *e)
{
	struct owner o = {.rooms = room->rooms};
	struct lyd_node *mine = NULL;
	bool everywhere = tree && augments(room, LYD_CTX(tree));
	const struct lyd_node *top;
	char *text = NULL;
	int rc = 0;

	LY_LIST_FOR(tree, top)
	{
		if (rc == 0 && (everywhere || owner_of(&o, top) == room))
			rc = collect_tree(&o, room, top, &mine);
	}
	if (rc == 0 && lyd_print_mem(&text, mine, LYD_JSON,
				     LYD_PRINT_WITHSIBLINGS | LYD_PRINT_SHRINK |
					     LYD_PRINT_WD_EXPLICIT) != LY_SUCCESS)
		rc = -ENOMEM;
	lyd_free_all(mine);
	to->doc = yyjson_mut_doc_new(NULL);
	if (rc == 0)
		to->config = yyjson_mut_rawcpy(to->doc, text ? text : "{}");
	free(text);
	return to->config ? 0
			  : neterr_set(e, NETERR_INTERNAL, "resource-denied",
				       "no memory for the configuration of room %s", room->name);
}

/* ---- Parts ---- */

void parts_free(struct parts *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		payload_free(&p->part[i].forth);
		payload_free(&p->part[i].back);
		payload_free(&p->part[i].inverse);
	}
	p->n = 0;
}

/* The changes of each room, in the order of the rooms; texts stay the caller's. */
struct divided {
	struct changes of[ROOMS_MAX];
};

static void divided_free(struct divided *d)
{
	size_t i;

	for (i = 0; i < ROOMS_MAX; i++)
		free(d->of[i].at);
}

static int divide(struct divided *d, struct rooms *r, const struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		const struct room *room = rooms_of_path(r, c->at[i].path);
		struct changes *to;

		if (!room)
			continue;
		to = &d->of[room - r->room];
		if (!to->at)
			to->at = calloc(c->n - i, sizeof(*to->at));
		if (!to->at)
			return -ENOMEM;
		to->at[to->n++] = c->at[i];
	}
	return 0;
}

struct view {
	struct parts *parts;
	struct divided *divided; /* NULL: everything */
	bool back;
	struct neterr *e;
};

static int fill_part(const struct view *v, struct part *part, const struct lyd_node *tree)
{
	struct room *room = part->room;
	struct payload *to = v->back ? &part->back : &part->forth;

	if (!room_is_sys(room))
		return config_part(to, room, tree, v->e);
	return plan_part(to, room, v->divided ? &v->divided->of[room - room->rooms->room] : NULL,
			 tree, v->e);
}

static int on_view(void *ctx, const struct lyd_node *tree)
{
	struct view *v = ctx;
	size_t i;
	int rc = 0;

	for (i = 0; i < v->parts->n && rc == 0; i++)
		rc = fill_part(v, &v->parts->part[i], tree);
	return rc;
}

static bool takes_config(const struct room *room)
{
	size_t i;

	for (i = 0; i < room->n_modules; i++) {
		if (room->module[i].config)
			return true;
	}
	return room_is_sys(room);
}

static void add_part(struct parts *p, struct room *room)
{
	p->part[p->n++] = (struct part){.room = room};
}

static int view(struct parts *p, struct store *s, const struct changes *c, struct divided *d,
		bool back, struct neterr *e)
{
	struct view v = {.parts = p, .divided = d, .back = back, .e = e};
	int rc = store_view(s, c, on_view, &v);

	if (rc != 0 && e->code == NETERR_NONE)
		neterr_set(e, NETERR_INTERNAL, "operation-failed", "cannot look at running");
	return rc;
}

int parts_of_changes(struct parts *p, struct rooms *r, struct store *s, const struct changes *c,
		     bool forth, bool back, struct neterr *e)
{
	struct divided to = {0};
	struct divided from = {0};
	struct changes inverse = {0};
	size_t i;
	int rc;

	*p = (struct parts){0};
	rc = divide(&to, r, c);
	if (rc == 0 && back)
		rc = changes_invert(c, &inverse);
	if (rc == 0 && back)
		rc = divide(&from, r, &inverse);
	if (rc != 0)
		rc = neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory for a change");
	for (i = 0; i < r->n && rc == 0; i++) {
		if (to.of[i].n == 0)
			continue;
		if (takes_config(&r->room[i]))
			add_part(p, &r->room[i]);
		else
			rc = neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "operation-not-supported",
					"room %s takes no configuration", r->room[i].name);
	}
	if (rc == 0 && forth && p->n > 0)
		rc = view(p, s, c, &to, false, e);
	if (rc == 0 && back && p->n > 0)
		rc = view(p, s, NULL, &from, true, e);
	divided_free(&to);
	divided_free(&from);
	changes_free(&inverse);
	if (rc != 0)
		parts_free(p);
	return rc;
}

int parts_of_running(struct parts *p, struct rooms *r, struct store *s, struct neterr *e)
{
	size_t i;
	int rc;

	*p = (struct parts){0};
	for (i = 0; i < r->n; i++) {
		if (r->room[i].up && takes_config(&r->room[i]))
			add_part(p, &r->room[i]);
	}
	rc = p->n > 0 ? view(p, s, NULL, NULL, true, e) : 0;
	if (rc != 0)
		parts_free(p);
	return rc;
}

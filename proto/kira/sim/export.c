/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of every node, for other programs. Nodes that are named by ID in the cores are named by number here. */
#include "proto/kira/sim/report.h"

#include <errno.h>
#include <stdlib.h>
#include <yyjson.h>

struct name {
	struct kira_id id;
	uint32_t i;
};

struct exporter {
	yyjson_mut_doc *doc;
	yyjson_mut_val *list;
	const struct name *name; /* sorted */
	uint32_t n;
};

static int by_id(const void *a, const void *b)
{
	return kira_id_cmp(a, b);
}

/* The node's number, or the ID as text where there is no such node. */
static yyjson_mut_val *node_val(const struct exporter *x, const struct kira_id *id)
{
	const struct name *found = bsearch(id, x->name, x->n, sizeof(*x->name), by_id);
	char text[KIRA_ID_TEXT];

	if (found)
		return yyjson_mut_uint(x->doc, found->i);
	kira_id_format(id, text);
	return yyjson_mut_strcpy(x->doc, text);
}

static void put_id(const struct exporter *x, yyjson_mut_val *o, const char *key, const struct kira_id *id)
{
	char text[KIRA_ID_TEXT];

	kira_id_format(id, text);
	yyjson_mut_obj_add_strcpy(x->doc, o, key, text);
}

static void put_ids(const struct exporter *x, yyjson_mut_val *o, const char *key, const struct kira_id *id, size_t n)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(x->doc, o, key);
	size_t i;

	for (i = 0; i < n; i++)
		yyjson_mut_arr_append(list, node_val(x, &id[i]));
}

static bool put_neighbour(void *ctx, const struct kira_neighbour_info *n)
{
	struct exporter *x = ctx;
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(x->doc, x->list);

	yyjson_mut_obj_add_val(x->doc, o, "node", node_val(x, &n->id));
	yyjson_mut_obj_add_uint(x->doc, o, "link", n->link);
	yyjson_mut_obj_add_uint(x->doc, o, "ssn", n->ssn);
	yyjson_mut_obj_add_uint(x->doc, o, "degree", n->degree);
	yyjson_mut_obj_add_sint(x->doc, o, "heard_us", n->heard);
	return true;
}

static bool put_contact(void *ctx, const struct kira_contact_info *c)
{
	struct exporter *x = ctx;
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(x->doc, x->list);

	yyjson_mut_obj_add_val(x->doc, o, "node", node_val(x, &c->id));
	yyjson_mut_obj_add_str(x->doc, o, "state", kira_contact_state_name(c->state));
	yyjson_mut_obj_add_bool(x->doc, o, "neighbour", c->neighbour);
	yyjson_mut_obj_add_uint(x->doc, o, "bucket", c->bucket);
	yyjson_mut_obj_add_uint(x->doc, o, "ssn", c->ssn);
	yyjson_mut_obj_add_sint(x->doc, o, "validated_us", c->validated);
	put_ids(x, o, "path", c->path, c->n_path);
	return true;
}

static bool put_vicinity(void *ctx, const struct kira_vicinity_info *v)
{
	struct exporter *x = ctx;
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(x->doc, x->list);

	yyjson_mut_obj_add_val(x->doc, o, "node", node_val(x, &v->id));
	yyjson_mut_obj_add_uint(x->doc, o, "distance", v->distance);
	yyjson_mut_obj_add_uint(x->doc, o, "ssn_observed", v->ssn_observed);
	yyjson_mut_obj_add_uint(x->doc, o, "ssn_synched", v->ssn_synched);
	put_ids(x, o, "neighbours", v->neighbours, v->n_neighbours);
	return true;
}

static void put_fwd(struct exporter *x, yyjson_mut_val *o, const struct kira_fwd *to)
{
	static const char *const kind[] = {"none", "local", "neighbour", "path", "unreachable"};

	yyjson_mut_obj_add_str(x->doc, o, "kind", to->kind < 5 ? kind[to->kind] : "?");
	if (to->kind != KIRA_FWD_NEIGHBOUR && to->kind != KIRA_FWD_PATH)
		return;
	yyjson_mut_obj_add_uint(x->doc, o, "link", to->link);
	if (to->kind == KIRA_FWD_PATH)
		put_id(x, o, "label", &to->label);
	if (to->bypass)
		put_id(x, o, "outer", &to->outer);
}

static bool put_fwd_node(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *to)
{
	struct exporter *x = ctx;
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(x->doc, x->list);

	put_id(x, o, "id", id);
	yyjson_mut_obj_add_uint(x->doc, o, "bits", bits);
	put_fwd(x, o, to);
	return true;
}

static bool put_fwd_path(void *ctx, const struct kira_id *id, const struct kira_fwd *to, usec_t refreshed)
{
	struct exporter *x = ctx;
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(x->doc, x->list);

	put_id(x, o, "path_id", id);
	put_fwd(x, o, to);
	if (refreshed)
		yyjson_mut_obj_add_sint(x->doc, o, "refreshed_us", refreshed);
	return true;
}

static void put_node(struct exporter *x, yyjson_mut_val *nodes, const struct sim_node *n)
{
	static const char *const state[] = {"absent", "running", "stopped", "crashed", "killed"};
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(x->doc, nodes);

	yyjson_mut_obj_add_uint(x->doc, o, "node", n->i);
	put_id(x, o, "id", &n->id);
	yyjson_mut_obj_add_str(x->doc, o, "state", state[n->state]);
	if (!n->k)
		return;
	yyjson_mut_obj_add_uint(x->doc, o, "ssn", kira_ssn(n->k));
	x->list = yyjson_mut_obj_add_arr(x->doc, o, "neighbours");
	kira_each_neighbour(n->k, put_neighbour, x);
	x->list = yyjson_mut_obj_add_arr(x->doc, o, "contacts");
	kira_each_contact(n->k, put_contact, x);
	x->list = yyjson_mut_obj_add_arr(x->doc, o, "vicinity");
	kira_each_vicinity(n->k, put_vicinity, x);
	x->list = yyjson_mut_obj_add_arr(x->doc, o, "node_table");
	kira_each_fwd_node(n->k, put_fwd_node, x);
	x->list = yyjson_mut_obj_add_arr(x->doc, o, "path_table");
	kira_each_fwd_path(n->k, put_fwd_path, x);
}

int export_state(const struct sim *s, FILE *to)
{
	struct name *name = calloc((size_t)s->g->n + 1, sizeof(*name));
	struct exporter x = {.doc = yyjson_mut_doc_new(NULL), .name = name, .n = s->g->n};
	yyjson_mut_val *nodes;
	char *text = NULL;
	size_t n = 0;
	uint32_t i;
	int rc = -ENOMEM;

	if (name && x.doc) {
		for (i = 0; i < s->g->n; i++)
			name[i] = (struct name){s->node[i].id, i};
		qsort(name, s->g->n, sizeof(*name), by_id);
		nodes = yyjson_mut_arr(x.doc);
		yyjson_mut_doc_set_root(x.doc, nodes);
		for (i = 0; i < s->g->n; i++)
			put_node(&x, nodes, &s->node[i]);
		text = yyjson_mut_write(x.doc, 0, &n);
	}
	if (text)
		rc = fwrite(text, 1, n, to) == n && fputc('\n', to) != EOF && fflush(to) == 0 ? 0 : -EIO;
	free(text);
	yyjson_mut_doc_free(x.doc);
	free(name);
	return rc;
}

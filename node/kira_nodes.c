/* SPDX-License-Identifier: BSD-2-Clause */
/* dep kira nodes, routes, paths, vicinity: what the node knows and where it sends. */
#include "node/dep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void cell(struct table *t, yyjson_val *obj, const char *key)
{
	char buf[32];

	table_cell(t, dep_text(obj, key, buf));
}

static void age_cell(struct table *t, yyjson_val *obj, const char *key)
{
	char buf[32];

	table_cell(t, dep_age(obj, key, buf));
}

/* --- nodes --- */

static void print_neighbours(yyjson_val *list)
{
	static const char *const head[] = {"NODE", "LINK", "ADDRESS", ">NEIGHBOURS", ">HEARD"};
	struct table t;
	yyjson_val *n;
	size_t max;
	size_t i;

	printf("Neighbours: %zu\n", yyjson_arr_size(list));
	if (yyjson_arr_size(list) == 0)
		return;
	table_init(&t, head, COUNT(head));
	yyjson_arr_foreach(list, i, max, n)
	{
		cell(&t, n, "id");
		cell(&t, n, "link");
		cell(&t, n, "address");
		cell(&t, n, "degree");
		age_cell(&t, n, "heard");
	}
	table_print(&t);
	table_free(&t);
}

static void contact_row(struct table *t, yyjson_val *c)
{
	yyjson_val *path = yyjson_obj_get(c, "path");
	const char *first = yyjson_get_str(yyjson_arr_get_first(path));
	char buf[32];

	cell(t, c, "id");
	cell(t, c, "state");
	snprintf(buf, sizeof(buf), "%zu", yyjson_arr_size(path));
	table_cell(t, yyjson_arr_size(path) > 0 ? buf : "-");
	table_cell(t, yyjson_is_true(yyjson_obj_get(c, "neighbour")) ? "neighbour"
		      : first					     ? dep_short_id(first, buf)
								     : "-");
	cell(t, c, "bucket");
	age_cell(t, c, "seen");
	age_cell(t, c, "validated");
}

static void print_contacts(yyjson_val *list)
{
	static const char *const head[] = {"NODE",    "STATE", ">HOPS",	 "VIA",
					   ">BUCKET", ">SEEN", ">PROVED"};
	struct table t;
	yyjson_val *c;
	size_t max;
	size_t i;

	printf("Contacts: %zu\n", yyjson_arr_size(list));
	if (yyjson_arr_size(list) == 0)
		return;
	table_init(&t, head, COUNT(head));
	yyjson_arr_foreach(list, i, max, c) contact_row(&t, c);
	table_print(&t);
	table_free(&t);
}

static int print_nodes_json(yyjson_val *neighbours, yyjson_val *contacts)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *none = NULL;
	yyjson_doc *out;

	yyjson_mut_doc_set_root(doc, root);
	none = neighbours ? yyjson_val_mut_copy(doc, neighbours) : yyjson_mut_arr(doc);
	yyjson_mut_obj_add_val(doc, root, "neighbours", none);
	none = contacts ? yyjson_val_mut_copy(doc, contacts) : yyjson_mut_arr(doc);
	yyjson_mut_obj_add_val(doc, root, "contacts", none);
	out = yyjson_mut_doc_imut_copy(doc, NULL);
	dep_print_json(yyjson_doc_get_root(out));
	yyjson_doc_free(out);
	yyjson_mut_doc_free(doc);
	return DEP_OK;
}

int kira_nodes(struct dep *d)
{
	yyjson_val *neighbours;
	yyjson_val *contacts;
	yyjson_doc *a = dep_state(d, "/kira:kira/neighbours/neighbour", &neighbours);
	yyjson_doc *b = a ? dep_state(d, "/kira:kira/contacts/contact", &contacts) : NULL;

	if (b && d->json) {
		print_nodes_json(neighbours, contacts);
	} else if (b) {
		print_neighbours(neighbours);
		putchar('\n');
		print_contacts(contacts);
	}
	yyjson_doc_free(a);
	yyjson_doc_free(b);
	return b ? DEP_OK : DEP_FAILED;
}

/* --- lists of one kind --- */

/* Prints the list at path: as JSON, or with head and a row of each entry. */
static int list(struct dep *d, const char *path, const char *none, const char *const *head,
		unsigned n_columns, void (*row)(struct table *t, yyjson_val *entry))
{
	struct table t;
	yyjson_val *entries;
	yyjson_val *e;
	yyjson_doc *doc = dep_state(d, path, &entries);
	size_t max;
	size_t i;

	if (!doc)
		return DEP_FAILED;
	if (d->json && !entries) {
		puts("[]");
	} else if (d->json) {
		dep_print_json(entries);
	} else if (yyjson_arr_size(entries) == 0) {
		puts(none);
	} else {
		table_init(&t, head, n_columns);
		yyjson_arr_foreach(entries, i, max, e) row(&t, e);
		table_print(&t);
		table_free(&t);
	}
	yyjson_doc_free(doc);
	return DEP_OK;
}

static void route_row(struct table *t, yyjson_val *e)
{
	cell(t, e, "prefix");
	cell(t, e, "action");
	cell(t, e, "link");
	cell(t, e, "via");
	cell(t, e, "label");
	cell(t, e, "bypass");
}

int kira_routes(struct dep *d)
{
	static const char *const head[] = {"NODES", "ACTION", "LINK", "VIA", "PATH", "BYPASS"};

	return list(d, "/kira:kira/node-table/entry", "No routes.", head, COUNT(head), route_row);
}

static void path_row(struct table *t, yyjson_val *e)
{
	cell(t, e, "path-id");
	cell(t, e, "action");
	cell(t, e, "link");
	cell(t, e, "via");
	cell(t, e, "label");
	cell(t, e, "bypass");
	age_cell(t, e, "refreshed");
}

int kira_paths(struct dep *d)
{
	static const char *const head[] = {"PATH",     "ACTION", "LINK",      "VIA",
					   "NEW PATH", "BYPASS", ">REFRESHED"};

	return list(d, "/kira:kira/path-table/entry", "No paths.", head, COUNT(head), path_row);
}

static void vicinity_row(struct table *t, yyjson_val *n)
{
	yyjson_val *list = yyjson_obj_get(n, "neighbour");
	char text[256] = "";
	yyjson_val *id;
	size_t at = 0;
	size_t max;
	size_t i;

	cell(t, n, "distance");
	cell(t, n, "id");
	cell(t, n, "ssn-observed");
	cell(t, n, "ssn-synchronised");
	yyjson_arr_foreach(list, i, max, id)
	{
		char buf[32];
		const char *s = yyjson_get_str(id);

		if (s && at < sizeof(text) - 40)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? " " : "",
					       dep_short_id(s, buf));
	}
	if (max > 16)
		snprintf(text + at, sizeof(text) - at, " and more: %zu", max);
	table_cell(t, max ? text : "-");
}

int kira_vicinity(struct dep *d)
{
	static const char *const head[] = {">HOPS", "NODE", ">SSN", ">KNOWN", "LINKS TO"};

	return list(d, "/kira:kira/vicinity/node", "Nothing is known around this node.", head,
		    COUNT(head), vicinity_row);
}

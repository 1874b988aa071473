/* SPDX-License-Identifier: BSD-2-Clause */
/* dep history, audit: what was done. */
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *cell(yyjson_val *obj, const char *key)
{
	static char buf[32];

	return dep_text(obj, key, buf);
}

int node_history(struct node *n)
{
	static const char *const head[] = {"COMMIT", "TIME",	 "USER",
					   "STATE",  ">CHANGES", "COMMENT"};
	yyjson_val *result;
	yyjson_doc *answer = node_tool(n, "network.history", NULL, NULL, &result);
	yyjson_val *c;
	struct table t;
	size_t i;
	size_t max;

	if (!answer)
		return DEP_FAILED;
	if (n->json) {
		dep_print_json(result);
		yyjson_doc_free(answer);
		return DEP_OK;
	}
	table_init(&t, head, 6);
	yyjson_arr_foreach(yyjson_obj_get(result, "commits"), i, max, c)
	{
		table_cell(&t, cell(c, "commitId"));
		table_cell(&t, cell(c, "time"));
		table_cell(&t, cell(c, "user"));
		table_cell(&t, cell(c, "state"));
		table_cell(&t, cell(c, "changes"));
		table_cell(&t, cell(c, "comment"));
	}
	table_print(&t);
	table_free(&t);
	yyjson_doc_free(answer);
	return DEP_OK;
}

/* --- audit --- */

static void record(struct table *t, yyjson_val *r)
{
	yyjson_val *who = yyjson_obj_get(r, "principal");
	const char *tool = yyjson_get_str(yyjson_obj_get(r, "tool"));
	char from[128];
	const char *transport = yyjson_get_str(yyjson_obj_get(who, "transport"));
	const char *addr = yyjson_get_str(yyjson_obj_get(who, "addr"));

	snprintf(from, sizeof(from), "%s%s%s", transport ? transport : "-",
		 addr && addr[0] ? " " : "", addr ? addr : "");
	table_cell(t, cell(r, "seq"));
	table_cell(t, cell(r, "ts"));
	table_cell(t, cell(who, "sub"));
	table_cell(t, from);
	table_cell(t, tool ? tool : cell(r, "method"));
	table_cell(t, cell(r, "outcome"));
}

/* One JSON record a line. */
static void print_records(char *text)
{
	static const char *const head[] = {">NO", "TIME", "WHO", "FROM", "WHAT", "OUTCOME"};
	struct table t;
	char *rest = text;
	char *line;

	table_init(&t, head, 6);
	while ((line = strsep(&rest, "\n"))) {
		yyjson_doc *doc = line[0] ? json_parse(line, strlen(line), 0, NULL, NULL) : NULL;

		if (doc)
			record(&t, yyjson_doc_get_root(doc));
		yyjson_doc_free(doc);
	}
	table_print(&t);
	table_free(&t);
}

static int verify(struct node *n)
{
	yyjson_val *result;
	yyjson_doc *answer = node_tool(n, "network.audit.verify", NULL, NULL, &result);
	yyjson_val *ok;
	bool good;

	if (!answer)
		return DEP_FAILED;
	ok = yyjson_obj_get(result, "ok");
	good = !yyjson_is_bool(ok) || yyjson_get_bool(ok);
	if (n->json)
		dep_print_json(result);
	else
		node_print_tree(result);
	yyjson_doc_free(answer);
	return good ? DEP_OK : DEP_FAILED;
}

int node_audit(struct node *n)
{
	const char *count = n->n_args > 0 ? n->arg[0] : "20";
	char uri[64];
	char *text;

	if (n->verify)
		return verify(n);
	if (strspn(count, "0123456789") != strlen(count) || strlen(count) > 5 || count[0] == '0' ||
	    !count[0]) {
		fprintf(stderr, "dep audit: %s is no number of records (dep audit 50)\n", count);
		return DEP_USAGE;
	}
	snprintf(uri, sizeof(uri), "network:///audit/last%s", count);
	text = node_read(n, uri);
	if (!text)
		return DEP_FAILED;
	if (n->json)
		fputs(text, stdout);
	else
		print_records(text);
	free(text);
	return DEP_OK;
}

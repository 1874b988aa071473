/* SPDX-License-Identifier: BSD-2-Clause */
/* dep tools, call, read: what the node offers to programs, as it is. */
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS (15u << 20)

static void print_one(yyjson_mut_val *tool)
{
	const char *about = yyjson_mut_get_str(yyjson_mut_obj_get(tool, "description"));
	yyjson_doc *doc = yyjson_mut_val_imut_copy(yyjson_mut_obj_get(tool, "inputSchema"), NULL);

	node_print_text(yyjson_mut_get_str(yyjson_mut_obj_get(tool, "name")), false);
	printf("\n\n");
	node_print_text(about ? about : "", true);
	printf("\n\n");
	dep_print_json(yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
}

static void print_all(yyjson_mut_val *list)
{
	static const char *const head[] = {"TOOL", "WHAT IT DOES"};
	yyjson_mut_val *tool;
	struct table t;
	size_t i;
	size_t max;
	char line[100];

	table_init(&t, head, 2);
	yyjson_mut_arr_foreach(list, i, max, tool)
	{
		const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(tool, "name"));
		const char *about = yyjson_mut_get_str(yyjson_mut_obj_get(tool, "description"));
		size_t n = about ? strcspn(about, ".\n") : 0;

		snprintf(line, sizeof(line), "%.*s",
			 n < sizeof(line) ? (int)n : (int)sizeof(line) - 1, about ? about : "");
		table_cell(&t, name ? name : "-");
		table_cell(&t, line);
	}
	table_print(&t);
	table_free(&t);
}

int node_tools(struct node *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *list = NULL;
	yyjson_mut_val *tool;
	yyjson_mut_val *found = NULL;
	yyjson_doc *copy;
	size_t i;
	size_t max;
	int rc = DEP_FAILED;

	if (node_connect(n) != 0 ||
	    mcp_client_list(n->client, "tools/list", "tools", doc, &list, &n->err) != 0)
		goto out;
	yyjson_mut_arr_foreach(list, i, max, tool)
	{
		if (n->n_args > 0 &&
		    yyjson_mut_equals_str(yyjson_mut_obj_get(tool, "name"), n->arg[0]))
			found = tool;
	}
	if (n->n_args > 0 && !found) {
		err_set(&n->err, -ENOENT, "no such tool");
		err_where(&n->err, "%s", n->arg[0]);
		err_mend(&n->err, "dep tools lists them");
		goto out;
	}
	rc = DEP_OK;
	if (n->json) {
		copy = yyjson_mut_val_imut_copy(found ? found : list, NULL);
		dep_print_json(yyjson_doc_get_root(copy));
		yyjson_doc_free(copy);
	} else if (found) {
		print_one(found);
	} else {
		print_all(list);
	}
out:
	yyjson_mut_doc_free(doc);
	return rc;
}

/* The tool's arguments, an object. NULL and n->err. */
static yyjson_mut_val *arguments(struct node *n, yyjson_mut_doc *doc)
{
	const char *text = n->n_args > 1 ? n->arg[1] : "{}";
	size_t len = strlen(text);
	char *in = NULL;
	yyjson_mut_val *v = NULL;
	yyjson_doc *parsed;

	if (strcmp(text, "-") == 0) {
		in = malloc(MAX_ARGS + 1);
		len = in ? fread(in, 1, MAX_ARGS + 1, stdin) : 0;
		text = in ? in : "";
	}
	parsed = json_parse(text, len, MAX_ARGS, "arguments", &n->err);
	free(in);
	if (parsed && !yyjson_is_obj(yyjson_doc_get_root(parsed))) {
		err_set(&n->err, -EINVAL, "arguments are a JSON object");
		err_mend(&n->err, "dep call %s '{\"name\": \"value\"}'", n->arg[0]);
	} else if (parsed) {
		v = yyjson_val_mut_copy(doc, yyjson_doc_get_root(parsed));
	}
	yyjson_doc_free(parsed);
	return v;
}

int node_call(struct node *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *args = arguments(n, doc);
	yyjson_val *result;
	yyjson_doc *answer;

	answer = args ? node_tool(n, n->arg[0], doc, args, &result) : NULL;
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	dep_print_json(result);
	yyjson_doc_free(answer);
	return DEP_OK;
}

int node_read_verb(struct node *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_val *result;
	yyjson_val *content;
	yyjson_doc *answer;
	size_t i;
	size_t max;

	yyjson_mut_obj_add_str(doc, params, "uri", n->arg[0]);
	answer = node_request(n, "resources/read", doc, params, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	if (n->json) {
		dep_print_json(result);
	} else {
		yyjson_arr_foreach(yyjson_obj_get(result, "contents"), i, max, content)
		{
			const char *text = yyjson_get_str(yyjson_obj_get(content, "text"));

			node_print_text(text ? text : "(binary; --json shows it)", true);
			if (text && text[0] && text[strlen(text) - 1] != '\n')
				putchar('\n');
		}
	}
	yyjson_doc_free(answer);
	return DEP_OK;
}

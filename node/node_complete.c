/* SPDX-License-Identifier: BSD-2-Clause */
/* dep complete WHAT [WORD]: what a shell may offer, one a line. Silent where the node is not there.
 */
#include "node/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE "network:///data/{datastore}/{+path}"

static void print_values(yyjson_val *list, const char *prefix, const char *before)
{
	yyjson_val *v;
	size_t i;
	size_t max;

	yyjson_arr_foreach(list, i, max, v)
	{
		const char *s = yyjson_get_str(v);

		/* A name with a newline or the like would become two words. */
		if (s && strncmp(s, prefix, strlen(prefix)) == 0 && !strpbrk(s, " \t\r\n"))
			printf("%s%s\n", before, s);
	}
}

/* Paths that go on from word: the node completes them (live keys too). A path here begins with a
 * slash. */
static int paths(struct node *n, const char *word)
{
	const char *bare = word[0] == '/' ? word + 1 : word;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_mut_val *o;
	yyjson_val *result;
	yyjson_doc *answer;

	o = yyjson_mut_obj_add_obj(doc, params, "ref");
	yyjson_mut_obj_add_str(doc, o, "type", "ref/resource");
	yyjson_mut_obj_add_str(doc, o, "uri", TEMPLATE);
	o = yyjson_mut_obj_add_obj(doc, params, "argument");
	yyjson_mut_obj_add_str(doc, o, "name", "path");
	yyjson_mut_obj_add_str(doc, o, "value", bare);
	o = yyjson_mut_obj_add_obj(doc, params, "context");
	o = yyjson_mut_obj_add_obj(doc, o, "arguments");
	yyjson_mut_obj_add_str(doc, o, "datastore", n->datastore ? n->datastore : "running");
	answer = node_request(n, "completion/complete", doc, params, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return -1;
	print_values(yyjson_obj_get(yyjson_obj_get(result, "completion"), "values"), bare, "/");
	yyjson_doc_free(answer);
	return 0;
}

static int commits(struct node *n, const char *word)
{
	yyjson_val *result;
	yyjson_doc *answer = node_tool(n, "network.history", NULL, NULL, &result);
	yyjson_val *c;
	size_t i;
	size_t max;

	yyjson_arr_foreach(yyjson_obj_get(result, "commits"), i, max, c)
	{
		const char *id = yyjson_get_str(yyjson_obj_get(c, "commitId"));

		if (id && strncmp(id, word, strlen(word)) == 0)
			puts(id);
	}
	yyjson_doc_free(answer);
	return answer ? 0 : -1;
}

static int listed(struct node *n, const char *method, const char *member, const char *key,
		  const char *word)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *list = NULL;
	yyjson_mut_val *item;
	size_t i;
	size_t max;
	int rc = node_connect(n);

	if (rc == 0)
		rc = mcp_client_list(n->client, method, member, doc, &list, &n->err);
	yyjson_mut_arr_foreach(list, i, max, item)
	{
		const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(item, key));

		if (name && strncmp(name, word, strlen(word)) == 0 && !strchr(name, '\n'))
			puts(name);
	}
	yyjson_mut_doc_free(doc);
	return rc;
}

int node_complete(struct node *n)
{
	const char *what = n->arg[0];
	const char *word = n->n_args > 1 ? n->arg[1] : "";
	const struct node_verb *v;
	int rc = -1;

	if (strcmp(what, "verb") == 0) {
		node_list_verbs();
		return DEP_OK;
	}
	if (strcmp(what, "option") == 0) {
		v = node_verb(word);
		if (v)
			node_list_options(v);
		return v ? DEP_OK : DEP_FAILED;
	}
	if (strcmp(what, "path") == 0)
		rc = paths(n, word);
	else if (strcmp(what, "commit") == 0)
		rc = commits(n, word);
	else if (strcmp(what, "tool") == 0)
		rc = listed(n, "tools/list", "tools", "name", word);
	else if (strcmp(what, "uri") == 0)
		rc = listed(n, "resources/list", "resources", "uri", word);
	/* A shell shows what is said to standard error in the middle of the line: nothing. */
	n->err.code = 0;
	return rc == 0 ? DEP_OK : DEP_FAILED;
}

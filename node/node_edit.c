/* SPDX-License-Identifier: BSD-2-Clause */
/* dep show, edit, diff, discard: looking, and staging changes. */
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE (15u << 20) /* a request may have 16 MiB */

static int bad(struct node *n, const char *what, const char *mend)
{
	fprintf(stderr, "dep %s: %s (%s)\n", n->verb, what, mend);
	return DEP_USAGE;
}

int node_show(struct node *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *args = yyjson_mut_obj(doc);
	yyjson_val *result;
	yyjson_doc *answer;
	char *end;

	yyjson_mut_obj_add_str(doc, args, "path", n->n_args > 0 ? n->arg[0] : "/");
	if (n->datastore)
		yyjson_mut_obj_add_str(doc, args, "datastore", n->datastore);
	if (n->datastore && strcmp(n->datastore, "candidate") == 0 && n->candidate)
		yyjson_mut_obj_add_str(doc, args, "candidate", n->candidate);
	if (n->depth) {
		yyjson_mut_obj_add_uint(doc, args, "depth", strtoul(n->depth, &end, 10));
		if (*end || !*n->depth) {
			yyjson_mut_doc_free(doc);
			return bad(n, "--depth takes a number", "--depth 2");
		}
	}
	answer = node_tool(n, "network.yang.get", doc, args, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	if (n->json)
		dep_print_json(result);
	else
		node_print_tree(result);
	yyjson_doc_free(answer);
	return DEP_OK;
}

/* --- edit --- */

/* PATH=VALUE: the last '=' outside of brackets and quotes. NULL: there is none. */
static const char *equals(const char *text)
{
	const char *at = NULL;
	char quote = '\0';
	unsigned depth = 0;
	const char *p;

	for (p = text; *p; p++) {
		if (quote && *p == '\\' && p[1])
			p++;
		else if (quote)
			quote = *p == quote ? '\0' : quote;
		else if (*p == '"' || (*p == '\'' && depth > 0))
			quote = *p;
		else if (*p == '[')
			depth++;
		else if (*p == ']' && depth > 0)
			depth--;
		else if (*p == '=' && depth == 0)
			at = p;
	}
	return at;
}

/* A value as it was typed: JSON where it is such, else text. guess: a number or word of JSON, that
 * a leaf of type string or of 64 bits wants as text. */
static yyjson_mut_val *typed(yyjson_mut_doc *doc, const char *text, bool as_text, bool *guess)
{
	yyjson_doc *in = as_text ? NULL : json_parse(text, strlen(text), 0, NULL, NULL);
	yyjson_mut_val *v;

	*guess = false;
	if (!in)
		return yyjson_mut_str(doc, text);
	*guess = yyjson_is_num(yyjson_doc_get_root(in)) ||
		 yyjson_is_bool(yyjson_doc_get_root(in)) || yyjson_is_null(yyjson_doc_get_root(in));
	v = yyjson_val_mut_copy(doc, yyjson_doc_get_root(in));
	yyjson_doc_free(in);
	return v;
}

static yyjson_mut_val *one_edit(yyjson_mut_doc *doc, const struct node_set *s, bool as_text,
				bool *guess)
{
	yyjson_mut_val *e = yyjson_mut_obj(doc);
	const char *at = s->delete ? NULL : equals(s->text);

	*guess = false;
	yyjson_mut_obj_add_val(doc, e, "path",
			       at ? yyjson_mut_strncpy(doc, s->text, (size_t)(at - s->text))
				  : yyjson_mut_str(doc, s->text));
	yyjson_mut_obj_add_str(doc, e, "operation", s->delete ? "delete" : "merge");
	if (at)
		yyjson_mut_obj_add_val(doc, e, "value", typed(doc, at + 1, as_text, guess));
	return e;
}

static char *read_file(struct node *n, const char *path, size_t *len)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = f ? malloc(MAX_FILE + 1) : NULL;

	if (text)
		*len = fread(text, 1, MAX_FILE + 1, f);
	if (!text || ferror(f)) {
		err_set(&n->err, errno ? -errno : -EIO, "cannot read: %s", strerror(errno));
		err_where(&n->err, "%s", path);
		free(text);
		text = NULL;
	}
	if (f && f != stdin)
		fclose(f);
	return text;
}

/* The file's data, merged at the root. */
static int add_file(struct node *n, yyjson_mut_doc *doc, yyjson_mut_val *list)
{
	yyjson_mut_val *e;
	yyjson_doc *in;
	size_t len;
	char *text = read_file(n, n->file, &len);

	in = text ? json_parse(text, len, MAX_FILE, n->file, &n->err) : NULL;
	free(text);
	if (!in)
		return -1;
	e = yyjson_mut_arr_add_obj(doc, list);
	yyjson_mut_obj_add_str(doc, e, "path", "/");
	yyjson_mut_obj_add_str(doc, e, "operation", "merge");
	yyjson_mut_obj_add_val(doc, e, "value", yyjson_val_mut_copy(doc, yyjson_doc_get_root(in)));
	yyjson_doc_free(in);
	return 0;
}

/* Arguments of network.yang.edit; texts: which values are sent as text. NULL and n->err. */
static yyjson_mut_doc *edit_doc(struct node *n, const bool *texts, bool *guesses,
				yyjson_mut_val **args)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *list;
	int i;

	*args = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_str(doc, *args, "target", "candidate");
	if (n->candidate)
		yyjson_mut_obj_add_str(doc, *args, "candidate", n->candidate);
	list = yyjson_mut_obj_add_arr(doc, *args, "edit");
	for (i = 0; i < n->n_sets; i++)
		yyjson_mut_arr_append(list, one_edit(doc, &n->set[i], texts[i], &guesses[i]));
	if (n->file && add_file(n, doc, list) != 0) {
		yyjson_mut_doc_free(doc);
		return NULL;
	}
	return doc;
}

/* Sends the edits. A value whose type was guessed wrong is refused by the node, which changes
 * nothing then: it is sent again as text, once. */
static yyjson_doc *send_edits(struct node *n, bool *texts, bool *guesses, yyjson_val **result)
{
	yyjson_doc *answer;
	yyjson_val *error;
	yyjson_mut_doc *doc;
	yyjson_mut_val *args;
	uint64_t at;

	for (;;) {
		doc = edit_doc(n, texts, guesses, &args);
		if (!doc)
			return NULL;
		answer = node_try(n, "network.yang.edit", doc, args, result, &error);
		yyjson_mut_doc_free(doc);
		if (!answer || !error)
			return answer;
		if (!json_get_u64(yyjson_obj_get(yyjson_obj_get(error, "data"), "edit"), &at) ||
		    at >= (uint64_t)n->n_sets || texts[at] || !guesses[at])
			break;
		texts[at] = true;
		yyjson_doc_free(answer);
	}
	node_refused(n, NULL, error);
	yyjson_doc_free(answer);
	return NULL;
}

int node_edit(struct node *n)
{
	bool *flags = calloc(2 * (size_t)n->n_sets + 2, sizeof(*flags));
	yyjson_val *result;
	yyjson_doc *answer;
	int i;

	if (n->n_sets == 0 && !n->file) {
		free(flags);
		return bad(n, "nothing to change",
			   "dep edit PATH=VALUE, --delete PATH, --file FILE");
	}
	for (i = 0; i < n->n_sets; i++) {
		if (n->set[i].delete || equals(n->set[i].text))
			continue;
		fprintf(stderr,
			"dep edit: %s: no value (PATH=VALUE; PATH='{}' for a container, --delete "
			"PATH)\n",
			n->set[i].text);
		free(flags);
		return DEP_USAGE;
	}
	answer = flags ? send_edits(n, flags, flags + n->n_sets + 1, &result) : NULL;
	free(flags);
	if (!answer)
		return DEP_FAILED;
	if (n->json)
		dep_print_json(result);
	yyjson_doc_free(answer);
	return n->json ? DEP_OK : node_diff(n);
}

int node_diff(struct node *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *args = yyjson_mut_obj(doc);
	yyjson_val *result;
	yyjson_val *diff;
	yyjson_val *path;
	yyjson_doc *answer;
	size_t i;
	size_t max;

	if (n->commit)
		yyjson_mut_obj_add_str(doc, args, "commitId", n->commit);
	else if (n->candidate)
		yyjson_mut_obj_add_str(doc, args, "candidate", n->candidate);
	answer = node_tool(n, "network.diff", doc, args, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	diff = yyjson_obj_get(result, "diff");
	if (n->json)
		dep_print_json(result);
	else if (yyjson_arr_size(diff) == 0)
		puts(n->commit ? "this commit changed nothing" : "nothing is staged");
	else
		node_print_diff(diff);
	yyjson_arr_foreach(yyjson_obj_get(result, "conflicts"), i, max, path)
	{
		if (n->json || !yyjson_is_str(path))
			continue;
		printf("! ");
		node_print_text(yyjson_get_str(path), false);
		puts(": running was changed here since (dep discard, and stage it again)");
	}
	yyjson_doc_free(answer);
	return DEP_OK;
}

int node_discard(struct node *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *args = yyjson_mut_obj(doc);
	yyjson_val *result;
	yyjson_doc *answer;

	if (n->candidate)
		yyjson_mut_obj_add_str(doc, args, "candidate", n->candidate);
	answer = node_tool(n, "network.discard", doc, args, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	if (n->json)
		dep_print_json(result);
	else
		puts("discarded");
	yyjson_doc_free(answer);
	return DEP_OK;
}

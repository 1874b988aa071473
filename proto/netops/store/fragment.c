/* SPDX-License-Identifier: BSD-2-Clause */
/* The value of an edit (RFC 7951 JSON), in any of the forms in which people write it, as a tree. */
#include "proto/netops/store/editor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int bad(struct editor *ed, const char *why)
{
	neterr_set(ed->e, NETERR_INVALID, "invalid-value", "%s", why);
	return -EINVAL;
}

/* The member of the object that names the target, where value is {"name": …}; else value itself. */
static yyjson_val *unwrap(const struct lysc_node *node, yyjson_val *value)
{
	const char *name;
	const char *colon;
	yyjson_obj_iter it;
	yyjson_val *key;
	yyjson_val *in;

	if (!yyjson_is_obj(value) || yyjson_obj_size(value) != 1)
		return value;
	it = yyjson_obj_iter_with(value);
	key = yyjson_obj_iter_next(&it);
	in = yyjson_obj_iter_get_val(key);
	name = yyjson_get_str(key);
	colon = strchr(name, ':');
	if (colon && (strncmp(name, node->module->name, (size_t)(colon - name)) != 0 ||
		      node->module->name[colon - name]))
		return value;
	if (strcmp(colon ? colon + 1 : name, node->name) != 0)
		return value;
	if (colon)
		return in;
	/* A bare container or entry may have one member of its own name. */
	if (node->nodetype == LYS_CONTAINER && !yyjson_is_obj(in))
		return value;
	if (node->nodetype == LYS_LIST && !yyjson_is_arr(in) && !yyjson_is_obj(in))
		return value;
	return in;
}

static bool is_text_key(const struct lysc_node *key)
{
	const struct lysc_type *t = ((const struct lysc_node_leaf *)key)->type;

	if (t->basetype == LY_TYPE_LEAFREF)
		t = ((const struct lysc_type_leafref *)t)->realtype;
	switch (t->basetype) {
	case LY_TYPE_UINT8:
	case LY_TYPE_UINT16:
	case LY_TYPE_UINT32:
	case LY_TYPE_INT8:
	case LY_TYPE_INT16:
	case LY_TYPE_INT32:
	case LY_TYPE_BOOL:
		return false;
	default:
		return true;
	}
}

/* The keys that stand in the path need not stand in the value again. */
static int add_keys(yyjson_mut_doc *doc, yyjson_mut_val *entry, const struct path_step *step)
{
	const struct lysc_node *key;
	const char *p = step->key;
	char qualified[256];
	char quote;
	size_t n;

	for (key = lysc_node_child(step->node); key && (key->flags & LYS_KEY) && p && *p;
	     key = key->next) {
		p += strlen(key->name) + 2; /* [name= */
		quote = *p++;
		n = strcspn(p, quote == '\'' ? "'" : "\"");
		snprintf(qualified, sizeof(qualified), "%s:%s", key->module->name, key->name);
		if (!yyjson_mut_obj_get(entry, key->name) &&
		    !yyjson_mut_obj_get(entry, qualified)) {
			yyjson_mut_val *v = is_text_key(key) ? yyjson_mut_strncpy(doc, p, n)
							     : yyjson_mut_rawncpy(doc, p, n);
			if (!yyjson_mut_obj_add(entry, yyjson_mut_str(doc, key->name), v))
				return -ENOMEM;
		}
		p += n + 2;
	}
	return 0;
}

/* {"module:name": value} as libyang reads it. */
static char *document(struct editor *ed, const struct path_step *step, yyjson_val *value)
{
	bool many = step->node->nodetype & (LYS_LIST | LYS_LEAFLIST);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *v = value ? yyjson_val_mut_copy(doc, value) : NULL;
	char name[256];
	char *text = NULL;

	snprintf(name, sizeof(name), "%s:%s", step->node->module->name, step->node->name);
	if (!value && step->node->nodetype == LYS_LIST)
		v = yyjson_mut_obj(doc);
	if (!value && step->node->nodetype == LYS_CONTAINER)
		v = yyjson_mut_obj(doc);
	if (many && !yyjson_mut_is_arr(v)) {
		yyjson_mut_val *arr = yyjson_mut_arr(doc);

		yyjson_mut_arr_add_val(arr, v);
		v = arr;
	}
	if (step->key && step->node->nodetype == LYS_LIST &&
	    yyjson_mut_is_obj(yyjson_mut_arr_get_first(v)) &&
	    add_keys(doc, yyjson_mut_arr_get_first(v), step))
		v = NULL;
	if (v && yyjson_mut_obj_add(root, yyjson_mut_strcpy(doc, name), v)) {
		yyjson_mut_doc_set_root(doc, root);
		text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
	}
	yyjson_mut_doc_free(doc);
	if (!text)
		neterr_set(ed->e, NETERR_INTERNAL, "resource-denied", "no memory");
	return text;
}

/* What libyang says of a value, as an error of the request. */
static int refused(struct editor *ed)
{
	const struct ly_ctx *ctx = ed->s->schema->ctx;
	const struct ly_err_item *item = ly_err_first(ctx);

	neterr_set(ed->e, NETERR_CONFIG_INCOMPATIBLE, "invalid-value", "%s",
		   item && item->msg ? item->msg : "no such value");
	ly_err_clean((struct ly_ctx *)ctx, NULL);
	return -EINVAL;
}

/* The nodes above the target, apart from any tree. */
static int skeleton(struct editor *ed, const struct path *path, struct lyd_node **top,
		    struct lyd_node **parent)
{
	struct lyd_node *n;
	size_t i;
	LY_ERR rc;

	*top = NULL;
	*parent = NULL;
	for (i = 0; i + 1 < path->n; i++) {
		const struct path_step *s = &path->step[i];

		n = NULL;
		if (s->node->nodetype == LYS_LIST)
			rc = lyd_new_list2(*parent, s->node->module, s->node->name, s->key, 0, &n);
		else
			rc = lyd_new_inner(*parent, s->node->module, s->node->name, 0, &n);
		if (rc != LY_SUCCESS)
			return refused(ed);
		if (!*top)
			*top = n;
		*parent = n;
	}
	return 0;
}

static int parse(struct editor *ed, const char *text, struct lyd_node *parent,
		 struct lyd_node **top)
{
	struct ly_in *in = NULL;
	struct lyd_node *tree = NULL;
	LY_ERR rc = ly_in_new_memory(text, &in);

	if (rc == LY_SUCCESS)
		rc = lyd_parse_data(ed->s->schema->ctx, parent, in, LYD_JSON,
				    LYD_PARSE_ONLY | LYD_PARSE_STRICT | LYD_PARSE_NO_STATE, 0,
				    &tree);
	ly_in_free(in, 0);
	if (!parent)
		*top = tree;
	return rc == LY_SUCCESS ? 0 : refused(ed);
}

/* The root as target: a whole document. */
static int parse_root(struct editor *ed, yyjson_val *value, struct lyd_node **top)
{
	char *text =
		yyjson_is_obj(value) ? yyjson_val_write(value, YYJSON_WRITE_NOFLAG, NULL) : NULL;
	int rc;

	if (!text)
		return bad(ed, "the value of the root is an object of top-level nodes");
	rc = parse(ed, text, NULL, top);
	free(text);
	return rc;
}

int fragment_parse(struct editor *ed, const struct path *path, yyjson_val *value,
		   struct lyd_node **top, struct lyd_node **first)
{
	const struct path_step *last = path->n ? &path->step[path->n - 1] : NULL;
	struct lyd_node *parent = NULL;
	char *text;
	int rc;

	*top = NULL;
	*first = NULL;
	if (!last) {
		rc = parse_root(ed, value, top);
		*first = *top;
		return rc;
	}
	rc = skeleton(ed, path, top, &parent);
	if (rc)
		return rc;
	if (last->node->nodetype == LYS_LEAFLIST && last->key && !value) {
		if (lyd_new_term(parent, last->node->module, last->node->name, last->key, 0, first))
			return refused(ed);
		if (!*top)
			*top = *first;
		return 0;
	}
	if (value)
		value = unwrap(last->node, value);
	if (!value && !(last->node->nodetype & (LYS_CONTAINER | LYS_LIST)))
		return bad(ed, "a value is needed");
	text = document(ed, last, value);
	if (!text)
		return -ENOMEM;
	rc = parse(ed, text, parent, top);
	free(text);
	if (rc)
		return rc;
	if (lyd_find_sibling_val(parent ? lyd_child(parent) : *top, last->node, last->key, 0,
				 first) ||
	    !*first)
		return last->key ? bad(ed, "the value has other keys than the path") : 0;
	if (last->key && (*first)->next && (*first)->next->schema == last->node)
		return bad(ed, "the path names one entry, the value has more");
	return 0;
}

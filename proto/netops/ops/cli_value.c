/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/cli_value.h"

#include <string.h>

static const struct lysc_type *type_of(const struct lysc_node *node)
{
	const struct lysc_type *t = NULL;

	if (node->nodetype == LYS_LEAF)
		t = ((const struct lysc_node_leaf *)node)->type;
	else if (node->nodetype == LYS_LEAFLIST)
		t = ((const struct lysc_node_leaflist *)node)->type;
	while (t && t->basetype == LY_TYPE_LEAFREF)
		t = ((const struct lysc_type_leafref *)t)->realtype;
	return t;
}

/* JSON's own kind for values of the type: numbers of up to 32 bits, booleans; 0: a string. */
static bool takes(const struct lysc_type *t, char kind)
{
	LY_ARRAY_COUNT_TYPE i;

	switch (t->basetype) {
	case LY_TYPE_INT8:
	case LY_TYPE_INT16:
	case LY_TYPE_INT32:
	case LY_TYPE_UINT8:
	case LY_TYPE_UINT16:
	case LY_TYPE_UINT32:
		return kind == 'n';
	case LY_TYPE_BOOL:
		return kind == 'b';
	case LY_TYPE_EMPTY:
		return kind == 'e';
	case LY_TYPE_LEAFREF:
		return takes(((const struct lysc_type_leafref *)t)->realtype, kind);
	case LY_TYPE_UNION:
		LY_ARRAY_FOR(((const struct lysc_type_union *)t)->types, i)
		{
			if (takes(((const struct lysc_type_union *)t)->types[i], kind))
				return true;
		}
		return false;
	default:
		return false;
	}
}

static yyjson_mut_val *scalar(yyjson_mut_doc *doc, const struct lysc_type *t, const char *text)
{
	yyjson_doc *json = yyjson_read(text, strlen(text), 0);
	yyjson_val *v = yyjson_doc_get_root(json);
	yyjson_mut_val *out = NULL;

	if (yyjson_is_str(v) || (yyjson_is_num(v) && takes(t, 'n')) ||
	    (yyjson_is_bool(v) && takes(t, 'b')))
		out = yyjson_val_mut_copy(doc, v);
	yyjson_doc_free(json);
	return out ? out : yyjson_mut_strcpy(doc, text);
}

static yyjson_mut_val *structured(yyjson_mut_doc *doc, const char *text)
{
	yyjson_doc *json = yyjson_read(text, strlen(text), 0);
	yyjson_mut_val *out = json ? yyjson_val_mut_copy(doc, yyjson_doc_get_root(json)) : NULL;

	yyjson_doc_free(json);
	return out;
}

yyjson_mut_val *cli_value(yyjson_mut_doc *doc, const struct lysc_node *node, const char *text)
{
	const struct lysc_type *t = type_of(node);
	yyjson_mut_val *arr;

	if (text && (text[0] == '{' || text[0] == '['))
		return structured(doc, text);
	if (!t) /* a container or an entry: with nothing in it */
		return text ? NULL : yyjson_mut_obj(doc);
	if (!text && node->nodetype == LYS_LEAF && takes(t, 'e')) {
		arr = yyjson_mut_arr(doc);
		yyjson_mut_arr_add_null(doc, arr);
		return arr;
	}
	if (!text)
		return NULL;
	if (node->nodetype == LYS_LEAF)
		return scalar(doc, t, text);
	arr = yyjson_mut_arr(doc);
	yyjson_mut_arr_append(arr, scalar(doc, t, text));
	return arr;
}

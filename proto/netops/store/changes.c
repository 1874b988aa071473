/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {
	[CHANGE_CREATE] = "create",
	[CHANGE_DELETE] = "delete",
	[CHANGE_REPLACE] = "replace",
	[CHANGE_MOVE] = "move",
};

static void change_free(struct change *c)
{
	free(c->path);
	free(c->old);
	free(c->new);
	free(c->old_after);
	free(c->new_after);
}

void changes_free(struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		change_free(&c->at[i]);
	free(c->at);
	*c = (struct changes){0};
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

int changes_add(struct changes *c, enum change_op op, const char *path, const char *old,
		const char *new, const char *old_after, const char *new_after)
{
	struct change n = {.op = op};
	struct change *at;
	size_t cap;

	if (c->n == c->cap) {
		cap = c->cap ? c->cap * 2 : 8;
		at = realloc(c->at, cap * sizeof(*at));
		if (!at)
			return -ENOMEM;
		c->at = at;
		c->cap = cap;
	}
	if (copy_text(&n.path, path) || copy_text(&n.old, old) || copy_text(&n.new, new) ||
	    copy_text(&n.old_after, old_after) || copy_text(&n.new_after, new_after)) {
		change_free(&n);
		return -ENOMEM;
	}
	c->at[c->n++] = n;
	return 0;
}

static enum change_op inverse(enum change_op op)
{
	if (op == CHANGE_CREATE)
		return CHANGE_DELETE;
	return op == CHANGE_DELETE ? CHANGE_CREATE : op;
}

int changes_invert(const struct changes *c, struct changes *out)
{
	struct changes r = {0};
	size_t i;

	for (i = c->n; i-- > 0;) {
		const struct change *x = &c->at[i];

		if (changes_add(&r, inverse(x->op), x->path, x->new, x->old, x->new_after,
				x->old_after)) {
			changes_free(&r);
			return -ENOMEM;
		}
	}
	*out = r;
	return 0;
}

int changes_copy(const struct changes *c, struct changes *out)
{
	struct changes r = {0};
	size_t i;

	for (i = 0; i < c->n; i++) {
		const struct change *x = &c->at[i];

		if (changes_add(&r, x->op, x->path, x->old, x->new, x->old_after, x->new_after)) {
			changes_free(&r);
			return -ENOMEM;
		}
	}
	*out = r;
	return 0;
}

static bool add_text(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *text)
{
	return !text || yyjson_mut_obj_add_strcpy(doc, obj, key, text);
}

yyjson_mut_val *changes_json(const struct changes *c, yyjson_mut_doc *doc)
{
	yyjson_mut_val *arr = yyjson_mut_arr(doc);
	size_t i;

	for (i = 0; i < c->n; i++) {
		const struct change *x = &c->at[i];
		yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, arr);

		if (!obj || !add_text(doc, obj, "path", x->path) ||
		    !yyjson_mut_obj_add_str(doc, obj, "op", op_names[x->op]) ||
		    !add_text(doc, obj, "old", x->old) || !add_text(doc, obj, "new", x->new) ||
		    !add_text(doc, obj, "oldAfter", x->old_after) ||
		    !add_text(doc, obj, "newAfter", x->new_after))
			return NULL;
	}
	return arr;
}

/* Texts of changes have no NUL inside, which JSON may. */
static int get_text(yyjson_val *obj, const char *key, const char **out)
{
	yyjson_val *v = yyjson_obj_get(obj, key);

	*out = NULL;
	if (!v)
		return 0;
	*out = yyjson_get_str(v);
	return *out && strlen(*out) == yyjson_get_len(v) ? 0 : -EINVAL;
}

static int parse_op(yyjson_val *obj, enum change_op *out)
{
	const char *text;
	size_t i;

	if (get_text(obj, "op", &text) || !text)
		return -EINVAL;
	for (i = 0; i < sizeof(op_names) / sizeof(*op_names); i++) {
		if (strcmp(text, op_names[i]) == 0) {
			*out = (enum change_op)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_one(yyjson_val *obj, struct changes *out)
{
	enum change_op op;
	const char *path;
	const char *old;
	const char *new;
	const char *old_after;
	const char *new_after;

	if (!yyjson_is_obj(obj) || parse_op(obj, &op) || get_text(obj, "path", &path) || !path ||
	    get_text(obj, "old", &old) || get_text(obj, "new", &new) ||
	    get_text(obj, "oldAfter", &old_after) || get_text(obj, "newAfter", &new_after))
		return -EINVAL;
	return changes_add(out, op, path, old, new, old_after, new_after);
}

int changes_parse(yyjson_val *arr, struct changes *out, struct err *err)
{
	struct changes r = {0};
	yyjson_arr_iter it = yyjson_arr_iter_with(arr);
	yyjson_val *obj;
	int rc = yyjson_is_arr(arr) ? 0 : -EINVAL;

	while (rc == 0 && (obj = yyjson_arr_iter_next(&it)))
		rc = parse_one(obj, &r);
	if (rc == 0) {
		*out = r;
		return 0;
	}
	if (rc == -ENOMEM)
		err_set(err, rc, "no memory");
	else
		err_set(err, rc, "change %zu is none: it needs op, path, and texts", r.n);
	changes_free(&r);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths into operational state, and cutting state down to one. Depth of recursion is that of the
 * YANG module. */
#include "base/counter_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool counter_wants(const char *path, const char *part)
{
	size_t n = strlen(path);
	size_t m = strlen(part);
	size_t least = n < m ? n : m;

	if (strcmp(path, "/") == 0)
		return true;
	if (strncmp(path, part, least) != 0)
		return false;
	return n == m || (n < m ? part[n] : path[m]) == '/';
}

/* A cursor over the text of a path. */
static size_t name_length(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
}

bool state_take_name(const char **s, char *to, size_t n)
{
	size_t len = name_length(*s);

	if (len == 0 || len >= n)
		return false;
	memcpy(to, *s, len);
	to[len] = '\0';
	*s += len;
	return true;
}

/* "[name='value']" */
bool state_take_key(const char **s, struct state_step *step)
{
	char *value;
	const char *end;
	char quote;
	size_t len;

	if (step->n_keys == STATE_PATH_KEYS)
		return false;
	(*s)++;
	if (!state_take_name(s, step->key[step->n_keys].name, sizeof(step->key[0].name)) ||
	    **s != '=')
		return false;
	quote = *++*s;
	if (quote != '\'' && quote != '"')
		return false;
	end = strchr(++*s, quote);
	len = end ? (size_t)(end - *s) : 0;
	if (!end || len >= sizeof(step->key[0].value) || end[1] != ']')
		return false;
	value = step->key[step->n_keys++].value;
	memcpy(value, *s, len);
	value[len] = '\0';
	*s = end + 2;
	return true;
}

/* Schema nodes that can be state or lead to it; choices and cases are looked through. */
static const struct lysc_node *find_child(const struct lysc_node *parent,
					  const struct lys_module *module, const char *name)
{
	const uint32_t kinds = LYS_CONTAINER | LYS_LIST | LYS_LEAF | LYS_LEAFLIST | LYS_ANYDATA;
	const struct lysc_node *node = lys_find_child(parent, module, name, 0, 0, 0);

	return node && (node->nodetype & kinds) ? node : NULL;
}

/* "contacts, neighbours, node": what may stand below parent. */
static void list_children(const struct lysc_node *parent, const struct lys_module *module, char *to,
			  size_t n)
{
	const struct lysc_node *node = NULL;
	size_t at = 0;

	to[0] = '\0';
	while ((node = lys_getnext(node, parent, module->compiled, 0)) && at < n) {
		if (!parent && node->nodetype != LYS_CONTAINER && node->nodetype != LYS_LIST)
			continue;
		at += (size_t)snprintf(to + at, n - at, "%s%s%s%s", at ? ", " : "",
				       parent ? "" : module->name, parent ? "" : ":", node->name);
	}
}

static bool key_fits(const struct state_step *step, unsigned i)
{
	const struct lysc_node *key;

	if (step->node->nodetype == LYS_LEAFLIST)
		return strcmp(step->key[i].name, ".") == 0;
	if (step->node->nodetype != LYS_LIST)
		return false;
	key = lys_find_child(step->node, step->node->module, step->key[i].name, 0, LYS_LEAF, 0);
	return key && lysc_is_key(key);
}

static int parse_step(struct state_path *p, const struct ly_ctx *ctx,
		      const struct lys_module *module, const char **s, struct err *err)
{
	const struct lysc_node *parent = p->n ? p->step[p->n - 1].node : NULL;
	const struct lys_module *in = parent ? parent->module : module;
	struct state_step *step = &p->step[p->n];
	char known[128];
	char name[64];
	unsigned i;

	if (*(*s)++ != '/' || !state_take_name(s, name, sizeof(name)))
		return err_set(err, -EINVAL, "not a path: a name was expected after /");
	if (**s == ':') {
		in = ly_ctx_get_module_implemented(ctx, name);
		(*s)++;
		if (!in || !state_take_name(s, name, sizeof(name)))
			return err_set(err, -EINVAL, "no YANG module %s here", name);
	}
	step->node = find_child(parent, in, name);
	if (!step->node) {
		list_children(parent, in, known, sizeof(known));
		err_set(err, -EINVAL, "there is no %s %s%s", name, parent ? "in " : "at the top",
			parent ? parent->name : "");
		err_mend(err, known[0] ? "there is: %s" : "it has nothing below it%s", known);
		return -EINVAL;
	}
	step->n_keys = 0;
	while (**s == '[') {
		if (!state_take_key(s, step))
			return err_set(err, -EINVAL, "not a key of %s: [name='value'] was expected",
				       name);
	}
	for (i = 0; i < step->n_keys; i++) {
		if (!key_fits(step, i))
			return err_set(err, -EINVAL, "%s is not a key of %s", step->key[i].name,
				       name);
	}
	if (!parent || parent->module != step->node->module)
		snprintf(step->member, sizeof(step->member), "%.30s:%.64s",
			 step->node->module->name, name);
	else
		snprintf(step->member, sizeof(step->member), "%s", name);
	p->n++;
	return 0;
}

int state_path_parse(struct state_path *p, const struct ly_ctx *ctx,
		     const struct lys_module *module, const char *text, struct err *err)
{
	const char *s = text ? text : "/";
	size_t at = 0;
	unsigned i;
	int rc = 0;

	p->n = 0;
	memcpy(p->text, "/", 2);
	if (strcmp(s, "/") == 0)
		return 0;
	while (*s && rc == 0) {
		if (p->n == STATE_PATH_MAX)
			rc = err_set(err, -EINVAL, "path of more than %d steps", STATE_PATH_MAX);
		else
			rc = parse_step(p, ctx, module, &s, err);
	}
	if (rc == 0 && p->n == 0)
		rc = err_set(err, -EINVAL, "an empty path");
	if (rc != 0) {
		err_where(err, "path %.100s", text);
		if (err && !err->mend[0])
			err_mend(err, "write it as /%s:... or / for everything", module->name);
		return rc;
	}
	for (i = 0; i < p->n && at < sizeof(p->text); i++)
		at += (size_t)snprintf(p->text + at, sizeof(p->text) - at, "/%s",
				       p->step[i].member);
	return at < sizeof(p->text) ? 0 : err_set(err, -EINVAL, "path is too long");
}

static bool member_is(yyjson_mut_val *key, const char *name)
{
	return strcmp(yyjson_mut_get_str(key), name) == 0;
}

static bool is_key_member(const struct lysc_node *list, yyjson_mut_val *key)
{
	const struct lysc_node *node;

	if (!list || list->nodetype != LYS_LIST)
		return false;
	node = lys_find_child(list, list->module, yyjson_mut_get_str(key), 0, LYS_LEAF, 0);
	return node && lysc_is_key(node);
}

/* Whether a JSON value is written as `text` in a path. */
static bool value_is(yyjson_mut_val *v, const char *text)
{
	char num[24];

	if (yyjson_mut_is_str(v))
		return strcmp(yyjson_mut_get_str(v), text) == 0;
	if (yyjson_mut_is_bool(v))
		return strcmp(yyjson_mut_get_bool(v) ? "true" : "false", text) == 0;
	if (yyjson_mut_is_uint(v))
		snprintf(num, sizeof(num), "%llu", (unsigned long long)yyjson_mut_get_uint(v));
	else
		snprintf(num, sizeof(num), "%lld", (long long)yyjson_mut_get_sint(v));
	return strcmp(num, text) == 0;
}

bool state_entry_fits(const struct state_step *step, yyjson_mut_val *entry)
{
	unsigned i;

	for (i = 0; i < step->n_keys; i++) {
		yyjson_mut_val *v = entry;

		if (strcmp(step->key[i].name, ".") != 0)
			v = yyjson_mut_obj_get(entry, step->key[i].name);
		if (!v || !value_is(v, step->key[i].value))
			return false;
	}
	return true;
}

static const struct lysc_node *child_of(const struct lysc_node *parent, const struct ly_ctx *ctx,
					const char *member)
{
	const char *colon = strchr(member, ':');
	const struct lys_module *module = parent ? parent->module : NULL;
	char name[64];

	if (colon) {
		snprintf(name, sizeof(name), "%.*s", (int)(colon - member), member);
		module = ly_ctx_get_module_implemented(ctx, name);
		member = colon + 1;
	}
	return module ? find_child(parent, module, member) : NULL;
}

/* The value of node, at `level` of `depth`. */
static void cut_depth(const struct lysc_node *node, const struct ly_ctx *ctx, yyjson_mut_val *v,
		      unsigned level, unsigned depth)
{
	yyjson_mut_obj_iter members;
	yyjson_mut_arr_iter entries;
	yyjson_mut_val *key;
	yyjson_mut_val *entry;

	if (yyjson_mut_is_arr(v)) {
		yyjson_mut_arr_iter_init(v, &entries);
		while (node->nodetype == LYS_LIST && (entry = yyjson_mut_arr_iter_next(&entries)))
			cut_depth(node, ctx, entry, level, depth);
		return;
	}
	if (!yyjson_mut_is_obj(v) || node->nodetype == LYS_ANYDATA)
		return;
	yyjson_mut_obj_iter_init(v, &members);
	while ((key = yyjson_mut_obj_iter_next(&members))) {
		const struct lysc_node *child;

		if (level < depth) {
			child = child_of(node, ctx, yyjson_mut_get_str(key));
			if (child)
				cut_depth(child, ctx, yyjson_mut_obj_iter_get_val(key), level + 1,
					  depth);
		} else if (!is_key_member(node, key)) {
			yyjson_mut_obj_iter_remove(&members);
		}
	}
}

static void cut_step(const struct state_path *p, const struct ly_ctx *ctx, unsigned i,
		     yyjson_mut_val *obj, unsigned depth);

/* What lies at step i: the node itself or, of a list, the entries that fit. */
static void cut_value(const struct state_path *p, const struct ly_ctx *ctx, unsigned i,
		      yyjson_mut_val *v, unsigned depth)
{
	yyjson_mut_val *entry;
	size_t n;

	if (!yyjson_mut_is_arr(v)) {
		if (i + 1 < p->n)
			cut_step(p, ctx, i + 1, v, depth);
		return;
	}
	/* Once around: each comes off the front and, if it stays, goes to the back. (yyjson 0.10
	 * skips an entry where one is removed through an iterator.) */
	for (n = yyjson_mut_arr_size(v); n > 0; n--) {
		entry = yyjson_mut_arr_remove_first(v);
		if (!state_entry_fits(&p->step[i], entry))
			continue;
		yyjson_mut_arr_append(v, entry);
		if (i + 1 < p->n)
			cut_step(p, ctx, i + 1, entry, depth);
	}
}

static void cut_step(const struct state_path *p, const struct ly_ctx *ctx, unsigned i,
		     yyjson_mut_val *obj, unsigned depth)
{
	const struct lysc_node *above = i ? p->step[i - 1].node : NULL;
	yyjson_mut_obj_iter members;
	yyjson_mut_val *key;
	yyjson_mut_val *v;

	if (!yyjson_mut_is_obj(obj))
		return;
	yyjson_mut_obj_iter_init(obj, &members);
	while ((key = yyjson_mut_obj_iter_next(&members))) {
		if (!member_is(key, p->step[i].member)) {
			if (!is_key_member(above, key))
				yyjson_mut_obj_iter_remove(&members);
			continue;
		}
		v = yyjson_mut_obj_iter_get_val(key);
		cut_value(p, ctx, i, v, depth);
		if (yyjson_mut_is_arr(v) && yyjson_mut_arr_size(v) == 0)
			yyjson_mut_obj_iter_remove(&members);
		else if (i + 1 == p->n && depth > 0)
			cut_depth(p->step[i].node, ctx, v, 1, depth);
	}
}

void state_path_cut(const struct state_path *p, const struct ly_ctx *ctx, yyjson_mut_val *root,
		    unsigned depth)
{
	yyjson_mut_obj_iter members;
	yyjson_mut_val *key;

	if (p->n > 0) {
		cut_step(p, ctx, 0, root, depth);
		return;
	}
	if (depth == 0)
		return;
	yyjson_mut_obj_iter_init(root, &members);
	while ((key = yyjson_mut_obj_iter_next(&members))) {
		const struct lysc_node *node = child_of(NULL, ctx, yyjson_mut_get_str(key));

		if (node)
			cut_depth(node, ctx, yyjson_mut_obj_iter_get_val(key), 1, depth);
	}
}

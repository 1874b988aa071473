/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths into state of modules that a room fills but does not compile: whoever asks has the schema,
 * and the room need not carry it. Names and keys are compared as text. */
#include "base/counter_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Members that stay where a list entry is cut: the usual names of keys. */
static const char *const key_names[] = {"name", "ip", "index", "interface-id"};

static bool is_loose(const struct counter *c, const char *text)
{
	const struct counter_module *m = c->room.modules;
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;

	for (; n > 0 && m && m->name; m++) {
		if (m->implemented && strlen(m->name) == n && strncmp(m->name, text, n) == 0)
			return !ly_ctx_get_module_implemented(config_schema_ctx(c->room.schema),
							      m->name);
	}
	return false;
}

/* module: that of the step before, then of this one. */
static bool take_step(struct state_path *p, char module[64], const char **s)
{
	struct state_step *step = &p->step[p->n];
	char name[64];

	*step = (struct state_step){0};
	if (p->n == STATE_PATH_MAX - 1 || *(*s)++ != '/' || !state_take_name(s, name, sizeof(name)))
		return false;
	snprintf(step->member, sizeof(step->member), "%s", name);
	if (**s == ':') {
		(*s)++;
		if (strcmp(module, name) == 0) {
			if (!state_take_name(s, step->member, sizeof(step->member)))
				return false;
		} else {
			snprintf(module, 64, "%s", name);
			if (!state_take_name(s, name, sizeof(name)))
				return false;
			snprintf(step->member, sizeof(step->member), "%.31s:%.63s", module, name);
		}
	}
	while (**s == '[')
		if (!state_take_key(s, step))
			return false;
	p->n++;
	return true;
}

int state_path_parse_loose(struct state_path *p, const struct counter *c, const char *text,
			   struct err *err)
{
	const char *s = text;
	char module[64] = "";
	size_t at = 0;
	unsigned i;

	if (text[0] != '/' || !is_loose(c, text + 1))
		return 1;
	p->n = 0;
	while (*s) {
		if (take_step(p, module, &s))
			continue;
		err_set(err, -EINVAL, "not a path");
		err_where(err, "path %.100s", text);
		err_mend(err, "write it as /module:name/name[key='value']");
		return -EINVAL;
	}
	for (i = 0; i < p->n && at < sizeof(p->text); i++)
		at += (size_t)snprintf(p->text + at, sizeof(p->text) - at, "/%s",
				       p->step[i].member);
	return at < sizeof(p->text) ? 0 : err_set(err, -EINVAL, "path is too long");
}

static bool is_key(yyjson_mut_val *key)
{
	size_t i;

	for (i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++)
		if (strcmp(yyjson_mut_get_str(key), key_names[i]) == 0)
			return true;
	return false;
}

/* As state_path_cut() does: a list and its entries are one level. Recursion is bounded by `depth`,
 * or by what the room built. */
static void cut_depth(yyjson_mut_val *v, unsigned level, unsigned depth)
{
	yyjson_mut_obj_iter members;
	yyjson_mut_arr_iter entries;
	yyjson_mut_val *key;
	yyjson_mut_val *entry;

	if (yyjson_mut_is_arr(v)) {
		yyjson_mut_arr_iter_init(v, &entries);
		while ((entry = yyjson_mut_arr_iter_next(&entries)))
			if (yyjson_mut_is_obj(entry))
				cut_depth(entry, level, depth);
		return;
	}
	if (!yyjson_mut_is_obj(v))
		return;
	yyjson_mut_obj_iter_init(v, &members);
	while ((key = yyjson_mut_obj_iter_next(&members))) {
		if (level < depth)
			cut_depth(yyjson_mut_obj_iter_get_val(key), level + 1, depth);
		else if (!is_key(key))
			yyjson_mut_obj_iter_remove(&members);
	}
}

static void cut_step(const struct state_path *p, unsigned i, yyjson_mut_val *obj, unsigned depth);

static void cut_value(const struct state_path *p, unsigned i, yyjson_mut_val *v, unsigned depth)
{
	yyjson_mut_val *entry;
	size_t n;

	if (!yyjson_mut_is_arr(v)) {
		if (i + 1 < p->n)
			cut_step(p, i + 1, v, depth);
		return;
	}
	for (n = yyjson_mut_arr_size(v); n > 0; n--) {
		entry = yyjson_mut_arr_remove_first(v);
		if (!state_entry_fits(&p->step[i], entry))
			continue;
		yyjson_mut_arr_append(v, entry);
		if (i + 1 < p->n)
			cut_step(p, i + 1, entry, depth);
	}
}

static void cut_step(const struct state_path *p, unsigned i, yyjson_mut_val *obj, unsigned depth)
{
	yyjson_mut_obj_iter members;
	yyjson_mut_val *key;
	yyjson_mut_val *v;

	if (!yyjson_mut_is_obj(obj))
		return;
	yyjson_mut_obj_iter_init(obj, &members);
	while ((key = yyjson_mut_obj_iter_next(&members))) {
		if (strcmp(yyjson_mut_get_str(key), p->step[i].member) != 0) {
			if (i == 0 || !is_key(key))
				yyjson_mut_obj_iter_remove(&members);
			continue;
		}
		v = yyjson_mut_obj_iter_get_val(key);
		cut_value(p, i, v, depth);
		if (yyjson_mut_is_arr(v) && yyjson_mut_arr_size(v) == 0)
			yyjson_mut_obj_iter_remove(&members);
		else if (i + 1 == p->n && depth > 0)
			cut_depth(v, 1, depth);
	}
}

void state_path_cut_loose(const struct state_path *p, yyjson_mut_val *root, unsigned depth)
{
	cut_step(p, 0, root, depth);
}

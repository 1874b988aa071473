/* SPDX-License-Identifier: BSD-2-Clause */
/* The modules that the node's one schema is made of. What a room said in its last hello is kept below the state
 * directory: while the room is down its configuration is still read, edited and refused by its own module. */
#include "proto/netops/ops/ops_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MODULES_MAX 64

/* depanneur-netops.yang, embedded by base/embed.py. */
extern const char netops_yang[];

/* What netops itself implements: its own module, and some of those in yang/. */
static const char *const acm_features[] = {NULL};
static const struct schema_module own[] = {
	{.name = "ietf-netconf-acm", .features = acm_features, .implemented = true},
	{.name = "ietf-netconf-notifications", .implemented = true},
	{.name = "depanneur-netops", .text = netops_yang, .implemented = true},
};

static void free_module(struct ops_module *m)
{
	size_t i;

	for (i = 0; m->feature && m->feature[i]; i++)
		free(m->feature[i]);
	free(m->feature);
	free(m->name);
	free(m->revision);
	free(m->text);
}

void ops_modules_free(struct ops *o)
{
	size_t i;

	for (i = 0; i < o->n_modules; i++)
		free_module(&o->module[i]);
	free(o->module);
	o->module = NULL;
	o->n_modules = 0;
}


static int copy_features(struct ops_module *to, const char *const *feature)
{
	size_t n = 0;
	size_t i;

	while (feature && feature[n])
		n++;
	to->feature = calloc(n + 1, sizeof(*to->feature));
	if (!to->feature)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		to->feature[i] = strdup(feature[i]);
		if (!to->feature[i])
			return -ENOMEM;
	}
	return 0;
}

static int add_module(struct ops *o, const struct schema_module *from)
{
	struct ops_module *grown;
	struct ops_module *m;
	int rc;

	if (o->n_modules == MODULES_MAX)
		return -E2BIG;
	grown = realloc(o->module, (o->n_modules + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	o->module = grown;
	m = &grown[o->n_modules++];
	*m = (struct ops_module){.m = *from};
	m->name = strdup(from->name);
	m->revision = from->revision ? strdup(from->revision) : NULL;
	m->text = from->text ? strdup(from->text) : NULL;
	rc = copy_features(m, from->features);
	if (!m->name || !m->revision != !from->revision || !m->text != !from->text)
		rc = -ENOMEM;
	m->m.name = m->name;
	m->m.revision = m->revision;
	m->m.text = m->text;
	m->m.features = (const char *const *)m->feature;
	return rc;
}

/* ---- The memory on disk ---- */

static yyjson_mut_val *module_json(yyjson_mut_doc *doc, const struct ops_module *m)
{
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	yyjson_mut_val *features;
	size_t i;

	yyjson_mut_obj_add_str(doc, obj, "room", m->m.room);
	yyjson_mut_obj_add_str(doc, obj, "name", m->name);
	if (m->revision)
		yyjson_mut_obj_add_str(doc, obj, "revision", m->revision);
	if (m->text)
		yyjson_mut_obj_add_str(doc, obj, "text", m->text);
	yyjson_mut_obj_add_bool(doc, obj, "implemented", m->m.implemented);
	features = json_add_arr(doc, obj, "features");
	for (i = 0; m->feature[i]; i++)
		yyjson_mut_arr_add_str(doc, features, m->feature[i]);
	return obj;
}

static int remember(const struct ops *o)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *arr = yyjson_mut_arr(doc);
	char path[PATH_MAX];
	char *text;
	size_t n;
	size_t i;
	int rc;

	yyjson_mut_doc_set_root(doc, arr);
	for (i = 0; i < o->n_modules; i++)
		yyjson_mut_arr_append(arr, module_json(doc, &o->module[i]));
	text = yyjson_mut_write(doc, 0, &n);
	yyjson_mut_doc_free(doc);
	if (!text)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/modules.json", o->state_dir);
	rc = ops_write_file(path, text, n);
	free(text);
	return rc;
}

static int recall_one(struct ops *o, yyjson_val *v)
{
	const char *room = yyjson_get_str(yyjson_obj_get(v, "room"));
	const char *feature[64] = {NULL};
	struct schema_module m = {
		.name = yyjson_get_str(yyjson_obj_get(v, "name")),
		.revision = yyjson_get_str(yyjson_obj_get(v, "revision")),
		.text = yyjson_get_str(yyjson_obj_get(v, "text")),
		.features = feature,
		.implemented = yyjson_get_bool(yyjson_obj_get(v, "implemented")),
	};
	yyjson_val *f;
	size_t i;
	size_t n;

	if (!room || !m.name)
		return -EINVAL;
	snprintf(m.room, sizeof(m.room), "%s", room);
	yyjson_arr_foreach(yyjson_obj_get(v, "features"), i, n, f)
	{
		if (i < 63)
			feature[i] = yyjson_get_str(f);
	}
	return add_module(o, &m);
}

/* Adds what is remembered of rooms that did not say hello. A file that cannot be read is as none: those rooms' parts of
 * the configuration then fail to load, and say so. */
static int recall(struct ops *o)
{
	char path[PATH_MAX];
	yyjson_doc *doc;
	yyjson_val *v;
	size_t i;
	size_t n;
	int rc = 0;
	size_t had = o->n_modules;
	size_t at;

	snprintf(path, sizeof(path), "%s/modules.json", o->state_dir);
	doc = yyjson_read_file(path, 0, NULL, NULL);
	yyjson_arr_foreach(yyjson_doc_get_root(doc), i, n, v)
	{
		const char *room = yyjson_get_str(yyjson_obj_get(v, "room"));
		bool fresh = false;

		for (at = 0; room && at < had; at++)
			fresh |= strcmp(o->module[at].m.room, room) == 0;
		if (room && !fresh && rc == 0)
			rc = recall_one(o, v);
	}
	yyjson_doc_free(doc);
	return rc;
}

int ops_modules_take(struct ops *o, struct err *err)
{
	const struct schema_module *m;
	size_t n;
	size_t i;
	int rc = 0;

	ops_modules_free(o);
	m = rooms_modules(o->rooms, &n);
	for (i = 0; i < n && rc == 0; i++)
		rc = add_module(o, &m[i]);
	if (rc == 0)
		rc = recall(o);
	if (rc == 0)
		rc = remember(o);
	if (rc != 0) {
		err_set(err, rc, "cannot keep the rooms' modules: %s", strerror(-rc));
		err_where(err, "%s/modules.json", o->state_dir);
	}
	return rc;
}

struct schema *ops_modules_compile(struct ops *o, struct err *err)
{
	const size_t n_own = sizeof(own) / sizeof(own[0]);
	struct schema_module *all = calloc(n_own + o->n_modules, sizeof(*all));
	struct schema *s;
	size_t i;

	if (!all) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	memcpy(all, own, sizeof(own));
	for (i = 0; i < o->n_modules; i++)
		all[n_own + i] = o->module[i].m;
	s = schema_new(all, n_own + o->n_modules, err);
	free(all);
	return s;
}

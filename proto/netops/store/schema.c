/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/schema.h"
#include "proto/netops/store/schema_priv.h"
#include "proto/netops/yang/table.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The texts are read when a schema is made and when one is asked for; their pages need not stay. */
static void forget_text(const struct yang_file *f)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)f->text + page - 1) / page * page;
	uintptr_t to = ((uintptr_t)f->text + f->size) / page * page;

	if (to > from)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

static const struct yang_file *embedded(const char *name, const char *revision)
{
	const struct yang_file *f;

	for (f = yang_files; f->name; f++) {
		if (strcmp(f->name, name) == 0 && (!revision || strcmp(f->revision, revision) == 0))
			return f;
	}
	return NULL;
}

const char *yang_embedded(const char *name, const char *revision)
{
	const struct yang_file *f = embedded(name, revision);

	return f ? f->text : NULL;
}

static struct schema_entry *entry(const struct schema *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->entry[i].name, name) == 0)
			return &s->entry[i];
	}
	return NULL;
}

const char *schema_source(const struct schema *s, const char *name, const char *revision)
{
	const struct schema_entry *e = entry(s, name);
	const struct lys_module *mod;

	if (e && e->text && (!revision || !e->revision || strcmp(revision, e->revision) == 0))
		return e->text;
	mod = ly_ctx_get_module_latest(s->ctx, name);
	if (!mod)
		return NULL;
	return yang_embedded(name, revision ? revision : mod->revision);
}

/* What libyang asks for an import: a module of the set, else an embedded one. */
static LY_ERR import(const char *name, const char *revision, const char *submodule,
		     const char *sub_revision, void *user, LYS_INFORMAT *format, const char **text,
		     void (**free_text)(void *, void *))
{
	const struct schema *s = user;
	const struct schema_entry *e;
	const char *want = submodule ? submodule : name;

	if (submodule)
		revision = sub_revision;
	e = entry(s, want);
	*text = e && e->text && (!revision || !e->revision || strcmp(revision, e->revision) == 0)
			? e->text
			: yang_embedded(want, revision);
	*format = LYS_IN_YANG;
	*free_text = NULL;
	return *text ? LY_SUCCESS : LY_ENOTFOUND;
}

static char *dup_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int copy_features(struct schema_entry *e, const char *const *features)
{
	size_t n = 0;

	while (features && features[n])
		n++;
	e->features = calloc(n + 1, sizeof(*e->features));
	if (!e->features)
		return -ENOMEM;
	for (; e->n_features < n; e->n_features++) {
		e->features[e->n_features] = strdup(features[e->n_features]);
		if (!e->features[e->n_features])
			return -ENOMEM;
	}
	return 0;
}

static int copy_entry(struct schema *s, const struct schema_module *m)
{
	struct schema_entry *e = &s->entry[s->n];

	if (entry(s, m->name))
		return 0; /* two rooms may bring the same module; the first one's counts */
	s->n++;
	e->name = dup_text(m->name);
	e->revision = dup_text(m->revision);
	e->text = dup_text(m->text);
	e->implemented = m->implemented;
	memcpy(e->room, m->room, sizeof(e->room));
	if (!e->name || !e->revision != !m->revision || !e->text != !m->text)
		return -ENOMEM;
	return copy_features(e, m->features);
}

/* libyang's first stored error; -ENOMEM where it has none. */
static int ly_failed(struct ly_ctx *ctx, const char *module, struct err *err)
{
	const struct ly_err_item *e = ly_err_first(ctx);
	int code = !e || e->err == LY_EMEM ? -ENOMEM : -EINVAL;

	err_set(err, code, "module %s: %s", module, e && e->msg ? e->msg : "no memory");
	if (e && e->line)
		err_where(err, "line %llu", (unsigned long long)e->line);
	else if (e && (e->schema_path || e->data_path))
		err_where(err, "%s", e->schema_path ? e->schema_path : e->data_path);
	err_mend(err, "the module, or a module that it imports, must be among those known");
	ly_err_clean(ctx, NULL);
	return code;
}

static int load(struct schema *s, const struct schema_entry *e, struct err *err)
{
	struct ly_in *in = NULL;
	LY_ERR rc;

	if (!e->implemented)
		return 0; /* found when it is imported */
	if (!e->text) {
		if (ly_ctx_load_module(s->ctx, e->name, e->revision, (const char **)e->features))
			return 0;
		return ly_failed(s->ctx, e->name, err);
	}
	rc = ly_in_new_memory(e->text, &in);
	if (rc == LY_SUCCESS)
		rc = lys_parse(s->ctx, in, LYS_IN_YANG, (const char **)e->features, NULL);
	ly_in_free(in, 0);
	return rc == LY_SUCCESS ? 0 : ly_failed(s->ctx, e->name, err);
}

static int compile(struct schema *s, struct err *err)
{
	const uint32_t options = LY_CTX_NO_YANGLIBRARY | LY_CTX_DISABLE_SEARCHDIRS |
				 LY_CTX_DISABLE_SEARCHDIR_CWD | LY_CTX_EXPLICIT_COMPILE |
				 LY_CTX_BUILTIN_PLUGINS_ONLY;
	size_t i;
	int rc;

	ly_log_options(LY_LOSTORE_LAST);
	if (ly_ctx_new(NULL, options, &s->ctx) != LY_SUCCESS)
		return err_set(err, -ENOMEM, "libyang: no context");
	ly_ctx_set_module_imp_clb(s->ctx, import, s);
	for (i = 0; i < s->n; i++) {
		rc = load(s, &s->entry[i], err);
		if (rc)
			return rc;
	}
	if (ly_ctx_compile(s->ctx) != LY_SUCCESS)
		return ly_failed(s->ctx, "set", err);
	ly_err_clean(s->ctx, NULL);
	return 0;
}

struct schema *schema_new(const struct schema_module *m, size_t n, struct err *err)
{
	struct schema *s = calloc(1, sizeof(*s));
	const struct yang_file *f;
	size_t i;
	int rc = 0;

	if (s)
		s->entry = calloc(n + 1, sizeof(*s->entry));
	if (!s || !s->entry) {
		schema_free(s);
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	for (i = 0; i < n && rc == 0; i++)
		rc = copy_entry(s, &m[i]);
	if (rc)
		err_set(err, rc, "no memory");
	if (rc == 0)
		rc = compile(s, err);
	if (rc == 0)
		rc = schema_identify(s, err);
	if (rc == 0)
		rc = schema_deps(s, err);
	for (f = yang_files; f->name; f++)
		forget_text(f);
	if (rc == 0)
		return s;
	schema_free(s);
	return NULL;
}

void schema_free(struct schema *s)
{
	size_t i;
	size_t j;

	if (!s)
		return;
	schema_deps_free(s);
	ly_ctx_destroy(s->ctx);
	for (i = 0; i < s->n; i++) {
		struct schema_entry *e = &s->entry[i];

		for (j = 0; j < e->n_features; j++)
			free(e->features[j]);
		free(e->features);
		free(e->name);
		free(e->revision);
		free(e->text);
	}
	free(s->entry);
	free(s);
}

const struct ly_ctx *schema_ctx(const struct schema *s)
{
	return s->ctx;
}

const char *schema_content_id(const struct schema *s)
{
	return s->content_id;
}

const char *schema_room(const struct schema *s, const struct lysc_node *node)
{
	const struct schema_entry *e;

	for (; node; node = node->parent) {
		e = entry(s, node->module->name);
		if (e && e->room[0])
			return e->room;
	}
	return "";
}

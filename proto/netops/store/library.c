/* SPDX-License-Identifier: BSD-2-Clause */
/* The YANG library (RFC 8525): which modules there are, and one hash of all that. */
#include "base/json.h"
#include "proto/netops/store/schema_priv.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	const struct lys_module *const *x = a;
	const struct lys_module *const *y = b;
	int c = strcmp((*x)->name, (*y)->name);

	if (c)
		return c;
	return strcmp((*x)->revision ? (*x)->revision : "", (*y)->revision ? (*y)->revision : "");
}

/* What libyang brings along for itself is no part of the node. */
static bool is_inner(const struct schema *s, const struct lys_module *mod)
{
	static const char *const names[] = {"yang", "ietf-yang-schema-mount",
					    "ietf-yang-structure-ext"};
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->entry[i].name, mod->name) == 0)
			return false;
	}
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i], mod->name) == 0)
			return true;
	}
	return false;
}

/* All modules of the node by name; *out is malloc'ed. */
static int sorted(const struct schema *s, const struct lys_module ***out, size_t *n)
{
	const struct lys_module *mod;
	const struct lys_module **r = NULL;
	const struct lys_module **more;
	uint32_t i = 0;

	*n = 0;
	while ((mod = ly_ctx_get_module_iter(s->ctx, &i))) {
		if (is_inner(s, mod))
			continue;
		more = realloc(r, (*n + 1) * sizeof(*r));
		if (!more) {
			free(r);
			return -ENOMEM;
		}
		r = more;
		r[(*n)++] = mod;
	}
	if (r)
		qsort(r, *n, sizeof(*r), by_name);
	*out = r;
	return 0;
}

/* Enabled features of a module, one call each. */
static void each_feature(const struct lys_module *mod, void (*f)(void *ctx, const char *name),
			 void *ctx)
{
	const struct lysp_feature *feature = NULL;
	uint32_t i = 0;

	if (!mod->parsed)
		return;
	while ((feature = lysp_feature_next(feature, mod->parsed, &i))) {
		if (feature->flags & LYS_FENABLED)
			f(ctx, feature->name);
	}
}

static void digest(EVP_MD_CTX *md, const char *kind, const char *text)
{
	EVP_DigestUpdate(md, kind, strlen(kind) + 1);
	EVP_DigestUpdate(md, text, strlen(text) + 1);
}

static void digest_feature(void *ctx, const char *name)
{
	digest(ctx, "feature", name);
}

static void digest_module(EVP_MD_CTX *md, const struct schema *s, const struct lys_module *mod)
{
	const char *text = schema_source(s, mod->name, mod->revision);
	LY_ARRAY_COUNT_TYPE i;

	digest(md, mod->implemented ? "module" : "import", mod->name);
	digest(md, "revision", mod->revision ? mod->revision : "");
	each_feature(mod, digest_feature, md);
	LY_ARRAY_FOR(mod->deviated_by, i)
	{
		digest(md, "deviation", mod->deviated_by[i]->name);
	}
	/* A module that changed without a new revision is another one too. */
	if (text)
		digest(md, "text", text);
}

int schema_identify(struct schema *s, struct err *err)
{
	const struct lys_module **mods = NULL;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char hash[32];
	size_t n = 0;
	size_t i;

	if (!md || sorted(s, &mods, &n) || !EVP_DigestInit_ex(md, EVP_sha256(), NULL)) {
		EVP_MD_CTX_free(md);
		free(mods);
		return err_set(err, -ENOMEM, "no memory");
	}
	for (i = 0; i < n; i++)
		digest_module(md, s, mods[i]);
	EVP_DigestFinal_ex(md, hash, NULL);
	EVP_MD_CTX_free(md);
	free(mods);
	for (i = 0; i < sizeof(hash); i++)
		snprintf(s->content_id + 2 * i, 3, "%02x", hash[i]);
	return 0;
}

struct writer {
	yyjson_mut_doc *doc;
	yyjson_mut_val *arr;
};

static void add_feature(void *ctx, const char *name)
{
	struct writer *w = ctx;

	yyjson_mut_arr_add_str(w->doc, w->arr, name);
}

static void add_submodules(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct lys_module *mod)
{
	yyjson_mut_val *arr;
	yyjson_mut_val *sub;
	LY_ARRAY_COUNT_TYPE i;

	if (!mod->parsed || !mod->parsed->includes)
		return;
	arr = yyjson_mut_obj_add_arr(doc, obj, "submodule");
	LY_ARRAY_FOR(mod->parsed->includes, i)
	{
		const struct lysp_submodule *s = mod->parsed->includes[i].submodule;

		sub = yyjson_mut_arr_add_obj(doc, arr);
		yyjson_mut_obj_add_str(doc, sub, "name", s->name);
		if (s->revs)
			yyjson_mut_obj_add_str(doc, sub, "revision", s->revs[0].date);
	}
}

static void add_module(yyjson_mut_doc *doc, yyjson_mut_val *arr, const struct lys_module *mod)
{
	yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, arr);
	struct writer w = {.doc = doc};
	LY_ARRAY_COUNT_TYPE i;

	yyjson_mut_obj_add_str(doc, obj, "name", mod->name);
	/* The revision is a key in import-only-module, where none is "". */
	if (mod->revision || !mod->implemented)
		yyjson_mut_obj_add_str(doc, obj, "revision", mod->revision ? mod->revision : "");
	yyjson_mut_obj_add_str(doc, obj, "namespace", mod->ns);
	add_submodules(doc, obj, mod);
	if (!mod->implemented)
		return;
	w.arr = yyjson_mut_arr(doc);
	each_feature(mod, add_feature, &w);
	if (yyjson_mut_arr_size(w.arr))
		yyjson_mut_obj_add_val(doc, obj, "feature", w.arr);
	if (!mod->deviated_by)
		return;
	w.arr = yyjson_mut_obj_add_arr(doc, obj, "deviation");
	LY_ARRAY_FOR(mod->deviated_by, i)
	{
		yyjson_mut_arr_add_str(doc, w.arr, mod->deviated_by[i]->name);
	}
}

static void add_schema(yyjson_mut_doc *doc, yyjson_mut_val *lib)
{
	static const char *const datastores[] = {"running", "candidate", "startup", "operational"};
	yyjson_mut_val *obj =
		yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, lib, "schema"));
	yyjson_mut_val *arr;
	size_t i;

	yyjson_mut_obj_add_str(doc, obj, "name", "all");
	arr = yyjson_mut_obj_add_arr(doc, obj, "module-set");
	yyjson_mut_arr_add_str(doc, arr, "all");
	arr = yyjson_mut_obj_add_arr(doc, lib, "datastore");
	for (i = 0; i < sizeof(datastores) / sizeof(*datastores); i++) {
		char name[40];

		snprintf(name, sizeof(name), "ietf-datastores:%s", datastores[i]);
		obj = yyjson_mut_arr_add_obj(doc, arr);
		yyjson_mut_obj_add_strcpy(doc, obj, "name", name);
		yyjson_mut_obj_add_str(doc, obj, "schema", "all");
	}
}

char *schema_library(const struct schema *s)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	const struct lys_module **mods = NULL;
	yyjson_mut_val *lib;
	yyjson_mut_val *set;
	yyjson_mut_val *implemented;
	yyjson_mut_val *imported;
	char *text = NULL;
	size_t n = 0;
	size_t i;

	yyjson_mut_doc_set_root(doc, root);
	lib = yyjson_mut_obj_add_obj(doc, root, "ietf-yang-library:yang-library");
	set = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, lib, "module-set"));
	if (!set || sorted(s, &mods, &n)) {
		yyjson_mut_doc_free(doc);
		return NULL;
	}
	yyjson_mut_obj_add_str(doc, set, "name", "all");
	implemented = yyjson_mut_obj_add_arr(doc, set, "module");
	imported = yyjson_mut_arr(doc);
	for (i = 0; i < n; i++)
		add_module(doc, mods[i]->implemented ? implemented : imported, mods[i]);
	if (yyjson_mut_arr_size(imported))
		yyjson_mut_obj_add_val(doc, set, "import-only-module", imported);
	add_schema(doc, lib);
	yyjson_mut_obj_add_str(doc, lib, "content-id", s->content_id);
	text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
	yyjson_mut_doc_free(doc);
	free(mods);
	return text;
}

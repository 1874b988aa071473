/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/store_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
	[DS_RUNNING] = "running",
	[DS_CANDIDATE] = "candidate",
	[DS_STARTUP] = "startup",
	[DS_OPERATIONAL] = "operational",
};

int datastore_parse(const char *text, enum datastore *out)
{
	static const char prefix[] = "ietf-datastores:";
	size_t i;

	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum datastore)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *datastore_name(enum datastore ds)
{
	return names[ds];
}

struct schema *store_schema(const struct store *s)
{
	return s->schema;
}

struct nacm *store_nacm(struct store *s)
{
	return s->nacm;
}

const char *store_hash(const struct store *s)
{
	return s->hash_text;
}

uint64_t store_version(const struct store *s)
{
	return s->version;
}

bool store_may(struct store *s, const struct principal *p, enum nacm_access a,
	       const struct lyd_node *node)
{
	return !p || nacm_data(s->nacm, p, a, node);
}

struct store *store_new(struct schema *schema, struct err *err)
{
	struct store *s = calloc(1, sizeof(*s));
	struct neterr e = {0};
	int rc;

	if (!s) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	s->schema = schema;
	list_init(&s->candidates);
	s->nacm = nacm_new(schema->ctx);
	rc = s->nacm ? tree_init(&s->tree, schema) : -ENOMEM;
	if (rc == 0)
		rc = tree_settle_all(&s->tree, &e);
	if (rc == 0)
		rc = nacm_load(s->nacm, s->tree.root);
	if (rc == 0)
		rc = lthash_text(&s->hash, s->hash_text);
	if (rc == 0)
		return s;
	err_set(err, rc, "%s", e.code ? e.err.what : "no memory");
	neterr_clear(&e);
	store_free(s);
	return NULL;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	list_each_safe (it, &s->candidates) {
		candidate_free(container_of(it, struct candidate, at));
	}
	nacm_free(s->nacm);
	tree_free(&s->tree);
	free(s->startup);
	free(s);
}

/* A whole configuration, valid and with its defaults. *out may be NULL where it is empty. */
static int parse(struct store *s, const char *json, size_t n, struct lyd_node **out,
		 struct neterr *e)
{
	char *text;
	LY_ERR rc;

	if (json_depth(json, n, JSON_MAX_DEPTH) > JSON_MAX_DEPTH) {
		neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "malformed-message", "nested too deeply");
		return -EINVAL;
	}
	text = strndup(json, n);
	if (!text) {
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
		return -ENOMEM;
	}
	*out = NULL;
	rc = lyd_parse_data_mem(s->schema->ctx, text, LYD_JSON,
				LYD_PARSE_STRICT | LYD_PARSE_NO_STATE, LYD_VALIDATE_NO_STATE, out);
	free(text);
	if (rc == LY_SUCCESS)
		return 0;
	lyd_free_all(*out);
	*out = NULL;
	return tree_ly_err(&s->tree, "invalid-value", NULL, e);
}

/* Every key must fit into a path. */
static int check_keys(const struct lyd_node *root, struct neterr *e)
{
	const struct lyd_node *top;
	const struct lyd_node *node;

	LY_LIST_FOR(root, top)
	{
		LYD_TREE_DFS_BEGIN(top, node)
		{
			if (((node->schema->flags & LYS_KEY) ||
			     node->schema->nodetype == LYS_LEAFLIST) &&
			    !path_quotable(lyd_get_value(node))) {
				neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "invalid-value",
					   "a key with both kinds of quotes cannot be addressed");
				return -EINVAL;
			}
			LYD_TREE_DFS_END(top, node);
		}
	}
	return 0;
}

int store_load(struct store *s, const char *json, size_t n, struct neterr *e)
{
	struct lyd_node *root;
	struct tree fresh;
	struct lthash hash = {0};
	int rc = parse(s, json, n, &root, e);

	if (rc)
		return rc;
	rc = check_keys(root, e);
	if (rc == 0)
		rc = tree_init(&fresh, s->schema);
	if (rc) {
		lyd_free_all(root);
		return rc;
	}
	rc = tree_take(&fresh, root, &hash, e);
	if (rc == 0)
		rc = nacm_load(s->nacm, fresh.root);
	if (rc) {
		tree_free(&fresh);
		return rc;
	}
	tree_free(&s->tree);
	s->tree = fresh;
	index_moved(&s->tree.index);
	s->hash = hash;
	s->version++;
	list_each_safe (it, &s->candidates) {
		candidate_free(container_of(it, struct candidate, at));
	}
	return lthash_text(&s->hash, s->hash_text);
}

int store_check(struct store *s, const struct changes *c, struct neterr *e)
{
	int rc = tree_play(&s->tree, c, e);

	if (rc == 0)
		rc = tree_settle(&s->tree, 0, e);
	if (rc == 0)
		rc = tree_check(&s->tree, 0, e);
	tree_undo(&s->tree, 0);
	return rc;
}

static bool touches_nacm(const struct changes *c)
{
	static const char top[] = "/ietf-netconf-acm:nacm";
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (strncmp(c->at[i].path, top, sizeof(top) - 1) == 0)
			return true;
	}
	return false;
}

int store_apply(struct store *s, const struct changes *c)
{
	struct lthash *before = malloc(sizeof(*before));
	struct neterr e = {0};
	int rc = before ? 0 : -ENOMEM;

	if (rc == 0) {
		*before = s->hash;
		s->tree.hash = &s->hash;
		rc = tree_play(&s->tree, c, &e);
		if (rc == 0)
			rc = tree_settle(&s->tree, 0, &e);
	}
	s->tree.hash = NULL;
	/* Candidates first: what they stand on is known while the trail is there to go back by. */
	if (rc == 0)
		rc = candidates_rebase(s, c);
	if (rc == 0 && touches_nacm(c))
		rc = nacm_load(s->nacm, s->tree.root);
	if (rc) {
		tree_undo(&s->tree, 0);
		if (before)
			s->hash = *before;
	} else {
		tree_keep(&s->tree);
		s->version++;
		rc = lthash_text(&s->hash, s->hash_text);
	}
	free(before);
	neterr_clear(&e);
	return rc;
}

int store_view(struct store *s, const struct changes *c,
	       int (*f)(void *ctx, const struct lyd_node *tree), void *ctx)
{
	struct neterr e = {0};
	int rc = c ? tree_play(&s->tree, c, &e) : 0;

	if (rc == 0)
		rc = tree_settle(&s->tree, 0, &e);
	if (rc == 0)
		rc = f(ctx, s->tree.root);
	tree_undo(&s->tree, 0);
	neterr_clear(&e);
	return rc;
}

/* ---- Startup ---- */

int store_startup_set(struct store *s, const char *json, size_t n, struct neterr *e)
{
	struct lyd_node *root = NULL;
	char *text = NULL;
	int rc;

	if (json) {
		rc = parse(s, json, n, &root, e);
		if (rc)
			return rc;
		rc = check_keys(root, e);
		if (rc == 0 &&
		    lyd_print_mem(&text, root, LYD_JSON, LYD_PRINT_WITHSIBLINGS | LYD_PRINT_SHRINK))
			rc = -ENOMEM;
		lyd_free_all(root);
		if (rc == 0 && !text)
			text = strdup("{}");
		if (rc)
			return rc;
	}
	free(s->startup);
	s->startup = text;
	return 0;
}

bool store_startup_follows(const struct store *s)
{
	return !s->startup;
}

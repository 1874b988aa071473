/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading. Configuration comes from the store at once. Operational data is asked of the rooms that own a part of the
 * path, completed from running where a room reports state only, filtered by NACM, and kept for a second or until an
 * event says that something below the path changed: many readers of one resource cost one question. */
#include "proto/netops/ops/ops_priv.h"

#include "proto/netops/store/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Answers that are kept ---- */

static void forget(struct cached *c)
{
	free(c->key);
	free(c->path);
	free(c->text);
	*c = (struct cached){0};
}

void ops_cache_free(struct ops *o)
{
	size_t i;

	for (i = 0; i < OPS_CACHE; i++)
		forget(&o->cache[i]);
}

static bool within(const char *inner, const char *outer)
{
	size_t n = strlen(outer);

	return strncmp(inner, outer, n) == 0 &&
	       (inner[n] == '\0' || inner[n] == '/' || inner[n] == '[' || n == 1);
}

/* path NULL: all of it. */
void ops_cache_drop(struct ops *o, const char *path)
{
	size_t i;

	for (i = 0; i < OPS_CACHE; i++) {
		struct cached *c = &o->cache[i];

		if (c->key && (!path || within(c->path, path) || within(path, c->path)))
			forget(c);
	}
}

static struct cached *look_up(struct ops *o, const char *key, usec_t now)
{
	size_t i;

	for (i = 0; i < OPS_CACHE; i++) {
		struct cached *c = &o->cache[i];

		if (!c->key || strcmp(c->key, key) != 0)
			continue;
		if (now - c->at < OPS_CACHE_MAX_US) {
			c->used = ++o->cache_clock;
			return c;
		}
		forget(c);
	}
	return NULL;
}

static void keep(struct ops *o, const char *key, const char *path, struct slice text, usec_t now)
{
	struct cached *c = &o->cache[0];
	size_t i;

	for (i = 0; i < OPS_CACHE && c->key; i++) {
		if (!o->cache[i].key || o->cache[i].used < c->used)
			c = &o->cache[i];
	}
	forget(c);
	c->key = strdup(key);
	c->path = strdup(path);
	c->text = malloc(text.n + 1);
	if (!c->key || !c->path || !c->text) {
		forget(c);
		return;
	}
	memcpy(c->text, text.p, text.n);
	c->text[text.n] = '\0';
	c->n = text.n;
	c->at = now;
	c->used = ++o->cache_clock;
}

/* Who may read what is the principal's and its groups' matter, so both are in the key. */
static void make_key(struct buf *b, const struct principal *p, const struct store_query *q,
		     const char *path)
{
	unsigned i;

	buf_printf(b, "%s\x1f%d%d%d\x1f%u %u %u", path, p->recovery, q->defaults, q->config_only,
		   q->depth, q->offset, q->limit);
	buf_printf(b, "\x1f%s", p->user);
	for (i = 0; i < p->n_groups; i++)
		buf_printf(b, "\x1f%s", p->group[i]);
	buf_u8(b, 0);
}

/* A path in either form as libyang has it, "/" the root; free(3). */
static int to_path(struct ops *o, const char *text, char **out, struct neterr *e)
{
	struct path p;
	struct err err = {0};
	struct alloc a;
	struct buf b;
	size_t i;

	if (path_parse(schema_ctx(o->schema), text ? text : "/", &p, &err) != 0) {
		neterr_set(e, NETERR_INVALID, "invalid-value", "%s", err.what);
		e->err = err;
		path_free(&p);
		return NETERR_INVALID;
	}
	alloc_init(&a, 0);
	buf_init(&b, &a);
	for (i = 0; i < p.n; i++) {
		const struct path_step *s = &p.step[i];
		bool crosses = i == 0 || s->node->module != p.step[i - 1].node->module;

		buf_printf(&b, "/%s%s%s", crosses ? s->node->module->name : "", crosses ? ":" : "", s->node->name);
		if (s->key && s->node->nodetype == LYS_LEAFLIST)
			buf_printf(&b, "[.='%s']", s->key);
		else if (s->key)
			buf_printf(&b, "%s", s->key);
	}
	*out = b.failed ? NULL : p.n == 0 ? strdup("/") : strndup((const char *)b.p, b.n);
	buf_free(&b);
	path_free(&p);
	return *out ? 0 : neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
}

/* The path without its last step, where that step is a leaf, whose value is not known here, or names a list without keys. */
static void cut_last(char *at, const struct lysc_node *last)
{
	size_t n = strlen(at);
	bool quoted = false;

	if (!(last->nodetype & (LYS_LEAF | LYS_LEAFLIST)) && at[n - 1] == ']')
		return;
	if (last->nodetype == LYS_CONTAINER)
		return;
	while (n-- > 0) {
		if (at[n] == '\'')
			quoted = !quoted;
		if (at[n] == '/' && !quoted)
			break;
	}
	at[n] = '\0';
}

bool ops_may_read(struct ops *o, const struct principal *by, const char *path)
{
	struct change change = {.op = CHANGE_CREATE};
	const struct changes one = {.at = &change, .n = 1};
	struct neterr e = {0};
	struct path p;
	bool hidden = true;
	bool seen = by->recovery;

	if (seen || to_path(o, path, &change.path, &e) != 0) {
		neterr_clear(&e);
		return seen;
	}
	if (path_parse(schema_ctx(o->schema), change.path, &p, NULL) == 0) {
		seen = p.n == 0 || nacm_schema(o->nacm, by, NACM_READ, p.step[p.n - 1].node);
		if (p.n)
			cut_last(change.path, p.step[p.n - 1].node);
	}
	path_free(&p);
	if (seen && change.path[0] && strcmp(change.path, "/") != 0)
		seen = store_judge(o->store, by, &one, false, false, &hidden) == 0 && !hidden;
	free(change.path);
	return seen;
}

/* ---- Operational data ---- */

struct reading {
	struct ops *o;
	struct principal by;
	struct store_query q;
	char *path; /* as asked */
	char *at;   /* libyang's form */
	char *key;
	usec_t since;
	ops_text_f *f;
	void *ctx;
};

static void free_reading(struct reading *r)
{
	free(r->path);
	free(r->at);
	free(r->key);
	free(r);
}

static int copy_tree(void *ctx, const struct lyd_node *tree)
{
	struct lyd_node **out = ctx;

	return tree && lyd_dup_siblings(tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, out) != LY_SUCCESS
		       ? -ENOMEM
		       : 0;
}

static void add_counter(struct lyd_node **tree, const struct ly_ctx *ctx, const char *path, uint32_t n)
{
	char text[16];
	struct lyd_node *made = NULL;

	snprintf(text, sizeof(text), "%u", n);
	if (lyd_new_path(*tree, ctx, path, text, LYD_NEW_PATH_UPDATE, &made) == LY_SUCCESS && !*tree)
		*tree = made;
	if (*tree)
		*tree = lyd_first_sibling(*tree);
}

/* State of netops itself: what policy and access control did. */
static void add_own_state(struct reading *r, struct lyd_node **tree)
{
	const struct ly_ctx *ctx = schema_ctx(r->o->schema);
	struct policy_counters p;
	struct nacm_counters n;
	struct lyd_node *made = NULL;

	if (strcmp(r->at, "/") != 0 && strncmp(r->at, "/depanneur-netops:", 18) != 0 &&
	    strncmp(r->at, "/ietf-netconf-acm:", 18) != 0)
		return;
	policy_counters(r->o->policy, &p);
	nacm_counters(r->o->nacm, &n);
	if (lyd_new_path(*tree, ctx, "/depanneur-netops:netops/state/level",
			 degradation_name(policy_level(r->o->policy)), LYD_NEW_PATH_UPDATE, &made) == LY_SUCCESS &&
	    !*tree)
		*tree = made;
	add_counter(tree, ctx, "/depanneur-netops:netops/state/denied-tools", p.denied_tools);
	add_counter(tree, ctx, "/depanneur-netops:netops/state/rate-limited", p.rate_limited);
	add_counter(tree, ctx, "/depanneur-netops:netops/state/denied-commits", p.denied_commits);
	add_counter(tree, ctx, "/depanneur-netops:netops/state/approvals-required", p.approvals_required);
	add_counter(tree, ctx, "/ietf-netconf-acm:nacm/denied-operations", n.denied_operations);
	add_counter(tree, ctx, "/ietf-netconf-acm:nacm/denied-data-writes", n.denied_data_writes);
	add_counter(tree, ctx, "/ietf-netconf-acm:nacm/denied-notifications", n.denied_notifications);
}

/* A room that reports only state has its configuration added: what is in use is what was applied (RFC 8342 §5.3). */
static int parse_state(struct reading *r, yyjson_doc *doc, struct lyd_node **tree, struct neterr *e)
{
	const struct ly_ctx *ctx = schema_ctx(r->o->schema);
	struct lyd_node *config = NULL;
	size_t n;
	char *text = doc ? yyjson_write(doc, 0, &n) : NULL;
	LY_ERR rc = LY_SUCCESS;

	*tree = NULL;
	if (doc && !text)
		return neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
	if (text)
		rc = lyd_parse_data_mem(ctx, text, LYD_JSON, LYD_PARSE_ONLY, 0, tree);
	free(text);
	if (rc != LY_SUCCESS) {
		const struct ly_err_item *item = ly_err_last(ctx);

		neterr_set(e, NETERR_INTERNAL, "operation-failed",
			   "a room's state does not fit its module: %s", item ? item->msg : "?");
		return e->code;
	}
	if (store_view(r->o->store, NULL, copy_tree, &config) == 0 && config)
		lyd_merge_siblings(&config, *tree, 0);
	if (config) {
		lyd_free_all(*tree);
		*tree = config;
	}
	add_own_state(r, tree);
	return 0;
}

static void got_state(void *ctx, yyjson_doc *doc, struct neterr *e)
{
	struct reading *r = ctx;
	struct lyd_node *tree = NULL;
	struct neterr mine = {0};
	struct alloc a;
	struct buf out;
	int rc = e ? e->code : parse_state(r, doc, &tree, &mine);

	alloc_init(&a, 0);
	buf_init(&out, &a);
	if (rc == 0)
		rc = store_print(r->o->store, tree, &r->by, &r->q, &out, &mine);
	if (rc == 0)
		keep(r->o, r->key, r->at, buf_slice(&out), r->since);
	r->f(r->ctx, buf_slice(&out), rc == 0 ? NULL : e ? e : &mine);
	yyjson_doc_free(doc);
	buf_free(&out);
	lyd_free_all(tree);
	neterr_clear(&mine);
	free_reading(r);
}

/* Of a module of netops itself: no room has a part. */
static bool is_own(struct ops *o, const char *at)
{
	const struct lys_module *mod;
	const char *room;
	char name[128];
	size_t n = strcspn(at + 1, ":");

	if (n == 0 || n >= sizeof(name))
		return false;
	memcpy(name, at + 1, n);
	name[n] = '\0';
	mod = ly_ctx_get_module_implemented(schema_ctx(o->schema), name);
	room = mod && mod->compiled && mod->compiled->data ? schema_room(o->schema, mod->compiled->data) : NULL;
	return room && !room[0];
}

static void ask_rooms(struct ops *o, const struct ops_origin *from, const struct store_query *q,
		      const char *at, const char *key, ops_text_f *f, void *ctx)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct neterr e = {0};

	if (r) {
		*r = (struct reading){.o = o, .by = *from->by, .q = *q, .f = f, .ctx = ctx};
		r->path = strdup(q->path ? q->path : "/");
		r->at = strdup(at);
		r->key = strdup(key);
		r->q.path = r->path;
		r->since = clock_now();
	}
	if (!r || !r->path || !r->at || !r->key) {
		if (r)
			free_reading(r);
		neterr_set(&e, NETERR_INTERNAL, "resource-denied", "no memory");
		f(ctx, (struct slice){0}, &e);
		neterr_clear(&e);
		return;
	}
	if (is_own(o, r->at))
		got_state(r, NULL, NULL);
	else
		rooms_state(o->rooms, o->schema, r->at, q->depth, got_state, r);
}

static void read_operational(struct ops *o, const struct ops_origin *from,
			     const struct store_query *q, ops_text_f *f, void *ctx)
{
	struct neterr e = {0};
	struct cached *c;
	struct alloc a;
	struct buf key;
	char *at = NULL;

	if (to_path(o, q->path, &at, &e) != 0) {
		f(ctx, (struct slice){0}, &e);
		neterr_clear(&e);
		return;
	}
	alloc_init(&a, 0);
	buf_init(&key, &a);
	make_key(&key, from->by, q, at);
	c = key.failed ? NULL : look_up(o, (const char *)key.p, clock_now());
	if (c)
		f(ctx, slice_of(c->text, c->n), NULL);
	else
		ask_rooms(o, from, q, at, key.failed ? "" : (const char *)key.p, f, ctx);
	buf_free(&key);
	free(at);
}

void ops_get(struct ops *o, const struct ops_origin *from, enum datastore ds, const char *candidate,
	     const struct store_query *q, ops_text_f *f, void *ctx)
{
	struct neterr e = {0};
	struct alloc a;
	struct buf out;
	int rc;

	rc = ops_may(o, from, SCOPE_READ, false, &e);
	if (rc == 0 && ds == DS_OPERATIONAL) {
		read_operational(o, from, q, f, ctx);
		return;
	}
	alloc_init(&a, 0);
	buf_init(&out, &a);
	if (rc == 0)
		rc = store_get(o->store, ds, candidate, from->by, q, &out, &e);
	f(ctx, buf_slice(&out), rc == 0 ? NULL : &e);
	buf_free(&out);
	neterr_clear(&e);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/filters.h"

#include "base/counter.h"
#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLE "\"family\":\"inet\",\"table\":\"depanneur\""
#define KNOWN_MAX 4096
#define FILE_MAX (1u << 20)

/* A list or an attachment as it was last put in. */
struct known {
	enum step_kind kind;
	char *key;
	char *json;
	uint64_t shown; /* hash of what the kernel showed of it; 0: not looked yet */
};

struct filters {
	struct nft_ctx *nft;
	struct known *at;
	size_t n;
	char *dir;
};

/* ---- nft ---- */

/* The first line of what went wrong. */
static int nft_error(struct filters *f, struct err *err)
{
	const char *text = nft_ctx_get_error_buffer(f->nft);
	int n;

	if (strncmp(text, "Error: ", 7) == 0)
		text += 7;
	else if (strstr(text, "Error: "))
		text = strstr(text, "Error: ") + 7;
	n = (int)strcspn(text, "\n");
	return err_set(err, -EOPNOTSUPP, "nftables: %.*s", n > 160 ? 160 : n, text);
}

static int run(struct filters *f, const char *json, struct err *err)
{
	int rc = nft_run_cmd_from_buffer(f->nft, json) == 0 ? 0 : nft_error(f, err);

	/* What is not taken is in front of the next answer. */
	nft_ctx_get_output_buffer(f->nft);
	return rc;
}

static void chain_of(enum step_kind kind, const char *key, char to[FILTER_CHAIN])
{
	char prefix[3] = "a_";

	if (kind == STEP_ATTACH)
		prefix[0] = key[0];
	filter_chain(prefix, kind == STEP_ATTACH ? key + 1 : key, to);
}

/* All rules of a chain, as a document, or NULL where it is not there. */
static yyjson_doc *list_chain(struct filters *f, const char *chain)
{
	char json[FILTER_CHAIN + 128];
	const char *out;

	snprintf(json, sizeof(json), "{\"nftables\":[{\"list\":{\"chain\":{" TABLE ",\"name\":\"%s\"}}}]}",
		 chain);
	if (nft_run_cmd_from_buffer(f->nft, json) != 0)
		return NULL;
	out = nft_ctx_get_output_buffer(f->nft);
	return yyjson_read(out, strlen(out), 0);
}

/* Hash of the rules without handles and counts; never 0 where the chain is there. */
static uint64_t shown(struct filters *f, const char *chain)
{
	yyjson_doc *doc = list_chain(f, chain);
	yyjson_val *all = yyjson_obj_get(yyjson_doc_get_root(doc), "nftables");
	uint64_t h = doc ? 1 : 0;
	size_t max;
	size_t i;
	yyjson_val *v;

	yyjson_arr_foreach(all, i, max, v)
	{
		yyjson_val *expr = yyjson_obj_get(yyjson_obj_get(v, "rule"), "expr");
		size_t emax;
		size_t k;
		yyjson_val *e;

		yyjson_arr_foreach(expr, k, emax, e)
		{
			size_t n = 0;
			char *text = yyjson_obj_get(e, "counter") ? NULL : yyjson_val_write(e, 0, &n);

			h = h << 32 ^ ((uint64_t)hash_bytes(text, n, h) << 1 | 1) ^ h >> 31;
			free(text);
		}
	}
	yyjson_doc_free(doc);
	return h;
}

/* ---- What is known ---- */

static struct known *find(struct filters *f, enum step_kind kind, const char *key)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->at[i].kind == kind && strcmp(f->at[i].key, key) == 0)
			return &f->at[i];
	return NULL;
}

static void file_of(const struct filters *f, enum step_kind kind, const char *key, char *to, size_t n)
{
	char chain[FILTER_CHAIN];

	chain_of(kind, key, chain);
	snprintf(to, n, "%s/filter-%s.json", f->dir, chain);
}

/* {"kind", "key", "shown", "json"}; a failure costs only that the next start puts it in anew. */
static void save(struct filters *f, const struct known *k)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *o = yyjson_mut_obj(doc);
	char path[512];
	char part[520];
	size_t n = 0;
	char *text;
	int fd;

	if (!f->dir) {
		yyjson_mut_doc_free(doc);
		return;
	}
	yyjson_mut_obj_add_uint(doc, o, "kind", k->kind == STEP_ATTACH);
	yyjson_mut_obj_add_str(doc, o, "key", k->key);
	json_add_u64(doc, o, "shown", k->shown);
	yyjson_mut_obj_add_str(doc, o, "json", k->json);
	text = yyjson_mut_val_write(o, 0, &n);
	yyjson_mut_doc_free(doc);
	file_of(f, k->kind, k->key, path, sizeof(path));
	snprintf(part, sizeof(part), "%s.new", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		bool whole = text && write(fd, text, n) == (ssize_t)n;

		close(fd);
		if (!whole || rename(part, path) != 0)
			unlink(part);
	}
	free(text);
}

static void forget(struct filters *f, struct known *k)
{
	char path[512];

	if (f->dir) {
		file_of(f, k->kind, k->key, path, sizeof(path));
		unlink(path);
	}
	free(k->key);
	free(k->json);
	*k = f->at[--f->n];
}

static int remember(struct filters *f, enum step_kind kind, const char *key, const char *json)
{
	struct known *k = find(f, kind, key);
	struct known *at;

	if (!k) {
		at = f->n < KNOWN_MAX ? realloc(f->at, (f->n + 1) * sizeof(*at)) : NULL;
		if (!at)
			return -ENOMEM;
		f->at = at;
		k = &at[f->n];
		*k = (struct known){.kind = kind, .key = strdup(key)};
		if (!k->key)
			return -ENOMEM;
		f->n++;
	}
	free(k->json);
	k->json = strdup(json);
	return k->json ? 0 : -ENOMEM;
}

static void load_one(struct filters *f, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *text = fd >= 0 ? malloc(FILE_MAX) : NULL;
	ssize_t n = text ? read(fd, text, FILE_MAX) : -1;
	yyjson_doc *doc = n > 0 ? yyjson_read(text, (size_t)n, 0) : NULL;
	yyjson_val *o = yyjson_doc_get_root(doc);
	const char *key = yyjson_get_str(yyjson_obj_get(o, "key"));
	const char *json = yyjson_get_str(yyjson_obj_get(o, "json"));
	enum step_kind kind = yyjson_get_uint(yyjson_obj_get(o, "kind")) ? STEP_ATTACH : STEP_ACL;
	struct known *k;

	if (key && key[0] && json && remember(f, kind, key, json) == 0) {
		k = find(f, kind, key);
		json_get_u64(yyjson_obj_get(o, "shown"), &k->shown);
	}
	yyjson_doc_free(doc);
	free(text);
	if (fd >= 0)
		close(fd);
}

static void load(struct filters *f)
{
	DIR *d = f->dir ? opendir(f->dir) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (strncmp(e->d_name, "filter-", 7) == 0 && n > 5 &&
		    strcmp(e->d_name + n - 5, ".json") == 0)
			load_one(f, dirfd(d), e->d_name);
	}
	if (d)
		closedir(d);
}

struct filters *filters_open(const char *dir, struct err *err)
{
	struct filters *f = calloc(1, sizeof(*f));

	if (f)
		f->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!f || !f->nft || (dir && !(f->dir = strdup(dir)))) {
		filters_close(f);
		err_set(err, -ENOMEM, "no memory for nftables");
		return NULL;
	}
	nft_ctx_output_set_flags(f->nft, NFT_CTX_OUTPUT_JSON);
	nft_ctx_buffer_output(f->nft);
	nft_ctx_buffer_error(f->nft);
	/* Whether the kernel answers at all. */
	if (run(f, "{\"nftables\":[{\"list\":{\"tables\":{\"family\":\"inet\"}}}]}", err) != 0) {
		filters_close(f);
		return NULL;
	}
	load(f);
	return f;
}

void filters_close(struct filters *f)
{
	size_t i;

	if (!f)
		return;
	for (i = 0; i < f->n; i++) {
		free(f->at[i].key);
		free(f->at[i].json);
	}
	free(f->at);
	free(f->dir);
	if (f->nft)
		nft_ctx_free(f->nft);
	free(f);
}

/* ---- A transaction ---- */

struct transaction {
	struct filters *f;
	yyjson_mut_doc *doc;
	yyjson_mut_val *list;
};

static yyjson_mut_val *command(struct transaction *t, const char *verb, const char *object)
{
	yyjson_mut_val *c = json_add_obj(t->doc, yyjson_mut_arr_add_obj(t->doc, t->list), verb);
	yyjson_mut_val *o = json_add_obj(t->doc, c, object);

	yyjson_mut_obj_add_str(t->doc, o, "family", "inet");
	if (strcmp(object, "table") != 0)
		yyjson_mut_obj_add_str(t->doc, o, "table", "depanneur");
	return o;
}

static void chain(struct transaction *t, const char *verb, const char *name)
{
	yyjson_mut_obj_add_strcpy(t->doc, command(t, verb, "chain"), "name", name);
}

static void base_chain(struct transaction *t, const char *name, const char *hook, int prio,
		       const char *key, const char *map)
{
	yyjson_mut_val *o = command(t, "add", "chain");
	yyjson_mut_val *vmap;

	yyjson_mut_obj_add_str(t->doc, o, "name", name);
	yyjson_mut_obj_add_str(t->doc, o, "type", "filter");
	yyjson_mut_obj_add_str(t->doc, o, "hook", hook);
	yyjson_mut_obj_add_int(t->doc, o, "prio", prio);
	yyjson_mut_obj_add_str(t->doc, o, "policy", "accept");
	chain(t, "flush", name);
	o = command(t, "add", "rule");
	yyjson_mut_obj_add_str(t->doc, o, "chain", name);
	vmap = json_add_obj(t->doc, yyjson_mut_arr_add_obj(t->doc, json_add_arr(t->doc, o, "expr")),
			    "vmap");
	yyjson_mut_obj_add_str(t->doc, json_add_obj(t->doc, json_add_obj(t->doc, vmap, "key"), "meta"),
			       "key", key);
	yyjson_mut_obj_add_str(t->doc, vmap, "data", map);
}

static void base(struct transaction *t)
{
	static const char *const maps[] = {"ingress", "egress"};
	yyjson_mut_val *o;
	int i;

	yyjson_mut_obj_add_str(t->doc, command(t, "add", "table"), "name", "depanneur");
	for (i = 0; i < 2; i++) {
		o = command(t, "add", "map");
		yyjson_mut_obj_add_str(t->doc, o, "name", maps[i]);
		yyjson_mut_obj_add_str(t->doc, o, "type", "ifname");
		yyjson_mut_obj_add_str(t->doc, o, "map", "verdict");
	}
	base_chain(t, "in", "prerouting", -150, "iifname", "@ingress");
	base_chain(t, "out", "output", 0, "oifname", "@egress");
	base_chain(t, "through", "forward", 0, "oifname", "@egress");
}

static int put_acl(struct transaction *t, const struct step *s, struct err *err)
{
	yyjson_doc *in = yyjson_read(s->filter.json, strlen(s->filter.json), 0);
	yyjson_val *aces = yyjson_obj_get(yyjson_doc_get_root(in), "ace");
	char name[FILTER_CHAIN];
	yyjson_mut_val *rule;
	size_t max;
	size_t i;
	yyjson_val *v;
	int rc = 0;

	chain_of(STEP_ACL, s->filter.key, name);
	chain(t, "add", name);
	chain(t, "flush", name);
	yyjson_arr_foreach(aces, i, max, v)
	{
		rule = rc ? NULL : filter_rule(t->doc, name, s->filter.key, v, err);
		if (!rule) {
			rc = -EINVAL;
			if (err && !err->code)
				err_set(err, rc, "entry %zu cannot be made a rule", i);
			break;
		}
		yyjson_mut_obj_add_val(
			t->doc, json_add_obj(t->doc, yyjson_mut_arr_add_obj(t->doc, t->list), "add"),
			"rule", rule);
	}
	yyjson_doc_free(in);
	return rc;
}

static void element(struct transaction *t, const char *verb, const char *key, const char *target)
{
	yyjson_mut_val *o = command(t, verb, "element");
	yyjson_mut_val *list;

	yyjson_mut_obj_add_str(t->doc, o, "name", key[0] == 'i' ? "ingress" : "egress");
	list = json_add_arr(t->doc, o, "elem");
	if (!target) {
		yyjson_mut_arr_add_strcpy(t->doc, list, key + 1);
		return;
	}
	list = yyjson_mut_arr_add_arr(t->doc, list);
	yyjson_mut_arr_add_strcpy(t->doc, list, key + 1);
	o = json_add_obj(t->doc, yyjson_mut_arr_add_obj(t->doc, list), "jump");
	yyjson_mut_obj_add_strcpy(t->doc, o, "target", target);
}

/* The lists that an attachment names; doc is to be freed. */
static yyjson_val *attached(const char *json, yyjson_doc **doc)
{
	*doc = yyjson_read(json, strlen(json), 0);
	return yyjson_obj_get(yyjson_doc_get_root(*doc), "acl");
}

static bool is_empty(const struct step *s)
{
	yyjson_doc *doc;
	bool empty = s->kind == STEP_ATTACH ? yyjson_arr_size(attached(s->filter.json, &doc)) == 0
					    : s->absent;

	if (s->kind == STEP_ATTACH)
		yyjson_doc_free(doc);
	return empty;
}

static void put_attach(struct transaction *t, const struct step *s)
{
	yyjson_doc *in;
	yyjson_val *acls = attached(s->filter.json, &in);
	char name[FILTER_CHAIN];
	char target[FILTER_CHAIN];
	size_t max;
	size_t i;
	yyjson_val *v;

	chain_of(STEP_ATTACH, s->filter.key, name);
	chain(t, "add", name);
	chain(t, "flush", name);
	yyjson_arr_foreach(acls, i, max, v)
	{
		yyjson_mut_val *o = command(t, "add", "rule");

		chain_of(STEP_ACL, yyjson_get_str(v), target);
		yyjson_mut_obj_add_strcpy(t->doc, o, "chain", name);
		o = json_add_obj(t->doc,
				 yyjson_mut_arr_add_obj(t->doc, json_add_arr(t->doc, o, "expr")),
				 "jump");
		yyjson_mut_obj_add_strcpy(t->doc, o, "target", target);
	}
	if (yyjson_arr_size(acls) == 0) {
		element(t, "destroy", s->filter.key, NULL);
		chain(t, "destroy", name);
	} else {
		element(t, "add", s->filter.key, name);
	}
	yyjson_doc_free(in);
}

/* Lists before attachments, which name them; what goes, last. */
static int compile(struct transaction *t, const struct step *s, size_t n, const bool *changed,
		   size_t *at, struct err *err)
{
	char name[FILTER_CHAIN];
	int rc = 0;

	base(t);
	for (*at = 0; *at < n && rc == 0; ++*at)
		if (changed[*at] && s[*at].kind == STEP_ACL && !s[*at].absent)
			rc = put_acl(t, &s[*at], err);
	if (rc) {
		--*at;
		return rc;
	}
	for (*at = 0; *at < n; ++*at)
		if (changed[*at] && s[*at].kind == STEP_ATTACH)
			put_attach(t, &s[*at]);
	for (*at = 0; *at < n; ++*at) {
		if (!changed[*at] || s[*at].kind != STEP_ACL || !s[*at].absent)
			continue;
		chain_of(STEP_ACL, s[*at].filter.key, name);
		chain(t, "destroy", name);
	}
	*at = 0;
	return 0;
}

/* ---- Steps ---- */

static bool is_so(struct filters *f, const struct step *s)
{
	struct known *k = find(f, s->kind, s->filter.key);
	char name[FILTER_CHAIN];
	uint64_t now;

	chain_of(s->kind, s->filter.key, name);
	now = shown(f, name);
	if (is_empty(s))
		return !k && now == 0;
	return k && now != 0 && now == k->shown && strcmp(k->json, s->filter.json) == 0;
}

static int lead_back(struct filters *f, const struct step *s, struct steps *back)
{
	const struct known *k = find(f, s->kind, s->filter.key);
	struct step b = {.kind = s->kind, .absent = !k && s->kind == STEP_ACL};
	const char *link = s->filter.key + 1;
	int rc;

	b.filter.key = strdup(s->filter.key);
	if (k)
		b.filter.json = strdup(k->json);
	else if (s->kind == STEP_ATTACH)
		rc = asprintf(&b.filter.json, "{\"link\":\"%s\",\"direction\":\"%s\"}", link,
			      s->filter.key[0] == 'i' ? "ingress" : "egress");
	else {
		yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_val *o = yyjson_mut_obj(doc);

		yyjson_mut_obj_add_str(doc, o, "name", s->filter.key);
		yyjson_mut_arr_add_null(doc, json_add_arr(doc, o, "absent"));
		b.filter.json = yyjson_mut_val_write(o, 0, NULL);
		yyjson_mut_doc_free(doc);
	}
	(void)rc;
	if (b.filter.key && b.filter.json)
		return steps_take(back, &b);
	step_free(&b);
	return -ENOMEM;
}

/* Nothing of ours is left: not the table either. */
static void clean_up(struct filters *f)
{
	if (f->n == 0)
		run(f, "{\"nftables\":[{\"destroy\":{\"table\":{\"family\":\"inet\",\"name\":\"depanneur\"}}}]}",
		    NULL);
}

static int settle(struct filters *f, const struct step *s, size_t n, const bool *changed,
		  struct err *err)
{
	char name[FILTER_CHAIN];
	struct known *k;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!changed[i])
			continue;
		k = find(f, s[i].kind, s[i].filter.key);
		if (is_empty(&s[i])) {
			if (k)
				forget(f, k);
			continue;
		}
		if (remember(f, s[i].kind, s[i].filter.key, s[i].filter.json))
			return err_set(err, -ENOMEM, "no memory, or more than %d filters", KNOWN_MAX);
		k = find(f, s[i].kind, s[i].filter.key);
		chain_of(s[i].kind, s[i].filter.key, name);
		k->shown = shown(f, name);
		save(f, k);
	}
	clean_up(f);
	return 0;
}

int filters_apply(struct filters *f, const struct step *s, size_t n, bool dry_run, bool *changed,
		  struct steps *back, size_t *at, struct err *err)
{
	struct transaction t = {.f = f, .doc = yyjson_mut_doc_new(NULL)};
	yyjson_mut_val *root = yyjson_mut_obj(t.doc);
	char *text = NULL;
	size_t some = 0;
	size_t i;
	int rc = 0;

	*at = 0;
	t.list = json_add_arr(t.doc, root, "nftables");
	for (i = 0; i < n; i++) {
		changed[i] = !is_so(f, &s[i]);
		some += changed[i];
	}
	if (some && !dry_run) {
		rc = compile(&t, s, n, changed, at, err);
		if (rc == 0) {
			text = yyjson_mut_val_write(root, 0, NULL);
			rc = text ? run(f, text, err) : -ENOMEM;
		}
		for (i = 0; i < n && rc == 0; i++)
			if (changed[i])
				rc = lead_back(f, &s[i], back);
		if (rc == 0)
			rc = settle(f, s, n, changed, err);
	}
	free(text);
	yyjson_mut_doc_free(t.doc);
	return rc;
}

int filters_others(struct filters *f, const struct step *s, size_t n, struct steps *out)
{
	struct step gone;
	size_t i;
	size_t k;
	int rc = 0;

	for (i = 0; i < f->n && rc == 0; i++) {
		const struct known *x = &f->at[i];
		char *json = NULL;

		for (k = 0; k < n; k++)
			if (s[k].kind == x->kind && strcmp(s[k].filter.key, x->key) == 0)
				break;
		if (k < n)
			continue;
		gone = (struct step){.kind = x->kind, .absent = x->kind == STEP_ACL};
		gone.filter.key = strdup(x->key);
		/* Only what is in it counts, not its name. */
		if (asprintf(&json, "{\"link\":\"%s\",\"direction\":\"%s\"}",
			     x->kind == STEP_ATTACH ? x->key + 1 : "",
			     x->key[0] == 'i' ? "ingress" : "egress") < 0)
			json = NULL;
		gone.filter.json = json;
		rc = gone.filter.key && json ? steps_take(out, &gone) : -ENOMEM;
	}
	return rc;
}

/* ---- State ---- */

static void add_statistics(yyjson_mut_doc *doc, yyjson_mut_val *ace, yyjson_val *expr)
{
	size_t max;
	size_t i;
	yyjson_val *e;

	yyjson_arr_foreach(expr, i, max, e)
	{
		yyjson_val *c = yyjson_obj_get(e, "counter");
		yyjson_mut_val *o;

		if (!c)
			continue;
		o = json_add_obj(doc, ace, "statistics");
		json_add_u64(doc, o, "matched-packets",
			     yyjson_get_uint(yyjson_obj_get(c, "packets")));
		json_add_u64(doc, o, "matched-octets", yyjson_get_uint(yyjson_obj_get(c, "bytes")));
	}
}

static void add_acl(struct filters *f, const struct known *k, yyjson_mut_doc *doc,
		    yyjson_mut_val *list)
{
	yyjson_mut_val *acl = yyjson_mut_arr_add_obj(doc, list);
	char name[FILTER_CHAIN];
	yyjson_mut_val *aces;
	yyjson_doc *shows;
	size_t max;
	size_t i;
	yyjson_val *v;

	yyjson_mut_obj_add_strcpy(doc, acl, "name", k->key);
	chain_of(STEP_ACL, k->key, name);
	shows = list_chain(f, name);
	aces = json_add_arr(doc, json_add_obj(doc, acl, "aces"), "ace");
	yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(shows), "nftables"), i, max, v)
	{
		yyjson_val *rule = yyjson_obj_get(v, "rule");
		const char *ace = yyjson_get_str(yyjson_obj_get(rule, "comment"));
		yyjson_mut_val *o = ace ? yyjson_mut_arr_add_obj(doc, aces) : NULL;

		if (!o)
			continue;
		yyjson_mut_obj_add_strcpy(doc, o, "name", ace);
		add_statistics(doc, o, yyjson_obj_get(rule, "expr"));
	}
	yyjson_doc_free(shows);
}

int filters_state(struct filters *f, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	yyjson_mut_val *list;
	size_t i;

	if (!counter_wants(path, "/ietf-access-control-list:acls/acl") || f->n == 0)
		return 0;
	list = json_add_arr(doc, json_add_obj(doc, root, "ietf-access-control-list:acls"), "acl");
	for (i = 0; i < f->n; i++)
		if (f->at[i].kind == STEP_ACL)
			add_acl(f, &f->at[i], doc, list);
	return 0;
}

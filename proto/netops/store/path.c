/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 32

struct reader {
	const char *p;
	const struct ly_ctx *ctx;
	struct path *out;
	struct err *err;
};

struct keys {
	const struct lysc_node *node[MAX_KEYS]; /* of a list, in order */
	char *value[MAX_KEYS];
	unsigned n;
};

static int bad(struct reader *r, const char *why)
{
	err_set(r->err, -EINVAL, "%s", why);
	err_where(r->err, "%.60s", r->p);
	err_mend(r->err, "write it like ietf-interfaces:interfaces/interface=eth0/enabled");
	return -EINVAL;
}

bool path_quotable(const char *value)
{
	return !strchr(value, '\'') || !strchr(value, '"');
}

static void keys_of(const struct lysc_node *list, struct keys *k)
{
	const struct lysc_node *key;

	*k = (struct keys){0};
	if (list->nodetype != LYS_LIST)
		return;
	for (key = lysc_node_child(list); key && (key->flags & LYS_KEY) && k->n < MAX_KEYS;
	     key = key->next)
		k->node[k->n++] = key;
}

static void keys_free(struct keys *k)
{
	unsigned i;

	for (i = 0; i < MAX_KEYS; i++)
		free(k->value[i]);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One percent-encoded key value, up to a comma, a slash or the end. */
static int encoded_value(struct reader *r, char **out)
{
	size_t n = strcspn(r->p, ",/");
	const char *end = r->p + n;
	char *to = malloc(n + 1);
	size_t i = 0;

	if (!to)
		return -ENOMEM;
	*out = to;
	for (; r->p < end; r->p++) {
		to[i] = *r->p;
		if (*r->p == '%') {
			if (end - r->p < 3 || hex(r->p[1]) < 0 || hex(r->p[2]) < 0 ||
			    (hex(r->p[1]) == 0 && hex(r->p[2]) == 0))
				return bad(r, "a percent sign that encodes nothing");
			to[i] = (char)(hex(r->p[1]) << 4 | hex(r->p[2]));
			r->p += 2;
		}
		i++;
	}
	to[i] = '\0';
	return 0;
}

/* "=a,b" */
static int encoded_keys(struct reader *r, const struct lysc_node *node, struct keys *k)
{
	unsigned n = node->nodetype == LYS_LEAFLIST ? 1 : k->n;
	unsigned i;
	int rc;

	r->p++;
	for (i = 0; i < n; i++) {
		rc = encoded_value(r, &k->value[i]);
		if (rc)
			return rc;
		if (*r->p == ',' && i + 1 < n)
			r->p++;
		else if (i + 1 < n)
			return bad(r, "too few keys");
	}
	return *r->p == ',' ? bad(r, "too many keys; a comma in a key is written %2C") : 0;
}

static size_t identifier(const char *p)
{
	size_t n = 0;

	while ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= 'A' && p[n] <= 'Z') || p[n] == '_' ||
	       (n && ((p[n] >= '0' && p[n] <= '9') || p[n] == '-' || p[n] == '.')))
		n++;
	return n;
}

/* The slot of the key that a predicate names, or NULL. */
static char **key_slot(struct reader *r, const struct lysc_node *node, struct keys *k)
{
	size_t n;
	unsigned i;

	if (node->nodetype == LYS_LEAFLIST) {
		if (*r->p != '.')
			return NULL;
		r->p++;
		return &k->value[0];
	}
	n = identifier(r->p);
	if (r->p[n] == ':') {
		r->p += n + 1;
		n = identifier(r->p);
	}
	for (i = 0; i < k->n; i++) {
		if (strlen(k->node[i]->name) == n && strncmp(k->node[i]->name, r->p, n) == 0) {
			r->p += n;
			return &k->value[i];
		}
	}
	return NULL;
}

/* "[name='eth0']…" */
static int predicates(struct reader *r, const struct lysc_node *node, struct keys *k)
{
	const char *end;
	char **slot;

	while (*r->p == '[') {
		r->p++;
		r->p += strspn(r->p, " ");
		slot = key_slot(r, node, k);
		if (!slot || *slot)
			return bad(r, "a predicate that names no key, or one again");
		r->p += strspn(r->p, " ");
		if (*r->p != '=')
			return bad(r, "a predicate needs key='value'");
		r->p++;
		r->p += strspn(r->p, " ");
		if (*r->p != '\'' && *r->p != '"')
			return bad(r, "the value of a predicate stands in quotes");
		end = strchr(r->p + 1, *r->p);
		if (!end)
			return bad(r, "a quote without its end");
		*slot = strndup(r->p + 1, (size_t)(end - r->p - 1));
		if (!*slot)
			return -ENOMEM;
		r->p = end + 1 + strspn(end + 1, " ");
		if (*r->p != ']')
			return bad(r, "a bracket without its end");
		r->p++;
	}
	return 0;
}

static int append(char **to, size_t *n, const char *key, const char *value)
{
	char quote = strchr(value, '\'') ? '"' : '\'';
	size_t more = strlen(key) + strlen(value) + 6;
	char *p = realloc(*to, *n + more);

	if (!p)
		return -ENOMEM;
	*to = p;
	*n += (size_t)snprintf(p + *n, more, "[%s=%c%s%c]", key, quote, value, quote);
	return 0;
}

static int step_key(struct reader *r, struct path_step *step, struct keys *k)
{
	size_t n = 0;
	unsigned i;

	if (step->node->nodetype == LYS_LEAFLIST) {
		if (k->value[0] && !path_quotable(k->value[0]))
			return bad(r, "a value with both kinds of quotes cannot be addressed");
		step->key = k->value[0];
		k->value[0] = NULL;
		return 0;
	}
	for (i = 0; i < k->n; i++) {
		if (!k->value[i] && !step->key && !k->value[k->n - 1])
			continue;
		if (!k->value[i] || (i && !step->key))
			return bad(r, "too few keys");
		if (!path_quotable(k->value[i]))
			return bad(r, "a key with both kinds of quotes cannot be addressed");
		if (append(&step->key, &n, k->node[i]->name, k->value[i]))
			return -ENOMEM;
	}
	return 0;
}

/* "module:name" or "name". */
static int node_name(struct reader *r, const struct lysc_node *parent, const struct lysc_node **out)
{
	const struct lys_module *mod = parent ? parent->module : NULL;
	size_t n = identifier(r->p);
	char name[128];

	if (r->p[n] == ':' && n) {
		if (n >= sizeof(name))
			return bad(r, "no such module");
		memcpy(name, r->p, n);
		name[n] = '\0';
		mod = ly_ctx_get_module_implemented(r->ctx, name);
		if (!mod)
			return bad(r, "no such module");
		r->p += n + 1;
		n = identifier(r->p);
	}
	if (!mod)
		return bad(r, "the first name needs its module: module:name");
	*out = n ? lys_find_child(parent, mod, r->p, n,
				  LYS_CONTAINER | LYS_LIST | LYS_LEAF | LYS_LEAFLIST | LYD_NODE_ANY,
				  0)
		 : NULL;
	if (!*out)
		return bad(r, "no such node");
	r->p += n;
	return 0;
}

static int step(struct reader *r)
{
	const struct lysc_node *parent = r->out->n ? r->out->step[r->out->n - 1].node : NULL;
	struct path_step *to;
	struct keys k;
	int rc;

	if (r->out->n == PATH_MAX_STEPS)
		return bad(r, "too deep");
	to = &r->out->step[r->out->n];
	*to = (struct path_step){0};
	rc = node_name(r, parent, &to->node);
	if (rc)
		return rc;
	r->out->n++;
	keys_of(to->node, &k);
	if (*r->p == '=' && !(to->node->nodetype & (LYS_LIST | LYS_LEAFLIST)))
		rc = bad(r, "keys for a node that is no list");
	else if (*r->p == '=')
		rc = encoded_keys(r, to->node, &k);
	else if (*r->p == '[')
		rc = predicates(r, to->node, &k);
	if (rc == 0)
		rc = step_key(r, to, &k);
	keys_free(&k);
	return rc;
}

static int read_steps(struct reader *r, const char *text)
{
	int rc;

	while (*r->p) {
		if (r->out->n && !r->out->step[r->out->n - 1].key &&
		    (r->out->step[r->out->n - 1].node->nodetype & (LYS_LIST | LYS_LEAFLIST)))
			return bad(r, "a list needs its keys before what is below it");
		rc = step(r);
		if (rc)
			return rc == -ENOMEM ? err_set(r->err, rc, "no memory") : rc;
		r->out->end[r->out->n - 1] = (size_t)(r->p - text);
		if (*r->p == '/' && r->p[1])
			r->p++;
		else if (*r->p)
			return bad(r, "no path from here on");
	}
	return 0;
}

int path_parse(const struct ly_ctx *ctx, const char *text, struct path *out, struct err *err)
{
	struct reader r = {.p = text ? text : "/", .ctx = ctx, .out = out, .err = err};

	out->n = 0;
	if (strlen(r.p) > PATH_MAX_BYTES)
		return bad(&r, "too long");
	if (*r.p == '/')
		r.p++;
	return read_steps(&r, text ? text : "/");
}

static void drop_steps(struct path *p, size_t keep)
{
	while (p->n > keep)
		free(p->step[--p->n].key);
}

int path_parse_on(const struct ly_ctx *ctx, const char *text, size_t keep, struct path *p,
		  struct err *err)
{
	struct reader r = {.ctx = ctx, .out = p, .err = err};

	drop_steps(p, keep);
	if (keep == 0)
		return path_parse(ctx, text, p, err);
	r.p = text + p->end[keep - 1];
	if (strlen(text) > PATH_MAX_BYTES)
		return bad(&r, "too long");
	if (*r.p == '/' && r.p[1])
		r.p++;
	return read_steps(&r, text);
}

void path_free(struct path *p)
{
	drop_steps(p, 0);
}

struct lyd_node *path_find(struct lyd_node *root, const struct path *p, size_t *depth)
{
	struct lyd_node *siblings = root;
	struct lyd_node *found = NULL;
	struct lyd_node *match;
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct path_step *s = &p->step[i];

		match = NULL;
		if (!s->key && (s->node->nodetype & (LYS_LIST | LYS_LEAFLIST)))
			break;
		if (!siblings || lyd_find_sibling_val(siblings, s->node, s->key, 0, &match) ||
		    !match)
			break;
		found = match;
		siblings = lyd_child(match);
	}
	*depth = i;
	return found;
}

char *path_predicate(const struct lyd_node *node)
{
	const struct lyd_node *key;
	char *text = NULL;
	size_t n = 0;

	if (node->schema->nodetype == LYS_LEAFLIST) {
		if (append(&text, &n, ".", lyd_get_value(node)))
			return NULL;
		return text;
	}
	for (key = lyd_child(node); key && (key->schema->flags & LYS_KEY); key = key->next) {
		if (append(&text, &n, key->schema->name, lyd_get_value(key))) {
			free(text);
			return NULL;
		}
	}
	return text;
}

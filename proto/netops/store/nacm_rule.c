/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/nacm_rule.h"
#include "proto/netops/store/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *child_text(const struct lyd_node *entry, const char *name)
{
	const struct lyd_node *n;

	LY_LIST_FOR(lyd_child(entry), n)
	{
		if (strcmp(n->schema->name, name) == 0)
			return lyd_get_value(n);
	}
	return NULL;
}

static bool is_star(const char *text)
{
	return strcmp(text, "*") == 0;
}

static int name_or_any(char **out, const char *text)
{
	*out = text && !is_star(text) ? strdup(text) : NULL;
	return text && !is_star(text) && !*out ? -ENOMEM : 0;
}

static unsigned access_bits(const char *text)
{
	static const struct {
		const char *name;
		unsigned bit;
	} bits[] = {{"create", NACM_CREATE},
		    {"read", NACM_READ},
		    {"update", NACM_UPDATE},
		    {"delete", NACM_DELETE},
		    {"exec", NACM_EXEC}};
	unsigned all = 0;
	size_t n;
	size_t i;

	if (!text || is_star(text))
		return NACM_READ | NACM_CREATE | NACM_UPDATE | NACM_DELETE | NACM_EXEC;
	for (; *text; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		for (i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
			if (strlen(bits[i].name) == n && strncmp(bits[i].name, text, n) == 0)
				all |= bits[i].bit;
		}
	}
	return all;
}

/* ---- Paths: node-instance-identifier (RFC 8341 §3.4.5.1): keys may be missing, or $USER ---- */

static size_t name_len(const char *p)
{
	return strcspn(p, ":/[]=' \"");
}

static const struct lysc_node *find(const struct ly_ctx *ctx, const struct lysc_node *parent,
				    const char **p)
{
	const struct lys_module *mod = parent ? parent->module : NULL;
	size_t n = name_len(*p);
	const struct lysc_node *node;
	char name[128];

	if ((*p)[n] == ':' && n < sizeof(name)) {
		memcpy(name, *p, n);
		name[n] = '\0';
		mod = ly_ctx_get_module_implemented(ctx, name);
		*p += n + 1;
		n = name_len(*p);
	}
	if (!mod || n == 0)
		return NULL;
	node = lys_find_child(parent, mod, *p, n, 0, 0);
	*p += n;
	return node;
}

static int add_key(struct rule_step *s, const struct lysc_node *key, char *value)
{
	struct rule_key *p = realloc(s->key, (s->n_keys + 1) * sizeof(*p));

	if (!p) {
		free(value);
		return -ENOMEM;
	}
	s->key = p;
	p[s->n_keys++] = (struct rule_key){key, value};
	return 0;
}

/* One "[name='x']", "[name=$USER]" or "[.='x']". -EINVAL: none that is known. */
static int predicate(const struct ly_ctx *ctx, struct rule_step *s, const char **p)
{
	const struct lysc_node *key = NULL;
	const char *end;
	char *value;

	*p += 1 + strspn(*p + 1, " ");
	if (**p == '.') {
		(*p)++;
	} else {
		key = find(ctx, s->node, p);
		if (!key)
			return -EINVAL;
	}
	*p += strspn(*p, " ");
	if (**p != '=')
		return -EINVAL;
	*p += 1 + strspn(*p + 1, " ");
	if (strncmp(*p, "$USER", 5) == 0) {
		*p += 5 + strspn(*p + 5, " ");
		return *(*p)++ == ']' ? add_key(s, key, NULL) : -EINVAL;
	}
	if (**p != '\'' && **p != '"')
		return -EINVAL;
	end = strchr(*p + 1, **p);
	value = end ? strndup(*p + 1, (size_t)(end - *p - 1)) : NULL;
	if (!value)
		return end ? -ENOMEM : -EINVAL;
	*p = end + 1 + strspn(end + 1, " ");
	if (**p != ']') {
		free(value);
		return -EINVAL;
	}
	(*p)++;
	return add_key(s, key, value);
}

static int compile_path(struct rule *r, const struct ly_ctx *ctx, const char *p)
{
	const struct lysc_node *parent = NULL;
	struct rule_step *step;
	int rc;

	while (*p == '/' && p[1]) {
		p++;
		step = realloc(r->step, (r->n_steps + 1) * sizeof(*step));
		if (!step)
			return -ENOMEM;
		r->step = step;
		step += r->n_steps++;
		*step = (struct rule_step){0};
		step->node = find(ctx, parent, &p);
		if (!step->node)
			return -EINVAL;
		while (*p == '[') {
			rc = predicate(ctx, step, &p);
			if (rc)
				return rc;
		}
		parent = step->node;
	}
	return *p && strcmp(p, "/") != 0 ? -EINVAL : 0;
}

int rule_compile(struct rule *r, const struct lyd_node *entry)
{
	const char *rpc = child_text(entry, "rpc-name");
	const char *notification = child_text(entry, "notification-name");
	const char *path = child_text(entry, "path");
	const char *action = child_text(entry, "action");
	int rc = name_or_any(&r->module, child_text(entry, "module-name"));

	r->access = access_bits(child_text(entry, "access-operations"));
	r->permit = action && strcmp(action, "permit") == 0;
	if (rpc)
		r->type = RULE_RPC;
	else if (notification)
		r->type = RULE_NOTIFICATION;
	else if (path)
		r->type = RULE_PATH;
	if (rc == 0 && (rpc || notification))
		rc = name_or_any(&r->name, rpc ? rpc : notification);
	if (rc == 0 && r->type == RULE_PATH)
		rc = compile_path(r, entry->schema->module->ctx, path);
	r->broken = rc == -EINVAL;
	return r->broken ? 0 : rc;
}

void rule_free(struct rule *r)
{
	size_t i;
	size_t j;

	for (i = 0; i < r->n_steps; i++) {
		for (j = 0; j < r->step[i].n_keys; j++)
			free(r->step[i].key[j].value);
		free(r->step[i].key);
	}
	free(r->step);
	free(r->module);
	free(r->name);
}

static bool step_matches(const struct rule_step *s, const char *user, const struct lyd_node *node)
{
	const struct lyd_node *key;
	const char *want;
	size_t i;

	if (node->schema != s->node)
		return false;
	for (i = 0; i < s->n_keys; i++) {
		key = node;
		want = s->key[i].value ? s->key[i].value : user;
		if (s->key[i].key) {
			for (key = lyd_child(node); key && key->schema != s->key[i].key;
			     key = key->next)
				;
		}
		if (!key || !(key->schema->nodetype & LYD_NODE_TERM) ||
		    strcmp(lyd_get_value(key), want) != 0)
			return false;
	}
	return true;
}

bool rule_matches_node(const struct rule *r, const char *user, const struct lyd_node *node)
{
	size_t depth = 0;
	const struct lyd_node *at;

	if (r->broken)
		return false;
	for (at = node; at; at = lyd_parent(at))
		depth++;
	if (depth < r->n_steps)
		return false;
	for (at = node; at; at = lyd_parent(at), depth--) {
		if (depth <= r->n_steps && !step_matches(&r->step[depth - 1], user, at))
			return false;
	}
	return true;
}

bool rule_matches_schema(const struct rule *r, const struct lysc_node *node, bool *some)
{
	const struct lysc_node *at;
	size_t depth = 0;

	*some = false;
	if (r->broken)
		return false;
	for (at = lysc_data_node(node); at; at = lysc_data_parent(at))
		depth++;
	if (depth < r->n_steps)
		return false;
	for (at = lysc_data_node(node); at; at = lysc_data_parent(at), depth--) {
		if (depth > r->n_steps)
			continue;
		if (r->step[depth - 1].node != at)
			return false;
		*some = *some || r->step[depth - 1].n_keys;
	}
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/nacm_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct group {
	char *name;
	char **user;
	size_t n;
};

struct rule_list {
	char **group;
	size_t n_groups;
	bool everyone;
	struct rule *rule;
	size_t n_rules;
};

struct rules {
	bool enabled;
	bool external_groups;
	bool read;
	bool write;
	bool exec;
	struct group *group;
	size_t n_groups;
	struct rule_list *list;
	size_t n_lists;
};

struct nacm {
	const struct ly_ctx *ctx;
	struct rules rules;
	struct nacm_counters counters;
};

static void rules_free(struct rules *r)
{
	size_t i;
	size_t j;

	for (i = 0; i < r->n_groups; i++) {
		for (j = 0; j < r->group[i].n; j++)
			free(r->group[i].user[j]);
		free(r->group[i].user);
		free(r->group[i].name);
	}
	for (i = 0; i < r->n_lists; i++) {
		for (j = 0; j < r->list[i].n_groups; j++)
			free(r->list[i].group[j]);
		for (j = 0; j < r->list[i].n_rules; j++)
			rule_free(&r->list[i].rule[j]);
		free(r->list[i].group);
		free(r->list[i].rule);
	}
	free(r->group);
	free(r->list);
}

struct nacm *nacm_new(const struct ly_ctx *ctx)
{
	struct nacm *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->ctx = ctx;
	/* A schema without the module has no access control; with it, it is on until it is switched
	 * off. */
	n->rules.enabled = ly_ctx_get_module_implemented(ctx, "ietf-netconf-acm") != NULL;
	n->rules.external_groups = true;
	n->rules.read = true;
	n->rules.exec = true;
	return n;
}

void nacm_free(struct nacm *n)
{
	if (!n)
		return;
	rules_free(&n->rules);
	free(n);
}

/* ---- Loading ---- */

static bool is(const struct lyd_node *n, const char *name)
{
	return strcmp(n->schema->name, name) == 0;
}

static bool says(const struct lyd_node *n, const char *value)
{
	return strcmp(lyd_get_value(n), value) == 0;
}

static int push_text(char ***vec, size_t *n, const char *text)
{
	char **p = realloc(*vec, (*n + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	*vec = p;
	p[*n] = strdup(text);
	return p[*n] ? (++*n, 0) : -ENOMEM;
}

static int load_group(struct rules *r, const struct lyd_node *entry)
{
	struct group *g = realloc(r->group, (r->n_groups + 1) * sizeof(*g));
	const struct lyd_node *n;
	int rc = 0;

	if (!g)
		return -ENOMEM;
	r->group = g;
	g += r->n_groups++;
	*g = (struct group){0};
	LY_LIST_FOR(lyd_child(entry), n)
	{
		if (rc == 0 && is(n, "name")) {
			g->name = strdup(lyd_get_value(n));
			rc = g->name ? 0 : -ENOMEM;
		} else if (rc == 0 && is(n, "user-name")) {
			rc = push_text(&g->user, &g->n, lyd_get_value(n));
		}
	}
	return rc;
}

static int load_rule(struct rule_list *l, const struct lyd_node *entry)
{
	struct rule *r = realloc(l->rule, (l->n_rules + 1) * sizeof(*r));

	if (!r)
		return -ENOMEM;
	l->rule = r;
	r += l->n_rules++;
	*r = (struct rule){0};
	return rule_compile(r, entry);
}

static int load_list(struct rules *r, const struct lyd_node *entry)
{
	struct rule_list *l = realloc(r->list, (r->n_lists + 1) * sizeof(*l));
	const struct lyd_node *n;
	int rc = 0;

	if (!l)
		return -ENOMEM;
	r->list = l;
	l += r->n_lists++;
	*l = (struct rule_list){0};
	LY_LIST_FOR(lyd_child(entry), n)
	{
		if (rc == 0 && is(n, "group")) {
			l->everyone = l->everyone || says(n, "*");
			rc = push_text(&l->group, &l->n_groups, lyd_get_value(n));
		} else if (rc == 0 && is(n, "rule")) {
			rc = load_rule(l, n);
		}
	}
	return rc;
}

static int load_node(struct rules *r, const struct lyd_node *n)
{
	const struct lyd_node *g;
	int rc = 0;

	if (is(n, "enable-nacm"))
		r->enabled = says(n, "true");
	else if (is(n, "read-default"))
		r->read = says(n, "permit");
	else if (is(n, "write-default"))
		r->write = says(n, "permit");
	else if (is(n, "exec-default"))
		r->exec = says(n, "permit");
	else if (is(n, "enable-external-groups"))
		r->external_groups = says(n, "true");
	else if (is(n, "rule-list"))
		return load_list(r, n);
	else if (is(n, "groups"))
		LY_LIST_FOR(lyd_child(n), g)
		{
			if (rc == 0)
				rc = load_group(r, g);
		}
	return rc;
}

int nacm_load(struct nacm *n, const struct lyd_node *running)
{
	struct rules r = {.enabled = true, .external_groups = true, .read = true, .exec = true};
	const struct lyd_node *top;
	const struct lyd_node *at;
	int rc = 0;

	if (!ly_ctx_get_module_implemented(n->ctx, "ietf-netconf-acm"))
		return 0;
	LY_LIST_FOR(running, top)
	{
		if (!is(top, "nacm") || strcmp(top->schema->module->name, "ietf-netconf-acm") != 0)
			continue;
		LY_LIST_FOR(lyd_child(top), at)
		{
			if (rc == 0)
				rc = load_node(&r, at);
		}
	}
	if (rc) {
		rules_free(&r);
		return rc;
	}
	rules_free(&n->rules);
	n->rules = r;
	return 0;
}

/* ---- Asking ---- */

static bool in_group(const struct nacm *n, const struct principal *p, const char *name)
{
	size_t i;
	size_t j;

	for (i = 0; n->rules.external_groups && i < p->n_groups && i < PRINCIPAL_MAX_GROUPS; i++) {
		if (strcmp(p->group[i], name) == 0)
			return true;
	}
	for (i = 0; i < n->rules.n_groups; i++) {
		const struct group *g = &n->rules.group[i];

		if (strcmp(g->name, name) != 0)
			continue;
		for (j = 0; j < g->n; j++) {
			if (strcmp(g->user[j], p->user) == 0)
				return true;
		}
	}
	return false;
}

/* In no group at all: then no rule counts, not even one for "*" (RFC 8341 §3.4.5 step 4). */
static bool has_group(const struct nacm *n, const struct principal *p)
{
	size_t i;

	if (n->rules.external_groups && p->n_groups)
		return true;
	for (i = 0; i < n->rules.n_groups; i++) {
		if (in_group(n, p, n->rules.group[i].name))
			return true;
	}
	return false;
}

static bool concerns(const struct nacm *n, const struct principal *p, const struct rule_list *l)
{
	size_t i;

	if (l->everyone)
		return true;
	for (i = 0; i < l->n_groups; i++) {
		if (in_group(n, p, l->group[i]))
			return true;
	}
	return false;
}

/* What is asked about. */
struct question {
	enum nacm_access access;
	enum rule_type type; /* RULE_PATH: data */
	const char *module;
	const char *name;
	const struct lyd_node *node;
	const struct lysc_node *schema;
};

/* 1: matches; 2: matches some instances. */
static int rule_matches(const struct rule *r, const struct principal *p, const struct question *q)
{
	bool some = false;

	if (!(r->access & q->access) || (r->module && strcmp(r->module, q->module) != 0))
		return 0;
	if (r->type == RULE_ANY)
		return 1;
	if (r->type != q->type)
		return 0;
	if (r->type != RULE_PATH)
		return !r->name || strcmp(r->name, q->name) == 0;
	if (q->node)
		return rule_matches_node(r, p->user, q->node);
	return rule_matches_schema(r, q->schema, &some) ? 1 + some : 0;
}

/* The first rule that matches decides: 1 permit, 0 deny, -1 none. */
static int decide(const struct nacm *n, const struct principal *p, const struct question *q)
{
	size_t i;
	size_t j;
	int m;

	if (n->rules.n_lists == 0 || !has_group(n, p))
		return -1;
	for (i = 0; i < n->rules.n_lists; i++) {
		const struct rule_list *l = &n->rules.list[i];

		if (!concerns(n, p, l))
			continue;
		for (j = 0; j < l->n_rules; j++) {
			m = rule_matches(&l->rule[j], p, q);
			/* A denial of some instances leaves others. */
			if (m == 1 || (m == 2 && l->rule[j].permit))
				return l->rule[j].permit;
		}
	}
	return -1;
}

static bool has_extension(const struct lysc_node *node, const char *name)
{
	LY_ARRAY_COUNT_TYPE i;

	LY_ARRAY_FOR(node->exts, i)
	{
		if (strcmp(node->exts[i].def->module->name, "ietf-netconf-acm") == 0 &&
		    strcmp(node->exts[i].def->name, name) == 0)
			return true;
	}
	return false;
}

/* nacm:default-deny-all, and for writes default-deny-write, on the node or above it. */
static bool denied_by_model(const struct lysc_node *node, enum nacm_access a)
{
	for (; node; node = node->parent) {
		if (has_extension(node, "default-deny-all"))
			return true;
		if (a != NACM_READ && has_extension(node, "default-deny-write"))
			return true;
	}
	return false;
}

static bool data_allowed(const struct nacm *n, const struct principal *p, const struct question *q)
{
	int d;

	if (!n->rules.enabled || p->recovery)
		return true;
	d = decide(n, p, q);
	if (d >= 0)
		return d;
	if (denied_by_model(q->schema, q->access))
		return false;
	return q->access == NACM_READ ? n->rules.read : n->rules.write;
}

bool nacm_data(struct nacm *n, const struct principal *p, enum nacm_access a,
	       const struct lyd_node *node)
{
	struct question q = {.access = a,
			     .type = RULE_PATH,
			     .module = node->schema->module->name,
			     .node = node,
			     .schema = node->schema};
	bool ok = data_allowed(n, p, &q);

	if (!ok && a != NACM_READ)
		n->counters.denied_data_writes++;
	return ok;
}

bool nacm_schema(struct nacm *n, const struct principal *p, enum nacm_access a,
		 const struct lysc_node *node)
{
	struct question q = {.access = a, .type = RULE_PATH};

	/* What lies above must be readable as well, or nobody gets there. */
	for (node = lysc_data_node(node); node; node = lysc_data_parent(node)) {
		q.module = node->module->name;
		q.schema = node;
		if (!data_allowed(n, p, &q))
			return false;
		q.access = NACM_READ;
	}
	return true;
}

/* An rpc, action or notification of that name at the top of a module. */
static const struct lysc_node *operation(const struct nacm *n, const char *module, const char *name,
					 uint16_t type)
{
	const struct lys_module *mod = ly_ctx_get_module_implemented(n->ctx, module);

	return mod && mod->compiled ? lys_find_child(NULL, mod, name, 0, type, 0) : NULL;
}

bool nacm_exec(struct nacm *n, const struct principal *p, const char *module, const char *rpc)
{
	struct question q = {.access = NACM_EXEC, .type = RULE_RPC, .module = module, .name = rpc};
	bool netconf = strcmp(module, "ietf-netconf") == 0;
	const struct lysc_node *node;
	bool ok;
	int d;

	if (!n->rules.enabled || p->recovery || (netconf && strcmp(rpc, "close-session") == 0))
		return true;
	d = decide(n, p, &q);
	node = operation(n, module, rpc, LYS_RPC | LYS_ACTION);
	if (d >= 0)
		ok = d;
	else if ((node && denied_by_model(node, NACM_READ)) ||
		 (netconf &&
		  (strcmp(rpc, "kill-session") == 0 || strcmp(rpc, "delete-config") == 0)))
		ok = false;
	else
		ok = n->rules.exec;
	if (!ok)
		n->counters.denied_operations++;
	return ok;
}

bool nacm_notification(struct nacm *n, const struct principal *p, const char *module,
		       const char *name)
{
	struct question q = {
		.access = NACM_READ, .type = RULE_NOTIFICATION, .module = module, .name = name};
	const struct lysc_node *node;
	bool ok;
	int d;

	if (!n->rules.enabled || p->recovery ||
	    (strcmp(module, "nc-notifications") == 0 &&
	     (strcmp(name, "replayComplete") == 0 || strcmp(name, "notificationComplete") == 0)))
		return true;
	d = decide(n, p, &q);
	node = operation(n, module, name, LYS_NOTIF);
	if (d >= 0)
		ok = d;
	else
		ok = node && denied_by_model(node, NACM_READ) ? false : n->rules.read;
	if (!ok)
		n->counters.denied_notifications++;
	return ok;
}

void nacm_counters(const struct nacm *n, struct nacm_counters *out)
{
	*out = n->counters;
}

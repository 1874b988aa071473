/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/policy_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- release ---- */

static void texts_free(struct texts *t)
{
	while (t->n)
		free(t->at[--t->n]);
	free(t->at);
	t->at = NULL;
}

static void who_free(struct who *w)
{
	texts_free(&w->user);
	texts_free(&w->group);
}

void policy_rules_free(struct rules *r)
{
	size_t i;

	for (i = 0; i < r->n_rule; i++) {
		who_free(&r->rule[i].who);
		free(r->rule[i].name);
		free(r->rule[i].tool);
		free(r->rule[i].path);
	}
	for (i = 0; i < r->n_limit; i++) {
		who_free(&r->limit[i].who);
		free(r->limit[i].name);
		free(r->limit[i].tool);
	}
	for (i = 0; i < r->n_approval; i++) {
		who_free(&r->approval[i].who);
		free(r->approval[i].name);
		free(r->approval[i].path);
		free(r->approval[i].message);
	}
	for (i = 0; i < r->n_prefix; i++)
		free(r->prefix[i].text);
	free(r->rule);
	free(r->limit);
	free(r->approval);
	free(r->prefix);
	texts_free(&r->interface);
	texts_free(&r->path);
	*r = (struct rules){0};
}

/* ---- reading ---- */

static const struct lyd_node *child(const struct lyd_node *at, const char *name)
{
	const struct lyd_node *n;

	for (n = at ? lyd_child(at) : NULL; n; n = n->next) {
		if (n->schema && strcmp(n->schema->name, name) == 0)
			return n;
	}
	return NULL;
}

static const char *value(const struct lyd_node *at, const char *name)
{
	const struct lyd_node *n = child(at, name);

	return n ? lyd_get_value(n) : NULL;
}

static bool flag(const struct lyd_node *at, const char *name, bool otherwise)
{
	const char *v = value(at, name);

	return v ? strcmp(v, "true") == 0 : otherwise;
}

static uint32_t number(const struct lyd_node *at, const char *name, uint32_t otherwise)
{
	const char *v = value(at, name);

	return v ? (uint32_t)strtoul(v, NULL, 10) : otherwise;
}

/* Of at's children by that name. */
static size_t count(const struct lyd_node *at, const char *name)
{
	const struct lyd_node *n;
	size_t found = 0;

	for (n = at ? lyd_child(at) : NULL; n; n = n->next)
		found += n->schema && strcmp(n->schema->name, name) == 0;
	return found;
}

/* An array for them; false: no memory. */
static bool make(const struct lyd_node *at, const char *name, size_t size, void *out, size_t *n)
{
	size_t found = count(at, name);
	void *p = found ? calloc(found, size) : NULL;

	memcpy(out, &p, sizeof(p));
	*n = 0;
	return found == 0 || p;
}

static bool text(char **to, const char *from, const char *otherwise)
{
	if (!from)
		from = otherwise;
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static bool texts(struct texts *t, const struct lyd_node *at, const char *name)
{
	const struct lyd_node *n;

	if (!make(at, name, sizeof(*t->at), &t->at, &t->n))
		return false;
	for (n = at ? lyd_child(at) : NULL; n; n = n->next) {
		if (!n->schema || strcmp(n->schema->name, name) != 0)
			continue;
		if (!text(&t->at[t->n], lyd_get_value(n), ""))
			return false;
		t->n++;
	}
	return true;
}

static bool who(struct who *w, const struct lyd_node *at)
{
	return texts(&w->user, at, "user") && texts(&w->group, at, "group");
}

static bool is(const struct lyd_node *n, const char *name)
{
	return n->schema && strcmp(n->schema->name, name) == 0;
}

static bool load_rule(struct rules *r, const struct lyd_node *n)
{
	struct rule *x = &r->rule[r->n_rule++];

	x->block = strcmp(value(n, "action") ? value(n, "action") : "block", "block") == 0;
	return who(&x->who, n) && text(&x->name, value(n, "name"), "") &&
	       text(&x->tool, value(n, "tool"), "*") && text(&x->path, value(n, "path"), NULL);
}

static bool load_limit(struct rules *r, const struct lyd_node *n)
{
	struct rate_limit *x = &r->limit[r->n_limit++];

	x->rate = number(n, "rate", 1);
	if (x->rate == 0)
		x->rate = 1;
	x->interval = SEC(60) / x->rate;
	x->burst = number(n, "burst", 10);
	return who(&x->who, n) && text(&x->name, value(n, "name"), "") &&
	       text(&x->tool, value(n, "tool"), "*");
}

static bool load_approval(struct rules *r, const struct lyd_node *n)
{
	struct approval *x = &r->approval[r->n_approval++];

	x->min_changes = number(n, "min-changes", 0);
	x->management_path = flag(n, "management-path", false);
	x->unconfirmed = flag(n, "unconfirmed", false);
	x->requester_may = flag(n, "approver-may-be-requester", false);
	return who(&x->who, n) && text(&x->name, value(n, "name"), "") &&
	       text(&x->path, value(n, "path"), NULL) &&
	       text(&x->message, value(n, "message"), NULL);
}

bool policy_prefix(const char *s, size_t n, struct prefix *out)
{
	char addr[64];
	const char *slash = memchr(s, '/', n);
	size_t len = slash ? (size_t)(slash - s) : n;
	char *end;

	if (len == 0 || len >= sizeof(addr))
		return false;
	memcpy(addr, s, len);
	addr[len] = 0;
	*out = (struct prefix){.family = memchr(addr, ':', len) ? AF_INET6 : AF_INET};
	if (inet_pton(out->family, addr, out->addr) != 1)
		return false;
	out->bits = out->family == AF_INET6 ? 128 : 32;
	if (slash) {
		char bits[8] = "";

		n -= len + 1;
		if (n == 0 || n >= sizeof(bits))
			return false;
		memcpy(bits, slash + 1, n);
		len = strtoul(bits, &end, 10);
		if (*end || len > out->bits)
			return false;
		out->bits = (unsigned)len;
	}
	return true;
}

static bool load_prefix(struct rules *r, const struct lyd_node *n)
{
	struct prefix *x = &r->prefix[r->n_prefix];
	const char *v = lyd_get_value(n);

	if (!policy_prefix(v, strlen(v), x))
		return true; /* the module's type admits none */
	r->n_prefix++;
	return text(&x->text, v, "");
}

static bool load_protected(struct rules *r, const struct lyd_node *at)
{
	const struct lyd_node *n;

	if (!texts(&r->interface, at, "interface") || !texts(&r->path, at, "path") ||
	    !make(at, "prefix", sizeof(*r->prefix), &r->prefix, &r->n_prefix))
		return false;
	for (n = at ? lyd_child(at) : NULL; n; n = n->next) {
		if (is(n, "prefix") && !load_prefix(r, n))
			return false;
	}
	return true;
}

static bool load(struct rules *r, const struct lyd_node *at)
{
	const struct lyd_node *radius = child(at, "blast-radius");
	const char *otherwise = value(at, "default-action");
	const struct lyd_node *n;

	degradation_parse(value(at, "level"), &r->level);
	r->protect_mgmt = flag(at, "protect-mgmt", true);
	r->block = otherwise && strcmp(otherwise, "block") == 0;
	r->max_interfaces = number(radius, "max-interfaces", UINT32_MAX);
	r->max_routes = number(radius, "max-routes", UINT32_MAX);
	r->max_changes = number(radius, "max-changes", UINT32_MAX);
	if (!make(at, "rule", sizeof(*r->rule), &r->rule, &r->n_rule) ||
	    !make(at, "rate-limit", sizeof(*r->limit), &r->limit, &r->n_limit) ||
	    !make(at, "approval", sizeof(*r->approval), &r->approval, &r->n_approval) ||
	    !load_protected(r, child(at, "protected")))
		return false;
	for (n = at ? lyd_child(at) : NULL; n; n = n->next) {
		if ((is(n, "rule") && !load_rule(r, n)) ||
		    (is(n, "rate-limit") && !load_limit(r, n)) ||
		    (is(n, "approval") && !load_approval(r, n)))
			return false;
	}
	return true;
}

int policy_load(struct policy *p, const struct lyd_node *running, struct err *err)
{
	const struct lyd_node *n = running;
	struct rules r = {0};

	while (n && n->prev->next)
		n = n->prev;
	for (; n; n = n->next) {
		if (is(n, "netops") && strcmp(n->schema->module->name, "depanneur-netops") == 0)
			break;
	}
	if (!load(&r, child(n, "policy"))) {
		policy_rules_free(&r);
		return err_set(err, -ENOMEM, "no memory for the policy");
	}
	policy_rules_free(&p->rules);
	p->rules = r;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What a commit may touch, and who must agree. */
#include "proto/netops/policy_priv.h"

#include <string.h>

static int refuse(struct policy *p, struct neterr *e, const char *path, const char *rule)
{
	yyjson_mut_val *data;

	p->counters.denied_commits++;
	if (path)
		err_where(&e->err, "%s", path);
	data = neterr_data(e);
	if (data && rule)
		yyjson_mut_obj_add_strcpy(e->data, data, "rule", rule);
	if (data && path)
		yyjson_mut_obj_add_strcpy(e->data, data, "path", path);
	return e->code;
}

/* path is at or below `at`. */
static bool below(const char *path, const char *at)
{
	size_t n = strlen(at);

	while (n > 1 && at[n - 1] == '/')
		n--;
	if (n == 1)
		return true;
	return strncmp(path, at, n) == 0 && (path[n] == 0 || path[n] == '/' || path[n] == '[');
}

static int check_rules(struct policy *p, const struct principal *by, const struct change *c,
		       struct neterr *e)
{
	size_t i;

	for (i = 0; i < p->rules.n_rule; i++) {
		const struct rule *r = &p->rules.rule[i];

		if (!r->path || !policy_is(&r->who, by) ||
		    !policy_glob(r->tool, "network.commit") || !below(c->path, r->path))
			continue;
		if (!r->block)
			return 0;
		neterr_set(e, NETERR_POLICY_DENIED, "access-denied",
			   "the policy blocks this change: rule %s", r->name);
		return refuse(p, e, c->path, r->name);
	}
	return 0;
}

/* ---- protected targets ---- */

static bool within(const struct prefix *x, const struct prefix *in)
{
	unsigned whole = in->bits / 8;
	unsigned rest = in->bits % 8;

	if (x->family != in->family || x->bits < in->bits || memcmp(x->addr, in->addr, whole) != 0)
		return false;
	return rest == 0 || (x->addr[whole] ^ in->addr[whole]) >> (8 - rest) == 0;
}

static const char *protected_prefix(const struct policy *p, const char *s, size_t n)
{
	struct prefix x;
	size_t i;

	if (p->rules.n_prefix == 0 || !policy_prefix(s, n, &x))
		return NULL;
	for (i = 0; i < p->rules.n_prefix; i++) {
		if (within(&x, &p->rules.prefix[i]))
			return p->rules.prefix[i].text;
	}
	return NULL;
}

static bool protected_interface(const struct policy *p, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < p->rules.interface.n; i++) {
		if (strlen(p->rules.interface.at[i]) == n &&
		    strncmp(p->rules.interface.at[i], s, n) == 0)
			return true;
	}
	return false;
}

static int refuse_target(struct policy *p, const struct change *c, const char *what,
			 const char *name, size_t n, struct neterr *e)
{
	neterr_set(e, NETERR_POLICY_DENIED, "access-denied", "%s %.*s is protected", what, (int)n,
		   name);
	err_mend(&e->err,
		 "only the recovery session may change it, or who takes it off the list first");
	return refuse(p, e, c->path, NULL);
}

/* Whether a node's name says that its value names an interface. */
static bool names_interface(const char *name, size_t n)
{
	return (n >= 9 && strncmp(name + n - 9, "interface", 9) == 0);
}

/* Each key of the path: of an entry of a list "interface", or an address or prefix. */
static int check_keys(struct policy *p, const struct change *c, struct neterr *e)
{
	const char *node = c->path;
	const char *s = c->path;

	while (*s) {
		const char *value;
		const char *hit;
		size_t n;
		char quote;

		if (*s == '/') {
			node = ++s;
			continue;
		}
		if (*s != '\'' && *s != '"') {
			s++;
			continue;
		}
		quote = *s++;
		value = s;
		n = strcspn(value, quote == '\'' ? "'" : "\"");
		s += n + (value[n] != 0);
		hit = protected_prefix(p, value, n);
		if (hit)
			return refuse_target(p, c, "prefix", hit, strlen(hit), e);
		if (names_interface(node, strcspn(node, "[/")) && protected_interface(p, value, n))
			return refuse_target(p, c, "interface", value, n, e);
	}
	return 0;
}

/* The value of a leaf: an address, a prefix, or the name of an interface. */
static int check_value(struct policy *p, const struct change *c, const char *value,
		       struct neterr *e)
{
	const char *name = strrchr(c->path, '/');
	const char *hit;

	if (!value || !name)
		return 0;
	hit = protected_prefix(p, value, strlen(value));
	if (hit)
		return refuse_target(p, c, "prefix", hit, strlen(hit), e);
	if (names_interface(name, strcspn(name, "[")) &&
	    protected_interface(p, value, strlen(value)))
		return refuse_target(p, c, "interface", value, strlen(value), e);
	return 0;
}

static int check_targets(struct policy *p, const struct change *c, struct neterr *e)
{
	size_t i;
	int rc;

	for (i = 0; i < p->rules.path.n; i++) {
		if (below(c->path, p->rules.path.at[i]))
			return refuse_target(p, c, "configuration below", p->rules.path.at[i],
					     strlen(p->rules.path.at[i]), e);
	}
	if (p->rules.interface.n == 0 && p->rules.n_prefix == 0)
		return 0;
	rc = check_keys(p, c, e);
	if (rc == 0)
		rc = check_value(p, c, c->old, e);
	return rc ? rc : check_value(p, c, c->new, e);
}

/* ---- the whole commit ---- */

static int too_wide(struct policy *p, const char *what, uint64_t is, uint32_t max, struct neterr *e)
{
	neterr_set(e, NETERR_POLICY_DENIED, "access-denied",
		   "the commit touches %llu %s, the policy allows %u", (unsigned long long)is, what,
		   max);
	err_mend(&e->err, "commit it in parts");
	return refuse(p, e, NULL, "blast-radius");
}

static int check_radius(struct policy *p, size_t n, unsigned n_interfaces, unsigned n_routes,
			struct neterr *e)
{
	const struct rules *r = &p->rules;

	if (n_interfaces > r->max_interfaces)
		return too_wide(p, "interfaces", n_interfaces, r->max_interfaces, e);
	if (n_routes > r->max_routes)
		return too_wide(p, "routes", n_routes, r->max_routes, e);
	return n > r->max_changes ? too_wide(p, "changes", n, r->max_changes, e) : 0;
}

static bool applies(const struct approval *a, const struct principal *by, const struct changes *c,
		    bool management_path, unsigned confirmed)
{
	size_t i;

	if (!policy_is(&a->who, by) || c->n < a->min_changes ||
	    (a->management_path && !management_path) || (a->unconfirmed && confirmed))
		return false;
	if (!a->path)
		return true;
	for (i = 0; i < c->n; i++) {
		if (below(c->at[i].path, a->path))
			return true;
	}
	return false;
}

static int ask_approval(struct policy *p, const struct approval *a, const struct changes *c,
			bool management_path, struct neterr *e)
{
	yyjson_mut_val *data;
	char text[400];

	p->counters.approvals_required++;
	snprintf(text, sizeof(text), "Commit %zu change%s%s?%s%s", c->n, c->n == 1 ? "" : "s",
		 management_path ? " (touches management path)" : "", a->message ? " " : "",
		 a->message ? a->message : "");
	neterr_set(e, NETERR_POLICY_DENIED, "approval-required",
		   "the policy wants a person to approve this: %s", a->name);
	data = neterr_data(e);
	if (data) {
		yyjson_mut_obj_add_strcpy(e->data, data, "message", text);
		yyjson_mut_obj_add_strcpy(e->data, data, "rule", a->name);
		yyjson_mut_obj_add_bool(e->data, data, "approverMayBeRequester", a->requester_may);
	}
	return e->code;
}

static int check_approval(struct policy *p, const struct principal *by, const struct changes *c,
			  bool management_path, unsigned confirmed, bool approved,
			  const char *approver, struct neterr *e)
{
	size_t i;

	for (i = 0; i < p->rules.n_approval; i++) {
		const struct approval *a = &p->rules.approval[i];

		if (!applies(a, by, c, management_path, confirmed))
			continue;
		if (!approved)
			return ask_approval(p, a, c, management_path, e);
		if (a->requester_may || (approver && strcmp(approver, by->user) != 0))
			continue;
		neterr_set(e, NETERR_POLICY_DENIED, "access-denied",
			   "who asked for the commit may not approve it: %s", a->name);
		err_mend(&e->err, "another person must approve");
		return refuse(p, e, NULL, a->name);
	}
	return 0;
}

int policy_commit(struct policy *p, const struct principal *by, const struct changes *c,
		  unsigned n_interfaces, unsigned n_routes, bool management_path,
		  unsigned confirmed, bool approved, const char *approver, struct neterr *e)
{
	size_t i;
	int rc = 0;

	if (by->recovery)
		return 0;
	if (policy_level(p) != LEVEL_FULL) {
		neterr_set(e, NETERR_POLICY_DENIED, "access-denied", "operation is switched to %s",
			   degradation_name(policy_level(p)));
		return refuse(p, e, NULL, "level");
	}
	for (i = 0; i < c->n && rc == 0; i++) {
		rc = check_rules(p, by, &c->at[i], e);
		if (rc == 0)
			rc = check_targets(p, &c->at[i], e);
	}
	if (rc == 0)
		rc = check_radius(p, c->n, n_interfaces, n_routes, e);
	if (rc == 0 && management_path && p->rules.protect_mgmt && !confirmed) {
		neterr_set(
			e, NETERR_POLICY_DENIED, "access-denied",
			"the commit touches the way to its own client and is not a confirmed one");
		err_mend(&e->err, "give confirmed, and confirm when you can still reach the node");
		return refuse(p, e, NULL, "protect-mgmt");
	}
	return rc ? rc
		  : check_approval(p, by, c, management_path, confirmed, approved, approver, e);
}

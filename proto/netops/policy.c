/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy at dispatch: levels, rules, rates. What commits may touch is in policy_commit.c,
 * reading the configuration in policy_load.c. */
#include "proto/netops/policy_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BUCKETS 4096

const char *degradation_name(enum degradation l)
{
	static const char *const name[] = {
		[LEVEL_FULL] = "full", [LEVEL_READ_ONLY] = "read-only", [LEVEL_OFF] = "off"};

	return name[l];
}

int degradation_parse(const char *text, enum degradation *out)
{
	enum degradation l;

	for (l = LEVEL_FULL; l <= LEVEL_OFF; l++) {
		if (text && strcmp(text, degradation_name(l)) == 0) {
			*out = l;
			return 0;
		}
	}
	return -EINVAL;
}

enum degradation policy_level(const struct policy *p)
{
	return p->override > p->rules.level ? p->override : p->rules.level;
}

void policy_set_level(struct policy *p, enum degradation l)
{
	p->override = l;
}

void policy_counters(const struct policy *p, struct policy_counters *out)
{
	*out = p->counters;
}

struct policy *policy_new(void)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	alloc_init(&p->alloc, 0);
	hash_init(&p->buckets, &p->alloc);
	p->rules = (struct rules){.protect_mgmt = true,
				  .max_interfaces = UINT32_MAX,
				  .max_routes = UINT32_MAX,
				  .max_changes = UINT32_MAX};
	return p;
}

static void drop_bucket(struct policy *p, struct bucket *b)
{
	hash_del(&p->buckets, &b->node);
	free(b->key);
	free(b);
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	hash_each (it, &p->buckets)
		drop_bucket(p, container_of(it, struct bucket, node));
	hash_free(&p->buckets);
	policy_rules_free(&p->rules);
	free(p);
}

/* ---- matching ---- */

bool policy_glob(const char *pattern, const char *text)
{
	const char *star = NULL;
	const char *from = NULL;

	/* One star is gone back to at most: the last. */
	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static bool in_texts(const struct texts *t, const char *text)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (strcmp(t->at[i], text) == 0)
			return true;
	}
	return false;
}

bool policy_is(const struct who *w, const struct principal *by)
{
	unsigned i;

	if (w->user.n == 0 && w->group.n == 0)
		return true;
	if (in_texts(&w->user, by->user))
		return true;
	for (i = 0; i < by->n_groups; i++) {
		if (in_texts(&w->group, by->group[i]))
			return true;
	}
	return false;
}

/* ---- rates ---- */

/* Tokens are counted in microseconds of their coming, so that nothing is rounded. */
static void refill(struct bucket *b, const struct rate_limit *l, usec_t now)
{
	int64_t full = l->interval * l->burst;

	if (now > b->at)
		b->level += now - b->at;
	b->at = now;
	if (b->level > full)
		b->level = full;
}

/* Buckets that would be full by now say nothing. */
static void purge(struct policy *p, usec_t now)
{
	hash_each (it, &p->buckets) {
		struct bucket *b = container_of(it, struct bucket, node);

		if (now - b->at >= b->fills)
			drop_bucket(p, b);
	}
}

static struct bucket *bucket_of(struct policy *p, const struct rate_limit *l, const char *key,
				usec_t now)
{
	uint32_t h = hash_bytes(key, strlen(key), 0x706f6c696379);
	struct hash_node *n;
	struct bucket *b;

	for (n = hash_first(&p->buckets, h); n; n = hash_next(n)) {
		b = container_of(n, struct bucket, node);
		if (strcmp(b->key, key) == 0)
			return b;
	}
	if (p->buckets.n >= MAX_BUCKETS)
		purge(p, now);
	b = p->buckets.n < MAX_BUCKETS ? calloc(1, sizeof(*b)) : NULL;
	if (!b)
		return NULL;
	b->key = strdup(key);
	b->level = l->interval * l->burst;
	b->fills = b->level;
	b->at = now;
	if (!b->key || hash_add(&p->buckets, &b->node, h)) {
		free(b->key);
		free(b);
		return NULL;
	}
	return b;
}

static int too_fast(struct policy *p, const struct rate_limit *l, usec_t wait, struct neterr *e)
{
	yyjson_mut_val *data;

	p->counters.rate_limited++;
	neterr_set(e, NETERR_POLICY_DENIED, "resource-denied",
		   "too many calls: limit %s allows %u a minute", l->name, l->rate);
	err_mend(&e->err, "try again in %lld ms", (long long)(wait + 999) / 1000);
	data = neterr_data(e);
	if (data) {
		yyjson_mut_obj_add_strcpy(e->data, data, "limit", l->name);
		yyjson_mut_obj_add_sint(e->data, data, "retryAfterMs", (wait + 999) / 1000);
		yyjson_mut_obj_add_bool(e->data, data, "retryable", true);
	}
	return e->code;
}

/* Takes a token of each bucket, or of none. */
static int take_tokens(struct policy *p, const struct principal *by, const char *tool, usec_t now,
		       struct neterr *e)
{
	struct bucket *b[POLICY_MAX_LIMITS];
	const struct rate_limit *l;
	char key[512];
	size_t n = 0;
	size_t i;

	for (i = 0; i < p->rules.n_limit && n < POLICY_MAX_LIMITS; i++) {
		l = &p->rules.limit[i];
		if (!policy_is(&l->who, by) || !policy_glob(l->tool, tool))
			continue;
		snprintf(key, sizeof(key), "%s\n%s\n%s\n%s", l->name, by->user, by->client, tool);
		b[n] = bucket_of(p, l, key, now);
		/* No memory for one more: better slow than unlimited. */
		if (!b[n])
			return too_fast(p, l, SEC(1), e);
		refill(b[n], l, now);
		b[n]->fills = l->interval * l->burst;
		b[n]->cost = l->interval;
		if (b[n]->level < l->interval)
			return too_fast(p, l, l->interval - b[n]->level, e);
		n++;
	}
	for (i = 0; i < n; i++)
		b[i]->level -= b[i]->cost;
	return 0;
}

/* ---- tools ---- */

static int denied(struct policy *p, struct neterr *e, const char *what, const char *name)
{
	yyjson_mut_val *data;

	p->counters.denied_tools++;
	neterr_set(e, NETERR_POLICY_DENIED, "access-denied", "%s%s", what, name);
	data = neterr_data(e);
	if (data)
		yyjson_mut_obj_add_str(e->data, data, "level", degradation_name(policy_level(p)));
	return e->code;
}

static int check_level(struct policy *p, const char *tool, bool writes, struct neterr *e)
{
	enum degradation l = policy_level(p);

	if (l == LEVEL_FULL || strcmp(tool, POLICY_SET_LEVEL) == 0)
		return 0;
	if (l == LEVEL_OFF)
		return denied(p, e, "operation is switched off", "");
	return writes ? denied(p, e, "operation is switched to read-only", "") : 0;
}

static int check_rules(struct policy *p, const struct principal *by, const char *tool,
		       struct neterr *e)
{
	size_t i;

	for (i = 0; i < p->rules.n_rule; i++) {
		const struct rule *r = &p->rules.rule[i];

		if (r->path || !policy_is(&r->who, by) || !policy_glob(r->tool, tool))
			continue;
		return r->block ? denied(p, e, "the policy blocks this tool: rule ", r->name) : 0;
	}
	return p->rules.block ? denied(p, e, "the policy allows only what it names", "") : 0;
}

int policy_tool(struct policy *p, const struct principal *by, const char *tool, bool writes,
		usec_t now, struct neterr *e)
{
	int rc;

	if (by->recovery)
		return 0;
	rc = check_level(p, tool, writes, e);
	if (rc == 0)
		rc = check_rules(p, by, tool, e);
	return rc ? rc : take_tokens(p, by, tool, now, e);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DEP_NETOPS_POLICY_PRIV_H
#define DEP_NETOPS_POLICY_PRIV_H

#include "base/hash.h"
#include "base/list.h"
#include "proto/netops/policy.h"

#define POLICY_MAX_LIMITS 64 /* that apply to one call */

struct texts {
	char **at;
	size_t n;
};

struct who {
	struct texts user;
	struct texts group;
};

struct rule {
	char *name;
	struct who who;
	char *tool;
	char *path; /* NULL: about calls of tools */
	bool block;
};

struct rate_limit {
	char *name;
	struct who who;
	char *tool;
	unsigned rate; /* a minute */
	usec_t interval;
	unsigned burst;
};

struct approval {
	char *name;
	struct who who;
	char *path;
	char *message;
	uint32_t min_changes;
	bool management_path;
	bool unconfirmed;
	bool requester_may;
};

struct prefix {
	uint8_t addr[16];
	unsigned bits;
	int family;
	char *text;
};

struct rules {
	enum degradation level;
	bool protect_mgmt;
	bool block; /* what no rule matches */
	struct rule *rule;
	size_t n_rule;
	struct rate_limit *limit;
	size_t n_limit;
	struct approval *approval;
	size_t n_approval;
	struct texts interface;
	struct texts path;
	struct prefix *prefix;
	size_t n_prefix;
	/* UINT32_MAX: not limited */
	uint32_t max_interfaces, max_routes, max_changes;
};

struct bucket {
	struct hash_node node;
	char *key; /* limit, user, client, tool */
	int64_t level;
	int64_t fills; /* microseconds from empty to full */
	int64_t cost;
	usec_t at;
};

struct policy {
	struct rules rules;
	enum degradation override;
	struct policy_counters counters;
	struct alloc alloc;
	struct hash buckets;
};

bool policy_glob(const char *pattern, const char *text);
bool policy_is(const struct who *w, const struct principal *by);
void policy_rules_free(struct rules *r);
/* "10.0.0.0/8", "2001:db8::1": address and length. false: neither. */
bool policy_prefix(const char *text, size_t n, struct prefix *out);

#endif

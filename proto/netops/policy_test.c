/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/config.h"
#include "proto/netops/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

extern const char netops_yang[];

static struct config_schema *schema;
static struct policy *p;
static struct neterr e;
static struct principal alice = {.user = "alice", .group = {"ops"}, .n_groups = 1};
static struct principal agent = {.user = "agent", .group = {"agents"}, .n_groups = 1};
static struct principal root = {.user = "root", .recovery = true};

static int setup_all(void **state)
{
	struct err err = {0};

	schema = config_schema_new("depanneur-netops", netops_yang, &err);
	if (!schema)
		err_print(&err, "policy_test", stderr);
	return schema ? 0 : -1;
}

static int teardown_all(void **state)
{
	config_schema_free(schema);
	return 0;
}

static int setup(void **state)
{
	p = policy_new();
	return 0;
}

static int teardown(void **state)
{
	neterr_clear(&e);
	policy_free(p);
	return 0;
}

/* policy: the members of container policy. */
static void load(const char *policy)
{
	struct err err = {0};
	struct config *c;
	char text[4096];

	snprintf(text, sizeof(text), "{\"depanneur-netops:netops\":{\"policy\":{%s}}}", policy);
	c = config_parse(schema, text, strlen(text), NULL, &err);
	if (!c)
		err_print(&err, "policy_test", stderr);
	assert_non_null(c);
	assert_int_equal(policy_load(p, config_tree(c), &err), 0);
	config_free(c);
}

static int tool(const struct principal *by, const char *name, bool writes, usec_t now)
{
	return policy_tool(p, by, name, writes, now, &e);
}

/* What a commit of changes at the paths, ended by NULL, is answered with. */
static int commit_paths(const struct principal *by, bool management, unsigned confirmed,
			bool approved, const char *approver, const char *const *path)
{
	struct changes c = {0};
	int rc;

	for (; *path; path++)
		changes_add(&c, CHANGE_REPLACE, *path, "old", "new", NULL, NULL);
	rc = policy_commit(p, by, &c, 2, 3, management, confirmed, approved, approver, &e);
	changes_free(&c);
	return rc;
}

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ETH0 "/ietf-interfaces:interfaces/interface[name='eth0']"

static void nothing_configured(void **state)
{
	assert_int_equal(tool(&agent, "network.commit", true, 0), 0);
	assert_int_equal(commit_paths(&agent, false, 0, false, NULL, PATHS(ETH0 "/enabled")), 0);
	assert_int_equal(policy_load(p, NULL, NULL), 0);
	assert_int_equal(tool(&agent, "network.commit", true, 0), 0);
	assert_int_equal(commit_paths(&agent, false, 0, false, NULL, PATHS(ETH0 "/enabled")), 0);
	/* The way to the client is protected without configuration. */
	assert_int_equal(commit_paths(&agent, true, 0, false, NULL, PATHS(ETH0 "/enabled")),
			 NETERR_POLICY_DENIED);
	assert_int_equal(commit_paths(&agent, true, 60, false, NULL, PATHS(ETH0 "/enabled")), 0);
}

static void levels(void **state)
{
	load("\"level\":\"read-only\"");
	assert_int_equal(policy_level(p), LEVEL_READ_ONLY);
	assert_int_equal(tool(&alice, "network.yang.get", false, 0), 0);
	assert_int_equal(tool(&alice, "network.yang.edit", true, 0), NETERR_POLICY_DENIED);
	assert_string_equal(e.tag, "access-denied");
	assert_int_equal(commit_paths(&alice, false, 0, true, NULL, PATHS("/a:b")),
			 NETERR_POLICY_DENIED);
	policy_set_level(p, LEVEL_OFF);
	assert_int_equal(tool(&alice, "network.yang.get", false, 0), NETERR_POLICY_DENIED);
	assert_int_equal(tool(&alice, POLICY_SET_LEVEL, true, 0), 0);
	assert_int_equal(tool(&root, "network.yang.edit", true, 0), 0);
	policy_set_level(p, LEVEL_FULL); /* the configured one goes on to hold */
	assert_int_equal(policy_level(p), LEVEL_READ_ONLY);
	load("");
	assert_int_equal(tool(&alice, "network.yang.edit", true, 0), 0);
}

static void rules(void **state)
{
	struct policy_counters c;

	load("\"rule\":[{\"name\":\"1\",\"group\":[\"agents\"],\"tool\":\"network.*.get\","
	     "\"action\":\"allow\"},"
	     "{\"name\":\"2\",\"group\":[\"agents\"],\"tool\":\"network.*\",\"action\":\"block\"},"
	     "{\"name\":\"3\",\"user\":[\"alice\"],\"tool\":\"network.cli.????\",\"action\":"
	     "\"block\"}]");
	assert_int_equal(tool(&agent, "network.yang.get", false, 0), 0);
	assert_int_equal(tool(&agent, "network.yang.edit", true, 0), NETERR_POLICY_DENIED);
	assert_int_equal(tool(&agent, "other", true, 0), 0);
	assert_int_equal(tool(&alice, "network.yang.edit", true, 0), 0);
	assert_int_equal(tool(&alice, "network.cli.exec", false, 0), NETERR_POLICY_DENIED);
	assert_int_equal(tool(&alice, "network.cli.configure", true, 0), 0);
	policy_counters(p, &c);
	assert_int_equal(c.denied_tools, 2);
	load("\"default-action\":\"block\",\"rule\":[{\"name\":\"1\",\"tool\":\"*.get\",\"action\":"
	     "\"allow\"}]");
	assert_int_equal(tool(&agent, "network.yang.get", false, 0), 0);
	assert_int_equal(tool(&agent, "network.commit", true, 0), NETERR_POLICY_DENIED);
}

static void rules_of_paths(void **state)
{
	load("\"rule\":[{\"name\":\"1\",\"path\":\"" ETH0 "/description\",\"action\":\"allow\"},"
	     "{\"name\":\"2\",\"path\":\"" ETH0 "\",\"action\":\"block\"},"
	     "{\"name\":\"3\",\"path\":\"/ietf-system:system/"
	     "\",\"user\":[\"agent\"],\"action\":\"block\"}]");
	assert_int_equal(tool(&agent, "network.commit", true, 0), 0);
	assert_int_equal(commit_paths(&agent, false, 0, false, NULL, PATHS(ETH0 "/description")),
			 0);
	assert_int_equal(commit_paths(&agent, false, 0, false, NULL,
				      PATHS(ETH0 "/description", ETH0 "/enabled")),
			 NETERR_POLICY_DENIED);
	assert_string_equal(e.err.where, ETH0 "/enabled");
	assert_int_equal(
		commit_paths(&agent, false, 0, false, NULL,
			     PATHS("/ietf-interfaces:interfaces/interface[name='eth01']/enabled")),
		0);
	assert_int_equal(
		commit_paths(&agent, false, 0, false, NULL, PATHS("/ietf-system:system/hostname")),
		NETERR_POLICY_DENIED);
	assert_int_equal(
		commit_paths(&alice, false, 0, false, NULL, PATHS("/ietf-system:system/hostname")),
		0);
	assert_int_equal(commit_paths(&agent, false, 0, false, NULL,
				      PATHS("/ietf-system:system-2/hostname")),
			 0);
}

static void rates(void **state)
{
	struct policy_counters c;
	usec_t now = SEC(5);
	unsigned i;

	load("\"rate-limit\":[{\"name\":\"a\",\"tool\":\"network.*\",\"rate\":60,\"burst\":3}]");
	for (i = 0; i < 3; i++)
		assert_int_equal(tool(&agent, "network.commit", true, now), 0);
	assert_int_equal(tool(&agent, "network.commit", true, now), NETERR_POLICY_DENIED);
	assert_string_equal(e.tag, "resource-denied");
	assert_int_equal(yyjson_mut_get_sint(yyjson_mut_obj_get(neterr_data(&e), "retryAfterMs")),
			 1000);
	/* Others, and other tools, have buckets of their own. */
	assert_int_equal(tool(&alice, "network.commit", true, now), 0);
	assert_int_equal(tool(&agent, "network.rollback", true, now), 0);
	assert_int_equal(tool(&agent, "other", true, now), 0);
	assert_int_equal(tool(&agent, "network.commit", true, now + SEC(1) - 1),
			 NETERR_POLICY_DENIED);
	assert_int_equal(tool(&agent, "network.commit", true, now + SEC(1)), 0);
	assert_int_equal(tool(&agent, "network.commit", true, now + SEC(1)), NETERR_POLICY_DENIED);
	/* Buckets do not grow beyond what they hold. */
	now += SEC(1000);
	for (i = 0; i < 3; i++)
		assert_int_equal(tool(&agent, "network.commit", true, now), 0);
	assert_int_equal(tool(&agent, "network.commit", true, now), NETERR_POLICY_DENIED);
	policy_counters(p, &c);
	assert_int_equal(c.rate_limited, 4);
}

/* Names that come and go cannot fill the memory, nor free themselves of the limit. */
static void rates_are_bounded(void **state)
{
	struct principal by = {0};
	unsigned refused = 0;
	unsigned i;

	load("\"rate-limit\":[{\"name\":\"a\",\"rate\":1,\"burst\":1}]");
	for (i = 0; i < 6000; i++) {
		snprintf(by.user, sizeof(by.user), "u%u", i);
		refused += tool(&by, "x", false, 0) != 0;
	}
	assert_int_equal(refused, 6000 - 4096);
	assert_int_equal(tool(&by, "x", false, SEC(60)), 0);
}

static void targets(void **state)
{
	load("\"protected\":{\"interface\":[\"eth0\"],\"prefix\":[\"10.1.0.0/16\",\"2001:db8::/"
	     "33\"],"
	     "\"path\":[\"/depanneur-netops:netops\"]}");
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS(ETH0 "/enabled")),
			 NETERR_POLICY_DENIED);
	assert_int_equal(commit_paths(&root, false, 0, false, NULL, PATHS(ETH0 "/enabled")), 0);
	assert_int_equal(
		commit_paths(&alice, false, 0, false, NULL,
			     PATHS("/ietf-interfaces:interfaces/interface[name='eth1']/enabled")),
		0);
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL,
				      PATHS("/depanneur-netops:netops/policy/level")),
			 NETERR_POLICY_DENIED);
#define ROUTE(x) "/ietf-routing:routing/m:ipv4/route[destination-prefix='" x "']"
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS(ROUTE("10.1.2.0/24"))),
			 NETERR_POLICY_DENIED);
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS(ROUTE("10.1.0.0/16"))),
			 NETERR_POLICY_DENIED);
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS(ROUTE("10.2.0.0/16"))),
			 0);
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS(ROUTE("0.0.0.0/0"))), 0);
	assert_int_equal(
		commit_paths(
			&alice, false, 0, false, NULL,
			PATHS("/i:interface[name='eth1']/ip:address[ip='10.1.9.9']/prefix-length")),
		NETERR_POLICY_DENIED);
	assert_int_equal(
		commit_paths(&alice, false, 0, false, NULL, PATHS(ROUTE("2001:db8:7fff::/48"))),
		NETERR_POLICY_DENIED);
	assert_int_equal(
		commit_paths(&alice, false, 0, false, NULL, PATHS(ROUTE("2001:db8:8000::/48"))), 0);
}

static void target_in_a_value(void **state)
{
	struct changes c = {0};

	load("\"protected\":{\"interface\":[\"eth0\"],\"prefix\":[\"10.1.0.0/16\"]}");
	changes_add(&c, CHANGE_CREATE, ROUTE("10.9.0.0/16") "/next-hop/outgoing-interface", NULL,
		    "eth0", NULL, NULL);
	assert_int_equal(policy_commit(p, &alice, &c, 0, 1, false, 0, false, NULL, &e),
			 NETERR_POLICY_DENIED);
	changes_free(&c);
	changes_add(&c, CHANGE_DELETE, "/a:server/address", "10.1.2.3", NULL, NULL, NULL);
	assert_int_equal(policy_commit(p, &alice, &c, 0, 1, false, 0, false, NULL, &e),
			 NETERR_POLICY_DENIED);
	changes_free(&c);
}

static void radius(void **state)
{
	load("\"blast-radius\":{\"max-interfaces\":2,\"max-routes\":3,\"max-changes\":2}");
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS("/a:b", "/a:c")), 0);
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS("/a:b", "/a:c", "/a:d")),
			 NETERR_POLICY_DENIED);
	load("\"blast-radius\":{\"max-interfaces\":1}");
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS("/a:b")),
			 NETERR_POLICY_DENIED);
	load("\"blast-radius\":{\"max-routes\":2}");
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS("/a:b")),
			 NETERR_POLICY_DENIED);
}

static void approvals(void **state)
{
	load("\"approval\":[{\"name\":\"big\",\"min-changes\":2,\"group\":[\"agents\"],\"message\":"
	     "\"Ticket?\"},"
	     "{\"name\":\"sys\",\"path\":\"/"
	     "ietf-system:system\",\"approver-may-be-requester\":true},"
	     "{\"name\":\"mgmt\",\"management-path\":true,\"unconfirmed\":true,\"approver-may-be-"
	     "requester\":true}],"
	     "\"protect-mgmt\":false");
	assert_int_equal(commit_paths(&agent, false, 0, false, NULL, PATHS("/a:b")), 0);
	assert_int_equal(commit_paths(&alice, false, 0, false, NULL, PATHS("/a:b", "/a:c")), 0);
	assert_int_equal(commit_paths(&agent, false, 0, false, NULL, PATHS("/a:b", "/a:c")),
			 NETERR_POLICY_DENIED);
	assert_string_equal(e.tag, "approval-required");
	assert_string_equal(yyjson_mut_get_str(yyjson_mut_obj_get(neterr_data(&e), "message")),
			    "Commit 2 changes? Ticket?");
	/* Not by itself, named or not. */
	assert_int_equal(commit_paths(&agent, false, 0, true, NULL, PATHS("/a:b", "/a:c")),
			 NETERR_POLICY_DENIED);
	assert_string_equal(e.tag, "access-denied");
	assert_int_equal(commit_paths(&agent, false, 0, true, "agent", PATHS("/a:b", "/a:c")),
			 NETERR_POLICY_DENIED);
	assert_int_equal(commit_paths(&agent, false, 0, true, "alice", PATHS("/a:b", "/a:c")), 0);
	assert_int_equal(
		commit_paths(&alice, false, 0, false, NULL, PATHS("/ietf-system:system/hostname")),
		NETERR_POLICY_DENIED);
	assert_int_equal(
		commit_paths(&alice, false, 0, true, NULL, PATHS("/ietf-system:system/hostname")),
		0);
	assert_int_equal(commit_paths(&alice, true, 0, false, NULL, PATHS("/a:b")),
			 NETERR_POLICY_DENIED);
	assert_int_equal(commit_paths(&alice, true, 60, false, NULL, PATHS("/a:b")), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_configured),
		T(levels),
		T(rules),
		T(rules_of_paths),
		T(rates),
		T(rates_are_bounded),
		T(targets),
		T(target_in_a_value),
		T(radius),
		T(approvals),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}

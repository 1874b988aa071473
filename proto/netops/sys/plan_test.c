/* SPDX-License-Identifier: BSD-2-Clause */
/* Plans from differences of real configurations in the real modules: which steps, and in which
 * order. */
#include "base/config.h"
#include "proto/netops/store/schema.h"
#include "proto/netops/sys/plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const char depanneur_interfaces_yang[];
extern const char depanneur_deviations_yang[];
extern const char depanneur_sys_yang[];

static struct schema *schema;

static int setup(void **state)
{
	static const char *const all[] = {"*", NULL};
	static const char *const acl[] = {"match-on-eth",
					  "match-on-ipv4",
					  "match-on-ipv6",
					  "match-on-tcp",
					  "match-on-udp",
					  "match-on-icmp",
					  "eth",
					  "ipv4",
					  "ipv6",
					  "mixed-eth-ipv4",
					  "mixed-eth-ipv6",
					  "mixed-eth-ipv4-ipv6",
					  "acl-aggregate-stats",
					  "interface-attachment",
					  NULL};
	const struct schema_module modules[] = {
		{"ietf-interfaces", NULL, NULL, NULL, true, "sys"},
		{"iana-if-type", NULL, NULL, NULL, true, "sys"},
		{"ietf-ip", NULL, NULL, NULL, true, "sys"},
		{"ietf-routing", NULL, NULL, NULL, true, "sys"},
		{"ietf-ipv4-unicast-routing", NULL, NULL, NULL, true, "sys"},
		{"ietf-ipv6-unicast-routing", NULL, NULL, NULL, true, "sys"},
		{"ietf-access-control-list", NULL, NULL, acl, true, "sys"},
		{"ietf-system", NULL, NULL, NULL, true, "sys"},
		{"depanneur-interfaces", NULL, depanneur_interfaces_yang, all, true, "sys"},
		{"depanneur-deviations", NULL, depanneur_deviations_yang, NULL, true, "sys"},
		{"depanneur-sys", NULL, depanneur_sys_yang, NULL, true, "sys"},
	};
	struct err err = {0};

	schema = schema_new(modules, sizeof(modules) / sizeof(modules[0]), &err);
	if (!schema)
		fail_msg("%s: %s", err.where, err.what);
	return 0;
}

static int teardown(void **state)
{
	schema_free(schema);
	return 0;
}

static struct lyd_node *tree(const char *json)
{
	struct lyd_node *t = NULL;

	assert_int_equal(lyd_parse_data_mem(schema_ctx(schema), json, LYD_JSON,
					    LYD_PARSE_STRICT | LYD_PARSE_ONLY, 0, &t),
			 LY_SUCCESS);
	return t;
}

/* The plan of these changes, as text. */
static char *planned(const struct change *c, size_t n, const char *after)
{
	struct changes changes = {.at = (struct change *)c, .n = n};
	struct lyd_node *t = tree(after);
	struct plan plan;
	struct err err = {0};
	char *text;

	if (plan_changes(&changes, t, &plan, &err))
		fail_msg("%s: %s", err.where, err.what);
	text = yyjson_mut_val_write(plan.steps, 0, NULL);
	assert_non_null(text);
	plan_free(&plan);
	lyd_free_all(t);
	return text;
}

static void before(const char *text, const char *a, const char *b)
{
	const char *x = strstr(text, a);
	const char *y = strstr(text, b);

	if (!x || !y || x > y)
		fail_msg("not %s before %s: %s", a, b, text);
}

#define V0 "/ietf-interfaces:interfaces/interface[name='v0']"
#define ROUTES                                                                                     \
	"/ietf-routing:routing/control-plane-protocols/"                                           \
	"control-plane-protocol[type='ietf-routing:static'][name='s']"                             \
	"/static-routes/ietf-ipv4-unicast-routing:ipv4"
#define TREE                                                                                       \
	"{\"ietf-interfaces:interfaces\":{\"interface\":[{\"name\":\"v0\",\"type\":\"iana-if-"     \
	"type:ethernetCsmacd\","                                                                   \
	"\"description\":\"hi\",\"depanneur-interfaces:veth\":{\"peer\":\"v1\"},"                  \
	"\"ietf-ip:ipv4\":{\"address\":[{\"ip\":\"10.0.0.1\",\"prefix-length\":24}]}}]},"          \
	"\"ietf-routing:routing\":{\"control-plane-protocols\":{\"control-plane-protocol\":[{"     \
	"\"type\":\"ietf-routing:static\","                                                        \
	"\"name\":\"s\",\"static-routes\":{\"ietf-ipv4-unicast-routing:ipv4\":{\"route\":["        \
	"{\"destination-prefix\":\"198.51.100.0/"                                                  \
	"24\",\"next-hop\":{\"next-hop-address\":\"10.0.0.2\"}},"                                  \
	"{\"destination-prefix\":\"198.51.101.0/"                                                  \
	"24\",\"next-hop\":{\"special-next-hop\":\"blackhole\"}}]}}}]}}}"

static void test_everything_new(void **state)
{
	static const struct change c[] = {
		{CHANGE_CREATE, ROUTES "/route[destination-prefix='198.51.100.0/24']", NULL, NULL,
		 NULL, NULL},
		{CHANGE_CREATE, V0, NULL, NULL, NULL, NULL},
		{CHANGE_CREATE, V0 "/type", NULL, "iana-if-type:ethernetCsmacd", NULL, NULL},
		{CHANGE_CREATE, V0 "/depanneur-interfaces:veth", NULL, NULL, NULL, NULL},
		{CHANGE_CREATE, V0 "/ietf-ip:ipv4/address[ip='10.0.0.1']", NULL, NULL, NULL, NULL},
	};
	char *text = planned(c, 5, TREE);

	before(text, "\"kind\":\"veth\",\"peer\":\"v1\"", "\"up\":true");
	before(text, "\"up\":true", "\"ip\":\"10.0.0.1/24\"");
	before(text, "\"ip\":\"10.0.0.1/24\"",
	       "{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}}");
	assert_non_null(strstr(text, "\"alias\":\"hi\""));
	free(text);
}

static void test_one_leaf(void **state)
{
	static const struct change c[] = {
		{CHANGE_REPLACE, V0 "/description", "ho", "hi", NULL, NULL}};
	char *text = planned(c, 1, TREE);

	assert_string_equal(text, "[{\"link\":{\"name\":\"v0\",\"alias\":\"hi\"}}]");
	free(text);
}

static void test_goes(void **state)
{
	static const struct change c[] = {
		{CHANGE_DELETE, V0 "/depanneur-interfaces:veth", NULL, NULL, NULL, NULL},
		{CHANGE_DELETE, V0 "/ietf-ip:ipv4/address[ip='10.0.0.1']/prefix-length", "24", NULL,
		 NULL, NULL},
		{CHANGE_DELETE, V0 "/ietf-ip:ipv4/address[ip='10.0.0.1']", NULL, NULL, NULL, NULL},
		{CHANGE_DELETE, V0, NULL, NULL, NULL, NULL},
		{CHANGE_DELETE, ROUTES "/route[destination-prefix='198.51.100.0/24']", NULL, NULL,
		 NULL, NULL},
	};
	char *text = planned(c, 5, "{}");

	assert_string_equal(
		text, "[{\"route\":{\"to\":\"198.51.100.0/24\",\"absent\":[null]}},"
		      "{\"address\":{\"link\":\"v0\",\"ip\":\"10.0.0.1/24\",\"absent\":[null]}},"
		      "{\"link\":{\"name\":\"v0\",\"absent\":[null]}}]");
	free(text);
}

/* Routes of the configuration that go with an address are put in again. */
static void test_address_moves(void **state)
{
	static const struct change c[] = {
		{CHANGE_REPLACE, V0 "/ietf-ip:ipv4/address[ip='10.0.0.1']/prefix-length", "16",
		 "24", NULL, NULL},
	};
	char *text = planned(c, 1, TREE);

	assert_string_equal(
		text, "[{\"address\":{\"link\":\"v0\",\"ip\":\"10.0.0.1/16\",\"absent\":[null]}},"
		      "{\"address\":{\"link\":\"v0\",\"ip\":\"10.0.0.1/24\"}},"
		      "{\"route\":{\"to\":\"198.51.100.0/24\",\"via\":\"10.0.0.2\"}}]");
	free(text);
}

static void test_filters(void **state)
{
	static const struct change c[] = {
		{CHANGE_CREATE, "/ietf-access-control-list:acls/acl[name='g']", NULL, NULL, NULL,
		 NULL},
		{CHANGE_CREATE,
		 "/ietf-access-control-list:acls/attachment-points/interface[interface-id='v0']/"
		 "ingress/acl-sets/acl-set[name='g']",
		 NULL, NULL, NULL, NULL},
	};
	char *text = planned(
		c, 2,
		"{\"ietf-access-control-list:acls\":{\"acl\":[{\"name\":\"g\",\"aces\":{\"ace\":[{"
		"\"name\":\"a\",\"matches\":{"
		"\"ipv4\":{\"source-ipv4-network\":\"10.0.0.0/8\"},\"tcp\":{\"flags\":\"syn "
		"ece\",\"destination-port\":{\"operator\":\"eq\",\"port\":80}}},"
		"\"actions\":{\"forwarding\":\"drop\"}}]}}],"
		"\"attachment-points\":{\"interface\":[{\"interface-id\":\"v0\",\"ingress\":{\"acl-"
		"sets\":{\"acl-set\":[{\"name\":\"g\"}]}}}]}}}");

	assert_non_null(
		strstr(text, "\"family\":\"ipv4\",\"source\":\"10.0.0.0/8\",\"l4\":\"tcp\""));
	assert_non_null(strstr(text, "\"destination-port\":{\"op\":\"eq\",\"port\":80}"));
	assert_non_null(strstr(text, "\"ecn\""));
	assert_non_null(strstr(
		text, "{\"attach\":{\"link\":\"v0\",\"direction\":\"ingress\",\"acl\":[\"g\"]}}"));
	free(text);
}

static void test_all(void **state)
{
	struct lyd_node *t = tree(TREE);
	struct err err = {0};
	struct plan plan;
	char *text;

	assert_int_equal(plan_all(t, &plan, &err), 0);
	text = yyjson_mut_val_write(plan.steps, 0, NULL);
	assert_int_equal(strncmp(text, "[{\"purge\":{}}", 13), 0);
	before(text, "\"kind\":\"veth\"", "198.51.101.0/24");
	assert_int_equal(plan.n_interfaces, 1);
	assert_int_equal(plan.n_routes, 2);
	free(text);
	plan_free(&plan);
	lyd_free_all(t);
}

static void test_refused(void **state)
{
	static struct change c[] = {{CHANGE_CREATE,
				     ROUTES "/route[destination-prefix='198.51.100.0/24']", NULL,
				     NULL, NULL, NULL}};
	struct changes changes = {.at = c, .n = 1};
	struct lyd_node *t = tree(
		"{\"ietf-routing:routing\":{\"control-plane-protocols\":{\"control-plane-"
		"protocol\":[{\"type\":\"ietf-routing:static\","
		"\"name\":\"s\",\"static-routes\":{\"ietf-ipv4-unicast-routing:ipv4\":{\"route\":["
		"{\"destination-prefix\":\"198.51.100.0/"
		"24\",\"next-hop\":{\"special-next-hop\":\"receive\"}}]}}}]}}}");
	struct err err = {0};
	struct plan plan;

	assert_int_equal(plan_changes(&changes, t, &plan, &err), -ENOTSUP);
	assert_non_null(strstr(err.where, "198.51.100.0/24"));
	lyd_free_all(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_new), cmocka_unit_test(test_one_leaf),
		cmocka_unit_test(test_goes),	       cmocka_unit_test(test_address_moves),
		cmocka_unit_test(test_filters),	       cmocka_unit_test(test_all),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

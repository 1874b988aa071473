/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of RFC 8341, one by one. */
#include "proto/netops/store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct schema_module modules[] = {
	{.name = "iana-if-type", .implemented = true},
	{.name = "ietf-interfaces", .implemented = true, .room = "sys"},
	{.name = "ietf-ip", .implemented = true, .room = "sys"},
	{.name = "ietf-system", .implemented = true, .room = "sys"},
	{.name = "ietf-netconf-acm", .implemented = true},
};

#define IFS                                                                                        \
	"\"ietf-interfaces:interfaces\":{\"interface\":[{\"name\":\"eth0\",\"type\":\"iana-if-"    \
	"type:bridge\",\"description\":\"zero\"},{\"name\":\"eth1\",\"type\":\"iana-if-type:"      \
	"bridge\"},{\"name\":\"ann\",\"type\":\"iana-if-type:bridge\"}]}"
#define GROUPS                                                                                     \
	"\"groups\":{\"group\":[{\"name\":\"ops\",\"user-name\":[\"ann\"]},{\"name\":\"view\","    \
	"\"user-name\":[\"bob\",\"ann\"]}]}"
#define RULES(list) GROUPS ",\"rule-list\":[" list "]"
#define OPS(rules) RULES("{\"name\":\"l\",\"group\":[\"ops\"],\"rule\":[" rules "]}")
#define RULE(name, rest) "{\"name\":\"" name "\"," rest "}"
#define PERMIT ",\"action\":\"permit\""
#define DENY ",\"action\":\"deny\""
#define ETH0 "/ietf-interfaces:interfaces/interface[name='eth0']"
#define ETH1 "/ietf-interfaces:interfaces/interface[name='eth1']"

static const struct principal ann = {.user = "ann"};
static const struct principal bob = {.user = "bob"};
static const struct principal eve = {.user = "eve"};
static const struct principal guest = {.user = "guest", .group = {"ops"}, .n_groups = 1};
static const struct principal root = {.user = "root", .recovery = true};

static const struct {
	const char *why;
	const char *nacm; /* members of ietf-netconf-acm:nacm */
	const struct principal *who;
	enum nacm_access access;
	const char *path;
	bool want;
} data_table[] = {
	{"§3.4.5 step 10: read-default permits", "", &eve, NACM_READ, ETH0, true},
	{"§3.4.5 step 12: write-default denies", "", &eve, NACM_UPDATE, ETH0, false},
	{"§3.2.1: off, all is allowed", "\"enable-nacm\":false", &eve, NACM_DELETE, ETH0, true},
	{"§3.3.1: a recovery session is asked nothing", "\"read-default\":\"deny\"", &root,
	 NACM_DELETE, ETH0, true},
	{"read-default deny", "\"read-default\":\"deny\"", &eve, NACM_READ, ETH0, false},
	{"write-default permit", "\"write-default\":\"permit\"", &eve, NACM_CREATE, ETH0, true},
	{"a rule of the user's group",
	 OPS(RULE("r", "\"path\":\"/ietf-interfaces:interfaces\"" PERMIT)), &ann, NACM_UPDATE,
	 ETH0 "/description", true},
	{"not of another's", OPS(RULE("r", "\"path\":\"/ietf-interfaces:interfaces\"" PERMIT)),
	 &bob, NACM_UPDATE, ETH0, false},
	{"group from outside", OPS(RULE("r", "\"path\":\"/ietf-interfaces:interfaces\"" PERMIT)),
	 &guest, NACM_UPDATE, ETH0, true},
	{"unless such are off",
	 "\"enable-external-groups\":false," OPS(
		 RULE("r", "\"path\":\"/ietf-interfaces:interfaces\"" PERMIT)),
	 &guest, NACM_UPDATE, ETH0, false},
	{"group *",
	 RULES("{\"name\":\"l\",\"group\":[\"*\"],\"rule\":[" RULE(
		 "r",
		 "\"module-name\":\"ietf-interfaces\",\"access-operations\":\"read\"" DENY) "]}"),
	 &bob, NACM_READ, ETH0, false},
	{"§3.4.5 step 4: in no group, no rule counts, * neither",
	 RULES("{\"name\":\"l\",\"group\":[\"*\"],\"rule\":[" RULE(
		 "r",
		 "\"module-name\":\"ietf-interfaces\",\"access-operations\":\"read\"" DENY) "]}"),
	 &eve, NACM_READ, ETH0, true},
	{"the first rule that matches decides: permit",
	 OPS(RULE("a", "\"path\":\"" ETH0 "\"" PERMIT) "," RULE("b", "\"module-name\":\"*\"" DENY)),
	 &ann, NACM_READ, ETH0, true},
	{"the same: deny",
	 OPS(RULE("a", "\"module-name\":\"*\"" DENY) "," RULE("b", "\"path\":\"" ETH0 "\"" PERMIT)),
	 &ann, NACM_READ, ETH0, false},
	{"rule-lists in their order",
	 RULES("{\"name\":\"z\",\"group\":[\"view\"],\"rule\":[" RULE(
		 "r",
		 "\"module-name\":\"*\"" DENY) "]},{\"name\":\"a\",\"group\":[\"ops\"],\"rule\":"
					       "[" RULE("r", "\"module-name\":\"*\"" PERMIT) "]}"),
	 &ann, NACM_READ, ETH0, false},
	{"module-name: that of the node", OPS(RULE("r", "\"module-name\":\"ietf-ip\"" PERMIT)),
	 &ann, NACM_UPDATE, ETH0, false},
	{"an augmenting node is of its own module",
	 OPS(RULE("r", "\"module-name\":\"ietf-ip\"" PERMIT)), &ann, NACM_UPDATE,
	 ETH0 "/ietf-ip:ipv4", true},
	{"access-operations: listed",
	 OPS(RULE("r", "\"module-name\":\"ietf-interfaces\",\"access-operations\":\"create "
		       "update\"" PERMIT)),
	 &ann, NACM_CREATE, ETH0, true},
	{"access-operations: not listed",
	 OPS(RULE("r", "\"module-name\":\"ietf-interfaces\",\"access-operations\":\"create "
		       "update\"" PERMIT)),
	 &ann, NACM_DELETE, ETH0, false},
	{"access-operations: *",
	 OPS(RULE("r", "\"module-name\":\"ietf-interfaces\",\"access-operations\":\"*\"" PERMIT)),
	 &ann, NACM_DELETE, ETH0, true},
	{"path: the entry", OPS(RULE("r", "\"path\":\"" ETH0 "\"" PERMIT)), &ann, NACM_UPDATE,
	 ETH0 "/description", true},
	{"path: another entry", OPS(RULE("r", "\"path\":\"" ETH0 "\"" PERMIT)), &ann, NACM_UPDATE,
	 ETH1, false},
	{"path: not what is above it", OPS(RULE("r", "\"path\":\"" ETH0 "\"" PERMIT)), &ann,
	 NACM_UPDATE, "/ietf-interfaces:interfaces", false},
	{"path without keys: all entries",
	 OPS(RULE("r", "\"path\":\"/ietf-interfaces:interfaces/interface\"" PERMIT)), &ann,
	 NACM_UPDATE, ETH1, true},
	{"path /: everything", OPS(RULE("r", "\"path\":\"/\"" PERMIT)), &ann, NACM_UPDATE, ETH1,
	 true},
	{"$USER: the user's own",
	 OPS(RULE("r", "\"path\":\"/ietf-interfaces:interfaces/interface[name=$USER]\"" PERMIT)),
	 &ann, NACM_UPDATE, "/ietf-interfaces:interfaces/interface[name='ann']", true},
	{"$USER: not others'",
	 OPS(RULE("r", "\"path\":\"/ietf-interfaces:interfaces/interface[name=$USER]\"" PERMIT)),
	 &ann, NACM_UPDATE, ETH0, false},
	{"a rule for operations is none for data", OPS(RULE("r", "\"rpc-name\":\"*\"" PERMIT)),
	 &ann, NACM_UPDATE, ETH0, false},
	{"nor is one for notifications", OPS(RULE("r", "\"notification-name\":\"*\"" PERMIT)), &ann,
	 NACM_UPDATE, ETH0, false},
	{"default-deny-all: not even read",
	 "\"read-default\":\"permit\",\"write-default\":\"permit\"", &ann, NACM_READ,
	 "/ietf-netconf-acm:nacm", false},
	{"and what is below it", "\"read-default\":\"permit\"", &ann, NACM_READ,
	 "/ietf-netconf-acm:nacm/enable-nacm", false},
	{"but by a rule", OPS(RULE("r", "\"module-name\":\"ietf-netconf-acm\"" PERMIT)), &ann,
	 NACM_READ, "/ietf-netconf-acm:nacm/enable-nacm", true},
	{"write-default permit, of another module", "\"write-default\":\"permit\"", &ann,
	 NACM_UPDATE, "/ietf-system:system/hostname", true},
};

static struct store *store_with(struct schema *schema, const char *nacm)
{
	struct store *s = store_new(schema, NULL);
	struct neterr e = {0};
	char json[4096];
	int n = snprintf(json, sizeof(json), "{" IFS ",\"ietf-netconf-acm:nacm\":{%s}}", nacm);

	assert_non_null(s);
	if (store_load(s, json, (size_t)n, &e)) {
		print_error("%s: %s\n", json, e.err.what);
		fail();
	}
	return s;
}

struct look {
	const char *path;
	const struct principal *who;
	enum nacm_access access;
	struct nacm *nacm;
	bool found;
	bool answer;
};

/* Asks about a node, which is made for that where it is not there. */
static int look(void *ctx, const struct lyd_node *tree)
{
	struct look *l = ctx;
	struct lyd_node *copy = NULL;
	struct lyd_node *node = NULL;

	assert_int_equal(
		lyd_dup_siblings(tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &copy),
		LY_SUCCESS);
	lyd_new_path(copy, NULL, l->path, strstr(l->path, "hostname") ? "h" : NULL,
		     LYD_NEW_PATH_UPDATE, NULL);
	if (lyd_find_path(copy, l->path, 0, &node) == LY_SUCCESS && node) {
		l->found = true;
		l->answer = nacm_data(l->nacm, l->who, l->access, node);
	}
	lyd_free_all(copy);
	return 0;
}

static struct schema *schema;

static void test_data(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(data_table) / sizeof(*data_table); i++) {
		struct store *s = store_with(schema, data_table[i].nacm);
		struct look l = {.path = data_table[i].path,
				 .who = data_table[i].who,
				 .access = data_table[i].access,
				 .nacm = store_nacm(s)};
		struct nacm_counters c;

		assert_int_equal(store_view(s, NULL, look, &l), 0);
		if (!l.found || l.answer != data_table[i].want)
			print_error("%s: %s\n", data_table[i].why,
				    l.found ? "the other answer" : "no such node");
		assert_true(l.found);
		assert_int_equal(l.answer, data_table[i].want);
		nacm_counters(store_nacm(s), &c);
		assert_int_equal(c.denied_data_writes, !l.answer && l.access != NACM_READ);
		store_free(s);
	}
}

static const struct {
	const char *why;
	const char *nacm;
	const struct principal *who;
	const char *module;
	const char *name;
	bool notification;
	bool want;
} op_table[] = {
	{"§3.4.4: exec-default permits", "", &eve, "depanneur-netops", "network.commit", false,
	 true},
	{"exec-default deny", "\"exec-default\":\"deny\"", &eve, "depanneur-netops",
	 "network.commit", false, false},
	{"close-session always", "\"exec-default\":\"deny\"", &eve, "ietf-netconf", "close-session",
	 false, true},
	{"kill-session needs a rule", "", &eve, "ietf-netconf", "kill-session", false, false},
	{"delete-config needs a rule", "", &eve, "ietf-netconf", "delete-config", false, false},
	{"and has one",
	 OPS(RULE("r", "\"rpc-name\":\"kill-session\",\"access-operations\":\"exec\"" PERMIT)),
	 &ann, "ietf-netconf", "kill-session", false, true},
	{"rpc-name", OPS(RULE("r", "\"rpc-name\":\"network.commit\"" DENY)), &ann,
	 "depanneur-netops", "network.commit", false, false},
	{"another rpc-name", OPS(RULE("r", "\"rpc-name\":\"network.commit\"" DENY)), &ann,
	 "depanneur-netops", "network.rollback", false, true},
	{"of another module",
	 OPS(RULE("r", "\"module-name\":\"x\",\"rpc-name\":\"network.commit\"" DENY)), &ann,
	 "depanneur-netops", "network.commit", false, true},
	{"rpc-name *", OPS(RULE("r", "\"rpc-name\":\"*\"" DENY)), &ann, "depanneur-netops",
	 "network.commit", false, false},
	{"a rule without a type is for operations as well",
	 OPS(RULE("r", "\"module-name\":\"*\"" DENY)), &ann, "depanneur-netops", "network.commit",
	 false, false},
	{"a path is not", OPS(RULE("r", "\"path\":\"/\"" DENY)), &ann, "depanneur-netops",
	 "network.commit", false, true},
	{"a read rule is not",
	 OPS(RULE("r", "\"rpc-name\":\"*\",\"access-operations\":\"read\"" DENY)), &ann,
	 "depanneur-netops", "network.commit", false, true},
	{"default-deny-all of an rpc", "", &ann, "ietf-system", "system-restart", false, false},
	{"recovery", "\"exec-default\":\"deny\"", &root, "ietf-system", "system-restart", false,
	 true},
	{"§3.4.6: read-default", "", &eve, "ietf-netconf-notifications", "netconf-config-change",
	 true, true},
	{"read-default deny", "\"read-default\":\"deny\"", &eve, "ietf-netconf-notifications",
	 "netconf-config-change", true, false},
	{"replayComplete always", "\"read-default\":\"deny\"", &eve, "nc-notifications",
	 "replayComplete", true, true},
	{"notification-name",
	 OPS(RULE("r", "\"notification-name\":\"netconf-config-change\",\"access-operations\":"
		       "\"read\"" DENY)),
	 &ann, "ietf-netconf-notifications", "netconf-config-change", true, false},
	{"rpc-name is none", OPS(RULE("r", "\"rpc-name\":\"*\"" DENY)), &ann,
	 "ietf-netconf-notifications", "netconf-config-change", true, true},
};

static void test_operations(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(op_table) / sizeof(*op_table); i++) {
		struct store *s = store_with(schema, op_table[i].nacm);
		struct nacm *n = store_nacm(s);
		struct nacm_counters c;
		bool got = op_table[i].notification
				   ? nacm_notification(n, op_table[i].who, op_table[i].module,
						       op_table[i].name)
				   : nacm_exec(n, op_table[i].who, op_table[i].module,
					       op_table[i].name);

		if (got != op_table[i].want)
			print_error("%s\n", op_table[i].why);
		assert_int_equal(got, op_table[i].want);
		nacm_counters(n, &c);
		assert_int_equal(c.denied_operations, !got && !op_table[i].notification);
		assert_int_equal(c.denied_notifications, !got && op_table[i].notification);
		store_free(s);
	}
}

static char *get(struct store *s, enum datastore ds, const char *candidate,
		 const struct principal *p, const char *path, int *code)
{
	struct store_query q = {.path = path};
	struct neterr e = {0};
	static char text[8192];
	struct buf b;

	buf_fixed(&b, text, sizeof(text));
	store_get(s, ds, candidate, p, &q, &b, &e);
	buf_u8(&b, 0);
	*code = e.code;
	neterr_clear(&e);
	return *code ? NULL : text;
}

/* A denied leaf is nowhere: not in a tree, not by its own path, and its absence looks like that of
 * any other. */
static void test_reads_omit(void **state)
{
	struct store *s = store_with(
		schema,
		OPS(RULE("a", "\"path\":\"/ietf-interfaces:interfaces/"
			      "interface/description\"" DENY) "," RULE("b", "\"path\":\"" ETH1
									    "\"" DENY)));
	int code;

	assert_string_equal(
		get(s, DS_RUNNING, NULL, &ann, "/", &code),
		"{\"ietf-interfaces:interfaces\":{\"interface\":[{\"name\":\"ann\",\"type\":\"iana-"
		"if-type:bridge\"},{\"name\":\"eth0\",\"type\":\"iana-if-type:bridge\"}]}}");
	assert_null(
		get(s, DS_RUNNING, NULL, &ann, "ietf-interfaces:interfaces/interface=eth1", &code));
	assert_int_equal(code, NETERR_NOT_FOUND);
	assert_null(
		get(s, DS_RUNNING, NULL, &ann, "ietf-interfaces:interfaces/interface=eth7", &code));
	assert_int_equal(code, NETERR_NOT_FOUND);
	assert_null(get(s, DS_RUNNING, NULL, &ann,
			"ietf-interfaces:interfaces/interface=eth0/description", &code));
	assert_int_equal(code, NETERR_NOT_FOUND);
	assert_null(get(s, DS_RUNNING, NULL, &ann, "ietf-interfaces:interfaces/interface=eth1/type",
			&code));
	assert_int_equal(code, NETERR_NOT_FOUND);
	assert_non_null(get(s, DS_RUNNING, NULL, &eve,
			    "ietf-interfaces:interfaces/interface=eth0/description", &code));
	store_free(s);
}

struct names {
	char text[2048];
};

static void add_name(void *ctx, const char *value)
{
	struct names *n = ctx;

	strcat(strcat(n->text, value), " ");
}

static void test_completion_hides(void **state)
{
	struct store *s = store_with(
		schema,
		OPS(RULE("a", "\"path\":\"/ietf-interfaces:interfaces/"
			      "interface/description\"" DENY) "," RULE("b", "\"path\":\"" ETH1
									    "\"" DENY)));
	struct names n = {""};

	assert_int_equal(store_complete(s, DS_RUNNING, &ann,
					"ietf-interfaces:interfaces/interface=", 10, add_name, &n),
			 2);
	assert_string_equal(n.text, "ann eth0 ");
	n.text[0] = '\0';
	store_complete(s, DS_RUNNING, &ann, "ietf-interfaces:interfaces/interface=eth0/d", 10,
		       add_name, &n);
	assert_string_equal(n.text, "");
	store_complete(s, DS_RUNNING, &eve, "ietf-interfaces:interfaces/interface=eth0/d", 10,
		       add_name, &n);
	assert_string_equal(n.text, "description ");
	n.text[0] = '\0';
	assert_int_equal(store_complete(s, DS_RUNNING, &eve, "ietf-interf", 10, add_name, &n), 2);
	assert_string_equal(n.text, "ietf-interfaces:interfaces ietf-interfaces:interfaces-state ");
	n.text[0] = '\0';
	store_complete(s, DS_RUNNING, &eve, "ietf-netconf", 10, add_name, &n);
	assert_string_equal(n.text, "");
	store_free(s);
}

static int edit(struct store *s, const struct principal *p, int op, const char *path,
		const char *json, struct neterr *e)
{
	yyjson_doc *doc = json ? yyjson_read(json, strlen(json), 0) : NULL;
	struct store_edit x = {.op = op, .path = path, .value = yyjson_doc_get_root(doc)};
	int rc = store_edit(s, "c", p, &x, 1, 1, e);

	yyjson_doc_free(doc);
	return rc ? (int)e->code : 0;
}

static void test_edits_denied(void **state)
{
	struct store *s = store_with(
		schema,
		OPS(RULE("a", "\"path\":\"" ETH0 "/description\",\"access-operations\":"
			      "\"update\"" PERMIT) "," RULE("b", "\"path\":\"" ETH1
								 "\",\"access-operations\":"
								 "\"create delete\"" PERMIT)));
	struct neterr e = {0};
	struct changes c;

	assert_int_equal(edit(s, &ann, EDIT_MERGE,
			      "ietf-interfaces:interfaces/interface=eth0/description", "\"new\"",
			      &e),
			 0);
	assert_int_equal(edit(s, &ann, EDIT_DELETE,
			      "ietf-interfaces:interfaces/interface=eth0/description", NULL, &e),
			 NETERR_ACCESS_DENIED);
	assert_string_equal(e.tag, "access-denied");
	assert_int_equal(edit(s, &ann, EDIT_MERGE, "ietf-interfaces:interfaces/interface=eth0/type",
			      "\"iana-if-type:other\"", &e),
			 NETERR_ACCESS_DENIED);
	assert_int_equal(
		edit(s, &ann, EDIT_DELETE, "ietf-interfaces:interfaces/interface=eth1", NULL, &e),
		0);
	assert_int_equal(
		edit(s, &ann, EDIT_CREATE, "ietf-interfaces:interfaces/interface=eth2", "{}", &e),
		NETERR_ACCESS_DENIED);
	/* All or nothing. */
	assert_int_equal(edit(s, &ann, EDIT_MERGE, "ietf-interfaces:interfaces",
			      "{\"interface\":[{\"name\":\"eth0\",\"description\":\"other\","
			      "\"enabled\":false}]}",
			      &e),
			 NETERR_ACCESS_DENIED);
	assert_int_equal(store_candidate(s, "c", &ann, &c, &e), 0);
	assert_int_equal(c.n, 3); /* description, and eth1 with its type */
	assert_string_equal(c.at[0].new, "new");
	changes_free(&c);
	neterr_clear(&e);
	store_free(s);
}

/* A failed check elsewhere tells nobody what he may not read. */
static void test_errors_hide(void **state)
{
	struct store *s = store_with(schema, OPS(RULE("a", "\"path\":\"" ETH1 "\"" DENY)));
	struct neterr e = {0};
	struct changes c = {0};

	assert_int_equal(changes_add(&c, CHANGE_DELETE, ETH1 "/type", "iana-if-type:bridge", NULL,
				     NULL, NULL),
			 0);
	assert_int_equal(store_check(s, &c, &e), -EINVAL);
	assert_string_equal(e.err.where, ETH1 "/type");
	store_hide(s, &eve, &e);
	assert_string_equal(e.err.where, ETH1 "/type");
	store_hide(s, &ann, &e);
	assert_string_equal(e.err.where, "");
	assert_null(strstr(e.err.what, "type"));
	assert_int_equal(e.code, NETERR_CONFIG_INCOMPATIBLE);
	assert_string_equal(e.tag, "data-missing");
	neterr_clear(&e);
	changes_free(&c);
	store_free(s);
}

static int make_schema(void **state)
{
	schema = schema_new(modules, sizeof(modules) / sizeof(*modules), NULL);
	return schema ? 0 : -1;
}

static int free_schema(void **state)
{
	schema_free(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),	     cmocka_unit_test(test_operations),
		cmocka_unit_test(test_reads_omit),   cmocka_unit_test(test_completion_hides),
		cmocka_unit_test(test_edits_denied), cmocka_unit_test(test_errors_hide),
	};

	return cmocka_run_group_tests(tests, make_schema, free_schema);
}

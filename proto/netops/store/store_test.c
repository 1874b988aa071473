/* SPDX-License-Identifier: BSD-2-Clause */
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
	{.name = "ietf-routing", .implemented = true, .room = "sys"},
	{.name = "ietf-ipv4-unicast-routing", .implemented = true, .room = "sys"},
	{.name = "ietf-netconf-acm", .implemented = true},
};

struct fixture {
	struct schema *schema;
	struct store *s;
	struct neterr e;
};

static const struct principal root = {.user = "root", .recovery = true};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = {0};

	f->schema = schema_new(modules, sizeof(modules) / sizeof(*modules), &err);
	if (!f->schema)
		print_error("%s: %s\n", err.where, err.what);
	assert_non_null(f->schema);
	f->s = store_new(f->schema, &err);
	if (!f->s)
		print_error("%s: %s\n", err.where, err.what);
	assert_non_null(f->s);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_free(f->s);
	schema_free(f->schema);
	neterr_clear(&f->e);
	free(f);
	return 0;
}

static void edit(struct fixture *f, const char *candidate, int op, const char *path,
		 const char *json, int want)
{
	yyjson_doc *doc = json ? yyjson_read(json, strlen(json), 0) : NULL;
	struct store_edit e = {.op = op, .path = path, .value = yyjson_doc_get_root(doc)};
	int rc = store_edit(f->s, candidate, &root, &e, 1, 1, &f->e);

	if ((rc == 0) != (want == 0))
		print_error("edit %s: %d %s: %s\n", path, rc, f->e.err.where, f->e.err.what);
	assert_int_equal(rc ? f->e.code : 0, want);
	yyjson_doc_free(doc);
}

static int check(struct fixture *f, const char *candidate)
{
	struct changes c;
	int rc = store_candidate(f->s, candidate, &root, &c, &f->e);

	assert_int_equal(rc, 0);
	rc = store_check(f->s, &c, &f->e);
	changes_free(&c);
	return rc;
}

static void commit(struct fixture *f, const char *candidate)
{
	struct changes c;

	assert_int_equal(store_candidate(f->s, candidate, &root, &c, &f->e), 0);
	if (store_check(f->s, &c, &f->e)) {
		print_error("check: %s: %s\n", f->e.err.where, f->e.err.what);
		fail();
	}
	assert_int_equal(store_apply(f->s, &c), 0);
	store_discard(f->s, candidate, &root);
	changes_free(&c);
}

static void expect(struct fixture *f, enum datastore ds, const char *candidate, const char *path,
		   const char *want)
{
	struct store_query q = {.path = path};
	struct alloc a;
	struct buf b;
	int rc;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	rc = store_get(f->s, ds, candidate, &root, &q, &b, &f->e);
	buf_u8(&b, 0);
	if (rc)
		print_error("get %s: %s: %s\n", path, f->e.err.where, f->e.err.what);
	assert_int_equal(rc, 0);
	assert_string_equal((const char *)b.p, want);
	buf_free(&b);
}

#define ETH0 "ietf-interfaces:interfaces/interface=eth0"

static void test_edit_and_commit(void **state)
{
	struct fixture *f = *state;
	char empty[72];

	strcpy(empty, store_hash(f->s));
	edit(f, "x", EDIT_MERGE, ETH0,
	     "{\"name\":\"eth0\",\"type\":\"iana-if-type:ethernetCsmacd\",\"description\":\"up\"}",
	     0);
	expect(f, DS_CANDIDATE, "x", ETH0,
	       "{\"ietf-interfaces:interface\":[{\"name\":\"eth0\",\"description\":\"up\",\"type\":"
	       "\"iana-if-type:ethernetCsmacd\"}]}");
	expect(f, DS_RUNNING, NULL, "/", "{}");
	assert_int_equal(check(f, "x"), 0);
	assert_string_equal(store_hash(f->s), empty);
	commit(f, "x");
	assert_string_not_equal(store_hash(f->s), empty);
	expect(f, DS_RUNNING, NULL, "/",
	       "{\"ietf-interfaces:interfaces\":{\"interface\":[{\"name\":\"eth0\",\"description\":"
	       "\"up\",\"type\":\"iana-if-type:ethernetCsmacd\"}]}}");
	edit(f, "y", EDIT_DELETE, ETH0, NULL, 0);
	commit(f, "y");
	assert_string_equal(store_hash(f->s), empty);
	expect(f, DS_RUNNING, NULL, "/", "{}");
}

static void test_mandatory(void **state)
{
	struct fixture *f = *state;

	edit(f, "x", EDIT_MERGE, ETH0, "{\"name\":\"eth0\"}", 0);
	assert_int_equal(check(f, "x"), -EINVAL);
	assert_int_equal(f->e.code, NETERR_CONFIG_INCOMPATIBLE);
	assert_string_equal(f->e.err.where,
			    "/ietf-interfaces:interfaces/interface[name='eth0']/type");
	edit(f, "x", EDIT_MERGE, ETH0 "/type", "\"iana-if-type:nothing\"",
	     NETERR_CONFIG_INCOMPATIBLE);
	edit(f, "x", EDIT_MERGE, ETH0 "/type", "\"iana-if-type:bridge\"", 0);
	assert_int_equal(check(f, "x"), 0);
}

/* ---- Edits (RFC 6241 §7.2, RFC 8072 §2.5) ---- */

#define IF(name) "ietf-interfaces:interfaces/interface=" name
#define BRIDGE "\"type\":\"iana-if-type:bridge\""

static void tag(struct fixture *f, const char *want)
{
	assert_string_equal(f->e.tag, want);
}

static void test_operations(void **state)
{
	struct fixture *f = *state;

	edit(f, "x", EDIT_CREATE, ETH0, "{" BRIDGE "}", 0);
	edit(f, "x", EDIT_CREATE, ETH0, "{" BRIDGE "}", NETERR_CONFIG_INCOMPATIBLE);
	tag(f, "data-exists");
	edit(f, "x", EDIT_DELETE, IF("eth1"), NULL, NETERR_CONFIG_INCOMPATIBLE);
	tag(f, "data-missing");
	assert_string_equal(f->e.err.where, IF("eth1"));
	edit(f, "x", EDIT_REMOVE, IF("eth1"), NULL, 0);
	/* A default is not set: it cannot be deleted, and can be created. */
	edit(f, "x", EDIT_DELETE, ETH0 "/enabled", NULL, NETERR_CONFIG_INCOMPATIBLE);
	edit(f, "x", EDIT_CREATE, ETH0 "/enabled", "true", 0);
	edit(f, "x", EDIT_CREATE, ETH0 "/enabled", "false", NETERR_CONFIG_INCOMPATIBLE);
	edit(f, "x", EDIT_MERGE, ETH0 "/description", "\"d\"", 0);
	edit(f, "x", EDIT_REPLACE, ETH0, "{" BRIDGE ",\"enabled\":false}", 0);
	expect(f, DS_CANDIDATE, "x", ETH0,
	       "{\"ietf-interfaces:interface\":[{\"name\":\"eth0\",\"type\":\"iana-if-type:"
	       "bridge\",\"enabled\":false}]}");
	edit(f, "x", EDIT_MERGE, ETH0 "/name", "\"eth9\"", NETERR_CONFIG_INCOMPATIBLE);
	edit(f, "x", EDIT_DELETE, ETH0 "/name", NULL, NETERR_CONFIG_INCOMPATIBLE);
	edit(f, "x", EDIT_MERGE, ETH0 "/oper-status", "\"up\"", NETERR_CONFIG_INCOMPATIBLE);
	edit(f, "x", EDIT_MERGE, "ietf-interfaces:interfaces/nothing", "1", NETERR_INVALID);
	tag(f, "invalid-value");
	edit(f, "x", EDIT_REPLACE, "/", "{}", 0);
	expect(f, DS_CANDIDATE, "x", "/", "{}");
}

/* The forms in which people and machines write a value. */
static void test_values(void **state)
{
	static const char *const forms[] = {
		"{\"description\":\"v\"}",
		"{\"name\":\"eth0\",\"description\":\"v\"}",
		"{\"interface\":[{\"name\":\"eth0\",\"description\":\"v\"}]}",
		"{\"ietf-interfaces:interface\":[{\"name\":\"eth0\",\"description\":\"v\"}]}",
		"{\"ietf-interfaces:interface\":{\"description\":\"v\"}}",
		"[{\"name\":\"eth0\",\"description\":\"v\"}]",
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		edit(f, "x", EDIT_MERGE,
		     i % 2 ? ETH0 : "/ietf-interfaces:interfaces/interface[name='eth0']", forms[i],
		     0);
		expect(f, DS_CANDIDATE, "x", ETH0 "/description",
		       "{\"ietf-interfaces:description\":\"v\"}");
		store_discard(f->s, "x", &root);
	}
	edit(f, "x", EDIT_MERGE, ETH0 "/description", "{\"ietf-interfaces:description\":\"w\"}", 0);
	edit(f, "x", EDIT_MERGE, ETH0, "{\"name\":\"eth1\"}", NETERR_INVALID);
	edit(f, "x", EDIT_MERGE, ETH0, "[{\"name\":\"eth0\"},{\"name\":\"eth1\"}]", NETERR_INVALID);
	edit(f, "x", EDIT_MERGE, ETH0, "{\"nothing\":1}", NETERR_CONFIG_INCOMPATIBLE);
	edit(f, "x", EDIT_MERGE, ETH0 "/enabled", "\"maybe\"", NETERR_CONFIG_INCOMPATIBLE);
	edit(f, "x", EDIT_MERGE, IF("a%27b%22"), "{}", NETERR_INVALID);
}

/* One bad edit of many: nothing is done, and it is named. */
static void test_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	yyjson_doc *doc = yyjson_read("{" BRIDGE "}", sizeof("{" BRIDGE "}") - 1, 0);
	struct store_edit e[3] = {
		{.op = EDIT_MERGE, .path = IF("a"), .value = yyjson_doc_get_root(doc)},
		{.op = EDIT_MERGE, .path = IF("b"), .value = yyjson_doc_get_root(doc)},
		{.op = EDIT_DELETE, .path = IF("c")},
	};
	struct changes c;

	assert_int_not_equal(store_edit(f->s, "x", &root, e, 3, 1, &f->e), 0);
	assert_int_equal(yyjson_mut_get_uint(yyjson_mut_obj_get(neterr_data(&f->e), "edit")), 2);
	assert_int_not_equal(store_candidate(f->s, "x", &root, &c, &f->e), 0);
	assert_int_equal(f->e.code, NETERR_TRANSACTION_UNKNOWN);
	assert_int_equal(store_edit(f->s, "x", &root, e, 2, 1, &f->e), 0);
	yyjson_doc_free(doc);
}

/* ---- Candidates ---- */

static void test_private(void **state)
{
	static const struct principal other = {.user = "other", .recovery = true};
	struct fixture *f = *state;
	struct store_edit e = {.op = EDIT_REMOVE, .path = ETH0};
	struct store_query q = {.path = "/"};
	struct changes c;
	char handle[16];
	struct alloc a;
	struct buf b;
	unsigned i;

	edit(f, "x", EDIT_MERGE, ETH0, "{" BRIDGE "}", 0);
	/* Another's candidate is none, and its handle no way in. */
	assert_int_not_equal(store_candidate(f->s, "x", &other, &c, &f->e), 0);
	assert_int_equal(f->e.code, NETERR_TRANSACTION_UNKNOWN);
	assert_int_not_equal(store_edit(f->s, "x", &other, &e, 1, 1, &f->e), 0);
	assert_int_equal(f->e.code, NETERR_TRANSACTION_UNKNOWN);
	alloc_init(&a, 0);
	buf_init(&b, &a);
	assert_int_not_equal(store_get(f->s, DS_CANDIDATE, "x", &other, &q, &b, &f->e), 0);
	assert_int_equal(f->e.code, NETERR_TRANSACTION_UNKNOWN);
	store_discard(f->s, "x", &other);
	assert_int_equal(check(f, "x"), 0);
	/* 64 of one principal; idle ones go after an hour. */
	for (i = 1; i < 64; i++) {
		snprintf(handle, sizeof(handle), "h%u", i);
		assert_int_equal(store_edit(f->s, handle, &root, &e, 1, 2, &f->e), 0);
	}
	assert_int_not_equal(store_edit(f->s, "one more", &root, &e, 1, 2, &f->e), 0);
	tag(f, "resource-denied");
	assert_int_equal(store_edit(f->s, "his", &other, &e, 1, 2, &f->e), 0);
	store_expire(f->s, 3600000000 + 2); /* x was used at 1 */
	assert_int_not_equal(store_candidate(f->s, "x", &root, &c, &f->e), 0);
	assert_int_equal(store_candidate(f->s, "h1", &root, &c, &f->e), 0);
	/* The shared one is everybody's. */
	edit(f, "", EDIT_MERGE, ETH0, "{" BRIDGE "}", 0);
	assert_int_equal(store_candidate(f->s, "", &other, &c, &f->e), 0);
	assert_int_equal(c.n, 2);
	changes_free(&c);
}

static void expect_conflicts(struct fixture *f, const char *want)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	char *text;

	yyjson_mut_doc_set_root(doc, store_conflicts(f->s, "x", doc));
	text = yyjson_mut_write(doc, 0, NULL);
	assert_string_equal(text, want);
	free(text);
	yyjson_mut_doc_free(doc);
}

#define ETH0_LY "/ietf-interfaces:interfaces/interface[name='eth0']"

static void test_conflict(void **state)
{
	struct fixture *f = *state;

	edit(f, "w", EDIT_MERGE, ETH0, "{" BRIDGE ",\"description\":\"old\"}", 0);
	commit(f, "w");
	edit(f, "x", EDIT_MERGE, ETH0 "/description", "\"mine\"", 0);
	edit(f, "x", EDIT_MERGE, ETH0 "/enabled", "false", 0);
	/* Apart: the candidate moves along. */
	edit(f, "w", EDIT_MERGE, IF("eth1"), "{" BRIDGE "}", 0);
	commit(f, "w");
	expect_conflicts(f, "[]");
	expect(f, DS_CANDIDATE, "x", IF("eth1") "/type",
	       "{\"ietf-interfaces:type\":\"iana-if-type:bridge\"}");
	/* Alike: it is done. */
	edit(f, "w", EDIT_MERGE, ETH0 "/enabled", "false", 0);
	commit(f, "w");
	expect_conflicts(f, "[]");
	/* The same node otherwise. */
	edit(f, "w", EDIT_MERGE, ETH0 "/description", "\"theirs\"", 0);
	commit(f, "w");
	expect_conflicts(f, "[\"" ETH0_LY "/description\"]");
	expect(f, DS_CANDIDATE, "x", ETH0 "/description",
	       "{\"ietf-interfaces:description\":\"mine\"}");
	assert_int_equal(store_update(f->s, "x", &root, RESOLVE_IGNORE, &f->e), 0);
	expect_conflicts(f, "[]");
	commit(f, "x");
	expect(f, DS_RUNNING, NULL, ETH0 "/description",
	       "{\"ietf-interfaces:description\":\"mine\"}");
}

static void test_conflict_overwrite(void **state)
{
	struct fixture *f = *state;
	struct changes c;

	edit(f, "w", EDIT_MERGE, ETH0, "{" BRIDGE "}", 0);
	commit(f, "w");
	edit(f, "x", EDIT_MERGE, ETH0 "/description", "\"mine\"", 0);
	edit(f, "x", EDIT_MERGE, IF("eth2"), "{" BRIDGE "}", 0);
	edit(f, "w", EDIT_DELETE, ETH0, NULL, 0);
	commit(f, "w");
	expect_conflicts(f, "[\"" ETH0_LY "\"]");
	assert_int_equal(store_update(f->s, "x", &root, RESOLVE_OVERWRITE, &f->e), 0);
	assert_int_equal(store_candidate(f->s, "x", &root, &c, &f->e), 0);
	assert_int_equal(c.n, 2); /* eth2 and its type */
	changes_free(&c);
	assert_int_equal(check(f, "x"), 0);
}

/* ---- Reading ---- */

static void expect_query(struct fixture *f, struct store_query q, const char *want)
{
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	assert_int_equal(store_get(f->s, DS_RUNNING, NULL, &root, &q, &b, &f->e), 0);
	buf_u8(&b, 0);
	assert_string_equal((const char *)b.p, want);
	buf_free(&b);
}

static void test_queries(void **state)
{
	struct fixture *f = *state;
	struct alloc a;
	struct buf b;

	edit(f, "w", EDIT_MERGE, "ietf-interfaces:interfaces",
	     "{\"interface\":[{\"name\":\"c\"," BRIDGE "},{\"name\":\"a\"," BRIDGE
	     "},{\"name\":\"b b\"," BRIDGE
	     ",\"description\":\"x y\",\"ietf-ip:ipv4\":{\"mtu\":1500}}]}",
	     0);
	commit(f, "w");
	expect_query(f, (struct store_query){.path = "ietf-interfaces:interfaces", .depth = 1},
		     "{\"ietf-interfaces:interfaces\":{}}");
	expect_query(f, (struct store_query){.path = "ietf-interfaces:interfaces", .depth = 2},
		     "{\"ietf-interfaces:interfaces\":{\"interface\":[{\"name\":\"a\"},{\"name\":"
		     "\"b b\"},{\"name\":\"c\"}]}}");
	expect_query(f,
		     (struct store_query){.path = "ietf-interfaces:interfaces/interface",
					  .depth = 1,
					  .offset = 1,
					  .limit = 1},
		     "{\"ietf-interfaces:interface\":[{\"name\":\"b b\"}]}");
	expect_query(f, (struct store_query){.path = IF("b%20b") "/ietf-ip:ipv4", .defaults = true},
		     "{\"ietf-ip:ipv4\":{\"enabled\":true,\"forwarding\":false,\"mtu\":1500}}");
	expect_query(f, (struct store_query){.path = IF("b%20b") "/ietf-ip:ipv4"},
		     "{\"ietf-ip:ipv4\":{\"mtu\":1500}}");
	alloc_init(&a, 0);
	buf_init(&b, &a);
	assert_int_equal(store_print_text(f->s, DS_RUNNING, NULL, &root, &b, &f->e), 0);
	buf_u8(&b, 0);
	assert_string_equal(
		(const char *)b.p,
		"ietf-interfaces:interfaces {\n\tinterface a {\n\t\ttype "
		"iana-if-type:bridge;\n\t}\n"
		"\tinterface \"b b\" {\n\t\tdescription \"x y\";\n\t\ttype iana-if-type:bridge;\n"
		"\t\tietf-ip:ipv4 {\n\t\t\tmtu 1500;\n\t\t}\n\t}\n"
		"\tinterface c {\n\t\ttype iana-if-type:bridge;\n\t}\n}\n");
	buf_free(&b);
}

static void test_startup(void **state)
{
	static const char json[] = "{\"ietf-interfaces:interfaces\":{\"interface\":[{\"name\":"
				   "\"s\",\"type\":\"iana-if-type:bridge\"}]}}";
	struct fixture *f = *state;

	assert_true(store_startup_follows(f->s));
	assert_int_not_equal(store_startup_set(f->s, "{\"x\":1}", 7, &f->e), 0);
	assert_int_not_equal(store_startup_set(f->s, "{", 1, &f->e), 0);
	assert_int_equal(store_startup_set(f->s, json, sizeof(json) - 1, &f->e), 0);
	assert_false(store_startup_follows(f->s));
	expect(f, DS_STARTUP, NULL, "/", json);
	expect(f, DS_RUNNING, NULL, "/", "{}");
	assert_int_equal(store_startup_set(f->s, NULL, 0, &f->e), 0);
	expect(f, DS_STARTUP, NULL, "/", "{}");
}

/* ---- What leads from one to another ---- */

static void test_changes_json(void **state)
{
	struct fixture *f = *state;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	struct changes c;
	struct changes again;
	yyjson_doc *read;
	char *text;
	char *text2;

	edit(f, "x", EDIT_MERGE, ETH0, "{" BRIDGE "}", 0);
	assert_int_equal(store_candidate(f->s, "x", &root, &c, &f->e), 0);
	yyjson_mut_doc_set_root(doc, changes_json(&c, doc));
	text = yyjson_mut_write(doc, 0, NULL);
	assert_string_equal(text,
			    "[{\"path\":\"" ETH0_LY "\",\"op\":\"create\"},{\"path\":\"" ETH0_LY
			    "/type\",\"op\":\"create\",\"new\":\"iana-if-type:bridge\"}]");
	yyjson_mut_doc_free(doc);
	read = yyjson_read(text, strlen(text), 0);
	assert_int_equal(changes_parse(yyjson_doc_get_root(read), &again, &f->e.err), 0);
	yyjson_doc_free(read);
	doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_doc_set_root(doc, changes_json(&again, doc));
	text2 = yyjson_mut_write(doc, 0, NULL);
	assert_string_equal(text, text2);
	changes_free(&again);
	read = yyjson_read("[{\"path\":\"/x\",\"op\":\"jump\"}]", 26, 0);
	assert_int_equal(changes_parse(yyjson_doc_get_root(read), &again, &f->e.err), -EINVAL);
	yyjson_doc_free(read);
	yyjson_mut_doc_free(doc);
	free(text);
	free(text2);
	changes_free(&c);
}

/* Changes that were made for another running are refused, and nothing of them stays. */
static void test_misfit(void **state)
{
	struct fixture *f = *state;
	struct changes c = {0};
	char before[72];

	edit(f, "w", EDIT_MERGE, ETH0, "{" BRIDGE ",\"description\":\"a\"}", 0);
	commit(f, "w");
	strcpy(before, store_hash(f->s));
	changes_add(&c, CHANGE_CREATE, "/ietf-interfaces:interfaces/interface[name='x']", NULL,
		    NULL, NULL, NULL);
	changes_add(&c, CHANGE_REPLACE, ETH0_LY "/description", "b", "c", NULL, NULL);
	assert_int_equal(store_check(f->s, &c, &f->e), -EINVAL);
	assert_string_equal(f->e.err.where, ETH0_LY "/description");
	assert_int_not_equal(store_apply(f->s, &c), 0);
	changes_free(&c);
	changes_add(&c, CHANGE_DELETE, ETH0_LY, NULL, NULL, NULL, NULL); /* with its leaves in it */
	assert_int_equal(store_check(f->s, &c, &f->e), -EINVAL);
	changes_free(&c);
	changes_add(&c, CHANGE_CREATE, "/nothing:at/all", NULL, "1", NULL, NULL);
	assert_int_equal(store_check(f->s, &c, &f->e), -EINVAL);
	changes_free(&c);
	assert_string_equal(store_hash(f->s), before);
}

/* What the library says is valid by its own module, and its content-id is the set's. */
static void test_library(void **state)
{
	static const struct schema_module more[] = {
		{.name = "ietf-yang-library", .implemented = true},
		{.name = "ietf-datastores", .implemented = true},
		{.name = "ietf-interfaces", .implemented = true}};
	struct fixture *f = *state;
	struct schema *a = schema_new(more, 3, NULL);
	struct schema *b = schema_new(more, 2, NULL);
	struct lyd_node *tree = NULL;
	char *text = schema_library(a);
	char with[8192];

	assert_non_null(text);
	/* The module still has a mandatory leaf in its deprecated part. */
	snprintf(with, sizeof(with),
		 "%.*s,\"ietf-yang-library:modules-state\":{\"module-set-id\":\"-\"}}",
		 (int)strlen(text) - 1, text);
	if (lyd_parse_data_mem(schema_ctx(a), with, LYD_JSON, LYD_PARSE_STRICT,
			       LYD_VALIDATE_PRESENT, &tree)) {
		print_error("%s\n%s\n", ly_err_last(schema_ctx(a))->msg, text);
		fail();
	}
	lyd_free_all(tree);
	assert_int_equal(strlen(schema_content_id(a)), 64);
	assert_non_null(strstr(text, schema_content_id(a)));
	assert_string_not_equal(schema_content_id(a), schema_content_id(b));
	assert_non_null(schema_source(f->schema, "ietf-interfaces", "2018-02-20"));
	assert_null(schema_source(f->schema, "ietf-interfaces", "1999-01-01"));
	free(text);
	schema_free(a);
	schema_free(b);
}

static void test_schema_errors(void **state)
{
	static const struct schema_module missing[] = {{.name = "nothing", .implemented = true}};
	static const struct schema_module broken[] = {
		{.name = "b", .text = "module b { nonsense }", .implemented = true}};
	struct err err = {0};

	assert_null(schema_new(missing, 1, &err));
	assert_int_not_equal(err.code, 0);
	assert_null(schema_new(broken, 1, &err));
	assert_non_null(strstr(err.what, "b:"));
}

static void test_rooms(void **state)
{
	struct fixture *f = *state;
	const struct lys_module *ip =
		ly_ctx_get_module_implemented(schema_ctx(f->schema), "ietf-interfaces");
	const struct lys_module *acm =
		ly_ctx_get_module_implemented(schema_ctx(f->schema), "ietf-netconf-acm");

	assert_string_equal(schema_room(f->schema, ip->compiled->data), "sys");
	assert_string_equal(schema_room(f->schema, acm->compiled->data), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {

		cmocka_unit_test_setup_teardown(test_edit_and_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mandatory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_operations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_private, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conflict, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conflict_overwrite, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_startup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_misfit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_library, setup, teardown),
		cmocka_unit_test_setup_teardown(test_schema_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rooms, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

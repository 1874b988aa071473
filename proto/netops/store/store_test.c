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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_edit_and_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mandatory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Any JSON as a list of edits [{op, path, value, insert, point}]: it is refused with a reason and
 * nothing is left of it, or it makes changes which lead there and back. What validation passes is
 * applied, read, and taken back. */
#include "base/json.h"
#include "proto/netops/store/store.h"

#include <stdlib.h>
#include <string.h>

extern const char nasty_yang[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema_module modules[] = {
	{.name = "nasty", .text = nasty_yang, .implemented = true},
	{.name = "iana-if-type", .implemented = true},
	{.name = "ietf-interfaces", .implemented = true},
	{.name = "ietf-ip", .implemented = true},
	{.name = "ietf-netconf-acm", .implemented = true},
};

static const char start[] =
	"{\"nasty:top\":{\"pair\":[{\"k\":\"a\"}],\"menu\":[\"a\",\"b\"],\"step\":[{\"id\":\"a\"},{"
	"\"id\":\"b\",\"act\":\"x\"}],\"pet\":[{"
	"\"name\":\"x\",\"kind\":\"cat\",\"tag\":3,\"roar\":1},{\"name\":\"y\",\"friend\":\"x\"}]},"
	"\"ietf-interfaces:interfaces\":{"
	"\"interface\":[{\"name\":\"eth0\",\"type\":\"iana-if-type:bridge\"}]}}";

#define MAX_EDITS 16

static const char *text(yyjson_val *obj, const char *key)
{
	return yyjson_get_str(yyjson_obj_get(obj, key));
}

static size_t read_edits(yyjson_val *arr, struct store_edit *edit)
{
	yyjson_arr_iter it = yyjson_arr_iter_with(arr);
	yyjson_val *obj;
	size_t n = 0;

	while (n < MAX_EDITS && (obj = yyjson_arr_iter_next(&it))) {
		edit[n] = (struct store_edit){
			.op = (int)(yyjson_get_uint(yyjson_obj_get(obj, "op")) % 5),
			.path = text(obj, "path") ? text(obj, "path") : "/",
			.value = yyjson_obj_get(obj, "value"),
			.insert = text(obj, "insert"),
			.point = text(obj, "point"),
		};
		n++;
	}
	return n;
}

static char *all(struct store *s)
{
	struct store_query q = {.path = "/", .defaults = true};
	struct neterr e = {0};
	struct alloc a;
	struct buf b;
	char *copy;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	if (store_get(s, DS_RUNNING, NULL, NULL, &q, &b, &e))
		abort();
	buf_u8(&b, 0);
	copy = strdup((const char *)b.p);
	buf_free(&b);
	return copy;
}

static void there_and_back(struct store *s, const struct changes *c)
{
	struct changes back;
	char *before = all(s);
	char *after;
	char hash[72];

	strcpy(hash, store_hash(s));
	if (changes_invert(c, &back) || store_apply(s, c))
		abort();
	after = all(s);
	free(after);
	if (store_apply(s, &back))
		abort();
	changes_free(&back);
	after = all(s);
	if (strcmp(before, after) != 0 || strcmp(hash, store_hash(s)) != 0)
		abort();
	free(after);
	free(before);
}

static struct store *fixture(void)
{
	struct schema *schema = schema_new(modules, sizeof(modules) / sizeof(*modules), NULL);
	struct store *s = schema ? store_new(schema, NULL) : NULL;
	struct neterr e = {0};

	if (!s || store_load(s, start, sizeof(start) - 1, &e))
		abort();
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *s;
	struct store_edit edit[MAX_EDITS];
	struct neterr e = {0};
	struct changes c;
	yyjson_doc *doc = json_parse((const char *)data, size, 0, NULL, NULL);
	size_t n;

	if (!s)
		s = fixture();
	n = doc ? read_edits(yyjson_doc_get_root(doc), edit) : 0;
	if (n && store_edit(s, "", NULL, edit, n, 1, &e) == 0) {
		if (store_candidate(s, "", NULL, &c, &e))
			abort();
		if (store_check(s, &c, &e) == 0)
			there_and_back(s, &c);
		else if (e.code == 0)
			abort();
		changes_free(&c);
	} else if (n && (e.code == 0 || e.err.what[0] == '\0')) {
		abort();
	}
	store_discard(s, "", NULL);
	neterr_clear(&e);
	yyjson_doc_free(doc);
	return 0;
}

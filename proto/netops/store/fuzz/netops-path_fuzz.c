/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a path, in both forms, of reads, deletes and completion: it is refused with a reason,
 * or it names a node whose own path names it again. */
#include "proto/netops/store/path.h"
#include "proto/netops/store/store.h"

#include <stdlib.h>
#include <string.h>

extern const char nasty_yang[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema_module modules[] = {
	{.name = "nasty", .text = nasty_yang, .implemented = true},
	{.name = "iana-if-type", .implemented = true},
	{.name = "ietf-interfaces", .implemented = true},
	{.name = "ietf-netconf-acm", .implemented = true},
};

static const char start[] = "{\"nasty:top\":{\"pair\":[{\"k\":\"a\"},{\"k\":\"it's\"},{\"k\":\"\"}]"
			    ",\"menu\":[\"a,b\",\"c/d\"],\"pet\":[{\"name\":\"x\","
			    "\"meal\":[{\"day\":1,\"hour\":2}]}]},\"ietf-interfaces:interfaces\":{"
			    "\"interface\":[{\"name\":\"eth0/1\",\"type\":"
			    "\"iana-if-type:bridge\"}]}}";

static void count(void *ctx, const char *value)
{
	++*(size_t *)ctx;
}

static void check_read(struct store *s, const char *text)
{
	static const struct principal root = {.user = "root", .recovery = true};
	struct store_query q = {.path = text};
	struct neterr e = {0};
	struct alloc a;
	struct buf b;
	size_t n = 0;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	if (store_get(s, DS_RUNNING, NULL, &root, &q, &b, &e) == 0) {
		yyjson_doc *doc = yyjson_read((const char *)b.p, b.n, 0);

		if (!doc)
			abort();
		yyjson_doc_free(doc);
	} else if (e.code == 0 || e.err.what[0] == '\0') {
		abort();
	}
	buf_free(&b);
	neterr_clear(&e);
	if (store_complete(s, DS_RUNNING, &root, text, 5, count, &n) < n)
		abort();
}

static void check_delete(struct store *s, const char *text)
{
	struct store_edit edit = {.op = EDIT_REMOVE, .path = text};
	struct changes c;
	struct neterr e = {0};

	if (store_edit(s, "", NULL, &edit, 1, 1, &e) == 0) {
		if (store_candidate(s, "", NULL, &c, &e))
			abort();
		store_check(s, &c, &e);
		changes_free(&c);
	}
	store_discard(s, "", NULL);
	neterr_clear(&e);
}

static int same(void *ctx, const struct lyd_node *tree)
{
	const char *text = ctx;
	const struct ly_ctx *ly = tree ? LYD_CTX(tree) : NULL;
	struct path p;
	struct path again;
	struct lyd_node *n;
	char *own;
	size_t depth;

	if (!tree)
		return 0;
	if (path_parse(ly, text, &p, NULL) == 0) {
		n = path_find((struct lyd_node *)tree, &p, &depth);
		if (n && depth == p.n) {
			own = lyd_path(n, LYD_PATH_STD, NULL, 0);
			if (!own || path_parse(ly, own, &again, NULL) ||
			    path_find((struct lyd_node *)tree, &again, &depth) != n)
				abort();
			path_free(&again);
			free(own);
		}
	}
	path_free(&p);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct schema *schema;
	static struct store *s;
	struct neterr e = {0};
	char hash[72];
	char *text;

	if (!s) {
		schema = schema_new(modules, sizeof(modules) / sizeof(*modules), NULL);
		s = schema ? store_new(schema, NULL) : NULL;
		if (!s || store_load(s, start, sizeof(start) - 1, &e))
			abort();
	}
	text = strndup((const char *)data, size);
	if (!text)
		return 0;
	strcpy(hash, store_hash(s));
	check_read(s, text);
	check_delete(s, text);
	store_view(s, NULL, same, text);
	if (strcmp(hash, store_hash(s)) != 0)
		abort();
	free(text);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The generated schemas against libyang's verdict on random instances and mutations, for all
 * modules of the shared data folder (spec §7 row 20): what is valid is accepted always; what is not
 * is refused but for must, when, and what else only the whole tree can say. */
#include "base/json_schema.h"
#include "proto/netops/ops/text.h"
#include "proto/netops/ops/xsd_regex.h"
#include "proto/netops/ops/yang_instance.h"
#include "proto/netops/ops/yang_json.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define MAX_MODULES 64

static struct alloc alloc;

static const char *data_dir(void)
{
	static char dir[512];
	const char *shared = getenv("DEP_SHARED_DATA");

	if (shared)
		snprintf(dir, sizeof(dir), "%s/netops/yang", shared);
	return shared ? dir : NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static size_t module_names(const char *dir, char name[MAX_MODULES][128])
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		char *at = strchr(e->d_name, '@');

		if (at && n < MAX_MODULES && strstr(at, ".yang"))
			snprintf(name[n++], 128, "%.*s", (int)(at - e->d_name), e->d_name);
	}
	if (d)
		closedir(d);
	qsort(name, n, 128, compare);
	return n;
}

static struct ly_ctx *context(const char *dir, char name[MAX_MODULES][128], size_t n)
{
	static const char *all[] = {"*", NULL};
	struct ly_ctx *ctx = NULL;
	size_t i;

	ly_log_options(LY_LOSTORE_LAST);
	assert_int_equal(ly_ctx_new(dir, LY_CTX_NO_YANGLIBRARY, &ctx), LY_SUCCESS);
	/* From behind: a feature may need one of a module that only comes then. */
	for (i = n; i-- > 0;)
		ly_ctx_load_module(ctx, name[i], NULL, all);
	for (i = 0; i < n; i++) {
		if (!ly_ctx_get_module_implemented(ctx, name[i]))
			ly_ctx_load_module(ctx, name[i], NULL, all);
	}
	return ctx;
}

static double ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- Verdicts ---- */

struct tally {
	unsigned valid, invalid, false_reject, false_accept, whole_tree, other;
};

/* 0 valid; else libyang's message. */
static const char *verdict(struct ly_ctx *ctx, const char *json)
{
	struct lyd_node *tree = NULL;
	const struct ly_err_item *e;
	LY_ERR rc = lyd_parse_data_mem(ctx, json, LYD_JSON, LYD_PARSE_STRICT | LYD_PARSE_NO_STATE,
				       LYD_VALIDATE_NO_STATE | LYD_VALIDATE_PRESENT, &tree);

	lyd_free_all(tree);
	e = ly_err_last(ctx);
	return rc == LY_SUCCESS ? NULL : e && e->msg ? e->msg : "?";
}

/* must, when, and what needs other nodes: leafref and instance-identifier targets, unique, keys
 * that are there twice. */
static bool beyond_schema(const char *msg)
{
	static const char *const any[] = {"ust condition", "hen condition",	  "leafref",
					  "no target",	   "instance-identifier", "nique",
					  "uplicate",	   "equired instance"};
	size_t i;

	for (i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		if (strstr(msg, any[i]))
			return true;
	}
	return false;
}

static void judge(struct ly_ctx *ctx, const struct json_schema *s, yyjson_mut_val *root,
		  const char *module, const char *what, struct tally *t)
{
	char *json = yyjson_mut_val_write(root, 0, NULL);
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	const char *why = verdict(ctx, json);
	struct err err = {0};
	bool accepted = json_schema_check(s, yyjson_doc_get_root(doc), &err) == 0;

	if (!why)
		t->valid++;
	else
		t->invalid++;
	if (!why && !accepted) {
		t->false_reject++;
		if (t->false_reject < 4)
			printf("# false reject, %s: %s: %s: %s\n#   %.600s\n", module, what,
			       err.where, err.what, json);
	}
	if (why && accepted && beyond_schema(why)) {
		t->whole_tree++;
	} else if (why && accepted) {
		t->other++;
		if (t->other < 4)
			printf("# false accept, %s: %s: %s\n#   %.400s\n", module, what, why, json);
	}
	t->false_accept += why && accepted;
	yyjson_doc_free(doc);
	free(json);
}

static void try_module(struct ly_ctx *ctx, const struct lys_module *mod,
		       const struct json_schema *s, struct rng *r, unsigned rounds, struct tally *t)
{
	unsigned i;
	unsigned k;

	for (i = 0; i < rounds; i++) {
		yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		struct instance in = {.r = r, .doc = doc, .rich = 5 + (unsigned)rng_below(r, 60)};
		yyjson_mut_val *root = yyjson_mut_obj(doc);
		const char *what = "instance";
		char *json;

		instance_members(&in, root, mod->compiled->data, NULL);
		instance_free(&in);
		json = yyjson_mut_val_write(root, 0, NULL);
		if (yyjson_mut_obj_size(root) && !verdict(ctx, json)) {
			judge(ctx, s, root, mod->name, what, t);
			for (k = 0; k < 8; k++) {
				yyjson_mut_val *copy = yyjson_mut_val_mut_copy(doc, root);
				unsigned tries = 0;

				while (!instance_mutate(&in, copy, &what) && tries++ < 20)
					;
				judge(ctx, s, copy, mod->name, what, t);
			}
		}
		free(json);
		yyjson_mut_doc_free(doc);
	}
}

static void test_verdicts_as_libyang(void **state)
{
	const char *dir = data_dir();
	char name[MAX_MODULES][128];
	struct tally t = {0};
	const char *seed = getenv("DEP_SEED");
	const char *rounds = getenv("DEP_ROUNDS");
	double spent = 0;
	size_t bytes = 0;
	struct ly_ctx *ctx;
	struct rng r;
	size_t n;
	size_t i;

	if (!dir) {
		assert_null(getenv("DEP_REQUIRE_DATA"));
		print_message("the shared data folder is not there\n");
		skip();
	}
	n = module_names(dir, name);
	assert_int_equal(n, 48);
	rng_seed(&r, seed ? strtoull(seed, NULL, 10) : 1);
	ctx = context(dir, name, n);
	for (i = 0; i < n; i++) {
		const struct lys_module *mod = ly_ctx_get_module_implemented(ctx, name[i]);
		struct yang_json g = {0};
		struct json_schema *s;
		struct err err = {0};
		struct buf out;
		double t0 = ms();

		if (!mod && ly_ctx_get_submodule_latest(ctx, name[i]))
			continue; /* its nodes are its module's */
		if (!mod)
			fail_msg("%s is not implemented", name[i]);
		buf_init(&out, &alloc);
		assert_int_equal(yang_json_module_schema(&g, &out, mod), 0);
		yang_json_free(&g);
		spent += ms() - t0;
		bytes += out.n;
		s = json_schema_new((const char *)out.p, out.n, &err);
		if (!s)
			fail_msg("%s: %s", name[i], err.what);
		try_module(ctx, mod, s, &r, rounds ? (unsigned)atol(rounds) : 60, &t);
		json_schema_free(s);
		buf_free(&out);
	}
	ly_ctx_destroy(ctx);
	print_message("%zu modules, %zu bytes of schema in %.1f ms; %u valid, %u invalid; false "
		      "rejects %u; false accepts %u (%.2f %%): %u "
		      "of must, when, leafref, unique or keys, %u of else\n",
		      n, bytes, spent, t.valid, t.invalid, t.false_reject, t.false_accept,
		      t.invalid ? 100.0 * t.false_accept / t.invalid : 0, t.whole_tree, t.other);
	assert_int_equal(t.false_reject, 0);
	assert_true(t.valid > 200 && t.invalid > 400);
	assert_true(t.false_accept * 100 <= t.invalid * 2);
}

/* ---- Single things ---- */

static void test_patterns(void **state)
{
	static const struct {
		const char *xsd, *ecma;
	} t[] = {
		{"[a-z]+", "^(?:[a-z]+)$"},
		{"a|b", "^(?:a|b)$"},
		{"a.b", "^(?:a[^\\n\\r]b)$"},
		{"^$", "^(?:\\^\\$)$"},
		{"\\.\\-", "^(?:\\.-)$"},
		{"[a-z-[aeiou]]", "^(?:[b-df-hj-np-tv-z])$"},
		{"\\s", "^(?:[\\u0009\\u000a\\u000d ])$"},
		{"\\p{IsBasicLatin}", NULL},
		{"[^:]*", NULL},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf b;
		bool ok;

		buf_init(&b, &alloc);
		ok = xsd_regex(&b, t[i].xsd);
		buf_u8(&b, 0);
		if (t[i].ecma && (!ok || strcmp((char *)b.p, t[i].ecma) != 0))
			fail_msg("%s became %s", t[i].xsd, (char *)b.p);
		if (strstr(t[i].xsd, "Is"))
			assert_false(ok);
		buf_free(&b);
	}
}

static void test_text_is_hardened(void **state)
{
	static const char *const hostile =
		"a\x1b[31m\xe2\x80\xae\"\\\n\xc3\xa4\xef\xbb\xbf\x7f\xf3\xa0\x80\x81";
	struct buf b;
	yyjson_doc *doc;
	size_t i;

	buf_init(&b, &alloc);
	text_json_str(&b, hostile);
	for (i = 0; i < b.n; i++)
		assert_true(b.p[i] >= 0x20 && b.p[i] != 0x7f);
	assert_null(memmem(b.p, b.n, "\xe2\x80\xae", 3));
	/* And it reads as it was. */
	doc = yyjson_read((const char *)b.p, b.n, 0);
	assert_string_equal(yyjson_get_str(yyjson_doc_get_root(doc)), hostile);
	yyjson_doc_free(doc);
	buf_clear(&b);
	text_plain(&b, "x\ny\x1b\xe2\x80\xae", 7, 1000, true);
	buf_u8(&b, 0);
	assert_string_equal((char *)b.p, "x<U+000A>y<U+001B><U+202E>");
	buf_free(&b);
}

static bool hide_acls(void *ctx, const struct lysc_node *node)
{
	return strcmp(node->name, "statistics") != 0 && strcmp(node->name, "description") != 0;
}

static void test_hidden_nodes_have_no_name(void **state)
{
	const char *dir = data_dir();
	char name[MAX_MODULES][128] = {"ietf-interfaces"};
	struct yang_json g = {.state = true, .visible = hide_acls};
	const struct lys_module *mod;
	struct ly_ctx *ctx;
	struct buf all;
	struct buf out;

	if (!dir)
		skip();
	ctx = context(dir, name, 1);
	mod = ly_ctx_get_module_implemented(ctx, "ietf-interfaces");
	buf_init(&out, &alloc);
	buf_init(&all, &alloc);
	assert_int_equal(yang_json_module_schema(&g, &out, mod), 0);
	yang_json_free(&g);
	assert_null(memmem(out.p, out.n, "\"statistics\"", 12));
	assert_null(memmem(out.p, out.n, "in-octets", 9));
	assert_non_null(memmem(out.p, out.n, "\"enabled\"", 9));
	buf_clear(&out);
	assert_int_equal(yang_tree(&out, mod, hide_acls, NULL), 0);
	assert_int_equal(yang_tree(&all, mod, NULL, NULL), 0);
	assert_null(memmem(out.p, out.n, "in-octets", 9));
	assert_non_null(memmem(all.p, all.n, "in-octets", 9));
	assert_non_null(memmem(out.p, out.n, "oper-status", 11));
	buf_free(&out);
	buf_free(&all);
	ly_ctx_destroy(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_text_is_hardened),
		cmocka_unit_test(test_hidden_nodes_have_no_name),
		cmocka_unit_test(test_verdicts_as_libyang),
	};

	alloc_init(&alloc, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

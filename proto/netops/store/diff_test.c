/* SPDX-License-Identifier: BSD-2-Clause */
/* Random edits, in series that a seed repeats: what store_check() says of each is what libyang says
 * of the whole, the tree after is libyang's, and what was done can be taken back without a trace.
 */
#include "base/rng.h"
#include "proto/netops/store/store_priv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const char nasty_yang[];

static const char *const acl_features[] = {
	"match-on-eth", "match-on-ipv4", "match-on-ipv6",  "match-on-tcp",	   "eth",
	"ipv4",		"ipv6",		 "mixed-eth-ipv4", "interface-attachment", NULL};

static const struct schema_module modules[] = {
	{.name = "nasty", .text = nasty_yang, .implemented = true},
	{.name = "iana-if-type", .implemented = true},
	{.name = "ietf-interfaces", .implemented = true, .room = "sys"},
	{.name = "ietf-ip", .implemented = true, .room = "sys"},
	{.name = "ietf-routing", .implemented = true, .room = "sys"},
	{.name = "ietf-ipv4-unicast-routing", .implemented = true, .room = "sys"},
	{.name = "ietf-ipv6-unicast-routing", .implemented = true, .room = "sys"},
	{.name = "ietf-access-control-list",
	 .implemented = true,
	 .room = "sys",
	 .features = acl_features},
};

#define IF "ietf-interfaces:interfaces/interface=@i"
#define RT                                                                                         \
	"ietf-routing:routing/control-plane-protocols/"                                            \
	"control-plane-protocol=ietf-routing%3Astatic,@i/static-routes"
#define R4 RT "/ietf-ipv4-unicast-routing:ipv4/route=10.0.0.@d%2F32"
#define ACL "ietf-access-control-list:acls/acl=@i"

/* @i: one of a few names; @d: a digit; @n: a number, perhaps a large one; @m, @k, @t: modes, kinds,
 * types. */
static const struct {
	const char *path;
	const char *value; /* NULL: only deleted */
} pool[] = {
	{"nasty:top/mode", "\"@m\""},
	{"nasty:top/limit", "@d"},
	{"nasty:top/fancy-only", "\"x@d\""},
	{"nasty:top/not-plain", "\"@n\""},
	{"nasty:top/shelter/roof", "\"tin\""},
	{"nasty:top/shelter/beds", "@d"},
	{"nasty:top/shelter", "{\"beds\":@d}"},
	{"nasty:top/needs", "{\"must-have\":\"@i\",\"this\":\"@i\"}"},
	{"nasty:top/needs",
	 "{\"must-have\":\"@i\",\"when-mandatory\":\"@i\",\"that\":{\"inner\":\"@i\"}}"},
	{"nasty:top/needs/must-have", "\"@i\""},
	{"nasty:top/needs/this", "\"@i\""},
	{"nasty:top/needs/when-mandatory", "\"@i\""},
	{"nasty:top/needs/that/inner", "\"@i\""},
	{"nasty:top/radius", "@d"},
	{"nasty:top/colour", "\"@i\""},
	{"nasty:top/side", "@d"},
	{"nasty:top/corner", "@d"},
	{"nasty:top/nothing", "[null]"},
	{"nasty:top/void/depth", "@d"},
	{"nasty:top/void", "{\"depth\":@d,\"echo\":\"@i\"}"},
	{"nasty:top/gate-a", "\"@i\""},
	{"nasty:top/gate-b", "\"@i\""},
	{"nasty:top/pet=@i", "{\"name\":\"@i\",\"kind\":\"@k\",\"tag\":@d}"},
	{"nasty:top/pet=@i", "{\"tag\":@n}"},
	{"nasty:top/pet=@i", "{\"friend\":\"@i\",\"kind\":\"nasty:tiger\",\"roar\":@d}"},
	{"nasty:top/pet=@i/kind", "\"@k\""},
	{"nasty:top/pet=@i/tag", "@d"},
	{"nasty:top/pet=@i/tag", "13"},
	{"nasty:top/pet=@i/home/place", "\"@i\""},
	{"nasty:top/pet=@i/home/toy=@i", "\"@i\""},
	{"nasty:top/pet=@i/home", "{\"toy\":[\"@i\",\"ball\"]}"},
	{"nasty:top/pet=@i/roar", "@d"},
	{"nasty:top/pet=@i/friend", "\"@i\""},
	{"nasty:top/pet=@i/friend-tag", "@d"},
	{"nasty:top/pet=@i/meal=@d,@d", "{}"},
	{"nasty:top/pet=@i/meal=@d,@d/dish", "\"@i\""},
	{"nasty:top/pet=@i/meal=@d,@d/big", "true"},
	{"nasty:top/menu=@i", "\"@i\""},
	{"nasty:top/menu", "[\"a\",\"@i\",\"e\"]"},
	{"nasty:top/favourite", "\"@i\""},
	{"nasty:top/favourite", "@d"},
	{"nasty:top/pointer", "\"/nasty:top/pet[name='@i']\""},
	{"nasty:top/pointer", "\"/nasty:top/pet[name='@i']/tag\""},
	{"nasty:top/soft", "\"@i\""},
	{"nasty:top/step=@i", "{\"act\":\"go\"}"},
	{"nasty:top/step=@i/act", "\"stop\""},
	{"nasty:top/step=@i/sub=@d", "{\"note\":\"@i\"}"},
	{"nasty:top/step", "[{\"id\":\"a\"},{\"id\":\"@i\",\"act\":\"go\"},{\"id\":\"f\"}]"},
	{"nasty:top/pair=@i", "{}"},
	{"nasty:top/pair=@i", "{}"},
	{"nasty:other/watch", "@d"},
	{"nasty:other/global", "\"@i\""},
	{"nasty:other/few=@i", "\"@i\""},
	{"nasty:other", "{\"watch\":@d}"},
	{IF, "{\"type\":\"iana-if-type:ethernetCsmacd\"}"},
	{IF, "{\"description\":\"@i\"}"},
	{IF "/enabled", "true"},
	{IF "/enabled", "false"},
	{IF "/type", "\"iana-if-type:bridge\""},
	{IF "/ietf-ip:ipv4",
	 "{\"mtu\":68,\"address\":[{\"ip\":\"10.0.0.@d\",\"prefix-length\":@d}]}"},
	{IF "/ietf-ip:ipv4/address=10.0.0.@d", "{\"netmask\":\"255.0.0.0\"}"},
	{IF "/ietf-ip:ipv4/address=10.0.0.@d", "{\"prefix-length\":24}"},
	{IF "/ietf-ip:ipv4/forwarding", "true"},
	{IF "/ietf-ip:ipv6", "{\"enabled\":true}"},
	{IF "/ietf-ip:ipv6/autoconf/create-global-addresses", "false"},
	{RT, "{}"},
	{"ietf-routing:routing/control-plane-protocols/"
	 "control-plane-protocol=ietf-routing%3Astatic,@i",
	 "{\"type\":\"ietf-routing:static\",\"name\":\"@i\"}"},
	{R4, "{\"next-hop\":{\"outgoing-interface\":\"@i\"}}"},
	{R4, "{\"next-hop\":{\"next-hop-address\":\"10.0.0.@d\"}}"},
	{R4, "{\"next-hop\":{\"special-next-hop\":\"blackhole\"}}"},
	{R4 "/next-hop/next-hop-list/next-hop=@i", "{\"outgoing-interface\":\"@i\"}"},
	{R4 "/description", "\"@i\""},
	{ACL, "{\"type\":\"@t\"}"},
	{ACL "/type", "\"@t\""},
	{ACL "/aces/ace=@i", "{\"actions\":{\"forwarding\":\"ietf-access-control-list:drop\"}}"},
	{ACL "/aces/ace=@i",
	 "{\"matches\":{\"ipv4\":{\"ttl\":@d}},\"actions\":{\"forwarding\":\"accept\"}}"},
	{ACL "/aces/ace=@i/matches/ipv6", "{\"flow-label\":@d}"},
	{ACL "/aces/ace=@i/matches/tcp", "{\"source-port\":{\"operator\":\"eq\",\"port\":@d}}"},
	{ACL "/aces/ace=@i/actions/logging", "\"ietf-access-control-list:log-syslog\""},
	{"ietf-access-control-list:acls/attachment-points/interface=@i",
	 "{\"ingress\":{\"acl-sets\":{\"acl-set\":[{\"name\":\"@i\"}]}}}"},
};

static const char *const modes[] = {"plain", "fancy", "strict"};
static const char *const kinds[] = {"nasty:cat", "nasty:dog", "nasty:tiger"};
static const char *const types[] = {"ietf-access-control-list:ipv4-acl-type",
				    "ietf-access-control-list:eth-acl-type",
				    "ietf-access-control-list:ipv6-acl-type",
				    "ietf-access-control-list:mixed-eth-ipv4-acl-type"};

static void fill_in(struct rng *r, const char *from, char *to, size_t cap)
{
	size_t n = 0;

	for (; *from && n + 64 < cap; from++) {
		if (*from != '@') {
			to[n++] = *from;
			continue;
		}
		switch (*++from) {
		case 'i':
			to[n++] = (char)('a' + rng_below(r, 6));
			break;
		case 'd':
			to[n++] = (char)('0' + rng_below(r, 6));
			break;
		case 'n':
			n += (size_t)snprintf(to + n, cap - n, "%u", (unsigned)rng_below(r, 2000));
			break;
		case 'm':
			n += (size_t)snprintf(to + n, cap - n, "%s", modes[rng_below(r, 3)]);
			break;
		case 'k':
			n += (size_t)snprintf(to + n, cap - n, "%s", kinds[rng_below(r, 3)]);
			break;
		default:
			n += (size_t)snprintf(to + n, cap - n, "%s", types[rng_below(r, 4)]);
		}
	}
	to[n] = '\0';
}

struct both {
	char *explicit;
	char *all;
};

struct world {
	struct schema *schema;
	struct store *s;
	struct rng rng;
	size_t valid;
	size_t invalid;
	size_t refused;
	struct changes total; /* all that was applied, as one */
	struct both start;
	char log[65536]; /* of the candidate under way */
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each top-level node a line, sorted: their order means nothing, and libyang's depends on the way.
 */
static char *print_sorted(const struct lyd_node *tree, uint32_t options)
{
	const struct lyd_node *n;
	char *line[16] = {0};
	char *all = calloc(1, 1 << 16);
	size_t count = 0;
	size_t i;

	LY_LIST_FOR(tree, n)
	{
		assert_true(count < 16);
		lyd_print_mem(&line[count], n, LYD_JSON, LYD_PRINT_SHRINK | options);
		if (line[count])
			count++;
	}
	qsort(line, count, sizeof(*line), by_text);
	for (i = 0; i < count; i++) {
		assert_true(strlen(all) + strlen(line[i]) + 2 < 1 << 16);
		strcat(strcat(all, line[i]), "\n");
		free(line[i]);
	}
	return all;
}

static char *print(const struct lyd_node *tree, uint32_t options)
{
	char *text = NULL;

	if (options == LYD_PRINT_WD_ALL)
		return print_sorted(tree, options);
	lyd_print_mem(&text, tree, LYD_JSON, LYD_PRINT_WITHSIBLINGS | LYD_PRINT_SHRINK | options);
	return text ? text : strdup("{}");
}

static int print_both(void *ctx, const struct lyd_node *tree)
{
	struct both *b = ctx;

	b->explicit = print(tree, LYD_PRINT_WD_EXPLICIT);
	b->all = print(tree, LYD_PRINT_WD_ALL);
	return 0;
}

static void show(const struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		print_error("  %d %s: %s -> %s [%s -> %s]\n", c->at[i].op, c->at[i].path,
			    c->at[i].old, c->at[i].new, c->at[i].old_after, c->at[i].new_after);
}

static void view(struct world *w, const struct changes *c, struct both *b)
{
	struct neterr e = {0};

	if (store_view(w->s, c, print_both, b) == 0)
		return;
	store_check(w->s, c, &e);
	print_error("no view: %s: %s\n%s\n", e.err.where, e.err.what, w->log);
	show(c);
	fail();
}

static void both_free(struct both *b)
{
	free(b->explicit);
	free(b->all);
}

/* libyang's verdict, and what it makes of the tree. */
static bool reference(struct world *w, const char *json, char **all, char *why, size_t n)
{
	struct lyd_node *tree = NULL;
	const struct ly_ctx *ctx = schema_ctx(w->schema);
	LY_ERR rc = lyd_parse_data_mem(ctx, json, LYD_JSON, LYD_PARSE_STRICT | LYD_PARSE_NO_STATE,
				       LYD_VALIDATE_NO_STATE, &tree);

	*all = rc == LY_SUCCESS ? print(tree, LYD_PRINT_WD_ALL) : NULL;
	snprintf(why, n, "%s",
		 rc == LY_SUCCESS || !ly_err_first(ctx) ? "" : ly_err_first(ctx)->msg);
	ly_err_clean((struct ly_ctx *)ctx, NULL);
	lyd_free_all(tree);
	return rc == LY_SUCCESS;
}

static void random_edit(struct world *w, const char *candidate)
{
	char *log = w->log;
	size_t cap = sizeof(w->log);
	static const int ops[] = {EDIT_MERGE,	EDIT_MERGE,  EDIT_MERGE, EDIT_CREATE,
				  EDIT_REPLACE, EDIT_REMOVE, EDIT_DELETE};
	static const char *const inserts[] = {"first", "last", "before", "after"};
	size_t which = rng_below(&w->rng, sizeof(pool) / sizeof(*pool));
	struct store_edit e = {.op = ops[rng_below(&w->rng, 7)]};
	struct neterr err = {0};
	yyjson_doc *doc;
	char path[512];
	char value[512];
	char point[512];
	size_t n;

	fill_in(&w->rng, pool[which].path, path, sizeof(path));
	fill_in(&w->rng, pool[which].value, value, sizeof(value));
	doc = yyjson_read(value, strlen(value), 0);
	assert_non_null(doc);
	e.path = path;
	e.value = yyjson_doc_get_root(doc);
	if (strstr(path, "step=") || strstr(path, "menu=") || strstr(path, "ace=")) {
		if (path[strlen(path) - 2] == '=' && rng_below(&w->rng, 2) && e.op < EDIT_DELETE) {
			e.insert = inserts[rng_below(&w->rng, 4)];
			n = (size_t)snprintf(point, sizeof(point), "%s", path);
			point[n - 1] = (char)('a' + rng_below(&w->rng, 6));
			e.point = point;
		}
	}
	if (store_edit(w->s, candidate, NULL, &e, 1, 1, &err))
		w->refused++;
	n = strlen(log);
	snprintf(log + n, cap - n, "  %d %s %s %s: %s\n", (int)e.op, path, value,
		 e.insert ? e.insert : "", err.err.what);
	neterr_clear(&err);
	yyjson_doc_free(doc);
}

/* What was applied since the start, composed, leads back there at once; with its own inverse it is
 * nothing. */
static void compose_all(struct world *w, const struct changes *c)
{
	struct changes sum;
	struct changes back;
	struct changes none;
	struct both b;

	assert_int_equal(changes_compose(&w->total, c, &sum), 0);
	changes_free(&w->total);
	w->total = sum;
	assert_int_equal(changes_invert(&sum, &back), 0);
	view(w, &back, &b);
	if (strcmp(b.all, w->start.all) != 0)
		show(&back);
	assert_string_equal(b.all, w->start.all);
	both_free(&b);
	assert_int_equal(changes_compose(&sum, &back, &none), 0);
	if (none.n)
		show(&none);
	assert_int_equal(none.n, 0);
	changes_free(&none);
	changes_free(&back);
}

/* Applied, the hash is that of the same contents loaded anew; taken back, everything is as before.
 */
static void there_and_back(struct world *w, const struct changes *c, const struct both *after)
{
	struct changes back;
	struct both before;
	struct both again;
	struct neterr e = {0};
	struct store *fresh;
	char hash[72];

	view(w, NULL, &before);
	strcpy(hash, store_hash(w->s));
	assert_int_equal(store_apply(w->s, c), 0);
	view(w, NULL, &again);
	assert_string_equal(again.all, after->all);
	both_free(&again);
	fresh = store_new(w->schema, NULL);
	assert_int_equal(store_load(fresh, after->explicit, strlen(after->explicit), &e), 0);
	assert_string_equal(store_hash(fresh), store_hash(w->s));
	store_free(fresh);
	assert_int_equal(changes_invert(c, &back), 0);
	assert_int_equal(store_apply(w->s, &back), 0);
	changes_free(&back);
	view(w, NULL, &again);
	if (strcmp(again.all, before.all) != 0)
		show(c);
	assert_string_equal(again.all, before.all);
	assert_string_equal(store_hash(w->s), hash);
	both_free(&again);
	both_free(&before);
	assert_int_equal(store_apply(w->s, c), 0);
	compose_all(w, c);
}

static void one_round(struct world *w, uint64_t seed, unsigned round)
{
	struct changes c;
	struct neterr e = {0};
	struct both b;
	char *all;
	char why[512];
	bool ok;
	bool want;
	unsigned i;

	for (i = rng_below(&w->rng, 4) + 1; i; i--)
		random_edit(w, "");
	assert_int_equal(store_candidate(w->s, "", NULL, &c, &e), 0);
	view(w, &c, &b);
	ok = store_check(w->s, &c, &e) == 0;
	want = reference(w, b.explicit, &all, why, sizeof(why));
	if (ok != want || (ok && strcmp(all, b.all) != 0)) {
		print_error("seed %lu round %u: ours %s (%s: %s), libyang's %s (%s)\n%s",
			    (unsigned long)seed, round, ok ? "valid" : "invalid", e.err.where,
			    e.err.what, want ? "valid" : "invalid", why, w->log);
		print_error("ours:  %s\n", b.all);
		if (want)
			print_error("theirs: %s\n", all);
		show(&c);
		fail();
	}
	if (ok) {
		w->valid++;
		there_and_back(w, &c, &b);
		w->log[0] = '\0';
		store_discard(w->s, "", NULL);
	} else {
		w->invalid++;
		/* Not for ever in the same impasse. */
		if (rng_below(&w->rng, 2)) {
			w->log[0] = '\0';
			store_discard(w->s, "", NULL);
		}
	}
	neterr_clear(&e);
	both_free(&b);
	free(all);
	changes_free(&c);
}

static void test_random(void **state)
{
	const char *env = getenv("DEP_STORE_ROUNDS");
	unsigned rounds = env ? (unsigned)strtoul(env, NULL, 10) : 200;
	const char *from = getenv("DEP_STORE_SEED");
	uint64_t first = from ? strtoul(from, NULL, 10) : 1;
	uint64_t seed;
	unsigned i;
	/* The model wants one pair: what is not valid to begin with cannot be judged by what
	 * changes. */
	static const char start[] = "{\"nasty:top\":{\"pair\":[{\"k\":\"a\"}]}}";
	struct neterr e = {0};
	struct err err = {0};
	static struct world w;

	w.schema = schema_new(modules, sizeof(modules) / sizeof(*modules), &err);
	if (!w.schema)
		print_error("%s: %s\n", err.where, err.what);
	assert_non_null(w.schema);
	for (seed = first; seed < first + 5; seed++) {
		rng_seed(&w.rng, seed);
		w.s = store_new(w.schema, &err);
		assert_non_null(w.s);
		assert_int_equal(store_load(w.s, start, sizeof(start) - 1, &e), 0);
		view(&w, NULL, &w.start);
		for (i = 0; i < rounds; i++)
			one_round(&w, seed, i);
		both_free(&w.start);
		changes_free(&w.total);
		store_free(w.s);
	}
	print_message("# %zu valid, %zu invalid, %zu edits refused\n", w.valid, w.invalid, w.refused);
	assert_true(w.valid > rounds / 4 && w.invalid > rounds / 4);
	schema_free(w.schema);
}

static char *strdup_and_free(struct buf *b)
{
	char *text = strdup((const char *)b->p);

	buf_free(b);
	return text;
}

static char *read_all(struct world *w, const char *candidate)
{
	struct store_query q = {.path = "/"};
	struct neterr e = {0};
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	if (store_get(w->s, DS_CANDIDATE, candidate, NULL, &q, &b, &e)) {
		print_error("%s: %s\n%s", e.err.where, e.err.what, w->log);
		fail();
	}
	buf_u8(&b, 0);
	return strdup_and_free(&b);
}

/* Two candidates side by side; one is committed. The other still stands on something: without a
 * conflict on the new running, with one on the old, until it is told how to go on. */
static void rebase_round(struct world *w, size_t *clean, size_t *conflicts)
{
	struct neterr e = {0};
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	struct changes x;
	struct changes y;
	char *before;
	char *after;
	unsigned i;

	w->log[0] = '\0';
	for (i = rng_below(&w->rng, 3) + 1; i; i--)
		random_edit(w, "x");
	strcat(w->log, " --\n");
	for (i = rng_below(&w->rng, 3) + 1; i; i--)
		random_edit(w, "y");
	if (store_candidate(w->s, "x", NULL, &x, &e) == 0 &&
	    store_candidate(w->s, "y", NULL, &y, &e) == 0) {
		before = read_all(w, "y");
		if (store_check(w->s, &x, &e) == 0) {
			assert_int_equal(store_apply(w->s, &x), 0);
			after = read_all(w, "y");
			if (yyjson_mut_arr_size(store_conflicts(w->s, "y", NULL, doc))) {
				++*conflicts;
				assert_string_equal(before, after);
				assert_int_equal(store_update(w->s, "y", NULL,
							      rng_below(&w->rng, 2)
								      ? RESOLVE_IGNORE
								      : RESOLVE_OVERWRITE,
							      &e),
						 0);
				assert_int_equal(
					yyjson_mut_arr_size(store_conflicts(w->s, "y", NULL, doc)), 0);
				free(read_all(w, "y"));
			} else {
				++*clean;
			}
			free(after);
		}
		free(before);
		changes_free(&y);
	}
	changes_free(&x);
	store_discard(w->s, "x", NULL);
	store_discard(w->s, "y", NULL);
	neterr_clear(&e);
	yyjson_mut_doc_free(doc);
}

static void test_rebase(void **state)
{
	static const char start[] = "{\"nasty:top\":{\"pair\":[{\"k\":\"a\"}]}}";
	const char *from = getenv("DEP_STORE_SEED");
	static struct world w;
	struct neterr e = {0};
	size_t conflicts = 0;
	size_t clean = 0;
	unsigned i;

	w.schema = schema_new(modules, sizeof(modules) / sizeof(*modules), NULL);
	w.s = store_new(w.schema, NULL);
	assert_int_equal(store_load(w.s, start, sizeof(start) - 1, &e), 0);
	rng_seed(&w.rng, from ? strtoul(from, NULL, 10) : 1);
	for (i = 0; i < 1000; i++)
		rebase_round(&w, &clean, &conflicts);
	print_message("# %zu without, %zu with conflicts\n", clean, conflicts);
	assert_true(clean > 100 && conflicts > 0);
	store_free(w.s);
	schema_free(w.schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random),
					   cmocka_unit_test(test_rebase)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

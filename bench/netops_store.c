/* SPDX-License-Identifier: BSD-2-Clause */
/* What one change costs the datastore, by how much there is: the median of editing a leaf in a
 * candidate, validating and applying it, with 1, 1,000, 10,000 and 100,000 interfaces (and as many
 * static routes). The limit is the same with one interface: a datastore that looks only at what
 * changes needs no more. Times are of the processor: nothing here waits. */
#include "proto/netops/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 2000

static const struct schema_module modules[] = {
	{.name = "iana-if-type", .implemented = true},
	{.name = "ietf-interfaces", .implemented = true, .room = "sys"},
	{.name = "ietf-ip", .implemented = true, .room = "sys"},
	{.name = "ietf-routing", .implemented = true, .room = "sys"},
	{.name = "ietf-ipv4-unicast-routing", .implemented = true, .room = "sys"},
	{.name = "ietf-netconf-acm", .implemented = true},
};

static const struct principal root = {.user = "root", .recovery = true};

/* One round of a case: its edit, number i of n there are. */
typedef void edit_f(unsigned i, unsigned n, char *path, char *value, size_t cap);

static void description(unsigned i, unsigned n, char *path, char *value, size_t cap)
{
	snprintf(path, cap, "ietf-interfaces:interfaces/interface=if%u/description", i * 7919 % n);
	snprintf(value, cap, "\"round %u\"", i);
}

static void new_interface(unsigned i, unsigned n, char *path, char *value, size_t cap)
{
	snprintf(path, cap, "ietf-interfaces:interfaces/interface=new%u", i);
	snprintf(value, cap, "{\"name\":\"new%u\",\"type\":\"iana-if-type:bridge\"}", i);
}

static void next_hop(unsigned i, unsigned n, char *path, char *value, size_t cap)
{
	unsigned r = i * 7919 % n;

	snprintf(path, cap,
		 "ietf-routing:routing/control-plane-protocols/"
		 "control-plane-protocol=ietf-routing%%3Astatic,main/"
		 "static-routes/ietf-ipv4-unicast-routing:ipv4/route=10.%u.%u.%u%%2F32/next-hop/"
		 "outgoing-interface",
		 r >> 16, r >> 8 & 255, r & 255);
	snprintf(value, cap, "\"if%u\"", i % (n + 1));
}

static void die(const char *what, const struct neterr *e)
{
	fprintf(stderr, "netops_store: %s: %s: %s\n", what, e->err.where, e->err.what);
	exit(1);
}

static struct store *filled(struct schema *schema, unsigned n)
{
	struct store *s = store_new(schema, NULL);
	struct neterr e = {0};
	char *json = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&json, &size);
	unsigned i;

	if (!s || !f)
		exit(1);
	fputs("{\"ietf-interfaces:interfaces\":{\"interface\":[", f);
	for (i = 0; i <= n; i++) /* one more, so that a next hop can always be another */
		fprintf(f,
			"%s{\"name\":\"if%u\",\"type\":\"iana-if-type:ethernetCsmacd\","
			"\"description\":\"x\"}",
			i ? "," : "", i);
	fputs("]},\"ietf-routing:routing\":{\"control-plane-protocols\":{\"control-plane-"
	      "protocol\":[{\"type\":"
	      "\"ietf-routing:static\",\"name\":\"main\",\"static-routes\":{\"ietf-ipv4-unicast-"
	      "routing:ipv4\":{\"route\":[",
	      f);
	for (i = 0; i < n; i++)
		fprintf(f,
			"%s{\"destination-prefix\":\"10.%u.%u.%u/"
			"32\",\"next-hop\":{\"outgoing-interface\":\"if0\"}}",
			i ? "," : "", i >> 16, i >> 8 & 255, i & 255);
	fputs("]}}}]}}}", f);
	fclose(f);
	if (store_load(s, json, size, &e))
		die("load", &e);
	free(json);
	return s;
}

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* Median of one edit + check + apply, in µs. */
static double median(struct store *s, unsigned n, edit_f *f, int op)
{
	static int64_t took[ROUNDS];
	struct neterr e = {0};
	char path[512];
	char value[512];
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		struct store_edit edit = {.op = op, .path = path};
		struct changes c;
		yyjson_doc *doc;
		struct timespec t0;
		struct timespec t1;

		f(i, n, path, value, sizeof(path));
		doc = yyjson_read(value, strlen(value), 0);
		edit.value = op == EDIT_DELETE ? NULL : yyjson_doc_get_root(doc);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
		if (store_edit(s, "b", &root, &edit, 1, 1, &e) ||
		    store_candidate(s, "b", &root, &c, &e) || store_check(s, &c, &e) ||
		    store_apply(s, &c))
			die(path, &e);
		store_discard(s, "b", &root);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
		changes_free(&c);
		yyjson_doc_free(doc);
		took[i] = (t1.tv_sec - t0.tv_sec) * 1000000000LL + t1.tv_nsec - t0.tv_nsec;
	}
	qsort(took, ROUNDS, sizeof(*took), by_value);
	return (double)took[ROUNDS / 2] / 1000;
}

/* One edit that brings many routes (or takes them away again), checked and applied; µs an entry,
 * the better of three. */
static double bulk(struct store *s, unsigned n, bool away)
{
	double best = 0;
	struct neterr e = {0};
	char *json = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&json, &size);
	yyjson_doc *doc;
	unsigned i;

	fputs("{\"type\":\"ietf-routing:static\",\"name\":\"main\",\"static-routes\":{\"ietf-ipv4-"
	      "unicast-routing:ipv4\":{\"route\":[",
	      f);
	for (i = 0; i < n; i++)
		fprintf(f,
			"%s{\"destination-prefix\":\"11.%u.%u.%u/"
			"32\",\"next-hop\":{\"outgoing-interface\":\"if0\"}}",
			i ? "," : "", i >> 16, i >> 8 & 255, i & 255);
	fputs("]}}}", f);
	fclose(f);
	doc = yyjson_read(json, size, 0);
	for (i = 0; i < 6; i++) {
		struct store_edit edit = {.op = i % 2 ? EDIT_DELETE : EDIT_MERGE,
					  .value = yyjson_doc_get_root(doc)};
		struct timespec t0;
		struct timespec t1;
		struct changes c;
		double took;

		edit.path = "ietf-routing:routing/control-plane-protocols/"
			    "control-plane-protocol=ietf-routing%3Astatic,main";
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
		if (store_edit(s, "b", &root, &edit, 1, 1, &e) ||
		    store_candidate(s, "b", &root, &c, &e) || store_check(s, &c, &e) ||
		    store_apply(s, &c))
			die("bulk", &e);
		store_discard(s, "b", &root);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
		changes_free(&c);
		took = (double)(t1.tv_sec - t0.tv_sec) * 1e6 +
		       (double)(t1.tv_nsec - t0.tv_nsec) / 1000;
		if (i % 2 == away && (best == 0 || took < best))
			best = took;
	}
	yyjson_doc_free(doc);
	free(json);
	return best / n;
}

static void bulk_cases(struct schema *schema)
{
	static const unsigned sizes[] = {100, 1000, 10000};
	struct store *s = filled(schema, 1);
	double first[2] = {0};
	size_t i;
	int away;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (away = 0; away < 2; away++) {
			double each = bulk(s, sizes[i], away);

			if (i == 0)
				first[away] = each;
			printf("{\"bench\":\"netops_store\",\"case\":\"%s %u routes in one "
			       "edit\",\"unit\":\"µs each\","
			       "\"better\":\"less\",\"ours\":%.2f,\"limit\":%.2f,\"limit_is\":"
			       "\"the same with 100\","
			       "\"ratio\":%.3f,\"n\":%u}\n",
			       away ? "delete" : "add", sizes[i], each, first[away],
			       each / first[away], sizes[i]);
		}
	}
	store_free(s);
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = {1, 1000, 10000, 100000};
	static const struct {
		const char *name;
		edit_f *f;
		int op;
	} cases[] = {
		{"set a description", description, EDIT_MERGE},
		{"add an interface", new_interface, EDIT_MERGE},
		{"delete an interface", new_interface, EDIT_DELETE},
		{"set a next hop (leafref)", next_hop, EDIT_MERGE},
	};
	const size_t n_cases = sizeof(cases) / sizeof(*cases);
	double first[sizeof(cases) / sizeof(*cases)];
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	struct schema *schema = schema_new(modules, sizeof(modules) / sizeof(*modules), NULL);
	size_t i;
	size_t j;

	if (!schema)
		return 1;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes) && (!quick || sizes[i] <= 10000); i++) {
		struct store *s = filled(schema, sizes[i]);

		for (j = 0; j < n_cases; j++) {
			double p50 = median(s, sizes[i], cases[j].f, cases[j].op);

			if (i == 0)
				first[j] = p50;
			printf("{\"bench\":\"netops_store\",\"case\":\"%s, %u "
			       "entries\",\"unit\":\"µs p50\",\"better\":\"less\","
			       "\"ours\":%.2f,\"limit\":%.2f,\"limit_is\":\"the same with "
			       "1\",\"ratio\":%.3f,\"n\":%u}\n",
			       cases[j].name, sizes[i], p50, first[j], p50 / first[j], sizes[i]);
			fflush(stdout);
		}
		store_free(s);
	}
	bulk_cases(schema);
	schema_free(schema);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* dep kira show: this node at a glance. Also the upper part of dep kira watch. */
#include "node/dep.h"

#include <inttypes.h>
#include <stdio.h>

static void line(const char *name, const char *value)
{
	printf("  %-12s", name);
	dep_print_text(value);
	putchar('\n');
}

static void neighbours(yyjson_val *node)
{
	yyjson_val *links = yyjson_obj_get(node, "link");
	const char *sep = " on ";
	yyjson_val *link;
	size_t max;
	size_t i;

	printf("  %-12s%" PRIu64, "neighbours", dep_num(node, "degree"));
	yyjson_arr_foreach(links, i, max, link)
	{
		fputs(sep, stdout);
		dep_print_text(yyjson_get_str(link) ? yyjson_get_str(link) : "");
		sep = ", ";
	}
	if (yyjson_arr_size(links) == 0)
		fputs(" (no interface is a KIRA link)", stdout);
	putchar('\n');
}

/* The node: 8 lines. */
static int print_node(yyjson_val *node)
{
	char buf[32];

	printf("node %s\n", dep_text(node, "id", buf));
	line("address", dep_text(node, "address", buf));
	neighbours(node);
	line("contacts", dep_text(node, "contacts", buf));
	line("ssn", dep_text(node, "ssn", buf));
	line("data plane", dep_text(node, "data-plane", buf));
	line("uptime", dep_span(dep_num(node, "uptime") * 1000, buf));
	line("version", dep_text(node, "version", buf));
	return 8;
}

/* Counters: 4 lines. */
static int print_statistics(yyjson_val *s)
{
	yyjson_val *drop;
	uint64_t dropped = 0;
	size_t max;
	size_t i;

	yyjson_arr_foreach(yyjson_obj_get(s, "drop"), i, max, drop) dropped +=
		dep_num(drop, "count");
	printf("  %-12s%" PRIu64 " received, %" PRIu64 " sent, %" PRIu64 " of these passed on\n",
	       "messages", dep_num(s, "received"), dep_num(s, "sent"), dep_num(s, "passed-on"));
	printf("  %-12s%" PRIu64, "dropped", dropped);
	yyjson_arr_foreach(yyjson_obj_get(s, "drop"), i, max, drop)
	{
		char buf[32];

		printf("%s%" PRIu64 " ", i == 0 ? ": " : ", ", dep_num(drop, "count"));
		dep_print_text(dep_text(drop, "reason", buf));
	}
	putchar('\n');
	printf("  %-12s%" PRIu64 ", %" PRIu64 " without an answer\n", "look-ups",
	       dep_num(s, "lookups"), dep_num(s, "lookups-failed"));
	printf("  %-12s%" PRIu64 ": %" PRIu64 " found another way, %" PRIu64 " given up\n",
	       "lost paths", dep_num(s, "rediscoveries"), dep_num(s, "rediscovered"),
	       dep_num(s, "given-up"));
	return 4;
}

int kira_summary(struct dep *d)
{
	yyjson_val *node;
	yyjson_val *stats;
	yyjson_doc *a = dep_state(d, "/kira:kira/node", &node);
	yyjson_doc *b = a ? dep_state(d, "/kira:kira/statistics", &stats) : NULL;
	int lines = -1;

	if (b) {
		lines = print_node(node);
		lines += print_statistics(stats);
	}
	yyjson_doc_free(a);
	yyjson_doc_free(b);
	return lines;
}

static int show_json(struct dep *d)
{
	yyjson_val *node;
	yyjson_val *stats;
	yyjson_doc *a = dep_state(d, "/kira:kira/node", &node);
	yyjson_doc *b = a ? dep_state(d, "/kira:kira/statistics", &stats) : NULL;
	yyjson_mut_doc *doc = b ? yyjson_mut_doc_new(NULL) : NULL;
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	int rc = DEP_FAILED;

	if (root) {
		yyjson_doc *out;

		yyjson_mut_doc_set_root(doc, root);
		yyjson_mut_obj_add_val(doc, root, "node", yyjson_val_mut_copy(doc, node));
		yyjson_mut_obj_add_val(doc, root, "statistics", yyjson_val_mut_copy(doc, stats));
		out = yyjson_mut_doc_imut_copy(doc, NULL);
		rc = dep_print_json(yyjson_doc_get_root(out));
		yyjson_doc_free(out);
	}
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(a);
	yyjson_doc_free(b);
	return rc;
}

int kira_show(struct dep *d)
{
	if (d->json)
		return show_json(d);
	return kira_summary(d) < 0 ? DEP_FAILED : DEP_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* dep l4s show, links, flows: the room at a glance, each queue in full, each connection. */
#include "node/l4s.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK_COLUMNS 12

static void line(const char *name, const char *text)
{
	printf("  %-18s", name);
	dep_print_text(text);
	putchar('\n');
}

static void line_of(yyjson_val *obj, const char *key, const char *name)
{
	char buf[32];

	if (yyjson_obj_get(obj, key))
		line(name, dep_text(obj, key, buf));
}

/* ---- controls ---- */

static void print_control(yyjson_val *c)
{
	yyjson_val *r = yyjson_obj_get(c, "reductions");
	char buf[32];

	printf("  %s: ", dep_text(c, "name", buf));
	dep_print_text(dep_text(c, "parameters", buf));
	printf("\n    connections %" PRIu64 " open, %" PRIu64 " ever: %" PRIu64
	       " with AccECN, %" PRIu64 " with Classic ECN, %" PRIu64 " without ECN\n",
	       dep_num(c, "open"), dep_num(c, "sockets"), dep_num(c, "accecn"),
	       dep_num(c, "classic-ecn"), dep_num(c, "no-ecn"));
	printf("    marks %" PRIu64 " in %" PRIu64 " ACKs; reductions by mark %" PRIu64
	       ", loss %" PRIu64 ", timeout %" PRIu64 ", local queue %" PRIu64 "\n",
	       dep_num(c, "marks"), dep_num(c, "acks"), dep_num(r, "mark"), dep_num(r, "loss"),
	       dep_num(r, "timeout"), dep_num(r, "local"));
	if (yyjson_obj_get(c, "rewritten"))
		printf("    packets made ECT(1): %" PRIu64 "\n", dep_num(c, "rewritten"));
	if (yyjson_obj_get(c, "hint")) {
		printf("    hint: ");
		dep_print_text(dep_text(c, "hint", buf));
		putchar('\n');
	}
}

static void print_marks(yyjson_val *list)
{
	yyjson_val *v;
	char buf[32];
	size_t max;
	size_t i;

	yyjson_arr_foreach(list, i, max, v)
	{
		printf("  ECT(1) on ");
		dep_print_text(dep_text(v, "name", buf));
		if (yyjson_obj_get(v, "reason")) {
			printf(": no: ");
			dep_print_text(dep_text(v, "reason", buf));
		}
		putchar('\n');
	}
}

static void print_controls(yyjson_val *s)
{
	yyjson_val *v;
	char buf[32];
	size_t max;
	size_t i;

	printf("congestion controls: %s, by %s\n",
	       yyjson_get_bool(yyjson_obj_get(s, "loaded")) ? "in the kernel" : "not loaded",
	       dep_text(s, "by", buf));
	line_of(s, "reason", "why not");
	line_of(s, "mend", "mend");
	yyjson_arr_foreach(yyjson_obj_get(s, "control"), i, max, v) print_control(v);
	print_marks(yyjson_obj_get(s, "mark-interface"));
}

/* ---- links ---- */

static const char *ends_of(yyjson_val *link, char *text, size_t n)
{
	const char *a = yyjson_get_str(yyjson_obj_get(link, "interface-a"));
	const char *b = yyjson_get_str(yyjson_obj_get(link, "interface-b"));
	const char *up = yyjson_get_str(yyjson_obj_get(link, "uplink"));

	if (b)
		snprintf(text, n, "%s - %s", a ? a : "?", b);
	else
		snprintf(text, n, "out of %s", up ? up : "?");
	return text;
}

static void count_cell(struct table *t, yyjson_val *dir, const char *key)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%" PRIu64,
		 dep_num(yyjson_obj_get(dir, "classic"), key) +
			 dep_num(yyjson_obj_get(dir, "l4s"), key));
	table_cell(t, buf);
}

static void delay_cells(struct table *t, yyjson_val *queue)
{
	yyjson_val *d = yyjson_obj_get(queue, "delay");
	char buf[32];

	table_cell(t, d ? l4s_time(l4s_num(d, "p50"), buf) : "-");
	table_cell(t, d ? l4s_time(l4s_num(d, "p99"), buf) : "-");
}

static void direction_row(struct table *t, yyjson_val *link, yyjson_val *dir)
{
	yyjson_val *classic = yyjson_obj_get(dir, "classic");
	const char *name = yyjson_get_str(yyjson_obj_get(dir, "name"));
	char text[80];
	char buf[32];

	snprintf(text, sizeof(text), "%.31s%s", dep_text(link, "name", buf),
		 name && strcmp(name, "backward") == 0 ? " (back)" : "");
	table_cell(t, text);
	table_cell(t, ends_of(link, text, sizeof(text)));
	table_cell(t, yyjson_get_bool(yyjson_obj_get(link, "bad")) ? "up, bad" : "up");
	table_cell(t, dep_num(dir, "rate") ? l4s_rate(l4s_num(dir, "rate"), buf) : "-");
	table_cell(t, dep_text(dir, "aqm", buf));
	snprintf(buf, sizeof(buf), "%.4f", l4s_num(dir, "probability"));
	table_cell(t, classic ? buf : "-");
	delay_cells(t, classic);
	delay_cells(t, yyjson_obj_get(dir, "l4s"));
	count_cell(t, dir, "marked");
	count_cell(t, dir, "dropped");
}

/* A link that does not work has no directions. */
static void bare_row(struct table *t, yyjson_val *link)
{
	char text[80];
	char buf[32];
	unsigned c;

	table_cell(t, dep_text(link, "name", buf));
	table_cell(t, ends_of(link, text, sizeof(text)));
	table_cell(t, dep_text(link, "status", buf));
	for (c = 3; c < LINK_COLUMNS; c++)
		table_cell(t, "-");
}

static void print_links(yyjson_val *list)
{
	static const char *const head[LINK_COLUMNS] = {"LINK",	 "ENDS",   "STATUS",  ">RATE",
						       "AQM",	 ">P'",	   ">C P50",  ">C P99",
						       ">L P50", ">L P99", ">MARKED", ">DROPPED"};
	yyjson_val *link;
	yyjson_val *dir;
	struct table t;
	size_t max;
	size_t i;
	size_t dmax;
	size_t k;

	table_init(&t, head, LINK_COLUMNS);
	yyjson_arr_foreach(list, i, max, link)
	{
		if (!yyjson_obj_get(link, "direction"))
			bare_row(&t, link);
		yyjson_arr_foreach(yyjson_obj_get(link, "direction"), k, dmax, dir)
			direction_row(&t, link, dir);
	}
	table_print(&t);
	table_free(&t);
}

/* "wan forward: hint: …" */
static void say(yyjson_val *link, yyjson_val *dir, const char *name, const char *key)
{
	yyjson_val *of = dir ? dir : link;
	char buf[32];

	if (!yyjson_obj_get(of, key))
		return;
	dep_print_text(dep_text(link, "name", buf));
	if (dir)
		printf(" %s", dep_text(dir, "name", buf));
	printf(": %s: ", name);
	dep_print_text(dep_text(of, key, buf));
	putchar('\n');
}

static void print_reasons(yyjson_val *list)
{
	yyjson_val *link;
	yyjson_val *dir;
	size_t max;
	size_t i;
	size_t dmax;
	size_t k;

	yyjson_arr_foreach(list, i, max, link)
	{
		say(link, NULL, "failed", "reason");
		say(link, NULL, "mend", "mend");
		say(link, NULL, "bad", "bad-reason");
		say(link, NULL, "not the kernel", "backend-reason");
		yyjson_arr_foreach(yyjson_obj_get(link, "direction"), k, dmax, dir)
			say(link, dir, "hint", "hint");
	}
}

/* ---- one queue in full ---- */

static void print_queue(const char *name, yyjson_val *q)
{
	yyjson_val *d = yyjson_obj_get(q, "delay");
	char text[4][32];

	printf("    %-8s %" PRIu64 " packets now, %" PRIu64 " at most; %" PRIu64 " came, %" PRIu64
	       " sent on, %" PRIu64 " marked (%" PRIu64 " by the threshold)\n",
	       name, dep_num(q, "packets"), dep_num(q, "max-packets"), dep_num(q, "arrived"),
	       dep_num(q, "forwarded"), dep_num(q, "marked"), dep_num(q, "marked-native"));
	printf("    %-8s dropped: %" PRIu64 " by the queue manager, %" PRIu64
	       " by a full buffer (of both %" PRIu64 " could have been marked, %" PRIu64 " not)\n",
	       "", dep_num(q, "dropped-aqm"), dep_num(q, "dropped-limit"),
	       dep_num(q, "dropped-ect"), dep_num(q, "dropped-not-ect"));
	if (d)
		printf("    %-8s waited: mean %s, p50 %s, p99 %s, p99.9 %s\n", "",
		       l4s_time(l4s_num(d, "mean"), text[0]), l4s_time(l4s_num(d, "p50"), text[1]),
		       l4s_time(l4s_num(d, "p99"), text[2]), l4s_time(l4s_num(d, "p999"), text[3]));
	if (yyjson_obj_get(q, "delay-now"))
		printf("    %-8s first packet waits for %s\n", "",
		       l4s_time(l4s_num(q, "delay-now"), text[0]));
}

static void print_direction(yyjson_val *dir)
{
	yyjson_val *late = yyjson_obj_get(dir, "lateness");
	char a[32];
	char b[32];

	printf("  %s: ", dep_text(dir, "name", a));
	printf("%s", dep_num(dir, "rate") ? l4s_rate(l4s_num(dir, "rate"), a) : "no rate set");
	if (yyjson_obj_get(dir, "aqm"))
		printf(", %s", dep_text(dir, "aqm", b));
	printf("; %" PRIu64 " packets in, %" PRIu64 " out", dep_num(dir, "received"),
	       dep_num(dir, "sent"));
	if (dep_num(dir, "lost") || dep_num(dir, "write-failed"))
		printf(", %" PRIu64 " lost as configured, %" PRIu64 " not taken by the other end",
		       dep_num(dir, "lost"), dep_num(dir, "write-failed"));
	putchar('\n');
	if (yyjson_obj_get(dir, "probability"))
		printf("    p' %.5f, p_CL %.5f, p_C %.5f, credit %s\n", l4s_num(dir, "probability"),
		       l4s_num(dir, "probability-l4s"), l4s_num(dir, "probability-classic"),
		       dep_text(dir, "credit", a));
	if (yyjson_obj_get(dir, "overloads"))
		printf("    overload: %s, %" PRIu64 " times, %s in all\n",
		       yyjson_get_bool(yyjson_obj_get(dir, "overloaded")) ? "now" : "no",
		       dep_num(dir, "overloads"), l4s_time(l4s_num(dir, "overload-time"), a));
	if (yyjson_obj_get(dir, "l4s"))
		print_queue("L4S", yyjson_obj_get(dir, "l4s"));
	if (yyjson_obj_get(dir, "classic"))
		print_queue("Classic", yyjson_obj_get(dir, "classic"));
	if (late)
		printf("    late by p50 %s, p99 %s", l4s_time(l4s_num(late, "p50"), a),
		       l4s_time(l4s_num(late, "p99"), b));
	if (late && yyjson_obj_get(dir, "rate-error"))
		printf("; rate off by %s ppm", dep_text(dir, "rate-error", a));
	if (late)
		putchar('\n');
}

static int print_link(yyjson_val *link)
{
	yyjson_val *dir;
	char text[64];
	char buf[32];
	size_t max;
	size_t i;

	printf("link %s: %s, %s, back end %s\n", yyjson_get_str(yyjson_obj_get(link, "name")),
	       yyjson_get_str(yyjson_obj_get(link, "status")), ends_of(link, text, sizeof(text)),
	       dep_text(link, "backend", buf));
	if (yyjson_obj_get(link, "uptime"))
		printf("  up for %s\n", dep_span(dep_num(link, "uptime") * 1000, buf));
	yyjson_arr_foreach(yyjson_obj_get(link, "direction"), i, max, dir) print_direction(dir);
	return DEP_OK;
}

/* ---- verbs ---- */

int l4s_show(struct dep *d)
{
	yyjson_val *s;
	yyjson_doc *doc = l4s_state(d, &s);
	yyjson_val *links = yyjson_obj_get(yyjson_obj_get(s, "link-state"), "link");

	if (!doc)
		return DEP_FAILED;
	if (d->json) {
		dep_print_json(s);
	} else {
		print_controls(yyjson_obj_get(s, "control-state"));
		printf("flows: %zu (dep l4s flows)\n\n",
		       yyjson_arr_size(yyjson_obj_get(yyjson_obj_get(s, "flows"), "flow")));
		if (yyjson_arr_size(links) == 0)
			puts("no links");
		else
			print_links(links);
		print_reasons(links);
	}
	yyjson_doc_free(doc);
	return DEP_OK;
}

int l4s_links(struct dep *d)
{
	yyjson_val *s;
	yyjson_doc *doc = dep_state(d, "/l4s:l4s/link-state", &s);
	yyjson_val *list = yyjson_obj_get(s, "link");
	yyjson_val *link = d->n_args ? l4s_find(list, "name", d->arg[0]) : NULL;
	int rc = DEP_OK;

	if (!doc)
		return DEP_FAILED;
	if (d->n_args && !link) {
		err_set(&d->err, -1, "there is no link %s", d->arg[0]);
		err_mend(&d->err, "dep l4s links lists them");
		rc = DEP_FAILED;
	} else if (d->json) {
		dep_print_json(link ? link : list);
	} else if (link) {
		rc = print_link(link);
		print_reasons(list);
	} else {
		print_links(list);
		print_reasons(list);
	}
	yyjson_doc_free(doc);
	return rc;
}

int l4s_flows(struct dep *d)
{
	yyjson_val *s;
	yyjson_doc *doc = dep_state(d, "/l4s:l4s/flows", &s);

	if (!doc)
		return DEP_FAILED;
	if (d->json)
		dep_print_json(yyjson_obj_get(s, "flow"));
	else
		l4s_print_flows(yyjson_obj_get(s, "flow"), "rate", SIZE_MAX);
	yyjson_doc_free(doc);
	return DEP_OK;
}

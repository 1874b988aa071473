/* SPDX-License-Identifier: BSD-2-Clause */
/* The connections as a table, for dep l4s flows and dep l4s watch. */
#include "node/l4s.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *order_key;

static int by_key(const void *a, const void *b)
{
	double x = l4s_num(*(yyjson_val *const *)a, order_key);
	double y = l4s_num(*(yyjson_val *const *)b, order_key);

	return (x < y) - (x > y);
}

static void cell(struct table *t, yyjson_val *f, const char *key, const char *format, double scale)
{
	char buf[32];

	snprintf(buf, sizeof(buf), format, l4s_num(f, key) * scale);
	table_cell(t, yyjson_obj_get(f, key) ? buf : "-");
}

static void end(struct table *t, yyjson_val *f, const char *address, const char *port)
{
	const char *a = yyjson_get_str(yyjson_obj_get(f, address));
	char text[80];
	bool v6 = a && strchr(a, ':');

	snprintf(text, sizeof(text), "%s%.46s%s:%u", v6 ? "[" : "", a ? a : "?", v6 ? "]" : "",
		 (unsigned)dep_num(f, port));
	table_cell(t, text);
}

static void row(struct table *t, yyjson_val *f)
{
	char buf[32];

	table_cell(t, dep_text(f, "control", buf));
	end(t, f, "local-address", "local-port");
	end(t, f, "remote-address", "remote-port");
	table_cell(t, yyjson_obj_get(f, "rate") ? l4s_rate(l4s_num(f, "rate"), buf) : "-");
	table_cell(t, dep_text(f, "window", buf));
	table_cell(t, l4s_time(l4s_num(f, "round-trip") * 1000, buf));
	table_cell(t, dep_text(f, "marks", buf));
	cell(t, f, "mark-rate", "%.2f", 1);
	cell(t, f, "alpha", "%.4f", 1);
	cell(t, f, "beta", "%.3f", 1);
	cell(t, f, "classic-score", "%.2f", 1);
}

void l4s_print_flows(yyjson_val *flows, const char *order, size_t most)
{
	static const char *const head[] = {"CONTROL", "LOCAL", "REMOTE",  ">RATE",
					   ">CWND",   ">RTT",  ">MARKS",  ">MARKS/RTT",
					   ">ALPHA",  ">BETA", ">CLASSIC"};
	size_t n = yyjson_arr_size(flows);
	yyjson_val **sorted = calloc(n ? n : 1, sizeof(*sorted));
	yyjson_val *v;
	struct table t;
	size_t max;
	size_t i;

	if (!sorted)
		return;
	yyjson_arr_foreach(flows, i, max, v) sorted[i] = v;
	order_key = strcmp(order, "marks") == 0 ? "mark-rate"
		    : strcmp(order, "rtt") == 0 ? "round-trip"
						: "rate";
	qsort(sorted, n, sizeof(*sorted), by_key);
	table_init(&t, head, 11);
	for (i = 0; i < n && i < most; i++)
		row(&t, sorted[i]);
	table_print(&t);
	table_free(&t);
	free(sorted);
}

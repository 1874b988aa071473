/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the state of room l4s. */
#include "node/l4s.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double l4s_num(yyjson_val *obj, const char *key)
{
	yyjson_val *v = yyjson_obj_get(obj, key);

	return yyjson_is_str(v) ? strtod(yyjson_get_str(v), NULL) : yyjson_get_num(v);
}

const char *l4s_rate(double bits, char buf[32])
{
	if (bits >= 1e9)
		snprintf(buf, 32, "%.2f Gb/s", bits / 1e9);
	else if (bits >= 1e6)
		snprintf(buf, 32, "%.1f Mb/s", bits / 1e6);
	else
		snprintf(buf, 32, "%.0f kb/s", bits / 1e3);
	return buf;
}

const char *l4s_time(double ns, char buf[32])
{
	if (ns >= 1e9)
		snprintf(buf, 32, "%.1f s", ns / 1e9);
	else if (ns >= 1e6)
		snprintf(buf, 32, "%.1f ms", ns / 1e6);
	else
		snprintf(buf, 32, "%.0f µs", ns / 1e3);
	return buf;
}

yyjson_val *l4s_find(yyjson_val *list, const char *key, const char *text)
{
	yyjson_val *v;
	size_t max;
	size_t i;

	yyjson_arr_foreach(list, i, max, v)
	{
		if (text && yyjson_equals_str(yyjson_obj_get(v, key), text))
			return v;
	}
	return NULL;
}

yyjson_doc *l4s_state(struct dep *d, yyjson_val **at)
{
	return dep_state(d, "/l4s:l4s", at);
}

/* ---- histograms ---- */

void l4s_hist(struct l4s_hist *h, yyjson_val *queue, yyjson_val *before)
{
	yyjson_val *list = yyjson_obj_get(yyjson_obj_get(queue, "delay"), "bucket");
	yyjson_val *old = yyjson_obj_get(yyjson_obj_get(before, "delay"), "bucket");
	yyjson_val *v;
	size_t max;
	size_t i;

	memset(h, 0, sizeof(*h));
	yyjson_arr_foreach(list, i, max, v)
	{
		const char *to = yyjson_get_str(yyjson_obj_get(v, "to"));
		uint64_t count = dep_num(v, "count");
		uint64_t was = dep_num(l4s_find(old, "to", to), "count");

		/* Counters that were reset in between begin anew. */
		if (was <= count)
			count -= was;
		if (h->n == L4S_BUCKETS)
			break;
		h->to[h->n] = dep_num(v, "to");
		h->count[h->n++] = count;
		h->total += count;
	}
}

uint64_t l4s_quantile(const struct l4s_hist *h, double q)
{
	double want = q * (double)h->total;
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < h->n; i++) {
		sum += h->count[i];
		if (sum > 0 && (double)sum >= want)
			return h->to[i];
	}
	return 0;
}

/* The same bounds as the room's; empty buckets are not in the state, so that they are spread here.
 */
static const unsigned bound_us[L4S_BARS] = {
	25,    50,    100,   200,   300,   400,	  500,	  600,	  800,
	1000,  1200,  1500,  2000,  3000,  5000,  7000,	  10000,  12000,
	15000, 18000, 20000, 25000, 30000, 50000, 100000, 250000, 1000000,
};

static void spread(const struct l4s_hist *h, uint64_t column[L4S_BARS])
{
	unsigned c = 0;
	unsigned i;

	memset(column, 0, L4S_BARS * sizeof(*column));
	for (i = 0; i < h->n; i++) {
		while (c < L4S_BARS - 1 && h->to[i] > bound_us[c] * 1000ull)
			c++;
		column[c] += h->count[i];
	}
}

void l4s_bars(const struct l4s_hist *h, char text[][L4S_BARS * 3 + 1], unsigned rows)
{
	static const char *const eighth[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	uint64_t column[L4S_BARS];
	uint64_t top = 1;
	unsigned c;
	unsigned r;

	spread(h, column);
	for (c = 0; c < L4S_BARS; c++)
		if (column[c] > top)
			top = column[c];
	for (r = 0; r < rows; r++) {
		text[r][0] = '\0';
		for (c = 0; c < L4S_BARS; c++) {
			uint64_t full = (column[c] * rows * 8 + top - 1) / top;
			uint64_t below = (rows - 1 - r) * 8;
			uint64_t here = full > below ? full - below : 0;
			size_t n = strlen(text[r]);

			snprintf(text[r] + n, L4S_BARS * 3 + 1 - n, "%s",
				 eighth[here > 8 ? 8 : here]);
		}
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of dep l4s share: reading its state, and numbers for people. */
#ifndef DEP_NODE_L4S_H
#define DEP_NODE_L4S_H

#include "node/dep.h"

#define L4S_BUCKETS 64

/* A member that is text of a decimal number, or a number; 0 where it is absent. */
double l4s_num(yyjson_val *obj, const char *key);
/* "94.2 Mb/s", "1.2 Gb/s", "350 kb/s". */
const char *l4s_rate(double bits, char buf[32]);
/* Nanoseconds as "310 µs", "14.8 ms", "1.2 s". */
const char *l4s_time(double ns, char buf[32]);
/* The entry of a list whose member `key` is text; NULL: none. */
yyjson_val *l4s_find(yyjson_val *list, const char *key, const char *text);

/* A histogram of a queue's delay, between two states or (before NULL) since the beginning. */
struct l4s_hist {
	uint64_t to[L4S_BUCKETS]; /* ns, ascending */
	uint64_t count[L4S_BUCKETS];
	unsigned n;
	uint64_t total;
};
void l4s_hist(struct l4s_hist *h, yyjson_val *queue, yyjson_val *before);
/* Upper bound of the bucket below which a share q (0..1) lies, 0: none. */
uint64_t l4s_quantile(const struct l4s_hist *h, double q);
/* Rows of text, the tallest first: bars of the buckets up to 1 s, `rows` high, each a column of its
 * own; each row is L4S_BARS columns. */
#define L4S_BARS 27
void l4s_bars(const struct l4s_hist *h, char text[][L4S_BARS * 3 + 1], unsigned rows);

/* The whole state: *at is "l4s:l4s". NULL and d->err. */
yyjson_doc *l4s_state(struct dep *d, yyjson_val **at);
/* The flows as a table, at most `most` rows, in an order: "rate", "marks" or "rtt". */
void l4s_print_flows(yyjson_val *flows, const char *order, size_t most);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Prometheus text exposition format 0.0.4, built into a struct buf: a family is opened with metrics_family, then its samples
 * follow. Nothing is kept: numbers live in the room.
 *
 *	metrics_family(b, "dep_kira_messages_total", "counter", "Messages by direction and type.");
 *	metrics_u64(b, "dep_kira_messages_total", n, {"direction", "rx"}, {"type", "ULNHello"});
 */
#ifndef DEP_METRICS_H
#define DEP_METRICS_H

#include "base/buf.h"

struct metrics_label {
	const char *name;
	const char *value;
};

/* type: counter, gauge or histogram. */
void metrics_family(struct buf *b, const char *name, const char *type, const char *help);

/* labels end with a NULL name. Use the macros. */
void metrics_put_u64(struct buf *b, const char *name, uint64_t v, const struct metrics_label *labels);
void metrics_put_f64(struct buf *b, const char *name, double v, const struct metrics_label *labels);

#define METRICS_LABELS(...) ((const struct metrics_label[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define metrics_u64(b, name, v, ...) metrics_put_u64(b, name, v, METRICS_LABELS(__VA_ARGS__))
#define metrics_f64(b, name, v, ...) metrics_put_f64(b, name, v, METRICS_LABELS(__VA_ARGS__))

/* A histogram over ascending upper bounds; count has n_bounds + 1 places, the last for what is above all bounds. */
struct metrics_histogram {
	const double *bound;
	unsigned n_bounds;
	uint64_t *count;
	double sum;
};

void metrics_observe(struct metrics_histogram *h, double v);
/* Its _bucket (cumulative), _sum and _count samples. */
void metrics_put_histogram(struct buf *b, const char *name, const struct metrics_histogram *h,
			   const struct metrics_label *labels);

#endif

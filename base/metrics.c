/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void metrics_family(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s ", name);
	for (; *help; help++) {
		if (*help == '\n' || *help == '\\')
			buf_printf(b, "\\%c", *help == '\n' ? 'n' : '\\');
		else
			buf_u8(b, (uint8_t)*help);
	}
	buf_printf(b, "\n# TYPE %s %s\n", name, type);
}

static void put_label(struct buf *b, char before, const char *name, const char *value)
{
	buf_printf(b, "%c%s=\"", before, name);
	for (; *value; value++) {
		if (*value == '\n')
			buf_printf(b, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_printf(b, "\\%c", *value);
		else
			buf_u8(b, (uint8_t)*value);
	}
	buf_u8(b, '"');
}

/* Name and labels; le: one more label, or NULL. */
static void put_series(struct buf *b, const char *name, const char *suffix, const struct metrics_label *labels,
		       const char *le)
{
	char before = '{';

	buf_printf(b, "%s%s", name, suffix);
	for (; labels->name; labels++) {
		put_label(b, before, labels->name, labels->value);
		before = ',';
	}
	if (le) {
		put_label(b, before, "le", le);
		before = ',';
	}
	if (before == ',')
		buf_u8(b, '}');
	buf_u8(b, ' ');
}

static void format_f64(char text[32], double v)
{
	if (isnan(v))
		snprintf(text, 32, "NaN");
	else if (isinf(v))
		snprintf(text, 32, "%sInf", v > 0 ? "+" : "-");
	else
		snprintf(text, 32, "%.17g", v);
}

void metrics_put_u64(struct buf *b, const char *name, uint64_t v, const struct metrics_label *labels)
{
	put_series(b, name, "", labels, NULL);
	buf_printf(b, "%" PRIu64 "\n", v);
}

void metrics_put_f64(struct buf *b, const char *name, double v, const struct metrics_label *labels)
{
	char text[32];

	format_f64(text, v);
	put_series(b, name, "", labels, NULL);
	buf_printf(b, "%s\n", text);
}

void metrics_observe(struct metrics_histogram *h, double v)
{
	unsigned i = 0;

	while (i < h->n_bounds && !(v <= h->bound[i]))
		i++;
	h->count[i]++;
	h->sum += v;
}

void metrics_put_histogram(struct buf *b, const char *name, const struct metrics_histogram *h,
			   const struct metrics_label *labels)
{
	uint64_t total = 0;
	char text[32];
	unsigned i;

	for (i = 0; i <= h->n_bounds; i++) {
		total += h->count[i];
		format_f64(text, i < h->n_bounds ? h->bound[i] : INFINITY);
		put_series(b, name, "_bucket", labels, text);
		buf_printf(b, "%" PRIu64 "\n", total);
	}
	format_f64(text, h->sum);
	put_series(b, name, "_sum", labels, NULL);
	buf_printf(b, "%s\n", text);
	put_series(b, name, "_count", labels, NULL);
	buf_printf(b, "%" PRIu64 "\n", total);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Aligned columns for people. */
#include "node/dep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 12

void table_init(struct table *t, const char *const *head, unsigned n_columns)
{
	*t = (struct table){.head = head, .n_columns = n_columns};
}

void table_cell(struct table *t, const char *text)
{
	char **cell;

	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		cell = realloc(t->cell, t->cap * sizeof(*cell));
		if (!cell)
			abort();
		t->cell = cell;
	}
	t->cell[t->n] = strdup(text);
	if (!t->cell[t->n++])
		abort();
}

/* Columns that a text takes: its characters, as nothing here is wide. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void print_cell(const char *text, size_t column, bool right, bool last)
{
	size_t pad = column - width(text);

	if (right)
		printf("%*s", (int)pad, "");
	dep_print_text(text);
	if (!last)
		printf("%*s", (int)(right ? 2 : pad + 2), "");
}

void table_print(const struct table *t)
{
	size_t columns[MAX_COLUMNS] = {0};
	size_t i;

	for (i = 0; i < t->n_columns; i++)
		columns[i] = width(t->head[i] + (t->head[i][0] == '>'));
	for (i = 0; i < t->n; i++) {
		if (width(t->cell[i]) > columns[i % t->n_columns])
			columns[i % t->n_columns] = width(t->cell[i]);
	}
	for (i = 0; i < t->n + t->n_columns; i++) {
		unsigned c = (unsigned)(i % t->n_columns);
		bool right = t->head[c][0] == '>';
		const char *text =
			i < t->n_columns ? t->head[c] + right : t->cell[i - t->n_columns];
		bool last = c + 1 == t->n_columns;

		print_cell(text, columns[c], right, last);
		if (last)
			putchar('\n');
	}
}

void table_free(struct table *t)
{
	while (t->n > 0)
		free(t->cell[--t->n]);
	free(t->cell);
}

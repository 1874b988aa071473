/* SPDX-License-Identifier: BSD-2-Clause */
/* Trees and differences, for people. */
#include "node/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GREEN "\033[32m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

bool node_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && no[0]);
}

/* Bytes of s at which a terminal would not just show a character: control characters (C1 too), and
 * those that turn the direction of writing. 0: none. */
static unsigned obeyed(const unsigned char *s)
{
	if (*s < 0x20 || *s == 0x7f)
		return 1;
	if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0)
		return 2;
	if (s[0] == 0xe2 && s[1] == 0x80 &&
	    ((s[2] >= 0xaa && s[2] <= 0xae) || s[2] == 0x8e || s[2] == 0x8f))
		return 3;
	if (s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)
		return 3;
	return 0;
}

void node_print_text(const char *text, bool lines)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		unsigned n = (lines && (*s == '\n' || *s == '\t')) ? 0 : obeyed(s);

		putchar(n ? '?' : *s);
		s += n ? n : 1;
	}
}

static void scalar(yyjson_val *v)
{
	char *text;

	if (yyjson_is_str(v)) {
		node_print_text(yyjson_get_str(v), false);
		return;
	}
	/* The type empty is [null]. */
	if (yyjson_is_null(v))
		return;
	text = yyjson_val_write(v, YYJSON_WRITE_NOFLAG, NULL);
	fputs(text ? text : "?", stdout);
	free(text);
}

static void indent(unsigned depth)
{
	printf("%*s", (int)(2 * depth), "");
}

static bool is_scalar(yyjson_val *v)
{
	return !yyjson_is_obj(v) && !yyjson_is_arr(v);
}

static void members(yyjson_val *obj, unsigned depth, bool skip_first);

/* A list's entries, each headed by its first member, which is a key (RFC 7951 has keys first);
 * leaf-lists on one line. */
static void array(const char *name, yyjson_val *arr, unsigned depth)
{
	yyjson_val *v;
	yyjson_val *first;
	yyjson_obj_iter it;
	bool headed;
	size_t i;
	size_t n;

	if (yyjson_arr_size(arr) == 0 || is_scalar(yyjson_arr_get_first(arr))) {
		indent(depth);
		node_print_text(name, false);
		yyjson_arr_foreach(arr, i, n, v)
		{
			putchar(' ');
			scalar(v);
		}
		putchar('\n');
		return;
	}
	yyjson_arr_foreach(arr, i, n, v)
	{
		indent(depth);
		node_print_text(name, false);
		it = yyjson_obj_iter_with(v);
		first = yyjson_obj_iter_get_val(yyjson_obj_iter_next(&it));
		headed = first && is_scalar(first);
		if (headed) {
			putchar(' ');
			scalar(first);
		}
		putchar('\n');
		members(v, depth + 1, headed);
	}
}

/* No deeper than json_parse lets through. */
static void members(yyjson_val *obj, unsigned depth, bool skip_first)
{
	yyjson_obj_iter it = yyjson_obj_iter_with(obj);
	yyjson_val *key;
	yyjson_val *v;

	while ((key = yyjson_obj_iter_next(&it))) {
		v = yyjson_obj_iter_get_val(key);
		if (skip_first) {
			skip_first = false;
			continue;
		}
		if (yyjson_is_arr(v)) {
			array(yyjson_get_str(key), v, depth);
			continue;
		}
		indent(depth);
		node_print_text(yyjson_get_str(key), false);
		if (is_scalar(v)) {
			putchar(' ');
			scalar(v);
		}
		putchar('\n');
		if (yyjson_is_obj(v))
			members(v, depth + 1, false);
	}
}

void node_print_tree(yyjson_val *v)
{
	if (yyjson_is_obj(v)) {
		members(v, 0, false);
	} else {
		scalar(v);
		putchar('\n');
	}
}

static void side(bool colour, char sign, const char *path, yyjson_val *value, const char *after)
{
	fputs(colour ? sign == '+' ? GREEN : RED : "", stdout);
	printf("%c ", sign);
	node_print_text(path, false);
	if (value && !yyjson_is_null(value) && !yyjson_is_obj(value)) {
		fputs(" = ", stdout);
		scalar(value);
	}
	if (after) {
		fputs(after[0] ? " after " : " first", stdout);
		node_print_text(after, false);
	}
	fputs(colour ? PLAIN "\n" : "\n", stdout);
}

void node_print_diff(yyjson_val *diff)
{
	bool colour = node_colour();
	yyjson_val *c;
	size_t i;
	size_t n;

	yyjson_arr_foreach(diff, i, n, c)
	{
		const char *op = yyjson_get_str(yyjson_obj_get(c, "op"));
		const char *path = yyjson_get_str(yyjson_obj_get(c, "path"));
		yyjson_val *old = yyjson_obj_get(c, "old");
		yyjson_val *new = yyjson_obj_get(c, "new");
		bool move = op && strcmp(op, "move") == 0;

		if (!op || !path)
			continue;
		if (move || strcmp(op, "create") != 0)
			side(colour, '-', path, old, yyjson_get_str(yyjson_obj_get(c, "oldAfter")));
		if (move || strcmp(op, "delete") != 0)
			side(colour, '+', path, new, yyjson_get_str(yyjson_obj_get(c, "newAfter")));
	}
}

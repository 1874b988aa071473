/* SPDX-License-Identifier: BSD-2-Clause */
#include "node/mcp/elicit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE 1024

void elicit_defaults(yyjson_val *schema, yyjson_mut_doc *doc, yyjson_mut_val *content)
{
	yyjson_obj_iter it = yyjson_obj_iter_with(yyjson_obj_get(schema, "properties"));
	yyjson_val *key;

	while ((key = yyjson_obj_iter_next(&it))) {
		yyjson_val *v = yyjson_obj_get(yyjson_obj_iter_get_val(key), "default");

		if (!v || yyjson_mut_obj_getn(content, yyjson_get_str(key), yyjson_get_len(key)))
			continue;
		yyjson_mut_obj_add(
			content, yyjson_mut_strncpy(doc, yyjson_get_str(key), yyjson_get_len(key)),
			yyjson_val_mut_copy(doc, v));
	}
}

/* --- values --- */

/* The list that a property chooses from: enum, or the consts of oneOf or anyOf; NULL: free. */
static yyjson_val *choices(yyjson_val *property, bool *many)
{
	yyjson_val *from = property;
	yyjson_val *list;

	*many = yyjson_equals_str(yyjson_obj_get(property, "type"), "array");
	if (*many)
		from = yyjson_obj_get(property, "items");
	list = yyjson_obj_get(from, "enum");
	if (!list)
		list = yyjson_obj_get(from, "oneOf");
	return list ? list : yyjson_obj_get(from, "anyOf");
}

static const char *choice(yyjson_val *v)
{
	return yyjson_is_obj(v) ? yyjson_get_str(yyjson_obj_get(v, "const")) : yyjson_get_str(v);
}

static bool chosen(yyjson_val *list, const char *text)
{
	yyjson_val *v;
	size_t i;
	size_t n;

	yyjson_arr_foreach(list, i, n, v)
	{
		if (choice(v) && strcmp(choice(v), text) == 0)
			return true;
	}
	return false;
}

static int check_number(yyjson_val *p, yyjson_mut_val *v, bool integer, struct err *err)
{
	yyjson_val *min = yyjson_obj_get(p, "minimum");
	yyjson_val *max = yyjson_obj_get(p, "maximum");
	double x = yyjson_mut_get_num(v);

	if (!yyjson_mut_is_num(v) || (integer && !yyjson_mut_is_int(v)))
		return err_set(err, -EINVAL,
			       integer ? "a whole number is needed" : "a number is needed");
	if (min && x < yyjson_get_num(min))
		return err_set(err, -EINVAL, "at least %g", yyjson_get_num(min));
	if (max && x > yyjson_get_num(max))
		return err_set(err, -EINVAL, "at most %g", yyjson_get_num(max));
	return 0;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int check_text(yyjson_val *p, yyjson_mut_val *v, struct err *err)
{
	yyjson_val *min = yyjson_obj_get(p, "minLength");
	yyjson_val *max = yyjson_obj_get(p, "maxLength");
	const char *text = yyjson_mut_get_str(v);
	yyjson_val *list;
	bool many;

	if (!text)
		return err_set(err, -EINVAL, "text is needed");
	if (min && characters(text) < yyjson_get_uint(min))
		return err_set(err, -EINVAL, "at least %" PRIu64 " characters",
			       yyjson_get_uint(min));
	if (max && characters(text) > yyjson_get_uint(max))
		return err_set(err, -EINVAL, "at most %" PRIu64 " characters",
			       yyjson_get_uint(max));
	list = choices(p, &many);
	if (list && !chosen(list, text))
		return err_set(err, -EINVAL, "not one of the choices");
	return 0;
}

static int check_many(yyjson_val *p, yyjson_mut_val *v, struct err *err)
{
	yyjson_val *min = yyjson_obj_get(p, "minItems");
	yyjson_val *max = yyjson_obj_get(p, "maxItems");
	yyjson_mut_val *item;
	yyjson_val *list;
	bool many;
	size_t i;
	size_t n;

	if (!yyjson_mut_is_arr(v))
		return err_set(err, -EINVAL, "a list is needed");
	list = choices(p, &many);
	yyjson_mut_arr_foreach(v, i, n, item)
	{
		if (!yyjson_mut_is_str(item) || (list && !chosen(list, yyjson_mut_get_str(item))))
			return err_set(err, -EINVAL, "not among the choices");
	}
	if (min && n < yyjson_get_uint(min))
		return err_set(err, -EINVAL, "at least %" PRIu64 " of them", yyjson_get_uint(min));
	if (max && n > yyjson_get_uint(max))
		return err_set(err, -EINVAL, "at most %" PRIu64 " of them", yyjson_get_uint(max));
	return 0;
}

static int check_value(yyjson_val *p, yyjson_mut_val *v, struct err *err)
{
	const char *type = yyjson_get_str(yyjson_obj_get(p, "type"));

	if (!type || strcmp(type, "string") == 0)
		return check_text(p, v, err);
	if (strcmp(type, "boolean") == 0)
		return yyjson_mut_is_bool(v) ? 0 : err_set(err, -EINVAL, "yes or no is needed");
	if (strcmp(type, "array") == 0)
		return check_many(p, v, err);
	return check_number(p, v, strcmp(type, "integer") == 0, err);
}

static bool required(yyjson_val *schema, const char *name)
{
	yyjson_val *v;
	size_t i;
	size_t n;

	yyjson_arr_foreach(yyjson_obj_get(schema, "required"), i, n, v)
	{
		if (yyjson_equals_str(v, name))
			return true;
	}
	return false;
}

int elicit_check(yyjson_val *schema, yyjson_mut_val *content, struct err *err)
{
	yyjson_obj_iter it = yyjson_obj_iter_with(yyjson_obj_get(schema, "properties"));
	yyjson_val *key;
	int rc = 0;

	while (rc == 0 && (key = yyjson_obj_iter_next(&it))) {
		const char *name = yyjson_get_str(key);
		yyjson_mut_val *v = yyjson_mut_obj_get(content, name);

		if (v)
			rc = check_value(yyjson_obj_iter_get_val(key), v, err);
		else if (required(schema, name))
			rc = err_set(err, -EINVAL, "a value is needed");
		if (rc != 0)
			err_where(err, "%s", name);
	}
	return rc;
}

/* --- the form --- */

static void show(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	/* Neither control characters (C1 too) nor what turns the direction of writing. */
	for (; *s; s++) {
		if (*s == '\n')
			fputs("\n  ", out);
		else if (*s < 0x20 || *s == 0x7f || (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) ||
			 (s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||
			 (s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9))
			putc('?', out);
		else
			putc(*s, out);
	}
}

static void show_property(FILE *out, const char *name, yyjson_val *p, bool needed)
{
	const char *title = yyjson_get_str(yyjson_obj_get(p, "title"));
	const char *about = yyjson_get_str(yyjson_obj_get(p, "description"));
	yyjson_val *standard = yyjson_obj_get(p, "default");
	char *text = standard ? yyjson_val_write(standard, YYJSON_WRITE_NOFLAG, NULL) : NULL;
	yyjson_val *list;
	yyjson_val *v;
	bool many;
	size_t i;
	size_t n;

	show(out, title ? title : name);
	if (about) {
		fputs(": ", out);
		show(out, about);
	}
	list = choices(p, &many);
	yyjson_arr_foreach(list, i, n, v)
	{
		const char *label = yyjson_get_str(yyjson_obj_get(v, "title"));

		fprintf(out, "\n  %zu) ", i + 1);
		show(out, label ? label : choice(v) ? choice(v) : "?");
	}
	fputs(list ? many ? "\n  numbers or values, separated by commas" : "\n  number or value"
		   : "",
	      out);
	fprintf(out, "%s [", needed ? "" : " (may be left out)");
	show(out, text ? text : "");
	fputs("]: ", out);
	fflush(out);
	free(text);
}

static const char *picked(yyjson_val *list, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	yyjson_val *v = *end == '\0' && end != text && n > 0 ? yyjson_arr_get(list, n - 1) : NULL;

	return v && choice(v) ? choice(v) : text;
}

static yyjson_mut_val *read_many(yyjson_val *list, char *line, yyjson_mut_doc *doc)
{
	yyjson_mut_val *all = yyjson_mut_arr(doc);
	char *rest = line;
	char *word;

	while ((word = strsep(&rest, ","))) {
		word += strspn(word, " \t");
		word[strcspn(word, " \t")] = '\0';
		if (word[0])
			yyjson_mut_arr_add_strcpy(doc, all, picked(list, word));
	}
	return all;
}

/* The line as a value of the property's type, or text where it is none: the check says so. */
static yyjson_mut_val *read_value(yyjson_val *p, char *line, yyjson_mut_doc *doc)
{
	const char *type = yyjson_get_str(yyjson_obj_get(p, "type"));
	bool many;
	yyjson_val *list = choices(p, &many);
	char *end;

	if (many)
		return read_many(list, line, doc);
	if (type && strcmp(type, "boolean") == 0) {
		if (strcmp(line, "yes") == 0 || strcmp(line, "y") == 0 || strcmp(line, "true") == 0)
			return yyjson_mut_true(doc);
		if (strcmp(line, "no") == 0 || strcmp(line, "n") == 0 || strcmp(line, "false") == 0)
			return yyjson_mut_false(doc);
	}
	if (type && strcmp(type, "integer") == 0) {
		int64_t n = strtoll(line, &end, 10);

		if (*end == '\0')
			return yyjson_mut_sint(doc, n);
	}
	if (type && strcmp(type, "number") == 0) {
		double x = strtod(line, &end);

		if (*end == '\0')
			return yyjson_mut_real(doc, x);
	}
	return yyjson_mut_strcpy(doc, picked(list, line));
}

static bool get_line(FILE *in, char *line)
{
	if (!fgets(line, LINE, in))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

/* One property until its value is good. False: the terminal is gone. */
static bool ask(yyjson_val *schema, yyjson_val *key, yyjson_val *p, FILE *in, FILE *out,
		yyjson_mut_doc *doc, yyjson_mut_val *content)
{
	const char *name = yyjson_get_str(key);
	yyjson_val *standard = yyjson_obj_get(p, "default");
	bool needed = required(schema, name);
	char line[LINE];
	yyjson_mut_val *v;
	struct err err = {0};

	for (;;) {
		show_property(out, name, p, needed && !standard);
		if (!get_line(in, line))
			return false;
		if (!line[0] && !standard && !needed)
			return true;
		v = !line[0] && standard ? yyjson_val_mut_copy(doc, standard)
					 : read_value(p, line, doc);
		if (check_value(p, v, &err) == 0)
			break;
		fprintf(out, "  %s\n", err.what);
	}
	yyjson_mut_obj_add(content, yyjson_mut_strcpy(doc, name), v);
	return true;
}

int elicit_form(yyjson_val *params, FILE *in, FILE *out, yyjson_mut_doc *doc,
		yyjson_mut_val *result)
{
	const char *message = yyjson_get_str(yyjson_obj_get(params, "message"));
	yyjson_val *schema = yyjson_obj_get(params, "requestedSchema");
	yyjson_obj_iter it = yyjson_obj_iter_with(yyjson_obj_get(schema, "properties"));
	yyjson_mut_val *content = yyjson_mut_obj(doc);
	yyjson_val *key;
	char line[LINE];

	fputs("The server asks:\n  ", out);
	show(out, message ? message : "");
	putc('\n', out);
	while ((key = yyjson_obj_iter_next(&it))) {
		if (!ask(schema, key, yyjson_obj_iter_get_val(key), in, out, doc, content))
			return -EIO;
	}
	fputs("Send this? yes, no (decline), or empty to leave: ", out);
	fflush(out);
	if (!get_line(in, line))
		return -EIO;
	if (strcmp(line, "yes") == 0 || strcmp(line, "y") == 0) {
		yyjson_mut_obj_add_str(doc, result, "action", "accept");
		yyjson_mut_obj_add_val(doc, result, "content", content);
	} else {
		yyjson_mut_obj_add_str(doc, result, "action",
				       line[0] == 'n' ? "decline" : "cancel");
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* dep ROOM config: get, set, validate, diff; and dep ROOM metrics. */
#include "node/dep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole file, or standard input for "-"; up to CONFIG_MAX_BYTES. NULL and d->err. */
static char *read_all(struct dep *d, const char *file, size_t *n)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	char *text = malloc(CONFIG_MAX_BYTES + 1);

	if (!f || !text) {
		err_set(&d->err, -errno, "cannot read: %s", strerror(errno));
		err_where(&d->err, "%s", file);
		free(text);
		return NULL;
	}
	*n = fread(text, 1, CONFIG_MAX_BYTES + 1, f);
	if (ferror(f)) {
		err_set(&d->err, -errno, "cannot read: %s", strerror(errno));
		err_where(&d->err, "%s", file);
		free(text);
		text = NULL;
	}
	if (f != stdin)
		fclose(f);
	return text;
}

/* Params {config: the file}, or NULL and d->err. */
static yyjson_mut_doc *config_params(struct dep *d, const char *file, yyjson_mut_val **params)
{
	size_t n;
	char *text = read_all(d, file, &n);
	yyjson_doc *in = text ? json_parse(text, n, CONFIG_MAX_BYTES, file, &d->err) : NULL;
	yyjson_mut_doc *doc = in ? yyjson_mut_doc_new(NULL) : NULL;

	if (doc) {
		*params = yyjson_mut_obj(doc);
		yyjson_mut_obj_add_val(doc, *params, "config",
				       yyjson_val_mut_copy(doc, yyjson_doc_get_root(in)));
	}
	yyjson_doc_free(in);
	free(text);
	return doc;
}

static void print_change(yyjson_val *c)
{
	char buf[32];
	const char *op = dep_text(c, "op", buf);
	const char *old = yyjson_get_str(yyjson_obj_get(c, "old"));
	const char *new = yyjson_get_str(yyjson_obj_get(c, "new"));

	putchar(strcmp(op, "create") == 0 ? '+' : strcmp(op, "delete") == 0 ? '-' : '~');
	putchar(' ');
	dep_print_text(dep_text(c, "path", buf));
	if (old && new) {
		printf(": ");
		dep_print_text(old);
		printf(" -> ");
		dep_print_text(new);
	} else if (old || new) {
		printf(": ");
		dep_print_text(old ? old : new);
	}
	putchar('\n');
}

/* Sends a configuration and prints what it changes. done: the line for people when all went well.
 */
static int send_config(struct dep *d, const char *method, bool dry_run, const char *done)
{
	yyjson_mut_val *params = NULL;
	yyjson_mut_doc *doc = config_params(d, d->arg[1], &params);
	yyjson_val *result;
	yyjson_doc *answer;
	yyjson_val *changes;
	yyjson_val *c;
	size_t max;
	size_t i;

	if (!doc)
		return DEP_FAILED;
	if (dry_run)
		yyjson_mut_obj_add_bool(doc, params, "dry_run", true);
	answer = dep_ask(d, method, doc, params, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	changes = yyjson_obj_get(result, "changes");
	if (d->json) {
		dep_print_json(result);
	} else {
		yyjson_arr_foreach(changes, i, max, c) print_change(c);
		puts(max > 0 || !dry_run ? done : "nothing would change");
	}
	yyjson_doc_free(answer);
	return DEP_OK;
}

static int get(struct dep *d)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_val *result;
	yyjson_doc *answer;

	yyjson_mut_obj_add_bool(doc, params, "defaults", d->defaults);
	answer = dep_ask(d, "config.get", doc, params, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	/* The configuration is JSON anyway. */
	dep_print_json(yyjson_obj_get(result, "config"));
	yyjson_doc_free(answer);
	return DEP_OK;
}

int dep_config(struct dep *d)
{
	const char *what = d->n_args > 0 ? d->arg[0] : "get";
	bool takes_file = d->n_args == 2;

	if (strcmp(what, "get") == 0 && !takes_file)
		return get(d);
	if (d->defaults) {
		fprintf(stderr, "dep %s config: --defaults belongs to get (leave it out)\n",
			d->room);
		return DEP_USAGE;
	}
	if (strcmp(what, "set") == 0 && takes_file)
		return send_config(d, "config.apply", false, "applied");
	if (strcmp(what, "validate") == 0 && takes_file)
		return send_config(d, "config.validate", false, "valid");
	if (strcmp(what, "diff") == 0 && takes_file)
		return send_config(d, "config.apply", true,
				   "nothing was changed yet: config set would do this");
	fprintf(stderr,
		"dep %s config: not understood (dep %s config [get [--defaults]|set FILE|validate "
		"FILE|diff FILE])\n",
		d->room, d->room);
	return DEP_USAGE;
}

int dep_metrics(struct dep *d)
{
	yyjson_val *result;
	yyjson_doc *answer = dep_ask(d, "metrics", NULL, NULL, &result);

	if (!answer)
		return DEP_FAILED;
	if (d->json)
		dep_print_json(result);
	else
		fputs(yyjson_get_str(yyjson_obj_get(result, "text")), stdout);
	yyjson_doc_free(answer);
	return DEP_OK;
}

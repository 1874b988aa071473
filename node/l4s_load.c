/* SPDX-License-Identifier: BSD-2-Clause */
/* dep l4s load, unload, reset: actions; dep l4s study: the study program. */
#include "node/l4s.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int call(struct dep *d, const char *rpc, yyjson_mut_doc *doc, yyjson_mut_val *input,
		yyjson_val **output, yyjson_doc **answer)
{
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_val *result = NULL;

	yyjson_mut_obj_add_str(doc, params, "rpc", rpc);
	if (input)
		yyjson_mut_obj_add_val(doc, params, "input", input);
	*answer = dep_ask(d, "call", doc, params, &result);
	*output = yyjson_obj_get(result, "output");
	return *answer ? DEP_OK : DEP_FAILED;
}

static int usage(void)
{
	fputs("dep l4s load: not understood (dep l4s load [--cubic \"abe 0.85\"] [--prague "
	      "\"no-classic-detection\"] [INTERFACE...])\n",
	      stderr);
	return DEP_USAGE;
}

/* --cubic TEXT, --prague TEXT, and interfaces. Returns false where it is not understood. */
static bool read_args(struct dep *d, yyjson_mut_doc *doc, yyjson_mut_val *input)
{
	yyjson_mut_val *list = NULL;
	int i;

	for (i = 0; i < d->n_args; i++) {
		const char *a = d->arg[i];
		const char *key = strcmp(a, "--cubic") == 0    ? "cubic"
				  : strcmp(a, "--prague") == 0 ? "prague"
							       : NULL;

		if (key && i + 1 < d->n_args) {
			yyjson_mut_obj_add_strcpy(doc, input, key, d->arg[++i]);
		} else if (strncmp(a, "--cubic=", 8) == 0) {
			yyjson_mut_obj_add_strcpy(doc, input, "cubic", a + 8);
		} else if (strncmp(a, "--prague=", 9) == 0) {
			yyjson_mut_obj_add_strcpy(doc, input, "prague", a + 9);
		} else if (a[0] == '-') {
			return false;
		} else {
			if (!list)
				list = json_add_arr(doc, input, "interface");
			yyjson_mut_arr_add_strcpy(doc, list, a);
		}
	}
	return true;
}

int l4s_load(struct dep *d)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *input = yyjson_mut_obj(doc);
	yyjson_doc *answer;
	yyjson_val *output;
	yyjson_val *v;
	size_t max;
	size_t i;
	int rc;

	if (!read_args(d, doc, input)) {
		yyjson_mut_doc_free(doc);
		return usage();
	}
	rc = call(d, "load", doc, input, &output, &answer);
	yyjson_mut_doc_free(doc);
	if (rc == DEP_OK && d->json) {
		dep_print_json(output);
	} else if (rc == DEP_OK) {
		printf("in the kernel, for TCP_CONGESTION:");
		yyjson_arr_foreach(yyjson_obj_get(output, "name"), i, max, v)
			printf(" %s", yyjson_get_str(v));
		putchar('\n');
	}
	yyjson_doc_free(answer);
	return rc;
}

static int plain(struct dep *d, const char *rpc, const char *key, const char *value)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *input = value ? yyjson_mut_obj(doc) : NULL;
	yyjson_doc *answer;
	yyjson_val *output;
	int rc;

	if (value)
		yyjson_mut_obj_add_str(doc, input, key, value);
	rc = call(d, rpc, doc, input, &output, &answer);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(answer);
	if (rc == DEP_OK && d->json)
		puts("{}");
	return rc;
}

int l4s_unload(struct dep *d)
{
	return plain(d, "unload", NULL, NULL);
}

int l4s_reset(struct dep *d)
{
	return plain(d, "reset-counters", "link", d->n_args ? d->arg[0] : NULL);
}

/* The program beside this one, else wherever it is found. */
int l4s_study(struct dep *d)
{
	static const char name[] = "dep-l4s-study";
	char **argv = calloc((size_t)d->n_args + 2, sizeof(*argv));
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));
	char *slash;
	int i;

	if (!argv)
		return DEP_FAILED;
	argv[0] = (char *)name;
	for (i = 0; i < d->n_args; i++)
		argv[i + 1] = d->arg[i];
	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		snprintf(slash + 1, sizeof(path) - (size_t)(slash + 1 - path), "%s", name);
		execv(path, argv);
	}
	execvp(name, argv);
	err_set(&d->err, -errno, "cannot start %s: %s", name, strerror(errno));
	err_mend(&d->err, "install it beside dep, or put it on the PATH");
	free(argv);
	return DEP_FAILED;
}

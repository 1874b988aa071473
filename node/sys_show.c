/* SPDX-License-Identifier: BSD-2-Clause */
/* dep sys show, log, features: what the backend sees of the kernel, without the node's management. */
#include "node/dep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIB (1024.0 * 1024 * 1024)

static void address_cell(struct table *t, yyjson_val *interface, const char *family)
{
	yyjson_val *list = yyjson_obj_get(yyjson_obj_get(interface, family), "address");
	yyjson_val *first = yyjson_arr_get_first(list);
	const char *ip = yyjson_get_str(yyjson_obj_get(first, "ip"));
	size_t more = yyjson_arr_size(list);
	char text[80] = "-";
	char n[24] = "";

	if (more > 1)
		snprintf(n, sizeof(n), " +%zu", more - 1);
	if (ip)
		snprintf(text, sizeof(text), "%.46s/%llu%s", ip,
			 (unsigned long long)dep_num(first, "prefix-length"), n);
	table_cell(t, text);
}

static void interfaces(yyjson_val *list)
{
	static const char *const head[] = {"INTERFACE", "STATE", "MAC", "IPV4", "IPV6"};
	yyjson_val *v;
	struct table t;
	char buf[32];
	size_t i;
	size_t max;

	table_init(&t, head, 5);
	yyjson_arr_foreach(list, i, max, v)
	{
		table_cell(&t, dep_text(v, "name", buf));
		table_cell(&t, dep_text(v, "oper-status", buf));
		table_cell(&t, dep_text(v, "phys-address", buf));
		address_cell(&t, v, "ietf-ip:ipv4");
		address_cell(&t, v, "ietf-ip:ipv6");
	}
	table_print(&t);
	table_free(&t);
}

static void resources(yyjson_val *r)
{
	yyjson_val *memory = yyjson_obj_get(r, "memory");
	char cpu[32];
	char cpus[32];

	printf("memory %.1f of %.1f GiB used", (double)dep_num(memory, "used") / GIB,
	       (double)dep_num(memory, "total") / GIB);
	if (yyjson_obj_get(r, "cpu-utilization"))
		printf("; processors (%s) %s %% busy", dep_text(r, "cpus", cpus),
		       dep_text(r, "cpu-utilization", cpu));
	printf("\n\n");
}

int sys_show(struct dep *d)
{
	yyjson_val *list;
	yyjson_val *used;
	yyjson_doc *a = dep_state(d, "/ietf-interfaces:interfaces", &list);
	yyjson_doc *b = a ? dep_state(d, "/depanneur-sys:system-resources", &used) : NULL;
	yyjson_mut_doc *m = b && d->json ? yyjson_mut_doc_new(NULL) : NULL;
	yyjson_mut_val *root = yyjson_mut_obj(m);
	yyjson_doc *out;

	if (root) {
		yyjson_mut_doc_set_root(m, root);
		if (list)
			yyjson_mut_obj_add_val(m, root, "interfaces", yyjson_val_mut_copy(m, list));
		if (used)
			yyjson_mut_obj_add_val(m, root, "system-resources", yyjson_val_mut_copy(m, used));
		out = yyjson_mut_doc_imut_copy(m, NULL);
		dep_print_json(yyjson_doc_get_root(out));
		yyjson_doc_free(out);
	} else if (b) {
		resources(used);
		interfaces(yyjson_obj_get(list, "interface"));
	}
	yyjson_mut_doc_free(m);
	yyjson_doc_free(a);
	yyjson_doc_free(b);
	return b ? DEP_OK : DEP_FAILED;
}

/* input NULL: none. */
static yyjson_doc *call(struct dep *d, const char *rpc, yyjson_mut_doc *doc, yyjson_mut_val *input,
			yyjson_val **output)
{
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_val *result = NULL;
	yyjson_doc *answer;

	yyjson_mut_obj_add_str(doc, params, "rpc", rpc);
	if (input)
		yyjson_mut_obj_add_val(doc, params, "input", input);
	answer = dep_ask(d, "call", doc, params, &result);
	*output = yyjson_obj_get(result, "output");
	return answer;
}

int sys_log(struct dep *d)
{
	const char *count = d->n_args > 0 ? d->arg[0] : "20";
	char *end;
	unsigned long n = strtoul(count, &end, 10);
	yyjson_mut_doc *doc;
	yyjson_mut_val *input;
	yyjson_doc *answer;
	yyjson_val *output;
	yyjson_val *v;
	size_t i;
	size_t max;

	if (*end || count[0] < '0' || count[0] > '9' || n < 1 || n > 10000) {
		fprintf(stderr, "dep sys log: %s is no number of lines (dep sys log 50)\n", count);
		return DEP_USAGE;
	}
	doc = yyjson_mut_doc_new(NULL);
	input = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_uint(doc, input, "count", n);
	answer = call(d, "log", doc, input, &output);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	if (d->json)
		dep_print_json(output);
	yyjson_arr_foreach(d->json ? NULL : yyjson_obj_get(output, "line"), i, max, v)
	{
		dep_print_text(yyjson_get_str(v));
		putchar('\n');
	}
	yyjson_doc_free(answer);
	return DEP_OK;
}

int sys_features(struct dep *d)
{
	static const char *const head[] = {"WHAT", "THERE", "WHY NOT"};
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_val *output;
	yyjson_doc *answer = call(d, "features", doc, NULL, &output);
	yyjson_val *v;
	struct table t;
	char buf[32];
	size_t i;
	size_t max;

	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	if (d->json) {
		dep_print_json(output);
		yyjson_doc_free(answer);
		return DEP_OK;
	}
	table_init(&t, head, 3);
	yyjson_arr_foreach(yyjson_obj_get(output, "feature"), i, max, v)
	{
		table_cell(&t, dep_text(v, "name", buf));
		table_cell(&t, dep_text(v, "available", buf));
		table_cell(&t, dep_text(v, "reason", buf));
	}
	table_print(&t);
	table_free(&t);
	yyjson_doc_free(answer);
	return DEP_OK;
}

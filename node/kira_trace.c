/* SPDX-License-Identifier: BSD-2-Clause */
/* dep kira trace: the way to a node. */
#include "node/dep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static void print_time(yyjson_val *obj)
{
	uint64_t us;

	if (json_get_u64(yyjson_obj_get(obj, "round-trip"), &us))
		printf("%" PRIu64 ".%03" PRIu64 " ms", us / 1000, us % 1000);
	else
		printf("no answer");
}

static void print_trace(yyjson_val *out)
{
	yyjson_val *hops = yyjson_obj_get(out, "hop");
	yyjson_val *hop;
	char buf[32];
	size_t max;
	size_t i;

	printf("to ");
	dep_print_text(dep_text(out, "id", buf));
	putchar('\n');
	yyjson_arr_foreach(hops, i, max, hop)
	{
		const char *address = dep_text(hop, "address", buf);

		printf("%3" PRIu64 "  ", dep_num(hop, "index"));
		dep_print_text(yyjson_get_str(yyjson_obj_get(hop, "id"))
				       ? yyjson_get_str(yyjson_obj_get(hop, "id"))
				       : "-");
		printf("  %-39s  ", address);
		if (i == 0)
			printf("this node");
		else
			print_time(hop);
		putchar('\n');
	}
	if (yyjson_is_true(yyjson_obj_get(out, "reached"))) {
		printf("reached in ");
		print_time(out);
		putchar('\n');
	}
}

int kira_trace(struct dep *d)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_mut_val *input;
	yyjson_val *result;
	yyjson_doc *answer;
	yyjson_val *out;
	bool reached;

	yyjson_mut_obj_add_str(doc, params, "rpc", "trace");
	input = json_add_obj(doc, params, "input");
	yyjson_mut_obj_add_str(doc, input, "target", d->arg[0]);
	answer = dep_ask(d, "call", doc, params, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	out = yyjson_obj_get(result, "output");
	reached = yyjson_is_true(yyjson_obj_get(out, "reached"));
	if (d->json)
		dep_print_json(out);
	else
		print_trace(out);
	if (!reached) {
		err_set(&d->err, -EHOSTUNREACH, "no answer from %.100s", d->arg[0]);
		err_mend(&d->err, "it is not in the network, or not connected to it now");
	}
	yyjson_doc_free(answer);
	return reached ? DEP_OK : DEP_FAILED;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit log as a reader may see it: access control holds for what its records tell, too. */
#include "proto/netops/ops/ops_priv.h"

#include <stdlib.h>
#include <string.h>

/* Arguments that hold data, or words that name it. */
static const char *const data_args[] = {"edit",	   "value", "commands", "cmd",
					"content", "path",  "key"};

static bool hide_args(yyjson_mut_doc *doc, yyjson_mut_val *args)
{
	bool hid = false;
	size_t i;

	for (i = 0; i < sizeof(data_args) / sizeof(data_args[0]); i++) {
		if (!yyjson_mut_obj_get(args, data_args[i]))
			continue;
		yyjson_mut_obj_put(args, yyjson_mut_str(doc, data_args[i]),
				   yyjson_mut_str(doc, "[hidden]"));
		hid = true;
	}
	return hid;
}

/* What a client said about itself may quote anything. */
static bool hide_words(yyjson_mut_doc *doc, yyjson_mut_val *record)
{
	static const char *const said[] = {"trigger", "prompt", "modelResponse"};
	bool hid = false;
	size_t i;

	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (!yyjson_mut_obj_get(record, said[i]))
			continue;
		yyjson_mut_obj_put(record, yyjson_mut_str(doc, said[i]),
				   yyjson_mut_str(doc, "[hidden]"));
		hid = true;
	}
	return hid;
}

static bool hide_diff(struct ops *o, const struct principal *by, yyjson_mut_doc *doc,
		      yyjson_mut_val *record, yyjson_val *diff)
{
	struct changes c = {0};
	yyjson_mut_val *kept = yyjson_mut_arr(doc);
	bool *no = calloc(yyjson_arr_size(diff) + 1, sizeof(*no));
	bool known = no && changes_parse(diff, &c, NULL) == 0 && c.n == yyjson_arr_size(diff) &&
		     store_judge(o->store, by, &c, false, false, no) == 0;
	bool hid = false;
	yyjson_val *v;
	size_t max;
	size_t i;

	yyjson_arr_foreach(diff, i, max, v)
	{
		if (known && !no[i])
			yyjson_mut_arr_append(kept, yyjson_val_mut_copy(doc, v));
		else
			hid = true;
	}
	if (hid)
		yyjson_mut_obj_put(record, yyjson_mut_str(doc, "diff"), kept);
	changes_free(&c);
	free(no);
	return hid;
}

static void one(struct ops *o, const struct principal *by, struct slice line, struct buf *out)
{
	yyjson_doc *parsed = yyjson_read((const char *)line.p, line.n, 0);
	yyjson_val *root = yyjson_doc_get_root(parsed);
	yyjson_mut_doc *doc = parsed ? yyjson_doc_mut_copy(parsed, NULL) : NULL;
	yyjson_mut_val *record = doc ? yyjson_mut_doc_get_root(doc) : NULL;
	const char *user = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(root, "principal"), "sub"));
	bool own = user && strcmp(user, by->user) == 0;
	bool hid = false;
	char *text = NULL;
	size_t n = 0;

	if (record && !own)
		hid = hide_words(doc, record) | hide_args(doc, yyjson_mut_obj_get(record, "args"));
	if (record && yyjson_obj_get(root, "diff"))
		hid = hide_diff(o, by, doc, record, yyjson_obj_get(root, "diff")) || hid;
	if (hid) {
		yyjson_mut_obj_add_bool(doc, record, "filtered", true);
		text = yyjson_mut_write(doc, 0, &n);
		buf_bytes(out, text ? text : "{}", text ? n : 2);
	} else if (record) {
		buf_bytes(out, line.p, line.n);
	}
	if (record)
		buf_u8(out, '\n');
	free(text);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(parsed);
}

void ops_readable_audit(struct ops *o, const struct principal *by, struct slice lines,
			struct buf *out)
{
	const uint8_t *p = lines.p;
	const uint8_t *end = lines.p + lines.n;

	if (by->recovery) {
		buf_bytes(out, lines.p, lines.n);
		return;
	}
	while (p < end) {
		const uint8_t *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = stop ? (size_t)(stop - p) : (size_t)(end - p);

		one(o, by, slice_of(p, n), out);
		p += n + 1;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists, page by page, and the tools that are known from them. */
#include "node/mcp/client_priv.h"
#include "node/mcp/header.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PAGES 1000

yyjson_val *client_tool(const struct mcp_client *c, const char *name)
{
	yyjson_val *list = yyjson_doc_get_root(c->tools);
	yyjson_val *tool;
	size_t i;
	size_t n;

	yyjson_arr_foreach(list, i, n, tool)
	{
		if (yyjson_equals_str(yyjson_obj_get(tool, "name"), name))
			return tool;
	}
	return NULL;
}

/* Keeps a tool that may be used in list; in tools every one. */
static void keep_tool(struct mcp_client *c, yyjson_val *tool, yyjson_mut_doc *doc,
		      yyjson_mut_val *list)
{
	const char *name = yyjson_get_str(yyjson_obj_get(tool, "name"));
	struct err why;

	if (c->modern && !c->p.command && mcp_header_check(tool, &why) != 0) {
		if (c->p.dropped)
			c->p.dropped(c->p.ctx, name ? name : "", &why);
		return;
	}
	yyjson_mut_arr_append(list, yyjson_val_mut_copy(doc, tool));
}

static int page(struct mcp_client *c, const char *method, const char *cursor, struct mcp_reply *r,
		struct err *err)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	int rc;

	if (cursor)
		yyjson_mut_obj_add_str(doc, params, "cursor", cursor);
	rc = mcp_client_request(c, method, doc, params, r, err);
	yyjson_mut_doc_free(doc);
	return rc;
}

int mcp_client_list(struct mcp_client *c, const char *method, const char *member,
		    yyjson_mut_doc *doc, yyjson_mut_val **list, struct err *err)
{
	bool tools = strcmp(method, "tools/list") == 0;
	yyjson_mut_doc *every = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *all = yyjson_mut_arr(every);
	struct mcp_reply reply = {0};
	char *cursor = NULL;
	unsigned pages = 0;
	int rc;

	*list = yyjson_mut_arr(doc);
	yyjson_mut_doc_set_root(every, all);
	do {
		yyjson_val *item;
		yyjson_val *next;
		size_t i;
		size_t n;

		rc = page(c, method, cursor, &reply, err);
		free(cursor);
		cursor = NULL;
		if (rc != 0)
			break;
		yyjson_arr_foreach(yyjson_obj_get(reply.result, member), i, n, item)
		{
			if (tools) {
				keep_tool(c, item, doc, *list);
				yyjson_mut_arr_append(all, yyjson_val_mut_copy(every, item));
			} else {
				yyjson_mut_arr_append(*list, yyjson_val_mut_copy(doc, item));
			}
		}
		next = yyjson_obj_get(reply.result, "nextCursor");
		if (yyjson_is_str(next))
			cursor = strdup(yyjson_get_str(next));
		mcp_reply_free(&reply);
	} while (cursor && ++pages < MAX_PAGES);
	free(cursor);
	mcp_reply_free(&reply);
	if (tools && rc == 0) {
		yyjson_doc_free(c->tools);
		c->tools = yyjson_mut_doc_imut_copy(every, NULL);
	}
	yyjson_mut_doc_free(every);
	return rc;
}

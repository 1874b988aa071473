/* SPDX-License-Identifier: BSD-2-Clause */
/* State, notifications and rpcs against a room's module. */
#include "base/config_ly.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

int config_check_state(const struct config_schema *s, const struct config *applied,
		       const char *json, size_t n, struct err *err)
{
	struct ly_ctx *ctx = config_ly_ctx(s);
	/* State may be larger than any configuration, and is the room's own. */
	yyjson_doc *doc = json_parse(json, n, SIZE_MAX, "state", err);
	struct lyd_node *tree = NULL;
	char *text;
	LY_ERR rc;

	if (!doc)
		return -EINVAL;
	text = yyjson_write(doc, YYJSON_WRITE_NOFLAG, NULL);
	yyjson_doc_free(doc);
	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	rc = lyd_parse_data_mem(ctx, text, LYD_JSON, LYD_PARSE_STRICT | LYD_PARSE_ONLY, 0, &tree);
	free(text);
	if (rc == LY_SUCCESS && applied)
		rc = lyd_merge_siblings(&tree, config_tree(applied), 0);
	if (rc == LY_SUCCESS)
		rc = lyd_validate_all(&tree, ctx, LYD_VALIDATE_PRESENT, NULL);
	lyd_free_all(tree);
	if (rc != LY_SUCCESS)
		return config_ly_err(ctx, "state", "make the state as the YANG module says", err);
	ly_err_clean(ctx, NULL);
	return 0;
}

/* Parses and validates one operation. NULL and err. */
static struct lyd_node *parse_op(const struct config_schema *s, const char *json, size_t n,
				 enum lyd_type type, const char *origin, struct err *err)
{
	struct ly_ctx *ctx = config_ly_ctx(s);
	char *text = config_ly_text(json, n, CONFIG_RPC_MAX_BYTES, origin, err);
	struct lyd_node *tree = NULL;
	struct lyd_node *op = NULL;
	struct ly_in *in = NULL;
	LY_ERR rc;

	if (!text)
		return NULL;
	rc = ly_in_new_memory(text, &in);
	if (rc == LY_SUCCESS)
		rc = lyd_parse_op(ctx, NULL, in, LYD_JSON, type, &tree, &op);
	if (rc == LY_SUCCESS && op)
		rc = lyd_validate_op(tree, NULL, type, NULL);
	ly_in_free(in, 0);
	free(text);
	if (rc == LY_SUCCESS && op && !lyd_parent(op)) {
		ly_err_clean(ctx, NULL);
		return op;
	}
	config_ly_err(ctx, origin, "the YANG module says what it takes", err);
	lyd_free_all(tree);
	return NULL;
}

struct lyd_node *config_rpc_input(const struct config_schema *s, const char *json, size_t n,
				  struct err *err)
{
	return parse_op(s, json, n, LYD_TYPE_RPC_YANG, "input", err);
}

int config_check_output(const struct config_schema *s, const char *json, size_t n, struct err *err)
{
	struct lyd_node *op = parse_op(s, json, n, LYD_TYPE_REPLY_YANG, "output", err);

	lyd_free_all(op);
	return op ? 0 : -EINVAL;
}

int config_check_event(const struct config_schema *s, const char *json, size_t n, struct err *err)
{
	struct lyd_node *op = parse_op(s, json, n, LYD_TYPE_NOTIF_YANG, "event", err);

	lyd_free_all(op);
	return op ? 0 : -EINVAL;
}

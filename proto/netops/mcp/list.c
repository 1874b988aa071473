/* SPDX-License-Identifier: BSD-2-Clause */
/* The four lists. The text of a page is made once for each set of entries that somebody may see,
 * and kept until the list changes. A cursor is the sealed key of the last entry that was given, so
 * that it stays right when entries come and go. */
#include "proto/netops/mcp/mcp_priv.h"

#include <stdlib.h>

#define MAX_PAGES 64
#define TTL_MS 5000

static bool may_list(const struct mcp_entry *e, const struct principal *p)
{
	unsigned need = e->kind == MCP_K_TOOL	    ? e->tool.scope
			: e->kind == MCP_K_RESOURCE ? e->resource.scope
			: e->kind == MCP_K_TEMPLATE ? e->template.scope
						    : e->prompt.scope;

	return (need & ~p->scopes) == 0 && mcp_visible(e, p, NULL);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

/* Which entries p may see, as two hashes over their places. */
static void visible_set(const struct mcp_registry *reg, const struct principal *p, uint64_t seen[2])
{
	size_t i;

	seen[0] = 1;
	seen[1] = 2;
	for (i = 0; i < reg->n; i++) {
		if (!may_list(reg->at[i], p))
			continue;
		seen[0] = mix(seen[0], i + 1);
		seen[1] = mix(seen[1], ~(uint64_t)i);
	}
}

/* The page's items as JSON text, and the key after which the next begins: "last NUL items". */
static struct mcp_page *page_make(struct mcp_req *r, struct mcp_registry *reg, size_t from,
				  const uint64_t seen[2])
{
	size_t limit = r->m->params.page_size ? r->m->params.page_size : 100;
	const struct mcp_entry *last = NULL;
	struct buf *b = &r->m->scratch;
	struct mcp_page *p;
	size_t count = 0;
	size_t key_n;
	size_t i;

	buf_clear(b);
	for (i = from; i < reg->n; i++) {
		if (!may_list(reg->at[i], &r->who))
			continue;
		if (count == limit)
			break;
		if (count++ > 0)
			buf_u8(b, ',');
		mcp_out_text(b, reg->at[i]->frag[r->era]);
		last = reg->at[i];
	}
	/* No next page where nothing visible is left. */
	if (i == reg->n)
		last = NULL;
	key_n = last ? strlen(last->key) + 1 : 1;
	p = b->failed ? NULL : malloc(sizeof(*p) + key_n + b->n);
	if (!p)
		return NULL;
	*p = (struct mcp_page){.era = r->era, .from = from, .n = key_n + b->n};
	memcpy(p->seen, seen, sizeof(p->seen));
	memcpy(p->text, last ? last->key : "", key_n);
	memcpy(p->text + key_n, b->p, b->n);
	if (reg->n_pages == MAX_PAGES)
		mcp_pages_drop(reg);
	p->next = reg->pages;
	reg->pages = p;
	reg->n_pages++;
	return p;
}

static struct mcp_page *page_get(struct mcp_req *r, struct mcp_registry *reg, size_t from)
{
	struct mcp_page *p;
	uint64_t seen[2];

	visible_set(reg, &r->who, seen);
	for (p = reg->pages; p; p = p->next) {
		if (p->era == r->era && p->from == from && memcmp(p->seen, seen, sizeof(seen)) == 0)
			return p;
	}
	return page_make(r, reg, from, seen);
}

static size_t after(const struct mcp_registry *reg, const char *key)
{
	size_t i = 0;

	while (i < reg->n && strcmp(reg->at[i]->key, key) <= 0)
		i++;
	return i;
}

void mcp_list(struct mcp_req *r, enum mcp_kind kind, const char *name)
{
	struct mcp_registry *reg = &r->m->reg[kind];
	struct slice bind = slice_of(name, strlen(name));
	yyjson_val *cursor = yyjson_obj_get(r->params, "cursor");
	char *next = NULL;
	struct mcp_page *p;
	struct buf *b;
	size_t from = 0;
	char *key;
	size_t n;

	if (cursor) {
		key = yyjson_is_str(cursor) ? mcp_unseal(r, "cursor", bind, yyjson_get_str(cursor),
							 yyjson_get_len(cursor), &n)
					    : NULL;
		if (!key) {
			mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
				 "Invalid params: this cursor is not one of ours");
			return;
		}
		from = after(reg, key);
	}
	p = page_get(r, reg, from);
	if (!p) {
		mcp_fail(r, 200, MCP_INTERNAL, NULL, "no memory");
		return;
	}
	n = strlen(p->text);
	if (n > 0)
		next = mcp_seal(r, "cursor", bind, slice_of(p->text, n));
	b = mcp_result_begin(r);
	buf_printf(b, "\"%s\":[", name);
	buf_bytes(b, p->text + n + 1, p->n - n - 1);
	OUT_LIT(b, "]");
	if (next) {
		OUT_LIT(b, ",\"nextCursor\":");
		mcp_out_str(b, next);
	}
	if (r->era == MCP_2026_07_28)
		buf_printf(b, ",\"ttlMs\":%d,\"cacheScope\":\"private\"", TTL_MS);
	mcp_result_end(r, false);
}

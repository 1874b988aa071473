/* SPDX-License-Identifier: BSD-2-Clause */
/* What is served: tools, resources, templates and prompts, each kind sorted by its key. An entry's
 * JSON is written once, when it is added. Entries are counted, so that one may be removed or
 * replaced while a request for it is under way. */
#include "proto/netops/mcp/mcp_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static const char no_arguments[] = "{\"type\":\"object\",\"additionalProperties\":false}";

void mcp_entry_unref(struct mcp_entry *e)
{
	int i;

	if (--e->refs > 0)
		return;
	for (i = 0; i < 3; i++) {
		if (i == 0 || e->frag[i] != e->frag[i - 1])
			free(e->frag[i]);
	}
	if (e->schema)
		json_schema_free(e->schema);
	mcp_mirrors_free(e);
	free(e);
}

static int compare(const char *a, size_t n, const char *b)
{
	int c = strncmp(a, b, n);

	if (c != 0)
		return c;
	return b[n] ? -1 : 0;
}

/* Where key is, or would be. */
static size_t place(const struct mcp_registry *r, const char *key, size_t n, bool *found)
{
	size_t lo = 0;
	size_t hi = r->n;
	size_t mid;
	int c;

	*found = false;
	while (lo < hi) {
		mid = (lo + hi) / 2;
		c = compare(key, n, r->at[mid]->key);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct mcp_entry *mcp_find(struct mcp *m, enum mcp_kind kind, const char *key, size_t n)
{
	struct mcp_registry *r = &m->reg[kind];
	bool found;
	size_t at;

	if (memchr(key, 0, n))
		return NULL;
	at = place(r, key, n, &found);
	return found ? r->at[at] : NULL;
}

bool mcp_visible(const struct mcp_entry *e, const struct principal *p, const char *uri)
{
	switch (e->kind) {
	case MCP_K_TOOL:
		return !e->tool.allowed || e->tool.allowed(e->tool.ctx, &e->tool, p);
	case MCP_K_RESOURCE:
		return !e->resource.allowed ||
		       e->resource.allowed(e->resource.ctx, e->resource.uri, p);
	case MCP_K_TEMPLATE:
		return !e->template.allowed || !uri || e->template.allowed(e->template.ctx, uri, p);
	case MCP_K_PROMPT:
	case MCP_N_KINDS:
		break;
	}
	return true;
}

void mcp_pages_drop(struct mcp_registry *r)
{
	struct mcp_page *next;

	for (; r->pages; r->pages = next) {
		next = r->pages->next;
		free(r->pages);
	}
	r->n_pages = 0;
}

static void changed(struct mcp *m, enum mcp_kind kind)
{
	mcp_pages_drop(&m->reg[kind]);
	mcp_lists_changed(m, kind == MCP_K_TOOL, kind == MCP_K_RESOURCE || kind == MCP_K_TEMPLATE,
			  kind == MCP_K_PROMPT);
}

static int put(struct mcp *m, struct mcp_entry *e)
{
	struct mcp_registry *r = &m->reg[e->kind];
	struct mcp_entry **at;
	bool found;
	size_t i;

	i = place(r, e->key, strlen(e->key), &found);
	if (found) {
		mcp_entry_unref(r->at[i]);
		r->at[i] = e;
		changed(m, e->kind);
		return 0;
	}
	if (r->n == r->cap) {
		at = realloc(r->at, (r->cap ? r->cap * 2 : 32) * sizeof(*at));
		if (!at)
			return -ENOMEM;
		r->at = at;
		r->cap = r->cap ? r->cap * 2 : 32;
	}
	memmove(r->at + i + 1, r->at + i, (r->n - i) * sizeof(*r->at));
	r->at[i] = e;
	r->n++;
	changed(m, e->kind);
	return 0;
}

static void take_out(struct mcp *m, enum mcp_kind kind, const char *key)
{
	struct mcp_registry *r = &m->reg[kind];
	bool found;
	size_t i = place(r, key, strlen(key), &found);

	if (!found)
		return;
	mcp_entry_unref(r->at[i]);
	memmove(r->at + i, r->at + i + 1, (r->n - i - 1) * sizeof(*r->at));
	r->n--;
	changed(m, kind);
}

void mcp_registry_free(struct mcp *m)
{
	size_t i;
	int k;

	for (k = 0; k < MCP_N_KINDS; k++) {
		mcp_pages_drop(&m->reg[k]);
		for (i = 0; i < m->reg[k].n; i++)
			mcp_entry_unref(m->reg[k].at[i]);
		free(m->reg[k].at);
	}
}

/* ---- the JSON of an entry ---- */

static void member(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	OUT_LIT(b, ",\"");
	mcp_out_text(b, name);
	OUT_LIT(b, "\":");
	mcp_out_str(b, value);
}

static char *taken(struct buf *b)
{
	char *s = b->failed ? NULL : strndup((char *)b->p, b->n);

	buf_clear(b);
	return s;
}

static void flag(struct buf *b, const char *name, bool value)
{
	buf_printf(b, "\"%s\":%s", name, value ? "true" : "false");
}

static void out_tool(struct buf *b, const struct mcp_tool *t, enum mcp_era era)
{
	static const char *const support[] = {"forbidden", "optional", "required"};

	OUT_LIT(b, "{\"name\":");
	mcp_out_str(b, t->name);
	member(b, "title", t->title);
	member(b, "description", t->description);
	OUT_LIT(b, ",\"inputSchema\":");
	mcp_out_text(b, t->input ? t->input : no_arguments);
	if (t->output) {
		OUT_LIT(b, ",\"outputSchema\":");
		mcp_out_text(b, t->output);
	}
	OUT_LIT(b, ",\"annotations\":{");
	flag(b, "readOnlyHint", t->read_only);
	buf_u8(b, ',');
	flag(b, "destructiveHint", t->destructive);
	buf_u8(b, ',');
	flag(b, "idempotentHint", t->idempotent);
	buf_u8(b, ',');
	flag(b, "openWorldHint", t->open_world);
	OUT_LIT(b, "}");
	if (era == MCP_2025_11_25 && t->task != MCP_TASK_FORBIDDEN)
		buf_printf(b, ",\"execution\":{\"taskSupport\":\"%s\"}", support[t->task]);
	OUT_LIT(b, "}");
}

/* Line feeds of a schema that was written for people would break stdio's framing. */
static char *compact(const char *json, struct err *err)
{
	yyjson_doc *doc = json_parse(json, strlen(json), 0, "schema", err);
	char *s = doc ? yyjson_write(doc, YYJSON_WRITE_NOFLAG, NULL) : NULL;

	yyjson_doc_free(doc);
	return s;
}

static bool name_ok(const char *s)
{
	size_t n = strlen(s);
	size_t i;

	for (i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '_' && s[i] != '.' && s[i] != '-')
			return false;
	}
	return n >= 1 && n <= 128;
}

static struct mcp_entry *entry_new(enum mcp_kind kind)
{
	struct mcp_entry *e = calloc(1, sizeof(*e));

	if (e) {
		e->refs = 1;
		e->kind = kind;
	}
	return e;
}

/* ---- tools ---- */

static int tool_schema(struct mcp_entry *e, const char *input, struct err *err)
{
	yyjson_doc *doc = json_parse(input, strlen(input), 0, e->tool.name, err);
	int rc;

	if (!doc)
		return -EINVAL;
	if (!yyjson_equals_str(yyjson_obj_get(yyjson_doc_get_root(doc), "type"), "object"))
		rc = err_set(err, -EINVAL, "the schema of %s's arguments is not of type object",
			     e->tool.name);
	else
		rc = mcp_mirrors_read(e, yyjson_doc_get_root(doc), err);
	yyjson_doc_free(doc);
	if (rc < 0)
		return rc;
	e->schema = json_schema_new(input, strlen(input), err);
	return e->schema ? 0 : -EINVAL;
}

static int tool_json(struct mcp *m, struct mcp_entry *e, struct err *err)
{
	struct buf *b = &m->scratch;
	struct mcp_tool t = e->tool;
	char *input = compact(t.input ? t.input : no_arguments, err);
	char *output = t.output ? compact(t.output, err) : NULL;
	int rc = -EINVAL;
	int era;

	if (input && (output || !t.output)) {
		t.input = input;
		t.output = output;
		rc = 0;
		for (era = 0; era < 3; era++) {
			buf_clear(b);
			out_tool(b, &t, (enum mcp_era)era);
			e->frag[era] = taken(b);
			if (!e->frag[era])
				rc = err_set(err, -ENOMEM, "no memory");
		}
	}
	free(input);
	free(output);
	return rc;
}

int mcp_tool_add(struct mcp *m, const struct mcp_tool *t, struct err *err)
{
	struct mcp_entry *e;
	int rc;

	if (!t->name || !name_ok(t->name))
		return err_set(
			err, -EINVAL,
			"the name of a tool is 1 to 128 letters, digits, '_', '-' or '.': %s",
			t->name ? t->name : "");
	e = entry_new(MCP_K_TOOL);
	if (!e)
		return err_set(err, -ENOMEM, "no memory");
	e->tool = *t;
	e->key = t->name;
	rc = tool_schema(e, t->input ? t->input : no_arguments, err);
	if (rc == 0)
		rc = tool_json(m, e, err);
	if (rc == 0)
		rc = put(m, e);
	if (rc < 0)
		mcp_entry_unref(e);
	return rc;
}

void mcp_tool_remove(struct mcp *m, const char *name)
{
	take_out(m, MCP_K_TOOL, name);
}

/* ---- resources, templates, prompts: the same JSON in all eras ---- */

static int add_plain(struct mcp *m, struct mcp_entry *e, struct buf *b)
{
	int rc;

	OUT_LIT(b, "}");
	e->frag[0] = taken(b);
	e->frag[1] = e->frag[0];
	e->frag[2] = e->frag[0];
	rc = e->frag[0] ? put(m, e) : -ENOMEM;
	if (rc < 0)
		mcp_entry_unref(e);
	return rc;
}

int mcp_resource_add(struct mcp *m, const struct mcp_resource *r)
{
	struct mcp_entry *e = entry_new(MCP_K_RESOURCE);
	struct buf *b = &m->scratch;

	if (!e)
		return -ENOMEM;
	e->resource = *r;
	e->key = r->uri;
	buf_clear(b);
	OUT_LIT(b, "{\"uri\":");
	mcp_out_str(b, r->uri);
	member(b, "name", r->name);
	member(b, "title", r->title);
	member(b, "description", r->description);
	member(b, "mimeType", r->mime);
	return add_plain(m, e, b);
}

void mcp_resource_remove(struct mcp *m, const char *uri)
{
	take_out(m, MCP_K_RESOURCE, uri);
}

int mcp_template_add(struct mcp *m, const struct mcp_template *t, struct err *err)
{
	struct mcp_entry *e;
	struct buf *b = &m->scratch;

	if (!mcp_template_valid(t->uri_template))
		return err_set(err, -EINVAL, "URI template %s: only {x}, {+x} and {?x,y} are known",
			       t->uri_template);
	e = entry_new(MCP_K_TEMPLATE);
	if (!e)
		return err_set(err, -ENOMEM, "no memory");
	e->template = *t;
	e->key = t->uri_template;
	buf_clear(b);
	OUT_LIT(b, "{\"uriTemplate\":");
	mcp_out_str(b, t->uri_template);
	member(b, "name", t->name);
	member(b, "title", t->title);
	member(b, "description", t->description);
	member(b, "mimeType", t->mime);
	return add_plain(m, e, b);
}

int mcp_prompt_add(struct mcp *m, const struct mcp_prompt *p)
{
	struct mcp_entry *e = entry_new(MCP_K_PROMPT);
	const struct mcp_prompt_arg *a;
	struct buf *b = &m->scratch;

	if (!e)
		return -ENOMEM;
	e->prompt = *p;
	e->key = p->name;
	buf_clear(b);
	OUT_LIT(b, "{\"name\":");
	mcp_out_str(b, p->name);
	member(b, "title", p->title);
	member(b, "description", p->description);
	if (p->arg && p->arg->name) {
		OUT_LIT(b, ",\"arguments\":[");
		for (a = p->arg; a->name; a++) {
			if (a != p->arg)
				buf_u8(b, ',');
			OUT_LIT(b, "{\"name\":");
			mcp_out_str(b, a->name);
			member(b, "title", a->title);
			member(b, "description", a->description);
			buf_u8(b, ',');
			flag(b, "required", a->required);
			OUT_LIT(b, "}");
		}
		OUT_LIT(b, "]");
	}
	return add_plain(m, e, b);
}

void mcp_prompt_remove(struct mcp *m, const char *name)
{
	take_out(m, MCP_K_PROMPT, name);
}

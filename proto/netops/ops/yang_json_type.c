/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/text.h"
#include "proto/netops/ops/xsd_regex.h"
#include "proto/netops/ops/yang_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A type's text goes to $defs where it is long or comes again; equal texts are one. */
struct yang_json_def {
	char name[72];
	char *text;
	size_t n;
	uint64_t hash;
};
#define DEF_MIN 100 /* bytes: shorter ones stay where they are */

static void named(struct yang_json *g, struct buf *out, const char *name, const struct buf *text)
{
	uint64_t hash = 14695981039346656037ull;
	struct yang_json_def *def;
	unsigned same = 0;
	size_t i;

	for (i = 0; i < text->n; i++)
		hash = (hash ^ text->p[i]) * 0x100000001b3ull;
	for (i = 0; i < g->n_def; i++) {
		def = &g->def[i];
		if (def->hash == hash && def->n == text->n &&
		    memcmp(def->text, text->p, text->n) == 0)
			break;
		same += strncmp(def->name, name, strlen(name)) == 0;
	}
	if (i == g->n_def) {
		def = realloc(g->def, (g->n_def + 1) * sizeof(*def));
		if (def) {
			g->def = def;
			def[i] = (struct yang_json_def){
				.n = text->n, .hash = hash, .text = malloc(text->n + 1)};
		}
		if (!def || !def[i].text) {
			out->failed = true;
			return;
		}
		memcpy(def[i].text, text->p, text->n);
		snprintf(def[i].name, sizeof(def[i].name), same ? "%.60s-%u" : "%.60s", name,
			 same + 1);
		g->n_def++;
	}
	buf_printf(out, "\"$ref\":\"#/$defs/%s\"", g->def[i].name);
}

bool yang_json_defs(struct yang_json *g, struct buf *out)
{
	size_t i;

	if (g->n_def == 0)
		return false;
	TEXT_JSON_LIT(out, "\"$defs\":{");
	for (i = 0; i < g->n_def; i++) {
		buf_printf(out, "%s\"%s\":{", i ? "," : "", g->def[i].name);
		buf_bytes(out, g->def[i].text, g->def[i].n);
		TEXT_JSON_LIT(out, "}");
	}
	TEXT_JSON_LIT(out, "}");
	return true;
}

void yang_json_free(struct yang_json *g)
{
	size_t i;

	for (i = 0; i < g->n_def; i++)
		free(g->def[i].text);
	free(g->def);
	g->def = NULL;
	g->n_def = 0;
}

static void integer_parts(struct buf *out, const struct lysc_range *r, bool is_signed,
			  const char *bounds)
{
	LY_ARRAY_COUNT_TYPE n = r ? LY_ARRAY_COUNT(r->parts) : 0;
	LY_ARRAY_COUNT_TYPE i;

	TEXT_JSON_LIT(out, "\"type\":\"integer\",");
	if (n == 0)
		buf_printf(out, "%s", bounds);
	if (n > 1)
		TEXT_JSON_LIT(out, "\"anyOf\":[");
	for (i = 0; i < n; i++) {
		const char *open = n == 1 ? "" : i ? ",{" : "{";

		if (is_signed)
			buf_printf(out, "%s\"minimum\":%" PRId64 ",\"maximum\":%" PRId64, open,
				   r->parts[i].min_64, r->parts[i].max_64);
		else
			buf_printf(out, "%s\"minimum\":%" PRIu64 ",\"maximum\":%" PRIu64, open,
				   r->parts[i].min_u64, r->parts[i].max_u64);
		if (n > 1)
			buf_u8(out, '}');
	}
	if (n > 1)
		buf_u8(out, ']');
}

static void integer(struct buf *out, const struct lysc_type *type)
{
	static const struct {
		LY_DATA_TYPE type;
		const char *bounds;
	} t[] = {
		{LY_TYPE_INT8, "\"minimum\":-128,\"maximum\":127"},
		{LY_TYPE_INT16, "\"minimum\":-32768,\"maximum\":32767"},
		{LY_TYPE_INT32, "\"minimum\":-2147483648,\"maximum\":2147483647"},
		{LY_TYPE_UINT8, "\"minimum\":0,\"maximum\":255"},
		{LY_TYPE_UINT16, "\"minimum\":0,\"maximum\":65535"},
		{LY_TYPE_UINT32, "\"minimum\":0,\"maximum\":4294967295"},
	};
	size_t i = 0;

	while (t[i].type != type->basetype)
		i++;
	integer_parts(out, ((const struct lysc_type_num *)type)->range, i < 3, t[i].bounds);
}

/* 64-bit numbers and decimals are strings (RFC 7951 §6.1); their ranges are left to the datastore.
 */
static void number_text(struct buf *out, const struct lysc_type *type)
{
	TEXT_JSON_LIT(out, "\"type\":\"string\",\"pattern\":\"");
	if (type->basetype == LY_TYPE_UINT64)
		TEXT_JSON_LIT(out, "^\\\\s*\\\\+?0*[0-9]{1,20}\\\\s*$\"");
	else if (type->basetype == LY_TYPE_INT64)
		TEXT_JSON_LIT(out, "^\\\\s*[+-]?0*[0-9]{1,19}\\\\s*$\"");
	else
		buf_printf(out, "^\\\\s*[+-]?[0-9]+(?:\\\\.[0-9]{1,%u}0*)?\\\\s*$\"",
			   ((const struct lysc_type_dec *)type)->fraction_digits);
}

static void lengths(struct buf *out, const struct lysc_range *r)
{
	LY_ARRAY_COUNT_TYPE n = r ? LY_ARRAY_COUNT(r->parts) : 0;
	LY_ARRAY_COUNT_TYPE i;

	if (n > 1)
		TEXT_JSON_LIT(out, ",\"anyOf\":[");
	for (i = 0; i < n; i++) {
		const char *comma = n == 1 ? "," : i ? ",{" : "{";

		buf_printf(out, "%s\"minLength\":%" PRIu64, comma, r->parts[i].min_u64);
		if (r->parts[i].max_u64 < UINT64_MAX)
			buf_printf(out, ",\"maxLength\":%" PRIu64, r->parts[i].max_u64);
		if (n > 1)
			buf_u8(out, '}');
	}
	if (n > 1)
		buf_u8(out, ']');
}

static void one_pattern(struct buf *out, const struct lysc_pattern *p, const struct buf *ecma)
{
	if (p->inverted)
		TEXT_JSON_LIT(out, "\"not\":{");
	TEXT_JSON_LIT(out, "\"pattern\":");
	text_json(out, (const char *)ecma->p, ecma->n);
	if (p->inverted)
		TEXT_JSON_LIT(out, "}");
}

static void patterns(struct buf *out, struct lysc_pattern **p)
{
	LY_ARRAY_COUNT_TYPE n = LY_ARRAY_COUNT(p);
	LY_ARRAY_COUNT_TYPE i;
	unsigned done = 0;
	struct buf ecma;

	buf_init(&ecma, out->a);
	for (i = 0; i < n; i++) {
		buf_clear(&ecma);
		if (!xsd_regex(&ecma, p[i]->expr))
			continue;
		buf_printf(out, "%s", done ? "},{" : n > 1 ? ",\"allOf\":[{" : ",");
		one_pattern(out, p[i], &ecma);
		done++;
	}
	if (done && n > 1)
		TEXT_JSON_LIT(out, "}]");
	out->failed |= ecma.failed;
	buf_free(&ecma);
}

static void string(struct buf *out, const struct lysc_type_str *s)
{
	TEXT_JSON_LIT(out, "\"type\":\"string\"");
	lengths(out, s->length);
	patterns(out, s->patterns);
}

static void binary(struct buf *out)
{
	TEXT_JSON_LIT(out, "\"type\":\"string\",\"contentEncoding\":\"base64\",\"pattern\":\"^(?:["
			   "A-Za-z0-9+/]{4}\\\\n?)*"
			   "(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\\\\n?$\"");
}

static void enumeration(struct buf *out, const struct lysc_type_enum *e)
{
	LY_ARRAY_COUNT_TYPE i;

	TEXT_JSON_LIT(out, "\"enum\":[");
	LY_ARRAY_FOR(e->enums, i)
	{
		buf_printf(out, "%s", i ? "," : "");
		text_json_str(out, e->enums[i].name);
	}
	TEXT_JSON_LIT(out, "]");
}

static void bits(struct buf *out, const struct lysc_type_bits *b)
{
	LY_ARRAY_COUNT_TYPE i;
	unsigned round;

	TEXT_JSON_LIT(out, "\"type\":\"string\",\"pattern\":\"^\\\\s*(?:");
	for (round = 0; round < 2; round++) {
		TEXT_JSON_LIT(out, "(?:");
		LY_ARRAY_FOR(b->bits, i)
		{
			const char *p;

			buf_printf(out, "%s", i ? "|" : "");
			for (p = b->bits[i].name; *p; p++)
				buf_printf(out, "%s%c", *p == '.' ? "\\\\" : "", *p);
		}
		buf_printf(out, "%s", round ? "))*\\\\s*)?$\"" : ")(?:\\\\s+");
	}
}

/* All identities below base, into set. */
static void derived(const struct lysc_ident *base, struct ly_set *set)
{
	uint32_t next = set->count;
	LY_ARRAY_COUNT_TYPE i;

	for (;;) {
		LY_ARRAY_FOR(base->derived, i)
		ly_set_add(set, base->derived[i], 0, NULL);
		if (next == set->count)
			return;
		base = set->objs[next++];
	}
}

static int by_ident(const void *a, const void *b)
{
	const struct lysc_ident *x = *(struct lysc_ident *const *)a;
	const struct lysc_ident *y = *(struct lysc_ident *const *)b;
	int rc = strcmp(x->module->name, y->module->name);

	return rc ? rc : strcmp(x->name, y->name);
}

/* Of several bases, what is below all of them. */
static void identityref(struct buf *out, const struct lysc_type_identityref *type,
			const struct lysc_node *node)
{
	struct ly_set set = {0};
	LY_ARRAY_COUNT_TYPE b;
	unsigned n = 0;
	uint32_t i;

	derived(type->bases[0], &set);
	if (set.count)
		qsort(set.objs, set.count, sizeof(set.objs[0]), by_ident);
	TEXT_JSON_LIT(out, "\"enum\":[");
	for (i = 0; i < set.count; i++) {
		const struct lysc_ident *id = set.objs[i];
		bool all = id->module->implemented;

		for (b = 1; all && b < LY_ARRAY_COUNT(type->bases); b++) {
			struct ly_set other = {0};

			derived(type->bases[b], &other);
			all = ly_set_contains(&other, id, NULL);
			ly_set_erase(&other, NULL);
		}
		if (!all)
			continue;
		buf_printf(out, "%s\"%s:%s\"", n++ ? "," : "", id->module->name, id->name);
		if (id->module == node->module)
			buf_printf(out, ",\"%s\"", id->name);
	}
	TEXT_JSON_LIT(out, "]");
	ly_set_erase(&set, NULL);
}

static void union_of(struct yang_json *g, struct buf *out, const struct lysc_type_union *u,
		     const struct lysc_node *node)
{
	LY_ARRAY_COUNT_TYPE i;

	TEXT_JSON_LIT(out, "\"anyOf\":[");
	LY_ARRAY_FOR(u->types, i)
	{
		buf_printf(out, "%s", i ? ",{" : "{");
		yang_json_type(g, out, u->types[i], node);
		buf_u8(out, '}');
	}
	TEXT_JSON_LIT(out, "]");
}

static void inline_type(struct yang_json *g, struct buf *out, const struct lysc_type *type,
			const struct lysc_node *node)
{
	switch (type->basetype) {
	case LY_TYPE_STRING:
		string(out, (const struct lysc_type_str *)type);
		break;
	case LY_TYPE_BINARY:
		binary(out);
		break;
	case LY_TYPE_BITS:
		bits(out, (const struct lysc_type_bits *)type);
		break;
	case LY_TYPE_BOOL:
		TEXT_JSON_LIT(out, "\"type\":\"boolean\"");
		break;
	case LY_TYPE_EMPTY:
		TEXT_JSON_LIT(out, "\"const\":[null]");
		break;
	case LY_TYPE_ENUM:
		enumeration(out, (const struct lysc_type_enum *)type);
		break;
	case LY_TYPE_IDENT:
		identityref(out, (const struct lysc_type_identityref *)type, node);
		break;
	case LY_TYPE_UNION:
		union_of(g, out, (const struct lysc_type_union *)type, node);
		break;
	case LY_TYPE_INT64:
	case LY_TYPE_UINT64:
	case LY_TYPE_DEC64:
		number_text(out, type);
		break;
	case LY_TYPE_INT8:
	case LY_TYPE_INT16:
	case LY_TYPE_INT32:
	case LY_TYPE_UINT8:
	case LY_TYPE_UINT16:
	case LY_TYPE_UINT32:
		integer(out, type);
		break;
	default: /* instance-identifier */
		TEXT_JSON_LIT(out, "\"type\":\"string\"");
	}
}

/* Recursion is that of unions and leafrefs in the schema, which has no loops. */
void yang_json_type(struct yang_json *g, struct buf *out, const struct lysc_type *type,
		    const struct lysc_node *node)
{
	const char *name = type->name;
	struct buf text;

	while (type->basetype == LY_TYPE_LEAFREF) {
		type = ((const struct lysc_type_leafref *)type)->realtype;
		name = type->name;
	}
	buf_init(&text, out->a);
	inline_type(g, &text, type, node);
	out->failed |= text.failed;
	if (text.n < DEF_MIN || text.failed)
		buf_bytes(out, text.p, text.n);
	else
		named(g, out, name ? name : node->name, &text);
	buf_free(&text);
}

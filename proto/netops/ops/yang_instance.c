/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of types with patterns are drawn from samples that fit the usual ones; what fits is asked
 * of libyang. */
#include "proto/netops/ops/yang_instance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 400
#define MAX_MEMBERS 4096

struct instance_value {
	const struct lysc_node *node;
	char text[128];
};

static const char *const samples[] = {"a",
				      "eth0",
				      "x1",
				      "b-2",
				      "10.0.0.1",
				      "10.1.0.0/16",
				      "2001:db8::1",
				      "2001:db8::/48",
				      "fe80::1",
				      "00:11:22:33:44:55",
				      "2026-11-24T12:00:00Z",
				      "2026-11-24T12:00:00.5+01:00",
				      "example.com",
				      "host",
				      "1.3.6.1",
				      "urn:x:y",
				      "http://example.com/",
				      "aa:bb",
				      "0a:0b:0c",
				      "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
				      "2026-11-24",
				      "*",
				      "/ietf-interfaces:interfaces",
				      "$0$pw",
				      "12",
				      "65001:1",
				      "1",
				      "en",
				      "ssh-rsa",
				      "0800",
				      "1.2",
				      "main",
				      "ietf-interfaces",
				      "tls12",
				      "nobody@example.com",
				      "00:00:00:00",
				      "0:1:2",
				      "255.255.255.0",
				      "ms",
				      "10.0.0.0/8",
				      "::/0",
				      "0.0.0.0/0",
				      "12:34",
				      "2025-01-01",
				      "Europe/Berlin",
				      "read create",
				      "all"};

static bool chance(struct instance *in, unsigned percent)
{
	return rng_below(in->r, 100) < percent;
}

static bool fits(const struct lysc_node *node, const char *text)
{
	return lyd_value_validate(NULL, node, text, strlen(text), NULL, NULL, NULL) == LY_SUCCESS;
}

static void remember(struct instance *in, const struct lysc_node *node, const char *text)
{
	struct instance_value *v = realloc(in->value, (in->n_values + 1) * sizeof(*v));

	if (!v)
		return;
	in->value = v;
	v[in->n_values].node = node;
	snprintf(v[in->n_values++].text, sizeof(v->text), "%s", text);
}

void instance_free(struct instance *in)
{
	free(in->value);
	in->value = NULL;
	in->n_values = 0;
}

static const char *recalled(struct instance *in, const struct lysc_node *node)
{
	size_t start = rng_below(in->r, in->n_values ? in->n_values : 1);
	size_t i;

	for (i = 0; i < in->n_values; i++) {
		const struct instance_value *v = &in->value[(start + i) % in->n_values];

		if (v->node == node)
			return v->text;
	}
	return NULL;
}

/* ---- Values ---- */

static bool pick_range(struct instance *in, const struct lysc_range *r, bool is_signed, int64_t lo,
		       uint64_t hi, char *out, size_t n)
{
	LY_ARRAY_COUNT_TYPE parts = r ? LY_ARRAY_COUNT(r->parts) : 0;

	if (parts) {
		const struct lysc_range_part *p = &r->parts[rng_below(in->r, parts)];

		lo = is_signed ? p->min_64 : 0;
		hi = is_signed ? (uint64_t)p->max_64 : p->max_u64;
		if (!is_signed) {
			uint64_t v = p->min_u64 + rng_below(in->r, hi - p->min_u64 < 1000
									   ? hi - p->min_u64 + 1
									   : 1000);

			snprintf(out, n, "%" PRIu64, chance(in, 20) ? hi : v);
			return true;
		}
	}
	if (is_signed)
		snprintf(out, n, "%" PRId64,
			 chance(in, 20)	  ? lo
			 : chance(in, 20) ? (int64_t)hi
					  : (int64_t)rng_below(in->r, 3) + (lo > 0 ? lo : 0));
	else
		snprintf(out, n, "%" PRIu64, chance(in, 20) ? hi : rng_below(in->r, 100));
	return true;
}

static bool integer(struct instance *in, const struct lysc_type *t, char *out, size_t n)
{
	const struct lysc_range *r = ((const struct lysc_type_num *)t)->range;

	switch (t->basetype) {
	case LY_TYPE_INT8:
		return pick_range(in, r, true, INT8_MIN, INT8_MAX, out, n);
	case LY_TYPE_INT16:
		return pick_range(in, r, true, INT16_MIN, INT16_MAX, out, n);
	case LY_TYPE_INT32:
		return pick_range(in, r, true, INT32_MIN, INT32_MAX, out, n);
	case LY_TYPE_INT64:
		return pick_range(in, r, true, INT64_MIN, INT64_MAX, out, n);
	case LY_TYPE_UINT8:
		return pick_range(in, r, false, 0, UINT8_MAX, out, n);
	case LY_TYPE_UINT16:
		return pick_range(in, r, false, 0, UINT16_MAX, out, n);
	case LY_TYPE_UINT32:
		return pick_range(in, r, false, 0, UINT32_MAX, out, n);
	default:
		return pick_range(in, r, false, 0, UINT64_MAX, out, n);
	}
}

static bool identity(struct instance *in, const struct lysc_type_identityref *t, char *out,
		     size_t n)
{
	const struct lysc_ident *id = t->bases[0];
	unsigned down = 1 + (unsigned)rng_below(in->r, 2);

	for (; down && LY_ARRAY_COUNT(id->derived); down--)
		id = id->derived[rng_below(in->r, LY_ARRAY_COUNT(id->derived))];
	snprintf(out, n, "%s:%s", id->module->name, id->name);
	return id != t->bases[0];
}

static bool bits(struct instance *in, const struct lysc_type_bits *t, char *out, size_t n)
{
	LY_ARRAY_COUNT_TYPE i;
	size_t k = 0;

	out[0] = '\0';
	LY_ARRAY_FOR(t->bits, i)
	{
		if (chance(in, 40) && k < n)
			k += (size_t)snprintf(out + k, n - k, "%s%s", k ? " " : "",
					      t->bits[i].name);
	}
	return true;
}

/* JSON's form of a value of the type: 'n' number, 'b' boolean, 'e' [null], 's' string; '\0': none
 * was found. */
static char draw(struct instance *in, const struct lysc_node *node, const struct lysc_type *t,
		 char *out, size_t n)
{
	const struct lysc_type_union *u = (const struct lysc_type_union *)t;
	const struct lysc_type_enum *e = (const struct lysc_type_enum *)t;
	const struct lysc_node *target;
	const char *text;
	unsigned i;

	switch (t->basetype) {
	case LY_TYPE_BOOL:
		snprintf(out, n, "%s", chance(in, 50) ? "true" : "false");
		return 'b';
	case LY_TYPE_EMPTY:
		out[0] = '\0';
		return 'e';
	case LY_TYPE_INT64:
	case LY_TYPE_UINT64:
		return integer(in, t, out, n) ? 's' : '\0';
	case LY_TYPE_INT8:
	case LY_TYPE_INT16:
	case LY_TYPE_INT32:
	case LY_TYPE_UINT8:
	case LY_TYPE_UINT16:
	case LY_TYPE_UINT32:
		return integer(in, t, out, n) ? 'n' : '\0';
	case LY_TYPE_DEC64:
		snprintf(out, n, "%d.%d", (int)rng_below(in->r, 100), (int)rng_below(in->r, 9) + 1);
		return 's';
	case LY_TYPE_ENUM:
		snprintf(out, n, "%s", e->enums[rng_below(in->r, LY_ARRAY_COUNT(e->enums))].name);
		return 's';
	case LY_TYPE_BITS:
		return bits(in, (const struct lysc_type_bits *)t, out, n) ? 's' : '\0';
	case LY_TYPE_IDENT:
		return identity(in, (const struct lysc_type_identityref *)t, out, n) ? 's' : '\0';
	case LY_TYPE_BINARY:
		snprintf(out, n, "%s", chance(in, 50) ? "AAEC" : "AAECAwQFBgc=");
		return 's';
	case LY_TYPE_UNION:
		return draw(in, node, u->types[rng_below(in->r, LY_ARRAY_COUNT(u->types))], out, n);
	case LY_TYPE_LEAFREF:
		target = node->nodetype & (LYS_LEAF | LYS_LEAFLIST) ? lysc_node_lref_target(node)
								    : NULL;
		text = target ? recalled(in, target) : NULL;
		if (!text)
			return '\0';
		snprintf(out, n, "%s", text);
		t = ((const struct lysc_type_leafref *)t)->realtype;
		return t->basetype >= LY_TYPE_UINT8 && t->basetype <= LY_TYPE_UINT32 ? 'n' : 's';
	default:
		break;
	}
	for (i = 0; i < 200; i++) {
		text = samples[rng_below(in->r, sizeof(samples) / sizeof(samples[0]))];
		snprintf(out, n, "%s", text);
		if (fits(node, text))
			return 's';
	}
	return '\0';
}

static yyjson_mut_val *value(struct instance *in, const struct lysc_node *node,
			     const struct lysc_type *t)
{
	yyjson_mut_val *arr;
	char text[128];
	char kind = draw(in, node, t, text, sizeof(text));

	if (kind == '\0')
		return NULL;
	remember(in, node, text);
	switch (kind) {
	case 'n':
		return text[0] == '-' ? yyjson_mut_sint(in->doc, strtoll(text, NULL, 10))
				      : yyjson_mut_uint(in->doc, strtoull(text, NULL, 10));
	case 'b':
		return yyjson_mut_bool(in->doc, text[0] == 't');
	case 'e':
		arr = yyjson_mut_arr(in->doc);
		yyjson_mut_arr_add_null(in->doc, arr);
		return arr;
	default:
		return yyjson_mut_strcpy(in->doc, text);
	}
}

/* ---- Trees ---- */

static bool wanted(struct instance *in, const struct lysc_node *n)
{
	if (n->nodetype & (LYS_RPC | LYS_ACTION | LYS_NOTIF) || in->nodes > MAX_NODES)
		return false;
	if (!in->state && n->flags & LYS_CONFIG_R && !(n->nodetype & (LYS_CHOICE | LYS_CASE)))
		return false;
	if (n->flags & (LYS_KEY | LYS_MAND_TRUE))
		return true;
	if (n->nodetype == LYS_LIST && ((const struct lysc_node_list *)n)->min)
		return true;
	if (n->nodetype == LYS_LEAFLIST && ((const struct lysc_node_leaflist *)n)->min)
		return true;
	return chance(in, lysc_node_when(n) ? in->rich / 3 : in->rich);
}

static yyjson_mut_val *node_value(struct instance *in, const struct lysc_node *n);

static yyjson_mut_val *object(struct instance *in, const struct lysc_node *n)
{
	yyjson_mut_val *obj = yyjson_mut_obj(in->doc);

	instance_members(in, obj, lysc_node_child(n), n->module);
	return obj;
}

static bool has_keys(const struct lysc_node *list, yyjson_mut_val *entry)
{
	const struct lysc_node *c;

	for (c = lysc_node_child(list); c; c = c->next) {
		if (c->flags & LYS_KEY && !yyjson_mut_obj_get(entry, c->name))
			return false;
	}
	return true;
}

static yyjson_mut_val *many(struct instance *in, const struct lysc_node *n)
{
	const struct lysc_node_leaflist *ll = (const struct lysc_node_leaflist *)n;
	bool list = n->nodetype == LYS_LIST;
	unsigned min = list ? ((const struct lysc_node_list *)n)->min : ll->min;
	unsigned max = list ? ((const struct lysc_node_list *)n)->max : ll->max;
	unsigned count = min > 1 ? min : 1u + (unsigned)chance(in, 30);
	yyjson_mut_val *arr = yyjson_mut_arr(in->doc);
	unsigned i;

	if (max && count > max)
		count = max;
	for (i = 0; i < count; i++) {
		yyjson_mut_val *v = list ? object(in, n) : value(in, n, ll->type);

		if (v && (!list || has_keys(n, v)))
			yyjson_mut_arr_append(arr, v);
	}
	return yyjson_mut_arr_size(arr) ? arr : NULL;
}

static yyjson_mut_val *node_value(struct instance *in, const struct lysc_node *n)
{
	in->nodes++;
	switch (n->nodetype) {
	case LYS_CONTAINER:
		return object(in, n);
	case LYS_LIST:
	case LYS_LEAFLIST:
		return many(in, n);
	case LYS_LEAF:
		return value(in, n, ((const struct lysc_node_leaf *)n)->type);
	default:
		return yyjson_mut_obj(in->doc);
	}
}

static void one_case(struct instance *in, yyjson_mut_val *obj, const struct lysc_node *choice,
		     const struct lys_module *around)
{
	const struct lysc_node *c = lysc_node_child(choice);
	unsigned n = 0;

	for (; c; c = c->next)
		n++;
	if (!n)
		return;
	n = (unsigned)rng_below(in->r, n);
	for (c = lysc_node_child(choice); n; n--)
		c = c->next;
	instance_members(in, obj, lysc_node_child(c), around);
}

void instance_members(struct instance *in, yyjson_mut_val *obj, const struct lysc_node *first,
		      const struct lys_module *around)
{
	const struct lysc_node *n;

	for (n = first; n; n = n->next) {
		yyjson_mut_val *v;
		char name[256];

		if (!wanted(in, n))
			continue;
		if (n->nodetype == LYS_CHOICE) {
			one_case(in, obj, n, around);
			continue;
		}
		v = node_value(in, n);
		if (!v)
			continue;
		snprintf(name, sizeof(name), "%s%s%s", n->module == around ? "" : n->module->name,
			 n->module == around ? "" : ":", n->name);
		yyjson_mut_obj_add(obj, yyjson_mut_strcpy(in->doc, name), v);
	}
}

/* ---- Mutations ---- */

struct place {
	yyjson_mut_val *parent; /* object or array */
	yyjson_mut_val *key;	/* or NULL */
	yyjson_mut_val *val;
};

static size_t places(yyjson_mut_val *v, struct place *p, size_t n)
{
	yyjson_mut_val *k;
	yyjson_mut_val *x;
	size_t max;
	size_t i;

	if (yyjson_mut_is_obj(v)) {
		yyjson_mut_obj_foreach(v, i, max, k, x)
		{
			if (n < MAX_MEMBERS)
				p[n++] = (struct place){v, k, x};
			n = places(x, p, n);
		}
	} else if (yyjson_mut_is_arr(v)) {
		yyjson_mut_arr_foreach(v, i, max, x)
		{
			if (n < MAX_MEMBERS)
				p[n++] = (struct place){v, NULL, x};
			n = places(x, p, n);
		}
	}
	return n;
}

static void overwrite(yyjson_mut_doc *doc, yyjson_mut_val *v, yyjson_mut_val *with)
{
	v->tag = with->tag;
	v->uni = with->uni;
}

static yyjson_mut_val *strange(struct instance *in, yyjson_mut_val *v)
{
	static const char *const text[] = {
		"",	      "~",	"no such value",   "-1", "99999999999",
		"10.0.0.999", "eth0 x", "\xc3\xa4\xc3\xb6"};
	yyjson_mut_doc *doc = in->doc;

	switch (rng_below(in->r, 7)) {
	case 0:
		return yyjson_mut_int(doc, -1);
	case 1:
		return yyjson_mut_uint(doc, 4294967296ull);
	case 2:
		return yyjson_mut_bool(doc, true);
	case 3:
		return yyjson_mut_null(doc);
	case 4:
		return yyjson_mut_obj(doc);
	case 5:
		return yyjson_mut_real(doc, 1.5);
	default:
		return yyjson_mut_str(doc, text[rng_below(in->r, sizeof(text) / sizeof(text[0]))]);
	}
}

bool instance_mutate(struct instance *in, yyjson_mut_val *root, const char **what)
{
	struct place *all = calloc(MAX_MEMBERS, sizeof(*all));
	size_t n = all ? places(root, all, 0) : 0;
	struct place p = {0};

	if (n)
		p = all[rng_below(in->r, n)];
	free(all);
	if (!n)
		return false;
	switch (rng_below(in->r, 5)) {
	case 0:
		*what = "member removed";
		if (p.key)
			yyjson_mut_obj_remove_keyn(p.parent, yyjson_mut_get_str(p.key),
						   yyjson_mut_get_len(p.key));
		return p.key != NULL;
	case 1:
		*what = "unknown member";
		if (yyjson_mut_is_obj(p.val))
			yyjson_mut_obj_add_int(in->doc, p.val, "no-such-node", 1);
		return yyjson_mut_is_obj(p.val);
	case 2:
		*what = "entry twice";
		if (yyjson_mut_is_arr(p.parent))
			yyjson_mut_arr_append(p.parent, yyjson_mut_val_mut_copy(in->doc, p.val));
		return yyjson_mut_is_arr(p.parent);
	case 3:
		*what = "text longer";
		if (yyjson_mut_is_str(p.val)) {
			char text[160];

			snprintf(text, sizeof(text), "!%.120s", yyjson_mut_get_str(p.val));
			overwrite(in->doc, p.val, yyjson_mut_strcpy(in->doc, text));
		}
		return yyjson_mut_is_str(p.val);
	default:
		*what = "other value";
		if (yyjson_mut_is_ctn(p.val) && rng_below(in->r, 4))
			return false;
		overwrite(in->doc, p.val, strange(in, p.val));
		return true;
	}
}

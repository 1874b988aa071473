/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/cli_table.h"
#include "proto/netops/ops/text.h"

#include <stdlib.h>
#include <string.h>

/* The member of that name, whatever its module. */
static yyjson_val *member(yyjson_val *obj, const char *name)
{
	size_t len = strlen(name);
	yyjson_val *k;
	yyjson_val *v;
	size_t max;
	size_t i;

	yyjson_obj_foreach(obj, i, max, k, v)
	{
		const char *p = yyjson_get_str(k);
		const char *colon = strchr(p, ':');

		if (strcmp(colon ? colon + 1 : p, name) == 0 && len)
			return v;
	}
	return NULL;
}

static void cell(struct buf *out, yyjson_val *v, unsigned width)
{
	char text[256];
	struct buf b;

	buf_fixed(&b, text, sizeof(text) - 1);
	if (yyjson_is_str(v))
		text_plain(&b, yyjson_get_str(v), yyjson_get_len(v), sizeof(text) - 16, true);
	else if (yyjson_is_bool(v))
		buf_printf(&b, "%s", yyjson_get_bool(v) ? "yes" : "no");
	else if (yyjson_is_num(v))
		buf_printf(&b, "%.17g", yyjson_get_num(v));
	else
		buf_printf(&b, "-");
	buf_printf(out, "%-*.*s ", (int)width, (int)b.n, text);
}

static void plain(struct buf *out, const char *text)
{
	text_plain(out, text ? text : "-", text ? strlen(text) : 1, 1024, true);
}

static void addresses(struct buf *out, yyjson_val *interface, const char *family)
{
	yyjson_val *list = member(member(interface, family), "address");
	yyjson_val *a;
	size_t max;
	size_t i;

	yyjson_arr_foreach(list, i, max, a)
	{
		plain(out, yyjson_get_str(member(a, "ip")));
		if (yyjson_is_num(member(a, "prefix-length")))
			buf_printf(out, "/%d", (int)yyjson_get_num(member(a, "prefix-length")));
		buf_u8(out, ' ');
	}
}

static yyjson_val *interfaces(yyjson_val *root)
{
	yyjson_val *top = member(root, "interfaces");

	return member(top ? top : root, "interface");
}

void table_interfaces(struct buf *out, yyjson_val *root)
{
	yyjson_val *v;
	size_t max;
	size_t i;

	buf_printf(out, "%-16s %-8s %-8s %-18s %s\n", "INTERFACE", "ADMIN", "OPER", "MAC",
		   "ADDRESSES");
	yyjson_arr_foreach(interfaces(root), i, max, v)
	{
		yyjson_val *admin = member(v, "admin-status");

		cell(out, member(v, "name"), 16);
		cell(out, admin ? admin : member(v, "enabled"), 8);
		cell(out, member(v, "oper-status"), 8);
		cell(out, member(v, "phys-address"), 18);
		addresses(out, v, "ipv4");
		addresses(out, v, "ipv6");
		buf_u8(out, '\n');
	}
}

static void neighbours_of(struct buf *out, yyjson_val *interface, const char *family)
{
	yyjson_val *list = member(member(interface, family), "neighbor");
	yyjson_val *n;
	size_t max;
	size_t i;

	yyjson_arr_foreach(list, i, max, n)
	{
		cell(out, member(n, "ip"), 40);
		cell(out, member(n, "link-layer-address"), 18);
		cell(out, member(n, "state"), 12);
		cell(out, member(n, "origin"), 10);
		cell(out, member(interface, "name"), 16);
		buf_u8(out, '\n');
	}
}

void table_neighbours(struct buf *out, yyjson_val *root, const char *name)
{
	yyjson_val *v;
	size_t max;
	size_t i;

	buf_printf(out, "%-40s %-18s %-12s %-10s %s\n", "ADDRESS", "MAC", "STATE", "ORIGIN",
		   "INTERFACE");
	yyjson_arr_foreach(interfaces(root), i, max, v)
	{
		if (name && !yyjson_equals_str(member(v, "name"), name))
			continue;
		neighbours_of(out, v, "ipv4");
		neighbours_of(out, v, "ipv6");
	}
}

static void next_hop(struct buf *out, yyjson_val *hop)
{
	yyjson_val *list = member(member(hop, "next-hop-list"), "next-hop");
	yyjson_val *address = member(hop, "next-hop-address");
	yyjson_val *link = member(hop, "outgoing-interface");
	yyjson_val *special = member(hop, "special-next-hop");
	yyjson_val *h;
	size_t max;
	size_t i;

	address = address ? address : member(hop, "address");
	if (address) {
		buf_printf(out, "via ");
		plain(out, yyjson_get_str(address));
		buf_u8(out, ' ');
	}
	if (link) {
		buf_printf(out, "dev ");
		plain(out, yyjson_get_str(link));
		buf_u8(out, ' ');
	}
	if (special)
		plain(out, yyjson_get_str(special));
	yyjson_arr_foreach(list, i, max, h)
	{
		next_hop(out, h); /* which has no list in it */
		buf_printf(out, "; ");
	}
}

static bool of_family(yyjson_val *rib, const char *family)
{
	const char *af = yyjson_get_str(member(rib, "address-family"));
	const char *p = af ? strrchr(af, ':') : NULL;

	/* "ipv4", or derived from it: "ipv4-unicast". */
	return !family || (af && strncmp(p ? p + 1 : af, family, strlen(family)) == 0);
}

void table_routes(struct buf *out, yyjson_val *root, const char *family)
{
	yyjson_val *top = member(root, "routing");
	yyjson_val *ribs = member(top ? top : root, "ribs");
	yyjson_val *rib;
	yyjson_val *v;
	size_t max;
	size_t i;
	size_t k;

	buf_printf(out, "%-44s %-12s %s\n", "DESTINATION", "PROTOCOL", "NEXT HOP");
	yyjson_arr_foreach(member(ribs, "rib"), i, max, rib)
	{
		size_t n;

		if (!of_family(rib, family))
			continue;
		yyjson_arr_foreach(member(member(rib, "routes"), "route"), k, n, v)
		{
			const char *from = yyjson_get_str(member(v, "source-protocol"));
			const char *colon = from ? strrchr(from, ':') : NULL;

			cell(out, member(v, "destination-prefix"), 44);
			buf_printf(out, "%-12.30s ", colon ? colon + 1 : from ? from : "-");
			next_hop(out, member(v, "next-hop"));
			buf_u8(out, '\n');
		}
	}
}

void table_history(struct buf *out, yyjson_mut_val *commits)
{
	yyjson_mut_val *v;
	size_t max;
	size_t i;

	buf_printf(out, "%-10s %-26s %-16s %-14s %7s  %s\n", "COMMIT", "TIME", "USER", "STATE",
		   "CHANGES", "COMMENT");
	yyjson_mut_arr_foreach(commits, i, max, v)
	{
		const char *id = yyjson_mut_get_str(yyjson_mut_obj_get(v, "commitId"));
		const char *time = yyjson_mut_get_str(yyjson_mut_obj_get(v, "time"));
		const char *user = yyjson_mut_get_str(yyjson_mut_obj_get(v, "user"));
		const char *state = yyjson_mut_get_str(yyjson_mut_obj_get(v, "state"));
		const char *comment = yyjson_mut_get_str(yyjson_mut_obj_get(v, "comment"));

		buf_printf(out, "%-10.16s %-26.32s %-16.64s %-14.20s %7u  ", id ? id : "-",
			   time ? time : "-", user ? user : "-", state ? state : "-",
			   (unsigned)yyjson_mut_get_uint(yyjson_mut_obj_get(v, "changes")));
		plain(out, comment ? comment : "");
		buf_u8(out, '\n');
	}
}

static void changed_value(struct buf *out, yyjson_mut_val *v)
{
	char *text = yyjson_mut_is_str(v) ? NULL : yyjson_mut_val_write(v, 0, NULL);

	plain(out, text ? text : yyjson_mut_get_str(v));
	free(text);
}

void table_diff(struct buf *out, yyjson_mut_val *diff)
{
	yyjson_mut_val *v;
	size_t max;
	size_t i;

	yyjson_mut_arr_foreach(diff, i, max, v)
	{
		const char *op = yyjson_mut_get_str(yyjson_mut_obj_get(v, "op"));
		yyjson_mut_val *old = yyjson_mut_obj_get(v, "old");
		yyjson_mut_val *new = yyjson_mut_obj_get(v, "new");

		op = op ? op : "";
		buf_u8(out, strcmp(op, "create") == 0	? '+'
			    : strcmp(op, "delete") == 0 ? '-'
							: '~');
		buf_u8(out, ' ');
		plain(out, yyjson_mut_get_str(yyjson_mut_obj_get(v, "path")));
		if (old) {
			buf_printf(out, " ");
			changed_value(out, old);
		}
		if (new) {
			buf_printf(out, old ? " -> " : " ");
			changed_value(out, new);
		}
		buf_u8(out, '\n');
	}
}

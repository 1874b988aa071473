/* SPDX-License-Identifier: BSD-2-Clause */
/* What a dry run of all steps says of the kernel: which things are not as the configuration has
 * them, and which are ours and not in it. */
#include "proto/netops/rooms/rooms_priv.h"

#include <stdio.h>
#include <string.h>

#define DIFFERENCES_MAX 1000

static const char *text(yyjson_mut_val *what, const char *name)
{
	const char *v = yyjson_mut_get_str(yyjson_mut_obj_get(what, name));

	return v ? v : "";
}

/* Where a person looks for it in the configuration. */
static void path_of(const char *kind, yyjson_mut_val *what, char *to, size_t n)
{
	const char *name = text(what, strcmp(kind, "link") == 0 ? "name" : "link");
	const char *ip = text(what, "ip");
	int v = strchr(ip, ':') ? 6 : 4;
	bool address = strcmp(kind, "address") == 0;

	if (strcmp(kind, "route") == 0)
		snprintf(to, n, "/ietf-routing:routing");
	else if (strcmp(kind, "acl") == 0)
		snprintf(to, n, "/ietf-access-control-list:acls/acl[name='%s']",
			 text(what, "name"));
	else if (strcmp(kind, "attach") == 0)
		snprintf(to, n,
			 "/ietf-access-control-list:acls/attachment-points/"
			 "interface[interface-id='%s']",
			 name);
	else if (address || strcmp(kind, "neighbour") == 0)
		snprintf(to, n,
			 "/ietf-interfaces:interfaces/interface[name='%s']/ietf-ip:ipv%d/"
			 "%s[ip='%.*s']",
			 name, v, address ? "address" : "neighbor", (int)strcspn(ip, "/"), ip);
	else if (name[0])
		snprintf(to, n, "/ietf-interfaces:interfaces/interface[name='%s']", name);
	else
		snprintf(to, n, "/");
}

/* Takes step over, of doc. */
static void add(yyjson_mut_doc *doc, yyjson_mut_val *step, const char *is)
{
	yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
	yyjson_mut_val *list = yyjson_mut_obj_get(root, "difference");
	yyjson_mut_obj_iter it;
	yyjson_mut_val *key;
	yyjson_mut_val *o;
	char path[512];

	yyjson_mut_obj_iter_init(step, &it);
	key = yyjson_mut_obj_iter_next(&it);
	if (!key)
		return;
	if (yyjson_mut_arr_size(list) >= DIFFERENCES_MAX) {
		o = yyjson_mut_obj_get(root, "more");
		if (!o)
			yyjson_mut_obj_add_uint(doc, root, "more", 1);
		else
			yyjson_mut_set_uint(o, yyjson_mut_get_uint(o) + 1);
		return;
	}
	path_of(yyjson_mut_get_str(key), yyjson_mut_obj_iter_get_val(key), path, sizeof(path));
	o = yyjson_mut_arr_add_obj(doc, list);
	yyjson_mut_obj_add_strcpy(doc, o, "path", path);
	yyjson_mut_obj_add_str(doc, o, "is", is);
	yyjson_mut_obj_add_val(doc, o, "step", step);
}

void drift_collect(yyjson_mut_doc *doc, const struct payload *p, size_t i, yyjson_val *output)
{
	yyjson_val *change = yyjson_obj_get(output, "change");
	yyjson_val *extra = yyjson_obj_get(output, "extra");
	yyjson_mut_val *at = yyjson_mut_arr_get_first(p->slice[i]);
	size_t reached = 0;
	size_t k;
	size_t n;
	yyjson_val *v;

	/* Both are in order: the search goes on where the last one ended. */
	yyjson_arr_foreach(change, k, n, v)
	{
		size_t index = yyjson_get_uint(v);

		for (; at && reached < index && index < yyjson_mut_arr_size(p->slice[i]); reached++)
			at = at->next;
		if (at && reached == index && !yyjson_mut_obj_get(at, "purge"))
			add(doc, yyjson_mut_val_mut_copy(doc, at), "different");
	}
	yyjson_arr_foreach(extra, k, n, v) add(doc, yyjson_val_mut_copy(doc, v), "extra");
}

void drift_blocked(yyjson_mut_doc *doc, const struct err *err)
{
	yyjson_mut_val *list = yyjson_mut_obj_get(yyjson_mut_doc_get_root(doc), "difference");
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
	const char *path = "/ietf-interfaces:interfaces";

	if (strstr(err->where, ", route "))
		path = "/ietf-routing:routing";
	else if (strstr(err->where, ", acl ") || strstr(err->where, "gress of "))
		path = "/ietf-access-control-list:acls";
	yyjson_mut_obj_add_str(doc, o, "path", path);
	yyjson_mut_obj_add_str(doc, o, "is", "blocked");
	json_add_text(doc, o, "why", "%s: %s", err->where, err->what);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What names, groups and scopes may look like, wherever they come from. */
#include "proto/netops/auth/auth_priv.h"

#define MEMBERS 256

bool auth_json_unique(yyjson_val *obj)
{
	yyjson_val *seen[MEMBERS];
	yyjson_obj_iter it = yyjson_obj_iter_with(obj);
	yyjson_val *k;
	size_t n = 0;
	size_t i;

	while ((k = yyjson_obj_iter_next(&it))) {
		if (n == MEMBERS)
			return false;
		for (i = 0; i < n; i++)
			if (yyjson_equals_strn(k, yyjson_get_str(seen[i]), yyjson_get_len(seen[i])))
				return false;
		seen[n++] = k;
	}
	return true;
}

bool auth_copy_name(yyjson_val *v, char *to, size_t size)
{
	const char *s = yyjson_get_str(v);
	size_t n = yyjson_get_len(v);
	size_t i;

	if (!s || n == 0 || n >= size)
		return false;
	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return false;
	memcpy(to, s, n);
	to[n] = '\0';
	return true;
}

bool auth_copy_groups(yyjson_val *v, struct principal *p)
{
	yyjson_val *g;
	size_t max;
	size_t i;

	p->n_groups = 0;
	if (!v)
		return true;
	/* Dropping one could drop a rule that denies. */
	if (!yyjson_is_arr(v) || yyjson_arr_size(v) > PRINCIPAL_MAX_GROUPS)
		return false;
	yyjson_arr_foreach(v, i, max, g)
	{
		if (!auth_copy_name(g, p->group[p->n_groups], sizeof(p->group[0])))
			return false;
		p->n_groups++;
	}
	return true;
}

bool auth_copy_scopes(yyjson_val *v, struct principal *p)
{
	yyjson_val *s;
	size_t max;
	size_t i;

	p->scopes = 0;
	if (!v)
		return true;
	if (yyjson_is_str(v)) {
		p->scopes = scope_parse(yyjson_get_str(v));
		return true;
	}
	if (!yyjson_is_arr(v))
		return false;
	yyjson_arr_foreach(v, i, max, s)
	{
		if (!yyjson_is_str(s) || strchr(yyjson_get_str(s), ' '))
			return false;
		p->scopes |= scope_parse(yyjson_get_str(s));
	}
	return true;
}

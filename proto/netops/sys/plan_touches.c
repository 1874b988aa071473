/* SPDX-License-Identifier: BSD-2-Clause */
/* The way to a peer, by what room sys tells of addresses and routes, and whether a plan touches it. */
#include "proto/netops/sys/plan_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct way {
	int family;
	uint8_t addr[16];
	char link[16];
	int bits; /* of the route or address that leads there; -1: none yet */
};

/* Whether text, "10.0.0.0/8" or with the length apart (-1: in text), holds the address. Returns its length or -1. */
static int holds(const struct way *w, const char *text, int length)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	char addr[INET6_ADDRSTRLEN];
	uint8_t net[16];
	size_t n;
	int i;

	if (!text)
		return -1;
	n = slash ? (size_t)(slash - text) : strlen(text);
	if (n >= sizeof(addr))
		return -1;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (slash)
		length = (int)strtol(slash + 1, NULL, 10);
	if (inet_pton(w->family, addr, net) != 1 || length < 0 || length > 128)
		return -1;
	for (i = 0; i < length / 8; i++)
		if (net[i] != w->addr[i])
			return -1;
	if (length % 8 && (uint8_t)(net[i] ^ w->addr[i]) >> (8 - length % 8))
		return -1;
	return length;
}

static void prefer(struct way *w, const char *link, int bits)
{
	if (!link || bits <= w->bits)
		return;
	w->bits = bits;
	snprintf(w->link, sizeof(w->link), "%s", link);
}

static void by_address(struct way *w, yyjson_val *state)
{
	const char *key = w->family == AF_INET ? "ietf-ip:ipv4" : "ietf-ip:ipv6";
	yyjson_val *list = yyjson_obj_get(yyjson_obj_get(state, "ietf-interfaces:interfaces"),
					  "interface");
	size_t max;
	size_t i;
	yyjson_val *v;

	yyjson_arr_foreach(list, i, max, v)
	{
		yyjson_val *addrs = yyjson_obj_get(yyjson_obj_get(v, key), "address");
		size_t amax;
		size_t k;
		yyjson_val *a;

		yyjson_arr_foreach(addrs, k, amax, a)
		{
			int length = (int)yyjson_get_int(yyjson_obj_get(a, "prefix-length"));

			prefer(w, yyjson_get_str(yyjson_obj_get(v, "name")),
			       holds(w, yyjson_get_str(yyjson_obj_get(a, "ip")), length));
		}
	}
}

static void by_route(struct way *w, yyjson_val *state)
{
	const char *key = w->family == AF_INET ? "ietf-ipv4-unicast-routing:destination-prefix"
					       : "ietf-ipv6-unicast-routing:destination-prefix";
	yyjson_val *ribs = yyjson_obj_get(
		yyjson_obj_get(yyjson_obj_get(state, "ietf-routing:routing"), "ribs"), "rib");
	size_t max;
	size_t i;
	yyjson_val *rib;

	yyjson_arr_foreach(ribs, i, max, rib)
	{
		yyjson_val *routes =
			yyjson_obj_get(yyjson_obj_get(rib, "routes"), "route");
		size_t rmax;
		size_t k;
		yyjson_val *r;

		yyjson_arr_foreach(routes, k, rmax, r)
		{
			const char *link = yyjson_get_str(yyjson_obj_get(
				yyjson_obj_get(r, "next-hop"), "outgoing-interface"));

			prefer(w, link, holds(w, yyjson_get_str(yyjson_obj_get(r, key)), -1));
		}
	}
}

static bool same(yyjson_mut_val *o, const char *key, const char *text)
{
	const char *v = yyjson_mut_get_str(yyjson_mut_obj_get(o, key));

	return v && strcmp(v, text) == 0;
}

/* Setting what people read does no harm. */
static bool only_alias(yyjson_mut_val *link)
{
	size_t n = yyjson_mut_obj_size(link);

	return yyjson_mut_obj_get(link, "alias") && n == 2;
}

static bool step_touches(yyjson_mut_val *step, const struct way *w)
{
	yyjson_mut_val *o = yyjson_mut_obj_get(step, "link");

	if (o)
		return same(o, "name", w->link) && !only_alias(o);
	o = yyjson_mut_obj_get(step, "route");
	if (o)
		return holds(w, yyjson_mut_get_str(yyjson_mut_obj_get(o, "to")), -1) >= 0;
	o = yyjson_mut_obj_get(step, "address");
	if (!o)
		o = yyjson_mut_obj_get(step, "attach");
	if (!o)
		o = yyjson_mut_obj_get(step, "neighbour");
	if (!o)
		o = yyjson_mut_obj_get(step, "sysctl");
	if (o)
		return same(o, "link", w->link);
	/* A list may be attached there. */
	return yyjson_mut_obj_get(step, "acl") != NULL;
}

bool plan_touches(const struct plan *p, yyjson_val *sys_state, const char *addr)
{
	struct way w = {.family = strchr(addr, ':') ? AF_INET6 : AF_INET, .bits = -1};
	size_t max;
	size_t i;
	yyjson_mut_val *step;

	if (inet_pton(w.family, addr, w.addr) != 1)
		return false;
	by_address(&w, sys_state);
	by_route(&w, sys_state);
	if (w.bits < 0)
		return false;
	yyjson_mut_arr_foreach(p->steps, i, max, step)
	{
		if (step_touches(step, &w))
			return true;
	}
	return false;
}

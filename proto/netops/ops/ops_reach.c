/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/ops_reach.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The value of the predicate that begins at `at` ("[name='eth0']"): a slice of path, or false. */
static bool predicate(const char *at, const char *key, const char **v, size_t *n)
{
	size_t k = strlen(key);
	char quote;
	const char *end;

	if (at[0] != '[' || strncmp(at + 1, key, k) != 0 || at[k + 1] != '=')
		return false;
	quote = at[k + 2];
	if (quote != '\'' && quote != '"')
		return false;
	*v = at + k + 3;
	end = strchr(*v, quote);
	if (!end)
		return false;
	*n = (size_t)(end - *v);
	return true;
}

static bool interface_of(const char *path, const char **v, size_t *n)
{
	static const char top[] = "/ietf-interfaces:interfaces/interface";

	return strncmp(path, top, sizeof(top) - 1) == 0 &&
	       predicate(path + sizeof(top) - 1, "name", v, n);
}

static bool route_of(const char *path, const char **v, size_t *n)
{
	static const char key[] = "destination-prefix";
	const char *at = strstr(path, "/route[destination-prefix=");

	return at && strncmp(path, "/ietf-routing:", 14) == 0 &&
	       predicate(at + strlen("/route"), key, v, n);
}

static bool covers(const char *prefix, size_t n, const char *addr)
{
	char text[64];
	uint8_t net[16];
	uint8_t host[16];
	char *slash;
	int family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	unsigned long bits;

	if (n >= sizeof(text))
		return false;
	memcpy(text, prefix, n);
	text[n] = '\0';
	slash = strchr(text, '/');
	if (!slash)
		return false;
	*slash = '\0';
	bits = strtoul(slash + 1, NULL, 10);
	if (inet_pton(family, text, net) != 1 || inet_pton(family, addr, host) != 1 ||
	    bits > (family == AF_INET ? 32u : 128u))
		return false;
	if (memcmp(net, host, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || (net[bits / 8] ^ host[bits / 8]) >> (8 - bits % 8) == 0;
}

void reach_of(const struct changes *c, const char *addr, const char *link, struct reach *out)
{
	const char *last_if = NULL;
	const char *last_route = NULL;
	size_t n_if = 0;
	size_t n_route = 0;
	size_t i;

	*out = (struct reach){0};
	for (i = 0; i < c->n; i++) {
		const char *v;
		size_t n;

		/* Changes come in the order of the tree: those of one entry stand together. */
		if (interface_of(c->at[i].path, &v, &n)) {
			if (!last_if || n != n_if || memcmp(v, last_if, n) != 0)
				out->n_interfaces++;
			last_if = v;
			n_if = n;
			out->management |= link && strlen(link) == n && memcmp(v, link, n) == 0;
		} else if (route_of(c->at[i].path, &v, &n)) {
			if (!last_route || n != n_route || memcmp(v, last_route, n) != 0)
				out->n_routes++;
			last_route = v;
			n_route = n;
			out->management |= addr && *addr && covers(v, n, addr);
		}
	}
}

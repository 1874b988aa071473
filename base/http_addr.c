/* SPDX-License-Identifier: BSD-2-Clause */
/* Who connects: the peer as rooms see it, and how many connections each address has. */
#include "base/http_priv.h"

#include <arpa/inet.h>

/* The address in 16 bytes, IPv4 as ::ffff:a.b.c.d. False: not of the Internet. */
static bool address(const struct sockaddr_storage *sa, uint8_t ip[16], uint16_t *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

	if (sa->ss_family == AF_INET6) {
		memcpy(ip, &v6->sin6_addr, 16);
		*port = ntohs(v6->sin6_port);
		return true;
	}
	if (sa->ss_family != AF_INET)
		return false;
	memset(ip, 0, 10);
	memset(ip + 10, 0xff, 2);
	memcpy(ip + 12, &v4->sin_addr, 4);
	*port = ntohs(v4->sin_port);
	return true;
}

static bool is_v4(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(ip, mapped, 12) == 0;
}

void http_addr_peer(const struct sockaddr_storage *sa, struct http_peer *p)
{
	static const uint8_t loop6[16] = {[15] = 1};
	uint8_t ip[16];

	if (!address(sa, ip, &p->port))
		return;
	if (is_v4(ip)) {
		inet_ntop(AF_INET, ip + 12, p->text, sizeof(p->text));
		p->loopback = ip[12] == 127;
		return;
	}
	inet_ntop(AF_INET6, ip, p->text, sizeof(p->text));
	p->loopback = memcmp(ip, loop6, 16) == 0;
}

bool http_addr_take(struct http_server *s, const struct sockaddr_storage *sa,
		    struct http_addr **out)
{
	struct http_addr *a;
	struct hash_node *it;
	uint8_t ip[16];
	uint16_t port;
	uint32_t h;

	*out = NULL;
	if (!address(sa, ip, &port))
		return true;
	if (!is_v4(ip))
		memset(ip + 8, 0, 8); /* a host has all of a /64 */
	h = hash_bytes(ip, 16, s->seed);
	for (it = hash_first(&s->addrs, h); it; it = hash_next(it)) {
		a = container_of(it, struct http_addr, node);
		if (memcmp(a->ip, ip, 16) != 0)
			continue;
		if (a->n >= s->limits.per_address)
			return false;
		a->n++;
		*out = a;
		return true;
	}
	a = alloc_zero(&s->alloc, sizeof(*a));
	if (!a)
		return false;
	memcpy(a->ip, ip, 16);
	a->n = 1;
	if (hash_add(&s->addrs, &a->node, h) != 0) {
		alloc_free(&s->alloc, a, sizeof(*a));
		return false;
	}
	*out = a;
	return true;
}

void http_addr_drop(struct http_server *s, struct http_addr *a)
{
	if (--a->n > 0)
		return;
	hash_del(&s->addrs, &a->node);
	alloc_free(&s->alloc, a, sizeof(*a));
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/daemon/settings.h"

#include "base/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOP "/depanneur-netops:netops/server"

static const char *copy(const struct lyd_node *at, const char *path)
{
	const char *text = config_text(at, path);

	return text ? strdup(text) : NULL;
}

static bool take_listener(void *ctx, const struct lyd_node *entry)
{
	struct settings *s = ctx;
	struct settings_listen *l;

	if (s->n_listen == SETTINGS_LISTEN)
		return false;
	l = &s->listen[s->n_listen++];
	l->address = copy(entry, "address");
	l->port = (uint16_t)config_u64(entry, "port", 0);
	l->tls = config_flag(entry, "tls");
	return true;
}

static bool take_name(void *ctx, const struct lyd_node *entry)
{
	const char **list = ctx;
	size_t n = 0;

	while (n < SETTINGS_NAMES && list[n])
		n++;
	if (n < SETTINGS_NAMES)
		list[n] = copy(entry, NULL);
	return n < SETTINGS_NAMES;
}

int settings_read(struct settings *s, const struct lyd_node *tree)
{
	*s = (struct settings){0};
	if (!tree || !config_node(tree, TOP))
		return 0;
	config_each(tree, TOP "/listen", take_listener, s);
	config_each(tree, TOP "/allowed-host", take_name, s->host);
	config_each(tree, TOP "/allowed-origin", take_name, s->origin);
	config_each(tree, TOP "/authorization/issuer", take_name, s->issuer);
	s->certificate = copy(tree, TOP "/tls/certificate-file");
	s->key = copy(tree, TOP "/tls/key-file");
	s->client_ca = copy(tree, TOP "/tls/client-ca-file");
	s->resource = copy(tree, TOP "/authorization/resource");
	s->jwks_file = copy(tree, TOP "/authorization/jwks-file");
	s->tokens_file = copy(tree, TOP "/authorization/tokens-file");
	s->users_file = copy(tree, TOP "/authorization/users-file");
	s->errors_as_result = config_text(tree, TOP "/network-errors") &&
			      strcmp(config_text(tree, TOP "/network-errors"), "result") == 0;
	return 0;
}

static void free_list(const char **list)
{
	while (*list)
		free((void *)*list++);
}

void settings_free(struct settings *s)
{
	const char *one[] = {s->certificate, s->key,	     s->client_ca, s->resource,
			     s->jwks_file,   s->tokens_file, s->users_file};
	size_t i;

	for (i = 0; i < s->n_listen; i++)
		free((void *)s->listen[i].address);
	for (i = 0; i < sizeof(one) / sizeof(one[0]); i++)
		free((void *)one[i]);
	free_list(s->host);
	free_list(s->origin);
	free_list(s->issuer);
	*s = (struct settings){0};
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool settings_same_listeners(const struct settings *a, const struct settings *b)
{
	unsigned i;

	if (a->n_listen != b->n_listen || !same(a->certificate, b->certificate) || !same(a->key, b->key) ||
	    !same(a->client_ca, b->client_ca))
		return false;
	for (i = 0; i < a->n_listen; i++) {
		if (!same(a->listen[i].address, b->listen[i].address) || a->listen[i].port != b->listen[i].port ||
		    a->listen[i].tls != b->listen[i].tls)
			return false;
	}
	return true;
}

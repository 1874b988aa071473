/* SPDX-License-Identifier: BSD-2-Clause */
/* dep login: the user agrees in a browser that dep may act for them at a node. */
#include "node/node.h"
#include "node/mcp/oauth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 300 /* seconds */

static int browse(void *ctx, const char *url, char *to, size_t size, struct err *err)
{
	struct oauth_listener *l = ctx;

	fprintf(stderr, "Open this in a browser, and agree:\n\n  %s\n\n", url);
	return oauth_wait(l, PATIENCE, to, size, err);
}

int node_login(struct node *n)
{
	struct oauth_listener listener = {.fd = -1};
	struct oauth_params o = {.client_name = "dep",
				 .client_id = n->client_id,
				 .client_secret = getenv("DEP_CLIENT_SECRET"),
				 .metadata_url = getenv("DEP_CLIENT_METADATA"),
				 .scope = n->scope,
				 .ca_file = n->ca,
				 .refresh = true,
				 .authorize = browse,
				 .ctx = &listener};
	struct mcp_client_params p = {.url = n->arg[0],
				      .name = "dep",
				      .version = DEP_VERSION,
				      .ca_file = n->ca,
				      .protocol = n->protocol};
	const char *file = "credentials";
	int rc = DEP_FAILED;

	n->url = n->arg[0];
	if (oauth_listen(&listener, &n->err) != 0)
		return DEP_FAILED;
	o.redirect_uri = listener.uri;
	n->store = node_credentials();
	o.store = n->store;
	n->oauth = oauth_new(&o, &n->err);
	p.oauth = n->oauth;
	if (n->oauth)
		n->client = mcp_client_open(&p, &n->err);
	if (n->client) {
		rc = DEP_OK;
		if (n->json)
			printf("{\"url\": \"%s\", \"authorized\": %s}\n", n->url,
			       oauth_token(n->oauth, n->url) ? "true" : "false");
		else if (oauth_token(n->oauth, n->url))
			printf("logged in; the credentials are in %s\n",
			       n->store ? n->store : file);
		else
			puts("this node asks for no login");
	}
	oauth_unlisten(&listener);
	return rc;
}

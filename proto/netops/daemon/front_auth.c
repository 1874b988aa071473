/* SPDX-License-Identifier: BSD-2-Clause */
/* Bearer tokens, the console's login and the metadata of the protected resource (spec §2.7). */
#include "proto/netops/daemon/front_priv.h"

int front_auth_open(struct front *f, const char *state_dir, struct err *err)
{
	return 0;
}

void front_auth_close(struct front *f)
{
}

void front_auth_load(struct front *f)
{
}

unsigned front_bearer(struct front *f, struct http_req *r, struct principal *p)
{
	return 401;
}

void front_challenge(void *ctx, struct http_req *r, unsigned status, unsigned scopes, char *to, size_t n)
{
	snprintf(to, n, "Bearer");
}

void front_well_known(struct front *f, struct http_req *r)
{
	http_reply_text(r, 404, "there is nothing here\n");
}

void front_login(struct front *f, struct http_req *r)
{
	http_reply_text(r, 404, "there is nothing here\n");
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DEP_NETOPS_FRONT_PRIV_H
#define DEP_NETOPS_FRONT_PRIV_H

#include "proto/netops/daemon/front.h"

struct front {
	uv_loop_t *loop;
	struct ops *ops;
	struct mcp *mcp;
	struct http_server *local;  /* the Unix socket, as long as we live */
	struct http_server *remote; /* what settings name; NULL: nothing */
	SSL_CTX *tls;		    /* of remote, or NULL */
	struct mcp_http *endpoint;
	struct auth *auth;
	struct settings settings;
	unsigned closing;
	bool waits; /* closed, but for the worker */
	void (*done)(void *ctx);
	void *done_ctx;
};

/* front_auth.c: bearer tokens (spec §2.7). */
int front_auth_open(struct front *f, const char *state_dir, struct err *err);
void front_auth_close(struct front *f);
/* Files of the settings, again. */
void front_auth_load(struct front *f);
unsigned front_bearer(struct front *f, struct http_req *r, struct principal *p);
void front_challenge(void *ctx, struct http_req *r, unsigned status, unsigned scopes, char *to, size_t n);
void front_well_known(struct front *f, struct http_req *r);
void front_login(struct front *f, struct http_req *r);
/* The worker looks at a password: f must stay until it calls front_waited(). */
bool front_auth_busy(const struct front *f);
void front_waited(struct front *f);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Who asks. Every front end makes one of these from what it authenticated, and hands it to every operation. */
#ifndef DEP_NETOPS_PRINCIPAL_H
#define DEP_NETOPS_PRINCIPAL_H

#include <stdbool.h>
#include <stdint.h>

/* OAuth scopes (spec §2.7), as bits. */
enum scope {
	SCOPE_READ = 1,	      /* network:read */
	SCOPE_DIAGNOSE = 2,   /* network:diagnose */
	SCOPE_EDIT = 4,	      /* network:edit: candidates */
	SCOPE_COMMIT = 8,     /* network:commit */
	SCOPE_ROLLBACK = 16,  /* network:rollback */
	SCOPE_AUDIT = 32,     /* network:audit */
	SCOPE_ADMIN = 64,     /* network:admin: policy, degradation switch */
	SCOPE_ALL = 127,
};
const char *scope_name(enum scope s);		/* of one bit */
unsigned scope_parse(const char *text);		/* space-separated list; unknown names are passed over */

#define PRINCIPAL_MAX_GROUPS 16

struct principal {
	char user[128];	/* NACM user name: `sub` of a token, or the name of a local uid */
	char group[PRINCIPAL_MAX_GROUPS][64];
	unsigned n_groups;
	unsigned scopes;
	char client[128];  /* client_id of the token, or ""; for the audit */
	char transport[16]; /* "stdio", "unix", "http", "https" */
	char addr[64];	    /* of the peer, or "" */
	char session[32];   /* legacy MCP session or NETCONF session, or "": outlives no connection */
	bool recovery;	    /* NACM recovery session (RFC 8341 §3.3.1): uid 0 on the Unix socket */
};

/* Same user by the same client: what tokens, tasks and sessions are bound to. */
bool principal_same(const struct principal *a, const struct principal *b);

#endif

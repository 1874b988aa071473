/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport in memory, for tests and fuzz targets: keeps what was sent. */
#ifndef DEP_NETOPS_MCP_TESTWIRE_H
#define DEP_NETOPS_MCP_TESTWIRE_H

#include "proto/netops/mcp/transport.h"

struct testwire {
	struct mcp_wire w;
	struct principal who;
	unsigned status;  /* of the answer; 0: none yet */
	char session[64]; /* of the answer */
	char *last;	  /* the last message, JSON text */
	unsigned events;
	bool opened, ended, gone;
	bool full; /* the peer does not read */
	/* Header fields: pairs of name and value, ended by NULL. */
	const char *const *field;
};

void testwire_init(struct testwire *t, struct mcp *m, bool shared);
/* Hands in a message; over HTTP with t->field. */
void testwire_say(struct testwire *t, const char *json, size_t n);
/* The peer leaves. */
void testwire_close(struct testwire *t);

#endif

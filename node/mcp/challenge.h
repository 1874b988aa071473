/* SPDX-License-Identifier: BSD-2-Clause */
/* WWW-Authenticate fields (RFC 9110 §11.6.1): the Bearer challenge (RFC 6750 §3, RFC 9728 §5.1) in
 * one. */
#ifndef DEP_NODE_MCP_CHALLENGE_H
#define DEP_NODE_MCP_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

struct challenge {
	bool bearer; /* there is a Bearer challenge */
	char resource_metadata[1024]; /* URL, or "" */
	bool has_scope;		      /* the parameter is there, perhaps empty */
	char scope[1024];
	char error[64];
};

/* Reads n bytes of field value (several fields joined by ", "). Parameters too long for their
 * place, or repeated, are passed over. Returns 0, or -EINVAL where the grammar is broken: what was
 * read before stays. */
int challenge_parse(const char *s, size_t n, struct challenge *c);

#endif

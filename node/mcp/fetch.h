/* SPDX-License-Identifier: BSD-2-Clause */
/* One HTTP request and its whole answer, blocking: what authorization needs beside the protocol
 * itself. Redirections are not followed, answers are bounded, and it speaks https, or http to this
 * machine alone. */
#ifndef DEP_NODE_MCP_FETCH_H
#define DEP_NODE_MCP_FETCH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define FETCH_MAX (256u << 10)

struct fetch {
	const char *url;
	const char *form;	   /* body of a POST, application/x-www-form-urlencoded, or NULL */
	const char *json;	   /* body of a POST, application/json, or NULL */
	const char *const *header; /* whole fields, ended by NULL; NULL: none */
	const char *ca_file;	   /* PEM; NULL: the system's */
};

struct fetched {
	int status;
	char *body; /* NUL-terminated, free with fetched_free */
	size_t n;
	char location[2048];
};

/* Returns 0 whatever the status, or a negative errno and err. */
int fetch(const struct fetch *f, struct fetched *out, struct err *err);
void fetched_free(struct fetched *f);

/* https, or http with a host that is this machine: what secrets may go over. */
bool url_is_safe(const char *url);
bool url_is_loopback(const char *url);

#endif

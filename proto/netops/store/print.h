/* SPDX-License-Identifier: BSD-2-Clause */
/* Trees as text: RFC 7951 JSON, and a form for people; of each only what the reader may see. */
#ifndef DEP_NETOPS_STORE_PRINT_H
#define DEP_NETOPS_STORE_PRINT_H

#include "proto/netops/store/store_priv.h"

struct printer {
	struct store *s;
	const struct principal *p;
	struct buf *out;
	unsigned depth; /* levels; UINT_MAX all */
	bool defaults;
	bool config_only;
	uint32_t offset; /* of the outermost list */
	uint32_t limit;
	const struct lyd_node *top; /* named with its module whatever it lies in */
};

/* Whether node is shown at all. */
bool print_shows(const struct printer *pr, const struct lyd_node *node);
/* A group of instances of one schema node from `first` on: "name": value. only: but that one.
 * Returns how many. */
size_t print_member(struct printer *pr, const struct lyd_node *first, bool only, bool comma,
		    unsigned depth);
/* The members of an object: first and its siblings. */
void print_members(struct printer *pr, const struct lyd_node *first, unsigned depth);
void print_json_text(struct buf *out, const char *text);

#endif

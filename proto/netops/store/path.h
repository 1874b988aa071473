/* SPDX-License-Identifier: BSD-2-Clause */
/* Data paths, in the form of RFC 8040 §3.5.3 ("ietf-interfaces:interfaces/interface=eth0/enabled")
 * and in libyang's
 * ("/ietf-interfaces:interfaces/interface[name='eth0']/enabled"), resolved in a schema. */
#ifndef DEP_NETOPS_STORE_PATH_H
#define DEP_NETOPS_STORE_PATH_H

#include "base/err.h"

#include <libyang/libyang.h>
#include <stdbool.h>

#define PATH_MAX_STEPS 64
#define PATH_MAX_BYTES 16384

struct path_step {
	const struct lysc_node *node;
	char *key; /* list: "[name='eth0']", keys in order; leaf-list: the value; NULL: none given
		    */
};

struct path {
	struct path_step step[PATH_MAX_STEPS];
	size_t end[PATH_MAX_STEPS]; /* where in the text each step ends */
	size_t n;		    /* 0: the root */
};

/* Either form, one step after the other. Release with path_free(), after a failure too. 0, or
 * -EINVAL, -ENOMEM and err. */
int path_parse(const struct ly_ctx *ctx, const char *text, struct path *out, struct err *err);
void path_free(struct path *p);
/* The same for a text that is like the one before up to the end of the first `keep` steps, which
 * are kept. */
int path_parse_on(const struct ly_ctx *ctx, const char *text, size_t keep, struct path *p,
		  struct err *err);
/* The node of p in the tree of which root is the first top-level node, or the deepest one that is
 * there; *depth: how many steps that are. NULL where not even the first is there. A last step
 * without keys finds no list entry. */
struct lyd_node *path_find(struct lyd_node *root, const struct path *p, size_t *depth);
/* "[a='1'][b='2']" of an entry (list), "[.='v']" (leaf-list); malloc'ed. */
char *path_predicate(const struct lyd_node *node);
/* A text in quotes, for a predicate. false: has both kinds of quotes, which no path can hold. */
bool path_quotable(const char *value);

#endif

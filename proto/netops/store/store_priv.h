/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of store/ share about a store, and nobody else. */
#ifndef DEP_NETOPS_STORE_PRIV_H
#define DEP_NETOPS_STORE_PRIV_H

#include "base/list.h"
#include "proto/netops/store/check.h"
#include "proto/netops/store/nacm.h"
#include "proto/netops/store/store.h"
#include "proto/netops/store/tree.h"

#define CANDIDATE_HANDLE 65
#define CANDIDATES_EACH 64 /* of one principal */
#define CANDIDATE_IDLE ((usec_t)3600 * 1000000)

struct candidate {
	struct list at;
	char handle[CANDIDATE_HANDLE];
	struct principal owner;
	struct changes changes; /* from its base on */
	struct changes behind;	/* from running back to its base; empty but after a conflict */
	char **conflict;	/* paths, at and below which both changed */
	size_t n_conflicts;
	usec_t used;
};

struct store {
	struct schema *schema;
	struct tree tree;
	struct lthash hash;
	char hash_text[72];
	uint64_t version;
	struct nacm *nacm;
	struct list candidates;
	char *startup; /* JSON; NULL: follows running */
};

/* The candidate of that handle that p may use, or NULL. */
struct candidate *candidate_find(struct store *s, const char *handle, const struct principal *p);
void candidate_free(struct candidate *c);
/* Adds a path of conflict, once; forgets them all. */
int candidate_conflict(struct candidate *c, const char *path);
void candidate_resolved(struct candidate *c);
/* The tree becomes the candidate (on the trail); c NULL: it stays running. */
int candidate_play(struct store *s, const struct candidate *c, struct neterr *e);
/* Running takes c: what of each candidate still fits. After a conflict it stands on what was. */
int candidates_rebase(struct store *s, const struct changes *c);

/* The tree of a datastore, until store_close(). */
int store_open(struct store *s, enum datastore ds, const char *candidate, const struct principal *p,
	       struct lyd_node **tree, struct neterr *e);
void store_close(struct store *s, enum datastore ds, struct lyd_node *tree);
/* Whether p may; p NULL is the node itself. */
bool store_may(struct store *s, const struct principal *p, enum nacm_access a,
	       const struct lyd_node *node);

#endif

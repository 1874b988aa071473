/* SPDX-License-Identifier: BSD-2-Clause */
/* The datastores (RFC 8342) running, candidate and startup. One tree in memory, running; everything else is a set of
 * changes to it: a candidate is its changes, and is read, edited and validated by playing them onto the tree and taking
 * them back. So an edit, a validation and a commit cost what changed, not what is there (O(diff)).
 *
 * Pure memory: what is durable is the journal's matter (txn/). */
#ifndef DEP_NETOPS_STORE_H
#define DEP_NETOPS_STORE_H

#include "base/buf.h"
#include "base/clock.h"
#include "proto/netops/neterr.h"
#include "proto/netops/principal.h"
#include "proto/netops/store/changes.h"
#include "proto/netops/store/nacm.h"
#include "proto/netops/store/schema.h"

enum datastore { DS_RUNNING, DS_CANDIDATE, DS_STARTUP, DS_OPERATIONAL };
/* "running", "candidate", …, with or without "ietf-datastores:"; 0 or -EINVAL. */
int datastore_parse(const char *text, enum datastore *out);
const char *datastore_name(enum datastore ds);

struct store;

/* schema must outlive the store. All empty. NULL and err. */
struct store *store_new(struct schema *schema, struct err *err);
void store_free(struct store *s);
struct schema *store_schema(const struct store *s);
/* The access control by which reads and edits are judged, from running's own rules. */
struct nacm *store_nacm(struct store *s);

/* ---- Running ---- */

/* Replaces all of running by RFC 7951 JSON, validated whole (at start, from a checkpoint). */
int store_load(struct store *s, const char *json, size_t n, struct neterr *e);
/* Whether running with these changes is valid (types, keys, must, when, leafref, unique, mandatory, min/max-elements);
 * looks only at what they can affect, so running itself must be valid (store_load() sees to that; an empty one is,
 * unless a module wants a node at its top). Running stays as it is. */
int store_check(struct store *s, const struct changes *c, struct neterr *e);
/* What p may be told of a failure: where it lies at a node that p may not read, neither its path nor its text stays. The
 * checks above know no principal; whoever answers one calls this first. */
void store_hide(struct store *s, const struct principal *p, struct neterr *e);
/* Running takes the changes, which store_check() has accepted on this very running. Candidates are rebased: where one
 * changed the same node, it has a conflict (store_conflicts). Cannot fail but by want of memory: then nothing changed. */
int store_apply(struct store *s, const struct changes *c);
/* "sha256:" and 64 hex digits: a hash of the contents of running, the same for the same contents however they came
 * about; kept in O(diff). */
const char *store_hash(const struct store *s);
/* Number of changes of running since start; for caches. */
uint64_t store_version(const struct store *s);

/* Calls f with the tree as it is with the changes in it (NULL: running itself), which must not be modified or kept. For
 * planners and printers. */
int store_view(struct store *s, const struct changes *c, int (*f)(void *ctx, const struct lyd_node *tree), void *ctx);

/* ---- Candidates ---- */

/* A candidate by handle; "" is the shared one (of NETCONF). Private ones are made by the first edit of their handle,
 * bound to their owner, and thrown away after 1 h without use; at most 64 of one principal. */
struct store_edit {
	enum { EDIT_MERGE, EDIT_CREATE, EDIT_REPLACE, EDIT_DELETE, EDIT_REMOVE } op; /* RFC 8072 §2.5, RFC 6241 §7.2 */
	const char *path;   /* RFC 8040 §3.5.3 data path ("ietf-interfaces:interfaces/interface=eth0"), leading '/' or not;
			     * libyang's form is taken as well; "/" the root (merge, replace of a whole configuration) */
	yyjson_val *value;  /* RFC 7951: {"name": value} with the node's (qualified) name, or the bare value; NULL for deletes */
	const char *insert; /* user-ordered: "first", "last", "before", "after"; or NULL */
	const char *point;  /* path of the entry that before and after mean */
};
/* All or nothing. NACM is asked for each node. On a failure e->err.where is the path and error.data has "edit", the
 * index of the entry. The result need not be valid yet, but types and names are checked. */
int store_edit(struct store *s, const char *candidate, const struct principal *p, const struct store_edit *edit, size_t n,
	       usec_t now, struct neterr *e);
/* Differences of the candidate from running, *out is filled. -32089 where there is none of that handle of p's. */
int store_candidate(struct store *s, const char *candidate, const struct principal *p, struct changes *out,
		    struct neterr *e);
/* Paths in which running changed under the candidate since it was made: an array of doc, empty where none. */
yyjson_mut_val *store_conflicts(struct store *s, const char *candidate, yyjson_mut_doc *doc);
/* How to go on after a conflict (private-candidate): "revert-on-conflict" is what a commit does by itself (it fails). */
enum resolve { RESOLVE_IGNORE, RESOLVE_OVERWRITE };
int store_update(struct store *s, const char *candidate, const struct principal *p, enum resolve r, struct neterr *e);
void store_discard(struct store *s, const char *candidate, const struct principal *p);
/* Throws away candidates idle since before `now` - 1 h. */
void store_expire(struct store *s, usec_t now);

/* ---- Startup ---- */

/* Startup follows running (as after copy running to startup with each commit) until it is set to something else.
 * json NULL: follow again. Validated whole. */
int store_startup_set(struct store *s, const char *json, size_t n, struct neterr *e);
bool store_startup_follows(const struct store *s);

/* ---- Reading ---- */

struct store_query {
	const char *path;   /* as in store_edit; NULL or "/": all */
	unsigned depth;	    /* 0: all; 1: the node itself without what is below */
	bool defaults;	    /* report-all of RFC 6243; else explicit */
	bool config_only;
	uint32_t offset, limit; /* of the entries of the list that path names without keys; limit 0: all */
};
/* RFC 7951 JSON of what p may read, appended to out: the object {"module:node": …} as RESTCONF answers. -32602 with tag
 * invalid-value for a path that the schema does not know; NETERR_NOT_FOUND (data-missing) where it holds nothing or is hidden. */
int store_get(struct store *s, enum datastore ds, const char *candidate, const struct principal *p,
	      const struct store_query *q, struct buf *out, struct neterr *e);
/* The same of any tree in the store's context (operational data), which stays the caller's. */
int store_print(struct store *s, const struct lyd_node *tree, const struct principal *p, const struct store_query *q,
		struct buf *out, struct neterr *e);
/* "text" of a configuration: indented, curly braces, for people; also what `network.file.pull` calls text. */
int store_print_text(struct store *s, enum datastore ds, const char *candidate, const struct principal *p, struct buf *out,
		     struct neterr *e);

/* Up to max values of a path under way, for completion: names below a node, or keys of a list (datastore ds). text is
 * what was typed so far ("ietf-interfaces:interfaces/interface=e"). Calls f for each, in order; returns the total. */
size_t store_complete(struct store *s, enum datastore ds, const struct principal *p, const char *text, size_t max,
		      void (*f)(void *ctx, const char *value), void *ctx);

#endif

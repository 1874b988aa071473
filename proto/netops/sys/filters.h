/* SPDX-License-Identifier: BSD-2-Clause */
/* Access control lists in nftables: one table, inet depanneur, and nothing outside of it. Each list is a chain, each
 * attachment a chain that jumps to lists; two maps from interface names to those chains hang in the hooks. So a change
 * costs what it changes, and each call is one transaction of the kernel. A list that no rule of which decides lets a packet pass.
 *
 * What was last put in is remembered (and kept in files, for the next start), with a hash of what the kernel then showed:
 * a chain that shows something else is put in anew. */
#ifndef DEP_SYS_FILTERS_H
#define DEP_SYS_FILTERS_H

#include "proto/netops/sys/step.h"

struct filters;

/* dir: for the files; NULL: none. NULL and err where this kernel or library has no nftables. */
struct filters *filters_open(const char *dir, struct err *err);
void filters_close(struct filters *f);
/* All n steps (acl, attach) or none. changed[i]: it was not so before; back gets the steps that lead back, the last first to
 * be taken. Returns 0, or a negative errno, err, and *at, the step. */
int filters_apply(struct filters *f, const struct step *s, size_t n, bool dry_run, bool *changed,
		  struct steps *back, size_t *at, struct err *err);
/* Steps that remove what is not among the n steps s, of any kind. */
int filters_others(struct filters *f, const struct step *const *s, size_t n, struct steps *out);
/* ietf-access-control-list:acls with the counters of the rules (RFC 8519 §4.1). */
int filters_state(struct filters *f, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root);

/* filter_rule.c: an entry of list ace as nft's JSON of a rule in chain. NULL and err. */
yyjson_mut_val *filter_rule(yyjson_mut_doc *doc, const char *chain, const char *acl, yyjson_val *ace,
			    struct err *err);
/* A name as part of a chain's: letters and digits, others as _ and two hex digits. */
#define FILTER_CHAIN 256
void filter_chain(const char *prefix, const char *name, char to[FILTER_CHAIN]);

#endif

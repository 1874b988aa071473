/* SPDX-License-Identifier: BSD-2-Clause */
/* What leads from one configuration to another, lossless and both ways: the one form of a difference that candidates,
 * commits, the journal, the rollback ring, the rooms and people are given.
 *
 * A change is one leaf, leaf-list entry, list entry or presence container. Creating a list entry comes before its
 * leaves (keys are in its path, and have no change of their own), deleting it after them; so the changes can be played in
 * order, and the reverse order of the inverted ones leads back. Non-presence containers come and go by themselves. */
#ifndef DEP_NETOPS_CHANGES_H
#define DEP_NETOPS_CHANGES_H

#include "base/err.h"
#include "base/json.h"

enum change_op { CHANGE_CREATE, CHANGE_DELETE, CHANGE_REPLACE, CHANGE_MOVE };

struct change {
	enum change_op op;
	char *path; /* absolute, libyang's form with JSON prefixes: /ietf-interfaces:interfaces/interface[name='eth0']/enabled */
	char *old;  /* canonical value before (leaf, leaf-list), or NULL */
	char *new;  /* and after, or NULL */
	/* User-ordered lists and leaf-lists: the predicate ("[name='x']", "[.='x']") of the entry before it, "" the
	 * first; NULL where the order is the system's. */
	char *old_after;
	char *new_after;
};

struct changes {
	struct change *at;
	size_t n;
	size_t cap;
};

void changes_free(struct changes *c); /* empty and usable again */
/* Appends; texts are copied, NULL stays NULL. Returns 0 or -ENOMEM. */
int changes_add(struct changes *c, enum change_op op, const char *path, const char *old, const char *new,
		const char *old_after, const char *new_after);
/* What leads back. Returns 0 or -ENOMEM. */
int changes_invert(const struct changes *c, struct changes *out);
/* First a, then b, as one: what cancels out is gone. Returns 0 or -ENOMEM. */
int changes_compose(const struct changes *a, const struct changes *b, struct changes *out);
int changes_copy(const struct changes *c, struct changes *out);

/* [{path, op, old?, new?, oldAfter?, newAfter?}] as a value of doc; NULL: no memory. */
yyjson_mut_val *changes_json(const struct changes *c, yyjson_mut_doc *doc);
/* Reads that form again. Returns 0, or -EINVAL, -ENOMEM and err. */
int changes_parse(yyjson_val *arr, struct changes *out, struct err *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes by path. */
#ifndef DEP_NETOPS_STORE_CHANGE_MAP_H
#define DEP_NETOPS_STORE_CHANGE_MAP_H

#include "base/hash.h"
#include "proto/netops/store/changes.h"

struct change_map {
	struct alloc alloc;
	struct hash hash;
	struct change_entry *entry; /* one each path, in order of the first change of it */
	size_t n;
	size_t cap;
};

/* All that was done to one path, by a sequence of changes. */
struct change_entry {
	struct hash_node h;
	const struct change *first;
	const struct change *last;
	size_t last_at; /* position in the sequence */
};

/* cap: the most paths that will be put. -ENOMEM. Release with change_map_free(), after a failure
 * too. */
int change_map_init(struct change_map *m, size_t cap);
void change_map_free(struct change_map *m);
/* c is the at-th of the sequence; it must live as long as the map. -ENOMEM. */
int change_map_put(struct change_map *m, const struct change *c, size_t at);
/* The entry of the first n bytes of path, or NULL. */
struct change_entry *change_map_get(const struct change_map *m, const char *path, size_t n);
/* Length of the path of the node above, 0 at the top: paths within predicates are no steps. */
size_t change_parent(const char *path, size_t n);

#endif

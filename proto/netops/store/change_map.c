/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/change_map.h"

#include <errno.h>
#include <string.h>

int change_map_init(struct change_map *m, size_t cap)
{
	*m = (struct change_map){.cap = cap};
	alloc_init(&m->alloc, 0);
	hash_init(&m->hash, &m->alloc);
	m->entry = alloc_zero(&m->alloc, (cap + 1) * sizeof(*m->entry));
	return m->entry ? 0 : -ENOMEM;
}

void change_map_free(struct change_map *m)
{
	hash_free(&m->hash);
	if (m->entry)
		alloc_free(&m->alloc, m->entry, (m->cap + 1) * sizeof(*m->entry));
}

struct change_entry *change_map_get(const struct change_map *m, const char *path, size_t n)
{
	struct hash_node *it;

	for (it = hash_first(&m->hash, hash_bytes(path, n, 0)); it; it = hash_next(it)) {
		struct change_entry *e = (struct change_entry *)it;

		if (strncmp(e->first->path, path, n) == 0 && !e->first->path[n])
			return e;
	}
	return NULL;
}

int change_map_put(struct change_map *m, const struct change *c, size_t at)
{
	size_t n = strlen(c->path);
	struct change_entry *e = change_map_get(m, c->path, n);

	if (!e) {
		e = &m->entry[m->n];
		if (hash_add(&m->hash, &e->h, hash_bytes(c->path, n, 0)))
			return -ENOMEM;
		m->n++;
		e->first = c;
	}
	e->last = c;
	e->last_at = at;
	return 0;
}

size_t change_parent(const char *path, size_t n)
{
	size_t slash = 0;
	size_t i;
	char quote = '\0';

	for (i = 0; i < n; i++) {
		if (quote) {
			if (path[i] == quote)
				quote = '\0';
		} else if (path[i] == '\'' || path[i] == '"') {
			quote = path[i];
		} else if (path[i] == '/') {
			slash = i;
		}
	}
	return slash;
}

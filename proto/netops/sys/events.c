/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/events.h"

#include "base/hash.h"
#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct hash_node node;
	struct list at; /* in the order in which they are due */
	usec_t due;
	bool again; /* changed since it was told */
	char path[];
};

struct events {
	struct alloc alloc;
	struct hash paths;
	struct list order;
	void (*tell)(void *ctx, const char *path);
	void *ctx;
};

struct events *events_new(void (*tell)(void *ctx, const char *path), void *ctx)
{
	struct events *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	alloc_init(&e->alloc, 1 << 20);
	hash_init(&e->paths, &e->alloc);
	list_init(&e->order);
	e->tell = tell;
	e->ctx = ctx;
	return e;
}

static void drop(struct events *e, struct entry *n)
{
	hash_del(&e->paths, &n->node);
	list_del(&n->at);
	free(n);
}

void events_free(struct events *e)
{
	if (!e)
		return;
	list_each_safe (it, &e->order)
		drop(e, container_of(it, struct entry, at));
	hash_free(&e->paths);
	free(e);
}

static struct entry *find(struct events *e, const char *path, uint32_t h)
{
	struct hash_node *n;

	for (n = hash_first(&e->paths, h); n; n = hash_next(n)) {
		struct entry *at = container_of(n, struct entry, node);

		if (strcmp(at->path, path) == 0)
			return at;
	}
	return NULL;
}

static bool hold(struct events *e, const char *path, uint32_t h, usec_t now)
{
	size_t n = strlen(path) + 1;
	struct entry *at = malloc(sizeof(*at) + n);

	if (!at)
		return false;
	at->due = now + EVENTS_HOLD;
	at->again = false;
	memcpy(at->path, path, n);
	if (hash_add(&e->paths, &at->node, h) != 0) {
		free(at);
		return false;
	}
	list_add(&e->order, &at->at);
	return true;
}

void events_mark(struct events *e, const char *path, usec_t now)
{
	char top[128];
	struct entry *at;
	uint32_t h;

	events_tick(e, now);
	if (e->paths.n >= EVENTS_PATHS) {
		snprintf(top, sizeof(top), "/%.*s", (int)strcspn(path + 1, "/["), path + 1);
		path = top;
	}
	h = hash_bytes(path, strlen(path), 0);
	at = find(e, path, h);
	if (at) {
		at->again = true;
		return;
	}
	/* Without memory it is told, only not held. */
	hold(e, path, h, now);
	e->tell(e->ctx, path);
}

usec_t events_tick(struct events *e, usec_t now)
{
	while (!list_empty(&e->order)) {
		struct entry *at = container_of(e->order.next, struct entry, at);

		if (at->due > now)
			return at->due;
		if (!at->again) {
			drop(e, at);
			continue;
		}
		at->again = false;
		at->due = now + EVENTS_HOLD;
		list_del(&at->at);
		list_add(&e->order, &at->at);
		e->tell(e->ctx, at->path);
	}
	return USEC_NEVER;
}

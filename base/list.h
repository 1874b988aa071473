/* SPDX-License-Identifier: BSD-2-Clause */
/* Intrusive doubly linked list with a head that is a node. No memory is taken. */
#ifndef DEP_LIST_H
#define DEP_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define list_each(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)
/* `it` may be removed from the list inside the loop. */
#define list_each_safe(it, head)                                                                   \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
	     it = it##_next, it##_next = it->next)

static inline void list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Adds n as the last of head's. */
static inline void list_add(struct list *head, struct list *n)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

/* Removes n from the list it is in; n is then a list of its own, so that removing it again does nothing. */
static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#endif

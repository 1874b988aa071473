/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/change_map.h"
#include "proto/netops/store/order.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* An entry of a list, or the list's head. */
struct token {
	struct hash_node h;
	char *predicate;	  /* "" the head */
	struct token *prev;	  /* NULL: unknown */
	struct token *next;	  /* NULL: there is the gap */
	struct token *first_prev; /* the same as the list began */
	struct token *first_next;
	const struct change *first; /* NULL: only a neighbour */
	const struct change *last;
	size_t last_at;
	bool created;
	size_t due; /* of its last creation, before which nothing can be in it; else last_at */
	struct token *gap; /* owner of the gap after it, where next is NULL: the token that was left
			      of it at first */
	struct token *later; /* of the list */
};

struct order_list {
	struct hash_node h;
	char *path; /* without the predicate */
	struct hash tokens;
	struct token *all; /* the newest first */
	struct token *head;
};

struct order_step {
	size_t at;
	size_t seq; /* of those of one place */
	enum change_op op;
	const struct token *token;
	char *old_after;
	char *new_after;
};

void order_init(struct order *o)
{
	*o = (struct order){0};
	alloc_init(&o->alloc, 0);
	hash_init(&o->lists, &o->alloc);
}

static void list_free(struct order_list *l)
{
	struct token *t;

	if (!l)
		return;
	while ((t = l->all)) {
		l->all = t->later;
		free(t->predicate);
		free(t);
	}
	hash_free(&l->tokens);
	free(l->path);
	free(l);
}

void order_free(struct order *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		list_free(o->list[i]);
	for (i = 0; i < o->n_steps; i++) {
		free(o->step[i].old_after);
		free(o->step[i].new_after);
	}
	free(o->step);
	free(o->list);
	hash_free(&o->lists);
}

static struct token *token(struct order_list *l, const char *predicate)
{
	uint32_t h = hash_bytes(predicate, strlen(predicate), 0);
	struct hash_node *it;
	struct token *t;

	for (it = hash_first(&l->tokens, h); it; it = hash_next(it)) {
		t = (struct token *)it;
		if (strcmp(t->predicate, predicate) == 0)
			return t;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->predicate = strdup(predicate);
	if (!t->predicate || hash_add(&l->tokens, &t->h, h)) {
		free(t->predicate);
		free(t);
		return NULL;
	}
	t->gap = t;
	t->later = l->all;
	l->all = t;
	return t;
}

static struct order_list *list_new(struct order *o, const char *path, size_t n, uint32_t h)
{
	struct order_list **p = realloc(o->list, (o->n + 1) * sizeof(*p));
	struct order_list *l = calloc(1, sizeof(*l));

	if (p)
		o->list = p;
	if (!p || !l) {
		free(l);
		return NULL;
	}
	hash_init(&l->tokens, &o->alloc);
	l->path = strndup(path, n);
	l->head = l->path ? token(l, "") : NULL;
	if (!l->head || hash_add(&o->lists, &l->h, h)) {
		list_free(l);
		return NULL;
	}
	o->list[o->n++] = l;
	return l;
}

static struct order_list *list_of(struct order *o, const char *path, size_t n)
{
	uint32_t h = hash_bytes(path, n, 0);
	struct hash_node *it;

	for (it = hash_first(&o->lists, h); it; it = hash_next(it)) {
		struct order_list *l = (struct order_list *)it;

		if (strncmp(l->path, path, n) == 0 && !l->path[n])
			return l;
	}
	return list_new(o, path, n, h);
}

/* b is right after a now. Where that was not known, it says what stood beside the gap in the
 * beginning. */
static int learn(struct token *a, struct token *b)
{
	if (b->prev)
		return b->prev == a ? 0 : -EINVAL;
	if (a->next)
		return -EINVAL;
	a->gap->first_next = b;
	b->first_prev = a->gap;
	a->next = b;
	b->prev = a;
	return 0;
}

static void take_out(struct token *t)
{
	t->prev->next = t->next;
	t->prev->gap = t->gap;
	if (t->next)
		t->next->prev = t->prev;
	t->prev = NULL;
	t->next = NULL;
}

static void put_in(struct token *t, struct token *after)
{
	t->next = after->next;
	t->gap = after->gap;
	if (t->next)
		t->next->prev = t;
	t->prev = after;
	after->next = t;
}

int order_put(struct order *o, const struct change *c, size_t at)
{
	size_t n = change_parent(c->path, strlen(c->path));
	struct order_list *l;
	struct token *t;
	struct token *other;

	n += strcspn(c->path + n, "[");
	l = list_of(o, c->path, n);
	t = l ? token(l, c->path + n) : NULL;
	if (!t)
		return -ENOMEM;
	if (!t->first)
		t->first = c;
	t->last = c;
	t->last_at = at;
	if (c->op != CHANGE_MOVE || !t->created)
		t->due = at;
	t->created = t->created || c->op == CHANGE_CREATE;
	if (c->op != CHANGE_CREATE) {
		other = token(l, c->old_after ? c->old_after : "");
		if (!other)
			return -ENOMEM;
		if (learn(other, t))
			return -EINVAL;
		take_out(t);
	}
	if (c->op != CHANGE_DELETE) {
		other = token(l, c->new_after ? c->new_after : "");
		if (!other)
			return -ENOMEM;
		if (other == t || t->prev)
			return -EINVAL;
		put_in(t, other);
	}
	return 0;
}

/* ---- What is left ---- */

static bool was(const struct token *t)
{
	return t->first && t->first->op != CHANGE_CREATE;
}

static bool is(const struct token *t)
{
	return t->last && t->last->op != CHANGE_DELETE;
}

static int step(struct order *o, size_t at, enum change_op op, const struct token *t,
		const struct token *old_after, const struct token *new_after)
{
	struct order_step *p;
	struct order_step s = {.at = at, .seq = o->n_steps, .op = op, .token = t};

	if (o->n_steps % 16 == 0) {
		p = realloc(o->step, (o->n_steps + 16) * sizeof(*p));
		if (!p)
			return -ENOMEM;
		o->step = p;
	}
	s.old_after = old_after ? strdup(old_after->predicate) : NULL;
	s.new_after = new_after ? strdup(new_after->predicate) : NULL;
	if (!s.old_after != !old_after || !s.new_after != !new_after) {
		free(s.old_after);
		free(s.new_after);
		return -ENOMEM;
	}
	o->step[o->n_steps++] = s;
	return 0;
}

/* From now on prev and next are those of the beginning, and first_prev where each is to end. */
static void rewind_list(struct order_list *l)
{
	struct token *t;
	struct token *end;

	for (t = l->all; t; t = t->later) {
		end = t->prev;
		t->prev = t->first_prev;
		t->first_prev = end;
		end = t->next;
		t->next = t->first_next;
		t->first_next = end;
	}
}

static int by_last(const void *a, const void *b)
{
	const struct token *const *x = a;
	const struct token *const *y = b;

	return ((*x)->last_at > (*y)->last_at) - ((*x)->last_at < (*y)->last_at);
}

/* Deletions, in their order: those before the block of the others, or those after it. */
static int drop(struct order *o, struct order_list *l, size_t block, bool before)
{
	struct token **gone = NULL;
	struct token *t;
	size_t n = 0;
	size_t i;
	int rc = 0;

	for (t = l->all; t; t = t->later)
		n++;
	gone = malloc(n * sizeof(*gone));
	if (!gone)
		return -ENOMEM;
	n = 0;
	for (t = l->all; t; t = t->later) {
		if (was(t) && !is(t) && (t->last_at < block) == before)
			gone[n++] = t;
	}
	qsort(gone, n, sizeof(*gone), by_last);
	for (i = 0; i < n && rc == 0; i++) {
		rc = step(o, gone[i]->last_at, CHANGE_DELETE, gone[i], gone[i]->prev, NULL);
		take_out(gone[i]);
	}
	free(gone);
	return rc;
}

/* Puts t where it ends; what stands before it there is in place already. */
static int place(struct order *o, struct token *t, size_t at)
{
	struct token *goal = t->first_prev;
	int rc;

	if (!is(t) || !goal || t->prev == goal)
		return 0;
	rc = was(t) ? step(o, at, CHANGE_MOVE, t, t->prev, goal)
		    : step(o, at, CHANGE_CREATE, t, NULL, goal);
	if (t->prev)
		take_out(t);
	put_in(t, goal);
	return rc;
}

static int solve(struct order *o, struct order_list *l)
{
	size_t block = SIZE_MAX;
	struct token *t;
	struct token *run;
	int rc = 0;

	rewind_list(l);
	for (t = l->all; t; t = t->later) {
		if (is(t) && t->due < block)
			block = t->due;
	}
	rc = drop(o, l, block, true);
	/* Runs of known neighbours, each from its left end. */
	for (t = l->all; t && rc == 0; t = t->later) {
		if (t->first_prev)
			continue;
		for (run = t->first_next; run && rc == 0; run = run->first_next)
			rc = place(o, run, block);
	}
	return rc ? rc : drop(o, l, block, false);
}

static int by_place(const void *a, const void *b)
{
	const struct order_step *x = a;
	const struct order_step *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

int order_solve(struct order *o)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < o->n && rc == 0; i++)
		rc = solve(o, o->list[i]);
	if (rc == 0 && o->n_steps)
		qsort(o->step, o->n_steps, sizeof(*o->step), by_place);
	return rc;
}

int order_emit(struct order *o, size_t at, struct changes *out)
{
	int rc = 0;

	for (; o->next < o->n_steps && o->step[o->next].at < at && rc == 0; o->next++) {
		const struct order_step *s = &o->step[o->next];
		const struct token *t = s->token;

		rc = changes_add(
			out, s->op, t->first->path, s->op == CHANGE_DELETE ? t->first->old : NULL,
			s->op == CHANGE_CREATE ? t->last->new : NULL, s->old_after, s->new_after);
	}
	return rc;
}

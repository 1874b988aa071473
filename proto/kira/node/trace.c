/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/trace.h"

#include "base/list.h"
#include "proto/kira/node/room.h"

#include <errno.h>
#include <stdlib.h>

#define LOOKUPS 16  /* the core does as many at once */
#define ASK_HOPS 12 /* hops of one route that are asked; those further on have no round trip */

enum hop_state { HOP_SILENT, HOP_ASKED, HOP_ANSWERED };

struct hop {
	struct kira_id id;
	enum hop_state state;
	usec_t took;
};

struct trace {
	struct list at;
	uint64_t call;
	struct kira_id target;
	bool routed; /* the target answered: hop[] is the route, this node first */
	bool asked;  /* its hops were asked */
	size_t n;
	struct hop *hop;
};

struct traces {
	struct node *node;
	struct counter *counter;
	struct list all;
	struct kira_id lookup[LOOKUPS]; /* under way in the core */
	size_t n_lookups;
};

struct traces *traces_new(struct node *n)
{
	struct traces *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->node = n;
	list_init(&t->all);
	return t;
}

void traces_counter(struct traces *t, struct counter *counter)
{
	t->counter = counter;
}

static void drop(struct trace *tr)
{
	list_del(&tr->at);
	free(tr->hop);
	free(tr);
}

void traces_free(struct traces *t)
{
	if (!t)
		return;
	list_each_safe (it, &t->all)
		drop(container_of(it, struct trace, at));
	free(t);
}

static void add_hop(struct traces *t, yyjson_mut_doc *doc, yyjson_mut_val *list,
		    const struct hop *h, size_t index)
{
	yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
	char id[KIRA_ID_TEXT];
	char addr[46];

	kira_id_format(&h->id, id);
	report_address(t->node, &h->id, addr);
	yyjson_mut_obj_add_uint(doc, obj, "index", index);
	yyjson_mut_obj_add_strcpy(doc, obj, "id", id);
	yyjson_mut_obj_add_strcpy(doc, obj, "address", addr);
	if (h->state == HOP_ANSWERED)
		yyjson_mut_obj_add_uint(doc, obj, "round-trip", (uint64_t)h->took);
}

/* Answers and forgets it. */
static void finish(struct traces *t, struct trace *tr)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *out = yyjson_mut_obj(doc);
	yyjson_mut_val *list;
	struct err err = {0};
	char id[KIRA_ID_TEXT];
	size_t i;

	kira_id_format(&tr->target, id);
	yyjson_mut_obj_add_strcpy(doc, out, "id", id);
	yyjson_mut_obj_add_bool(doc, out, "reached", tr->routed);
	if (tr->routed) {
		yyjson_mut_obj_add_uint(doc, out, "round-trip", (uint64_t)tr->hop[tr->n - 1].took);
		list = json_add_arr(doc, out, "hop");
		for (i = 0; i < tr->n; i++)
			add_hop(t, doc, list, &tr->hop[i], i);
	}
	if (out) {
		counter_reply(t->counter, tr->call, doc, out);
	} else {
		err_set(&err, -ENOMEM, "out of memory");
		counter_fail(t->counter, tr->call, &err);
	}
	yyjson_mut_doc_free(doc);
	drop(tr);
}

/* The route, this node first and the target last. Returns false where memory is out. */
static bool take_route(struct trace *tr, const struct kira_id *path, size_t n, usec_t took)
{
	size_t i;

	tr->hop = calloc(n, sizeof(*tr->hop));
	if (!tr->hop)
		return false;
	for (i = 0; i < n; i++)
		tr->hop[i].id = path[i];
	tr->n = n;
	tr->hop[0].state = HOP_ANSWERED;
	tr->hop[n - 1].state = HOP_ANSWERED;
	tr->hop[n - 1].took = took;
	tr->routed = true;
	return true;
}

/* One look-up of a node, unless it is under way. */
static int look_up(struct traces *t, const struct kira_id *id)
{
	size_t i;
	int rc;

	for (i = 0; i < t->n_lookups; i++)
		if (kira_id_eq(&t->lookup[i], id))
			return 0;
	if (t->n_lookups == LOOKUPS)
		return -EBUSY;
	rc = kira_trace(t->node->core, id, clock_now());
	if (rc == 0)
		t->lookup[t->n_lookups++] = *id;
	return rc;
}

int trace_begin(struct traces *t, uint64_t call, const struct kira_id *target, struct err *err)
{
	struct trace *tr = calloc(1, sizeof(*tr));
	int rc;

	if (!tr)
		return err_set(err, -ENOMEM, "out of memory");
	tr->call = call;
	tr->target = *target;
	list_add(&t->all, &tr->at);
	if (kira_id_eq(target, &t->node->id)) {
		if (take_route(tr, target, 1, 0)) {
			finish(t, tr);
			return 0;
		}
		rc = -ENOMEM;
	} else {
		rc = look_up(t, target);
	}
	if (rc == 0)
		return 0;
	drop(tr);
	if (rc == -EBUSY && kira_n_neighbours(t->node->core) == 0) {
		err_set(err, -ENETUNREACH, "this node has no neighbours");
		err_mend(err, "see dep kira show: are its interfaces up, and is there a node on their links?");
		return -ENETUNREACH;
	}
	if (rc == -EBUSY) {
		err_set(err, rc, "too many traces are under way");
		err_mend(err, "try again in a few seconds");
		return rc;
	}
	return err_set(err, rc, "cannot trace this node: %s", strerror(-rc));
}

static bool waits(const struct trace *tr)
{
	size_t i;

	if (!tr->routed || !tr->asked)
		return true;
	for (i = 0; i < tr->n; i++)
		if (tr->hop[i].state == HOP_ASKED)
			return true;
	return false;
}

static void answer(struct traces *t, struct trace *tr, const struct kira_event *ev)
{
	size_t i;

	if (!tr->routed && kira_id_eq(&tr->target, &ev->id)) {
		if (!ev->path || ev->n_path == 0 || !take_route(tr, ev->path, ev->n_path, ev->took))
			finish(t, tr);
		return;
	}
	for (i = 0; i < tr->n; i++) {
		struct hop *h = &tr->hop[i];

		if (h->state != HOP_ASKED || !kira_id_eq(&h->id, &ev->id))
			continue;
		h->state = ev->path ? HOP_ANSWERED : HOP_SILENT;
		h->took = ev->took;
	}
	if (!waits(tr))
		finish(t, tr);
}

void trace_event(struct traces *t, const struct kira_event *ev)
{
	size_t i;

	for (i = 0; i < t->n_lookups; i++) {
		if (kira_id_eq(&t->lookup[i], &ev->id)) {
			t->lookup[i] = t->lookup[--t->n_lookups];
			break;
		}
	}
	list_each_safe (it, &t->all)
		answer(t, container_of(it, struct trace, at), ev);
}

static void ask_hops(struct traces *t, struct trace *tr)
{
	size_t i;

	tr->asked = true;
	for (i = 1; i + 1 < tr->n && i <= ASK_HOPS; i++)
		if (look_up(t, &tr->hop[i].id) == 0)
			tr->hop[i].state = HOP_ASKED;
	if (!waits(tr))
		finish(t, tr);
}

void trace_pump(struct traces *t)
{
	list_each_safe (it, &t->all) {
		struct trace *tr = container_of(it, struct trace, at);

		if (tr->routed && !tr->asked)
			ask_hops(t, tr);
	}
}

void trace_abort(struct traces *t)
{
	struct err err = {0};

	err_set(&err, -ECANCELED, "the routing was started again meanwhile");
	err_mend(&err, "try again");
	list_each_safe (it, &t->all) {
		struct trace *tr = container_of(it, struct trace, at);

		counter_fail(t->counter, tr->call, &err);
		drop(tr);
	}
	t->n_lookups = 0;
}

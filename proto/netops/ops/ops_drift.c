/* SPDX-License-Identifier: BSD-2-Clause */
/* Drift: the kernel is not as running says, because somebody else changed it. Room sys tells when
 * it suspects that; then all steps of running are compared with the kernel, and who listens is told
 * where the outcome is another one. That costs as much as running is large, so it takes at most a
 * twentieth of the time. By policy what drifted is applied again. */
#include "proto/netops/ops/ops_priv.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define GATHER MSEC(100)   /* suspicions that come together */
#define AT_LEAST MSEC(500) /* between two comparisons */
#define REST 20
#define PATH "/depanneur-netops:netops/drift"

/* Running and kernel are not in the middle of a change. */
static bool quiet(struct ops *o)
{
	enum txn_state s = txn_state(o->txn);

	return s == TXN_IDLE || s == TXN_PREPARED || s == TXN_PENDING;
}

/* ---- Reading ---- */

struct reading {
	struct ops *o;
	struct principal by;
	ops_result_f *f;
	void *ctx;
};

static bool may_read(struct reading *r, const char *path)
{
	char top[64];
	const struct lysc_node *node;

	snprintf(top, sizeof(top), "%.*s", (int)(1 + strcspn(path + 1, "/[")), path);
	if (!top[1])
		return r->by.recovery;
	node = lys_find_path(schema_ctx(r->o->schema), NULL, top, 0);
	return node && nacm_schema(r->o->nacm, &r->by, NACM_READ, node);
}

static void read_done(void *ctx, yyjson_mut_doc *doc, struct neterr *e)
{
	struct reading *r = ctx;
	yyjson_mut_val *root = e ? NULL : yyjson_mut_doc_get_root(doc);
	yyjson_mut_val *list = yyjson_mut_obj_get(root, "difference");
	size_t n = yyjson_mut_arr_size(list);

	for (; n > 0; n--) {
		yyjson_mut_val *d = yyjson_mut_arr_remove_first(list);

		if (may_read(r, yyjson_mut_get_str(yyjson_mut_obj_get(d, "path"))))
			yyjson_mut_arr_append(list, d);
	}
	r->f(r->ctx, doc, root, e);
	free(r);
}

void ops_drift(struct ops *o, const struct ops_origin *from, ops_result_f *f, void *ctx)
{
	struct neterr e = {0};
	struct reading *r = NULL;
	int rc = ops_may(o, from, SCOPE_READ, false, &e);

	if (rc == 0 && !quiet(o))
		rc = neterr_set(&e, NETERR_LOCK_DENIED, "in-use", "the kernel is being changed");
	if (rc == 0 && !(r = calloc(1, sizeof(*r))))
		rc = neterr_set(&e, NETERR_INTERNAL, "resource-denied", "no memory");
	if (rc != 0) {
		f(ctx, NULL, NULL, &e);
		neterr_clear(&e);
		return;
	}
	*r = (struct reading){.o = o, .by = *from->by, .f = f, .ctx = ctx};
	rooms_drift(o->rooms, o->store, read_done, r);
}

/* ---- Watching ---- */

static int read_action(void *ctx, const struct lyd_node *tree)
{
	struct lyd_node *n = NULL;

	if (tree && lyd_find_path(tree, PATH "/action", 0, &n) == LY_SUCCESS)
		*(bool *)ctx = strcmp(lyd_get_value(n), "reassert") == 0;
	return 0;
}

static void reasserted(void *ctx, struct neterr *e)
{
	struct ops *o = ctx;

	o->drift.under_way = false;
	if (e)
		log_err(LOG_LEVEL_ERROR, &e->err);
	else
		log_notice("what others changed is as running says again");
	o->drift.seen = e ? o->drift.seen : 0;
	ops_tell_changed(o, DS_OPERATIONAL, PATH);
	if (o->drift.again)
		ops_drift_suspect(o);
}

static void looked(void *ctx, yyjson_mut_doc *doc, struct neterr *e)
{
	struct ops *o = ctx;
	usec_t now = clock_now();
	usec_t rest = (now - o->drift.since) * REST;
	yyjson_mut_val *list =
		e ? NULL : yyjson_mut_obj_get(yyjson_mut_doc_get_root(doc), "difference");
	char *text = yyjson_mut_arr_size(list) ? yyjson_mut_val_write(list, 0, NULL) : NULL;
	uint64_t seen = text ? hash_bytes(text, strlen(text), 0) | 1ull << 32 : 0;
	bool reassert = false;

	free(text);
	o->drift.not_before = now + (rest > AT_LEAST ? rest : AT_LEAST);
	o->drift.under_way = false;
	if (e) {
		log_err(LOG_LEVEL_WARNING, &e->err);
		return;
	}
	if (seen && seen != o->drift.seen)
		log_warning("the kernel is not as running says",
			    LOG_NUM("differences", yyjson_mut_arr_size(list)),
			    LOG_TEXT("first", yyjson_mut_get_str(yyjson_mut_obj_get(
						      yyjson_mut_arr_get_first(list), "path"))));
	if (seen != o->drift.seen)
		ops_tell_changed(o, DS_OPERATIONAL, PATH);
	o->drift.seen = seen;
	store_view(o->store, NULL, read_action, &reassert);
	if (seen && reassert && quiet(o)) {
		o->drift.under_way = true;
		rooms_reconcile(o->rooms, o->store, reasserted, o);
	} else if (o->drift.again) {
		ops_drift_suspect(o);
	}
}

static usec_t on_due(void *ctx, usec_t now)
{
	struct ops *o = ctx;

	if (o->drift.under_way) {
		o->drift.again = true;
		return USEC_NEVER;
	}
	if (!quiet(o))
		return now + AT_LEAST;
	o->drift.under_way = true;
	o->drift.again = false;
	o->drift.since = now;
	rooms_drift(o->rooms, o->store, looked, o);
	return USEC_NEVER;
}

void ops_drift_suspect(struct ops *o)
{
	usec_t due = clock_now() + GATHER;

	if (!o->drift.open)
		return;
	if (o->drift.under_way)
		o->drift.again = true;
	else
		loop_timer_set(&o->drift.timer,
			       due > o->drift.not_before ? due : o->drift.not_before);
}

int ops_drift_open(struct ops *o)
{
	int rc = loop_timer_init(&o->drift.timer, o->loop, on_due, o);

	o->drift.open = rc == 0;
	return rc;
}

void ops_drift_close(struct ops *o)
{
	if (o->drift.open)
		loop_timer_close(&o->drift.timer);
	o->drift.open = false;
}

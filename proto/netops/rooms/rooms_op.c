/* SPDX-License-Identifier: BSD-2-Clause */
/* Check, apply, undo and reconcile, over all rooms that are concerned; one after the other. */
#include "proto/netops/rooms/rooms_priv.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

#define TRIES_MAX 3

enum op_kind { OP_CHECK, OP_APPLY, OP_UNDO, OP_RECONCILE };
enum op_phase { PHASE_QUEUED, PHASE_CHECK, PHASE_FORTH, PHASE_BACK };

struct op {
	struct list at;
	struct rooms *rooms;
	struct store *store;
	enum op_kind kind;
	enum op_phase phase;
	struct changes changes;
	rooms_f *f;
	void *ctx;
	struct parts parts;
	unsigned unanswered;	  /* PHASE_CHECK */
	struct part *waits;	  /* for its room to come back */
	usec_t patience;	  /* until when */
	struct neterr e;	  /* what made it fail; code 0: nothing yet */
	yyjson_mut_val *residual; /* of e's data: what could not be brought back */
	bool away;		  /* a room of residual is not there */
	bool refused;		  /* one of residual is there, and does not want to */
	uv_timer_t timer;
};

static void op_go_on(struct op *op);
static void begin(struct op *op);

/* ---- Life ---- */

static void on_closed(uv_handle_t *h)
{
	struct op *op = h->data;

	parts_free(&op->parts);
	changes_free(&op->changes);
	neterr_clear(&op->e);
	free(op);
}

static void on_begin(uv_timer_t *timer)
{
	begin(timer->data);
}

static void begin_first(struct rooms *r)
{
	struct op *op;

	if (list_empty(&r->ops))
		return;
	op = container_of(r->ops.next, struct op, at);
	if (op->phase == PHASE_QUEUED)
		uv_timer_start(&op->timer, on_begin, 0, 0);
}

static void finish(struct op *op)
{
	struct rooms *r = op->rooms;

	list_del(&op->at);
	op->f(op->ctx, op->e.code != NETERR_NONE ? &op->e : NULL);
	uv_close((uv_handle_t *)&op->timer, on_closed);
	begin_first(r);
}

void ops_cancel(struct rooms *r)
{
	while (!list_empty(&r->ops)) {
		struct op *op = container_of(r->ops.next, struct op, at);

		list_del(&op->at);
		neterr_set(&op->e, NETERR_UNREACHABLE, "operation-failed", "netops ends");
		op->f(op->ctx, &op->e);
		uv_close((uv_handle_t *)&op->timer, on_closed);
	}
}

static void submit(struct rooms *r, struct store *s, enum op_kind kind, const struct changes *c,
		   rooms_f *f, void *ctx)
{
	struct op *op = calloc(1, sizeof(*op));
	struct neterr e = {0};

	if (!op || (c && changes_copy(c, &op->changes) != 0)) {
		free(op);
		neterr_set(&e, NETERR_INTERNAL, "resource-denied", "no memory");
		f(ctx, &e);
		neterr_clear(&e);
		return;
	}
	op->rooms = r;
	op->store = s;
	op->kind = kind;
	op->f = f;
	op->ctx = ctx;
	uv_timer_init(r->loop, &op->timer);
	op->timer.data = op;
	list_add(&r->ops, &op->at);
	begin_first(r);
}

void rooms_check(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx)
{
	submit(r, s, OP_CHECK, c, f, ctx);
}

void rooms_apply(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx)
{
	submit(r, s, OP_APPLY, c, f, ctx);
}

void rooms_undo(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx)
{
	submit(r, s, OP_UNDO, c, f, ctx);
}

void rooms_reconcile(struct rooms *r, struct store *s, rooms_f *f, void *ctx)
{
	submit(r, s, OP_RECONCILE, NULL, f, ctx);
}

/* ---- Sending ---- */

static void sent_all(struct part *p);
static void sending_failed(struct part *p, const struct err *err);

/* Keeps the steps that room sys answered, which lead back. */
static int keep_inverse(struct part *p, yyjson_val *result)
{
	yyjson_val *inverse = yyjson_obj_get(yyjson_obj_get(result, "output"), "inverse");
	struct payload *to = &p->inverse;
	yyjson_mut_val **more;

	if (!to->doc)
		to->doc = yyjson_mut_doc_new(NULL);
	more = realloc(to->slice, (to->n_slices + 1) * sizeof(*more));
	if (!to->doc || !more)
		return -ENOMEM;
	to->slice = more;
	more[to->n_slices] =
		inverse ? yyjson_val_mut_copy(to->doc, inverse) : yyjson_mut_arr(to->doc);
	if (!more[to->n_slices])
		return -ENOMEM;
	to->n_slices++;
	return 0;
}

static void send_next(struct part *p);

static void on_sent(void *ctx, yyjson_val *result, const struct err *err)
{
	struct part *p = ctx;
	struct err oom;

	if (p->room->rooms->closing)
		return;
	if (err) {
		sending_failed(p, err);
		return;
	}
	if (p->sending == &p->forth && !p->forth.config && keep_inverse(p, result) != 0) {
		err_set(&oom, -ENOMEM, "no memory for the way back");
		sending_failed(p, &oom);
		return;
	}
	p->sent++;
	send_next(p);
}

static void send_next(struct part *p)
{
	const char *method;
	yyjson_mut_doc *doc;
	yyjson_mut_val *params;
	struct err err;
	int rc;

	if (p->sent == payload_requests(p->sending)) {
		sent_all(p);
		return;
	}
	doc = yyjson_mut_doc_new(NULL);
	params = payload_params(p->sending, p->sent, false, doc, &method);
	rc = params ? counter_link_request(p->room->link, method, doc, params, APPLY_MS, on_sent, p,
					   &err)
		    : err_set(&err, -ENOMEM, "no memory for a request");
	yyjson_mut_doc_free(doc);
	if (rc != 0)
		sending_failed(p, &err);
}

static void send_payload(struct part *p, const struct payload *what)
{
	p->sending = what;
	p->sent = 0;
	send_next(p);
}

/* Whether the room may be in another state than the one it was in before this request. */
static bool leaves_doubt(const struct err *err)
{
	return err->code == -EPIPE || err->code == -ETIMEDOUT;
}

static void on_patience_lost(uv_timer_t *timer)
{
	op_go_on(timer->data);
}

/* Goes on when the room is there again, or patience is lost. All waiting of one operation together
 * ends at the same time. */
static void wait_for(struct op *op, struct part *p)
{
	usec_t now = clock_now();

	if (op->patience == 0)
		op->patience = now + MSEC(RETURN_MS);
	op->waits = p;
	counter_link_hurry(p->room->link);
	uv_update_time(op->rooms->loop);
	uv_timer_start(&op->timer, on_patience_lost,
		       op->patience <= now ? 0 : (uint64_t)(op->patience - now + 999) / 1000, 0);
}

static bool patient(const struct op *op)
{
	return op->patience == 0 || clock_now() < op->patience;
}

void ops_room(struct rooms *r, struct room *room)
{
	struct op *op;

	if (list_empty(&r->ops))
		return;
	op = container_of(r->ops.next, struct op, at);
	if (op->waits && op->waits->room == room && room->up) {
		uv_timer_stop(&op->timer);
		op_go_on(op);
	}
}

/* ---- Forth ---- */

static void fail(struct op *op, const struct room *room, const struct err *err)
{
	if (op->e.code == NETERR_NONE)
		room_error(&op->e, room, err);
	op->phase = PHASE_BACK;
}

static void fail_away(struct op *op, const struct room *room)
{
	if (op->e.code == NETERR_NONE)
		room_away(&op->e, room);
	op->phase = PHASE_BACK;
}

/* It did what it was asked, and has not been started anew since. */
static bool stands(const struct part *p)
{
	return p->epoch == p->room->epoch && room_is_there(p->room);
}

/* The next room that must take its part, or the end. */
static void go_forth(struct op *op)
{
	size_t i;

	for (i = 0; i < op->parts.n; i++) {
		struct part *p = &op->parts.part[i];
		bool there = room_is_there(p->room);

		if (p->is == PART_NEW && stands(p))
			continue;
		/* One that took it, and died while others did, has forgotten it. */
		if (p->is == PART_NEW) {
			p->is = PART_UNKNOWN;
			p->tries++;
		}
		if (there && p->tries <= TRIES_MAX) {
			send_payload(p, &p->forth);
		} else if (p->is == PART_UNKNOWN && p->tries <= TRIES_MAX && patient(op)) {
			wait_for(op, p);
		} else {
			fail_away(op, p->room);
			op_go_on(op);
		}
		return;
	}
	finish(op);
}

/* ---- Back ---- */

static void add_residual(struct op *op, const struct room *room, const char *what)
{
	yyjson_mut_val *data;
	yyjson_mut_val *o;

	if (op->e.code == NETERR_NONE)
		neterr_set(&op->e, NETERR_ROLLBACK_FAILED, "rollback-failed", "room %s: %s",
			   room->name, what);
	data = neterr_data(&op->e);
	if (data && !op->residual)
		op->residual = json_add_arr(op->e.data, data, "residual");
	o = op->residual ? yyjson_mut_arr_add_obj(op->e.data, op->residual) : NULL;
	if (!o)
		return;
	yyjson_mut_obj_add_strcpy(op->e.data, o, "room", room->name);
	yyjson_mut_obj_add_strcpy(op->e.data, o, "what", what);
}

/* A room that stays as it is. */
static void leave(struct op *op, struct part *p, const struct err *err)
{
	add_residual(op, p->room, err ? err->what : "it is not there");
	if (!err || err->code == -ENOTCONN || err->code == -EPIPE)
		op->away = true;
	else
		op->refused = true;
	p->is = PART_OLD;
	p->epoch = p->room->epoch;
	log_error("room is not as it should be", LOG_TEXT("room", p->room->name),
		  LOG_TEXT("why", err ? err->what : "it is not there"));
}

/* Steps that room sys answered, last first, where it answered all that it was sent. */
static const struct payload *way_back(struct part *p)
{
	struct payload *inv = &p->inverse;
	struct payload turned = {0};
	yyjson_mut_val *steps;
	yyjson_mut_val *step;
	size_t i;

	if (p->is == PART_UNKNOWN || inv->n_slices == 0)
		return &p->back;
	turned.doc = yyjson_mut_doc_new(NULL);
	steps = yyjson_mut_arr(turned.doc);
	for (i = inv->n_slices; i > 0; i--) {
		while ((step = yyjson_mut_arr_remove_first(inv->slice[i - 1])))
			yyjson_mut_arr_append(steps, yyjson_mut_val_mut_copy(turned.doc, step));
	}
	if (!steps || payload_slice(&turned, steps, room_slice(p->room)) != 0) {
		payload_free(&turned);
		return &p->back;
	}
	payload_free(inv);
	*inv = turned;
	return inv;
}

/* The outcome, where something could not be brought back. */
static void sum_up(struct op *op)
{
	if (!op->residual)
		return;
	if (op->kind == OP_RECONCILE)
		op->e.code = op->refused ? NETERR_CONFIG_INCOMPATIBLE : NETERR_UNREACHABLE;
	else if (op->refused)
		op->e.code = NETERR_ROLLBACK_FAILED;
	else if (op->kind == OP_UNDO)
		op->e.code = NETERR_UNREACHABLE;
	op->e.err.code = (int)op->e.code;
}

static void go_back(struct op *op)
{
	size_t i;

	for (i = 0; i < op->parts.n; i++) {
		bool forward = op->kind == OP_RECONCILE;
		struct part *p = &op->parts.part[forward ? i : op->parts.n - 1 - i];
		bool there = room_is_there(p->room);

		if (p->is == PART_OLD)
			continue;
		if (p->tries > TRIES_MAX || (!there && !patient(op))) {
			leave(op, p, NULL);
			continue;
		}
		if (there)
			send_payload(p, op->kind == OP_APPLY ? way_back(p) : &p->back);
		else
			wait_for(op, p);
		return;
	}
	sum_up(op);
	finish(op);
}

static void op_go_on(struct op *op)
{
	op->waits = NULL;
	if (op->phase == PHASE_FORTH)
		go_forth(op);
	else
		go_back(op);
}

static void sent_all(struct part *p)
{
	p->is = p->op->phase == PHASE_FORTH ? PART_NEW : PART_OLD;
	p->epoch = p->room->epoch;
	op_go_on(p->op);
}

static void sending_failed(struct part *p, const struct err *err)
{
	struct op *op = p->op;

	if (op->phase == PHASE_FORTH) {
		if (leaves_doubt(err))
			p->is = PART_UNKNOWN;
		else if (p->sent > 0)
			p->is = PART_NEW; /* in part, and we know how it goes back */
		else if (p->is != PART_UNKNOWN)
			p->is = PART_OLD;
		fail(op, p->room, err);
	} else if (err->code == -EPIPE || err->code == -ENOTCONN) {
		p->is = PART_UNKNOWN;
		p->tries++;
	} else {
		leave(op, p, err);
	}
	op_go_on(op);
}

/* ---- Check ---- */

static void checked(struct op *op)
{
	if (--op->unanswered > 0)
		return;
	if (op->e.code != NETERR_NONE || op->kind == OP_CHECK) {
		finish(op);
		return;
	}
	op->phase = PHASE_FORTH;
	op_go_on(op);
}

static void on_checked(void *ctx, yyjson_val *result, const struct err *err)
{
	struct part *p = ctx;

	if (p->room->rooms->closing)
		return;
	if (err && p->op->e.code == NETERR_NONE)
		room_error(&p->op->e, p->room, err);
	checked(p->op);
}

/* Asks all at once. Of steps that fill several requests only the first can be asked, as the others
 * stand on it. */
static void check(struct op *op)
{
	const char *method;
	struct err err;
	size_t i;

	op->phase = PHASE_CHECK;
	op->unanswered = 1;
	for (i = 0; i < op->parts.n; i++) {
		struct part *p = &op->parts.part[i];
		yyjson_mut_doc *doc;
		yyjson_mut_val *params;

		if (payload_requests(&p->forth) == 0)
			continue;
		doc = yyjson_mut_doc_new(NULL);
		params = payload_params(&p->forth, 0, true, doc, &method);
		if (!params)
			neterr_set(&op->e, NETERR_INTERNAL, "resource-denied", "no memory");
		else if (counter_link_request(p->room->link, method, doc, params, CHECK_MS,
					      on_checked, p, &err) == 0)
			op->unanswered++;
		else if (op->e.code == NETERR_NONE)
			room_error(&op->e, p->room, &err);
		yyjson_mut_doc_free(doc);
	}
	checked(op);
}

/* ---- Beginning ---- */

static int divide(struct op *op)
{
	struct parts *parts = &op->parts;
	bool forth = op->kind == OP_CHECK || op->kind == OP_APPLY;
	size_t i;
	int rc;

	if (op->kind == OP_RECONCILE)
		rc = parts_of_running(parts, op->rooms, op->store, &op->e);
	else
		rc = parts_of_changes(parts, op->rooms, op->store, &op->changes, forth,
				      op->kind != OP_CHECK, &op->e);
	for (i = 0; rc == 0 && i < parts->n; i++) {
		parts->part[i].op = op;
		parts->part[i].is = forth ? PART_OLD : PART_UNKNOWN;
		if (forth && !parts->part[i].room->up)
			return room_away(&op->e, parts->part[i].room);
	}
	return rc;
}

static void begin(struct op *op)
{
	if (divide(op) != 0 || op->parts.n == 0) {
		finish(op);
	} else if (op->kind == OP_CHECK || (op->kind == OP_APPLY && op->parts.n > 1)) {
		check(op);
	} else {
		op->phase = op->kind == OP_APPLY ? PHASE_FORTH : PHASE_BACK;
		op_go_on(op);
	}
}

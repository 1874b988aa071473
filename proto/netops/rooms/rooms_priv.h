/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of rooms share.
 *
 * rooms.c         who is there: connections, hello, modules, events, rpcs
 * rooms_part.c    a change of configuration divided by room, and what each room is sent
 * rooms_op.c      check, apply, undo, reconcile: one after the other, over all rooms concerned
 * rooms_state.c   operational state, asked of several rooms and merged */
#ifndef DEP_NETOPS_ROOMS_PRIV_H
#define DEP_NETOPS_ROOMS_PRIV_H

#include "base/counter_async.h"
#include "base/list.h"
#include "proto/netops/rooms/rooms.h"

#define ROOMS_MAX 32
#define ROOM_MODULES_MAX 256
#define ROOM_FEATURES_MAX 128

#define HELLO_MS 5000
#define STATE_MS 10000
#define CHECK_MS 10000
#define APPLY_MS 60000
#define RETURN_MS 5000 /* how long an undo waits for a room that died */

struct room_module {
	char *name;
	char *revision; /* or NULL */
	char *text;	/* or NULL */
	char **features;
	size_t n_features;
	bool implemented;
	bool config;
};

struct room {
	struct rooms *rooms;
	char name[32];
	struct counter_link *link;
	bool up;		    /* hello is said, modules are known */
	unsigned epoch;		    /* how often it came up: another one, other state */
	uint64_t lost;		    /* events, of this connection */
	size_t max_line;	    /* of a request, by its hello */
	struct room_module *module; /* of the last hello, also where it has gone */
	size_t n_modules;
	struct room_module *next; /* of a hello whose sources are being fetched */
	size_t n_next;
	size_t fetched;
};

struct op;

struct rooms {
	uv_loop_t *loop;
	struct rooms_env env;
	struct room room[ROOMS_MAX];
	size_t n;
	bool closing;
	struct schema_module *flat;
	size_t n_flat;
	struct list ops; /* struct op; the first is under way */

	uv_timer_t *wait; /* of rooms_start */
	bool started;	  /* ready was called */
	void (*ready)(void *ctx);
	void *ready_ctx;
};

struct room *rooms_find(struct rooms *r, const char *name);
/* The room that implements the YANG module of that name (n bytes), or NULL. */
struct room *rooms_of_module(struct rooms *r, const char *name, size_t n);
/* The room that a data path belongs to: the last module on the way that is a room's. NULL: netops
 * itself. */
struct room *rooms_of_path(struct rooms *r, const char *path);
bool room_is_sys(const struct room *room);
/* It is up, and has not died since, of which we may not have been told yet. */
bool room_is_there(const struct room *room);
/* What a counter request failed with, or another err about a room, as a network error. Returns its
 * code. */
int room_error(struct neterr *e, const struct room *room, const struct err *err);
/* A room that is not there. */
int room_away(struct neterr *e, const struct room *room);

/* ---- rooms_part.c ---- */

/* What a room is sent: a configuration, or steps in slices that a line of the counter holds. */
struct payload {
	yyjson_mut_doc *doc;
	yyjson_mut_val *config; /* NULL: steps */
	yyjson_mut_val **slice; /* arrays of steps */
	size_t n_slices;
};
void payload_free(struct payload *p);
/* Cuts an array of steps (of p->doc) into slices of at most max bytes, roughly. Steps among which
 * one is `purge` stay together, as it removes what the others do not name. Returns 0, -E2BIG or
 * -ENOMEM. */
int payload_slice(struct payload *p, yyjson_mut_val *steps, size_t max);
/* Params of request i of p: *method, and an object of doc. NULL: no memory. */
yyjson_mut_val *payload_params(const struct payload *p, size_t i, bool dry_run, yyjson_mut_doc *doc,
			       const char **method);
/* Bytes of steps in one request to the room. */
size_t room_slice(const struct room *room);
size_t payload_requests(const struct payload *p);

/* What one room has to do with a change. */
struct part {
	struct op *op;
	struct room *room;
	struct payload forth;
	struct payload back;
	struct payload
		inverse; /* answers of room sys, a slice each: steps back to what it had observed */
	enum { PART_OLD, PART_NEW, PART_UNKNOWN } is;
	unsigned epoch; /* of the room, when it became new or old again */
	const struct payload *sending;
	size_t sent;	/* requests of it that are answered */
	unsigned tries; /* that ended with the room's death */
};

struct parts {
	struct part part[ROOMS_MAX];
	size_t n;
};
void parts_free(struct parts *p);
/* Which rooms c concerns, with what leads there (forth) and back (back), where asked for. Running
 * is as before c. */
int parts_of_changes(struct parts *p, struct rooms *r, struct store *s, const struct changes *c,
		     bool forth, bool back, struct neterr *e);
/* All rooms that are there, with all of running as `back`. */
int parts_of_running(struct parts *p, struct rooms *r, struct store *s, struct neterr *e);

/* ---- rooms_op.c ---- */

/* A room has come up or gone. */
void ops_room(struct rooms *r, struct room *room);
void ops_cancel(struct rooms *r);

#endif

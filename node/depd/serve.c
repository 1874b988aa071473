/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor's own counter, RUN/depd.sock. */
#include "node/depd/depd.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

extern const char depd_yang[];

/* A moment of clock_now() as date-and-time. */
static void add_time(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, usec_t at)
{
	time_t t = time(NULL) - (time_t)((clock_now() - at) / SEC(1));
	char text[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%FT%TZ", &tm);
	yyjson_mut_obj_add_strcpy(doc, o, key, text);
}

static void add_room(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct unit *u)
{
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
	struct room_user user;

	spawn_user(u->m, &user);
	yyjson_mut_obj_add_str(doc, o, "name", u->m->name);
	if (u->m->description)
		yyjson_mut_obj_add_str(doc, o, "description", u->m->description);
	yyjson_mut_obj_add_str(doc, o, "state", unit_state_name(u->state));
	if (u->pid)
		yyjson_mut_obj_add_uint(doc, o, "pid", (uint64_t)u->pid);
	yyjson_mut_obj_add_strcpy(doc, o, "user", user.name);
	if (u->since)
		add_time(doc, o, "since", u->since);
	yyjson_mut_obj_add_uint(doc, o, "restarts", u->restarts);
	if (u->why[0])
		yyjson_mut_obj_add_strcpy(doc, o, "last-end", u->why);
}

static int on_state(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		    struct err *err)
{
	struct depd *d = ctx;
	yyjson_mut_val *o = json_add_obj(doc, root, "depanneur-depd:depd");
	yyjson_mut_val *list;
	unsigned i;

	yyjson_mut_obj_add_str(doc, o, "version", DEP_VERSION);
	yyjson_mut_obj_add_uint(doc, o, "pid", (uint64_t)getpid());
	add_time(doc, o, "since", d->started);
	list = json_add_arr(doc, o, "room");
	for (i = 0; i < d->sup.n; i++)
		add_room(doc, list, &d->sup.unit[i]);
	return 0;
}

/* ---- Start, stop ---- */

struct each {
	struct depd *d;
	void (*f)(struct sup *s, struct unit *u, usec_t now);
	bool look; /* only whether all are there */
	struct err *err;
	unsigned n;
};

static bool on_room(void *ctx, const struct lyd_node *entry)
{
	struct each *e = ctx;
	const char *name = config_text(entry, NULL);
	struct unit *u = sup_find(&e->d->sup, name);

	e->n++;
	if (e->look && !u) {
		err_set(e->err, -ENOENT, "there is no room %.40s", name);
		err_mend(e->err, "dep status lists the rooms");
	} else if (!e->look) {
		e->f(&e->d->sup, u, clock_now());
	}
	return u != NULL;
}

static int for_rooms(struct depd *d, const struct lyd_node *input,
		     void (*f)(struct sup *s, struct unit *u, usec_t now), struct err *err)
{
	struct each e = {.d = d, .f = f, .look = true, .err = err};
	unsigned i;

	config_each(input, "room", on_room, &e);
	if (err->code != 0)
		return err->code;
	e.look = false;
	if (e.n > 0)
		config_each(input, "room", on_room, &e);
	else
		for (i = 0; i < d->sup.n; i++)
			f(&d->sup, &d->sup.unit[i], clock_now());
	return 0;
}

static int on_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		   struct err *err)
{
	struct depd *d = ctx;
	int rc = 0;

	if (d->ending)
		return err_set(err, -EBUSY, "depd is ending");
	if (strcmp(rpc, "start") == 0)
		rc = for_rooms(d, input, sup_up, err);
	else if (strcmp(rpc, "stop") == 0)
		rc = for_rooms(d, input, sup_down, err);
	else if (strcmp(rpc, "restart") == 0)
		rc = for_rooms(d, input, sup_restart, err);
	else
		depd_end(d);
	if (rc != 0)
		return rc;
	counter_reply(d->counter, call, NULL, NULL);
	depd_settle(d);
	return 0;
}

void serve_changed(struct depd *d, const struct unit *u)
{
	yyjson_mut_doc *doc;
	yyjson_mut_val *o;

	if (!d->counter || !counter_listened(d->counter))
		return;
	doc = yyjson_mut_doc_new(NULL);
	o = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_str(doc, o, "name", u->m->name);
	yyjson_mut_obj_add_str(doc, o, "state", unit_state_name(u->state));
	if (u->pid)
		yyjson_mut_obj_add_uint(doc, o, "pid", (uint64_t)u->pid);
	counter_event(d->counter, "room-changed", doc, o);
	yyjson_mut_doc_free(doc);
}

int serve_open(struct depd *d, struct err *err)
{
	struct counter_room room = {
		.name = "depd",
		.version = DEP_VERSION,
		.state = on_state,
		.call = on_call,
		.ctx = d,
	};
	struct config *empty;
	char path[256];

	d->schema = config_schema_new("depanneur-depd", depd_yang, err);
	if (!d->schema)
		return err->code;
	room.schema = d->schema;
	empty = config_parse(d->schema, "{}", 2, NULL, err);
	if (!empty)
		return err->code;
	snprintf(path, sizeof(path), "%s/depd.sock", d->o.run_dir);
	/* For root, or who started it: no room may steer others. */
	d->counter = counter_new(&d->loop, &room, path, (gid_t)-1, empty, err);
	return d->counter ? 0 : err->code;
}

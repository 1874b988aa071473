/* SPDX-License-Identifier: BSD-2-Clause */
/* DOC: the rooms behind the counter.
 *
 * Each room has a connection of its own, which is made again whenever it breaks. When it stands,
 * the room is asked for its modules (hello) and their sources (schema.get), and its events are
 * subscribed to; only then it counts as up. What a room said stays known while it is away: its part
 * of the configuration is still there, and cannot be changed.
 *
 * Changes of configuration run one after the other (rooms_op.c). In each, a room is old, new or
 * unknown: unknown is one that died, or did not answer, in the middle of a step. Such a room is
 * waited for and brought to the state that the outcome asks for, which is safe as what it is sent
 * says how things shall be, and not what to change. */
#include "proto/netops/rooms/rooms_priv.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Modules ---- */

static void modules_free(struct room_module *m, size_t n)
{
	size_t i;
	size_t k;

	for (i = 0; m && i < n; i++) {
		for (k = 0; m[i].features && k < m[i].n_features; k++)
			free(m[i].features[k]);
		free(m[i].features);
		free(m[i].name);
		free(m[i].revision);
		free(m[i].text);
	}
	free(m);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_module(const struct room_module *a, const struct room_module *b)
{
	size_t i;

	if (strcmp(a->name, b->name) != 0 || !same_text(a->revision, b->revision) ||
	    !same_text(a->text, b->text) || a->n_features != b->n_features ||
	    a->implemented != b->implemented || a->config != b->config)
		return false;
	for (i = 0; i < a->n_features; i++) {
		if (strcmp(a->features[i], b->features[i]) != 0)
			return false;
	}
	return true;
}

static bool same_modules(const struct room *room)
{
	size_t i;

	if (room->n_modules != room->n_next)
		return false;
	for (i = 0; i < room->n_modules; i++) {
		if (!same_module(&room->module[i], &room->next[i]))
			return false;
	}
	return true;
}

/* Whether an earlier room, or place of this one, has given the module already. */
static bool given(const struct rooms *r, size_t n, const struct room_module *m)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct schema_module *f = &r->flat[i];

		if (strcmp(f->name, m->name) != 0)
			continue;
		if (m->implemented || same_text(f->revision, m->revision))
			return true;
	}
	return false;
}

static void add_flat(struct rooms *r, const struct room *room, const struct room_module *m)
{
	struct schema_module *f;

	if (given(r, r->n_flat, m))
		return;
	f = &r->flat[r->n_flat++];
	*f = (struct schema_module){
		.name = m->name,
		.revision = m->revision,
		.text = m->text,
		.features = (const char *const *)m->features,
		.implemented = m->implemented,
	};
	snprintf(f->room, sizeof(f->room), "%s", room->name);
}

static int flatten(struct rooms *r)
{
	size_t total = 0;
	size_t i;
	size_t k;

	for (i = 0; i < r->n; i++)
		total += r->room[i].n_modules;
	free(r->flat);
	r->n_flat = 0;
	r->flat = calloc(total ? total : 1, sizeof(*r->flat));
	if (!r->flat)
		return -ENOMEM;
	/* Of one name the first counts: those that are implemented come before those only imported.
	 */
	for (i = 0; i < 2 * r->n; i++) {
		const struct room *room = &r->room[i % r->n];

		for (k = 0; k < room->n_modules; k++) {
			if (room->module[k].implemented == (i < r->n))
				add_flat(r, room, &room->module[k]);
		}
	}
	return 0;
}

const struct schema_module *rooms_modules(const struct rooms *r, size_t *n)
{
	*n = r->n_flat;
	return r->flat;
}

/* ---- Finding ---- */

struct room *rooms_find(struct rooms *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (strcmp(r->room[i].name, name) == 0)
			return &r->room[i];
	}
	return NULL;
}

struct room *rooms_of_module(struct rooms *r, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < r->n_flat; i++) {
		const struct schema_module *f = &r->flat[i];

		if (f->implemented && strncmp(f->name, name, n) == 0 && f->name[n] == '\0')
			return rooms_find(r, f->room);
	}
	return NULL;
}

struct room *rooms_of_path(struct rooms *r, const char *path)
{
	struct room *found = NULL;
	const char *p = path;

	while (*p) {
		size_t n = strcspn(++p, ":/[");
		struct room *room = p[n] == ':' ? rooms_of_module(r, p, n) : NULL;

		if (room)
			found = room;
		p += n;
		/* Over the rest of the step; keys may hold any character between their quotes. */
		while (*p && *p != '/') {
			const char *end = *p == '\'' || *p == '"' ? strchr(p + 1, *p) : NULL;

			p = end ? end + 1 : p + 1;
		}
	}
	return found;
}

bool room_is_sys(const struct room *room)
{
	return strcmp(room->name, "sys") == 0;
}

bool room_is_there(const struct room *room)
{
	return room->up && counter_link_is_alive(room->link);
}

bool rooms_is_up(const struct rooms *r, const char *name)
{
	const struct room *room = rooms_find((struct rooms *)r, name);

	return room && room->up;
}

/* ---- Errors ---- */

static enum neterr_code code_of(int code, const char **tag)
{
	*tag = "operation-failed";
	switch (code) {
	case -ENOTCONN:
	case -EPIPE:
	case -ECANCELED:
		return NETERR_UNREACHABLE;
	case -ETIMEDOUT:
		return NETERR_TIMEOUT;
	case -ENOMEM:
	case -ENOBUFS:
		*tag = "resource-denied";
		return NETERR_INTERNAL;
	case -E2BIG:
		*tag = "too-big";
		return NETERR_CONFIG_INCOMPATIBLE;
	case -ENOTSUP:
		*tag = "operation-not-supported";
		return NETERR_CONFIG_INCOMPATIBLE;
	default:
		return NETERR_CONFIG_INCOMPATIBLE;
	}
}

int room_error(struct neterr *e, const struct room *room, const struct err *err)
{
	const char *tag;
	enum neterr_code code = code_of(err->code, &tag);
	yyjson_mut_val *data;

	neterr_set(e, code, tag, "room %s: %s", room->name, err->what);
	err_where(&e->err, "%s", err->where);
	err_mend(&e->err, "%s", err->mend);
	data = neterr_data(e);
	if (data)
		yyjson_mut_obj_add_strcpy(e->data, data, "room", room->name);
	return (int)code;
}

int room_away(struct neterr *e, const struct room *room)
{
	struct err err;

	err_set(&err, -ENOTCONN, "it is not there");
	err_mend(&err, "start it, or look at its log for why it ended");
	return room_error(e, room, &err);
}

/* ---- Up and down ---- */

static void check_ready(struct rooms *r, bool late)
{
	size_t i;

	for (i = 0; i < r->n && !late; i++) {
		if (!r->room[i].up)
			return;
	}
	if (r->started || !r->ready)
		return;
	r->started = true;
	uv_timer_stop(r->wait);
	r->ready(r->ready_ctx);
}

/* Hello and sources are there. */
static void come_up(struct room *room)
{
	struct rooms *r = room->rooms;
	bool changed = !same_modules(room);

	if (changed) {
		modules_free(room->module, room->n_modules);
		room->module = room->next;
		room->n_modules = room->n_next;
		if (flatten(r) != 0)
			log_error("no memory for the modules of a room",
				  LOG_TEXT("room", room->name));
	} else {
		modules_free(room->next, room->n_next);
	}
	room->next = NULL;
	room->n_next = 0;
	room->up = true;
	room->epoch++;
	log_info("room is there", LOG_TEXT("room", room->name));
	if (changed && r->started && r->env.modules_changed)
		r->env.modules_changed(r->env.ctx);
	ops_room(r, room);
	if (r->env.up)
		r->env.up(r->env.ctx, room->name, true);
	check_ready(r, false);
}

/* What it says makes no sense, or it does not answer: connect again. */
static void give_up(struct room *room, const struct err *err)
{
	log_warning("room does not say what it is", LOG_TEXT("room", room->name),
		    LOG_TEXT("why", err->what));
	counter_link_drop(room->link, err);
}

static void fetch_next(struct room *room);

static void on_source(void *ctx, yyjson_val *result, const struct err *err)
{
	struct room *room = ctx;
	const char *text = yyjson_get_str(yyjson_obj_get(result, "text"));

	if (room->rooms->closing || !room->next)
		return;
	/* A room without the source says so; it is for the schema then to know the module. */
	if (err && err->code != -EREMOTEIO) {
		if (counter_link_is_up(room->link))
			give_up(room, err);
		return;
	}
	if (text)
		room->next[room->fetched].text = strdup(text);
	room->fetched++;
	fetch_next(room);
}

static void fetch_next(struct room *room)
{
	yyjson_mut_doc *doc;
	yyjson_mut_val *params;
	const struct room_module *m;
	struct err err;
	int rc;

	if (room->fetched == room->n_next) {
		come_up(room);
		return;
	}
	m = &room->next[room->fetched];
	doc = yyjson_mut_doc_new(NULL);
	params = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_str(doc, params, "module", m->name);
	if (m->revision)
		yyjson_mut_obj_add_str(doc, params, "revision", m->revision);
	rc = counter_link_request(room->link, "schema.get", doc, params, HELLO_MS, on_source, room,
				  &err);
	yyjson_mut_doc_free(doc);
	if (rc != 0)
		give_up(room, &err);
}

static int read_module(struct room_module *m, yyjson_val *v)
{
	const char *name = yyjson_get_str(yyjson_obj_get(v, "name"));
	const char *revision = yyjson_get_str(yyjson_obj_get(v, "revision"));
	yyjson_val *features = yyjson_obj_get(v, "features");
	size_t n = yyjson_arr_size(features);
	size_t i;

	if (!name || !*name || n > ROOM_FEATURES_MAX)
		return -EINVAL;
	m->implemented = yyjson_is_true(yyjson_obj_get(v, "implemented"));
	m->config = yyjson_is_true(yyjson_obj_get(v, "config"));
	m->name = strdup(name);
	m->revision = revision && *revision ? strdup(revision) : NULL;
	m->features = calloc(n + 1, sizeof(*m->features));
	if (!m->name || !m->features)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		const char *text = yyjson_get_str(yyjson_arr_get(features, i));

		if (!text)
			return -EINVAL;
		m->features[m->n_features++] = strdup(text);
	}
	return 0;
}

static int read_hello(struct room *room, yyjson_val *result, struct err *err)
{
	const char *name = yyjson_get_str(yyjson_obj_get(result, "room"));
	yyjson_val *list = yyjson_obj_get(result, "modules");
	size_t n = yyjson_arr_size(list);
	size_t i;
	int rc = 0;

	if (!name || strcmp(name, room->name) != 0)
		return err_set(err, -EINVAL, "it says that it is room %.40s", name ? name : "?");
	room->max_line = yyjson_get_uint(yyjson_obj_get(result, "max_line"));
	if (room->max_line < 1024 || room->max_line > COUNTER_LINE_LIMIT)
		room->max_line = COUNTER_MAX_LINE;
	if (n > ROOM_MODULES_MAX)
		return err_set(err, -E2BIG, "it lists more than %d modules", ROOM_MODULES_MAX);
	modules_free(room->next, room->n_next);
	room->fetched = 0;
	room->n_next = n;
	room->next = calloc(n ? n : 1, sizeof(*room->next));
	if (!room->next)
		return err_set(err, -ENOMEM, "no memory for its modules");
	for (i = 0; i < n && rc == 0; i++)
		rc = read_module(&room->next[i], yyjson_arr_get(list, i));
	return rc == 0 ? 0 : err_set(err, rc, "hello lists a module that makes no sense");
}

static void on_hello(void *ctx, yyjson_val *result, const struct err *err)
{
	struct room *room = ctx;
	struct err why;

	if (room->rooms->closing || (err && !counter_link_is_up(room->link)))
		return;
	if (err)
		give_up(room, err);
	else if (read_hello(room, result, &why) != 0)
		give_up(room, &why);
	else
		fetch_next(room);
}

static void on_subscribed(void *ctx, yyjson_val *result, const struct err *err)
{
	struct room *room = ctx;

	if (err && !room->rooms->closing && counter_link_is_up(room->link))
		give_up(room, err);
}

static void on_link_up(void *ctx)
{
	struct room *room = ctx;
	struct err err;

	room->lost = 0;
	if (counter_link_request(room->link, "subscribe", NULL, NULL, HELLO_MS, on_subscribed, room,
				 &err) != 0 ||
	    counter_link_request(room->link, "hello", NULL, NULL, HELLO_MS, on_hello, room, &err) !=
		    0)
		give_up(room, &err);
}

static void on_link_down(void *ctx, const struct err *why)
{
	struct room *room = ctx;
	struct rooms *r = room->rooms;
	bool was = room->up;

	room->up = false;
	modules_free(room->next, room->n_next);
	room->next = NULL;
	room->n_next = 0;
	if (!was || r->closing)
		return;
	log_warning("room is gone", LOG_TEXT("room", room->name), LOG_TEXT("why", why->what));
	ops_room(r, room);
	if (r->env.up)
		r->env.up(r->env.ctx, room->name, false);
}

static void on_link_event(void *ctx, yyjson_val *params)
{
	struct room *room = ctx;
	const struct rooms_env *env = &room->rooms->env;
	const char *path = yyjson_get_str(yyjson_obj_get(params, "path"));
	yyjson_val *data = yyjson_obj_get(params, "data");
	uint64_t lost = yyjson_get_uint(yyjson_obj_get(params, "lost"));

	if (!env->event || room->rooms->closing)
		return;
	if (lost > room->lost) {
		room->lost = lost;
		env->event(env->ctx, room->name, "/", NULL);
	}
	if (path)
		env->event(env->ctx, room->name, path,
			   data ? data : yyjson_obj_get(params, "changes"));
}

/* ---- Calls ---- */

struct call {
	struct room *room;
	void (*f)(void *ctx, yyjson_val *output, struct neterr *e);
	void *ctx;
};

static void on_called(void *ctx, yyjson_val *result, const struct err *err)
{
	struct call *c = ctx;
	struct neterr e = {0};

	if (err)
		room_error(&e, c->room, err);
	c->f(c->ctx, err ? NULL : yyjson_obj_get(result, "output"), err ? &e : NULL);
	neterr_clear(&e);
	free(c);
}

static yyjson_mut_val *call_params(yyjson_mut_doc *out, const char *rpc, yyjson_mut_val *input)
{
	yyjson_mut_val *params = yyjson_mut_obj(out);
	yyjson_mut_obj_iter it;
	yyjson_mut_val *key;

	yyjson_mut_obj_add_strcpy(out, params, "rpc", rpc);
	if (!input)
		return params;
	/* The counter takes what is below {"module:rpc": …}. */
	yyjson_mut_obj_iter_init(input, &it);
	key = yyjson_mut_obj_iter_next(&it);
	if (key)
		yyjson_mut_obj_add_val(
			out, params, "input",
			yyjson_mut_val_mut_copy(out, yyjson_mut_obj_iter_get_val(key)));
	return params;
}

void rooms_call(struct rooms *r, const char *name, const char *rpc, yyjson_mut_doc *doc,
		yyjson_mut_val *input, unsigned timeout_ms,
		void (*f)(void *ctx, yyjson_val *output, struct neterr *e), void *ctx)
{
	struct room *room = rooms_find(r, name);
	struct call *c = calloc(1, sizeof(*c));
	yyjson_mut_doc *out = yyjson_mut_doc_new(NULL);
	struct neterr e = {0};
	struct err err;
	int rc = -ENOMEM;

	err_set(&err, rc, "no memory for a call");
	if (c && out && room && room->up) {
		*c = (struct call){.room = room, .f = f, .ctx = ctx};
		rc = counter_link_request(room->link, "call", out, call_params(out, rpc, input),
					  timeout_ms ? (int)timeout_ms : -1, on_called, c, &err);
	}
	yyjson_mut_doc_free(out);
	if (rc == 0)
		return;
	free(c);
	if (!room)
		neterr_set(&e, NETERR_UNREACHABLE, "operation-failed", "there is no room %.31s",
			   name);
	else if (!room->up)
		room_away(&e, room);
	else
		room_error(&e, room, &err);
	f(ctx, NULL, &e);
	neterr_clear(&e);
}

/* ---- Beginning and end ---- */

static void on_timer_closed(uv_handle_t *h)
{
	free(h);
}

struct rooms *rooms_new(uv_loop_t *loop, const char *dir, const char *const *names,
			const struct rooms_env *env)
{
	struct rooms *r = calloc(1, sizeof(*r));
	struct counter_link_env link_env = {on_link_up, on_link_down, on_link_event, NULL};
	char path[256];

	if (r)
		r->wait = calloc(1, sizeof(*r->wait));
	if (!r || !r->wait) {
		free(r);
		return NULL;
	}
	r->loop = loop;
	r->env = *env;
	list_init(&r->ops);
	uv_timer_init(loop, r->wait);
	r->wait->data = r;
	for (; *names && r->n < ROOMS_MAX; names++) {
		struct room *room = &r->room[r->n];

		snprintf(path, sizeof(path), "%s/%s.sock", dir, *names);
		room->rooms = r;
		snprintf(room->name, sizeof(room->name), "%s", *names);
		link_env.ctx = room;
		room->link = counter_link_new(loop, path, &link_env, NULL);
		if (!room->link)
			break;
		r->n++;
	}
	if (!*names)
		return r;
	rooms_free(r);
	return NULL;
}

void rooms_free(struct rooms *r)
{
	size_t i;

	if (!r)
		return;
	r->closing = true;
	for (i = 0; i < r->n; i++)
		counter_link_close(r->room[i].link);
	ops_cancel(r);
	for (i = 0; i < r->n; i++) {
		modules_free(r->room[i].module, r->room[i].n_modules);
		modules_free(r->room[i].next, r->room[i].n_next);
	}
	uv_close((uv_handle_t *)r->wait, on_timer_closed);
	free(r->flat);
	free(r);
}

static void on_waited(uv_timer_t *timer)
{
	check_ready(timer->data, true);
}

void rooms_start(struct rooms *r, unsigned wait_ms, void (*ready)(void *ctx), void *ctx)
{
	r->ready = ready;
	r->ready_ctx = ctx;
	uv_update_time(r->loop);
	uv_timer_start(r->wait, on_waited, r->n > 0 ? wait_ms : 0, 0);
}

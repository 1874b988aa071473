/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter's methods: one line in, one answer out. What must be done with sockets is in counter.c. */
#include "base/counter_priv.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFERRED 1 /* a method's return: the answer comes later */

struct request {
	struct peer *peer;
	yyjson_val *id; /* NULL: nobody waits for an answer */
	yyjson_val *params; /* an object, or NULL */
	yyjson_mut_doc *doc; /* of the answer */
	yyjson_mut_val *result; /* an object of doc, to fill */
	int code; /* of the answer where the method fails */
};

static yyjson_val *param(const struct request *r, const char *name)
{
	return yyjson_obj_get(r->params, name);
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

static yyjson_mut_val *envelope(yyjson_mut_doc *doc)
{
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "jsonrpc", "2.0");
	return root;
}

static void send_doc(struct peer *p, yyjson_mut_doc *doc)
{
	static const char none[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,\"message\":\"no memory\"}}";
	size_t n;
	char *text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, &n);

	if (text)
		peer_send(p, text, n);
	else
		peer_send(p, none, sizeof(none) - 1);
	free(text);
}

static void add_error(yyjson_mut_doc *doc, yyjson_mut_val *root, int code, const struct err *err)
{
	yyjson_mut_val *e = json_add_obj(doc, root, "error");
	yyjson_mut_val *data;

	yyjson_mut_obj_add_int(doc, e, "code", code);
	yyjson_mut_obj_add_strcpy(doc, e, "message", err->what);
	data = json_add_obj(doc, e, "data");
	yyjson_mut_obj_add_strcpy(doc, data, "what", err->what);
	yyjson_mut_obj_add_strcpy(doc, data, "where", err->where);
	yyjson_mut_obj_add_strcpy(doc, data, "mend", err->mend);
}

void counter_send_error(struct peer *p, yyjson_val *id, int code, const struct err *err)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = envelope(doc);

	yyjson_mut_obj_add_val(doc, root, "id", id ? yyjson_val_mut_copy(doc, id) : yyjson_mut_null(doc));
	add_error(doc, root, code, err);
	send_doc(p, doc);
	yyjson_mut_doc_free(doc);
}

/* --- methods that read --------------------------------------------------------------------------------------------- */

static int do_hello(struct counter *c, struct request *r, struct err *err)
{
	const char *const *cap = c->room.capabilities;
	yyjson_mut_val *list;
	yyjson_mut_val *m;

	yyjson_mut_obj_add_str(r->doc, r->result, "room", c->room.name);
	yyjson_mut_obj_add_str(r->doc, r->result, "version", c->room.version);
	yyjson_mut_obj_add_uint(r->doc, r->result, "pid", (uint64_t)getpid());
	list = json_add_arr(r->doc, r->result, "modules");
	m = yyjson_mut_arr_add_obj(r->doc, list);
	yyjson_mut_obj_add_str(r->doc, m, "name", config_schema_name(c->room.schema));
	yyjson_mut_obj_add_str(r->doc, m, "revision", config_schema_revision(c->room.schema));
	list = json_add_arr(r->doc, r->result, "capabilities");
	for (; cap && *cap; cap++)
		yyjson_mut_arr_add_str(r->doc, list, *cap);
	return 0;
}

static int do_config_get(struct counter *c, struct request *r, struct err *err)
{
	char *text = config_print(c->running, yyjson_is_true(param(r, "defaults")));

	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	yyjson_mut_obj_add_val(r->doc, r->result, "config", yyjson_mut_rawcpy(r->doc, text));
	free(text);
	return 0;
}

static int get_state_path(struct counter *c, struct request *r, struct state_path *path, struct err *err)
{
	yyjson_val *v = param(r, "path");
	const char *text = v ? yyjson_get_str(v) : "/";
	const struct ly_ctx *ctx = config_schema_ctx(c->room.schema);

	r->code = RPC_PARAMS;
	if (!text || strlen(text) != (v ? yyjson_get_len(v) : 1))
		return err_set(err, -EINVAL, "path is not a text");
	return state_path_parse(path, ctx, ly_ctx_get_module_implemented(ctx, config_schema_name(c->room.schema)), text,
				err);
}

static int do_state_get(struct counter *c, struct request *r, struct err *err)
{
	yyjson_val *depth = param(r, "depth");
	struct state_path path;
	int rc = get_state_path(c, r, &path, err);

	if (rc != 0)
		return rc;
	if (depth && !(yyjson_is_uint(depth) && yyjson_get_uint(depth) <= 1000))
		return err_set(err, -EINVAL, "depth is not a number from 0 to 1000");
	r->code = RPC_REFUSED;
	rc = c->room.state(c->room.ctx, path.text, r->doc, r->result, err);
	if (rc == 0)
		state_path_cut(&path, config_schema_ctx(c->room.schema), r->result, (unsigned)yyjson_get_uint(depth));
	return rc;
}

static int do_metrics(struct counter *c, struct request *r, struct err *err)
{
	struct buf text;
	int rc = 0;

	buf_init(&text, &c->alloc);
	if (c->room.metrics)
		c->room.metrics(c->room.ctx, &text);
	if (text.failed || !yyjson_mut_obj_add_strncpy(r->doc, r->result, "text", text.n ? (char *)text.p : "", text.n))
		rc = err_set(err, -ENOMEM, "no memory");
	buf_free(&text);
	return rc;
}

/* --- methods that change ------------------------------------------------------------------------------------------- */

/* The configuration in params. NULL and err. */
static struct config *get_config(struct counter *c, struct request *r, struct err *err)
{
	yyjson_val *v = param(r, "config");
	struct config *config;
	char *text;
	size_t n;

	r->code = RPC_PARAMS;
	if (!yyjson_is_obj(v)) {
		err_set(err, -EINVAL, "params have no config object");
		err_mend(err, "send {\"config\": {…}}, whole, in RFC 7951 JSON");
		return NULL;
	}
	text = yyjson_val_write(v, YYJSON_WRITE_NOFLAG, &n);
	if (!text) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	r->code = RPC_REFUSED;
	config = config_parse(c->room.schema, text, n, NULL, err);
	free(text);
	return config;
}

yyjson_mut_val *counter_changes(yyjson_mut_doc *doc, const struct config_diff *diff)
{
	yyjson_mut_val *list = yyjson_mut_arr(doc);
	size_t i;

	for (i = 0; i < diff->n; i++) {
		const struct config_change *ch = &diff->change[i];
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

		yyjson_mut_obj_add_str(doc, o, "op", config_op_name(ch->op));
		yyjson_mut_obj_add_strcpy(doc, o, "path", ch->path);
		if (ch->old)
			yyjson_mut_obj_add_strcpy(doc, o, "old", ch->old);
		if (ch->new)
			yyjson_mut_obj_add_strcpy(doc, o, "new", ch->new);
	}
	return list;
}

static int do_config_validate(struct counter *c, struct request *r, struct err *err)
{
	struct config *to = get_config(c, r, err);
	struct config_diff diff;

	if (!to)
		return -EINVAL;
	if (config_diff(c->running, to, &diff) != 0) {
		config_free(to);
		return err_set(err, -ENOMEM, "cannot compare the configurations");
	}
	yyjson_mut_obj_add_val(r->doc, r->result, "changes", counter_changes(r->doc, &diff));
	config_diff_free(&diff);
	config_free(to);
	return 0;
}

static int ask_room(struct counter *c, const struct config *to, const struct config_diff *diff, bool dry_run,
		    struct err *err)
{
	if (diff->n == 0)
		return 0;
	if (!c->room.apply) {
		err_set(err, -EPERM, "the configuration cannot be changed while %s runs", c->room.name);
		err_mend(err, "change its file and start it again");
		return -EPERM;
	}
	return c->room.apply(c->room.ctx, to, diff, dry_run, err);
}

/* Takes `to` over. diff is what it changes, for the caller to free, where 0 is returned. */
static int take_config(struct counter *c, struct config *to, bool dry_run, struct config_diff *diff, struct err *err)
{
	int rc = config_diff(c->running, to, diff);

	if (rc != 0) {
		config_free(to);
		return err_set(err, rc, "cannot compare the configurations");
	}
	rc = ask_room(c, to, diff, dry_run, err);
	if (rc != 0)
		config_diff_free(diff);
	if (rc != 0 || dry_run) {
		config_free(to);
		return rc;
	}
	config_free(c->running);
	c->running = to;
	if (diff->n > 0)
		counter_event_config(c, diff);
	return 0;
}

int counter_apply(struct counter *c, struct config *to, struct err *err)
{
	struct config_diff diff;
	int rc = take_config(c, to, false, &diff, err);

	if (rc == 0)
		config_diff_free(&diff);
	return rc;
}

static int do_config_apply(struct counter *c, struct request *r, struct err *err)
{
	yyjson_val *v = param(r, "dry_run");
	bool dry_run = yyjson_is_true(v);
	struct config_diff diff;
	struct config *to;
	int rc;

	if (v && !yyjson_is_bool(v)) {
		r->code = RPC_PARAMS;
		return err_set(err, -EINVAL, "dry_run is not true or false");
	}
	to = get_config(c, r, err);
	if (!to)
		return -EINVAL;
	rc = take_config(c, to, dry_run, &diff, err);
	if (rc != 0)
		return rc;
	yyjson_mut_obj_add_val(r->doc, r->result, "changes", counter_changes(r->doc, &diff));
	yyjson_mut_obj_add_bool(r->doc, r->result, "applied", !dry_run);
	config_diff_free(&diff);
	return 0;
}

/* --- calls --------------------------------------------------------------------------------------------------------- */

/* The schema node of an rpc named "trace" or "kira:trace", or NULL and err. */
static const struct lysc_node *find_rpc(struct counter *c, const char *name, struct err *err)
{
	const struct ly_ctx *ctx = config_schema_ctx(c->room.schema);
	const char *module = config_schema_name(c->room.schema);
	const struct lys_module *m = ly_ctx_get_module_implemented(ctx, module);
	const struct lysc_node *rpc;
	const char *colon = strchr(name, ':');
	char known[128] = "";
	size_t at = 0;

	if (colon && (size_t)(colon - name) == strlen(module) && strncmp(name, module, strlen(module)) == 0)
		name = colon + 1;
	LY_LIST_FOR((const struct lysc_node *)m->compiled->rpcs, rpc)
	{
		if (strcmp(rpc->name, name) == 0)
			return rpc;
		if (at < sizeof(known))
			at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", at ? ", " : "", rpc->name);
	}
	err_set(err, -ENOENT, "%s has no rpc %.60s", c->room.name, name);
	err_mend(err, known[0] ? "there is: %s" : "it has none%s", known);
	return NULL;
}

/* Input as JSON text {"kira:trace": input}. */
static char *wrap_input(const struct lysc_node *rpc, yyjson_val *input, size_t *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char *text = NULL;
	char name[160];

	snprintf(name, sizeof(name), "%s:%s", rpc->module->name, rpc->name);
	yyjson_mut_doc_set_root(doc, root);
	if (yyjson_mut_obj_add_val(doc, root, name, input ? yyjson_val_mut_copy(doc, input) : yyjson_mut_obj(doc)))
		text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, n);
	yyjson_mut_doc_free(doc);
	return text;
}

static struct pending *take_pending(struct counter *c)
{
	unsigned i;

	for (i = 0; i < COUNTER_MAX_CALLS; i++) {
		if (c->pending[i].call == 0) {
			c->pending[i] = (struct pending){.call = ++c->last_call};
			return &c->pending[i];
		}
	}
	return NULL;
}

static struct pending *find_pending(struct counter *c, uint64_t call)
{
	unsigned i;

	for (i = 0; call != 0 && i < COUNTER_MAX_CALLS; i++) {
		if (c->pending[i].call == call)
			return &c->pending[i];
	}
	return NULL;
}

void counter_forget(struct counter *c, const struct peer *p)
{
	unsigned i;

	for (i = 0; i < COUNTER_MAX_CALLS; i++) {
		if (c->pending[i].peer == p)
			c->pending[i] = (struct pending){0};
	}
}

static int keep_id(struct pending *w, yyjson_val *id)
{
	char *text;
	size_t n;

	if (!id)
		return 0;
	text = yyjson_val_write(id, YYJSON_WRITE_NOFLAG, &n);
	if (!text || n >= sizeof(w->id)) {
		free(text);
		return -EINVAL;
	}
	memcpy(w->id, text, n + 1);
	free(text);
	return 0;
}

static int begin_call(struct counter *c, struct request *r, const struct lysc_node *rpc, const struct lyd_node *input,
		      struct err *err)
{
	struct pending *w = take_pending(c);
	uint64_t call;
	int rc;

	if (!w) {
		err_set(err, -EBUSY, "%d calls are under way", COUNTER_MAX_CALLS);
		err_mend(err, "call again when they are answered");
		return -EBUSY;
	}
	call = w->call;
	w->peer = r->peer;
	w->rpc = rpc;
	if (keep_id(w, r->id) != 0) {
		*w = (struct pending){0};
		return err_set(err, -EINVAL, "the id is longer than %d bytes", COUNTER_MAX_ID);
	}
	rc = c->room.call(c->room.ctx, call, rpc->name, input, err);
	if (rc == 0)
		return DEFERRED;
	w = find_pending(c, call);
	if (!w)
		return DEFERRED;
	*w = (struct pending){0};
	return rc;
}

static int do_call(struct counter *c, struct request *r, struct err *err)
{
	const char *name = yyjson_get_str(param(r, "rpc"));
	yyjson_val *in = param(r, "input");
	const struct lysc_node *rpc;
	struct lyd_node *input;
	char *text;
	size_t n;
	int rc;

	r->code = RPC_PARAMS;
	if (!name || (in && !yyjson_is_obj(in))) {
		err_set(err, -EINVAL, name ? "input is not an object" : "params have no rpc");
		err_mend(err, "send {\"rpc\": \"name\", \"input\": {…}}");
		return -EINVAL;
	}
	rpc = find_rpc(c, name, err);
	if (!rpc || !c->room.call)
		return rpc ? err_set(err, -ENOSYS, "%s has no rpc", c->room.name) : -ENOENT;
	text = wrap_input(rpc, in, &n);
	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	input = config_rpc_input(c->room.schema, text, n, err);
	free(text);
	if (!input)
		return -EINVAL;
	r->code = RPC_REFUSED;
	rc = begin_call(c, r, rpc, input, err);
	lyd_free_all(input);
	return rc;
}

/* The answer of a call: its id, and output or err. */
static void answer(struct counter *c, uint64_t call, yyjson_mut_val *output, const struct err *err)
{
	struct pending *w = find_pending(c, call);
	yyjson_mut_doc *doc;
	yyjson_mut_val *root;
	yyjson_mut_val *result;
	struct peer *p;

	if (!w)
		return;
	p = w->peer;
	if (w->id[0]) {
		doc = yyjson_mut_doc_new(NULL);
		root = envelope(doc);
		yyjson_mut_obj_add_val(doc, root, "id", yyjson_mut_rawcpy(doc, w->id));
		if (err) {
			add_error(doc, root, RPC_REFUSED, err);
		} else {
			result = json_add_obj(doc, root, "result");
			yyjson_mut_obj_add_val(doc, result, "output",
					       output ? yyjson_mut_val_mut_copy(doc, output) : yyjson_mut_obj(doc));
		}
		send_doc(p, doc);
		yyjson_mut_doc_free(doc);
	}
	w = find_pending(c, call);
	if (w)
		*w = (struct pending){0};
}

void counter_reply(struct counter *c, uint64_t call, yyjson_mut_doc *doc, yyjson_mut_val *output)
{
	answer(c, call, output, NULL);
}

void counter_fail(struct counter *c, uint64_t call, const struct err *err)
{
	answer(c, call, NULL, err);
}

/* --- events -------------------------------------------------------------------------------------------------------- */

/* Whether events of this path exist: everything, a notification, or the top of the configuration. */
static bool event_path_exists(struct counter *c, const char *path)
{
	const char *module = config_schema_name(c->room.schema);
	const struct lys_module *m = ly_ctx_get_module_implemented(config_schema_ctx(c->room.schema), module);
	size_t n = strlen(module);
	const struct lysc_node *node;

	if (strcmp(path, "/") == 0)
		return true;
	if (path[0] != '/' || strncmp(path + 1, module, n) != 0 || path[n + 1] != ':')
		return false;
	LY_LIST_FOR((const struct lysc_node *)m->compiled->notifs, node)
	{
		if (strcmp(node->name, path + n + 2) == 0)
			return true;
	}
	return lys_find_child(NULL, m, path + n + 2, 0, LYS_CONTAINER, 0) != NULL;
}

static int do_subscribe(struct counter *c, struct request *r, struct err *err)
{
	yyjson_val *v = param(r, "path");
	const char *path = v ? yyjson_get_str(v) : "/";
	char *copy;

	if (!path || !event_path_exists(c, path)) {
		r->code = RPC_PARAMS;
		err_set(err, -EINVAL, "no events come from there");
		err_where(err, "path %.100s", path ? path : "");
		err_mend(err, "name a notification of module %s, or / for all", config_schema_name(c->room.schema));
		return -EINVAL;
	}
	copy = strdup(path);
	if (!copy)
		return err_set(err, -ENOMEM, "no memory");
	free(r->peer->subscribed);
	r->peer->subscribed = copy;
	yyjson_mut_obj_add_strcpy(r->doc, r->result, "path", path);
	return 0;
}

static int do_unsubscribe(struct counter *c, struct request *r, struct err *err)
{
	free(r->peer->subscribed);
	r->peer->subscribed = NULL;
	return 0;
}

static void send_event(struct peer *p, const char *params, size_t n)
{
	struct buf line;

	buf_init(&line, &p->counter->alloc);
	/* params is an object whose last brace makes room for the one member that differs by client. */
	buf_printf(&line, "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":");
	buf_bytes(&line, params, n - 1);
	buf_printf(&line, "%s\"lost\":%" PRIu64 "}}", n > 2 ? "," : "", p->lost);
	if (!line.failed) {
		p->lost_told = p->lost;
		peer_send(p, (const char *)line.p, line.n);
	}
	buf_free(&line);
}

void counter_tell_lost(struct peer *p)
{
	if (p->lost != p->lost_told && p->subscribed)
		send_event(p, "{}", 2);
}

bool counter_listened(const struct counter *c)
{
	list_each(it, &c->peers) {
		const struct peer *p = container_of(it, struct peer, at);

		if (p->subscribed && p->open)
			return true;
	}
	return false;
}

/* To all who want events of path. doc's root is {path, time, …}. */
static void publish(struct counter *c, const char *path, yyjson_mut_doc *doc)
{
	size_t n;
	char *params = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, &n);

	list_each_safe(it, &c->peers) {
		struct peer *p = container_of(it, struct peer, at);

		if (!p->open || !p->subscribed || !(strcmp(p->subscribed, "/") == 0 || strcmp(p->subscribed, path) == 0))
			continue;
		if (!params || peer_queued(p) + n > COUNTER_MAX_EVENTS)
			p->lost++;
		else
			send_event(p, params, n);
	}
	free(params);
}

static yyjson_mut_val *event_root(yyjson_mut_doc *doc, const char *path)
{
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	struct timespec ts;
	char text[24];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof(text), "%FT%T", &tm);
	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_strcpy(doc, root, "path", path);
	json_add_text(doc, root, "time", "%s.%03ldZ", text, ts.tv_nsec / 1000000);
	return root;
}

void counter_event(struct counter *c, const char *name, yyjson_mut_doc *content_doc, yyjson_mut_val *content)
{
	yyjson_mut_doc *doc;
	yyjson_mut_val *data;
	char path[160];

	if (!counter_listened(c))
		return;
	snprintf(path, sizeof(path), "/%s:%s", config_schema_name(c->room.schema), name);
	doc = yyjson_mut_doc_new(NULL);
	data = json_add_obj(doc, event_root(doc, path), "data");
	yyjson_mut_obj_add_val(doc, data, path + 1,
			       content ? yyjson_mut_val_mut_copy(doc, content) : yyjson_mut_obj(doc));
	publish(c, path, doc);
	yyjson_mut_doc_free(doc);
}

void counter_event_config(struct counter *c, const struct config_diff *diff)
{
	const struct lyd_node *tree = config_tree(c->running);
	yyjson_mut_doc *doc;
	char path[160];

	if (!counter_listened(c) || !tree)
		return;
	snprintf(path, sizeof(path), "/%s:%s", tree->schema->module->name, tree->schema->name);
	doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_obj_add_val(doc, event_root(doc, path), "changes", counter_changes(doc, diff));
	publish(c, path, doc);
	yyjson_mut_doc_free(doc);
}

/* --- one line ------------------------------------------------------------------------------------------------------- */

static const struct method {
	const char *name;
	const char *params; /* names it takes, each followed by a space */
	int (*run)(struct counter *c, struct request *r, struct err *err);
} methods[] = {
	{"hello", "", do_hello},
	{"config.get", "defaults ", do_config_get},
	{"config.validate", "config ", do_config_validate},
	{"config.apply", "config dry_run ", do_config_apply},
	{"state.get", "path depth ", do_state_get},
	{"call", "rpc input ", do_call},
	{"subscribe", "path ", do_subscribe},
	{"unsubscribe", "", do_unsubscribe},
	{"metrics", "", do_metrics},
};

static const struct method *find_method(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	}
	return NULL;
}

/* A misspelt parameter must not be taken for one that is absent. */
static int check_params(const struct method *m, yyjson_val *params, struct err *err)
{
	yyjson_obj_iter it;
	yyjson_val *key;

	if (!params)
		return 0;
	if (!yyjson_is_obj(params))
		return err_set(err, -EINVAL, "params are not an object");
	yyjson_obj_iter_init(params, &it);
	while ((key = yyjson_obj_iter_next(&it))) {
		const char *name = yyjson_get_str(key);
		const char *at = strstr(m->params, name);
		size_t n = strlen(name);

		if (n > 0 && at && at[n] == ' ' && (at == m->params || at[-1] == ' '))
			continue;
		err_set(err, -EINVAL, "%s takes no parameter %.40s", m->name, name);
		err_mend(err, m->params[0] ? "it takes: %s" : "it takes none%s", m->params);
		return -EINVAL;
	}
	return 0;
}

static void run(struct counter *c, struct peer *p, const struct method *m, yyjson_val *id, yyjson_val *params)
{
	struct request r = {.peer = p, .id = id, .params = params, .code = RPC_PARAMS};
	struct err err = {0};
	yyjson_mut_val *root;
	int rc = check_params(m, params, &err);

	r.doc = yyjson_mut_doc_new(NULL);
	root = envelope(r.doc);
	if (id)
		yyjson_mut_obj_add_val(r.doc, root, "id", yyjson_val_mut_copy(r.doc, id));
	r.result = json_add_obj(r.doc, root, "result");
	if (rc == 0) {
		r.code = RPC_REFUSED;
		rc = r.result ? m->run(c, &r, &err) : err_set(&err, -ENOMEM, "no memory");
	}
	if (rc < 0 && err.what[0] == '\0')
		err_set(&err, rc, "%s", strerror(-rc));
	if (id && rc < 0)
		counter_send_error(p, id, rc == -ENOMEM ? RPC_INTERNAL : r.code, &err);
	else if (id && rc == 0)
		send_doc(p, r.doc);
	yyjson_mut_doc_free(r.doc);
}

static void refuse(struct peer *p, yyjson_val *id, int code, const char *what, const char *mend)
{
	struct err err;

	err_set(&err, -EINVAL, "%s", what);
	err_mend(&err, "%s", mend);
	counter_send_error(p, id, code, &err);
}

void counter_handle(struct counter *c, struct peer *p, const char *line, size_t n)
{
	struct err err = {0};
	yyjson_doc *doc = json_parse(line, n, COUNTER_MAX_LINE, NULL, &err);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *id = yyjson_obj_get(root, "id");
	const char *name = yyjson_get_str(yyjson_obj_get(root, "method"));
	const char *version = yyjson_get_str(yyjson_obj_get(root, "jsonrpc"));
	const struct method *m;

	if (!doc) {
		counter_send_error(p, NULL, RPC_PARSE, &err);
		return;
	}
	if (id && !yyjson_is_str(id) && !yyjson_is_num(id) && !yyjson_is_null(id))
		refuse(p, NULL, RPC_REQUEST, "id is not a text, number or null", "");
	else if (!version || strcmp(version, "2.0") != 0 || !name)
		refuse(p, id, RPC_REQUEST, "not a JSON-RPC 2.0 request",
		       "send {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": …}, one a line");
	else if (!(m = find_method(name)))
		refuse(p, id, RPC_METHOD, "no such method",
		       "hello, config.get, config.validate, config.apply, state.get, call, subscribe, unsubscribe, metrics");
	else
		run(c, p, m, id, yyjson_obj_get(root, "params"));
	yyjson_doc_free(doc);
}

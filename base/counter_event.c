/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter's events: who wants them, and what they are sent. */
#include "base/counter_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Whether events of this path exist: everything, a notification, or a top of the configuration. */
static bool event_path_exists(struct counter *c, const char *path)
{
	const char *name = path + 1;
	const struct lys_module *m;
	const struct lysc_node *node;

	if (strcmp(path, "/") == 0)
		return true;
	if (path[0] != '/' || !strchr(name, ':'))
		return false;
	m = counter_module_of(c, &name);
	if (!m)
		return false;
	LY_LIST_FOR((const struct lysc_node *)m->compiled->notifs, node)
	{
		if (strcmp(node->name, name) == 0)
			return true;
	}
	return lys_find_child(NULL, m, name, 0, LYS_CONTAINER, 0) != NULL;
}

int counter_do_subscribe(struct counter *c, struct request *r, struct err *err)
{
	yyjson_val *v = request_param(r, "path");
	const char *path = v ? yyjson_get_str(v) : "/";
	char *copy;

	if (!path || !event_path_exists(c, path)) {
		r->code = RPC_PARAMS;
		err_set(err, -EINVAL, "no events come from there");
		err_where(err, "path %.100s", path ? path : "");
		err_mend(err, "name a notification of module %s, or / for all",
			 config_schema_name(c->room.schema));
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

int counter_do_unsubscribe(struct counter *c, struct request *r, struct err *err)
{
	free(r->peer->subscribed);
	r->peer->subscribed = NULL;
	return 0;
}

static void send_event(struct peer *p, const char *params, size_t n)
{
	struct buf line;

	buf_init(&line, &p->counter->alloc);
	/* params is an object whose last brace makes room for the one member that differs by
	 * client. */
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
	list_each (it, &c->peers) {
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

	list_each_safe (it, &c->peers) {
		struct peer *p = container_of(it, struct peer, at);

		if (!p->open || !p->subscribed ||
		    !(strcmp(p->subscribed, "/") == 0 || strcmp(p->subscribed, path) == 0))
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

void counter_event(struct counter *c, const char *name, yyjson_mut_doc *content_doc,
		   yyjson_mut_val *content)
{
	yyjson_mut_doc *doc;
	yyjson_mut_val *data;
	char path[160];

	if (!counter_listened(c))
		return;
	if (strchr(name, ':'))
		snprintf(path, sizeof(path), "/%s", name);
	else
		snprintf(path, sizeof(path), "/%s:%s", config_schema_name(c->room.schema), name);
	doc = yyjson_mut_doc_new(NULL);
	data = json_add_obj(doc, event_root(doc, path), "data");
	yyjson_mut_obj_add_val(doc, data, path + 1,
			       content ? yyjson_mut_val_mut_copy(doc, content)
				       : yyjson_mut_obj(doc));
	publish(c, path, doc);
	yyjson_mut_doc_free(doc);
}

void counter_changed(struct counter *c, const char *path)
{
	yyjson_mut_doc *doc;

	if (!counter_listened(c))
		return;
	doc = yyjson_mut_doc_new(NULL);
	event_root(doc, path);
	publish(c, path, doc);
	yyjson_mut_doc_free(doc);
}

/* Length of the first step of a path: "/box:box" of "/box:box/size". */
static size_t top_length(const char *path)
{
	return 1 + strcspn(path + 1, "/[");
}

void counter_event_config(struct counter *c, const struct config_diff *diff)
{
	struct config_diff part;
	yyjson_mut_doc *doc;
	char path[160];
	size_t i = 0;
	size_t n;

	if (!counter_listened(c))
		return;
	for (; i < diff->n; i += part.n) {
		part = (struct config_diff){.change = diff->change + i};
		n = top_length(part.change[0].path);
		while (i + part.n < diff->n && top_length(part.change[part.n].path) == n &&
		       strncmp(part.change[part.n].path, part.change[0].path, n) == 0)
			part.n++;
		snprintf(path, sizeof(path), "%.*s", (int)n, part.change[0].path);
		doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_obj_add_val(doc, event_root(doc, path), "changes",
				       counter_changes(doc, &part));
		publish(c, path, doc);
		yyjson_mut_doc_free(doc);
	}
}

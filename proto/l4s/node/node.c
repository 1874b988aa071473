/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/node/node.h"

#include "base/log.h"
#include "base/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- events ---- */

static const char *const direction[] = {"forward", "backward"};

static const char *event_name(enum links_what what)
{
	static const char *const names[] = {
		[LINKS_OVERLOAD_BEGAN] = "overload-began",
		[LINKS_OVERLOAD_ENDED] = "overload-ended",
		[LINKS_BAD] = "link-bad",
		[LINKS_FAILED] = "link-failed",
		[LINKS_UP] = "link-up",
	};

	return names[what];
}

static void log_event(const struct links_event *ev)
{
	const char *reason = ev->reason ? ev->reason : "";

	switch (ev->what) {
	case LINKS_OVERLOAD_BEGAN:
		log_warning("overload: senders do not answer marks", LOG_TEXT("link", ev->link),
			    LOG_TEXT("direction", direction[ev->dir]));
		break;
	case LINKS_OVERLOAD_ENDED:
		log_notice("the overload is over", LOG_TEXT("link", ev->link),
			   LOG_TEXT("direction", direction[ev->dir]),
			   LOG_NUM("ms", ev->duration / 1000000));
		break;
	case LINKS_BAD:
		log_warning("the figures of a link are not to be trusted",
			    LOG_TEXT("link", ev->link), LOG_TEXT("why", reason));
		break;
	case LINKS_FAILED:
		log_error("a link failed; it is tried again", LOG_TEXT("link", ev->link),
			  LOG_TEXT("why", reason));
		break;
	case LINKS_UP:
		log_notice("link up", LOG_TEXT("link", ev->link));
		break;
	}
}

static void on_link(void *ctx, const struct links_event *ev)
{
	struct node *n = ctx;
	yyjson_mut_doc *doc;
	yyjson_mut_val *obj;

	log_event(ev);
	if (!n->counter || !counter_listened(n->counter))
		return;
	doc = yyjson_mut_doc_new(NULL);
	obj = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_strcpy(doc, obj, "link", ev->link);
	if (ev->what == LINKS_OVERLOAD_BEGAN || ev->what == LINKS_OVERLOAD_ENDED)
		yyjson_mut_obj_add_str(doc, obj, "direction", direction[ev->dir]);
	if (ev->what == LINKS_OVERLOAD_ENDED)
		json_add_u64(doc, obj, "duration", ev->duration);
	if (ev->reason)
		yyjson_mut_obj_add_strcpy(doc, obj, "reason", ev->reason);
	counter_event(n->counter, event_name(ev->what), doc, obj);
	yyjson_mut_doc_free(doc);
}

static void on_lost(void *ctx, const char *name)
{
	struct node *n = ctx;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *obj = yyjson_mut_obj(doc);

	log_warning("another program removed a congestion control; loading it again",
		    LOG_TEXT("name", name));
	yyjson_mut_obj_add_strcpy(doc, obj, "name", name);
	counter_event(n->counter, "control-lost", doc, obj);
	yyjson_mut_doc_free(doc);
}

/* ---- what clients ask ---- */

static int on_state(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		    struct err *err)
{
	if (report_state(ctx, path, doc, root) != 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int not_now(struct err *err)
{
	return err_set(err, -EAGAIN, "the room is starting or stopping");
}

/* Links first: theirs is the step that can be refused by more than the kernel's abilities. */
static int on_apply(void *ctx, const struct config *to, const struct config_diff *diff,
		    bool dry_run, struct err *err)
{
	struct node *n = ctx;
	struct settings *s;
	bool controls = settings_controls_touched(diff);
	int rc;

	if (!n->links)
		return not_now(err);
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	rc = settings_read(s, to, err);
	if (rc == 0 && controls)
		rc = controls_apply(&n->controls, &s->controls, false, true, err);
	if (rc == 0)
		rc = links_apply(n->links, s, diff, dry_run, err);
	if (rc == 0 && controls && !dry_run) {
		rc = controls_apply(&n->controls, &s->controls, settings_cgroups_touched(diff),
				    false, err);
		if (rc != 0) {
			struct err lost = {0};

			if (links_apply(n->links, &n->settings, diff, false, &lost) != 0)
				log_err(LOG_LEVEL_ERROR, &lost);
		}
	}
	if (rc == 0 && !dry_run)
		n->settings = *s;
	free(s);
	return rc;
}

static bool add_name(void *ctx, const struct lyd_node *entry)
{
	const char **at = ctx;

	while (*at)
		at++;
	*at = config_text(entry, NULL);
	return true;
}

static int call_load(struct node *n, uint64_t call, const struct lyd_node *input, struct err *err)
{
	const char *name[SETTINGS_MARKS + 1] = {0};
	unsigned count = 0;
	yyjson_mut_doc *doc;
	yyjson_mut_val *out;
	yyjson_mut_val *list;
	int rc;

	config_each(input, "interface", add_name, name);
	while (name[count])
		count++;
	rc = controls_load(&n->controls, config_text(input, "cubic"), config_text(input, "prague"),
			   name, count, err);
	if (rc != 0)
		return rc;
	doc = yyjson_mut_doc_new(NULL);
	out = yyjson_mut_obj(doc);
	list = json_add_arr(doc, out, "name");
	yyjson_mut_arr_add_str(doc, list, n->controls.name[0]);
	yyjson_mut_arr_add_str(doc, list, n->controls.name[1]);
	counter_reply(n->counter, call, doc, out);
	yyjson_mut_doc_free(doc);
	return 0;
}

static int on_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		   struct err *err)
{
	struct node *n = ctx;
	int rc = 0;

	if (!n->links)
		return not_now(err);
	if (strcmp(rpc, "load") == 0)
		return call_load(n, call, input, err);
	if (strcmp(rpc, "unload") == 0)
		controls_unload(&n->controls);
	else if (strcmp(rpc, "reset-counters") == 0)
		rc = links_reset(n->links, config_text(input, "link"), err);
	else
		return err_set(err, -ENOSYS, "this room has no action %s", rpc);
	if (rc == 0)
		counter_reply(n->counter, call, NULL, NULL);
	return rc;
}

static void on_metrics(void *ctx, struct buf *out)
{
	struct node *n = ctx;

	if (n->links)
		report_metrics(n, out);
}

/* ---- the loop ---- */

static usec_t on_due(void *ctx, usec_t now)
{
	struct node *n = ctx;

	links_tick(n->links);
	controls_tick(&n->controls);
	flows_tick(&n->flows, n->controls.kernel);
	return now + SEC(1);
}

static void on_reload(void *ctx)
{
	struct node *n = ctx;
	struct config *to;
	struct err err = {0};
	int rc = 0;

	notify_manager("RELOADING=1");
	if (!n->params.file) {
		err_set(&err, -ENOENT, "there is no configuration file to read again");
		rc = -ENOENT;
	} else {
		to = config_load(n->params.schema, n->params.file, &err);
		rc = to ? counter_apply(n->counter, to, &err) : err.code;
	}
	if (rc != 0)
		log_err(LOG_LEVEL_ERROR, &err);
	notify_manager("READY=1");
}

static void on_stop(void *ctx, int signum)
{
	struct node *n = ctx;

	notify_manager("STOPPING=1");
	uv_stop(&n->loop);
}

/* ---- life ---- */

int node_open(struct node *n, const struct node_params *params, struct config *config,
	      struct err *err)
{
	const struct counter_room room = {
		.name = "l4s",
		.version = DEP_VERSION,
		.schema = params->schema,
		.state = on_state,
		.apply = on_apply,
		.call = on_call,
		.metrics = on_metrics,
		.ctx = n,
	};
	int rc;

	memset(n, 0, sizeof(*n));
	n->params = *params;
	n->started = clock_now();
	n->controls.suffix = params->suffix;
	n->controls.lost = on_lost;
	n->controls.ctx = n;
	rc = settings_read(&n->settings, config, err);
	if (rc == 0) {
		rc = uv_loop_init(&n->loop);
		if (rc != 0)
			err_set(err, rc, "cannot make the loop: %s", uv_strerror(rc));
	}
	if (rc != 0) {
		config_free(config);
		return rc;
	}
	n->looped = true;
	n->counter = counter_new(&n->loop, &room, params->socket, params->socket_gid, config, err);
	return n->counter ? 0 : err->code;
}

int node_run(struct node *n, struct err *err)
{
	int rc = loop_timer_init(&n->timer, &n->loop, on_due, n);

	if (rc == 0)
		rc = loop_signals_init(&n->signals, &n->loop, on_stop, on_reload, n);
	if (rc != 0)
		return err_set(err, rc, "cannot set up the loop: %s", uv_strerror(rc));
	n->links = links_new(&n->loop, on_link, n, err);
	if (!n->links)
		return err->code;
	links_start(n->links, &n->settings);
	controls_start(&n->controls, &n->settings.controls);
	loop_timer_set(&n->timer, clock_now() + SEC(1));
	log_notice("room started", LOG_NUM("links", n->settings.n_links),
		   LOG_TEXT("controls", n->controls.kernel ? "loaded" : "not loaded"));
	notify_manager("READY=1");
	uv_run(&n->loop, UV_RUN_DEFAULT);
	log_notice("room stopped");
	return 0;
}

void node_close(struct node *n)
{
	controls_close(&n->controls);
	links_free(n->links);
	n->links = NULL;
	flows_free(&n->flows);
	if (n->counter)
		counter_free(n->counter);
	if (n->timer.tick)
		loop_timer_close(&n->timer);
	if (n->looped)
		loop_finish(&n->loop);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* dep log, watch: what goes on, and again when it changes. */
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLLOWED 200 /* lines read again at each change */

/* --- subscribing --- */

struct following {
	const char *uri;
	bool changed;
	bool acknowledged;
	bool refused;
};

static void on_notification(struct node *n, const char *method, yyjson_val *params)
{
	struct following *f = n->ctx;
	yyjson_val *honoured =
		yyjson_obj_get(yyjson_obj_get(params, "notifications"), "resourceSubscriptions");

	if (strcmp(method, "notifications/resources/updated") == 0 &&
	    yyjson_equals_str(yyjson_obj_get(params, "uri"), f->uri))
		f->changed = true;
	if (strcmp(method, "notifications/subscriptions/acknowledged") == 0) {
		f->acknowledged = true;
		f->refused = yyjson_arr_size(honoured) == 0;
	}
}

/* Legacy: resources/subscribe, and the session's stream. Modern: a call that goes on. NULL and
 * n->err; *call NULL: none is needed. */
static int subscribe(struct node *n, struct following *f, struct mcp_call **call)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_mut_val *wanted;
	struct mcp_reply r = {0};
	int rc = 0;

	*call = NULL;
	if (!mcp_client_modern(n->client)) {
		yyjson_mut_obj_add_str(doc, params, "uri", f->uri);
		rc = mcp_client_stream(n->client, &n->err);
		if (rc == 0)
			rc = mcp_client_request(n->client, "resources/subscribe", doc, params, &r,
						&n->err);
		mcp_reply_free(&r);
	} else {
		wanted = yyjson_mut_obj_add_obj(doc, params, "notifications");
		wanted = yyjson_mut_obj_add_arr(doc, wanted, "resourceSubscriptions");
		yyjson_mut_arr_add_str(doc, wanted, f->uri);
		*call = mcp_client_start(n->client, "subscriptions/listen", doc, params, &n->err);
		rc = *call ? 0 : n->err.code;
		if (*call)
			mcp_call_endless(*call);
	}
	yyjson_mut_doc_free(doc);
	return rc;
}

/* Waits for a change. Returns 0, or n->err is set. */
static int next_change(struct node *n, struct following *f, struct mcp_call *call)
{
	while (!f->changed) {
		int rc = mcp_client_step(n->client, -1, -1);

		if (rc != 0)
			return err_set(&n->err, rc, "the node's process has ended");
		if (f->refused) {
			err_set(&n->err, -ENOENT, "no such resource to watch");
			err_where(&n->err, "%s", f->uri);
			return -ENOENT;
		}
		if (call && mcp_call_done(call)) {
			rc = mcp_call_reply(call, NULL, &n->err);
			return rc ? rc
				  : err_set(&n->err, -EPIPE, "the node ended the subscription");
		}
	}
	f->changed = false;
	return 0;
}

/* Calls show with the resource's text, now and after each change. */
static int follow(struct node *n, const char *uri,
		  int (*show)(struct node *n, const char *text, bool first))
{
	struct following f = {.uri = uri};
	struct mcp_call *call = NULL;
	bool first = true;
	char *text;
	int rc;

	n->notify = on_notification;
	n->ctx = &f;
	if (node_connect(n) != 0 || subscribe(n, &f, &call) != 0)
		return DEP_FAILED;
	do {
		text = node_read(n, uri);
		rc = text ? show(n, text, first) : -1;
		free(text);
		first = false;
		if (rc == 0 && fflush(stdout) != 0)
			rc = -1;
	} while (rc == 0 && next_change(n, &f, call) == 0);
	mcp_call_free(call);
	return DEP_FAILED;
}

/* --- log --- */

static void print_line(struct node *n, const char *line)
{
	yyjson_mut_doc *doc;
	char *text;

	if (!n->json) {
		node_print_text(line, false);
		putchar('\n');
		return;
	}
	doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_doc_set_root(doc, yyjson_mut_str(doc, line));
	text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
	puts(text ? text : "null");
	free(text);
	yyjson_mut_doc_free(doc);
}

static char *last_line; /* that was printed */

/* The lines that came after the last one that was printed; all where it has gone by. */
static int show_log(struct node *n, const char *text, bool first)
{
	char *copy = strdup(text);
	const char *from = text;
	char *rest = copy;
	char *line;
	const char *p;

	if (!first && last_line) {
		for (p = text; (p = strstr(p, last_line)); p++) {
			size_t len = strlen(last_line);

			if ((p == text || p[-1] == '\n') && (p[len] == '\n' || p[len] == '\0'))
				from = p + len + (p[len] == '\n');
		}
	}
	rest = copy ? copy + (from - text) : NULL;
	while (rest && (line = strsep(&rest, "\n"))) {
		if (!line[0])
			continue;
		print_line(n, line);
		free(last_line);
		last_line = strdup(line);
	}
	free(copy);
	return 0;
}

int node_log(struct node *n)
{
	const char *count = n->n_args > 0 ? n->arg[0] : "20";
	char uri[64];
	char *text;
	int rc = DEP_OK;

	if (strspn(count, "0123456789") != strlen(count) || strlen(count) > 5 || count[0] == '0' ||
	    !count[0] || atol(count) > 10000) {
		fprintf(stderr, "dep log: %s is no number of lines (1 to 10000)\n", count);
		return DEP_USAGE;
	}
	snprintf(uri, sizeof(uri), "network:///log/syslog/last%s", count);
	text = node_read(n, uri);
	if (!text)
		return DEP_FAILED;
	show_log(n, text, true);
	free(text);
	if (n->follow && fflush(stdout) == 0) {
		node_disconnect(n);
		snprintf(uri, sizeof(uri), "network:///log/syslog/last%d", FOLLOWED);
		rc = follow(n, uri, show_log);
	}
	free(last_line);
	last_line = NULL;
	return rc;
}

/* --- watch --- */

static int show_resource(struct node *n, const char *text, bool first)
{
	yyjson_doc *doc = json_parse(text, strlen(text), 0, NULL, NULL);
	char *line;

	if (n->json) {
		line = doc ? yyjson_val_write(yyjson_doc_get_root(doc), YYJSON_WRITE_NOFLAG, NULL)
			   : NULL;
		if (line)
			puts(line);
		else
			print_line(n, text);
		free(line);
	} else {
		if (!first)
			puts("--");
		if (doc)
			node_print_tree(yyjson_doc_get_root(doc));
		else
			node_print_text(text, true);
		if (!doc && text[0] && text[strlen(text) - 1] != '\n')
			putchar('\n');
	}
	yyjson_doc_free(doc);
	return 0;
}

int node_watch(struct node *n)
{
	return follow(n, n->arg[0], show_resource);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/mcp/testwire.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static struct testwire *of(const struct mcp_wire *w)
{
	return container_of((struct mcp_wire *)(uintptr_t)w, struct testwire, w);
}

static void keep(struct testwire *t, struct slice json)
{
	if (json.n == 0)
		return;
	free(t->last);
	t->last = strndup((const char *)json.p, json.n);
}

static void leave(struct testwire *t)
{
	if (t->w.shared)
		return;
	t->gone = true;
	list_del(&t->w.node);
}

static void answer(struct mcp_wire *w, unsigned status, const char *session, unsigned scopes,
		   struct slice json)
{
	struct testwire *t = of(w);

	t->status = status;
	snprintf(t->session, sizeof(t->session), "%s", session ? session : "");
	keep(t, json);
	leave(t);
}

static void open_stream(struct mcp_wire *w)
{
	of(w)->opened = true;
}

static bool event(struct mcp_wire *w, const char *id, struct slice json)
{
	of(w)->events++;
	keep(of(w), json);
	return !of(w)->full;
}

static void retry(struct mcp_wire *w, unsigned ms)
{
}

static void comment(struct mcp_wire *w)
{
}

static void end(struct mcp_wire *w)
{
	of(w)->ended = true;
	leave(of(w));
}

static unsigned authenticate(struct mcp_wire *w, struct principal *who)
{
	*who = of(w)->who;
	return who->user[0] ? 0 : 401;
}

static const struct mcp_wire_ops ops = {answer,	 open_stream, event,	   retry,
					comment, end,	      authenticate};

static const char *field(const struct mcp_wire *w, const char *name)
{
	const char *const *f;

	for (f = of(w)->field; f && *f; f += 2) {
		if (strcasecmp(f[0], name) == 0)
			return f[1];
	}
	return NULL;
}

void testwire_init(struct testwire *t, struct mcp *m, bool shared)
{
	*t = (struct testwire){.who = {.user = "tester", .scopes = SCOPE_ALL}};
	mcp_wire_init(&t->w, m, &ops, shared);
	t->w.who = &t->who;
}

void testwire_say(struct testwire *t, const char *json, size_t n)
{
	struct mcp_headers h = {
		.version = field(&t->w, "mcp-protocol-version"),
		.method = field(&t->w, "mcp-method"),
		.name = field(&t->w, "mcp-name"),
		.session = field(&t->w, "mcp-session-id"),
		.last_event_id = field(&t->w, "last-event-id"),
		.field = field,
	};

	mcp_message(&t->w, t->w.shared ? NULL : &h, slice_of(json, n));
}

void testwire_close(struct testwire *t)
{
	if (!t->gone)
		mcp_wire_gone(&t->w);
	free(t->last);
	t->last = NULL;
}

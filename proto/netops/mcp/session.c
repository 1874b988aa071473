/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions of the legacy revisions: begun by initialize, named by 128 random bits over HTTP, bound
 * to the principal who made them, ended by DELETE, by the end of a shared connection, after an hour
 * without use, or as the oldest of too many. */
#include "proto/netops/mcp/mcp_priv.h"

#include <errno.h>
#include <stdlib.h>

#define LEVEL_INFO 1

static uint32_t id_hash(struct mcp *m, const char *id)
{
	return hash_bytes(id, strlen(id), m->seed);
}

struct mcp_session *mcp_session_find(struct mcp *m, const char *id)
{
	struct hash_node *n;

	for (n = hash_first(&m->sessions, id_hash(m, id)); n; n = hash_next(n)) {
		struct mcp_session *s = container_of(n, struct mcp_session, node);

		if (strcmp(s->id, id) == 0)
			return s;
	}
	return NULL;
}

void mcp_session_touch(struct mcp_session *s)
{
	s->last_used = s->m->now;
	list_del(&s->used);
	list_add(&s->m->sessions_used, &s->used);
}

/* The oldest session that does nothing makes room. */
static bool make_room(struct mcp *m)
{
	list_each (it, &m->sessions_used) {
		struct mcp_session *s = container_of(it, struct mcp_session, used);

		if (!list_empty(&s->reqs) || s->wire || (s->general && s->general->wire) ||
		    m->now - s->last_used < SEC(60))
			continue;
		mcp_session_close(s);
		return true;
	}
	return false;
}

struct mcp_session *mcp_session_new(struct mcp *m, struct mcp_wire *w, const struct principal *who,
				    enum mcp_era era)
{
	struct mcp_session *s;

	if (m->n_sessions >= MCP_MAX_SESSIONS && !make_room(m))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->m = m;
	s->era = era;
	s->who = *who;
	s->log_level = LEVEL_INFO;
	s->last_used = m->now;
	list_init(&s->streams);
	list_init(&s->reqs);
	list_init(&s->subs);
	list_init(&s->used);
	mcp_random_id(s->who.session);
	if (w) {
		s->wire = w;
		w->session = s;
	} else {
		memcpy(s->id, s->who.session, sizeof(s->id));
		if (hash_add(&m->sessions, &s->node, id_hash(m, s->id)) < 0) {
			free(s);
			return NULL;
		}
	}
	list_add(&m->sessions_used, &s->used);
	m->n_sessions++;
	mcp_timer_start(m);
	return s;
}

void mcp_session_close(struct mcp_session *s)
{
	struct mcp *m = s->m;

	list_each_safe (it, &s->reqs)
		mcp_req_cancel(container_of(it, struct mcp_req, on_session));
	list_each (it, &m->reqs) {
		struct mcp_req *r = container_of(it, struct mcp_req, node);

		if (r->session == s)
			r->session =
				NULL; /* tasks outlive it; so do cancelled handlers, for a while */
	}
	list_each_safe (it, &s->subs)
		mcp_sub_free(m, container_of(it, struct mcp_sub, of));
	list_each_safe (it, &s->streams)
		mcp_stream_free(container_of(it, struct mcp_stream, node));
	if (s->id[0])
		hash_del(&m->sessions, &s->node);
	if (m->params.session_closed)
		m->params.session_closed(m->params.ctx, s->who.session);
	if (s->wire)
		s->wire->session = NULL;
	list_del(&s->used);
	m->n_sessions--;
	yyjson_doc_free(s->caps);
	free(s);
}

void mcp_session_send(struct mcp_session *s, struct slice json)
{
	if (s->wire) {
		s->wire->ops->event(s->wire, NULL, json);
		return;
	}
	if (!s->general)
		s->general = mcp_stream_new(s, NULL);
	if (s->general)
		mcp_stream_send(s->general, json, false);
}

/* ---- GET and DELETE ---- */

static struct mcp_session *session_of(struct mcp_wire *w, const struct mcp_headers *h)
{
	struct mcp *m = w->m;
	struct principal who;
	struct mcp_session *s;
	enum mcp_era era;
	unsigned status = 0;

	m->now = clock_now();
	memset(&who, 0, sizeof(who));
	if (h->version && (!mcp_version_known(h->version, &era) || era == MCP_2026_07_28)) {
		status = strcmp(h->version, mcp_era_name(MCP_2026_07_28)) >= 0 ? 405 : 400;
		w->ops->answer(w, status, NULL, 0,
			       mcp_bare_error(m, MCP_INVALID_REQUEST, "Not in this revision"));
		return NULL;
	}
	status = w->ops->authenticate ? w->ops->authenticate(w, &who) : 0;
	if (status) {
		w->ops->answer(w, status, NULL, 0,
			       mcp_bare_error(m, MCP_INVALID_REQUEST, "Authorization is needed"));
		return NULL;
	}
	/* Without a session there is nothing to get or delete here: what the modern revision
	 * answers, too. */
	if (!h->session) {
		w->ops->answer(w, h->version ? 400 : 405, NULL, 0,
			       mcp_bare_error(m, MCP_INVALID_REQUEST, "Mcp-Session-Id is missing"));
		return NULL;
	}
	s = mcp_session_find(m, h->session);
	if (s && principal_same(&s->who, &who)) {
		mcp_session_touch(s);
		return s;
	}
	w->ops->answer(w, 404, NULL, 0,
		       mcp_bare_error(m, MCP_INVALID_REQUEST, "No such session: initialize again"));
	return NULL;
}

void mcp_http_delete(struct mcp_wire *w, const struct mcp_headers *h)
{
	struct mcp_session *s = session_of(w, h);

	if (!s)
		return;
	mcp_session_close(s);
	w->ops->answer(w, 204, NULL, 0, (struct slice){0});
}

/* An event id is "<stream>.<number>". */
static struct mcp_stream *named_stream(struct mcp_session *s, const char *id, uint64_t *after)
{
	char *end;
	uint64_t no;

	errno = 0;
	no = strtoull(id, &end, 10);
	if (end == id || *end != '.' || errno)
		return NULL;
	id = end + 1;
	*after = strtoull(id, &end, 10);
	if (end == id || *end || errno)
		return NULL;
	list_each (it, &s->streams) {
		struct mcp_stream *st = container_of(it, struct mcp_stream, node);

		if (st->no == no)
			return st;
	}
	return NULL;
}

void mcp_http_get(struct mcp_wire *w, const struct mcp_headers *h)
{
	struct mcp_session *s = session_of(w, h);
	struct mcp_stream *st;
	uint64_t after = 0;

	if (!s)
		return;
	if (h->last_event_id) {
		st = named_stream(s, h->last_event_id, &after);
		if (!st) {
			w->ops->answer(
				w, 400, NULL, 0,
				mcp_bare_error(s->m, MCP_INVALID_REQUEST, "No such event is kept"));
			return;
		}
		/* Who comes back for a stream has lost it, whether we have seen that or not. */
		if (st->wire) {
			struct mcp_wire *old = st->wire;

			mcp_stream_detach(st);
			old->ops->end(old);
		}
		mcp_stream_replay(st, w, after);
		return;
	}
	if (!s->general)
		s->general = mcp_stream_new(s, NULL);
	st = s->general;
	if (!st || st->wire) {
		w->ops->answer(w, st ? 409 : 503, NULL, 0,
			       mcp_bare_error(s->m, MCP_INVALID_REQUEST,
					      "This session has its stream already"));
		return;
	}
	mcp_stream_attach(st, w);
}

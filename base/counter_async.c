/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection is an object of its own: it may still be closing while the link has the next one.
 */
#include "base/counter_async.h"

#include "base/clock.h"
#include "base/list.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CHUNK 65536
#define BACKOFF_MS 20
#define BACKOFF_MAX_MS 2000

struct conn {
	struct counter_link *link; /* NULL: given up, only its memory is left to release */
	uv_pipe_t pipe;
	uv_connect_t connect;
	struct alloc alloc;
	struct buf in;
	size_t looked; /* bytes of `in` without a newline */
	char chunk[CHUNK];
};

struct asked {
	struct list at;
	uint64_t id;
	usec_t due;
	counter_link_f *f;
	void *ctx;
};

struct counter_link {
	uv_loop_t *loop;
	char *path;
	struct counter_link_env env;
	struct conn *conn;
	bool up;
	bool closed;
	unsigned backoff; /* before the next attempt, ms */
	uv_timer_t retry;
	uv_timer_t deadline;
	usec_t armed; /* what deadline is set to: not later than the first one */
	unsigned handles;
	struct list asked; /* in the order of sending */
	unsigned n_asked;
	uint64_t id;
};

struct out {
	uv_write_t write;
	struct conn *conn;
	char *text;
};

static void start(struct counter_link *l);

/* ---- Memory ---- */

/* The link's own memory goes in a turn of the loop of its own, when no callback is on the stack. */
static void on_timer_closed(uv_handle_t *h)
{
	struct counter_link *l = h->data;

	if (--l->handles > 0)
		return;
	free(l->path);
	free(l);
}

static void on_conn_closed(uv_handle_t *h)
{
	struct conn *c = h->data;

	buf_free(&c->in);
	free(c);
}

/* ---- Answers ---- */

static void forget(struct counter_link *l, struct asked *a)
{
	list_del(&a->at);
	l->n_asked--;
}

static void answer(struct counter_link *l, struct asked *a, yyjson_val *result,
		   const struct err *err)
{
	forget(l, a);
	a->f(a->ctx, result, err);
	free(a);
}

/* All that is under way now; what a callback asks anew is not among it. */
static void answer_all(struct counter_link *l, const struct err *err)
{
	uint64_t last = l->id;

	while (!list_empty(&l->asked)) {
		struct asked *a = container_of(l->asked.next, struct asked, at);

		if (a->id > last)
			break;
		answer(l, a, NULL, err);
	}
}

/* ---- Deadlines ---- */

static void on_deadline(uv_timer_t *t);

static void arm(struct counter_link *l, usec_t due)
{
	usec_t now = clock_now();

	if (l->closed || due >= l->armed)
		return;
	l->armed = due;
	uv_update_time(l->loop);
	uv_timer_start(&l->deadline, on_deadline,
		       due <= now ? 0 : (uint64_t)((due - now + 999) / 1000), 0);
}

static void arm_first(struct counter_link *l)
{
	usec_t first = USEC_NEVER;

	list_each (it, &l->asked) {
		const struct asked *a = container_of(it, struct asked, at);

		if (a->due < first)
			first = a->due;
	}
	arm(l, first);
}

static void on_deadline(uv_timer_t *t)
{
	struct counter_link *l = t->data;
	usec_t now = clock_now();
	uint64_t last = l->id;
	struct asked *late;
	struct err err;

	l->armed = USEC_NEVER;
	do {
		late = NULL;
		list_each (it, &l->asked) {
			struct asked *a = container_of(it, struct asked, at);

			if (!late && a->id <= last && a->due <= now)
				late = a;
		}
		if (late) {
			err_set(&err, -ETIMEDOUT, "no answer in time");
			err_where(&err, "%s", l->path);
			err_mend(&err, "the room may be stopped or very busy; look at its log");
			answer(l, late, NULL, &err);
		}
	} while (late);
	arm_first(l);
}

/* ---- Connections come and go ---- */

static void on_retry(uv_timer_t *t)
{
	start(t->data);
}

static void lose(struct counter_link *l, const struct err *why)
{
	bool was_up = l->up;

	if (!l->conn)
		return;
	l->conn->link = NULL;
	uv_close((uv_handle_t *)&l->conn->pipe, on_conn_closed);
	l->conn = NULL;
	l->up = false;
	answer_all(l, why);
	if (was_up && !l->closed && l->env.down)
		l->env.down(l->env.ctx, why);
	if (!l->closed && !l->conn) {
		uv_timer_start(&l->retry, on_retry, l->backoff, 0);
		l->backoff = l->backoff * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : l->backoff * 2;
	}
}

static void gone(struct counter_link *l, const char *why)
{
	struct err err;

	err_set(&err, -EPIPE, "the room closed the connection: %s", why);
	err_where(&err, "%s", l->path);
	err_mend(&err, "see its log for why");
	lose(l, &err);
}

void counter_link_drop(struct counter_link *l, const struct err *why)
{
	lose(l, why);
}

/* ---- What the room sends ---- */

static void read_error(yyjson_val *e, struct err *err)
{
	yyjson_val *data = yyjson_obj_get(e, "data");
	const char *what = yyjson_get_str(yyjson_obj_get(data, "what"));
	const char *where = yyjson_get_str(yyjson_obj_get(data, "where"));
	const char *mend = yyjson_get_str(yyjson_obj_get(data, "mend"));

	if (!what)
		what = yyjson_get_str(yyjson_obj_get(e, "message"));
	err_set(err, -EREMOTEIO, "%s", what ? what : "the room refused without a reason");
	err_where(err, "%s", where ? where : "");
	err_mend(err, "%s", mend ? mend : "");
}

static struct asked *find(struct counter_link *l, yyjson_val *id)
{
	list_each (it, &l->asked) {
		struct asked *a = container_of(it, struct asked, at);

		if (yyjson_is_uint(id) && a->id == yyjson_get_uint(id))
			return a;
	}
	return NULL;
}

/* One message. Returns false where it is none. */
static bool take_message(struct counter_link *l, yyjson_val *root)
{
	yyjson_val *id = yyjson_obj_get(root, "id");
	yyjson_val *result = yyjson_obj_get(root, "result");
	yyjson_val *e = yyjson_obj_get(root, "error");
	yyjson_val *params = yyjson_obj_get(root, "params");
	struct asked *a;
	struct err err;

	if (!yyjson_equals_str(yyjson_obj_get(root, "jsonrpc"), "2.0"))
		return false;
	if (!id) {
		if (params && l->env.event &&
		    yyjson_equals_str(yyjson_obj_get(root, "method"), "event"))
			l->env.event(l->env.ctx, params);
		return true;
	}
	if (!result && !yyjson_is_obj(e))
		return false;
	if (!result)
		read_error(e, &err);
	/* We are turned away. */
	if (yyjson_is_null(id) && !result) {
		lose(l, &err);
		return true;
	}
	/* The answer to one that was given up is passed over. */
	a = find(l, id);
	if (a)
		answer(l, a, result, result ? NULL : &err);
	return true;
}

/* All whole lines. Returns false where the room is not to be understood. */
static bool take_lines(struct counter_link *l, struct conn *c)
{
	size_t at = 0;
	bool ok = true;

	while (ok && c->link) {
		const uint8_t *from = c->in.p + at;
		const uint8_t *nl = c->in.n > c->looked
					    ? memchr(c->in.p + c->looked, '\n', c->in.n - c->looked)
					    : NULL;
		yyjson_doc *doc;

		if (!nl) {
			c->looked = c->in.n;
			break;
		}
		doc = json_parse((const char *)from, (size_t)(nl - from), COUNTER_LINK_ANSWER,
				 "answer", NULL);
		at = c->looked = (size_t)(nl - c->in.p) + 1;
		ok = doc && take_message(l, yyjson_doc_get_root(doc));
		yyjson_doc_free(doc);
	}
	if (c->in.n > 0)
		buf_drop(&c->in, at);
	c->looked -= at;
	if (c->in.n == 0 && c->in.cap > CHUNK)
		buf_free(&c->in);
	return ok;
}

static void input(struct conn *c, const char *p, size_t n)
{
	struct counter_link *l = c->link;
	bool ok;

	buf_bytes(&c->in, p, n);
	ok = !c->in.failed && take_lines(l, c);
	if (c->link && (!ok || c->in.n > COUNTER_LINK_ANSWER))
		gone(l, ok ? "its answer is too long" : "it does not speak JSON-RPC");
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct conn *c = h->data;

	*b = uv_buf_init(c->chunk, CHUNK);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = s->data;
	struct counter_link *l = c->link;

	if (!l || n == 0)
		return;
	if (n > 0)
		input(c, b->base, (size_t)n);
	else
		gone(l, n == UV_EOF ? "end" : uv_strerror((int)n));
}

static void on_connected(uv_connect_t *r, int status)
{
	struct conn *c = container_of(r, struct conn, connect);
	struct counter_link *l = c->link;

	if (!l)
		return;
	if (status == 0)
		status = uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	if (status != 0) {
		gone(l, uv_strerror(status));
		return;
	}
	l->up = true;
	l->backoff = BACKOFF_MS;
	l->env.up(l->env.ctx);
}

static struct conn *conn_new(struct counter_link *l)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->link = l;
	alloc_init(&c->alloc, 0);
	buf_init(&c->in, &c->alloc);
	if (uv_pipe_init(l->loop, &c->pipe, 0) != 0) {
		free(c);
		return NULL;
	}
	c->pipe.data = c;
	return c;
}

static void start(struct counter_link *l)
{
	l->conn = conn_new(l);
	if (l->conn)
		uv_pipe_connect(&l->conn->connect, &l->conn->pipe, l->path, on_connected);
	else
		uv_timer_start(&l->retry, on_retry, BACKOFF_MAX_MS, 0);
}

/* ---- What we send ---- */

static void on_written(uv_write_t *w, int status)
{
	struct out *o = container_of(w, struct out, write);
	struct counter_link *l = o->conn->link;

	if (status != 0 && l)
		gone(l, uv_strerror(status));
	free(o->text);
	free(o);
}

/* Takes text over. */
static int write_text(struct conn *c, char *text, size_t n)
{
	struct out *o = calloc(1, sizeof(*o));
	uv_buf_t b = uv_buf_init(text, (unsigned)n);
	int rc = -ENOMEM;

	if (o) {
		*o = (struct out){.conn = c, .text = text};
		rc = uv_write(&o->write, (uv_stream_t *)&c->pipe, &b, 1, on_written);
	}
	if (rc != 0) {
		free(text);
		free(o);
	}
	return rc;
}

/* A request as text, or NULL. */
static char *print_request(uint64_t id, const char *method, yyjson_mut_val *params, size_t *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	bool ok = true;
	char *text = NULL;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "jsonrpc", "2.0");
	yyjson_mut_obj_add_uint(doc, root, "id", id);
	ok = yyjson_mut_obj_add_str(doc, root, "method", method);
	if (params)
		ok = yyjson_mut_obj_add_val(doc, root, "params",
					    yyjson_mut_val_mut_copy(doc, params));
	if (ok)
		text = yyjson_mut_write(doc, YYJSON_WRITE_NEWLINE_AT_END, n);
	yyjson_mut_doc_free(doc);
	return text;
}

static int refuse(const struct counter_link *l, struct err *err, int code, const char *what)
{
	err_set(err, code, "%s", what);
	err_where(err, "%s", l->path);
	return code;
}

static int send_request(struct counter_link *l, const char *method, yyjson_mut_val *params,
			struct err *err)
{
	size_t queued;
	char *text;
	size_t n;
	int rc;

	if (!l->up)
		return refuse(l, err, -ENOTCONN, "the room is not there");
	if (l->n_asked == COUNTER_LINK_REQUESTS)
		return refuse(l, err, -ENOBUFS, "too many requests are unanswered");
	text = print_request(l->id + 1, method, params, &n);
	if (!text)
		return refuse(l, err, -ENOMEM, "no memory for a request");
	if (n > COUNTER_LINE_LIMIT) {
		free(text);
		return refuse(l, err, -E2BIG, "the request is larger than a room takes");
	}
	/* One of any size may go where nothing waits. */
	queued = uv_stream_get_write_queue_size((uv_stream_t *)&l->conn->pipe);
	if (queued > 0 && queued + n > COUNTER_MAX_QUEUE) {
		free(text);
		return refuse(l, err, -ENOBUFS, "the room reads too slowly");
	}
	rc = write_text(l->conn, text, n);
	return rc == 0 ? 0 : refuse(l, err, rc, uv_strerror(rc));
}

int counter_link_request(struct counter_link *l, const char *method, yyjson_mut_doc *doc,
			 yyjson_mut_val *params, int timeout, counter_link_f *f, void *ctx,
			 struct err *err)
{
	struct asked *a = calloc(1, sizeof(*a));
	int rc = a ? send_request(l, method, params, err)
		   : err_set(err, -ENOMEM, "no memory for a request");

	if (rc != 0) {
		free(a);
		return rc;
	}
	a->id = ++l->id;
	a->due = timeout < 0 ? USEC_NEVER : clock_now() + MSEC(timeout);
	a->f = f;
	a->ctx = ctx;
	list_add(&l->asked, &a->at);
	l->n_asked++;
	arm(l, a->due);
	return 0;
}

/* ---- Beginning and end ---- */

struct counter_link *counter_link_new(uv_loop_t *loop, const char *path,
				      const struct counter_link_env *env, struct err *err)
{
	struct counter_link *l = calloc(1, sizeof(*l));

	if (l)
		l->path = strdup(path);
	if (!l || !l->path || strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		if (l && l->path)
			err_set(err, -ENAMETOOLONG, "the path of a socket has at most 107 bytes");
		else
			err_set(err, -ENOMEM, "no memory for a connection");
		err_where(err, "%s", path);
		free(l ? l->path : NULL);
		free(l);
		return NULL;
	}
	/* libuv writes without MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	l->loop = loop;
	l->env = *env;
	l->backoff = BACKOFF_MS;
	l->armed = USEC_NEVER;
	list_init(&l->asked);
	uv_timer_init(loop, &l->retry);
	uv_timer_init(loop, &l->deadline);
	l->retry.data = l;
	l->deadline.data = l;
	l->handles = 2;
	start(l);
	return l;
}

void counter_link_close(struct counter_link *l)
{
	struct err err;

	if (!l || l->closed)
		return;
	l->closed = true;
	err_set(&err, -ECANCELED, "the connection is closed");
	err_where(&err, "%s", l->path);
	lose(l, &err);
	answer_all(l, &err);
	uv_close((uv_handle_t *)&l->retry, on_timer_closed);
	uv_close((uv_handle_t *)&l->deadline, on_timer_closed);
}

bool counter_link_is_up(const struct counter_link *l)
{
	return l->up;
}

bool counter_link_is_alive(const struct counter_link *l)
{
	char byte;
	int fd;

	return l->up && uv_fileno((const uv_handle_t *)&l->conn->pipe, &fd) == 0 &&
	       recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

void counter_link_hurry(struct counter_link *l)
{
	if (l->conn || l->closed)
		return;
	l->backoff = BACKOFF_MS;
	uv_timer_stop(&l->retry);
	start(l);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/daemon/lines.h"

#include "base/http.h"
#include "base/list.h"
#include "proto/netops/mcp/stdio.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct lines {
	uv_pipe_t listener;
	uv_timer_t grace;
	struct mcp *m;
	void (*who)(uid_t uid, pid_t pid, struct principal *p);
	struct list conns;
	unsigned n;
	unsigned open; /* handles of our own, and connections: what the end waits for */
	bool closing;
	char path[PATH_MAX];
	void (*done)(void *ctx);
	void *ctx;
};

struct line_conn {
	struct list at;
	uv_pipe_t pipe;
	struct lines *l;
	struct mcp_stdio *s;
};

static void one_less(struct lines *l)
{
	if (--l->open > 0)
		return;
	if (l->done)
		l->done(l->ctx);
	free(l);
}

static void own_closed(uv_handle_t *h)
{
	one_less(h->data);
}

static void gone(struct line_conn *c)
{
	struct lines *l = c->l;

	list_del(&c->at);
	l->n--;
	free(c);
	/* The last one at the end: nobody is left for whom to wait. */
	if (l->closing && l->n == 0 && !uv_is_closing((uv_handle_t *)&l->grace))
		uv_close((uv_handle_t *)&l->grace, own_closed);
	one_less(l);
}

static void refused(uv_handle_t *h)
{
	gone(h->data);
}

static void ended(void *ctx)
{
	gone(ctx);
}

static bool peer(uv_pipe_t *p, struct ucred *cred)
{
	socklen_t n = sizeof(*cred);
	uv_os_fd_t fd;

	return uv_fileno((uv_handle_t *)p, &fd) == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, cred, &n) == 0;
}

static void on_connection(uv_stream_t *server, int status)
{
	struct lines *l = server->data;
	struct line_conn *c = status == 0 ? calloc(1, sizeof(*c)) : NULL;
	struct principal who;
	struct ucred cred;

	if (!c)
		return;
	c->l = l;
	uv_pipe_init(server->loop, &c->pipe, 0);
	list_add(&l->conns, &c->at);
	l->n++;
	l->open++;
	if (uv_accept(server, (uv_stream_t *)&c->pipe) == 0 && l->n <= LINES_MAX && peer(&c->pipe, &cred)) {
		l->who(cred.uid, cred.pid, &who);
		c->s = mcp_stdio_new(l->m, (uv_stream_t *)&c->pipe, (uv_stream_t *)&c->pipe, &who, ended, c);
	}
	if (c->s)
		return;
	c->pipe.data = c;
	uv_close((uv_handle_t *)&c->pipe, refused);
}

struct lines *lines_new(uv_loop_t *loop, struct mcp *m, const char *run_dir,
			void (*who)(uid_t uid, pid_t pid, struct principal *p), struct err *err)
{
	struct lines *l = calloc(1, sizeof(*l));
	int fd;
	int rc;

	if (!l) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	l->m = m;
	l->who = who;
	l->open = 2;
	list_init(&l->conns);
	uv_pipe_init(loop, &l->listener, 0);
	uv_timer_init(loop, &l->grace);
	l->listener.data = l;
	l->grace.data = l;
	snprintf(l->path, sizeof(l->path), "%s/netops-mcp.sock", run_dir);
	fd = http_unix_socket(l->path, 0660, (gid_t)-1, err);
	rc = fd < 0 ? fd : uv_pipe_open(&l->listener, fd);
	if (fd >= 0 && rc == 0)
		rc = uv_listen((uv_stream_t *)&l->listener, 64, on_connection);
	if (rc == 0)
		return l;
	if (fd >= 0)
		err_set(err, rc, "cannot listen on %s: %s", l->path, uv_strerror(rc));
	l->path[0] = '\0';
	lines_close(l, 0, NULL, NULL);
	return NULL;
}

static void hurry(uv_timer_t *t)
{
	struct lines *l = t->data;

	/* Asked a second time it closes without waiting for the peer. */
	list_each_safe (it, &l->conns) {
		struct line_conn *c = container_of(it, struct line_conn, at);

		if (c->s)
			mcp_stdio_close(c->s);
	}
	uv_close((uv_handle_t *)t, own_closed);
}

void lines_close(struct lines *l, unsigned grace_ms, void (*done)(void *ctx), void *ctx)
{
	l->done = done;
	l->ctx = ctx;
	l->closing = true;
	if (l->path[0])
		unlink(l->path);
	list_each_safe (it, &l->conns) {
		struct line_conn *c = container_of(it, struct line_conn, at);

		if (c->s)
			mcp_stdio_close(c->s);
	}
	if (l->n)
		uv_timer_start(&l->grace, hurry, grace_ms, 0);
	else
		uv_close((uv_handle_t *)&l->grace, own_closed);
	uv_close((uv_handle_t *)&l->listener, own_closed);
}

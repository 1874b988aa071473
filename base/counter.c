/* SPDX-License-Identifier: BSD-2-Clause */
/* The room's end of the counter: the socket, its clients and their queues.
 *
 * Reading only collects bytes. Whole lines are handled in turns, one of each client in a turn of
 * the loop, so that a client that sends a thousand requests at once holds up neither the others nor
 * the room. A client with a whole line waiting, or with too much unread output, is not read from:
 * its requests wait in its own socket. */
#include "base/counter.h"

#include "base/counter_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SCRATCH 65536
#define WATCH_MS 5000
#define WATCH_LOOKS 6 /* 30 s */

static void peer_close(struct peer *p);
static void peer_read(struct peer *p);

int counter_path(const char *room, char *path, size_t n)
{
	const char *dir = getenv("DEP_RUN_DIR");
	int len = snprintf(path, n, "%s/%s.sock", dir && *dir ? dir : "/run/depanneur", room);

	return len > 0 && (size_t)len < n ? 0 : -ENAMETOOLONG;
}

const struct config *counter_config(const struct counter *c)
{
	return c->running;
}

/* --- closing: memory goes when the last handle is closed --- */

static void release(struct counter *c)
{
	if (--c->handles > 0 || !c->closing)
		return;
	config_free(c->running);
	free(c->path);
	free(c->scratch);
	free(c);
}

static void on_handle_closed(uv_handle_t *h)
{
	release(h->data);
}

static void on_peer_closed(uv_handle_t *h)
{
	struct peer *p = h->data;
	struct counter *c = p->counter;

	list_del(&p->at);
	buf_free(&p->in);
	buf_free(&p->out);
	buf_free(&p->fly);
	free(p->subscribed);
	free(p);
	release(c);
}

static void peer_close(struct peer *p)
{
	if (!p->open)
		return;
	p->open = false;
	counter_forget(p->counter, p);
	/* It stays in the list until its handle is closed: somebody up the stack may be walking
	 * over it. */
	p->counter->n_peers--;
	uv_close((uv_handle_t *)&p->pipe, on_peer_closed);
}

/* --- output --- */

size_t peer_queued(const struct peer *p)
{
	return p->out.n + p->fly.n;
}

/* Whether more may be taken from this client now. */
static bool may_ask(const struct peer *p)
{
	return p->open && !p->last && peer_queued(p) <= COUNTER_MAX_QUEUE;
}

static void flush(struct peer *p);

static void on_written(uv_write_t *w, int status)
{
	struct peer *p = w->data;

	p->writing = false;
	if (!p->open)
		return;
	if (status != 0) {
		peer_close(p);
		return;
	}
	/* A large answer's memory is not kept for the life of a connection. */
	if (p->fly.cap > SCRATCH)
		buf_free(&p->fly);
	buf_clear(&p->fly);
	if (p->out.n == 0)
		counter_tell_lost(p);
	flush(p);
	if (p->open)
		peer_read(p);
}

static void flush(struct peer *p)
{
	struct buf swap = p->fly;
	uv_buf_t b;

	if (!p->open || p->writing)
		return;
	if (p->out.n == 0) {
		if (p->last)
			peer_close(p);
		return;
	}
	p->fly = p->out;
	p->out = swap;
	b = uv_buf_init((char *)p->fly.p, (unsigned)p->fly.n);
	p->write.data = p;
	p->left = p->fly.n;
	p->stalled = 0;
	if (uv_write(&p->write, (uv_stream_t *)&p->pipe, &b, 1, on_written) != 0)
		peer_close(p);
	else
		p->writing = true;
}

void peer_send(struct peer *p, const char *text, size_t n)
{
	buf_bytes(&p->out, text, n);
	buf_u8(&p->out, '\n');
	/* Half a line must not go out. */
	if (p->out.failed)
		peer_close(p);
	else
		flush(p);
}

/* Closes clients whose output has not moved for WATCH_LOOKS looks. */
static void on_watch(uv_timer_t *t)
{
	struct counter *c = t->data;

	list_each_safe (it, &c->peers) {
		struct peer *p = container_of(it, struct peer, at);
		size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&p->pipe);

		if (!p->open)
			continue;
		if (!p->writing || left != p->left)
			p->stalled = 0;
		else if (++p->stalled >= WATCH_LOOKS)
			peer_close(p);
		p->left = left;
	}
}

/* --- input --- */

/* Length of the first whole line of `in`, or -1. */
static ssize_t line_length(struct peer *p)
{
	const uint8_t *nl =
		p->in.n > p->looked ? memchr(p->in.p + p->looked, '\n', p->in.n - p->looked) : NULL;

	p->looked = nl ? (size_t)(nl - p->in.p) : p->in.n;
	return nl ? (ssize_t)p->looked : -1;
}

static void refuse_line(struct peer *p)
{
	struct err err;

	err_set(&err, -E2BIG, "a line of more than %zu bytes", counter_max_line(p->counter));
	err_mend(&err, "the connection is closed; connect again and send less at once");
	p->last = true;
	counter_send_error(p, NULL, RPC_REQUEST, &err);
}

/* One request of p, if it has one and may ask. Returns whether more wait. */
static bool peer_turn(struct counter *c, struct peer *p)
{
	ssize_t n;

	if (!may_ask(p))
		return false;
	n = line_length(p);
	if (n > (ssize_t)counter_max_line(c) || (n < 0 && p->in.n > counter_max_line(c))) {
		refuse_line(p);
		return false;
	}
	if (n < 0)
		return false;
	if (n > 0)
		counter_handle(c, p, (const char *)p->in.p, (size_t)n);
	buf_drop(&p->in, (size_t)n + 1);
	p->looked = 0;
	if (p->in.n == 0 && p->in.cap > SCRATCH)
		buf_free(&p->in);
	return may_ask(p) && line_length(p) >= 0;
}

static void on_turn(uv_idle_t *idle)
{
	struct counter *c = idle->data;
	bool more = false;

	list_each_safe (it, &c->peers) {
		struct peer *p = container_of(it, struct peer, at);

		if (peer_turn(c, p))
			more = true;
		else
			peer_read(p);
	}
	if (!more)
		uv_idle_stop(idle);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct peer *p = h->data;

	*b = uv_buf_init(p->counter->scratch, SCRATCH);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct peer *p = s->data;

	if (n == 0)
		return;
	if (n == UV_EOF) {
		uv_read_stop(s);
		p->reading = false;
		p->ended = true;
		peer_read(p);
		return;
	}
	if (n < 0) {
		peer_close(p);
		return;
	}
	buf_bytes(&p->in, b->base, (size_t)n);
	if (p->in.failed) {
		peer_close(p);
		return;
	}
	if (line_length(p) >= 0 || p->in.n > counter_max_line(p->counter)) {
		uv_read_stop(s);
		p->reading = false;
		uv_idle_start(&p->counter->turn, on_turn);
	}
}

/* Reads on, or handles what was read before and had to wait. */
static void peer_read(struct peer *p)
{
	if (p->reading || !may_ask(p))
		return;
	if (line_length(p) >= 0) {
		uv_idle_start(&p->counter->turn, on_turn);
		return;
	}
	if (p->ended) {
		/* All it asked is handled: what is unsent still goes out, calls are not waited for.
		 */
		p->last = true;
		flush(p);
		return;
	}
	p->reading = uv_read_start((uv_stream_t *)&p->pipe, on_alloc, on_read) == 0;
	if (!p->reading)
		peer_close(p);
}

/* --- new clients --- */

static bool in_groups(int fd, gid_t gid)
{
	gid_t groups[256];
	socklen_t n = sizeof(groups);
	size_t i;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) != 0)
		return false;
	for (i = 0; i < n / sizeof(groups[0]); i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

/* Root, our own user, or a member of the socket's group. */
static bool allowed(const struct counter *c, int fd)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
		return false;
	if (cred.uid == 0 || cred.uid == geteuid() || cred.gid == c->file.st_gid)
		return true;
	return in_groups(fd, c->file.st_gid);
}

static struct peer *peer_new(struct counter *c)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->counter = c;
	buf_init(&p->in, &c->alloc);
	buf_init(&p->out, &c->alloc);
	buf_init(&p->fly, &c->alloc);
	if (uv_pipe_init(c->loop, &p->pipe, 0) != 0) {
		free(p);
		return NULL;
	}
	p->pipe.data = p;
	c->handles++;
	return p;
}

static void turn_away(struct peer *p, const char *what, const char *mend)
{
	struct err err;

	err_set(&err, -EACCES, "%s", what);
	err_mend(&err, "%s", mend);
	p->last = true;
	counter_send_error(p, NULL, RPC_REFUSED, &err);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct counter *c = listener->data;
	struct peer *p;
	int fd;

	if (status != 0)
		return;
	p = peer_new(c);
	if (!p)
		return;
	p->open = true;
	list_add(&c->peers, &p->at);
	c->n_peers++;
	if (uv_accept(listener, (uv_stream_t *)&p->pipe) != 0 ||
	    uv_fileno((uv_handle_t *)&p->pipe, &fd) != 0)
		peer_close(p);
	else if (!allowed(c, fd))
		turn_away(p, "this user may not use the socket",
			  "be root or a member of the socket's group");
	else if (c->n_peers > COUNTER_MAX_CLIENTS)
		turn_away(p, "too many connections", "close others first");
	else
		peer_read(p);
}

/* --- the socket file --- */

/* Binds fd with a mode of 0660 from the start. */
static int bind_at(int fd, const struct sockaddr_un *addr)
{
	mode_t mask = umask(0117);
	int rc = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0 : -errno;

	umask(mask);
	return rc;
}

/* Removes a socket file that nobody listens on. Returns 0, or -EADDRINUSE. */
static int remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int rc = 0;
	int fd;

	if (lstat(addr->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno != ECONNREFUSED)
		rc = -EADDRINUSE;
	close(fd);
	if (rc == 0 && unlink(addr->sun_path) != 0 && errno != ENOENT)
		rc = -errno;
	return rc;
}

static int make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int rc;

	if (!slash || slash == path)
		return 0;
	dir = strndup(path, (size_t)(slash - path));
	if (!dir)
		return -ENOMEM;
	rc = mkdir(dir, 0755) == 0 || errno == EEXIST ? 0 : -errno;
	free(dir);
	return rc;
}

static int explain(struct err *err, int rc, const char *path)
{
	err_set(err, rc, "cannot listen: %s", strerror(-rc));
	err_where(err, "%s", path);
	if (rc == -EADDRINUSE)
		err_mend(err, "another process serves this socket; end it, or name another path");
	else if (rc == -EEXIST)
		err_mend(err,
			 "a file that is no socket has this name; remove it, or name another path");
	else if (rc == -ENAMETOOLONG)
		err_mend(err, "a socket's path has at most 107 bytes");
	else
		err_mend(err, "name a path in a directory that this user may write to");
	return rc;
}

/* A listening socket at path, or a negative errno. */
static int listen_at(struct counter *c, const char *path, gid_t gid)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	int rc;
	int fd;

	if (n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, n + 1);
	rc = make_parent(path);
	if (rc != 0)
		return rc;
	rc = remove_stale(&addr);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = bind_at(fd, &addr);
	if (rc == 0 && gid != (gid_t)-1 && chown(path, (uid_t)-1, gid) != 0)
		rc = -errno;
	if (rc == 0 && lstat(path, &c->file) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* --- beginning and end --- */

static int start(struct counter *c, const char *path, gid_t gid)
{
	int fd;
	int rc;

	c->path = strdup(path);
	c->scratch = malloc(SCRATCH);
	if (!c->path || !c->scratch)
		return -ENOMEM;
	fd = listen_at(c, path, gid);
	if (fd < 0)
		return fd;
	rc = uv_pipe_open(&c->listener, fd);
	if (rc != 0) {
		close(fd);
		unlink(path);
		return rc;
	}
	rc = uv_listen((uv_stream_t *)&c->listener, 16, on_connection);
	if (rc == 0)
		rc = uv_timer_start(&c->watchdog, on_watch, WATCH_MS, WATCH_MS);
	uv_unref((uv_handle_t *)&c->watchdog);
	return rc;
}

static int init_handles(struct counter *c)
{
	int rc = uv_pipe_init(c->loop, &c->listener, 0);

	if (rc != 0)
		return rc;
	uv_idle_init(c->loop, &c->turn);
	uv_timer_init(c->loop, &c->watchdog);
	c->listener.data = c;
	c->turn.data = c;
	c->watchdog.data = c;
	c->handles = 3;
	return 0;
}

struct counter *counter_new(uv_loop_t *loop, const struct counter_room *room, const char *path,
			    gid_t gid, struct config *running, struct err *err)
{
	struct counter *c = calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	if (!c || (rc = init_handles((c->loop = loop, c))) != 0) {
		explain(err, rc, path);
		config_free(running);
		free(c);
		return NULL;
	}
	/* libuv writes without MSG_NOSIGNAL: a client that goes must not take the room with it. */
	signal(SIGPIPE, SIG_IGN);
	c->room = *room;
	c->running = running;
	alloc_init(&c->alloc, 0);
	list_init(&c->peers);
	rc = start(c, path, gid);
	if (rc == 0)
		return c;
	explain(err, rc, path);
	counter_free(c);
	return NULL;
}

void counter_free(struct counter *c)
{
	struct stat now;

	if (!c)
		return;
	c->closing = true;
	list_each_safe (it, &c->peers)
		peer_close(container_of(it, struct peer, at));
	/* Not the socket of a successor that took our place. */
	if (c->path && c->file.st_ino && lstat(c->path, &now) == 0 &&
	    now.st_ino == c->file.st_ino && now.st_dev == c->file.st_dev)
		unlink(c->path);
	uv_close((uv_handle_t *)&c->listener, on_handle_closed);
	uv_close((uv_handle_t *)&c->turn, on_handle_closed);
	uv_close((uv_handle_t *)&c->watchdog, on_handle_closed);
}

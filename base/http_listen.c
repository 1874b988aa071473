/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets, and the connections they give. */
#include "base/http_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections taken in a row, before others have their turn. */
#define ACCEPTS 32

static bool unix_peer(int fd, struct http_peer *p)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
		return false;
	snprintf(p->text, sizeof(p->text), "unix");
	p->is_unix = true;
	p->uid = cred.uid;
	p->gid = cred.gid;
	p->pid = cred.pid;
	return true;
}

static bool take(struct http_listener *l, int fd, const struct sockaddr_storage *sa)
{
	struct http_server *s = l->s;
	struct http_peer peer = {.tls = l->tls, .uid = (uid_t)-1, .gid = (gid_t)-1};
	struct http_addr *addr = NULL;
	struct http_conn *c;

	if (s->stats.open >= s->limits.connections)
		return false;
	if (l->is_unix && !unix_peer(fd, &peer))
		return false;
	if (!l->is_unix) {
		http_addr_peer(sa, &peer);
		if (!http_addr_take(s, sa, &addr))
			return false;
	}
	c = http_conn_new(s, fd, &peer);
	if (!c) {
		if (addr)
			http_addr_drop(s, addr);
		return false;
	}
	c->addr = addr;
	if (l->tls)
		http_tls_start(c);
	return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct http_listener *l = poll->data;
	struct sockaddr_storage sa;
	socklen_t n;
	int fd;
	int i;

	for (i = 0; i < ACCEPTS; i++) {
		n = sizeof(sa);
		fd = accept4(l->fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0 && errno != EAGAIN) {
			/* No descriptors or memory left: the next sweep tries again. */
			l->off = true;
			uv_poll_stop(&l->poll);
			http_server_sweep_on(l->s);
		}
		if (fd < 0)
			return;
		if (!take(l, fd, &sa)) {
			l->s->stats.refused++;
			close(fd);
		}
	}
}

void http_listen_again(struct http_listener *l)
{
	if (!l->off)
		return;
	l->off = false;
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *h)
{
	struct http_listener *l = h->data;
	struct http_server *s = l->s;

	alloc_free(&s->alloc, l, sizeof(*l));
	http_server_unref(s);
}

void http_listen_close(struct http_listener *l)
{
	list_del(&l->at);
	uv_close((uv_handle_t *)&l->poll, on_closed);
	close(l->fd);
	if (l->path[0])
		unlink(l->path);
}

/* Takes over fd in every case. */
static int start(struct http_server *s, int fd, bool tls, const char *path, struct err *err)
{
	struct http_listener *l = NULL;
	const int on = 1;
	int domain = 0;
	socklen_t n = sizeof(domain);
	int rc;

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n);
	if (domain != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* inherited */
	if (tls && !s->config.tls)
		rc = err_set(err, -EINVAL, "a listener with TLS, but no certificate is set");
	else if (s->closing)
		rc = err_set(err, -ESHUTDOWN, "the HTTP server is closing");
	else if (listen(fd, SOMAXCONN) != 0)
		rc = err_set(err, -errno, "listen: %s", strerror(errno));
	else if (!(l = alloc_zero(&s->alloc, sizeof(*l))))
		rc = err_set(err, -ENOMEM, "no memory");
	else
		rc = uv_poll_init(s->loop, &l->poll, fd);
	if (rc != 0) {
		if (err && err->code == 0)
			err_set(err, rc, "watching a socket: %s", uv_strerror(rc));
		alloc_free(&s->alloc, l, sizeof(*l));
		close(fd);
		return rc;
	}
	*l = (struct http_listener){
		.s = s, .fd = fd, .tls = tls, .is_unix = domain == AF_UNIX, .poll = l->poll};
	l->poll.data = l;
	snprintf(l->path, sizeof(l->path), "%s", path);
	list_add(&s->listeners, &l->at);
	s->n_handles++;
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
	return 0;
}

static bool numeric(const char *host, uint16_t port, struct sockaddr_storage *sa, socklen_t *n)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*n = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*n = sizeof(*v6);
	return true;
}

int http_listen_tcp(struct http_server *s, const char *host, uint16_t port, bool tls,
		    struct err *err)
{
	struct sockaddr_storage sa;
	const int on = 1;
	socklen_t n;
	int rc;
	int fd;

	if (!numeric(host, port, &sa, &n)) {
		rc = err_set(err, -EINVAL, "'%s' is not an IP address", host);
		err_mend(err, "give a numeric address, such as 127.0.0.1 or ::1");
		return rc;
	}
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, n) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) != 0) {
		rc = err_set(err, -errno, "cannot listen on %s port %u: %s", host, port,
			     strerror(errno));
		err_mend(err, rc == -EADDRINUSE
				      ? "another program listens there: give another port"
				      : "check the address and the rights of this process");
		close(fd);
		return rc;
	}
	rc = start(s, fd, tls, "", err);
	if (rc != 0)
		return rc;
	return ntohs(sa.ss_family == AF_INET ? ((struct sockaddr_in *)&sa)->sin_port
					     : ((struct sockaddr_in6 *)&sa)->sin6_port);
}

/* A socket file without a listener is removed. */
static int clear_path(const struct sockaddr_un *sa, struct err *err)
{
	struct stat st;
	int fd;
	int rc;

	if (lstat(sa->sun_path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST, "%s exists and is no socket", sa->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "socket: %s", strerror(errno));
	rc = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 ? 0 : -errno;
	close(fd);
	if (rc != -ECONNREFUSED) {
		rc = err_set(err, -EADDRINUSE, "somebody listens on %s already", sa->sun_path);
		err_mend(err, "stop that process or give another path");
		return rc;
	}
	unlink(sa->sun_path);
	return 0;
}

int http_listen_unix(struct http_server *s, const char *path, mode_t mode, gid_t gid,
		     struct err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int rc;
	int fd;

	if ((size_t)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path) >= sizeof(sa.sun_path))
		return err_set(err, -ENAMETOOLONG, "the path %s is longer than a socket's may be",
			       path);
	rc = clear_path(&sa, err);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "socket: %s", strerror(errno));
	/* The file is made with the socket's own mode: nobody can come in before the chmod. */
	if (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    (gid != (gid_t)-1 && chown(path, (uid_t)-1, gid) != 0) || chmod(path, mode) != 0) {
		rc = err_set(err, -errno, "cannot listen on %s: %s", path, strerror(errno));
		err_mend(err, "check that its directory exists and can be written");
		close(fd);
		return rc;
	}
	return start(s, fd, false, path, err);
}

int http_listen_fd(struct http_server *s, int fd, bool tls, struct err *err)
{
	return start(s, fd, tls, "", err);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the browser comes back to: one request on a loopback port. */
#include "base/clock.h"
#include "node/mcp/oauth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATH "/callback"

int oauth_listen(struct oauth_listener *l, struct err *err)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd >= 0 && bind(l->fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(l->fd, 4) == 0 && getsockname(l->fd, (struct sockaddr *)&a, &n) == 0) {
		snprintf(l->uri, sizeof(l->uri), "http://127.0.0.1:%u" PATH, ntohs(a.sin_port));
		return 0;
	}
	err_set(err, -errno, "no port for the browser to come back to: %s", strerror(errno));
	oauth_unlisten(l);
	return err ? err->code : -EIO;
}

void oauth_unlisten(struct oauth_listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void answer(int fd, bool good)
{
	static const char yes[] =
		"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
		"Connection: close\r\nReferrer-Policy: no-referrer\r\n\r\n"
		"<!doctype html><title>dep</title><p>Done. You can close this page.\n";
	static const char no[] =
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

	if (send(fd, good ? yes : no, good ? sizeof(yes) - 1 : sizeof(no) - 1, MSG_NOSIGNAL) < 0)
		return;
	shutdown(fd, SHUT_WR);
}

/* The request line's target, where it is a GET of PATH with a query. */
static bool target(char *request, char *to, size_t size, const char *uri)
{
	char *end = strchr(request, '\r');
	char *space;

	if (!end || strncmp(request, "GET " PATH "?", 5 + strlen(PATH)) != 0)
		return false;
	*end = '\0';
	space = strchr(request + 4, ' ');
	if (!space)
		return false;
	*space = '\0';
	return (size_t)snprintf(to, size, "%s%s", uri, request + 4 + strlen(PATH)) < size;
}

/* One connection: true where it brought what is waited for. */
static bool one(struct oauth_listener *l, int fd, char *to, size_t size)
{
	char request[8192];
	size_t n = 0;
	ssize_t got;
	bool good;

	do {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, 2000) <= 0)
			break;
		got = recv(fd, request + n, sizeof(request) - 1 - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
		request[n] = '\0';
	} while (n < sizeof(request) - 1 && !strstr(request, "\r\n\r\n"));
	request[n] = '\0';
	good = target(request, to, size, l->uri);
	answer(fd, good);
	return good;
}

int oauth_wait(struct oauth_listener *l, unsigned seconds, char *to, size_t size, struct err *err)
{
	usec_t until = clock_now() + SEC(seconds);
	usec_t now;
	bool done;
	int fd;

	while ((now = clock_now()) < until) {
		struct pollfd p = {.fd = l->fd, .events = POLLIN};

		if (poll(&p, 1, (int)((until - now) / 1000) + 1) <= 0)
			continue;
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		done = one(l, fd, to, size);
		close(fd);
		if (done)
			return 0;
	}
	err_set(err, -ETIMEDOUT, "nobody came back from the browser within %u minutes",
		seconds / 60);
	err_mend(err, "begin again; over ssh forward the port of the URL's redirect_uri");
	return -ETIMEDOUT;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* dep mcp: standard input and output are the node's MCP, a message a line, for programs that start their server
 * themselves. Bytes go to and fro as they are: netops-mcp.sock speaks the same. */
#include "node/node.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROOM (64u << 10)

/* One direction. */
struct pump {
	int from, to;
	size_t at, n;
	bool ended; /* nothing more comes */
	char bytes[ROOM];
};

static int bridge_connect(struct node *n)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int rc;
	int fd;

	if (n->url)
		return err_set(&n->err, -EINVAL, "another node is reached by its URL: give that to the agent");
	if (!n->socket && counter_path("netops-mcp", n->where, sizeof(n->where)) != 0)
		return err_set(&n->err, -ENAMETOOLONG, "DEP_RUN_DIR is too long");
	if (n->socket)
		snprintf(n->where, sizeof(n->where), "%s", n->socket);
	if ((size_t)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", n->where) >= sizeof(sa.sun_path))
		return err_set(&n->err, -ENAMETOOLONG, "the socket's path is too long");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	rc = errno;
	if (fd >= 0)
		close(fd);
	err_set(&n->err, -rc, rc == EACCES ? "you may not use the node's socket" : "cannot connect: %s", strerror(rc));
	err_where(&n->err, "%s", n->where);
	err_mend(&n->err, rc == EACCES ? "be root, or in the socket's group (ls -l tells which)"
				       : "is dep-netops running? dep status tells");
	n->status = DEP_NO_NODE;
	return -rc;
}

/* 0, or -EPIPE: nobody reads any more. */
static int put(struct pump *p)
{
	size_t n = p->n < PIPE_BUF ? p->n : PIPE_BUF; /* so much a pipe that is ready takes without waiting */
	ssize_t put = send(p->to, p->bytes + p->at, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (put < 0 && errno == ENOTSOCK)
		put = write(p->to, p->bytes + p->at, n);
	if (put < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -EPIPE;
	p->at += (size_t)put;
	p->n -= (size_t)put;
	return 0;
}

static void get(struct pump *p)
{
	ssize_t got = read(p->from, p->bytes, sizeof(p->bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	p->ended = got <= 0;
	p->at = 0;
	p->n = got > 0 ? (size_t)got : 0;
}

/* A direction waits for bytes, or for room for those that it has. */
static struct pollfd wants(const struct pump *p)
{
	if (p->n)
		return (struct pollfd){.fd = p->to, .events = POLLOUT};
	return (struct pollfd){.fd = p->ended ? -1 : p->from, .events = POLLIN};
}

static int bridge(struct node *n, struct pump *in, struct pump *out)
{
	struct pollfd fd[2];
	bool told = false; /* that our side sends no more */

	while (!out->ended || out->n) {
		fd[0] = wants(in);
		fd[1] = wants(out);
		if (poll(fd, 2, -1) < 0 && errno != EINTR)
			return err_set(&n->err, -errno, "poll: %s", strerror(errno));
		if (fd[0].fd >= 0 && fd[0].revents && in->n && put(in) != 0) {
			in->n = 0; /* the end comes from the other side, after what it still says */
			in->ended = true;
		} else if (fd[0].fd >= 0 && fd[0].revents && fd[0].events == POLLIN) {
			get(in);
		}
		if (in->ended && in->n == 0 && !told) {
			shutdown(in->to, SHUT_WR);
			told = true;
		}
		if (fd[1].revents && out->n && put(out) != 0)
			return 0; /* nobody listens to us any more */
		if (fd[1].revents && fd[1].events == POLLIN)
			get(out);
	}
	if (told)
		return 0;
	n->status = DEP_NO_NODE;
	return err_set(&n->err, -ECONNRESET, "the node has ended the connection");
}

int node_mcp(struct node *n)
{
	static struct pump in = {.from = STDIN_FILENO};
	static struct pump out = {.to = STDOUT_FILENO};
	int fd = bridge_connect(n);
	int rc;

	if (fd < 0)
		return DEP_FAILED;
	signal(SIGPIPE, SIG_IGN);
	in.to = fd;
	out.from = fd;
	rc = bridge(n, &in, &out);
	close(fd);
	return rc == 0 ? DEP_OK : DEP_FAILED;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A server as a child process: one message a line on its standard streams. */
#include "node/mcp/client_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 2000

extern char **environ;

int stdio_open(struct mcp_client *c, struct err *err)
{
	posix_spawn_file_actions_t fa;
	int to[2];
	int from[2];
	int rc;

	if (pipe2(to, O_CLOEXEC) != 0)
		return err_set(err, -errno, "no pipe: %s", strerror(errno));
	if (pipe2(from, O_CLOEXEC) != 0) {
		close(to[0]);
		close(to[1]);
		return err_set(err, -errno, "no pipe: %s", strerror(errno));
	}
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, to[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&fa, from[1], STDOUT_FILENO);
	rc = posix_spawnp(&c->pid, c->p.command[0], &fa, NULL, c->p.command, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(to[0]);
	close(from[1]);
	c->in = to[1];
	c->out = from[0];
	if (rc != 0) {
		c->pid = 0;
		err_set(err, -rc, "cannot be started: %s", strerror(rc));
		err_where(err, "%s", c->p.command[0]);
		return -rc;
	}
	signal(SIGPIPE, SIG_IGN);
	fcntl(c->in, F_SETFL, O_NONBLOCK);
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	return 0;
}

static void flush(struct mcp_client *c)
{
	ssize_t n;

	while (c->pending.n > 0) {
		n = write(c->in, c->pending.p, c->pending.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			c->ended = true;
		if (n <= 0)
			return;
		buf_drop(&c->pending, (size_t)n);
	}
}

int stdio_send(struct mcp_client *c, char *text, struct err *err)
{
	buf_bytes(&c->pending, text, strlen(text));
	buf_u8(&c->pending, '\n');
	free(text);
	if (c->pending.failed)
		return err_set(err, -E2BIG, "the server does not read what is sent");
	flush(c);
	return 0;
}

/* Whole lines go to the queue; what is left waits for its end. */
static void lines(struct mcp_client *c, const char *p, size_t n)
{
	const char *end;

	while (n > 0) {
		end = memchr(p, '\n', n);
		buf_bytes(&c->line, p, end ? (size_t)(end - p) : n);
		if (!end)
			return;
		n -= (size_t)(end + 1 - p);
		p = end + 1;
		/* What is no JSON object is a server's noise. */
		if (!c->line.failed && c->line.n > 0 && c->line.p[0] == '{')
			client_queue(c, NULL, (const char *)c->line.p, c->line.n);
		buf_clear(&c->line);
	}
}

bool stdio_pump(struct mcp_client *c)
{
	char chunk[16384];
	bool any = false;
	ssize_t n;

	flush(c);
	while (!c->ended) {
		n = read(c->out, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		any = true;
		if (n <= 0)
			c->ended = true;
		else
			lines(c, chunk, (size_t)n);
		if (c->line.n > client_max(c))
			c->ended = true;
	}
	return any;
}

/* End of input is the sign to end; who does not heed it is told by signals. */
void stdio_close(struct mcp_client *c)
{
	static const int signums[] = {0, SIGTERM, SIGKILL};
	unsigned i;
	unsigned ms;
	bool gone = c->pid <= 0;

	if (c->in >= 0)
		close(c->in);
	if (c->out >= 0)
		close(c->out);
	for (i = 0; i < 3 && !gone; i++) {
		if (signums[i])
			kill(c->pid, signums[i]);
		for (ms = 0; ms < GRACE_MS && !gone; ms += 10) {
			gone = waitpid(c->pid, NULL, WNOHANG) == c->pid;
			if (!gone)
				poll(NULL, 0, 10);
		}
	}
}

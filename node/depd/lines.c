/* SPDX-License-Identifier: BSD-2-Clause */
/* What rooms write to standard output and error, line by line, with the room's name before it. */
#include "node/depd/depd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define FILE_MAX_BYTES (8 << 20)

struct follow {
	uv_pipe_t pipe;
	char name[32];
	char line[LINE_MAX_BYTES];
	size_t n;
	char chunk[LINE_MAX_BYTES];
};

static char log_file[256];

/* Makes the file standard error, so that our own lines go there as well. */
static int reopen(void)
{
	int fd = open(log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (dup2(fd, STDERR_FILENO) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int lines_open(const char *file, struct err *err)
{
	int rc;

	if (!file)
		return 0;
	if ((size_t)snprintf(log_file, sizeof(log_file), "%s", file) >= sizeof(log_file))
		rc = -ENAMETOOLONG;
	else
		rc = reopen();
	if (rc == 0)
		return 0;
	log_file[0] = '\0';
	err_set(err, rc, "cannot write the log: %s", strerror(-rc));
	err_where(err, "%s", file);
	err_mend(err, "name a file in a directory that is there, with --log-file");
	return rc;
}

static void rotate(void)
{
	char old[sizeof(log_file) + 2];
	struct stat st;

	if (!log_file[0] || fstat(STDERR_FILENO, &st) != 0 || st.st_size < FILE_MAX_BYTES)
		return;
	snprintf(old, sizeof(old), "%s.1", log_file);
	if (rename(log_file, old) == 0)
		reopen();
}

static void put_line(struct follow *f)
{
	char out[LINE_MAX_BYTES + 40];
	int n = snprintf(out, sizeof(out), "%s: %.*s\n", f->name, (int)f->n, f->line);

	if (n > 0 && write(STDERR_FILENO, out, (size_t)n) < 0) {
		/* Nobody reads our log: nothing to be done about it here. */
	}
	f->n = 0;
	rotate();
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct follow *f = h->data;

	*b = uv_buf_init(f->chunk, sizeof(f->chunk));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct follow *f = s->data;
	ssize_t i;

	for (i = 0; i < n; i++) {
		if (b->base[i] == '\n') {
			put_line(f);
			continue;
		}
		f->line[f->n++] = b->base[i] ? b->base[i] : ' ';
		if (f->n == sizeof(f->line))
			put_line(f);
	}
	if (n >= 0)
		return;
	if (f->n > 0)
		put_line(f);
	uv_close((uv_handle_t *)s, on_closed);
}

int lines_follow(uv_loop_t *loop, const char *name, int fd)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f || uv_pipe_init(loop, &f->pipe, 0) != 0) {
		free(f);
		close(fd);
		return -ENOMEM;
	}
	f->pipe.data = f;
	snprintf(f->name, sizeof(f->name), "%s", name);
	if (uv_pipe_open(&f->pipe, fd) != 0 ||
	    uv_read_start((uv_stream_t *)&f->pipe, on_alloc, on_read) != 0) {
		close(fd);
		uv_close((uv_handle_t *)&f->pipe, on_closed);
		return -EIO;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct ring {
	int dir;
	int fd; /* of log.0 */
	size_t n;
	size_t full;
};

static const char *const names[RING_FILES] = {"log.0", "log.1", "log.2", "log.3"};

/* A line that a crash cut gets its end. */
static void heal(struct ring *r)
{
	char last;

	if (r->n && pread(r->fd, &last, 1, (off_t)r->n - 1) == 1 && last != '\n' &&
	    write(r->fd, "\n", 1) == 1)
		r->n++;
}

static int open_newest(struct ring *r)
{
	struct stat st;

	r->fd = openat(r->dir, names[0], O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (r->fd < 0 || fstat(r->fd, &st) != 0)
		return -errno;
	r->n = (size_t)st.st_size;
	heal(r);
	return 0;
}

struct ring *ring_open(const char *dir, size_t bytes, struct err *err)
{
	struct ring *r = calloc(1, sizeof(*r));
	int rc;

	if (!r) {
		err_set(err, -ENOMEM, "no memory for the log");
		return NULL;
	}
	r->fd = -1;
	r->full = bytes ? bytes : RING_BYTES;
	r->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = r->dir < 0 ? -errno : open_newest(r);
	if (rc == 0)
		return r;
	err_set(err, rc, "cannot open the log: %s", strerror(-rc));
	err_where(err, "%s", dir);
	ring_close(r);
	return NULL;
}

void ring_close(struct ring *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	if (r->dir >= 0)
		close(r->dir);
	free(r);
}

static int rotate(struct ring *r)
{
	int i;

	for (i = RING_FILES - 1; i > 0; i--)
		if (renameat(r->dir, names[i - 1], r->dir, names[i]) != 0 && errno != ENOENT)
			return -errno;
	close(r->fd);
	r->fd = -1;
	return open_newest(r);
}

int ring_add(struct ring *r, const char *text, size_t n)
{
	struct iovec v[2] = {{(void *)text, n}, {"\n", 1}};
	int rc = r->n + n + 1 > r->full ? rotate(r) : 0;
	ssize_t got;

	if (rc)
		return rc;
	got = writev(r->fd, v, 2);
	if (got < 0)
		return -errno;
	r->n += (size_t)got;
	return (size_t)got == n + 1 ? 0 : -ENOSPC;
}

/* ---- Reading ---- */

struct part {
	char *p;
	size_t n;
	size_t from; /* where the wanted lines begin */
};

static int read_whole(int dir, const char *name, struct part *part)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) != 0 || st.st_size > 2 * (off_t)RING_BYTES) {
		close(fd);
		return -EFBIG;
	}
	part->p = malloc((size_t)st.st_size + 1);
	while (part->p && part->n < (size_t)st.st_size) {
		got = read(fd, part->p + part->n, (size_t)st.st_size - part->n);
		if (got <= 0)
			break;
		part->n += (size_t)got;
	}
	close(fd);
	return part->p ? 0 : -ENOMEM;
}

/* Goes back over whole lines; returns how many there are, at most `most`. */
static unsigned go_back(struct part *part, unsigned most)
{
	unsigned lines = 0;
	size_t at = part->n;

	part->from = part->n;
	while (lines < most && at > 0) {
		char *before = at > 1 ? memrchr(part->p, '\n', at - 1) : NULL;

		at = before ? (size_t)(before + 1 - part->p) : 0;
		part->from = at;
		lines++;
	}
	return lines;
}

int ring_last(struct ring *r, unsigned count, void (*f)(void *ctx, const char *text, size_t n),
	      void *ctx)
{
	struct part part[RING_FILES] = {0};
	unsigned left = count;
	int rc = 0;
	int i;

	for (i = 0; i < RING_FILES && left && rc == 0; i++) {
		rc = read_whole(r->dir, names[i], &part[i]);
		if (rc == 0 && part[i].p)
			left -= go_back(&part[i], left);
	}
	for (i = RING_FILES - 1; i >= 0 && rc == 0; i--) {
		const char *at = part[i].p + part[i].from;
		const char *end = part[i].p + part[i].n;

		while (part[i].p && at < end) {
			const char *stop = memchr(at, '\n', (size_t)(end - at));

			stop = stop ? stop : end;
			f(ctx, at, (size_t)(stop - at));
			at = stop + 1;
		}
	}
	for (i = 0; i < RING_FILES; i++)
		free(part[i].p);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Output that waits: chunks of one size from a pool, and parts of files. */
#include "base/http_priv.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define POOL 64
#define IOV 32

static struct http_chunk *chunk_new(struct http_server *s)
{
	struct http_chunk *k = s->free_chunks;

	if (k) {
		s->free_chunks = k->next;
		s->n_free_chunks--;
	} else {
		k = alloc_resize(&s->alloc, NULL, 0, sizeof(*k) + HTTP_CHUNK_BYTES);
		if (!k)
			return NULL;
	}
	k->next = NULL;
	k->from = 0;
	k->to = 0;
	k->fd = -1;
	return k;
}

static void chunk_free(struct http_server *s, struct http_chunk *k)
{
	if (k->fd != -1)
		close(k->fd);
	if (s->n_free_chunks >= POOL) {
		alloc_free(&s->alloc, k, sizeof(*k) + HTTP_CHUNK_BYTES);
		return;
	}
	k->next = s->free_chunks;
	s->free_chunks = k;
	s->n_free_chunks++;
}

static struct http_chunk *append(struct http_outq *q, struct http_server *s)
{
	struct http_chunk *k = chunk_new(s);

	if (!k) {
		q->failed = true;
		return NULL;
	}
	if (q->last)
		q->last->next = k;
	else
		q->first = k;
	q->last = k;
	return k;
}

void http_out_grow(struct http_outq *q, struct http_server *s, const void *p, size_t n)
{
	const uint8_t *from = p;
	struct http_chunk *k = q->last;
	size_t m;

	while (n > 0 && !q->failed) {
		if (!k || k->fd != -1 || k->to == HTTP_CHUNK_BYTES) {
			k = append(q, s);
			if (!k)
				return;
		}
		m = HTTP_CHUNK_BYTES - k->to;
		if (m > n)
			m = n;
		memcpy(k->data + k->to, from, m);
		k->to += (uint32_t)m;
		q->bytes += m;
		from += m;
		n -= m;
	}
}

void http_out_file(struct http_outq *q, struct http_server *s, int fd, uint64_t off, uint64_t len)
{
	struct http_chunk *k = len > 0 ? append(q, s) : NULL;

	if (!k) {
		close(fd);
		return;
	}
	k->fd = fd;
	k->off = off;
	k->left = len;
	q->files++;
}

static void pop(struct http_outq *q, struct http_server *s)
{
	struct http_chunk *k = q->first;

	q->first = k->next;
	if (!q->first)
		q->last = NULL;
	if (k->fd != -1)
		q->files--;
	chunk_free(s, k);
}

void http_out_drop(struct http_outq *q, struct http_server *s, size_t n)
{
	struct http_chunk *k;
	size_t m;

	q->bytes -= n;
	while (n > 0) {
		k = q->first;
		m = k->to - k->from;
		if (m > n) {
			k->from += (uint32_t)n;
			return;
		}
		n -= m;
		pop(q, s);
	}
}

void http_out_free(struct http_outq *q, struct http_server *s)
{
	while (q->first)
		pop(q, s);
	*q = (struct http_outq){0};
}

/* The chunks of memory at the front. *more: something stands behind them. */
static int gather(const struct http_outq *q, struct iovec iov[IOV], bool *more)
{
	struct http_chunk *k;
	int n = 0;

	for (k = q->first; k && k->fd == -1 && n < IOV; k = k->next)
		iov[n++] = (struct iovec){k->data + k->from, k->to - k->from};
	*more = k != NULL;
	return n;
}

static ssize_t send_file(struct http_outq *q, struct http_server *s, int fd)
{
	struct http_chunk *k = q->first;
	off_t off = (off_t)k->off;
	ssize_t n = sendfile(fd, k->fd, &off, k->left < 1 << 20 ? (size_t)k->left : 1 << 20);

	if (n == 0)
		return -EIO; /* shorter than it was */
	if (n < 0)
		return -errno;
	k->off += (uint64_t)n;
	k->left -= (uint64_t)n;
	if (k->left == 0)
		pop(q, s);
	return n;
}

static ssize_t send_memory(struct http_outq *q, struct http_server *s, int fd)
{
	struct iovec iov[IOV];
	struct msghdr msg = {.msg_iov = iov};
	bool more;
	ssize_t n;

	msg.msg_iovlen = (size_t)gather(q, iov, &more);
	if (msg.msg_iovlen == 1 && !more)
		n = send(fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL);
	else
		n = sendmsg(fd, &msg, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
	if (n < 0)
		return -errno;
	http_out_drop(q, s, (size_t)n);
	return n;
}

int http_out_send(struct http_outq *q, struct http_server *s, int fd, uint64_t *moved)
{
	ssize_t n;

	while (q->first) {
		n = q->first->fd == -1 ? send_memory(q, s, fd) : send_file(q, s, fd);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		*moved += (uint64_t)n;
	}
	return 1;
}

long http_out_take(struct http_outq *q, struct http_server *s, uint8_t *to, size_t n)
{
	struct http_chunk *k;
	size_t done = 0;
	ssize_t m;

	while (done < n && q->first) {
		k = q->first;
		if (k->fd == -1) {
			m = (ssize_t)(k->to - k->from < n - done ? k->to - k->from : n - done);
			memcpy(to + done, k->data + k->from, (size_t)m);
			http_out_drop(q, s, (size_t)m);
		} else {
			m = pread(k->fd, to + done, k->left < n - done ? (size_t)k->left : n - done,
				  (off_t)k->off);
			if (m <= 0)
				return m < 0 ? -errno : -EIO;
			k->off += (uint64_t)m;
			k->left -= (uint64_t)m;
			if (k->left == 0)
				pop(q, s);
		}
		done += (size_t)m;
	}
	return (long)done;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's end of the counter: blocking, one request at a time. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/counter.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_ANSWER (256u << 20)
#define MAX_EVENTS 1024
#define CHUNK 65536

struct counter_client {
	int fd;
	uint64_t id;
	struct alloc alloc;
	struct buf in;
	size_t looked;
	char *path;
	yyjson_doc *event[MAX_EVENTS]; /* that came while an answer was waited for: a ring */
	unsigned first;
	unsigned n;
};

static void explain(struct err *err, int rc, const char *path)
{
	err_set(err, rc, "cannot connect: %s", strerror(-rc));
	err_where(err, "%s", path);
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		err_mend(err, "start the room, or say with --socket where its socket is");
	else if (rc == -EACCES)
		err_mend(err, "be root or a member of the socket's group");
}

static int open_socket(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 5};
	size_t n = strlen(path);
	int rc = 0;
	int fd;

	if (n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Also bounds connect(2) where the room is stopped and its backlog full. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		rc = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

struct counter_client *counter_connect(const char *path, struct err *err)
{
	struct counter_client *cl = calloc(1, sizeof(*cl));

	if (!cl) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	alloc_init(&cl->alloc, 0);
	buf_init(&cl->in, &cl->alloc);
	cl->path = strdup(path);
	cl->fd = open_socket(path);
	if (cl->fd >= 0 && cl->path)
		return cl;
	explain(err, cl->fd < 0 ? cl->fd : -ENOMEM, path);
	counter_close(cl);
	return NULL;
}

void counter_close(struct counter_client *cl)
{
	if (!cl)
		return;
	for (; cl->n > 0; cl->n--)
		yyjson_doc_free(cl->event[cl->first++ % MAX_EVENTS]);
	if (cl->fd >= 0)
		close(cl->fd);
	buf_free(&cl->in);
	free(cl->path);
	free(cl);
}

int counter_fd(const struct counter_client *cl)
{
	return cl->fd;
}

static int gone(struct counter_client *cl, struct err *err)
{
	err_set(err, -EPIPE, "the room closed the connection");
	err_where(err, "%s", cl->path);
	err_mend(err, "see its log for why");
	return -EPIPE;
}

static int wait_input(struct counter_client *cl, usec_t until, struct err *err)
{
	struct pollfd p = {.fd = cl->fd, .events = POLLIN};

	for (;;) {
		usec_t left = until == USEC_NEVER ? -1 : until - clock_now();
		int rc;

		if (until != USEC_NEVER && left < 0)
			left = 0;
		rc = poll(&p, 1, left < 0 ? -1 : (int)((left + 999) / 1000));
		if (rc > 0)
			return 0;
		if (rc < 0 && errno != EINTR)
			return err_set(err, -errno, "cannot wait for the room: %s", strerror(errno));
		if (rc < 0 && until == USEC_NEVER) {
			/* A signal that the caller handles ends an endless wait. */
			return err_set(err, -EINTR, "interrupted");
		}
		if (rc == 0) {
			err_set(err, -ETIMEDOUT, "no answer in time");
			err_where(err, "%s", cl->path);
			err_mend(err, "the room may be stopped or very busy; look at its log");
			return -ETIMEDOUT;
		}
	}
}

static int read_more(struct counter_client *cl, usec_t until, struct err *err)
{
	char chunk[CHUNK];
	ssize_t n;
	int rc = wait_input(cl, until, err);

	if (rc != 0)
		return rc;
	n = recv(cl->fd, chunk, sizeof(chunk), 0);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return gone(cl, err);
	buf_bytes(&cl->in, chunk, (size_t)n);
	if (cl->in.failed || cl->in.n > MAX_ANSWER)
		return err_set(err, -E2BIG, "an answer of more than %u bytes", MAX_ANSWER);
	return 0;
}

/* The next message, whatever it is. NULL and err. */
static yyjson_doc *next_message(struct counter_client *cl, usec_t until, struct err *err)
{
	yyjson_doc *doc;
	size_t n;

	for (;;) {
		const uint8_t *nl = cl->in.n > cl->looked ? memchr(cl->in.p + cl->looked, '\n', cl->in.n - cl->looked)
							  : NULL;

		if (nl) {
			n = (size_t)(nl - cl->in.p);
			break;
		}
		cl->looked = cl->in.n;
		if (read_more(cl, until, err) != 0)
			return NULL;
	}
	doc = json_parse((const char *)cl->in.p, n, MAX_ANSWER, "answer", err);
	buf_drop(&cl->in, n + 1);
	cl->looked = 0;
	return doc;
}

static void keep_event(struct counter_client *cl, yyjson_doc *doc)
{
	if (cl->n == MAX_EVENTS) {
		yyjson_doc_free(cl->event[cl->first++ % MAX_EVENTS]);
		cl->n--;
	}
	cl->event[(cl->first + cl->n++) % MAX_EVENTS] = doc;
}

static int send_all(struct counter_client *cl, const char *text, size_t n, struct err *err)
{
	while (n > 0) {
		ssize_t sent = send(cl->fd, text, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			err_set(err, -ETIMEDOUT, "the room does not read");
			err_where(err, "%s", cl->path);
			return -ETIMEDOUT;
		}
		if (sent <= 0)
			return gone(cl, err);
		text += sent;
		n -= (size_t)sent;
	}
	return 0;
}

static int send_request(struct counter_client *cl, const char *method, yyjson_mut_val *params, struct err *err)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char *text;
	size_t n;
	int rc;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "jsonrpc", "2.0");
	yyjson_mut_obj_add_uint(doc, root, "id", ++cl->id);
	yyjson_mut_obj_add_str(doc, root, "method", method);
	if (params)
		yyjson_mut_obj_add_val(doc, root, "params", yyjson_mut_val_mut_copy(doc, params));
	text = yyjson_mut_write(doc, YYJSON_WRITE_NEWLINE_AT_END, &n);
	yyjson_mut_doc_free(doc);
	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	rc = send_all(cl, text, n, err);
	free(text);
	return rc;
}

static void copy_error(yyjson_val *e, struct err *err)
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

static usec_t deadline(int timeout)
{
	return timeout < 0 ? USEC_NEVER : clock_now() + MSEC(timeout);
}

yyjson_doc *counter_request(struct counter_client *cl, const char *method, yyjson_mut_doc *params_doc,
			    yyjson_mut_val *params, int timeout, yyjson_val **result, struct err *err)
{
	usec_t until = deadline(timeout);
	yyjson_doc *doc;

	if (send_request(cl, method, params, err) != 0)
		return NULL;
	while ((doc = next_message(cl, until, err))) {
		yyjson_val *root = yyjson_doc_get_root(doc);
		yyjson_val *id = yyjson_obj_get(root, "id");
		yyjson_val *e = yyjson_obj_get(root, "error");

		if (!id && yyjson_obj_get(root, "method")) {
			keep_event(cl, doc);
			continue;
		}
		/* The answer to a request that was given up may still come; an error without id means us. */
		if (!(yyjson_is_null(id) && e) && yyjson_get_uint(id) != cl->id) {
			yyjson_doc_free(doc);
			continue;
		}
		*result = yyjson_obj_get(root, "result");
		if (*result)
			return doc;
		copy_error(e, err);
		yyjson_doc_free(doc);
		return NULL;
	}
	return NULL;
}

yyjson_doc *counter_next(struct counter_client *cl, int timeout, yyjson_val **params, struct err *err)
{
	usec_t until = deadline(timeout);
	yyjson_doc *doc;

	if (cl->n > 0) {
		doc = cl->event[cl->first++ % MAX_EVENTS];
		cl->n--;
		*params = yyjson_obj_get(yyjson_doc_get_root(doc), "params");
		return doc;
	}
	while ((doc = next_message(cl, until, err))) {
		*params = yyjson_obj_get(yyjson_doc_get_root(doc), "params");
		if (*params)
			return doc;
		yyjson_doc_free(doc);
	}
	return NULL;
}

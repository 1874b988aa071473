/* SPDX-License-Identifier: BSD-2-Clause */
/* The server that bench/http.sh and test/http_clients.py put to work. Paths:
 *
 *   /json       a small JSON answer
 *   /static     1 KiB from memory
 *   /file       the file given by --file, opened for each request
 *   /echo       the request's body, piece by piece, with back-pressure
 *   /whole      the request's body, once it is there
 *   /big?n=N    N bytes, as fast as they are taken
 *   /events     three server-sent events
 *   /later      an answer after 50 ms
 *
 * http_server PORT [--tls-port PORT --cert FILE --key FILE] [--file FILE]; prints "ready" once it
 * listens. */
#include "base/http.h"
#include "base/loop.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct app {
	uv_loop_t loop;
	struct loop_signals signals;
	struct http_server *server;
	const char *file;
	uint8_t kib[1024];
};

static const struct http_field json_type[] = {{"content-type", "application/json"}};
static const struct http_field text_type[] = {{"content-type", "text/plain"}};

static void answer_file(struct app *a, struct http_req *r)
{
	struct stat st;
	int fd = a->file ? open(a->file, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		http_reply_text(r, 404, "no file\n");
		if (fd >= 0)
			close(fd);
		return;
	}
	http_reply_file(r, 200, text_type, 1, fd, 0, (uint64_t)st.st_size);
}

/* ---- echo ---- */

static void echo_drained(struct http_req *r)
{
	http_body_resume(r);
}

static void echo_data(struct http_req *r, struct slice piece)
{
	if (!http_write(r, piece))
		http_body_pause(r);
}

static void answer_echo(struct http_req *r)
{
	http_watch(r, (struct http_watch){.drained = echo_drained});
	http_start(r, 200, text_type, 1);
	http_body_stream(r, echo_data, http_end);
}

static void whole(struct http_req *r, struct slice body)
{
	http_reply(r, 200, text_type, 1, body);
}

/* ---- big ---- */

struct big {
	uint64_t left;
};

static void big_go(struct http_req *r)
{
	static uint8_t zeros[16384];
	struct big *b = http_ctx(r);
	size_t n;

	while (b->left > 0) {
		n = b->left < sizeof(zeros) ? (size_t)b->left : sizeof(zeros);
		b->left -= n;
		if (!http_write(r, slice_of(zeros, n)))
			return;
	}
	free(b);
	http_end(r);
}

static void big_closed(struct http_req *r)
{
	free(http_ctx(r));
}

static void answer_big(struct http_req *r)
{
	struct big *b = calloc(1, sizeof(*b));
	char n[24];

	if (http_query_get(http_query(r), "n", n, sizeof(n)) < 0 || !b) {
		free(b);
		http_reply_text(r, 400, "n is missing\n");
		return;
	}
	b->left = strtoull(n, NULL, 10);
	http_set_ctx(r, b);
	http_watch(r, (struct http_watch){.drained = big_go, .closed = big_closed});
	http_start(r, 200, text_type, 1);
	big_go(r);
}

/* ---- later ---- */

struct later {
	uv_timer_t timer;
	struct http_req *r;
};

static void later_free(uv_handle_t *h)
{
	free(h->data);
}

static void later_due(uv_timer_t *t)
{
	struct later *l = t->data;

	http_reply_text(l->r, 200, "later\n");
	uv_close((uv_handle_t *)t, later_free);
}

static void later_closed(struct http_req *r)
{
	struct later *l = http_ctx(r);

	uv_close((uv_handle_t *)&l->timer, later_free);
}

static void answer_later(struct app *a, struct http_req *r)
{
	struct later *l = calloc(1, sizeof(*l));

	if (!l) {
		http_reply_text(r, 503, "no memory\n");
		return;
	}
	l->r = r;
	l->timer.data = l;
	http_set_ctx(r, l);
	http_watch(r, (struct http_watch){.closed = later_closed});
	uv_timer_init(&a->loop, &l->timer);
	uv_timer_start(&l->timer, later_due, 50, 0);
}

static void answer_events(struct http_req *r)
{
	http_sse_start(r, NULL, 0);
	http_sse_event(r, "1", NULL, SLICE_LIT("one"));
	http_sse_event(r, "2", "note", SLICE_LIT("two\nlines"));
	http_sse_comment(r, "still here");
	http_sse_event(r, NULL, NULL, SLICE_LIT(""));
	http_end(r);
}

static void on_request(void *ctx, struct http_req *r)
{
	struct app *a = ctx;
	const char *path = http_path(r);

	if (strcmp(path, "/json") == 0)
		http_reply(r, 200, json_type, 1,
			   SLICE_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"ok\":true}}"));
	else if (strcmp(path, "/static") == 0)
		http_reply(r, 200, text_type, 1, slice_of(a->kib, sizeof(a->kib)));
	else if (strcmp(path, "/file") == 0)
		answer_file(a, r);
	else if (strcmp(path, "/echo") == 0)
		answer_echo(r);
	else if (strcmp(path, "/whole") == 0)
		http_body(r, whole);
	else if (strcmp(path, "/big") == 0)
		answer_big(r);
	else if (strcmp(path, "/events") == 0)
		answer_events(r);
	else if (strcmp(path, "/later") == 0)
		answer_later(a, r);
	else
		http_reply_text(r, 404, "no such path\n");
}

static void on_stop(void *ctx, int signum)
{
	struct app *a = ctx;

	http_server_close(a->server, 500, NULL, NULL);
}

static int serve(struct app *a, uint16_t port, uint16_t tls_port, struct tls_config *tls)
{
	static const char *const alpn[] = {"h2", "http/1.1", NULL};
	struct http_config c = {.request = on_request, .ctx = a, .server = "dep"};
	struct err err = {0};
	int rc;

	tls->server = true;
	tls->alpn = alpn;
	c.limits = (struct http_limits){
		.connections = 4096, .per_address = 4096, .body_bytes = 1ull << 32};
	if (tls_port > 0)
		c.tls = tls_context(tls, &err);
	a->server = err.code == 0 ? http_server_new(&a->loop, &c, &err) : NULL;
	SSL_CTX_free(c.tls);
	rc = a->server ? http_listen_tcp(a->server, "127.0.0.1", port, false, &err) : -1;
	if (rc >= 0 && tls_port > 0)
		rc = http_listen_tcp(a->server, "127.0.0.1", tls_port, true, &err);
	if (rc < 0) {
		err_print(&err, "http_server", stderr);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	return 0;
}

int main(int argc, char **argv)
{
	static struct app a;
	struct tls_config tls = {0};
	uint16_t tls_port = 0;
	int rc;
	int i;

	if (argc < 2 || argc % 2 != 0)
		return 2;
	for (i = 2; i < argc; i += 2) {
		if (strcmp(argv[i], "--tls-port") == 0)
			tls_port = (uint16_t)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--cert") == 0)
			tls.cert_file = argv[i + 1];
		else if (strcmp(argv[i], "--key") == 0)
			tls.key_file = argv[i + 1];
		else if (strcmp(argv[i], "--file") == 0)
			a.file = argv[i + 1];
		else
			return 2;
	}
	memset(a.kib, 'x', sizeof(a.kib));
	uv_loop_init(&a.loop);
	loop_signals_init(&a.signals, &a.loop, on_stop, NULL, &a);
	rc = serve(&a, (uint16_t)strtoul(argv[1], NULL, 10), tls_port, &tls);
	loop_finish(&a.loop);
	return rc;
}

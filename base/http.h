/* SPDX-License-Identifier: BSD-2-Clause */
/* An HTTP server on the process' one libuv loop: HTTP/1.1 (RFC 9112, llhttp) and HTTP/2 (RFC 9113, nghttp2; over TLS by
 * ALPN, in the clear by prior knowledge), over TCP, TLS and Unix sockets. Any method; bodies stream both ways with
 * back-pressure; keep-alive, pipelining, Expect, trailers, upgrade; sendfile where the kernel can.
 *
 * A request is a struct http_req from its head until both its response is finished and its body read, or its
 * connection is lost. All functions are called from the loop; callbacks come from it and never from within the call
 * that set them. What a callback is handed (slices, header values) is valid during the callback; what http_path(),
 * http_header() … return is valid as long as the request.
 *
 * Bad input is answered here and never seen by the room: 400 (and close), 408, 413, 414, 431, 501, 505. Request
 * smuggling is refused, not repaired: both Content-Length and Transfer-Encoding, differing lengths, obs-fold, bare CR,
 * spaces before a colon, a Host that is missing or given twice. */
#ifndef DEP_HTTP_H
#define DEP_HTTP_H

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/tls.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct http_server;
struct http_req;

/* 0: the default that stands behind it. */
struct http_limits {
	uint32_t head_bytes;	/* request line and header fields together: 16 KiB -> 431 */
	uint32_t target_bytes;	/* 8 KiB -> 414 */
	uint64_t body_bytes;	/* 1 MiB -> 413; a request may raise its own with http_body_limit() */
	uint32_t head_ms;	/* from the first byte of a head to its end: 10 s -> 408 */
	uint32_t body_ms;	/* without progress of a body that is read: 10 s -> 408 */
	uint32_t write_ms;	/* without progress of output that waits: 30 s -> closed */
	uint32_t idle_ms;	/* between requests: 60 s -> closed */
	uint32_t connections;	/* 1024 in all; a new one beyond is closed at once */
	uint32_t per_address;	/* connections of one IPv4 address or IPv6 /64: 256 */
	uint32_t streams;	/* HTTP/2, at once a connection: 100 */
	uint32_t queued_bytes;	/* output that waits in a connection: high-water mark 256 KiB (HTTP/2: 64 KiB a stream) */
};

struct http_config {
	/* The head of a request has been read. Must answer with one of the functions below, now or later, unless the
	 * connection is lost before (closed of http_watch). */
	void (*request)(void *ctx, struct http_req *r);
	void *ctx;
	SSL_CTX *tls; /* taken as a reference; NULL: listeners that ask for TLS are refused */
	struct http_limits limits;
	const char *server; /* Server header field, NULL: none */
};

/* loop must outlive the server. SIGPIPE is ignored from now on. NULL and err. */
struct http_server *http_server_new(uv_loop_t *loop, const struct http_config *c, struct err *err);
/* Stops listening; requests under way may end within grace_ms, then everything is closed. done may be NULL. The loop
 * must run until done is called. */
void http_server_close(struct http_server *s, unsigned grace_ms, void (*done)(void *ctx), void *ctx);
/* host: a numeric address; port 0: any. Returns the port or a negative errno and err. */
int http_listen_tcp(struct http_server *s, const char *host, uint16_t port, bool tls, struct err *err);
/* A socket file that nobody listens on any more is replaced. gid -1: as it comes. */
int http_listen_unix(struct http_server *s, const char *path, mode_t mode, gid_t gid, struct err *err);
/* Takes over a listening socket (of a supervisor). */
int http_listen_fd(struct http_server *s, int fd, bool tls, struct err *err);

struct http_stats {
	uint64_t connections, requests, bytes_in, bytes_out, refused, timeouts, tls_failures;
	uint32_t open, active; /* connections, requests */
	uint64_t memory; /* bytes held for connections, requests and what waits, pools included */
};
void http_server_stats(const struct http_server *s, struct http_stats *out);

/* ---- The request ---- */

struct slice http_method(const struct http_req *r);
struct slice http_target(const struct http_req *r); /* as sent */
const char *http_path(const struct http_req *r);    /* before '?', as sent (percent-encoded), ends with NUL */
const char *http_query(const struct http_req *r);   /* after '?', or "" */
const char *http_authority(const struct http_req *r); /* Host or :authority, or "" */
unsigned http_version(const struct http_req *r);    /* 10, 11, 20 */
/* First field of that name (compared without case), or NULL. Field values are trimmed, end with NUL and hold none. */
const char *http_header(const struct http_req *r, const char *name);
/* Calls f for each field, in order; names are lower case. */
void http_header_each(const struct http_req *r, bool (*f)(void *ctx, const char *name, const char *value), void *ctx);

struct http_peer {
	char text[64];	/* "192.0.2.1", "2001:db8::1", "unix" */
	uint16_t port;
	bool loopback;	/* an address of 127/8 or ::1 */
	bool is_unix;
	bool tls;
	uid_t uid;	/* of a Unix socket's peer */
	gid_t gid;
	pid_t pid;
};
const struct http_peer *http_peer(const struct http_req *r);
/* The TLS session (client certificate, ALPN), or NULL. */
SSL *http_tls(const struct http_req *r);

/* The room's own pointer. */
void http_set_ctx(struct http_req *r, void *ctx);
void *http_ctx(const struct http_req *r);

/* ---- The request's body ---- */

/* Raises or lowers the limit for this request; before its body is asked for. */
void http_body_limit(struct http_req *r, uint64_t bytes);
/* The whole body in one piece, once it is there (empty where there is none). Not called where the peer goes away or
 * the limit is passed (413 is then answered here). */
void http_body(struct http_req *r, void (*whole)(struct http_req *r, struct slice body));
/* Piece by piece, as it comes; end is called once after the last. */
void http_body_stream(struct http_req *r, void (*data)(struct http_req *r, struct slice piece),
		      void (*end)(struct http_req *r));
/* No more pieces until resumed: the peer is slowed down by TCP or HTTP/2 flow control. */
void http_body_pause(struct http_req *r);
void http_body_resume(struct http_req *r);
/* What is not asked for is read and dropped up to the limit, else the connection closed. */

/* ---- The response ---- */

struct http_field {
	const char *name; /* lower case */
	const char *value;
};

/* All at once: n fields, and Content-Length, Date and so on, which this adds (none of them where status forbids it; given
 * ones are passed over, as are values with line ends). body is copied or sent before this returns. */
void http_reply(struct http_req *r, unsigned status, const struct http_field *field, size_t n, struct slice body);
/* A short text for people as body. */
void http_reply_text(struct http_req *r, unsigned status, const char *text);
/* A file, from off, len bytes: sendfile(2) where it can. fd is taken over and closed. */
void http_reply_file(struct http_req *r, unsigned status, const struct http_field *field, size_t n, int fd,
		     uint64_t off, uint64_t len);

/* Piece by piece: chunked, DATA frames, or until close for HTTP/1.0; with a content-length among the fields: as long as
 * that (more is cut off, less breaks the response off). An interim status (100, 103) may come first. */
void http_start(struct http_req *r, unsigned status, const struct http_field *field, size_t n);
/* Sends a piece (copied). False: more than the high-water mark waits; wait for drained before writing more. */
bool http_write(struct http_req *r, struct slice piece);
/* The end. r is gone after this, unless its body is still being read. */
void http_end(struct http_req *r);
/* Breaks the response off: RST_STREAM, or the connection closed. */
void http_abort(struct http_req *r);

struct http_watch {
	void (*drained)(struct http_req *r); /* output fell below the mark again; may be NULL */
	/* The connection was lost, or the stream reset, before the response was finished, or an error was answered here
	 * (408, 413): r must not be used after this call. May be NULL: r stays until the room answers it, and the answer is
	 * ignored; a room that still waited for the body is never called again, and r is gone. A peer that shuts down its
	 * sending side while it waits for an answer counts as gone. */
	void (*closed)(struct http_req *r);
};
/* May be called again to change it. */
void http_watch(struct http_req *r, struct http_watch w);

/* Server-sent events: starts the response (200, text/event-stream, no-store) with n more fields. */
void http_sse_start(struct http_req *r, const struct http_field *field, size_t n);
/* One event: id and event may be NULL, data may hold newlines. As http_write. */
bool http_sse_event(struct http_req *r, const char *id, const char *event, struct slice data);
/* A comment line, to keep the way open. */
bool http_sse_comment(struct http_req *r, const char *text);

/* HTTP/1.1 Upgrade: answers 101 with the fields; from then on bytes of the connection come to data (first what had come
 * already) and go out with http_write; closed of http_watch at its end. -EPROTO for HTTP/2 and where none was asked. */
int http_upgrade(struct http_req *r, const char *protocol, const struct http_field *field, size_t n,
		 void (*data)(struct http_req *r, struct slice bytes));

/* ---- Helpers of servers ---- */

/* Percent-decodes n bytes at s into to (NUL-terminated, at most size). Length, or -EINVAL (bad escape, NUL), -ENAMETOOLONG. */
long http_unescape(const char *s, size_t n, char *to, size_t size);
/* Value of a query parameter, percent-decoded with '+' as space: length, -ENOENT, -EINVAL, -ENAMETOOLONG. */
long http_query_get(const char *query, const char *name, char *to, size_t size);
/* Whether an Accept field (NULL: anything) admits "type/subtype" (RFC 9110 §12.5.1; q=0 refuses). */
bool http_accepts(const char *accept, const char *type);
/* IMF-fixdate of RFC 9110 §5.6.7, for Date and Last-Modified; to has 30 bytes. */
void http_date(int64_t unix_time, char to[30]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of the HTTP server.
 *
 * http_listen.c accepts sockets. http_conn.c owns a connection: it reads into one buffer that all
 * connections share, hands the bytes (through http_tls.c) to the protocol (http1.c, http2.c), and
 * after each batch writes with one writev(2) what the answers left in the queue (http_out.c).
 * http_req.c holds requests, http_reply.c the responses that rooms make. Timers are one sweep over
 * the connections.
 *
 * What a room calls never calls back, and never frees: it marks the connection and leaves the rest
 * to the end of the batch, or, outside of one, to the loop's idle phase (http_conn_later). */
#ifndef DEP_HTTP_PRIV_H
#define DEP_HTTP_PRIV_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/http.h"
#include "base/list.h"

#include <llhttp.h>
#include <netinet/in.h>

#define HTTP_READ_BYTES 65536
#define HTTP_CHUNK_BYTES (16384 - 40)
#define HTTP_FIELDS 100
#define HTTP_LINGER_MS 2000
#define HTTP_NO_LENGTH UINT64_MAX

/* ---- Output ---- */

struct http_chunk {
	struct http_chunk *next;
	uint32_t from; /* data[from .. to) waits */
	uint32_t to;
	int fd; /* not -1: `left` bytes of this file at `off` instead */
	uint64_t off;
	uint64_t left;
	uint8_t data[];
};

struct http_outq {
	struct http_chunk *first;
	struct http_chunk *last;
	size_t bytes; /* in memory */
	uint32_t files;
	bool failed; /* no memory: what was added is not whole */
};

/* ---- Requests ---- */

struct http_span {
	uint32_t name;
	uint32_t name_n;
	uint32_t value;
	uint32_t value_n;
};

struct http_req {
	struct list at; /* in its connection, among the lost, or the free ones */
	struct http_server *s;
	struct http_conn *c; /* NULL: lost; answers are ignored */
	void *ctx;
	struct http_watch watch;
	void (*whole)(struct http_req *r, struct slice body);
	void (*data)(struct http_req *r, struct slice piece);
	void (*end)(struct http_req *r);

	/* Method, target, path, query, names and values, each with a NUL at its end. */
	struct buf head;
	uint32_t method;
	uint32_t method_n;
	uint32_t target;
	uint32_t target_n;
	uint32_t path;
	uint32_t query;
	uint32_t authority;
	unsigned version;
	unsigned n_fields;
	struct http_span field[HTTP_FIELDS];

	struct buf body;     /* collected for `whole`, or held while nobody asked (HTTP/2) */
	struct slice direct; /* the whole body where it came in one piece */
	uint64_t body_limit;
	uint64_t body_n; /* as declared, or HTTP_NO_LENGTH */
	uint64_t body_seen;
	uint64_t extra;	   /* bytes of trailers and chunk extensions, which are dropped */
	uint64_t progress; /* ms of the loop: last piece of the body */
	uint64_t sent;	   /* HTTP/2: output began to wait, or went on */

	uint64_t left; /* of a response with declared length */
	int32_t stream;
	struct http_outq out; /* HTTP/2: what waits for flow control */
	unsigned bad;	      /* HTTP/2: status to refuse with, found in its head */
	uint32_t list_bytes;  /* HTTP/2: of the head, as RFC 9113 §6.5.2 counts */
	size_t owed;	      /* HTTP/2: bytes read for which the window was not yet given back */

	bool head_done : 1;
	bool told : 1;	    /* the room has seen it */
	bool body_done : 1; /* read to its end */
	bool ended : 1;	    /* whole or end was called */
	bool paused : 1;
	bool expect : 1;  /* the peer waits for 100 */
	bool upgrade : 1; /* asked for */
	bool raw : 1;	  /* upgraded */
	bool started : 1; /* the response's head is out */
	bool done : 1;	  /* the room has finished: no more callbacks */
	bool aborted : 1;
	bool chunked : 1;
	bool bare : 1; /* a response without a body: HEAD, 204, 304 */
	bool full : 1; /* owes a drained */
	bool is_head : 1;
	bool is_connect : 1;
	bool deferred : 1; /* HTTP/2: the data source waits for more */
	bool fed : 1;	   /* HTTP/2: the response has a data source */
};

/* ---- Connections ---- */

enum http_proto {
	HTTP_PROTO_NEW, /* by the first bytes */
	HTTP_PROTO_1,
	HTTP_PROTO_2,
};

struct http_addr {
	struct hash_node node;
	uint8_t ip[16];
	uint32_t n;
};

struct http_conn {
	struct list at; /* in the server */
	struct list later;
	struct http_server *s;
	uv_poll_t poll;
	int fd; /* -1: without a socket (fuzzing) */
	int events;
	unsigned busy; /* depth of calls that settle it at their end */
	enum http_proto proto;
	struct http_peer peer;
	struct http_addr *addr;

	SSL *ssl;
	struct slice tls_in;   /* what OpenSSL may read */
	struct http_outq wire; /* TLS records; without TLS unused */
	struct http_outq out;
	struct buf left; /* read, not yet used */
	uint64_t since;	 /* ms: the phase began */
	uint64_t wrote;	 /* ms: output began to wait, or went on */

	/* HTTP/1.1 */
	llhttp_t parser;
	struct http_req *cur;
	uint32_t head_seen;
	const uint8_t *base; /* what is being parsed, and where in the stream it stands */
	uint64_t base_at;
	uint64_t line_at; /* where the next part of the request line must begin */
	unsigned error;	  /* status to refuse with, of a parser's callback */
	/* HTTP/2 */
	struct nghttp2_session *h2;
	struct list reqs;
	struct http_req *reading; /* whose header block is being read */
	uint32_t n_reqs;
	uint32_t resets; /* by the peer, in the second that began at resets_at */
	uint64_t resets_at;

	bool in_head : 1;
	bool in_name : 1;
	bool in_version : 1;
	bool stopped : 1; /* in a body, by its room */
	bool used : 1;	  /* had a request */
	bool last : 1;	  /* closes after this response */
	bool no_more : 1; /* input is dropped; closes when output is out */
	bool eof : 1;
	bool half : 1;	/* hung up while nothing was read */
	bool again : 1; /* has more to do in the idle phase */
	bool lost : 1;
	bool freed : 1;
	bool linger : 1; /* shut down; waits for the peer's end */
	bool handshake : 1;
	bool tls_failed : 1;
	bool ack : 1; /* HTTP/2: GOAWAY sent */
};

struct http_listener {
	struct list at;
	struct http_server *s;
	uv_poll_t poll;
	int fd;
	bool tls;
	bool is_unix;
	bool off; /* no descriptors left: until the next sweep */
	char path[108];
};

struct http_server {
	uv_loop_t *loop;
	struct http_config config;
	struct http_limits limits;
	char *name;
	struct alloc alloc;
	struct buf scratch; /* an event that is being written */
	struct list listeners;
	struct list conns;
	struct list later;
	struct list lost; /* requests whose connection is gone, which their room still holds */
	struct list free_reqs;
	struct http_chunk *free_chunks;
	unsigned n_free_reqs;
	unsigned n_free_chunks;
	unsigned n_handles; /* being closed or open; the server goes with the last */
	unsigned n_lost;
	struct hash addrs;
	uint64_t seed;
	uv_idle_t idle;
	uv_timer_t sweep;
	uv_timer_t grace;
	uint64_t sweep_ms;
	struct http_stats stats;
	uint64_t stock_at; /* ms for which stock holds */
	int64_t stock_sec;
	unsigned stock_n;
	char date[30];
	char stock[192]; /* the Server and Date lines */
	bool closing;
	bool closed; /* done was called */
	void (*done)(void *ctx);
	void *done_ctx;
	uint8_t in[HTTP_READ_BYTES];
	uint8_t plain[HTTP_READ_BYTES];
};

/* ---- http_out.c ---- */

void http_out_grow(struct http_outq *q, struct http_server *s, const void *p, size_t n);
/* A file's part; fd is taken over. */
void http_out_file(struct http_outq *q, struct http_server *s, int fd, uint64_t off, uint64_t len);
/* Drops n bytes of memory from the front. */
void http_out_drop(struct http_outq *q, struct http_server *s, size_t n);
void http_out_free(struct http_outq *q, struct http_server *s);
/* Writes to fd as much as it takes. 1: all of it; 0: fd is full; else a negative errno. *moved:
 * bytes written. */
int http_out_send(struct http_outq *q, struct http_server *s, int fd, uint64_t *moved);
/* Reads up to n bytes from the front, of memory or of a file, and drops them. Bytes, or a negative
 * errno. */
long http_out_take(struct http_outq *q, struct http_server *s, uint8_t *to, size_t n);

static inline bool http_out_empty(const struct http_outq *q)
{
	return !q->first;
}

static inline void http_out_add(struct http_outq *q, struct http_server *s, const void *p, size_t n)
{
	struct http_chunk *last = q->last;

	if (!last || last->fd != -1 || HTTP_CHUNK_BYTES - last->to < n) {
		http_out_grow(q, s, p, n);
		return;
	}
	memcpy(last->data + last->to, p, n);
	last->to += (uint32_t)n;
	q->bytes += n;
}

static inline void http_out_text(struct http_outq *q, struct http_server *s, const char *text)
{
	http_out_add(q, s, text, strlen(text));
}

/* ---- http_req.c ---- */

/* NULL: no memory. */
struct http_req *http_req_new(struct http_conn *c);
void http_req_free(struct http_req *r);
/* The connection or stream is gone: the room is told, or r kept until it answers. */
void http_req_lost(struct http_req *r);
/* Whether the body may be read on: somebody takes it, or it is dropped. */
bool http_req_wanted(const struct http_req *r);
/* A room's callback about the body's end, where it has asked. */
void http_req_body_end(struct http_req *r);
/* Adds text and a NUL to the head; false: no memory. */
bool http_req_text(struct http_req *r, const void *p, size_t n, uint32_t *at);
/* Splits the target into path, query and authority: 0, or the status to refuse it with. */
unsigned http_req_target(struct http_req *r);
/* Whether text can be the value of Host or :authority. */
bool http_host_ok(const char *text);
/* Fields which the connection itself writes. */
bool http_field_ours(const char *name);
/* A value without line ends and NUL, which would split the response: NULL where v is clean. */
bool http_value_ok(const char *v);

/* ---- http_conn.c ---- */

/* Takes over fd (-1: none). NULL: no memory, and fd stays the caller's. */
struct http_conn *http_conn_new(struct http_server *s, int fd, const struct http_peer *peer);
/* Bytes of the peer, after TLS. */
void http_conn_input(struct http_conn *c, const uint8_t *p, size_t n);
/* End of a batch: writes, calls drained, waits for the right events, or takes the connection down.
 */
void http_conn_settle(struct http_conn *c);
/* Something was done to c outside of a batch. */
void http_conn_later(struct http_conn *c);
/* The idle phase: all that was left for later. */
void http_on_idle(uv_idle_t *idle);
void http_conn_hung_up(struct http_conn *c);
/* More waits than the high-water mark. */
bool http_conn_full(const struct http_conn *c);
/* To be taken down at the end of the batch. */
void http_conn_lose(struct http_conn *c);
void http_conn_sweep(struct http_conn *c, uint64_t now);
/* Starts the graceful end. */
void http_conn_drain(struct http_conn *c);

static inline uint64_t http_now(const struct http_server *s)
{
	return uv_now(s->loop);
}

/* ---- http.c ---- */

struct slice http_stock(struct http_server *s);
/* The Date field's value. */
const char *http_server_date(struct http_server *s);
void http_server_unref(struct http_server *s);
void http_server_check_done(struct http_server *s);
/* The sweep runs while there are connections. */
void http_server_sweep_on(struct http_server *s);

/* ---- http_listen.c ---- */

void http_listen_close(struct http_listener *l);
/* Accepts again, where it had stopped for want of descriptors. */
void http_listen_again(struct http_listener *l);

/* ---- http_addr.c ---- */

/* Counts a connection of sa; false: too many. */
bool http_addr_take(struct http_server *s, const struct sockaddr_storage *sa,
		    struct http_addr **out);
void http_addr_drop(struct http_server *s, struct http_addr *a);
void http_addr_peer(const struct sockaddr_storage *sa, struct http_peer *p);

/* ---- http1.c, http1_out.c ---- */

void http1_init(struct http_conn *c);
void http1_input(struct http_conn *c, const uint8_t *p, size_t n);
/* After something was done outside of a batch: ends the request, goes on with what was read. */
void http1_advance(struct http_conn *c);
/* Answers with an error and closes. */
void http1_refuse(struct http_conn *c, unsigned status);
void http1_sweep(struct http_conn *c, uint64_t now);
bool http1_idle(const struct http_conn *c);
/* The request is over on both sides. */
void http1_finish(struct http_conn *c);
void http1_head(struct http_req *r, unsigned status, const struct http_field *field, size_t n,
		uint64_t length);
void http1_interim(struct http_req *r, unsigned status, const struct http_field *field, size_t n);
void http1_write(struct http_req *r, struct slice piece);
void http1_end(struct http_req *r);
void http1_error(struct http_conn *c, unsigned status);

/* ---- http2.c ---- */

#define HTTP2_PREFACE_BYTES 24
/* Whether these first bytes are, or may become, the client's preface. */
bool http2_is_preface(const uint8_t *p, size_t n);
/* False: no memory; the connection is lost. */
bool http2_init(struct http_conn *c);
void http2_free(struct http_conn *c);
void http2_input(struct http_conn *c, const uint8_t *p, size_t n);
void http2_output(struct http_conn *c);
void http2_advance(struct http_conn *c);
void http2_tell_drained(struct http_conn *c);
void http2_head(struct http_req *r, unsigned status, const struct http_field *field, size_t n,
		uint64_t length);
void http2_interim(struct http_req *r, unsigned status, const struct http_field *field, size_t n);
void http2_write(struct http_req *r, struct slice piece);
void http2_end(struct http_req *r);
/* After something was added to r->out, or r is done. */
void http2_more(struct http_req *r);
bool http2_wants_output(const struct http_conn *c);
/* High-water mark of one stream. */
#define HTTP2_STREAM_BYTES 65536
void http2_sweep(struct http_conn *c, uint64_t now);
void http2_drain(struct http_conn *c);

/* ---- http_tls.c ---- */

void http_tls_start(struct http_conn *c);
/* Bytes of the wire, which end up in http_conn_input(). */
void http_tls_input(struct http_conn *c, const uint8_t *p, size_t n);
/* Encrypts what waits, as far as the wire's queue has room. */
void http_tls_output(struct http_conn *c);
void http_tls_shutdown(struct http_conn *c);

const char *http_reason(unsigned status);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of the server: a room with a path for each thing a room can do, in the same process as
 * its clients, which speak over real sockets. Nothing waits longer than FIXTURE_MS; what has not
 * come by then fails the test. */
#ifndef DEP_HTTP_FIXTURE_H
#define DEP_HTTP_FIXTURE_H

#include "base/buf.h"
#include "base/http.h"

#define FIXTURE_MS 10000

struct fixture {
	uv_loop_t loop;
	struct http_server *server;
	struct alloc alloc;
	int port;
	int tls_port;
	int file; /* what /file sends of */
	unsigned requests; /* the room was asked */
	unsigned closed;   /* calls of the watch */
	unsigned drained;
	unsigned done;	       /* the server has closed */
	struct http_req *held; /* the last of /hold or /pause */
	uint64_t seen;	       /* bytes of bodies that came piece by piece */
	unsigned ends;
	uint64_t left;	/* of /big */
	struct buf log; /* what /fields saw */
};

/* Starts it with these limits; TLS where tls is not NULL. */
void fixture_start(struct fixture *f, struct http_limits limits, SSL_CTX *tls);
/* Closes the server and looks that nothing is left. */
void fixture_stop(struct fixture *f);
/* Runs the loop until *what is at least n. */
void fixture_until(struct fixture *f, const unsigned *what, unsigned n);
/* Runs the loop for so long. */
void fixture_run(struct fixture *f, unsigned ms);

int fixture_connect(struct fixture *f, int port);
/* Sends all of it, while the loop runs. */
void fixture_send(struct fixture *f, int fd, const void *p, size_t n);
/* Reads until there are n bytes in b, or (n SIZE_MAX) to the end. False: it has ended before. */
bool fixture_read(struct fixture *f, int fd, struct buf *b, size_t n);
/* Reads until b holds text. */
void fixture_read_text(struct fixture *f, int fd, struct buf *b, const char *text);
/* A connection for one exchange: sends n bytes, reads to the end into f->log (with the Date lines
 * taken out). */
const char *fixture_exchange(struct fixture *f, const void *p, size_t n);
void fixture_no_dates(struct buf *b);

/* A certificate for "localhost", signed by itself, and its key, as PEM files in a new directory. */
void fixture_cert(char cert[128], char key[128], const char *name);

#endif

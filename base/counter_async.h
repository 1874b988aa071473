/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's end of the counter on a loop: nothing blocks, a room that goes is connected to
 * again, with back-off (20 ms, doubled up to 2 s). For the management plane, which talks to many
 * rooms.
 *
 * Bounds: COUNTER_LINK_REQUESTS unanswered requests, COUNTER_LINE_LIMIT a request (the
 * room may take less), COUNTER_MAX_QUEUE
 * of unsent ones together, COUNTER_LINK_ANSWER bytes of one answer; a room that goes beyond the
 * last, or sends what is not JSON-RPC, is disconnected. */
#ifndef DEP_COUNTER_ASYNC_H
#define DEP_COUNTER_ASYNC_H

#include "base/counter.h"

#define COUNTER_LINK_REQUESTS 256
#define COUNTER_LINK_ANSWER (64u << 20)

struct counter_link;

struct counter_link_env {
	/* Connected, for the first time or again. Subscribe here: a subscription is the
	 * connection's. */
	void (*up)(void *ctx);
	/* It was up and is no more; all requests under way have been answered with -EPIPE. May be
	 * NULL, as event may. */
	void (*down)(void *ctx, const struct err *why);
	/* An event: {path, time, data or changes, lost}; valid during the call. */
	void (*event)(void *ctx, yyjson_val *params);
	void *ctx;
};

/* result is valid during the call; where it is NULL, err says why: -ETIMEDOUT, -EPIPE (the room
 * went away; it may have done what was asked), -ECANCELED (the link is closed), -EREMOTEIO (the
 * room's own words). */
typedef void counter_link_f(void *ctx, yyjson_val *result, const struct err *err);

/* Connects to path, now and whenever it is not connected; calls come from the loop only, never from
 * within a function of this header but counter_link_close(). NULL and err: the path is too long, no
 * memory. */
struct counter_link *counter_link_new(uv_loop_t *loop, const char *path,
				      const struct counter_link_env *env, struct err *err);
/* Answers what is under way with -ECANCELED; nothing else is called after. The loop must run once
 * more to release the memory. May be called from within a callback. */
void counter_link_close(struct counter_link *l);
bool counter_link_is_up(const struct counter_link *l);
/* The same, and the room has not closed its end, of which the loop may not know yet. A system call.
 */
bool counter_link_is_alive(const struct counter_link *l);
/* Tries to connect at once, where it waits to do so. */
void counter_link_hurry(struct counter_link *l);
/* Drops the connection as if the room had closed it: for a room that does not answer any more. */
void counter_link_drop(struct counter_link *l, const struct err *why);

/* Sends a request; params is a value of doc, or NULL. f is called once, within timeout milliseconds
 * (-1: none). Returns 0, or without calling f -ENOTCONN (it is not up), -E2BIG, -ENOBUFS, -ENOMEM
 * and err. */
int counter_link_request(struct counter_link *l, const char *method, yyjson_mut_doc *doc,
			 yyjson_mut_val *params, int timeout, counter_link_f *f, void *ctx,
			 struct err *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the counter's room end share, and its fuzz target: peers, their output, and the
 * handling of one line. */
#ifndef DEP_COUNTER_PRIV_H
#define DEP_COUNTER_PRIV_H

#include "base/counter.h"
#include "base/list.h"

#include <sys/stat.h>

/* JSON-RPC's codes. */
#define RPC_PARSE (-32700)
#define RPC_REQUEST (-32600)
#define RPC_METHOD (-32601)
#define RPC_PARAMS (-32602)
#define RPC_INTERNAL (-32603)
#define RPC_REFUSED (-32000)

#define COUNTER_MAX_ID 128 /* bytes of a request's id as text */

/* A connected client. Output goes to `out`; what libuv is writing is in `fly`, and they change
 * places. */
struct peer {
	struct list at;
	struct counter *counter;
	uv_pipe_t pipe;
	uv_write_t write;
	bool open;    /* pipe may be used; false in the fuzz target and once closed */
	bool writing; /* fly is with libuv */
	bool reading;
	bool ended; /* it will send no more */
	bool last;  /* close when all output is sent */
	struct buf in;
	size_t looked; /* bytes of `in` that hold no newline */
	struct buf out;
	struct buf fly;
	size_t left;	  /* of fly at the last look of the watchdog */
	unsigned stalled; /* looks without progress */

	char *subscribed; /* path, or NULL */
	uint64_t lost;
	uint64_t lost_told;
};

/* An rpc that the room has begun and not answered. */
struct pending {
	uint64_t call; /* 0: free place */
	struct peer *peer;
	char id[COUNTER_MAX_ID]; /* JSON text; empty: a notification, nobody waits */
	const struct lysc_node *rpc;
};

struct counter {
	uv_loop_t *loop;
	struct counter_room room;
	struct config *running;
	struct alloc alloc;

	uv_pipe_t listener;
	uv_idle_t turn;	     /* active while a peer has whole lines */
	uv_timer_t watchdog; /* of writes that make no progress */
	unsigned handles;    /* not yet closed, of these three and of peers */
	bool closing;
	char *path;
	struct stat file; /* of the socket, to know it again */

	struct list peers;
	unsigned n_peers;
	char *scratch; /* libuv reads into it */

	struct pending pending[COUNTER_MAX_CALLS];
	uint64_t last_call;
};

#define DEFERRED 1 /* what a method returns where its answer comes later */

/* One request under way. */
struct request {
	struct peer *peer;
	yyjson_val *id;		/* NULL: nobody waits for an answer */
	yyjson_val *params;	/* an object, or NULL */
	yyjson_mut_doc *doc;	/* of the answer */
	yyjson_mut_val *result; /* an object of doc, to fill */
	int code;		/* of the answer where the method fails */
};

yyjson_val *request_param(const struct request *r, const char *name);
/* Methods: 0 and r->result, DEFERRED, or a negative errno, r->code and err. */
int counter_do_call(struct counter *c, struct request *r, struct err *err);
int counter_do_schema_get(struct counter *c, struct request *r, struct err *err);
int counter_do_subscribe(struct counter *c, struct request *r, struct err *err);
int counter_do_unsubscribe(struct counter *c, struct request *r, struct err *err);

/* Fills hello's list of modules. */
void counter_list_modules(struct counter *c, yyjson_mut_doc *doc, yyjson_mut_val *list);
/* The module that a qualified name ("kira:trace") begins with, where it is one of the room's and
 * implemented, and *name set behind it; without prefix the schema's own module. NULL: none. */
const struct lys_module *counter_module_of(const struct counter *c, const char **name);

/* The root of an answer: {"jsonrpc": "2.0"}. */
yyjson_mut_val *counter_envelope(yyjson_mut_doc *doc);
void counter_add_error(yyjson_mut_doc *doc, yyjson_mut_val *root, int code, const struct err *err);
void counter_send_doc(struct peer *p, yyjson_mut_doc *doc);

/* Most bytes of a request. */
static inline size_t counter_max_line(const struct counter *c)
{
	return c->room.max_line ? c->room.max_line : COUNTER_MAX_LINE;
}

/* Appends a line to p's output and starts sending it. Never blocks. */
void peer_send(struct peer *p, const char *text, size_t n);
size_t peer_queued(const struct peer *p);

/* Handles one request line and answers into p. */
void counter_handle(struct counter *c, struct peer *p, const char *line, size_t n);
/* Sends an error answer; id may be NULL. */
void counter_send_error(struct peer *p, yyjson_val *id, int code, const struct err *err);
/* Forgets the calls of a peer that goes. */
void counter_forget(struct counter *c, const struct peer *p);
/* Tells a peer whose queue has emptied how many events it lost. */
void counter_tell_lost(struct peer *p);
/* Event of a configuration that was applied. */
void counter_event_config(struct counter *c, const struct config_diff *diff);
/* The changes of diff as a JSON array of doc. */
yyjson_mut_val *counter_changes(yyjson_mut_doc *doc, const struct config_diff *diff);

/* A path into state, parsed and found in the schema (counter_path.c). */
#define STATE_PATH_MAX 24
#define STATE_PATH_KEYS 4
struct state_step {
	const struct lysc_node *node;
	char member[96]; /* its name in RFC 7951 JSON, below the step before */
	unsigned n_keys;
	struct {
		char name[64]; /* "." : the value of a leaf-list entry */
		char value[160];
	} key[STATE_PATH_KEYS];
};

struct state_path {
	struct state_step step[STATE_PATH_MAX];
	unsigned n;	 /* 0: everything */
	char text[1024]; /* without keys: "/kira:kira/contacts"; "/": everything */
};

/* Returns 0, or -EINVAL and err with what there would be. */
int state_path_parse(struct state_path *p, const struct ly_ctx *ctx,
		     const struct lys_module *module, const char *text, struct err *err);
/* Parts of it, for paths without a schema. */
bool state_take_name(const char **s, char *to, size_t n);
bool state_take_key(const char **s, struct state_step *step);
bool state_entry_fits(const struct state_step *step, yyjson_mut_val *entry);

/* The same of a path into a module that the room stands for by name only (counter_loose.c): nodes
 * are NULL, and what is no node is found by nobody. 1: the path is of another module. */
int state_path_parse_loose(struct state_path *p, const struct counter *c, const char *text,
			   struct err *err);
void state_path_cut_loose(const struct state_path *p, yyjson_mut_val *root, unsigned depth);

/* Cuts the members of root down to p and `depth` levels from it (0: all). */
void state_path_cut(const struct state_path *p, const struct ly_ctx *ctx, yyjson_mut_val *root,
		    unsigned depth);

#endif

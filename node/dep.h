/* SPDX-License-Identifier: BSD-2-Clause */
/* dep, the command line: what its subcommands share. One file a subcommand or family of them. */
#ifndef DEP_NODE_DEP_H
#define DEP_NODE_DEP_H

#include "base/counter.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>

/* Exit statuses. */
#define DEP_OK 0
#define DEP_FAILED 1
#define DEP_USAGE 2

#define DEP_TIMEOUT 10000 /* ms for an answer */

struct dep {
	const char *room;
	const char *verb;
	const char *socket; /* NULL: the room's usual one */
	bool json;
	bool defaults; /* config get --defaults */
	char **arg;    /* what follows the verb */
	int n_args;
	/* What the live view shows above the events: returns lines printed, or -1 and err. NULL:
	 * nothing. */
	int (*summary)(struct dep *d);
	struct counter_client *client; /* connected when first asked */
	struct err err;
};

enum dep_options {
	DEP_COMMON,  /* the options of dep */
	DEP_OWN,     /* these and others: what follows the verb it reads itself */
	DEP_PROGRAM, /* all that follows the verb is another program's */
};

struct dep_verb {
	const char *name;
	const char *args; /* for the usage line */
	const char *help;
	int min_args;
	int max_args;
	/* Returns an exit status; where it is DEP_FAILED and err is set, main prints it. */
	int (*run)(struct dep *d);
	enum dep_options options;
};

struct dep_room {
	const char *name;
	const char *help;
	const struct dep_verb *verbs; /* ended by a NULL name */
	int (*summary)(struct dep *d);
};

/* Asks the room. The document is the caller's; NULL and d->err. params may be NULL; it is a value
 * of doc. */
yyjson_doc *dep_ask(struct dep *d, const char *method, yyjson_mut_doc *doc, yyjson_mut_val *params,
		    yyjson_val **result);
/* Connects, where that was not done. Returns 0 or d->err. */
int dep_connect(struct dep *d);
/* The state at path ("/kira:kira/node"): *at is the value there, or NULL where the room has none.
 */
yyjson_doc *dep_state(struct dep *d, const char *path, yyjson_val **at);

/* Prints v as indented JSON and a newline. */
int dep_print_json(yyjson_val *v);
/* Prints text without characters that control a terminal. */
void dep_print_text(const char *text);

/* Members as text: a number as decimal, a boolean as yes or no, absent as "-". buf must hold what
 * is not text. */
const char *dep_text(yyjson_val *obj, const char *key, char buf[32]);
uint64_t dep_num(yyjson_val *obj, const char *key);
/* Milliseconds as "350 ms", "12.3 s", "4 min", "7 h", "12 d"; a member that is absent as "-". */
const char *dep_span(uint64_t ms, char buf[32]);
const char *dep_age(yyjson_val *obj, const char *key, char buf[32]);
/* The first 8 digits of an ID and an ellipsis. */
const char *dep_short_id(const char *id, char buf[32]);

/* Aligned columns. Cells are copied; a row is n_columns cells; those of a column whose head begins
 * with '>' are flush right. */
struct table {
	const char *const *head;
	unsigned n_columns;
	char **cell;
	size_t n;
	size_t cap;
};

void table_init(struct table *t, const char *const *head, unsigned n_columns);
void table_cell(struct table *t, const char *text);
void table_print(const struct table *t);
void table_free(struct table *t);

/* Subcommands of every room. */
int dep_config(struct dep *d);
int dep_metrics(struct dep *d);
int dep_watch(struct dep *d);
/* Subcommands of kira. */
int kira_show(struct dep *d);
int kira_nodes(struct dep *d);
int kira_routes(struct dep *d);
int kira_paths(struct dep *d);
int kira_vicinity(struct dep *d);
int kira_trace(struct dep *d);
int kira_summary(struct dep *d);
/* Subcommands of sys. */
int sys_show(struct dep *d);
int sys_log(struct dep *d);
int sys_features(struct dep *d);

/* Subcommands of l4s. */
int l4s_show(struct dep *d);
int l4s_links(struct dep *d);
int l4s_flows(struct dep *d);
int l4s_load(struct dep *d);
int l4s_unload(struct dep *d);
int l4s_reset(struct dep *d);
int l4s_watch(struct dep *d);
int l4s_study(struct dep *d);

#endif

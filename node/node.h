/* SPDX-License-Identifier: BSD-2-Clause */
/* dep's verbs of the whole node: an MCP client of its room netops. One file a family of verbs. */
#ifndef DEP_NODE_NODE_H
#define DEP_NODE_NODE_H

#include "node/dep.h"
#include "node/mcp/client.h"

/* Exit statuses beside those of dep.h. */
#define DEP_NO_NODE 3 /* the node cannot be reached, or does not let us in */
#define DEP_EXPIRED 4 /* a confirmed commit ran out and was taken back (-32086) */

struct node_set {
	const char *text; /* PATH=VALUE, or the path of --delete */
	bool delete;
};

struct node {
	const char *verb;
	char **arg; /* what is neither option nor SET */
	int n_args;
	struct node_set *set; /* edit: in order */
	int n_sets;
	/* Options. */
	const char *url, *socket, *ca, *protocol;
	const char *datastore, *depth, *candidate, *file, *confirmed, *comment, *token, *commit,
		*client_id, *scope;
	bool json, prepare, dry_run, wait, follow, verify;
	/* The connection, made when first asked. */
	struct mcp_client *client;
	struct oauth *oauth;
	char *store;
	char where[160]; /* the socket's path */
	bool may_ask;	 /* there is a person at a terminal */
	struct err err;
	int status; /* where err is set: what main returns */
	/* For watching. */
	void (*notify)(struct node *n, const char *method, yyjson_val *params);
	void *ctx;
};

struct node_verb {
	const char *name;
	const char *args;
	const char *help;
	int min_args;
	int max_args;
	const char *options; /* their names, each with a space behind it */
	int (*run)(struct node *n);
};

/* The verb of this name, or NULL. */
const struct node_verb *node_verb(const char *name);
/* Runs it. argv: what follows the verb, and what came before it. Returns an exit status. */
int node_main(const struct node_verb *v, int argc, char **argv);
void node_usage(FILE *to);
/* NAME:HELP, one a line, for shells. */
void node_list_verbs(void);
void node_list_options(const struct node_verb *v);

/* --- node_ask.c --- */

/* Connects, where that was not done. Returns 0, or n->err is set. */
int node_connect(struct node *n);
void node_disconnect(struct node *n);
/* Where credentials are kept: ~/.config/depanneur/credentials.json; free(3). NULL: there is no
 * home. */
char *node_credentials(void);
/* Calls a tool with arguments, an object of doc. *result: its structuredContent (or the whole
 * result where it has none), in the document that is returned. NULL: refused or failed; n->err and
 * n->status are set, and with --json the error is printed. */
yyjson_doc *node_tool(struct node *n, const char *tool, yyjson_mut_doc *doc,
		      yyjson_mut_val *arguments, yyjson_val **result);
/* The same, without saying anything of a refusal: *error is its object {code, name, message, data}.
 */
yyjson_doc *node_try(struct node *n, const char *tool, yyjson_mut_doc *doc,
		     yyjson_mut_val *arguments, yyjson_val **result, yyjson_val **error);
/* Makes n->err of the error object. */
void node_refused(struct node *n, const char *what, yyjson_val *error);
/* Text of a resource; free(3). */
char *node_read(struct node *n, const char *uri);
/* Any method. */
yyjson_doc *node_request(struct node *n, const char *method, yyjson_mut_doc *doc,
			 yyjson_mut_val *params, yyjson_val **result);

/* --- node_print.c --- */

/* RFC 7951 JSON for people: names indented, one a line. */
void node_print_tree(yyjson_val *v);
/* [{path, op, old?, new?}] as lines of + and -; colour on a terminal. */
void node_print_diff(yyjson_val *diff);
/* Text that came from elsewhere, without what a terminal would obey; newlines stay where lines is
 * true. */
void node_print_text(const char *text, bool lines);
bool node_colour(void);

/* --- Verbs --- */

int node_show(struct node *n);
int node_edit(struct node *n);
int node_diff(struct node *n);
int node_discard(struct node *n);
int node_commit(struct node *n);
int node_confirm(struct node *n);
int node_abort(struct node *n);
int node_rollback(struct node *n);
int node_history(struct node *n);
int node_audit(struct node *n);
int node_log(struct node *n);
int node_watch(struct node *n);
int node_tools(struct node *n);
int node_call(struct node *n);
int node_read_verb(struct node *n);
int node_login(struct node *n);
int node_complete(struct node *n);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* dep commit, confirm, abort, rollback: changing the node, with a way back. */
#include "node/node.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int bad(struct node *n, const char *what, const char *mend)
{
	fprintf(stderr, "dep %s: %s (%s)\n", n->verb, what, mend);
	return DEP_USAGE;
}

static bool number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*out = strtoul(text, &end, 10);
	return *end == '\0' && errno == 0 && *out <= max;
}

static const char *text(yyjson_val *obj, const char *key)
{
	return yyjson_get_str(yyjson_obj_get(obj, key));
}

/* What became of a commit, for people. */
static void tell(struct node *n, yyjson_val *r)
{
	const char *state = text(r, "state");
	const char *id = text(r, "commitId");
	const char *token = text(r, "token");
	yyjson_val *w;
	size_t i;
	size_t max;

	node_print_diff(yyjson_obj_get(r, "diff"));
	yyjson_arr_foreach(yyjson_obj_get(r, "warnings"), i, max, w)
	{
		printf("! ");
		node_print_text(yyjson_is_str(w) ? yyjson_get_str(w) : "?", false);
		putchar('\n');
	}
	if (yyjson_arr_size(yyjson_obj_get(r, "diff")) == 0 && state &&
	    strcmp(state, "no-change") == 0) {
		puts("nothing to commit");
		return;
	}
	if (n->dry_run) {
		puts("valid; nothing was changed");
		return;
	}
	node_print_text(id ? id : "-", false);
	printf(": ");
	node_print_text(state ? state : "-", false);
	putchar('\n');
	if (!token)
		return;
	printf("token ");
	node_print_text(token, false);
	if (text(r, "confirmBy"))
		printf(", until %s", text(r, "confirmBy"));
	putchar('\n');
	if (!n->wait)
		printf(state && strcmp(state, "prepared") == 0
			       ? "next: dep commit --token %s, or dep abort %s\n"
			       : "next: dep confirm %s, or dep abort %s\n",
		       token, token);
}

/* network.commit. The document is the caller's. */
static yyjson_doc *commit(struct node *n, const char *phase, const char *token,
			  unsigned long confirmed, yyjson_val **result)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *args = yyjson_mut_obj(doc);
	yyjson_doc *answer;

	if (phase)
		yyjson_mut_obj_add_str(doc, args, "phase", phase);
	if (token)
		yyjson_mut_obj_add_str(doc, args, "token", token);
	if (confirmed > 0)
		yyjson_mut_obj_add_uint(doc, args, "confirmed", confirmed);
	if (n->candidate && strcmp(n->verb, "commit") == 0)
		yyjson_mut_obj_add_str(doc, args, "candidate", n->candidate);
	if (n->comment)
		yyjson_mut_obj_add_str(doc, args, "comment", n->comment);
	if (n->dry_run)
		yyjson_mut_obj_add_bool(doc, args, "dryRun", true);
	answer = node_tool(n, "network.commit", doc, args, result);
	yyjson_mut_doc_free(doc);
	return answer;
}

/* --- the countdown --- */

static int finish(struct node *n, const char *phase, const char *token)
{
	yyjson_val *result;
	yyjson_doc *answer = commit(n, phase, token, 0, &result);

	if (!answer)
		return DEP_FAILED;
	if (n->json)
		dep_print_json(result);
	else
		printf("%s: %s\n", text(result, "commitId") ? text(result, "commitId") : "-",
		       text(result, "state") ? text(result, "state") : "done");
	yyjson_doc_free(answer);
	return DEP_OK;
}

/* The seconds that are left, and whether a line came meanwhile. */
static bool count_down(struct node *n, usec_t until, char *line, int size)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	usec_t now;

	while ((now = clock_now()) < until) {
		fprintf(stderr, "\r\033[Kconfirm, or abort? taken back in %lld s: ",
			(long long)((until - now + SEC(1) - 1) / SEC(1)));
		fflush(stderr);
		if (mcp_client_step(n->client, (int)((until - now) % SEC(1) / 1000) + 1,
				    STDIN_FILENO) != 0)
			break;
		/* The step may have woken for the connection alone. */
		if (poll(&in, 1, 0) == 1)
			return fgets(line, size, stdin) != NULL;
	}
	fputs("\r\033[K", stderr);
	return false;
}

/* Waits at a terminal for what the person decides. */
static int decide(struct node *n, const char *token, unsigned long seconds)
{
	usec_t until = clock_now() + SEC(seconds);
	char line[64];

	for (;;) {
		if (!count_down(n, until, line, sizeof(line))) {
			if (clock_now() < until) {
				fprintf(stderr,
					"not confirmed: the node takes it back (dep confirm %s "
					"keeps it)\n",
					token);
				return DEP_FAILED;
			}
			fputs("time is up: the node has taken it back\n", stderr);
			return DEP_EXPIRED;
		}
		line[strcspn(line, "\r\n")] = '\0';
		if (strcmp(line, "confirm") == 0 || strcmp(line, "c") == 0)
			return finish(n, "confirm", token);
		if (strcmp(line, "abort") == 0 || strcmp(line, "a") == 0)
			return finish(n, "abort", token);
	}
}

int node_commit(struct node *n)
{
	unsigned long confirmed = 0;
	char token[64] = "";
	yyjson_val *result;
	yyjson_doc *answer;

	if (n->confirmed && !number(n->confirmed, 3600, &confirmed))
		return bad(n, "--confirmed takes 0 to 3600 seconds", "--confirmed 60");
	if (n->prepare && (n->token || confirmed > 0))
		return bad(n, "--prepare comes before --token and --confirmed",
			   "dep commit --prepare");
	if (n->wait && confirmed == 0)
		return bad(n, "--wait is for a commit on trial",
			   "dep commit --confirmed 60 --wait");
	if (n->wait && !isatty(STDIN_FILENO))
		return bad(n, "--wait needs a terminal",
			   "dep commit --confirmed 60, then dep confirm TOKEN");
	answer = commit(n,
			n->prepare ? "prepare"
			: n->token ? "commit"
				   : NULL,
			n->token, confirmed, &result);
	if (!answer)
		return DEP_FAILED;
	if (text(result, "token"))
		snprintf(token, sizeof(token), "%s", text(result, "token"));
	if (n->json)
		dep_print_json(result);
	else
		tell(n, result);
	fflush(stdout);
	yyjson_doc_free(answer);
	return n->wait && token[0] ? decide(n, token, confirmed) : DEP_OK;
}

int node_confirm(struct node *n)
{
	return finish(n, "confirm", n->arg[0]);
}

int node_abort(struct node *n)
{
	return finish(n, "abort", n->arg[0]);
}

int node_rollback(struct node *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *args = yyjson_mut_obj(doc);
	const char *to = n->n_args > 0 ? n->arg[0] : "1";
	unsigned long steps;
	yyjson_val *result;
	yyjson_doc *answer;

	if (to[0] == 'c' && to[1] == '-') {
		yyjson_mut_obj_add_str(doc, args, "commitId", to);
	} else if (number(to, 100, &steps) && steps > 0) {
		yyjson_mut_obj_add_uint(doc, args, "steps", steps);
	} else {
		yyjson_mut_doc_free(doc);
		return bad(n, "neither 1 to 100 nor a commit",
			   "dep rollback 1, dep rollback c-000042; dep history lists them");
	}
	answer = node_tool(n, "network.rollback", doc, args, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return DEP_FAILED;
	if (n->json)
		dep_print_json(result);
	else
		tell(n, result);
	yyjson_doc_free(answer);
	return DEP_OK;
}

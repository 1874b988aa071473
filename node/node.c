/* SPDX-License-Identifier: BSD-2-Clause */
/* dep VERB: the verbs of the whole node, and their options. */
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct node_verb verbs[] = {
	{"show", "[PATH]", "configuration and state of the node", 0, 1,
	 "datastore depth candidate ", node_show},
	{"edit", "SET...", "stage changes: PATH=VALUE, --delete PATH, --file FILE", 0, 0,
	 "candidate delete file ", node_edit},
	{"diff", "", "what is staged, or what a commit changed (--commit ID)", 0, 0,
	 "candidate commit ", node_diff},
	{"discard", "", "throw away what is staged", 0, 0, "candidate ", node_discard},
	{"commit", "", "put what is staged into force, for a try with --confirmed SECONDS", 0, 0,
	 "candidate confirmed comment prepare token dry-run wait ", node_commit},
	{"confirm", "TOKEN", "keep a commit that is on trial", 1, 1, "", node_confirm},
	{"abort", "TOKEN", "take back a commit that is prepared or on trial", 1, 1, "", node_abort},
	{"rollback", "[N|COMMIT]", "undo the last N commits (1), or back to a commit", 0, 1, "",
	 node_rollback},
	{"history", "", "commits, newest first", 0, 0, "", node_history},
	{"audit", "[N]", "who did what: the last N records (20)", 0, 1, "verify ", node_audit},
	{"log", "[N]", "the last N lines of the system's log (20)", 0, 1, "follow ", node_log},
	{"tools", "[TOOL]", "what the node offers to programs", 0, 1, "", node_tools},
	{"call", "TOOL [JSON]", "call a tool (JSON -: standard input)", 1, 2, "", node_call},
	{"read", "URI", "read a resource", 1, 1, "", node_read_verb},
	{"watch", "URI", "a resource, and again whenever it changes", 1, 1, "", node_watch},
	{"login", "URL", "get leave to operate a node, in a browser", 1, 1, "client-id scope ",
	 node_login},
	{"complete", "WHAT [WORD]", NULL, 1, 2, "datastore ", node_complete},
	{0},
};

/* Every verb takes these too. */
static const char common[] = "json node socket ca protocol ";

struct option {
	const char *name;
	const char *value; /* what it takes, or NULL */
	size_t at;	   /* of its place in struct node */
	const char *help;
};

#define TEXT(name, value, member, help) {name, value, offsetof(struct node, member), help}
#define FLAG(name, member, help) {name, NULL, offsetof(struct node, member), help}

static const struct option options[] = {
	FLAG("json", json, "for programs: JSON"),
	TEXT("node", "URL", url,
	     "another node, https://HOST/mcp; without it $DEP_NODE, or this one"),
	TEXT("socket", "PATH", socket,
	     "this node's socket, where it is not /run/depanneur/netops.sock"),
	TEXT("ca", "FILE", ca, "trust the authorities in FILE (PEM) alone"),
	TEXT("protocol", "DATE", protocol, "speak this revision of MCP alone"),
	TEXT("datastore", "NAME", datastore,
	     "running, candidate or operational (this one without it)"),
	TEXT("depth", "N", depth, "so many levels below PATH alone"),
	TEXT("candidate", "NAME", candidate,
	     "where changes are staged; without it $DEP_CANDIDATE, or your own place"),
	TEXT("file", "FILE", file,
	     "stage all of FILE, JSON as show --json prints (-: standard input)"),
	TEXT("delete", "PATH", set, "stage that PATH goes"),
	TEXT("confirmed", "SECONDS", confirmed,
	     "take it back after SECONDS unless it is confirmed"),
	TEXT("comment", "TEXT", comment, "for the history"),
	TEXT("token", "TOKEN", token, "of a commit that is prepared, or on trial and goes on"),
	TEXT("commit", "ID", commit, "of the history: c-000042"),
	TEXT("client-id", "ID", client_id, "this program's name at the authorization server"),
	TEXT("scope", "SCOPES", scope, "ask for these alone"),
	FLAG("prepare", prepare, "check and hold everything ready, print the token"),
	FLAG("dry-run", dry_run, "check and show, change nothing"),
	FLAG("wait", wait, "show the countdown and wait to be told to confirm"),
	FLAG("follow", follow, "and go on"),
	FLAG("verify", verify, "whether a record was changed or is missing"),
	{0},
};

const struct node_verb *node_verb(const char *name)
{
	const struct node_verb *v;

	for (v = verbs; v->name; v++) {
		if (strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

void node_usage(FILE *to)
{
	const struct node_verb *v;
	char call[64];

	for (v = verbs; v->name; v++) {
		snprintf(call, sizeof(call), "%s %s", v->name, v->args);
		if (v->help)
			fprintf(to, "  dep %-20s%s\n", call, v->help);
	}
}

static bool takes(const char *list, const char *name, size_t n)
{
	const char *p = list;

	for (; *p; p += strcspn(p, " ") + 1) {
		if (strncmp(p, name, n) == 0 && p[n] == ' ')
			return true;
	}
	return false;
}

static void verb_usage(const struct node_verb *v)
{
	const struct option *o;
	char call[64];

	printf("dep %s%s%s: %s\n\n", v->name, v->args[0] ? " " : "", v->args,
	       v->help ? v->help : "");
	for (o = options; o->name; o++) {
		if (!takes(v->options, o->name, strlen(o->name)) &&
		    !takes(common, o->name, strlen(o->name)))
			continue;
		snprintf(call, sizeof(call), "--%s%s%s", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		printf("  %-24s%s\n", call, o->help);
	}
}

void node_list_verbs(void)
{
	const struct node_verb *v;

	for (v = verbs; v->name; v++) {
		if (v->help)
			printf("%s:%s\n", v->name, v->help);
	}
}

void node_list_options(const struct node_verb *v)
{
	const struct option *o;

	for (o = options; o->name; o++) {
		if (takes(v->options, o->name, strlen(o->name)) ||
		    takes(common, o->name, strlen(o->name)))
			printf("--%s:%s\n", o->name, o->help);
	}
	printf("--help:what this verb takes\n");
}

static const struct option *find_option(const struct node_verb *v, const char *name, size_t n)
{
	const struct option *o;

	if (!takes(v->options, name, n) && !takes(common, name, n))
		return NULL;
	for (o = options; o->name; o++) {
		if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
			return o;
	}
	return NULL;
}

static void add_set(struct node *n, const char *text, bool delete)
{
	n->set[n->n_sets++] = (struct node_set){text, delete};
}

/* One option; i is moved past its value. Returns 0 or DEP_USAGE. */
static int take_option(struct node *n, const struct node_verb *v, char **argv, int *i)
{
	const char *name = argv[*i] + 2;
	size_t len = strcspn(name, "=");
	const struct option *o = find_option(v, name, len);
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	char *base = (char *)n;

	if (!o || (!o->value && value)) {
		fprintf(stderr, "dep %s: no option %s (dep %s --help lists them)\n", v->name,
			argv[*i], v->name);
		return DEP_USAGE;
	}
	if (!o->value) {
		*(bool *)(base + o->at) = true;
		return 0;
	}
	if (!value)
		value = argv[*i + 1] ? argv[++*i] : NULL;
	if (!value) {
		fprintf(stderr, "dep %s: --%s takes a value (--%s %s)\n", v->name, o->name, o->name,
			o->value);
		return DEP_USAGE;
	}
	if (strcmp(o->name, "delete") == 0)
		add_set(n, value, true);
	else
		*(const char **)(base + o->at) = value;
	return 0;
}

/* Returns an exit status, or -1 to go on. */
static int parse(struct node *n, const struct node_verb *v, char **argv)
{
	bool edit = strcmp(v->name, "edit") == 0;
	bool only_args = false;
	int rc = 0;
	int i;

	for (i = 0; argv[i] && rc == 0; i++) {
		const char *a = argv[i];

		if (!only_args && strcmp(a, "--") == 0) {
			only_args = true;
		} else if (!only_args && (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)) {
			verb_usage(v);
			return DEP_OK;
		} else if (!only_args && strncmp(a, "--", 2) == 0) {
			rc = take_option(n, v, argv, &i);
		} else if (edit && strcmp(a, "-") == 0) {
			n->file = "-";
		} else if (edit) {
			add_set(n, a, false);
		} else {
			n->arg[n->n_args++] = argv[i];
		}
	}
	if (rc != 0)
		return rc;
	if (n->n_args >= v->min_args && n->n_args <= v->max_args)
		return -1;
	fprintf(stderr, "dep %s: %s (dep %s%s%s)\n", v->name,
		n->n_args < v->min_args ? "an argument is missing" : "too many arguments", v->name,
		v->args[0] ? " " : "", v->args);
	return DEP_USAGE;
}

static void defaults(struct node *n)
{
	const char *node = getenv("DEP_NODE");
	const char *candidate = getenv("DEP_CANDIDATE");

	if (!n->url && !n->socket && node && node[0])
		n->url = node;
	if (!n->candidate)
		n->candidate = candidate;
	n->may_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !n->json;
}

int node_main(const struct node_verb *v, int argc, char **argv)
{
	struct node n = {.verb = v->name, .status = DEP_FAILED};
	char who[32];
	int rc;

	n.arg = calloc((size_t)argc + 1, sizeof(*n.arg));
	n.set = calloc((size_t)argc + 1, sizeof(*n.set));
	if (!n.arg || !n.set)
		return DEP_FAILED;
	rc = parse(&n, v, argv);
	if (rc < 0) {
		defaults(&n);
		snprintf(who, sizeof(who), "dep %s", v->name);
		rc = v->run(&n);
		if (rc == DEP_FAILED && n.err.code) {
			err_print(&n.err, who, stderr);
			rc = n.status;
		}
		if (fflush(stdout) != 0 && rc == DEP_OK) {
			fprintf(stderr, "%s: cannot write: %s\n", who, strerror(errno));
			rc = DEP_FAILED;
		}
	}
	node_disconnect(&n);
	free(n.arg);
	free(n.set);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* dep ROOM VERB: asks a room over its counter and shows the answer, for people or (--json) for
 * programs. */
#include "node/dep.h"
#include "node/dep_up.h"
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct dep_verb kira_verbs[] = {
	{"show", "", "this node: address, neighbours, contacts, counters", 0, 0, kira_show, DEP_COMMON},
	{"nodes", "", "neighbours and contacts: the nodes this one knows", 0, 0, kira_nodes, DEP_COMMON},
	{"routes", "", "NodeID table: where packets to nodes go", 0, 0, kira_routes, DEP_COMMON},
	{"paths", "", "PathID table: where packets under way go", 0, 0, kira_paths, DEP_COMMON},
	{"vicinity", "", "nodes and links within three hops", 0, 0, kira_vicinity, DEP_COMMON},
	{"trace", "ID|ADDRESS", "the way to a node, with the time to each hop", 1, 1, kira_trace, DEP_COMMON},
	{"watch", "", "live: what happens, as it happens", 0, 0, dep_watch, DEP_COMMON},
	{"config", "[get|set FILE|validate FILE|diff FILE]",
	 "configuration (FILE - : standard input)", 0, 2, dep_config, DEP_COMMON},
	{"metrics", "", "all counters, as Prometheus text", 0, 0, dep_metrics, DEP_COMMON},
	{0},
};

static const struct dep_verb sys_verbs[] = {
	{"show", "", "interfaces as the kernel has them, memory, processors", 0, 0, sys_show, DEP_COMMON},
	{"log", "[N]", "the last N lines of the system's log (20)", 0, 1, sys_log, DEP_COMMON},
	{"features", "", "what this kernel can do", 0, 0, sys_features, DEP_COMMON},
	{"watch", "", "live: what happens, as it happens", 0, 0, dep_watch, DEP_COMMON},
	{0},
};

static const struct dep_verb l4s_verbs[] = {
	{"show", "", "controls, links and hints at a glance", 0, 0, l4s_show, DEP_COMMON},
	{"links", "[LINK]", "queues: delays, marks, drops; of one link in full", 0, 1, l4s_links, DEP_COMMON},
	{"flows", "", "connections: rate, window, round trip, marks", 0, 0, l4s_flows, DEP_COMMON},
	{"load", "[--cubic TEXT] [--prague TEXT] [INTERFACE...]",
	 "congestion controls into the kernel; packets of Prague leave the interfaces as ECT(1)", 0,
	 40, l4s_load, DEP_OWN},
	{"unload", "", "out of the kernel", 0, 0, l4s_unload, DEP_COMMON},
	{"reset", "[LINK]", "begin counters and histograms anew", 0, 1, l4s_reset, DEP_COMMON},
	{"watch", "", "live: probabilities, queue delays, connections", 0, 0, l4s_watch, DEP_COMMON},
	{"config", "[get|set FILE|validate FILE|diff FILE]",
	 "configuration (FILE - : standard input)", 0, 2, dep_config, DEP_COMMON},
	{"metrics", "", "all counters, as Prometheus text", 0, 0, dep_metrics, DEP_COMMON},
	{"study", "[OPTION...]", "measures fairness and queue delay of ABE in DualPI2 (dep-l4s-study)",
	 0, 1000, l4s_study, DEP_PROGRAM},
	{0},
};

static const struct dep_room rooms[] = {
	{"sys", "backend on Linux: interfaces, addresses, routes, filters", sys_verbs, NULL},
	{"kira", "routing that finds its own way: KIRA", kira_verbs, kira_summary},
	{"l4s", "short queues for every flow: L4S, DualPI2, Prague, ABE", l4s_verbs, NULL},
	{0},
};

static void usage(FILE *to)
{
	const struct dep_room *r;

	fprintf(to, "dep: looks at and steers the rooms of Dépanneur\n\n"
		    "  dep VERB            the whole node\n"
		    "  dep ROOM VERB       one of its rooms\n\nThe node:\n");
	node_usage(to);
	fprintf(to, "  dep up [ROOM...]        start the node, or rooms of it\n"
		    "  dep down [ROOM...]      stop the node, or rooms of it\n"
		    "  dep restart [ROOM...]   end rooms and start them again\n"
		    "  dep status              which rooms run\n");
	fprintf(to, "\nRooms:\n");
	for (r = rooms; r->name; r++)
		fprintf(to, "  %-10s%s\n", r->name, r->help);
	fprintf(to, "\n  dep ROOM            lists the verbs of a room\n"
		    "  dep VERB --help     lists the options of a verb of the node\n"
		    "  dep --version       prints the version\n\n"
		    "Options:\n"
		    "  --json              for programs: JSON (RFC 7951 names and values)\n"
		    "  --socket PATH       the room's socket; without it $DEP_RUN_DIR/ROOM.sock, "
		    "or /run/depanneur/ROOM.sock\n\n"
		    "Exit status: 0 done, 1 failed, 2 not understood, 3 the node cannot be "
		    "reached,\n4 a commit on trial ran out.\n");
}

static void room_usage(const struct dep_room *r, FILE *to)
{
	const struct dep_verb *v;
	char call[64];

	fprintf(to, "dep %s: %s\n\n", r->name, r->help);
	for (v = r->verbs; v->name; v++) {
		snprintf(call, sizeof(call), "%s %s", v->name, v->args);
		if (strlen(call) > 16)
			fprintf(to, "  dep %s %s\n%-28s%s\n", r->name, call, "", v->help);
		else
			fprintf(to, "  dep %s %-16s   %s\n", r->name, call, v->help);
	}
	fprintf(to, "\nEach takes --json and --socket PATH.\n");
}

static const struct dep_room *find_room(const char *name)
{
	const struct dep_room *r;

	for (r = rooms; r->name; r++) {
		if (strcmp(r->name, name) == 0)
			return r;
	}
	return NULL;
}

static const struct dep_verb *find_verb(const struct dep_room *r, const char *name)
{
	const struct dep_verb *v;

	for (v = r->verbs; v->name; v++) {
		if (strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

static int misused(const char *who, const char *what, const char *mend)
{
	fprintf(stderr, "%s: %s (%s)\n", who, what, mend);
	return DEP_USAGE;
}

/* To whom what follows belongs, after a room and a verb. */
static enum dep_options options_of(const struct dep *d)
{
	const struct dep_room *r = d->n_args == 2 ? find_room(d->arg[0]) : NULL;
	const struct dep_verb *v = r ? find_verb(r, d->arg[1]) : NULL;

	return v ? v->options : DEP_COMMON;
}

static void parse_rest(struct dep *d, char **argv, bool program)
{
	for (; *argv; argv++) {
		if (!program && strcmp(*argv, "--json") == 0)
			d->json = true;
		else if (!program && strcmp(*argv, "--help") == 0)
			d->verb = "help";
		else if (!program && strcmp(*argv, "--socket") == 0 && argv[1])
			d->socket = *++argv;
		else
			d->arg[d->n_args++] = *argv;
	}
}

/* Options may stand anywhere; what is left becomes room, verb and arguments. Returns an exit
 * status, or -1 to go on. */
static int parse(struct dep *d, char **argv)
{
	int only_args = 0;
	int i;

	for (i = 1; argv[i]; i++) {
		const char *a = argv[i];

		if (options_of(d) != DEP_COMMON) {
			parse_rest(d, argv + i, options_of(d) == DEP_PROGRAM);
			break;
		}
		if (!only_args && strcmp(a, "--") == 0)
			only_args = 1;
		else if (only_args || a[0] != '-' || a[1] == '\0')
			d->arg[d->n_args++] = argv[i];
		else if (strcmp(a, "--json") == 0)
			d->json = true;
		else if (strcmp(a, "--defaults") == 0)
			d->defaults = true;
		else if (strncmp(a, "--socket=", 9) == 0)
			d->socket = a + 9;
		else if (strcmp(a, "--socket") == 0 && argv[i + 1])
			d->socket = argv[++i];
		else if (strcmp(a, "--socket") == 0)
			return misused("dep", "--socket takes a path",
				       "dep kira show --socket PATH");
		else if (strcmp(a, "--version") == 0)
			return printf("dep %s\n", DEP_VERSION) < 0;
		else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)
			d->verb = "help";
		else {
			fprintf(stderr, "dep: no option %s (dep --help lists them)\n", a);
			return DEP_USAGE;
		}
	}
	return -1;
}

static int run_verb(struct dep *d, const struct dep_room *room)
{
	const struct dep_verb *v = find_verb(room, d->arg[1]);
	char who[64];
	int rc;

	if (!v) {
		fprintf(stderr, "dep: %s has no verb %s (dep %s lists them)\n", room->name,
			d->arg[1], room->name);
		return DEP_USAGE;
	}
	d->room = room->name;
	d->verb = v->name;
	d->summary = room->summary;
	d->arg += 2;
	d->n_args -= 2;
	snprintf(who, sizeof(who), "dep %s %s", room->name, v->name);
	if (d->n_args < v->min_args || d->n_args > v->max_args) {
		fprintf(stderr, "%s: %s (%s%s%s)\n", who,
			d->n_args < v->min_args ? "an argument is missing" : "too many arguments",
			who, v->args[0] ? " " : "", v->args);
		return DEP_USAGE;
	}
	if (d->defaults && v->run != dep_config)
		return misused(who, "--defaults belongs to config get", "leave it out");
	rc = v->run(d);
	if (rc == DEP_FAILED && d->err.code)
		err_print(&d->err, who, stderr);
	if (fflush(stdout) != 0 && rc == DEP_OK) {
		fprintf(stderr, "%s: cannot write: %s\n", who, strerror(errno));
		rc = DEP_FAILED;
	}
	return rc;
}

int main(int argc, char **argv)
{
	const struct node_verb *verb = argc > 1 ? node_verb(argv[1]) : NULL;
	struct dep d = {0};
	char **args;
	const struct dep_room *room;
	int rc;

	if (verb)
		return node_main(verb, argc - 2, argv + 2);
	if (argc > 1 && dep_up_verb(argv[1]))
		return dep_up_main(argc - 1, argv + 1);
	args = calloc((size_t)argc + 1, sizeof(*args));
	d.arg = args;

	if (!args)
		return DEP_FAILED;
	rc = parse(&d, argv);
	if (rc >= 0) {
		free(args);
		return rc;
	}
	room = d.n_args > 0 ? find_room(d.arg[0]) : NULL;
	if (d.n_args == 0) {
		usage(stdout);
		rc = DEP_OK;
	} else if (!room) {
		fprintf(stderr, "dep: no room %s (dep lists them)\n", d.arg[0]);
		rc = DEP_USAGE;
	} else if (d.n_args == 1 || d.verb) {
		room_usage(room, stdout);
		rc = DEP_OK;
	} else {
		rc = run_verb(&d, room);
	}
	counter_close(d.client);
	free(args);
	return rc;
}

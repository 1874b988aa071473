/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] =
	"usage: dep-netops [OPTION...]\n"
	"\n"
	"The node's management: one transactional datastore of all rooms, operated over MCP by "
	"people, programs and\n"
	"agents. Listens on RUN-DIR/netops.sock, and where the configuration says. Runs in the "
	"foreground until SIGTERM;\n"
	"SIGHUP reads certificates, keys and token files again.\n"
	"\n"
	"  --config FILE      configuration of a node that has none yet, JSON (RFC 7951)\n"
	"  --state-dir DIR    journal, keys, startup configuration (default: "
	"/var/lib/depanneur/netops)\n"
	"  --run-dir DIR      sockets of the rooms and of this one (default: /run/depanneur)\n"
	"  --room NAME        a room to manage; may be given several times (default: sys, kira, l4s)\n"
	"  --user NAME        become this user (default: stay)\n"
	"  --stdio            speak MCP on standard input and output as well; end with its end\n"
	"  --no-fsync         do not wait for the disk: for measurements, a crash may lose commits\n"
	"  --seccomp MODE     system calls beyond the allowed: on (kill), log (audit log), off "
	"(default: on)\n"
	"  --log LEVEL        error, warning, notice, info or debug (default: notice)\n"
	"  --conformance-fixture ...\n"
	"                     as first argument: serve the tools that the MCP conformance suites expect, "
	"and nothing of a\n"
	"                     node: --port N [--host A] [--cert FILE --key FILE] [--bearer TOKEN], or "
	"--stdio\n"
	"  --version, --help\n"
	"\n"
	"Ends with 0 after a signal, 1 where it cannot start or go on, 2 for wrong options.\n";

enum {
	OPT_CONFIG = 256,
	OPT_STATE,
	OPT_RUN,
	OPT_ROOM,
	OPT_USER,
	OPT_STDIO,
	OPT_NO_FSYNC,
	OPT_SECCOMP,
	OPT_LOG,
	OPT_VERSION,
	OPT_HELP
};

static const struct option longs[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"state-dir", required_argument, NULL, OPT_STATE},
	{"run-dir", required_argument, NULL, OPT_RUN},
	{"room", required_argument, NULL, OPT_ROOM},
	{"user", required_argument, NULL, OPT_USER},
	{"stdio", no_argument, NULL, OPT_STDIO},
	{"no-fsync", no_argument, NULL, OPT_NO_FSYNC},
	{"seccomp", required_argument, NULL, OPT_SECCOMP},
	{"log", required_argument, NULL, OPT_LOG},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

/* "before arg after" */
static int wrong(struct err *err, const char *before, const char *arg, const char *after)
{
	err_set(err, -EINVAL, "%s%s%s", before, arg, after);
	err_mend(err, "dep-netops --help lists all options");
	return -EINVAL;
}

static int add_room(struct options *o, struct err *err)
{
	if (o->n_rooms == OPTIONS_ROOMS)
		return wrong(err, "too many rooms: ", optarg, "");
	o->room[o->n_rooms++] = optarg;
	return 0;
}

static int read_value(struct options *o, int c, struct err *err)
{
	switch (c) {
	case OPT_CONFIG:
		o->config = optarg;
		return 0;
	case OPT_STATE:
		o->state_dir = optarg;
		return 0;
	case OPT_RUN:
		o->run_dir = optarg;
		return 0;
	case OPT_ROOM:
		return add_room(o, err);
	case OPT_USER:
		o->user = optarg;
		return 0;
	case OPT_SECCOMP:
		if (sandbox_seccomp_parse(optarg, &o->seccomp) == 0)
			return 0;
		return wrong(err, "--seccomp takes on, log or off, not ", optarg, "");
	case OPT_LOG:
		if (log_level_parse(optarg, &o->level) == 0)
			return 0;
		return wrong(err, "--log takes error, warning, notice, info or debug, not ", optarg, "");
	default:
		return -EINVAL;
	}
}

static int read_one(struct options *o, int c, struct err *err)
{
	switch (c) {
	case OPT_STDIO:
		o->stdio = true;
		return 0;
	case OPT_NO_FSYNC:
		o->fsync = false;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	default:
		return read_value(o, c, err);
	}
}

int options_read(struct options *o, int argc, char **argv, struct err *err)
{
	const char *run_dir = getenv("DEP_RUN_DIR");
	int rc = 0;
	int c;

	*o = (struct options){
		.state_dir = "/var/lib/depanneur/netops",
		.run_dir = run_dir && *run_dir ? run_dir : "/run/depanneur",
		.seccomp = SANDBOX_ON,
		.level = LOG_LEVEL_NOTICE,
		.fsync = true,
	};
	optind = 0;
	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == ':')
			return wrong(err, "", argv[optind - 1], " takes a value");
		if (c == '?')
			return wrong(err, "there is no option ", argv[optind - 1], "");
		rc = read_one(o, c, err);
	}
	if (rc == 0 && optind < argc)
		return wrong(err, "unexpected argument ", argv[optind], "");
	if (o->n_rooms == 0) {
		o->room[0] = "sys";
		o->room[1] = "kira";
		o->room[2] = "l4s";
		o->n_rooms = 3;
	}
	return rc;
}

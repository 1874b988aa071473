/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/daemon/options.h"

#include <errno.h>

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
	"  --stdio            speak MCP on standard input and output as well; end with its end\n"
	"  --no-fsync         do not wait for the disk: for measurements, a crash may lose commits\n"
	OPTIONS_HELP_COMMON
	"  --conformance-fixture ...\n"
	"                     as first argument: serve the tools that the MCP conformance suites expect, "
	"and nothing of a\n"
	"                     node: --port N [--host A] [--cert FILE --key FILE] [--bearer TOKEN], or "
	"--stdio\n"
	"  --version, --help\n"
	"\n"
	"Ends with 0 after a signal, 1 where it cannot start or go on, 2 for wrong options.\n";

enum { OPT_ROOM = OPTIONS_OWN, OPT_STDIO, OPT_NO_FSYNC };

static const struct option own[] = {
	{"room", required_argument, NULL, OPT_ROOM},
	{"stdio", no_argument, NULL, OPT_STDIO},
	{"no-fsync", no_argument, NULL, OPT_NO_FSYNC},
	{0},
};

static const struct options_spec spec = {
	.who = "dep-netops",
	.state_dir = "/var/lib/depanneur/netops",
	.no_check = true,
	.own = own,
};

static int read_own(void *ctx, int val, const char *arg, struct err *err)
{
	struct options *o = ctx;

	switch (val) {
	case OPT_ROOM:
		if (o->n_rooms == OPTIONS_ROOMS)
			return options_wrong(&spec, err, "too many rooms: ", arg, "");
		o->room[o->n_rooms++] = arg;
		return 0;
	case OPT_STDIO:
		o->stdio = true;
		return 0;
	case OPT_NO_FSYNC:
		o->fsync = false;
		return 0;
	default:
		return -EINVAL;
	}
}

int options_read(struct options *o, int argc, char **argv, struct err *err)
{
	struct options_spec s = spec;
	int rc;

	*o = (struct options){.fsync = true};
	s.read = read_own;
	s.ctx = o;
	rc = options_common_read(&o->common, &s, argc, argv, err);
	if (o->n_rooms == 0) {
		o->room[0] = "sys";
		o->room[1] = "kira";
		o->room[2] = "l4s";
		o->n_rooms = 3;
	}
	return rc;
}

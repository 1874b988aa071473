/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/options.h"

const char options_help[] =
	"usage: dep-kira [OPTION...]\n"
	"\n"
	"Joins this machine to a KIRA network: finds other nodes on all links, without "
	"configuration, and reaches\n"
	"every node of the network by its address. Runs in the foreground until SIGTERM; SIGHUP "
	"reads the\n"
	"configuration again.\n"
	"\n"
	"  --config FILE      configuration, JSON (default: all defaults)\n"
	"  --state-dir DIR    keeps NodeID and state sequence number (default: "
	"/var/lib/depanneur/kira)\n"
	"  --run-dir DIR      holds the management socket, kira.sock (default: /run/depanneur)\n"
	OPTIONS_HELP_COMMON
	"  --check            check the configuration and end\n"
	"  --version, --help\n"
	"\n"
	"Ends with 0 after a signal, 1 where it cannot start or go on, 2 for wrong options, 3 for "
	"a configuration that\n"
	"is not valid.\n";

int options_read(struct options_common *o, int argc, char **argv, struct err *err)
{
	static const struct options_spec spec = {
		.who = "dep-kira",
		.state_dir = "/var/lib/depanneur/kira",
	};

	return options_common_read(o, &spec, argc, argv, err);
}

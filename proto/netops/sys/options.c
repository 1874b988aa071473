/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/options.h"

#include <errno.h>

const char options_help[] =
	"usage: dep-sys [OPTION...]\n"
	"\n"
	"The device backend: changes interfaces, addresses, routes and filters of this machine by typed steps,\n"
	"and tells their state and changes, on the socket sys.sock. Opens no network port. Runs in the\n"
	"foreground until SIGTERM.\n"
	"\n"
	"  --state-dir DIR    keeps the log and what survives a restart (default: /var/lib/depanneur/sys)\n"
	"  --run-dir DIR      holds the sockets sys.sock and log.sock (default: /run/depanneur)\n"
	"  --resolv-conf FILE write the resolver of ietf-system there (default: not supported)\n"
	"  --set-hostname     set the hostname of ietf-system (default: not supported); keeps CAP_SYS_ADMIN\n"
	"  --no-kernel-log    leave the kernel's own messages out of the log\n"
	OPTIONS_HELP_COMMON
	"  --version, --help\n"
	"\n"
	"Ends with 0 after a signal, 1 where it cannot start or go on, 2 for wrong options.\n";

enum { OPT_RESOLV = OPTIONS_OWN, OPT_HOSTNAME, OPT_KERNEL };

static const struct option own[] = {
	{"resolv-conf", required_argument, NULL, OPT_RESOLV},
	{"set-hostname", no_argument, NULL, OPT_HOSTNAME},
	{"no-kernel-log", no_argument, NULL, OPT_KERNEL},
	{0},
};

static const struct options_spec spec = {
	.who = "dep-sys",
	.state_dir = "/var/lib/depanneur/sys",
	.no_config = true,
	.own = own,
};

static int read_own(void *ctx, int val, const char *arg, struct err *err)
{
	struct options *o = ctx;

	switch (val) {
	case OPT_RESOLV:
		o->resolv_conf = arg;
		return arg[0] == '/' ? 0 : options_wrong(&spec, err, "--resolv-conf takes a path from the root, not ", arg, "");
	case OPT_HOSTNAME:
		o->set_hostname = true;
		return 0;
	case OPT_KERNEL:
		o->no_kernel_log = true;
		return 0;
	default:
		return -EINVAL;
	}
}

int options_read(struct options *o, int argc, char **argv, struct err *err)
{
	struct options_spec s = spec;

	*o = (struct options){0};
	s.read = read_own;
	s.ctx = o;
	return options_common_read(&o->common, &s, argc, argv, err);
}

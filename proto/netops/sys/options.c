/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

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
	"  --user NAME        become this user when everything is open (default: stay)\n"
	"  --seccomp MODE     system calls beyond the allowed: on (kill), log (audit log), off (default: on)\n"
	"  --log LEVEL        error, warning, notice, info or debug (default: notice)\n"
	"  --version, --help\n"
	"\n"
	"Ends with 0 after a signal, 1 where it cannot start or go on, 2 for wrong options.\n";

enum { OPT_STATE = 256, OPT_RUN, OPT_USER, OPT_SECCOMP, OPT_LOG, OPT_VERSION, OPT_HELP, OPT_RESOLV, OPT_HOSTNAME, OPT_KERNEL };

static const struct option longs[] = {
	{"state-dir", required_argument, NULL, OPT_STATE},
	{"run-dir", required_argument, NULL, OPT_RUN},
	{"resolv-conf", required_argument, NULL, OPT_RESOLV},
	{"set-hostname", no_argument, NULL, OPT_HOSTNAME},
	{"no-kernel-log", no_argument, NULL, OPT_KERNEL},
	{"user", required_argument, NULL, OPT_USER},
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
	err_mend(err, "dep-sys --help lists all options");
	return -EINVAL;
}

static int read_one(struct options *o, int c, struct err *err)
{
	switch (c) {
	case OPT_STATE:
		o->state_dir = optarg;
		return 0;
	case OPT_RUN:
		o->run_dir = optarg;
		return 0;
	case OPT_RESOLV:
		o->resolv_conf = optarg;
		return optarg[0] == '/' ? 0 : wrong(err, "--resolv-conf takes a path from the root, not ", optarg, "");
	case OPT_HOSTNAME:
		o->set_hostname = true;
		return 0;
	case OPT_KERNEL:
		o->no_kernel_log = true;
		return 0;
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
	case OPT_VERSION:
		o->version = true;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	default:
		return -EINVAL;
	}
}

int options_read(struct options *o, int argc, char **argv, struct err *err)
{
	const char *run_dir = getenv("DEP_RUN_DIR");
	int rc = 0;
	int c;

	*o = (struct options){
		.state_dir = "/var/lib/depanneur/sys",
		.run_dir = run_dir && *run_dir ? run_dir : "/run/depanneur",
		.seccomp = SANDBOX_ON,
		.level = LOG_LEVEL_NOTICE,
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
	return rc;
}

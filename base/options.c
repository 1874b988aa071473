/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/options.h"

#include <errno.h>
#include <stdlib.h>

enum {
	OPT_CONFIG = 256,
	OPT_STATE,
	OPT_RUN,
	OPT_USER,
	OPT_SECCOMP,
	OPT_LOG,
	OPT_CHECK,
	OPT_VERSION,
	OPT_HELP
};

/* Those of a configuration file stand first: a daemon without one passes over them. */
#define N_CONFIG 2
static const struct option common[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"check", no_argument, NULL, OPT_CHECK},
	{"state-dir", required_argument, NULL, OPT_STATE},
	{"run-dir", required_argument, NULL, OPT_RUN},
	{"user", required_argument, NULL, OPT_USER},
	{"seccomp", required_argument, NULL, OPT_SECCOMP},
	{"log", required_argument, NULL, OPT_LOG},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
};
#define N_COMMON (sizeof(common) / sizeof(common[0]))

int options_wrong(const struct options_spec *spec, struct err *err, const char *before,
		  const char *arg, const char *after)
{
	err_set(err, -EINVAL, "%s%s%s", before, arg, after);
	err_mend(err, "%s --help lists all options", spec->who);
	return -EINVAL;
}

static int read_text(struct options_common *o, const struct options_spec *spec, int c,
		     struct err *err)
{
	switch (c) {
	case OPT_SECCOMP:
		if (sandbox_seccomp_parse(optarg, &o->seccomp) == 0)
			return 0;
		return options_wrong(spec, err, "--seccomp takes on, log or off, not ", optarg, "");
	case OPT_LOG:
		if (log_level_parse(optarg, &o->level) == 0)
			return 0;
		return options_wrong(spec, err,
				     "--log takes error, warning, notice, info or debug, not ",
				     optarg, "");
	default:
		return spec->read ? spec->read(spec->ctx, c, optarg, err) : -EINVAL;
	}
}

static int read_one(struct options_common *o, const struct options_spec *spec, int c,
		    struct err *err)
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
	case OPT_USER:
		o->user = optarg;
		return 0;
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	default:
		return read_text(o, spec, c, err);
	}
}

static void list_options(const struct options_spec *spec,
			 struct option all[N_COMMON + OPTIONS_OWN_MAX + 1])
{
	size_t n = 0;
	size_t i;

	for (i = spec->no_config ? N_CONFIG : 0; i < N_COMMON; i++)
		if (common[i].val != OPT_CHECK || !spec->no_check)
			all[n++] = common[i];
	for (i = 0; spec->own && spec->own[i].name && i < OPTIONS_OWN_MAX; i++)
		all[n++] = spec->own[i];
	all[n] = (struct option){0};
}

int options_common_read(struct options_common *o, const struct options_spec *spec, int argc,
			char **argv, struct err *err)
{
	struct option all[N_COMMON + OPTIONS_OWN_MAX + 1];
	const char *run_dir = getenv("DEP_RUN_DIR");
	int rc = 0;
	int c;

	*o = (struct options_common){
		.state_dir = spec->state_dir,
		.run_dir = run_dir && *run_dir ? run_dir : "/run/depanneur",
		.seccomp = SANDBOX_ON,
		.level = LOG_LEVEL_NOTICE,
	};
	list_options(spec, all);
	optind = 0;
	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":", all, NULL)) != -1) {
		if (c == ':')
			return options_wrong(spec, err, "", argv[optind - 1], " takes a value");
		if (c == '?')
			return options_wrong(spec, err, "there is no option ", argv[optind - 1],
					     "");
		rc = read_one(o, spec, c, err);
	}
	if (rc == 0 && optind < argc)
		return options_wrong(spec, err, "unexpected argument ", argv[optind], "");
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/demo.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static void help(void)
{
	printf("dep-lab demo [OPTIONS] [TOPOLOGY]: a network in namespaces, with faults, and a report\n"
	       "\n"
	       "  --once            end after the faults; exit status 0 where every pair that the graph\n"
	       "                    connects was reachable in time\n"
	       "  --keep            leave the network up; prints how to enter a node\n"
	       "  --stop            end a network that --keep left up\n"
	       "  --topology T      a name (elibackbone, airtel, abilene, b4, btnorthamerica, geant2012), a\n"
	       "                    file of edges, or a generator below; elibackbone by default\n"
	       "  --daemon D        kira (default), babeld, bird, yggdrasil\n"
	       "  --faults N        damages, each followed by its repair; 6 by default\n"
	       "  --seed N          picks links and nodes; 1 by default\n"
	       "  --report FILE     where to write the HTML report; - for none\n"
	       "  --start-bound S   seconds in which all pairs must answer after the last start; 3 by default\n"
	       "  --help            this text\n"
	       "\n"
	       "While it runs live: q or Ctrl-C ends it and writes the report, f makes one more fault.\n"
	       "\n"
	       "Generators:\n%s",
	       graph_help);
}

static int number(const char *what, const char *text, unsigned long max, unsigned long *out, struct err *err)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	if (errno || !*text || *end || *text == '-' || *out > max)
		return err_set(err, -EINVAL, "%s takes a number up to %lu, not %s", what, max, text);
	return 0;
}

enum { OPT_ONCE = 1000, OPT_KEEP, OPT_STOP, OPT_TOPOLOGY, OPT_DAEMON, OPT_FAULTS, OPT_SEED, OPT_REPORT, OPT_BOUND };

static const struct option longs[] = {
	{"once", no_argument, NULL, OPT_ONCE},
	{"keep", no_argument, NULL, OPT_KEEP},
	{"stop", no_argument, NULL, OPT_STOP},
	{"topology", required_argument, NULL, OPT_TOPOLOGY},
	{"daemon", required_argument, NULL, OPT_DAEMON},
	{"faults", required_argument, NULL, OPT_FAULTS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"report", required_argument, NULL, OPT_REPORT},
	{"start-bound", required_argument, NULL, OPT_BOUND},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int option(struct demo_options *o, int c, struct err *err)
{
	unsigned long v = 0;
	int rc = 0;

	switch (c) {
	case OPT_ONCE:
		o->once = true;
		break;
	case OPT_KEEP:
		o->keep = true;
		break;
	case OPT_STOP:
		o->stop = true;
		break;
	case OPT_TOPOLOGY:
		o->topology = optarg;
		break;
	case OPT_DAEMON:
		o->daemon = optarg;
		break;
	case OPT_FAULTS:
		rc = number("--faults", optarg, DEMO_MAX_FAULTS / 2, &v, err);
		o->faults = (unsigned)v;
		break;
	case OPT_SEED:
		rc = number("--seed", optarg, UINT32_MAX, &v, err);
		o->seed = v;
		break;
	case OPT_REPORT:
		o->report = strcmp(optarg, "-") == 0 ? "" : optarg;
		break;
	case OPT_BOUND:
		rc = number("--start-bound", optarg, 600, &v, err);
		o->start_bound = SEC(v);
		break;
	default:
		rc = err_set(err, -EINVAL, "dep-lab demo --help lists the options");
	}
	return rc;
}

int demo_options(struct demo_options *o, int argc, char **argv, struct err *err)
{
	int c;

	*o = (struct demo_options){.topology = "elibackbone", .daemon = "kira", .seed = 1, .faults = 6, .start_bound = SEC(3)};
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		int rc;

		if (c == 'h') {
			help();
			return 1;
		}
		rc = option(o, c, err);
		if (rc < 0)
			return rc;
	}
	if (optind < argc)
		o->topology = argv[optind++];
	if (optind < argc)
		return err_set(err, -EINVAL, "one topology is enough: what is %s?", argv[optind]);
	if (o->once && o->keep)
		return err_set(err, -EINVAL, "--once leaves nothing and --keep leaves the network: choose one");
	if (!lab_daemon_find(o->daemon))
		return err_set(err, -EINVAL, "no daemon named %s", o->daemon);
	return 0;
}

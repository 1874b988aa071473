/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-lab: the laboratory's program. */
#include "lab/demo.h"

#include <string.h>

static int usage(FILE *to, int status)
{
	fprintf(to, "dep-lab: networks in namespaces\n"
		    "\n"
		    "  dep-lab demo [OPTIONS] [TOPOLOGY]   a network with faults, and a report (--help: its options)\n"
		    "  dep-lab sweep                       remove what killed laboratories left behind\n"
		    "  dep-lab --version\n");
	return status;
}

int main(int argc, char **argv)
{
	struct demo_options opt;
	struct err err;
	int rc;

	if (argc < 2)
		return usage(stderr, 2);
	if (strcmp(argv[1], "--help") == 0)
		return usage(stdout, 0);
	if (strcmp(argv[1], "--version") == 0) {
		printf("dep-lab " DEP_VERSION "\n");
		return 0;
	}
	if (strcmp(argv[1], "sweep") == 0) {
		printf("%u removed\n", lab_sweep());
		return 0;
	}
	if (strcmp(argv[1], "demo") != 0)
		return usage(stderr, 2);
	rc = demo_options(&opt, argc - 1, argv + 1, &err);
	if (rc < 0)
		err_print(&err, "dep-lab", stderr);
	if (rc != 0)
		return rc < 0 ? 2 : 0;
	return demo_run(&opt);
}

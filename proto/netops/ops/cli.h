/* SPDX-License-Identifier: BSD-2-Clause */
/* The fixed grammar of network.cli.exec and network.cli.configure (spec §2.14 rule 7): words, no
 * shell. */
#ifndef DEP_NETOPS_CLI_H
#define DEP_NETOPS_CLI_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define CLI_MAX_LINE 4096
#define CLI_MAX_WORDS 8

enum cli_what {
	CLI_SHOW_CONFIGURATION, /* a: datastore or NULL, b: path or NULL */
	CLI_SHOW_INTERFACES,	/* a: name or NULL */
	CLI_SHOW_ROUTE,		/* a: "ipv4", "ipv6" or NULL; b: address to look up or NULL */
	CLI_SHOW_ARP,		/* a: interface or NULL */
	CLI_SHOW_LOG,		/* count */
	CLI_SHOW_HISTORY,
	CLI_SHOW_DIFF, /* a: commit or NULL */
	CLI_SHOW_SYSTEM,
	CLI_SET,    /* a: path, b: value or NULL */
	CLI_DELETE, /* a: path */
};

struct cli {
	enum cli_what what;
	const char *a, *b; /* in text */
	unsigned count;
	char text[CLI_MAX_LINE];
};

/* Reads one line of a show or diagnostic command. 0, or -EINVAL (err: why, and what is known),
 * -EPERM: it would configure. */
int cli_exec(struct cli *c, const char *line, size_t n, struct err *err);
/* Reads one line of configuration: set PATH [VALUE], delete PATH. 0 or -EINVAL. */
int cli_configure(struct cli *c, const char *line, size_t n, struct err *err);
/* All commands with a word on each, for help and descriptions. */
const char *cli_help(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The shell of room netops: what listens, and who is let in. daemon.c is the run from start to end; front.c the
 * HTTP side: who asks (principals), /mcp, the console, login, metadata, metrics; settings.c what of it is configured;
 * web.c the console's files. */
#ifndef DEP_NETOPS_DAEMON_H
#define DEP_NETOPS_DAEMON_H

#include "proto/netops/daemon/options.h"

/* Run until a signal. 0, or a negative errno and err. */
int daemon_run(const struct options *o, struct err *err);

#endif

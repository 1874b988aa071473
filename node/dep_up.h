/* SPDX-License-Identifier: BSD-2-Clause */
/* dep up, down, restart, status. */
#ifndef DEP_NODE_DEP_UP_H
#define DEP_NODE_DEP_UP_H

#include "node/dep.h"

bool dep_up_verb(const char *name);
/* argv[0] is the verb. Returns an exit status. */
int dep_up_main(int argc, char **argv);

#endif

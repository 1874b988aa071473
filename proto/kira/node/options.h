/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of dep-kira. */
#ifndef DEP_KIRA_OPTIONS_H
#define DEP_KIRA_OPTIONS_H

#include "base/options.h"

/* Reads argv. Returns 0, or -EINVAL and err. */
int options_read(struct options_common *o, int argc, char **argv, struct err *err);
extern const char options_help[];

#endif

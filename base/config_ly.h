/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of base/config share, and nobody else: libyang's contexts and errors. */
#ifndef DEP_CONFIG_LY_H
#define DEP_CONFIG_LY_H

#include "base/config.h"

/* A schema without modules, for several to be put into its context. NULL and err. */
struct config_schema *config_schema_empty(const char *name, struct err *err);
/* When they are: its own is `name`. Returns 0, or -ENOENT and err. */
int config_schema_own(struct config_schema *s, const char *name, struct err *err);

/* The context with its store of errors, which changes though the schema does not. */
struct ly_ctx *config_ly_ctx(const struct config_schema *s);
/* libyang's first stored error as err; clears the store. Returns the code. */
int config_ly_err(struct ly_ctx *ctx, const char *origin, const char *mend, struct err *err);
/* Copy of a JSON object's text with a NUL, after checks of size, depth and syntax; NULL and err. */
char *config_ly_text(const char *json, size_t n, size_t max, const char *origin, struct err *err);

#endif

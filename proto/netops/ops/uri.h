/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses of resources, and data paths of RFC 8040 §3.5.3 in them. No part of it knows the
 * datastore. */
#ifndef DEP_NETOPS_URI_H
#define DEP_NETOPS_URI_H

#include "proto/netops/store/store.h"

#include <libyang/libyang.h>

#define URI_LAST_MAX 10000

/* "last17" → 17; 0 where it is not ^last([1-9][0-9]{0,4})$ or above 10000 (spec §2.1). */
unsigned uri_last(const char *segment);
/* The count of "<prefix>last{count}", or 0. */
unsigned uri_last_of(const char *uri, const char *prefix);

/* The schema node of a data path, keys given or not, of either form ("a:b/c=1/d",
 * "/a:b/c[k='1']/d"); NULL: none. */
const struct lysc_node *uri_schema_node(const struct ly_ctx *ctx, const char *path);

/* Whether what is at one data path can show a change at the other: one is above the other or the
 * same. Forms may be mixed; keys are compared where both have them. Neither need exist. */
bool uri_paths_touch(const char *a, const char *b);

/* Whether the resource of this URI can be another after a change of path (libyang's form) in ds. */
bool uri_touched(const char *uri, enum datastore ds, const char *path);

/* Appends s percent-encoded: all but unreserved characters. */
void uri_encode(struct buf *out, const char *s);

#endif

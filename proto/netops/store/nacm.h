/* SPDX-License-Identifier: BSD-2-Clause */
/* NACM (RFC 8341): who may read, write and execute what. Compiled from ietf-netconf-acm:nacm of running each time that
 * changes; asked for every node that a front end shows or edits. */
#ifndef DEP_NETOPS_NACM_H
#define DEP_NETOPS_NACM_H

#include "proto/netops/principal.h"

#include <libyang/libyang.h>

enum nacm_access { NACM_READ = 1, NACM_CREATE = 2, NACM_UPDATE = 4, NACM_DELETE = 8, NACM_EXEC = 16 };

struct nacm;
struct nacm *nacm_new(const struct ly_ctx *ctx);
void nacm_free(struct nacm *n);
/* Takes the rules from the tree (running); on a failure the old ones stay. 0 or -ENOMEM. */
int nacm_load(struct nacm *n, const struct lyd_node *running);
/* Whether p may do that to the data node (RFC 8341 §3.4.5). Counts denials. */
bool nacm_data(struct nacm *n, const struct principal *p, enum nacm_access a, const struct lyd_node *node);
/* The same of a schema node, for schemas and completion: false only where no instance of it can be read. */
bool nacm_schema(struct nacm *n, const struct principal *p, enum nacm_access a, const struct lysc_node *node);
/* Whether p may call the rpc or tool (module, name); tools of our own count as operations of module depanneur-netops. */
bool nacm_exec(struct nacm *n, const struct principal *p, const char *module, const char *rpc);
bool nacm_notification(struct nacm *n, const struct principal *p, const char *module, const char *name);

struct nacm_counters { uint32_t denied_operations, denied_data_writes, denied_notifications; };
void nacm_counters(const struct nacm *n, struct nacm_counters *out);

#endif

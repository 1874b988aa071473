/* SPDX-License-Identifier: BSD-2-Clause */
/* The management link of the node: answers in the form of kira.yang. */
#ifndef DEP_KIRA_ROOM_H
#define DEP_KIRA_ROOM_H

#include "base/counter.h"
#include "proto/kira/node/node.h"

struct room;

/* Listens at the socket of n->params. config is taken over, also on failure. NULL and err. */
struct room *room_open(struct node *n, struct config *config, struct err *err);
void room_close(struct room *r);
/* The configuration in force; valid until the next is applied. */
const struct config *room_config(const struct room *r);

/* What the core tells: becomes a notification, or the answer to a trace. Does not call the core. */
void room_event(struct room *r, const struct kira_event *ev);
/* Goes on with what events made possible; may call the core. */
void room_pump(struct room *r);
/* The core is about to be replaced: traces under way will have no answer. */
void room_core_gone(struct room *r);
/* Reads the configuration file again and applies it. Returns 0, or a negative errno and err. */
int room_reload(struct room *r, struct err *err);

/* ---- report.c, metrics.c ---- */

/* Fills root with the state below `path`, RFC 7951. Returns 0 or -ENOMEM. */
int report_state(const struct node *n, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root);
/* Text of the node address of id: at least 46 bytes. */
void report_address(const struct node *n, const struct kira_id *id, char *text);
/* Name of the interface, or "if<index>". */
const char *report_link(const struct node *n, uint32_t ifindex, char fallback[16]);
/* Messages dropped for that reason, by the core or before it. */
uint64_t report_drops(const struct node *n, enum kira_drop reason);
/* Prometheus text. */
void report_metrics(const struct node *n, struct buf *out);

#endif

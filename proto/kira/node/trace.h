/* SPDX-License-Identifier: BSD-2-Clause */
/* The action "trace" (kira.yang): looks a node up, and then each node on the way, so that every hop
 * has its round trip. Several traces at once share look-ups of the same node. */
#ifndef DEP_KIRA_TRACE_H
#define DEP_KIRA_TRACE_H

#include "base/counter.h"
#include "proto/kira/node/node.h"

struct traces;

/* Answers go through `counter`, which may be set later but before trace_begin. NULL: no memory. */
struct traces *traces_new(struct node *n);
void traces_free(struct traces *t);
void traces_counter(struct traces *t, struct counter *counter);

/* Begins one for that call; it is answered now or later. Returns 0, or a negative errno and err. */
int trace_begin(struct traces *t, uint64_t call, const struct kira_id *target, struct err *err);
/* KIRA_EV_TRACE. Does not call the core. */
void trace_event(struct traces *t, const struct kira_event *ev);
/* Asks for the hops of routes that have come in. Calls the core. */
void trace_pump(struct traces *t);
/* Fails all that are under way. */
void trace_abort(struct traces *t);

#endif

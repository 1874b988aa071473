/* SPDX-License-Identifier: BSD-2-Clause */
/* The room at work.
 *
 *	links      bottlenecks, each in a thread of its own, and queues of the kernel
 *	controls   congestion controls in the kernel
 *	flows      connections that use them, sampled once a second
 *	counter    the management link: state, configuration, actions, events
 *
 * Everything but the forwarding of packets runs in one libuv loop and one thread. */
#ifndef DEP_L4S_NODE_NODE_H
#define DEP_L4S_NODE_NODE_H

#include "base/counter.h"
#include "base/loop.h"
#include "proto/l4s/node/controls.h"
#include "proto/l4s/node/flows.h"
#include "proto/l4s/node/links.h"

struct node_params {
	const char *socket; /* of the management link */
	gid_t socket_gid;   /* its group, or -1 */
	const char *suffix; /* of the controls' names; NULL: none */
	const char *file;   /* of the configuration, read again on SIGHUP; NULL: none */
	struct config_schema *schema;
};

struct node {
	struct node_params params;
	uv_loop_t loop;
	bool looped;
	struct loop_timer timer;
	struct loop_signals signals;
	usec_t started;
	struct settings settings;
	struct links *links;
	struct controls controls;
	struct flows flows;
	struct counter *counter;
};

/* Opens what needs the file system: the management link. config is taken over, also on failure.
 * Returns 0, or a negative errno and err; node_close is needed either way. */
int node_open(struct node *n, const struct node_params *params, struct config *config,
	      struct err *err);
/* Makes links and controls, and runs until a signal ends it. Returns 0, or a negative errno and
 * err. */
int node_run(struct node *n, struct err *err);
/* Takes everything out of the kernel, and releases it. */
void node_close(struct node *n);

/* ---- report.c, metrics.c ---- */

/* Fills root with the state below path, RFC 7951. Returns 0 or -ENOMEM. */
int report_state(struct node *n, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root);
/* Prometheus text. */
void report_metrics(struct node *n, struct buf *out);

/* One link, one connection, as entries of an array. */
void report_link(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct slot *s);
void report_flow(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct flow *flow);

/* Upper bounds of the histograms that are shown, in ns; the last one is UINT64_MAX. */
#define REPORT_BOUNDS 28
extern const uint64_t report_bound[REPORT_BOUNDS];
/* Counts what lies between them, to the 3 % of struct hist. */
void report_buckets(const struct hist *h, uint64_t count[REPORT_BOUNDS]);
/* What a person should know about a direction's figures, or NULL. */
const char *report_link_hint(const struct link_dir_stats *d);
/* The same of a control. */
const char *report_control_hint(const struct cc_kernel_stats *s, bool prague, unsigned n_marked);

#endif

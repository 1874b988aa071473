/* SPDX-License-Identifier: BSD-2-Clause */
/* The node: one core, and what connects it to this machine.
 *
 *	identity    NodeID and state sequence numbers, on disk
 *	ifaces      which interfaces are links             -> core, links, data plane
 *	links       datagrams in and out                  <-> core
 *	data plane  tables in the kernel                   <- core; packets without an entry -> core
 *	room        the management link: state, configuration, trace, events
 *
 * Everything runs in one libuv loop and one thread. After every input to the core the loop's timer
 *is set to when the core next wants to be called. */
#ifndef DEP_KIRA_NODE_H
#define DEP_KIRA_NODE_H

#include "base/loop.h"
#include "proto/kira/node/identity.h"
#include "proto/kira/node/ifaces.h"
#include "proto/kira/node/links.h"
#include "proto/kira/node/settings.h"

struct node_params {
	const char *state_dir;
	const char *socket; /* of the management link */
	gid_t socket_gid;   /* its group, or -1 */
	const char *file;   /* of the configuration, read again on SIGHUP; NULL: none */
	struct config_schema *schema;
};

/* The members are for the files of this directory. */
struct node {
	struct node_params params;
	uv_loop_t loop;
	struct loop_timer timer;
	uv_poll_t *poll[3]; /* links, ifaces, data plane; NULL: not polled */
	struct loop_signals signals;
	usec_t started;
	usec_t ifaces_due; /* when to list the interfaces again, as it failed */

	const struct config *trying; /* being applied; NULL: the room's is in force */
	struct settings settings;
	struct kira_id id;
	struct alloc alloc;
	struct identity *identity;
	struct ifaces *ifaces;
	struct links *links;
	struct dataplane *data;
	struct kira *core;
	struct room *room;
	uint64_t table_errors; /* entries that the data plane did not take */
	bool looped; /* the loop was made */
	bool failed;	       /* the loop was ended by an error */
};

/* Opens what needs privileges: identity, socket, data plane, management link. config is taken over,
 * also on failure. Returns 0, or a negative errno and err; node_close is needed either way. */
int node_open(struct node *n, const struct node_params *params, struct config *config,
	      struct err *err);
/* Makes the core and runs until a signal ends it. Returns 0, or a negative errno and err. */
int node_run(struct node *n, struct err *err);
/* Removes everything from the kernel, keeps the last state sequence number, releases everything. */
void node_close(struct node *n);

/* For the room. Applies a configuration: all or nothing. Returns 0, or a negative errno and err. */
int node_apply(struct node *n, const struct config *to, const struct config_diff *diff,
	       bool dry_run, struct err *err);
/* To be called after every call into the core that did not come from here. */
void node_settle(struct node *n);

#endif

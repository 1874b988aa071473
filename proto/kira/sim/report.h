/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run is measured by, for people and as JSON. Nothing in either form depends on the machine. */
#ifndef DEP_KIRA_SIM_REPORT_H
#define DEP_KIRA_SIM_REPORT_H

#include "proto/kira/sim/check.h"

#include <stdio.h>

/* Counters at one instant, to measure a window. */
struct snapshot {
	usec_t at;
	struct sim_count *tx; /* of each node: own and transit */
	struct sim_count *rx;
	struct sim_count type_own[256];
	struct sim_count type_transit[256];
};
/* Returns 0 or -ENOMEM. */
int snapshot_take(struct snapshot *n, const struct sim *s);
void snapshot_free(struct snapshot *n);

/* The stretch that the static model reaches (spec §3.4). */
struct model_row {
	char name[64];
	unsigned n;
	unsigned k;
	double stretch;
};
/* Finds the row of hop rule PR for the topology and k in a file of model figures. Returns 0, -ENOENT where it has none,
 * or another negative errno and err. */
int model_find(struct model_row *row, const char *path, const struct graph *g, unsigned k, struct err *err);

struct report {
	const struct sim *s;
	const struct check *c;
	const struct snapshot *settled; /* the measured window begins here */
	const struct survey *survey;    /* in the order made, the final one last */
	size_t n_surveys;
	const struct model_row *model;  /* NULL: none */
};

/* Returns 0, -ENOMEM or -EIO. */
int report_json(const struct report *r, FILE *to);
void report_text(const struct report *r, FILE *to);

/* All nodes with their neighbours, contacts and tables, as JSON; nodes are named by number. At most EXPORT_NODES_MAX
 * nodes. Returns 0 or a negative errno. */
#define EXPORT_NODES_MAX 2000
int export_state(const struct sim *s, FILE *to);

/* What the tables of all nodes hold, and the greatest. */
struct sizes {
	double contacts_mean;
	uint32_t contacts_max;
	double bound_mean; /* 1.5 * (k * log2(N / k) + k + degree) */
	uint32_t over;     /* nodes with more contacts than their bound */
	double node_mean;  /* entries of the NodeID table */
	uint32_t node_max;
	double path_mean;
	uint32_t path_max;
	double memory_mean; /* bytes held by a core */
	uint64_t memory_max;
	uint32_t alive;
};
void sizes_measure(struct sizes *z, const struct sim *s);

/* Control traffic in a window. Rates are a second and node; bytes are UDP payload. */
struct traffic {
	double window; /* seconds */
	double tx_mean;
	double tx_max;
	double tx_wire_mean; /* with SIM_FRAME_OVERHEAD a datagram */
	double tx_wire_max;
	double rx_mean;
	double frames_mean;
	double transit_share; /* of bytes */
};
void traffic_measure(struct traffic *t, const struct sim *s, const struct snapshot *since);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Topologies: undirected graphs from generators and edge-list files, for the simulator and the laboratory.
 *
 * Nodes are 0 to n-1. Edges are stored once with u < v, sorted, without loops and doubles, so one graph has one
 * representation whatever its source was. The arcs of a node (its edges as seen from it) are sorted by neighbour; the
 * place of an arc among those of its node is the index of that link at the node. */
#ifndef DEP_KIRA_SIM_GRAPH_H
#define DEP_KIRA_SIM_GRAPH_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define GRAPH_MAX_NODES (1u << 20)
#define GRAPH_MAX_EDGES (1u << 24)
#define GRAPH_FAR UINT32_MAX /* distance of what cannot be reached */

struct graph_edge {
	uint32_t u;
	uint32_t v;
};

struct graph_arc {
	uint32_t to;
	uint32_t edge;
};

struct graph {
	char name[96]; /* "grid:4x4", "zoo/Kdl"… */
	uint32_t n;
	uint32_t m;
	uint32_t made_n; /* nodes before graph_largest */
	struct graph_edge *edge; /* m */
	uint32_t *first;         /* n + 1: arcs of node i are arc[first[i]] to arc[first[i + 1] - 1] */
	struct graph_arc *arc;   /* 2 m */
};

/* Makes a graph from a description; seed is for the random generators. See graph_help for what there is.
 * Returns 0, or a negative errno and err. */
int graph_make(struct graph *g, const char *spec, uint64_t seed, struct err *err);
/* The descriptions that graph_make understands, a line each, for --help. */
extern const char graph_help[];

/* Parses an edge list. Plain: lines `u v`, nodes are 0 to the greatest number. Collection: each graph opens with
 * `# NAME nodes=N edges=M …`, and `name` picks one by its whole name or by what follows its last slash; NULL takes the
 * only one. Other lines with # and empty ones are skipped. `where` names the text in errors.
 * Returns 0, or -EINVAL, -ENOENT (no graph of that name), -E2BIG, -ENOMEM, and err. */
int graph_parse(struct graph *g, struct slice text, const char *name, const char *where, struct err *err);
/* The same from a file, which may be compressed with gzip; up to 256 MiB of text. */
int graph_load(struct graph *g, const char *path, const char *name, struct err *err);

/* Builds a graph of n nodes from m edges in any order and direction; doubles are merged. Takes over `edge`, from
 * malloc(3), also where it fails. Returns 0, -EINVAL (a loop, or a node not below n) or -ENOMEM. */
int graph_build(struct graph *g, uint32_t n, struct graph_edge *edge, size_t m);
void graph_free(struct graph *g);

static inline uint32_t graph_degree(const struct graph *g, uint32_t node)
{
	return g->first[node + 1] - g->first[node];
}

/* The arc from u to v, or NULL. */
const struct graph_arc *graph_find(const struct graph *g, uint32_t u, uint32_t v);

/* Numbers the connected components in part[n] by their least node, from 0; returns how many there are.
 * -ENOMEM where memory ends. */
int graph_components(const struct graph *g, uint32_t *part);
/* Keeps the largest component only (of equals that with the least node); its nodes keep their order. old[] may be NULL,
 * else it gets for each new node its old number and has room for n. Returns 0 or -ENOMEM (g is as it was). */
int graph_largest(struct graph *g, uint32_t *old);

/* Hops from `from` to every node, GRAPH_FAR where there is no way, into dist[n]. queue[n] is scratch. edge_off[m] and
 * node_off[n] say by non-zero what to leave out; either may be NULL. */
void graph_bfs(const struct graph *g, uint32_t from, const uint8_t *edge_off, const uint8_t *node_off,
	       uint32_t *dist, uint32_t *queue);
/* Greatest distance between connected nodes. Returns it or -ENOMEM. */
int64_t graph_diameter(const struct graph *g);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that take steps share. */
#ifndef DEP_SYS_APPLY_PRIV_H
#define DEP_SYS_APPLY_PRIV_H

#include "proto/netops/sys/apply.h"

/* Something that the kernel took away beside what a step named. */
struct lost {
	size_t by; /* the step */
	struct step step;
	struct nlmsghdr *raw; /* of a route: as the kernel told it, or NULL */
	bool ours;
};

#define APPLY_NAMES 16

struct apply {
	struct netlink *nl;
	struct netlink *ask; /* for names, while nl lists */
	struct filters *filters;
	const struct steps *steps;
	const struct steps *kept; /* or NULL */
	struct settings *settings; /* or NULL */
	size_t at; /* the step under way */
	bool dry_run;
	bool undoing; /* no inverses are kept */
	struct apply_result *out;
	struct steps back; /* inverses, the last to be taken first */
	struct lost *lost;
	size_t n_lost;
	struct {
		uint32_t ifindex;
		char name[IFNAMSIZ];
	} names[APPLY_NAMES]; /* of links, as long as no step touches one */
	unsigned n_names;
};

/* Number of a link. -ENODEV and err. */
int apply_ifindex(struct apply *a, const char *name, uint32_t *ifindex, struct err *err);
/* Its name; "" where it is gone. */
const char *apply_ifname(struct apply *a, uint32_t ifindex);

/* The step under way changes something. */
void apply_changed(struct apply *a, size_t step);
/* Takes over a step that leads back; those given later are taken earlier. */
int apply_back(struct apply *a, struct step *s);

/* One step. Returns 0, or a negative errno and err. */
int apply_link(struct apply *a, const struct step *s, struct err *err);
int apply_address(struct apply *a, const struct step *s, struct err *err);
int apply_neighbour(struct apply *a, const struct step *s, struct err *err);
int apply_sysctl(struct apply *a, const struct step *s, struct err *err);
/* Route steps from a->at on, as many as follow in a row and are of one sort, in batches; *n: how many. On a failure a->at is
 * the step that failed. */
int apply_routes(struct apply *a, size_t *n, struct err *err);

/* Filter steps from a->at on, as many as follow in a row, in one transaction; *n: how many. */
int apply_filters(struct apply *a, size_t *n, struct err *err);
/* Removes what is ours and wanted by no step. */
int apply_purge(struct apply *a, struct err *err);

int apply_setting(struct apply *a, const struct step *s, struct err *err);
int apply_queue(struct apply *a, const struct step *s, struct err *err);
/* Calls f, which takes the step over, for each queue of ours, as far as its kind and link. */
int queues_ours(struct apply *a, void (*f)(void *ctx, struct step *s), void *ctx);
/* The queue of ours on a link that is about to go, into the inverse of the step under way. */
int queue_lost(struct apply *a, uint32_t ifindex, const char *link);

/* What stands on a link: addresses, permanent neighbours, routes. */
struct standing {
	struct lost *at;
	size_t n;
};
int standing_read(struct apply *a, uint32_t ifindex, struct standing *out);
void standing_free(struct standing *s);
/* What is in `before` and no longer in the kernel: into the inverse of the step under way, and to be put back at the end.
 * Takes before over. */
int standing_lost(struct apply *a, uint32_t ifindex, struct standing *before);
/* Of a dry run: what of others stands in `before` and may be lost, into the inverse of the step under way: everything with
 * the link; else what the kernel takes away when it is switched off. Takes before over. */
int standing_would(struct apply *a, bool gone, struct standing *before);
/* Puts back what it can, of what was lost. */
void apply_restore(struct apply *a);

/* The same route, address or neighbour by what makes it one in the kernel. */
bool step_same_key(const struct step *a, const struct step *b);
/* As a route is in the kernel. Returns 0, -ENOMEM, or -EOPNOTSUPP where there is no step for such a route. */
int route_observed(struct apply *a, const struct netlink_route *r, struct step *out);
int route_wanted(struct apply *a, const struct step_route *s, struct netlink_route *out,
		 struct err *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes steps in the kernel. Each is compared with what is there first, so that one that is there already does nothing,
 * and its inverse leads back to what was there, not to what somebody believed. Where one fails, those before it are
 * undone from their inverses at once.
 *
 * The kernel takes other things away with a link or an address (routes, further addresses, neighbours). What it took is
 * found by looking before and after, is put back at the end where it can be, whoever it belongs to, and is part of the
 * inverse. */
#ifndef DEP_SYS_APPLY_H
#define DEP_SYS_APPLY_H

#include "base/netlink.h"
#include "proto/netops/sys/step.h"

struct apply_result {
	bool *changed; /* one of each step */
	size_t n_changed;
	/* In order. After a dry run those of links, addresses, neighbours and sysctls, as each step by itself finds
	 * the kernel; with what is not ours and stands on a link that would go or be switched off. */
	struct steps inverse;
	struct steps extra;   /* of a dry run: what a purge would remove */
};

/* filters, settings: NULL where there are none. kept: keys of steps of earlier calls, which a purge leaves (NULL: none). dry_run: only finds what would change. Returns 0, or a negative errno and err: what, where (index and step), the mend; then
 * nothing is changed, or err says what could not be undone. *out must be released in every case. */
struct filters;
struct settings;
int apply_steps(struct netlink *nl, struct filters *filters, struct settings *settings,
		const struct steps *kept, const struct steps *steps, bool dry_run, struct apply_result *out, struct err *err);
/* Whether this kernel has queues of that kind: one is made on a link of no use, and removed. */
int queue_try(struct netlink *nl, uint32_t ifindex, const char *kind, struct err *err);
void apply_result_free(struct apply_result *r);

#endif

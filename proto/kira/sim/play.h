/* SPDX-License-Identifier: BSD-2-Clause */
/* Plays a fault script on a network, and tells the checker. */
#ifndef DEP_KIRA_SIM_PLAY_H
#define DEP_KIRA_SIM_PLAY_H

#include "proto/kira/sim/check.h"
#include "proto/kira/sim/script.h"

struct play;

/* Attaches a script, which must live as long, to a network and its checker. seed: for the random steps. survey is
 * called with each survey that the script asks for. Returns NULL and err: no memory, or a link that the graph lacks. */
struct play *play_new(struct check *c, struct sim *s, const struct script *sc, uint64_t seed,
		      void (*survey)(void *ctx, const struct survey *v), void *ctx, struct err *err);
void play_free(struct play *p);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorded calls of the controls in the kernel, made again by the core as this program's
 * compiler built it: each output and each state must be the same, byte for byte. */
#ifndef DEP_L4S_REPLAY_H
#define DEP_L4S_REPLAY_H

#include "base/err.h"
#include "base/slice.h"
#include "proto/l4s/bpf/cc_bpf.h"

#include <stdio.h>

#define REPLAY_SOCKETS 4096 /* in one record */

struct replay_result {
	uint64_t events;
	uint64_t acks;
	uint64_t ops[CC_BPF_OPS];
	uint32_t sockets;
	uint64_t different; /* calls whose output or state differs */
	uint64_t skipped;   /* calls of a socket whose earlier ones are missing */
	char first[192];    /* what differed first */
};

struct replay;
/* NULL: no memory. */
struct replay *replay_new(void);
void replay_free(struct replay *r);
/* One recorded call. 0, or -EINVAL and err where it is none (a damaged record), -E2BIG where there
 * are too many sockets. A difference is no error: see the result. */
int replay_event(struct replay *r, const struct cc_bpf_event *e, struct err *err);
const struct replay_result *replay_result(const struct replay *r);

/* A record as a file of this machine's byte order: replay_file_begin, then events as they are. */
int replay_file_begin(FILE *f);
int replay_bytes(struct replay *r, struct slice bytes, struct err *err);

struct cc_kernel;
/* Takes what the ring buffer of the kernel has; waits up to timeout_ms for the first. file: where
 * the record goes, too, or NULL. Returns how many came, or a negative errno and err. */
int replay_live(struct replay *r, const struct cc_kernel *k, int timeout_ms, FILE *file,
		struct err *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What left the queue, as a pcapng file: each packet as it leaves, with a comment where the queue
 * marked or dropped it, and its time in the queue. */
#ifndef DEP_L4S_LINK_CAPTURE_H
#define DEP_L4S_LINK_CAPTURE_H

#include "proto/l4s/link/link.h"

struct capture;

/* Opens the file. ethernet: frames, else IP packets. NULL and err. */
struct capture *capture_open(const char *path, bool ethernet, struct err *err);
/* A link_trace; ctx is the capture. It copies into memory only. */
link_trace capture_packet;
/* Writes what has gathered, from a thread other than the link's. Returns 0 or a negative errno; the
 * capture then takes no more. */
int capture_flush(struct capture *c);
/* Packets that are missing because the file was too slow. */
uint64_t capture_lost(struct capture *c);
/* Flushes, closes. Returns 0 or the first error. */
int capture_close(struct capture *c);

#endif

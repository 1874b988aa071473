/* SPDX-License-Identifier: BSD-2-Clause */
/* A capture of a link's packets as pcapng, headers only (the snapshot length says so): data as it
 * leaves the queue, with the queue manager's verdict as the packet's comment; ACKs as they leave
 * the receiver. Flow n is 10.0.n.n > 10.1.n.n, TCP with timestamps, SACK, and AccECN's flags and
 * option. */
#ifndef DEP_L4S_SIM_PCAPNG_H
#define DEP_L4S_SIM_PCAPNG_H

#include "proto/l4s/sim/engine.h"

#include <stdio.h>

struct pcapng;

/* Writes the head. link: whose packets. NULL: no memory. */
struct pcapng *pcapng_new(FILE *to, const struct scenario *s, uint8_t link);
void pcapng_packet(struct pcapng *c, const struct sim_packet_seen *p);
/* 0 or -EIO, -ENOMEM. */
int pcapng_end(struct pcapng *c);

#endif

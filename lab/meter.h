/* SPDX-License-Identifier: BSD-2-Clause */
/* The meter: an XDP program on every link end that counts and drops (meter.bpf.c). */
#ifndef DEP_LAB_METER_H
#define DEP_LAB_METER_H

#include <linux/types.h>

/* One a link end, shared with the program through mapped memory. */
struct meter_slot {
	__u64 control_packets;
	__u64 control_bytes;
	__u64 data_packets;
	__u64 data_bytes;
	__u64 dropped;
	__u32 loss; /* 0: none; else a frame is lost with probability loss / 2^32, 0xffffffff: all */
	__u32 pad;
};

#ifndef __bpf__
#include "base/err.h"

#include <stdint.h>

struct meter;

/* For interface indices below `max`. NULL and err where this kernel or user may not load the program. */
struct meter *meter_new(uint32_t max, struct err *err);
/* Takes the program off all interfaces. */
void meter_free(struct meter *m);
/* Puts the program on an interface of the calling thread's namespace; it stays until meter_free, the end of this process
 * or of the interface. */
int meter_attach(struct meter *m, uint32_t ifindex);
struct meter_slot *meter_slot(struct meter *m, uint32_t ifindex);
#endif

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Counts of the test program wire.bpf.c. */
#ifndef DEP_L4S_BPF_WIRE_BPF_H
#define DEP_L4S_BPF_WIRE_BPF_H

/* Segments of TCP from or to a server's port. A packet of many segments (GSO) counts as them. */
struct wire_port {
	unsigned int data[4];	   /* with payload, by ECN codepoint as it came */
	unsigned int bare[4];	   /* without */
	unsigned int syn[4];	   /* SYN or SYN/ACK */
	unsigned int syn_flags;	   /* AE CWR ECE, 4 2 1, of the last SYN or SYN/ACK */
	unsigned int marked;	   /* made CE here */
	unsigned int dropped;	   /* here */
	unsigned int bad_checksum; /* IPv4 header */
	unsigned int ece;	   /* segments with ECE set */
	unsigned int cwr;
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the eBPF programs and the daemon share: the layout of the maps. Numbers are in host order
 * unless it says so. */
#ifndef DEP_KIRA_DATAPLANE_BPF_H
#define DEP_KIRA_DATAPLANE_BPF_H

#include <linux/types.h>

#define KIRA_ENCAP 44 /* IPv6 40, GRE 4 */

/* enum kira_fwd_kind */
#define KIRA_BPF_LOCAL 1
#define KIRA_BPF_NEIGHBOUR 2
#define KIRA_BPF_PATH 3
#define KIRA_BPF_UNREACHABLE 4

struct kira_bpf_fwd {
	__u8 kind;
	__u8 bypass;
	__u8 hop_limit; /* of the header put in front with label */
	__u8 pad;
	__u32 link;
	__u32 via[4]; /* network order */
	__u8 label[14];
	__u8 outer[14];
};

/* Key of the NodeID table: prefix length in bits, then the NodeID and two zero bytes. */
struct kira_bpf_prefix {
	__u32 bits;
	__u8 id[16];
};

/* Key of the PathID table. */
struct kira_bpf_path {
	__u8 id[14];
};

struct kira_bpf_stats {
	__u64 encapsulated, relabelled, decapsulated, plain, bypassed;
	__u64 no_entry, hop_limit, refused;
};

/* Data packets on one link, of one processor. Record number: the interface's index modulo
 * KIRA_ACTIVITY. */
#define KIRA_ACTIVITY 1024
struct kira_bpf_activity {
	__u64 rx, tx;
};

#endif

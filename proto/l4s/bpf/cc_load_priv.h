/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the loader. */
#ifndef DEP_L4S_CC_LOAD_PRIV_H
#define DEP_L4S_CC_LOAD_PRIV_H

#include "proto/l4s/bpf/cc_bpf.h"
#include "proto/l4s/bpf/cc_load.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#define CC_NAME 16 /* TCP_CA_NAME_MAX */
#define CC_FILTER "l4s_mark"

struct l4s_bpf;

/* An interface whose packets are marked. */
struct cc_mark_at {
	struct cc_mark_at *next;
	char ifname[IF_NAMESIZE];
	uint32_t ifindex;
	uint64_t netns;	       /* inode of the namespace */
	int netns_fd;	       /* clsact only, else -1 */
	struct bpf_link *link; /* NULL: clsact */
};

struct cc_cgroup_at {
	struct cc_cgroup_at *next;
	uint64_t id;
	struct bpf_link *link[3];
};

struct cc_kernel {
	struct l4s_bpf *skel;
	struct bpf_link *link[CC_BPF_CONTROLS];
	char name[CC_BPF_CONTROLS][CC_NAME];
	struct cc_mark_at *marks;
	struct cc_cgroup_at *cgroups;
	bool tcx;
	int cpus;
	FILE *log;
};

/* What the running kernel's types say. */
struct cc_kernel_types {
	bool tx_start;	 /* tcp_congestion_ops.cwnd_event_tx_start */
	bool tcx;	 /* TCX links */
	uint32_t name;	 /* offset of the name in the value of a struct_ops map */
	uint32_t common; /* size of that value */
};
int cc_kernel_types(struct cc_kernel_types *t, struct err *err);

/* Makes `name` free: removes a registration that nobody holds; -EBUSY and err (which process) where
 * somebody does. */
int cc_stale_remove(const struct cc_kernel_types *t, const char *name, struct err *err);
/* Removes filters of ours of the calling thread's network namespace. */
void cc_stale_filters(void);

/* fn in a thread that is in the network namespace of descriptor netns; in the caller's own where
 * that is -1. Returns what fn returns. */
int cc_in_netns(int netns, int (*fn)(void *arg, struct err *err), void *arg, struct err *err);

void cc_marks_free(struct cc_kernel *k);
void cc_cgroups_free(struct cc_kernel *k);

#endif

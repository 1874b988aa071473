/* SPDX-License-Identifier: BSD-2-Clause */
/* The congestion controls of cc.h in a stock kernel: eBPF struct_ops "dep_cubic_abe" and
 * "dep_prague", and the clsact program that makes ECT(0) of Prague's packets ECT(1). All are held
 * by links: they go when their holder dies. */
#ifndef DEP_L4S_CC_LOAD_H
#define DEP_L4S_CC_LOAD_H

#include "base/err.h"
#include "proto/l4s/cc.h"

#include <stdbool.h>
#include <stdint.h>

#define CC_KERNEL_CUBIC "dep_cubic_abe" /* names for TCP_CONGESTION; at most 15 characters */
#define CC_KERNEL_PRAGUE "dep_prague"

/* Figures of one kernel control, over all its sockets. */
struct cc_kernel_stats {
	uint64_t sockets;     /* that were ever opened */
	uint64_t open;	      /* now */
	uint64_t accecn;      /* of those ever opened: negotiated AccECN */
	uint64_t classic_ecn; /* RFC 3168 */
	uint64_t no_ecn;
	uint64_t acks;
	uint64_t marks;		/* delivered_ce */
	uint64_t reductions[4]; /* by enum cc_cause */
	uint64_t rewritten;	/* packets made ECT(1) */
	uint64_t unmarked;  /* Prague: marks while nothing was made ECT(1): answered as losses */
	uint64_t no_memory; /* sockets that got no state: they behave as Reno */
};

/* One socket, for the live view. */
struct cc_kernel_flow {
	uint8_t family;
	uint16_t local_port, remote_port;
	uint8_t local[16], remote[16];
	uint64_t bytes_acked;
	uint32_t cwnd, ssthresh, srtt_us, min_rtt_us;
	uint64_t pacing_rate;
	uint32_t delivered, delivered_ce;
	uint8_t algo; /* enum cc_algo */
	struct cc_view view;
};

struct cc_kernel;

/* For tests and unusual places; zeroes are the defaults. */
struct cc_kernel_opts {
	const char *suffix; /* of both names; they have at most 15 characters */
	bool clsact;	    /* do not use TCX, even where the kernel has it */
	uint32_t ring;	    /* bytes of the record's buffer, a power of two; 0: 256 KiB */
	FILE *log;	    /* what the verifier and libbpf say; NULL: nowhere */
};

/* Whether this kernel can: 0, or -EOPNOTSUPP/-EPERM and err, which says what is missing and what to
 * do. */
int cc_kernel_probe(struct err *err);
/* Loads and registers both. cubic, prague: their parameters (NULL: defaults); the names are
 * CC_KERNEL_*. A control of that name left by a holder that is gone is removed first; one with a
 * living holder gives -EBUSY. */
int cc_kernel_load(struct cc_kernel **k, const struct cc_cfg *cubic, const struct cc_cfg *prague,
		   struct err *err);
int cc_kernel_load_opts(struct cc_kernel **k, const struct cc_kernel_opts *opts,
			const struct cc_cfg *cubic, const struct cc_cfg *prague, struct err *err);
void cc_kernel_free(struct cc_kernel *k);
/* The name of a control with its suffix; algo is CC_CUBIC or CC_PRAGUE. */
const char *cc_kernel_name(const struct cc_kernel *k, enum cc_algo algo);
/* New parameters for connections that open from now on. */
int cc_kernel_change(struct cc_kernel *k, const struct cc_cfg *cubic, const struct cc_cfg *prague,
		     struct err *err);
/* Whether packets are marked by TCX links (else by clsact filters, which a killed holder leaves
 * behind: the next cc_kernel_load removes them in its network namespace). */
bool cc_kernel_tcx(const struct cc_kernel *k);
/* Makes Prague's packets ECT(1) on an interface (egress), by TCX where the kernel has it, else
 * clsact. netns: descriptor of its namespace, -1: the caller's. */
int cc_kernel_mark_on(struct cc_kernel *k, const char *ifname, int netns, struct err *err);
int cc_kernel_mark_off(struct cc_kernel *k, const char *ifname, int netns, struct err *err);
/* Sockets of processes in a cgroup v2 directory take the control `name` (sockops at connect and
 * listen). */
int cc_kernel_cgroup(struct cc_kernel *k, const char *cgroup_path, const char *name,
		     struct err *err);
int cc_kernel_stats(struct cc_kernel *k, const char *name, struct cc_kernel_stats *s,
		    struct err *err);
/* Fills at most n flows; returns how many there are. */
int cc_kernel_flows(struct cc_kernel *k, struct cc_kernel_flow *f, uint32_t n);
/* Records every call of the controls of new sockets (inputs and outputs) for a comparison with the
 * core: see bpf/replay.h. At most `events`. */
int cc_kernel_record(struct cc_kernel *k, uint32_t events, struct err *err);
/* The descriptor of the ring buffer the calls come from (struct cc_bpf_event), and how many found
 * no room in it. */
int cc_kernel_ring(const struct cc_kernel *k);
uint64_t cc_kernel_record_lost(const struct cc_kernel *k);

#endif

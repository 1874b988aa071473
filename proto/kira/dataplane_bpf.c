/* SPDX-License-Identifier: BSD-2-Clause */
/* The back-end of eBPF programs: loads them, fills their maps. The programs are in
 * dataplane_bpf.bpf.c. */
#include "proto/kira/dataplane_priv.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "proto/kira/dataplane_bpf.h"
#include "dataplane_bpf.skel.h"
#include "proto/kira/dataplane_tc.h"

static_assert(KIRA_BPF_LOCAL == KIRA_FWD_LOCAL && KIRA_BPF_NEIGHBOUR == KIRA_FWD_NEIGHBOUR);
static_assert(KIRA_BPF_PATH == KIRA_FWD_PATH && KIRA_BPF_UNREACHABLE == KIRA_FWD_UNREACHABLE);
static_assert(sizeof(struct kira_bpf_stats) == sizeof(struct dataplane_stats));
static_assert(KIRA_ENCAP == DATAPLANE_ENCAP);

struct dataplane_bpf_state {
	struct kira_bpf *skel;
	int nodes;
	int paths;
	int stats;
	int activity;
	int cpus;
};

/* libbpf's own words are for programmers; what matters is in err. */
static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

static int load_failed(int rc, struct err *err)
{
	err_set(err, rc, "cannot load the eBPF programs: %s", strerror(-rc));
	if (rc == -EPERM || rc == -EACCES)
		err_mend(err, "this needs CAP_BPF and CAP_NET_ADMIN, or choose the tun data plane");
	else if (rc == -ENOSYS)
		err_mend(err, "this kernel has no bpf(2): choose the tun data plane");
	return rc;
}

static int bpf_open(struct dataplane *dp, struct err *err)
{
	struct dataplane_bpf_state *b = calloc(1, sizeof(*b));
	struct kira_bpf *skel;
	int rc;

	if (!b)
		return err_set(err, -ENOMEM, "no memory for the eBPF programs");
	dp->bpf = b;
	libbpf_set_print(quiet);
	skel = b->skel = kira_bpf__open();
	if (!skel)
		return load_failed(-errno, err);
	skel->rodata->device = dp->device;
	skel->rodata->node_prefix = htons(dp->params.node_prefix);
	skel->rodata->path_prefix = htons(dp->params.path_prefix);
	memcpy((void *)skel->rodata->own, &dp->own, sizeof(dp->own));
	bpf_map__set_max_entries(skel->maps.nodes, dp->params.max_nodes);
	bpf_map__set_max_entries(skel->maps.paths, dp->params.max_paths);
	rc = kira_bpf__load(skel);
	if (rc)
		return load_failed(rc, err);
	b->nodes = bpf_map__fd(skel->maps.nodes);
	b->paths = bpf_map__fd(skel->maps.paths);
	b->stats = bpf_map__fd(skel->maps.stats);
	b->activity = bpf_map__fd(skel->maps.activity);
	b->cpus = libbpf_num_possible_cpus();
	return b->cpus > 0 ? 0 : err_set(err, -EIO, "cannot tell the number of processors");
}

static void bpf_close(struct dataplane *dp)
{
	if (!dp->bpf)
		return;
	kira_bpf__destroy(dp->bpf->skel);
	free(dp->bpf);
	dp->bpf = NULL;
}

static int attach(struct dataplane *dp, enum dataplane_place place, uint32_t ifindex,
		  struct err *err)
{
	const struct kira_bpf *skel = dp->bpf->skel;
	struct dataplane_filter f = {.name = "kira_in"};
	struct bpf_program *prog = skel->progs.kira_in;

	if (place == DATAPLANE_AT_DEVICE) {
		prog = skel->progs.kira_out;
		f.name = "kira_out";
	} else if (place == DATAPLANE_AT_GUARD) {
		prog = skel->progs.kira_guard;
		f.name = "kira_guard";
	}
	f.fd = bpf_program__fd(prog);
	return dataplane_tc_attach(dp->nl, ifindex, place == DATAPLANE_AT_DEVICE, &f, err);
}

static void pack(const struct kira_fwd *to, struct kira_bpf_fwd *v)
{
	*v = (struct kira_bpf_fwd){.kind = to->kind,
				  .bypass = to->bypass,
				  .hop_limit = to->hop_limit ? to->hop_limit : KIRA_HOP_LIMIT,
				  .link = to->link};
	memcpy(v->via, &to->via, sizeof(v->via));
	memcpy(v->label, &to->label, sizeof(v->label));
	memcpy(v->outer, &to->outer, sizeof(v->outer));
}

static void unpack(const struct kira_bpf_fwd *v, struct kira_fwd *to)
{
	*to = (struct kira_fwd){.kind = v->kind,
				.bypass = v->bypass,
				.hop_limit = v->hop_limit,
				.link = v->link};
	memcpy(&to->via, v->via, sizeof(v->via));
	memcpy(&to->label, v->label, sizeof(v->label));
	memcpy(&to->outer, v->outer, sizeof(v->outer));
}

static int set(int map, const void *key, const struct kira_fwd *to)
{
	struct kira_bpf_fwd v;
	int rc;

	if (to->kind == KIRA_FWD_NONE) {
		rc = bpf_map_delete_elem(map, key);
		return rc == -ENOENT ? 0 : rc;
	}
	pack(to, &v);
	rc = bpf_map_update_elem(map, key, &v, BPF_ANY);
	/* The trie's word for a full table. */
	return rc == -ENOSPC ? -E2BIG : rc;
}

static struct kira_bpf_prefix prefix_key(const struct kira_id *id, unsigned bits)
{
	struct kira_bpf_prefix k = {.bits = bits};

	memcpy(k.id, id, sizeof(*id));
	return k;
}

static int set_node(struct dataplane *dp, const struct kira_id *id, unsigned bits,
		    const struct kira_fwd *to)
{
	struct kira_bpf_prefix k = prefix_key(id, bits);

	return set(dp->bpf->nodes, &k, to);
}

static int set_path(struct dataplane *dp, const struct kira_id *id, const struct kira_fwd *to)
{
	return set(dp->bpf->paths, id, to);
}

static bool get_node(struct dataplane *dp, const struct kira_id *id, struct kira_fwd *to)
{
	struct kira_bpf_prefix k = prefix_key(id, KIRA_ID_BITS);
	struct kira_bpf_fwd v;

	if (bpf_map_lookup_elem(dp->bpf->nodes, &k, &v))
		return false;
	unpack(&v, to);
	return true;
}

static bool get_path(struct dataplane *dp, const struct kira_id *id, struct kira_fwd *to)
{
	struct kira_bpf_fwd v;

	if (bpf_map_lookup_elem(dp->bpf->paths, id, &v))
		return false;
	unpack(&v, to);
	return true;
}

/* Reads one per-processor value of n bytes a processor; NULL and errno. The caller frees it. */
static void *read_percpu(struct dataplane *dp, int map, uint32_t key, size_t n)
{
	void *all = calloc((size_t)dp->bpf->cpus, n);

	if (all && bpf_map_lookup_elem(map, &key, all)) {
		free(all);
		all = NULL;
	}
	return all;
}

static int stats(struct dataplane *dp, struct dataplane_stats *add)
{
	struct kira_bpf_stats *all = read_percpu(dp, dp->bpf->stats, 0, sizeof(*all));
	int i;

	if (!all)
		return -errno;
	for (i = 0; i < dp->bpf->cpus; i++) {
		add->encapsulated += all[i].encapsulated;
		add->relabelled += all[i].relabelled;
		add->decapsulated += all[i].decapsulated;
		add->plain += all[i].plain;
		add->bypassed += all[i].bypassed;
		add->no_entry += all[i].no_entry;
		add->hop_limit += all[i].hop_limit;
		add->refused += all[i].refused;
	}
	free(all);
	return 0;
}

static int activity(struct dataplane *dp, uint32_t ifindex, struct dataplane_activity *out)
{
	struct kira_bpf_activity *all =
		read_percpu(dp, dp->bpf->activity, ifindex % KIRA_ACTIVITY, sizeof(*all));
	int i;

	if (!all)
		return -errno;
	*out = (struct dataplane_activity){0};
	for (i = 0; i < dp->bpf->cpus; i++) {
		out->rx += all[i].rx;
		out->tx += all[i].tx;
	}
	free(all);
	return 0;
}

const struct dataplane_backend dataplane_bpf = {
	.open = bpf_open,
	.close = bpf_close,
	.attach = attach,
	.set_node = set_node,
	.set_path = set_path,
	.get_node = get_node,
	.get_path = get_path,
	.stats = stats,
	.activity = activity,
};

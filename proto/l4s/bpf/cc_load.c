/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads the controls of cc.bpf.c, registers them, reads their figures. Each registration is a link:
 * the kernel undoes it when the last descriptor is closed, so also when this process is killed.
 * Sockets that use the control then keep it until they are closed; new ones cannot have it. */
#include "proto/l4s/bpf/cc_load_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cc.skel.h"

#define RING_DEFAULT (1u << 18)

static const char *const base_name[] = {CC_KERNEL_CUBIC, CC_KERNEL_PRAGUE};

/* ---- what libbpf says ---- */

static FILE *log_to;

static int say(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (!log_to || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(log_to, fmt, ap);
}

static int load_failed(int rc, struct err *err)
{
	err_set(err, rc, "cannot load the congestion controls: %s", strerror(-rc));
	if (rc == -EPERM || rc == -EACCES)
		err_mend(err, "this needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and no lockdown "
			      "(cat /sys/kernel/security/lockdown)");
	else if (rc == -ENOSYS)
		err_mend(err, "the kernel needs CONFIG_BPF_SYSCALL");
	else if (rc == -ENOMEM || rc == -E2BIG)
		err_mend(err, "give the process more memory (RLIMIT_MEMLOCK on kernels before "
			      "5.11)");
	else
		err_mend(err, "the kernel needs CONFIG_BPF_JIT, CONFIG_DEBUG_INFO_BTF and "
			      "struct_ops with links (Linux 6.4)");
	return rc;
}

/* ---- opening ---- */

/* Offset of `name` in the initial value of a control's table: the object's own types. */
static int name_offset(const struct bpf_object *obj)
{
	const struct btf *btf = bpf_object__btf(obj);
	const struct btf_type *t;
	const struct btf_member *m;
	int id = btf__find_by_name_kind(btf, "tcp_congestion_ops", BTF_KIND_STRUCT);
	uint32_t i;

	if (id < 0)
		return -ENOENT;
	t = btf__type_by_id(btf, (uint32_t)id);
	m = btf_members(t);
	for (i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), "name"))
			return (int)(btf_member_bit_offset(t, i) / 8);
	return -ENOENT;
}

static int set_name(struct cc_kernel *k, unsigned i, struct bpf_map *map)
{
	size_t size;
	char *table = bpf_map__initial_value(map, &size);
	int at = name_offset(k->skel->obj);

	if (!table || at < 0 || (size_t)at + CC_NAME > size)
		return -EINVAL;
	memcpy(table + at, k->name[i], CC_NAME);
	return 0;
}

static int make_names(struct cc_kernel *k, const char *suffix, struct err *err)
{
	unsigned i;

	for (i = 0; i < CC_BPF_CONTROLS; i++)
		if (snprintf(k->name[i], CC_NAME, "%s%s", base_name[i], suffix) >= CC_NAME)
			return err_set(err, -ENAMETOOLONG,
				       "the name %s%s has more than 15 characters", base_name[i],
				       suffix);
	return 0;
}

static int prepare(struct cc_kernel *k, const struct cc_kernel_opts *o,
		   const struct cc_kernel_types *t)
{
	struct l4s_bpf *s = k->skel;
	int rc = set_name(k, CC_BPF_CUBIC, s->maps.cubic);

	if (rc == 0)
		rc = set_name(k, CC_BPF_PRAGUE, s->maps.prague);
	memcpy((void *)s->rodata->classic_name, k->name[CC_BPF_CUBIC], CC_NAME);
	if (rc == 0)
		rc = bpf_map__set_max_entries(s->maps.events, o->ring ? o->ring : RING_DEFAULT);
	/* a table may not name what the kernel does not have */
	if (t->tx_start) {
		s->struct_ops.cubic->cwnd_event = NULL;
		bpf_program__set_autoload(s->progs.cubic_event, false);
	} else {
		s->struct_ops.cubic->cwnd_event_tx_start = NULL;
		bpf_program__set_autoload(s->progs.cubic_tx_start, false);
	}
	k->tcx = t->tcx && !o->clsact;
	bpf_program__set_autoload(s->progs.l4s_mark, k->tcx);
	bpf_program__set_autoload(s->progs.l4s_mark_tc, !k->tcx);
	return rc;
}

/* ---- registering ---- */

static int attach_failed(int rc, const char *name, struct err *err)
{
	err_set(err, rc, "cannot register %s: %s", name, strerror(-rc));
	if (rc == -EINVAL)
		err_mend(err, "this kernel refuses the control's flags: AccECN by a control needs "
			      "Linux 6.18");
	else if (rc == -EEXIST)
		err_mend(err, "another control has this name: cat "
			      "/proc/sys/net/ipv4/tcp_available_congestion_control");
	return rc;
}

static int attach_one(struct cc_kernel *k, unsigned i, struct bpf_map *map,
		      const struct cc_kernel_types *t, struct err *err)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	int rc = 0;
	int tries;

	/* a holder that has just died may not be cleared away yet */
	for (tries = 0; tries < 20; tries++) {
		k->link[i] = bpf_map__attach_struct_ops(map);
		if (k->link[i])
			return 0;
		rc = -errno;
		if (rc != -EEXIST)
			break;
		rc = cc_stale_remove(t, k->name[i], err);
		if (rc == -EBUSY)
			return rc;
		rc = -EEXIST;
		nanosleep(&pause, NULL);
	}
	return attach_failed(rc, k->name[i], err);
}

static int load(struct cc_kernel *k, const struct cc_kernel_opts *o, const struct cc_cfg *cubic,
		const struct cc_cfg *prague, struct err *err)
{
	struct cc_kernel_types t;
	unsigned i;
	int rc = cc_kernel_types(&t, err);

	for (i = 0; rc == 0 && i < CC_BPF_CONTROLS; i++)
		rc = cc_stale_remove(&t, k->name[i], err);
	if (rc)
		return rc;
	k->skel = l4s_bpf__open();
	if (!k->skel)
		return load_failed(-errno, err);
	rc = prepare(k, o, &t);
	if (rc == 0)
		rc = l4s_bpf__load(k->skel);
	if (rc)
		return load_failed(rc, err);
	if (!k->tcx)
		cc_stale_filters();
	rc = cc_kernel_change(k, cubic, prague, err);
	if (rc == 0)
		rc = attach_one(k, CC_BPF_CUBIC, k->skel->maps.cubic, &t, err);
	if (rc == 0)
		rc = attach_one(k, CC_BPF_PRAGUE, k->skel->maps.prague, &t, err);
	return rc;
}

int cc_kernel_load_opts(struct cc_kernel **out, const struct cc_kernel_opts *opts,
			const struct cc_cfg *cubic, const struct cc_cfg *prague, struct err *err)
{
	static const struct cc_kernel_opts none;
	const struct cc_kernel_opts *o = opts ? opts : &none;
	struct cc_kernel *k = calloc(1, sizeof(*k));
	int rc;

	*out = NULL;
	if (!k)
		return err_set(err, -ENOMEM, "no memory for the congestion controls");
	k->log = o->log;
	k->cpus = libbpf_num_possible_cpus();
	log_to = o->log;
	libbpf_set_print(say);
	rc = k->cpus > 0 ? 0 : err_set(err, -EIO, "cannot tell the number of processors");
	if (rc == 0)
		rc = make_names(k, o->suffix ? o->suffix : "", err);
	if (rc == 0)
		rc = load(k, o, cubic, prague, err);
	log_to = NULL;
	if (rc) {
		cc_kernel_free(k);
		return rc;
	}
	*out = k;
	return 0;
}

int cc_kernel_load(struct cc_kernel **k, const struct cc_cfg *cubic, const struct cc_cfg *prague,
		   struct err *err)
{
	return cc_kernel_load_opts(k, NULL, cubic, prague, err);
}

void cc_kernel_free(struct cc_kernel *k)
{
	unsigned i;

	if (!k)
		return;
	cc_cgroups_free(k);
	cc_marks_free(k);
	for (i = 0; i < CC_BPF_CONTROLS; i++)
		bpf_link__destroy(k->link[i]);
	l4s_bpf__destroy(k->skel);
	free(k);
}

const char *cc_kernel_name(const struct cc_kernel *k, enum cc_algo algo)
{
	return k->name[algo == CC_PRAGUE ? CC_BPF_PRAGUE : CC_BPF_CUBIC];
}

bool cc_kernel_tcx(const struct cc_kernel *k)
{
	return k->tcx;
}

/* ---- parameters and figures ---- */

static int change(struct cc_kernel *k, uint32_t i, enum cc_algo algo, const struct cc_cfg *cfg,
		  struct err *err)
{
	struct cc_cfg c;
	int rc;

	if (cfg)
		c = *cfg;
	else
		cc_cfg_defaults(&c, algo);
	if (!cfg && algo == CC_CUBIC)
		c.abe.mode = ABE_FIXED;
	c.small_packets = false; /* the kernel's segments are of one size */
	rc = cc_cfg_check(&c, err);
	if (rc)
		return rc;
	if (c.algo != algo)
		return err_set(err, -EINVAL, "parameters of %s for %s", cc_algo_name(c.algo),
			       k->name[i]);
	rc = bpf_map_update_elem(bpf_map__fd(k->skel->maps.params), &i, &c, BPF_ANY);
	return rc ? err_set(err, rc, "cannot set the parameters of %s: %s", k->name[i],
			    strerror(-rc))
		  : 0;
}

int cc_kernel_change(struct cc_kernel *k, const struct cc_cfg *cubic, const struct cc_cfg *prague,
		     struct err *err)
{
	int rc = change(k, CC_BPF_CUBIC, CC_CUBIC, cubic, err);

	return rc ? rc : change(k, CC_BPF_PRAGUE, CC_PRAGUE, prague, err);
}

static void sum(struct cc_kernel_stats *s, const struct cc_bpf_stats *n)
{
	unsigned i;

	s->sockets += n->sockets;
	s->open += n->sockets - n->closed;
	s->accecn += n->accecn;
	s->classic_ecn += n->classic_ecn;
	s->no_ecn += n->no_ecn;
	s->acks += n->acks;
	s->marks += n->marks;
	for (i = 0; i < 4; i++)
		s->reductions[i] += n->reductions[i];
	s->rewritten += n->rewritten;
	s->unmarked += n->unmarked;
	s->no_memory += n->no_memory;
}

int cc_kernel_stats(struct cc_kernel *k, const char *name, struct cc_kernel_stats *s,
		    struct err *err)
{
	struct cc_bpf_stats *all;
	uint32_t i;
	int cpu;
	int rc;

	for (i = 0; i < CC_BPF_CONTROLS; i++)
		if (!strcmp(name, base_name[i]) || !strcmp(name, k->name[i]))
			break;
	if (i == CC_BPF_CONTROLS)
		return err_set(err, -ENOENT, "there is no control %s here", name);
	all = calloc((size_t)k->cpus, sizeof(*all));
	if (!all)
		return err_set(err, -ENOMEM, "no memory for statistics");
	rc = bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.stats), &i, all);
	*s = (struct cc_kernel_stats){0};
	for (cpu = 0; rc == 0 && cpu < k->cpus; cpu++)
		sum(s, &all[cpu]);
	free(all);
	return rc ? err_set(err, rc, "cannot read the statistics of %s: %s", name, strerror(-rc))
		  : 0;
}

static void show(struct cc_kernel_flow *f, const struct cc_bpf_flow *b)
{
	*f = (struct cc_kernel_flow){.family = b->family,
				     .local_port = b->local_port,
				     .remote_port = b->remote_port,
				     .bytes_acked = b->bytes_acked,
				     .cwnd = b->cwnd,
				     .ssthresh = b->ssthresh,
				     .srtt_us = b->srtt_us,
				     .min_rtt_us = b->min_rtt_us,
				     .pacing_rate = b->pacing_rate,
				     .delivered = b->delivered,
				     .delivered_ce = b->delivered_ce,
				     .algo = b->control == CC_BPF_PRAGUE ? CC_PRAGUE : CC_CUBIC};
	memcpy(f->local, b->local, sizeof(f->local));
	memcpy(f->remote, b->remote, sizeof(f->remote));
	cc_look(&b->cc, &f->view);
}

int cc_kernel_flows(struct cc_kernel *k, struct cc_kernel_flow *f, uint32_t n)
{
	int fd = bpf_map__fd(k->skel->maps.flows);
	struct cc_bpf_flow b;
	uint32_t *from = NULL;
	uint32_t have = 0;
	uint32_t key;

	while (bpf_map_get_next_key(fd, from, &key) == 0) {
		from = &key;
		if (bpf_map_lookup_elem(fd, &key, &b) || b.at_ns == 0)
			continue;
		if (have < n)
			show(&f[have], &b);
		have++;
	}
	return (int)have;
}

int cc_kernel_record(struct cc_kernel *k, uint32_t events, struct err *err)
{
	__atomic_store_n(&k->skel->bss->record_lost, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&k->skel->bss->record_left, events, __ATOMIC_SEQ_CST);
	return 0;
}

int cc_kernel_ring(const struct cc_kernel *k)
{
	return bpf_map__fd(k->skel->maps.events);
}

uint64_t cc_kernel_record_lost(const struct cc_kernel *k)
{
	return __atomic_load_n(&k->skel->bss->record_lost, __ATOMIC_SEQ_CST);
}

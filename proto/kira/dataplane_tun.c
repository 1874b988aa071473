/* SPDX-License-Identifier: BSD-2-Clause */
/* The back-end without eBPF: tables in user space. The kernel routes both prefixes into the device,
 * and every packet is forwarded by dataplane_user.c. The guard is a classic BPF filter, which any
 * kernel with NET_CLS_BPF takes from a holder of CAP_NET_ADMIN; its drops are not counted. */
#include "proto/kira/dataplane_priv.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>

#include "proto/kira/dataplane_tc.h"

#define N_BITS (KIRA_ID_BITS + 1)

struct entry {
	struct hash_node node;
	struct kira_id id; /* cut to bits */
	unsigned bits;
	struct kira_fwd to;
};

struct table {
	struct hash entries;
	unsigned max;
	unsigned by_bits[N_BITS]; /* entries of each length, so that look-up tries only those that
				     exist */
};

struct dataplane_tun_state {
	struct table nodes;
	struct table paths;
	uint64_t seed;
};

static int tun_open(struct dataplane *dp, struct err *err)
{
	struct dataplane_tun_state *t = calloc(1, sizeof(*t));

	if (!t)
		return err_set(err, -ENOMEM, "no memory for the forwarding tables");
	dp->tun = t;
	hash_init(&t->nodes.entries, &dp->alloc);
	hash_init(&t->paths.entries, &dp->alloc);
	t->nodes.max = dp->params.max_nodes;
	t->paths.max = dp->params.max_paths;
	rng_os_bytes(&t->seed, sizeof(t->seed));
	return 0;
}

static void table_free(struct dataplane *dp, struct table *t)
{
	hash_each (n, &t->entries) {
		hash_del(&t->entries, n);
		alloc_free(&dp->alloc, n, sizeof(struct entry));
	}
	hash_free(&t->entries);
}

static void tun_close(struct dataplane *dp)
{
	if (!dp->tun)
		return;
	table_free(dp, &dp->tun->nodes);
	table_free(dp, &dp->tun->paths);
	free(dp->tun);
	dp->tun = NULL;
}

static struct kira_id cut(const struct kira_id *id, unsigned bits)
{
	struct kira_id out = {0};

	memcpy(&out, id, bits / 8);
	if (bits % 8)
		out.b[bits / 8] = (uint8_t)(id->b[bits / 8] & (0xff00u >> bits % 8));
	return out;
}

static struct entry *find(const struct dataplane *dp, const struct table *t,
			  const struct kira_id *id, unsigned bits)
{
	struct hash_node *n =
		hash_first(&t->entries, hash_bytes(id, sizeof(*id), dp->tun->seed + bits));

	for (; n; n = hash_next(n)) {
		struct entry *e = (void *)n;

		if (e->bits == bits && kira_id_eq(&e->id, id))
			return e;
	}
	return NULL;
}

static int set(struct dataplane *dp, struct table *t, const struct kira_id *whole, unsigned bits,
	       const struct kira_fwd *to)
{
	struct kira_id id = cut(whole, bits);
	struct entry *e = find(dp, t, &id, bits);

	if (e && to->kind == KIRA_FWD_NONE) {
		hash_del(&t->entries, &e->node);
		alloc_free(&dp->alloc, e, sizeof(*e));
		t->by_bits[bits]--;
		return 0;
	}
	if (to->kind == KIRA_FWD_NONE)
		return 0;
	if (!e) {
		if (t->entries.n >= t->max)
			return -E2BIG;
		e = alloc_zero(&dp->alloc, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->id = id;
		e->bits = bits;
		if (hash_add(&t->entries, &e->node,
			     hash_bytes(&id, sizeof(id), dp->tun->seed + bits))) {
			alloc_free(&dp->alloc, e, sizeof(*e));
			return -ENOMEM;
		}
		t->by_bits[bits]++;
	}
	e->to = *to;
	return 0;
}

static int set_node(struct dataplane *dp, const struct kira_id *id, unsigned bits,
		    const struct kira_fwd *to)
{
	return set(dp, &dp->tun->nodes, id, bits, to);
}

static int set_path(struct dataplane *dp, const struct kira_id *id, const struct kira_fwd *to)
{
	return set(dp, &dp->tun->paths, id, KIRA_ID_BITS, to);
}

static bool get_node(struct dataplane *dp, const struct kira_id *id, struct kira_fwd *to)
{
	const struct table *t = &dp->tun->nodes;
	unsigned bits = N_BITS;

	while (bits-- > 0) {
		struct kira_id key;
		struct entry *e;

		if (!t->by_bits[bits])
			continue;
		key = cut(id, bits);
		e = find(dp, t, &key, bits);
		if (e) {
			*to = e->to;
			return true;
		}
	}
	return false;
}

static bool get_path(struct dataplane *dp, const struct kira_id *id, struct kira_fwd *to)
{
	struct entry *e = find(dp, &dp->tun->paths, id, KIRA_ID_BITS);

	if (e)
		*to = e->to;
	return e != NULL;
}

static int attach(struct dataplane *dp, enum dataplane_place place, uint32_t ifindex,
		  struct err *err)
{
	const uint32_t nodes = dp->params.node_prefix;
	const uint32_t paths = dp->params.path_prefix;
	const struct sock_filter guard[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETH_HLEN + 24),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nodes, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, paths, 4, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETH_HLEN + 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nodes, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, paths, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, (uint32_t)TC_ACT_UNSPEC),
		BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
	};
	struct dataplane_filter f = {.name = "kira_guard", .fd = -1, .ops = guard, .n_ops = 10};

	if (place == DATAPLANE_AT_GUARD)
		return dataplane_tc_attach(dp->nl, ifindex, false, &f, err);
	/* It may have been guarded before. */
	if (place == DATAPLANE_AT_LINK)
		dataplane_tc_detach(dp->nl, ifindex);
	return 0;
}

static int stats(struct dataplane *dp, struct dataplane_stats *add)
{
	return 0;
}

/* The device does not say which link a packet came by. */
static int activity(struct dataplane *dp, uint32_t ifindex, struct dataplane_activity *out)
{
	return -EOPNOTSUPP;
}

const struct dataplane_backend dataplane_tun = {
	.open = tun_open,
	.close = tun_close,
	.attach = attach,
	.set_node = set_node,
	.set_path = set_path,
	.get_node = get_node,
	.get_path = get_path,
	.stats = stats,
	.activity = activity,
};

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The control of sockets by the cgroup of their process: set when connect() begins, where the
 * socket is still closed and the SYN is to come, and when listen() begins. Part of cc.bpf.c. */
#ifndef DEP_L4S_BPF_CGROUP_H
#define DEP_L4S_BPF_CGROUP_H

#define SOCK_STREAM_ 1

/* A cgroup's control. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, uint64_t);
	__type(value, char[16]);
} cgroups SEC(".maps");

/* That of the nearest ancestor which has one. */
inline_always void *cgroup_control(void)
{
	uint64_t id;
	void *name;
	int level;

	for (level = 15; level > 0; level--) {
		id = bpf_get_current_ancestor_cgroup_id(level);
		if (!id)
			continue;
		name = bpf_map_lookup_elem(&cgroups, &id);
		if (name)
			return name;
	}
	return NULL;
}

inline_always void cgroup_connect(struct bpf_sock_addr *ctx)
{
	void *name;

	if (ctx->type != SOCK_STREAM_)
		return;
	name = cgroup_control();
	if (name)
		bpf_setsockopt(ctx, SOL_TCP, TCP_CONGESTION, name, 16);
}

SEC("cgroup/connect4")
int l4s_connect4(struct bpf_sock_addr *ctx)
{
	cgroup_connect(ctx);
	return 1;
}

SEC("cgroup/connect6")
int l4s_connect6(struct bpf_sock_addr *ctx)
{
	cgroup_connect(ctx);
	return 1;
}

SEC("sockops")
int l4s_listen(struct bpf_sock_ops *ctx)
{
	void *name;

	if (ctx->op != BPF_SOCK_OPS_TCP_LISTEN_CB)
		return 1;
	name = cgroup_control();
	if (name)
		bpf_setsockopt(ctx, SOL_TCP, TCP_CONGESTION, name, 16);
	return 1;
}

#endif

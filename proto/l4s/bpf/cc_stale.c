/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has a control registered, and the removal of one that nobody holds. */
#include "proto/l4s/bpf/cc_load_priv.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* enum bpf_struct_ops_state */
#define STATE_INUSE 1u
#define STATE_READY 3u

/* ---- the kernel's types ---- */

static const struct btf_member *member(const struct btf *btf, const struct btf_type *t,
				       const char *name, uint32_t *offset)
{
	const struct btf_member *m = btf_members(t);
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), name)) {
			*offset = btf_member_bit_offset(t, i) / 8;
			return &m[i];
		}
	return NULL;
}

static const struct btf_type *type_of(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
}

static int read_types(const struct btf *btf, struct cc_kernel_types *t)
{
	const struct btf_type *value = type_of(btf, "bpf_struct_ops_tcp_congestion_ops");
	const struct btf_type *ops = type_of(btf, "tcp_congestion_ops");
	uint32_t data;
	uint32_t name;

	if (!value || !ops || !member(btf, value, "data", &data) ||
	    !member(btf, ops, "name", &name))
		return -EOPNOTSUPP;
	*t = (struct cc_kernel_types){
		.tx_start = member(btf, ops, "cwnd_event_tx_start", &(uint32_t){0}) != NULL,
		.tcx = type_of(btf, "tcx_link") != NULL,
		.name = data + name,
		.common = value->size};
	return 0;
}

int cc_kernel_types(struct cc_kernel_types *t, struct err *err)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct utsname u;
	int rc;

	uname(&u);
	if (!btf) {
		err_set(err, -EOPNOTSUPP, "Linux %s has no type information of itself", u.release);
		err_mend(err, "it needs CONFIG_DEBUG_INFO_BTF (/sys/kernel/btf/vmlinux)");
		return -EOPNOTSUPP;
	}
	rc = read_types(btf, t);
	btf__free(btf);
	if (rc) {
		err_set(err, rc, "Linux %s takes no congestion control as eBPF", u.release);
		err_mend(err, "it needs CONFIG_BPF_JIT and struct_ops (Linux 6.4)");
	}
	return rc;
}

/* ---- registrations ---- */

struct control {
	uint32_t map;  /* its identifier */
	uint32_t link; /* 0: none */
	int fd;
	bool by_link;
	bool registered;
};

/* Whether a map is the table of the control `name`; then *c. */
static bool is_control(const struct cc_kernel_types *t, uint32_t id, const char *name,
		       struct control *c)
{
	struct bpf_map_info info = {0};
	uint32_t n = sizeof(info);
	uint32_t zero = 0;
	uint32_t state;
	uint8_t *value;
	int fd = bpf_map_get_fd_by_id(id);
	bool same = false;

	if (fd < 0)
		return false;
	if (bpf_map_get_info_by_fd(fd, &info, &n) == 0 && info.type == BPF_MAP_TYPE_STRUCT_OPS &&
	    info.value_size == t->common) {
		value = calloc(1, info.value_size);
		if (value && bpf_map_lookup_elem(fd, &zero, value) == 0) {
			memcpy(&state, value + 4, sizeof(state));
			same = !strncmp((char *)value + t->name, name, CC_NAME);
			*c = (struct control){.map = id,
					      .fd = fd,
					      .by_link = (info.map_flags & BPF_F_LINK) != 0,
					      .registered = state == STATE_INUSE};
		}
		free(value);
	}
	if (!same)
		close(fd);
	return same;
}

static uint32_t link_of(uint32_t map)
{
	struct bpf_link_info info;
	uint32_t n;
	uint32_t id = 0;
	int fd;
	bool found;

	while (bpf_link_get_next_id(id, &id) == 0) {
		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0)
			continue;
		info = (struct bpf_link_info){0};
		n = sizeof(info);
		found = bpf_link_get_info_by_fd(fd, &info, &n) == 0 &&
			info.type == BPF_LINK_TYPE_STRUCT_OPS && info.struct_ops.map_id == map;
		close(fd);
		if (found)
			return id;
	}
	return 0;
}

/* ---- the holder ---- */

static bool fdinfo_has(const char *path, uint32_t link)
{
	char line[128];
	uint32_t id;
	FILE *f = fopen(path, "re");
	bool has = false;

	while (f && !has && fgets(line, sizeof(line), f))
		has = sscanf(line, "link_id: %u", &id) == 1 && id == link;
	if (f)
		fclose(f);
	return has;
}

static bool holds(const char *pid, uint32_t link)
{
	char dir[300];
	char path[600];
	struct dirent *e;
	bool has = false;
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%s/fdinfo", pid);
	d = opendir(dir);
	while (d && !has && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		has = fdinfo_has(path, link);
	}
	if (d)
		closedir(d);
	return has;
}

static void command_of(const char *pid, char *out, int n)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	out[0] = '\0';
	if (f && fgets(out, n, f))
		out[strcspn(out, "\n")] = '\0';
	if (f)
		fclose(f);
}

static int held(const char *name, uint32_t link, struct err *err)
{
	char comm[32];
	struct dirent *e;
	DIR *d = opendir("/proc");
	bool found = false;

	err_set(err, -EBUSY, "%s is registered already, by an unknown holder (link %u)", name,
		link);
	err_mend(err, "bpftool link show id %u; a pinned link goes when its file is removed", link);
	while (d && !found && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]) || !holds(e->d_name, link))
			continue;
		command_of(e->d_name, comm, sizeof(comm));
		err_set(err, -EBUSY, "%s is registered already, by process %s (%s)", name,
			e->d_name, comm);
		err_mend(err, "stop that process, or use its control");
		found = true;
	}
	if (d)
		closedir(d);
	return -EBUSY;
}

int cc_stale_remove(const struct cc_kernel_types *t, const char *name, struct err *err)
{
	struct control c;
	uint32_t zero = 0;
	uint32_t link;
	uint32_t id = 0;
	int rc = 0;

	while (rc == 0 && bpf_map_get_next_id(id, &id) == 0) {
		if (!is_control(t, id, name, &c))
			continue;
		link = c.by_link ? link_of(c.map) : 0;
		if (link)
			rc = held(name, link, err);
		else if (!c.by_link && c.registered)
			bpf_map_delete_elem(c.fd, &zero);
		close(c.fd);
	}
	return rc;
}

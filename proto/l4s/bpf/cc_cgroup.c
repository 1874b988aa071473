/* SPDX-License-Identifier: BSD-2-Clause */
/* Controls by cgroup: the programs of cgroup.h attached to a directory of cgroup v2. */
#include "proto/l4s/bpf/cc_load_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cc.skel.h"

/* The kernel's identifier of a cgroup is its file handle. */
static int cgroup_id(int fd, uint64_t *id)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} u = {.h.handle_bytes = sizeof(uint64_t)};
	int mount;

	if (name_to_handle_at(fd, "", &u.h, &mount, AT_EMPTY_PATH))
		return -errno;
	if (u.h.handle_bytes != sizeof(uint64_t))
		return -EINVAL;
	memcpy(id, u.h.f_handle, sizeof(*id));
	return 0;
}

static void cgroup_free(struct cc_kernel *k, struct cc_cgroup_at *c)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		bpf_link__destroy(c->link[i]);
	bpf_map_delete_elem(bpf_map__fd(k->skel->maps.cgroups), &c->id);
	free(c);
}

static int cgroup_attach(struct cc_kernel *k, struct cc_cgroup_at *c, int fd)
{
	struct bpf_program *prog[] = {k->skel->progs.l4s_connect4, k->skel->progs.l4s_connect6,
				      k->skel->progs.l4s_listen};
	unsigned i;

	for (i = 0; i < 3; i++) {
		c->link[i] = bpf_program__attach_cgroup(prog[i], fd);
		if (!c->link[i])
			return -errno;
	}
	return 0;
}

static struct cc_cgroup_at *cgroup_find(struct cc_kernel *k, uint64_t id)
{
	struct cc_cgroup_at *c = k->cgroups;

	while (c && c->id != id)
		c = c->next;
	return c;
}

static int cgroup_set(struct cc_kernel *k, int fd, const char *name)
{
	char full[CC_NAME] = "";
	struct cc_cgroup_at *c;
	uint64_t id;
	int rc = cgroup_id(fd, &id);

	if (rc)
		return rc;
	memcpy(full, name, strlen(name) + 1);
	c = cgroup_find(k, id);
	rc = bpf_map_update_elem(bpf_map__fd(k->skel->maps.cgroups), &id, full, BPF_ANY);
	if (rc || c)
		return rc;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->id = id;
	rc = cgroup_attach(k, c, fd);
	if (rc) {
		cgroup_free(k, c);
		return rc;
	}
	c->next = k->cgroups;
	k->cgroups = c;
	return 0;
}

int cc_kernel_cgroup(struct cc_kernel *k, const char *cgroup_path, const char *name,
		     struct err *err)
{
	int fd = open(cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_set(err, -errno, "cannot open the cgroup %s: %s", cgroup_path,
			       strerror(errno));
	if (!strcmp(name, CC_KERNEL_CUBIC))
		name = k->name[CC_BPF_CUBIC];
	else if (!strcmp(name, CC_KERNEL_PRAGUE))
		name = k->name[CC_BPF_PRAGUE];
	rc = strlen(name) < CC_NAME ? cgroup_set(k, fd, name) : -ENAMETOOLONG;
	close(fd);
	if (rc == 0)
		return 0;
	err_set(err, rc, "cannot give the cgroup %s the control %s: %s", cgroup_path, name,
		strerror(-rc));
	if (rc == -EBADF || rc == -EOPNOTSUPP)
		err_mend(err, "it must be a directory of cgroup v2 (mount -t cgroup2)");
	return rc;
}

void cc_cgroups_free(struct cc_kernel *k)
{
	struct cc_cgroup_at *c;

	while ((c = k->cgroups)) {
		k->cgroups = c->next;
		cgroup_free(k, c);
	}
}

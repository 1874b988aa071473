/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/meter.h"

#include "lab/meter.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct meter {
	struct meter_bpf *bpf;
	struct meter_slot *slots;
	size_t mapped;
	uint32_t max;
	int *links; /* file descriptors by interface index, -1: none */
};

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

static int meter_map(struct meter *m, uint32_t max)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	m->mapped = (max * sizeof(struct meter_slot) + page - 1) / page * page;
	m->slots = mmap(NULL, m->mapped, PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(m->bpf->maps.slots), 0);
	if (m->slots == MAP_FAILED) {
		m->slots = NULL;
		return -errno;
	}
	return 0;
}

struct meter *meter_new(uint32_t max, struct err *err)
{
	struct meter *m = calloc(1, sizeof(*m));
	int rc = -ENOMEM;

	libbpf_set_print(quiet);
	if (!m || !(m->links = malloc(max * sizeof(*m->links))))
		goto fail;
	for (uint32_t i = 0; i < max; i++)
		m->links[i] = -1;
	m->max = max;
	m->bpf = meter_bpf__open();
	if (!m->bpf)
		goto fail;
	rc = bpf_map__set_max_entries(m->bpf->maps.slots, max);
	if (rc == 0)
		rc = meter_bpf__load(m->bpf);
	if (rc == 0)
		rc = meter_map(m, max);
	if (rc == 0)
		return m;
fail:
	err_set(err, rc, "cannot load the program that counts and drops frames: %s", strerror(-rc));
	err_mend(err, "root and a kernel with BPF are needed");
	meter_free(m);
	return NULL;
}

void meter_free(struct meter *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; m->links && i < m->max; i++)
		if (m->links[i] >= 0)
			close(m->links[i]);
	if (m->slots)
		munmap(m->slots, m->mapped);
	if (m->bpf)
		meter_bpf__destroy(m->bpf);
	free(m->links);
	free(m);
}

int meter_attach(struct meter *m, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
	int fd;

	if (ifindex >= m->max)
		return -ERANGE;
	fd = bpf_link_create(bpf_program__fd(m->bpf->progs.meter), (int)ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return -errno;
	m->links[ifindex] = fd;
	return 0;
}

struct meter_slot *meter_slot(struct meter *m, uint32_t ifindex)
{
	return &m->slots[ifindex];
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Where Prague's packets become ECT(1): the tc program at the egress of interfaces, by TCX links
 * or, before Linux 6.6, as clsact filters. */
#include "proto/l4s/bpf/cc_load_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc.skel.h"

#define PRIORITY 0x4c34 /* of our filters */
#define HANDLE 1

/* ---- other namespaces ---- */

struct visit {
	int netns;
	int (*fn)(void *arg, struct err *err);
	void *arg;
	struct err *err;
	int rc;
};

static void *visit(void *p)
{
	struct visit *v = p;

	if (setns(v->netns, CLONE_NEWNET)) {
		v->rc = err_set(v->err, -errno, "cannot enter the network namespace: %s",
				strerror(errno));
		err_mend(v->err, "this needs CAP_SYS_ADMIN and a descriptor of a namespace");
	} else {
		v->rc = v->fn(v->arg, v->err);
	}
	return NULL;
}

int cc_in_netns(int netns, int (*fn)(void *arg, struct err *err), void *arg, struct err *err)
{
	struct visit v = {.netns = netns, .fn = fn, .arg = arg, .err = err};
	pthread_t thread;
	int rc;

	if (netns < 0)
		return fn(arg, err);
	rc = pthread_create(&thread, NULL, visit, &v);
	if (rc)
		return err_set(err, -rc, "cannot start a thread: %s", strerror(rc));
	pthread_join(thread, NULL);
	return v.rc;
}

static uint64_t inode_of(int netns)
{
	struct stat st;
	int rc = netns < 0 ? stat("/proc/thread-self/ns/net", &st) : fstat(netns, &st);

	return rc ? 0 : st.st_ino;
}

/* ---- attaching ---- */

struct attach {
	struct cc_kernel *k;
	struct cc_mark_at *at;
};

static int attach_failed(int rc, const char *ifname, struct err *err)
{
	err_set(err, rc, "cannot mark on %s: %s", ifname, strerror(-rc));
	if (rc == -EPERM)
		err_mend(err, "this needs CAP_NET_ADMIN");
	else if (rc == -EINVAL || rc == -ENOENT || rc == -EOPNOTSUPP)
		err_mend(err, "the kernel needs NET_XGRESS, or NET_SCH_INGRESS and NET_CLS_BPF");
	return rc;
}

static int attach_clsact(struct cc_kernel *k, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY,
		    .flags = BPF_TC_F_REPLACE,
		    .prog_fd = bpf_program__fd(k->skel->progs.l4s_mark_tc));
	int rc = bpf_tc_hook_create(&hook);

	if (rc && rc != -EEXIST)
		return rc;
	return bpf_tc_attach(&hook, &opts);
}

static int attach(void *arg, struct err *err)
{
	struct attach *a = arg;
	int rc = 0;

	a->at->ifindex = if_nametoindex(a->at->ifname);
	if (!a->at->ifindex)
		return err_set(err, -ENODEV, "there is no interface %s", a->at->ifname);
	if (a->k->tcx) {
		a->at->link = bpf_program__attach_tcx(a->k->skel->progs.l4s_mark,
						      (int)a->at->ifindex, NULL);
		rc = a->at->link ? 0 : -errno;
	} else {
		rc = attach_clsact(a->k, a->at->ifindex);
	}
	return rc ? attach_failed(rc, a->at->ifname, err) : 0;
}

static int detach_clsact(void *arg, struct err *err)
{
	struct cc_mark_at *at = arg;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)at->ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);

	bpf_tc_detach(&hook, &opts);
	return 0;
}

static void detach(struct cc_mark_at *at)
{
	if (at->link)
		bpf_link__destroy(at->link);
	else
		cc_in_netns(at->netns_fd, detach_clsact, at, NULL);
	if (at->netns_fd >= 0)
		close(at->netns_fd);
	free(at);
}

static struct cc_mark_at **find(struct cc_kernel *k, const char *ifname, uint64_t netns)
{
	struct cc_mark_at **p = &k->marks;

	while (*p && ((*p)->netns != netns || strcmp((*p)->ifname, ifname)))
		p = &(*p)->next;
	return p;
}

int cc_kernel_mark_on(struct cc_kernel *k, const char *ifname, int netns, struct err *err)
{
	uint64_t inode = inode_of(netns);
	struct attach a = {.k = k};
	struct cc_mark_at **old = find(k, ifname, inode);
	struct cc_mark_at *at = *old;
	int rc;

	if (strlen(ifname) >= IF_NAMESIZE)
		return err_set(err, -ENODEV, "there is no interface %s", ifname);
	if (at) { /* an interface of that name may be a new one */
		*old = at->next;
		detach(at);
	}
	at = calloc(1, sizeof(*at));
	if (!at)
		return err_set(err, -ENOMEM, "no memory for an interface");
	memcpy(at->ifname, ifname, strlen(ifname) + 1);
	at->netns = inode;
	at->netns_fd = netns >= 0 && !k->tcx ? fcntl(netns, F_DUPFD_CLOEXEC, 3) : -1;
	a.at = at;
	rc = cc_in_netns(netns, attach, &a, err);
	if (rc) {
		if (at->netns_fd >= 0)
			close(at->netns_fd);
		free(at);
		return rc;
	}
	at->next = k->marks;
	k->marks = at;
	return 0;
}

int cc_kernel_mark_off(struct cc_kernel *k, const char *ifname, int netns, struct err *err)
{
	struct cc_mark_at **p = find(k, ifname, inode_of(netns));
	struct cc_mark_at *at = *p;

	if (!at)
		return err_set(err, -ENOENT, "%s is not marked on", ifname);
	*p = at->next;
	detach(at);
	return 0;
}

void cc_marks_free(struct cc_kernel *k)
{
	struct cc_mark_at *at;

	while ((at = k->marks)) {
		k->marks = at->next;
		detach(at);
	}
}

/* ---- what a killed holder left ---- */

static bool is_ours(uint32_t prog)
{
	struct bpf_prog_info info = {0};
	uint32_t n = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(prog);
	bool ours;

	if (fd < 0)
		return false;
	ours = bpf_prog_get_info_by_fd(fd, &info, &n) == 0 &&
	       !strncmp(info.name, CC_FILTER, strlen(CC_FILTER));
	close(fd);
	return ours;
}

void cc_stale_filters(void)
{
	struct if_nameindex *all = if_nameindex();
	struct if_nameindex *i;

	for (i = all; i && i->if_index; i++) {
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)i->if_index,
			    .attach_point = BPF_TC_EGRESS);
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);

		if (bpf_tc_query(&hook, &opts) || !is_ours(opts.prog_id))
			continue;
		opts.prog_id = 0;
		opts.prog_fd = 0;
		opts.flags = 0;
		bpf_tc_detach(&hook, &opts);
	}
	if_freenameindex(all);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/dataplane_tc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>

#define HANDLE_OURS 1
#define HANDLE_FOUND 2

union message {
	struct nlmsghdr h;
	char bytes[2048];
};

static struct tcmsg *begin(union message *q, int type, int flags, uint32_t ifindex)
{
	struct tcmsg *t;

	mnl_nlmsg_put_header(q->bytes);
	q->h.nlmsg_type = (uint16_t)type;
	q->h.nlmsg_flags = (uint16_t)flags;
	t = mnl_nlmsg_put_extra_header(&q->h, sizeof(*t));
	t->tcm_family = AF_UNSPEC;
	t->tcm_ifindex = (int)ifindex;
	return t;
}

static uint32_t parent(bool egress)
{
	return TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

static int clsact(struct netlink *nl, int type, int flags, uint32_t ifindex, struct err *err)
{
	union message q;
	struct tcmsg *t = begin(&q, type, flags, ifindex);

	t->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	t->tcm_parent = TC_H_CLSACT;
	mnl_attr_put_strz(&q.h, TCA_KIND, "clsact");
	return netlink_talk(nl, &q.h, NULL, NULL, err);
}

static struct tcmsg *begin_filter(union message *q, int type, int flags, uint32_t ifindex,
				  bool egress, uint32_t handle)
{
	struct tcmsg *t = begin(q, type, flags, ifindex);

	t->tcm_parent = parent(egress);
	t->tcm_handle = handle;
	t->tcm_info = TC_H_MAKE(DATAPLANE_TC_PRIORITY << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(&q->h, TCA_KIND, "bpf");
	return t;
}

static bool filter_there(struct netlink *nl, uint32_t ifindex, bool egress, uint32_t handle)
{
	union message q;

	begin_filter(&q, RTM_GETTFILTER, 0, ifindex, egress, handle);
	return netlink_talk(nl, &q.h, NULL, NULL, NULL) == 0;
}

static int put_filter(struct netlink *nl, uint32_t ifindex, bool egress, uint32_t handle,
		      const struct dataplane_filter *f, struct err *err)
{
	union message q;
	struct nlattr *options;

	begin_filter(&q, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, ifindex, egress, handle);
	options = mnl_attr_nest_start(&q.h, TCA_OPTIONS);
	if (f->fd >= 0) {
		mnl_attr_put_u32(&q.h, TCA_BPF_FD, (uint32_t)f->fd);
		mnl_attr_put_strz(&q.h, TCA_BPF_NAME, f->name);
	} else {
		mnl_attr_put_u16(&q.h, TCA_BPF_OPS_LEN, f->n_ops);
		mnl_attr_put(&q.h, TCA_BPF_OPS, f->n_ops * sizeof(*f->ops), f->ops);
	}
	mnl_attr_put_u32(&q.h, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(&q.h, options);
	return netlink_talk(nl, &q.h, NULL, NULL, err);
}

int dataplane_tc_attach(struct netlink *nl, uint32_t ifindex, bool egress,
			const struct dataplane_filter *f, struct err *err)
{
	int rc = clsact(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, err);
	uint32_t handle = HANDLE_OURS;

	if (rc == -EEXIST) {
		if (!filter_there(nl, ifindex, egress, HANDLE_OURS))
			handle = HANDLE_FOUND;
		rc = 0;
	}
	if (rc == 0)
		rc = put_filter(nl, ifindex, egress, handle, f, err);
	if (rc) {
		err_where(err, "tc filter %s on interface %u", f->name, ifindex);
		if (rc == -EPERM)
			err_mend(err, "this needs CAP_NET_ADMIN");
		if (rc == -ENOENT || rc == -EOPNOTSUPP)
			err_mend(err, "the kernel needs NET_SCH_INGRESS and NET_CLS_BPF");
	}
	return rc;
}

static void count(void *ctx, const struct nlmsghdr *h)
{
	if (h->nlmsg_type == RTM_NEWTFILTER)
		++*(unsigned *)ctx;
}

static bool nobody_else(struct netlink *nl, uint32_t ifindex)
{
	union message q;
	unsigned n = 0;
	int egress;

	for (egress = 0; egress <= 1; egress++) {
		begin(&q, RTM_GETTFILTER, NLM_F_DUMP, ifindex)->tcm_parent = parent(egress);
		if (netlink_talk(nl, &q.h, count, &n, NULL))
			return false;
	}
	return n == 0;
}

void dataplane_tc_detach(struct netlink *nl, uint32_t ifindex)
{
	union message q;
	bool made = false;
	int egress;
	uint32_t handle;

	for (egress = 0; egress <= 1; egress++)
		for (handle = HANDLE_OURS; handle <= HANDLE_FOUND; handle++) {
			begin_filter(&q, RTM_DELTFILTER, 0, ifindex, egress, handle);
			if (netlink_talk(nl, &q.h, NULL, NULL, NULL) == 0)
				made |= handle == HANDLE_OURS;
		}
	if (made && nobody_else(nl, ifindex))
		clsact(nl, RTM_DELQDISC, 0, ifindex, NULL);
}

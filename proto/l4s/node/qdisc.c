/* SPDX-License-Identifier: BSD-2-Clause */
#include <net/if.h> /* before <linux/if.h> */

#include "proto/l4s/node/qdisc.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* Numbers of linux/pkt_sched.h of Linux 6.17, under names of ours: older headers have none. */
enum {
	D2_LIMIT = 1,	  /* u32, packets */
	D2_MEMORY_LIMIT,  /* u32, bytes */
	D2_TARGET,	  /* u32, µs */
	D2_TUPDATE,	  /* u32, µs */
	D2_ALPHA,	  /* u32, Hz * 256 */
	D2_BETA,	  /* u32, Hz * 256 */
	D2_STEP_PKTS,	  /* u32 */
	D2_STEP_US,	  /* u32, µs */
	D2_MIN_QLEN_STEP, /* u32, packets */
	D2_COUPLING,	  /* u8 */
	D2_DROP_OVERLOAD, /* u8: 0 overflow, 1 drop */
	D2_DROP_EARLY,	  /* u8: 0 at dequeue, 1 at enqueue */
	D2_C_PROTECTION,  /* u8, percent */
	D2_ECN_MASK,	  /* u8: 1 ECT(1) and CE are L4S */
	D2_SPLIT_GSO,	  /* u8: 1 */
};

struct d2_xstats {
	uint32_t prob;
	uint32_t delay_c; /* µs */
	uint32_t delay_l;
	uint32_t packets_in_c; /* ever enqueued */
	uint32_t packets_in_l;
	uint32_t maxq;
	uint32_t ecn_mark;
	uint32_t step_marks;
	int32_t credit;
	uint32_t memory_used;
	uint32_t max_memory_used;
	uint32_t memory_limit;
};

#define MESSAGE 1024

static const char kind[] = "dualpi2";

int qdisc_fits(const struct aqm_cfg *aqm, uint64_t rate, struct err *err)
{
	const char *why = NULL;

	if (aqm->kind != AQM_DUALPI2)
		why = "the kernel's back end has only dualpi2";
	else if (aqm->profile != AQM_PROFILE_LINUX)
		why = "the kernel's dualpi2 has only profile linux";
	else if (aqm->scheduler != AQM_WRR)
		why = "the kernel's dualpi2 has only scheduler wrr";
	else if (!aqm->ecn)
		why = "the kernel's dualpi2 always marks";
	else if (rate == 0)
		why = "the kernel's back end needs a rate";
	if (!why)
		return 0;
	err_set(err, -EOPNOTSUPP, "%s", why);
	err_mend(err, "set backend user");
	return -EOPNOTSUPP;
}

static uint32_t usec(uint64_t ns)
{
	return ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 1000);
}

/* ---- messages ---- */

static struct nlmsghdr *begin(void *buf, size_t n, int type, uint32_t ifindex, uint32_t handle,
			      uint32_t parent)
{
	struct nlmsghdr *h;
	struct tcmsg *t;

	if (n < MESSAGE)
		return NULL;
	h = mnl_nlmsg_put_header(buf);
	h->nlmsg_type = (uint16_t)type;
	h->nlmsg_flags = NLM_F_REQUEST;
	t = mnl_nlmsg_put_extra_header(h, sizeof(*t));
	t->tcm_family = AF_UNSPEC;
	t->tcm_ifindex = (int)ifindex;
	t->tcm_handle = handle;
	t->tcm_parent = parent;
	return h;
}

static void set_create(struct nlmsghdr *h, bool create)
{
	if (create)
		h->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
}

/* A millisecond of the link, and at least two full packets, so that one fits while another waits.
 */
static uint32_t burst(const struct qdisc_cfg *cfg)
{
	uint64_t ms = cfg->rate / 8000;
	uint64_t least = 2 * (uint64_t)(cfg->aqm.mtu + cfg->overhead);

	if (ms < least)
		ms = least;
	return ms > 16000000 ? 16000000 : (uint32_t)ms;
}

struct nlmsghdr *qdisc_put_shaper(void *buf, size_t n, const struct qdisc_cfg *cfg, bool create)
{
	struct tc_tbf_qopt opt = {0};
	struct nlmsghdr *h = begin(buf, n, RTM_NEWQDISC, cfg->ifindex, QDISC_SHAPER, TC_H_ROOT);
	uint64_t bytes = cfg->rate / 8;
	struct nlattr *nest;

	if (!h)
		return NULL;
	set_create(h, create);
	mnl_attr_put_strz(h, TCA_KIND, "tbf");
	nest = mnl_attr_nest_start(h, TCA_OPTIONS);
	opt.rate.rate = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
	opt.rate.linklayer = TC_LINKLAYER_ETHERNET;
	/* The kernel counts the Ethernet header already. */
	opt.rate.overhead = (unsigned short)(cfg->overhead > 14 ? cfg->overhead - 14 : 0);
	opt.limit = 1000 * 1514; /* of the queue that stands there until ours does */
	mnl_attr_put(h, TCA_TBF_PARMS, sizeof(opt), &opt);
	mnl_attr_put_u32(h, TCA_TBF_BURST, burst(cfg));
	if (bytes > UINT32_MAX)
		mnl_attr_put_u64(h, TCA_TBF_RATE64, bytes);
	mnl_attr_nest_end(h, nest);
	return h;
}

/* The threshold of L; sch_dualpi2 knows no rate, so what the rate asks for is reckoned here. */
static uint64_t step_of(const struct qdisc_cfg *cfg)
{
	uint64_t two = 16ull * cfg->aqm.mtu * 1000000000u / cfg->rate;

	return cfg->aqm.rate_aware && two > cfg->aqm.step ? two : cfg->aqm.step;
}

struct nlmsghdr *qdisc_put_dualpi2(void *buf, size_t n, const struct qdisc_cfg *cfg, bool create)
{
	const struct aqm_cfg *a = &cfg->aqm;
	struct nlmsghdr *h = begin(buf, n, RTM_NEWQDISC, cfg->ifindex, QDISC_AQM, QDISC_SHAPER | 1);
	struct nlattr *nest;

	if (!h)
		return NULL;
	/* The shaper came with a queue of its own, in the place of which this goes. */
	if (create)
		h->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	mnl_attr_put_strz(h, TCA_KIND, kind);
	nest = mnl_attr_nest_start(h, TCA_OPTIONS);
	if (a->limit_packets)
		mnl_attr_put_u32(h, D2_LIMIT, a->limit_packets);
	if (a->limit_bytes)
		mnl_attr_put_u32(h, D2_MEMORY_LIMIT,
				 a->limit_bytes > UINT32_MAX ? UINT32_MAX
							     : (uint32_t)a->limit_bytes);
	mnl_attr_put_u32(h, D2_TARGET, usec(a->target));
	mnl_attr_put_u32(h, D2_TUPDATE, usec(a->tupdate));
	mnl_attr_put_u32(h, D2_ALPHA, a->alpha);
	mnl_attr_put_u32(h, D2_BETA, a->beta);
	if (a->step_packets)
		mnl_attr_put_u32(h, D2_STEP_PKTS, a->step_packets);
	else
		mnl_attr_put_u32(h, D2_STEP_US, usec(step_of(cfg)));
	mnl_attr_put_u32(h, D2_MIN_QLEN_STEP, a->min_qlen_step);
	mnl_attr_put_u8(h, D2_COUPLING, (uint8_t)a->coupling);
	mnl_attr_put_u8(h, D2_DROP_OVERLOAD, a->overload == AQM_DROP_ON_OVERLOAD);
	mnl_attr_put_u8(h, D2_DROP_EARLY, a->drop_early);
	mnl_attr_put_u8(h, D2_C_PROTECTION, (uint8_t)a->classic_protection);
	mnl_attr_put_u8(h, D2_ECN_MASK, 1);
	mnl_attr_put_u8(h, D2_SPLIT_GSO, 1);
	mnl_attr_nest_end(h, nest);
	return h;
}

/* ---- what the kernel tells ---- */

static void read_xstats(const struct d2_xstats *x, uint32_t coupling, struct qdisc_stats *out)
{
	uint64_t p_cl = (uint64_t)x->prob * coupling;
	struct aqm_stats *a = &out->aqm;

	a->prob = x->prob;
	a->p_cl = p_cl > UINT32_MAX ? UINT32_MAX : (uint32_t)p_cl;
	a->p_c = (uint32_t)(((uint64_t)x->prob * x->prob) >> 32);
	a->credit = x->credit;
	a->overloaded = p_cl > UINT32_MAX;
	a->q[0].arrived = x->packets_in_c;
	a->q[1].arrived = x->packets_in_l;
	a->q[0].max_packets = x->maxq;
	/* The kernel counts marks of both queues together; those of the step are L's. */
	a->q[0].marked = x->ecn_mark;
	a->q[1].marked_native = x->step_marks;
	out->delay_now[0] = (uint64_t)x->delay_c * 1000;
	out->delay_now[1] = (uint64_t)x->delay_l * 1000;
}

static void read_stats(const struct nlattr *nest, uint32_t coupling, struct qdisc_stats *out)
{
	struct gnet_stats_basic basic = {0};
	struct gnet_stats_queue queue = {0};
	struct d2_xstats x = {0};
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		const void *p = mnl_attr_get_payload(a);
		size_t n = mnl_attr_get_payload_len(a);

		switch (mnl_attr_get_type(a)) {
		case TCA_STATS_BASIC:
			/* The kernel leaves the padding at its end away. */
			memcpy(&basic, p, n < sizeof(basic) ? n : sizeof(basic));
			break;
		case TCA_STATS_QUEUE:
			memcpy(&queue, p, n < sizeof(queue) ? n : sizeof(queue));
			break;
		case TCA_STATS_APP:
			memcpy(&x, p, n < sizeof(x) ? n : sizeof(x));
			break;
		default:
			break;
		}
	}
	read_xstats(&x, coupling, out);
	out->sent = basic.packets;
	out->sent_bytes = basic.bytes;
	out->dropped = queue.drops;
	out->backlog = queue.backlog;
	out->aqm.q[0].packets = queue.qlen;
	out->aqm.q[0].bytes = queue.backlog;
	out->aqm.q[0].forwarded = basic.packets;
	out->aqm.q[0].forwarded_bytes = basic.bytes;
	out->aqm.q[0].dropped_not_ect = queue.drops;
}

struct found {
	uint32_t ifindex;
	uint32_t handle;
	const char *kind;
	const struct nlattr *stats;
};

static bool look(const struct nlmsghdr *h, struct found *f)
{
	const struct nlattr *a;
	const struct tcmsg *t;

	if (h->nlmsg_type != RTM_NEWQDISC || h->nlmsg_len < mnl_nlmsg_size(sizeof(*t)))
		return false;
	t = mnl_nlmsg_get_payload(h);
	*f = (struct found){.ifindex = (uint32_t)t->tcm_ifindex, .handle = t->tcm_handle};
	mnl_attr_for_each(a, h, sizeof(*t))
	{
		if (mnl_attr_get_type(a) == TCA_KIND &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			f->kind = mnl_attr_get_str(a);
		else if (mnl_attr_get_type(a) == TCA_STATS2)
			f->stats = a;
	}
	return f->kind;
}

bool qdisc_parse(const struct nlmsghdr *h, uint32_t ifindex, uint32_t coupling,
		 struct qdisc_stats *out)
{
	struct found f;

	if (!look(h, &f) || f.ifindex != ifindex || f.handle != QDISC_AQM ||
	    strcmp(f.kind, kind) != 0)
		return false;
	memset(out, 0, sizeof(*out));
	out->aqm.q[0].delay.min = UINT64_MAX;
	out->aqm.q[1].delay.min = UINT64_MAX;
	if (f.stats)
		read_stats(f.stats, coupling, out);
	return true;
}

/* ---- requests ---- */

int qdisc_probe(struct netlink *nl, struct err *err)
{
	_Alignas(4) char buf[MESSAGE];
	uint32_t lo = if_nametoindex("lo");
	struct nlmsghdr *h = begin(buf, sizeof(buf), RTM_NEWQDISC, lo, QDISC_AQM, TC_H_ROOT);
	struct nlattr *nest;
	struct err why = {0};
	int rc;

	/* A limit of 0 is refused by a kernel that knows the kind, so nothing comes of it. */
	set_create(h, true);
	mnl_attr_put_strz(h, TCA_KIND, kind);
	nest = mnl_attr_nest_start(h, TCA_OPTIONS);
	mnl_attr_put_u32(h, D2_LIMIT, 0);
	mnl_attr_nest_end(h, nest);
	rc = netlink_talk(nl, h, NULL, NULL, &why);
	if (rc == -EINVAL || rc == -ERANGE)
		return 0;
	if (rc == -ENOENT) {
		err_set(err, rc, "this kernel has no sch_dualpi2");
		err_mend(err, "take Linux 6.17 or later with CONFIG_NET_SCH_DUALPI2, or set "
			      "backend user");
		return rc;
	}
	if (rc == 0) /* no such kernel is known */
		qdisc_delete(nl, lo, NULL);
	return err_set(err, rc ? rc : -EPROTO, "cannot ask for sch_dualpi2: %s",
		       why.what[0] ? why.what : "the kernel took what is not valid");
}

int qdisc_delete(struct netlink *nl, uint32_t ifindex, struct err *err)
{
	_Alignas(4) char buf[MESSAGE];
	struct nlmsghdr *h =
		begin(buf, sizeof(buf), RTM_DELQDISC, ifindex, QDISC_SHAPER, TC_H_ROOT);
	int rc;

	rc = netlink_talk(nl, h, NULL, NULL, err);
	/* ENOENT: another stands there; ENODEV: the interface is gone, and it with it. */
	return rc == -ENOENT || rc == -ENODEV || rc == -EINVAL ? 0 : rc;
}

int qdisc_set(struct netlink *nl, const struct qdisc_cfg *cfg, bool change, struct err *err)
{
	_Alignas(4) char buf[MESSAGE];
	int rc;

	rc = netlink_talk(nl, qdisc_put_shaper(buf, sizeof(buf), cfg, !change), NULL, NULL, err);
	if (rc != 0)
		return rc;
	rc = netlink_talk(nl, qdisc_put_dualpi2(buf, sizeof(buf), cfg, !change), NULL, NULL, err);
	if (rc != 0 && !change)
		qdisc_delete(nl, cfg->ifindex, NULL);
	return rc;
}

struct reading {
	uint32_t ifindex;
	uint32_t coupling;
	struct qdisc_stats *out;
	bool found;
};

static void read_one(void *ctx, const struct nlmsghdr *h)
{
	struct reading *r = ctx;

	if (!r->found)
		r->found = qdisc_parse(h, r->ifindex, r->coupling, r->out);
}

int qdisc_read(struct netlink *nl, uint32_t ifindex, uint32_t coupling, struct qdisc_stats *out)
{
	_Alignas(4) char buf[MESSAGE];
	struct nlmsghdr *h = begin(buf, sizeof(buf), RTM_GETQDISC, ifindex, 0, 0);
	struct reading r = {.ifindex = ifindex, .coupling = coupling, .out = out};
	int rc;

	h->nlmsg_flags |= NLM_F_DUMP;
	rc = netlink_talk(nl, h, read_one, &r, NULL);
	return rc != 0 ? rc : r.found ? 0 : -ENOENT;
}

#define SWEPT 64

struct sweep {
	uint32_t ifindex[SWEPT];
	int n;
};

static void find_stale(void *ctx, const struct nlmsghdr *h)
{
	struct sweep *s = ctx;
	struct found f;

	if (look(h, &f) && f.handle == QDISC_SHAPER && strcmp(f.kind, "tbf") == 0 && s->n < SWEPT)
		s->ifindex[s->n++] = f.ifindex;
}

int qdisc_sweep(struct netlink *nl, struct err *err)
{
	_Alignas(4) char buf[MESSAGE];
	struct nlmsghdr *h = begin(buf, sizeof(buf), RTM_GETQDISC, 0, 0, 0);
	struct sweep s = {.n = 0};
	int rc;
	int i;

	h->nlmsg_flags |= NLM_F_DUMP;
	rc = netlink_talk(nl, h, find_stale, &s, err);
	for (i = 0; rc == 0 && i < s.n; i++)
		rc = qdisc_delete(nl, s.ifindex[i], err);
	return rc != 0 ? rc : s.n;
}

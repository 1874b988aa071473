/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages against bytes laid out by hand as linux/pkt_sched.h and rtnetlink(7) describe them, and
 * the requests against the kernel there is, which may or may not have sch_dualpi2. */
#include <net/if.h> /* before <linux/if.h> */

#include "proto/l4s/node/qdisc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <sched.h>
#include <string.h>

static struct qdisc_cfg config(uint32_t ifindex)
{
	struct qdisc_cfg c = {.ifindex = ifindex, .rate = 100000000, .overhead = 14};

	aqm_cfg_defaults(&c.aqm, AQM_DUALPI2, AQM_PROFILE_LINUX, c.rate);
	return c;
}

/* ---- messages ---- */

static size_t put32(uint8_t *p, uint16_t type, uint32_t v)
{
	uint16_t len = 8;

	memcpy(p, &len, 2);
	memcpy(p + 2, &type, 2);
	memcpy(p + 4, &v, 4);
	return 8;
}

static size_t put8(uint8_t *p, uint16_t type, uint8_t v)
{
	uint16_t len = 5;

	memset(p, 0, 8);
	memcpy(p, &len, 2);
	memcpy(p + 2, &type, 2);
	p[4] = v;
	return 8;
}

static size_t put_head(uint8_t *p, uint16_t flags, uint32_t handle, uint32_t parent)
{
	const uint16_t type = 36; /* RTM_NEWQDISC */
	const uint32_t ifindex = 7;

	memset(p, 0, 36);
	memcpy(p + 4, &type, 2);
	memcpy(p + 6, &flags, 2);
	memcpy(p + 20, &ifindex, 4); /* struct tcmsg: family and padding, ifindex, handle, parent */
	memcpy(p + 24, &handle, 4);
	memcpy(p + 28, &parent, 4);
	return 36;
}

static size_t put_kind(uint8_t *p, const char *kind)
{
	const uint16_t type = 1; /* TCA_KIND */
	uint16_t len = (uint16_t)(4 + strlen(kind) + 1);

	memset(p, 0, 12);
	memcpy(p, &len, 2);
	memcpy(p + 2, &type, 2);
	memcpy(p + 4, kind, strlen(kind));
	return (len + 3u) & ~3u;
}

/* The defaults of sch_dualpi2, one attribute after the other. */
static void dualpi2_bytes(void **state)
{
	_Alignas(4) uint8_t got[1024];
	uint8_t want[512];
	struct qdisc_cfg c = config(7);
	struct nlmsghdr *h = qdisc_put_dualpi2(got, sizeof(got), &c, true);
	const uint16_t options = 2 | 0x8000; /* TCA_OPTIONS, nested */
	uint16_t len;
	uint32_t total;
	size_t nest;
	size_t n;

	/* REQUEST | REPLACE | CREATE, 4c35: below 4c34:1 */
	n = put_head(want, 0x1 | 0x100 | 0x400, 0x4c350000, 0x4c340001);
	n += put_kind(want + n, "dualpi2");
	nest = n;
	n += 4;
	n += put32(want + n, 1, 10000); /* limit */
	if (c.aqm.limit_bytes)
		n += put32(want + n, 2, (uint32_t)c.aqm.limit_bytes);
	n += put32(want + n, 3, 15000); /* target, µs */
	n += put32(want + n, 4, 16000); /* tupdate */
	n += put32(want + n, 5, 41);	/* alpha */
	n += put32(want + n, 6, 819);	/* beta */
	n += put32(want + n, 8, 1000);	/* step, µs */
	n += put32(want + n, 9, 0);	/* min_qlen_step */
	n += put8(want + n, 10, 2);	/* coupling */
	n += put8(want + n, 11, 1);	/* drop_on_overload */
	n += put8(want + n, 12, 0);	/* drop_dequeue */
	n += put8(want + n, 13, 10);	/* classic_protection */
	n += put8(want + n, 14, 1);	/* l4s_ect */
	n += put8(want + n, 15, 1);	/* split_gso */
	len = (uint16_t)(n - nest);
	memcpy(want + nest, &len, 2);
	memcpy(want + nest + 2, &options, 2);
	total = (uint32_t)n;
	memcpy(want, &total, 4);
	assert_int_equal(h->nlmsg_len, n);
	assert_memory_equal(got, want, n);
}

struct seen {
	uint32_t v[16];
	bool has[16];
};

static struct seen options_of(const struct nlmsghdr *h)
{
	struct seen s = {0};
	const struct nlattr *a;
	const struct nlattr *o;

	mnl_attr_for_each(a, h, sizeof(struct tcmsg))
	{
		if (mnl_attr_get_type(a) != TCA_OPTIONS)
			continue;
		mnl_attr_for_each_nested(o, a)
		{
			unsigned t = mnl_attr_get_type(o);

			assert_true(t < 16);
			s.has[t] = true;
			s.v[t] = mnl_attr_get_payload_len(o) == 1 ? mnl_attr_get_u8(o)
								  : mnl_attr_get_u32(o);
		}
	}
	return s;
}

/* What differs from the defaults. */
static void dualpi2_options(void **state)
{
	_Alignas(4) uint8_t buf[1024];
	struct qdisc_cfg c = config(7);
	struct nlmsghdr *h;
	struct seen s;

	c.aqm.step_packets = 5;
	c.aqm.overload = AQM_OVERFLOW;
	c.aqm.drop_early = true;
	c.aqm.coupling = 4;
	c.aqm.limit_bytes = 123456;
	h = qdisc_put_dualpi2(buf, sizeof(buf), &c, false);
	s = options_of(h);
	assert_int_equal(h->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL | NLM_F_REPLACE), 0);
	assert_true(s.has[7]);
	assert_int_equal(s.v[7], 5);
	assert_false(s.has[8]);
	assert_int_equal(s.v[11], 0);
	assert_int_equal(s.v[12], 1);
	assert_int_equal(s.v[10], 4);
	assert_int_equal(s.v[2], 123456);
	/* The rate's part: two packets of 1514 bytes take 2.4224 ms at 10 Mb/s. */
	c = config(7);
	c.rate = 10000000;
	c.aqm.rate_aware = true;
	s = options_of(qdisc_put_dualpi2(buf, sizeof(buf), &c, true));
	assert_int_equal(s.v[8], 2422);
	c.rate = 100000000;
	s = options_of(qdisc_put_dualpi2(buf, sizeof(buf), &c, true));
	assert_int_equal(s.v[8], 1000);
	assert_null(qdisc_put_dualpi2(buf, 100, &c, true));
}

static void shaper_bytes(void **state)
{
	_Alignas(4) uint8_t buf[1024];
	uint8_t want[128];
	struct qdisc_cfg c = config(7);
	struct nlmsghdr *h = qdisc_put_shaper(buf, sizeof(buf), &c, true);
	struct tc_tbf_qopt q;
	const struct nlattr *a;
	const struct nlattr *o;

	/* REQUEST | EXCL | CREATE, 4c34: at the root */
	put_head(want, 0x1 | 0x200 | 0x400, 0x4c340000, 0xffffffff);
	memcpy(want, &h->nlmsg_len, 4);
	assert_memory_equal(buf, want, 36);
	put_kind(want, "tbf");
	assert_memory_equal(buf + 36, want, 8);
	mnl_attr_for_each(a, h, sizeof(struct tcmsg))
	{
		if (mnl_attr_get_type(a) != TCA_OPTIONS)
			continue;
		mnl_attr_for_each_nested(o, a)
		{
			if (mnl_attr_get_type(o) == TCA_TBF_BURST) /* 1 ms of 100 Mb/s */
				assert_int_equal(mnl_attr_get_u32(o), 12500);
			if (mnl_attr_get_type(o) != TCA_TBF_PARMS)
				continue;
			assert_int_equal(mnl_attr_get_payload_len(o), sizeof(q));
			memcpy(&q, mnl_attr_get_payload(o), sizeof(q));
			assert_int_equal(q.rate.rate, 12500000);
			assert_int_equal(q.rate.overhead, 0);
		}
	}
}

/* ---- statistics ---- */

static struct nlmsghdr *answer(void *buf, uint32_t handle, const char *kind)
{
	const uint32_t x[12] = {1u << 31, 15000, 250, 100, 200, 77, 30, 9, (uint32_t)-5, 1, 2, 3};
	const uint8_t basic[12] = {[0] = 0x10, [8] = 42}; /* without the padding */
	const uint32_t queue[5] = {7, 9000, 11, 0, 0};	  /* qlen, backlog, drops, … */
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nlattr *nest;
	struct tcmsg *t;

	h->nlmsg_type = RTM_NEWQDISC;
	t = mnl_nlmsg_put_extra_header(h, sizeof(*t));
	t->tcm_ifindex = 7;
	t->tcm_handle = handle;
	mnl_attr_put_strz(h, TCA_KIND, kind);
	nest = mnl_attr_nest_start(h, TCA_STATS2);
	mnl_attr_put(h, 4, sizeof(x), x); /* TCA_STATS_APP */
	mnl_attr_put(h, 1, sizeof(basic), basic);
	mnl_attr_put(h, 3, sizeof(queue), queue);
	mnl_attr_nest_end(h, nest);
	return h;
}

static void statistics(void **state)
{
	_Alignas(4) uint8_t buf[1024];
	struct qdisc_stats s;

	assert_true(qdisc_parse(answer(buf, QDISC_AQM, "dualpi2"), 7, 2, &s));
	assert_int_equal(s.aqm.prob, 1u << 31);
	assert_int_equal(s.aqm.p_cl, UINT32_MAX); /* 2 * 1/2 */
	assert_int_equal(s.aqm.p_c, 1u << 30);	  /* 1/4 */
	assert_int_equal(s.delay_now[0], 15000000);
	assert_int_equal(s.delay_now[1], 250000);
	assert_int_equal(s.aqm.q[0].arrived, 100);
	assert_int_equal(s.aqm.q[1].arrived, 200);
	assert_int_equal(s.aqm.q[0].max_packets, 77);
	assert_int_equal(s.aqm.q[0].marked, 30);
	assert_int_equal(s.aqm.q[1].marked_native, 9);
	assert_int_equal(s.aqm.credit, -5);
	assert_int_equal(s.sent, 42);
	assert_int_equal(s.sent_bytes, 16);
	assert_int_equal(s.aqm.q[0].packets, 7);
	assert_int_equal(s.dropped, 11);
	/* Of others. */
	assert_false(qdisc_parse(answer(buf, QDISC_AQM, "dualpi2"), 8, 2, &s));
	assert_false(qdisc_parse(answer(buf, 0x80010000, "dualpi2"), 7, 2, &s));
	assert_false(qdisc_parse(answer(buf, QDISC_AQM, "fq"), 7, 2, &s));
}

static void fits(void **state)
{
	struct qdisc_cfg c = config(1);
	struct err err = {0};

	assert_int_equal(qdisc_fits(&c.aqm, c.rate, &err), 0);
	assert_int_equal(qdisc_fits(&c.aqm, 0, &err), -EOPNOTSUPP);
	c.aqm.profile = AQM_PROFILE_RFC;
	assert_int_equal(qdisc_fits(&c.aqm, c.rate, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.mend, "user"));
	c = config(1);
	c.aqm.kind = AQM_PIE;
	assert_int_equal(qdisc_fits(&c.aqm, c.rate, &err), -EOPNOTSUPP);
}

/* ---- the kernel ---- */

struct world {
	struct netlink *nl;
	uint32_t ifindex;
};

static int enter(void **state)
{
	static struct world w;
	struct netlink_veth_end a = {.name = "q0", .netns_fd = -1};
	struct netlink_veth_end b = {.name = "q1", .netns_fd = -1};
	struct err err = {0};

	if (unshare(CLONE_NEWNET) != 0)
		return -1;
	w.nl = netlink_open(&err);
	if (!w.nl || netlink_veth_new(w.nl, &a, &b, 0, &err) != 0)
		return -1;
	w.ifindex = if_nametoindex("q0");
	netlink_link_flags(w.nl, w.ifindex, IFF_UP, IFF_UP, &err);
	*state = &w;
	return 0;
}

static int leave(void **state)
{
	struct world *w = *state;

	netlink_close(w->nl);
	return 0;
}

/* Counts root qdiscs of a kind by handle. */
struct count {
	uint32_t ifindex;
	unsigned ours;
	unsigned others;
};

static void count_one(void *ctx, const struct nlmsghdr *h)
{
	const struct tcmsg *t = mnl_nlmsg_get_payload(h);
	struct count *c = ctx;

	if ((uint32_t)t->tcm_ifindex != c->ifindex)
		return;
	c->ours += t->tcm_handle == QDISC_SHAPER || t->tcm_handle == QDISC_AQM;
	c->others += t->tcm_handle == 0x10000;
}

static struct count count(struct world *w)
{
	_Alignas(4) uint8_t buf[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct count c = {.ifindex = w->ifindex};

	h->nlmsg_type = RTM_GETQDISC;
	h->nlmsg_flags = NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(h, sizeof(struct tcmsg));
	assert_int_equal(netlink_talk(w->nl, h, count_one, &c, NULL), 0);
	return c;
}

/* Whatever this kernel has: a refusal says why, and nothing stays. */
static void live(void **state)
{
	struct world *w = *state;
	struct qdisc_cfg c = config(w->ifindex);
	struct qdisc_stats s;
	struct err err = {0};
	int probed = qdisc_probe(w->nl, &err);
	int rc;

	if (probed != 0) {
		assert_int_equal(probed, -ENOENT);
		assert_non_null(strstr(err.what, "sch_dualpi2"));
		assert_true(err.mend[0] != '\0');
		rc = qdisc_set(w->nl, &c, false, &err);
		assert_int_equal(rc, -ENOENT);
		assert_int_equal(count(w).ours, 0);
		assert_int_equal(qdisc_read(w->nl, w->ifindex, 2, &s), -ENOENT);
		return;
	}
	assert_int_equal(qdisc_set(w->nl, &c, false, &err), 0);
	assert_int_equal(count(w).ours, 2);
	c.rate /= 2;
	assert_int_equal(qdisc_set(w->nl, &c, true, &err), 0);
	assert_int_equal(qdisc_read(w->nl, w->ifindex, 2, &s), 0);
	assert_int_equal(qdisc_delete(w->nl, w->ifindex, &err), 0);
	assert_int_equal(count(w).ours, 0);
}

/* The shaper is one that every kernel has; a crash leaves it, the next start removes it, and only
 * it. */
static void sweep(void **state)
{
	_Alignas(4) uint8_t buf[1024];
	struct world *w = *state;
	struct qdisc_cfg c = config(w->ifindex);
	struct err err = {0};
	struct nlmsghdr *h;
	struct tcmsg *t;

	assert_int_equal(qdisc_sweep(w->nl, &err), 0);
	h = qdisc_put_shaper(buf, sizeof(buf), &c, true);
	assert_int_equal(netlink_talk(w->nl, h, NULL, NULL, &err), 0);
	assert_int_equal(count(w).ours, 1);
	/* In use: no second one, and what another program put there stays. */
	assert_int_equal(qdisc_set(w->nl, &c, false, &err), -EEXIST);
	assert_int_equal(count(w).ours, 1);
	assert_int_equal(qdisc_sweep(w->nl, &err), 1);
	assert_int_equal(count(w).ours, 0);
	h = qdisc_put_shaper(buf, sizeof(buf), &c, true);
	t = mnl_nlmsg_get_payload(h);
	t->tcm_handle = 0x10000;
	assert_int_equal(netlink_talk(w->nl, h, NULL, NULL, &err), 0);
	assert_int_equal(qdisc_sweep(w->nl, &err), 0);
	assert_int_equal(qdisc_delete(w->nl, w->ifindex, &err), 0);
	assert_int_equal(count(w).others, 1);
	/* Other parameters in place. */
	h = qdisc_put_shaper(buf, sizeof(buf), &c, false);
	t = mnl_nlmsg_get_payload(h);
	t->tcm_handle = 0x10000;
	assert_int_equal(netlink_talk(w->nl, h, NULL, NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dualpi2_bytes), cmocka_unit_test(dualpi2_options),
		cmocka_unit_test(shaper_bytes),	 cmocka_unit_test(statistics),
		cmocka_unit_test(fits),		 cmocka_unit_test(live),
		cmocka_unit_test(sweep),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}

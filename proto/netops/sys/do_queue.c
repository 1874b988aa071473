/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues: what stands at the root of an interface for what goes out (tc(8)). Ours has the handle
 * 7c:, so that one of somebody else is never taken for it, nor replaced. The kernel keeps bursts as
 * times (in units of 64 ns) and of red neither the average packet nor the bandwidth, so that a
 * comparison allows for rounding, and passes over these two. */
#include "proto/netops/sys/apply_priv.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>

#define HANDLE ((uint32_t)STEP_PROTOCOL << 16)
#define CLASS (HANDLE | 1)
#define TICK_NS 64
#define REQUEST 4096

union request {
	char bytes[REQUEST];
	struct nlmsghdr h;
};

static struct nlmsghdr *begin(union request *q, int type, int flags, uint32_t ifindex,
			      uint32_t parent, uint32_t handle)
{
	struct nlmsghdr *h;
	struct tcmsg *t;

	memset(q, 0, sizeof(*q));
	h = mnl_nlmsg_put_header(q->bytes);
	h->nlmsg_type = (uint16_t)type;
	h->nlmsg_flags = (uint16_t)flags;
	t = mnl_nlmsg_put_extra_header(h, sizeof(*t));
	t->tcm_ifindex = (int)ifindex;
	t->tcm_parent = parent;
	t->tcm_handle = handle;
	return h;
}

static uint64_t ticks(uint64_t rate, uint32_t bytes)
{
	return rate ? (uint64_t)bytes * 8 * 1000000000 / rate / TICK_NS : 0;
}

static uint32_t bytes_of(uint64_t rate, uint32_t n)
{
	return (uint32_t)((__uint128_t)n * TICK_NS * rate / 8 / 1000000000);
}

static void put_rate(struct tc_ratespec *r, uint64_t bits)
{
	uint64_t bytes = bits / 8;

	r->rate = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
	r->linklayer = TC_LINKLAYER_ETHERNET;
}

/* ---- red: red(8), and the kernel's include/net/red.h ---- */

/* The weight 2^-n of the newest length in the average, for a burst that is to pass. */
static uint8_t red_weight(const struct step_queue *q)
{
	double burst = (2.0 * q->min + q->max) / (3.0 * q->average);
	double a = burst + 1 - (double)q->min / q->average;
	double w = 0.5;
	uint8_t n;

	for (n = 1; n < 32; n++, w /= 2) {
		double left = 1;
		unsigned i;

		for (i = 0; i < (unsigned)burst; i++)
			left *= 1 - w;
		if (a <= (1 - left) / w)
			return n;
	}
	return 9;
}

static uint8_t red_slope(const struct step_queue *q)
{
	double p = q->probability / 100.0 / (q->max - q->min);
	uint8_t n;

	for (n = 0; n < 31 && p <= 1; n++)
		p *= 2;
	return n;
}

/* How the average falls while nothing comes, by cells of time. */
static uint8_t red_idle(const struct step_queue *q, uint8_t weight, uint8_t table[256])
{
	double packet_us = (double)q->average * 8 * 1e6 / (double)q->bandwidth;
	double fall = 1.0 / (double)(1u << weight) / packet_us;
	uint8_t cell = 0;
	unsigned i;

	while (cell < 31 && 31 / fall / (double)(1u << cell) >= 512)
		cell++;
	for (i = 0; i < 256; i++) {
		double v = (double)((uint64_t)i << cell) * fall;

		table[i] = v > 31 ? 31 : (uint8_t)v;
	}
	return cell;
}

static void put_red(struct nlmsghdr *h, const struct step_queue *q)
{
	struct tc_red_qopt o = {.limit = q->limit, .qth_min = q->min, .qth_max = q->max};
	uint8_t table[256];

	o.Wlog = red_weight(q);
	o.Plog = red_slope(q);
	o.Scell_log = red_idle(q, o.Wlog, table);
	mnl_attr_put(h, TCA_RED_PARMS, sizeof(o), &o);
	mnl_attr_put(h, TCA_RED_STAB, sizeof(table), table);
	mnl_attr_put_u32(h, TCA_RED_MAX_P, (uint32_t)(q->probability / 100.0 * UINT32_MAX));
}

/* ---- Making ---- */

static void put_options(struct nlmsghdr *h, const struct step_queue *q)
{
	struct tc_fifo_qopt fifo = {.limit = q->limit};
	struct tc_tbf_qopt tbf = {.limit = q->limit};
	struct tc_htb_glob htb = {
		.version = TC_HTB_PROTOVER, .rate2quantum = 10, .defcls = CLASS & 0xffff};
	struct nlattr *in;

	mnl_attr_put_strz(h, TCA_KIND, q->kind);
	if (strcmp(q->kind, "pfifo") == 0) {
		mnl_attr_put(h, TCA_OPTIONS, sizeof(fifo), &fifo);
		return;
	}
	in = mnl_attr_nest_start(h, TCA_OPTIONS);
	if (strcmp(q->kind, "red") == 0) {
		put_red(h, q);
	} else if (strcmp(q->kind, "htb") == 0) {
		mnl_attr_put(h, TCA_HTB_INIT, sizeof(htb), &htb);
	} else {
		put_rate(&tbf.rate, q->rate);
		tbf.buffer = (uint32_t)ticks(q->rate, q->burst);
		mnl_attr_put(h, TCA_TBF_PARMS, sizeof(tbf), &tbf);
		mnl_attr_put_u32(h, TCA_TBF_BURST, q->burst);
		if (q->rate / 8 > UINT32_MAX)
			mnl_attr_put_u64(h, TCA_TBF_RATE64, q->rate / 8);
	}
	mnl_attr_nest_end(h, in);
}

/* Everything goes through one class. */
static int make_class(struct apply *a, uint32_t ifindex, const struct step_queue *q,
		      struct err *err)
{
	uint64_t ceil = q->ceil ? q->ceil : q->rate;
	struct tc_htb_opt o = {.buffer = (uint32_t)ticks(q->rate, q->burst),
			       .cbuffer = (uint32_t)ticks(ceil, q->burst)};
	union request r;
	struct nlmsghdr *h =
		begin(&r, RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL, ifindex, HANDLE, CLASS);
	struct nlattr *in;

	put_rate(&o.rate, q->rate);
	put_rate(&o.ceil, ceil);
	mnl_attr_put_strz(h, TCA_KIND, "htb");
	in = mnl_attr_nest_start(h, TCA_OPTIONS);
	mnl_attr_put(h, TCA_HTB_PARMS, sizeof(o), &o);
	if (q->rate / 8 > UINT32_MAX)
		mnl_attr_put_u64(h, TCA_HTB_RATE64, q->rate / 8);
	if (ceil / 8 > UINT32_MAX)
		mnl_attr_put_u64(h, TCA_HTB_CEIL64, ceil / 8);
	mnl_attr_nest_end(h, in);
	return netlink_talk(a->nl, h, NULL, NULL, err);
}

static int make(struct apply *a, uint32_t ifindex, const struct step_queue *q, struct err *err)
{
	union request r;
	struct nlmsghdr *h =
		begin(&r, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, TC_H_ROOT, HANDLE);
	int rc;

	put_options(h, q);
	rc = netlink_talk(a->nl, h, NULL, NULL, err);
	if (rc == 0 && strcmp(q->kind, "htb") == 0)
		rc = make_class(a, ifindex, q, err);
	return rc;
}

static int unmake(struct apply *a, uint32_t ifindex, struct err *err)
{
	union request r;

	return netlink_talk(a->nl, begin(&r, RTM_DELQDISC, 0, ifindex, TC_H_ROOT, HANDLE), NULL,
			    NULL, err);
}

/* ---- Observing ---- */

struct seen {
	void (*f)(void *ctx, uint32_t ifindex, const struct step_queue *q); /* each of ours */
	void *ctx;
	uint32_t ifindex; /* 0: all */
	bool ours;
	bool theirs; /* one that somebody else put there */
	struct step_queue q;
};

static int take_attr(const struct nlattr *at, void *ctx)
{
	const struct nlattr **to = ctx;

	if (mnl_attr_get_type(at) <= TCA_HTB_MAX)
		to[mnl_attr_get_type(at)] = at;
	return MNL_CB_OK;
}

/* A structure that a kernel may have made longer, or shorter. */
static void get(const struct nlattr *at, void *to, size_t n)
{
	size_t has = at ? mnl_attr_get_payload_len(at) : 0;

	memset(to, 0, n);
	if (at)
		memcpy(to, mnl_attr_get_payload(at), has < n ? has : n);
}

static uint64_t get_rate(uint32_t bytes, const struct nlattr *wide)
{
	return 8 * (wide && mnl_attr_get_payload_len(wide) >= 8 ? mnl_attr_get_u64(wide) : bytes);
}

static void read_options(struct step_queue *q, const struct nlattr *options)
{
	const struct nlattr *in[TCA_HTB_MAX + 1] = {0};
	struct tc_fifo_qopt fifo;
	struct tc_tbf_qopt tbf;
	struct tc_red_qopt red;
	uint32_t p;

	if (strcmp(q->kind, "pfifo") == 0) {
		get(options, &fifo, sizeof(fifo));
		q->limit = fifo.limit;
		return;
	}
	if (options)
		mnl_attr_parse_nested(options, take_attr, in);
	if (strcmp(q->kind, "tbf") == 0) {
		get(in[TCA_TBF_PARMS], &tbf, sizeof(tbf));
		q->limit = tbf.limit;
		q->rate = get_rate(tbf.rate.rate, in[TCA_TBF_RATE64]);
		q->burst = bytes_of(q->rate, tbf.buffer);
	} else if (strcmp(q->kind, "red") == 0) {
		get(in[TCA_RED_PARMS], &red, sizeof(red));
		get(in[TCA_RED_MAX_P], &p, sizeof(p));
		q->limit = red.limit;
		q->min = red.qth_min;
		q->max = red.qth_max;
		q->probability = (uint8_t)(p * 100.0 / UINT32_MAX + 0.5);
		q->average = 1000;
		q->bandwidth = 10000000;
	}
}

static void on_queue(void *ctx, const struct nlmsghdr *h)
{
	const struct tcmsg *t = mnl_nlmsg_get_payload(h);
	const struct nlattr *in[TCA_HTB_MAX + 1] = {0};
	struct seen *s = ctx;
	struct step_queue q = {0};

	if (h->nlmsg_type != RTM_NEWQDISC || t->tcm_parent != TC_H_ROOT ||
	    (s->ifindex && (uint32_t)t->tcm_ifindex != s->ifindex))
		return;
	mnl_attr_parse(h, sizeof(*t), take_attr, in);
	if (t->tcm_handle != HANDLE) {
		/* What the kernel puts there by itself has no handle. */
		s->theirs = s->theirs || t->tcm_handle != 0;
		return;
	}
	if (in[TCA_KIND])
		snprintf(q.kind, sizeof(q.kind), "%s", mnl_attr_get_str(in[TCA_KIND]));
	read_options(&q, in[TCA_OPTIONS]);
	s->ours = true;
	s->q = q;
	if (s->f)
		s->f(s->ctx, (uint32_t)t->tcm_ifindex, &q);
}

static void on_class(void *ctx, const struct nlmsghdr *h)
{
	const struct tcmsg *t = mnl_nlmsg_get_payload(h);
	const struct nlattr *in[TCA_HTB_MAX + 1] = {0};
	const struct nlattr *of[TCA_HTB_MAX + 1] = {0};
	struct seen *s = ctx;
	struct tc_htb_opt o;

	if (h->nlmsg_type != RTM_NEWTCLASS || t->tcm_handle != CLASS)
		return;
	mnl_attr_parse(h, sizeof(*t), take_attr, in);
	if (in[TCA_OPTIONS])
		mnl_attr_parse_nested(in[TCA_OPTIONS], take_attr, of);
	get(of[TCA_HTB_PARMS], &o, sizeof(o));
	s->q.rate = get_rate(o.rate.rate, of[TCA_HTB_RATE64]);
	s->q.ceil = get_rate(o.ceil.rate, of[TCA_HTB_CEIL64]);
	s->q.burst = bytes_of(s->q.rate, o.buffer);
}

static int observe(struct apply *a, uint32_t ifindex, struct seen *s)
{
	union request r;
	int rc;

	*s = (struct seen){.ifindex = ifindex};
	rc = netlink_talk(a->nl, begin(&r, RTM_GETQDISC, NLM_F_DUMP, ifindex, 0, 0), on_queue, s,
			  NULL);
	if (rc == 0 && s->ours && strcmp(s->q.kind, "htb") == 0)
		rc = netlink_talk(a->nl, begin(&r, RTM_GETTCLASS, NLM_F_DUMP, ifindex, 0, 0),
				  on_class, s, NULL);
	return rc;
}

static bool near(uint64_t a, uint64_t b, uint64_t by)
{
	return (a > b ? a - b : b - a) <= by;
}

static bool same(const struct step_queue *is, const struct step_queue *to)
{
	uint64_t unit = to->rate / 8 * 2 * TICK_NS / 1000000000 + 2; /* two ticks, in bytes */

	if (strcmp(is->kind, to->kind) != 0)
		return false;
	if (strcmp(is->kind, "htb") == 0)
		return near(is->rate, to->rate, 7) &&
		       near(is->ceil, to->ceil ? to->ceil : to->rate, 7) &&
		       near(is->burst, to->burst, unit);
	if (is->limit != to->limit)
		return false;
	if (strcmp(is->kind, "tbf") == 0)
		return near(is->rate, to->rate, 7) && near(is->burst, to->burst, unit);
	return strcmp(is->kind, "pfifo") == 0 ||
	       (is->min == to->min && is->max == to->max && is->probability == to->probability);
}

/* ---- The step ---- */

static int back(struct apply *a, const char *link, const struct step_queue *was)
{
	struct step s = {.kind = STEP_QUEUE, .absent = !was};

	if (was)
		s.queue = *was;
	memcpy(s.queue.link, link, IFNAMSIZ);
	return apply_back(a, &s);
}

int apply_queue(struct apply *a, const struct step *s, struct err *err)
{
	const struct step_queue *to = &s->queue;
	struct seen seen = {0};
	uint32_t ifindex;
	int rc = apply_ifindex(a, to->link, &ifindex, err);

	if (rc == -ENODEV && (s->absent || a->dry_run)) {
		if (!s->absent)
			apply_changed(a, a->at);
		*err = (struct err){0};
		return 0;
	}
	if (rc == 0 && (rc = observe(a, ifindex, &seen)))
		err_set(err, rc, "cannot list the queues: %s", strerror(-rc));
	if (rc || (s->absent ? !seen.ours : seen.ours && same(&seen.q, to)))
		return rc;
	if (!s->absent && seen.theirs && !seen.ours)
		return err_set(err, -EEXIST, "%s has a queue of somebody else", to->link);
	apply_changed(a, a->at);
	if (a->dry_run)
		return 0;
	if (seen.ours)
		rc = unmake(a, ifindex, err);
	if (rc == 0 && seen.ours)
		rc = back(a, to->link, &seen.q);
	if (rc || s->absent)
		return rc;
	rc = back(a, to->link, NULL);
	return rc ? rc : make(a, ifindex, to, err);
}

/* ---- For others ---- */

struct each {
	struct apply *a;
	void (*f)(void *ctx, struct step *s);
	void *ctx;
};

static void give(void *ctx, uint32_t ifindex, const struct step_queue *q)
{
	struct each *e = ctx;
	struct step s = {.kind = STEP_QUEUE, .queue = *q};

	snprintf(s.queue.link, IFNAMSIZ, "%s", apply_ifname(e->a, ifindex));
	e->f(e->ctx, &s);
}

int queues_ours(struct apply *a, void (*f)(void *ctx, struct step *s), void *ctx)
{
	struct each e = {a, f, ctx};
	struct seen s = {.f = give, .ctx = &e};
	union request r;

	return netlink_talk(a->nl, begin(&r, RTM_GETQDISC, NLM_F_DUMP, 0, 0, 0), on_queue, &s,
			    NULL);
}

int queue_lost(struct apply *a, uint32_t ifindex, const char *link)
{
	struct seen s;
	int rc = observe(a, ifindex, &s);

	return rc == 0 && s.ours ? back(a, link, &s.q) : rc;
}

int queue_try(struct netlink *nl, uint32_t ifindex, const char *kind, struct err *err)
{
	struct step_queue q = {.limit = 100000,
			       .rate = 1000000,
			       .ceil = 1000000,
			       .burst = 15000,
			       .min = 30000,
			       .max = 90000,
			       .probability = 2,
			       .average = 1000,
			       .bandwidth = 10000000};
	struct apply a = {.nl = nl};
	int rc;

	memccpy(q.kind, kind, 0, sizeof(q.kind) - 1);
	rc = make(&a, ifindex, &q, err);
	if (rc == 0)
		unmake(&a, ifindex, NULL);
	return rc;
}

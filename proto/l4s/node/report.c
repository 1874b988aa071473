/* SPDX-License-Identifier: BSD-2-Clause */
/* Links and controls as they are, in the form of l4s.yang (RFC 7951). */
#include "proto/l4s/node/node.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define US(n) ((n) * 1000ull)
#define MS(n) ((n) * 1000000ull)

const uint64_t report_bound[REPORT_BOUNDS] = {
	US(25),	 US(50),  US(100), US(200),  US(300),  US(400),	 US(500),
	US(600), US(800), MS(1),   US(1200), US(1500), MS(2),	 MS(3),
	MS(5),	 MS(7),	  MS(10),  MS(12),   MS(15),   MS(18),	 MS(20),
	MS(25),	 MS(30),  MS(50),  MS(100),  MS(250),  MS(1000), UINT64_MAX,
};

void report_buckets(const struct hist *h, uint64_t count[REPORT_BOUNDS])
{
	unsigned b = 0;
	uint32_t i;

	memset(count, 0, REPORT_BOUNDS * sizeof(*count));
	for (i = 0; h->n > 0 && i < HIST_BUCKETS; i++) {
		while (hist_floor(i) >= report_bound[b])
			b++;
		count[b] += h->bucket[i];
	}
}

struct walk {
	struct node *n;
	yyjson_mut_doc *doc;
	yyjson_mut_val *list;
};

/* ---- values ---- */

/* v in 1/scale as a decimal64 of `digits` digits. */
static void add_decimal(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, double v,
			int digits)
{
	char text[32];
	size_t n;

	snprintf(text, sizeof(text), "%.*f", digits, v);
	/* Canonical: no zeros at the end but one behind the point. */
	for (n = strlen(text); n > 2 && text[n - 1] == '0' && text[n - 2] != '.'; n--)
		text[n - 1] = '\0';
	yyjson_mut_obj_add_strcpy(doc, obj, key, text);
}

static void add_probability(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, uint32_t p)
{
	add_decimal(doc, obj, key, (double)p / UINT32_MAX, 9);
}

static void add_bool(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, bool v)
{
	yyjson_mut_obj_add_bool(doc, obj, key, v);
}

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *text)
{
	if (text && text[0])
		yyjson_mut_obj_add_strcpy(doc, obj, key, text);
}

/* ---- links ---- */

static void add_delay(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct hist *h)
{
	yyjson_mut_val *d = json_add_obj(doc, obj, "delay");
	uint64_t count[REPORT_BOUNDS];
	yyjson_mut_val *list;
	unsigned i;

	json_add_u64(doc, d, "mean", hist_mean(h));
	json_add_u64(doc, d, "p50", hist_quantile(h, 500000));
	json_add_u64(doc, d, "p99", hist_quantile(h, 990000));
	json_add_u64(doc, d, "p999", hist_quantile(h, 999000));
	json_add_u64(doc, d, "max", h->max);
	json_add_u64(doc, d, "sum", h->sum);
	report_buckets(h, count);
	list = json_add_arr(doc, d, "bucket");
	for (i = 0; i < REPORT_BOUNDS; i++) {
		yyjson_mut_val *b;

		if (count[i] == 0)
			continue;
		b = yyjson_mut_arr_add_obj(doc, list);
		json_add_u64(doc, b, "to", report_bound[i]);
		json_add_u64(doc, b, "count", count[i]);
	}
}

static void add_queue(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key,
		      const struct aqm_queue_stats *q, const uint64_t *delay_now)
{
	yyjson_mut_val *v = json_add_obj(doc, obj, key);
	uint64_t dropped = q->dropped_ect + q->dropped_not_ect;

	yyjson_mut_obj_add_uint(doc, v, "packets", q->packets);
	json_add_u64(doc, v, "bytes", q->bytes);
	yyjson_mut_obj_add_uint(doc, v, "max-packets", q->max_packets);
	json_add_u64(doc, v, "arrived", q->arrived);
	json_add_u64(doc, v, "forwarded", q->forwarded);
	json_add_u64(doc, v, "forwarded-bytes", q->forwarded_bytes);
	json_add_u64(doc, v, "marked", q->marked);
	json_add_u64(doc, v, "marked-native", q->marked_native);
	json_add_u64(doc, v, "dropped", dropped);
	json_add_u64(doc, v, "dropped-aqm",
		     dropped > q->dropped_limit ? dropped - q->dropped_limit : 0);
	json_add_u64(doc, v, "dropped-limit", q->dropped_limit);
	json_add_u64(doc, v, "dropped-ect", q->dropped_ect);
	json_add_u64(doc, v, "dropped-not-ect", q->dropped_not_ect);
	if (delay_now)
		json_add_u64(doc, v, "delay-now", *delay_now);
	else if (q->delay.n > 0)
		add_delay(doc, v, &q->delay);
}

const char *report_link_hint(const struct link_dir_stats *d)
{
	const struct aqm_queue_stats *c = &d->aqm.q[0];
	const struct aqm_queue_stats *l = &d->aqm.q[1];
	uint64_t forwarded = c->forwarded + l->forwarded;

	if (d->aqm.overloaded)
		return "overload: some sender does not answer marks; look for unresponsive traffic "
		       "(UDP)";
	if (forwarded < 1000)
		return NULL;
	if (c->marked + l->marked == 0 && c->dropped_ect + c->dropped_not_ect == 0 &&
	    c->max_packets <= 2 && l->max_packets <= 2)
		return "no mark and never more than 2 packets waiting: the bottleneck is "
		       "elsewhere, or nothing fills this link";
	if (l->forwarded >= 1000 && l->marked == l->forwarded)
		return "every L4S packet is marked: a sender in the L4S queue does not slow down, "
		       "or the rate is too low for the step; set rate-aware";
	return NULL;
}

static void add_lateness(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct hist *h)
{
	yyjson_mut_val *v = h->n ? json_add_obj(doc, obj, "lateness") : NULL;

	if (!v)
		return;
	json_add_u64(doc, v, "p50", hist_quantile(h, 500000));
	json_add_u64(doc, v, "p99", hist_quantile(h, 990000));
	json_add_u64(doc, v, "p999", hist_quantile(h, 999000));
	json_add_u64(doc, v, "max", h->max);
}

static void add_counters(yyjson_mut_doc *doc, yyjson_mut_val *v, const struct link_dir_stats *d)
{
	json_add_u64(doc, v, "received", d->read_packets);
	json_add_u64(doc, v, "received-bytes", d->read_bytes);
	json_add_u64(doc, v, "sent", d->sent_packets);
	json_add_u64(doc, v, "sent-bytes", d->sent_bytes);
	json_add_u64(doc, v, "lost", d->delay_dropped);
	json_add_u64(doc, v, "write-failed", d->write_failed);
	json_add_u64(doc, v, "not-read", d->tun_dropped);
	json_add_u64(doc, v, "no-memory", d->no_memory);
	if (d->rate_ppm)
		json_add_i64(doc, v, "rate-error", (int64_t)d->rate_ppm - 1000000);
}

static void add_direction(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct slot *s,
			  unsigned dir)
{
	const struct link_dir_cfg *cfg = &s->set.cfg.dir[dir];
	const struct link_dir_stats *d = &s->stats.dir[dir];
	const struct aqm_stats *a = &d->aqm;
	yyjson_mut_val *v = yyjson_mut_arr_add_obj(doc, list);
	bool dual = cfg->aqm.kind == AQM_DUALPI2;

	yyjson_mut_obj_add_str(doc, v, "name", dir ? "backward" : "forward");
	json_add_u64(doc, v, "rate", cfg->rate);
	add_counters(doc, v, d);
	add_lateness(doc, v, &d->late);
	if (cfg->rate == 0)
		return;
	yyjson_mut_obj_add_strcpy(doc, v, "aqm", aqm_kind_name(cfg->aqm.kind));
	add_probability(doc, v, "probability", a->prob);
	if (dual || cfg->aqm.kind == AQM_PI2) {
		add_probability(doc, v, "probability-l4s", a->p_cl);
		add_probability(doc, v, "probability-classic", a->p_c);
	}
	if (dual) {
		yyjson_mut_obj_add_int(doc, v, "credit", a->credit);
		add_bool(doc, v, "overloaded", a->overloaded);
		json_add_u64(doc, v, "overloads", a->overloads);
		json_add_u64(doc, v, "overload-time", a->overload_ns);
	}
	add_queue(doc, v, "classic", &a->q[0], s->kernel ? &s->delay_now[0] : NULL);
	if (dual)
		add_queue(doc, v, "l4s", &a->q[1], s->kernel ? &s->delay_now[1] : NULL);
	add_text(doc, v, "hint", report_link_hint(d));
}

static void add_work(yyjson_mut_doc *doc, yyjson_mut_val *v, const struct slot *s)
{
	yyjson_mut_val *list;

	json_add_u64(doc, v, "uptime", (uint64_t)(clock_now() - s->since) / 1000000);
	if (!s->kernel) {
		json_add_u64(doc, v, "processor-time", s->stats.cpu_ns);
		json_add_u64(doc, v, "wakeups", s->stats.wakeups);
		json_add_u64(doc, v, "stalled-time", s->stats.stalled_ns);
		json_add_u64(doc, v, "stalled-max", s->stats.stall_max);
		add_bool(doc, v, "bad", s->stats.bad);
		add_text(doc, v, "bad-reason", s->stats.bad ? s->stats.why_bad : NULL);
	}
	list = json_add_arr(doc, v, "direction");
	add_direction(doc, list, s, 0);
	if (!s->set.cfg.uplink[0])
		add_direction(doc, list, s, 1);
}

void report_link(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct slot *s)
{
	yyjson_mut_val *v = yyjson_mut_arr_add_obj(doc, list);

	yyjson_mut_obj_add_strcpy(doc, v, "name", s->set.name);
	yyjson_mut_obj_add_str(doc, v, "status", s->status == SLOT_UP ? "up" : "failed");
	yyjson_mut_obj_add_str(doc, v, "backend", s->kernel ? "kernel" : "user");
	if (s->why_not_kernel.code)
		add_text(doc, v, "backend-reason", s->why_not_kernel.what);
	if (!s->kernel)
		add_text(doc, v, "interface-a", s->set.cfg.name[0]);
	add_text(doc, v, "interface-b", s->set.cfg.name[1]);
	add_text(doc, v, "uplink", s->set.cfg.uplink);
	if (s->status == SLOT_UP) {
		add_work(doc, v, s);
		return;
	}
	add_text(doc, v, "reason", s->why.what);
	add_text(doc, v, "mend", s->why.mend);
}

static void add_link(void *ctx, const struct slot *s)
{
	struct walk *w = ctx;

	report_link(w->doc, w->list, s);
}

/* ---- controls ---- */

const char *report_control_hint(const struct cc_kernel_stats *s, bool prague, unsigned n_marked)
{
	if (s->no_ecn && s->no_ecn == s->sockets)
		return "no connection has ECN: the other ends do not speak it, or the control was "
		       "chosen after connect() or listen()";
	if (prague && s->classic_ecn && !s->accecn)
		return "the other ends speak only Classic ECN: give their listeners this control, "
		       "too, so that they speak AccECN";
	if (prague && s->accecn && n_marked == 0)
		return "packets leave as ECT(0), which L4S queues take for Classic: name the "
		       "interface in mark-interface";
	if (s->acks > 100000 && s->marks == 0 && s->no_ecn < s->sockets)
		return "no mark was ever seen: no queue on the way marks, and the bottleneck is "
		       "elsewhere";
	return NULL;
}

static void add_reductions(yyjson_mut_doc *doc, yyjson_mut_val *obj,
			   const struct cc_kernel_stats *s)
{
	yyjson_mut_val *r = json_add_obj(doc, obj, "reductions");

	json_add_u64(doc, r, "mark", s->reductions[CC_CAUSE_ECN]);
	json_add_u64(doc, r, "loss", s->reductions[CC_CAUSE_LOSS]);
	json_add_u64(doc, r, "timeout", s->reductions[CC_CAUSE_RTO]);
	json_add_u64(doc, r, "local", s->reductions[CC_CAUSE_LOCAL]);
}

static void add_control(struct walk *w, yyjson_mut_val *list, const struct cc_cfg *cfg,
			const char *name)
{
	struct controls *c = &w->n->controls;
	bool prague = cfg->algo == CC_PRAGUE;
	yyjson_mut_val *v = yyjson_mut_arr_add_obj(w->doc, list);
	struct cc_kernel_stats s;
	unsigned marked = 0;
	char text[256];
	unsigned i;

	yyjson_mut_obj_add_str(w->doc, v, "name", name);
	yyjson_mut_obj_add_str(w->doc, v, "algorithm", prague ? "prague" : "cubic");
	cc_cfg_print(cfg, text, sizeof(text));
	add_text(w->doc, v, "parameters", text);
	if (cc_kernel_stats(c->kernel, name, &s, NULL) != 0)
		return;
	for (i = 0; i < c->n_marks; i++)
		marked += c->mark[i].active;
	json_add_u64(w->doc, v, "sockets", s.sockets);
	json_add_u64(w->doc, v, "open", s.open);
	json_add_u64(w->doc, v, "accecn", s.accecn);
	json_add_u64(w->doc, v, "classic-ecn", s.classic_ecn);
	json_add_u64(w->doc, v, "no-ecn", s.no_ecn);
	json_add_u64(w->doc, v, "acks", s.acks);
	json_add_u64(w->doc, v, "marks", s.marks);
	add_reductions(w->doc, v, &s);
	json_add_u64(w->doc, v, "no-memory", s.no_memory);
	if (prague) {
		json_add_u64(w->doc, v, "rewritten", s.rewritten);
		json_add_u64(w->doc, v, "unmarked", s.unmarked);
	}
	add_text(w->doc, v, "hint", report_control_hint(&s, prague, marked));
}

static void add_controls(struct walk *w, yyjson_mut_val *top)
{
	const struct controls *c = &w->n->controls;
	yyjson_mut_val *v = json_add_obj(w->doc, top, "control-state");
	yyjson_mut_val *list;
	unsigned i;

	add_bool(w->doc, v, "loaded", c->kernel);
	yyjson_mut_obj_add_str(w->doc, v, "by", c->by_action ? "action" : "configuration");
	if (c->why.code) {
		add_text(w->doc, v, "reason", c->why.what);
		add_text(w->doc, v, "mend", c->why.mend);
	}
	if (!c->kernel)
		return;
	list = json_add_arr(w->doc, v, "control");
	add_control(w, list, &c->want.cubic, c->name[0]);
	add_control(w, list, &c->want.prague, c->name[1]);
	list = json_add_arr(w->doc, v, "mark-interface");
	for (i = 0; i < c->n_marks; i++) {
		yyjson_mut_val *m = yyjson_mut_arr_add_obj(w->doc, list);

		yyjson_mut_obj_add_strcpy(w->doc, m, "name", c->mark[i].name);
		add_bool(w->doc, m, "active", c->mark[i].active);
		add_text(w->doc, m, "reason", c->mark[i].active ? NULL : c->mark[i].why.what);
	}
}

/* ---- flows ---- */

/* An IPv4 address that came through an IPv6 socket is shown as what it is. */
static void address(const struct cc_kernel_flow *f, const uint8_t a[16],
		    char text[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (f->family == AF_INET)
		inet_ntop(AF_INET, a, text, INET6_ADDRSTRLEN);
	else if (memcmp(a, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, a + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, a, text, INET6_ADDRSTRLEN);
}

static void add_ends(yyjson_mut_doc *doc, yyjson_mut_val *v, const struct cc_kernel_flow *f)
{
	char local[INET6_ADDRSTRLEN] = "";
	char remote[INET6_ADDRSTRLEN] = "";

	address(f, f->local, local);
	address(f, f->remote, remote);
	json_add_text(doc, v, "id", "%s.%u-%s.%u", local, f->local_port, remote, f->remote_port);
	yyjson_mut_obj_add_str(doc, v, "control", f->algo == CC_PRAGUE ? "prague" : "cubic");
	add_text(doc, v, "local-address", local);
	yyjson_mut_obj_add_uint(doc, v, "local-port", f->local_port);
	add_text(doc, v, "remote-address", remote);
	yyjson_mut_obj_add_uint(doc, v, "remote-port", f->remote_port);
}

#define NO_THRESHOLD 0x7fffffffu /* TCP_INFINITE_SSTHRESH */

void report_flow(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct flow *flow)
{
	yyjson_mut_val *v = yyjson_mut_arr_add_obj(doc, list);
	const struct cc_kernel_flow *f = &flow->f;

	add_ends(doc, v, f);
	if (flow->measured)
		json_add_u64(doc, v, "rate", flow->rate);
	/* The kernel says ~0 for "not paced". */
	if (f->pacing_rate && f->pacing_rate < UINT32_MAX * 1000ull)
		json_add_u64(doc, v, "pacing-rate", f->pacing_rate * 8);
	json_add_u64(doc, v, "acked", f->bytes_acked);
	yyjson_mut_obj_add_uint(doc, v, "window", f->cwnd);
	if (f->ssthresh < NO_THRESHOLD)
		yyjson_mut_obj_add_uint(doc, v, "threshold", f->ssthresh);
	yyjson_mut_obj_add_uint(doc, v, "round-trip", f->srtt_us);
	yyjson_mut_obj_add_uint(doc, v, "round-trip-min", f->min_rtt_us);
	yyjson_mut_obj_add_uint(doc, v, "delivered", f->delivered);
	yyjson_mut_obj_add_uint(doc, v, "marks", f->delivered_ce);
	if (flow->measured)
		add_decimal(doc, v, "mark-rate", flow->mark_rate / 1000.0, 3);
	if (f->algo == CC_PRAGUE) {
		add_decimal(doc, v, "alpha",
			    f->view.alpha >= 1u << 24 ? 1 : f->view.alpha / 16777216.0, 9);
		add_decimal(doc, v, "classic-score", f->view.classic / 1024.0, 3);
	} else if (f->view.beta) {
		add_decimal(doc, v, "beta", f->view.beta / 1024.0, 3);
	}
}

/* ---- all ---- */

int report_state(struct node *n, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	yyjson_mut_val *top = json_add_obj(doc, root, "l4s:l4s");
	struct walk w = {.n = n, .doc = doc};
	uint32_t i;

	if (counter_wants(path, "/l4s:l4s/link-state")) {
		w.list = json_add_arr(doc, json_add_obj(doc, top, "link-state"), "link");
		if (n->links)
			links_each(n->links, add_link, &w);
	}
	if (counter_wants(path, "/l4s:l4s/control-state"))
		add_controls(&w, top);
	if (counter_wants(path, "/l4s:l4s/flows")) {
		w.list = json_add_arr(doc, json_add_obj(doc, top, "flows"), "flow");
		for (i = 0; i < n->flows.n; i++)
			report_flow(doc, w.list, &n->flows.flow[i]);
	}
	return top ? 0 : -ENOMEM;
}

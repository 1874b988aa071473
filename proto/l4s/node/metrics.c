/* SPDX-License-Identifier: BSD-2-Clause */
/* The room's numbers for Prometheus. A family's samples must follow each other, so that all links
 * are gone through for each. */
#include "base/metrics.h"

#include "proto/l4s/node/node.h"

#define PREFIX "dep_l4s_"
#define SLOTS SETTINGS_LINKS

struct slots {
	const struct slot *s[SLOTS];
	unsigned n;
};

static void gather(void *ctx, const struct slot *s)
{
	struct slots *all = ctx;

	if (s->status == SLOT_UP && all->n < SLOTS)
		all->s[all->n++] = s;
}

/* One direction with a queue manager. */
struct place {
	const struct slot *s;
	const struct link_dir_stats *d;
	const struct aqm_stats *a;
	const char *link;
	const char *direction;
	bool dual;
};

static void each_place(const struct slots *all, struct buf *b,
		       void (*f)(struct buf *b, const struct place *p))
{
	unsigned i;
	unsigned dir;

	for (i = 0; i < all->n; i++) {
		const struct slot *s = all->s[i];

		for (dir = 0; dir < 2; dir++) {
			struct place p = {.s = s,
					  .d = &s->stats.dir[dir],
					  .a = &s->stats.dir[dir].aqm,
					  .link = s->set.name,
					  .direction = dir ? "backward" : "forward",
					  .dual = s->set.cfg.dir[dir].aqm.kind == AQM_DUALPI2};

			if (s->set.cfg.dir[dir].rate)
				f(b, &p);
		}
	}
}

#define LABELS                                                                                     \
	{"link", p->link},                                                                         \
	{                                                                                          \
		"direction", p->direction                                                          \
	}
#define QUEUE(i) LABELS, {"queue", (i) ? "l4s" : "classic"}
#define EACH_QUEUE(i) for (unsigned i = 0; i < 1u + p->dual; i++)

static void probability(struct buf *b, const struct place *p)
{
	const double one = UINT32_MAX;

	metrics_f64(b, PREFIX "probability", p->a->prob / one, LABELS, {"of", "base"});
	if (!p->dual)
		return;
	metrics_f64(b, PREFIX "probability", p->a->p_cl / one, LABELS, {"of", "l4s"});
	metrics_f64(b, PREFIX "probability", p->a->p_c / one, LABELS, {"of", "classic"});
}

static void waiting(struct buf *b, const struct place *p)
{
	EACH_QUEUE(i)
	metrics_u64(b, PREFIX "queue_packets", p->a->q[i].packets, QUEUE(i));
}

static void forwarded(struct buf *b, const struct place *p)
{
	EACH_QUEUE(i)
	metrics_u64(b, PREFIX "forwarded_packets_total", p->a->q[i].forwarded, QUEUE(i));
}

static void forwarded_bytes(struct buf *b, const struct place *p)
{
	EACH_QUEUE(i)
	metrics_u64(b, PREFIX "forwarded_bytes_total", p->a->q[i].forwarded_bytes, QUEUE(i));
}

static void marked(struct buf *b, const struct place *p)
{
	EACH_QUEUE(i)
	{
		const struct aqm_queue_stats *q = &p->a->q[i];

		metrics_u64(b, PREFIX "marked_packets_total", q->marked_native, QUEUE(i),
			    {"by", "native"});
		metrics_u64(b, PREFIX "marked_packets_total",
			    q->marked > q->marked_native ? q->marked - q->marked_native : 0,
			    QUEUE(i), {"by", "controller"});
	}
}

static void dropped(struct buf *b, const struct place *p)
{
	EACH_QUEUE(i)
	{
		const struct aqm_queue_stats *q = &p->a->q[i];
		uint64_t all = q->dropped_ect + q->dropped_not_ect;

		metrics_u64(b, PREFIX "dropped_packets_total", q->dropped_limit, QUEUE(i),
			    {"cause", "limit"});
		metrics_u64(b, PREFIX "dropped_packets_total",
			    all > q->dropped_limit ? all - q->dropped_limit : 0, QUEUE(i),
			    {"cause", "aqm"});
	}
}

static void overload(struct buf *b, const struct place *p)
{
	if (p->dual)
		metrics_f64(b, PREFIX "overload_seconds_total", (double)p->a->overload_ns / 1e9,
			    LABELS);
}

static void put_histogram(struct buf *b, const char *name, const struct hist *h,
			  const struct metrics_label *labels)
{
	double bound[REPORT_BOUNDS - 1];
	uint64_t count[REPORT_BOUNDS];
	struct metrics_histogram m = {.bound = bound,
				      .n_bounds = REPORT_BOUNDS - 1,
				      .count = count,
				      .sum = (double)h->sum / 1e9};
	unsigned i;

	for (i = 0; i < REPORT_BOUNDS - 1; i++)
		bound[i] = (double)report_bound[i] / 1e9;
	report_buckets(h, count);
	metrics_put_histogram(b, name, &m, labels);
}

static void delay(struct buf *b, const struct place *p)
{
	if (p->s->kernel)
		return;
	EACH_QUEUE(i)
	put_histogram(b, PREFIX "queue_delay_seconds", &p->a->q[i].delay, METRICS_LABELS(QUEUE(i)));
}

static void lateness(struct buf *b, const struct place *p)
{
	if (!p->s->kernel)
		put_histogram(b, PREFIX "lateness_seconds", &p->d->late, METRICS_LABELS(LABELS));
}

static void rate(struct buf *b, const struct place *p)
{
	if (p->d->rate_ppm)
		metrics_f64(b, PREFIX "rate_error_ratio", (double)p->d->rate_ppm / 1e6 - 1, LABELS);
}

static void add_links(struct buf *b, struct node *n)
{
	static const struct {
		const char *name, *type, *help;
		void (*f)(struct buf *b, const struct place *p);
	} families[] = {
		{"probability", "gauge", "Probabilities of the queue manager.", probability},
		{"queue_packets", "gauge", "Packets waiting.", waiting},
		{"forwarded_packets_total", "counter", "Packets sent on.", forwarded},
		{"forwarded_bytes_total", "counter", "Bytes sent on.", forwarded_bytes},
		{"marked_packets_total", "counter",
		 "Packets marked here, by the L queue's own threshold or the controller.", marked},
		{"dropped_packets_total", "counter", "Packets dropped, by cause.", dropped},
		{"overload_seconds_total", "counter", "Time in overload.", overload},
		{"queue_delay_seconds", "histogram", "Time that packets waited.", delay},
		{"lateness_seconds", "histogram", "How late packets were sent.", lateness},
		{"rate_error_ratio", "gauge", "Measured rate over that asked for, less 1.", rate},
	};
	struct slots all = {.n = 0};
	char name[64];
	size_t i;

	links_each(n->links, gather, &all);
	metrics_family(b, PREFIX "link_bad", "gauge",
		       "1: figures of the link are not to be trusted.");
	for (i = 0; i < all.n; i++)
		metrics_u64(b, PREFIX "link_bad", all.s[i]->stats.bad,
			    {"link", all.s[i]->set.name});
	metrics_family(b, PREFIX "link_processor_seconds_total", "counter",
		       "Time that the link's thread used.");
	for (i = 0; i < all.n; i++)
		metrics_f64(b, PREFIX "link_processor_seconds_total",
			    (double)all.s[i]->stats.cpu_ns / 1e9, {"link", all.s[i]->set.name});
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		snprintf(name, sizeof(name), PREFIX "%s", families[i].name);
		metrics_family(b, name, families[i].type, families[i].help);
		each_place(&all, b, families[i].f);
	}
}

static const char *const control_name[] = {"cubic", "prague"};

static void add_sockets(struct buf *b, const struct cc_kernel_stats s[2])
{
	unsigned i;

	metrics_family(b, PREFIX "connections", "gauge", "Connections of a control.");
	for (i = 0; i < 2; i++)
		metrics_u64(b, PREFIX "connections", s[i].open, {"control", control_name[i]});
	metrics_family(b, PREFIX "connections_total", "counter",
		       "Connections ever opened, by what of ECN was negotiated.");
	for (i = 0; i < 2; i++) {
		metrics_u64(b, PREFIX "connections_total", s[i].accecn,
			    {"control", control_name[i]}, {"ecn", "accurate"});
		metrics_u64(b, PREFIX "connections_total", s[i].classic_ecn,
			    {"control", control_name[i]}, {"ecn", "classic"});
		metrics_u64(b, PREFIX "connections_total", s[i].no_ecn,
			    {"control", control_name[i]}, {"ecn", "none"});
	}
}

static void add_events(struct buf *b, const struct cc_kernel_stats s[2])
{
	static const char *const cause[] = {"mark", "loss", "timeout", "local"};
	unsigned i;
	unsigned k;

	metrics_family(b, PREFIX "marks_total", "counter", "Packets that arrived with a mark.");
	for (i = 0; i < 2; i++)
		metrics_u64(b, PREFIX "marks_total", s[i].marks, {"control", control_name[i]});
	metrics_family(b, PREFIX "reductions_total", "counter", "Windows reduced, by cause.");
	for (i = 0; i < 2; i++)
		for (k = 0; k < 4; k++)
			metrics_u64(b, PREFIX "reductions_total", s[i].reductions[k],
				    {"control", control_name[i]}, {"cause", cause[k]});
	metrics_family(b, PREFIX "rewritten_packets_total", "counter", "Packets made ECT(1).");
	metrics_u64(b, PREFIX "rewritten_packets_total", s[1].rewritten);
}

void report_metrics(struct node *n, struct buf *b)
{
	struct cc_kernel_stats s[2] = {0};
	struct cc_kernel *k = n->controls.kernel;

	add_links(b, n);
	metrics_family(b, PREFIX "controls_loaded", "gauge",
		       "1: the congestion controls are loaded.");
	metrics_u64(b, PREFIX "controls_loaded", k != NULL);
	if (k && cc_kernel_stats(k, n->controls.name[0], &s[0], NULL) == 0 &&
	    cc_kernel_stats(k, n->controls.name[1], &s[1], NULL) == 0) {
		add_sockets(b, s);
		add_events(b, s);
	}
	metrics_family(b, PREFIX "uptime_seconds", "gauge", "Time since the room started.");
	metrics_u64(b, PREFIX "uptime_seconds", (uint64_t)(clock_now() - n->started) / 1000000);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/link/report.h"

#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static double prob(uint32_t p)
{
	return (double)p / 4294967296.0;
}

static double mbits(uint64_t bytes, uint64_t ns)
{
	return ns ? (double)bytes * 8e3 / (double)ns : 0;
}

static bool shaped(const struct link_cfg *cfg, unsigned i)
{
	return cfg->dir[i].rate != 0;
}

static unsigned dirs(const struct link_cfg *cfg)
{
	return cfg->uplink[0] ? 1 : 2;
}

static uint64_t dropped(const struct aqm_queue_stats *q)
{
	return q->dropped_ect + q->dropped_not_ect;
}

/* The L queue is there where something was, or could be, in it. */
static unsigned queues(const struct link_cfg *cfg, unsigned i)
{
	return cfg->dir[i].aqm.kind == AQM_DUALPI2 ? 2 : 1;
}

static const char *queue_name(const struct link_cfg *cfg, unsigned i, unsigned k)
{
	if (queues(cfg, i) == 1)
		return "queue";
	return k ? "L" : "C";
}

/* ---- for a person ---- */

static void print_queue(const char *name, const struct aqm_queue_stats *q, FILE *to)
{
	fprintf(to,
		"    %-5s  %lu packets, delay mean %.3f p50 %.3f p99 %.3f max %.3f ms, "
		"%lu marked (%lu native), %lu dropped\n",
		name, q->forwarded, ms(hist_mean(&q->delay)), ms(hist_quantile(&q->delay, 500000)),
		ms(hist_quantile(&q->delay, 990000)), ms(q->delay.n ? q->delay.max : 0), q->marked,
		q->marked_native, dropped(q));
}

static void print_dir(const struct link_cfg *cfg, const struct link_stats *s, unsigned i,
		      uint64_t took, FILE *to)
{
	const struct link_dir_stats *d = &s->dir[i];
	unsigned k;

	fprintf(to, "  %s: %lu packets in, %lu out, %.3f Mb/s", i ? "back " : "there",
		d->read_packets, d->sent_packets, mbits(d->sent_bytes, took));
	if (shaped(cfg, i) && d->rate_ppm)
		fprintf(to, ", rate while busy %+.3f %%", ((double)d->rate_ppm - 1e6) / 1e4);
	if (d->delay_dropped)
		fprintf(to, ", %lu lost at random", d->delay_dropped);
	fputc('\n', to);
	if (shaped(cfg, i)) {
		for (k = 0; k < queues(cfg, i); k++)
			print_queue(queue_name(cfg, i, k), &d->aqm.q[k], to);
		fprintf(to, "    p' %.5f  p_CL %.5f  p_C %.5f  overload %.3f s\n",
			prob(d->aqm.prob), prob(d->aqm.p_cl), prob(d->aqm.p_c),
			(double)d->aqm.overload_ns / 1e9);
	}
	if (d->late.n)
		fprintf(to, "    late   p50 %.1f p99 %.1f p99.9 %.1f max %.1f us\n",
			(double)hist_quantile(&d->late, 500000) / 1e3,
			(double)hist_quantile(&d->late, 990000) / 1e3,
			(double)hist_quantile(&d->late, 999000) / 1e3, (double)d->late.max / 1e3);
}

void report_print(const struct link_cfg *cfg, const struct link_stats *s, uint64_t took, FILE *to)
{
	uint64_t packets = s->dir[0].sent_packets + s->dir[1].sent_packets;
	unsigned i;

	fprintf(to, "%.3f s, queue manager %s\n", (double)took / 1e9,
		aqm_kind_name(cfg->dir[0].aqm.kind));
	for (i = 0; i < dirs(cfg); i++)
		print_dir(cfg, s, i, took, to);
	fprintf(to, "  processor %.1f %%", took ? 100.0 * (double)s->cpu_ns / (double)took : 0);
	if (packets)
		fprintf(to, ", %.2f us a packet", (double)s->cpu_ns / 1e3 / (double)packets);
	fprintf(to, ", %lu wake-ups, stood still for %.1f ms\n", s->wakeups, ms(s->stalled_ns));
	fprintf(to, "  run: %s%s\n", s->bad ? "BAD: " : "good", s->bad ? s->why_bad : "");
}

/* ---- for a program ---- */

static void json_hist(yyjson_mut_doc *doc, yyjson_mut_val *to, const char *key,
		      const struct hist *h)
{
	yyjson_mut_val *o = json_add_obj(doc, to, key);

	yyjson_mut_obj_add_uint(doc, o, "n", h->n);
	yyjson_mut_obj_add_uint(doc, o, "mean", hist_mean(h));
	yyjson_mut_obj_add_uint(doc, o, "p50", hist_quantile(h, 500000));
	yyjson_mut_obj_add_uint(doc, o, "p90", hist_quantile(h, 900000));
	yyjson_mut_obj_add_uint(doc, o, "p99", hist_quantile(h, 990000));
	yyjson_mut_obj_add_uint(doc, o, "p999", hist_quantile(h, 999000));
	yyjson_mut_obj_add_uint(doc, o, "max", h->n ? h->max : 0);
}

static void json_queue(yyjson_mut_doc *doc, yyjson_mut_val *to, const char *key,
		       const struct aqm_queue_stats *q)
{
	yyjson_mut_val *o = json_add_obj(doc, to, key);

	yyjson_mut_obj_add_uint(doc, o, "arrived", q->arrived);
	yyjson_mut_obj_add_uint(doc, o, "forwarded", q->forwarded);
	yyjson_mut_obj_add_uint(doc, o, "forwarded-bytes", q->forwarded_bytes);
	yyjson_mut_obj_add_uint(doc, o, "marked", q->marked);
	yyjson_mut_obj_add_uint(doc, o, "marked-native", q->marked_native);
	yyjson_mut_obj_add_uint(doc, o, "dropped-ect", q->dropped_ect);
	yyjson_mut_obj_add_uint(doc, o, "dropped-not-ect", q->dropped_not_ect);
	yyjson_mut_obj_add_uint(doc, o, "dropped-limit", q->dropped_limit);
	yyjson_mut_obj_add_uint(doc, o, "max-packets", q->max_packets);
	json_hist(doc, o, "delay-ns", &q->delay);
}

static void json_aqm(const struct link_cfg *cfg, unsigned i, yyjson_mut_doc *doc,
		     yyjson_mut_val *to, const struct aqm_stats *a)
{
	if (queues(cfg, i) == 2) {
		json_queue(doc, to, "c", &a->q[0]);
		json_queue(doc, to, "l", &a->q[1]);
	} else {
		json_queue(doc, to, "queue", &a->q[0]);
	}
	yyjson_mut_obj_add_real(doc, to, "p", prob(a->prob));
	yyjson_mut_obj_add_real(doc, to, "p-cl", prob(a->p_cl));
	yyjson_mut_obj_add_real(doc, to, "p-c", prob(a->p_c));
	yyjson_mut_obj_add_uint(doc, to, "overload-ns", a->overload_ns);
}

static void json_dir(const struct link_cfg *cfg, unsigned i, yyjson_mut_doc *doc,
		     yyjson_mut_val *to, const struct link_dir_stats *d, uint64_t took)
{
	yyjson_mut_val *o = json_add_obj(doc, to, i ? "back" : "there");

	yyjson_mut_obj_add_uint(doc, o, "rate", cfg->dir[i].rate);
	yyjson_mut_obj_add_uint(doc, o, "read-packets", d->read_packets);
	yyjson_mut_obj_add_uint(doc, o, "read-bytes", d->read_bytes);
	yyjson_mut_obj_add_uint(doc, o, "sent-packets", d->sent_packets);
	yyjson_mut_obj_add_uint(doc, o, "sent-bytes", d->sent_bytes);
	yyjson_mut_obj_add_uint(doc, o, "writes", d->writes);
	yyjson_mut_obj_add_real(doc, o, "sent-mbit-s", mbits(d->sent_bytes, took));
	yyjson_mut_obj_add_uint(doc, o, "random-loss", d->delay_dropped);
	yyjson_mut_obj_add_uint(doc, o, "tun-dropped", d->tun_dropped);
	yyjson_mut_obj_add_uint(doc, o, "write-failed", d->write_failed);
	yyjson_mut_obj_add_uint(doc, o, "no-memory", d->no_memory);
	json_hist(doc, o, "late-ns", &d->late);
	if (!shaped(cfg, i))
		return;
	if (d->rate_ppm)
		yyjson_mut_obj_add_uint(doc, o, "rate-ppm", d->rate_ppm);
	yyjson_mut_obj_add_str(doc, o, "aqm", aqm_kind_name(cfg->dir[i].aqm.kind));
	json_aqm(cfg, i, doc, o, &d->aqm);
}

int report_json(const struct link_cfg *cfg, const struct link_stats *s, uint64_t took, FILE *to)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *o = yyjson_mut_obj(doc);
	char *text;
	unsigned i;

	yyjson_mut_doc_set_root(doc, o);
	yyjson_mut_obj_add_uint(doc, o, "duration-ns", took);
	for (i = 0; i < dirs(cfg); i++)
		json_dir(cfg, i, doc, o, &s->dir[i], took);
	yyjson_mut_obj_add_uint(doc, o, "cpu-ns", s->cpu_ns);
	yyjson_mut_obj_add_uint(doc, o, "wakeups", s->wakeups);
	yyjson_mut_obj_add_uint(doc, o, "stalled-ns", s->stalled_ns);
	yyjson_mut_obj_add_uint(doc, o, "stall-max-ns", s->stall_max);
	yyjson_mut_obj_add_str(doc, o, "verdict", s->bad ? "bad" : "good");
	if (s->bad)
		yyjson_mut_obj_add_str(doc, o, "reason", s->why_bad);
	text = yyjson_mut_write(doc, 0, NULL);
	if (text) {
		fputs(text, to);
		fputc('\n', to);
	}
	free(text);
	yyjson_mut_doc_free(doc);
	return text ? 0 : -ENOMEM;
}

/* ---- live ---- */

/* What was added to a histogram since `was`. */
static void since(const struct hist *was, const struct hist *now, struct hist *out)
{
	unsigned i;

	*out = *now;
	out->n -= was->n;
	out->sum -= was->sum;
	for (i = 0; i < HIST_BUCKETS; i++)
		out->bucket[i] -= was->bucket[i];
}

static void live_queue(const char *name, const struct aqm_queue_stats *was,
		       const struct aqm_queue_stats *now, FILE *to)
{
	struct hist h;

	since(&was->delay, &now->delay, &h);
	fprintf(to, "  %s %6.2f/%6.2f ms %4u pk %5lu ce %4lu drop", name,
		ms(hist_quantile(&h, 500000)), ms(hist_quantile(&h, 990000)), now->packets,
		now->marked - was->marked, dropped(now) - dropped(was));
}

void report_live(const struct link_cfg *cfg, const struct link_stats *was,
		 const struct link_stats *now, uint64_t took, FILE *to)
{
	const struct link_dir_stats *a = &was->dir[0];
	const struct link_dir_stats *b = &now->dir[0];
	struct hist late;
	unsigned k;

	since(&a->late, &b->late, &late);
	fprintf(to, "%8.2f Mb/s", mbits(b->sent_bytes - a->sent_bytes, took));
	for (k = queues(cfg, 0); k-- > 0;)
		live_queue(queue_name(cfg, 0, k), &a->aqm.q[k], &b->aqm.q[k], to);
	fprintf(to, "  p' %.4f  late %5.1f us%s\n", prob(b->aqm.prob),
		(double)hist_quantile(&late, 990000) / 1e3, now->bad ? "  BAD" : "");
	fflush(to);
}

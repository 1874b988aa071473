/* SPDX-License-Identifier: BSD-2-Clause */
/* ABE in whole runs: what a lone flow gains (spec §7.8), and that nothing changes where nothing may
 * (§8). */
#include "proto/l4s/accept/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* With fast convergence off, as RFC 9438 has it for a flow that is alone. */
static void lone_flow_over_a_long_path_gains(void **state)
{
	double use[2];
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct run run = run_json(
			"{'time':'140s','warmup':'40s','links':[{'rate':'100M','aqm':'dualpi2'}],"
			"'flows':[{'cc':'cubic%s no-fast-convergence','rtt':'200ms'}]}",
			i ? " abe 0.85" : "");

		use[i] = run_utilisation(&run);
		within(run_delay(&run, QUEUE_C, 990000), 0, 22, "C queue p99");
		run_free(&run);
	}
	within(use[0], 0.8, 0.935, "100 Mb/s, 200 ms, without ABE: utilisation");
	within(use[1], 0.965, 1, "with ABE 0.85");
}

/* Every counter, every sum, every bucket: the bytes of the results are the same. */
static void same(const struct run *a, const struct run *b, const char *what)
{
	uint32_t i;

	say("%s: %llu packets", what, (unsigned long long)a->r->packets);
	assert_int_equal(a->r->events, b->r->events);
	assert_int_equal(a->r->packets, b->r->packets);
	assert_memory_equal(&a->r->link[0], &b->r->link[0], sizeof(a->r->link[0]));
	for (i = 0; i < a->r->n_flows; i++) {
		struct sim_flow_result x = a->r->flow[i];
		struct sim_flow_result y = b->r->flow[i];

		memset(&x.view, 0, sizeof(x.view)); /* beta of the last answer */
		memset(&y.view, 0, sizeof(y.view));
		assert_memory_equal(&x, &y, sizeof(x));
	}
}

/* On a path that drops, and without ECN on one that would mark. */
static void without_marks_abe_is_not_there(void **state)
{
	static const char *const form[] = {"cubic", "cubic form rfc", "reno"};
	static const struct {
		const char *aqm;
		const char *ecn;
	} path[] = {
		{"fifo limit 20ms", ""},
		{"dualpi2 linux", " no-ecn"},
		{"pie ecn", " no-ecn"},
		{"codel ecn", " no-ecn"},
	};
	static const char *const abe[] = {"", " abe 0.85", " abe 0.85 frlossreduce",
					  " abe adaptive"};
	unsigned f;
	unsigned p;
	unsigned k;

	(void)state;
	for (f = 0; f < COUNT(form); f++) {
		for (p = 0; p < COUNT(path); p++) {
			struct run base;

			for (k = 0; k < COUNT(abe); k++) {
				struct run run = run_json(
					"{'time':'20s','warmup':'0s','links':[{'rate':'20M','aqm':"
					"'%s'}],'flows':[{'cc':'%s%s%s','count':2,'name':'x'}]}",
					path[p].aqm, form[f], abe[k], path[p].ecn);

				if (!k) {
					base = run;
					assert_true(run.r->flow[0].reductions[CC_CAUSE_LOSS] > 0);
					continue;
				}
				same(&base, &run, abe[k]);
				run_free(&run);
			}
			run_free(&base);
		}
	}
}

/* With marks it is: else the test above would hold for nothing. */
static void with_marks_abe_is_there(void **state)
{
	struct run run[2];
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++)
		run[i] = run_json("{'time':'20s','warmup':'0s','links':[{'rate':'20M','aqm':"
				  "'dualpi2'}],'flows':[{'cc':'cubic%s','count':2,'name':'x'}]}",
				  i ? " abe 0.85" : "");
	assert_true(run[0].r->flow[0].reductions[CC_CAUSE_ECN] > 0);
	assert_int_not_equal(run[0].r->events, run[1].r->events);
	run_free(&run[0]);
	run_free(&run[1]);
}

/* ---- each answer of a run with marks and losses */

#define BETA_LOSS 717 /* of 1024, as Linux counts */
#define BETA_ECN 870

struct flow_seen {
	uint32_t state; /* after the last ACK */
	uint32_t ssthresh;
	uint32_t loss_ssthresh; /* what a loss would have made of the window that was marked */
	uint64_t marked_at;
};

struct seen {
	struct flow_seen flow[4];
	bool frlossreduce;
	unsigned marks;
	unsigned slow_start; /* of these */
	unsigned losses;
	unsigned both; /* a loss while a mark is answered */
};

/* before: the window as it was when a state began, and the threshold that it set. */
static void on_mark(struct seen *s, struct flow_seen *f, const struct cc_ack *a,
		    const struct cc_win *before)
{
	uint32_t beta = before->cwnd < f->ssthresh ? BETA_LOSS : BETA_ECN;

	assert_int_equal(before->ssthresh, before->cwnd * beta / 1024);
	assert_true(!f->marked_at || a->now_ns - f->marked_at >= a->min_rtt_us * 1000ull);
	f->loss_ssthresh = before->cwnd * BETA_LOSS / 1024;
	f->marked_at = a->now_ns;
	s->marks++;
	s->slow_start += beta == BETA_LOSS;
}

static void on_loss(struct seen *s, struct flow_seen *f, const struct cc_win *before)
{
	if (f->state == CC_OPEN) {
		assert_int_equal(before->ssthresh, before->cwnd * BETA_LOSS / 1024);
		s->losses++;
		return;
	}
	/* RFC 8511 §4.2: no second answer; frlossreduce: what the loss alone would have made of it
	 */
	assert_int_equal(before->ssthresh, s->frlossreduce ? f->loss_ssthresh : f->ssthresh);
	s->both++;
}

static void on_ack(void *ctx, uint32_t flow, const struct cc_ack *a, const struct cc_win *before,
		   const struct cc_win *after)
{
	struct seen *s = ctx;
	struct flow_seen *f = &s->flow[flow];

	if (a->state == CC_CWR && f->state != CC_CWR)
		on_mark(s, f, a, before);
	if (a->state == CC_RECOVERY && f->state < CC_RECOVERY)
		on_loss(s, f, before);
	f->state = a->state;
	f->ssthresh = after->ssthresh;
}

/* Spec §7.9: a mark takes 0.15 once a round, a loss 0.3, a loss after a mark what the option says;
 * in slow start a mark takes what a loss takes. */
static void marks_and_losses_are_told_apart(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct seen seen = {.frlossreduce = i};
		struct sim_watch watch = {.ack = on_ack, .ctx = &seen};
		struct run run = run_watched(
			&watch,
			"{'time':'%us','links':[{'rate':'20M','aqm':'dualpi2','loss':0.0005}],'"
			"flows':["
			"{'cc':'cubic abe 0.85 start plain%s','count':4,'rtt':'30ms'}]}",
			SANITIZED ? 60 : 240, i ? " frlossreduce" : "");

		say("%u marks (%u in slow start), %u losses, %u losses after a mark", seen.marks,
		    seen.slow_start, seen.losses, seen.both);
		assert_true(seen.marks > 200 && seen.slow_start && seen.losses > 20 &&
			    seen.both >= 3);
		run_free(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lone_flow_over_a_long_path_gains),
		cmocka_unit_test(without_marks_abe_is_not_there),
		cmocka_unit_test(with_marks_abe_is_there),
		cmocka_unit_test(marks_and_losses_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

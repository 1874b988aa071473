/* SPDX-License-Identifier: BSD-2-Clause */
/* The comparison itself: it must see one changed bit, a missing call, and damage. */
#include "proto/l4s/bpf/replay.h"

#include "proto/l4s/bpf/core.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define CALLS 400

/* A connection: ACKs with some marks and losses. */
static void make(struct cc_bpf_event *e, uint8_t control)
{
	struct cc_win w = {.cwnd = 10, .ssthresh = CC_SSTHRESH_NONE};
	struct cc_ack a = {.now_ns = 5000000000, .cwnd_limited = true};
	struct cc cc = {0};
	uint32_t i;

	cc_cfg_defaults(&cc.cfg, control == CC_BPF_PRAGUE ? CC_PRAGUE : CC_CUBIC);
	cc.cfg.small_packets = false;
	for (i = 0; i < CALLS; i++, e++) {
		*e = (struct cc_bpf_event){.id = 7, .seq = i, .control = control};
		e->op = i == 0 ? CC_BPF_INIT : i % 50 == 49 ? CC_BPF_SSTHRESH : CC_BPF_ACK;
		if (e->op == CC_BPF_SSTHRESH)
			e->arg = i % 100 == 99 ? CC_CAUSE_LOSS : CC_CAUSE_ECN;
		a.now_ns += 300000 + i * 1000;
		a.acked = e->op == CC_BPF_ACK ? 1 + i % 3 : 0;
		a.delivered += a.acked;
		a.delivered_ce += i % 25 == 0;
		a.snd_una += a.acked;
		a.snd_nxt = a.snd_una + w.cwnd;
		a.rtt_us = 9000 + i % 7 * 900;
		a.srtt_us = 10000;
		a.min_rtt_us = 9000;
		a.inflight = w.cwnd;
		e->ack = a;
		e->in = w;
		if (control == CC_BPF_PRAGUE)
			e->ret = core_prague(&cc, e->op, e->arg, &a, &w);
		else
			e->ret = core_cubic(&cc, e->op, e->arg, &a, &w);
		e->out = w;
		e->cc = cc;
		if (e->op == CC_BPF_SSTHRESH)
			w.ssthresh = e->ret;
	}
}

struct fixture {
	struct replay *r;
	struct cc_bpf_event e[CALLS];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (!f)
		return -1;
	f->r = replay_new();
	make(f->e, CC_BPF_CUBIC);
	return f->r ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	replay_free(f->r);
	free(f);
	return 0;
}

static const struct replay_result *play(struct fixture *f)
{
	unsigned i;

	for (i = 0; i < CALLS; i++)
		assert_int_equal(replay_event(f->r, &f->e[i], NULL), 0);
	return replay_result(f->r);
}

static void test_same(void **state)
{
	struct fixture *f = *state;
	const struct replay_result *r = play(f);

	assert_int_equal(r->events, CALLS);
	assert_int_equal(r->different, 0);
	assert_int_equal(r->skipped, 0);
	assert_int_equal(r->sockets, 1);
	replay_free(f->r);
	f->r = replay_new();
	make(f->e, CC_BPF_PRAGUE);
	r = play(f);
	assert_int_equal(r->events, CALLS);
	assert_int_equal(r->different, 0);
}

static void test_one_bit(void **state)
{
	struct fixture *f = *state;

	f->e[20].out.cwnd ^= 1;
	f->e[30].cc.priv[21] ^= 1;
	f->e[49].ret ^= 4;
	f->e[51].out.pacing_rate ^= 1;
	assert_int_equal(play(f)->different, 4);
	assert_non_null(strstr(replay_result(f->r)->first, "call 20 "));
}

/* Another input gives another state from there on. */
static void test_other_input(void **state)
{
	struct fixture *f = *state;

	f->e[60].ack.acked += 9;
	assert_true(play(f)->different > 1);
}

static void test_gap(void **state)
{
	struct fixture *f = *state;
	const struct replay_result *r;
	unsigned i;

	for (i = 0; i < CALLS; i++)
		if (i != 100)
			assert_int_equal(replay_event(f->r, &f->e[i], NULL), 0);
	r = replay_result(f->r);
	assert_int_equal(r->events, 100);
	assert_int_equal(r->skipped, CALLS - 101);
	assert_int_equal(r->different, 0);
}

static void test_damage(void **state)
{
	struct fixture *f = *state;
	struct err err = {0};
	struct cc_bpf_event e = f->e[0];

	e.op = CC_BPF_OPS;
	assert_int_equal(replay_event(f->r, &e, &err), -EINVAL);
	e = f->e[0];
	e.control = CC_BPF_PRAGUE;
	assert_int_equal(replay_event(f->r, &e, &err), -EINVAL);
	e = f->e[0];
	e.cc.cfg.abe.beta_loss = 1024;
	assert_int_equal(replay_event(f->r, &e, &err), -EINVAL);
	e = f->e[49];
	e.arg = CC_CAUSE_LOCAL + 1;
	assert_int_equal(replay_event(f->r, &e, &err), -EINVAL);
	e = f->e[1];
	memset(&e.ack.ece, 2, 1);
	assert_int_equal(replay_event(f->r, &e, &err), -EINVAL);
}

static void test_sockets(void **state)
{
	struct fixture *f = *state;
	struct cc_bpf_event e = f->e[0];
	uint32_t i;

	for (i = 1; i <= REPLAY_SOCKETS; i++) {
		e.id = i;
		assert_int_equal(replay_event(f->r, &e, NULL), 0);
	}
	e.id = i;
	assert_int_equal(replay_event(f->r, &e, NULL), -E2BIG);
}

static void test_file(void **state)
{
	struct fixture *f = *state;
	struct err err = {0};
	char *bytes = NULL;
	size_t n = 0;
	FILE *m = open_memstream(&bytes, &n);

	assert_non_null(m);
	assert_int_equal(replay_file_begin(m), 0);
	assert_int_equal(fwrite(f->e, sizeof(*f->e), CALLS, m), CALLS);
	fclose(m);
	assert_int_equal(replay_bytes(f->r, slice_of(bytes, n), &err), 0);
	assert_int_equal(replay_result(f->r)->events, CALLS);
	assert_int_equal(replay_result(f->r)->different, 0);
	replay_free(f->r);
	f->r = replay_new();
	assert_int_equal(replay_bytes(f->r, slice_of(bytes, n - 1), &err), -EINVAL);
	assert_string_equal(err.where, "call 399");
	bytes[0] = 'X';
	assert_int_equal(replay_bytes(f->r, slice_of(bytes, n), &err), -EINVAL);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_bit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_input, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sockets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
	};

	return cmocka_run_group_tests_name("l4s replay", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The laboratory by itself, forwarding along static routes: what it says of links is so, what the prober measures is
 * what was done, and nothing is left behind. */
#include "lab/prober.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/ip6.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab/daemon.h"

/* 0 - 1 - 2
 * |       |
 * 3 - 4 - 5 */
static const struct lab_edge ring6[] = {{0, 1}, {1, 2}, {2, 5}, {5, 4}, {4, 3}, {3, 0}};

static struct lab *ring(struct err *err)
{
	struct lab_params p = {.n = 6, .edges = ring6, .n_edges = 6, .meter = true};
	struct lab *lab = lab_new(&p, err);

	if (!lab)
		err_print(err, "lab", stderr);
	assert_non_null(lab);
	if (lab_start_all(lab, err) < 0 || lab_static_routes(lab, err) < 0) {
		err_print(err, "lab", stderr);
		fail();
	}
	return lab;
}

static struct prober *probe(struct lab *lab)
{
	struct prober_params pp = {.lab = lab};
	struct err err;
	struct prober *p = prober_new(&pp, &err);
	bool *reach = calloc(lab_n(lab) * lab_n(lab), sizeof(*reach));

	assert_non_null(p);
	for (unsigned i = 0; i < lab_n(lab); i++)
		assert_int_equal(prober_add(p, i), 0);
	lab_reachable(lab, reach);
	prober_expect(p, reach);
	free(reach);
	return p;
}

static void wait_all(struct prober *p)
{
	struct prober_state st;

	for (unsigned k = 0; k < 500; k++) {
		prober_state(p, &st);
		if (st.expected > 0 && st.answering == st.expected)
			return;
		usleep(10000);
	}
	fail_msg("%u of %u pairs answer", st.answering, st.expected);
}

static void all_pairs_answer(void **state)
{
	struct err err;
	struct lab *lab = ring(&err);
	struct prober *p = probe(lab);
	struct prober_state st;

	wait_all(p);
	prober_state(p, &st);
	assert_int_equal(st.expected, 30);
	assert_true(st.all_at > 0);
	prober_free(p);
	lab_free(lab);
}

/* What carrier a cut leaves: none on both sides, and it comes back. */
static void cut_is_carrier_loss(void **state)
{
	struct err err;
	struct lab *lab = ring(&err);

	for (unsigned which = 0; which < 3; which++) {
		assert_int_equal(lab_carrier(lab, 0, 0), 1);
		assert_int_equal(lab_carrier(lab, 0, 1), 1);
		assert_int_equal(lab_cut(lab, 0, which), 0);
		assert_false(lab_link_works(lab, 0));
		assert_int_equal(lab_carrier(lab, 0, 0), 0);
		assert_int_equal(lab_carrier(lab, 0, 1), 0);
		assert_int_equal(lab_heal(lab, 0), 0);
		assert_true(lab_link_works(lab, 0));
	}
	lab_free(lab);
}

/* The gap of pair s-d among `gaps`, or NULL. */
static const struct prober_gap *gap_of(const struct prober_gap *gaps, int n, unsigned s, unsigned d)
{
	for (int k = 0; k < n; k++)
		if (gaps[k].s == s && gaps[k].d == d)
			return &gaps[k];
	return NULL;
}

/* Silent loss on link 0-1 for a known time: the pairs whose path it is lose that long, others nothing; the carrier
 * stays. The measured outage cannot be shorter than the silence, nor by much longer. */
static void silence_is_measured(void **state)
{
	struct err err;
	struct lab *lab = ring(&err);
	struct prober *p = probe(lab);
	struct prober_gap gaps[36];
	struct lab_meter m;
	usec_t from;
	usec_t to;
	int n;

	wait_all(p);
	from = clock_now();
	assert_int_equal(lab_silence(lab, 0, LAB_BOTH, 1000), 0);
	assert_int_equal(lab_carrier(lab, 0, 0), 1);
	assert_int_equal(lab_carrier(lab, 0, 1), 1);
	usleep(300000);
	assert_int_equal(lab_heal(lab, 0), 0);
	to = clock_now();
	wait_all(p);
	usleep(400000);
	n = prober_gaps(p, from, clock_now(), gaps);
	assert_true(n > 0);
	for (int k = 0; k < n; k++) {
		assert_false(gaps[k].open);
		assert_true(gaps[k].length >= to - from - MSEC(30));
		assert_true(gaps[k].from >= from - MSEC(20));
	}
	assert_non_null(gap_of(gaps, n, 0, 1));
	assert_non_null(gap_of(gaps, n, 1, 0));
	assert_null(gap_of(gaps, n, 4, 5));
	lab_meter(lab, 0, 0, &m);
	assert_true(m.dropped > 0);
	assert_true(m.data_packets > m.dropped);
	lab_meter(lab, 3, 0, &m);
	assert_int_equal(m.dropped, 0);
	prober_free(p);
	lab_free(lab);
}

/* Loss in one direction: requests arrive and replies do not, or the other way; the other links are not touched. */
static void silence_in_one_direction(void **state)
{
	struct err err;
	struct lab *lab = ring(&err);
	struct prober *p = probe(lab);
	struct lab_meter to_u;
	struct lab_meter to_v;
	struct prober_state st;

	wait_all(p);
	assert_int_equal(lab_silence(lab, 0, LAB_TO_V, 1000), 0);
	usleep(300000);
	prober_state(p, &st);
	assert_true(st.answering < st.expected);
	lab_meter(lab, 0, 0, &to_u);
	lab_meter(lab, 0, 1, &to_v);
	assert_int_equal(to_u.dropped, 0);
	assert_true(to_v.dropped > 0);
	assert_int_equal(lab_heal(lab, 0), 0);
	wait_all(p);
	prober_free(p);
	lab_free(lab);
}

/* Static routes do not repair themselves: a cut stays an outage until routes are made anew around it. */
static void cut_and_new_routes(void **state)
{
	struct err err;
	struct lab *lab = ring(&err);
	struct prober *p = probe(lab);
	struct prober_gap gaps[36];
	struct prober_state st;
	bool reach[36];
	usec_t from;
	int n;

	wait_all(p);
	from = clock_now();
	assert_int_equal(lab_cut(lab, 2, 1), 0);
	usleep(250000);
	prober_state(p, &st);
	assert_int_equal(st.expected, 30);
	assert_true(st.answering < st.expected);
	assert_int_equal(lab_static_routes(lab, &err), 0);
	wait_all(p);
	usleep(400000);
	n = prober_gaps(p, from, clock_now(), gaps);
	assert_non_null(gap_of(gaps, n, 2, 5));

	/* A second cut divides the ring into 0 1 2 3 and 4 5; pairs across need not answer. */
	assert_int_equal(lab_cut(lab, 4, 0), 0);
	lab_reachable(lab, reach);
	assert_true(reach[0 * 6 + 3]);
	assert_true(reach[4 * 6 + 5]);
	assert_false(reach[3 * 6 + 4]);
	prober_expect(p, reach);
	assert_int_equal(lab_static_routes(lab, &err), 0);
	wait_all(p);
	prober_state(p, &st);
	assert_int_equal(st.expected, 4 * 3 + 2);
	prober_free(p);
	lab_free(lab);
}

/* A killed node answers nobody and its neighbours lose carrier; it comes back with its links. */
static void kill_and_restart(void **state)
{
	struct err err;
	struct lab *lab = ring(&err);
	bool reach[36];

	assert_int_equal(lab_kill(lab, 1), 0);
	assert_int_equal(lab_node(lab, 1)->state, LAB_STOPPED);
	assert_int_equal(lab_carrier(lab, 0, 0), 0);
	lab_reachable(lab, reach);
	assert_false(reach[0 * 6 + 1]);
	assert_true(reach[0 * 6 + 2]);
	assert_int_equal(lab_heal(lab, 0), 0);
	assert_false(lab_link_works(lab, 0));
	assert_int_equal(lab_start(lab, 1, &err), 0);
	assert_int_equal(lab_carrier(lab, 0, 0), 1);
	lab_reachable(lab, reach);
	assert_true(reach[0 * 6 + 1]);
	lab_free(lab);
}

/* What a packet socket on a link sees is what passes there, and the kernel's counters grow by it. */
static void capture_and_counters(void **state)
{
	struct err err;
	struct lab *lab = ring(&err);
	struct prober *p;
	struct lab_count before;
	struct lab_count after;
	uint8_t frame[2048];
	unsigned echoes = 0;
	int fd;

	fd = lab_capture(lab, 0, 0);
	assert_true(fd >= 0);
	assert_int_equal(lab_counters(lab, 0, &before), 0);
	p = probe(lab);
	wait_all(p);
	prober_free(p);
	while (recv(fd, frame, sizeof(frame), 0) > 0)
		echoes += frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == IPPROTO_ICMPV6 && frame[54] == 128;
	close(fd);
	assert_true(echoes >= 2);
	assert_int_equal(lab_counters(lab, 0, &after), 0);
	assert_true(after.tx_packets >= before.tx_packets + 2);
	assert_true(after.tx_bytes >= before.tx_bytes + 2 * 70);
	lab_free(lab);
}

static unsigned entries(const char *path, const char *prefix)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	if (d)
		closedir(d);
	return n;
}

static void nothing_left_behind(void **state)
{
	struct err err;
	struct lab *lab;
	unsigned fds = entries("/proc/self/fd", "");

	lab = ring(&err);
	assert_int_equal(entries("/run/netns", "dep"), 6);
	assert_int_equal(entries("/run/dep-lab", "dep"), 1);
	lab_free(lab);
	assert_int_equal(entries("/run/netns", ""), 0);
	assert_int_equal(entries("/run/dep-lab", ""), 0);
	assert_int_equal(entries("/proc/self/fd", ""), fds);
}

/* A lab whose process was killed is removed by the next one; that of a living process is not touched. */
static void killed_labs_are_swept(void **state)
{
	struct err err;
	struct lab *mine = ring(&err);
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct lab *lab = ring(&err);

		if (lab && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(entries("/run/netns", "dep"), 12);
	assert_int_equal(lab_sweep(), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(lab_sweep(), 1);
	assert_int_equal(entries("/run/netns", "dep"), 6);
	assert_int_equal(entries("/run/dep-lab", "dep"), 1);
	close(ready[0]);
	close(ready[1]);
	lab_free(mine);
}

static void impossible_graphs(void **state)
{
	static const struct lab_edge loop[] = {{0, 0}};
	static const struct lab_edge far[] = {{0, 2}};
	static const struct lab_edge twice[] = {{0, 1}, {1, 0}};
	struct lab_params p = {.n = 2, .edges = loop, .n_edges = 1};
	struct err err;

	assert_null(lab_new(&p, &err));
	assert_int_equal(err.code, -EINVAL);
	p.edges = far;
	assert_null(lab_new(&p, &err));
	p.edges = twice;
	p.n_edges = 2;
	assert_null(lab_new(&p, &err));
	p.n = 0;
	assert_null(lab_new(&p, &err));
	assert_int_equal(entries("/run/netns", ""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pairs_answer),
		cmocka_unit_test(cut_is_carrier_loss),
		cmocka_unit_test(silence_is_measured),
		cmocka_unit_test(silence_in_one_direction),
		cmocka_unit_test(cut_and_new_routes),
		cmocka_unit_test(kill_and_restart),
		cmocka_unit_test(capture_and_counters),
		cmocka_unit_test(nothing_left_behind),
		cmocka_unit_test(killed_labs_are_swept),
		cmocka_unit_test(impossible_graphs),
	};
	struct err err;

	if (lab_isolate(&err) < 0) {
		printf("1..0 # SKIP %s\n", err.what);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

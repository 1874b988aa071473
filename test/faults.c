/* SPDX-License-Identifier: BSD-2-Clause */
/* Random faults of single links in a 6x6 grid, one after the other: how long are which pairs cut off?
 *
 *   faults carrier | silent | one-way [FAULTS [SEED]]     (DEP_FAULTS in the environment goes before FAULTS)
 *
 * 1,260 pairs every 10 ms would be more than two processors forward. So before each fault the link is watched: the pairs
 * whose probes or replies pass it are probed every 10 ms (at most 250 of them, of silent loss 120), all others every
 * 150 ms (310 ms). */
#include "test/e2e.h"

#include "base/rng.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARGIN MSEC(90)
#define MAX_TOLD 3 /* faults whose worst pair is explained */
#define MAX_FAULTS 1000

enum kind { CARRIER, SILENT, ONE_WAY };

static enum kind kind;
static unsigned n_faults;
static uint64_t seed = 2;
static const usec_t bounds[] = {[CARRIER] = SEC(2), [SILENT] = SEC(5), [ONE_WAY] = SEC(5)};
static usec_t worst[MAX_FAULTS];

/* The pair whose probe, or its reply, this frame carries: the innermost IPv6 header counts. -1: none. */
static int pair_of(const uint8_t *f, size_t n)
{
	struct kira_addr a;
	struct kira_id id[2];
	size_t at = 14;
	int s;
	int d;

	if (n < 14 || f[12] != 0x86 || f[13] != 0xdd)
		return -1;
	while (n >= at + 48 && f[at + 6] == IPPROTO_GRE)
		at += 44;
	if (n < at + 48 || f[at + 6] != IPPROTO_ICMPV6 || (f[at + 40] != 128 && f[at + 40] != 129))
		return -1;
	for (unsigned k = 0; k < 2; k++) {
		memcpy(a.b, f + at + 8 + 16 * k, 16);
		if (!kira_addr_id(0xfc00, &a, &id[k]))
			return -1;
	}
	s = e2e_node(&id[0]);
	d = e2e_node(&id[1]);
	if (s < 0 || d < 0)
		return -1;
	return f[at + 40] == 128 ? s * (int)net.n + d : d * (int)net.n + s;
}

/* Which pairs use link l now. */
static unsigned watch_link(unsigned l, unsigned *pairs)
{
	bool *seen = calloc((size_t)net.n * net.n, sizeof(*seen));
	int fd = lab_capture(net.lab, l, 0);
	struct prober_state st;
	uint8_t frame[256];
	int size = 4 << 20;
	unsigned n = 0;
	usec_t until;

	assert_true(fd >= 0 && seen);
	prober_state(net.prober, &st);
	until = clock_now() + st.slow_every + MARGIN;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	while (clock_now() < until) {
		ssize_t got;

		e2e_rest(MSEC(20));
		while ((got = recv(fd, frame, sizeof(frame), 0)) > 0) {
			int x = pair_of(frame, (size_t)got);

			if (x < 0 || seen[x])
				continue;
			seen[x] = true;
			pairs[n++] = (unsigned)x;
		}
	}
	close(fd);
	free(seen);
	return n;
}

static void break_link(unsigned l, unsigned end, char text[48])
{
	const struct lab_link *link = lab_link(net.lab, l);
	unsigned u = link->end[0].node;
	unsigned v = link->end[1].node;
	int rc;

	if (kind == CARRIER) {
		snprintf(text, 48, "%u-%u cut at %u", u, v, end ? v : u);
		rc = lab_cut(net.lab, l, end);
	} else if (kind == SILENT) {
		snprintf(text, 48, "%u-%u silent", u, v);
		rc = lab_silence(net.lab, l, LAB_BOTH, 1000);
	} else {
		snprintf(text, 48, "%u-%u silent to %u", u, v, end ? v : u);
		rc = lab_silence(net.lab, l, end ? LAB_TO_V : LAB_TO_U, 1000);
	}
	assert_int_equal(rc, 0);
}

/* Breaks link l and mends it. True where nobody was cut off for too long by either. */
static bool one(unsigned k, unsigned l, unsigned end, bool explain)
{
	unsigned *pairs = calloc((size_t)net.n * net.n, sizeof(*pairs));
	usec_t bound = E2E_BOUND(bounds[kind]);
	struct e2e_fault f;
	struct e2e_fault mend;
	unsigned on_link;
	char text[48];
	usec_t at;
	bool ok;

	prober_focus(net.prober, NULL, 0);
	on_link = watch_link(l, pairs);
	prober_focus(net.prober, pairs, on_link);
	free(pairs);
	e2e_rest(MSEC(100));
	at = clock_now();
	break_link(l, end, text);
	e2e_expect();
	e2e_judge(&f, at, MSEC(500), bound);
	worst[k] = f.worst.length;
	ok = f.open == 0 && f.worst.length <= bound;
	if (!ok && explain)
		e2e_explain(f.worst.s, f.worst.d);
	at = clock_now();
	assert_int_equal(lab_heal(net.lab, l), 0);
	e2e_expect();
	e2e_judge(&mend, at, MSEC(300), bound);
	e2e_say("%2u: link %s: %3u pairs on it, %3u cut off, median %4lld ms, worst %2u>%-2u %4lld ms%s; mended: %u, %lld ms",
		k + 1, text, on_link, f.hit, (long long)f.median / 1000, f.worst.s, f.worst.d,
		(long long)f.worst.length / 1000, f.open ? " STILL CUT OFF" : ok ? "" : " TOO LONG", mend.hit,
		(long long)mend.worst.length / 1000);
	if (mend.open && explain)
		e2e_explain(mend.worst.s, mend.worst.d);
	return ok && mend.open == 0;
}

static int by_length(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a;
	usec_t y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

static void single_links(void **state)
{
	unsigned bad = 0;
	struct prober_state st;
	struct rng rng;
	usec_t median;

	rng_seed(&rng, seed);
	e2e_max_fast = kind == CARRIER ? 250 : 120;
	e2e_make(E2E_SMALL ? "grid:4x4" : "grid:6x6");
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	/* Start is over when tables no longer change: contacts get better paths for some seconds. */
	e2e_rest(SEC(3));
	e2e_say("seed %llu", (unsigned long long)seed);
	for (unsigned k = 0; k < n_faults; k++) {
		unsigned l = (unsigned)rng_below(&rng, lab_n_links(net.lab));

		if (one(k, l, (unsigned)rng_below(&rng, 2), bad < MAX_TOLD))
			continue;
		bad++;
		if (!e2e_settle(MSEC(500), SEC(20)))
			fail_msg("not all pairs answer again after fault %u", k + 1);
	}
	qsort(worst, n_faults, sizeof(worst[0]), by_length);
	median = worst[n_faults / 2];
	prober_state(net.prober, &st);
	e2e_say("%u faults: worst pair's outage: median %lld ms, 90%% %lld ms, longest %lld ms; the prober left out %llu ticks",
		n_faults, (long long)median / 1000, (long long)worst[n_faults * 9 / 10] / 1000,
		(long long)worst[n_faults - 1] / 1000, (unsigned long long)st.skipped);
	if (bad)
		fail_msg("after %u of %u faults pairs were cut off for more than %lld ms", bad, n_faults,
			 (long long)E2E_BOUND(bounds[kind]) / 1000);
	if (kind == CARRIER)
		assert_true(median <= E2E_BOUND(MSEC(200)));
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"carrier", "silent", "one-way"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(single_links, e2e_down),
	};

	for (kind = CARRIER; argc > 1 && kind < ONE_WAY && strcmp(argv[1], names[kind]) != 0;)
		kind++;
	n_faults = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 6;
	if (argc > 2 && getenv("DEP_FAULTS"))
		n_faults = (unsigned)strtoul(getenv("DEP_FAULTS"), NULL, 10);
	if (argc > 3)
		seed = strtoull(argv[3], NULL, 10);
	if (argc < 2 || strcmp(argv[1], names[kind]) != 0 || n_faults < 1 || n_faults > MAX_FAULTS) {
		fprintf(stderr, "usage: faults carrier|silent|one-way [FAULTS [SEED]]\n");
		return 2;
	}
	return e2e_begin() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of vectors/ (computed from the documents), row by row: CUBIC with ABE, Prague's alpha
 * and additive increase; and the figures ns-3's own ABE test expects, where the shared data folder
 * is there. */
#include "proto/l4s/cc/cc_drive.h"
#include "proto/l4s/cc/cubic.h"
#include "proto/l4s/cc/prague.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The next row that begins with a digit or, with names, a letter; its fields, comma apart. */
static int row(FILE *f, char *line, size_t n, char *field[], int max, bool names)
{
	int k = 0;
	char *p;

	while (fgets(line, (int)n, f)) {
		if (names ? strncmp(line, "Tcp", 3) != 0 : line[0] < '0' || line[0] > '9')
			continue;
		for (p = strtok(line, ",\n"); p && k < max; p = strtok(NULL, ",\n"))
			field[k++] = p;
		return k;
	}
	return 0;
}

static FILE *table(const char *name)
{
	char path[512];
	const char *top = getenv("DEP_TOP");
	FILE *f;

	snprintf(path, sizeof(path), "%s/proto/l4s/cc/vectors/%s", top ? top : ".", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot read %s", path);
	return f;
}

static uint32_t u32(const char *s)
{
	return (uint32_t)strtoul(s, NULL, 10);
}

/* ssthresh of a fresh sender of window cwnd in congestion avoidance. */
static uint32_t reduced(struct drive *d, const char *text, enum cc_cause cause, uint32_t cwnd)
{
	drive_init(d, text, 20000, cwnd, cwnd);
	return cc_ssthresh(&d->cc, cause, &d->a, &d->w);
}

static struct cc_cubic *cubic(struct drive *d)
{
	return (struct cc_cubic *)d->cc.priv;
}

/* K of the RFC form's next stage, 2^-16 s. */
static uint32_t stage_k(enum cc_cause cause, uint32_t cwnd)
{
	struct drive d;
	uint32_t to = reduced(&d, "cubic abe 0.85 form rfc", cause, cwnd);
	uint64_t now = ((uint64_t)to << 32) | cubic(&d)->rfc.frac;

	cubic_rfc_epoch(&cubic(&d)->rfc, &d.cc.cfg, now, 0);
	return cubic(&d)->rfc.k;
}

static double distance(double a, double b)
{
	return a > b ? a - b : b - a;
}

static void cubic_abe(void **state)
{
	FILE *f = table("cubic_abe_vectors.csv");
	char line[512];
	char *v[8];
	int rows = 0;

	while (row(f, line, sizeof(line), v, 8, false) == 8) {
		struct drive d;
		uint32_t cwnd = u32(v[0]);
		uint64_t rfc;

		assert_int_equal(reduced(&d, "cubic abe 0.85", CC_CAUSE_LOSS, cwnd), u32(v[1]));
		assert_int_equal(reduced(&d, "cubic abe 0.85", CC_CAUSE_ECN, cwnd), u32(v[2]));
		/* without ABE a mark is a loss */
		assert_int_equal(reduced(&d, "cubic", CC_CAUSE_ECN, cwnd), u32(v[1]));
		rfc = reduced(&d, "cubic form rfc", CC_CAUSE_LOSS, cwnd);
		rfc = rfc << 32 | cubic(&d)->rfc.frac;
		/* beta is 717/1024: 2.8e-4 of 0.7; and 0.2 segments where the table rounds to 2 */
		assert_true(distance((double)rfc / 0x1p32, strtod(v[3], NULL)) <= cwnd * 2.1e-4);
		rfc = reduced(&d, "cubic abe 0.85 form rfc", CC_CAUSE_ECN, cwnd);
		rfc = rfc << 32 | cubic(&d)->rfc.frac;
		assert_true(distance((double)rfc / 0x1p32, strtod(v[4], NULL)) <= cwnd * 4e-4);
		if (cwnd > 2) { /* at 2 the floor of ssthresh leaves nothing to grow back */
			assert_true(distance(stage_k(CC_CAUSE_LOSS, cwnd) / 65536.0,
					     strtod(v[5], NULL)) < 0.02 * strtod(v[5], NULL));
			assert_true(distance(stage_k(CC_CAUSE_ECN, cwnd) / 65536.0,
					     strtod(v[6], NULL)) < 0.02 * strtod(v[6], NULL));
		}
		/* fast convergence, from a W_max above */
		drive_init(&d, "cubic abe 0.85", 20000, cwnd, cwnd);
		cubic(&d)->linux_.last_max_cwnd = cwnd + 1;
		cc_ssthresh(&d.cc, CC_CAUSE_ECN, &d.a, &d.w);
		assert_int_equal(cubic(&d)->linux_.last_max_cwnd, u32(v[7]));
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, 15);
}

static void prague_alpha(void **state)
{
	FILE *f = table("prague_alpha_vectors.csv");
	struct cc_prague s = {.packet = 1500};
	char line[512];
	char *v[8];
	int rows = 0;

	while (row(f, line, sizeof(line), v, 8, false) == 7) {
		uint64_t before;

		s.alpha = prague_ewma(s.alpha, u32(v[1]), u32(v[2]));
		assert_int_equal(s.alpha, u32(v[3]));
		assert_int_equal(s.alpha >> PRAGUE_G, u32(v[4]));
		s.frac_cwnd = before = 100ull << PRAGUE_FRAC_BITS;
		prague_shrink(&s, s.alpha >> PRAGUE_G, NULL);
		assert_int_equal(before - s.frac_cwnd, u32(v[6]));
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, 14);
}

static void prague_increase(void **state)
{
	FILE *f = table("prague_ai_scaling.csv");
	char line[512];
	char *v[8];
	int rows = 0;

	while (row(f, line, sizeof(line), v, 8, false) == 2) {
		assert_int_equal(prague_ai(u32(v[0]), 25000), u32(v[1]));
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, 14);
	/* where rtt^2 << 20 would not fit 64 bits: a target of 1 s */
	assert_int_equal(prague_ai(500000, 1000000), 262144);
	assert_in_range(prague_ai(999999, 1000000), 1048570, 1048576);
}

/* ns-3 applies beta_ecn in slow start, too, and its figures are from the first window on. NewReno
 * halves what is in flight, the two others the window. */
static void ns3(void **state)
{
	const char *folder = getenv("DEP_SHARED_DATA");
	char path[512];
	char line[256];
	char *v[8];
	FILE *f;
	int rows = 0;

	snprintf(path, sizeof(path), "%s/l4s/ns3_abe_unit_vectors.csv", folder ? folder : "");
	f = folder ? fopen(path, "r") : NULL;
	if (!f) {
		const char *need = getenv("DEP_REQUIRE_DATA");

		if (need && *need == '1')
			fail_msg("no %s: set DEP_SHARED_DATA", path);
		print_message("# skipped: the shared data folder has no %s\n",
			      "ns3_abe_unit_vectors.csv");
		skip();
	}
	while (row(f, line, sizeof(line), v, 8, true) == 5) {
		bool on = *v[1] == '1';
		struct drive d;
		char text[128];

		if (strcmp(v[0], "TcpCubic") == 0)
			snprintf(text, sizeof(text), "cubic %s abe-slow-start",
				 on ? "abe 0.85" : "");
		else
			snprintf(text, sizeof(text), "reno %s abe-slow-start%s",
				 on ? "abe 0.7" : "",
				 strcmp(v[0], "TcpNewReno") == 0 ? " flight inflight" : "");
		drive_init(&d, text, 20000, u32(v[2]), 0);
		d.a.inflight = u32(v[3]);
		/* betas are 1/1024 here and decimal there: a segment of a thousand */
		assert_true(distance(cc_ssthresh(&d.cc, CC_CAUSE_ECN, &d.a, &d.w), u32(v[4])) <= 1);
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cubic_abe),
		cmocka_unit_test(prague_alpha),
		cmocka_unit_test(prague_increase),
		cmocka_unit_test(ns3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

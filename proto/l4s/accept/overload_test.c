/* SPDX-License-Identifier: BSD-2-Clause */
/* What does not respond (spec §7.11): UDP in each ECN class beside 5 + 5 flows. */
#include "proto/l4s/accept/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const ecn[] = {"not-ect", "ect0", "ect1"};
static const unsigned percent[] = {50, 90, 100, 125, 200};

static struct run overload(const char *aqm, unsigned load, const char *udp)
{
	return run_json("{'time':'30s','warmup':'10s','links':[{'rate':'100M','aqm':'%s'}],"
			"'flows':[{'cc':'cubic','count':5},{'cc':'prague','count':5}],"
			"'loads':[{'kind':'cbr','rate':'%uM','ecn':'%s'}]}",
			aqm, load, udp);
}

/* Share of the link that UDP got, in points. */
static double share(const struct run *run)
{
	const struct sim_load_result *l = &run->r->load[0];

	return (double)(l->received_bytes + 14 * l->received) * 8 * 1e9 / (double)run->r->measured /
	       1e6;
}

/* What UDP lost, in points of what it sent. */
static double lost(const struct run *run)
{
	const struct sim_load_result *l = &run->r->load[0];

	return 100 - 100 * (double)l->received / (double)l->sent;
}

/* The bonus of ECT is the share of the link, in points, that UDP gets with it beyond what it gets
 * without. Classic packets with ECT are marked, not dropped, until p_C is 25 % (RFC 9332 §4.2.2):
 * up to there a load with ECT loses nothing, and one without loses p_C. Where the load is just the
 * whole link, p_C is below that and the bonus is what the one loses and the other does not; a DualQ
 * that marks cannot do otherwise. With less load or more it is below 5 points. */
static void delay_stays_and_ect_has_no_bonus(void **state)
{
	static const char *const aqm[] = {"dualpi2 linux", "dualpi2 rfc"};
	unsigned a;
	unsigned i;
	unsigned e;

	(void)state;
	for (a = 0; a < (SANITIZED ? 1 : 2); a++) {
		for (i = 0; i < COUNT(percent); i++) {
			double without = 0;
			double spared = 0;

			for (e = 0; e < 3; e++) {
				struct run run = overload(aqm[a], percent[i], ecn[e]);
				double got = share(&run);

				within(run_mean_delay(&run, QUEUE_C), 0, 18,
				       "%s, %u %% %s: mean delay C", aqm[a], percent[i], ecn[e]);
				within(run_mean_delay(&run, QUEUE_L), 0, 18, "L");
				assert_true(run_utilisation(&run) > 0.99);
				if (!e) {
					without = got;
					spared = lost(&run);
				} else {
					within(got - without, -1, percent[i] == 100 ? spared : 5,
					       "bonus, points (of %.1f)", got);
				}
				run_free(&run);
			}
		}
	}
}

/* That it is p_Cmax = 1 / k^2 which leaves the bonus: with k = 4 it is 6 %, less than the load
 * without ECT loses, and there is none. */
static void bonus_is_what_overload_begins_at(void **state)
{
	struct run without = overload("dualpi2 linux coupling_factor 4", 100, ecn[0]);
	struct run with = overload("dualpi2 linux coupling_factor 4", 100, ecn[1]);

	(void)state;
	within(share(&with) - share(&without), -1, 1, "100 %%, coupling factor 4: bonus, points");
	run_free(&without);
	run_free(&with);
}

/* The bench can see capture: CoDel marks what has ECT and never drops it. */
static void codel_is_captured(void **state)
{
	struct run run = overload("codel ecn", 125, "ect0");

	(void)state;
	within(share(&run), 99, 100.1, "CoDel, 125 %% ECT(0): UDP's share");
	assert_true(run_mean_delay(&run, QUEUE_C) > 50);
	run_free(&run);
}

/* While UDP leaves room, and does not stand in the L queue itself. */
static void responsive_flows_share_what_is_left(void **state)
{
	unsigned i;
	unsigned e;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (e = 0; e < 2; e++) {
			struct run run = overload("dualpi2 linux", percent[i], ecn[e]);

			within(run_ratio(&run), 0.5, 2, "%u %% %s: P/C", percent[i], ecn[e]);
			run_free(&run);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delay_stays_and_ect_has_no_bonus),
		cmocka_unit_test(bonus_is_what_overload_begins_at),
		cmocka_unit_test(codel_is_captured),
		cmocka_unit_test(responsive_flows_share_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

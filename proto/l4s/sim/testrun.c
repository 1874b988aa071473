/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/sim/testrun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct owned {
	struct sim_result r; /* first */
	struct alloc a;
};

void testrun_near(double a, double b, double share, const char *what, int line)
{
	double d = a > b ? a - b : b - a;

	if (d > share * (b > 0 ? b : -b))
		fail_msg("line %d: %s is %.9g, not %.9g +- %.3g %%", line, what, a, b, 100 * share);
}

void testrun_conserved(const struct sim_cfg *cfg, const struct sim_result *r)
{
	uint32_t l;
	unsigned c;

	for (l = 0; l < cfg->n_links; l++) {
		for (c = 0; c < 2; c++) {
			const struct aqm_queue_stats *q = &r->link[l].aqm.q[c];

			assert_int_equal(q->arrived, q->forwarded + q->dropped_ect +
							     q->dropped_not_ect + q->packets);
		}
	}
}

struct sim_result *testrun(const struct sim_cfg *cfg, const struct sim_watch *watch)
{
	struct owned *o = calloc(1, sizeof(*o));
	struct err err = {0};

	assert_non_null(o);
	alloc_init(&o->a, 0);
	if (sim_run(cfg, watch, &o->a, &o->r, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	testrun_conserved(cfg, &o->r);
	return &o->r;
}

struct sim_result *testrun_json(struct scenario *s, const char *text)
{
	struct err err = {0};
	char *json = strdup(text);
	char *p;

	assert_non_null(json);
	for (p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (scenario_parse(s, json, strlen(json), "test", &err) < 0)
		fail_msg("%s: %s (%s)", err.where, err.what, err.mend);
	free(json);
	return testrun(&s->cfg, NULL);
}

void testrun_free(struct sim_result *r)
{
	struct owned *o = (struct owned *)r;

	sim_result_free(r, &o->a);
	assert_int_equal(o->a.used, 0);
	free(o);
}

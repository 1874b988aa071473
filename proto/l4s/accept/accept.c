/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/accept/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct run run(const struct sim_watch *watch, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static struct run run(const struct sim_watch *watch, const char *fmt, va_list ap)
{
	struct err err = {0};
	struct run run;
	char text[2048];
	char *p;
	int n;

	n = vsnprintf(text, sizeof(text), fmt, ap);
	assert_true(n > 0 && (size_t)n < sizeof(text));
	for (p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (scenario_parse(&run.s, text, (size_t)n, "test", &err) < 0)
		fail_msg("%s: %s (%s)", err.where, err.what, err.mend);
	run.r = testrun(&run.s.cfg, watch);
	return run;
}

struct run run_json(const char *fmt, ...)
{
	struct run to;
	va_list ap;

	va_start(ap, fmt);
	to = run(NULL, fmt, ap);
	va_end(ap);
	return to;
}

struct run run_watched(const struct sim_watch *watch, const char *fmt, ...)
{
	struct run to;
	va_list ap;

	va_start(ap, fmt);
	to = run(watch, fmt, ap);
	va_end(ap);
	return to;
}

void run_free(struct run *run)
{
	testrun_free(run->r);
	scenario_free(&run->s);
}

double run_mbit(const struct run *run, uint32_t group)
{
	return sim_rate(&run->s.cfg, run->r, group) / 1e6;
}

double run_utilisation(const struct run *run)
{
	return sim_utilisation(&run->s.cfg, run->r, 0);
}

double run_delay(const struct run *run, unsigned queue, uint32_t q)
{
	return (double)hist_quantile(&run->r->link[0].aqm.q[queue].delay, q) / 1e6;
}

double run_mean_delay(const struct run *run, unsigned queue)
{
	return (double)hist_mean(&run->r->link[0].aqm.q[queue].delay) / 1e6;
}

double run_ratio(const struct run *run)
{
	return figures_side_rate(&run->s.cfg, run->r, true) /
	       figures_side_rate(&run->s.cfg, run->r, false);
}

void say(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void within(double v, double lo, double hi, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	say("%s: %.4g, within %.4g to %.4g", what, v, lo, hi);
	if (!(v >= lo && v <= hi))
		fail_msg("%s is %.6g, not within %.4g to %.4g", what, v, lo, hi);
}

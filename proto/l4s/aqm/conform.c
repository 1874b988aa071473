/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/aqm/conform.h"
#include "proto/l4s/ecn.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Packets around those that are judged, so that these neither find nor leave a queue so short that
 * the AQM rests: three before; three after, and after L so many more that some are left even where
 * C has half of the link and loses a third of its packets. */
#define LEAD 3
#define TAIL 3
#define JUDGED 64

/* A share is measured until its sigma is this part of the tolerance. That of p_C^2 against p_L
 * holds the error of p_L twice, so p_L is measured further than it needs alone: the law's three
 * sigma are within the tolerance then, too. */
#define PART_C 3.8
#define PART_L 11.5

#define ATTEMPTS 3

struct run {
	const struct conform_dut *dut;
	const struct conform_cfg *cfg;
	struct conform_row *rows;
	size_t n_rows;
	struct rng rng;
	uint64_t illegal; /* packets that came back with a codepoint they may not have */
	unsigned more;	  /* times as many packets: of a repetition */
};

struct tally {
	uint64_t n;
	uint64_t marked; /* CE */
	uint64_t dropped;
};

static double share(uint64_t part, uint64_t n)
{
	return n ? (double)part / (double)n : 0;
}

static double hit(const struct tally *t)
{
	return share(t->marked + t->dropped, t->n);
}

static bool legal(uint8_t ecn, uint8_t fate)
{
	return fate == CONFORM_DROPPED || fate == ecn || (ecn != ECN_NOT_ECT && fate == ECN_CE);
}

/* One batch of `judged` packets of a codepoint between Not-ECT ones. */
static int batch(struct run *r, uint8_t ecn, size_t judged, struct tally *t)
{
	uint8_t sent[CONFORM_BATCH];
	uint8_t fate[CONFORM_BATCH];
	size_t tail = TAIL + (ecn & 1 ? 2 * judged : 0);
	size_t n = LEAD + judged + tail;
	size_t i;
	int rc;

	memset(sent, ECN_NOT_ECT, sizeof(sent));
	memset(sent + LEAD, ecn, judged);
	memset(fate, CONFORM_DROPPED, sizeof(fate));
	rc = r->dut->pass(r->dut->ctx, sent, fate, n);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++)
		r->illegal += !legal(sent[i], fate[i]);
	for (i = LEAD; i < LEAD + judged; i++) {
		t->marked += fate[i] == ECN_CE;
		t->dropped += fate[i] == CONFORM_DROPPED;
	}
	t->n += judged;
	return 0;
}

/* At least n packets. Batches differ in size, or their rhythm could meet that of an AQM that marks
 * at even intervals. */
static int measure(struct run *r, uint8_t ecn, uint64_t n, struct tally *t)
{
	int rc = 0;

	*t = (struct tally){0};
	while (rc == 0 && t->n < n)
		rc = batch(r, ecn, JUDGED / 2 + rng_below(&r->rng, JUDGED / 2 + 1), t);
	return rc;
}

/* Packets that bring the sigma of a share p to a part of the tolerance. */
static uint64_t enough(const struct run *r, double p, double part)
{
	double tol = r->cfg->tolerance / part;
	double n = p > 0 ? (1 - p) / (p * tol * tol) : 0;

	if (n < 10000)
		n = 10000;
	n *= r->more;
	return n < (double)r->cfg->max_packets ? (uint64_t)n : r->cfg->max_packets;
}

static double sigma_of(double p, uint64_t n)
{
	return n ? sqrt(p * (1 - p) / (double)n) : 0;
}

static struct conform_row *new_row(struct run *r, const char *what, double prob)
{
	struct conform_row *row = &r->rows[r->n_rows++];

	*row = (struct conform_row){.prob = prob};
	snprintf(row->what, sizeof(row->what), "%s", what);
	return row;
}

/* want against got with its sigma. A share of 0 or 1 has none: there the tolerance decides. */
static void judge(const struct run *r, struct conform_row *row)
{
	double off = fabs(row->got - row->want);
	double tol = r->cfg->tolerance * row->want;
	/* One packet more or less is not a fault. */
	double grain = row->packets ? 1.5 / (double)row->packets : 0;

	if (off > 3 * row->sigma + grain && !(row->sigma == 0 && off <= tol))
		row->verdict = CONFORM_FAIL;
	else if (3 * row->sigma > tol)
		row->verdict = CONFORM_WEAK;
	else
		row->verdict = off <= tol + grain ? CONFORM_PASS : CONFORM_FAIL;
}

static void share_row(struct run *r, const char *what, double prob, double want,
		      const struct tally *t)
{
	struct conform_row *row = new_row(r, what, prob);

	row->want = want;
	row->got = hit(t);
	row->sigma = sigma_of(want, t->n);
	row->packets = t->n;
	judge(r, row);
}

/* What must never happen. */
static void none_row(struct run *r, const char *what, double prob, uint64_t bad, uint64_t n)
{
	struct conform_row *row = new_row(r, what, prob);

	row->got = (double)bad;
	row->packets = n;
	row->verdict = bad ? CONFORM_FAIL : CONFORM_PASS;
}

/* p_C against the square of the p_L that was measured: no p' in it. */
static void law_row(struct run *r, const char *what, double prob, const struct tally *l,
		    const struct tally *c)
{
	struct conform_row *row = new_row(r, what, prob);
	double k = r->cfg->coupling;
	double pl = hit(l);
	double by_l = 2 * pl / (k * k) * sigma_of(pl, l->n);
	double by_c = sigma_of(hit(c), c->n);

	row->want = pl / k * (pl / k);
	row->got = hit(c);
	row->sigma = sqrt(by_l * by_l + by_c * by_c);
	row->packets = l->n + c->n;
	judge(r, row);
}

static void overload_rows(struct run *r, double x, const struct tally *l, const struct tally *c)
{
	struct tally drops = {.n = l->n, .dropped = l->dropped};

	none_row(r, "overload: no ECT(0) is marked", x, c->marked, c->n);
	if (r->cfg->overload_drops)
		share_row(r, "overload: ECT(1) is dropped as Classic", x, x * x, &drops);
	else
		none_row(r, "overflow: no ECT(1) is dropped", x, l->dropped, l->n);
}

static int measure_at(struct run *r, double x, struct tally *l, struct tally *c, struct tally *d)
{
	double want_l = fmin(1, r->cfg->coupling * x);
	int rc;

	/* In overload p_L is 1, and what is looked at is the share of drops. */
	rc = measure(r, ECN_ECT1, want_l < 1 ? enough(r, want_l, PART_L) : enough(r, x * x, PART_C),
		     l);
	if (rc == 0)
		rc = measure(r, ECN_ECT0, enough(r, x * x, PART_C), c);
	if (rc == 0)
		rc = measure(r, ECN_NOT_ECT, enough(r, x * x, PART_C), d);
	return rc;
}

static void rows_at(struct run *r, double x, const struct tally *l, const struct tally *c,
		    const struct tally *d)
{
	double want_l = fmin(1, r->cfg->coupling * x);

	share_row(r, "p_CL = k * p', ECT(1)", x, want_l, l);
	share_row(r, "p_C = p'^2, ECT(0)", x, x * x, c);
	share_row(r, "p_C = p'^2, Not-ECT", x, x * x, d);
	if (want_l < 1) {
		law_row(r, "p_C = (p_L / k)^2, ECT(0)", x, l, c);
		law_row(r, "p_C = (p_L / k)^2, Not-ECT", x, l, d);
		none_row(r, "no ECT(1) is dropped", x, l->dropped, l->n);
		none_row(r, "no ECT(0) is dropped", x, c->dropped, c->n);
	} else {
		overload_rows(r, x, l, c);
	}
	none_row(r, "no Not-ECT is marked", x, d->marked, d->n);
}

/* Rows that failed, and so little that it may be chance: 3 to 5 sigma. */
static bool doubtful(const struct conform_row *rows, size_t n)
{
	bool any = false;
	size_t i;

	for (i = 0; i < n; i++) {
		double off = fabs(rows[i].got - rows[i].want);

		if (rows[i].verdict == CONFORM_FAIL && off > 5 * rows[i].sigma)
			return false;
		any = any || rows[i].verdict == CONFORM_FAIL;
	}
	return any;
}

/* Chance puts one of a few hundred rows beyond three sigma: where that may be it, all is measured
 * again, with twice as many packets, and what was before is forgotten. */
static int at_prob(struct run *r, double x)
{
	size_t first = r->n_rows;
	struct tally l;
	struct tally c;
	struct tally d;
	int i;
	int rc;

	rc = r->dut->force(r->dut->ctx, x >= 1 ? UINT32_MAX : (uint32_t)(x * 4294967296.0));
	for (i = 0; rc == 0 && i < ATTEMPTS; i++) {
		r->more = 1u << i;
		r->n_rows = first;
		rc = measure_at(r, x, &l, &c, &d);
		if (rc < 0)
			return rc;
		rows_at(r, x, &l, &c, &d);
		if (!doubtful(r->rows + first, r->n_rows - first))
			break;
	}
	return rc;
}

/* Nothing is hit without cause; what came as CE goes as CE. */
static int at_rest(struct run *r)
{
	struct tally t[4] = {0};
	uint8_t ecn;
	int rc;

	rc = r->dut->force(r->dut->ctx, 0);
	for (ecn = 0; rc == 0 && ecn < 4; ecn++)
		rc = measure(r, ecn, 10000, &t[ecn]);
	if (rc < 0)
		return rc;
	none_row(r, "p' 0: no Not-ECT is hit", 0, t[ECN_NOT_ECT].marked + t[ECN_NOT_ECT].dropped,
		 t[ECN_NOT_ECT].n);
	none_row(r, "p' 0: no ECT(1) is hit", 0, t[ECN_ECT1].marked + t[ECN_ECT1].dropped,
		 t[ECN_ECT1].n);
	none_row(r, "p' 0: no ECT(0) is hit", 0, t[ECN_ECT0].marked + t[ECN_ECT0].dropped,
		 t[ECN_ECT0].n);
	none_row(r, "p' 0: CE goes as CE", 0, t[ECN_CE].n - t[ECN_CE].marked, t[ECN_CE].n);
	return 0;
}

int conform_run(const struct conform_dut *dut, const struct conform_cfg *cfg,
		struct conform_row *rows, size_t *n_rows, struct err *err)
{
	struct run r = {.dut = dut, .cfg = cfg, .rows = rows};
	size_t i;
	int rc;

	rng_seed(&r.rng, cfg->seed);
	rc = at_rest(&r);
	for (i = 0; rc == 0 && i < cfg->n_prob; i++)
		rc = at_prob(&r, cfg->prob[i]);
	*n_rows = r.n_rows;
	if (rc < 0) {
		err_set(err, rc, "the queue under test gave up: %s", strerror(-rc));
		err_where(err, "conformance, after %zu checks", r.n_rows);
		return rc;
	}
	none_row(&r, "no codepoint changes but ECT to CE", 0, r.illegal, 0);
	*n_rows = r.n_rows;
	return 0;
}

size_t conform_failed(const struct conform_row *rows, size_t n)
{
	size_t failed = 0;
	size_t i;

	for (i = 0; i < n; i++)
		failed += rows[i].verdict == CONFORM_FAIL;
	return failed;
}

void conform_print(const struct conform_row *rows, size_t n, FILE *to)
{
	static const char *const verdict[] = {"ok", "weak", "FAIL"};
	size_t i;

	fprintf(to, "%-40s %6s %10s %10s %10s %10s  %s\n", "check", "p'", "want", "got", "3 sigma",
		"packets", "");
	for (i = 0; i < n; i++)
		fprintf(to, "%-40s %6.3f %10.6f %10.6f %10.6f %10llu  %s\n", rows[i].what,
			rows[i].prob, rows[i].want, rows[i].got, 3 * rows[i].sigma,
			(unsigned long long)rows[i].packets, verdict[rows[i].verdict]);
}

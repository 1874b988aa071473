/* SPDX-License-Identifier: BSD-2-Clause */
/* Open-loop conformance of a DualQ Coupled AQM (RFC 9332 §2.1, §2.5): does it mark and drop as its
 * p' says? Any DualQ can be held against it that takes packets, gives them back and lets p' be set:
 * a queue in this process, or a bottleneck of the real world behind two interfaces.
 *
 * At each p' packets of each codepoint pass, in batches that keep the queue from running short.
 * From what comes back follow p_L (share of ECT(1) that was marked, or dropped in overload) and p_C
 * (of ECT(0) marked, of Not-ECT dropped); each check is a row of the result:
 *
 *   p_CL = k * p',  p_C = p'^2,  p_C = (p_L / k)^2   within 3 sigma and +-2 %
 *   no codepoint changes but ECT to CE; no ECT is dropped below overload; nothing is hit at p' 0;
 *   in overload (k * p' >= 1) ECT(0) is dropped, not marked, and ECT(1) as often
 *
 * The L queue's own AQM must rest (a threshold out of reach), for it would add to p_CL. */
#ifndef DEP_L4S_AQM_CONFORM_H
#define DEP_L4S_AQM_CONFORM_H

#include "base/err.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFORM_BATCH 200 /* packets a batch at most */
#define CONFORM_DROPPED 4 /* a fate; 0 to 3: forwarded with that codepoint (enum ecn) */

/* The DualQ under test. Both calls return 0 or a negative errno, which ends the run. */
struct conform_dut {
	/* Holds p' (2^-32) from the next packet on. */
	int (*force)(void *ctx, uint32_t prob);
	/* Offers n packets of full size with these codepoints, in order and as fast as they go, and
	 * waits until all are through or known to be lost; fate[i] is what became of ecn[i]. */
	int (*pass)(void *ctx, const uint8_t *ecn, uint8_t *fate, size_t n);
	void *ctx;
};

struct conform_cfg {
	uint32_t coupling;  /* k that the DualQ is to have */
	const double *prob; /* p' to try, each up to 1 */
	size_t n_prob;
	double tolerance;     /* 0.02 */
	uint64_t max_packets; /* of one measurement. Where more are needed for the tolerance, three
				 sigma alone decide, and the row is weak */
	bool overload_drops;  /* ECT(1) is dropped in overload, too (false: overflow mode) */
	uint64_t seed;	      /* sizes of batches */
};

enum conform_verdict {
	CONFORM_PASS,
	CONFORM_WEAK, /* within three sigma, but these are wider than the tolerance */
	CONFORM_FAIL,
};

struct conform_row {
	char what[40]; /* "p_C = p'^2, ECT(0)" */
	double prob;   /* p' */
	double want;
	double got;
	double sigma; /* of got */
	uint64_t packets;
	uint8_t verdict;
};

#define CONFORM_ROWS_PER_PROB 9
#define CONFORM_ROWS(n_prob) (CONFORM_ROWS_PER_PROB * (n_prob) + 5)

/* Fills rows (room for CONFORM_ROWS(cfg->n_prob)) and their number. Returns 0 where the run came to
 * its end, whatever the verdicts; else what the DualQ returned, and err. */
int conform_run(const struct conform_dut *dut, const struct conform_cfg *cfg,
		struct conform_row *rows, size_t *n_rows, struct err *err);
/* How many rows failed. */
size_t conform_failed(const struct conform_row *rows, size_t n);
/* A line a row. */
void conform_print(const struct conform_row *rows, size_t n, FILE *to);

#endif

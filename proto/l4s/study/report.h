/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of the report (report*.c). */
#ifndef DEP_L4S_STUDY_REPORT_H
#define DEP_L4S_STUDY_REPORT_H

#include "proto/l4s/study/study.h"

#define AXIS 16

struct axes { /* what was run of the wide axes, for one mix */
	double rate[AXIS];
	double rtt[AXIS];
	size_t rates;
	size_t rtts;
};

/* A cell of any plan: DualPI2 (linux), Prague beside `cubic`. False: not run. */
bool report_find(const struct study *s, double mbit, double rtt, const char *cubic, struct mix mix,
		 struct summary *m);
/* With any queue manager and Prague, or one kind only (NULL). */
bool report_find_any(const struct study *s, double mbit, double rtt, const char *aqm,
		     const char *cubic, const char *prague, struct mix mix, struct summary *m);
/* Rates and RTTs for which `cubic` (NULL: any of the three) was run. */
void report_axes(const struct study *s, const char *cubic, struct mix mix, struct axes *a);

/* The first screen: a sentence and figures. */
void report_answer(FILE *f, const struct study *s);
/* The table of where ABE helps, does nothing and harms. */
void report_where(FILE *f, const struct study *s);

/* Heat map of P/C; of what 0.85 (or another control) changes against 0.7. */
void heat_ratio(FILE *f, const struct study *s, const char *title, const char *cubic,
		struct mix mix);
void heat_gain(FILE *f, const struct study *s, const char *title, const char *cubic,
	       struct mix mix);
/* P/C over RTT at one rate, a line a control with intervals, and theory. */
void line_ratio(FILE *f, const struct study *s, double mbit, struct mix mix);
/* Delay of queue q (0: C) at one cell: share of packets that wait longer, logarithmic. */
void line_delay(FILE *f, const struct study *s, double mbit, double rtt, struct mix mix,
		unsigned q);

/* The table of live runs, where DIR/live.csv is (test/l4s_live.py --csv). */
void live_table(FILE *f, const char *dir);

/* The three controls of the report. */
#define REPORT_CCS 3
extern const char *const report_cc[REPORT_CCS];
extern const char *const report_cc_name[REPORT_CCS];

#endif

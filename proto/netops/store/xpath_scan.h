/* SPDX-License-Identifier: BSD-2-Clause */
/* How far around its context an XPath 1.0 expression looks, read from its text. Errs only towards
 * farther. */
#ifndef DEP_NETOPS_XPATH_SCAN_H
#define DEP_NETOPS_XPATH_SCAN_H

#include <stdbool.h>

struct xpath_scan {
	int climbs; /* most parents that a location path goes up from the context; -1: no bound */
	int predicate_climbs; /* the same, of paths within predicates alone, counted from current()
			       */
	bool sideways;	      /* uses an axis that goes neither down nor simply up */
	bool context_free;    /* says the same in each context */
};

void xpath_scan(const char *expr, struct xpath_scan *out);

#endif

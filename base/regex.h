/* SPDX-License-Identifier: BSD-2-Clause */
/* ECMA-262 regular expressions (with the u flag, as JSON Schema reads patterns) as far as a finite
 * automaton can match them: everything but back-references and look-around, which are refused.
 * Matching takes time linear in the text whatever the pattern: a DFA made beforehand where it stays
 * small, else the Thompson NFA is simulated. */
#ifndef DEP_REGEX_H
#define DEP_REGEX_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct regex;

/* pattern: UTF-8. NULL and err: -EINVAL (where: "offset 12"), -ENOTSUP, -E2BIG (pattern too large),
 * -ENOMEM. */
struct regex *regex_new(const char *pattern, size_t n, struct err *err);
void regex_free(struct regex *re);
/* Whether it matches anywhere in text (UTF-8): 1, 0, or -E2BIG where it would take more than
 * *budget steps, which are taken from it. Takes no memory. */
int regex_match(const struct regex *re, const char *text, size_t n, uint64_t *budget);

#endif

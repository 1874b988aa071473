/* SPDX-License-Identifier: BSD-2-Clause */
/* Patterns of YANG (XML Schema regular expressions) as ECMA-262 ones, for JSON Schema. */
#ifndef DEP_NETOPS_XSD_REGEX_H
#define DEP_NETOPS_XSD_REGEX_H

#include "base/buf.h"

/* Appends "^(?:…)$", with what ECMA-262 lacks (\i, \c, \p{…}, subtraction in classes) written out
 * as ranges. false: it cannot be translated (blocks, \p{Is…}); what was appended is then taken
 * back. */
bool xsd_regex(struct buf *out, const char *xsd);

#endif

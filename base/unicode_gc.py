#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the general categories of the Unicode Character Database as C tables: unicode_gc.py OUT.c"""
import sys
import unicodedata

LONG = {
    "L": "Letter", "Lu": "Uppercase_Letter", "Ll": "Lowercase_Letter", "Lt": "Titlecase_Letter",
    "Lm": "Modifier_Letter", "Lo": "Other_Letter", "M": "Mark", "Mn": "Nonspacing_Mark", "Mc": "Spacing_Mark",
    "Me": "Enclosing_Mark", "N": "Number", "Nd": "Decimal_Number", "Nl": "Letter_Number", "No": "Other_Number",
    "P": "Punctuation", "Pc": "Connector_Punctuation", "Pd": "Dash_Punctuation", "Ps": "Open_Punctuation",
    "Pe": "Close_Punctuation", "Pi": "Initial_Punctuation", "Pf": "Final_Punctuation", "Po": "Other_Punctuation",
    "S": "Symbol", "Sm": "Math_Symbol", "Sc": "Currency_Symbol", "Sk": "Modifier_Symbol", "So": "Other_Symbol",
    "Z": "Separator", "Zs": "Space_Separator", "Zl": "Line_Separator", "Zp": "Paragraph_Separator",
    "C": "Other", "Cc": "Control", "Cf": "Format", "Cs": "Surrogate", "Co": "Private_Use", "Cn": "Unassigned",
}

ranges = {}
last = None
for cp in range(0x110000):
    cat = unicodedata.category(chr(cp))
    if cat == last:
        ranges[cat][-1][1] = cp
    else:
        ranges.setdefault(cat, []).append([cp, cp])
        last = cat

with open(sys.argv[1], "w") as f:
    f.write('#include "base/unicode_gc.h"\n\n/* Unicode %s */\n' % unicodedata.unidata_version)
    for cat in sorted(ranges):
        f.write("static const struct crange %s[] = {" % cat)
        f.write(",".join("{%d,%d}" % (a, b) for a, b in ranges[cat]))
        f.write("};\n")
    f.write("const struct unicode_gc unicode_gc[] = {\n")
    for cat in sorted(ranges):
        f.write('{"%s", "%s", %s, %d},\n' % (cat, LONG[cat], cat, len(ranges[cat])))
    f.write("};\nconst size_t unicode_gc_n = %d;\n" % len(ranges))
    f.write("const struct unicode_major unicode_major[] = {\n")
    for cat in sorted(k for k in LONG if len(k) == 1):
        f.write('{"%s", "%s"},\n' % (cat, LONG[cat]))
    f.write("};\nconst size_t unicode_major_n = %d;\n" % len([k for k in LONG if len(k) == 1]))

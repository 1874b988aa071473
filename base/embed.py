#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes a C source of a text file: embed.py IN SYMBOL OUT gives `const char SYMBOL[]`, ended by a NUL."""
import sys

source, symbol, out = sys.argv[1:]
with open(source, "rb") as f:
    data = f.read()
if b"\0" in data:
    sys.exit(f"{source}: a NUL byte in a text file")
with open(out, "w", encoding="ascii") as f:
    f.write(f"extern const char {symbol}[];\nconst char {symbol}[] = {{\n")
    for at in range(0, len(data), 16):
        f.write("\t" + "".join(f"{b if b < 128 else b - 256}," for b in data[at:at + 16]) + "\n")
    f.write("\t0};\n")

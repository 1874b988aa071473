#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes one C table of YANG modules: table.py OUT FILE... where each FILE is NAME@REVISION.yang."""
import os
import sys

out, files = sys.argv[1], sorted(sys.argv[2:], key=os.path.basename)
with open(out, "w", encoding="ascii") as f:
    f.write('#include "proto/netops/yang/table.h"\n')
    rows = []
    for i, path in enumerate(files):
        name, revision = os.path.basename(path)[:-len(".yang")].split("@")
        with open(path, "rb") as source:
            data = source.read()
        if b"\0" in data:
            sys.exit(f"{path}: a NUL byte in a text file")
        f.write(f"static const char text_{i}[] = {{\n")
        for at in range(0, len(data), 16):
            f.write("\t" + "".join(f"{b if b < 128 else b - 256}," for b in data[at:at + 16]) + "\n")
        f.write("\t0};\n")
        rows.append(f'\t{{"{name}", "{revision}", text_{i}, sizeof(text_{i})}},\n')
    f.write("const struct yang_file yang_files[] = {\n" + "".join(rows) + "\t{0}};\n")

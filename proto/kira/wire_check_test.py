#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TAP: the C decoder (wire_dump, the first argument) and wire_check.py say the same of every message."""
import json
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).parent
vectors = json.loads((here / "vectors.json").read_text())
number = failed = 0


def point(ok, what):
    global number, failed
    number += 1
    failed += not ok
    print(("ok" if ok else "not ok"), number, "-", what, flush=True)


def compare(what, args, least_ok, least_bad, text=""):
    """Messages of wire_dump, checked line by line; at least so many are well formed, and so many are not."""
    dump = subprocess.run([sys.argv[1], *args], input=text, capture_output=True, text=True, check=True, timeout=60)
    lines = [line.split(" ", 1) for line in dump.stdout.splitlines()]
    check = subprocess.run([sys.executable, here / "wire_check.py"], input="".join(h + "\n" for h, _ in lines),
                           capture_output=True, text=True, check=True, timeout=60)
    answers = check.stdout.splitlines()
    count = [0, 0]
    differ = abs(len(answers) - len(lines))
    for (hexed, ours), other in zip(lines, answers):
        mine, its = json.loads(ours), json.loads(other)
        why = its.pop("why", "")
        count[mine["ok"]] += 1
        if mine != its:
            differ += 1
            if differ <= 5:
                print(f"# {hexed}\n#   C:      {ours}\n#   Python: {other} {why}")
    point(differ == 0, f"{what}: {len(lines)} messages, {count[1]} accepted, {count[0]} dropped, {differ} mismatches")
    point(count[1] >= least_ok and count[0] >= least_bad, f"{what}: enough of both")


print("1..8")
messages = [m["hex"] for m in vectors["messages"]]
compare("vectors", [], 21, 0, "".join(h + "\n" for h in messages))
cut = [h[:n] for h in messages for n in range(0, len(h), 2)]
cut += [h[:6] + f"{n // 2:04x}" + h[10:n] for h in messages for n in range(110, len(h), 2)]
compare("truncated vectors", [], 4, 1000, "".join(h + "\n" for h in cut))
compare("random", ["1", "3000", "0"], 3000, 0)
compare("random and mutated", ["2", "6000", "90"], 1500, 1500)
sys.exit(1 if failed else 0)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs dep-l4s-study on small grids: results, cache, interruption, report. TAP.

  study_test.py PROGRAM"""
import csv
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

PROGRAM = sys.argv[1]
n = failed = 0


def check(ok, what, detail=""):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {what}{': ' if detail else ''}{detail}", flush=True)
    return ok


def study(out, *args, jobs=2):
    return subprocess.run([PROGRAM, "--out", out, "--jobs", str(jobs), *args], capture_output=True, text=True,
                          timeout=300)


def table(out, name):
    with open(f"{out}/{name}", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def text(out, name):
    with open(f"{out}/{name}", encoding="utf-8") as f:
        return f.read()


def page(out):
    """The report as a tree: what a browser mends silently is an error here."""
    return xml.fromstring(text(out, "index.html").split("\n", 1)[1])


GRID = ("--grid", "lowrate,quick", "--seeds", "2", "--time", "3")

with tempfile.TemporaryDirectory() as top:
    a = f"{top}/a"
    first = study(a, *GRID)
    check(first.returncode in (0, 1), "a small study runs", first.stderr.strip())
    judged = re.findall(r"^(PASS|FAIL) lowrate .*at least 0\.7", first.stdout, re.M)
    check(len(judged) == 2, "each verdict of lowrate is printed")
    check(first.returncode == (1 if "FAIL" in first.stdout else 0), "the exit status says whether all passed")
    check(first.stderr == "", "no progress into a pipe")

    cells, runs, delays = (table(a, name) for name in ("cells.csv", "runs.csv", "delays.csv"))
    check(len(cells) == 18 and len(runs) == 36 and len(delays) == 36, "a line a cell, a run, a queue",
          f"{len(cells)} {len(runs)} {len(delays)}")
    geo = {}
    for r in runs:
        geo.setdefault(r["cell"], []).append(math.log(float(r["ratio"])))
    check(all(abs(float(c["ratio"]) - math.exp(sum(geo[c["cell"]]) / 2)) < 1e-3 * float(c["ratio"]) for c in cells),
          "a cell's ratio is the geometric mean of its runs")
    check(all(abs(float(r["p_flows"]) * float(r["g2_rate"]) / float(r["g1_rate"]) - float(r["ratio"])) < 1e-3
              for r in runs if r["c_flows"] == r["p_flows"] == "1"), "a run's ratio is that of its rates")
    check(all(0 < float(c["utilisation"]) <= 1.0001 for c in cells), "no link is used more than it can be")
    check(all(float(r["c_p50_ns"]) <= float(r["c_p99_ns"]) for r in runs), "quantiles are in order")

    again = study(a, *GRID)
    check(again.stdout == first.stdout and len(text(a, "runs.jsonl").splitlines()) == 36,
          "a second call takes all runs over and says the same")

    b = f"{top}/b"
    study(b, *GRID, jobs=1)
    check(text(a, "runs.csv") == text(b, "runs.csv"), "one process or two: the same runs")

    c = f"{top}/c"
    p = subprocess.Popen([PROGRAM, "--out", c, "--jobs", "1", *GRID], stdout=subprocess.DEVNULL)
    for _ in range(2000):
        if os.path.exists(f"{c}/runs.jsonl") and len(text(c, "runs.jsonl").splitlines()) >= 3:
            break
        time.sleep(0.01)
    p.send_signal(signal.SIGKILL)
    p.wait(10)
    kept = len(text(c, "runs.jsonl").splitlines())
    check(3 <= kept < 36, "killed in between, it has kept what was done", str(kept))
    rest = study(c, *GRID)
    check(rest.stdout.replace(c, a) == first.stdout and text(a, "cells.csv") == text(c, "cells.csv"),
          "and goes on to the same result")
    check(len(text(c, "runs.jsonl").splitlines()) <= 37, "without running again what was kept")

    root = page(a)
    body = "".join(root.itertext())
    check("imbalance factor" in body and root.find(".//h1") is not None, "the report is well-formed and has an answer")
    ratios = [c for c in cells if c["c_control"] == "cubic" and c["aqm"] == "dualpi2 linux" and c["rate_mbit"] == "100"]
    check(ratios and all(f"{float(c['ratio']):.2f}" in body for c in ratios), "with the ratios of the cells")
    bad = [v for e in root.iter() for v in e.attrib.values() if re.search(r"\b(nan|inf)\b", v)]
    check(not bad, "every drawing has places that exist", str(bad[:3]))
    links = [e.get("href") for e in root.iter("a")]
    check(links and all(os.path.exists(f"{a}/{link}") for link in links), "its links lead to files")
    outside = [v for e in root.iter() for k, v in e.attrib.items() if k in ("src", "href") and "//" in v]
    check(not outside and root.find(".//script") is None, "it needs nothing from outside")

    bad = study(f"{top}/d", "--grid", "nonsense")
    check(bad.returncode == 2 and "--list" in bad.stderr, "a grid that is not there is refused with the mend")
    bad = study(f"{top}/d", "--bogus")
    check(bad.returncode == 2 and "--bogus" in bad.stderr, "an option that is not there is named")
    bad = study("/proc/nowhere/x", *GRID)
    check(bad.returncode == 2 and "/proc/nowhere/x" in bad.stderr, "a place that cannot be written is named")
    listed = study(f"{top}/d", "--list").stdout
    check(all(re.search(rf"^{g} ", listed, re.M) for g in ("claim", "adaptive", "overload", "all")), "--list lists")

print(f"1..{n}")
sys.exit(1 if failed else 0)

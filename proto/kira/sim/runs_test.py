#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs dep-kira-sim and holds its report against what the room promises. TAP.

  runs_test.py PROGRAM small [few]     small networks, faults, determinism; few: shorter, for builds with sanitizers
  runs_test.py PROGRAM GRAPH [SECONDS] one large graph: all pairs, no loop, table sizes, stretch near the model's
"""
import json
import os
import re
import subprocess
import sys

PROGRAM = sys.argv[1]
DATA = os.environ.get("DEP_SHARED_DATA", "../shared/data") + "/kira"
GRAPHS = {  # name here: topology, name in the model's table
    "ba-1000": ("ba:1000", "ba", 1000),
    "rg-1000": ("rg:1000", "rg", 1000),
    "kdl": (f"file:{DATA}/topologies.txt.gz:teal/Kdl", "zoo/Kdl", 754),
    "sprint": (f"file:{DATA}/topologies.txt.gz:rocketfuel/1239-sprint-ns3", "rocketfuel/1239-sprint-ns3", 315),
    "ba-150": ("ba:150", None, 150),
    "rg-80": ("rg:80", None, 80),
}
FEW = "few" in sys.argv
SEEDS = ("1",) if FEW else ("1", "2")
LONG, UNTIL, SCAN = ("80s", "60s", "20ms") if FEW else ("200s", "170s", "10ms")
n_tests = 0
failed = False


def check(ok, name, detail=""):
    global n_tests, failed
    n_tests += 1
    failed |= not ok
    print(f"{'ok' if ok else 'not ok'} {n_tests} - {name}{': ' if detail else ''}{detail}", flush=True)


def skip(name, why):
    global n_tests
    n_tests += 1
    print(f"ok {n_tests} - {name} # SKIP {why}", flush=True)


def run(*args):
    """The report, as text; exit status 1 (not all reachable) is for the caller to judge by the report."""
    p = subprocess.run([PROGRAM, "--json", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode not in (0, 1):
        print(f"# {p.stderr.strip()}")
        raise SystemExit(f"{PROGRAM} {' '.join(args)}: status {p.returncode}")
    return p.stdout


def model_stretch(name, n, k):
    with open(f"{DATA}/model_stretch.txt") as f:
        for line in f:
            m = re.match(rf"{re.escape(name)}\s+n={n} .* k={k} mode=PR: .*stretch mean ([0-9.]+)", line)
            if m:
                return float(m.group(1))
    raise SystemExit(f"model_stretch.txt has no row for {name}, n={n}, k={k}")


def whole(name, r):
    """All pairs, no loops, tables within their bound."""
    a = r["reachability"]
    check(a["reached"] == a["pairs"] and not a["sampled"], f"{name} reaches all pairs",
          f"{a['reached']} of {a['pairs']}; failures {a['failures'][:3]}")
    check(r["loops"] == 0 and r["walks"] > 0, f"{name} has no loop", f"{r['loops']} in {r['walks']} walks")
    check(r["contacts"]["over_bound"] == 0, f"{name} keeps every table within 1.5 (k log2(N/k) + k + degree)",
          f"mean {r['contacts']['mean']}, max {r['contacts']['max']}")


def large(graph, seconds):
    topology, name, n = GRAPHS[graph]
    needs_data = name is not None
    if needs_data and not os.path.exists(f"{DATA}/model_stretch.txt"):
        why = f"the shared data folder is not at {DATA} (DEP_SHARED_DATA)"
        if os.environ.get("DEP_REQUIRE_DATA") == "1":
            check(False, f"{graph} has its data", why)
        else:
            skip(graph, why)
        return
    r = json.loads(run("--topology", topology, "--largest", "--time", seconds, "--seed", "1", "--watch", "100",
                       "--check", "all"))
    whole(graph, r)
    ours = r["reachability"]["stretch_mean"]
    if needs_data:
        model = model_stretch(name, n, 20)
        check(ours <= 1.1 * model, f"{graph} has a mean stretch within 10 % of the model's",
              f"{ours} against {model}, ratio {ours / model:.3f}")


def outages(name, topology, bound_ms, script):
    """Faults of one kind, one after the other; the worst outage of any pair that the graph still connects."""
    worst = hit = 0
    for seed in SEEDS:
        args = []
        for step in script:
            args += ["--fault", step]
        r = json.loads(run("--topology", topology, "--time", LONG, "--seed", seed, "--watch", "1260", "--scan", SCAN,
                           *args))
        whole(f"{name}, seed {seed}", r)
        for f in r["faults"]:
            worst = max(worst, f["outage_max_ms"])
            hit += f["hit"]
    check(worst <= bound_ms, f"{name}: no outage over {bound_ms} ms", f"worst {worst} ms, {hit} pairs hit in all")


def small():
    for topology in ("line:5", "ring:10", "grid:6x6", "ba:60", "fat-tree:4"):
        whole(topology, json.loads(run("--topology", topology, "--time", "10s")))
    first = run("--topology", "ba:60", "--time", "20s", "--seed", "7", "--fault", "at 10s cut 3 random links for 5s")
    again = run("--topology", "ba:60", "--time", "20s", "--seed", "7", "--fault", "at 10s cut 3 random links for 5s")
    other = run("--topology", "ba:60", "--time", "20s", "--seed", "8", "--fault", "at 10s cut 3 random links for 5s")
    check(first == again, "the same seed gives the same bytes")
    check(first != other, "another seed gives others")
    every = f"every 15s from 20s until {UNTIL} "
    outages("links cut", "grid:6x6", 2000, [every + "cut 1 random links for 8s"])
    outages("links cut, sparse graph", "ring:16", 2000, [every + "cut 1 random links for 8s"])
    outages("links silent", "grid:6x6", 5000, [every + "cut 1 random links silent for 8s"])
    outages("links silent one way", "grid:4x4", 5000,
            ["every 40s from 20s until 170s silent 5 6 oneway", "every 40s from 30s until 170s heal 5 6"])
    outages("nodes killed", "grid:6x6", 2000, [every + "kill 1 random nodes for 8s"])
    outages("nodes crashed", "grid:6x6", 8000, [every + "crash 1 random nodes for 10s"])
    outages("a node restarts without its SSN", "grid:4x4", 2000,
            ["at 25s node 5 kill", "at 40s node 5 start ssn-lost"])
    outages("halves part and meet", "grid:6x6", 5000, ["at 25s partition 0-17 18-35", "at 40s heal 14 20"])


if len(sys.argv) < 3 or (sys.argv[2] != "small" and sys.argv[2] not in GRAPHS):
    raise SystemExit(__doc__)
if sys.argv[2] == "small":
    small()
else:
    large(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "40s")
print(f"1..{n_tests}")
sys.exit(1 if failed else 0)

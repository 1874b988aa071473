#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""dep-l4s-sim beside ns-3 on the same dumbbell: N CUBIC flows, one PIE queue, the same parameters, one run after the
other. Prints one JSON line a case: packets a second of CPU time as the median over the seeds, their ratio, and beside
it what the two found; a figure outside its tolerance makes the exit status 1. Ours counts the CPU time of the whole
process, ns-3 that of Simulator::Run alone. --quick: fewer seeds and a shorter time; --keep: the program of ns-3 stays
in build/.

Tolerances (of the means over the seeds): utilisation 1 %, queue delay 1.5 ms, its p99 3 ms, Jain's index 0.06, drops
35 % or 10: the two differ in their randomness, HyStart and timers, and one flow's sawtooth is long beside the run."""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

TOP = os.environ.get("DEP_TOP") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = os.path.join(TOP, "build/release/proto/l4s/sim/dep-l4s-sim")
LIBS = ["core", "network", "point-to-point", "internet", "applications", "traffic-control"]

# flows, Mb/s, RTT in ms, seconds, of these warm-up
CASES = [(10, 400, 20, 40, 10), (2, 40, 40, 100, 20), (20, 100, 50, 60, 15)]
# figure: (absolute tolerance, relative tolerance), either is enough
TOLERANCE = {
    "utilisation": (0.01, 0),
    "delay_mean_ms": (1.5, 0),
    "delay_p99_ms": (3, 0),
    "jain": (0.06, 0),
    "dropped": (10, 0.35),
}


def compile_peer(to):
    version = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "libns3.43"], check=True, capture_output=True,
                             text=True).stdout
    subprocess.run(["g++", "-std=c++20", "-O2", "-DNDEBUG", f'-DNS3_VERSION="{version}"',
                    os.path.join(TOP, "bench/l4s_ns3.cc"), "-o", to, *[f"-lns3-{lib}" for lib in LIBS]], check=True)
    return version


def jain(rates):
    return sum(rates) ** 2 / (len(rates) * sum(r * r for r in rates))


def run_peer(program, case, seed):
    flows, rate, rtt, duration, warmup = case
    out = json.loads(subprocess.run(
        [program, f"--flows={flows}", f"--rate={rate}", f"--rtt={rtt}", f"--duration={duration}",
         f"--warmup={warmup}", f"--seed={seed}"], check=True, capture_output=True, text=True).stdout)
    out["jain"] = jain(out["goodput_mbps"])
    return out


def run_ours(case, seed):
    flows, rate, rtt, duration, warmup = case
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = subprocess.run(
        [OURS, "--rate", f"{rate}M", "--rtt", f"{rtt}ms", "--flow", f"{flows}xcubic", "--aqm", "pie limit 10000",
         "--time", f"{duration}s", "--warmup", f"{warmup}s", "--overhead", "2", "--spread", "1s", "--seed", str(seed),
         "--json"], check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = json.loads(text)
    link = out["links"][0]
    queue = link["queues"][0]
    return {
        "goodput_mbps": [f["rate"] / 1e6 for f in out["flows"]],
        "jain": jain([f["rate"] for f in out["flows"]]),
        "utilisation": link["utilisation"],
        "delay_mean_ms": queue["delay"]["mean"] / 1e6,
        "delay_p99_ms": queue["delay"]["p99"] / 1e6,
        "dropped": queue["dropped-ect"] + queue["dropped-not-ect"],
        "packets": out["packets"],
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def mean(runs, name):
    return statistics.fmean(r[name] for r in runs)


def compare(ours, peer):
    """What both found, and the names of figures that differ by more than their tolerance."""
    figures, outside = {}, []
    for name, (absolute, relative) in TOLERANCE.items():
        a, b = mean(ours, name), mean(peer, name)
        figures[name] = [round(a, 4), round(b, 4)]
        if abs(a - b) > max(absolute, relative * b):
            outside.append(name)
    return figures, outside


def speed(runs):
    return statistics.median(r["packets"] / r["cpu_s"] for r in runs)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--quick", action="store_true")
    args.add_argument("--keep", action="store_true")
    args = args.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as tmp:
        program = os.path.join(TOP, "build/l4s-ns3") if args.keep else os.path.join(tmp, "l4s-ns3")
        version = compile_peer(program)
        for case in CASES[1:2] if args.quick else CASES:
            ours, peer = [], []
            for seed in range(1, 2 if args.quick else 4):
                ours.append(run_ours(case, seed))
                peer.append(run_peer(program, case, seed))
            figures, outside = compare(ours, peer)
            failed = failed or bool(outside)
            flows, rate, rtt, duration, _ = case
            print(json.dumps({
                "bench": "l4s_sim", "case": f"{flows} CUBIC, PIE, {rate} Mb/s, {rtt} ms, {duration} s",
                "unit": "packets/s of CPU", "n": flows, "ours": round(speed(ours)), "peer": round(speed(peer)),
                "ratio": round(speed(ours) / speed(peer), 1), "peer_name": "ns-3", "peer_version": version,
                "seeds": len(ours), "found_ours_and_peer": figures, "outside_tolerance": outside}), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

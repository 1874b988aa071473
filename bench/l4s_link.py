#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The real bottleneck, dep-l4s-link: how fast it can be and still be on time, and what a packet costs.

Beside it, in the same run: a relay that does nothing but one read and one write a packet (bench/l4s_link_tool.c), which
no TUN program can beat, and the kernel's own rate limiter, sch_tbf on a veth, which needs no user space. The link has
processor 0, load and receiver have processor 1. JSON lines; --quick: shorter runs.

    per_packet_max    Mb/s: the highest rate of a ladder whose run was good: 2 % overload of 1514-byte frames, lateness
                      p99 within 150 us, nothing lost outside the queue, and the whole rate arrived
    cpu_per_packet_*  us of the forwarding thread, the receiver's interrupt work included, at a rate
    rate_error_*      ppm between the rate asked for and what arrived (2 % overload), beside sch_tbf
    system_cpu_*      us of all processors a packet of the same load, beside sch_tbf
    gso_tcp           Gb/s of one CUBIC flow through --gso
"""
import json
import os
import statistics
import subprocess
import sys
import time

TOP = os.environ["DEP_TOP"]
TOOL = f"{TOP}/build/release/bench/l4s_link_tool"
LINK = f"{TOP}/build/release/proto/l4s/link/dep-l4s-link"
QUICK = "--quick" in sys.argv[1:]
SECONDS = 1 if QUICK else 3
ROUNDS = 1 if QUICK else 3
LADDER = (100, 200, 300, 500, 700, 1000, 1200, 1500, 1800, 2200)
FRAME = 1514
ENDS = ("--a", "left:l0,10.9.0.1/24", "--b", "right:r0,10.9.0.2/24")
SINK = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
s.bind(("0.0.0.0", 9))
while True:
    time.sleep(60)
"""


def run(*args, check=True):
    return subprocess.run(args, check=check, capture_output=True, text=True, timeout=60)


def start(*args):
    return subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def inside(ns, *args):
    return ("taskset", "-c", "1", "ip", "netns", "exec", ns, *args)


def emit(case, unit, ours, n, **more):
    beside = more.get("peer", more.get("limit"))
    line = {"bench": "l4s_link", "case": case, "unit": unit, "n": n, "ours": ours,
            "ratio": round(ours / beside, 3) if beside else None, **more}
    print(json.dumps(line), flush=True)


def busy():
    """Seconds in which a processor was not idle, of all of them."""
    with open("/proc/stat", encoding="ascii") as f:
        v = [int(x) for x in f.readline().split()[1:]]
    return (sum(v[:3]) + sum(v[5:8])) / os.sysconf("SC_CLK_TCK")


def flood(address, mbits, seconds):
    return start(*inside("left", TOOL, "flood", address, str(mbits), str(seconds)))


def link(*args):
    p = start("taskset", "-c", "0", LINK, *ENDS, "--realtime", "--json", "--quiet", *args)
    time.sleep(0.4)
    return p


def good_overload(rate):
    """A run that the link itself calls good, if the machine allows one."""
    for _ in range(6):
        seen = overload(rate)
        if seen[0]["verdict"] == "good":
            break
        time.sleep(1)
    return seen


def overload(rate, *args):
    """One run at 2 % overload: the report, the rate that arrived, and the machine's time a packet."""
    p = link("--rate", f"{rate}M", "--delay", "1ms", "--aqm", "fifo", "--warmup", "600ms", *args)
    load = flood("10.9.0.2", rate * 1.02, SECONDS + 1)
    time.sleep(0.5)
    seen = watch("r0", SECONDS)
    p.terminate()
    report = json.loads(p.communicate(timeout=20)[0])
    load.communicate(timeout=20)
    return report, *seen


def watch(dev, seconds):
    b0 = busy()
    r = json.loads(run(*inside("right", TOOL, "watch", dev, str(seconds))).stdout)
    return r["packets"] * FRAME * 8e3 / r["ns"], (busy() - b0) * 1e6 / max(r["packets"], 1)


def relay(rate):
    p = start("taskset", "-c", "0", TOOL, "relay", "left", "right", str(SECONDS + 1))
    p.stdout.readline()
    for ns, dev, n in (("left", "l0", 1), ("right", "r0", 2)):
        run("ip", "-n", ns, "addr", "add", f"10.9.0.{n}/24", "dev", dev)
    flood("10.9.0.2", rate, SECONDS).communicate(timeout=20)
    r = json.loads(p.communicate(timeout=20)[0])
    return r["cpu_ns"] / 1e3 / r["packets"]


def tbf(rate, burst, *more):
    run("ip", "netns", "exec", "left", "tc", "qdisc", "replace", "dev", "h0", "root", "tbf", "rate", f"{rate}mbit",
        "burst", str(burst), "limit", str(1000 * FRAME), *more)


def kernel(rate):
    tbf(rate, max(3028, rate * 1000 // 8))
    load = flood("10.8.0.2", rate * 1.02, SECONDS + 1)
    time.sleep(0.5)
    seen = watch("f0", SECONDS)
    load.communicate(timeout=20)
    return seen


def cost(report):
    there = report["there"]
    return report["cpu-ns"] / 1e3 / max(there["sent-packets"], 1)


# ---- cases ----

def first_good(rate, *mode):
    """Lateness p99 (us) of the first good run of some that carried the whole rate, or None."""
    for _ in range(2 if QUICK else 4):
        report, got, _ = overload(rate, *mode)
        if report["verdict"] == "good" and got > 0.995 * rate:
            return report["there"]["late-ns"]["p99"] / 1e3
    return None


def per_packet_max():
    best = (0, 0, False)
    for mode in ((), ("--busy",)):
        for rate in LADDER:
            late = first_good(rate, *mode)
            if late is not None and rate > best[0]:
                best = (rate, late, bool(mode))
    emit("per_packet_max", "Mb/s", best[0], 1, limit=500, limit_is="asked for", late_p99_us=round(best[1], 1),
         late_limit_us=150, busy=best[2])


def at_rate(rate):
    rows, bad = [], 0
    for _ in range(ROUNDS):
        bare = relay(rate)
        report, got, system = good_overload(rate)
        peer_got, peer_system = kernel(rate)
        rows.append((cost(report), bare, (got / rate - 1) * 1e6, (peer_got / rate - 1) * 1e6, system, peer_system,
                     report["there"]["late-ns"]["p99"] / 1e3, report["there"].get("rate-ppm", 0) - 1e6))
        bad += report["verdict"] != "good"
    ours, bare, err, peer_err, system, peer_system, late, own = (statistics.median(c) for c in zip(*rows))
    emit(f"cpu_per_packet_{rate}", "us", round(ours, 2), ROUNDS, limit=round(bare, 2),
         limit_is="one read and one write", late_p99_us=round(late, 1), bad_runs=bad)
    emit(f"rate_error_{rate}", "ppm", round(abs(err)), ROUNDS, peer=round(abs(peer_err)), peer_name="sch_tbf",
         own_account=round(own))
    emit(f"system_cpu_{rate}", "us", round(system, 2), ROUNDS, peer=round(peer_system, 2), peer_name="sch_tbf")


def tcp(address):
    r = run(*inside("left", "iperf3", "-c", address, "-t", str(SECONDS), "-O", "1", "-C", "cubic", "-J"))
    return json.loads(r.stdout)["end"]["sum_received"]["bits_per_second"] / 1e9


def gso_tcp():
    rows = []
    for _ in range(ROUNDS):
        p = link("--gso", "--rate", "20G", "--delay", "100us", "--aqm", "fifo")
        ours = tcp("10.9.0.2")
        p.terminate()
        report = json.loads(p.communicate(timeout=20)[0])
        tbf(20000, 4 << 20)
        rows.append((ours, tcp("10.8.0.2"), report))
    ours = statistics.median(r[0] for r in rows)
    report = min((r[2] for r in rows), key=lambda r: r["there"]["late-ns"]["p99"])
    emit("gso_tcp", "Gb/s", round(ours, 2), ROUNDS, peer=round(statistics.median(r[1] for r in rows), 2),
         peer_name="sch_tbf", asked_for=5, late_p99_us=round(report["there"]["late-ns"]["p99"] / 1e3, 1),
         cpu_us_a_segment=round(cost(report), 3),
         segments_a_write=round(report["there"]["sent-packets"] / max(report["there"]["writes"], 1), 1))


def main():
    for ns in ("left", "right"):
        run("ip", "netns", "add", ns)
        run("ip", "-n", ns, "link", "set", "lo", "up")
    run("ip", "link", "add", "h0", "netns", "left", "type", "veth", "peer", "name", "f0", "netns", "right")
    for ns, dev, n in (("left", "h0", 1), ("right", "f0", 2)):
        run("ip", "-n", ns, "addr", "add", f"10.8.0.{n}/24", "dev", dev)
        run("ip", "-n", ns, "link", "set", dev, "up")
    sinks = [start(*inside("right", sys.executable, "-c", SINK)), start(*inside("right", "iperf3", "-s"))]
    try:
        at_rate(100)
        at_rate(500)
        at_rate(1000)
        per_packet_max()
        gso_tcp()
    finally:
        for p in sinks:
            p.kill()
            p.wait()
        for ns in ("left", "right"):
            run("ip", "netns", "del", ns)


main()
